"""A rule's logic as a picture: its conditions as boxes within boxes, with what each leaf says of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oncogate.base.logic import Truth
from oncogate.base.texts import Language, Text
from oncogate.engine.case import Case
from oncogate.engine.conditions import LeafOutcome, Walk, derive
from oncogate.engine.judge import judge_safely
from oncogate.explain.conditions import leaf_text, parameter_value, value_label
from oncogate.explain.rows import Row, rows_of
from oncogate.explain.words import one_line
from oncogate.model.condition import All, AnyOf, AtLeastN, Compared, Condition, Holds, Leaf, Not, Value
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Rule
from oncogate.packs.leaves import options_of
from oncogate.packs.pack import Library

DEEPEST = 6
"""How many derived facts inside each other are opened."""


@dataclass(frozen=True)
class Box:
    """A condition as shown. `kind` is `all`, `any`, `not`, `at_least`, `leaf`, or `case` and `points` of a derived fact.

    `truth` is `true`, `false`, `unknown`, or empty where there is no request; `value` what a derived fact comes to,
    `limit` what a limit does that is worked out; `inner` the conditions of a tree, `basis` those that a derived fact rests on.
    """

    kind: str
    text: str
    truth: str = ""
    value: str = ""
    limit: str = ""
    inner: tuple[Box, ...] = ()
    basis: tuple[Box, ...] = ()
    evidence: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A rule as shown: when it applies, what it then requires (none if it names a hazard), and what comes of it.

    `verdict` is that of the request, empty without one; `failed` says that the engine failed on the rule.
    """

    when: tuple[Box, ...]
    require: tuple[Box, ...] | None
    applies: str = ""
    required: str = ""
    verdict: str = ""
    failed: bool = False


def picture_of(
    rule: Rule, library: Library, facts: Mapping[str, Fact], language: Language, case: Case | None = None
) -> Picture:
    """The picture of a rule, which like `facts` stands as the layers leave it; with a case, the truths that it has there."""
    try:
        return _Painter(library, facts, language, case).rule(rule)
    except Exception:  # as in a decision: the rule is shown, its verdict isn't known
        bare = _Painter(library, facts, language, None).rule(rule)
        return Picture(bare.when, bare.require, verdict="unknown", failed=True)


@dataclass
class _Painter:
    library: Library
    facts: Mapping[str, Fact]
    language: Language
    case: Case | None

    def rule(self, rule: Rule) -> Picture:
        raising = rule.effect == "critical_value"
        walk = Walk(self.case, rule.parameters, raising=raising) if self.case is not None else None
        when = self.boxes(rule.when, rule.parameters, walk)
        require = self.boxes(rule.require, rule.parameters, walk) if rule.require is not None else None
        if walk is None or self.case is None:
            return Picture(when, require)
        judgement = judge_safely(rule, self.case)
        return Picture(
            when, require, applies=_said(walk.every(rule.when)),
            required=_said(walk.every(rule.require)) if rule.require is not None else "",
            verdict=judgement.verdict if judgement is not None else "unknown", failed=judgement is None,
        )  # fmt: skip

    def boxes(
        self, conditions: Iterable[Condition], parameters: Mapping[str, Parameter], walk: Walk | None, depth: int = 0
    ) -> tuple[Box, ...]:  # fmt: skip
        return tuple(self.box(one, parameters, walk, depth) for one in conditions)

    def box(
        self, condition: Condition, parameters: Mapping[str, Parameter], walk: Walk | None, depth: int
    ) -> Box:
        truth = _said(walk.truth(condition)) if walk is not None else ""
        if isinstance(condition, Leaf):
            outcome = walk.leaves[-1] if walk is not None else None
            return self.leaf(condition, parameters, truth, outcome, depth)
        kind, inner, count = _tree(condition)
        said = (
            parameter_value(parameters[count], self.library.tables).in_(self.language)
            if count is not None
            else ""
        )
        return Box(kind, said, truth, inner=self.boxes(inner, parameters, walk, depth))

    def leaf(
        self, leaf: Leaf, parameters: Mapping[str, Parameter], truth: str, outcome: LeafOutcome | None, depth: int
    ) -> Box:  # fmt: skip
        text = one_line(leaf_text(leaf, parameters, self.library).in_(self.language))
        name = leaf.value if isinstance(leaf, Value) else leaf.holds if isinstance(leaf, Holds) else None
        value = ""
        basis: tuple[Box, ...] = ()
        if name is not None:
            options = options_of(leaf, parameters)
            value = self._value(name, options) if isinstance(leaf, Value) else ""
            basis = self._basis(name, options, depth + 1)
        return Box(
            "leaf",
            text,
            truth,
            value,
            self._limit(leaf, outcome),
            basis=basis,
            evidence=self._evidence(outcome),
        )

    def _limit(self, leaf: Leaf, outcome: LeafOutcome | None) -> str:
        """The limit of the case, where a leaf compares with one that is worked out."""
        if not isinstance(leaf, Compared) or outcome is None or outcome.limit is None:
            return ""
        limit = leaf.comparison[1]
        return (
            one_line(value_label(outcome.limit, self.facts[limit]).in_(self.language))
            if limit in self.facts
            else ""
        )

    def _evidence(self, outcome: LeafOutcome | None) -> tuple[Row, ...]:
        if outcome is None or self.case is None:
            return ()
        rows = dict.fromkeys((*outcome.basis, *outcome.evidence))
        labelled = (
            e.model_copy(update={"label": self.facts[e.fact].label}) if e.fact in self.facts else e
            for e in rows
        )
        return tuple(rows_of(tuple(labelled), self.case.at, self.language))

    def _value(self, name: str, options: Mapping[str, Parameter]) -> str:
        """What a derived fact comes to in the case, where only one value is possible."""
        if self.case is None:
            return ""
        possible = derive(self.case, name, options).possible
        (only,) = possible if len(possible) == 1 else (None,)
        return "" if only is None else one_line(value_label(only, self.facts[name]).in_(self.language))

    def _basis(self, name: str, options: Mapping[str, Parameter], depth: int) -> tuple[Box, ...]:
        """The conditions that a derived fact rests on; none for one that a formula works out."""
        fact = self.facts[name]
        if depth > DEEPEST:
            return ()
        parameters = {**fact.parameters, **options}
        walk = Walk(self.case, parameters) if self.case is not None else None
        if fact.when is not None:
            return self.boxes(fact.when, parameters, walk, depth)
        given = fact.gives == "quantity"
        branches: list[tuple[str, Text, Sequence[Condition]]] = [
            (
                "case",
                parameter_value(parameters[b.then], self.library.tables)
                if given
                else value_label(b.then, fact),
                b.when or (),
            )
            for b in fact.cases
        ]
        branches += [
            ("points", parameter_value(parameters[p.points], self.library.tables), p.when)
            for p in fact.points
        ]
        return tuple(
            Box(
                kind, said.in_(self.language), _said(walk.every(when)) if walk is not None else "",
                inner=self.boxes(when, parameters, walk, depth),
            )
            for kind, said, when in branches
        )  # fmt: skip


def _tree(condition: Any) -> tuple[str, Sequence[Condition], str | None]:
    """The kind of a tree, the conditions in it, and the parameter that counts them."""
    if isinstance(condition, All):
        return "all", condition.all, None
    if isinstance(condition, AnyOf):
        return "any", condition.any, None
    if isinstance(condition, Not):
        return "not", (condition.not_,), None
    assert isinstance(condition, AtLeastN)
    return "at_least", condition.of, condition.at_least_n


def _said(truth: Truth) -> str:
    return "unknown" if truth is None else "true" if truth else "false"
