"""Probes: concrete requests around a rule, each with one thing moved.

The bases are the givens of the rule's own examples, the bare order that the rule asks for, and that order with an
entry of each fact that it turns on. Nothing here knows what the rule says of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from oncogate.authoring.around import UNRECOGNISED, Around
from oncogate.authoring.examples import UNUSABLE, request_of
from oncogate.authoring.form_moves import form_moves
from oncogate.authoring.moves import Given, value_moves
from oncogate.authoring.places import places, written
from oncogate.model.condition import Drugs
from oncogate.model.facts import Fact
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.leaves import classes_of_leaf, leaves
from oncogate.packs.pack import Library

ALIKE = 10
"""Bases that differ in their values alone, of which each is varied; more of them tell little more."""


@dataclass(frozen=True)
class Probe:
    """A request near a rule's limits; `given` is as in an example, `about` says in words what was moved."""

    given: Given
    about: str


def probes(rule: Rule, library: Library) -> Iterator[Probe]:
    """Requests around `rule`, the smallest first, always the same; none that `request_of` refuses."""
    return (probe for probe, _ in probes_with_requests(rule, library))


def probes_with_requests(rule: Rule, library: Library) -> Iterator[tuple[Probe, Request]]:
    """The probes, each with the request that its `given` stands for."""
    around = Around(rule, library)
    found: dict[str, Probe] = {}
    seen: Counter[str] = Counter()
    for base in _bases(around):
        if _request(base.given, library) is None:
            continue
        found.setdefault(_text(base.given), base)
        form = _form(base.given)
        moved = [value_moves(base.given, around)] if seen[form] < ALIKE else []
        moved += [] if seen[form] else [form_moves(base.given, around)]
        seen[form] += 1
        for about, given in chain(*moved):
            found.setdefault(_text(given), Probe(given, about))
    for _, probe in sorted(found.items(), key=lambda item: (len(item[0]), item[0])):
        request = _request(probe.given, library)
        if request is not None:
            yield probe, request


def _request(given: Given, library: Library) -> Request | None:
    try:
        return request_of(given, library)
    except UNUSABLE:
        return None


def _text(given: Given) -> str:
    return json.dumps(given, ensure_ascii=False, sort_keys=True, default=str)


def _form(given: Given) -> str:
    """What the given consists of, whatever its values."""
    return " ".join(f"{written(place)}{'-' if value is None else ''}" for place, value in places(given))


def _bases(around: Around) -> Iterator[Probe]:
    yield Probe({}, "nothing given")
    bare: dict[str, Any] = {"order": _bare_order(around)}
    tumour = next((e.given["tumour"] for e in around.rule.examples if "tumour" in e.given), None)
    if tumour is None:
        tumour = next(iter(around.library.tables.tumours), None)
    yield Probe(bare, "the bare order")
    yield Probe(
        {**bare, "order": {"drugs": [{"name": UNRECOGNISED}], "kind": "chemotherapy"}},
        "an order of a drug that isn't recognised",
    )
    yield Probe(
        {**bare, "order": {"drugs": [], "kind": "chemotherapy"}},
        "an order marked as anti-tumour without a drug",
    )
    if tumour is not None:
        bare = {**bare, "tumour": tumour}
    yield Probe(bare, "the bare order with a tumour")
    entries = [entry for name, fact in around.facts.items() if (entry := _entry(name, fact, around))]
    for entry in entries:
        yield Probe(_with(bare, entry), f"the bare order with {_named(entry)}")
    full: Given = bare
    for entry in entries:
        full = _with(full, entry)
    yield Probe(full, "the bare order with everything that the rule asks for")
    yield from (Probe(e.given, f"example `{e.name}`") for e in around.rule.examples)


def _named(entry: Given) -> str:
    return next(iter(entry))


def _with(given: Given, entry: Given) -> Given:
    made = dict(given)
    for key, value in entry.items():
        made[key] = [*made[key], *value] if key in made and isinstance(value, list) else value
    return made


def _bare_order(around: Around) -> Any:
    """The drugs that `when` asks for, with the route and dose that it asks for."""
    parameters = around.rule.parameters
    drugs: dict[str, dict[str, Any]] = {}
    for where, leaf in leaves(around.rule):
        if where[0] != "when" or not isinstance(leaf, Drugs) or leaf.none_of:
            continue
        names = [around.drugs[c] for c in classes_of_leaf(leaf, parameters) if c in around.drugs]
        for name in names[:1]:
            drug = drugs.setdefault(name, {"name": name})
            dose = leaf.dose_at_least or leaf.dose_above
            if dose is not None:
                drug |= {"dose": parameters[dose].value, "unit": parameters[dose].unit}
            if leaf.route is not None and isinstance(routes := parameters[leaf.route].value, tuple):
                drug["route"] = routes[0]
    if not drugs and around.other_drugs:
        drugs = {around.other_drugs[0]: {"name": around.other_drugs[0]}}
    plain = all(list(drug) == ["name"] for drug in drugs.values())
    return list(drugs) if plain else {"drugs": list(drugs.values())}


def _entry(name: str, fact: Fact, around: Around) -> Given:
    """An entry that is likely to count for the fact; empty where nobody can say what one looks like."""
    if not fact.sections:
        return {}
    section = fact.sections[0]
    if fact.measured is not None and fact.codes:
        return {section: [{"fact": name, "value": f"{fact.measured.typical} {fact.measured.unit}"}]}
    word = {fact.vocabulary.field: next(iter(fact.vocabulary.values))} if fact.vocabulary else {}
    if fact.codes:
        return {section: [{"fact": name, **word}]}
    if fact.icd10:
        return {section: [{"code": fact.icd10[0]}]}
    if fact.stage is not None:
        tumours = around.library.tables.tumours.values()
        return {section: [{"stage": next((t.sample_stage for t in tumours), ""), "kind": fact.stage}]}
    drugs = [around.drugs[cls] for cls in fact.drugs if cls in around.drugs]
    if drugs:
        return {section: [{"drugs": [{"name": drugs[0]}]}]}
    return {section: [{**({"kind": fact.kinds[0]} if fact.kinds else {}), **word}]}
