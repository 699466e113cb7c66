"""Reading JSON straight into a model, where nothing about it is out of the ordinary.

pydantic's own parser is several times as fast as Python's with checks, but lets two things pass that are refused here:
a key that stands twice in one object (it takes the last) and a number with more digits than a float has (it rounds).
Both show in the bytes. Whatever is out of the ordinary, and whatever pydantic refuses, is left to the thorough
reading, which says what is wrong and where.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

LARGEST = 32 * 1024 * 1024
"""Bytes of the largest request that is read; a whole FHIR record of 3 MB is common, 32 MB is a mistake."""

M = TypeVar("M", bound=BaseModel)

_KEY = b'":'
_DIGITS = bytes(ord("0") if chr(byte) in "0123456789." else byte for byte in range(256))
_BLANKS = b" \t\r\n"
_MANY = b"0" * 16
"""Fewer significant digits than these, a decimal is what its float is written as."""
_LONG_NUMBER = re.compile(rb'":-?0{16}')


def read_at_once(model: type[M], content: bytes) -> M | None:
    """The model that the JSON describes; `None` where that can't be told without a closer look."""
    if len(content) > LARGEST:
        return None
    try:
        made = model.__pydantic_validator__.validate_json(content)
    except ValidationError:
        return None
    # without blanks every key ends in `":`; what else does so, in a text, makes for a closer look at most
    squeezed = content.translate(_DIGITS, _BLANKS)
    if squeezed.count(_KEY) != keys_of(made):
        return None
    if _MANY in squeezed and _LONG_NUMBER.search(squeezed):
        return None
    return made  # type: ignore[no-any-return]


def keys_of(request: BaseModel) -> int:
    """How many keys the JSON had that the request was made of, if none stood twice."""
    parts = [part for name in _inner(type(request)) if (part := getattr(request, name)) is not None]
    return len(request.__pydantic_fields_set__) + sum(map(_keys_of_part, parts))


def _keys_of_part(part: BaseModel) -> int:
    fields = part.__pydantic_fields_set__
    count = len(fields)
    for name in fields & _inner(type(part)):
        held = part.__dict__[name]
        entries = held if type(held) is tuple else () if held is None else (held,)
        kind: type[BaseModel] | None = type(entries[0]) if entries else None
        inner = tuple(_inner(kind)) if kind else ()
        for entry in entries:  # they are many: no call for each, nor for what they hold
            count += len(entry.__pydantic_fields_set__)
            for name_in_entry in inner:
                value = entry.__dict__[name_in_entry]
                if type(value) is tuple:
                    for one in value:
                        count += len(one.__pydantic_fields_set__)
                elif value is not None:
                    count += len(value.__pydantic_fields_set__)
    return count


@cache
def _inner(model: type[BaseModel]) -> frozenset[str]:
    """The fields that hold models."""
    return frozenset(name for name, field in model.model_fields.items() if _holds_models(field.annotation))


def _holds_models(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(map(_holds_models, get_args(annotation)))
