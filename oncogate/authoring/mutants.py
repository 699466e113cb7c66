"""Mutants: a rule, or a fact derived from conditions, with one thing in it changed.

A mutant is a fault that an author could have made. It's made in the plain data of the file, so that its name says what
an editor would see: `when[1] dropped`, `limit one step up`, `require[0] below for at_most`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oncogate.authoring.around import step_of
from oncogate.authoring.coverage import idle
from oncogate.authoring.lint import used_parameters
from oncogate.authoring.places import DROPPED, at, put, written
from oncogate.model.condition import COMPARISONS, All, AnyOf, Drugs, Exists, Latest, Leaf, Not
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Rule
from oncogate.packs.leaves import Place, conditions, every_condition

Edit = tuple[str, Place, Any]
"""A mutant's name, the place of what it changes, and the whole data with it changed."""

NEIGHBOURS = {
    "below": "at_most", "at_most": "below", "above": "at_least", "at_least": "above",
    "dose_above": "dose_at_least", "dose_at_least": "dose_above",
    "any_of": "all_of", "all_of": "any_of", "none_of": "any_of",
}  # fmt: skip
NARROWING = ("within", "older_than", "due_within", "since", "route", "route_other_than")
"""Keys of a leaf without which it asks for less."""
STRICTNESS = {"inform": 0, "warn": 1, "block": 2}
LOWER = {"block": "warn", "warn": "inform"}


@dataclass(frozen=True)
class Mutant:
    """A changed rule or fact. `where` is the place in the file of what is changed."""

    name: str
    where: Place
    owner: Rule | Fact


def mutants_of_rule(rule: Rule, data: Mapping[str, Any]) -> tuple[Mutant, ...]:
    """The mutants of a rule, by the plain data of its file; each has another name."""
    plain = {**data, "examples": []}
    edits = (*_edits(rule, plain), *_effects(rule, plain))
    return tuple(Mutant(name, where, Rule.model_validate(edited)) for name, where, edited in edits)


def mutants_of_fact(fact: Fact, data: Mapping[str, Any], handed: Collection[str] = ()) -> tuple[Mutant, ...]:
    """The mutants of a fact derived from conditions; a formula has none, nor has what is found in the record.

    `handed` are the parameters that whoever asks for the fact hands over: the fact's own values are of no use.
    """
    if not fact.derived or fact.derive is not None:
        return ()
    edits = _edits(fact, data, handed)
    return tuple(Mutant(name, where, Fact.model_validate(edited)) for name, where, edited in edits)


def _edits(owner: Rule | Fact, data: Mapping[str, Any], handed: Collection[str] = ()) -> Iterator[Edit]:
    used = used_parameters(owner) - set(handed)
    for name, parameter in owner.parameters.items():
        if name in used and not idle(owner, name):
            yield from _parameter(name, parameter, data)
    lists = dict.fromkeys(where[:-1] for where, _ in conditions(owner))
    for where in lists:
        if len(inner := at(data, where)) > 1:
            yield f"{written(where)} any for all", where, put(data, where, [{"any": inner}])
    every = dict(every_condition(owner))
    for where, condition in every.items():
        yield from _condition(where, condition, data)
        if isinstance(condition, Leaf):
            yield from _leaf(where, condition, data, _guards(where, every))
    for key in ("cases", "points"):
        listed = data.get(key) or ()
        for index in range(len(listed)) if len(listed) > 1 else ():
            yield f"{key}[{index}] dropped", (key, index), put(data, (key, index), DROPPED)


# -- parameters --------------------------------------------------------------------------------------


def _parameter(name: str, parameter: Parameter, data: Mapping[str, Any]) -> Iterator[Edit]:
    place: Place = ("parameters", name)
    for said, value in _values(parameter):
        # a mutant may stand outside of what a site may choose
        changed = {k: v for k, v in at(data, place).items() if k not in ("range", "choices")} | {
            "value": value
        }
        yield f"{name} {said}", (*place, "value"), put(data, place, changed)


def _values(parameter: Parameter) -> Iterator[tuple[str, Any]]:
    value = parameter.value
    if isinstance(value, bool):
        yield f"set to {str(not value).lower()}", not value
    elif isinstance(value, Decimal):
        yield "one step up", value + step_of(value)
        if value >= step_of(value):
            yield "one step down", value - step_of(value)
    elif isinstance(value, tuple):
        for item in value if len(value) > 1 else ():
            yield f"without {item}", [one for one in value if one != item]
    else:
        yield from ((f"set to {choice}", choice) for choice in parameter.choices or () if choice != value)


# -- conditions --------------------------------------------------------------------------------------


def _condition(where: Place, condition: Any, data: Mapping[str, Any]) -> Iterator[Edit]:
    name, said = written(where), at(data, where)
    if isinstance(where[-1], int) and len(at(data, where[:-1])) > 1:
        yield f"{name} dropped", where, put(data, where, DROPPED)
    if isinstance(condition, Not):
        yield f"{name} without not", where, put(data, where, said["not"])
    for kind, key, other in ((All, "all", "any"), (AnyOf, "any", "all")):
        if isinstance(condition, kind) and len(said[key]) > 1:
            yield f"{name} {other} for {key}", where, put(data, where, {other: said[key]})


def _guards(where: Place, every: Mapping[Place, Any]) -> Collection[tuple[str, str | None]]:
    """The facts, each with the window, without an entry of which nothing follows from the condition at `where`."""
    return frozenset(
        (one.exists, one.within)
        for place, one in every.items()
        if isinstance(one, Exists) and place[-2] in ("when", "require", "all")
        and place[:-1] in (where[: len(place) - 1], ("when",))
    )  # fmt: skip


def _leaf(
    where: Place, leaf: Leaf, data: Mapping[str, Any], guards: Collection[tuple[str, str | None]]
) -> Iterator[Edit]:
    name, said = written(where), at(data, where)
    for key in said:
        if key == "within" and isinstance(leaf, Latest) and (leaf.latest, leaf.within) in guards:
            continue  # where an entry is in the window, so is the newest: without `within` it's the same leaf
        if key in NEIGHBOURS and (key in COMPARISONS or isinstance(leaf, Drugs)):
            other = NEIGHBOURS[key]
            changed = {other if k == key else k: v for k, v in said.items()}
            yield f"{name} {other} for {key}", (*where, key), put(data, where, changed)
        if key in NARROWING or key.startswith("dose_"):
            yield f"{name} without {key}", (*where, key), put(data, (*where, key), DROPPED)


# -- what a rule asks for ----------------------------------------------------------------------------


def _effects(rule: Rule, data: Mapping[str, Any]) -> Iterator[Edit]:
    """Less asked for; what is asked in the other case stays as it was where the language can say so."""
    if rule.require is not None:
        yield "require dropped", ("require",), put(data, ("require",), DROPPED)
    if rule.effect in LOWER:
        lower = {**data, "effect": LOWER[rule.effect], "on_unknown": rule.if_unknown}
        yield f"effect {LOWER[rule.effect]} for {rule.effect}", ("effect",), lower
    for on_unknown in ("warn", None):
        softer = rule.model_copy(update={"on_unknown": on_unknown}).if_unknown
        if STRICTNESS[softer] < STRICTNESS[rule.if_unknown]:
            where: Place = ("on_unknown",) if rule.on_unknown else ("effect",)
            changed = put(data, ("on_unknown",), on_unknown or DROPPED)
            yield f"on_unknown {softer} for {rule.if_unknown}", where, changed
            return
