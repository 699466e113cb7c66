"""The shipped rules: every example says what it says, and every rule has both sides and an unknown."""

from __future__ import annotations

import pytest
from loaded import shipped_library

from oncogate.authoring.examples import UNUSABLE, Result, request_of, run_examples
from oncogate.packs.pack import LoadedRule

LIBRARY = shipped_library()
CONTRACT = {
    "core/clinical-stage-missing", "core/neutropenia-risk-not-assessed", "core/consent-missing", "core/anc-critical",
    "core/anc-not-recent", "core/anc-below-start-limit", "core/pathology-missing", "core/molecular-result-missing",
    "core/pathologic-stage-missing", "core/staging-workup-incomplete", "core/not-first-line", "core/prophylaxis-missing",
    "core/drug-not-recognised",
}  # fmt: skip


CARE = {f"neutropenia/{level}-risk-care" for level in ("high", "intermediate", "low")}
"""The rules that carry obligations only: they inform, and never change an outcome."""


def test_the_core_pack_has_the_rules_of_the_contract_and_all_are_active():
    core = {r.rule.id: r.rule.status for r in LIBRARY.rules if r.rule.id.startswith("core/")}
    assert core == dict.fromkeys(CONTRACT, "stable")


def test_all_others_are_on_trial_but_those_that_only_carry_obligations():
    others = [r.rule for r in LIBRARY.rules if not r.rule.id.startswith("core/")]
    assert {rule.id for rule in others if rule.status != "trial"} == CARE
    assert {rule.effect for rule in others if rule.id in CARE} == {"inform"}


@pytest.mark.parametrize(
    "result", list(run_examples(LIBRARY)), ids=lambda r: f"{r.rule.rule.id}::{r.example.name}"
)
def test_example(result: Result):
    assert not result.problem, str(result.diagnostic)


@pytest.mark.parametrize(
    "said", ["1e999999999 mmol/L", "1e9999 mmol/L", "1e99999999999999999999 mmol/L", "1.2.3 mmol/L"]
)
def test_what_is_no_number_in_an_example_is_refused(said: str):
    with pytest.raises(UNUSABLE):
        request_of({"lab.potassium": said}, LIBRARY)


@pytest.mark.parametrize("loaded", LIBRARY.rules, ids=lambda r: r.rule.id)
def test_every_rule_is_shown_asking_and_not_asking_and_not_knowing(loaded: LoadedRule):
    expected = {example.expect for example in loaded.rule.examples}
    assert expected & {"unmet", "raised"}
    assert expected & {"met", "not_raised", "not_applicable"}
    assert "unknown" in expected


@pytest.mark.parametrize("loaded", LIBRARY.rules, ids=lambda r: r.rule.id)
def test_every_tunable_number_has_a_range_a_label_and_a_source_that_is_named(loaded: LoadedRule):
    for parameter in loaded.rule.parameters.values():
        assert parameter.source in loaded.rule.sources
        if parameter.tunable:
            assert parameter.label is not None
        if parameter.tunable and not isinstance(parameter.value, (str, bool, tuple)):
            assert parameter.range is not None
