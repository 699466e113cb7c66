"""Draft orders → the order. All drugs of all drafts are one order."""

from __future__ import annotations

import re
from datetime import datetime

from oncogate.adapters.fhir.access import (
    ATC,
    codings,
    extension,
    has_code,
    label,
    number,
    obj,
    objects,
    text,
    texts,
    whole,
    words,
)
from oncogate.adapters.fhir.assessments import cycle_of
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry
from oncogate.adapters.fhir.drugs import drugs_of
from oncogate.adapters.fhir.reasons import reasons_of
from oncogate.adapters.fhir.services import service_kind
from oncogate.adapters.fhir.treatments import (
    CHEMO_WORDS,
    CHEMOTHERAPY,
    GROUPS,
    MEDICATION_ORDERS,
    authored_of,
    earliest,
    planned_of,
)
from oncogate.base.times import read_time


def read_order(drafts: list[Found], context: Context) -> Entry | None:
    """One order of all drafts; `None` if they order neither drugs, nor a regimen, surgery or radiotherapy."""
    groups = [d for d in drafts if d.type in GROUPS]
    medications = [d for d in drafts if d.type in MEDICATION_ORDERS]
    services = [d for d in drafts if d.type == "ServiceRequest" and service_kind(d.resource) is not None]
    relevant = [*groups, *medications, *services]
    if not relevant:
        return None
    order: Entry = {"id": relevant[0].id, "drugs": _drugs(medications, context)}
    regimens = [r for r in (label(d.resource.get("code")) for d in groups) if r]
    if regimens:
        order["regimen"] = regimens[0]
        if len(set(regimens)) > 1:
            context.say(
                groups[1].pointer,
                "order-several-regimens",
                f"the drafts name several regimens, `{regimens[0]}` first",
            )
    kind = _kind(medications, services)
    if kind is not None:
        order["kind"] = kind
    cycle = next((c for c in (cycle_of(d.resource) for d in relevant) if c is not None), None)
    if cycle is not None:
        order["cycle"] = cycle
    interval = _interval(relevant)
    if interval is not None:
        order["interval_days"] = interval
    planned = _planned(groups, medications, services, context)
    if planned is not None:
        order["planned"] = planned
    level = _level(services)
    if level is not None:
        order["level"] = level
    order |= _reason(relevant, context)
    ordered = _ordered(relevant, context)
    if ordered is not None:
        order["ordered"] = ordered
    requester = obj(relevant[0].resource.get("requester"))
    prescriber = text(requester.get("reference")) or text(requester.get("display"))
    if prescriber:
        order["prescriber"] = prescriber
    return order


def _drugs(medications: list[Found], context: Context) -> list[Entry]:
    drugs = []
    for draft in medications:
        try:
            read = drugs_of(draft, context)
        except Exception as error:  # an order must never lose a drug: unreadable means unknown
            context.say(draft.pointer, "fhir-unread", f"the drug can't be read: {type(error).__name__}")
            read = [{}]
        if any(not (drug.get("code") or drug.get("name")) for drug in read):
            context.say(
                draft.pointer,
                "order-drug-unknown",
                "the order doesn't say which drug it is",
                "send its code or name",
            )
        drugs += read
    return drugs


def _kind(medications: list[Found], services: list[Found]) -> str | None:
    for draft in medications:
        category = draft.resource.get("category")
        if has_code(category, CHEMOTHERAPY) or CHEMO_WORDS.search(words(category)):
            return "chemotherapy"
    kinds = [service_kind(s.resource) for s in services]
    if "chemotherapy" in kinds:
        return "chemotherapy"
    return next((kind for kind in ("surgery", "radiotherapy") if kind in kinds), None)


_LEVEL = re.compile(
    r"手术级别[:：]?\s*(?:[一二三四1-4]|I{1,3}|IV|[Ⅰ-Ⅳ])级?|(?:[一二三四1-4]|I{1,3}|IV|[Ⅰ-Ⅳ])\s*级手术"
)


def _level(services: list[Found]) -> str | None:
    """The level of the operation (手术分级) where a category or a detail of the order says it; FHIR has no place of its own."""
    said = {
        found[0].removeprefix("手术级别").strip(":： ")
        for service in services
        for key in ("category", "orderDetail")
        for concept in objects(service.resource.get(key))
        if (found := _LEVEL.fullmatch((label(concept) or "").strip()))
    }
    return said.pop() if len(said) == 1 else None


def _reason(drafts: list[Found], context: Context) -> Entry:
    """Which condition the order is for, and its reasons as codes.

    Companion drugs have reasons of their own (nausea), so several conditions leave the focus to the one
    that the group names, or open.
    """
    reasons: list[dict[str, str]] = []
    by_draft: list[list[str]] = []
    for draft in drafts:
        focuses, concepts = reasons_of(draft, context)
        by_draft.append(focuses)
        for coding in codings(concepts) or [{"display": t} for t in texts(concepts)]:
            if coding not in reasons:
                reasons.append(coding)
    made: Entry = {"reasons": reasons} if reasons else {}
    focus = _one(by_draft[0]) if drafts[0].type in GROUPS else None
    focus = focus or _one([f for focuses in by_draft for f in focuses])
    if focus is not None:
        made["focus"] = focus
    return made


def _interval(drafts: list[Found]) -> int | None:
    """The days from one cycle to the next, from an extension that ends in `cycle-interval` or `cycle-length`."""
    for draft in drafts:
        found = extension(draft.resource, "cycle-interval", "cycle-length")
        counted = next(
            (n for k in ("Integer", "PositiveInt") if (n := whole(found.get(f"value{k}"))) is not None), None
        )
        for amount in (*objects(found.get("valueDuration")), *objects(found.get("valueQuantity"))):
            days = {"d": 1, "wk": 7}.get(text(amount.get("code")) or "")
            value = number(amount.get("value"))
            if days is not None and value is not None and value == int(value):
                counted = int(value) * days
        if counted is not None:
            return counted
    return None


def _planned(
    groups: list[Found], medications: list[Found], services: list[Found], context: Context
) -> str | None:
    """When the order is to be carried out: what the group says, else its earliest anti-tumour drug.

    Where no drug is known as one by its ATC code, the earliest that isn't marked as a companion: a steroid may be
    planned for the day before.
    """
    named = [(m, _drugs([m], context)) for m in medications]
    marked = [m for m, drugs in named if any(_against_tumours(drug) for drug in drugs)]
    main = [m for m, drugs in named if not any("role" in drug for drug in drugs)]
    for drafts in (groups, [*(marked or main), *services]):
        planned = earliest([t for d in drafts if (t := planned_of(d.resource, context)) is not None])
        if planned is not None:
            return planned
    return None


def _against_tumours(drug: Entry) -> bool:
    return drug.get("system") == ATC and str(drug.get("code", "")).upper().startswith("L01")


def _one(focuses: list[str]) -> str | None:
    return focuses[0] if len(set(focuses)) == 1 else None


def _ordered(drafts: list[Found], context: Context) -> str | None:
    """The latest time at which a draft was written; a whole day isn't a moment."""
    times = []
    for draft in drafts:
        written = context.readable(authored_of(draft.resource))
        time = read_time(written) if written is not None else None
        if isinstance(time, datetime):
            times.append(time)
    return max(times).isoformat() if times else None
