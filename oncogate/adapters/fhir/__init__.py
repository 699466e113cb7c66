"""FHIR R4 bundles and resources → requests.

Works on plain JSON and is liberal: a resource that can't be read becomes a diagnostic and an *unread* mark
on its section, never a crash and never "none there". Matched are system and code, never profiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from oncogate.adapters.fhir.bundles import Found, Index, read_pages
from oncogate.adapters.fhir.consents import in_force
from oncogate.adapters.fhir.context import Context, Reading
from oncogate.adapters.fhir.drafts import drafts_among, with_unseen
from oncogate.adapters.fhir.order import read_order
from oncogate.adapters.fhir.record import Record, own_exams, own_stages, read_patient
from oncogate.adapters.fhir.vocabulary import Vocabulary, load_vocabulary
from oncogate.base.errors import Diagnostic, RequestError

__all__ = ["Reading", "Vocabulary", "load_vocabulary", "looks_like_fhir", "read_bundle"]


def looks_like_fhir(document: Any) -> bool:
    """Whether a JSON document is a FHIR resource."""
    return isinstance(document, Mapping) and isinstance(document.get("resourceType"), str)


def read_bundle(
    document: Any, at: str | None, zone: tzinfo | None = None, vocabulary: Vocabulary | None = None
) -> Reading:
    """Read a bundle that is a whole record, or a single resource as a bundle of one.

    Its drafts are the order, and what can't be read beside them may be one more. Sections of which it holds nothing are not supplied. `zone` is given to times
    of day that have none. Raises `RequestError` for what isn't FHIR, and for several patients where no
    draft says which one is meant.
    """
    try:
        return _read(document, at, zone, vocabulary or Vocabulary.shipped())
    except RecursionError:
        raise _refused("", "json-depth", "is nested too deeply") from None


def _read(document: Any, at: str | None, zone: tzinfo | None, vocabulary: Vocabulary) -> Reading:
    if not looks_like_fhir(document):
        raise _refused(
            "", "fhir-not-a-resource", "isn't a FHIR resource", "send a Bundle with `resourceType`"
        )
    pages = read_pages(document, "")
    if pages.failed is not None:
        raise _refused("", "fhir-failed", pages.failed)
    index = Index(pages.found)
    context = Context(index, zone, vocabulary, in_bundle=True)
    context.conditions = [f for f in pages.found if f.type == "Condition"]
    drafts = drafts_among(pages.found, context, among_drafts=False)
    patient = context.patient = _patient(pages.found, drafts, context)
    context.prepare(pages.found)
    order = read_order(of_patient(drafts, patient, context), context)
    if drafts:  # of a record alone nothing was ordered
        order = with_unseen(order, pages, "", context)
    context.moment = moment_of(at, order, context)
    record = Record(context, patient)
    record.sort(pages)
    own_stages(record, pages.found)
    own_exams(record, pages.found)
    return reading(order, record.as_data(read_patient(patient, pages.found, context)), context)


def of_patient(drafts: list[Found], patient: str | None, context: Context) -> list[Found]:
    """The drafts for the patient, or for nobody by name; raises `RequestError` if all are another's."""
    mine = []
    for draft in drafts:
        named = context.index.patient(draft.resource, draft)
        if named is None or patient is None or named == patient:
            mine.append(draft)
        else:
            context.say(
                draft.pointer, "wrong-patient", f"the draft order is for patient `{named}`, not `{patient}`"
            )
    if drafts and not mine:
        raise RequestError(d for d in context.diagnostics if d.code == "wrong-patient")
    return mine


def moment_of(at: str | None, order: dict[str, Any] | None, context: Context) -> str | None:
    """The moment as of which the request is judged: the caller's, else when the order was written."""
    if at is None:
        return None if order is None else order.get("ordered")
    return context.readable(at) or at


def reading(order: dict[str, Any] | None, record: dict[str, Any], context: Context) -> Reading:
    """The native request."""
    data: dict[str, Any] = {} if context.moment is None else {"at": context.moment}
    planned = context.readable((order or {}).get("planned"))
    in_force(record.get("consents", ()), context.readable(context.moment), planned)
    if order is not None:
        data["order"] = order
    data["record"] = record
    return Reading(data, tuple(sorted(set(context.diagnostics))))


def _patient(found: list[Found], drafts: list[Found], context: Context) -> str | None:
    ids = {f.id for f in found if f.type == "Patient"}
    named = {p for p in (context.index.patient(f.resource, f) for f in found) if p is not None}
    candidates = ids or named
    if len(candidates) <= 1:
        return next(iter(candidates), None)
    meant = {p for p in (context.index.patient(d.resource, d) for d in drafts) if p is not None}
    if len(meant) == 1:
        return next(iter(meant))
    if len(ids & named) == 1:
        return next(iter(ids & named))
    shown = ", ".join(f"`{id}`" for id in sorted(candidates)[:5])
    raise _refused(
        "", "fhir-several-patients", f"holds several patients: {shown}", "send one patient's record at a time"
    )


def _refused(pointer: str, code: str, message: str, help: str = "") -> RequestError:
    return RequestError([Diagnostic(pointer, 0, 0, code, message, help)])
