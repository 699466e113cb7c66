"""Whether the categories of a stage are ones that the tumour has, in the edition that goes for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.clinical.stage_editions import day_of, stated_edition
from oncogate.clinical.stage_problems import StageProblem, make_problem
from oncogate.clinical.stage_tables import LETTERS, Letter, Staging, listed, meant, written
from oncogate.clinical.stages import Stage


@dataclass(frozen=True)
class CategoryCheck:
    """Whether T, N and M are among the tumour's values; `problem` says what isn't, or why it can't be told."""

    inside: Truth
    problem: StageProblem | None = None


def check_categories(
    stage: Stage, staging: Staging, *, edition: str | None = None, on: date | None = None
) -> CategoryCheck:
    """Whether the categories of `stage` are values of the tumour. Never raises.

    `edition` is what the record states beside the stage, in any spelling; `on` the day of diagnosis. They
    choose the TNM edition: the stated one, else the one in force on the day, else any of the tumour's. A
    stage group alone has nothing that could be outside. Problem codes: `category-outside-tumour`,
    `category-outside-edition`, and with an unknown truth `value-set-unknown`.
    """
    if stage.t is None:
        return CategoryCheck(True)
    if staging.values is None:
        return _unknown(
            "表中没有{tumour}的 T、N、M 取值", "the tables hold no categories of {tumour}", staging
        )
    known = tuple(e.edition for e in staging.of_system("tnm"))
    judged = _editions_judged(stage, staging, edition, on)
    if not judged:
        return _unknown(
            "表中没有所写版本（或诊断当日适用版本）的{tumour} TNM 取值，只有{known}，无法核对",
            "the tables hold TNM categories of {tumour} for {known} only, not for the edition stated or the day",
            staging,
            known=listed(known),
        )
    for letter in LETTERS:
        allowed = staging.values.of(letter, judged)
        value = meant(getattr(stage, letter) or "", allowed)
        if value not in allowed:
            return CategoryCheck(False, _outside(letter, value, allowed, staging, judged))
    return CategoryCheck(True)


def _editions_judged(stage: Stage, staging: Staging, edition: str | None, on: date | None) -> tuple[str, ...]:
    """The TNM editions by which categories are judged; none where the table has none that would do."""
    rows = staging.of_system("tnm")
    said, known = stated_edition(stage, edition).edition, {row.edition for row in rows}
    # beside another system (`cT2bN0M0 FIGO IIB`) the edition may be that system's
    if said is not None and (said in known or stage.system == "tnm"):
        return (said,) if said in known else ()
    day = day_of(on)
    return tuple(row.edition for row in rows if day is None or row.covers(day))


def _outside(
    letter: Letter, value: str, allowed: tuple[str, ...], staging: Staging, judged: tuple[str, ...]
) -> StageProblem:
    assert staging.values is not None
    near = [v for v in allowed if v[:1] == value[:1] and v[:1].isdigit()] or list(allowed)
    shown = [written(letter, v) for v in near]
    others = [
        e.edition
        for e in staging.of_system("tnm")
        if e.edition not in judged and value in staging.values.of(letter, [e.edition])
    ]
    fill: dict[str, Text | str] = {
        "category": written(letter, value),
        "tumour": staging.label,
        "letter": letter.upper(),
        "edition": listed(judged),
        "right": shown[0]
        if len(shown) == 1
        else Text(zh="、".join(shown) + " 之一", en="one of " + ", ".join(shown)),
        "other": listed(others),
    }
    if others:
        return make_problem(
            "category-outside-edition",
            "{category} 不是{tumour}的 {letter} 分期取值（{edition}），{other}才有：应为 {right}",
            "{category} is not among the {letter} categories of {tumour} in {edition}, only in {other}: use {right}",
            **fill,
        )
    return make_problem(
        "category-outside-tumour",
        "{category} 不是{tumour}的 {letter} 分期取值（{edition}）：应为 {right}",
        "{category} is not among the {letter} categories of {tumour} ({edition}): use {right}",
        **fill,
    )


def _unknown(zh: str, en: str, staging: Staging, **values: Text | str) -> CategoryCheck:
    return CategoryCheck(None, make_problem("value-set-unknown", zh, en, tumour=staging.label, **values))
