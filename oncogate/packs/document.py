"""One YAML file, with the place of every value; how YAML is read, `compose` tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from oncogate.base.errors import Diagnostic, did_you_mean, in_plain_words
from oncogate.model.condition import CONDITION_KINDS

LARGEST = 2 * 1024 * 1024
"""Bytes of the largest file that is read; a rule is some 3 KB."""
DEEPEST = 40
"""Levels of nesting; a rule needs about ten."""

_CONDITIONS = (("when",), ("require",))

Path_ = tuple[Any, ...]
Place = tuple[int, int]


@dataclass
class Document:
    """A file's content as plain data, with the place (line, column) of each key and value by its path."""

    path: Path
    data: Any = field(default_factory=lambda: None)  # no attribute of the class: see `__getattr__`
    keys: dict[Path_, Place] = field(default_factory=dict)
    values: dict[Path_, Place] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)

    @classmethod
    def later(cls, path: Path, content: bytes, known: Mapping[Path_, Place]) -> Document:
        """The document of a file's content, composed when something of it is first asked for beside the `known` places."""
        document = cls.__new__(cls)
        document.__dict__.update(path=path, _content=content, _known=known)
        return document

    def __getattr__(self, name: str) -> Any:
        if name not in ("data", "keys", "values", "problems") or "_content" not in self.__dict__:
            raise AttributeError(name)
        read = Document(self.path)
        _read(self._content, read)
        self.__dict__.update(read.__dict__)  # two threads may both do so; it is the same
        return self.__dict__[name]

    @property
    def conditions(self) -> dict[Path_, Place]:
        """The places of a rule's conditions: of each mapping below `when` and `require`."""
        mappings = {path[:-1] for path in self.keys}
        return {at: place for at, place in self.values.items() if at[:1] in _CONDITIONS and at in mappings}

    def report(self, location: Path_, code: str, message: str, help: str = "", *, key: bool = False) -> None:
        """Note a problem at `location` (or the nearest place above it that the file has)."""
        self.problems.append(self.diagnostic(location, code, message, help, key=key))

    def diagnostic(
        self, location: Path_, code: str, message: str, help: str = "", *, key: bool = False
    ) -> Diagnostic:
        """What is to be said of `location`, with its line and column."""
        line, column = self.place(location, key=key)
        return Diagnostic(str(self.path), line, column, code, message, help)

    def place(self, location: Path_, *, key: bool = False) -> Place:
        """Where the value (or the key) at `location` stands; tags that pydantic adds are passed over."""
        if not key and (known := self.__dict__.get("_known", {}).get(location)) is not None:
            return known  # type: ignore[no-any-return]
        at: Path_ = ()
        for part in location:
            if (*at, part) in self.values:
                at = (*at, part)
        places = self.keys if key and at in self.keys else self.values
        return places.get(at, (1, 1))


def read_document(path: Path) -> Document:
    """Read a YAML file; what is wrong with it is in `problems`, and `data` is then not to be used."""
    document = Document(path)
    try:
        if path.stat().st_size > LARGEST:
            document.report(
                (), "yaml-too-large", f"larger than {LARGEST} bytes", "a rule file holds one rule"
            )
            return document
        content = path.read_bytes()
    except OSError as error:
        document.report((), "file-unreadable", f"can't be read: {error.strerror or error}")
        return document
    _read(content, document)
    return document


def _read(content: bytes, document: Document) -> None:
    from oncogate.packs.compose import compose  # noqa: PLC0415 - a library from the cache needs no YAML

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        document.report((), "yaml-encoding", f"isn't UTF-8 (byte {error.start})", "save the file as UTF-8")
    else:
        compose(text, document)


def check_against(model: type[BaseModel], document: Document, context: Any = None) -> BaseModel | None:
    """`document` as a `model`; every way in which it doesn't fit becomes a problem at its place.

    `context` is what the model's own validators are told.
    """
    if document.problems:
        return None
    try:
        return model.model_validate(document.data, context=context)
    except ValidationError as error:
        found = error.errors(include_url=False)
    deep = {e["loc"] for e in found}
    for e in found:
        loc = e["loc"]
        if e["type"] == "too_short" and any(len(d) > len(loc) and d[: len(loc)] == loc for d in deep):
            continue  # pydantic also counts what it refused inside
        unknown = e["type"] == "extra_forbidden"
        message, help = _said(model, e)
        document.report(_in_file(loc), "rule-" + e["type"].replace("_", "-"), message, help, key=unknown)
    return None


def _in_file(loc: Path_) -> Path_:
    """A place as it stands in the file: without the words by which pydantic tells one kind of condition from another."""
    kept: list[str | int] = []
    before: str | int = ""
    for step in loc:
        tag = step in CONDITION_KINDS and (isinstance(before, int) or before == "not")
        kept += [] if tag else [step]
        before = "" if tag else step
    return tuple(kept)


def _said(model: type[BaseModel], error: Any) -> tuple[str, str]:
    last = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"unknown key `{last}`", did_you_mean(last, _keys_at(model, _in_file(error["loc"])[:-1]))
    if error["type"] == "missing":
        return f"the key `{last}` is missing", "add it"
    help = ""
    number = isinstance(error["input"], (int, Decimal)) and not isinstance(error["input"], bool)
    if error["type"] == "string_type" and number and set(_CONDITIONS) & {(step,) for step in error["loc"]}:
        return (
            "should be the name of a parameter, not a number",
            "put the number under `parameters` and write its name here",
        )
    if error["type"] == "literal_error":
        help = did_you_mean(str(error["input"]), re.findall("'([^']*)'", error["ctx"]["expected"]))
    return in_plain_words(error), help


def _keys_at(model: type[BaseModel], where: Path_) -> set[str]:
    """The keys of the mapping at a place of the model's form."""
    form = model.model_json_schema(by_alias=True)

    def keys(part: Any, steps: Path_) -> set[str]:
        if "$ref" in part:
            part = form["$defs"][part["$ref"].rpartition("/")[2]]
        found = {key for one in (*part.get("anyOf", ()), *part.get("oneOf", ())) for key in keys(one, steps)}
        properties = part.get("properties", {})
        if not steps:
            return found | set(properties)
        named = [
            part.get("items"),
            part.get("additionalProperties"),
            *part.get("patternProperties", {}).values(),
        ]
        below = [one for one in (properties.get(steps[0]), *named) if isinstance(one, dict)]
        return found.union(*(keys(one, steps[1:]) for one in below))

    return keys(form, where)
