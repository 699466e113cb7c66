"""Bodies of calls: of the right kind, no larger than allowed, sent in time."""

from __future__ import annotations

import asyncio
from email.message import Message

from fastapi import Request
from starlette.requests import ClientDisconnect

from oncogate.server.answers import Refused, refused

JSON_TYPES = ("application/json", "application/fhir+json")
LINES_TYPES = ("application/x-ndjson", "application/jsonl")


async def read_body(
    request: Request, limit: int, seconds: float, types: tuple[str, ...] = JSON_TYPES
) -> bytes:
    """The body of a call. Raises `Refused`: 415 for another media type, 413 beyond `limit` bytes, 408 after `seconds`.

    It stops reading at the limit: what is refused as too large is never held.
    """
    check_type(request, types)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    try:
        body = await asyncio.wait_for(_read(request, limit), seconds)
    except asyncio.TimeoutError:
        raise refused(
            408, "body-late", f"the body didn't come whole within {seconds:g} seconds", "send it at once"
        ) from None
    except ClientDisconnect:
        raise refused(400, "body-broken-off", "the caller broke off before the body was whole") from None
    request.state.body_read = True
    return body


def check_type(request: Request, types: tuple[str, ...]) -> str:
    """The media type of the call; raises `Refused` (415) for one that isn't among `types`, or isn't in UTF-8."""
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    kind = header.get_content_type() if request.headers.get("content-type") else ""
    charset = header.get_content_charset("utf-8")
    if kind not in types or charset not in ("utf-8", "utf8", "us-ascii"):
        said = request.headers.get("content-type")
        raise refused(
            415,
            "media-type",
            f"the media type `{said}` isn't taken" if said else "the call says no media type",
            f"send `Content-Type: {types[0]}`, in UTF-8",
            Accept=", ".join(types),
        )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise refused(415, "media-type", "a compressed body isn't taken", "leave out `Content-Encoding`")
    return kind


async def _read(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> Refused:
    return refused(
        413,
        "input-too-large",
        f"larger than {limit} bytes",
        "send one patient's record at a time; `limits` sets it",
    )
