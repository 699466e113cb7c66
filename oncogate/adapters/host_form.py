"""The forms in which a host writes a request: told apart, and read into the engine's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from enum import Enum
from typing import TYPE_CHECKING, Any

from dateutil.tz import tzlocal

from oncogate.base.errors import Diagnostic, RequestError
from oncogate.base.times import NaiveTime, read_time, write_time
from oncogate.model.request import not_an_object

if TYPE_CHECKING:
    from oncogate.adapters.fhir import Vocabulary


class Form(str, Enum):
    """The form of the input."""

    AUTO = "auto"
    ONCOGATE = "oncogate"
    FHIR = "fhir"
    CDSHOOKS = "cdshooks"


def form_of(document: Any) -> Form:
    """Which form a parsed document has."""
    if isinstance(document, Mapping) and "record" in document and "resourceType" not in document:
        return Form.ONCOGATE  # told without loading the adapters
    from oncogate.adapters.cdshooks.request import looks_like_hook  # noqa: PLC0415
    from oncogate.adapters.fhir import looks_like_fhir  # noqa: PLC0415

    if looks_like_hook(document):
        return Form.CDSHOOKS
    return Form.FHIR if looks_like_fhir(document) else Form.ONCOGATE


def as_native(
    document: Any, form: Form, at: str | None, zone: tzinfo | None, vocabulary: Vocabulary | None = None
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """The data of a `Request` from a parsed document, and what was amiss but could be lived with.

    A host's form is read by the words of `vocabulary`, without one by those that ship. It is judged for `at`, else its
    own moment, else when its order was written, else now. Raises `RequestError`.
    """
    amiss: tuple[Diagnostic, ...] = ()
    if form is Form.CDSHOOKS:
        from oncogate.adapters.cdshooks.request import read_hook  # noqa: PLC0415

        data, amiss = (reading := read_hook(document, at, zone, vocabulary)).data, reading.diagnostics
    elif form is Form.FHIR:
        from oncogate.adapters.fhir import read_bundle  # noqa: PLC0415

        data, amiss = (reading := read_bundle(document, at, zone, vocabulary)).data, reading.diagnostics
    elif isinstance(document, Mapping):
        data = dict(document)
    else:
        raise not_an_object()
    if at is not None:
        data["at"] = at
    elif "at" not in data:
        order = data.get("order")
        ordered = order.get("ordered") if isinstance(order, Mapping) else None
        data["at"] = ordered if ordered is not None else write_time(datetime.now(zone or tzlocal()))
    return data, amiss


def moment_of(at: str, zone: tzinfo | None, where: str, or_else: str = "") -> str:
    """A moment as a person names it, with its zone; `zone` is given to one that has none.

    Raises `RequestError` at `where` for anything else; `or_else` is the other way out for one without a zone.
    """
    example = "write a time of day with its zone, as in `2026-03-02T09:30:00+08:00`"
    try:
        time = read_time(at, zone)
    except NaiveTime:
        help = f"{example}, {or_else}" if or_else else example
        raise RequestError([Diagnostic(where, 0, 0, "time-naive", f"`{at}` has no zone", help)]) from None
    except ValueError as error:
        raise RequestError([Diagnostic(where, 0, 0, "time-parsing", str(error), example)]) from None
    if not isinstance(time, datetime):
        said = f"`{at}` is a whole day, not a moment"
        raise RequestError([Diagnostic(where, 0, 0, "time-of-day", said, example)])
    return write_time(time)
