"""What the examples of a rule have shown: each leaf true, false and unknown, each number from both sides.

A leaf is *seen* at a place of the rule's file; the derived facts that a rule asks for are leaves of that rule, and
what stands inside them is covered by all rules that ask for them together. A number is shown from both sides if the
examples would come out otherwise with it at either end of its range.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from oncogate.authoring.examples import UNUSABLE, request_of, with_first_line
from oncogate.base.logic import Truth
from oncogate.engine.case import Case
from oncogate.engine.conditions import LeafOutcome
from oncogate.engine.judge import judge
from oncogate.model.condition import Holds, Latest, Leaf, Supplied
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.request import Request
from oncogate.model.rule import Rule, Verdict
from oncogate.packs.leaves import Place, leaves
from oncogate.packs.pack import Library, LoadedRule

EVERY_TRUTH: frozenset[Truth] = frozenset({True, False, None})
_SHOWN: Mapping[Truth, str] = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True)
class LeafSeen:
    """A leaf of a rule and the truths that the rule's examples have shown of it."""

    where: Place
    leaf: Leaf
    seen: frozenset[Truth]
    always_known: bool = False

    @property
    def lacking(self) -> tuple[str, ...]:
        """The truths not seen; some leaves are never unknown."""
        wanted = EVERY_TRUTH - {None} if self.always_known else EVERY_TRUTH
        return tuple(_SHOWN[truth] for truth in (True, False, None) if truth in wanted - self.seen)


@dataclass(frozen=True)
class Coverage:
    """What the examples of one rule have shown."""

    rule: LoadedRule
    leaves: tuple[LeafSeen, ...]
    one_sided: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Numbers that the examples show from one side only: by parameter, `lower` or `higher` (a value that would change nothing)."""


def coverage(library: Library, loaded: LoadedRule) -> Coverage:
    """What the examples of a rule show; an example that can't be made shows nothing."""
    rule = loaded.rule
    cases = [(request, one) for request, one in requests_of(library, rule)]
    seen: dict[int, set[Truth]] = defaultdict(set)
    places = list(leaves(rule))
    for request, shown in cases:
        for number, outcome in enumerate(_outcomes(rule, request, shown)):
            seen[number].add(outcome.truth)
    found = tuple(
        LeafSeen(where, leaf, frozenset(seen[n]), _always_known(leaf, library))
        for n, (where, leaf) in enumerate(places)
    )
    sides = {name: lacking for name in rule.parameters if (lacking := _lacking_sides(rule, name, cases))}
    return Coverage(loaded, found, sides)


def _always_known(leaf: Leaf, library: Library) -> bool:
    """Whether a section was supplied is always known, and so is what some formulas say."""
    return isinstance(leaf, Supplied) or (isinstance(leaf, Holds) and library.facts[leaf.holds].always_known)


def requests_of(library: Library, rule: Rule) -> Iterator[tuple[Request, Library]]:
    """The requests of the examples that can be made, each with the first-line lists that it brings."""
    for example in rule.examples:
        try:
            yield request_of(example.given, library), with_first_line(library, example.given)
        except UNUSABLE:  # noqa: PERF203
            continue  # the run of the examples reports it


def _outcomes(rule: Rule, request: Request, library: Library) -> tuple[LeafOutcome, ...]:
    return judge(rule, Case.of(request, library), thorough=True).leaves


def _lacking_sides(rule: Rule, name: str, cases: list[tuple[Request, Library]]) -> tuple[str, ...]:
    parameter = rule.parameters[name]
    if parameter.range is None or not isinstance(parameter.value, Decimal) or idle(rule, name):
        return ()
    now = _verdicts(rule, cases)
    low, high = parameter.range
    ends = [(side, end) for side, end in (("lower", low), ("higher", high)) if end != parameter.value]
    return tuple(side for side, end in ends if _verdicts(_with(rule, name, end), cases) == now)


def idle(owner: Rule | Fact, name: str) -> bool:
    """Whether the parameter is a quiet time that the policy on repeats, as shipped, has no use for."""
    policies = {
        owner.parameters[leaf.repeats].value
        for _, leaf in leaves(owner)
        if isinstance(leaf, Latest) and leaf.quiet == name and leaf.repeats
    }
    return policies == {"every_time"}


def _with(rule: Rule, name: str, value: Decimal) -> Rule:
    changed: Parameter = rule.parameters[name].model_copy(update={"value": value})
    return rule.model_copy(update={"parameters": {**rule.parameters, name: changed}})


def _verdicts(rule: Rule, cases: list[tuple[Request, Library]]) -> list[tuple[Verdict, tuple[Truth, ...]]]:
    judged = (judge(rule, Case.of(request, library), thorough=True) for request, library in cases)
    return [(j.verdict, tuple(leaf.truth for leaf in j.leaves)) for j in judged]


def coverages(library: Library) -> tuple[Coverage, ...]:
    """What the examples of every rule show."""
    return tuple(coverage(library, loaded) for loaded in library.rules)


def summary(found: tuple[Coverage, ...]) -> str:
    """How many leaves the examples have seen true, false and unknown."""
    every = [leaf for one in found for leaf in one.leaves]
    whole = sum(not leaf.lacking for leaf in every)
    return f"{whole} of {len(every)} leaves seen true, false and unknown"
