"""Names of regimens as hospitals write them: one key for all spellings, the interval, the drugs spelled out."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from oncogate.base import patterns
from oncogate.clinical.names import name_key

_JOINED = patterns.compile(r"\s*(?:[+/、,;&]|联合|和|与|\band\b|\bplus\b)\s*")
_SINGLE = patterns.compile(r"单药|单一用药|\bmonotherapy\b")
_REGIMEN_SAID = patterns.compile(
    r"方案|化疗|新?辅助|姑息|诱导|巩固|\bregimen\b|\bprotocol\b|regimen$|protocol$|"
    r"\(?第\s*[\d一二三四五六七八九十]+\s*(?:周期|疗程|程)\)?|\bc\d+\s*d\d+\b|\bcycle\s*\d+"
)
_EVERY = patterns.compile(
    r"(?<![a-z])q(\d{0,2})([dw])(?![a-z])|每?(\d{1,2}|[一两二三四])?(周)(?!期)(?:一?次|疗)?|每?(\d{1,2})(天)"
)
_HAN_DIGITS = {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4}
_REGIMEN_NOISE = patterns.compile(r"[\s\-_+/·,、()→>]")


def _said(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return _REGIMEN_SAID.sub(" ", plain).replace("双周", "2周")


def _text(name: str) -> str:
    """A regimen's name without what is said of the course (`第3周期`); its interval is in days."""
    return _EVERY.sub(
        lambda found: f" {_days_of(found)} ",
        _said(name),
    ).strip()


def _days_of(found: re.Match[str]) -> int:
    number, unit = found[1] or found[3] or found[5] or "1", found[2] or found[4] or found[6]
    count = _HAN_DIGITS.get(number) or int(number)
    return count if unit in "d天" else 7 * count


@lru_cache(maxsize=1024)
def interval_said(name: str) -> int | None:
    """The days from one cycle to the next that a regimen's name says (`q21d`, `每3周`, `周疗`); `None` if none or several."""
    days = {_days_of(found) for found in _EVERY.finditer(_said(name))}
    return next(iter(days)) if len(days) == 1 else None


def regimen_key(name: str) -> str:
    """The form in which two spellings of a regimen's name are compared (`R-CHOP q21d` and `RCHOP-21`)."""
    return _REGIMEN_NOISE.sub("", _text(name)) or name_key(name)


def drugs_spelled(name: str) -> list[str]:
    """The names of drugs that a regimen's name may spell out: `紫杉醇联合顺铂方案` has two."""
    return [part for part in _JOINED.split(_SINGLE.sub("", _text(name))) if part.strip()]
