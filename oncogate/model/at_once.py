"""Reading JSON into plain data as a model describes it, where nothing about it is out of the ordinary.

Every check of the model is made, none of its objects: they are made of the data when someone looks at them. It is
pydantic's parser that checks, which lets two things pass that are refused here: a key that stands twice in one object
(it takes the last) and a number with more digits than a float has (it rounds). Both show in the bytes, and so does a
field that the model doesn't know. Whatever is out of the ordinary, and whatever pydantic refuses, is left to the
thorough reading, which says what is wrong and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import SchemaValidator, core_schema

from oncogate.model.values import WRITTEN_AS

LARGEST = 32 * 1024 * 1024
"""Bytes of the largest request that is read; a whole FHIR record of 3 MB is common, 32 MB is a mistake."""

Plain = Mapping[str, Any]
"""An object of the JSON: a field that is absent has no key, a number is a float, a time its text."""

_STRICT = core_schema.CoreConfig(strict=True)
_KEY = b'":'
_DIGITS = bytes({"E": ord("e")}.get(c := chr(b), ord("0") if c in "0123456789." else b) for b in range(256))
_BLANKS = b" \t\r\n"
_MANY = b"0" * 16
"""Fewer significant digits than these, a decimal is what its float is written as."""
_SMALL = b"0e-0"
"""A number of a negative power of ten may be smaller than any float but zero."""
_ODD_NUMBER = re.compile(rb'":-?(?:0{16}|0+e(?:-|\+?0{16}))')


def read_at_once(model: type[BaseModel], content: bytes) -> Plain | None:
    """What the JSON says, in the form of the model; `None` where that can't be told without a closer look."""
    if len(content) > LARGEST:
        return None
    read, keys_in = _reading(model)
    try:
        data: Plain = read(content)
    except ValidationError:
        return None
    # without blanks every key ends in `":`; what else does so, in a text, makes for a closer look at most
    squeezed = content.translate(_DIGITS, _BLANKS)
    if squeezed.count(_KEY) != keys_in(data):
        return None
    if (_MANY in squeezed or _SMALL in squeezed) and _ODD_NUMBER.search(squeezed):
        return None
    return data


@cache
def _reading(model: type[BaseModel]) -> tuple[Callable[[bytes], Any], Callable[[Plain], int]]:
    """The parser of a model's JSON, and what counts the keys that it found."""
    schema: Any = model.__pydantic_core_schema__
    definitions = {one["ref"]: one for one in schema.get("definitions", ())}
    plain = _plain(schema["schema"] if definitions else schema, definitions)
    # times are many: all are checked by one pattern, which the processor then has at hand
    named = core_schema.definitions_schema(plain, [*WRITTEN_AS.values()])
    return SchemaValidator(named).validate_json, _counter(plain)


def _plain(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema of the plain data that a model's schema describes, without its defaults.

    Fields that it doesn't know are passed over, which takes less than refusing them: the count of keys tells.
    """
    kind = schema["type"]
    if kind == "definition-ref":
        return _plain(definitions[schema["schema_ref"]], definitions)
    if kind == "model":
        fields = {
            name: core_schema.typed_dict_field(
                _plain(field["schema"], definitions), required=field["schema"]["type"] != "default"
            )
            for name, field in schema["schema"]["fields"].items()
        }
        return core_schema.typed_dict_schema(fields, extra_behavior="ignore", config=_STRICT)
    if kind == "default":
        return _plain(schema["schema"], definitions)
    if kind == "nullable":
        return core_schema.nullable_schema(_plain(schema["schema"], definitions))
    if kind == "tuple":
        return core_schema.list_schema(_plain(schema["items_schema"][0], definitions))
    if kind.startswith("function"):
        written: Any = WRITTEN_AS[schema["function"]["function"]]
        return core_schema.definition_reference_schema(written["ref"])
    return schema


def _counter(schema: Any) -> Callable[[Plain], int]:
    """What counts the keys of one object, and of all that it holds."""
    inner: dict[str, Callable[[Any], int]] = {
        name: _counter_of_many(one) if many else _counter(one) for name, many, one in _within(schema)
    }
    if not inner:
        return len

    def count(data: Plain) -> int:
        number = len(data)
        for name, held in data.items():
            if held and name in inner:
                number += inner[name](held)
        return number

    return count


def _counter_of_many(schema: Any) -> Callable[[Iterable[Plain]], int]:
    """The same of several objects, level by level: they are many."""
    inner = [(name, many, _counter_of_many(one)) for name, many, one in _within(schema)]
    if not inner:
        return lambda objects: sum(map(len, objects))

    def count(objects: Iterable[Plain]) -> int:
        objects = [*objects]
        number = sum(map(len, objects))
        for name, many, counted in inner:
            found = [held for data in objects if (held := data.get(name))]
            if found:
                number += counted(chain.from_iterable(found) if many else found)
        return number

    return count


def _within(schema: Any) -> Iterator[tuple[str, bool, Any]]:
    """The fields of an object that hold objects: whether a list of them, and their schema."""
    for name, field in schema["fields"].items():
        held = field["schema"]
        while held["type"] == "nullable":
            held = held["schema"]
        many = held["type"] == "list"
        one = held["items_schema"] if many else held
        if one["type"] == "typed-dict":
            yield name, many, one
