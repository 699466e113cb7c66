"""What was found for a fact, told without its evidence: all that a compiled rule needs to know.

`select` gives the thorough account, a standing for every candidate. Here an entry that is plain in every way is told
at a glance; one that isn't gets its standing from `Counting`, and what bears on several entries (a correction, a
withdrawal, something that couldn't be read) sends the whole fact to `select`. Either way the outcome is that of
`select`, which the tests hold it to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from oncogate.base.logic import Truth
from oncogate.engine.case import Case
from oncogate.engine.content import content_checks, read_value
from oncogate.engine.select import REPLACES, Selection, select
from oncogate.engine.standing import ERRONEOUS, Counting
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import (
    Assessment,
    Consent,
    Entry,
    Exam,
    MarkerResult,
    Measurement,
    Note,
    Pathology,
    Procedure,
)

FOREVER = datetime.max.replace(tzinfo=timezone.utc) - timedelta(days=2)
"""The time of what counts whatever its time: no window is too short for it."""

Facts = Mapping[str | None, Mapping[str | None, tuple[str, ...]]]


class Asked:
    """The coded facts that are asked for. There are more once rules on trial are judged, too: `count` tells."""

    def __init__(self) -> None:
        self.facts: dict[str | None, dict[str | None, tuple[str, ...]]] = {}
        """By code and its system, the facts that are coded so."""
        self.count = 0

    def add(self, name: str, fact: Fact) -> None:
        """Ask for a fact, too."""
        for system, code in fact.code_keys:
            systems = self.facts.get(code, {})
            names = systems.get(system, ())
            if name not in names:
                self.facts[code] = {**systems, system: (*names, name)}
                self.count += 1


class Found:
    """The counted entries of a fact: `last` is the time of the newest, `doubt` of the newest that may count.

    `value` is the exact number, or the word of the vocabulary, that the newest says, where one entry and no other is
    the newest and it says one.
    """

    __slots__ = ("doubt", "exists", "hidden", "last", "value")

    def __init__(
        self,
        last: datetime | None,
        doubt: datetime | None,
        hidden: bool,
        value: Decimal | str | None = None,
    ) -> None:
        self.last = last
        self.doubt = doubt
        self.hidden = hidden
        self.value = value
        self.exists: Truth = True if last is not None else None if hidden or doubt is not None else False
        """Whether a counted entry is there."""

    def since(self, moment: datetime) -> Truth:
        """Whether a counted entry is there that isn't older than the moment."""
        if self.last is not None and self.last >= moment:
            return True
        return None if self.hidden or (self.doubt is not None and self.doubt >= moment) else False


Find = Callable[[object, Case], Found]
"""Called as what fills a slot: its first argument are the slots."""
Said = Mapping[str, Any]
"""The fields of an entry."""
Check = Callable[[Case, Entry, Said], Truth]
"""Whether an entry that stands is what a fact asks for; unknown where that wants a closer look."""


def finder(  # noqa: PLR0915 - one loop, without a call for each entry
    name: str, fact: Fact, options: Mapping[str, Parameter], asked: Asked
) -> Find:
    """What finds the fact `name` in a case; `options` are the parameters handed to it."""
    asked.add(name, fact)
    supplying, sections = frozenset(fact.sections), (*fact.sections, *fact.also)
    coded = bool(fact.codes) and set(sections) <= set(_CODED)
    checks = tuple(_checks(fact, options, coded=coded))
    odd = REPLACES | ERRONEOUS | {"superseded"} | set(fact.ends)
    ends, counted_as = frozenset(fact.ends), frozenset(fact.counted) - ERRONEOUS - {"superseded"}
    at_a_glance = counted_as - odd

    def thorough(case: Case) -> Found:
        return _of(select(case, name, options=options), fact)

    def find(_: object, case: Case) -> Found:
        record = case.record.__dict__
        if record["unread"]:
            return thorough(case)
        hidden = False
        entries: Sequence[Entry] = ()
        for section in sections:
            supplied = record[section]
            if supplied is None:
                hidden = hidden or section in supplying
            elif supplied:
                if coded:
                    by_fact = _by_fact(case, section, supplied, asked)
                    if by_fact is None:
                        return thorough(case)
                    supplied = by_fact.get(name, ())
                entries = (*entries, *supplied) if entries else supplied
        at = case.at
        last: datetime | None = None
        doubt: datetime | None = None
        newest: Entry | None = None
        for entry in entries:
            said = entry.__dict__
            status = said.get("status")
            if status not in at_a_glance:
                if status in ends or _bears_on_others(entry, status):
                    return thorough(case)
                if status not in counted_as if counted_as else status in odd:
                    continue
            if said["patient"] is not None and case.of_another_patient(entry):
                continue
            when, recorded = said["effective"], said["recorded"]
            truth: Truth = None
            if type(when) is datetime and (recorded is None or type(recorded) is datetime):
                if when > at or (recorded is not None and recorded > at):
                    continue
                truth = True
                for check in checks:
                    truth = check(case, entry, said)
                    if truth is not True:
                        break
                if truth is False:
                    continue
            if truth is None:
                standing = _counting(case, fact, options).standing(entry)
                if standing is None or standing.counted is False:
                    continue
                truth, when = standing.counted, standing.when or FOREVER
            if truth is None:
                doubt = when if doubt is None or when > doubt else doubt
            elif last is None or when > last:
                last, newest = when, entry
            elif when == last:
                newest = None
        value = None
        if newest is not None and not hidden and (doubt is None or last is None or doubt < last):
            value = _exact(fact, newest)
        return Found(last, doubt, hidden, value)

    return find


def _of(selection: Selection, fact: Fact) -> Found:
    counted = [s.when or FOREVER for s in selection.standings if s.counted]
    doubtful = [s.when or FOREVER for s in selection.standings if s.counted is None]
    newest, hidden = selection.newest, bool(selection.hidden)
    alone = len(newest) == 1 and newest[0].counted and not hidden
    value = _exact(fact, newest[0].entry) if alone else None
    return Found(max(counted, default=None), max(doubtful, default=None), hidden, value)


def _bears_on_others(entry: Entry, status: str | None) -> bool:
    """Whether the entry may take another's place."""
    return status in REPLACES and (entry.key is not None or isinstance(entry, Measurement))


def _counting(case: Case, fact: Fact, options: Mapping[str, Parameter]) -> Counting:
    return Counting(case, fact, None, None, None, None, options)


def _checks(fact: Fact, options: Mapping[str, Parameter], *, coded: bool) -> Iterator[Check]:
    """What the fact asks of an entry that stands, and no more."""
    if not coded:
        yield _kind(fact, options)
    if fact.focus != "ignored":
        optional = fact.focus == "optional"
        yield (
            lambda case, _, said: (
                True if said["focus"] is None and (optional or case.tumour.several is False) else None
            )
        )
    if fact.matches:
        yield _matching(fact, options)
    if fact.vocabulary is not None:
        field, words = fact.vocabulary.field, frozenset(fact.vocabulary.values)
        yield lambda _, __, said: True if said.get(field) in words else None
    elif coded:
        yield lambda _, __, said: _says_something(said)
    else:
        yield lambda _, entry, said: not isinstance(entry, Measurement) or _says_something(said)
    if fact.stage is not None:
        yield _staged(fact, options)


_CODED = ("labs", "vitals")
_TOLD_BY_KIND = frozenset({Assessment, Consent, Procedure, Note})
_TOLD_IF_SAID = frozenset({Pathology, MarkerResult, Exam})
"""Entries of no stated kind are meant, too."""


def _kind(fact: Fact, options: Mapping[str, Parameter]) -> Check:
    any_kind = not fact.kinds
    plain = not fact.doubtful_kinds and not fact.narrow_kinds
    kinds, or_none = frozenset(fact.kinds), frozenset({*fact.kinds, None})

    def kind(case: Case, entry: Entry, said: Said) -> Truth:
        if plain and type(entry) in _TOLD_BY_KIND:
            return any_kind or said["kind"] in kinds
        if plain and type(entry) in _TOLD_IF_SAID:
            return any_kind or said.get("kind") in or_none
        return _counting(case, fact, options).is_kind(entry)

    return kind


def _matching(fact: Fact, options: Mapping[str, Parameter]) -> Check:
    """Whether the regimen and the cycle are the order's, where they are named."""

    def matching(case: Case, entry: Entry, said: Said) -> Truth:
        named, cycle, order = said.get("regimen"), said.get("cycle"), case.order
        if not named and (cycle is None or (order is not None and order.cycle == cycle)):
            return True
        truths = (truth for truth, _, _ in _counting(case, fact, options).matches(entry))
        return next((truth for truth in truths if truth is not True), True)

    return matching


def _staged(fact: Fact, options: Mapping[str, Parameter]) -> Check:
    """Whether the stage is one, of the right kind, that fits the order's tumour."""
    told: dict[Any, Truth] = {}

    def staged(case: Case, entry: Entry, said: Said) -> Truth:
        kind = case.tumour.kind
        key = (
            said.get("stage"), said.get("system"), said.get("kind"), kind and kind.id, kind is None and case.is_malignant_without_kind()
        )  # fmt: skip
        if key not in told:
            if len(told) >= _MOST_STAGES:
                told.clear()
            truths = (truth for truth, _, _ in content_checks(case, fact, entry, options))
            told[key] = next((truth for truth in truths if truth is not True), True)
        return told[key]

    return staged


_MOST_STAGES = 4096


def _says_something(said: Said) -> bool:
    """Whether a measurement has a value, or at least something in its place."""
    return said["value"] is not None or said["text"] is not None or said["conflict"] is not None


def _exact(fact: Fact, entry: Entry) -> Decimal | str | None:
    """The number that the entry says in the fact's unit, or its word; `None` where it says none, or a bound only."""
    measured = fact.measured
    if measured is None:
        vocabulary = fact.vocabulary
        said = entry.__dict__.get(vocabulary.field) if vocabulary is not None else None
        return said if vocabulary is not None and said in vocabulary.values else None
    if not isinstance(entry, Measurement) or entry.value is None or entry.value.comparator is not None:
        return None
    if entry.value.unit == measured.unit and entry.conflict is None:
        low, high = measured.plausible
        return entry.value.value if low <= entry.value.value <= high else None
    return read_value(fact, entry)[0]


def _by_fact(
    case: Case, section: str, entries: Sequence[Entry], asked: Asked
) -> Mapping[str, Sequence[Entry]] | None:
    """The entries of a section by the facts that they are coded as; `None` where one may take another's place."""
    place = (section, asked.count)
    if place not in case.by_fact:
        case.by_fact[place] = _sorted(entries, asked.facts)
    return case.by_fact[place]


def _sorted(entries: Sequence[Entry], facts: Facts) -> Mapping[str, Sequence[Entry]] | None:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        said = entry.__dict__
        if said["status"] in REPLACES:
            return None
        for code in said["codes"]:
            of = code.__dict__
            systems = facts.get(of["code"])
            if systems is None:  # most codes are of no concern
                continue
            for name in systems.get(of["system"], ()):
                listed = found.get(name)
                if listed is None:
                    found[name] = [entry]
                elif listed[-1] is not entry:
                    listed.append(entry)
    return found
