"""Everything that conditions can come to: each result once, with the smallest situation in which it comes about.

A `Source` is something that is asked about (the newest neutrophil count, the drugs of the order), with the finitely many
states that the conditions in scope tell apart. A `Node` works out a result from sources (`Read`) or from other nodes
(`Fold`). Nodes that share no source are independent, so a tree is folded branch by branch; where branches share one, it is
fixed to each of its states in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from oncogate.base.once import once

Result = Any
"""What a node comes to: a truth, a verdict, the possible values of a derived fact; always hashable."""


class Source:
    """Something asked about, under a name of its own in its scope."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.readers: list[Callable[[Any], Result]] = []

    def every_state(self) -> Iterable[tuple[Hashable, int]]:
        """The states, each with the cost of bringing it about."""
        raise NotImplementedError

    @once
    def states(self) -> tuple[tuple[Hashable, int], ...]:
        """The cheapest of the states that all readers take for the same. Ask only once all readers are known."""
        best: dict[tuple[Result, ...], tuple[Hashable, int]] = {}
        for state, cost in self.every_state():
            told = tuple(tell(state) for tell in self.readers)
            if told not in best or cost < best[told][1]:
                best[told] = (state, cost)
        return tuple(best.values())


@dataclass(frozen=True)
class Situation:
    """The states that the sources are in, and what it costs to bring them about. What isn't named doesn't matter."""

    cost: int = 0
    states: tuple[tuple[Source, Hashable], ...] = ()

    def with_state(self, source: Source, state: Hashable, cost: int) -> Situation:
        """The situation in which `source` is in `state` too."""
        return Situation(self.cost + cost, (*self.states, (source, state)))

    def joined(self, other: Situation) -> Situation:
        """Both situations; they are of different sources."""
        return Situation(self.cost + other.cost, self.states + other.states)


Outcomes = dict[Result, Situation]


@dataclass(eq=False)
class Read:
    """A result read off the state of one source."""

    source: Source
    tell: Callable[[Any], Result]

    @property
    def sources(self) -> frozenset[Source]:
        """The sources that the result depends on."""
        return frozenset((self.source,))


def _listed(acc: Any, index: int, result: Result) -> Any:
    return (*acc, (index, result))


@dataclass(eq=False)
class Fold:
    """A result worked out from those of `children`, one after the other in any order.

    Without a `step` of its own, `finish` gets the results in the order of the children.
    """

    children: Sequence[Node]
    finish: Callable[[Any], Result]
    start: Any = ()
    step: Callable[[Any, int, Result], Any] = _listed
    ordered: bool = field(init=False)

    def __post_init__(self) -> None:
        self.ordered = self.step is _listed

    @once
    def sources(self) -> frozenset[Source]:
        """The sources that the result depends on."""
        return frozenset(source for child in self.children for source in child.sources)

    def result(self, acc: Any) -> Result:
        """The result once all children are in."""
        return self.finish([r for _, r in sorted(acc, key=lambda one: one[0])] if self.ordered else acc)


Node = Read | Fold


EFFORT = 400_000
"""How many steps a search may take: some seconds."""


class TooWide(Exception):
    """There are more situations than can be walked."""


class Search:
    """Works out the outcomes of nodes.

    Raises `TooWide` after `effort` steps. A result is a row of one, unless the search is one of `replacing`.
    """

    def __init__(self, effort: int = EFFORT) -> None:
        self.worlds = 1
        self.effort = effort
        self._plain: Search | None = None
        self._instead: Node | None = None
        self._constants: tuple[Result, ...] = ()
        self._around: dict[Node, bool] = {}
        self._known: dict[tuple[Node, frozenset[tuple[Source, Hashable]]], Outcomes] = {}

    def replacing(self, instead: Node, constants: tuple[Result, ...]) -> Search:
        """A search whose results are rows: how it is, and how it would be if `instead` came to each of the constants."""
        search = Search()
        search.worlds, search._plain = 1 + len(constants), self
        search._instead, search._constants = instead, constants
        return search

    def outcomes(self, node: Node, fixed: Mapping[Source, Hashable] | None = None) -> Outcomes:
        """Every result of the node as a row of one result a world, with its smallest situation.

        `fixed` sources are in that state already; their cost isn't counted.
        """
        fixed = fixed or {}
        key = (node, frozenset((s, fixed[s]) for s in node.sources if s in fixed))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._worked_out(node, fixed)
        return found

    def rows(
        self, nodes: Sequence[Node], fixed: Mapping[Source, Hashable] | None = None
    ) -> Iterator[tuple[tuple[Result, ...], Situation]]:
        """What two or more nodes come to together, one after the other: for who has seen enough before the end."""
        fixed = fixed or {}
        root = Fold(nodes, tuple)
        everything = tuple(range(len(nodes)))
        groups = _independent(root, everything, fixed)
        if len(groups) == len(nodes):
            for row, where in self.outcomes(root, fixed).items():
                yield row[0], where
            return
        shared = _most_shared(root, next(g for g in groups if len(g) > 1), fixed)
        for state, cost in shared.states:
            for row, where in self.rows(nodes, {**fixed, shared: state}):
                yield row, where.with_state(shared, state, cost)

    def _worked_out(self, node: Node, fixed: Mapping[Source, Hashable]) -> Outcomes:
        if self._plain is not None and (node is self._instead or not self._is_around(node)):
            others = (
                (lambda row: self._constants)
                if node is self._instead
                else (lambda row: row * (self.worlds - 1))
            )
            plain = self._plain.outcomes(node, fixed)
            return {(*row, *others(row)): where for row, where in plain.items()}
        return self._read(node, fixed) if isinstance(node, Read) else self._fold(node, fixed)

    def _is_around(self, node: Node) -> bool:
        """Whether the node that is replaced is part of this one."""
        found = self._around.get(node)
        if found is None:
            inside = node.children if isinstance(node, Fold) else ()
            found = self._around[node] = node is self._instead or any(self._is_around(c) for c in inside)
        return found

    def _read(self, node: Read, fixed: Mapping[Source, Hashable]) -> Outcomes:
        if node.source in fixed:
            return {(node.tell(fixed[node.source]),) * self.worlds: Situation()}
        return _cheapest(
            ((node.tell(state),) * self.worlds, Situation(cost, ((node.source, state),)))
            for state, cost in node.source.states
        )

    def _fold(self, node: Fold, fixed: Mapping[Source, Hashable]) -> Outcomes:
        start: Outcomes = {(node.start,) * self.worlds: Situation()}
        folded = self._children(node, tuple(range(len(node.children))), fixed, start)
        return _cheapest((tuple(node.result(acc) for acc in row), where) for row, where in folded.items())

    def _children(
        self, node: Fold, indices: tuple[int, ...], fixed: Mapping[Source, Hashable], accs: Outcomes
    ) -> Outcomes:
        for group in _independent(node, indices, fixed):
            if len(group) == 1:
                accs = self._stepped(node, group[0], fixed, accs)
                continue
            shared = _most_shared(node, group, fixed)
            accs = _cheapest(
                (row, where.with_state(shared, state, cost))
                for state, cost in shared.states
                for row, where in self._children(node, group, {**fixed, shared: state}, accs).items()
            )
        return accs

    def _stepped(self, node: Fold, index: int, fixed: Mapping[Source, Hashable], accs: Outcomes) -> Outcomes:
        found = self.outcomes(node.children[index], fixed)
        self.effort -= len(found) * len(accs)
        if self.effort < 0:
            raise TooWide
        return _cheapest(
            (tuple(node.step(a, index, r) for a, r in zip(acc, row, strict=True)), where.joined(more))
            for acc, where in accs.items()
            for row, more in found.items()
        )


def _cheapest(found: Iterable[tuple[Result, Situation]]) -> Outcomes:
    best: Outcomes = {}
    for result, where in found:
        known = best.get(result)
        if known is None or where.cost < known.cost:
            best[result] = where
    return best


def _independent(
    node: Fold, indices: tuple[int, ...], fixed: Mapping[Source, Hashable]
) -> list[tuple[int, ...]]:
    """The children in groups that share no source that is still open."""
    groups: list[tuple[set[Source], list[int]]] = []
    for index in indices:
        mine, members = {s for s in node.children[index].sources if s not in fixed}, [index]
        for other in [g for g in groups if g[0] & mine]:
            groups.remove(other)
            mine |= other[0]
            members = other[1] + members
        groups.append((mine, members))
    return [tuple(sorted(members)) for _, members in groups]


def _most_shared(node: Fold, group: tuple[int, ...], fixed: Mapping[Source, Hashable]) -> Source:
    """The source to fix first: that of most children of the group, and of these the one with the fewest states."""
    open_ = [[s for s in node.children[i].sources if s not in fixed] for i in group]
    shared = {s for one, other in combinations(open_, 2) for s in one if s in other}
    return min(shared, key=lambda s: (-sum(s in one for one in open_), len(s.states), s.name))
