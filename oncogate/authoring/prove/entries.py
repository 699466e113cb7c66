"""The entries of a fact of the record, as far as the windows, limits and lists in scope tell them apart."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from oncogate.authoring.prove.search import Source
from oncogate.authoring.prove.sources import Numbers, Vector, classes, joined, mixtures
from oncogate.base.logic import Truth, some
from oncogate.base.once import once
from oncogate.model.facts import Fact


class Entries(Source):
    """The entries of a fact of the record: which windows hold a counted one, and what the newest says.

    A state is the truth of `exists` for each window in scope, and the newest result: the number of the age (counted in
    windows) and its value, `None` where it can't be told. `how` holds the entries that bring it about: (age, counted).
    """

    TIMELESS = -1
    """The age of a diagnosis without a time: it counts in every window."""

    def __init__(self, name: str, fact_name: str, fact: Fact, due: bool) -> None:
        super().__init__(name)
        self.fact = fact
        self.fact_name = fact_name
        self.due = due
        self.raising = False
        self.ages: set[int] = set()
        self.ranges: list[tuple[int | None, int | None]] = []
        self.numbers = Numbers(name)
        self.lists: set[tuple[str, ...]] = set()
        self.compares = False
        self.how: dict[Hashable, tuple[tuple[int, bool], ...]] = {}

    @once
    def edges(self) -> tuple[int, ...]:
        """The windows in scope, in minutes. Ask only once all are known."""
        return tuple(sorted(self.ages))

    def asked(self, older_than: int | None, within: int | None) -> int:
        """The place of a window in the states."""
        self.ages |= {edge for edge in (older_than, within) if edge is not None}
        if (older_than, within) not in self.ranges:
            self.ranges.append((older_than, within))
        return self.ranges.index((older_than, within))

    def holds(self, within: int | None, age: int) -> bool:
        """Whether the window holds an entry of that age (the number of edges that it is beyond)."""
        return within is None or age == self.TIMELESS or age <= self.edges.index(within)

    def _member(self, range_: tuple[int | None, int | None], age: int) -> bool:
        older_than, within = range_
        old = older_than is None or age == self.TIMELESS or age > self.edges.index(older_than)
        return old and self.holds(within, age)

    def _vector(self, age: int, truth: Truth) -> Vector:
        return tuple(truth if self._member(r, age) else False for r in self.ranges)

    @once
    def _found(self) -> Sequence[tuple[Hashable, int]]:
        ages = list(range(len(self.edges) + 1))
        if "diagnoses" in self.fact.sections:
            ages = [self.TIMELESS, *ages]
        entries = {
            (age, counted): self._vector(age, True if counted else None)
            for age in ages
            for counted in (True, False)
        }
        hidden = tuple(None for _ in self.ranges)
        none: Vector = tuple(False for _ in self.ranges)
        found: dict[Hashable, int] = {}
        alone = {vector: (entry,) for entry, vector in reversed(entries.items())}
        for vector, how in joined(
            {**alone, hidden: ((0, False),), none: ()}, (False,) * len(none), _both
        ).items():
            self._keep(found, (vector, None), how, 3 * len(how))
        for newest in ages if self.compares else ():
            later = {v: (e,) for e, v in entries.items() if e[0] >= newest}
            base = entries[newest, True]
            for vector, how in joined({**later, none: ()}, (False,) * len(none), _both).items():
                for value, cost in self._values():
                    seen = tuple(some((a, b)) for a, b in zip(base, vector, strict=True))
                    made = how if (newest, True) in how else ((newest, True), *how)
                    self._keep(found, (seen, (newest, value)), made, 3 * len(made) - 2 + cost)
        return list(found.items())

    def _keep(
        self, found: dict[Hashable, int], state: Hashable, how: tuple[tuple[int, bool], ...], cost: int
    ) -> None:
        if state not in found or cost < found[state]:
            found[state] = cost
            self.how[state] = how

    def every_state(self) -> Sequence[tuple[Hashable, int]]:
        """Every state that the windows, limits and lists in scope tell apart."""
        return self._found

    def _values(self) -> Iterator[tuple[Hashable, int]]:
        """What the newest result may say: a set of words, or (the span of the number, the span of results in conflict)."""
        if self.fact.measured is None:
            known = self.fact.vocabulary.values if self.fact.vocabulary else ()
            for words in mixtures(classes(known, self.lists, self.fact.vocabulary is None)):
                yield words, 2 * (len(words) - 1)
            return
        low, high = self.fact.measured.plausible
        last = self.numbers.regions[-1]
        possible = [r for r in self.numbers.regions if self._reaches(r, low, high)]
        for i in self.numbers.regions:
            for j in self.numbers.regions:
                # a result such as `<0.5` reaches to the end of the line, others lie where values are plausible
                if i <= j and (
                    (i in possible and j in possible)
                    or (i == 0 and j in possible)
                    or (j == last and i in possible)
                ):
                    yield ((i, j), None), 2 * (i != j)
                    if self.raising and i < j:
                        inside = [r for r in possible if i <= r <= j]
                        yield from ((((i, j), core), 4) for core in combinations(inside, 2))

    def _reaches(self, region: int, low: Decimal, high: Decimal) -> bool:
        cuts, (at, odd) = self.numbers.cuts, divmod(region, 2)
        if odd:
            return low <= cuts[at] <= high
        return (at == 0 or cuts[at - 1] < high) and (at == len(cuts) or cuts[at] > low)


def _both(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*one, *other)))
