"""One YAML file, read by the meanings of YAML 1.2 and with the place of every value.

YAML 1.1 reads `no` as false, `010` as 8, `12:30` as 750 and `1e3` as text; a rule file must not. So the
events of libyaml's parser are composed here: duplicate keys, aliases and tags are refused, size and
depth are bounded, and all problems of a file are reported together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from oncogate.base.errors import Diagnostic, did_you_mean, in_plain_words
from oncogate.model.condition import CONDITION_KINDS

LARGEST = 2 * 1024 * 1024
"""Bytes of the largest file that is read; a rule is some 3 KB."""
DEEPEST = 40
"""Levels of nesting; a rule needs about ten."""

_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path_ = tuple[Any, ...]
Place = tuple[int, int]


@dataclass
class Document:
    """A file's content as plain data, with the place (line, column) of each key and value by its path."""

    path: Path
    data: Any = None
    keys: dict[Path_, Place] = field(default_factory=dict)
    values: dict[Path_, Place] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)

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
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        document.report((), "yaml-encoding", f"isn't UTF-8 (byte {error.start})", "save the file as UTF-8")
        return document
    except OSError as error:
        document.report((), "file-unreadable", f"can't be read: {error.strerror or error}")
        return document
    _compose(text, document)
    return document


def _compose(text: str, document: Document) -> None:
    try:
        for root in _Composer(document, text).documents():
            if document.data is not None:
                document.report((), "yaml-documents", "holds more than one document", "one rule, one file")
                return
            document.data = root
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"isn't YAML: {error.problem or error.context}"
        document.problems.append(Diagnostic(str(document.path), *where, "yaml-syntax", message))
    except (yaml.YAMLError, ValueError) as error:
        document.report((), "yaml-syntax", f"isn't YAML: {str(error).splitlines()[0]}")
    else:
        if document.data is None and not document.problems:
            document.report((), "yaml-empty", "the file is empty")


class _Composer:
    """Builds plain data from parser events, without recursion in the parser."""

    def __init__(self, document: Document, text: str) -> None:
        self.document = document
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))

    def documents(self) -> Iterator[Any]:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield self._node(next(self.events), ())

    def _node(self, event: Any, path: Path_) -> Any:
        where = (event.start_mark.line + 1, event.start_mark.column + 1)
        self.document.values[path] = where
        if len(path) > DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {DEEPEST} levels", problem_mark=event.start_mark
            )
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.document.report(
                path, "yaml-alias", "anchors and aliases aren't allowed", "write the value out"
            )
        if isinstance(event, yaml.AliasEvent):
            return None
        if event.tag and not (isinstance(event, yaml.ScalarEvent) and event.tag == "!"):
            self.document.report(
                path, "yaml-tag", f"the tag `{event.tag}` isn't allowed", "leave the tag out"
            )
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _sequence(self, path: Path_) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._node(event, (*path, len(found))))
        return found

    def _mapping(self, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            where = (event.start_mark.line + 1, event.start_mark.column + 1)
            if not isinstance(event, yaml.ScalarEvent):
                raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=event.start_mark)
            key = event.value
            self.document.keys[(*path, key)] = where
            if key in found:
                self.document.problems.append(
                    Diagnostic(str(self.document.path), *where, "yaml-duplicate-key", f"the key `{key}` stands twice", "keep one of them")
                )  # fmt: skip
            found[key] = self._node(next(self.events), (*path, key))
        return found

    def _scalar(self, event: Any, path: Path_) -> Any:
        text: str = event.value
        if event.style not in (None, ""):
            return text
        if _NULL.fullmatch(text):
            return None
        if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
            return text[0] in "tT"
        if len(text) > 100:
            return text
        if _INT.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return Decimal(text)
        if _NOT_FINITE.fullmatch(text):
            self.document.report(path, "yaml-number", f"`{text}` isn't a number that can be compared")
        return text


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
