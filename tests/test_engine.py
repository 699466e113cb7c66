"""Edges of the meaning that `docs/decisions/0002` settles, one test each."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from cases import RULE, pack
from loaded import shipped_library

from oncogate import Gate, Request
from oncogate.authoring.examples import request_of
from oncogate.engine.case import Case
from oncogate.engine.judge import judge
from oncogate.engine.wording import minute_text
from oncogate.packs.load import load_library

LIBRARY = shipped_library()
GATE = Gate(LIBRARY)
DOCETAXEL = {"drugs": [{"name": "多西他赛"}]}


def verdict(rule: str, **given) -> str:
    finding = GATE.decide(request_of({"order": DOCETAXEL, **given}, LIBRARY)).finding(f"core/{rule}")
    assert finding is not None
    return finding.verdict


def two(first: str, second: str, **more):
    return [{"id": "a", "code": first, **more}, {"id": "b", "code": second}]


STAGE = {"stage": "cT2N0M0", "kind": "clinical"}


def test_the_same_code_twice_is_one_tumour_and_another_code_another():
    assert verdict("clinical-stage-missing", diagnoses=two("C50.9", "C50.9"), stages=[STAGE]) == "met"
    assert verdict("clinical-stage-missing", diagnoses=two("C50.4", "C34.1"), stages=[STAGE]) == "unmet"


def test_an_unspecified_site_is_the_one_other_of_its_category():
    assert (
        verdict("clinical-stage-missing", diagnoses=two("C34.1", "C34.9"), stages=[STAGE | {"focus": "b"}])
        == "met"
    )
    assert verdict("clinical-stage-missing", diagnoses=two("C34.1", "C34.3"), stages=[STAGE]) == "unmet"


def test_an_old_tumour_in_remission_is_not_the_one_treated_but_is_another():
    diagnoses = two("C50.4", "C34.1", status="remission")
    assert verdict("clinical-stage-missing", diagnoses=diagnoses, stages=[STAGE | {"focus": "b"}]) == "met"
    assert verdict("clinical-stage-missing", diagnoses=diagnoses, stages=[STAGE]) == "unmet"


def test_a_refuted_tumour_is_none_and_no_other():
    refuted = {"id": "b", "code": "C34.1", "status": "refuted"}
    breast = {"id": "a", "code": "C50.4"}
    assert verdict("clinical-stage-missing", diagnoses=[breast, refuted], stages=[STAGE]) == "met"
    assert (
        verdict("clinical-stage-missing", diagnoses=[breast, refuted | {"status": "active"}], stages=[STAGE])
        == "unmet"
    )


def test_treatment_of_a_metastasis_is_treatment_of_the_tumour():
    diagnoses = [{"id": "a", "code": "C34.1"}, {"id": "m", "code": "C79.3"}]
    assert (
        verdict(
            "clinical-stage-missing",
            diagnoses=diagnoses,
            treatments=[{"kind": "radiotherapy", "focus": "m", "age": "40 d"}],
        )
        == "not_applicable"
    )


def test_an_earlier_treatment_that_does_not_say_of_which_of_two_tumours_leaves_it_open():
    order = DOCETAXEL | {"focus": "a"}
    given = {"diagnoses": two("C50.4", "C34.1"), "treatments": [{"kind": "radiotherapy", "age": "40 d"}]}
    assert verdict("clinical-stage-missing", order=order, **given) == "unknown"
    assert verdict("clinical-stage-missing", order=order, **given, stages=[STAGE | {"focus": "a"}]) == "met"


def test_a_withdrawal_without_a_time_may_be_the_last_word():
    signed = {"id": "c1", "kind": "chemotherapy", "status": "active", "age": "1 d"}
    undated = {"id": "c2", "kind": "chemotherapy", "status": "inactive", "effective": None}
    assert verdict("consent-missing", consents=[signed]) == "met"
    assert verdict("consent-missing", consents=[signed, undated]) == "unknown"


def test_a_tie_of_signature_and_withdrawal_is_a_withdrawal():
    signed = {"id": "c1", "kind": "chemotherapy", "status": "active", "age": "1 d"}
    assert (
        verdict("consent-missing", consents=[signed, signed | {"id": "c2", "status": "rejected"}]) == "unmet"
    )


def test_a_withdrawal_of_another_regimen_leaves_this_consent_alone():
    order = DOCETAXEL | {"regimen": "TC"}
    signed = {"id": "c1", "kind": "chemotherapy", "status": "active", "regimen": "TC", "age": "2 d"}
    other = {"id": "c2", "kind": "chemotherapy", "status": "inactive", "regimen": "AC-T", "age": "1 d"}
    assert verdict("consent-missing", order=order, consents=[signed, other]) == "met"
    assert verdict("consent-missing", order=order, consents=[signed, other | {"regimen": None}]) == "unmet"


def anc(value, **more):
    return {"fact": "lab.anc", "value": f"{value} 10*9/L", "age": "1 d", **more}


def test_a_correction_counts_only_if_it_was_recorded_later():
    later = {"status": "corrected", "recorded_in": "0 d"}
    assert verdict("anc-below-start-limit", labs=[anc(0.9), anc(2.4, **later)]) == "met"
    assert verdict("anc-below-start-limit", labs=[anc(0.9), anc(2.4, status="corrected")]) == "unknown"
    assert verdict("anc-critical", labs=[anc(0.9), anc(2.4, status="corrected")]) == "unmet"
    assert verdict("anc-critical", labs=[anc(0.9), anc(2.4, **later)]) == "not_applicable"


def test_two_keys_are_two_results():
    assert (
        verdict(
            "anc-below-start-limit",
            labs=[anc(0.9, key="x"), anc(2.4, status="corrected", recorded_in="0 d", key="y")],
        )
        == "unknown"
    )
    assert (
        verdict(
            "anc-below-start-limit",
            labs=[anc(0.9, key="x"), anc(2.4, status="corrected", recorded_in="0 d", key="x")],
        )
        == "met"
    )
    assert (
        verdict(
            "anc-below-start-limit",
            labs=[anc(0.9, key="x"), anc(2.4, status="entered-in-error", recorded_in="0 d", key="x")],
        )
        == "not_applicable"
    )


def test_an_unreadable_result_of_something_else_hides_no_neutrophil_count():
    sodium = {
        "section": "labs",
        "problem": "no zone",
        "codes": [{"system": "http://loinc.org", "code": "2951-2"}],
    }
    unknown = {"section": "labs", "problem": "no zone"}
    assert verdict("anc-below-start-limit", labs=[anc(2.4)], unread=[sodium]) == "met"
    assert verdict("anc-below-start-limit", labs=[anc(2.4)], unread=[unknown]) == "unknown"


def test_an_operation_that_is_not_understood_leaves_the_first_treatment_open():
    lung = {"diagnoses": [{"id": "a", "code": "C34.1"}]}
    assert (
        verdict("clinical-stage-missing", **lung, procedures=[{"kind": "operation", "age": "60 d"}])
        == "unknown"
    )
    assert (
        verdict("clinical-stage-missing", **lung, procedures=[{"kind": "surgery", "age": "60 d"}])
        == "not_applicable"
    )
    assert (
        verdict("pathologic-stage-missing", **lung, procedures=[{"kind": "surgery", "age": "60 d"}])
        == "unknown"
    )
    assert (
        verdict("pathologic-stage-missing", **lung, procedures=[{"kind": "biopsy", "age": "60 d"}])
        == "not_applicable"
    )


def test_an_in_situ_tumour_is_the_one_treated_where_the_order_says_so():
    diagnoses = [{"id": "a", "code": "D05.1"}]
    stage = {"stage": "cTisN0M0", "kind": "clinical"}
    order = {"drugs": [{"name": "他莫昔芬"}], "focus": "a"}
    assert verdict("clinical-stage-missing", order=order, diagnoses=diagnoses, stages=[stage]) == "met"
    assert (
        verdict(
            "clinical-stage-missing",
            order={"drugs": [{"name": "他莫昔芬"}]},
            diagnoses=diagnoses,
            stages=[stage],
        )
        == "unknown"
    )


def test_another_patients_entry_is_not_counted_and_is_noticed():
    consent = {"id": "c", "kind": "chemotherapy", "status": "active", "patient": "someone-else"}
    decision = GATE.decide(request_of({"order": DOCETAXEL, "consents": [consent]}, LIBRARY))
    assert decision.finding("core/consent-missing").verdict == "unmet"
    assert [n.code for n in decision.notices] == ["wrong-patient"]


def _fails(*_):
    raise ZeroDivisionError


def test_a_rule_that_fails_in_the_engine_is_unknown_and_asks(monkeypatch):
    from oncogate.engine.formulas import FORMULAS

    monkeypatch.setitem(FORMULAS, "order_needs_marker", _fails)
    decision = GATE.decide(Request.load({"at": "2026-03-02T09:30:00+08:00"}))
    finding = decision.finding("core/molecular-result-missing")
    assert (decision.outcome, finding.verdict, finding.asks, finding.why) == ("block", "unknown", "block", "engine_error")  # fmt: skip
    assert "core/molecular-result-missing" in decision.determining_rules


def test_an_order_that_can_not_even_be_looked_at_passes_no_rule(monkeypatch):
    from oncogate.engine.program import Program

    monkeypatch.setattr(Program, "_plan", _fails)
    decision = GATE.decide(Request.load({"at": "2026-03-02T09:30:00+08:00"}))
    assert decision.outcome == "block"
    assert {f.verdict for f in decision.all_findings} == {"unknown"}


@pytest.mark.parametrize("broken", ["judge_safely", "finding_of"])
def test_a_verdict_stands_though_it_can_not_be_explained(monkeypatch, broken):
    from oncogate.explain import account

    monkeypatch.setattr(account, broken, (lambda *_, **__: None) if broken == "judge_safely" else _fails)
    decision = GATE.decide(request_of({"order": DOCETAXEL, "consents": []}, LIBRARY))
    finding = decision.finding("core/consent-missing")
    assert (decision.outcome, finding.verdict, finding.asks, finding.why) == ("block", "unmet", "block", "engine_error")  # fmt: skip
    assert finding in decision.determining


def test_what_a_text_does_not_ask_for_can_not_spoil_it(monkeypatch):
    from oncogate.explain import reasons

    monkeypatch.setattr(reasons, "_OF_THE_CASE", {**reasons._OF_THE_CASE, "regimen": _fails})
    decision = GATE.decide(request_of({"order": DOCETAXEL, "consents": []}, LIBRARY))
    assert decision.finding("core/consent-missing").why is None


def test_no_text_of_one_patient_is_said_of_another():
    gate = Gate(LIBRARY)
    first, second = (
        {f.rule: f.reason for f in gate.decide(request_of({"order": {"drugs": [{"name": name}]}}, LIBRARY)).findings}
        for name in ("多西他赛", "紫杉醇")
    )  # fmt: skip
    alone = {
        f.rule: f.reason
        for f in GATE.decide(request_of({"order": {"drugs": [{"name": "紫杉醇"}]}}, LIBRARY)).findings
    }
    assert second == alone
    assert any(first[rule] != reason for rule, reason in second.items() if rule in first)


def test_an_empty_date_is_written_as_it_always_was():
    at = datetime(2026, 3, 2, tzinfo=timezone.utc)
    assert minute_text(datetime(1, 1, 2, 3, 4, 5, tzinfo=timezone.utc), at) == "1-01-02 03:04"
    assert minute_text(datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc), at) == "2026-01-02 03:04"


def test_every_formula_that_a_fact_may_name_is_there_and_no_other():
    from oncogate.engine.formulas import FORMULAS
    from oncogate.model.formulas import FORMS

    assert set(FORMULAS) == set(FORMS)


def consent(id, **fields):
    return {"id": id, "kind": "chemotherapy", "status": "active", "age": "3 d", **fields}


def test_each_signature_is_held_against_each_withdrawal():
    ended = {"status": "inactive", "age": "2 d"}
    undated = {"id": "a", "kind": "chemotherapy", "status": "active", "effective": None}
    plan_a = DOCETAXEL | {"regimen": "A"}
    assert (
        verdict(
            "consent-missing",
            order=plan_a,
            consents=[consent("a", regimen="A"), consent("b", regimen="B", **ended)],
        )
        == "met"
    )
    assert (
        verdict("consent-missing", consents=[consent("a"), consent("b", regimen="B", **ended)]) == "unknown"
    )
    assert verdict("consent-missing", consents=[undated, consent("b", **ended)]) == "unknown"
    unnamed = {"diagnoses": None, "consents": [consent("a"), consent("b", focus="d2", **ended)]}
    assert verdict("consent-missing", **unnamed) == "unknown"


def test_a_withdrawal_entered_in_error_is_none():
    ended = consent("b", status="inactive", age="2 d", key="k")
    error = consent("c", status="entered-in-error", age="1 d", key="k")
    assert verdict("consent-missing", consents=[consent("a"), ended]) == "unmet"
    assert verdict("consent-missing", consents=[consent("a"), ended, error]) == "met"


def test_one_value_written_in_two_ways_gives_the_same_bytes():
    def decided(number):
        lab = b'{"id": "l", "codes": [{"system": "http://loinc.org", "code": "751-8"}], "status": "final", "effective": "2026-03-01", "value": {"value": %s, "unit": "10*9/L"}}'
        return GATE.decide(
            Request.load(b'{"at": "2026-03-02T09:30:00+08:00", "record": {"labs": [%s]}}' % (lab % number))
        ).to_json()

    assert decided(b"0.50") == decided(b"0.5")
    assert decided(b"1.0") == decided(b"1")


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ("2026-03-02T09:29:00+08:00", "unmet"),  # a minute before the moment
        ("2026-03-02T09:30:00+08:00", "met"),
        ("2026-03-09T09:30:00+08:00", "met"),
        ("2026-03-09T09:31:00+08:00", "unmet"),
        ("2026-03-02", "met"),
        (None, "unknown"),
    ],
)
def test_what_is_planned_for_later_than_the_window_is_not_due(tmp_path: Path, planned, expected):
    text = RULE.replace("{exists: lab.anc, within: window}", "{exists: treatment.gcsf, due_within: window}")
    library = load_library([pack(tmp_path, text)])
    (rule,) = (loaded.rule for loaded in library.rules)
    order = {"drugs": [{"name": "重组人粒细胞刺激因子"}], "status": "planned", "planned": planned}
    assert (
        judge(rule, Case.of(request_of({"order": DOCETAXEL, "orders": [order]}, library), library)).verdict
        == expected
    )


@pytest.mark.parametrize(
    ("policy", "now", "expected"),
    [
        ("every_time", "0.4", "unmet"),
        ("first_only", "0.2", "not_applicable"),
        ("if_worse", "0.4", "not_applicable"),
        ("if_worse", "0.3", "not_applicable"),
        ("if_worse", "0.2", "unmet"),
    ],
)
def test_a_critical_value_that_got_worse_is_raised_again(policy, now, expected):
    (rule,) = (
        loaded.rule
        for loaded in LIBRARY.rules
        if loaded.rule.id == "critical-values/white-cells-critically-low"
    )
    own = rule.parameters["repeats"].model_copy(update={"value": policy})
    rule = rule.model_copy(update={"parameters": {**rule.parameters, "repeats": own}})
    labs = [
        {"fact": "lab.wbc", "value": "0.3 10*9/L", "age": "10 h"},
        {"fact": "lab.wbc", "value": f"{now} 10*9/L", "age": "1 h"},
    ]
    request = request_of(
        {"patient": {"id": "p", "birth_date": "1980-01-01", "ward": "普外科"}, "labs": labs}, LIBRARY
    )
    assert judge(rule, Case.of(request, LIBRARY)).verdict == expected


def test_a_stage_of_the_very_moment_of_the_operation_is_since_it():
    operated = "2026-01-05T10:00:00+08:00"

    def staged(effective: str) -> str:
        stage = {
            "id": "s",
            "kind": "pathologic",
            "stage": "pT2N1M0",
            "effective": effective,
            "recorded": effective,
        }
        resection = {"id": "p", "kind": "resection", "effective": operated, "recorded": operated}
        return verdict("pathologic-stage-missing", tumour="breast", procedures=[resection], stages=[stage])

    assert staged(operated) == "met"
    assert staged("2026-01-05T10:00:01+08:00") == "met"
    assert staged("2026-01-05T09:59:59+08:00") == "unmet"


@pytest.mark.parametrize(
    ("code", "has"),
    [
        ({"display": "乳腺癌"}, None), ({"display": "Breast cancer"}, None), ({"code": "C50.900x001", "system": "urn:local"}, None),
        ({"code": "C50.4"}, None), ({"code": "D123", "system": "urn:local"}, False), ({"display": "高血压"}, False),
        ({"code": "I10", "system": "icd-10", "display": "高血压（乳腺癌家族史）"}, False),
        ({"display": "Family history of malignant neoplasm of breast"}, False), ({"display": "良性肿瘤"}, False),
        ({"display": "恶性高血压"}, False), ({"display": "癌胚抗原升高"}, False),
        ({"code": "C5012", "system": "urn:local"}, False), ({"code": "C50.4", "system": "icd-10"}, True),
    ],
)  # fmt: skip
def test_a_diagnosis_that_only_words_call_a_tumour_may_be_one(code, has):
    """Otherwise an unrecognised drug would pass without a word where the host's codes can't be read."""
    diagnoses = [{"id": "d", "codes": [code], "effective": "2026-02-01T09:00:00+08:00"}]
    case = Case.of(request_of({"diagnoses": diagnoses, "order": ["XR-17 注射液"]}, LIBRARY), LIBRARY)
    assert case.has_tumour is has
