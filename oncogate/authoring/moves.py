"""One value moved in a `given`: a number to each side of a limit, a time over the edge of a window, a word, a drug."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from oncogate.authoring.around import A_DAY, UNRECOGNISED, Around, Limit, Span, step_of
from oncogate.authoring.examples import AT, QUANTITY
from oncogate.authoring.places import places, put, written
from oncogate.base.times import go_back, write_time
from oncogate.model.facts import Measured
from oncogate.model.record import PatientRecord
from oncogate.packs.leaves import Place

Given = Mapping[str, Any]
Move = tuple[str, Given]
"""What was moved, in words, and the given with it moved."""
Other = tuple[str, Any]
"""What was moved, in words, and what stands there now."""

TIMED = frozenset({"age", "in", "recorded_in", "effective", "recorded"})
"""The keys of an entry that say when it was."""
_NOT_MOVED = TIMED - {"effective", "recorded"} | {"value", "unit", "fact", "id", "system", "code", "problem"}
"""Keys that are moved with the entry that they stand in, or that aren't compared."""
_TIMES = frozenset({"effective", "recorded", "planned", "ordered", "birth_date"})


def value_moves(given: Given, around: Around) -> Iterator[Move]:
    """Every given in which one value is another."""
    for place, value in places(given):
        if place[0] not in ("at", "first_line", "unread") and not isinstance(value, (Mapping, list)):
            for about, new in _in_place(place, value, given, around):
                yield f"{about} at `{written(place)}`", put(given, place, new)
    for place, entry, fact in entries(given, around):
        for about, new in _of_an_entry(place, entry, fact, around):
            yield f"{about} at `{written(place)}`", put(given, place, new)


def entries(given: Given, around: Around) -> Iterator[tuple[Place, Mapping[str, Any], str]]:
    """The entries of the record, each with the fact that it is a measurement of, if it's given so."""
    facts = around.library.facts
    for key, value in given.items():
        if key in facts:
            yield (key,), dict(value) if isinstance(value, Mapping) else {"value": value}, key
        elif key in PatientRecord.SECTIONS and isinstance(value, list):
            for index, entry in enumerate(value):
                yield (key, index), entry, str(entry.get("fact", ""))


def section_of(place: Place, fact: str) -> str:
    """The section in which an entry stands; a fact given by its name is a laboratory result."""
    return "labs" if fact and place == (fact,) else str(place[0])


# -- one value ---------------------------------------------------------------------------------------


def _in_place(place: Place, value: Any, given: Given, around: Around) -> Iterator[Other]:
    key = next(str(part) for part in reversed(place) if isinstance(part, str))
    if key in _NOT_MOVED or key in around.library.facts:
        return
    if key == "tumour":
        tumours = around.library.tables.tumours
        yield from ((f"`{t}`", t) for t in (*(w for w in around.words if w in tumours), *list(tumours)[:2]))
    elif key == "order" or (key == "name" and "drugs" in place):
        drugs = (*around.drugs.values(), *around.other_drugs, UNRECOGNISED)
        yield from ((f"`{name}` for `{value}`", name) for name in dict.fromkeys(drugs))
    elif key in _TIMES and isinstance(value, str):
        for window in around.windows("" if key == "birth_date" else str(place[0])):
            for ahead in (False, True):
                yield from times_around(window, ahead=ahead, day=key == "birth_date")
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        yield from _one_step(Decimal(value))
        yield from (other for limit in around.loose for other in _either_side(limit))
    elif isinstance(value, str) and place[0] in PatientRecord.SECTIONS and len(place) == 3:
        entry = given[str(place[0])][int(place[1])]
        words = around.words_of(str(place[0]), key, entry.get("kind"), entry.get("fact"))
        yield from ((f"`{word}`", word) for word in words if word != value)


def _one_step(value: Decimal) -> Iterator[tuple[str, Decimal]]:
    yield "one step above", value + step_of(value)
    yield "one step below", value - step_of(value)


def _either_side(number: Limit) -> Iterator[tuple[str, Decimal]]:
    name, limit, _ = number
    yield f"on `{name}`", limit
    yield f"one step below `{name}`", limit - step_of(limit)
    yield f"one step above `{name}`", limit + step_of(limit)


# -- one entry ---------------------------------------------------------------------------------------


def _of_an_entry(place: Place, entry: Mapping[str, Any], fact: str, around: Around) -> Iterator[Other]:
    """The entry at other times, and with other values."""
    section = section_of(place, fact)
    windows = around.windows(section, fact, entry.get("kind"))
    untimed = {k: v for k, v in entry.items() if k not in TIMED}
    yield from ((about, {**untimed, "age": age}) for about, age in ages(windows))
    if section == "orders":
        for window in (*windows, A_DAY):
            times = times_around(window, ahead=True)
            yield from ((f"planned {about}", {**entry, "planned": time}) for about, time in times)
    measured = around.library.facts[fact].measured if fact in around.library.facts else None
    if measured is not None:
        number, unit = number_of(entry, measured)
        bare = {k: v for k, v in entry.items() if k != "unit"}
        steps = (
            [(about, f"{value} {unit}") for about, value in _one_step(number)] if number is not None else []
        )
        for about, value in (*steps, *round_limits(fact, measured, around)):
            yield about, {**bare, "value": value}


def number_of(entry: Mapping[str, Any], measured: Measured) -> tuple[Decimal | None, str]:
    """The number that an entry gives, if it gives one, and its unit as written."""
    said = entry.get("value")
    found = QUANTITY.fullmatch(said.strip()) if isinstance(said, str) else None
    number = Decimal(found[2]) if found else Decimal(said) if isinstance(said, (int, Decimal)) else None
    return number, found[3] if found else str(entry.get("unit") or measured.unit)


def round_limits(fact: str, measured: Measured, around: Around) -> Iterator[tuple[str, str]]:
    """Values on each limit that the fact is compared with, on both sides of it, and an unremarkable one."""
    for limit in around.limits(fact, measured.unit):
        yield from ((about, f"{value} {measured.unit}") for about, value in _either_side(limit))
    yield "typical", f"{measured.typical} {measured.unit}"


def ages(windows: Iterable[Span]) -> Iterator[tuple[str, str]]:
    """Spans of time on the edge of each window and one of its unit outside."""
    for name, count, unit in windows:
        yield f"on the edge of `{name}`", f"{count} {unit}"
        yield f"one step outside `{name}`", f"{count + 1} {unit}"


def times_around(window: Span, *, ahead: bool, day: bool = False) -> Iterator[tuple[str, str]]:
    """Moments at the edge of a window before or after the decision's, and one of its unit to either side."""
    name, count, unit = window
    for about, moved in (("on the edge of", 0), ("one step inside", -1), ("one step outside", 1)):
        time = go_back(AT, (count + moved) * (-1 if ahead else 1), unit)
        yield f"{about} `{name}`", time.date().isoformat() if day else write_time(time)
