"""A library as JSON, and back: plain data, so that nothing that a file holds is ever run.

Every value that JSON doesn't have is a row of its own, its parts before it, and the last row is the library. A row is a
kind and what the value is made of: a text, items, or fields; `links` of its kind are those of them that stand for another
row, by its number. Objects are only those of `CLASSES`. They are put together again as they were, not validated anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pydantic_core
from pydantic import BaseModel

from oncogate.base.garbage import uncollected
from oncogate.base.texts import Text
from oncogate.base.written import json_bytes
from oncogate.clinical import marker_tests, stage_tables
from oncogate.model import condition, facts, overlay, parameter, rule, values
from oncogate.packs import pack, tables
from oncogate.packs.document import Document

_ALL: tuple[type, ...] = (
    Text, rule.Rule, rule.Remedy, rule.Override, rule.Obliged, rule.Said, rule.Example, rule.Deprecated,
    *condition.CONDITION_KINDS.values(), parameter.Parameter, parameter.Source, values.Quantity,
    facts.Fact, facts.CodeOf, facts.Measured, facts.Vocabulary, facts.Branch, facts.Points,
    tables.Tables, tables.KnownDrug, tables.Tumour, tables.DrugGroup, tables.StartLimits, tables.LifetimeDose,
    tables.MarkerRow, tables.Regimen, tables.Labelled, marker_tests.MarkerTest, marker_tests.MarkerScale,
    stage_tables.Staging, stage_tables.Edition, stage_tables.ValueSets, overlay.RuleSetting,
    pack.Library, pack.RulePack, pack.LoadedRule, pack.Layer, pack.Change, pack.Loosened,
)  # fmt: skip
CLASSES: Mapping[str, type] = {f"{one.__module__}.{one.__name__}": one for one in _ALL}
"""The classes of the objects that a library is made of, by name."""

_PLAIN = (str, int, bool, type(None))
_Make = Callable[[Any], Any]


def to_json(library: pack.Library) -> bytes:
    """The library as bytes, the same for the same library. Raises `TypeError` where it holds what they can't."""
    rows = _Rows()
    rows.number_of(library)
    kinds = [[name, *map(list, said)] for name, *said in rows.kinds]
    written = {"kinds": kinds, "of": rows.of, "made_of": rows.made_of}
    return json_bytes(written)


@uncollected()
def from_json(content: bytes, files: Mapping[Path, bytes]) -> pack.Library:
    """The library of `to_json`; its documents are read from `files` when they are first asked for something."""
    written = pydantic_core.from_json(content, cache_strings="all")
    kinds = [(links, _maker(name, were_set, files)) for name, were_set, links in written["kinds"]]
    made: list[Any] = []
    for kind, parts in zip(written["of"], written["made_of"], strict=True):
        links, make = kinds[kind]
        for at in links:
            parts[at] = made[parts[at]]
        made.append(make(parts))
    library: pack.Library = made[-1]
    return library


class _Rows:
    """The rows of a library as they are written. Parts that are equal, and can't be changed, share one."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[str, tuple[str, ...], tuple[Any, ...]], int] = {}
        self.of: list[int] = []
        self.made_of: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self._kept: list[Any] = []  # an object that is gone would leave its `id` to another

    def number_of(self, value: Any) -> int:
        """The number of a value's row, which is added unless it is there."""
        if id(value) not in self._numbers:
            name, were_set, parts = _taken_apart(value)
            made_of, links = self._linked(parts)
            kind = self.kinds.setdefault((name, were_set, links), len(self.kinds))
            row = id(made_of) if name in ("dict", "list") else json.dumps([kind, made_of])
            if row not in self._numbers:
                self._numbers[row] = len(self.of)
                self.of.append(kind)
                self.made_of.append(made_of)
            self._numbers[id(value)] = self._numbers[row]
            self._kept.append(value)
        return self._numbers[id(value)]

    def _linked(self, parts: Any) -> tuple[Any, tuple[Any, ...]]:
        """The parts with a number in place of what isn't plain, and where those are."""
        if isinstance(parts, str):
            return parts, ()
        keyed = isinstance(parts, dict)
        pairs: Iterable[tuple[Any, Any]] = parts.items() if keyed else enumerate(parts)
        found = {at: one if _plain(one) else self.number_of(one) for at, one in pairs}
        links = tuple(at for at, one in found.items() if one is not parts[at])
        return found if keyed else list(found.values()), links


def _plain(value: Any) -> bool:
    """Whether JSON has the value, and gives back just that."""
    if type(value) is list:
        return all(map(_plain, value))
    if type(value) is dict:
        return all(type(key) is str and _plain(one) for key, one in value.items())
    return type(value) in _PLAIN


def _taken_apart(value: Any) -> tuple[str, tuple[str, ...], Any]:
    """The kind of a value, which of its fields were set, and its parts."""
    cls = type(value)
    if cls in (tuple, list) or (cls is dict and all(type(key) is str for key in value)):
        return cls.__name__, (), value
    if cls is frozenset:
        return "frozenset", (), sorted(value)
    if cls in (Decimal, date):
        return cls.__name__, (), str(value)
    if isinstance(value, Path):
        return "Path", (), str(value)
    if cls is Document:
        return (
            "Document",
            (),
            [str(value.path), [[list(at), *place] for at, place in value.conditions.items()]],
        )
    name = f"{cls.__module__}.{cls.__name__}"
    if CLASSES.get(name) is not cls:
        raise TypeError(f"a library can't be stored with a `{name}`")
    if isinstance(value, BaseModel):
        return name, tuple(sorted(value.model_fields_set)), {f: value.__dict__[f] for f in cls.model_fields}
    return name, (), {f.name: getattr(value, f.name) for f in fields(value)}


def _maker(name: str, were_set: list[str], files: Mapping[Path, bytes]) -> _Make:
    """What makes a value of its parts."""
    built_in: Mapping[str, _Make] = {
        "tuple": tuple, "list": list, "dict": dict, "frozenset": frozenset, "Decimal": Decimal, "date": date.fromisoformat,
        "Path": Path, "Document": lambda parts: _document(parts, files),
    }  # fmt: skip
    if name in built_in:
        return built_in[name]
    cls = CLASSES[name]
    return _model(cls, set(were_set)) if issubclass(cls, BaseModel) else _record(cls)


def _document(parts: list[Any], files: Mapping[Path, bytes]) -> Document:
    """A document that knows where its conditions stand, for which it is asked when a rule is compiled."""
    path, places = Path(parts[0]), parts[1]
    return Document.later(path, files[path], {tuple(at): (line, column) for at, line, column in places})


def _model(cls: type[BaseModel], were_set: set[str]) -> _Make:
    def make(parts: dict[str, Any]) -> BaseModel:
        made = cls.__new__(cls)
        made.__setstate__({
            "__dict__": parts, "__pydantic_fields_set__": were_set, "__pydantic_extra__": None, "__pydantic_private__": None,
        })  # fmt: skip
        return made

    return make


def _record(cls: type) -> _Make:
    new: _Make = object.__new__
    start: _Make | None = getattr(cls, "__post_init__", None)

    def make(parts: dict[str, Any]) -> Any:
        made = new(cls)
        made.__dict__.update(parts)
        if start is not None:
            start(made)
        return made

    return make
