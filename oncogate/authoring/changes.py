"""What differs in two versions of a rule, a fact or a table, place by place, as it stands in the file."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oncogate.authoring.flow import flow
from oncogate.model.facts import Fact
from oncogate.model.rule import Rule
from oncogate.packs.document import read_document

NEUTRAL = frozenset(
    {
        "version", "title", "rationale", "sources", "reason", "remedy", "remedy_if_unknown", "obligations", "deprecated",
        "examples", "equivalent", "label", "source",
    }
)  # fmt: skip
"""Fields of a rule or a fact that stop nobody and let nobody pass."""
OF_PARAMETERS = ("label", "note", "source", "range", "choices", "tunable")
"""The same of a parameter; how far a site may tune it changes no decision by itself."""


def changes(old: Rule | Fact, new: Rule | Fact) -> tuple[str, ...]:
    """What decides and is another now, in the words of the file: `parameters.limit.value: 1.5 → 1.0`."""
    return tuple(_differences("", _deciding(old), _deciding(new)))


def neutral_changes(old: Rule, new: Rule) -> tuple[str, ...]:
    """The fields that decide nothing and are others now."""
    before, after = (rule.model_dump(mode="json", by_alias=True) for rule in (old, new))
    parameters = [
        f"parameters.{name}.{key}"
        for name in sorted(old.parameters.keys() & new.parameters.keys())
        for key in OF_PARAMETERS
        if before["parameters"][name][key] != after["parameters"][name][key]
    ]
    return (*(key for key in before if key in NEUTRAL and before[key] != after[key]), *parameters)


def table_changes(old: Mapping[str, Path], new: Mapping[str, Path]) -> tuple[str, ...]:
    """The tables that are others now, with their rows: `drugs.csv: docetaxel`."""
    said = []
    for name in sorted({*old, *new}):
        before, after = (_rows(files.get(name)) for files in (old, new))
        rows = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
        if rows:
            shown = ", ".join(rows[:8]) + (f" (+{len(rows) - 8})" if len(rows) > 8 else "")
            said.append(f"{name}: {shown}")
    return tuple(said)


def _rows(path: Path | None) -> dict[str, Any]:
    """A table by its rows: of a CSV file by their first column, of a YAML file by its keys."""
    if path is None:
        return {}
    if path.suffix == ".csv":
        found: dict[str, list[list[str]]] = {}
        for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"))):
            found.setdefault(row[0] if row else "", []).append(row)
        return found
    data = read_document(path).data
    return data if isinstance(data, dict) else {"": data}


def _deciding(owner: Rule | Fact) -> dict[str, Any]:
    data = owner.model_dump(mode="json", by_alias=True, exclude_none=True)
    kept = {key: value for key, value in data.items() if key not in NEUTRAL}
    kept["parameters"] = {
        name: {key: value for key, value in parameter.items() if key not in OF_PARAMETERS}
        for name, parameter in data["parameters"].items()
    }
    return kept


def _differences(where: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and _alike(old, new):
        for key in dict.fromkeys((*old, *new)):
            yield from _differences(f"{where}.{key}".lstrip("."), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(where, old, new)
    elif old is None:
        yield f"{where}: + {flow(_plain(new))}"
    elif new is None:
        yield f"{where}: - {flow(_plain(old))}"
    else:
        yield f"{where}: {flow(_plain(old))} → {flow(_plain(new))}"


def _alike(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether two mappings are told key by key; of a leaf the whole line is shown."""
    return any(isinstance(value, (dict, list)) for value in (*old.values(), *new.values())) and not _leaf(old)


def _leaf(data: dict[str, Any]) -> bool:
    return "with" in data


def _of_lists(where: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    if len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{where}[{index}]", before, after)
        return
    before, after = ([flow(_plain(item)) for item in items] for items in (old, new))
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from (f"{where}[{n}]: - {before[n]}" for n in range(i, j))
            yield from (f"{where}[{n}]: + {after[n]}" for n in range(k, m))


def _plain(data: Any) -> Any:
    """Without what the file doesn't say: empty `with` and the like."""
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items() if value not in ({}, [], None)}
    return [_plain(item) for item in data] if isinstance(data, list) else data
