"""CDS Hooks requests → requests: prefetch answers become sections, draft orders become the order.

A prefetch key that is missing (not supplied), one that is null (asked, nothing there) and one that holds
an OperationOutcome (asked, failed) are three different things and stay so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from oncogate.adapters.fhir import Reading, moment_of, of_patient, reading
from oncogate.adapters.fhir.access import text
from oncogate.adapters.fhir.bundles import Found, Index, Pages, last_part, read_pages
from oncogate.adapters.fhir.context import Context
from oncogate.adapters.fhir.drafts import drafts_among, is_draft, with_unseen
from oncogate.adapters.fhir.order import read_order
from oncogate.adapters.fhir.record import (
    READERS,
    Record,
    own_exams,
    own_measurements,
    own_stages,
    read_patient,
)
from oncogate.adapters.fhir.treatments import read_other_order
from oncogate.adapters.fhir.vocabulary import Vocabulary
from oncogate.base.errors import Diagnostic, RequestError, did_you_mean

_PEOPLE = ("patient", "encounter")
"""Keys of answers about the patient, which are no sections of the record."""
_ON_RECORD = frozenset({"active", "on-hold", "completed"})


def looks_like_hook(document: Any) -> bool:
    """Whether a JSON document is a CDS Hooks request."""
    if not isinstance(document, Mapping) or "resourceType" in document or "record" in document:
        return False
    return "hook" in document or "context" in document


def read_hook(
    document: Any, at: str | None, zone: tzinfo | None = None, vocabulary: Vocabulary | None = None
) -> Reading:
    """Read a request of `order-sign`, `order-select` or a like hook.

    Only drafts of `context.draftOrders` are the order. Raises `RequestError` for what can't be judged at
    all: no context, patient or draft orders, wrong types at the top, drafts that are all another patient's.
    """
    try:
        return _read(document, at, zone, vocabulary or Vocabulary.shipped())
    except RecursionError:
        raise _refused("", "json-depth", "is nested too deeply") from None


def _read(document: Any, at: str | None, zone: tzinfo | None, vocabulary: Vocabulary) -> Reading:
    hook_context, prefetch = _parts(document)
    patient = _patient_id(hook_context)
    sent = _drafts(hook_context, _hook(document))
    answers = {
        key: None if value is None else read_pages(value, f"/prefetch/{key}")
        for key, value in prefetch.items()
    }
    found = [f for pages in (*answers.values(), sent) if pages is not None for f in pages.found]
    context = Context(Index(found), zone, vocabulary, in_bundle=False)
    diagnoses = answers.get("diagnoses")
    context.conditions = [f for f in (diagnoses.found if diagnoses else ()) if f.type == "Condition"]
    patient = context.patient = _named(patient, context)
    context.prepare(found)
    _note(hook_context, sent, context)

    drafts = of_patient(drafts_among(sent.found, context, among_drafts=True), patient, context)
    order = with_unseen(read_order(drafts, context), sent, "/context/draftOrders", context)
    context.moment = moment_of(at, order, context)

    record = Record(context, patient)
    for section in READERS:
        if section in answers:
            record.supply(section, answers[section] or Pages(), f"/prefetch/{section}")
    for key in answers:
        if key not in READERS and key not in _PEOPLE:
            context.say(
                f"/prefetch/{key}",
                "prefetch-unknown",
                f"`{key}` isn't a section of the record",
                did_you_mean(key, (*READERS, *_PEOPLE)),
            )
    own_stages(record, context.conditions)
    own_measurements(
        record,
        [f for key in ("exams", "markers", "assessments", "procedures") for f in _found(answers.get(key))],
    )
    own_exams(
        record, [f for key in ("labs", "vitals", "markers", "assessments") for f in _found(answers.get(key))]
    )
    standing = [f for f in sent.found if not is_draft(f.resource, among_drafts=True) and _stands(f)]
    record.extra("orders", standing, read_other_order, "only the orders among the draft orders were supplied")

    for key in _PEOPLE:
        answer = answers.get(key)
        if answer is not None and answer.failed is not None:
            context.say(f"/prefetch/{key}", "prefetch-failed", f"`{key}` was not supplied: {answer.failed}")
    for person in _found(answers.get("patient")):
        if person.type == "Patient" and person.id != patient:
            context.say(
                person.pointer, "wrong-patient", f"the patient is `{person.id}`, the context says `{patient}`"
            )
    encounter = text(hook_context.get("encounterId"))
    person_data = read_patient(patient, found, context, last_part(encounter) if encounter else None)
    return reading(order, record.as_data(person_data), context)


def _parts(document: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if not isinstance(document, Mapping):
        raise _refused("", "hook-not-an-object", "isn't a CDS Hooks request: an object is expected")
    context = document.get("context")
    if not isinstance(context, Mapping):
        problem = "the field `context` is missing" if context is None else "`context` isn't an object"
        raise _refused(
            "/context", "hook-context", problem, "send `context` with `patientId` and `draftOrders`"
        )
    prefetch = document.get("prefetch")
    if prefetch is not None and not isinstance(prefetch, Mapping):
        raise _refused(
            "/prefetch", "hook-prefetch", "`prefetch` isn't an object", "send one answer for each key"
        )
    return context, {str(text(key) or key): value for key, value in (prefetch or {}).items()}


def _hook(document: Any) -> str:
    hook = document.get("hook")
    if hook is not None and text(hook) is None:
        raise _refused(
            "/hook", "hook-name", "`hook` isn't the name of a hook", "send `order-sign` or `order-select`"
        )
    return text(hook) or ""


def _patient_id(context: Mapping[str, Any]) -> str:
    said = text(context.get("patientId"))
    id = last_part(said) if said else ""
    if not id or len(id) > 400:
        problem = (
            "the field `patientId` is missing"
            if context.get("patientId") is None
            else "`patientId` isn't an id"
        )
        raise _refused("/context/patientId", "hook-patient", problem, "send the id of the patient")
    return id


def _named(patient: str, context: Context) -> str:
    """The patient's id where the context gave a URN or address for it."""
    for person in context.index.patients:
        if person.url and last_part(person.url) == patient:
            return person.id
    return patient


def _drafts(context: Mapping[str, Any], hook: str) -> Pages:
    """What stands in `draftOrders`, or in the forms of earlier hooks."""
    for name in ("draftOrders", "medications", "orders"):
        value = context.get(name)
        if value is None:
            continue
        pointer = f"/context/{name}"
        if not isinstance(value, (Mapping, list)):
            raise _refused(
                pointer, "hook-drafts", f"`{name}` isn't a Bundle", "send the draft orders as a Bundle"
            )
        pages = read_pages(value, pointer)
        if pages.failed is not None and value != {}:
            raise _refused(pointer, "hook-drafts", f"`{name}` can't be read: {pages.failed}", "send a Bundle")
        return pages
    if hook and not hook.startswith(("order-", "medication-")):
        return Pages()
    raise _refused(
        "/context/draftOrders",
        "hook-drafts",
        "the field `draftOrders` is missing",
        "send a Bundle of the draft orders",
    )


def _note(hook_context: Mapping[str, Any], sent: Pages, context: Context) -> None:
    if hook_context.get("draftOrders") is None and sent.found:
        name = "medications" if hook_context.get("medications") is not None else "orders"
        context.say(
            f"/context/{name}", "hook-obsolete", f"`{name}` is of an earlier CDS Hooks", "send `draftOrders`"
        )


def _stands(found: Found) -> bool:
    return (text(found.resource.get("status")) or "").casefold() in _ON_RECORD


def _found(pages: Pages | None) -> list[Found]:
    return [] if pages is None else pages.found


def _refused(pointer: str, code: str, message: str, help: str = "") -> RequestError:
    return RequestError([Diagnostic(pointer, 0, 0, code, message, help)])
