"""CDS Hooks 2.0.1: `/cds-services`. Its cards are advice; a client may go on without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from oncogate.adapters.cdshooks.cards import cards_of
from oncogate.adapters.cdshooks.discovery import HOOKS, discovery, prefetch_of
from oncogate.adapters.cdshooks.feedback import read_feedback
from oncogate.adapters.cdshooks.suggestions import Subject
from oncogate.base.errors import RequestError, did_you_mean
from oncogate.base.texts import Language
from oncogate.model.decision import Decision
from oncogate.model.request import read_json
from oncogate.server.answers import Json, Refused, refused
from oncogate.server.bodies import read_body
from oncogate.server.languages import language_of
from oncogate.server.reading import Clock, request_of
from oncogate.server.rules_in_use import Loaded
from oncogate.server.service import Service, service_of

router = APIRouter(prefix="/cds-services", tags=["CDS Hooks"])

FACE = "cdshooks"


@router.get("")
async def discover(request: Request) -> Response:
    """The services, when to call them, and the queries whose answers to send along."""
    service = service_of(request)
    language = language_of(request.headers.get("accept-language"), service.settings.language)
    prefetch = prefetch_of(service.rules.vocabulary, service.settings.prefetch)
    return _said(discovery(language, prefetch), language)


@router.post("/{id}")
async def call(request: Request, id: str) -> Response:
    """Judge the draft orders: cards with what is missing, what was found, and what to do."""
    service = service_of(request)
    body = await _body(request, id)
    language = language_of(request.headers.get("accept-language"), service.settings.language)
    cards, decision = await service.judge(
        answer, body, HOOKS[id], service.rules.current, service.clock, language
    )
    service.measures.decisions.labels(FACE, decision.outcome).inc()
    return _said({"cards": cards}, language)


@router.post("/{id}/feedback")
async def feedback(request: Request, id: str) -> Response:
    """Keep what became of cards."""
    body = await _body(request, id)
    service = service_of(request)
    await service.judge(keep, body, id, service)
    return Response()


def keep(body: bytes, id: str, service: Service) -> None:
    """Keep the outcomes in a body. Raises `Refused`."""
    rules = [loaded.rule.id for loaded in service.rules.gate.library.rules]
    try:
        outcomes = read_feedback(read_json(body), id, rules)
    except RequestError as error:
        raise Refused.because(error) from None
    try:
        service.feedback.add(outcomes)
    except OSError as error:
        said = f"the feedback can't be kept: {error.strerror or error}"
        raise refused(
            503, "feedback-unwritable", said, "have `state` of the settings be a folder that can be written"
        ) from None
    for one in outcomes:
        service.measures.feedback.labels(one.rule or "", one.outcome).inc()


def answer(
    body: bytes, hook: str, rules: Loaded, clock: Clock, language: Language
) -> tuple[list[dict[str, Any]], Decision]:
    """The cards for a call's body, and the decision that they are made from. Raises `Refused`."""
    document = None
    try:
        document = read_json(body)
        instance = _instance(document, hook)
        request, _ = request_of(document, "cdshooks", rules, clock)
    except RequestError as error:
        raise _refusal(document, error) from None
    decision = rules.gate.decide(request)
    _have_data(document, decision, rules)
    patient, order = request.record.patient, request.order
    subject = (
        Subject(patient.id, order.regimen if order else None) if patient is not None and patient.id else None
    )
    return cards_of(decision, language, instance, rules.gate.library, subject), decision


async def _body(request: Request, id: str) -> bytes:
    """The body of a call of a service that there is, by a client who may call it. Raises `Refused`."""
    if id not in HOOKS:
        help = did_you_mean(id, HOOKS) or "`GET /cds-services` lists them"
        raise refused(404, "service-unknown", f"there is no service `{id}`", help)
    service = service_of(request)
    service.callers.hook(request, id)
    limits = service.settings.limits
    return await read_body(request, limits.body, limits.seconds)


def _instance(document: Any, hook: str) -> str:
    """The `hookInstance` of a call that is for this hook."""
    if not isinstance(document, Mapping):
        raise refused(400, "hook-not-an-object", "isn't a CDS Hooks request: an object is expected")
    said = document.get("hook")
    if said != hook:
        what = "the field `hook` is missing" if said is None else f"this service isn't for `{said}`"
        raise refused(
            400, "hook-other", what, f"send `{hook}`, or call the service of the other hook", "/hook"
        )
    instance = document.get("hookInstance")
    if not isinstance(instance, str) or not instance.strip() or len(instance) > 200:
        what = "the field `hookInstance` is missing" if instance is None else "`hookInstance` isn't an id"
        raise refused(400, "hook-instance", what, "send a UUID for each call", "/hookInstance")
    return instance


def _refusal(document: Any, error: RequestError) -> Refused:
    """Draft orders that the client asked its own server for in vain aren't there (412); all else is wrong with the call."""
    context = document.get("context") if isinstance(document, Mapping) else None
    drafts = context.get("draftOrders") if isinstance(context, Mapping) else None
    if isinstance(drafts, Mapping) and drafts.get("resourceType") == "OperationOutcome":
        return Refused(412, error.diagnostics)
    return Refused.because(error)


def _have_data(document: Mapping[str, Any], decision: Decision, rules: Loaded) -> None:
    """Refuse (412) what was sent without any prefetch, if that is why it can't be judged.

    One missing key is a finding, since the rest may tell; a client that sent none doesn't prefetch, and ten cards
    that say so would help nobody.
    """
    if document.get("prefetch"):
        return
    missing = {name for f in decision.findings if f.verdict == "unknown" for name in f.missing}
    lacking = [e for f in decision.findings for e in f.evidence if e.why == "not_supplied"]
    if missing and lacking:
        sections = {
            s
            for name in missing
            if name in rules.gate.library.facts
            for s in rules.gate.library.facts[name].sections
        }
        named = ", ".join(f"`{one}`" for one in sorted(sections))
        raise refused(
            412, "prefetch-absent", f"nothing was prefetched, and the order can't be judged without {named}",
            "send the answers to the queries that `GET /cds-services` lists under `prefetch`", "/prefetch",
        )  # fmt: skip


def _said(body: Any, language: Language) -> Response:
    return Json(body, headers={"Content-Language": language, "Vary": "Accept-Language"})
