"""Reading a tumour's editions and value sets from its row of tumours.yaml, with every slip told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from oncogate.base.texts import Text
from oncogate.clinical.stage_categories import M_VALUES, N_VALUES, T_VALUES
from oncogate.clinical.stage_systems import SYSTEMS
from oncogate.clinical.stage_tables import LETTERS, Edition, Letter, Staging, ValueSets

_GRAMMAR = {"t": T_VALUES, "n": N_VALUES, "m": M_VALUES}
_ABOUT = {"source", "verification", "note"}


def staging_of(label: Text, row: Mapping[str, Any]) -> Staging:
    """The staging of a tumour's row. Raises `ValueError` that says what is wrong with it."""
    editions = tuple(_edition(entry, row) for entry in _sequence(row.get("editions", []), "editions"))
    sets = row.get("categories")
    return Staging(label, editions, None if sets is None else _value_sets(sets, editions))


def _edition(entry: Any, row: Mapping[str, Any]) -> Edition:
    if not isinstance(entry, Mapping):
        raise ValueError('an edition is written {system: tnm, edition: "8", from: 2018-01-01}')
    _only(entry, {"system", "edition", "from", "until", *_ABOUT}, "an edition")
    system, edition = str(entry.get("system")), str(entry.get("edition"))
    if system not in SYSTEMS or system not in row.get("stage_systems", ()):
        raise ValueError(f"`{system}` isn't one of the tumour's stage_systems")
    if not re.fullmatch(r"[0-9]{1,2}|[0-9]{4}", edition):
        raise ValueError(f"the edition `{edition}` is neither a number nor a year")
    start, until = _date(entry.get("from"), "from"), None
    if entry.get("until") is not None:
        until = _date(entry["until"], "until")
        if until < start:
            raise ValueError(f"the edition `{edition}` ends before it begins")
    return Edition(system, edition, start, until)


def _value_sets(sets: Any, editions: tuple[Edition, ...]) -> ValueSets:
    if not isinstance(sets, Mapping):
        raise ValueError("categories are written {t: [...], n: [...], m: [...]}")
    _only(sets, {*LETTERS, "editions", "unranked", *_ABOUT}, "categories")
    known = {row.edition for row in editions if row.system == "tnm"}
    added: dict[str, Mapping[Letter, tuple[str, ...]]] = {}
    for edition, more in _mapping(sets.get("editions", {}), "editions").items():
        if str(edition) not in known:
            raise ValueError(
                f"the categories name the edition `{edition}`, which isn't a TNM edition of the tumour"
            )
        _only(_mapping(more, "editions"), set(LETTERS), "the categories of an edition")
        added[str(edition)] = {letter: _values(letter, more[letter]) for letter in LETTERS if letter in more}
    unranked = _mapping(sets.get("unranked", {}), "unranked")
    _only(unranked, set(LETTERS), "unranked")
    absent = [letter for letter in LETTERS if letter not in sets]
    if absent:
        raise ValueError(f"the categories lack `{absent[0]}`")
    t, n, m = (_values(letter, sets[letter]) for letter in LETTERS)
    plain = {
        letter: tuple(map(str, _sequence(unranked[letter], letter)))
        for letter in LETTERS
        if letter in unranked
    }
    return ValueSets(t, n, m, added, plain)


def _values(letter: Letter, values: Any) -> tuple[str, ...]:
    found = tuple(map(str, _sequence(values, letter)))
    for value in found:
        if not re.fullmatch(_GRAMMAR[letter], value):
            raise ValueError(f"`{letter.upper()}{value}` isn't a category")
    return found


def _date(said: Any, key: str) -> date:
    try:
        return date.fromisoformat(str(said))
    except ValueError:
        raise ValueError(f"`{key}` of an edition is a day such as 2018-01-01, not `{said}`") from None


def _sequence(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"`{key}` is a list")
    return value


def _mapping(value: Any, key: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"`{key}` holds keys and values")
    return value


def _only(given: Mapping[Any, Any], allowed: set[Any], what: str) -> None:
    unknown = [key for key in given if key not in allowed]
    if unknown:
        raise ValueError(f"{what} has no `{unknown[0]}`")
