"""The timing of G-CSF and chemotherapy: how far the order is from what was given, and from what is planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from oncogate.base.texts import Text
from oncogate.base.times import Time
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options
from oncogate.engine.formulas.body import UNKNOWN
from oncogate.engine.select import Selection, select
from oncogate.model.decision import Evidence
from oncogate.model.record import OrderOnRecord

NEVER = frozenset({Decimal("Infinity")})
"""How far off a thing is that isn't there, and a count that wasn't taken: above every limit."""


def hours_since_chemotherapy(case: Case, options: Options) -> Derived:
    """Hours from the last chemotherapy on record to when the order is planned for; without any it is endless."""
    return _since(case, "fn.chemotherapy_given", timedelta(hours=1), "h")


def hours_since_short_gcsf(case: Case, options: Options) -> Derived:
    """Hours from the last short-acting G-CSF to when the order is planned for; without any it is endless."""
    return _since(case, "fn.short_gcsf_given", timedelta(hours=1), "h")


def days_since_peg_gcsf(case: Case, options: Options) -> Derived:
    """Days from the last long-acting G-CSF to when the order is planned for; without any it is endless."""
    return _since(case, "fn.peg_gcsf_given", timedelta(days=1), "d")


def hours_to_chemotherapy(case: Case, options: Options) -> Derived:
    """Hours from when the order is planned for to the next planned chemotherapy; with none planned it is endless."""
    return _until(case, "fn.chemotherapy_planned", timedelta(hours=1), "h")


def days_to_chemotherapy(case: Case, options: Options) -> Derived:
    """Days from when the order is planned for to the next planned chemotherapy; with none planned it is endless."""
    return _until(case, "fn.chemotherapy_planned", timedelta(days=1), "d")


def _since(case: Case, fact: str, unit: timedelta, said: str) -> Derived:
    selection = select(case, fact)
    newest = [s for s in selection.standings if s.counted and s.when is not None]
    hidden = selection.hidden or any(s.counted is None for s in selection.standings)
    if not newest:
        return Derived(UNKNOWN if hidden else NEVER, selection.evidence(), (fact,) if hidden else ())
    gaps = [
        _gap(case, s.entry.effective, _start(case), unit) for s in newest if s.entry.effective is not None
    ]
    return _least(selection, gaps, bool(hidden), fact, said)


def _until(case: Case, fact: str, unit: timedelta, said: str) -> Derived:
    selection = select(case, fact)
    planned = [s.entry for s in selection.standings if s.counted and isinstance(s.entry, OrderOnRecord)]
    undated = [entry for entry in planned if entry.planned is None]
    hidden = selection.hidden or undated or any(s.counted is None for s in selection.standings)
    gaps = [_gap(case, _start(case), entry.planned, unit) for entry in planned if entry.planned is not None]
    ahead = [gap for gap in gaps if gap >= 0]
    when = Text(zh="该化疗医嘱没有计划执行时间", en="this order of chemotherapy has no planned time")
    rows = tuple(
        Evidence(fact=fact, entry=entry.id, source=entry.source, counted=None, why="unread", detail=when)
        for entry in undated
    )
    if not ahead:
        evidence = (*selection.evidence(), *rows)
        return Derived(UNKNOWN if hidden else NEVER, evidence, (fact,) if hidden else ())
    found = _least(selection, ahead, bool(hidden), fact, said)
    return replace(found, rows=(*found.evidence, *rows))


def _least(selection: Selection, gaps: Sequence[Decimal], hidden: bool, fact: str, unit: str) -> Derived:
    """The shortest gap; one that may be hidden could only be shorter, so the gap is then at most this."""
    least = min(gaps)
    shown = f"{least.quantize(Decimal('0.1'), ROUND_FLOOR):f}".removesuffix(
        ".0"
    )  # never up to a limit not reached
    words = {"h": Text(zh="小时", en="hours"), "d": Text(zh="天", en="days")}[unit]
    return Derived(
        frozenset({least, Decimal(0)} if hidden else {least}),
        (*selection.evidence(), Evidence(fact=fact, counted=True, value=f"{shown} {unit}")),
        (fact,) if hidden else (),
        (Text(zh=f"{shown} {words.zh}", en=f"{shown} {words.en}"),),
    )


def _start(case: Case) -> Time:
    """When the order is planned for; the moment of the decision where it isn't said."""
    planned = case.order.planned if case.order is not None else None
    return case.at if planned is None else planned


def _gap(case: Case, first: Time, then: Time, unit: timedelta) -> Decimal:
    """The time between two times in `unit`; in whole days where one of them is a day without a time."""
    if isinstance(first, datetime) and isinstance(then, datetime):
        seconds = Decimal(str((then - first).total_seconds()))
    else:
        days = (_day_of(case, then) - _day_of(case, first)).days
        seconds = Decimal(days) * Decimal(str(timedelta(days=1).total_seconds()))
    return seconds / Decimal(str(unit.total_seconds()))


def _day_of(case: Case, time: Time) -> datetime:
    day = case.first_instant(time).astimezone(case.at.tzinfo)
    return day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
