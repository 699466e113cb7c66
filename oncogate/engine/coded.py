"""Results that are found by their code: one pass over a section tells what it says of every fact that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from threading import Lock
from typing import NamedTuple, get_args

from oncogate.engine.case import UNTOLD, Case
from oncogate.engine.found_checks import (
    NONE,
    NOT_SUPPLIED,
    Found,
    Look,
    Otherwise,
    closer_look,
    reading_of,
    says_something,
)
from oncogate.engine.select import REPLACES
from oncogate.engine.standing import ERRONEOUS
from oncogate.model.at_once import Plain
from oncogate.model.facts import Fact, Vocabulary
from oncogate.model.record import MEASURED, Measurement, ReportStatus


class Told(NamedTuple):
    """What a section says of the facts of the first numbers: when the newest entry was true, the newest, and what wants a closer look."""

    asked: int
    last: list[str | None]
    newest: list[Plain | None]
    closer: dict[int, list[Plain]]


_Wanted = tuple[str | None, int, frozenset[str], Vocabulary | None]
"""A fact that is coded so: the system of the code, the fact's number, the statuses that count, and the words that it may say."""
_Index = Mapping[str | None, tuple[_Wanted, ...]]
"""By code, the facts that are coded so."""
_STATUS = itemgetter("status")

_USUAL = sum(field.is_required() for field in Measurement.model_fields.values()) + 2
"""How many fields an entry has that says what it must, a value and a time: it then has no others."""


def takes(fact: Fact) -> bool:
    """Whether the fact asks nothing of an entry but a code, a status and a result."""
    measured = bool(fact.codes) and MEASURED.issuperset((*fact.sections, *fact.also))
    return measured and fact.focus == "ignored" and not (fact.ends or fact.matches)


class Asked:
    """The coded facts that are asked for."""

    def __init__(self) -> None:
        self._asked: tuple[int, _Index] = (0, {})
        """How many, and where they are found; replaced as a whole, so that a pass sees one or the other."""
        self._adding = Lock()

    def add(self, fact: Fact) -> Callable[[str, Otherwise], Look]:
        """Ask for a fact, too; gives what looks for it in a section."""
        reading = reading_of(fact)
        counted = frozenset(fact.counted or get_args(ReportStatus)) - REPLACES - ERRONEOUS
        with self._adding:
            number, index = self._asked
            for system, code in fact.code_keys:
                index = {**index, code: (*index.get(code, ()), (system, number, counted, fact.vocabulary))}
            self._asked = (number + 1, index)

        def looking(section: str, otherwise: Otherwise) -> Look:
            def look(_: object, case: Case) -> Found | None:
                told: Told | None = case.told.get(section, _NOTHING)
                if (
                    told is not None and told.asked <= number
                ):  # more is asked for once rules on trial are judged, too
                    rows = case.rows[section]
                    if case.has_unread:
                        return otherwise(case)
                    if not rows:
                        return NOT_SUPPLIED if rows is None else NONE
                    told = case.told[section] = self._pass(case, rows)
                if told is None:
                    return otherwise(case)
                _, lasts, newests, closer = told
                last, newest = lasts[number], newests[number]
                if number in closer:
                    return closer_look(case, fact, {}, section, closer[number], (last, newest))
                if last is None:
                    return NONE
                return last, None, False, None if newest is None else reading(newest)

            return look

        return looking

    def _pass(self, case: Case, rows: Sequence[Plain]) -> Told | None:
        """One pass over the rows; `None` where one may take another's place."""
        if not REPLACES.isdisjoint(map(_STATUS, rows)):
            return None
        count, index = self._asked
        last: list[str | None] = [None] * count
        newest: list[Plain | None] = [None] * count
        closer: dict[int, list[Plain]] = {}
        asked_for, now, zone, usual = index.get, case.now, case.zone, _USUAL
        for row in rows:
            for code in row["codes"]:
                wanted = asked_for(code.get("code"))
                if wanted is None:  # most codes are of no concern
                    continue
                when = row.get("effective")
                if (
                    len(row) == usual
                    and when is not None
                    and when[19:] == zone
                    and row.get("value") is not None
                ):
                    when = when[:19]
                    if when > now:
                        continue
                else:
                    when = case.counts_from(row)
                    if when is None or not says_something(row):
                        continue
                said_in = code.get("system")
                for system, number, counted, words in wanted:
                    if system != said_in or row["status"] not in counted:
                        continue
                    if when is UNTOLD or (words is not None and row.get(words.field) not in words.values):
                        closer.setdefault(number, []).append(row)
                        continue
                    latest = last[number]
                    if latest is None or when > latest:
                        last[number], newest[number] = when, row
                    elif when == latest and newest[number] is not row:
                        newest[number] = None
        return Told(count, last, newest, closer)


_NOTHING = Told(0, [], [], {})
