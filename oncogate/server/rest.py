"""The REST pre-audit (前置审方): the blocking call whose answer a host waits for.

A Decision answers with status 200 and `X-Oncogate-Checked: true`, whatever the outcome; anything else is a body with
`"checked": false`. So "passed" and "not checked" never look alike.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from oncogate.base.errors import RequestError
from oncogate.model.decision import Decision
from oncogate.server.answers import Json, Refused
from oncogate.server.bodies import read_body
from oncogate.server.reading import Clock, Form, parsed, request_of
from oncogate.server.rules_in_use import Loaded
from oncogate.server.service import service_of

router = APIRouter(prefix="/v1", tags=["REST"])

FACE = "rest"
CHECKED = {"X-Oncogate-Checked": "true"}

Source = Annotated[Form, Query(alias="from", description="The form of the body.")]


@router.post("/decide")
async def decide(request: Request, form: Source = "oncogate") -> Response:
    """Judge one request."""
    service = service_of(request)
    service.callers.rest(request)
    limits = service.settings.limits
    body = await read_body(request, limits.body, limits.seconds)
    decision = await service.judge(decision_on, body, form, service.rules.current, service.clock)
    service.measures.decisions.labels(FACE, decision.outcome).inc()
    return Json(decision.to_dict(), headers=CHECKED)


def decision_on(body: bytes, form: Form, rules: Loaded, clock: Clock) -> Decision:
    """The decision on a body. Raises `Refused`."""
    try:
        request, _ = request_of(parsed(body), form, rules, clock)
    except RequestError as error:
        raise Refused.because(error) from None
    return rules.gate.decide(request)
