"""Draft orders among what was sent: which they are, what their groups hold, and what can't be seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from oncogate.adapters.fhir.access import Json, items, obj, objects, text
from oncogate.adapters.fhir.bundles import Found, Pages
from oncogate.adapters.fhir.context import Context, Entry
from oncogate.adapters.fhir.treatments import GROUPS, MEDICATION_ORDERS

_ORDERS = (*GROUPS, *MEDICATION_ORDERS, "ServiceRequest")
_OVER = frozenset(["revoked", "cancelled", "completed", "entered-in-error", "stopped", "ended"])
_NOT_DRAFT = _OVER | {"active", "on-hold", "suspended"}


def is_draft(resource: Json, *, among_drafts: bool) -> bool:
    """Whether a resource is a draft: one without a status may be one, among draft orders any that isn't on record or over."""
    status = _status(resource)
    return status in ("", "draft") or (among_drafts and status not in _NOT_DRAFT)


def _status(resource: Json) -> str:
    return (text(resource.get("status")) or "").casefold()


def drafts_among(found: Iterable[Found], context: Context, *, among_drafts: bool) -> list[Found]:
    """The draft orders that count for the order, and what groups hold; what shall *not* be done isn't ordered."""
    found = list(found)
    drafts = [f for f in found if f.type in _ORDERS and is_draft(f.resource, among_drafts=among_drafts)]
    seen = {f.pointer for f in found}
    held = [one for group in drafts if group.type in GROUPS for one in _held_by(group, context, seen)]
    return [d for d in (*drafts, *held) if d.resource.get("doNotPerform") is not True]


def _held_by(group: Found, context: Context, seen: set[str]) -> Iterator[Found]:
    """The orders that a group contains or refers to, without those seen already.

    What it refers to and wasn't sent is an order of nobody knows what.
    """
    subject = {"subject": group.resource.get("subject")}
    choices = [
        Found({**subject, **inner}, f"{group.pointer}/contained/{n}", None, group, str(n))
        for n, inner in enumerate(items(group.resource.get("contained")))
        if isinstance(inner, Mapping) and _status(inner) not in _OVER
    ]
    for n, link in enumerate(_links(group.resource)):
        target = context.index.resolve(link, group)
        if target is None and context.index.type_of(link, group) in (None, *GROUPS, *MEDICATION_ORDERS):
            drug = {"display": obj(link).get("display")}
            unseen = {**subject, "resourceType": MEDICATION_ORDERS[0], "medicationReference": drug}
            choices.append(Found(unseen, f"{group.pointer}/action/{n}", None, group, f"action-{n}"))
        elif target is not None and target.parent is None and is_draft(target.resource, among_drafts=True):
            choices.append(target)
    for one in choices:
        if one.type in _ORDERS and one.pointer not in seen:
            seen.add(one.pointer)
            yield one
            if one.type in GROUPS:
                yield from _held_by(one, context, seen)


def _links(group: Json) -> Iterator[object]:
    """What the actions of a group refer to, those within others too."""
    for action in objects(group.get("action")):
        yield from items(action.get("resource"))
        yield from _links(action)


def with_unseen(order: Entry | None, sent: Pages, pointer: str, context: Context) -> Entry | None:
    """The order with an unknown drug for every draft that can't be read: what isn't seen isn't harmless."""
    unseen = [(place, "what may be a draft order can't be read") for place in sent.garbled]
    if sent.missing is not None:
        unseen.append((pointer, f"not all draft orders may have been sent: {sent.missing}"))
    for place, problem in unseen:
        context.say(place, "order-drug-unknown", problem, "send every draft order as a resource")
    if not unseen:
        return order
    made = order or {"id": "draft-order", "drugs": []}
    return {**made, "drugs": [*made["drugs"], *({} for _ in unseen)]}
