"""The category of the order's regimen, recognised by its drugs, their interval and its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oncogate.base.texts import Text
from oncogate.clinical.regimen_names import interval_said, regimen_key
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, known, unrecognised
from oncogate.engine.formulas.risk import LEVELS
from oncogate.model.decision import Evidence
from oncogate.packs.tables import Regimen

LABELS = {
    "high": Text(zh="高危", en="high risk"), "intermediate": Text(zh="中危", en="intermediate risk"),
    "low": Text(zh="低危", en="low risk"), "": Text(zh="不按此分类", en="not classified"),
}  # fmt: skip
_VERIFIED = {
    "sourced": Text(zh="有出处", en="sourced"),
    "general_knowledge": Text(zh="一般知识，待核对", en="general knowledge, to be checked"),
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
        zh=f"{said.zh}；依据：{'，'.join(filter(None, (source, basis.zh)))}",
        en=f"{said.en}; {', '.join(filter(None, (source, basis.en)))}",
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
    return Text(zh=f"{title}方案{every.zh}属{label.zh}", en=f"{row.title}{every.en}: {label.en}")
