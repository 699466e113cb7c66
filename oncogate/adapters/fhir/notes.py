"""Allergies, and the sections that rules only ask after by kind: meetings, educations, follow-ups, events."""

from __future__ import annotations

import re
from typing import Any

from oncogate.adapters.fhir.access import (
    Json,
    codes_of,
    codings,
    items,
    label,
    obj,
    objects,
    shortened,
    status_in,
    text,
    texts,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, Unreadable, effective_of, performed_of

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


_ELSEWHERE = re.compile(
    r"\W*(?:详?见备注|详?见附注|备注|其[他它]|other|see (?:the )?(?:notes?|comments?))\W*", re.IGNORECASE
)
"""Where a name should stand: look at the note."""
_NO_ALLERGY = frozenset({"refuted", "entered-in-error"})
_CLINICAL = frozenset({"active", "inactive", "resolved"})


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
    status = _allergy_status(resource)
    substances = [r.get("substance") for r in objects(resource.get("reaction"))]
    named = [c for c in (resource.get("code"), *substances) if codes_of(c)]
    noted = next((t for n in objects(resource.get("note")) if (t := text(n.get("text")))), None)
    worded = [
        one for c in named for one in (*texts(c), *(d["display"] for d in codings(c) if "display" in d))
    ]
    said = next((one for one in worded if not _ELSEWHERE.fullmatch(one)), None) or noted
    if (
        said is None
        and (worded or not named)
        and status not in ("inactive", "resolved", "refuted", "entered-in-error")
    ):
        raise Unreadable("doesn't say to what")
    category = resource.get("category")
    kind = category[0] if category in (["food"], ["environment"]) else "allergy"
    made |= {"kind": kind, "codes": [code for c in named for code in codes_of(c)]}
    found_out = {"text": said, "status": status, "level": text(resource.get("criticality"))}
    return [made | {key: shortened(part) for key, part in found_out.items() if part}]


def _allergy_status(resource: Json) -> str | None:
    """`refuted` or `entered-in-error` if it is, else the clinical status, by its code."""
    verified = status_in(resource.get("verificationStatus"), "allergyintolerance-verification", _NO_ALLERGY)
    if verified in _NO_ALLERGY:
        return verified
    return status_in(resource.get("clinicalStatus"), "allergyintolerance-clinical", _CLINICAL)


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
    concepts += items(resource.get("vaccineCode"))
    concepts += [
        *items(resource.get("topic")),
        *items(resource.get("category")),
        *items(resource.get("serviceType")),
    ]
    named = next((c for c in concepts if codes_of(c)), None)
    asked = [word for c in concepts for word in _words_of(c) if word in context.vocabulary.kinds]
    made |= {"kind": next(iter(asked), None) or label(named) or found.type, "codes": codes_of(named)}
    said = next(iter(texts(resource.get("description"))), None) or text(resource.get("title"))
    status = text(resource.get("status"))
    found_out = {"text": said, "status": status, "by": _by(resource)}
    return [made | {k: v for k, v in found_out.items() if v}]


def _words_of(concept: Any) -> list[str]:
    """Codes first: a kind that rules ask for (`mdt`) may stand under a name of the host's own."""
    return [*(c["code"] for c in codings(concept) if "code" in c), *texts(concept)]


def _by(resource: Json) -> str | None:
    """Who did it, as a reference or a name."""
    for name in ("performer", "agent", "participant", "sender", "author", "recorder", "owner"):
        for one in objects(resource.get(name)):
            who = obj(one.get("actor")) or obj(one.get("individual")) or obj(one.get("who")) or one
            said = text(who.get("reference")) or text(who.get("display"))
            if said and not re.search(r"(?:^|/)Patient/", said):
                return shortened(said)
    return None
