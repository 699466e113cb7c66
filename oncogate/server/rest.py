"""The REST pre-audit (前置审方): the blocking call whose answer a host waits for.

A Decision answers with status 200 and `X-Oncogate-Checked: true`, whatever the outcome; anything else is a body with
`"checked": false`. So "passed" and "not checked" never look alike.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from oncogate.adapters.hl7v2.inbox import Inbox
from oncogate.adapters.host_form import moment_of
from oncogate.authoring.status import RuleStatus, statuses
from oncogate.base.errors import RequestError, did_you_mean
from oncogate.explain.findings import parameters_used
from oncogate.model.decision import Decision
from oncogate.model.rule import Outcome, Rule
from oncogate.packs.pack import InForce
from oncogate.packs.tables import Tables
from oncogate.server.answers import Json, Refused, refused
from oncogate.server.bodies import read_body
from oncogate.server.reading import Clock, FormName, request_in
from oncogate.server.rules_in_use import Loaded
from oncogate.server.service import service_of


async def known_query(request: Request) -> None:
    """Refuse what the address doesn't take: a `recieved` that is passed over leaves out what it asks for."""
    known = [parameter.alias for parameter in request.scope["route"].dependant.query_params]
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            help = did_you_mean(name, known) or "see `GET /openapi.json`"
            raise refused(400, "query-unknown", f"this address takes no `{name}`", help, f"?{name}")
        if names.count(name) > 1:
            raise refused(400, "query-invalid", f"`{name}` stands twice", "keep one of them", f"?{name}")


router = APIRouter(prefix="/v1", tags=["REST"], dependencies=[Depends(known_query)])

FACE = "rest"
CHECKED = {"X-Oncogate-Checked": "true"}

FormOf = Annotated[FormName, Query(alias="from", description="The form of the body.")]
Moment = Annotated[
    str | None,
    Query(
        description="The moment to judge for, with its zone; default: the request's own, else now.",
        max_length=60,
    ),
]


_Day = Query(
    description="The day for which to list them; default: today.", pattern=r"^\d{4}-\d{2}-\d{2}$",
    json_schema_extra={"format": "date"},
)  # fmt: skip


Received = Annotated[
    bool,
    Query(description="Add what was received by HL7 v2 of the patient to the record, before judging."),
]


@router.post("/decide")
async def decide(
    request: Request, form: FormOf = "oncogate", at: Moment = None, received: Received = False
) -> Response:
    """Judge one request."""
    service = service_of(request)
    service.callers.rest(request)
    if received and service.inbox is None:
        help = "start the service with `--mllp` and `--inbox`, or leave out `received`"
        raise refused(400, "received-absent", "nothing is received by HL7 v2 here", help, "?received")
    at = moment_asked(at, service.clock)
    limits = service.settings.limits
    body = await read_body(request, limits.body, limits.seconds)
    inbox = service.inbox if received else None
    outcome, said = await service.judge(
        decision_on, body, form, service.rules.current, service.clock, at, inbox
    )
    service.measures.decisions.labels(FACE, outcome).inc()
    return Json(said, headers=CHECKED)


_BLANK_OFFSET = re.compile(
    r"(.*[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?|[0-9]{12,14}) ([0-9]{2}:?[0-9]{2})"
)
"""A time of day and its offset with a blank between: a `+` that wasn't written as `%2B` arrives so, and nothing else does."""


def moment_asked(at: str | None, clock: Clock) -> str | None:
    """The moment that the address names. Raises `Refused`."""
    if at is None:
        return None
    try:
        return moment_of(_BLANK_OFFSET.sub(r"\1+\2", at), clock.zone, "?at")
    except RequestError as error:
        raise Refused(400, error.diagnostics) from None


def decision_on(
    body: bytes,
    form: FormName,
    rules: Loaded,
    clock: Clock,
    at: str | None = None,
    inbox: Inbox | None = None,
) -> tuple[Outcome, bytes]:
    """The outcome of a body, and its decision as JSON. Raises `Refused`."""
    try:
        request, _ = request_in(body, form, rules, clock, at, inbox)
    except RequestError as error:
        raise Refused.because(error) from None
    return written(rules.gate.decide(request))


def written(decision: Decision) -> tuple[Outcome, bytes]:
    """A decision as it is answered."""
    return decision.outcome, decision.to_json().encode()


@router.get("/rules")
async def rules(
    request: Request,
    on: Annotated[str | None, _Day] = None,
) -> Response:
    """What is active, on trial or off on a day, why, and with which parameters."""
    service = service_of(request)
    service.callers.rest(request)
    try:
        day = date.fromisoformat(on) if on else service.clock.today()
    except ValueError:
        raise refused(400, "query-invalid", f"`{on}` isn't a day", "write it as 2026-03-02", "?on") from None
    return Json(await service.judge(listed, service.rules.current, day))


def listed(current: Loaded, day: date) -> dict[str, Any]:
    """The rules as they stand on a day."""
    library = current.gate.library
    force = library.in_force(day)
    by_id = {rule.id: rule for rule in force.rules}
    return {
        "digest": current.digest, "on": day.isoformat(),
        "packs": [{"id": p.id, "version": p.version, "digest": p.digest} for p in library.packs],
        "layers": [{"id": one.id, "kind": one.kind, "digest": one.digest} for one in library.layers],
        "rules": [_listed(one, by_id[one.id], force, library.tables) for one in statuses(library, day)],
    }  # fmt: skip


def _listed(status: RuleStatus, rule: Rule, force: InForce, tables: Tables) -> dict[str, Any]:
    parameters = parameters_used(rule, force, tables)
    return {
        "id": rule.id, "version": rule.version, "state": status.state, "effect": rule.effect,
        "title": rule.title.model_dump(), "why": status.why.model_dump(), "layer": status.layer,
        "verification": status.verification,
        "parameters": {name: used.model_dump(mode="json") for name, used in parameters.items()},
        "sources": [{"cite": s.cite, "says": s.says, "url": s.url} for s in rule.sources.values()],
    }  # fmt: skip
