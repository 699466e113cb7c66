"""YAML by the meanings of YAML 1.2.

YAML 1.1 reads `no` as false, `010` as 8, `12:30` as 750 and `1e3` as text; a rule file must not. So the
events of libyaml's parser are composed here: duplicate keys, aliases and tags are refused, depth is bounded, and all
problems of a file are reported together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from oncogate.base.errors import Diagnostic
from oncogate.packs.document import DEEPEST, Document, Path_

_TOO_DEEP = f"nested deeper than {DEEPEST} levels"
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BEYOND = re.compile(_FLOAT.pattern.replace("{1,4})?", "{5,})"))
"""A number of a power of ten that nothing measured has."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(text: str, document: Document) -> None:
    """Put into `document` what `text` holds, each value with its place, and what is wrong with it."""
    try:
        for root in _Composer(document, text).documents():
            if document.data is not None:
                document.report((), "yaml-documents", "holds more than one document", "one rule, one file")
                return
            document.data = root
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = error.problem or error.context or ""
        # libyaml has a limit of its own, far above ours, that its reading ahead may meet first
        message = f"isn't YAML: {_TOO_DEEP if 'nesting depth' in said else said}"
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
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=event.start_mark)
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
        if _NOT_FINITE.fullmatch(text) or _BEYOND.fullmatch(text):
            self.document.report(path, "yaml-number", f"`{text}` isn't a number that can be compared")
        return text
