"""The risk of febrile neutropenia."""

from __future__ import annotations

from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Window
from oncogate.model.decision import Evidence

LEVELS = ("low", "intermediate", "high")


def fn_risk(case: Case, options: Options) -> Derived:
    """The risk of febrile neutropenia: the higher of the recorded assessment and the regimen's category.

    Possible values are `low`, `intermediate`, `high`, and `None` where nothing says anything.
    """
    window = Window.of(options["window"], case.at) if "window" in options else None
    selection = select(case, "assessment.neutropenia", window=window)
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
