"""What was found for a fact, told without its evidence: all that a compiled rule needs to know.

`select` gives the thorough account, a standing for every candidate. Here an entry that is plain in every way is told
at a glance; one that isn't gets its standing from `Counting`, and what bears on several entries (a correction, a
withdrawal, something that couldn't be read) sends the whole fact to `select`. Either way the outcome is that of
`select`, which the tests hold it to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from oncogate.base.logic import Truth
from oncogate.engine.case import Case
from oncogate.engine.found_checks import MEASURED, bears_on_others, checks_of, counting, reading_of
from oncogate.engine.select import REPLACES, Selection, select
from oncogate.engine.standing import ERRONEOUS
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import Entry

FOREVER = datetime.max.replace(tzinfo=timezone.utc) - timedelta(days=2)
"""The time of what counts whatever its time: no window is too short for it."""

Facts = Mapping[str | None, Mapping[str | None, tuple[str, ...]]]


class Asked:
    """The coded facts that are asked for; `count` tells whether there are more than there were."""

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


NONE, NOT_SUPPLIED = Found(None, None, False), Found(None, None, True)
"""Nothing there; and nothing known of whether there is."""

Find = Callable[[object, Case], Found]
"""Called as what fills a slot: its first argument are the slots."""


def finder(  # noqa: PLR0915 - one loop, without a call for each entry
    name: str, fact: Fact, options: Mapping[str, Parameter], asked: Asked
) -> Find:
    """What finds the fact `name` in a case; `options` are the parameters handed to it."""
    asked.add(name, fact)
    supplying, sections = frozenset(fact.sections), (*fact.sections, *fact.also)
    coded = bool(fact.codes) and MEASURED.issuperset(sections)
    checks, reading = tuple(checks_of(fact, options, coded=coded)), reading_of(fact)
    odd = REPLACES | ERRONEOUS | {"superseded"} | set(fact.ends)
    ends, counted_as = frozenset(fact.ends), frozenset(fact.counted) - ERRONEOUS - {"superseded"}
    at_a_glance = counted_as - odd

    def thorough(case: Case) -> Found:
        return _of(select(case, name, options=options), fact)

    def find(_: object, case: Case) -> Found:  # noqa: PLR0915
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
        if not entries:
            return NOT_SUPPLIED if hidden else NONE
        at = case.at
        last: datetime | None = None
        doubt: datetime | None = None
        newest: Entry | None = None
        for entry in entries:
            said = entry.__dict__
            status = said["status"]
            if status not in at_a_glance:
                if status in ends or bears_on_others(entry, status):
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
                standing = counting(case, fact, options).standing(entry)
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
            value = reading(newest)
        return Found(last, doubt, hidden, value)

    return find


def _of(selection: Selection, fact: Fact) -> Found:
    counted = [s.when or FOREVER for s in selection.standings if s.counted]
    doubtful = [s.when or FOREVER for s in selection.standings if s.counted is None]
    newest, hidden = selection.newest, bool(selection.hidden)
    alone = len(newest) == 1 and newest[0].counted and not hidden
    value = reading_of(fact)(newest[0].entry) if alone else None
    return Found(max(counted, default=None), max(doubtful, default=None), hidden, value)


def _by_fact(
    case: Case, section: str, entries: Sequence[Entry], asked: Asked
) -> Mapping[str, Sequence[Entry]] | None:
    """The entries of a section by the facts that they are coded as; `None` where one may take another's place."""
    known = case.by_fact.get(section)
    if known is None or known[0] != asked.count:  # more is asked for once rules on trial are judged, too
        known = case.by_fact[section] = (asked.count, _sorted(entries, asked.facts))
    return known[1]


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
