"""A call's body → a request, in whichever form the caller writes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any, Literal, NamedTuple

from dateutil.tz import tzlocal

from oncogate.adapters.hl7v2.inbox import Inbox, InboxError, with_received
from oncogate.adapters.host_form import Form, as_native
from oncogate.base.errors import Diagnostic
from oncogate.base.times import read_zone, write_time
from oncogate.model.request import Request, read_json
from oncogate.server.answers import Refused
from oncogate.server.rules_in_use import Loaded

FormName = Literal["oncogate", "fhir", "cdshooks"]
"""The forms that a caller may name; which one it is isn't guessed."""


class Clock(NamedTuple):
    """The zone of times that have none, if one is told, and by it the present moment."""

    timezone: str | None = None

    @property
    def zone(self) -> tzinfo | None:
        """The zone, if one is told."""
        return read_zone(self.timezone) if self.timezone is not None else None

    def now(self) -> str:
        """The present moment, with its zone."""
        return write_time(self._present)

    def today(self) -> date:
        """The present day there."""
        return self._present.date()

    @property
    def _present(self) -> datetime:
        return datetime.now(self.zone or tzlocal())


def request_of(
    document: Any,
    form: FormName,
    rules: Loaded,
    clock: Clock,
    at: str | None = None,
    inbox: Inbox | None = None,
) -> tuple[Request, tuple[Diagnostic, ...]]:
    """The request of a parsed body, and what was amiss but could be lived with.

    It is judged for `at`, else for the moment that a native request names, else for now: a host that calls while
    an order is signed means this moment, not the one at which the draft was begun. What `inbox` holds of the patient is added to
    what the host sent. Raises `RequestError`, and `Refused` (503) where that can't be read.
    """
    own = form == "oncogate" and isinstance(document, Mapping) and "at" in document
    moment = at if at is not None or own else clock.now()
    data, amiss = as_native(document, Form(form), moment, clock.zone, rules.vocabulary)
    if inbox is not None:
        try:
            data = with_received(data, inbox)
        except InboxError as error:  # without it the record would only seem whole
            raise Refused(503, error.diagnostics) from None
    # the times of other forms have their zone by now
    return Request.load(data, clock.timezone if form == "oncogate" else None), amiss


def request_in(
    body: bytes,
    form: FormName,
    rules: Loaded,
    clock: Clock,
    at: str | None = None,
    inbox: Inbox | None = None,
) -> tuple[Request, tuple[Diagnostic, ...]]:
    """The request that a body holds, as `request_of` says. Raises `RequestError`."""
    if form == "oncogate" and at is None and inbox is None:
        whole = Request.read_at_once(body)  # it names its moment, and nothing about it needs a closer look
        if whole is not None:
            return whole, ()
    return request_of(read_json(body), form, rules, clock, at, inbox)
