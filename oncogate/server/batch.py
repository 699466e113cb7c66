"""Many requests in one call: `POST /v1/decide/batch`, judged in turn and answered in their order."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from oncogate.base.errors import Diagnostic, RequestError
from oncogate.base.written import json_bytes
from oncogate.model.request import read_json
from oncogate.model.rule import Outcome
from oncogate.server.answers import INTERNAL, Refused, as_errors, refused
from oncogate.server.bodies import JSON_TYPES, LINES_TYPES, check_type, read_body
from oncogate.server.logs import where_it_failed
from oncogate.server.reading import Clock, FormName, request_in, request_of
from oncogate.server.rest import CHECKED, FACE, FormOf, Moment, known_query, moment_asked, written
from oncogate.server.rules_in_use import Loaded
from oncogate.server.service import Service, service_of

router = APIRouter(prefix="/v1", tags=["REST"], dependencies=[Depends(known_query)])

log = logging.getLogger("oncogate.server")

TOGETHER = 20
"""Requests judged before live calls get their turn again."""


@router.post("/decide/batch")
async def decide_batch(request: Request, form: FormOf = "oncogate", at: Moment = None) -> Response:
    """Judge many requests: a JSON array, or one request a line (NDJSON). What can't be judged says so in its place."""
    service = service_of(request)
    service.callers.rest(request)
    at = moment_asked(at, service.clock)
    limits = service.settings.limits
    kind = check_type(request, (*JSON_TYPES[:1], *LINES_TYPES))
    body = await read_body(request, limits.batch, limits.seconds, (kind,))
    in_lines = kind in LINES_TYPES
    items = _lines(body) if in_lines else await service.judge(_members, body)
    results = _judged(service, items, form, at)
    if in_lines:
        return StreamingResponse(_as_lines(results), media_type=kind, headers=CHECKED)
    return StreamingResponse(_as_array(results), media_type=kind, headers=CHECKED)


def _lines(body: bytes) -> Iterator[bytes]:
    return (line for line in body.split(b"\n") if line.strip())


def _members(body: bytes) -> Iterator[Any]:
    try:
        found = read_json(body)
    except RequestError as error:
        raise Refused.because(error) from None
    if not isinstance(found, list):
        raise refused(
            400,
            "batch-not-a-list",
            "isn't a list of requests",
            "send a JSON array, or lines as `application/x-ndjson`",
        )
    return iter(found)


async def _judged(
    service: Service, items: Iterator[Any], form: FormName, at: str | None
) -> AsyncIterator[bytes]:
    rules, clock = service.rules.current, service.clock
    while some := list(islice(items, TOGETHER)):
        results = await service.judge(judge_some, some, form, rules, clock, at)
        for said, result in results:
            if isinstance(said, Diagnostic):
                service.measures.not_checked.labels(FACE, said.code).inc()
            else:
                service.measures.decisions.labels(FACE, said).inc()
            yield result


def judge_some(
    items: Sequence[Any], form: FormName, rules: Loaded, clock: Clock, at: str | None
) -> list[tuple[Outcome | Diagnostic, bytes]]:
    """The outcome, or what is wrong first, and the answer to each item: one that is bad spoils no other."""
    return [_result(item, form, rules, clock, at) for item in items]


def _result(
    item: Any, form: FormName, rules: Loaded, clock: Clock, at: str | None
) -> tuple[Outcome | Diagnostic, bytes]:
    try:
        read = request_in if isinstance(item, bytes) else request_of
        request, _ = read(item, form, rules, clock, at)
        return written(rules.gate.decide(request))
    except RequestError as error:
        return _not_judged(error.diagnostics)
    except Exception as error:  # the answer has begun: its status can't say so any more
        log.error("failed", extra={"said": {"event": "failed", **where_it_failed(error)}})
        return _not_judged([INTERNAL])


def _not_judged(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, bytes]:
    return diagnostics[0], json_bytes(as_errors(diagnostics))


async def _as_lines(results: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for result in results:
        yield result + b"\n"


async def _as_array(results: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    before = b"["
    async for result in results:
        yield before + result
        before = b","
    yield b"]" if before == b"," else b"[]"
