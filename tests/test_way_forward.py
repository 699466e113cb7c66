"""The way forward: smallest, proved, and honest about what no action mends."""

from __future__ import annotations

from pathlib import Path

import pytest
from hooks import RULED_ON
from loaded import shipped_gate

from oncogate import Request
from oncogate.engine.case import Case
from oncogate.explain.way_forward import with_done

ROOT = Path(__file__).resolve().parents[1]
GATE = shipped_gate()
EXAMPLES = {
    p.name: p
    for p in (ROOT / "examples").glob("*.json")
    if p.name not in ("cds-hooks-order-sign.json", "fhir-bundle.json")
}


@pytest.mark.parametrize(
    ("name", "outcome", "ways", "stuck"),
    [
        ("allowed.json", "allow", (), ()),
        ("no-consent.json", "block", (("sign-consent",),), ()),
        ("no-assessment.json", "block", (("record-assessment",),), ()),
        ("no-clinical-stage.json", "block", (("document-clinical-stage",),), ()),
        ("no-pathology.json", "block", (("obtain-pathology",),), ()),
        ("no-molecular-result.json", "block", (("obtain-molecular-result",),), ()),
        ("stage-recorded-late.json", "block", (("document-clinical-stage",),), ()),
        ("near-miss-consent.json", "block", (("sign-consent",),), ()),
        ("not-supplied.json", "block", (("check-blood-count", "sign-consent"),), ()),
        ("blood-count-too-old.json", "warn", (("check-blood-count",),), ()),
        ("high-risk-without-gcsf.json", "warn", (("order-gcsf",),), ()),
        ("anc-below-limit.json", "block", (), ("core/anc-below-start-limit",)),
        ("critical-anc-no-order.json", "allow", (), ()),
    ],
)  # fmt: skip
def test_the_examples(name, outcome, ways, stuck):
    decision = GATE.decide(Request.load(EXAMPLES[name]))
    assert (decision.outcome, decision.way_forward, decision.not_remediable) == (outcome, ways, stuck)


def test_what_no_remedy_can_be_tried_for_is_not_judged_again(monkeypatch):
    from oncogate.explain import account

    judged = []
    monkeypatch.setattr(account.Case, "with_request", lambda *_: judged.append(1))
    decision = GATE.decide(Request.load(EXAMPLES["anc-below-limit.json"]))
    assert (decision.not_remediable, judged) == (("core/anc-below-start-limit",), [])


def test_every_example_is_in_the_table_above():
    assert len(EXAMPLES) == 13


def doing(request, actions):
    """The request with the actions done, by the remedies that its own findings name."""
    findings = {
        f.remedy.action: f for f in GATE.decide(request).findings if f.remedy and f.asks in ("block", "warn")
    }
    rules = {r.rule.id: r.rule for r in GATE.library.rules}
    done = []
    for action in actions:
        finding = findings[action]
        rule = rules[finding.rule]
        remedy = (
            rule.remedy_if_unknown if finding.verdict == "unknown" and rule.remedy_if_unknown else rule.remedy
        )
        done.append((action, remedy, finding.missing))
    return with_done(Case.of(request, GATE.library), done)


def bare(**changes):
    """A first order of docetaxel in breast cancer with nothing else on record."""
    record = {section: [] for section in RULED_ON}
    code = {"system": "http://hl7.org/fhir/sid/icd-10", "code": "C50.9"}
    record |= {"patient": {"id": "p"}, "diagnoses": [{"id": "dx", "codes": [code]}], **changes}
    return Request.load(
        {
            "at": "2026-03-02T09:30:00+08:00",
            "order": {"id": "o", "drugs": [{"name": "多西他赛"}], "cycle": 1},
            "record": record,
        }
    )


def test_several_actions_together_and_none_of_them_is_idle():
    request = bare()
    (way,) = GATE.decide(request).way_forward
    assert set(way) == {
        "sign-consent",
        "record-assessment",
        "document-clinical-stage",
        "obtain-pathology",
        "complete-work-up",
        "check-blood-count",
    }
    assert GATE.decide(doing(request, way)).outcome == "allow"
    for idle in way:
        assert GATE.decide(doing(request, [a for a in way if a != idle])).outcome != "allow"


def test_what_only_recovery_mends_is_named_and_nothing_is_promised():
    code = {"system": "http://loinc.org", "code": "751-8"}
    low = {
        "id": "l",
        "codes": [code],
        "status": "final",
        "effective": "2026-03-01",
        "value": {"value": 0.4, "unit": "10*9/L"},
    }
    decision = GATE.decide(bare(labs=[low]))
    assert decision.way_forward == ()
    assert decision.not_remediable == ("core/anc-below-start-limit",)


def test_a_drug_that_is_not_recognised_is_no_matter_of_paper():
    request = bare().model_copy(
        update={
            "order": Request.load(
                {"at": "2026-03-02T09:30:00+08:00", "order": {"id": "o", "drugs": [{"name": "XR-17"}]}}
            ).order
        }
    )
    decision = GATE.decide(request)
    assert decision.outcome == "warn"
    assert decision.way_forward == ()
    assert decision.not_remediable == ("core/drug-not-recognised",)
