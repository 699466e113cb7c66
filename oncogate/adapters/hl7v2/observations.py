"""OBX → laboratory results and vital signs."""

from __future__ import annotations

from oncogate.adapters.fhir.reports import not_a_result
from oncogate.adapters.hl7v2.codes import codings_of
from oncogate.adapters.hl7v2.groups import OrderGroup
from oncogate.adapters.hl7v2.segments import Segment
from oncogate.adapters.hl7v2.taking import Entry, Taking
from oncogate.adapters.hl7v2.times import UnreadTime
from oncogate.adapters.hl7v2.values import UnreadValue, read_values, says_nothing, says_number

_STATUSES = {
    "F": "final", "V": "final", "U": "final", "C": "corrected", "A": "amended", "B": "amended",
    "P": "preliminary", "R": "preliminary", "S": "preliminary", "I": "registered", "X": "cancelled",
    "D": "entered-in-error", "W": "entered-in-error",
}  # fmt: skip
"""HL7 table 0085. U declares final what was sent before; D and W take a result back."""
_NO_RESULT = frozenset({"O", "N"})
"""An answer to a question of the order, and what wasn't asked for: no results."""
_REPORT_STATUSES = {
    "F": "final", "C": "corrected", "P": "preliminary", "A": "preliminary", "R": "preliminary", "I": "registered",
    "O": "registered", "S": "registered", "X": "cancelled",
}  # fmt: skip
"""HL7 table 0123, for a result that has no status of its own."""
_FINAL = frozenset({"final", "corrected", "amended"})
_LENIENT = frozenset({"cancelled", "registered", "entered-in-error"})
"""Statuses by which a result counts for nothing, whenever it was: its time need not be readable."""


def read_observation(obx: Segment, group: OrderGroup, taking: Taking) -> None:
    """Take the result of an OBX, once for each section in which facts look for its codes."""
    said = obx.text(11).upper()
    if said in _NO_RESULT or (not said and group.is_order):
        return
    codes = codings_of(obx.first(3))
    codes = taking.with_known(codes)
    key = group.key(obx)
    sections = _sections(codes, taking)

    def unread(position: int, problem: str) -> None:
        for section in sections:
            taking.unread(section, obx, position, problem, codes, key)

    if not codes:
        _without_code(obx, group, taking)
        return
    status = _status(said, group.report_status)
    if status is None:
        unread(11, f"`{said[:20]}` isn't a status of a result" if said else "the result says no status")
        return
    if status == "entered-in-error" and key is None:
        unread(11, "a result is taken back, and no order number says which")
        return
    entry: Entry = {"codes": codes, "status": status}
    if key is not None:
        entry |= {"key": key, "source": key}
    try:
        entry |= _times(obx, group, status, taking)
    except UnreadTime as error:
        unread(14 if obx.raw(14) else 0, str(error))
        return
    try:
        values = read_values(obx)
    except UnreadValue as error:
        unread(5, str(error))
        return
    confirms = said == "U" and values == [{}]
    for number, value in enumerate(values, 1):
        made = {**entry, **value}
        if status in _FINAL and taking.only_done(codes):
            text = value.get("text") or ""
            made["status"] = not_a_result(text) or ("cancelled" if says_nothing(text) else status)
        suffix = f"#{number}" if len(values) > 1 else ""
        for section in sections:
            taking.add(section, obx, made, suffix=suffix, confirms=confirms)


def _without_code(obx: Segment, group: OrderGroup, taking: Taking) -> None:
    """A line of a narrative is part of what was requested (OBR-4) and can hide no more; a number may be anything."""
    said = obx.whole(5)
    if not said:
        return
    number = obx.text(2).upper() in ("NM", "SN") or says_number(said)
    requested = codings_of(group.request.first(4)) if group.request and not number else []
    for section in _sections(requested, taking):
        taking.unread(section, obx, 3, "the result says no code", requested)


def _sections(codes: list[dict[str, str]], taking: Taking) -> tuple[str, ...]:
    found = {section for asked in taking.asked(codes) for section in asked.sections}
    return tuple(sorted(found)) or (("labs",) if codes else ("labs", "vitals"))


def _status(said: str, of_report: str) -> str | None:
    if not said:
        return _REPORT_STATUSES.get(of_report)
    status = _STATUSES.get(said)
    # a corrected report says its results again, each as it now is
    return "corrected" if status == "final" and of_report == "C" else status


def _times(obx: Segment, group: OrderGroup, status: str, taking: Taking) -> Entry:
    """`effective` and `recorded`; raises `UnreadTime` where a result that may count has none that can be read."""
    made: Entry = {"recorded": group.reported(taking)}
    said = obx.text(14) or group.collected
    try:
        if not said:
            raise UnreadTime("the result says no time")
        made["effective"] = taking.time(said)
    except UnreadTime:
        if status not in _LENIENT:
            raise
    return made
