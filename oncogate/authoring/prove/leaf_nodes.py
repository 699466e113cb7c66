"""Leaves made into nodes over the sources that they ask about."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from oncogate.authoring.prove.entries import Entries
from oncogate.authoring.prove.search import Fold, Node, Read, Source
from oncogate.authoring.prove.sources import (
    TRUTHS,
    Drugs,
    Free,
    Levels,
    Numbers,
    Section,
)
from oncogate.base.logic import Truth, negate
from oncogate.engine.values import all_agree, compare, is_listed
from oncogate.model import condition as leaves
from oncogate.model.condition import Exists, Holds, Latest, Leaf
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.packs.leaves import classes_of_leaf, options_of
from oncogate.packs.pack import Library

Calendar = Literal[0, 1]
"""How long months and years are taken to be: as short, or as long as they come."""

_MINUTES: Mapping[str, tuple[int, int]] = {
    "min": (1, 1), "h": (60, 60), "d": (1440, 1440), "wk": (10080, 10080),
    "mo": (28 * 1440, 31 * 1440), "a": (365 * 1440, 366 * 1440),
}  # fmt: skip

Parameters = Mapping[str, Parameter]
Key = tuple[str, tuple[tuple[str, str, str | None], ...]]


class LeafNodes:
    """Makes leaves into nodes; `sources` are those that the scope knows, each under what tells it from others."""

    def __init__(self, library: Library, calendar: Calendar, sources: dict[Hashable, Source]) -> None:
        self.library = library
        self.facts = library.facts
        self.calendar = calendar
        self.sources = sources
        self.within: dict[Source, list[tuple[Key, ...]]] = {}
        """Where each source is asked about: within which derived facts, one inside the other."""
        self.stack: tuple[Key, ...] = ()
        self._by_calendar = False

    def possible(self, name: str, options: Parameters) -> Node:
        """What a fact derived from conditions comes to: its truth, or its possible values."""
        raise NotImplementedError

    @property
    def inexact(self) -> bool:
        """Whether it may depend on the month which of two windows of a fact is the longer one."""
        return self._by_calendar and any(
            isinstance(s, Entries) and len(s.ages) > 1 for s in self.sources.values()
        )

    def _minutes(self, parameter: Parameter) -> int:
        """The length of a window."""
        unit = parameter.unit or "d"
        self._by_calendar |= unit in ("mo", "a")
        return int(parameter.number) * _MINUTES[unit][self.calendar]

    def leaf(self, leaf: Leaf, parameters: Parameters, raising: bool) -> Node:
        """The node of a leaf; `raising`: results in conflict raise it."""
        if isinstance(leaf, Exists):
            return self._exists(leaf, parameters)
        if isinstance(leaf, Latest):
            return self._latest(leaf, parameters, raising)
        if isinstance(leaf, leaves.Value):
            return self._value(leaf, parameters)
        if isinstance(leaf, Holds):
            return self._holds(leaf.holds, options_of(leaf, parameters))
        if isinstance(leaf, leaves.Drugs):
            return self._drugs(leaf, parameters)
        assert isinstance(leaf, leaves.Supplied)
        return self.read(self._section(leaf.supplied), same)

    def _exists(self, leaf: Exists, parameters: Parameters) -> Node:
        if leaf.since is not None:
            said = [str(parameters[ref].value) for ref in (leaf.within, leaf.older_than) if ref is not None]
            return self._free(f"`{leaf.exists}` since `{leaf.since}` {' '.join(said)}".strip())
        if leaf.due_within is not None:
            source = self._entries(leaf.exists, "due", leaf, parameters)
            place = source.asked(None, self._minutes(parameters[leaf.due_within]))
        else:
            source = self._entries(leaf.exists, "exists", leaf, parameters)
            older, within = (
                None if ref is None else self._minutes(parameters[ref])
                for ref in (leaf.older_than, leaf.within)
            )
            place = source.asked(older, within)
        return self._seen(source, lambda state: state[0][place])

    def _latest(self, leaf: Latest, parameters: Parameters, raising: bool) -> Node:
        within = None if leaf.within is None else self._minutes(parameters[leaf.within])
        source = self._entries(leaf.latest, "exists", leaf, parameters)
        source.asked(None, within)
        source.compares = True
        source.raising = source.raising or raising
        operator, ref = leaf.comparison

        def newest(state: Any) -> Any:
            """What the newest result in the window says, if that can be told."""
            _, found = state
            return None if found is None or not source.holds(within, found[0]) else found[1]

        def numbers(seen: Any, limits: Iterable[Decimal | None]) -> Truth:
            limits = list(limits)
            if limits == [None]:
                return True
            if seen is None:
                return None
            span, core = seen
            if (
                raising
                and core is not None
                and {*source.numbers.compared(core, operator, limits)} >= {True, False}
            ):
                return True
            return all_agree(source.numbers.compared(span, operator, limits))

        node: Node
        if operator == "in_":
            source.lists.add(_listed(parameters[ref]))

            def words(state: Any) -> Truth:
                seen = newest(state)
                if seen is None:
                    return None
                truths = [is_listed(word, parameters[ref]) for word in sorted(seen, key=str)]
                return True if raising and True in truths else all_agree(truths)

            node = self._seen(source, words)
        elif ref in parameters:
            limit = parameters[ref].number
            source.numbers.limits.add(limit)
            node = self._seen(source, lambda state: numbers(newest(state), (limit,)))
        elif self.facts[ref].derive is not None:
            says = f"`{leaf.latest}` {operator} `{ref}` {said_of(options_of(leaf, parameters))}"
            free = self._free(says.strip(), (*TRUTHS, "no limit"))
            seen = self._seen(source, newest)
            node = Fold(
                [seen, free], lambda r: True if r[1] == "no limit" else None if r[0] is None else r[1]
            )
        else:
            source.numbers.limits |= _limits(self.facts[ref], options_of(leaf, parameters))
            limits = self.possible(ref, options_of(leaf, parameters))
            node = Fold([self._seen(source, newest), limits], lambda r: numbers(r[0], r[1]))
        return self._unless_said(node, leaf, parameters)

    def _unless_said(self, node: Node, leaf: Latest, parameters: Parameters) -> Node:
        """A critical value that was raised before isn't raised again; whether it was isn't looked into."""
        if leaf.repeats is None or parameters[leaf.repeats].value == "every_time":
            return node
        said = [
            str(parameters[ref].value)
            for ref in (leaf.comparison[1], leaf.repeats, leaf.quiet or "")
            if ref in parameters
        ]
        before = self._free(
            f"`{leaf.latest}` {leaf.comparison[0]} said before {' '.join(said)}", (False, True)
        )
        return Fold([node, before], lambda r: False if r[0] and r[1] else r[0])

    def _value(self, leaf: leaves.Value, parameters: Parameters) -> Node:
        operator, ref = leaf.comparison
        fact, options = self.facts[leaf.value], options_of(leaf, parameters)
        if operator == "in_":
            listed = parameters[ref]
            levels = self._levels(leaf.value, options) if fact.derive is not None else None
            if isinstance(levels, Levels):
                levels.lists.add(_listed(listed))
            possible = self.read(levels, same) if levels else self.possible(leaf.value, options)
            return Fold([possible], lambda r: all_agree([is_listed(v, listed) for v in r[0]]))
        limit_fact = None if ref in parameters else self.facts[ref]
        if limit_fact is not None and limit_fact.derive is not None:
            return self._free(f"`{leaf.value}` {operator} `{ref}` {said_of(options)}".strip())
        if fact.derive is None:
            given = [self.possible(leaf.value, options)]
        else:
            numbers = self._numbers(leaf.value, options)
            numbers.limits |= {parameters[ref].number} if limit_fact is None else _limits(limit_fact, options)
            given = [self.read(numbers, lambda span: span if span is None else ("span", numbers, span))]
        if limit_fact is not None:
            given.append(self.possible(ref, options))
        fixed = None if limit_fact is not None else (parameters[ref].number,)
        return Fold(given, lambda r: _compared(r[0], operator, fixed or r[1]))

    def _holds(self, name: str, options: Parameters) -> Node:
        fact = self.facts[name]
        if fact.derive is not None:
            return self._free(
                f"`{name}` {said_of(options)}".strip(), (False, True) if fact.always_known else TRUTHS
            )
        return self.possible(name, options)

    def _drugs(self, leaf: leaves.Drugs, parameters: Parameters) -> Node:
        source = self._source("drugs", lambda: Drugs(self.library.tables))
        classes = frozenset(classes_of_leaf(leaf, parameters))
        refs = (leaf.route, leaf.route_other_than, leaf.dose_above, leaf.dose_at_least)
        narrowed = tuple(
            None if ref is None else (str(parameters[ref].value), parameters[ref].unit) for ref in refs
        )
        place = source.asked(classes, narrowed if any(refs) else None, leaf.all_of is not None)
        none_of = leaf.none_of is not None
        return self.read(source, lambda state: negate(state[place]) if none_of else state[place])

    def _source(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self.sources:
            self.sources[key] = make()
        return self.sources[key]

    def read(self, source: Source, tell: Callable[[Any], Any]) -> Read:
        """A node that reads the source; which states of it need to be told apart depends on who reads it."""
        self.within.setdefault(source, []).append(self.stack)
        source.readers.append(tell)
        return Read(source, tell)

    def _free(self, name: str, values: Sequence[Hashable] = TRUTHS) -> Read:
        return self.read(self._source(("free", name, values), lambda: Free(name, values)), same)

    def _section(self, section: str) -> Section:
        found: Section = self._source(("section", section), lambda: Section(section))
        return found

    def _levels(self, name: str, options: Parameters) -> Levels:
        said = f"`{name}` {said_of(options)}".strip()
        found: Levels = self._source(("levels", said), lambda: Levels(said, self.facts[name].levels))
        return found

    def _numbers(self, name: str, options: Parameters) -> Numbers:
        said = f"`{name}` {said_of(options)}".strip()
        found: Numbers = self._source(("numbers", said), lambda: Numbers(said))
        return found

    def _entries(self, name: str, kind: str, leaf: Leaf, parameters: Parameters) -> Entries:
        fact = self.facts[name]
        said = f"`{name}` {said_of(options_of(leaf, parameters)) if fact.stage else ''}".strip()
        found: Entries = self._source(
            (kind, said), lambda: Entries(f"{kind} {said}", name, fact, kind == "due")
        )
        return found

    def _seen(self, source: Entries, tell: Callable[[Any], Any]) -> Node:
        """What is told of the entries; of a section that isn't supplied nothing is."""
        asked = [s for s in source.fact.sections if ("section", s) in self.sources]
        if not asked:
            return self.read(source, tell)
        everything = len(source.fact.sections) == 1 and not source.fact.also

        def finish(found: list[Any]) -> Any:
            seen, *supplied = found
            return seen if all(supplied) or (seen is True and not everything) else None

        return Fold([self.read(source, tell), *(self.read(self._section(s), same) for s in asked)], finish)


def same(result: Any) -> Any:
    """The result as it is."""
    return result


def _compared(value: Any, operator: str, limits: Iterable[Any]) -> Truth:
    """How a derived value compares: possible values, or the span of a number, `None` where nothing is known of it."""
    if value is None:
        return None
    limits = tuple(limits)
    if isinstance(value, tuple):
        _, numbers, span = value
        samples: list[Any] = [numbers.sample(region) for region in dict.fromkeys(span)]
    else:
        samples = list(value)
    return all_agree([
        all_agree([compare(v, operator, x) if isinstance(x, Decimal) and isinstance(v, Decimal) else None for x in limits])
        for v in samples
    ])  # fmt: skip


def said_of(options: Parameters) -> str:
    """The parameters handed over, in words."""
    return " ".join(f"{name} {_short(p.value)}" for name, p in sorted(options.items()))


def _short(value: Any) -> str:
    return "|".join(value) if isinstance(value, tuple) else str(value)


def _listed(parameter: Parameter) -> tuple[str, ...]:
    value = parameter.value
    return value if isinstance(value, tuple) else (str(value),)


def _limits(fact: Fact, options: Parameters) -> set[Decimal]:
    """The numbers that a derived limit may be."""
    parameters = {**fact.parameters, **options}
    if fact.points:
        totals = {Decimal(0)}
        for item in fact.points:
            totals |= {total + parameters[item.points].number for total in totals}
        return totals
    return {parameters[branch.then].number for branch in fact.cases}
