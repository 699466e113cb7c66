"""Comparing values, some of them censored or known only as a set of possibilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache

from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.model.parameter import Parameter

_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "below": lambda value, limit: value < limit,
    "at_most": lambda value, limit: value <= limit,
    "above": lambda value, limit: value > limit,
    "at_least": lambda value, limit: value >= limit,
}

_UNIT_WORDS = {
    "min": Text(zh="分钟", en="min"), "h": Text(zh="小时", en="h"), "d": Text(zh="天", en="days"), "wk": Text(zh="周", en="weeks"),
    "mo": Text(zh="个月", en="months"), "a": Text(zh="年", en="years"), "10*9/L": Text(zh="×10⁹/L", en="×10⁹/L"),
    "Cel": Text(zh="℃", en="°C"), "1": Text(zh="", en=""), "[pH]": Text(zh="", en=""), "{score}": Text(zh="", en=""),
    **{unit: Text(zh=shown, en=shown) for unit, shown in (
        ("umol/L", "μmol/L"), ("/uL", "/μL"), ("uL", "μL"), ("ug/L", "μg/L"), ("ug/mL", "μg/mL"), ("mm[Hg]", "mmHg"), ("mg/m2", "mg/m²"), ("m2", "m²"), ("U/m2", "U/m²"), ("[IU]/mL", "IU/mL"),
        ("m[IU]/mL", "mIU/mL"), ("m[IU]/L", "mIU/L"), ("mg/mL.min", "mg/mL·min"), ("mL/min/{1.73_m2}", "mL/min/1.73 m²"),
    )},
}  # fmt: skip


def all_agree(truths: Sequence[Truth]) -> Truth:
    """The one truth that all have; unknown if they differ or there are none."""
    return truths[0] if truths and all(t is truths[0] for t in truths) else None


def compare(value: Decimal, operator: str, limit: Decimal, comparator: str | None = None) -> Truth:
    """Whether `value` is `below`, `at_most`, `above` or `at_least` the limit.

    A censored value (`comparator` `<`, `<=`, `>`, `>=`) stands for every value on its side: true if all
    of them compare so, false if none does, else unknown.
    """
    if comparator is None:
        return _COMPARE[operator](value, limit)
    if comparator in ("<", "<="):
        ceiling_meets = (
            value <= limit if operator == "below" and comparator == "<" else _COMPARE[operator](value, limit)
        )
        if operator in ("below", "at_most"):
            return True if ceiling_meets else None
        reaches = value > limit if comparator == "<" or operator == "above" else value >= limit
        return None if reaches else False
    if operator in ("above", "at_least"):
        floor_meets = (
            value >= limit if operator == "above" and comparator == ">" else _COMPARE[operator](value, limit)
        )
        return True if floor_meets else None
    reaches = value < limit if comparator == ">" or operator == "below" else value <= limit
    return None if reaches else False


def is_listed(value: object, parameter: Parameter) -> bool:
    """Whether `value` is what the parameter says, or one of those that it lists."""
    listed = parameter.value
    return value in listed if isinstance(listed, tuple) else value == listed


def written(parameter: Parameter) -> Text:
    """A parameter's value as clinicians write it: `7 天`, `1.0 ×10⁹/L`."""
    value, unit = parameter.value, parameter.unit or ""
    if isinstance(value, bool):
        return Text(zh="是" if value else "否", en="yes" if value else "no")
    if isinstance(value, tuple):
        return Text(zh="、".join(value), en=", ".join(value))
    return with_unit(f"{value:f}" if isinstance(value, Decimal) else value, unit)


@lru_cache(maxsize=1024)
def with_unit(text: str, unit: str) -> Text:
    """A number and its unit as clinicians write them."""
    known = unit_text(unit)
    blank = "" if unit == "%" else " "
    return Text(zh=f"{text}{blank}{known.zh}".strip(), en=f"{text}{blank}{known.en}".strip())


def unit_text(unit: str) -> Text:
    """A UCUM unit as clinicians write it."""
    return _UNIT_WORDS.get(unit) or _as_is(unit)


@lru_cache(maxsize=1024)
def _as_is(unit: str) -> Text:
    return Text(zh=unit, en=unit)
