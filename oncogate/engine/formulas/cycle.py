"""The cycle: how long ago the last one was, when the next is due, and what may feign a good blood count."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.clinical.regimen_names import interval_said
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, drug_evidence, known
from oncogate.engine.formulas.body import UNKNOWN
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.model.decision import Evidence
from oncogate.model.record import Treatment

FIRST_DAY = 1
_RUNNING = frozenset({"active", "in-progress"})


def order_follows_cycle(case: Case, options: Options) -> Derived:
    """Whether the order begins a cycle after an earlier one of the same regimen or drug.

    A later day of a cycle doesn't; where the order doesn't say its day, one whose cycle has begun doesn't either.
    """
    order = case.order
    if order is None or (order.day is not None and order.day != FIRST_DAY):
        return known(False)
    selection = select(case, "treatment.cycle")
    begun = _same_cycle(case, selection) if order.day is None else []
    if begun:
        return known(False, [s.evidence(selection.fact) for s in begun])
    alike = [(s, _alike(case, s)) for s in _earlier(case, selection)]
    if any(found for _, found in alike):
        return known(True)
    doubts = [s.evidence(selection.fact) for s, found in alike if found is None]
    rows = [*doubts, *(h.evidence(selection.fact) for h in selection.hidden)]
    untold = drug_evidence(case, "order.drugs", ()) if rows else []
    return known(None if rows else False, [*untold, *rows], [selection.fact] if rows else ())


def days_since_last_cycle(case: Case, options: Options) -> Derived:
    """Days from the first day of the last cycle to the order's day, rounded to whole ones.

    Where treatments don't say their cycle, and follow each other faster than cycles may (`tolerance`, `longest` as in
    `interval_due`), each of them may have been the first day. So may any treatment be of which it can't be told whether
    it was of this regimen.
    """
    selection = select(case, "treatment.cycle")
    doubts = [s for s in _earlier(case, selection) if _alike(case, s) is None or s.counted is None]
    mine = [s for s in _earlier(case, selection) if _alike(case, s) and s.counted and s.when is not None]
    if doubts or selection.hidden or not mine:
        rows = [
            *(h.evidence(selection.fact) for h in selection.hidden),
            *(s.evidence(selection.fact) for s in doubts),
        ]
        dated = [s.when for s in (*doubts, *mine) if s.when is not None]
        untold = selection.hidden or len(dated) < len(doubts) + len(mine)
        possible = UNKNOWN if untold else frozenset(_days(case, when) for when in dated)
        return Derived(possible, tuple(rows), (selection.fact,))
    interval = interval_due(case, options)
    due = max(interval.possible)
    first = _first_days(mine, due)
    days = {_days(case, s.when) for s in first if s.when}
    shown = [s.evidence(selection.fact) for s in first]
    if len(days) > 1:
        said = Text(
            zh="未写明周期，无法确定上一周期的首日", en="no cycle is stated, so its first day isn't known"
        )
        shown = [
            row.model_copy(update={"counted": None, "why": "other_cycle", "detail": said}) for row in shown
        ]
    least, every = min(days), "/".join(str(days) for days in _intervals(case))
    shown += [row for row in interval.evidence if row.counted is None]
    said = Text(
        zh=f"距上一周期首日 {least} 天，方案间隔 {every} 天",
        en=f"{least} days since the last cycle began, and the interval is {every} days",
    )
    return Derived(frozenset(days), tuple(shown), holding=(said,) if every else ())


def interval_due(case: Case, options: Options) -> Derived:
    """After how many days the next cycle may begin: the regimen's interval less `tolerance`.

    Where neither the order nor the table tells the interval, it may be anything up to `longest`.
    """
    intervals = _intervals(case)
    tolerance, longest = options["tolerance"].number, options["longest"].number
    if not intervals:
        said = Text(zh="医嘱未写明方案的周期间隔", en="the order doesn't state the interval of its regimen")
        row = Evidence(fact="order.interval_days", counted=None, why="absent", detail=said)
        return Derived(frozenset({Decimal(0), longest - tolerance}), (row,), ("order.interval_days",))
    shown = "/".join(f"{days} d" for days in intervals)
    return Derived(
        frozenset(days - tolerance for days in intervals),
        (Evidence(fact="order.interval_days", counted=True, value=shown),),
    )


def _intervals(case: Case) -> list[Decimal]:
    """The days from one cycle to the next, as the order, its regimen's name or the table tells; none if they don't."""
    order = case.order
    name = order.regimen if order is not None else None
    stated = case.interval_stated
    if stated is None and name:
        stated = interval_said(name)
    if stated is not None:
        return [Decimal(stated)]
    listed = {row.interval for row in case.tables.regimens_named(name)} if name else set()
    return [] if None in listed else sorted(Decimal(days) for days in listed if days is not None)


def gcsf_before_count(case: Case, options: Options) -> Derived:
    """Whether a short-acting G-CSF was given in the `gap` before the newest neutrophil count was taken, or still was."""
    newest = [s for s in select(case, "lab.anc").newest if s.counted and s.when is not None]
    given = select(case, "treatment.short_gcsf")
    truths: list[Truth] = []
    near: list[Standing] = []
    for count in newest:
        assert count.when is not None
        since = Window.of(options["gap"], count.when).since
        for standing in given.standings:
            found = _before(standing, since, count.when)
            truths.append(found)
            near += [standing] if found is not False else []
    open_ = given.hidden or None in truths or not newest
    truth: Truth = True if True in truths else None if open_ else False

    def rows() -> list[Evidence]:
        return [*(s.evidence(given.fact) for s in near), *(h.evidence(given.fact) for h in given.hidden)]

    return known(truth, rows, [given.fact] if truth is None else ())


def _before(standing: Standing, since: datetime, count: datetime) -> Truth:
    if standing.counted is False or (standing.when is not None and standing.when > count):
        return False
    if standing.counted is None or standing.when is None:
        return None
    return standing.when >= since or getattr(standing.entry, "status", None) in _RUNNING


def _earlier(case: Case, selection: Selection) -> list[Standing]:
    """Treatments that count, or may, and aren't of the order's own cycle."""
    cycle = case.order.cycle if case.order else None
    return [
        s for s in selection.standings
        if s.counted is not False and (cycle is None or getattr(s.entry, "cycle", None) != cycle)
    ]  # fmt: skip


def _same_cycle(case: Case, selection: Selection) -> list[Standing]:
    """The treatments by which the order's own cycle has begun already."""
    cycle = case.order.cycle if case.order else None
    return [
        s for s in selection.standings
        if cycle is not None and s.counted and getattr(s.entry, "cycle", None) == cycle and _alike(case, s)
    ]  # fmt: skip


def _alike(case: Case, standing: Standing) -> Truth:
    """Whether a treatment is of the order's regimen, or has an anti-tumour drug of it."""
    entry, order = standing.entry, case.order
    if not isinstance(entry, Treatment) or order is None:
        return False
    if entry.regimen and order.regimen and case.tables.same_regimen(entry.regimen, order.regimen):
        return True
    mine = {d.known.id for d in case.drugs if d.known is not None and d.known.anti_tumour}
    theirs = [case.tables.identify(d) for d in entry.drugs]
    if any(d is not None and d.id in mine for d in theirs):
        return True
    if not theirs:
        rows = case.tables.regimens_named(entry.regimen) if entry.regimen else ()
        if not rows:
            return None
        if any(row.components & mine for row in rows):
            return True
    if case.doubtful and (not theirs or any(d is None or d.anti_tumour for d in theirs)):
        return None  # what isn't recognised of the order may be a drug of it
    return None if None in theirs and not any(d is not None and d.anti_tumour for d in theirs) else False


def _first_days(standings: list[Standing], due: Decimal) -> list[Standing]:
    """The treatments that may have been the first day of the last cycle; the newest stands first in `standings`."""
    newest = standings[0]
    cycle = getattr(newest.entry, "cycle", None)
    together = [newest]
    for standing in standings[1:]:
        last = together[-1].when
        near = last is None or standing.when is None or last - standing.when < timedelta(days=float(due))
        other = getattr(standing.entry, "cycle", None) if cycle is not None else None
        if not near or other != cycle:
            break
        together.append(standing)
    return together[-1:] if cycle is not None else together


def _days(case: Case, when: datetime) -> Decimal:
    planned = case.order.planned if case.order else None
    day = max(case.at, case.first_instant(planned)) if planned is not None else case.at
    return Decimal((day - when) / timedelta(days=1)).quantize(Decimal(1))
