"""Which edition of a staging system a record states, and whether it was in force at the diagnosis."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.clinical.stage_labels import read_edition
from oncogate.clinical.stage_problems import quoted
from oncogate.clinical.stage_systems import SYSTEM_NAMES, is_group_of
from oncogate.clinical.stage_tables import Edition, Staging, edition_label, is_year, listed
from oncogate.clinical.stages import Stage

EditionStatus = Literal["in_force", "outdated", "not_yet", "not_stated", "not_dated", "unknown"]


@dataclass(frozen=True)
class EditionCheck:
    """Whether the edition of a stage was in force at the diagnosis.

    `not_dated`: the table dates no edition of this system (VALG has none); `unknown`: it can't be told.
    `stated` is the edition read, `in_force` those of the day; `message` is for the clinician.
    """

    status: EditionStatus
    stated: str | None
    in_force: tuple[str, ...]
    message: Text

    @property
    def truth(self) -> Truth:
        """In force or not; `None` where it isn't stated or can't be told."""
        known: dict[EditionStatus, Truth] = {
            "in_force": True,
            "not_dated": True,
            "outdated": False,
            "not_yet": False,
        }
        return known.get(self.status)


def check_edition(
    stage: Stage, staging: Staging, *, edition: str | None = None, on: date | None = None
) -> EditionCheck:
    """Whether the stated edition of the stage's system was in force on the day of diagnosis. Never raises.

    `edition` is what the record states beside the stage (`8`, `第8版`, `AJCC v9`, `FIGO 2018`, SNOMED CT's
    codes of AJCC editions); what the stage's text says counts too. `on` is the day of diagnosis.
    """
    system = stage.system or _only_system(stage, staging)
    rows, said, day = staging.of_system(system), stated_edition(stage, edition), day_of(on)
    current = tuple(row.edition for row in rows if day is not None and row.covers(day))

    def found(status: EditionStatus, zh: str, en: str) -> EditionCheck:
        values: dict[str, Text | str] = {
            "tumour": staging.label,
            "system": SYSTEM_NAMES[system][0] if system else "",
            "said": edition_label(said.edition) if said.edition else quoted(said.unread),
            "day": day.isoformat() if day else "",
            "current": listed(current),
        }
        return EditionCheck(status, said.edition, current, Text(zh=zh, en=en).fill(**values))

    if not rows and (system or not staging.editions):
        return found(
            "not_dated",
            "{tumour}的这种分期在表中不分版本",
            "the tables date no edition of this staging of {tumour}",
        )
    if not system:
        return found(
            "unknown",
            "没有写明分期系统，无法核对版本",
            "the staging system isn't told, so its edition can't be checked",
        )
    if said.clash:
        return found(
            "unknown",
            "分期文字与版本栏写的版本不一致：{said}",
            "the stage's text and the edition stated differ: {said}",
        )
    if said.unread:
        return found("unknown", "无法识别分期版本：{said}", "the edition stated can't be read: {said}")
    if said.edition is None:
        zh, en = ("（{day} 应为{current}）", " (on {day} it was {current})") if current else ("", "")
        return found("not_stated", "没有写明 {system} 版本" + zh, "the {system} edition isn't stated" + en)
    if day is None:
        return found(
            "unknown",
            "没有诊断日期，无法核对 {system} {said}是否适用",
            "without the day of diagnosis it can't be told whether {system} {said} applies",
        )
    if said.edition in current:
        return found("in_force", "{system} {said}适用于 {day}", "{system} {said} was in force on {day}")
    own = [row for row in rows if row.edition == said.edition]
    zh, en = ("，应为{current}", ": use {current}") if current else ("", "")
    if own and all(day < row.start for row in own):
        return found(
            "not_yet",
            "诊断日 {day} 时 {system} {said}尚未启用" + zh,
            "{system} {said} was not yet in force on {day}" + en,
        )
    if own or (current and _older(said.edition, rows)):
        return found(
            "outdated",
            "诊断日 {day} 时 {system} {said}已停用" + zh,
            "{system} {said} was no longer in force on {day}" + en,
        )
    return found(
        "unknown",
        "表中没有{tumour} {system} {said}在 {day} 的信息，无法核对",
        "the tables don't tell of {system} {said} of {tumour} on {day}",
    )


@dataclass(frozen=True)
class Stated:
    """The edition that was read, or why none was."""

    edition: str | None
    unread: str = ""  # what was written but names no edition
    clash: bool = False  # record and text name two editions: `unread` shows both


def stated_edition(stage: Stage, edition: str | None) -> Stated:
    """The edition that the record or the stage's own text names."""
    plain = (edition or "").strip()
    said = read_edition(plain) if plain else None
    if said is None:
        # words without a number (`AJCC`) name no edition; a number that isn't understood mustn't be lost
        doubtful = re.search(r"[0-9版五六七八九十]", plain) or re.search(r"\bed", plain, re.IGNORECASE)
        return Stated(None, plain) if doubtful else Stated(stage.edition or None)
    if stage.edition and stage.edition != said and is_year(stage.edition) == is_year(said):
        return Stated(None, f"{said} / {stage.edition}", clash=True)
    return Stated(said)


def _older(edition: str, rows: Iterable[Edition]) -> bool:
    """Whether an edition that the table doesn't list comes before all that it lists, numbered like them."""
    listed = [row.edition for row in rows]
    return all(is_year(e) == is_year(edition) and int(edition) < int(e) for e in listed)


def _only_system(stage: Stage, staging: Staging) -> str:
    """The system of a group that doesn't tell it, if only one of the tumour's dated systems has the group."""
    systems = {e.system for e in staging.editions if stage.group and is_group_of(stage.group, e.system)}
    return systems.pop() if len(systems) == 1 else ""


def day_of(moment: date | None) -> date | None:
    """The day of a time; a `datetime` is a `date` too, but isn't compared with one."""
    return moment.date() if isinstance(moment, datetime) else moment
