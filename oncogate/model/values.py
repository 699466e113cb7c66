"""Values that entries are made of: numbers, quantities, codes and times, frozen and strict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from sys import float_info
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, core_schema

from oncogate.base.once import once
from oncogate.base.times import NaiveTime, Time, aware, read_time, usual_time, write_time


def _throughout(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _throughout(one, change) for key, one in value.items()}
    return [_throughout(one, change) for one in value] if isinstance(value, list) else change(value)


def _exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


Plain = Annotated[
    dict[str, Any],
    BeforeValidator(lambda v: _throughout(v, _exact)),
    PlainSerializer(
        lambda v: _throughout(v, lambda one: _as_json(one) if isinstance(one, Decimal) else one),
        when_used="json",
    ),
]
"""Free-form data of a rule file; its numbers stay numbers when written."""


class Model(BaseModel):
    """A frozen, strict value: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ignored_types=(once,))


def _number(value: Any) -> Decimal:
    if type(value) is float:
        value = _decimal(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise PydanticCustomError("number", "should be a number, not {kind}", {"kind": _kind(value)})
    if not value.is_finite():
        raise PydanticCustomError("number_finite", "should be a finite number")
    size = value.copy_abs()  # `abs` rounds, and fails at a power of ten beyond the context's
    if size >= _TOO_LARGE:
        raise PydanticCustomError("number_precise", "is too large to be a measurement")
    if _decimal(float(value)) != value:
        if size < _TOO_SMALL:
            raise PydanticCustomError("number_precise", "is too small to be a measurement")
        raise PydanticCustomError("number_precise", "has more digits than a measurement can have")
    return value


_TOO_LARGE = Decimal("1e15")
_TOO_SMALL = Decimal(repr(float_info.min))
"""Below it a float has fewer digits, and at last none."""


@lru_cache(maxsize=4096)
def _decimal(value: float) -> Decimal:
    """The shortest decimal that the float stands for; zero has no sign."""
    return Decimal(repr(value + 0))


def _kind(value: Any) -> str:
    return {"str": "text", "bool": "true or false", "NoneType": "null", "dict": "an object"}.get(
        type(value).__name__, "a list" if isinstance(value, (list, tuple)) else type(value).__name__
    )


def _as_json(value: Decimal) -> int | float:
    # exact: `_number` admits only what a JSON number carries through a float
    return int(value) if value == value.to_integral_value() else float(value)


_AS_NUMBER = PlainSerializer(_as_json, when_used="json")
_NUMBER_SCHEMA = WithJsonSchema({"type": "number"})

Number = Annotated[Decimal, PlainValidator(_number), _AS_NUMBER, _NUMBER_SCHEMA]
"""A finite number, exact: read as `Decimal`, written as a JSON number. Text is not a number."""


def _time(value: Any) -> Time:
    usual = usual_time(value) if type(value) is str else None
    if usual is not None:
        return usual
    try:
        if isinstance(value, datetime):
            return aware(value)
        if isinstance(value, date):
            return value
        if isinstance(value, str):
            return read_time(value)
    except NaiveTime as error:
        raise PydanticCustomError(
            "time_naive", "the time has no zone: write the offset, as in `2026-03-02T09:30:00+08:00`"
        ) from error
    except ValueError as error:
        raise PydanticCustomError("time_parsing", "{problem}", {"problem": str(error)}) from error
    raise PydanticCustomError(
        "time_type", "should be a time written as text, not {kind}", {"kind": _kind(value)}
    )


def _moment(value: Any) -> datetime:
    time = _time(value)
    if not isinstance(time, datetime):
        raise PydanticCustomError("moment_type", "should be a time of day with a zone, not a whole day")
    return time


_TIME_SCHEMA = {"type": "string", "description": "ISO 8601 with a zone, or a day (YYYY-MM-DD)"}

When = Annotated[
    datetime | date,
    PlainValidator(_time),
    PlainSerializer(write_time, when_used="json"),
    WithJsonSchema(_TIME_SCHEMA),
]
"""An aware time, or a day where only the day is known."""

Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    PlainSerializer(write_time, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware time of day."""


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        said = "`{text}` isn't a day: write it as 2026-03-02"
        raise PydanticCustomError("day_parsing", said, {"text": value}) from None


Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(lambda d: d.isoformat(), when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]

Name = Annotated[str, Field(min_length=1, max_length=500)]
"""A short text that isn't empty."""

Comparator = Literal["<", "<=", ">", ">="]


def _shortest(value: Any) -> Decimal:
    # equal requests must give equal bytes: 1.0 and 1 are one value
    if type(value) is float or type(value) is int:
        return _shortest_of(value)
    plain = _number(value).normalize() or Decimal(0)
    return plain.quantize(Decimal(1)) if plain == plain.to_integral_value() else plain


@lru_cache(maxsize=8192, typed=True)
def _shortest_of(value: float) -> Decimal:
    return _shortest(_number(value))


Measure = Annotated[Decimal, PlainValidator(_shortest), _AS_NUMBER, _NUMBER_SCHEMA]
"""A number of the record, in the one form that equal numbers share: 1.0, 1.00 and 1 are 1."""

# fmt: off
_DATE = (
    r"(?:(?:19|20)[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:19|20)(?:0[48]|[2468][048]|[13579][26])-02-29)"
)
# fmt: on
_CLOCK = (
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)

WRITTEN_AS: Mapping[Callable[..., Any], core_schema.CoreSchema] = {
    _shortest: core_schema.float_schema(
        gt=-float(_TOO_LARGE), lt=float(_TOO_LARGE), allow_inf_nan=False, strict=True, ref="measure"
    ),
    _time: core_schema.str_schema(pattern=f"^{_DATE}(?:{_CLOCK})?$", ref="time"),
    _moment: core_schema.str_schema(pattern=f"^{_DATE}{_CLOCK}$", ref="moment"),
    _day: core_schema.str_schema(pattern=f"^{_DATE}$", ref="day"),
}
"""What these functions read, in the forms that most hosts write, as schemas of the text or number in the JSON.

What fits is read without fail, which the tests hold them to. Each has a name, so that a model which has many times checks all
of them by one pattern.
"""


class Quantity(Model):
    """A measured value. `comparator` marks a censored one: `<0.5` is below 0.5, by how much isn't known."""

    value: Measure
    unit: str
    comparator: Comparator | None = None


class Code(Model):
    """A code, always with the system that gives it its meaning; `display` is for people only."""

    system: str | None = None
    code: str | None = None
    display: str | None = None
