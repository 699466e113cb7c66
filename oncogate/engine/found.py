"""What was found for a fact, told without its evidence: all that a compiled rule needs to know.

`select` gives the thorough account, a standing for every candidate. Here an entry that is plain in every way is told
at a glance; one that isn't gets its standing from `Counting`, and what bears on several entries (a correction, a
withdrawal, something that couldn't be read) sends the whole fact to `select`. Either way the outcome is that of
`select`, which the tests hold it to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from oncogate.base.logic import Truth
from oncogate.engine.case import Case
from oncogate.engine.content import content_checks, read_value
from oncogate.engine.select import REPLACES, select
from oncogate.engine.standing import ERRONEOUS, Counting
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import Assessment, Consent, Entry, Measurement, Note, Procedure

FOREVER = datetime.max.replace(tzinfo=timezone.utc) - timedelta(days=2)
"""The time of what counts whatever its time: no window is too short for it."""


class Asked:
    """The coded facts that are asked for. There are more once rules on trial are judged, too: `count` tells."""

    def __init__(self) -> None:
        self.facts: dict[tuple[str | None, str | None], tuple[str, ...]] = {}
        """By system and code, the facts that are coded so."""
        self.count = 0

    def add(self, name: str, fact: Fact) -> None:
        """Ask for a fact, too."""
        for key in fact.code_keys:
            names = self.facts.get(key, ())
            if name not in names:
                self.facts[key] = (*names, name)
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


class Finder:
    """Finds one fact in cases, with the rule's parameters that are handed to it."""

    def __init__(self, name: str, fact: Fact, options: Mapping[str, Parameter], asked: Asked) -> None:
        asked.add(name, fact)
        self.name = name
        self.fact = fact
        self.options = options
        self.asked = asked
        self.sections = (*fact.sections, *fact.also)
        self.coded = bool(fact.codes) and set(self.sections) <= set(_CODED)
        self.checked = (
            not self.coded or fact.focus != "ignored" or bool(fact.matches) or fact.vocabulary is not None
        )

    def find(self, _: object, case: Case) -> Found:
        """What is found in a case; called as what fills a slot."""
        record = case.record.__dict__
        if record["unread"]:
            return self._thorough(case)
        hidden = False
        entries: Sequence[Entry] = ()
        for section in self.sections:
            supplied = record[section]
            if supplied is None:
                hidden = hidden or section in self.fact.sections
            elif supplied:
                if self.coded:
                    by_fact = _by_fact(case, section, supplied, self.asked)
                    if by_fact is None:
                        return self._thorough(case)
                    supplied = by_fact.get(self.name, ())
                entries = (*entries, *supplied) if entries else supplied
        return self._told(case, entries, hidden=hidden) or self._thorough(case)

    def _thorough(self, case: Case) -> Found:
        selection = select(case, self.name, options=self.options)
        counted = [s.when or FOREVER for s in selection.standings if s.counted]
        doubtful = [s.when or FOREVER for s in selection.standings if s.counted is None]
        newest, hidden = selection.newest, bool(selection.hidden)
        alone = len(newest) == 1 and newest[0].counted and not hidden
        value = _exact(self.fact, newest[0].entry) if alone else None
        return Found(max(counted, default=None), max(doubtful, default=None), hidden, value)

    def _told(self, case: Case, entries: Sequence[Entry], *, hidden: bool) -> Found | None:
        """What was found among entries of which none bears on another; `None` where one may."""
        fact, at = self.fact, case.at
        counted_as, ends, checked = fact.counted, fact.ends, self.checked
        last: datetime | None = None
        doubt: datetime | None = None
        newest: Entry | None = None
        for entry in entries:
            said = entry.__dict__
            status = said.get("status")
            if status in REPLACES and (said["key"] is not None or isinstance(entry, Measurement)):
                return None
            if status in ends:
                return None
            if said["patient"] is not None and case.of_another_patient(entry):
                continue
            if (status not in counted_as if counted_as else status == "superseded") or status in ERRONEOUS:
                continue
            when, recorded = said["effective"], said["recorded"]
            truth: Truth = None
            if type(when) is datetime and (recorded is None or type(recorded) is datetime):
                if when > at or (recorded is not None and recorded > at):
                    continue
                truth = self._fits(case, entry) if checked else _says_something(said)
                if truth is False:
                    continue
            if truth is None:
                standing = self._counting(case).standing(entry)
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

    def _counting(self, case: Case) -> Counting:
        return Counting(case, self.fact, None, None, None, None, self.options)

    def _fits(self, case: Case, entry: Entry) -> Truth:
        """Whether an entry that stands is what the fact asks for; `None` where that wants a closer look."""
        fact, said = self.fact, entry.__dict__
        measured = isinstance(entry, Measurement)
        if not (self.coded and measured):
            kind = self._kind(case, entry, said)
            if kind is not True:
                return kind
        if fact.focus != "ignored":
            if said["focus"] is not None:
                return None
            if fact.focus != "optional" and case.tumour.several is not False:
                return None
        if fact.matches and (said.get("regimen") or said.get("cycle") is not None):
            for truth, _, _ in self._counting(case).matches(entry):
                if truth is not True:
                    return truth
        if fact.vocabulary is not None:
            if said.get(fact.vocabulary.field) not in fact.vocabulary.values:
                return None
        elif measured:
            return _says_something(said)
        if fact.stage is not None:
            for truth, _, _ in content_checks(case, fact, entry, self.options):
                if truth is not True:
                    return truth
        return True

    def _kind(self, case: Case, entry: Entry, said: Mapping[str, Any]) -> Truth:
        fact = self.fact
        if type(entry) in _TOLD_BY_KIND and not fact.doubtful_kinds and not fact.narrow_kinds:
            return not fact.kinds or said["kind"] in fact.kinds
        return self._counting(case).is_kind(entry)


_CODED = ("labs", "vitals")
_TOLD_BY_KIND = frozenset({Assessment, Consent, Procedure, Note})


def _says_something(said: Mapping[str, Any]) -> bool:
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


def _sorted(
    entries: Sequence[Entry], facts: Mapping[tuple[str | None, str | None], tuple[str, ...]]
) -> Mapping[str, Sequence[Entry]] | None:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        said = entry.__dict__
        if said["status"] in REPLACES:
            return None
        for code in said["codes"]:
            of = code.__dict__
            for name in facts.get((of["system"], of["code"]), ()):
                listed = found.get(name)
                if listed is None:
                    found[name] = [entry]
                elif listed[-1] is not entry:
                    listed.append(entry)
    return found
