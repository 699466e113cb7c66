"""Cards: whatever was decided, they have the form that CDS Hooks asks for, and say what a physician can act on."""

from __future__ import annotations

import json
from dataclasses import replace

import hooks as h
import pytest
from cards import check_cards
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loaded import shipped_gate

from oncogate.adapters.cdshooks.cards import card_id, cards_of, rule_of
from oncogate.adapters.cdshooks.markdown import escaped, shortened
from oncogate.adapters.cdshooks.request import read_hook
from oncogate.adapters.cdshooks.suggestions import Subject
from oncogate.authoring.examples import request_of, with_first_line
from oncogate.base.texts import Text
from oncogate.gate import Gate
from oncogate.model.decision import Decision
from oncogate.model.request import Request
from oncogate.model.rule import Override
from oncogate.packs.pack import LoadedRule
from oncogate.testing import requests_for

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
LANGUAGES = ("zh", "en")


def counting(*rules: LoadedRule) -> Gate:
    """A gate of these rules alone, which count whatever their status."""
    library = shipped_gate().library
    pack = replace(library.packs[0], rules=tuple(_stable(r) for r in rules))
    return Gate(replace(library, packs=(pack,)))


def _stable(loaded: LoadedRule) -> LoadedRule:
    return replace(loaded, rule=loaded.rule.model_copy(update={"status": "stable"}))


LOADED = shipped_gate().library.rules
RULES = [loaded.rule for loaded in LOADED]


def cards(decision: Decision, language: str = "en", gate: Gate | None = None) -> list[dict]:
    subject = Subject(decision.patient, "TC") if decision.patient else None
    return cards_of(decision, language, INSTANCE, (gate or shipped_gate()).library, subject)


def on_rules(decision: Decision, language: str = "en") -> list[dict]:
    """The cards without the one on the rest."""
    return [c for c in cards(decision, language) if "topic" in c["source"]]


def decided(hook: dict) -> Decision:
    return shipped_gate().decide(Request.load(read_hook(hook, h.AT).data))


LONG_NAMES = [
    "长" * 300, "x" * 300, "注射用多西他赛 " * 40, "docetaxel concentrate for infusion " * 20, "👩🏽‍⚕️" * 80, "é\u0301" * 200,
     "*_`<script>alert(1)</script>[x](javascript:x)|~", "\u202eabc\x00\ud800", "a\nb\n# c", "  ",
]  # fmt: skip
LONG = st.sampled_from(LONG_NAMES)


def named(request: Request, name: str) -> Request:
    """The request with one more of its first drug, under another name."""
    if request.order is None or not request.order.drugs:
        return request
    drugs = (request.order.drugs[0].model_copy(update={"name": name}), *request.order.drugs)
    return request.model_copy(update={"order": request.order.model_copy(update={"drugs": drugs})})


def check(decision: Decision) -> None:
    for language in LANGUAGES:
        found = cards(decision, language)
        check_cards(found)
        topics = {c["source"]["topic"]["code"] for c in found if "topic" in c["source"]}
        assert topics == set(decision.determining_rules) | {v.rule for v in decision.critical_values}


@pytest.mark.parametrize("loaded", LOADED, ids=lambda r: r.rule.id)
def test_any_rule_has_cards_of_the_right_form_in_both_languages(loaded):
    gate = counting(loaded)
    decided = []
    for number, example in enumerate(loaded.rule.examples):
        request = request_of(example.given, gate.library)
        if "first_line" in example.given:  # the table that the example brings along
            gate = Gate(with_first_line(gate.library, example.given))
        decided += [gate.decide(request), gate.decide(named(request, LONG_NAMES[number % len(LONG_NAMES)]))]
    for decision in decided:
        check(decision)
    assert any(decision.findings for decision in decided)


@pytest.mark.longer
@pytest.mark.parametrize("loaded", LOADED, ids=lambda r: r.rule.id)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_request_around_any_rule_has_cards_of_the_right_form(loaded, data):
    gate = counting(loaded)
    request = data.draw(requests_for(loaded.rule, library=gate.library))
    check(gate.decide(named(request, data.draw(LONG))))


@settings(max_examples=60, deadline=None)
@given(title=LONG | st.text(max_size=400), reason=LONG | st.text(max_size=400), zh=st.booleans())
def test_no_words_of_a_rule_make_a_summary_too_long_or_a_card_that_is_malformed(title, reason, zh):
    decision = decided(h.clean() | {"prefetch": {**h.clean()["prefetch"], "consents": None}})
    words, why = Text(zh=title or "x", en=title or "x"), Text(zh=reason, en=reason)
    findings = tuple(f.model_copy(update={"title": words, "reason": why}) for f in decision.findings)
    changed = decision.model_copy(update={"findings": findings})
    if title.strip() and reason.strip():
        check_cards(cards(changed, "zh" if zh else "en"))


def test_a_card_says_what_is_missing_what_was_found_and_what_to_do():
    hook = h.clean()
    h.supply(hook, "consents", h.consent(status="inactive"))
    (card,) = on_rules(decided(hook), "zh")
    assert card["summary"] == "缺少有效的治疗知情同意"
    assert card["indicator"] == "critical"
    assert card["source"]["topic"]["code"] == "core/consent-missing"
    assert "撤回" in card["detail"]
    assert "签署本次治疗的知情同意书" in card["detail"]
    assert "无评估不化疗" in card["detail"]
    assert card["overrideReasons"] == [
        {"code": "oncologic_emergency", "system": "urn:oncogate:override-reason", "display": "肿瘤急症"}
    ]


def test_nothing_to_say_is_no_card():
    hook = h.clean()
    h.order_of(hook, "J01DD04")  # an antibiotic
    assert cards(decided(hook)) == []


def test_what_follows_from_an_order_that_is_allowed_is_one_card_that_informs():
    (card,) = cards(decided(h.clean()))
    assert card["indicator"] == "info"
    assert "neutropenia/intermediate-risk-care" in card["detail"]
    assert "bedside" in card["detail"]


def test_a_finding_that_cant_be_judged_says_so_in_its_summary():
    hook = h.clean()
    h.withhold(hook, "consents")
    (card,) = on_rules(decided(hook))
    assert card["summary"] == "Can't be judged: No valid informed consent"


def test_a_warning_beside_a_block_stands_in_the_one_summary_card():
    hook = h.clean()
    h.empty(hook, "consents", "labs")  # no consent blocks, no count warns
    first, second = cards(decided(hook))
    assert first["source"]["topic"]["code"] == "core/consent-missing"
    assert "topic" not in second["source"]
    assert second["indicator"] == "warning"
    assert "core/anc-not-recent" in second["detail"]


def test_a_critical_value_has_a_card_with_value_limit_and_time():
    hook = h.clean()
    h.supply(hook, "labs", h.anc(0.4))
    card = next(c for c in cards(decided(hook)) if c["source"]["topic"]["code"] == "core/anc-critical")
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("Critical value: ")
    assert "0.4" in card["summary"]
    assert "overrideReasons" not in card


@pytest.mark.parametrize("allowed", ["never", "with_reason", "with_second_signature"])
def test_reasons_for_an_override_are_offered_only_where_the_rule_allows_one(allowed):
    hook = h.clean()
    h.empty(hook, "consents")
    decision = decided(hook)
    override = Override(allowed=allowed, by=("attending",), reasons=("oncologic_emergency",))
    findings = tuple(f.model_copy(update={"override": override}) for f in decision.findings)
    (card,) = on_rules(decision.model_copy(update={"findings": findings}))
    assert ("overrideReasons" in card) == (allowed != "never")


@pytest.mark.parametrize(
    ("section", "kind", "status"),
    [("consents", "Consent", "proposed"), ("assessments", "RiskAssessment", "registered"), ("labs", "ServiceRequest", "draft")],
)  # fmt: skip
def test_what_is_suggested_is_a_proposal_that_meets_no_rule_by_itself(section, kind, status):
    hook = h.clean()
    h.empty(hook, section)
    before = decided(hook)
    resources = [
        a["resource"] for c in cards(before) for s in c.get("suggestions", ()) for a in s.get("actions", ())
    ]
    (resource,) = [r for r in resources if r["resourceType"] == kind]
    assert resource["status"] == status
    assert resource.get("subject", resource.get("patient")) == {"reference": "Patient/p1"}
    h.supply(hook, section, {**resource, "id": "new"})
    after = decided(hook)
    assert after.outcome == before.outcome
    assert after.determining_rules == before.determining_rules


def test_a_blood_count_is_proposed_by_the_first_code_of_the_fact():
    hook = h.clean()
    h.empty(hook, "labs")
    (card,) = on_rules(decided(hook))
    (suggestion,) = card["suggestions"]
    assert suggestion["actions"][0]["resource"]["code"]["coding"] == [
        {"system": h.LOINC, "code": shipped_gate().library.facts["lab.anc"].codes[0].code}
    ]


def test_called_again_a_card_keeps_its_id_and_another_call_has_others():
    hook = h.clean()
    h.empty(hook, "consents")
    decision, library = decided(hook), shipped_gate().library
    first, again, other = (cards_of(decision, "zh", i, library)[0]["uuid"] for i in ("i-1", "i-1", "i-2"))
    assert first == again != other


def test_the_id_of_a_card_tells_its_rule():
    ids = [r.id for r in RULES]
    assert {rule_of(card_id(id, INSTANCE).upper(), ids) for id in ids} == set(ids)
    assert rule_of("4e0a3a1e-3283-4575-ab82-028d55fe2719", ids) is None


@given(st.text(), st.integers(2, 200))
def test_shortened_text_is_never_longer_by_any_count(text, most):
    short = shortened(text, most)
    assert len(short.encode("utf-16-le", "surrogatepass")) // 2 <= most
    assert "\n" not in short


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("no valid consent on record", 20, "no valid consent on…"),
        ("医嘱含多西他赛，没有同意书", 9, "医嘱含多西他赛…"),
        ("unbreakableunbreakable", 10, "unbreakab…"),
        ("as it is", 8, "as it is"),
    ],
)
def test_text_is_cut_after_a_word(text, most, expected):
    assert shortened(text, most) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a*b_c", r"a\*b\_c"), ("<b>", r"\<b\>"), ("[x](y)", r"\[x\](y)"), ("# head", r"\# head"), ("1. one", r"1\. one"),
        ("- item", r"\- item"), ("2026-03-01 ANC", "2026-03-01 ANC"), ("0.8 ×10⁹/L", "0.8 ×10⁹/L"),
    ],
)  # fmt: skip
def test_text_of_a_record_is_never_markup(text, expected):
    assert escaped(text) == expected


def test_cards_are_json():
    hook = h.clean()
    h.empty(hook, "consents", "labs", "stages")
    assert json.loads(json.dumps(cards(decided(hook)))) == cards(decided(hook))
