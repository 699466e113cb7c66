"""A situation as the smallest request that brings it about, written as the `given` of an example; else in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from oncogate.authoring.around import UNRECOGNISED
from oncogate.authoring.examples import UNUSABLE, request_of
from oncogate.authoring.flow import flow
from oncogate.authoring.probes import probes_with_requests
from oncogate.authoring.prove.entries import Entries
from oncogate.authoring.prove.search import Situation, Source
from oncogate.authoring.prove.sources import Drugs, Free, Levels, Module, Numbers, Section
from oncogate.base.logic import Truth
from oncogate.engine.case import in_classes
from oncogate.model.facts import Fact
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.pack import Library

Claim = Callable[[Request], bool]
"""Whether a request, really judged, shows what it is meant to show."""

PROBES = 500
"""How many probes around a rule are tried."""

_STAGE = {"clinical": "cT2N1M0", "pathologic": "pT2N1M0"}
_TRUTH: Mapping[Truth, str] = {True: "true", False: "false", None: "unknown"}


def example_of(situation: Situation, library: Library, claim: Claim, *rules: Rule) -> str:
    """The `given` of a request that bears out the claim; else the situation in words.

    It is made for the situation; where that needs what a formula says, it is one of the probes around the rules.
    """
    states = expanded(situation)
    given = _given(states, library)
    try:
        if claim(request_of(given, library)):
            return f"`given: {flow(given)}`"
    except UNUSABLE:
        pass  # what the source says can't be written as an entry
    for probe, request in (p for rule in rules for p in islice(probes_with_requests(rule, library), PROBES)):
        if claim(request):
            return f"`given: {flow(probe.given)}`"
    said = [text for source, state in states if (text := _words(source, state))]
    return f"where {' and '.join(said)}" if said else "in every request"


def expanded(situation: Situation) -> list[tuple[Source, Any]]:
    """The sources with their states, those of derived facts that were walked by themselves too."""
    found: list[tuple[Source, Any]] = []
    for source, state in situation.states:
        if isinstance(source, Module):
            found += expanded(source.outcomes[(state,)])
        else:
            found.append((source, state))
    return found


def _given(states: list[tuple[Source, Any]], library: Library) -> dict[str, Any]:
    given: dict[str, Any] = {}
    sections: dict[str, list[Any]] = {}
    for source, state in states:
        if isinstance(source, Drugs):
            given["order"] = _order(source, state, library)
        elif isinstance(source, Section) and not state:
            given[source.section] = None
        elif isinstance(source, Entries):
            for section, entry in _entries(source, state, library):
                if entry is None:
                    given.setdefault(section, None)
                elif section in library.facts:
                    given[section] = entry
                else:
                    sections.setdefault(section, []).append(entry)
    return {**given, **{s: entries for s, entries in sections.items() if s not in given}}


def _order(source: Drugs, state: Any, library: Library) -> Any:
    ids = source.how[state]
    names = [UNRECOGNISED if not id else library.tables.drugs[id].label.zh for id in ids if id is not None]
    return {"kind": "chemotherapy", "drugs": [{"name": n} for n in names]} if None in ids else names


def _entries(source: Entries, state: Any, library: Library) -> list[tuple[str, Any]]:
    """What the record holds of the fact: by section an entry, `None` for one that isn't supplied."""
    fact = source.fact
    section = fact.sections[0]
    newest = state[1]
    how = sorted(source.how[state], key=lambda one: one[0])
    if any(not counted for _, counted in how):
        return [(section, None)]
    if fact.measured is not None and len(how) == 1:
        return [(source.fact_name, _plain(_measured(source, how[0][0], newest)))]
    made = []
    for age, _ in how:
        entry: dict[str, Any] = {}
        if fact.measured is not None:
            entry = {"fact": source.fact_name, **_measured(source, age, newest)}
        elif fact.codes:
            entry = {"fact": source.fact_name, **_words_of(fact, newest), **_age(source, age)}
        else:
            entry = {**_kind(fact, library), **_words_of(fact, newest), **_age(source, age)}
        made.append((section, entry))
    return made


def _measured(source: Entries, age: int, newest: Any) -> dict[str, Any]:
    measured = source.fact.measured
    assert measured is not None
    value: dict[str, Any] = {"value": measured.typical, "unit": measured.unit}
    if newest is None and source.compares:
        value["unit"] = "?"  # counted, but it can't be read
    elif newest is not None and newest[0] == age:
        (first, last), _ = newest[1]
        low, high = measured.plausible
        number = _inside(source.numbers, first, low, high)
        value = {"value": number, "unit": measured.unit}
        if first != last:
            value = {"value": f"<{_inside(source.numbers, last, low, high)} {measured.unit}"}
    return {**value, **_age(source, age)}


def _plain(fields: dict[str, Any]) -> Any:
    if set(fields) == {"value", "unit"}:
        return f"{fields['value']} {fields['unit']}"
    return fields


def _inside(numbers: Numbers, region: int, low: Decimal, high: Decimal) -> Decimal:
    """A plausible number of the region, with few digits."""
    at, odd = divmod(region, 2)
    cuts = numbers.cuts
    if odd or not cuts:
        return numbers.sample(region)
    first = max(low, cuts[at - 1]) if at else low
    last = min(high, cuts[at]) if at < len(cuts) else high
    middle = (first + last) / 2
    for digits in range(-3, 4):
        rounded = round(middle, digits) if digits else Decimal(round(middle))
        if first < rounded < last:
            return rounded.normalize() if digits > 0 else Decimal(int(rounded))
    return middle


def _age(source: Entries, age: int) -> dict[str, str]:
    """An age in the region between two windows: the edge that it is within, beyond the last a day more."""
    if source.due:
        return {}
    if age < 0 or (age == 0 and (not source.edges or source.edges[0] >= 60)):
        return {}
    edge = source.edges[age] if age < len(source.edges) else source.edges[-1] + 1440
    return {"age": f"{edge // 1440} d" if edge % 1440 == 0 else f"{edge} min"}


def _words_of(fact: Fact, newest: Any) -> dict[str, Any]:
    if fact.vocabulary is None:
        return {"text": "-"} if fact.codes else {}
    said = next(iter(fact.vocabulary.values))
    if newest is not None:
        said = next((word for word in sorted(newest[1], key=str) if word is not None), said)
    return {fact.vocabulary.field: said}


def _kind(fact: Fact, library: Library) -> dict[str, Any]:
    if fact.stage is not None:
        return {"stage": _STAGE[fact.stage], "kind": fact.stage}
    fields: dict[str, Any] = {"status": fact.counted[0]} if fact.counted else {}
    if fact.icd10:
        code = fact.icd10[0]
        return {**fields, "code": code if len(code) < 4 else f"{code[:3]}.{code[3:]}"}
    if fact.drugs and "treatments" in fact.sections[:1]:
        return {**fields, "kind": "drugs", "drugs": [{"name": _drug(fact, library)}]}
    if fact.drugs:
        return {**fields, "drugs": [{"name": _drug(fact, library)}]}
    return {**fields, "kind": fact.kinds[0]} if fact.kinds else fields


def _drug(fact: Fact, library: Library) -> str:
    wanted = frozenset(fact.drugs)
    return next(d.label.zh for d in library.tables.drugs.values() if in_classes(d, wanted))


def _words(source: Source, state: Any) -> str:
    """The state in words; empty where it is what a record with nothing in it would be in."""
    if isinstance(source, Levels):
        return f"{source.name} is {' or '.join(sorted(w or 'another' for w in state))}"
    if isinstance(source, Numbers):
        return f"{source.name} is {_range(source, state)}"
    if isinstance(source, Free):
        said = _TRUTH.get(state, str(state)) if state in _TRUTH else str(state)
        return f"{source.name} is {said}"
    if isinstance(source, Section):
        return "" if state else f"`{source.section}` isn't supplied"
    if isinstance(source, Drugs):
        ids = source.how[state]
        return f"the order holds {', '.join(i or 'an unrecognised drug' for i in ids)}" if ids else ""
    assert isinstance(source, Entries)
    how = source.how[state]
    if not how:
        return ""
    if any(not counted for _, counted in how):
        return f"`{source.fact_name}` isn't known"
    value = state[1][1] if state[1] is not None else None
    said = f" {_range(source.numbers, value[0])}" if value is not None and source.fact.measured else ""
    return f"`{source.fact_name}` is there{said}"


def _range(numbers: Numbers, span: Any) -> str:
    if span is None:
        return "unknown"
    first, last = span
    cuts = numbers.cuts
    if first == last and first % 2:
        return str(cuts[first // 2])
    low = "" if first == 0 else f"{'from' if first % 2 else 'above'} {cuts[(first - 1) // 2]}"
    high = "" if last == 2 * len(cuts) else f"{'up to' if last % 2 else 'below'} {cuts[last // 2]}"
    return " and ".join(part for part in (low, high) if part) or "any number"
