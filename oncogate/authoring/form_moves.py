"""One thing taken from a `given` or added to it, or an entry of it made odd: late, unreadable, another patient's, doubled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from oncogate.authoring.around import A_DAY, UNRECOGNISED, Around, Span, step_of
from oncogate.authoring.examples import AT
from oncogate.authoring.moves import (
    TIMED,
    Given,
    Move,
    Other,
    ages,
    entries,
    number_of,
    round_limits,
    section_of,
    times_around,
)
from oncogate.authoring.places import DROPPED, places, put, written
from oncogate.base.times import go_back
from oncogate.model.facts import Measured
from oncogate.model.record import Entry, Patient, PatientRecord
from oncogate.model.values import Model
from oncogate.packs.leaves import Place

UNREADABLE = "furlong"
_STATUSES = frozenset(
    {"entered-in-error", "preliminary", "cancelled", "planned", "active", "stopped", "completed", "inactive", "rejected", "final", "resolved"}
)  # fmt: skip
"""Of each kind of status one: counted, not yet, no more, never."""


def form_moves(given: Given, around: Around) -> Iterator[Move]:
    """Every given from which one thing is taken, to which one is added, or in which one entry is odd."""
    for place, _ in places(given):
        yield f"without `{written(place)}`", put(given, place, DROPPED)
    yield from _sections(given, around)
    yield from _order(given, around)
    for place, value in places(given):
        if isinstance(value, str) and place[0] not in ("at", "first_line", "unread"):
            for about, new in _words(place, around):
                yield f"{about} at `{written(place)}`", put(given, place, new)
    for place, entry, fact in entries(given, around):
        for about, new in _odd(place, entry, fact, around):
            yield f"{about} at `{written(place)}`", put(given, place, new)
        yield from _another(given, place, entry, fact, around)


# -- sections and orders -----------------------------------------------------------------------------


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
    unknown, marked = {"name": UNRECOGNISED}, {**fields, "kind": "chemotherapy"}
    changed = {
        "an unrecognised drug beside": {**fields, "drugs": [*drugs, unknown]},
        "marked as chemotherapy": marked,
        "an unrecognised drug in a marked order": {**marked, "drugs": [unknown]},
        "an unrecognised drug beside, in a marked order": {**marked, "drugs": [*drugs, unknown]},
        "a marked order without drugs": {**marked, "drugs": []},
    }
    for window in (*around.windows("order"), A_DAY):
        for about, time in times_around(window, ahead=True):
            changed[f"the order planned {about}"] = {**fields, "planned": time}
    yield from ((about, {**given, "order": one}) for about, one in changed.items())


# -- words -------------------------------------------------------------------------------------------


def _words(place: Place, around: Around) -> Iterator[Other]:
    key = str(place[-1])
    if key in ("kind", "status", "sex"):
        words = (*_choices(place).get(key, ()), *(around.kinds if key == "kind" else ()))
    elif key in ("level", "result", "text", "route", "ward"):
        words = around.words
    else:
        return
    yield from ((f"`{word}`", word) for word in (*words, "something else"))


def _choices(place: Place) -> Mapping[str, tuple[str, ...]]:
    """The words that the fields of what stands at a place may have."""
    if place[0] == "patient":
        return _choices_of(Patient)
    if place[0] in ("order", "tumour") or len(place) > 3:
        return {}
    section = str(place[0]) if place[0] in PatientRecord.SECTIONS else "labs"
    return _choices_of(_entry_model(PatientRecord.model_fields[section].annotation))


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


def _entry_model(annotation: Any) -> type[Model]:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        return annotation
    return next((m for part in get_args(annotation) if (m := _entry_model(part)) is not Entry), Entry)


# -- one entry ---------------------------------------------------------------------------------------


def _odd(place: Place, entry: Mapping[str, Any], fact: str, around: Around) -> Iterator[Other]:
    """The entry as another patient's, of another status or kind, at odd times, or not to be read."""
    untimed = {k: v for k, v in entry.items() if k not in TIMED}
    yield "a little newer", {**untimed, "age": "30 min"}
    yield "in the future", {**untimed, "in": "1 h"}
    yield "recorded late", {**entry, "recorded_in": "3 d"}
    yield "another patient's", {**entry, "patient": "somebody else"}
    for key, words in _choices(place).items():
        if key not in entry:
            yield from ((f"{key} `{word}`", {**entry, key: word}) for word in words)
    windows = around.windows(section_of(place, fact), fact, entry.get("kind"))
    yield from ((about, {**untimed, "age": age}) for about, age in _inside(windows))
    measured = around.library.facts[fact].measured if fact in around.library.facts else None
    if measured is not None:
        bare = {k: v for k, v in entry.items() if k != "unit"}
        values = _odd_values(entry, fact, measured, around)
        yield from ((about, {**bare, "value": value}) for about, value in values)


def _inside(windows: Iterable[Span]) -> Iterator[tuple[str, str]]:
    for name, count, unit in windows:
        edge = (AT - go_back(AT, count, unit)).total_seconds() // 60
        yield f"one step inside `{name}`", f"{max(count - 1, 0)} {unit}"
        yield f"a minute outside `{name}`", f"{int(edge) + 1} min"


def _odd_values(
    entry: Mapping[str, Any], fact: str, measured: Measured, around: Around
) -> Iterator[tuple[str, str]]:
    number, _ = number_of(entry, measured)
    if number is not None:
        yield "in no unit", f"{number}"
        yield "in an unreadable unit", f"{number} {UNREADABLE}"
    for name, limit, unit in around.limits(fact, measured.unit):
        yield f"censored below `{name}`", f"<{limit} {unit}"
        yield f"censored above `{name}`", f">{limit} {unit}"
    beyond = measured.plausible[1] + step_of(measured.plausible[1])
    yield "implausible", f"{beyond} {measured.unit}"


def _another(
    given: Given, place: Place, entry: Mapping[str, Any], fact: str, around: Around
) -> Iterator[Move]:
    """A second entry like the one at the place: newer, or as long ago as a window says; of a result also another value."""
    section = section_of(place, fact)
    measured = around.library.facts[fact].measured if fact in around.library.facts else None
    moments: list[tuple[str, Mapping[str, Any]]] = [("just after", {"age": "30 min"})]
    if measured is None:
        windows = around.windows(section, fact, entry.get("kind"))
        values = [("", {k: v for k, v in entry.items() if k not in (*TIMED, "id")})]
    else:
        windows, rows = around.quiet, round_limits(fact, measured, around)
        values = [(f" {about}", {"fact": fact, "value": value}) for about, value in rows]
        moments.append(("of the same moment", {k: v for k, v in entry.items() if k in TIMED}))
    moments += [(f"{about} before", {"age": age}) for about, age in (*ages(windows), *_inside(windows))]
    for about, one in values:
        for when, times in moments:
            beside = [*(given.get(section) or ()), {**one, **times}]
            yield f"another of `{fact or section}`{about} {when}", {**given, section: beside}
