"""The request: an order or none, the patient's record, and the moment for which it is judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, Strict, ValidationError
from pydantic_core import PydanticSerializationError

from oncogate.base.errors import Diagnostic, RequestError, did_you_mean, in_plain_words
from oncogate.base.made import made
from oncogate.base.times import read_time, read_zone, write_time
from oncogate.base.written import json_bytes
from oncogate.model.at_once import LARGEST, Plain, read_at_once
from oncogate.model.json_problems import json_problems, pointer
from oncogate.model.later import Later
from oncogate.model.record import NO_ROWS, Drug, PatientRecord, as_row
from oncogate.model.values import Code, Model, Moment, Name, When


class Order(Model):
    """The order being signed. All its drugs are judged together.

    `focus` is the id of the diagnosis that it treats, `reasons` its reason as codes; `kind` may say what
    it is (`chemotherapy`, `surgery`, …) where the drugs don't; `level` is that of the operation (手术分级: `I` to `IV`).
    `interval_days` is the regimen's interval from one cycle to the next.
    """

    id: Name
    drugs: Annotated[tuple[Drug, ...], Strict(False)] = ()
    regimen: str | None = None
    cycle: int | None = None
    day: int | None = None
    interval_days: int | None = None
    intent: str | None = None
    line: int | None = None
    kind: str | None = None
    level: str | None = None
    ordered: Moment | None = None
    planned: When | None = None
    prescriber: str | None = None
    focus: str | None = None
    reasons: Annotated[tuple[Code, ...], Strict(False)] = ()


_DATA = "_data"


class PlainRequest(NamedTuple):
    """A request as plain data: the moment as it was written, the order, the record (`PatientRecord.rows`)."""

    at: str
    order: Plain | None
    record: Plain


class Request(Later):
    """What the host asks: judge this order (if any) against this record, as of `at`.

    Of a request that was read from JSON the order and the entries are made when someone looks at them.
    """

    at: Moment
    order: Order | None = None
    record: PatientRecord = Field(default_factory=PatientRecord)

    @classmethod
    def load(cls, source: str | Path | bytes | Mapping[str, Any], timezone: str | None = None) -> Request:
        """Read a request from a file's path, JSON (bytes or text), or a mapping.

        `timezone` (`Asia/Shanghai`, `+08:00`) is given to times that have none. Raises `RequestError`
        with every problem found, each at its JSON pointer.
        """
        if isinstance(source, str) and source.lstrip().startswith("{"):
            source = source.encode()
        if isinstance(source, bytes) and timezone is None:
            request = cls.read_at_once(source)
            if request is not None:
                return request
        data = read_json(source) if isinstance(source, (str, Path, bytes)) else source
        if not isinstance(data, (Mapping, cls)):
            raise not_an_object()
        if timezone is not None:
            data = _zoned(data, timezone)
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise RequestError(_diagnostics(error)) from None

    @classmethod
    def read_at_once(cls, content: bytes) -> Request | None:
        """The request that the JSON describes; `None` where that can't be told without a closer look (`load`)."""
        data = read_at_once(cls, content)
        return None if data is None else made(cls, {_DATA: data}, set(data))

    def work_out(self, name: str) -> Any:
        """A field of the plain data."""
        data = self.__dict__[_DATA]
        if name == "record":
            return PatientRecord.of_rows(data.get(name) or {})
        if name == "order":
            order = data.get(name)
            return None if order is None else Order.model_validate(order)
        return read_time(data[name])

    @property
    def plain(self) -> PlainRequest:
        """The request as plain data."""
        known = self.__dict__
        data = known.get(_DATA)
        if data is None:
            order = None if self.order is None else as_row(self.order)
            return PlainRequest(write_time(self.at), order, self.record.rows)
        rows = self.record.rows if "record" in known else {**NO_ROWS, **(data.get("record") or {})}
        return PlainRequest(data["at"], data.get("order"), rows)

    def to_json(self) -> str:
        """Canonical JSON; `Request.load` reads back an equal request."""
        try:
            return self.model_dump_json(exclude_none=True, by_alias=True)
        except PydanticSerializationError:  # half a surrogate pair, which UTF-8 doesn't have
            return json_bytes(self.model_dump(mode="json", exclude_none=True, by_alias=True)).decode()


def read_json(source: str | Path | bytes) -> Any:
    """Parse JSON strictly: numbers exact, no NaN, no duplicate keys. Raises `RequestError`."""
    name = "" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else _read_file(Path(source))
    if len(content) > LARGEST:
        raise RequestError(
            [
                Diagnostic(
                    name,
                    0,
                    0,
                    "input-too-large",
                    f"larger than {LARGEST} bytes",
                    "send one patient's record at a time",
                )
            ]
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(
            [
                Diagnostic(
                    name,
                    0,
                    0,
                    "input-encoding",
                    f"isn't UTF-8 (byte {error.start})",
                    "save the file as UTF-8",
                )
            ]
        ) from None
    if not text.strip():
        raise RequestError(
            [
                Diagnostic(
                    name,
                    0,
                    0,
                    "input-empty",
                    "the input is empty",
                    "send a request as JSON; `oncogate schema request` prints its form",
                )
            ]
        )
    try:
        return json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except (ValueError, InvalidOperation, RecursionError):
        raise RequestError(json_problems(text, name)) from None


def not_an_object() -> RequestError:
    """That what was handed over is no request at all, but a list, say, or `null`."""
    help = "`oncogate schema request` prints its form"
    said = "isn't a request: a JSON object is expected"
    return RequestError([Diagnostic("", 0, 0, "request-not-an-object", said, help)])


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise RequestError(
                [
                    Diagnostic(
                        str(path),
                        0,
                        0,
                        "input-directory",
                        "is a directory",
                        "name a file, or `-` for standard input",
                    )
                ]
            )
        if path.stat().st_size > LARGEST:
            raise RequestError(
                [
                    Diagnostic(
                        str(path),
                        0,
                        0,
                        "input-too-large",
                        f"larger than {LARGEST} bytes",
                        "send one patient's record at a time",
                    )
                ]
            )
        with path.open("rb") as file:
            return file.read(LARGEST + 1)  # a device or pipe has no size to ask for
    except OSError as error:
        raise RequestError(
            [Diagnostic(str(path), 0, 0, "input-unreadable", f"can't be read: {error.strerror or error}")]
        ) from None


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


TIME_FIELDS = frozenset({"at", "effective", "recorded", "ordered", "planned"})


def zone_named(timezone: str, place: str = "") -> tzinfo:
    """The zone of a name (`Asia/Shanghai`, `+08:00`). Raises `RequestError`, at `place`, if there is none."""
    try:
        return read_zone(timezone)
    except ValueError as error:
        hint = "write `Asia/Shanghai` or `+08:00`"
        raise RequestError([Diagnostic(place, 0, 0, "timezone-unknown", str(error), hint)]) from None


def _zoned(data: Any, zone_name: str) -> Any:
    zone = zone_named(zone_name)

    def visit(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {
                k: _give_zone(v) if k in TIME_FIELDS and isinstance(v, str) else visit(v)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [visit(v) for v in value]
        return value

    def _give_zone(text: str) -> Any:
        try:
            return read_time(text, zone)
        except ValueError:
            return text

    return visit(data)


def _diagnostics(error: ValidationError) -> list[Diagnostic]:
    return [
        Diagnostic(
            pointer(found["loc"]) if found["loc"] else "",
            0,
            0,
            "request-" + found["type"].replace("_", "-"),
            _message(found),
            _help(found),
        )
        for found in error.errors(include_url=False)
    ]


def _message(found: Any) -> str:
    if found["type"] == "extra_forbidden":
        return f"unknown field `{found['loc'][-1]}`"
    if found["type"] == "missing":
        return f"the field `{found['loc'][-1]}` is missing"
    return in_plain_words(found)


def _help(found: Any) -> str:
    if found["type"] == "extra_forbidden":
        return did_you_mean(str(found["loc"][-1]), _FIELDS)
    if found["type"] == "time_naive":
        return "or tell the zone once: `--timezone Asia/Shanghai`, `Request.load(…, timezone=…)`"
    return ""


_FIELDS = (
    *Request.model_fields, *Order.model_fields, *Drug.model_fields, *PatientRecord.model_fields,
    "id", "effective", "recorded", "status", "focus", "source", "patient", "codes", "code", "system", "display", "value",
    "unit", "comparator", "stage", "kind", "edition", "conclusion", "markers", "result", "exams", "level", "regimen",
)  # fmt: skip
