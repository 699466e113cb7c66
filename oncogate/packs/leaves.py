"""The leaves of a rule or of a derived fact, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oncogate.model.condition import All, AnyOf, AtLeastN, Drugs, Leaf, Not
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Rule

Place = tuple[str | int, ...]


def conditions(owner: Rule | Fact) -> Iterator[tuple[Place, Any]]:
    """The conditions that a rule or a derived fact is made of, at the top of its trees."""
    yield from _numbered(("when",), owner.when or ())
    if isinstance(owner, Rule):
        yield from _numbered(("require",), owner.require or ())
        return
    for index, branch in enumerate(owner.cases):
        yield from _numbered(("cases", index, "when"), branch.when or ())
    for index, item in enumerate(owner.points):
        yield from _numbered(("points", index, "when"), item.when)


def leaves(owner: Rule | Fact) -> Iterator[tuple[Place, Leaf]]:
    """The leaves of a rule or of a derived fact with their places in the file."""
    for where, condition in every_condition(owner):
        if isinstance(condition, Leaf):
            yield where, condition


def every_condition(owner: Rule | Fact) -> Iterator[tuple[Place, Any]]:
    """Every condition, the trees before what they hold."""
    for where, condition in conditions(owner):
        yield from _walk(where, condition)


def facts_of(owner: Rule | Fact, facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """The facts that a rule or a derived fact asks for, and those that these ask for."""
    found: dict[str, None] = {}
    waiting: list[Rule | Fact] = [owner]
    while waiting:
        for _, leaf in leaves(waiting.pop()):
            for name in leaf.facts:
                if name in facts and name not in found:
                    found[name] = None
                    waiting.append(facts[name])
    return tuple(found)


def classes_asked(rule: Rule, facts: Mapping[str, Fact]) -> frozenset[str]:
    """The classes, groups and drugs that a rule asks for, by its leaves or by the facts that it rests on."""
    rests_on = [facts[name] for name in facts_of(rule, facts)]
    found = {name for fact in rests_on for name in fact.drugs}
    owners: list[Rule | Fact] = [rule, *rests_on]
    for owner in owners:
        for _, leaf in leaves(owner):
            if isinstance(leaf, Drugs):
                found |= set(classes_of_leaf(leaf, owner.parameters))
    return frozenset(found)


def options_of(leaf: Leaf, parameters: Mapping[str, Parameter]) -> Mapping[str, Parameter]:
    """The parameters that a leaf hands to its fact, by the fact's names."""
    return {name: parameters[ref] for name, ref in leaf.with_.items()} if leaf.with_ else {}


def classes_of_leaf(leaf: Drugs, parameters: Mapping[str, Parameter]) -> tuple[str, ...]:
    """The classes of `in`: the one named there, or those that the parameter lists."""
    if leaf.in_.startswith("drugs/"):
        return (leaf.in_.removeprefix("drugs/"),)
    value = parameters[leaf.in_].value
    return value if isinstance(value, tuple) else (str(value),)


def depth_of(owner: Rule | Fact, facts: Mapping[str, Fact], enough: int) -> int:
    """How many facts and trees of conditions stand inside each other below `owner`; counted no further than past `enough`."""
    deepest: dict[str, int] = {}
    waiting: list[tuple[Rule | Fact, int]] = [(owner, 0)]
    while waiting:
        above, depth = waiting.pop()
        for place, leaf in leaves(above):
            below = depth + 1 + sum(part in _TREES for part in place)
            if below > enough:
                return below
            for name in leaf.facts:
                if name in facts and below > deepest.get(name, 0):
                    deepest[name] = below
                    waiting.append((facts[name], below))
    return max(deepest.values(), default=0)


_TREES = ("all", "any", "of", "not")


def _numbered(where: Place, conditions: Iterable[Any]) -> Iterator[tuple[Place, Any]]:
    for index, condition in enumerate(conditions):
        yield (*where, index), condition


def _walk(where: Place, condition: Any) -> Iterator[tuple[Place, Any]]:
    yield where, condition
    inner: tuple[tuple[Place, Any], ...] = ()
    if isinstance(condition, All):
        inner = tuple(_numbered((*where, "all"), condition.all))
    elif isinstance(condition, AnyOf):
        inner = tuple(_numbered((*where, "any"), condition.any))
    elif isinstance(condition, AtLeastN):
        inner = tuple(_numbered((*where, "of"), condition.of))
    elif isinstance(condition, Not):
        inner = (((*where, "not"), condition.not_),)
    for place, one in inner:
        yield from _walk(place, one)
