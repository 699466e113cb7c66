"""What is wrong with JSON that can't be read, and where: told by a second, patient reading."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oncogate.base.errors import Diagnostic

_LONGEST_SHOWN = 40


class _Object(list[tuple[str, Any]]):
    """The keys and values of an object as they stand."""


@dataclass(frozen=True)
class _Unusable:
    """What stands where a number can't be read, and why not."""

    said: str


def json_problems(text: str, name: str) -> list[Diagnostic]:
    """What keeps the JSON from being read: each value at its JSON pointer, a slip of the pen at its line in the file `name`."""
    try:
        whole = json.loads(
            text, parse_float=_read_by(Decimal), parse_int=_read_by(int), object_pairs_hook=_Object,
            parse_constant=lambda said: _Unusable(f"`{said}` isn't a number that JSON has"),
        )  # fmt: skip
    except json.JSONDecodeError as error:
        at = min(
            error.pos, len(text.rstrip())
        )  # what is cut short is so where it ends, not on the line after
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        said = f"isn't JSON: {error.msg[0].lower()}{error.msg[1:]}"
        return [Diagnostic(name, line, column, "json-syntax", said)]
    except RecursionError:
        whole = None
    found = [
        Diagnostic(pointer(where) if where else name, 0, 0, "json-value", said)
        for where, said in _unusable(whole)
    ]
    return found or [Diagnostic(name, 0, 0, "json-depth", "is nested too deeply")]


def _read_by(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return kind(text)
        except (ValueError, ArithmeticError):  # a power of ten beyond all, or more digits than are read
            shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
            return _Unusable(f"`{shown}` isn't a number that a measurement can have")

    return read


def _unusable(whole: Any) -> Iterator[tuple[tuple[int | str, ...], str]]:
    left: list[tuple[tuple[int | str, ...], Any]] = [((), whole)]
    while left:
        where, value = left.pop()
        if isinstance(value, _Unusable):
            yield where, value.said
        elif isinstance(value, _Object):
            seen: set[str] = set()
            for key, held in value:
                if key in seen:
                    yield (*where, key), f"the key `{key}` stands twice in one object"
                seen.add(key)
                left.append(((*where, key), held))
        elif isinstance(value, list):
            left += [((*where, index), held) for index, held in enumerate(value)]


def pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer from pydantic's location."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)
