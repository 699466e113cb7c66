"""Reading a cancer stage as hospitals write it: `cT2N1M0 ⅡB期`, `CNLC Ⅱb期`, `Ann Arbor III A`, `局限期`.

`read_stage` gives a `Stage`, or a `StageProblem` that says what is wrong and what to write instead; it
never raises and never guesses. Systems: AJCC/UICC 8 and 9, FIGO, Lugano, CNLC, BCLC, VALG, Binet, Rai,
ISS, Durie-Salmon; what is general knowledge is marked so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from oncogate.clinical.stage_categories import TNM, kind_of, parts_of, rendered
from oncogate.clinical.stage_labels import NOT_STAGED, Kind, Labels, normalise
from oncogate.clinical.stage_problems import (
    StageProblem,
    contradiction,
    group_invalid,
    make_problem,
    quoted,
    several_stages,
    system_contradicts,
    why_not,
)
from oncogate.clinical.stage_systems import ALIASES, SYSTEMS, Group, is_group_of, read_group, shaped

__all__ = ["MAX_LENGTH", "SYSTEMS", "Kind", "Stage", "StageProblem", "fits", "read_stage"]

MAX_LENGTH = 200


@dataclass(frozen=True)
class Stage:
    """A stage as read. `text` is its normalised notation, e.g. `cT2N1M0 IIB`.

    `kind` is what the notation itself says (prefix letters first, then labels such as 病理分期); `None`
    means unmarked. `modifiers` holds `y` (after treatment), `r` (recurrence), `a` (autopsy), `m` (multiple).
    Categories come without their letter and bracketed notes: `N0(i+)` has `n == "0"`, `Tis(DCIS)` has
    `t == "is"`. `system` is `""` for a group whose system is not told; `edition` (`8`, `2018`) what the
    text says of it, `""` where it says none, or several.
    """

    system: str
    kind: Kind | None
    modifiers: frozenset[str]
    t: str | None
    n: str | None
    m: str | None
    group: str | None
    text: str
    edition: str = ""

    @property
    def form(self) -> Literal["categories", "group", "both"]:
        """Whether T, N and M were written, or a stage group, or both."""
        if self.t is None:
            return "group"
        return "categories" if self.group is None else "both"


@lru_cache(maxsize=1024)  # a record's stages are read by several rules
def read_stage(text: str, *, system: str | None = None, tumour: str | None = None) -> Stage | StageProblem:
    """The stage written in `text`, or why it cannot be used. Never raises.

    `system` is the id the record gives beside the text (one of `SYSTEMS`, or `ann-arbor`); `tumour` is a
    tumour word such as `thyroid`, used only where M1 does not mean stage IV. Problem codes: `too-long`,
    `not-staged`, `not-a-stage`, `mx`, `n-plus`, `range`, `uncertain`, `category-invalid`,
    `category-missing`, `group-invalid`, `group-contradicts-m1`, `group-contradicts-categories`,
    `kind-contradicts`, `several-stages`, `system-needed`, `system-contradicts`, `system-unknown`.
    """
    asked = ALIASES.get(system.lower(), system.lower()) if system else ""
    if asked and asked not in SYSTEMS:
        return make_problem(
            "system-unknown",
            "不认识分期系统 `{system}`：应为 {known} 之一",
            "the staging system `{system}` is not known: it is one of {known}",
            system=quoted(asked),
            known=", ".join(sorted(SYSTEMS)),
        )
    if len(text) > MAX_LENGTH:
        return make_problem(
            "too-long",
            "分期文字过长（{length} 字，上限 {limit} 字）：请只写分期，如 cT2N1M0 IIB 期",
            "the stage text is too long ({length} characters, at most {limit}): write only the stage",
            length=str(len(text)),
            limit=str(MAX_LENGTH),
        )
    body, labels = normalise(text)
    compact = "".join(unicodedata.normalize("NFKC", text).lower().split()).strip(".。:")
    if {compact, "".join(body.lower().split())} & NOT_STAGED:
        return make_problem(
            "not-staged",
            "尚未填写分期：请写治疗前分期，如 cT2N1M0 IIB 期",
            "no stage is given: write the stage before treatment, e.g. cT2N1M0 IIB",
        )
    others = sorted(labels.named - {"tnm"})
    match = TNM.search(body)
    if len(others) > 1 or (others and "tnm" in labels.named and not match):
        return several_stages(text)
    told = others[0] if others else "tnm" if "tnm" in labels.named else ""
    if match is None:
        return _group_alone(body, text, labels, told, asked)
    return _categories(match, text, labels, told, asked, tumour)


def _group_alone(body: str, text: str, labels: Labels, told: str, asked: str) -> Stage | StageProblem:
    if told and asked and told != asked:
        return system_contradicts(told, asked)
    system = told or asked
    group = read_group(body, told=system, staged=labels.staged)
    if group is None:
        return why_not(body, text, told=system)
    if group.systems == ("valg",):
        if system not in ("", "valg"):
            return system_contradicts("valg", system)
        system = "valg"
    elif not system and group.value.upper() in ("A", "B", "C", "D"):
        return make_problem(
            "system-needed",
            "只写了 `{group}` 期，不知是哪个分期系统：请写明，如 BCLC {group} 期或 Binet {group} 期",
            "only `{group}` is written, without its staging system: write e.g. BCLC {group} or Binet {group}",
            group=group.value.upper(),
        )
    if (system and system not in group.systems) or (group.prefix and system not in ("", "tnm", "figo")):
        return group_invalid(text, system)
    kind: Kind | None = {"c": "clinical", "p": "pathologic"}.get(group.prefix[-1:], labels.kind)  # type: ignore[assignment]
    value = shaped(group.value, system)
    modifiers = labels.modifiers | (set(group.prefix) & set("yram"))
    return Stage(system, kind, modifiers, None, None, None, value, group.prefix + value, labels.edition)


def _categories(
    match: re.Match[str], text: str, labels: Labels, told: str, asked: str, tumour: str | None
) -> Stage | StageProblem:
    body = match.string
    before, rest = body[: match.start()].strip(), body[match.end() :].strip()
    if before.endswith("(") and rest.startswith(")"):
        before, rest = before[:-1].strip(), rest[1:].strip()
    if TNM.search(rest):
        return several_stages(text)
    if before and rest:
        return why_not(f"{before} {rest}", text, told="")
    group: Group | None = None
    system = "tnm"
    if before or rest:
        group = read_group(before or rest, told=told, staged=labels.staged)
        if group is None:
            return why_not(before or rest, text, told=told if told != "tnm" else "")
        system = told if told not in ("", "tnm") else asked or "tnm"
        if system == "tnm" and group.systems == ("valg",):
            system = "valg"
        if system not in group.systems:
            system = "figo" if system == "tnm" and "figo" in group.systems and not told else system
        if system not in group.systems:
            return group_invalid(before or rest, system)
    elif told not in ("", "tnm"):
        return system_contradicts("tnm", told)
    if asked not in ("", "tnm", system):
        return system_contradicts(system, asked)

    parts = parts_of(match)
    kind = kind_of(parts)
    modifiers = labels.modifiers | (set("".join(part.prefix for part in parts)) & set("yram"))
    if "(m)" in parts[0].written:
        modifiers |= {"m"}
    written = rendered(parts)
    value: str | None = None
    if group is not None:
        value = shaped(group.value, system)
        of_group = {"c": "clinical", "p": "pathologic"}.get(group.prefix[-1:])
        if kind and of_group and kind != of_group:
            return make_problem(
                "kind-contradicts",
                "`{text}` 中 TNM 与总分期一个是临床分期、一个是病理分期：请统一，治疗前写临床分期",
                "`{text}` mixes a clinical and a pathologic stage: write the clinical one before treatment",
                text=quoted(text),
            )
        kind = kind or of_group  # type: ignore[assignment]
        modifiers |= set(group.prefix) & set("yram")
        if system in ("tnm", "figo"):
            problem = contradiction(parts, value, tumour)
            if problem is not None:
                return problem
        written = f"{written} {group.prefix}{value}"
    t, n, m = (part.value for part in parts)
    return Stage(system, kind or labels.kind, frozenset(modifiers), t, n, m, value, written, labels.edition)


def fits(stage: Stage, systems: Collection[str]) -> bool:
    """Whether `stage` is written in one of `systems` (ids of `SYSTEMS`).

    Categories fit TNM. A group fits its own system; one whose system is not told fits wherever its value
    is valid.
    """
    names = {ALIASES.get(name, name) for name in systems} & SYSTEMS
    if stage.t is not None and "tnm" in names:
        return True
    if stage.group is None:
        return False
    if stage.system:
        return stage.system in names
    return any(is_group_of(stage.group, name) for name in names)
