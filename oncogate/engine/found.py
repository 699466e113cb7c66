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
from oncogate.base.times import Time
from oncogate.engine.case import Case
from oncogate.engine.content import content_checks, read_value
from oncogate.engine.select import REPLACES, Selection, select
from oncogate.engine.standing import ERRONEOUS, Counting
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import Entry, Measurement

FOREVER = datetime.max.replace(tzinfo=timezone.utc) - timedelta(days=2)
"""The time of what counts whatever its time: no window is too short for it."""

Codes = Mapping[tuple[str | None, str | None], tuple[str, ...]]
"""By system and code, the facts that are coded so."""


class Found:
    """The counted entries of a fact: `last` is the time of the newest, `doubt` of the newest that may count.

    `value` is the number that the newest says, where one entry and no other is the newest, and says an exact number.
    """

    __slots__ = ("doubt", "hidden", "last", "value")

    def __init__(
        self, last: datetime | None, doubt: datetime | None, hidden: bool, value: Decimal | None = None
    ) -> None:
        self.last = last
        self.doubt = doubt
        self.hidden = hidden
        self.value = value

    @property
    def exists(self) -> Truth:
        """Whether a counted entry is there."""
        if self.last is not None:
            return True
        return None if self.hidden or self.doubt is not None else False

    def since(self, moment: datetime) -> Truth:
        """Whether a counted entry is there that isn't older than the moment."""
        if self.last is not None and self.last >= moment:
            return True
        return None if self.hidden or (self.doubt is not None and self.doubt >= moment) else False


Finder = Callable[[Case], Found]


def finder(name: str, fact: Fact, options: Mapping[str, Parameter], codes: Codes) -> Finder:
    """What finds the fact `name` in a case; `options` are the parameters handed to it."""

    def thorough(case: Case) -> Found:
        return _of(select(case, name, options=options), fact)

    def find(case: Case) -> Found:
        record = case.record
        if record.unread:
            return thorough(case)
        hidden = False
        entries: list[Entry] = []
        for section in (*fact.sections, *fact.also):
            supplied = record.__dict__[section]
            if supplied is None:
                hidden = hidden or section in fact.sections
            elif _corrected(case, section, supplied):
                return thorough(case)
            elif fact.codes and section in _CODED:
                entries += _by_fact(case, section, supplied, codes).get(name, ())
            else:
                entries += supplied
        return _plain(case, fact, entries, options, hidden=hidden) or thorough(case)

    return find


_CODED = ("labs", "vitals")


def _of(selection: Selection, fact: Fact) -> Found:
    counted = [s.when or FOREVER for s in selection.standings if s.counted]
    doubtful = [s.when or FOREVER for s in selection.standings if s.counted is None]
    value = None
    if len(selection.newest) == 1 and selection.newest[0].counted:
        value = _exact(fact, selection.newest[0].entry)
    return _found(counted, doubtful, bool(selection.hidden), value)


def _found(
    counted: Sequence[datetime], doubtful: Sequence[datetime], hidden: bool, value: Decimal | None
) -> Found:
    return Found(max(counted, default=None), max(doubtful, default=None), hidden, None if hidden else value)


def _plain(
    case: Case, fact: Fact, entries: Sequence[Entry], options: Mapping[str, Parameter], *, hidden: bool
) -> Found | None:
    """What was found among entries of which none bears on another; `None` where one takes others back."""
    at = case.at
    patient = case.record.patient.id if case.record.patient is not None else None
    counted_as, ends, coded = fact.counted, fact.ends, bool(fact.codes)
    counting = Counting(case, fact, None, None, None, None, options)
    last: datetime | None = None
    doubt: datetime | None = None
    newest: list[Entry] = []
    for entry in entries:
        said = entry.__dict__
        status = said.get("status")
        if status in ends:
            return None
        if patient is not None and said["patient"] is not None and said["patient"] != patient:
            continue
        if status in ERRONEOUS or status == "superseded" or (counted_as and status not in counted_as):
            continue
        when: Time | None = said["effective"]
        recorded: Time | None = said["recorded"]
        truth: Truth = None
        if type(when) is datetime and (recorded is None or type(recorded) is datetime):
            if when > at or (recorded is not None and recorded > at):
                continue
            truth = _fits(case, counting, entry, coded=coded)
        if truth is None:
            standing = counting.standing(entry)
            if standing is None or standing.counted is False:
                continue
            truth, when = standing.counted, standing.when or FOREVER
        elif not truth:
            continue
        assert type(when) is datetime
        if truth is None:
            doubt = when if doubt is None or when > doubt else doubt
        elif last is None or when > last:
            last, newest = when, [entry]
        elif when == last:
            newest.append(entry)
    alone = len(newest) == 1 and not hidden and (doubt is None or last is None or doubt < last)
    return Found(last, doubt, hidden, _exact(fact, newest[0]) if alone else None)


def _fits(case: Case, counting: Counting, entry: Entry, *, coded: bool) -> Truth:
    """Whether an entry that stands is what the fact asks for; `None` where that wants a closer look."""
    fact = counting.fact
    if not coded or not isinstance(entry, Measurement):
        kind = counting.is_kind(entry)
        if kind is not True:
            return kind
    if fact.focus != "ignored":
        if entry.focus is not None:
            return None
        if fact.focus != "optional" and case.tumour.several is not False:
            return None
    if fact.matches and (getattr(entry, "regimen", None) or getattr(entry, "cycle", None) is not None):
        for truth, _, _ in counting.matches(entry):
            if truth is not True:
                return truth
    if isinstance(entry, Measurement) and fact.vocabulary is None:
        return entry.value is not None or entry.text is not None or entry.conflict is not None
    if fact.vocabulary is not None or fact.stage is not None:
        for truth, _, _ in content_checks(case, fact, entry, counting.options):
            if truth is not True:
                return truth
    return True


def _exact(fact: Fact, entry: Entry) -> Decimal | None:
    """The number that the entry says in the fact's unit; `None` where it says none, or a bound only."""
    measured = fact.measured
    if measured is None or not isinstance(entry, Measurement) or entry.value is None:
        return None
    if entry.value.comparator is not None:
        return None
    if entry.value.unit == measured.unit and entry.conflict is None:
        low, high = measured.plausible
        return entry.value.value if low <= entry.value.value <= high else None
    return read_value(fact, entry)[0]


def _corrected(case: Case, section: str, entries: Sequence[Entry]) -> bool:
    """Whether an entry of the section may take the place of another."""
    key = ("corrected", section)
    found: bool | None = case.memo.get(key)
    if found is None:
        found = case.memo[key] = any(
            e.__dict__.get("status") in REPLACES and (e.key is not None or isinstance(e, Measurement))
            for e in entries
        )
    return found


def _by_fact(case: Case, section: str, entries: Sequence[Entry], codes: Codes) -> dict[str, list[Entry]]:
    """The entries of a section by the facts that they are coded as."""
    key = ("by fact", section)
    found: dict[str, list[Entry]] | None = case.memo.get(key)
    if found is None:
        found = {}
        for entry in entries:
            for code in entry.__dict__["codes"]:
                for name in codes.get((code.system, code.code), ()):
                    listed = found.get(name)
                    if listed is None:
                        found[name] = [entry]
                    elif listed[-1] is not entry:
                        listed.append(entry)
        case.memo[key] = found
    return found
