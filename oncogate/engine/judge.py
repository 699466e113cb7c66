"""Judging one rule: conditions to a verdict, with the evidence of every leaf.

applies = when                               true, false or unknown
verdict = not_applicable                     if applies is false
        = met | unmet | unknown              from applies → require
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oncogate.base.logic import Truth, at_least, every, implies, negate, some
from oncogate.engine.case import Case, in_classes
from oncogate.engine.derived import drug_evidence
from oncogate.engine.formulas import derive
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.engine.values import compare
from oncogate.model.decision import Evidence
from oncogate.model.record import Measurement
from oncogate.model.rule import (
    All,
    AnyOf,
    AtLeastN,
    Compared,
    Condition,
    Drugs,
    Exists,
    Holds,
    Latest,
    Leaf,
    Not,
    Parameter,
    Rule,
    Supplied,
    Value,
    Verdict,
)  # fmt: skip


@dataclass(frozen=True)
class LeafOutcome:
    """What one leaf said. `asked` tells a leaf of `require` from one of `when`; `basis` is what it counted from."""

    leaf: Leaf
    truth: Truth
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...] = ()
    asked: bool = False
    deciding: tuple[Standing, ...] = ()
    limit: Decimal | None = None
    basis: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """A rule's verdict on a case, with every leaf's part in it."""

    rule: Rule
    verdict: Verdict
    leaves: tuple[LeafOutcome, ...]
    parameters: Mapping[str, Parameter]


def judge(rule: Rule, case: Case, parameters: Mapping[str, Parameter]) -> Judgement:
    """Judge `rule` with `parameters` (its own, or as a site set them)."""
    walk = _Walk(rule, case, parameters)
    applies = every([walk.truth(c) for c in rule.when])
    walk.asked = True
    required = False if rule.require is None else every([walk.truth(c) for c in rule.require])
    return Judgement(rule, verdict_of(applies, required), tuple(walk.leaves), parameters)


def verdict_of(applies: Truth, required: Truth) -> Verdict:
    """The verdict from the two halves of a rule."""
    if applies is False:
        return "not_applicable"
    outcome = implies(applies, required)
    return "unknown" if outcome is None else "met" if outcome else "unmet"


class _Walk:
    """Walks the conditions of one rule. Every leaf is judged, so that all that is wrong is said at once."""

    def __init__(self, rule: Rule, case: Case, parameters: Mapping[str, Parameter]) -> None:
        self.rule = rule
        self.case = case
        self.parameters = parameters
        self.leaves: list[LeafOutcome] = []
        self.asked = False

    def truth(self, condition: Condition) -> Truth:
        if isinstance(condition, All):
            return every([self.truth(c) for c in condition.all])
        if isinstance(condition, AnyOf):
            return some([self.truth(c) for c in condition.any])
        if isinstance(condition, Not):
            return negate(self.truth(condition.not_))
        if isinstance(condition, AtLeastN):
            return at_least(int(self._number(condition.at_least_n)), [self.truth(c) for c in condition.of])
        outcome = self._leaf(condition)
        self.leaves.append(outcome)
        return outcome.truth

    def _leaf(self, leaf: Leaf) -> LeafOutcome:
        if isinstance(leaf, Exists):
            return self._exists(leaf)
        if isinstance(leaf, Latest):
            return self._latest(leaf)
        if isinstance(leaf, Value):
            found = derive(self.case, leaf.value, self._options(leaf))
            truth = _all_agree([self._compared(leaf, v) for v in found.possible])
            return LeafOutcome(leaf, truth, found.evidence, found.missing, self.asked)
        if isinstance(leaf, Holds):
            found = derive(self.case, leaf.holds, self._options(leaf))
            missing = found.missing or ((leaf.holds,) if found.truth is None else ())
            return LeafOutcome(leaf, found.truth, found.evidence, missing, self.asked)
        if isinstance(leaf, Drugs):
            return self._drugs(leaf)
        assert isinstance(leaf, Supplied)
        return LeafOutcome(leaf, self.case.record.section(leaf.supplied) is not None, (), (), self.asked)

    def _exists(self, leaf: Exists) -> LeafOutcome:
        older = self._window(leaf.older_than)
        since: Window | None = None
        basis: tuple[Evidence, ...] = ()
        if leaf.since is not None:
            earlier = select(self.case, leaf.since, older_than=older)
            basis, newest = earlier.evidence(), earlier.newest
            if earlier.hidden or not newest or any(s.counted is None or s.when is None for s in newest):
                return LeafOutcome(leaf, None, basis, (leaf.exists,), self.asked)
            moment = max(s.when for s in newest if s.when)
            since, older = Window(moment, self.case.facts[leaf.since].label), None
        selection = select(
            self.case, leaf.exists, window=self._window(leaf.within), older_than=older, since=since, options=self._options(leaf)
        )  # fmt: skip
        missing = () if selection.exists else (leaf.exists,)
        return LeafOutcome(leaf, selection.exists, selection.evidence(), missing, self.asked, basis=basis)

    def _latest(self, leaf: Latest) -> LeafOutcome:
        limits = self._limits(leaf)
        selection = select(
            self.case, leaf.latest, window=self._window(leaf.within), options=self._options(leaf)
        )
        if limits == frozenset({None}):
            return LeafOutcome(leaf, True, selection.evidence(), (), self.asked)
        newest = selection.newest
        truths = [self._standing_truth(leaf, s, limits) for s in newest]
        conflicting = not selection.hidden and True in truths and False in truths
        truth: Truth = None
        if conflicting:
            # results of one moment on both sides of a limit: unknown to a gate, a critical value all the same
            truth = True if self.rule.effect == "critical_value" else None
        elif not selection.hidden:
            truth = _all_agree(truths)
        beyond = tuple(s for s, found in zip(newest, truths, strict=True) if found is True)
        known = [limit for limit in limits if isinstance(limit, Decimal)]
        return LeafOutcome(
            leaf, truth, _marked(selection, newest, conflicting), () if truth is not None else (leaf.latest,), self.asked,
            beyond or newest, min(known) if known else None,
        )  # fmt: skip

    def _standing_truth(self, leaf: Compared, standing: Standing, limits: frozenset[Any]) -> Truth:
        if standing.counted is not True or standing.problem is not None:
            return None
        entry = standing.entry
        if isinstance(entry, Measurement) and standing.value is not None:
            comparator = entry.value.comparator if entry.value else None
            operator = leaf.comparison[0]
            return _all_agree(
                [compare(standing.value, operator, x, comparator) if x is not None else True for x in limits]
            )
        fact = self.case.facts[leaf.latest] if isinstance(leaf, Latest) else None
        field = fact.vocabulary.field if fact and fact.vocabulary else "level"
        return self._compared(leaf, getattr(entry, field, None))

    def _limits(self, leaf: Compared) -> frozenset[Any]:
        operator, ref = leaf.comparison
        if operator == "in_":
            return frozenset({ref})
        if ref in self.parameters:
            return frozenset({self._number(ref)})
        return derive(self.case, ref, self._options(leaf)).possible

    def _compared(self, leaf: Compared, value: Any) -> Truth:
        operator, ref = leaf.comparison
        if operator == "in_":
            listed = self.parameters[ref].value
            return value in listed if isinstance(listed, tuple) else value == listed
        if not isinstance(value, Decimal):
            return None
        return _all_agree([compare(value, operator, limit) for limit in self._limits(leaf)])

    def _drugs(self, leaf: Drugs) -> LeafOutcome:
        classes = self._classes(leaf.in_)
        truth = self.case.has_drug(classes)
        if leaf.all_of is not None:
            wanted = frozenset(classes)
            unrecognised = None if self.case.marked else False
            each = [in_classes(d.known, wanted) if d.known else unrecognised for d in self.case.drugs]
            truth = every([*each, None if self.case.doubtful else True])
        elif leaf.none_of is not None:
            truth = negate(truth)
        return LeafOutcome(
            leaf,
            truth,
            tuple(drug_evidence(self.case, leaf.fact, classes)),
            (leaf.fact,) if truth is None else (),
            self.asked,
        )

    def _classes(self, ref: str) -> tuple[str, ...]:
        if ref.startswith("drugs/"):
            return (ref.removeprefix("drugs/"),)
        value = self.parameters[ref].value
        return value if isinstance(value, tuple) else (str(value),)

    def _window(self, ref: str | None) -> Window | None:
        return None if ref is None else Window.of(self.parameters[ref], self.case.at)

    def _options(self, leaf: Leaf) -> dict[str, Parameter]:
        return {name: self.parameters[ref] for name, ref in leaf.with_.items()}

    def _number(self, ref: str) -> Decimal:
        value = self.parameters[ref].value
        assert isinstance(value, Decimal)
        return value


def _all_agree(truths: list[Truth]) -> Truth:
    return truths[0] if truths and all(t is truths[0] for t in truths) else None


def _marked(selection: Selection, newest: tuple[Standing, ...], conflicting: bool) -> tuple[Evidence, ...]:
    """The evidence of a `latest`: of the counted entries only the newest, and their conflict."""
    rows = []
    for standing in selection.standings:
        row = standing.evidence(selection.fact)
        if standing in newest:
            rows.append(row.model_copy(update={"why": "conflicting"}) if conflicting else row)
        elif standing.counted is not True:
            rows.append(row)  # a near miss; an older result that counts has nothing to say
    rows += [h.evidence(selection.fact) for h in selection.hidden]
    return tuple(rows) or (Evidence(fact=selection.fact, counted=False, why="absent"),)
