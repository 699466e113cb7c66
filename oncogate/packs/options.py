"""What a fact takes as options, how a parameter may fail to be one, and which words a fact can give."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from oncogate.base.times import is_window_unit
from oncogate.model.facts import Fact
from oncogate.model.formulas import FORMS, STAGE_OPTIONS, Option
from oncogate.model.parameter import Parameter
from oncogate.packs.tables import Tables


def options_of(fact: Fact, tables: Tables) -> Mapping[str, Option]:
    """The options that a rule may hand to a fact by `with`; those of conditions are the fact's own parameters."""
    if fact.derive is not None:
        form = FORMS[fact.derive]
        factor = Option("number", "1", needed=False)
        drugs = tables.drugs if form.each_drug else ()
        return {**form.options, **{form.each_drug + id.replace("-", "_"): factor for id in drugs}}
    if fact.derived:
        return {name: _like(parameter) for name, parameter in fact.parameters.items()}
    return STAGE_OPTIONS if fact.stage is not None else {}


def cut_offs(tables: Tables) -> frozenset[str]:
    """The limits that the tables of markers name."""
    rows = (row for listed in tables.drug_markers.values() for row in listed)
    branches = (branch for row in rows for branch in (*row.fits, *row.retest))
    named = {test.limit for branch in branches for test in branch}
    scales = tables.marker_scales.values()
    return frozenset(named | {limit for s in scales for limit in (s.positive, s.negative)}) - {""}


def words_given(fact: Fact, tables: Tables) -> frozenset[str] | None:
    """The values that a comparison with `in` can meet; `None` where they can't be told."""
    if fact.vocabulary is not None:
        return frozenset(fact.vocabulary.values)
    if fact.gives != "level":
        return None
    if fact.derive is None:
        return frozenset(branch.then for branch in fact.cases)
    form = FORMS[fact.derive]
    if form.tumours:
        return frozenset({*tables.tumours, "other"})
    return frozenset(form.levels) or None


def misfit(option: Option, parameter: Parameter) -> str:
    """Why a parameter can't be the option's, or an empty string."""
    value, unit = parameter.value, parameter.unit
    if option.kind == "truth":
        return "" if isinstance(value, bool) else "isn't `true` or `false`"
    if option.kind in ("number", "window"):
        if not isinstance(value, Decimal):
            return "isn't a number"
        if option.kind == "window" and not is_window(parameter):
            return "isn't a window"
        return f"is in `{unit}`, not in `{option.unit}`" if unit != (option.unit or unit) else ""
    if not isinstance(value, (str, tuple)):
        return "isn't a list of words"
    unknown = [word for word in words_of(parameter) if option.choices and word not in option.choices]
    return f"has `{unknown[0]}`, which isn't one of {', '.join(option.choices)}" if unknown else ""


def is_window(parameter: Parameter) -> bool:
    """Whether a parameter is a whole number of a unit of time, not below 0."""
    value = parameter.value
    whole = isinstance(value, Decimal) and value == int(value) and value >= 0
    return whole and is_window_unit(parameter.unit or "")


def words_of(parameter: Parameter) -> tuple[str, ...]:
    """The words of a parameter that lists some, or is one."""
    return parameter.value if isinstance(parameter.value, tuple) else (str(parameter.value),)


def _like(parameter: Parameter) -> Option:
    """The option that a parameter of the fact itself stands for: one like it, in the same unit."""
    if isinstance(parameter.value, bool):
        return Option("truth", needed=False)
    if isinstance(parameter.value, (str, tuple)):
        return Option("words", choices=parameter.choices or (), needed=False)
    return Option("number", parameter.unit, needed=False)
