"""Conditions → diagnoses."""

from __future__ import annotations

from typing import Any

from oncogate.adapters.fhir.access import Json, codes_of, extension, obj, objects, status_in, text, texts
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, Unreadable

_STATUSES = frozenset(["active", "recurrence", "relapse", "inactive", "remission", "resolved"])
_NO_CONDITION = frozenset({"refuted", "entered-in-error"})
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
    """The clinical status, unless the condition was refuted or entered in error; one that has abated isn't active."""
    verified = status_in(resource.get("verificationStatus"), "condition-ver-status", _NO_CONDITION)
    if verified in _NO_CONDITION:
        return verified
    clinical = status_in(resource.get("clinicalStatus"), "condition-clinical", _STATUSES)
    if clinical is None:
        abated = (value for name, value in resource.items() if name.startswith("abatement"))
        return "inactive" if any(value not in (None, False, "") for value in abated) else "active"
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


def _day_at_least(value: Any) -> Any:
    """A time, or `None` for one that FHIR allows to be less precise than a day."""
    return (
        None if isinstance(value, str) and len(value.strip()) < 8 and value.strip()[:4].isdigit() else value
    )
