"""What conditions ask about, and the finitely many states in which each can be, as far as the conditions in scope can tell.

Numbers fall into regions between the limits in scope, ages between the windows, drugs by the classes asked for. A state may
be one that no request brings about (a superset), never the other way round: what holds in every state holds of every request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from oncogate.authoring.prove.search import Node, Outcomes, Search, Source
from oncogate.base.logic import Truth, every, some
from oncogate.base.once import once
from oncogate.engine.case import in_classes
from oncogate.engine.values import all_agree, compare
from oncogate.packs.tables import KnownDrug, Tables

TRUTHS: tuple[Truth, ...] = (False, True, None)
UNTOLD = 50
"""The cost of a state that a request isn't made for: what a formula says."""

Vector = tuple[Truth, ...]
Span = tuple[int, int]
"""The first and the last region in which a number may lie."""


class Free(Source):
    """Something that may come out in several ways, of which no more is known."""

    def __init__(self, name: str, values: Sequence[Hashable] = TRUTHS) -> None:
        super().__init__(name)
        self.values = values

    def every_state(self) -> Sequence[tuple[Hashable, int]]:
        """Every value."""
        return [(value, UNTOLD) for value in self.values]


class Section(Source):
    """Whether the host supplied a section of the record."""

    def __init__(self, section: str) -> None:
        super().__init__(f"section {section}")
        self.section = section

    def every_state(self) -> Sequence[tuple[Hashable, int]]:
        """Supplied, or not."""
        return [(True, 0), (False, 2)]


class Module(Source):
    """A derived fact whose sources nothing else in scope asks about: its results stand for them."""

    def __init__(self, name: str, node: Node) -> None:
        super().__init__(name)
        self.node = node

    @once
    def outcomes(self) -> Outcomes:
        """The results, each with its smallest situation."""
        return Search().outcomes(self.node)

    def every_state(self) -> Sequence[tuple[Hashable, int]]:
        """The results."""
        return [(row[0], where.cost) for row, where in self.outcomes.items()]


class Levels(Source):
    """A value in words that a formula gives: one that the lists in scope tell apart, or any of several."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(name)
        self.known = tuple(known)
        self.lists: set[tuple[str, ...]] = set()

    def every_state(self) -> Sequence[tuple[Hashable, int]]:
        """Sets of values that are possible; `None` stands for any value that no list in scope has."""
        return [(found, UNTOLD + len(found)) for found in mixtures(classes(self.known, self.lists, True))]


class Numbers(Source):
    """A number; the limits in scope cut the line into regions, the even ones open, the odd ones the limits themselves."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.limits: set[Decimal] = set()

    @once
    def cuts(self) -> tuple[Decimal, ...]:
        """The limits in scope, in order. Ask only once all are known."""
        return tuple(sorted(self.limits))

    @property
    def regions(self) -> range:
        """The regions by number."""
        return range(2 * len(self.cuts) + 1)

    def sample(self, region: int) -> Decimal:
        """A number of the region."""
        at, odd = divmod(region, 2)
        if odd:
            return self.cuts[at]
        if not self.cuts:
            return Decimal(1)
        if at == 0:
            return self.cuts[0] - 1
        return self.cuts[-1] + 1 if at == len(self.cuts) else (self.cuts[at - 1] + self.cuts[at]) / 2

    def compared(self, span: Span, operator: str, limits: Sequence[Decimal | None]) -> list[Truth]:
        """What the ends of the span say of the limits that are possible; `None` stands for none."""
        return [
            all_agree([True if x is None else compare(self.sample(r), operator, x) for x in limits])
            for r in dict.fromkeys(span)
        ]

    def every_state(self) -> Sequence[tuple[Hashable, int]]:
        """The spans in which the number may lie, and `None` where it isn't known."""
        spans = [
            ((i, j), UNTOLD + 2 * (i != j) + i % 2) for i in self.regions for j in self.regions if i <= j
        ]
        return [*spans, (None, UNTOLD + 2)]


class Drugs(Source):
    """The drugs of the order, as what each question about them comes to.

    A question is (classes, how the drug is narrowed, whether all drugs are asked); `all_of` takes the least truth of the
    order's drugs, the others the greatest.
    """

    def __init__(self, tables: Tables) -> None:
        super().__init__("order.drugs")
        used = Counter(id for rows in tables.regimens.values() for row in rows for id in row.components)
        self.drugs = sorted(
            tables.drugs.values(), key=lambda d: (-used[d.id], d.id)
        )  # what readers know comes first
        self.questions: list[tuple[frozenset[str], Hashable, bool]] = []
        self.how: dict[Vector, tuple[str | None, ...]] = {}
        """The ids of drugs that bring a state about; `""` for one that isn't recognised, `None`: the order is marked as anti-tumour."""

    def asked(self, classes: frozenset[str], narrowed: Hashable, of_all: bool) -> int:
        """The place of a question in the states."""
        question = (classes, narrowed, of_all)
        if question not in self.questions:
            self.questions.append(question)
        return self.questions.index(question)

    @once
    def _found(self) -> Sequence[tuple[Hashable, int]]:
        alone: dict[Vector, tuple[str | None, ...]] = {}
        for drug in self.drugs:
            for vector in self._vectors(drug):
                alone.setdefault(vector, (drug.id,))
        # an order that is marked as anti-tumour and holds nothing known; one that isn't; a marked one of local treatment
        alone.setdefault(tuple(None for _ in self.questions), (None,))
        alone.setdefault(tuple(False for _ in self.questions), ("",))
        alone.setdefault(tuple(None if q[2] else False for q in self.questions), ("",))
        self.how = joined(alone, tuple(q[2] for q in self.questions), lambda a, b: (*a, *b))
        return [(vector, len(ids) + (None in vector)) for vector, ids in self.how.items()]

    def _vectors(self, drug: KnownDrug) -> Iterator[Vector]:
        """What the questions come to for an order of this drug; how it is given is free."""
        found: list[Vector] = [()]
        for classes, narrowed, _ in self.questions:
            member = in_classes(drug, classes)
            open_ = narrowed is not None and member is not False
            ways = (
                dict.fromkeys(every((member, given)) for given in (True, False, None)) if open_ else (member,)
            )
            found = [(*vector, way) for vector in found for way in ways]
        yield from found

    def every_state(self) -> Sequence[tuple[Hashable, int]]:
        """What the questions come to for every set of drugs."""
        return self._found


def joined(
    alone: dict[Vector, tuple[Any, ...]], of_all: tuple[bool, ...], add: Callable[..., tuple[Any, ...]]
) -> dict[Any, tuple[Any, ...]]:
    """What several of the vectors come to together, to the least trouble: `every` where all are asked, else `some`."""

    def together(one: Vector, other: Vector) -> Vector:
        return tuple(
            every((a, b)) if least else some((a, b)) for a, b, least in zip(one, other, of_all, strict=True)
        )

    found = dict(alone)
    empty = tuple(of_all)  # nothing there: all of none, none of any
    found.setdefault(empty, ())
    fresh = list(alone)
    while fresh:
        made: dict[Vector, tuple[Any, ...]] = {}
        for one in fresh:
            for other, how in alone.items():
                both = together(one, other)
                if both not in found:
                    made.setdefault(both, add(found[one], how))
        found |= made
        fresh = list(made)
    return found


def classes(known: Iterable[str], lists: set[tuple[str, ...]], others: bool) -> list[str | None]:
    """One word for each way of being in the lists; `None` for a word that is in none of them, if there may be `others`."""
    by_lists: dict[tuple[bool, ...], str | None] = {}
    for word in dict.fromkeys((*known, *(w for listed in sorted(lists) for w in listed))):
        by_lists.setdefault(tuple(word in listed for listed in sorted(lists)), word)
    if others:
        by_lists.setdefault(tuple(False for _ in lists), None)
    return list(by_lists.values())


def mixtures(words: list[str | None]) -> list[frozenset[str | None]]:
    """The sets of words that may be possible together."""
    sizes = range(1, len(words) + 1) if len(words) <= 5 else (1, 2, 3, len(words))
    return [frozenset(mixed) for size in sizes for mixed in combinations(words, size)]
