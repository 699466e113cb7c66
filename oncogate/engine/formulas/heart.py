"""The heart: what anthracyclines were given in a lifetime, and how far the ejection fraction has dropped."""

from __future__ import annotations

from decimal import Decimal

from oncogate.base.texts import Text
from oncogate.engine.case import Case, in_classes
from oncogate.engine.derived import Derived, Options
from oncogate.engine.formulas.body import UNKNOWN, plain
from oncogate.engine.formulas.doses import lifetime_dose
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.model.decision import Evidence
from oncogate.model.values import Quantity
from oncogate.packs.tables import KnownDrug


def cumulative_anthracycline(case: Case, options: Options) -> Derived:
    """Anthracyclines given in a lifetime with this order, in mg/m2 of doxorubicin.

    A factor is the parameter `factor_<drug>` where there is one (sources differ), else the table's. A drug without
    a factor leaves the sum open. Where one drug alone was given, its own limit of the table counts instead: its
    factor is then the one that makes that limit doxorubicin's. Past doses in mg are turned into mg/m2 by today's
    body surface.
    """
    alone = _only_anthracycline(case)

    def factor(drug: KnownDrug) -> Decimal | None:
        if alone is not None:
            return alone
        own = options.get("factor_" + drug.id.replace("-", "_"))
        if own is not None and isinstance(own.value, Decimal):
            return own.value
        row = case.tables.lifetime_doses.get(drug.id)
        return row.factor if row is not None else None

    return lifetime_dose(case, "dose.anthracycline_total", "treatment.anthracycline", "mg/m2", factor)


def _only_anthracycline(case: Case) -> Decimal | None:
    """The factor of the only anthracycline on record and in the order, by its own limit; `None` for a mixture."""
    wanted = frozenset(case.facts["treatment.anthracycline"].drugs)
    entries = (s.entry for s in select(case, "treatment.anthracycline").standings if s.counted is not False)
    past = (case.tables.identify(drug) for entry in entries for drug in getattr(entry, "drugs", ()))
    known = [d for d in (*past, *(o.known for o in case.drugs)) if d is not None]
    ids = {d.id for d in known if in_classes(d, wanted) is not False}
    rows = case.tables.lifetime_doses
    lead = next((row for row in rows.values() if row.factor == 1), None)
    own = rows.get(next(iter(ids))) if len(ids) == 1 else None
    if lead is None or lead.limit is None or own is None or not own.limit:
        return None
    return lead.limit / own.limit


def lvef_drop(case: Case, options: Options) -> Derived:
    """By how many points the newest LVEF lies below the last one before the first anti-HER2 drug.

    0 where no such drug was given before, or nothing was measured within `window`: there is nothing to compare.
    Unknown without a baseline; a rise is a drop below 0.
    """
    given = select(case, "treatment.anti_her2")
    started = [s.when for s in given.standings if s.counted and s.when is not None]
    measured = select(case, "lab.lvef")
    lately = select(case, "lab.lvef", window=Window.of(options["window"], case.at))
    if given.exists is False or lately.exists is False:
        return Derived(frozenset({Decimal(0)}))
    if given.hidden or measured.hidden or not started or any(s.counted is None for s in given.standings):
        told = (s.evidence("treatment.anti_her2") for s in given.standings if s.counted)
        return Derived(UNKNOWN, (*_open(given), *_open(measured), *told), ("lab.lvef",))
    first = min(started)
    newest = {s.value for s in measured.newest} if all(_exact(s) for s in measured.newest) else set()
    before = [s for s in measured.standings if s.counted and s.when is not None and s.when <= first]
    last = max((s.when for s in before if s.when), default=None)
    at_last = [s for s in before if s.when == last]
    baseline = {s.value for s in at_last} if all(_exact(s) for s in at_last) else set()
    if len(newest) != 1 or len(baseline) != 1:
        said = Text(
            zh="没有首次用药前的 LVEF 可供比较", en="there is no LVEF before the first dose to compare with"
        )
        row = Evidence(fact="lab.lvef", counted=None, why="absent", detail=None if baseline else said)
        read = [s.evidence("lab.lvef") for s in measured.newest] + [
            s.evidence("treatment.anti_her2") for s in given.standings if s.when == first
        ]
        return Derived(UNKNOWN, (row, *_open(measured), *read), ("lab.lvef",))
    now, then = newest.pop() or Decimal(0), baseline.pop() or Decimal(0)
    drop = then - now
    return Derived(
        frozenset({drop}),
        (
            Evidence(fact="heart.lvef_drop", counted=True, value=f"{plain(then)}% → {plain(now)}%"),
            *(s.evidence("lab.lvef") for s in (*measured.newest, *at_last)),
            *(s.evidence("treatment.anti_her2") for s in given.standings if s.counted and s.when == first),
        ),
        holding=(
            Text(
                zh=f"较用药前基线（{plain(then)}%）下降 {plain(drop)} 个百分点",
                en=f"{plain(drop)} points below the baseline of {plain(then)}%",
            ),
        ),
    )


def _exact(standing: Standing) -> bool:
    value = getattr(standing.entry, "value", None)
    return standing.problem is None and isinstance(value, Quantity) and value.comparator is None


def _open(selection: Selection) -> list[Evidence]:
    return [row for row in selection.evidence() if row.counted is None or (row.counted and row.why)]
