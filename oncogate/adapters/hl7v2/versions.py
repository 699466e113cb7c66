"""What later messages say of earlier ones: versions of results, the state of orders, the record as it stands.

Results keep all their versions: the engine judges which one stands at its moment, by key, status and
`recorded`. Of orders, diagnoses and allergies, which are said again with every change, the last state stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

from oncogate.adapters.hl7v2.taking import Entry, Item
from oncogate.base.times import Time, instant, write_time
from oncogate.model.record import PatientRecord

_RESULTS = frozenset({"labs", "vitals"})
_VALUE = ("value", "text", "conflict")
_TAKEN_BACK = frozenset({"entered-in-error", "cancelled"})
_TICK = timedelta(microseconds=1)
_ORIGIN = datetime(1, 1, 2, tzinfo=timezone.utc)


def record_of(patient: str, items: Iterable[Item], at: datetime | None = None) -> dict[str, Any]:
    """The record of a patient from items in the order of their arrival; with `at`, as it was known then.

    A section of which nothing was said is left out: not supplied.
    """
    known = [item for item in map(_no_later_than_its_arrival, items) if at is None or _recorded(item) <= at]
    made: dict[str, Any] = {"patient": _person(patient, known)}
    marks = [item for item in known if item.section == "unread"]
    read: list[Item] = []
    for section in PatientRecord.SECTIONS:
        versions = _versions([item for item in known if item.section == section])
        marks += [_unconfirmed(v) for v in versions if v.confirms]
        versions = [v for v in versions if not v.confirms]
        entries = [v.entry for v in versions] if section in _RESULTS else _last_states(versions)
        read += versions
        if entries:
            made[section] = [{**entry, "patient": patient} for entry in entries]
    unread = [mark.entry for mark in marks if not _settled(mark, read)]
    return made | ({"unread": unread} if unread else {})


def _person(patient: str, known: Sequence[Item]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for item in sorted((i for i in known if i.section == "patient"), key=_recorded):
        said |= item.entry
    return {key: value for key, value in {**said, "id": patient}.items() if value is not None}


# -- when --------------------------------------------------------------------------------------------


def _time(written: str) -> Time:
    # of what is written here, which is canonical; `read_time` reads what others write, and takes its time
    return (
        date.fromisoformat(written) if len(written) == len("2026-03-02") else datetime.fromisoformat(written)
    )


def _moment(time: str) -> datetime:
    return instant(_time(time), _ORIGIN)


def _recorded(item: Item) -> datetime:
    said = item.entry.get("recorded") or item.said
    return _moment(said) if said else _ORIGIN


def _no_later_than_its_arrival(item: Item) -> Item:
    """A sender's clock may be ahead; nothing is recorded after it arrived. Nor is a day finer than its arrival."""
    said = item.entry.get("recorded")
    if said is None or item.arrived is None:
        return item
    recorded: Time = _time(said)
    if isinstance(recorded, datetime) and recorded <= item.arrived:
        return item
    if not isinstance(recorded, datetime) and recorded != item.arrived.date():
        return item
    return replace(item, entry={**item.entry, "recorded": write_time(item.arrived)})


# -- versions ----------------------------------------------------------------------------------------


def _versions(items: Sequence[Item]) -> list[Item]:
    """The items with those left out that only repeat the version before them, and confirmed values filled in.

    Two messages may say the same time: what arrived later is then recorded a microsecond later.
    """
    last: dict[str, list[Item]] = {}
    kept: list[Item] = []
    for item in sorted(items, key=_recorded):
        before = last.setdefault(item.key, []) if item.key is not None else []
        if item.confirms:
            item = _confirmed(item, before)  # noqa: PLW2901
        if before and _repeats(item, before):
            continue
        version = _after(item, before[-1]) if before else item
        before.append(version)
        kept.append(version)
    return kept


def _repeats(item: Item, before: Sequence[Item]) -> bool:
    """Whether the message before says the same; what one message says twice, it says twice."""
    last = before[-1].message
    return item.message != last and any(
        _content(item) == _content(one) for one in before if one.message == last
    )


def _content(item: Item) -> Entry:
    return {
        key: value for key, value in item.entry.items() if key not in ("id", "source", "recorded", "patient")
    }


def _after(item: Item, before: Item) -> Item:
    time = _recorded(before) + (_TICK if item.message != before.message else timedelta())
    if _recorded(item) >= time or not isinstance(_time(before.entry["recorded"]), datetime):
        return item
    return replace(item, entry={**item.entry, "recorded": write_time(time)})


def _confirmed(item: Item, before: Sequence[Item]) -> Item:
    """The value that is declared final: that of the version before, unless the result was taken back since."""
    found: Item | None = None
    for one in before:
        if one.entry["status"] in _TAKEN_BACK:
            found = None
        elif any(name in one.entry for name in _VALUE):
            found = one
    if found is None:
        return item
    value = {name: found.entry[name] for name in _VALUE if name in found.entry}
    return replace(item, entry={**item.entry, **value}, confirms=False)


def _unconfirmed(item: Item) -> Item:
    problem = "a result is declared final, and the result itself isn't on record"
    entry = {
        "section": item.section,
        "problem": problem,
        "source": item.entry["id"],
        "codes": item.entry["codes"],
    }
    return replace(item, section="unread", entry=entry, confirms=False)


def _last_states(versions: Sequence[Item]) -> list[Entry]:
    """The last state of each thing that has a key; what a change doesn't say again stays as it was."""
    states: dict[str, dict[str, Entry]] = {}
    for number, version in enumerate(versions):
        entry = version.entry
        mine = states.setdefault(version.key or f"#{number}", {})
        said = (
            repr((entry.get("codes"), entry.get("drugs"))) if entry.get("codes") or entry.get("drugs") else ""
        )
        changed = [said] if said or not mine else list(mine)
        for name in changed:
            old = mine.get(name) or mine.pop("", {})
            first = {"effective": old["effective"]} if "effective" in old else {}
            mine[name] = {**old, **entry, **first}
    return [entry for mine in states.values() for entry in mine.values()]


def _settled(mark: Item, read: Sequence[Item]) -> bool:
    """Whether what a mark may hide is known by now: it was said again, or a newer result of its codes was read."""
    codes = {(c.get("system"), c.get("code")) for c in mark.entry.get("codes", ())}
    since = _moment(mark.said) if mark.said else None
    for item in read:
        if mark.key is not None and item.key == mark.key and item.message > mark.message:
            return True
        own = {(c.get("system"), c.get("code")) for c in item.entry.get("codes", ())}
        effective = item.entry.get("effective")
        if item.entry.get("status") not in ("final", "corrected", "amended"):
            continue
        if codes & own and since is not None and effective is not None and _moment(effective) > since:
            return True
    return False
