"""Conditions made into nodes over the sources that they ask about.

The trees are put together by the engine's own logic (`base.logic`, `engine.values`, `first_case`, `verdict_of`); only the
leaves are told from the state of a source instead of from a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from oncogate.authoring.prove.leaf_nodes import Calendar, Key, LeafNodes, Parameters, said_of, same
from oncogate.authoring.prove.search import Fold, Node, Source
from oncogate.authoring.prove.sources import (
    TRUTHS,
    Module,
)
from oncogate.base.logic import Truth, at_least, every, negate, some
from oncogate.engine.conditions import first_case, with_points
from oncogate.engine.judge import verdict_of
from oncogate.model import condition as leaves
from oncogate.model.condition import All, AnyOf, AtLeastN, Condition, Not
from oncogate.model.rule import Rule
from oncogate.packs.leaves import Place
from oncogate.packs.pack import Library

LARGE = 4
"""Sources of a derived fact that is walked by itself in a coarse scope."""


class Scope(LeafNodes):
    """The sources that some rules and facts ask about together, and the nodes of their conditions.

    Make it with `scope_of`: only when all sources are known can it be told which derived facts stand `alone` and may be
    walked by themselves.
    """

    def __init__(
        self, library: Library, calendar: Calendar, sources: dict[Hashable, Source], alone: frozenset[Key]
    ) -> None:
        super().__init__(library, calendar, sources)
        self.alone = alone
        self.nodes: dict[tuple[str, Place], Node] = {}
        """The node of each condition of the rules and facts that the scope is of, by owner and place."""
        self._derived: dict[Key, Node] = {}

    def rule(self, rule: Rule) -> Fold:
        """The verdict of a rule, before it whether the order is one that the rule is about (`split`)."""
        raising = rule.effect == "critical_value"
        context, rest = split(rule)
        parts = [
            self._every(
                [self.condition(rule.id, ("when", i), rule.when[i], rule.parameters, raising) for i in some_]
            )
            for some_ in (context, rest)
        ]
        required = [
            self.condition(rule.id, ("require", i), c, rule.parameters, raising)
            for i, c in enumerate(rule.require or ())
        ]
        parts.append(self._every(required) if rule.require is not None else Fold((), lambda _: False))

        def finish(found: list[Truth]) -> tuple[Truth, str]:
            about, more, asked = found
            return about, verdict_of(every((about, more)), asked)

        return Fold(parts, finish)

    def fact(self, name: str, options: Parameters) -> Node:
        """What a fact derived from conditions comes to: a truth, or its possible values."""
        fact = self.facts[name]
        parameters = {**fact.parameters, **options}

        def conditions(where: Place, listed: Iterable[Condition] | None) -> Node:
            return self._every(
                [self.condition(name, (*where, i), c, parameters, False) for i, c in enumerate(listed or ())]
            )

        if fact.when is not None:
            return conditions(("when",), fact.when)
        if fact.cases:
            branches = [conditions(("cases", i, "when"), b.when) for i, b in enumerate(fact.cases)]
            return Fold(branches, lambda truths: first_case(fact, parameters, truths))
        items = [conditions(("points", i, "when"), item.when) for i, item in enumerate(fact.points)]
        points = [parameters[item.points].value for item in fact.points]

        def step(totals: frozenset[Decimal], index: int, truth: Truth) -> frozenset[Decimal]:
            given = points[index]
            assert isinstance(given, Decimal)
            sums = with_points(totals, truth, given)
            return frozenset((min(sums), max(sums)))  # a comparison asks no more of them

        return Fold(items, lambda totals: totals, frozenset({Decimal(0)}), step)

    def standing_alone(self) -> frozenset[Key]:
        """The derived facts whose sources are asked about nowhere else."""
        return frozenset(
            key for key in self._derived
            if all(
                key in stack
                for stacks in self.within.values() if any(key in s for s in stacks) for stack in stacks
            )
        )  # fmt: skip

    def large(self) -> frozenset[Key]:
        """The derived facts that ask about many things."""
        asked = Counter(key for stacks in self.within.values() for key in {k for s in stacks for k in s})
        return frozenset(key for key, count in asked.items() if count > LARGE)

    def condition(
        self, owner: str, where: Place, condition: Condition, parameters: Parameters, raising: bool
    ) -> Node:
        """The node of a condition that stands at `where` in `owner`."""

        def inner(key: str, listed: Sequence[Condition]) -> list[Node]:
            return [
                self.condition(owner, (*where, key, i), c, parameters, raising) for i, c in enumerate(listed)
            ]

        node: Node
        if isinstance(condition, All):
            node = self._every(inner("all", condition.all))
        elif isinstance(condition, AnyOf):
            node = Fold(inner("any", condition.any), same, False, lambda acc, _, t: some((acc, t)))
        elif isinstance(condition, Not):
            child = self.condition(owner, (*where, "not"), condition.not_, parameters, raising)
            node = Fold([child], lambda truths: negate(truths[0]))
        elif isinstance(condition, AtLeastN):
            count = int(parameters[condition.at_least_n].number)
            node = Fold(inner("of", condition.of), _counted(count), (0, 0, 0), _count)
        else:
            node = self.leaf(condition, parameters, raising)
        if not self.stack:
            self.nodes[owner, where] = node
        return node

    def _every(self, nodes: Sequence[Node]) -> Fold:
        return Fold(nodes, same, True, lambda acc, _, truth: every((acc, truth)))

    def possible(self, name: str, options: Parameters) -> Node:
        """What a derived fact comes to: the truth of one by conditions, else its possible values."""
        key = (name, tuple(sorted((n, str(p.value), p.unit) for n, p in options.items())))
        if key not in self._derived:
            self.stack = (*self.stack, key)
            node = self.fact(name, options)
            self.stack = self.stack[:-1]
            if key in self.alone:
                node = self.read(Module(f"`{name}` {said_of(options)}".strip(), node), same)
            self._derived[key] = node
        elif key not in self.alone:
            self._again(key)
        return self._derived[key]

    def _again(self, key: Key) -> None:
        """Note that what a derived fact asks about is asked about from here too."""
        for stacks in self.within.values():
            stacks += [(*self.stack, *stack[stack.index(key) :]) for stack in stacks if key in stack]


def scope_of(
    library: Library, calendar: Calendar, build: Callable[[Scope], Any], *, coarse: bool = False
) -> tuple[Scope, Any]:
    """A scope, and what `build` makes in it.

    `coarse` walks large derived facts by themselves even where something else asks about their sources too: quicker, with
    situations that can't come about.
    """
    sources: dict[Hashable, Source] = {}
    build(Scope(library, calendar, sources, frozenset()))
    known = Scope(library, calendar, sources, frozenset())
    build(known)
    for source in sources.values():
        source.readers.clear()
    alone = known.standing_alone() | (known.large() if coarse else frozenset())
    scope = Scope(library, calendar, sources, alone)
    return scope, build(scope)


def split(rule: Rule) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The conditions of `when` that tell which orders the rule is about, and the others, by number.

    All of a rule that requires something; of one that names a hazard those about the drugs of the order, unless it asks for
    nothing else.
    """
    everything = tuple(range(len(rule.when)))
    about = tuple(i for i in everything if isinstance(rule.when[i], leaves.Drugs))
    if rule.require is not None:
        return everything, ()
    return (
        (about, tuple(i for i in everything if i not in about))
        if len(about) < len(everything)
        else ((), everything)
    )


def _count(acc: tuple[int, int, int], _: int, truth: Truth) -> tuple[int, int, int]:
    place = TRUTHS.index(truth)
    return (acc[0] + (place == 0), acc[1] + (place == 1), acc[2] + (place == 2))


def _counted(count: int) -> Callable[[tuple[int, int, int]], Truth]:
    return lambda acc: at_least(count, [t for t, n in zip(TRUTHS, acc, strict=True) for _ in range(n)])
