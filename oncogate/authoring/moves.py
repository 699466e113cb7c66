"""One thing moved in a `given`: every number, time, word, drug, entry and section of it, and what could be beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from oncogate.authoring.around import A_DAY, UNRECOGNISED, Around, Limit, Span, step_of
from oncogate.authoring.examples import AT
from oncogate.authoring.places import DROPPED, places, put, written
from oncogate.base.times import go_back, write_time
from oncogate.model.facts import Measured
from oncogate.model.record import Entry, Patient, PatientRecord
from oncogate.model.values import Model
from oncogate.packs.leaves import Place

Given = Mapping[str, Any]
Move = tuple[str, Given]
"""What was moved, in words, and the given with it moved."""

_NUMBER_AND_UNIT = re.compile(r"([<>]=?)?\s*([0-9.]+)\s*(.*)")
_UNREADABLE = "furlong"
_TIMES = frozenset({"effective", "recorded", "planned", "ordered", "birth_date"})
_SPANS = frozenset({"age", "in", "recorded_in"})
_STATUSES = frozenset(
    {"entered-in-error", "preliminary", "cancelled", "planned", "active", "stopped", "completed", "inactive", "rejected", "final", "resolved"}
)  # fmt: skip
"""Of each kind of status one: counted, not yet, no more, never."""
_BY_ENTRY = _SPANS | {"value", "unit", "fact", "id", "system"}
"""Keys that are moved with the entry that they stand in, or that say nothing by themselves."""


def value_moves(given: Given, around: Around) -> Iterator[Move]:
    """Every given in which one number, time, word or drug is another."""
    for place, value in places(given):
        if place[0] in ("at", "first_line", "unread"):
            continue
        for about, new in _in_place(place, value, around):
            yield f"{about} at `{written(place)}`", put(given, place, new)
    for place, entry, fact in _entries(given, around):
        for about, new in _values_of_an_entry(place, entry, fact, around):
            yield f"{about} at `{written(place)}`", put(given, place, new)


def form_moves(given: Given, around: Around) -> Iterator[Move]:
    """Every given from which one thing is taken, to which one is added, or in which an entry is of another standing."""
    for place, _ in places(given):
        yield f"without `{written(place)}`", put(given, place, DROPPED)
    yield from _sections(given, around)
    yield from _order(given, around)
    for place, entry, fact in _entries(given, around):
        for about, new in _standings_of_an_entry(place, entry):
            yield f"{about} at `{written(place)}`", put(given, place, new)
        yield from _another(given, place, entry, fact, around) if fact else ()


# -- entries ----------------------------------------------------------------------------------------


def _entries(given: Given, around: Around) -> Iterator[tuple[Place, Any, str]]:
    """The entries of the record, each with the fact that it is a measurement of, if it's given so."""
    facts = around.library.facts
    for key, value in given.items():
        if key in facts:
            yield (key,), dict(value) if isinstance(value, Mapping) else {"value": value}, key
        elif key in PatientRecord.SECTIONS and isinstance(value, list):
            for index, entry in enumerate(value):
                yield (key, index), entry, str(entry.get("fact", ""))


# -- sections and orders ----------------------------------------------------------------------


def _sections(given: Given, around: Around) -> Iterator[Move]:
    facts = around.library.facts
    held = {s for key in given if key in facts for s in facts[key].sections}
    held |= {key for key in given if key in PatientRecord.SECTIONS}
    for section in dict.fromkeys((*around.sections, *sorted(held))):
        without = {k: v for k, v in given.items() if k not in facts or section not in facts[k].sections}
        yield f"`{section}` not supplied", {**without, section: None}
        yield f"nothing in `{section}`", {**without, section: []}
        missing = [*given.get("unread", ()), {"section": section, "problem": "a page is missing"}]
        yield f"something unread in `{section}`", {**given, "unread": missing}


def _order(given: Given, around: Around) -> Iterator[Move]:
    order = given.get("order")
    if order is None:
        return
    fields: dict[str, Any] = (
        dict(order) if isinstance(order, Mapping) else {"drugs": [{"name": n} for n in order]}
    )
    drugs = list(fields.get("drugs", ()))
    for name in dict.fromkeys((*around.drugs.values(), *around.other_drugs)):
        more: Any = (
            [*order, name] if isinstance(order, list) else {**fields, "drugs": [*drugs, {"name": name}]}
        )
        yield f"`{name}` ordered too", {**given, "order": more}
    unknown = {"name": UNRECOGNISED}
    yield "an unrecognised drug beside", {**given, "order": {**fields, "drugs": [*drugs, unknown]}}
    marked = {**fields, "kind": "chemotherapy"}
    yield "marked as chemotherapy", {**given, "order": marked}
    yield "an unrecognised drug in a marked order", {**given, "order": {**marked, "drugs": [unknown]}}
    yield (
        "an unrecognised drug beside, in a marked order",
        {**given, "order": {**marked, "drugs": [*drugs, unknown]}},
    )
    yield "a marked order without drugs", {**given, "order": {**marked, "drugs": []}}
    for window in (*around.windows("order"), A_DAY):
        for about, time in _times_around(window, ahead=True):
            yield f"the order planned {about}", {**given, "order": {**fields, "planned": time}}


# -- one value ---------------------------------------------------------------------------------------


def _in_place(place: Place, value: Any, around: Around) -> Iterator[tuple[str, Any]]:
    """Other values of what stands at a place."""
    key = next(str(part) for part in reversed(place) if isinstance(part, str))
    if key in _BY_ENTRY or key in around.library.facts or isinstance(value, (Mapping, list)):
        return
    if key == "tumour":
        tumours = around.library.tables.tumours
        yield from ((f"`{t}`", t) for t in (*(w for w in around.words if w in tumours), *list(tumours)[:2]))
    elif (key == "name" and "drugs" in place) or key == "order":
        drugs = (*around.drugs.values(), *around.other_drugs, UNRECOGNISED)
        yield from ((f"`{name}` for `{value}`", name) for name in dict.fromkeys(drugs))
    elif key in _TIMES and isinstance(value, str):
        for window in around.windows("" if key == "birth_date" else str(place[0])):
            for ahead in (False, True):
                yield from _times_around(window, ahead=ahead, day=key == "birth_date")
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        yield from _numbers(Decimal(value), around)
    elif key in _choices(place):
        yield from ((f"`{word}`", word) for word in _choices(place)[str(key)])
    elif isinstance(value, str):
        kinds = around.kinds if key == "kind" else ()
        yield from ((f"`{word}`", word) for word in (*around.words, *kinds, "something else"))


def _numbers(value: Decimal, around: Around) -> Iterator[tuple[str, Any]]:
    yield "one step above", value + step_of(value)
    yield "one step below", value - step_of(value)
    for limit in around.loose:
        yield from _either_side(limit)


def _either_side(number: Limit) -> Iterator[tuple[str, Decimal]]:
    name, limit, _ = number
    yield f"on `{name}`", limit
    yield f"one step below `{name}`", limit - step_of(limit)
    yield f"one step above `{name}`", limit + step_of(limit)


def _values(entry: Mapping[str, Any], name: str, around: Around) -> Iterator[tuple[str, str]]:
    """Other values of a measurement: round each limit, censored, unreadable, implausible."""
    measured = around.library.facts[name].measured
    said = entry.get("value")
    found = _NUMBER_AND_UNIT.fullmatch(said.strip()) if isinstance(said, str) else None
    number = Decimal(found[2]) if found else Decimal(said) if isinstance(said, (int, Decimal)) else None
    unit = found[3] if found else entry.get("unit") or (measured.unit if measured else "")
    if number is not None:
        yield "one step above", f"{number + step_of(number)} {unit}"
        yield "one step below", f"{number - step_of(number)} {unit}"
        yield "in no unit", f"{number}"
        yield "in an unreadable unit", f"{number} {_UNREADABLE}"
    if measured is not None:
        yield from _round_limits(name, measured, around)
        for limit, value, unit in around.limits(name, measured.unit):
            yield f"censored below `{limit}`", f"<{value} {unit}"
            yield f"censored above `{limit}`", f">{value} {unit}"
        yield "implausible", f"{measured.plausible[1] + step_of(measured.plausible[1])} {measured.unit}"


def _round_limits(name: str, measured: Measured, around: Around) -> Iterator[tuple[str, str]]:
    unit = measured.unit
    for limit in around.limits(name, unit):
        yield from ((about, f"{value} {unit}") for about, value in _either_side(limit))
    yield "typical", f"{measured.typical} {unit}"


# -- one entry ---------------------------------------------------------------------------------------


def _values_of_an_entry(place: Place, entry: Any, fact: str, around: Around) -> Iterator[tuple[str, Any]]:
    """The entry at other times, and with other values."""
    section = "labs" if fact == place[0] else str(place[0])
    windows = around.windows(section, fact, entry.get("kind"))
    plain = {k: v for k, v in entry.items() if k not in (*_SPANS, "effective", "recorded")}
    yield from ((about, {**plain, "age": age}) for about, age in _ages(windows))
    if section == "orders":
        for window in (*windows, A_DAY):
            times = _times_around(window, ahead=True)
            yield from ((f"planned {about}", {**entry, "planned": time}) for about, time in times)
    if fact in around.library.facts:
        plain = {k: v for k, v in entry.items() if k != "unit"}
        yield from ((about, {**plain, "value": value}) for about, value in _values(entry, fact, around))


def _standings_of_an_entry(place: Place, entry: Any) -> Iterator[tuple[str, Any]]:
    """The entry of another patient, of another status or kind, or known only later."""
    plain = {k: v for k, v in entry.items() if k not in (*_SPANS, "effective", "recorded")}
    yield "a little newer", {**plain, "age": "30 min"}
    yield "in the future", {**plain, "in": "1 h"}
    yield "recorded late", {**entry, "recorded_in": "3 d"}
    yield "another patient's", {**entry, "patient": "somebody else"}
    for key, words in _choices(place).items():
        if key not in entry:
            yield from ((f"{key} `{word}`", {**entry, key: word}) for word in words)


def _another(given: Given, place: Place, entry: Any, fact: str, around: Around) -> Iterator[Move]:
    """A second result beside the one at the place: of the same moment, newer, or as long ago as a window says."""
    measured = around.library.facts[fact].measured
    if measured is None:
        return
    section = str(place[0]) if len(place) > 1 else "labs"
    times = {k: v for k, v in entry.items() if k in (*_SPANS, "effective", "recorded")}
    moments = [("of the same moment", times), ("just after", {"age": "30 min"})]
    moments += [(f"{about} before", {"age": age}) for about, age in _ages(around.quiet)]
    for about, value in _round_limits(fact, measured, around):
        for when, spans in moments:
            beside = [*(given.get(section) or ()), {"fact": fact, "value": value, **spans}]
            yield f"another {fact} {about} {when}", {**given, section: beside}


# -- times and words ---------------------------------------------------------------------------------


def _ages(windows: Iterable[Span]) -> Iterator[tuple[str, str]]:
    for name, count, unit in windows:
        edge = (AT - go_back(AT, count, unit)).total_seconds() // 60
        yield f"on the edge of `{name}`", f"{count} {unit}"
        yield f"one step inside `{name}`", f"{max(count - 1, 0)} {unit}"
        yield f"one step outside `{name}`", f"{count + 1} {unit}"
        yield f"a minute outside `{name}`", f"{int(edge) + 1} min"


def _times_around(window: Span, *, ahead: bool, day: bool = False) -> Iterator[tuple[str, str]]:
    name, count, unit = window
    for about, moved in (("on the edge of", 0), ("one step inside", -1), ("one step outside", 1)):
        time = go_back(AT, (count + moved) * (-1 if ahead else 1), unit)
        yield f"{about} `{name}`", time.date().isoformat() if day else write_time(time)


@lru_cache(maxsize=128)
def _choices_of(model: type[Model]) -> Mapping[str, tuple[str, ...]]:
    """The fields of a model that have a closed list of values."""
    found = {name: _literals(field.annotation) for name, field in model.model_fields.items()}
    told = {name: [w for w in words if name != "status" or w in _STATUSES] for name, words in found.items()}
    return {name: tuple(words) for name, words in told.items() if words}


def _literals(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(word for part in get_args(annotation) for word in _literals(part))


def _choices(place: Place) -> Mapping[str, tuple[str, ...]]:
    """The words that the fields of what stands at a place may have."""
    if place[0] == "patient":
        return _choices_of(Patient)
    section = "labs" if place[0] not in PatientRecord.SECTIONS else str(place[0])
    if place[0] in ("order", "tumour") or len(place) > 3:
        return {}
    return _choices_of(_entry_model(PatientRecord.model_fields[section].annotation))


def _entry_model(annotation: Any) -> type[Model]:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        return annotation
    return next((m for part in get_args(annotation) if (m := _entry_model(part)) is not Entry), Entry)
