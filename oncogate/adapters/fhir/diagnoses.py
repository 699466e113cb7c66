"""Conditions → diagnoses."""

from __future__ import annotations

import re
from typing import Any

from oncogate.adapters.fhir.access import Json, codes_of, extension, obj, objects, status_in, text, texts
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, Unreadable, is_before

_STATUSES = frozenset(["active", "recurrence", "relapse", "inactive", "remission", "resolved"])
_MONTH = re.compile(r"\d{4}(?:-\d{2})?", re.ASCII)
NO_CONDITION = frozenset({"refuted", "entered-in-error"})
"""Statuses of what isn't, or never was, a condition."""
_VERIFIED_WORDS = {
    **dict.fromkeys(("已排除", "排除", "已否定"), "refuted"),
    **dict.fromkeys(("录入错误", "误录"), "entered-in-error"),
}
_OVER = re.compile(
    r"(?<![未不没])(?<!没有)(?:痊愈|治愈|已愈)|(?<!部分)(?<![未不没])(?<!没有)(?:缓解|消退|消失)|(?:术后|切除)(?!\S*(?:复发|残留|进展))|(?<![未不没])(?:已结束|已解决)|(?:19|20)\d\d"
    r"|(?<!not )(?<!never )(?<!partially )(?<!partial )\b(?:resolved|cured|recovered|healed|remission|ended|excised|removed|post-?op\w*)\b|^(?:yes|true|是)$",
    re.IGNORECASE,
)
"""Words by which a condition is over."""
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
    made |= {"codes": codes, "status": status_of(resource, abated=_has_abated(resource, context))}
    for evidence in objects(resource.get("evidence")):
        if any(t.casefold() in _CLINICAL_CRITERIA for t in texts(evidence.get("code"))):
            made["basis"] = "clinical_criteria"
            reason = text(obj(evidence.get("detail")).get("display")) or text(
                obj(resource.get("note")).get("text")
            )
            if reason:
                made["basis_reason"] = reason
    return [made]


def status_of(resource: Json, *, abated: bool = False) -> str:
    """The clinical status, unless the condition was refuted or entered in error; one that has abated isn't active."""
    verified = status_in(resource.get("verificationStatus"), "condition-ver-status", NO_CONDITION)
    verified = _VERIFIED_WORDS.get(verified or "", verified)
    if verified in NO_CONDITION:
        return verified
    clinical = status_in(resource.get("clinicalStatus"), "condition-clinical", _STATUSES)
    if clinical is None:
        return "inactive" if abated else "active"
    return clinical if clinical in _STATUSES else "unknown"


def _has_abated(resource: Json, context: Context) -> bool:
    """Whether a condition says that it is over by the moment."""
    period = obj(resource.get("abatementPeriod"))
    times = (resource.get("abatementDateTime"), period.get("start") or period.get("end"))
    return (
        resource.get("abatementBoolean") is True
        or any(_is_past(text(time), context) for time in times)
        or _OVER.search(text(resource.get("abatementString")) or "") is not None
        or any(obj(resource.get(f"abatement{name}")) for name in ("Age", "Range"))
    )


def _is_past(time: str | None, context: Context) -> bool:
    if time is None:
        return False
    known = context.readable(time) or context.readable(time[:10])
    known = known or (time if _MONTH.fullmatch(time) else None)
    return known is not None and (context.moment is None or not is_before(context.moment, known))


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
