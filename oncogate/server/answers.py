"""What the service answers: JSON, and refusals that say what is wrong and where."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.base.written import json_bytes

LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024 * 1024
"""How long and how much of a refused body is still taken and thrown away, so that its sender gets to read why."""

STATUS_OF = {
    "input-too-large": 413, "wrong-patient": 422, "fhir-several-patients": 422, "fhir-failed": 422,
}  # fmt: skip
"""The status of a problem by its code. Else what is ill-formed is 400; what is well-formed and can't be judged 422."""


INTERNAL = Diagnostic("", 0, 0, "internal", "internal error", "nothing was decided; please report this")
"""What is said where the fault is ours."""


class Refused(Exception):
    """A call that isn't served: the status, what is wrong, and headers that say more."""

    def __init__(
        self, status: int, diagnostics: Iterable[Diagnostic], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.status = status
        self.diagnostics = tuple(diagnostics)
        self.headers = dict(headers or {})

    @classmethod
    def because(cls, error: OncogateError) -> Refused:
        """The refusal of input that can't be used."""
        return cls(max(status_of(d) for d in error.diagnostics), error.diagnostics)


def refused(status: int, code: str, message: str, help: str = "", path: str = "", **headers: str) -> Refused:
    """A refusal for one reason; header names are written with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused(status, [Diagnostic(path, 0, 0, code, message, help)], named)


def status_of(diagnostic: Diagnostic) -> int:
    """The status of a problem of the input."""
    code = diagnostic.code
    if code in STATUS_OF:
        return STATUS_OF[code]
    return 422 if code.startswith(("request-", "time-", "order-")) else 400


def as_errors(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """The body that says that nothing was judged, for REST callers."""
    return {
        "checked": False,
        "errors": [
            {"code": d.code, "message": _said(d), "path": _place(d), "help": d.help} for d in diagnostics
        ],
    }


_ISSUE_TYPES = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 408: "timeout",
    412: "required", 413: "too-long", 415: "not-supported", 422: "processing", 500: "exception", 503: "transient",
}  # fmt: skip


def as_outcome(status: int, diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """The same as a FHIR OperationOutcome, for CDS clients; nothing in it is empty."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": _ISSUE_TYPES.get(status, "processing"),
                "details": {"coding": [{"system": "urn:oncogate:diagnostic", "code": d.code}], "text": _said(d)},
                **({"diagnostics": d.help} if d.help else {}),
                **({"expression": [_place(d)]} if _place(d) else {}),
            }
            for d in diagnostics
        ],
    }  # fmt: skip


def _place(diagnostic: Diagnostic) -> str:
    """A JSON pointer into the body, a parameter of the address, or a place in a file of the rules."""
    located = diagnostic.path and diagnostic.line
    return f"{diagnostic.path}:{diagnostic.line}:{diagnostic.column}" if located else diagnostic.path


def _said(diagnostic: Diagnostic) -> str:
    """The message; of a body that isn't JSON with the place, to which no pointer leads."""
    if diagnostic.path or not diagnostic.line:
        return diagnostic.message
    return f"{diagnostic.message} (line {diagnostic.line}, column {diagnostic.column})"


class Json(Response):
    """A JSON answer; Chinese is written as itself."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """UTF-8, without blanks."""
        return content if isinstance(content, bytes) else json_bytes(content)


class LastWord(Json):
    """An answer given before the whole body was read.

    It is sent at once; what still comes is taken and thrown away for a while, since a connection that is closed on
    unread bytes is reset, and the sender would see that and not the answer.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, then linger."""
        self.headers["connection"] = "close"
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_throw_away(receive), LINGER_SECONDS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _throw_away(receive: Receive) -> None:
    taken = 0
    while taken < LINGER_BYTES:
        message = await receive()
        taken += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


def face_of(path: str) -> str:
    """The face that a path belongs to."""
    return "cdshooks" if path.startswith("/cds-services") else "rest" if path.startswith("/v1") else "other"


def body_of(path: str, status: int, diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """The body of a refusal, in the form of the face that was called."""
    return as_outcome(status, diagnostics) if face_of(path) == "cdshooks" else as_errors(diagnostics)
