"""A call's body → a request, in whichever form the caller writes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Literal, NamedTuple

from dateutil.tz import tzlocal

from oncogate.adapters.cdshooks.request import read_hook
from oncogate.adapters.fhir import Reading, read_bundle
from oncogate.base.errors import Diagnostic, RequestError
from oncogate.base.times import read_zone, write_time
from oncogate.model.request import Request, read_json
from oncogate.server.rules_in_use import Loaded

Form = Literal["oncogate", "fhir", "cdshooks"]


class Clock(NamedTuple):
    """The zone of times that have none, if one is told, and by it the present moment."""

    timezone: str | None = None

    @property
    def zone(self) -> tzinfo | None:
        """The zone, if one is told."""
        return read_zone(self.timezone) if self.timezone is not None else None

    def now(self) -> str:
        """The present moment, with its zone."""
        return write_time(datetime.now(self.zone or tzlocal()))


def request_of(
    document: Any, form: Form, rules: Loaded, clock: Clock, at: str | None = None
) -> tuple[Request, tuple[Diagnostic, ...]]:
    """The request of a parsed body, and what was amiss but could be lived with.

    It is judged for `at`, else for the moment that a native request names, else for now: a host that calls while
    an order is signed means this moment, not the one at which the draft was begun. Raises `RequestError`.
    """
    if form == "oncogate":
        if not isinstance(document, Mapping):
            raise RequestError(
                [Diagnostic("", 0, 0, "request-not-an-object", "isn't a request: a JSON object is expected")]
            )
        data = dict(document)
        reading = Reading({**data, "at": at if at is not None else data.get("at", clock.now())})
    else:
        read = read_hook if form == "cdshooks" else read_bundle
        reading = read(document, at if at is not None else clock.now(), clock.zone, rules.vocabulary)
    return Request.load(reading.data, clock.timezone), reading.diagnostics


def parsed(body: bytes) -> Any:
    """The JSON of a body; raises `RequestError`."""
    return read_json(body)
