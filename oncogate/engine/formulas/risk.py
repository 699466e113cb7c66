"""The risk of febrile neutropenia: by assessment and by regimen; and what the timing of G-CSF and fever turn on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from oncogate.base.logic import Truth, some
from oncogate.base.texts import Text
from oncogate.base.times import Time
from oncogate.clinical.regimen_names import interval_said, regimen_key
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, known, unrecognised
from oncogate.engine.formulas.body import UNKNOWN
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.engine.values import all_agree
from oncogate.model.decision import Evidence
from oncogate.model.record import OrderOnRecord
from oncogate.model.values import Quantity
from oncogate.packs.tables import Regimen

LEVELS = ("low", "intermediate", "high")


def fn_risk(case: Case, options: Options) -> Derived:
    """The risk of febrile neutropenia: the higher of the recorded assessment and the regimen's category.

    Possible values are `low`, `intermediate`, `high`, and `None` where nothing says anything.
    """
    selection = _assessments(case, options)
    assessed = _assessed(selection)
    category = _category(case)
    evidence = list(selection.evidence()) if assessed != {None} or selection.standings else []
    if category is not None:
        assert case.order is not None
        evidence.append(
            Evidence(
                fact="regimen.fn_category",
                counted=True,
                value=category,
                detail=Text(zh=case.order.regimen or "", en=case.order.regimen or ""),
            )
        )
    return Derived(frozenset(_higher(level, category) for level in assessed), tuple(evidence))


def recorded_fn_risk(case: Case, options: Options) -> Derived:
    """The level of the newest counted assessment within `window`; `None` where there is none."""
    selection = _assessments(case, options)
    return Derived(frozenset(_assessed(selection)), selection.evidence())


def fn_care_level(case: Case, options: Options) -> Derived:
    """The risk that care follows: `fn_risk` for an order that may suppress the marrow, else `None`.

    Where an assessment counts but another may be hidden or differs, care goes by the highest level on record:
    what isn't known of the assessment is for the rules that ask for it to say.
    """
    if case.has_drug(["myelosuppressive"]) is False:
        return Derived(frozenset({None}))
    found = fn_risk(case, options)
    selection = _assessments(case, options)
    if len(found.possible) == 1 or not selection.exists:
        return found
    level = _category(case)
    for standing in selection.newest:
        said = getattr(standing.entry, "level", None)
        level = _higher(level, said if standing.counted and said in LEVELS else None)
    return replace(found, possible=frozenset({level}))


def _assessments(case: Case, options: Options) -> Selection:
    window = Window.of(options["window"], case.at) if "window" in options else None
    return select(case, "assessment.neutropenia", window=window)


def _assessed(selection: Selection) -> set[str | None]:
    newest = selection.newest
    levels: set[str | None] = set()
    for standing in newest:
        level = getattr(standing.entry, "level", None)
        levels |= {level} if standing.counted and level in LEVELS else set(LEVELS)
    if selection.hidden:
        levels |= {*LEVELS, *(() if newest else (None,))}
    return levels or {None}


def _category(case: Case) -> str | None:
    """The category of the regimen that the order names; the highest where the name stands for several."""
    if case.order is None or not case.order.regimen:
        return None
    rows = [r for r in case.tables.regimens_named(case.order.regimen) if r.fn_category in LEVELS]
    kind = case.tumour.kind
    rows = [r for r in rows if kind and kind.id in r.tumours] or rows
    return max((r.fn_category for r in rows), key=LEVELS.index, default=None)


def _higher(one: str | None, other: str | None) -> str | None:
    levels = [level for level in (one, other) if level is not None]
    return max(levels, key=LEVELS.index, default=None)


NEVER = frozenset({Decimal("Infinity")})
"""How far off a thing is that isn't there, and a count that wasn't taken: above every limit."""


# -- the regimen's category ----------------------------------------------------------------------------

LABELS = {
    "high": Text(zh="高危", en="high risk"), "intermediate": Text(zh="中危", en="intermediate risk"),
    "low": Text(zh="低危", en="low risk"), "": Text(zh="不按此分类", en="not classified"),
}  # fmt: skip
_VERIFIED = {
    "sourced": Text(zh="有出处", en="sourced"),
    "general_knowledge": Text(zh="常识，待核对", en="general knowledge, to be checked"),
    "reviewed": Text(zh="已审核", en="reviewed"),
}


@dataclass(frozen=True)
class _Fit:
    """Rows of the table that an order may be. `more`: it has, or may have, more to it than they say."""

    rows: tuple[Regimen, ...] = ()
    more: bool = False
    interval_open: bool = False
    """The table knows the drugs at one interval alone, and the order's isn't told."""
    contradicted: bool = False

    @property
    def levels(self) -> frozenset[str | None]:
        """The categories that are possible; a shorter interval or another drug can only raise one."""
        found: set[str | None] = set()
        for row in self.rows:
            if row.fn_category not in LEVELS:
                found.add(None)
            elif self.more or self.interval_open:
                found.update(LEVELS[LEVELS.index(row.fn_category) :])
            else:
                found.add(row.fn_category)
        return frozenset(found) or frozenset(LEVELS)


def regimen_fn_category(case: Case, options: Options) -> Derived:
    """The category of the order's regimen, recognised by its drugs, their interval, and its name.

    Possible values are `low`, `intermediate`, `high`, and `None` where the table doesn't class the regimen, or
    nothing is ordered. A regimen that isn't in the table may have any.
    """
    if case.order is None:
        return Derived(frozenset({None}))
    unread = _unread_drugs(case)
    if unread:
        return Derived(frozenset(LEVELS), unread, ("regimen.fn_category",))
    fit = _fit(case)
    levels = fit.levels
    settled = len(levels) == 1
    evidence = [_row_evidence(row, settled) for row in fit.rows]
    if fit.contradicted:
        given = frozenset(d.known.id for d in case.drugs if d.known is not None and d.known.anti_tumour)
        part = any(given < row.components for row in case.tables.regimens_named(case.order.regimen or ""))
        said = (
            Text(
                zh=f"医嘱只含方案“{case.order.regimen}”的部分药品，或间隔不符",
                en=f"the order has a part of the drugs of `{case.order.regimen}` only, or another interval",
            )
            if part
            else Text(
                zh=f"医嘱写的方案“{case.order.regimen}”与所列药品或间隔不符",
                en=f"the regimen `{case.order.regimen}` that the order names doesn't fit its drugs or interval",
            )
        )
        evidence.insert(0, Evidence(fact="regimen.fn_category", counted=None, why="conflicting", detail=said))
    elif not fit.rows:
        said = Text(
            zh="方案目录中没有与医嘱药品及间隔相符的方案",
            en="no regimen of the table has these drugs at this interval",
        )
        evidence.append(Evidence(fact="regimen.fn_category", counted=None, why="absent", detail=said))
    elif fit.more and not settled:
        said = Text(
            zh="医嘱另含目录方案以外的药品，风险可能更高",
            en="the order has drugs beside those of the regimen, so the risk may be higher",
        )
        evidence.append(Evidence(fact="regimen.fn_category", counted=None, why="absent", detail=said))
    elif not settled and _interval(case) is None and any(r.interval is not None for r in fit.rows):
        said = Text(zh="医嘱未写明给药间隔", en="the order doesn't say its interval")
        evidence.append(Evidence(fact="order.interval_days", counted=None, why="absent", detail=said))
    return Derived(
        levels,
        tuple(evidence),
        () if settled else ("regimen.fn_category",),
        tuple(_said(row) for row in fit.rows[:1]) if settled else (),
    )


def regimen_is_classified(case: Case, options: Options) -> Derived:
    """Whether the table classes the order's regimen; unknown with a drug that isn't recognised.

    A regimen with another drug beside it isn't classed, unless it is of the highest category already.
    """
    if case.order is None:
        return known(False)
    unread = _unread_drugs(case)
    if unread:
        return known(None, unread, ["regimen.fn_category"])
    fit = _fit(case)
    rows = () if fit.more and len(fit.levels) > 1 else fit.rows
    return known(
        bool(rows), [Evidence(fact="fn.regimen_classified", counted=True, value=row.title) for row in rows]
    )


def _unread_drugs(case: Case) -> tuple[Evidence, ...]:
    """What of the order's drugs isn't told: not recognised in a marked order, or known by its class only."""
    open_drugs = [
        d for d in case.drugs
        if (d.known is None and case.marked) or (d.known is not None and d.known.anti_tumour and d.known.id not in case.tables.drugs)
    ]  # fmt: skip
    return tuple(unrecognised("regimen.fn_category", d) for d in open_drugs)


def _fit(case: Case) -> _Fit:
    found: _Fit | None = case.memo.get("regimen fit")
    if found is None:
        found = case.memo["regimen fit"] = _found_fit(case)
    return found


def _found_fit(case: Case) -> _Fit:
    order = case.order
    name = order.regimen if order is not None else None
    all_named = case.tables.regimens_named(name) if name else ()
    by_drugs = _by_drugs(case)
    if not all_named or name is None:
        return by_drugs
    named = _narrowed(case, all_named)
    if not any(d.known is not None and d.known.anti_tumour for d in case.drugs):
        return named  # the name is all there is
    both = tuple(row for row in named.rows if row in by_drugs.rows)
    if not both:
        parts = {case.tables.anti_tumour_part(row) for row in by_drugs.rows}
        if any(not _names_interval(name, r) and case.tables.anti_tumour_part(r) in parts for r in all_named):
            return by_drugs  # `R-CHOP` is either of two rows; the order's own interval decides
        rows = (*named.rows, *by_drugs.rows) if named.rows and by_drugs.rows else ()
        return _Fit(rows, more=by_drugs.more, interval_open=by_drugs.interval_open, contradicted=True)
    if all(_says_interval(case, name, row) for row in both):
        return _Fit(both, more=by_drugs.more)
    return by_drugs


def _by_drugs(case: Case) -> _Fit:
    tables = case.tables
    given = [d.known for d in case.drugs if d.known is not None and d.known.anti_tumour]
    ids = frozenset(drug.id for drug in given)
    exact = tables.regimens_of.get(ids, ()) if ids else ()
    if exact:
        return _narrowed(case, exact)
    mine = frozenset(drug.id for drug in given if drug.myelosuppressive is not False)
    near = tables.regimens_suppressing_by.get(mine, ()) if mine else ()
    fit = _narrowed(case, near)
    return _Fit(fit.rows, more=True, interval_open=fit.interval_open)


def _narrowed(case: Case, rows: Sequence[Regimen]) -> _Fit:
    """The rows of the order's tumour (of any, where there are none of it) that its interval admits."""
    kind = case.tumour.kind
    own = [row for row in rows if kind is not None and kind.id in row.tumours]
    mine = [*own, *(row for row in rows if not row.tumours)] if own else list(rows)
    mine.sort(key=lambda row: row.id)
    interval = _interval(case)
    if interval is not None:
        return _Fit(tuple(row for row in mine if row.interval in (None, interval)))
    known_intervals = {row.interval for row in mine}
    return _Fit(tuple(mine), interval_open=len(known_intervals) == 1 and None not in known_intervals)


def _interval(case: Case) -> int | None:
    """The days from one cycle to the next: as the order says, else as the regimen's name does."""
    order = case.order
    if order is None or case.interval_stated is not None:
        return case.interval_stated
    return interval_said(order.regimen) if order.regimen else None


def _says_interval(case: Case, name: str, row: Regimen) -> bool:
    """Whether order or name leave no doubt of the row's interval."""
    return _interval(case) is not None or _names_interval(name, row)


def _names_interval(name: str, row: Regimen) -> bool:
    """Whether the name holds the row's interval: it is the row's own name, or has the number in it."""
    key = regimen_key(name)
    return (
        row.interval is None
        or key in (regimen_key(row.id), regimen_key(row.title))
        or str(row.interval) in key
    )


def _row_evidence(row: Regimen, settled: bool) -> Evidence:
    """A row of the table as evidence; one that is only possible is told in words alone."""
    said, basis = _said(row), _VERIFIED.get(row.verification, _VERIFIED["general_knowledge"])
    source = "" if row.source == "GK" else row.source  # general knowledge has no other name
    detail = Text(
        zh=f"{said.zh}（依据：{'，'.join(filter(None, (source, basis.zh)))}）",
        en=f"{said.en} ({', '.join(filter(None, (source, basis.en)))})",
    )
    return Evidence(
        fact="regimen.fn_category",
        counted=True if settled else None,
        value=(row.fn_category or None) if settled else None,
        detail=detail,
    )


def _said(row: Regimen) -> Text:
    label = LABELS[row.fn_category if row.fn_category in LEVELS else ""]
    named = row.interval is None or str(row.interval) in regimen_key(row.title)
    every = (
        Text(zh="", en="")
        if named
        else Text(zh=f"（每 {row.interval} 天）", en=f" (every {row.interval} days)")
    )
    title = row.title + (" " if row.title[-1:].isascii() else "")
    return Text(zh=f"{title}方案{every.zh}属{label.zh}", en=f"{row.id}{every.en}: {label.en}")


# -- the blood count -----------------------------------------------------------------------------------


def anc_nadir(case: Case, options: Options) -> Derived:
    """The lowest neutrophil count within `window`, in 10*9/L; without any count it is above every limit.

    Unknown where results may be hidden or one can't be read: it may be the lowest.
    """
    selection = select(case, "lab.anc", window=Window.of(options["window"], case.at))
    rows = [s for s in selection.standings if s.counted is not False]
    if not rows and not selection.hidden:
        return Derived(NEVER, selection.evidence())
    if selection.hidden or any(s.counted is None or s.value is None for s in rows):
        return Derived(UNKNOWN, selection.evidence(), ("lab.anc",))
    lowest = min(rows, key=lambda s: (s.value or Decimal(0), _comparator(s) not in ("<", "<=")))
    value = lowest.value or Decimal(0)
    evidence = (lowest.evidence("lab.anc"),)
    if _comparator(lowest) in ("<", "<="):
        # somewhere from 0 up to the bound; what lies below `<0.5` is below it
        top = value.next_minus() if _comparator(lowest) == "<" and value else value
        return Derived(frozenset({Decimal(0), top}), evidence)
    if _comparator(lowest) in (">", ">="):
        return Derived(UNKNOWN, evidence, ("lab.anc",))
    shown = f"{value:f} ×10⁹/L"
    return Derived(
        frozenset({value}), evidence, holding=(Text(zh=f"ANC 最低 {shown}", en=f"lowest ANC {shown}"),)
    )


def _comparator(standing: Standing) -> str | None:
    value = getattr(standing.entry, "value", None)
    return value.comparator if isinstance(value, Quantity) else None


# -- the timing of G-CSF -------------------------------------------------------------------------------


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


# -- fever ---------------------------------------------------------------------------------------------


def fever_sustained(case: Case, options: Options) -> Derived:
    """Whether a temperature stayed at the limit of its site or above for `lasting`, within `window`.

    Two readings so far apart show it if none between them is lower. Limits: `oral`, `axillary` (for a reading
    whose site isn't said, both are possible).
    """
    truths: list[Truth] = []
    rows: list[Evidence] = []
    missing: list[str] = []
    for fact, limits in (
        ("vital.temperature_oral", ("oral",)),
        ("vital.temperature_axillary", ("axillary",)),
        ("vital.temperature", ("oral", "axillary")),
    ):
        selection = select(case, fact, window=Window.of(options["window"], case.at))
        truth = all_agree([_stays(case, selection, limit, options) for limit in limits])
        if selection.hidden and truth is not True:
            truth = None
        if truth is None:
            missing.append(fact)
        truths.append(truth)
        rows += selection.evidence() if truth is not False else ()
    return known(some(truths), rows, missing)


def _stays(case: Case, selection: Selection, of: str, options: Options) -> Truth:
    """The readings' word; one that can't be read may be a fever or none, and one without a time may be anywhere."""
    standings = [s for s in selection.standings if s.counted is not False]
    if any(s.when is None for s in standings):
        return None
    in_order = sorted(standings, key=lambda s: s.when or case.at)
    readable = {id(s) for s in _read(standings)}

    def runs(*, if_unread: bool) -> bool:
        start: datetime | None = None
        for standing in in_order:
            limit = options[_site_of(standing, of)].value
            assert isinstance(limit, Decimal)
            assert standing.when is not None
            fever = standing.value is not None and standing.value >= limit
            if not (fever if id(standing) in readable else if_unread):
                start = None
            elif start is None:
                start = standing.when
            elif Window.of(options["lasting"], standing.when).since >= start:
                return True
        return False

    return all_agree([runs(if_unread=False), runs(if_unread=True)])


def _read(standings: Iterable[Standing]) -> list[Standing]:
    return [s for s in standings if s.counted and s.problem is None and _comparator(s) is None]


def _site_of(standing: Standing, otherwise: str) -> str:
    """Whose limit a reading is held against: that of its site; of another site than the armpit the oral one."""
    site = getattr(standing.entry, "site", None)
    return otherwise if site is None else "axillary" if site == "axillary" else "oral"
