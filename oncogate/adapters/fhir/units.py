"""The unit of a quantity, decided between its code and what is printed.

Which units a value can be converted from is the table's business (`clinical.units`); here it is only asked
whether two ways of writing a unit can mean the same, also where one of them isn't in the table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from oncogate.adapters.fhir.access import UCUM, Json, system_of, text
from oncogate.clinical.units import MEASURES, factor

_UNITY = "1"
"""UCUM's unit of what has none: beside another unit it says nothing."""

Size = tuple[str, str, Fraction]
"""What a unit counts, in how much of what, and how many of the plain units it is."""


def unit_of(given: Json) -> tuple[str, str | None]:
    """The unit in which a quantity is to be read, and how its code and its printed unit disagree, if they do.

    The UCUM code goes first; the printed unit stands in where the code can't be read.
    """
    ucum = system_of(given.get("system")) in (None, UCUM)
    code = text(given.get("code")) if ucum else None
    printed = text(given.get("unit"))
    if code is None or printed is None or code == printed:
        return code or printed or "", None
    by_code, by_unit = _factors(code), _factors(printed)
    if printed == _UNITY and by_code:
        return code, None
    if not by_code and not by_unit:
        return code, None
    read = code if by_code and not (code == _UNITY and by_unit) else printed
    if _UNITY in (code, printed) or _agree(code, printed):
        return read, None
    return code, f"code `{code}`, unit `{printed}`"


def _agree(one: str, other: str) -> bool:
    """Whether two units can be the same; one that can't be taken apart isn't held against the other."""
    by_one, by_other = _factors(one), _factors(other)
    if by_one and by_other:
        return any(by_one.get(measure) == by for measure, by in by_other.items())
    if _cut_short(one, other) or _cut_short(other, one):
        return True
    sizes, others = _sizes(one), _sizes(other)
    return not sizes or not others or not sizes.isdisjoint(others)


def _cut_short(one: str, other: str) -> bool:
    """Whether a unit is the other one without its volume: `10^9` of `10*9/L`."""
    above, slash, _ = other.partition("/")
    size = _size(one)
    return bool(slash) and "/" not in one and size is not None and size == _size(above)


@lru_cache(maxsize=1024)
def _factors(unit: str) -> Mapping[str, Decimal]:
    """By measure that the unit can be one of, its factor."""
    found = ((measure, factor(measure, unit)) for measure in MEASURES)
    return {measure: by for measure, by in found if by is not None}


# -- units that aren't in the table ------------------------------------------------------------------

_PREFIXES = {
    "": 0, "G": 9, "M": 6, "k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15
}  # fmt: skip
_PLAIN = {
    "g": ("g", 1), "mol": ("mol", 1), "L": ("L", 1), "l": ("L", 1), "U": ("U", 1), "IU": ("U", 1), "[IU]": ("U", 1),
    "[iU]": ("U", 1), "m3": ("L", 1000), "s": ("s", 1), "min": ("s", 60), "h": ("s", 3600),
}  # fmt: skip
_METRIC = re.compile(rf"([GMkdcmunpf]?)({'|'.join(map(re.escape, sorted(_PLAIN, key=len, reverse=True)))})")
_POWER = re.compile(r"[*x×]? ?10 ?[*^] ?(-?\d{1,2})|(?:10?)?[eE]\+?(\d{1,2})", re.ASCII)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


@lru_cache(maxsize=1024)
def _sizes(unit: str) -> frozenset[Size]:
    """What the unit can be: a power of ten or a metric unit, alone or in another; nothing if it is neither."""
    found = {_size(unit)}
    for measure, by in _factors(unit).items():
        canonical = _size(MEASURES[measure].unit)
        if canonical is not None:
            found.add((canonical[0], canonical[1], canonical[2] * Fraction(by)))
    return frozenset(size for size in found if size is not None)


def _size(unit: str) -> Size | None:
    plain = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda raised: "^" + raised[0].translate(_RAISED), unit)
    plain = re.sub(r"\{[^{}]*\}", "", unicodedata.normalize("NFKC", plain).replace("μ", "u")).strip()
    above, slash, below = plain.partition("/")
    counted, volume = _part(above), _part(below) if slash else ("", Fraction(1))
    if counted is None or volume is None or not plain or (slash and not below):
        return None
    return counted[0], volume[0], counted[1] / volume[1]


def _part(part: str) -> tuple[str, Fraction] | None:
    """A power of ten, a metric unit, or nothing at all (`/L`), which is one."""
    part = part.strip()
    power = _POWER.fullmatch(part)
    if power or not part:
        return "", Fraction(10) ** int(power[1] or power[2]) if power else Fraction(1)
    metric = _METRIC.fullmatch(part)
    if metric is None:
        return None
    kind, times = _PLAIN[metric[2]]
    exponent = _PREFIXES[metric[1]] * (3 if metric[2] == "m3" else 1)
    return kind, Fraction(10) ** exponent * times
