"""What neutropenia and fever turn on over a stretch of time: the lowest count, a temperature that stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from oncogate.base.logic import Truth, some
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.formulas.body import UNKNOWN, site_of
from oncogate.engine.formulas.timing import NEVER
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.engine.values import all_agree
from oncogate.model.decision import Evidence
from oncogate.model.values import Quantity


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
    site = site_of(standing.entry)
    return otherwise if site is None else "axillary" if site == "axillary" else "oral"


def _comparator(standing: Standing) -> str | None:
    value = getattr(standing.entry, "value", None)
    return value.comparator if isinstance(value, Quantity) else None
