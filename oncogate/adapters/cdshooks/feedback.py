"""What became of cards: read from a client's feedback, and kept without anything of a patient.

Kept are the card, its rule, whether it was accepted or overridden, which suggestions and which reason by their codes,
and when. A comment is the user's own words, which may name the patient: it isn't kept, only that there was one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from oncogate.adapters.cdshooks.cards import rule_of
from oncogate.base.errors import Diagnostic, RequestError
from oncogate.base.times import read_time, write_time
from oncogate.base.written import json_bytes

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MOST = 1000
"""Cards in one call at most."""


@dataclass(frozen=True)
class Outcome:
    """What became of one card. `rule` is nothing for a summary card, or a card of rules that are no longer in use."""

    service: str
    card: str
    rule: str | None
    outcome: str
    at: str
    suggestions: tuple[str, ...] = ()
    reason: str | None = None
    commented: bool = False


class Kept(Protocol):
    """Where feedback is kept."""

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Keep these; raises `OSError` where that can't be done."""


class Lines:
    """Feedback in a file, an outcome a line of JSON; several processes may append to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Append the outcomes in one write."""
        rows = [{k: v for k, v in asdict(one).items() if v not in (None, (), False)} for one in outcomes]
        lines = b"".join(json_bytes(row) + b"\n" for row in rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, lines)
        finally:
            os.close(handle)


def read_feedback(document: Any, service: str, rules: Iterable[str]) -> tuple[Outcome, ...]:
    """The outcomes in a feedback call; raises `RequestError` with every problem. `rules` are the ids of those in use."""
    items = document.get("feedback") if isinstance(document, Mapping) else None
    if not isinstance(items, list) or not items or len(items) > _MOST:
        said = f"`feedback` is a list of 1 to {_MOST} outcomes"
        raise RequestError(
            [
                Diagnostic(
                    "/feedback",
                    0,
                    0,
                    "feedback-form",
                    said,
                    "send `card`, `outcome` and `outcomeTimestamp` of each",
                )
            ]
        )
    known = tuple(rules)
    problems: list[Diagnostic] = []
    found = [_outcome(item, f"/feedback/{n}", service, known, problems) for n, item in enumerate(items)]
    if problems:
        raise RequestError(problems)
    return tuple(one for one in found if one is not None)


def _outcome(
    item: Any, pointer: str, service: str, rules: tuple[str, ...], problems: list[Diagnostic]
) -> Outcome | None:
    def wrong(field: str, message: str) -> None:
        problems.append(Diagnostic(f"{pointer}{field}", 0, 0, "feedback-form", message))

    if not isinstance(item, Mapping):
        wrong("", "isn't an object")
        return None
    before = len(problems)
    card, outcome, at = item.get("card"), item.get("outcome"), item.get("outcomeTimestamp")
    if not isinstance(card, str) or not _UUID.fullmatch(card):
        wrong("/card", "isn't the `uuid` of a card")
    if outcome not in ("accepted", "overridden"):
        wrong("/outcome", "should be `accepted` or `overridden`")
    moment = _moment(at)
    if moment is None:
        wrong("/outcomeTimestamp", "isn't a time with its zone")
    taken = _suggestions(item, wrong)
    reason, commented = _reason(item, wrong)
    if len(problems) > before:
        return None
    return Outcome(
        service,
        str(card).casefold(),
        rule_of(str(card), rules),
        str(outcome),
        moment or "",
        taken,
        reason,
        commented,
    )


def _moment(said: Any) -> str | None:
    try:
        time = read_time(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return write_time(time) if isinstance(time, datetime) else None


def _suggestions(item: Mapping[str, Any], wrong: Any) -> tuple[str, ...]:
    taken = item.get("acceptedSuggestions", [])
    if not isinstance(taken, list):
        wrong("/acceptedSuggestions", "isn't a list")
        return ()
    ids = [one.get("id") if isinstance(one, Mapping) else None for one in taken]
    for n, id in enumerate(ids):
        if not isinstance(id, str) or not _UUID.fullmatch(id):
            wrong(f"/acceptedSuggestions/{n}/id", "isn't the `uuid` of a suggestion")
    return tuple(str(id).casefold() for id in ids)


def _reason(item: Mapping[str, Any], wrong: Any) -> tuple[str | None, bool]:
    said = item.get("overrideReason")
    if said is None:
        return None, False
    if not isinstance(said, Mapping):
        wrong("/overrideReason", "isn't an object")
        return None, False
    coding = said.get("reason")
    code = coding.get("code") if isinstance(coding, Mapping) else None
    if coding is not None and (not isinstance(code, str) or not _CODE.fullmatch(code)):
        wrong("/overrideReason/reason/code", "isn't a code")
        return None, False
    return code, bool(said.get("userComment"))
