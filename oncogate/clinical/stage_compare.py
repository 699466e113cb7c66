"""Whether a clinical and a pathologic stage of one tumour say the same: concordant, more, or less.

The order within a system is its notation's own (T1 < T1a < T2). What a tumour's letters don't rank is
given by its value sets (rules/tables/tumours.yaml).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from oncogate.base import patterns
from oncogate.base.texts import Text
from oncogate.clinical.stage_systems import is_group_of
from oncogate.clinical.stage_tables import LETTERS, Letter, Staging, meant, written
from oncogate.clinical.stages import Stage

Direction = Literal["concordant", "upstaged", "downstaged", "not_comparable"]


@dataclass(frozen=True)
class Comparison:
    """One category (or the group) of both stages; `upstaged`: the pathologic stage says more. `why`: not comparable."""

    part: Literal["T", "N", "M", "group"]
    clinical: str
    pathologic: str
    direction: Direction
    why: Text | None = None


_NOT_PRIMARY = Text(
    zh="含治疗后（y）、复发（r）或尸检（a）分期，不能与初诊分期比较",
    en="a stage after treatment (y), of recurrence (r) or autopsy (a) isn't compared with that at diagnosis",
)
_OTHER_FORM = Text(
    zh="两个分期的写法或分期系统不同，无法比较", en="the two stages are of different forms or systems"
)
_NOT_ASSESSED = Text(zh="其中一项无法评估（X）", en="one of them could not be assessed (X)")
_UNRANKED = Text(zh="两个亚类没有轻重之分", en="neither of the two sub-categories is more than the other")


def compare_stages(
    clinical: Stage, pathologic: Stage, staging: Staging | None = None
) -> tuple[Comparison, ...]:
    """T, N and M of both compared; their groups if one has only a group. Never empty, never raises.

    A category without its letter includes those with it: cT2 and pT2a are concordant.
    """
    if clinical.t is not None and pathologic.t is not None:
        rows = [_categories(letter, clinical, pathologic, staging) for letter in LETTERS]
    else:
        rows = [_groups(clinical, pathologic)]
    if (clinical.modifiers | pathologic.modifiers) & set("yra"):
        rows = [Comparison(r.part, r.clinical, r.pathologic, "not_comparable", _NOT_PRIMARY) for r in rows]
    return tuple(rows)


def _categories(letter: Letter, clinical: Stage, pathologic: Stage, staging: Staging | None) -> Comparison:
    part: Literal["T", "N", "M"] = {"t": "T", "n": "N", "m": "M"}[letter]  # type: ignore[assignment]
    sets = staging.values if staging else None
    allowed, unranked = (sets.of(letter), sets.unranked.get(letter, ())) if sets else ((), ())
    one, other = (meant(getattr(stage, letter) or "", allowed) for stage in (clinical, pathologic))
    direction, why = _direction(one, other, unranked)
    return Comparison(part, written(letter, one), written(letter, other), direction, why)


def _direction(one: str, other: str, unranked: tuple[str, ...]) -> tuple[Direction, Text | None]:
    if "X" in (one, other):
        return "not_comparable", _NOT_ASSESSED
    (major, minor), (major2, minor2) = _split(one), _split(other)
    if major != major2:
        return "upstaged" if major < major2 else "downstaged", None
    if minor.startswith(minor2) or minor2.startswith(minor):
        return "concordant", None
    if "mi" in (minor, minor2):
        return "upstaged" if minor == "mi" else "downstaged", None
    if one in _NON_INVASIVE or one[:1] in unranked:
        return "not_comparable", _UNRANKED
    return "upstaged" if minor < minor2 else "downstaged", None


_NON_INVASIVE = ("is", "a")
"""Tis and Ta lie between T0 and T1; neither is more than the other."""


def _split(value: str) -> tuple[float, str]:
    """The rank of a category's number and what follows it (`1b3` → 1, `b3`)."""
    return (0.5, value) if value in _NON_INVASIVE else (float(value[0]), value[1:])


# --- Groups -------------------------------------------------------------------------------------------

_LADDERS = {"bclc": "0ABCD", "binet": "ABC", "valg": "LE"}
_STEPS = ("0", "I", "II", "III", "IV")
_GROUP = patterns.compile(r"(0|IV|I{1,3})([A-D]?)([123]?)\(?(i*)\)?[rp]?", re.ASCII)
_ROMAN_ONLY = frozenset({"lugano", "durie-salmon"})
"""Systems whose letters say something else than spread (B symptoms, renal function)."""


def _groups(clinical: Stage, pathologic: Stage) -> Comparison:
    one, other = clinical.group or clinical.text, pathologic.group or pathologic.text
    if not clinical.group or not pathologic.group or not _same_system(clinical, pathologic):
        return Comparison("group", one, other, "not_comparable", _OTHER_FORM)
    if one == other:
        return Comparison("group", one, other, "concordant")
    system = clinical.system or pathologic.system
    first, second = _steps(one, system), _steps(other, system)
    if first is None or second is None:
        return Comparison("group", one, other, "not_comparable", _UNRANKED)
    for step, step2 in zip(first, second, strict=True):
        if step != step2:
            if "" in (step, step2):
                break  # IIA stands within II
            up = step < step2
            return Comparison("group", one, other, "upstaged" if up else "downstaged")
    return Comparison("group", one, other, "concordant")


def _same_system(one: Stage, other: Stage) -> bool:
    """Whether both groups are of one system; an untold one is taken for TNM or FIGO if those have the group."""
    if one.system == other.system:
        return True
    told, untold = (one, other) if one.system else (other, one)
    return (
        told.system in ("tnm", "figo") and not untold.system and is_group_of(untold.group or "", told.system)
    )


def _steps(group: str, system: str) -> tuple[str, ...] | None:
    """What a group's place rests on, weightiest first; `None` for one whose place isn't told so (IS, 0a)."""
    ladder = _LADDERS.get(system)
    if ladder is not None:
        return (str(ladder.index(group[0].upper())),)
    if system in _ROMAN_ONLY:
        return (str(_STEPS.index(group.upper().rstrip("ABEXS"))),)
    found = _GROUP.fullmatch(group.upper() if system == "cnlc" else group)
    return (str(_STEPS.index(found[1])), found[2], found[3], found[4]) if found else None
