"""What goes to a served gate and what its answers mean, without the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oncogate.base.errors import Diagnostic, RequestError
from oncogate.model.at_once import LARGEST
from oncogate.model.decision import Decision
from oncogate.model.request import Request

LARGEST_ANSWER = LARGEST
"""Bytes of an answer that are read; a decision is some 10 KB."""

_TRY_LATER = frozenset({408, 425, 429})
"""Statuses among the 4xx that say nothing against the request."""

_WHAT_TO_DO = {
    401: "give the client the token of the service: `token=…`",
    403: "give the client the token of the service: `token=…`",
    404: "give the client the address of the service without `/v1/decide`",
    413: "raise the limit of the service, or of the proxy before it (`client_max_body_size`)",
}


class NotChecked(Exception):
    """The service gave no decision, for a reason that isn't the request's."""

    def __init__(self, why: Diagnostic) -> None:
        self.why = why
        super().__init__(why.message)


@dataclass(frozen=True)
class Question:
    """A request on its way, and what its answer must be about."""

    body: bytes
    order: object
    patient: object
    at: datetime | None

    @classmethod
    def of(cls, request: Request | Mapping[str, Any]) -> Question:
        """Raises `RequestError` for a mapping that isn't JSON."""
        if isinstance(request, Request):
            order, patient = request.order, request.record.patient
            return cls(
                request.to_json().encode(), order and order.id, patient and patient.id, request.at
            )  # fmt: skip
        try:
            body = json.dumps(request, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise RequestError([
                Diagnostic("", 0, 0, "json-value", f"isn't JSON: {error}", "send plain data, or a `Request`")
            ]) from None  # fmt: skip
        patient = _part(_part(request, "record"), "patient")
        return cls(body, _part(_part(request, "order"), "id"), _part(patient, "id"), None)

    def is_answered_by(self, decision: Decision) -> bool:
        """Whether the decision is about this order, patient and moment: a cache or a mixed-up connection gives another's."""
        return (
            decision.order == self.order
            and decision.patient == self.patient
            and self.at in (None, decision.at)
        )  # fmt: skip


def decision_of(question: Question, status: int, body: bytes) -> Decision:
    """The decision that an answer holds.

    Raises `NotChecked` for an answer that holds none, and `RequestError` for one that blames the request or the caller (the
    statuses 4xx but 408, 425 and 429): asking again won't mend that.
    """
    errors = _errors(body) if status != 200 else []
    if 400 <= status < 500 and status not in _TRY_LATER:
        refused = Diagnostic(
            "", 0, 0, "service-refused", f"the service answers {status}", _WHAT_TO_DO.get(status, "")
        )
        raise RequestError(errors or [refused])
    if status != 200:
        said = f": {errors[0].message}" if errors else ""
        raise NotChecked(Diagnostic("", 0, 0, "service-failed", f"the service answers {status}{said}"))
    try:
        decision = Decision.load(body)
    except (ValueError, RecursionError):
        raise NotChecked(
            Diagnostic(
                "", 0, 0, "answer-unreadable", "what answers at the address of the service sends no decision",
                "is it a proxy's page, or a service of a newer version than this client?",
            )
        ) from None  # fmt: skip
    if not question.is_answered_by(decision):
        raise NotChecked(
            Diagnostic("", 0, 0, "answer-mixed-up", "the answer is about another order, patient or moment")
        )
    return decision


def _errors(body: bytes) -> list[Diagnostic]:
    """What the service says of a question that it didn't check; nothing where it isn't the service that speaks."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return []
    errors = _part(document, "errors") if _part(document, "checked") is False else None
    return [
        Diagnostic(
            _text(error, "path"), 0, 0, _text(error, "code") or "service-refused", _text(error, "message"), _text(error, "help")
        )
        for error in (errors if isinstance(errors, list) else ())
        if _text(error, "message")
    ]  # fmt: skip


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _text(value: Any, name: str) -> str:
    found = _part(value, name)
    return found if isinstance(found, str) else ""
