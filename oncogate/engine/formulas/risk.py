"""The risk of febrile neutropenia: by assessment and by the named regimen's category."""

from __future__ import annotations

from dataclasses import replace

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
    selection = _assessments(case, options)
    assessed = _assessed(selection)
    category = _category(case)

    def rows() -> tuple[Evidence, ...]:
        evidence = selection.evidence() if assessed != {None} or selection.standings else ()
        if category is None:
            return evidence
        regimen = (case.order.regimen if case.order is not None else None) or ""
        named = Text(zh=regimen, en=regimen)
        return (
            *evidence,
            Evidence(fact="regimen.fn_category", counted=True, value=category, detail=named),
        )

    return Derived(frozenset(_higher(level, category) for level in assessed), rows)


def recorded_fn_risk(case: Case, options: Options) -> Derived:
    """The level of the newest counted assessment within `window`; `None` where there is none."""
    selection = _assessments(case, options)
    return Derived(frozenset(_assessed(selection)), selection.evidence)


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
