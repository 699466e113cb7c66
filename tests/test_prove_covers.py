"""No request falls outside what is walked: what its leaves really come to is among the situations of the rule.

This is what makes a finding of `oncogate lint --prove` a proof. The longer run takes every example of every rule, and many
more generated packs:

    python -m pytest tests/test_prove_covers.py -m longer
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import shipped_library
from strategies import derived_facts, requests, rules_of_one_pack
from test_differential import QUIET

from oncogate.authoring.coverage import requests_of
from oncogate.authoring.examples import request_of
from oncogate.authoring.prove.one import Walk
from oncogate.authoring.prove.scope import Scope, scope_of
from oncogate.authoring.prove.search import Node, Search, TooWide
from oncogate.base.logic import Truth
from oncogate.engine.case import Case
from oncogate.engine.judge import judge
from oncogate.model.condition import Latest
from oncogate.model.rule import Rule
from oncogate.packs.leaves import leaves
from oncogate.packs.pack import Library

Row = tuple[str, tuple[Truth, ...]]


def walked(rule: Rule, library: Library, effort: int) -> set[Row]:
    """The verdict and the truth of every leaf in every situation, with months taken to be short and long."""
    found: set[Row] = set()
    for months in (0, 1):
        scope, root = scope_of(library, months, lambda scope: scope.rule(rule))
        rows = Walk(scope, root, Search(effort)).outcomes([root, *leaf_nodes(scope, rule)])
        found |= {(verdict, tuple(truths)) for (_, verdict), *truths in rows}
    return found


def walked_by_leaves(rule: Rule, library: Library) -> set[tuple[Truth, ...]]:
    """The truth of every leaf in every situation: for a rule with too many of them to tell the verdict, too."""
    scope, root = scope_of(library, 0, lambda scope: scope.rule(rule))
    return set(Walk(scope, root).outcomes(leaf_nodes(scope, rule)))


def leaf_nodes(scope: Scope, rule: Rule) -> list[Node]:
    return [scope.nodes[rule.id, where] for where, _ in leaves(rule)]


def really(rule: Rule, case: Case) -> Row:
    """The same of a request, by the engine."""
    judgement = judge(rule, case, thorough=True)
    return judgement.verdict, tuple(leaf.truth for leaf in judgement.leaves)


def covers(library: Library, rules: list[Rule]) -> int:
    """How many examples were looked for and found."""
    found = 0
    for rule in rules:
        cases = [Case.of(request, lists) for request, lists in requests_of(library, rule)]
        try:
            missing = {really(rule, case) for case in cases} - walked(rule, library, 400_000)
        except TooWide:
            missing = {really(rule, case)[1] for case in cases} - walked_by_leaves(rule, library)
        assert not missing, rule.id
        found += len(cases)
    return found


def test_the_examples_of_some_rules_are_among_the_situations_walked() -> None:
    rules = [loaded.rule for loaded in shipped_library().rules]
    assert covers(shipped_library(), rules[::20]) > 60


@pytest.mark.longer
def test_every_example_is_among_the_situations_walked() -> None:
    assert covers(shipped_library(), [loaded.rule for loaded in shipped_library().rules]) > 1500


def test_results_in_conflict_raise_a_critical_value_from_both_sides() -> None:
    shared = next(one.rule for one in shipped_library().rules if one.rule.id == "core/anc-critical")
    both = tuple(
        Latest(latest="lab.anc", within="window", **{side: "limit"}) for side in ("below", "at_least")
    )
    rule = shared.model_copy(update={"when": both})
    labs = [{"fact": "lab.anc", "value": value} for value in ("0.5 10*9/L", "4 10*9/L")]
    raised = ("unmet", (True, True))
    assert really(rule, Case.of(request_of({"labs": labs}, shipped_library()), shipped_library())) == raised
    assert raised in walked(rule, shipped_library(), 5_000)


def run(packs: int) -> Counter[str]:
    """Look for the requests of generated packs in what is walked; counts those that were too wide to be."""
    seen: Counter[str] = Counter()

    @settings(QUIET, max_examples=packs, derandomize=True)
    @given(
        rules_of_one_pack(derived=True, largest=1),
        derived_facts(),
        st.lists(requests(), min_size=3, max_size=3),
    )
    def all_there(pack, facts, batch) -> None:
        library = replace(shipped_library(), facts={**shipped_library().facts, **facts})
        (rule,) = pack
        try:
            rows = walked(rule, library, 5_000)
        except TooWide:
            seen["too wide"] += 1
            return
        for request in batch:
            assert really(rule, Case.of(request, library)) in rows
            seen["found"] += 1

    all_there()
    return seen


def test_requests_of_generated_packs_are_among_the_situations_walked() -> None:
    assert run(25)["found"] > 40


@pytest.mark.longer
def test_requests_of_very_many_generated_packs_are_among_the_situations_walked() -> None:
    seen = run(2000)
    print(f"\n{dict(seen)}")
    assert seen["found"] > 3000
