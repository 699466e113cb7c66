"""ORC with OBR, RXO and RXC → other orders on record: examinations by code, drugs by name or code."""

from __future__ import annotations

from oncogate.adapters.fhir.access import number
from oncogate.adapters.hl7v2.codes import codings_of
from oncogate.adapters.hl7v2.groups import OrderGroup
from oncogate.adapters.hl7v2.segments import Segment
from oncogate.adapters.hl7v2.taking import Entry, Taking
from oncogate.adapters.hl7v2.times import UnreadTime
from oncogate.adapters.hl7v2.values import read_number

_CONTROLS = {
    **dict.fromkeys(("NW", "OK", "OA", "XO", "XX", "XR", "RL", "OE", "OR", "RO", "RU", "PA", "CH", "AF", "SN"), "active"),
    **dict.fromkeys(("CA", "OC", "CR", "DC", "OD", "DR", "RP", "RQ"), "cancelled"),
    **dict.fromkeys(("HD", "OH", "HR"), "on-hold"),
    **dict.fromkeys(("UA", "DE"), "not-done"),
    "RE": "completed",
}  # fmt: skip
"""HL7 table 0119. What was discontinued or replaced isn't ordered any more, as what was cancelled."""
_STATUSES = {
    "CA": "cancelled", "DC": "cancelled", "RP": "cancelled", "CM": "completed", "HD": "on-hold", "IP": "in-progress",
    "A": "in-progress", "SC": "active", "ER": "unknown",
}  # fmt: skip
"""HL7 table 0038, for messages that only say how an order stands (`SC`, `SR`)."""
_ROUTES = {
    "IV": "intravenous", "IVP": "intravenous", "PO": "oral", "SC": "subcutaneous", "SQ": "subcutaneous",
    "IM": "intramuscular", "IT": "intrathecal",
}  # fmt: skip


def read_order(group: OrderGroup, taking: Taking) -> None:
    """Take an order, or what became of one."""
    common = group.common
    if common is None:
        if group.request is not None:
            taking.unread("orders", group.request, 0, "an order without ORC doesn't say how it stands")
        return
    control = common.text(1).upper()
    status = _CONTROLS.get(control) or _STATUSES.get(common.text(5).upper())
    if status is None:
        taking.unread("orders", common, 1, f"`{control}` doesn't say how the order stands")
        return
    entry: Entry = {"status": status}
    key = group.number(2, 3)  # an order has the placer's from the start
    if key is not None:
        entry |= {"key": f"order/{key}", "source": key}
    try:
        entry |= {"recorded": taking.said(), "effective": taking.time(common.text(9) or taking.header.time)}
    except UnreadTime as error:
        taking.unread("orders", common, 9, str(error))
        return
    planned = _planned(group, taking)
    codes = taking.with_known(codings_of(group.request.first(4))) if group.request else []
    drugs = []
    for part in group.of("RXO", "RXC"):
        drug = _drug(part, group)
        if drug:
            drugs.append(drug)
        else:
            taking.unread("orders", part, 1, "doesn't say which drug")
    found = {"planned": planned, "codes": codes, "drugs": drugs}
    said_by = group.request or next(iter(group.of("RXO")), common)
    taking.add("orders", said_by, {**entry, **{name: part for name, part in found.items() if part}})


def _planned(group: OrderGroup, taking: Taking) -> str | None:
    """When it is to be done: TQ1-7, ORC-7.4, OBR-36."""
    said = [quantity.text(7) for quantity in group.of("TQ1")]
    said += [group.common.text(7, 4)] if group.common else []
    said += [group.request.text(36)] if group.request else []
    return next((time for one in said if (time := taking.readable(one)) is not None), None)


def _drug(part: Segment, group: OrderGroup) -> Entry:
    """A drug ordered (RXO), or a component of a mixture (RXC)."""
    code, least, unit = (1, 2, 4) if part.id == "RXO" else (2, 3, 4)
    coded = codings_of(part.first(code))
    first = next((c for c in coded if "code" in c), {})
    name = next((c["display"] for c in coded if "display" in c), None)
    drug: Entry = {k: first[k] for k in ("code", "system") if k in first} | ({"name": name} if name else {})
    most = part.text(3) if part.id == "RXO" else ""
    if not drug:
        return {}
    dose = number(read_number(part.text(least)))
    if dose is not None and most in ("", part.text(least)):
        measured = part.text(unit) or part.text(unit, 2)
        drug |= {"dose": dose} | ({"unit": measured} if measured else {})
    routes = {route.text(1).upper() for route in group.of("RXR")}
    if len(routes) == 1:
        said = routes.pop()
        drug["route"] = _ROUTES.get(said) or group.of("RXR")[0].text(1, 2) or said
    return {k: v for k, v in drug.items() if v != ""}
