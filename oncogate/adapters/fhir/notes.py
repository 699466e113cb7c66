"""Allergies, and the sections that rules only ask after by kind: meetings, educations, follow-ups, events."""

from __future__ import annotations

from oncogate.adapters.fhir.access import codes_of, items, label, obj, objects, shortened, text, texts
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, effective_of, performed_of

_NEVER_A_NOTE = frozenset(
    [
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "Location",
        "Device",
        "RelatedPerson",
        "Group",
    ]
)


def read_allergy(found: Found, context: Context) -> list[Entry] | None:
    """An allergy or intolerance; its times are kept where they can be read."""
    if found.type != "AllergyIntolerance":
        return None
    resource = found.resource
    recorded = context.readable(resource.get("recordedDate")) or context.readable(
        resource.get("assertedDate")
    )
    updated = context.readable(obj(resource.get("meta")).get("lastUpdated"))
    made = context.entry(
        found, context.readable(resource.get("onsetDateTime")), recorded or updated, status="registered"
    )
    made |= {"kind": "allergy", "codes": codes_of(resource.get("code"))}
    said = label(resource.get("code"))
    if said:
        made["text"] = said
    for name in ("verificationStatus", "clinicalStatus"):
        status = label(resource.get(name))
        if status and (name == "clinicalStatus" or status in ("refuted", "entered-in-error")):
            made.setdefault("status", shortened(status))
    return [made]


def read_note(found: Found, context: Context) -> list[Entry] | None:
    """Whatever the host keeps of a meeting, an education, a follow-up or an event."""
    if found.type in _NEVER_A_NOTE:
        return None
    resource = found.resource
    choices = [effective_of(resource), performed_of(resource)]
    choices += [
        resource.get(name)
        for name in ("sent", "date", "authored", "authoredOn", "start", "detected", "created")
    ]
    choices += [p.get("start") for name in ("period", "actualPeriod") for p in objects(resource.get(name))]
    time = next((choice for choice in choices if choice is not None), None)
    made = context.entry(found, time, resource.get("recordedDate"))
    concepts = [*items(resource.get("code")), *items(resource.get("event")), *items(resource.get("type"))]
    concepts += [
        *items(resource.get("topic")),
        *items(resource.get("category")),
        *items(resource.get("serviceType")),
    ]
    named = next((c for c in concepts if codes_of(c)), None)
    made |= {"kind": label(named) or found.type, "codes": codes_of(named)}
    said = next(iter(texts(resource.get("description"))), None) or text(resource.get("title"))
    status = text(resource.get("status"))
    made |= {k: v for k, v in (("text", said), ("status", status)) if v}
    return [made]
