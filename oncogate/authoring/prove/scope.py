"""Conditions made into nodes over the sources that they ask about.

The trees are put together by the engine's own logic (`base.logic`, `engine.values`, `first_case`, `verdict_of`); only the
leaves are told from the state of a source instead of from a request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from oncogate.authoring.prove.search import Fold, Node, Read, Source
from oncogate.authoring.prove.sources import (
    TRUTHS,
    Drugs,
    Entries,
    Free,
    Levels,
    Module,
    Numbers,
    Section,
)
from oncogate.base.logic import Truth, at_least, every, negate, some
from oncogate.engine.conditions import first_case, with_points
from oncogate.engine.judge import verdict_of
from oncogate.engine.values import all_agree, compare, is_listed
from oncogate.model import condition as leaves
from oncogate.model.condition import All, AnyOf, AtLeastN, Condition, Exists, Holds, Latest, Leaf, Not
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Rule
from oncogate.packs.leaves import Place
from oncogate.packs.pack import Library

Calendar = Literal[0, 1]
"""How long months and years are taken to be: as short, or as long as they come."""

_MINUTES: Mapping[str, tuple[int, int]] = {
    "min": (1, 1), "h": (60, 60), "d": (1440, 1440), "wk": (10080, 10080),
    "mo": (28 * 1440, 31 * 1440), "a": (365 * 1440, 366 * 1440),
}  # fmt: skip

Parameters = Mapping[str, Parameter]
Key = tuple[str, tuple[tuple[str, str, str | None], ...]]


class Scope:
    """The sources that some rules and facts ask about together, and the nodes of their conditions.

    Make it with `scope_of`: only when all sources are known can it be told which derived facts stand `alone` and may be
    walked by themselves.
    """

    def __init__(
        self, library: Library, calendar: Calendar, sources: dict[Hashable, Source], alone: frozenset[Key]
    ) -> None:
        self.library = library
        self.facts = library.facts
        self.calendar = calendar
        self.sources = sources
        self.alone = alone
        self.nodes: dict[tuple[str, Place], Node] = {}
        """The node of each condition of the rules and facts that the scope is of, by owner and place."""
        self._by_calendar = False
        self._derived: dict[Key, Node] = {}
        self._within: dict[Source, list[tuple[Key, ...]]] = {}
        self._stack: tuple[Key, ...] = ()

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
        return int(_number(parameter)) * _MINUTES[unit][self.calendar]

    # -- rules and facts -----------------------------------------------------------------------------

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
                for stacks in self._within.values() if any(key in s for s in stacks) for stack in stacks
            )
        )  # fmt: skip

    # -- conditions ------------------------------------------------------------------------------------

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
            node = Fold(inner("any", condition.any), _same, False, lambda acc, _, t: some((acc, t)))
        elif isinstance(condition, Not):
            child = self.condition(owner, (*where, "not"), condition.not_, parameters, raising)
            node = Fold([child], lambda truths: negate(truths[0]))
        elif isinstance(condition, AtLeastN):
            count = int(_number(parameters[condition.at_least_n]))
            node = Fold(inner("of", condition.of), _counted(count), (0, 0, 0), _count)
        else:
            node = self._leaf(condition, parameters, raising)
        if not self._stack:
            self.nodes[owner, where] = node
        return node

    def _every(self, nodes: Sequence[Node]) -> Fold:
        return Fold(nodes, _same, True, lambda acc, _, truth: every((acc, truth)))

    def _leaf(self, leaf: Leaf, parameters: Parameters, raising: bool) -> Node:
        if isinstance(leaf, Exists):
            return self._exists(leaf, parameters)
        if isinstance(leaf, Latest):
            return self._latest(leaf, parameters, raising)
        if isinstance(leaf, leaves.Value):
            return self._value(leaf, parameters)
        if isinstance(leaf, Holds):
            return self._holds(leaf.holds, _options(leaf, parameters))
        if isinstance(leaf, leaves.Drugs):
            return self._drugs(leaf, parameters)
        assert isinstance(leaf, leaves.Supplied)
        return self._read(self._section(leaf.supplied), _same)

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
            limit = _number(parameters[ref])
            source.numbers.limits.add(limit)
            node = self._seen(source, lambda state: numbers(newest(state), (limit,)))
        elif self.facts[ref].derive is not None:
            says = f"`{leaf.latest}` {operator} `{ref}` {_said(_options(leaf, parameters))}"
            free = self._free(says.strip(), (*TRUTHS, "no limit"))
            seen = self._seen(source, newest)
            node = Fold(
                [seen, free], lambda r: True if r[1] == "no limit" else None if r[0] is None else r[1]
            )
        else:
            source.numbers.limits |= _limits(self.facts[ref], _options(leaf, parameters))
            limits = self._possible(ref, _options(leaf, parameters))
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
        fact, options = self.facts[leaf.value], _options(leaf, parameters)
        if operator == "in_":
            listed = parameters[ref]
            levels = self._levels(leaf.value, options) if fact.derive is not None else None
            if isinstance(levels, Levels):
                levels.lists.add(_listed(listed))
            possible = self._read(levels, _same) if levels else self._possible(leaf.value, options)
            return Fold([possible], lambda r: all_agree([is_listed(v, listed) for v in r[0]]))
        limit_fact = None if ref in parameters else self.facts[ref]
        if limit_fact is not None and limit_fact.derive is not None:
            return self._free(f"`{leaf.value}` {operator} `{ref}` {_said(options)}".strip())
        if fact.derive is None:
            given = [self._possible(leaf.value, options)]
        else:
            numbers = self._numbers(leaf.value, options)
            numbers.limits |= (
                {_number(parameters[ref])} if limit_fact is None else _limits(limit_fact, options)
            )
            given = [self._read(numbers, lambda span: span if span is None else ("span", numbers, span))]
        if limit_fact is not None:
            given.append(self._possible(ref, options))
        fixed = None if limit_fact is not None else (_number(parameters[ref]),)
        return Fold(given, lambda r: _compared(r[0], operator, fixed or r[1]))

    def _holds(self, name: str, options: Parameters) -> Node:
        fact = self.facts[name]
        if fact.derive is not None:
            return self._free(
                f"`{name}` {_said(options)}".strip(), (False, True) if fact.always_known else TRUTHS
            )
        return self._possible(name, options)

    def _possible(self, name: str, options: Parameters) -> Node:
        """What a derived fact comes to: the truth of one by conditions, else its possible values."""
        key = (name, tuple(sorted((n, str(p.value), p.unit) for n, p in options.items())))
        if key not in self._derived:
            self._stack = (*self._stack, key)
            node = self.fact(name, options)
            self._stack = self._stack[:-1]
            if key in self.alone:
                node = self._read(Module(f"`{name}` {_said(options)}".strip(), node), _same)
            self._derived[key] = node
        elif key not in self.alone:
            self._again(key)
        return self._derived[key]

    def _drugs(self, leaf: leaves.Drugs, parameters: Parameters) -> Node:
        source = self._source("drugs", lambda: Drugs(self.library.tables.drugs.values()))
        classes = (
            frozenset((leaf.in_.removeprefix("drugs/"),))
            if leaf.in_.startswith("drugs/")
            else frozenset(_listed(parameters[leaf.in_]))
        )
        refs = (leaf.route, leaf.route_other_than, leaf.dose_above, leaf.dose_at_least)
        narrowed = tuple(
            None if ref is None else (str(parameters[ref].value), parameters[ref].unit) for ref in refs
        )
        place = source.asked(classes, narrowed if any(refs) else None, leaf.all_of is not None)
        none_of = leaf.none_of is not None
        return self._read(source, lambda state: negate(state[place]) if none_of else state[place])

    # -- sources ---------------------------------------------------------------------------------------

    def _source(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self.sources:
            self.sources[key] = make()
        return self.sources[key]

    def _read(self, source: Source, tell: Callable[[Any], Any]) -> Read:
        self._within.setdefault(source, []).append(self._stack)
        source.readers.append(tell)
        return Read(source, tell)

    def _again(self, key: Key) -> None:
        """Note that what a derived fact asks about is asked about from here too."""
        for stacks in self._within.values():
            stacks += [(*self._stack, *stack[stack.index(key) :]) for stack in stacks if key in stack]

    def _free(self, name: str, values: Sequence[Hashable] = TRUTHS) -> Read:
        return self._read(self._source(("free", name, values), lambda: Free(name, values)), _same)

    def _section(self, section: str) -> Section:
        found: Section = self._source(("section", section), lambda: Section(section))
        return found

    def _levels(self, name: str, options: Parameters) -> Levels:
        said = f"`{name}` {_said(options)}".strip()
        found: Levels = self._source(("levels", said), lambda: Levels(said, self.facts[name].levels))
        return found

    def _numbers(self, name: str, options: Parameters) -> Numbers:
        said = f"`{name}` {_said(options)}".strip()
        found: Numbers = self._source(("numbers", said), lambda: Numbers(said))
        return found

    def _entries(self, name: str, kind: str, leaf: Leaf, parameters: Parameters) -> Entries:
        fact = self.facts[name]
        said = f"`{name}` {_said(_options(leaf, parameters)) if fact.stage else ''}".strip()
        found: Entries = self._source(
            (kind, said), lambda: Entries(f"{kind} {said}", name, fact, kind == "due")
        )
        return found

    def _seen(self, source: Entries, tell: Callable[[Any], Any]) -> Node:
        """What is told of the entries; of a section that isn't supplied nothing is."""
        asked = [s for s in source.fact.sections if ("section", s) in self.sources]
        if not asked:
            return self._read(source, tell)
        everything = len(source.fact.sections) == 1 and not source.fact.also

        def finish(found: list[Any]) -> Any:
            seen, *supplied = found
            return seen if all(supplied) or (seen is True and not everything) else None

        return Fold([self._read(source, tell), *(self._read(self._section(s), _same) for s in asked)], finish)


def scope_of(library: Library, calendar: Calendar, build: Callable[[Scope], Any]) -> tuple[Scope, Any]:
    """A scope, and what `build` makes in it."""
    sources: dict[Hashable, Source] = {}
    alone: frozenset[Key] = frozenset()
    build(Scope(library, calendar, sources, alone))
    known = Scope(library, calendar, sources, alone)
    build(known)
    for source in sources.values():
        source.readers.clear()
    scope = Scope(library, calendar, sources, known.standing_alone())
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


def _same(result: Any) -> Any:
    return result


def _count(acc: tuple[int, int, int], _: int, truth: Truth) -> tuple[int, int, int]:
    place = TRUTHS.index(truth)
    return (acc[0] + (place == 0), acc[1] + (place == 1), acc[2] + (place == 2))


def _counted(count: int) -> Callable[[tuple[int, int, int]], Truth]:
    return lambda acc: at_least(count, [t for t, n in zip(TRUTHS, acc, strict=True) for _ in range(n)])


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


def _options(leaf: Leaf, parameters: Parameters) -> dict[str, Parameter]:
    return {name: parameters[ref] for name, ref in leaf.with_.items()}


def _said(options: Parameters) -> str:
    return " ".join(f"{name} {_short(p.value)}" for name, p in sorted(options.items()))


def _short(value: Any) -> str:
    return "|".join(value) if isinstance(value, tuple) else str(value)


def _listed(parameter: Parameter) -> tuple[str, ...]:
    value = parameter.value
    return value if isinstance(value, tuple) else (str(value),)


def _number(parameter: Parameter) -> Decimal:
    assert isinstance(parameter.value, Decimal)
    return parameter.value


def _limits(fact: Fact, options: Parameters) -> set[Decimal]:
    """The numbers that a derived limit may be."""
    parameters = {**fact.parameters, **options}
    if fact.points:
        totals = {Decimal(0)}
        for item in fact.points:
            totals |= {total + _number(parameters[item.points]) for total in totals}
        return totals
    return {_number(parameters[branch.then]) for branch in fact.cases}
