"""Conditions → diagnoses."""

from __future__ import annotations

from typing import Any

from oncogate.adapters.fhir.access import Json, codes_of, extension, items, label, obj, objects, text, texts
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, Unreadable

_STATUSES = frozenset(["active", "recurrence", "relapse", "inactive", "remission", "resolved"])
_CLINICAL_CRITERIA = frozenset({"clinical criteria", "临床诊断", "临床诊断标准"})


def read_diagnosis(found: Found, context: Context) -> list[Entry] | None:
    """A condition; one that was refuted or entered in error keeps that status."""
    if found.type != "Condition":
        return None
    resource = found.resource
    codes = codes_of(resource.get("code"))
    if not codes:
        raise Unreadable("says no code")
    made = context.entry(found, None, _day_at_least(recorded_of(resource)), needed=False)
    onset = context.readable(resource.get("onsetDateTime"))
    if onset is not None:
        made["effective"] = onset
    made |= {"codes": codes, "status": status_of(resource)}
    for evidence in objects(resource.get("evidence")):
        if any(t.casefold() in _CLINICAL_CRITERIA for t in texts(evidence.get("code"))):
            made["basis"] = "clinical_criteria"
            reason = text(obj(evidence.get("detail")).get("display")) or text(
                obj(resource.get("note")).get("text")
            )
            if reason:
                made["basis_reason"] = reason
    return [made]


def status_of(resource: Json) -> str:
    """The clinical status, unless the condition was refuted or entered in error."""
    verified = _code(resource.get("verificationStatus"))
    if verified in ("refuted", "entered-in-error"):
        return verified
    clinical = _code(resource.get("clinicalStatus"))
    if clinical is None:
        return "active"
    return clinical if clinical in _STATUSES else "unknown"


def recorded_of(resource: Json) -> Any:
    """When a condition was recorded, as written."""
    asserted = extension(resource, "asserteddate", "condition-asserteddate").get("valueDateTime")
    choices = (
        *(resource.get(name) for name in ("recordedDate", "assertedDate", "dateRecorded")),
        asserted,
        obj(resource.get("meta")).get("lastUpdated"),
    )
    return next((choice for choice in choices if choice is not None), None)


def _code(value: Any) -> str | None:
    """A status as a code, whether it is a concept (R4) or a plain string (R3)."""
    for item in items(value):
        plain = text(item) if isinstance(item, str) else None
        for coding in objects(item.get("coding")) if isinstance(item, dict) else ():
            plain = plain or text(coding.get("code"))
        plain = plain or label(item)
        if plain:
            return plain.casefold()
    return None


def _day_at_least(value: Any) -> Any:
    """A time, or `None` for one that FHIR allows to be less precise than a day."""
    return (
        None if isinstance(value, str) and len(value.strip()) < 8 and value.strip()[:4].isdigit() else value
    )
