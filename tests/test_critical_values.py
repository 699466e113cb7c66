"""The critical-value pack beyond its examples: limits by ward, repeat policies, and alarm limits apart from gate limits."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from test_differential import QUIET

from oncogate.authoring.examples import judge_alone, request_of
from oncogate.gate import Gate
from oncogate.model.decision import Decision
from oncogate.model.rule import Rule
from oncogate.packs.load import load_library
from oncogate.packs.pack import Library

PACK = "critical-values/"
PACKS = [ROOT / "rules" / "core", ROOT / "rules" / "critical-values"]
RULES = {
    "platelets-critically-low", "platelets-critically-high", "white-cells-critically-low", "white-cells-critically-high",
    "haemoglobin-critically-low", "potassium-critically-low", "potassium-critically-high", "alt-critically-high",
    "ast-critically-high",
}  # fmt: skip
ONCOLOGY = {"id": "p", "ward": "肿瘤内科", "birth_date": "1960-05-01"}


@lru_cache
def library() -> Library:
    return load_library(PACKS)


def rule(name: str) -> Rule:
    return next(r.rule for r in library().rules if r.rule.id == PACK + name)


def with_value(one: Rule, **values: Any) -> Rule:
    """The rule as a site would set it."""
    changed = {n: one.parameters[n].model_copy(update={"value": v}) for n, v in values.items()}
    return one.model_copy(update={"parameters": {**one.parameters, **changed}})


def verdict(one: Rule, **given_: Any) -> str:
    return judge_alone(one, request_of(given_, library()), library()).verdict


def adopted(folder: Path, *names: str) -> Gate:
    """The shipped gate with rules of the pack adopted."""
    lines = [
        f"  {PACK}{n}: {{status: stable, reviewed_by: 检验科主任, source: 本院危急值清单, date: 2026-01-05}}"
        for n in names
    ]
    file = folder / "site.yaml"
    file.write_text("\n".join(["id: our-hospital", "rules:", *lines, ""]), "utf-8")
    return Gate.load(PACKS, site=file)


def decide(gate: Gate, **given_: Any) -> Decision:
    return gate.decide(request_of(given_, library()))


def test_there_is_one_rule_for_each_analyte_and_side_and_all_are_on_trial():
    found = [r.rule for r in library().rules if r.rule.id.startswith(PACK)]
    assert {r.id.removeprefix(PACK) for r in found} == RULES
    assert {r.status for r in found} == {"trial"}
    assert {r.effect for r in found} == {"critical_value"}
    assert all({"repeats", "quiet", "window"} <= set(r.parameters) for r in found)


def test_on_trial_nothing_is_raised_and_the_outcome_stays():
    decision = decide(Gate.load(PACKS), patient=ONCOLOGY, **{"lab.platelets": "8 10*9/L"})
    assert (decision.outcome, decision.critical_values) == ("allow", ())
    assert PACK + "platelets-critically-low" in {f.rule for f in decision.shadow}


def test_an_adopted_rule_raises_the_result_with_its_limit(tmp_path: Path):
    gate = adopted(tmp_path, "platelets-critically-low")
    decision = decide(gate, patient=ONCOLOGY, **{"lab.platelets": "8 10*9/L"})
    (raised,) = decision.critical_values
    assert (raised.value, raised.unit, raised.limit, raised.entry) == ("8", "10*9/L", "20", "labs-0")
    assert decision.outcome == "allow"


class TestAlarmLimitsAndGateLimits:
    """Whether a value starts the loop and whether it stops the order are two questions."""

    def test_an_anc_that_is_critical_does_not_block_an_order_that_spares_the_marrow(self) -> None:
        decision = decide(
            Gate.load(PACKS), tumour="breast", order=["来曲唑"], patient=ONCOLOGY, **{"lab.anc": "0.8 10*9/L"}
        )
        assert [v.rule for v in decision.critical_values] == ["core/anc-critical"]
        finding = decision.finding("core/anc-below-start-limit")
        assert finding is not None
        assert finding.verdict == "not_applicable"

    def test_an_anc_that_is_critical_does_not_block_a_drug_without_a_start_limit(self) -> None:
        decision = decide(Gate.load(PACKS), tumour="lung", order=["顺铂"], **{"lab.anc": "0.9 10*9/L"})
        assert [v.rule for v in decision.critical_values] == ["core/anc-critical"]
        assert "core/anc-below-start-limit" not in {f.rule for f in decision.findings}

    def test_an_anc_that_blocks_is_not_critical(self) -> None:
        decision = decide(Gate.load(PACKS), tumour="breast", order=["多西他赛"], **{"lab.anc": "1.2 10*9/L"})
        assert decision.critical_values == ()
        assert "core/anc-below-start-limit" in {f.rule for f in decision.findings if f.asks == "block"}

    def test_where_the_laboratory_works_with_half_a_count_that_blocks_need_not_be_critical(
        self, tmp_path: Path
    ) -> None:
        site = tmp_path / "site.yaml"
        site.write_text("id: lab\nparameters: {core/anc-critical: {limit: 0.5}}\n", "utf-8")
        decision = decide(
            Gate.load(PACKS, site=site), tumour="breast", order=["多西他赛"], **{"lab.anc": "0.8 10*9/L"}
        )
        assert decision.critical_values == ()
        assert "core/anc-below-start-limit" in {f.rule for f in decision.findings if f.asks == "block"}

    def test_platelets_that_are_critical_do_not_block_an_order_that_spares_the_marrow(
        self, tmp_path: Path
    ) -> None:
        gate = adopted(tmp_path, "platelets-critically-low")
        decision = decide(
            gate, tumour="breast", order=["来曲唑"], patient=ONCOLOGY, **{"lab.platelets": "8 10*9/L"}
        )
        assert [v.fact for v in decision.critical_values] == ["lab.platelets"]
        assert not any("platelets" in f.rule for f in decision.findings if f.asks == "block")

    def test_platelets_below_any_start_limit_are_not_critical(self, tmp_path: Path) -> None:
        gate = adopted(tmp_path, "platelets-critically-low", "platelets-critically-high")
        decision = decide(
            gate, tumour="breast", order=["多西他赛"], patient=ONCOLOGY, **{"lab.platelets": "45 10*9/L"}
        )
        assert decision.critical_values == ()


class TestTheWard:
    @pytest.mark.parametrize(
        ("count", "expected"), [("19", "unmet"), ("25", "unknown"), ("30", "not_applicable")]
    )
    def test_not_supplied_leaves_both_limits_possible(self, count: str, expected: str) -> None:
        patient = {"id": "p", "birth_date": "1960-05-01"}
        found = verdict(
            rule("platelets-critically-low"), patient=patient, **{"lab.platelets": f"{count} 10*9/L"}
        )
        assert found == expected

    def test_that_decides_between_the_limits_speaks_when_it_is_not_supplied(self, tmp_path: Path) -> None:
        gate = adopted(tmp_path, "platelets-critically-low")
        decision = decide(
            gate, patient={"id": "p", "birth_date": "1960-05-01"}, **{"lab.platelets": "25 10*9/L"}
        )
        (finding,) = decision.findings
        assert (finding.verdict, finding.asks, decision.outcome) == ("unknown", "warn", "warn")
        assert decision.critical_values == ()

    def test_is_named_as_what_is_missing(self) -> None:
        request = request_of({"lab.platelets": "25 10*9/L"}, library())
        found = judge_alone(rule("platelets-critically-low"), request, library())
        assert {"patient.ward", "patient.age"} <= set(found.missing)
        assert "所在科室" in found.reason.zh

    def test_names_are_the_sites_own(self, tmp_path: Path) -> None:
        file = tmp_path / "site.yaml"
        file.write_text(
            "id: h\nparameters: {critical.marrow_ward: {wards: [日间化疗中心]}}\n"
            f"rules:\n  {PACK}platelets-critically-low: {{status: stable, reviewed_by: 甲, source: 清单, date: 2026-01-05}}\n",
            "utf-8",
        )
        gate = Gate.load(PACKS, site=file)
        for ward, raised in (("日间化疗中心", 0), ("肿瘤内科", 1)):
            patient = {**ONCOLOGY, "ward": ward}
            decision = decide(gate, patient=patient, **{"lab.platelets": "25 10*9/L"})
            assert len(decision.critical_values) == raised, ward


class TestTheRepeatPolicy:
    """Of two critical results: 12 an earlier time, `now` an hour ago."""

    @pytest.mark.parametrize(
        ("policy", "hours", "now", "expected"),
        [
            ("every_time", 10, 15, "unmet"),
            ("first_only", 10, 15, "not_applicable"),
            ("first_only", 10, 8, "not_applicable"),
            ("first_only", 25, 15, "not_applicable"),  # 24 hours before the newest result
            ("first_only", 26, 15, "unmet"),
            ("if_worse", 10, 15, "not_applicable"),
            ("if_worse", 10, 12, "not_applicable"),
            ("if_worse", 10, 11, "unmet"),
            ("if_worse", 26, 15, "unmet"),
        ],
    )
    def test_of_low_values(self, policy: str, hours: int, now: int, expected: str) -> None:
        labs = [
            {"fact": "lab.platelets", "value": "12 10*9/L", "age": f"{hours} h"},
            {"fact": "lab.platelets", "value": f"{now} 10*9/L", "age": "1 h"},
        ]
        one = with_value(rule("platelets-critically-low"), repeats=policy)
        assert verdict(one, patient=ONCOLOGY, labs=labs) == expected

    @pytest.mark.parametrize(
        ("policy", "now", "expected"),
        [
            ("first_only", "7.5", "not_applicable"),
            ("if_worse", "6.9", "not_applicable"),
            ("if_worse", "7.1", "unmet"),
        ],
    )
    def test_of_high_values(self, policy: str, now: str, expected: str) -> None:
        labs = [
            {"fact": "lab.potassium", "value": "7.0 mmol/L", "age": "10 h"},
            {"fact": "lab.potassium", "value": f"{now} mmol/L", "age": "1 h"},
        ]
        assert verdict(with_value(rule("potassium-critically-high"), repeats=policy), labs=labs) == expected

    def test_an_earlier_result_that_was_taken_back_was_never_raised(self) -> None:
        labs = [
            {"fact": "lab.alt", "value": "1500 U/L", "age": "3 d", "status": "entered-in-error"},
            {"fact": "lab.alt", "value": "900 U/L", "age": "1 h"},
        ]
        assert verdict(rule("alt-critically-high"), labs=labs) == "unmet"

    def test_an_earlier_result_that_cannot_be_read_silences_nothing(self) -> None:
        labs = [
            {"fact": "lab.alt", "value": "1500 g/L", "age": "3 d"},
            {"fact": "lab.alt", "value": "900 U/L", "age": "1 h"},
        ]
        assert verdict(rule("alt-critically-high"), labs=labs) == "unmet"

    def test_shows_the_earlier_result_that_keeps_it_silent(self) -> None:
        """Judged on what it names as its evidence, the rule says the same again."""
        labs = [
            {"fact": "lab.alt", "value": "1500 U/L", "age": "3 d"},
            {"fact": "lab.alt", "value": "900 U/L", "age": "1 h"},
        ]
        found = judge_alone(rule("alt-critically-high"), request_of({"labs": labs}, library()), library())
        assert {row.entry for row in found.evidence} == {"labs-0", "labs-1"}

    def test_of_transaminases_is_kept_for_each_enzyme(self) -> None:
        labs = [
            {"fact": "lab.alt", "value": "1500 U/L", "age": "3 d"},
            {"fact": "lab.ast", "value": "900 U/L", "age": "1 h"},
        ]
        assert verdict(rule("ast-critically-high"), labs=labs) == "unmet"
        assert verdict(rule("alt-critically-high"), labs=labs) == "unmet"


@settings(QUIET, max_examples=60, derandomize=True)
@given(
    count=st.integers(0, 60),
    ward=st.sampled_from([None, "肿瘤内科", "胸外科"]),
    born=st.sampled_from([None, "1960-05-01", "2015-05-01"]),
)
def test_learning_the_ward_and_the_age_only_settles_what_was_unknown(
    count: int, ward: str | None, born: str | None
) -> None:
    """Whatever a limit is unknown for, no count is raised that a known ward and age would not raise, or the reverse."""
    one, value = rule("platelets-critically-low"), {"lab.platelets": f"{count} 10*9/L"}
    patient = {"id": "p"} | ({"ward": ward} if ward else {}) | ({"birth_date": born} if born else {})
    before = verdict(one, patient=patient, **value)
    whole = [
        {"id": "p", "ward": w, "birth_date": b}
        for w in ([ward] if ward else ["肿瘤内科", "胸外科"])
        for b in ([born] if born else ["1960-05-01", "2015-05-01"])
    ]
    after = {verdict(one, patient=p, **value) for p in whole}
    assert "unknown" not in after
    assert after == {before} if before != "unknown" else len(after) == 2


def test_the_same_value_in_another_unit_is_judged_alike():
    one = rule("haemoglobin-critically-low")
    patient = {"id": "p", "birth_date": "1960-05-01"}
    assert verdict(one, patient=patient, **{"lab.haemoglobin": "5.9 g/dL"}) == "unmet"
    assert verdict(one, patient=patient, **{"lab.haemoglobin": "6.0 g/dL"}) == "not_applicable"


def test_the_texts_name_the_value_the_time_and_the_limit():
    for name in RULES:
        reason = rule(name).reason.unmet
        for text in (reason.zh, reason.en):
            assert "{when}" in text, name
            assert "{value}" in text, name
            assert "{limit}" in text or "{used_limit}" in text, name


def test_icd10_prefixes_are_written_without_their_dot():
    """A prefix with a dot would match nothing."""
    for path in sorted((ROOT / "rules").glob("*/facts.yaml")):
        for name, fact in library().facts.items():
            assert not any("." in code for code in fact.icd10), (path, name)
