"""Rules compiled for the second engine: what Python has to tell of a request, and what follows from it.

Python judges the leaves. Everything above them is durable-rules' business: the trees, the facts derived from
conditions, cases and points, the verdicts, what they ask, and the outcome.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oncogate.base.logic import Truth
from oncogate.engine.durable.network import FALSE, TRUE, Guard, Network, all_of, any_of, is_, isnt
from oncogate.model.condition import All, AnyOf, AtLeastN, Condition, Holds, Latest, Leaf, Not, Value
from oncogate.model.decision import Asked
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Rule
from oncogate.packs.leaves import options_of

Parameters = Mapping[str, Parameter]
Possible = Mapping[Any, str]
"""By each value that a derived fact may have, the symbol that says whether it may have it in this request."""

NOTHING = "nothing"
"""What a rule asks that asks nothing."""
_COMPARE: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "below": operator.lt, "at_most": operator.le, "above": operator.gt, "at_least": operator.ge,
}  # fmt: skip
_MOST_TERMS = 12


@dataclass(frozen=True)
class Question:
    """A leaf that Python judges, with the parameters of the rule or fact that it stands in."""

    leaf: Condition
    parameters: Parameters
    raising: bool


@dataclass(frozen=True)
class Program:
    """Rules as durable-rules gets them, the symbols that it is to be given, and those that hold what it says.

    `says` has a symbol for each rule, whose value is a verdict and what it asks: `unmet block`, `met nothing`.
    """

    questions: Mapping[str, Question]
    rulesets: list[dict[str, Any]]
    says: Mapping[str, str]
    outcome: str


def compile_rules(rules: Iterable[Rule], facts: Mapping[str, Fact]) -> Program:
    """The program for `rules`, which ask for `facts`."""
    return _Compiler(facts).program(tuple(rules))


class _Compiler:
    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = facts
        self._network = Network()
        self._questions: dict[str, Question] = {}
        self._symbols: dict[Any, str] = {}
        self._derived: dict[Any, Possible] = {}

    def program(self, rules: tuple[Rule, ...]) -> Program:
        says, asking = {}, {ask: list[Guard]() for ask in ("block", "warn", "inform")}
        for rule in rules:
            applies = self._every(rule.when, rule.parameters, raising=rule.effect == "critical_value")
            required = FALSE if rule.require is None else self._every(rule.require, rule.parameters)
            holds = self._network.some([self._network.negation(applies), required])
            says[rule.id] = self._network.define({
                f"not_applicable {NOTHING}": is_(applies, "f"),
                f"met {NOTHING}": all_of([isnt(applies, "f"), is_(holds, "t")]),
                f"unmet {_if_unmet(rule)}": is_(holds, "f"),
                f"unknown {rule.if_unknown}": is_(holds, "u"),
            })  # fmt: skip
            asking[_if_unmet(rule)].append(is_(holds, "f"))
            asking[rule.if_unknown].append(is_(holds, "u"))
        outcome = self._outcome(self._any(asking["block"]), self._any(asking["warn"]))
        return Program(self._questions, self._network.rulesets(), says, outcome)

    def _outcome(self, blocks: str, warns: str) -> str:
        spared = isnt(blocks, "t")
        return self._network.define({
            "block": is_(blocks, "t"),
            "warn": all_of([spared, is_(warns, "t")]),
            "allow": all_of([spared, isnt(warns, "t")]),
        })  # fmt: skip

    def _any(self, guards: list[Guard]) -> str:
        groups = [guards[i : i + _MOST_TERMS] for i in range(0, len(guards), _MOST_TERMS)]
        return self._network.some([self._network.whether(any_of(group)) for group in groups])

    # -- conditions ----------------------------------------------------------------------------------

    def _every(
        self, conditions: Iterable[Condition], parameters: Parameters, *, raising: bool = False
    ) -> str:
        return self._network.every([self._node(c, parameters, raising) for c in conditions])

    def _node(self, condition: Condition, parameters: Parameters, raising: bool) -> str:
        def nodes(inner: Iterable[Condition]) -> list[str]:
            return [self._node(c, parameters, raising) for c in inner]

        if isinstance(condition, All):
            return self._network.every(nodes(condition.all))
        if isinstance(condition, AnyOf):
            return self._network.some(nodes(condition.any))
        if isinstance(condition, Not):
            return self._network.negation(self._node(condition.not_, parameters, raising))
        if isinstance(condition, AtLeastN):
            return self._network.at_least(int(parameters[condition.at_least_n].number), nodes(condition.of))
        if isinstance(condition, Holds) and self._facts[condition.holds].when is not None:
            fact, own = self._instance(condition.holds, condition, parameters)
            return self._every(fact.when or (), own)
        if isinstance(condition, Value) and condition.comparison[1] in parameters:
            fact, own = self._instance(condition.value, condition, parameters)
            if fact.cases or fact.points:
                return self._compared(condition, parameters, self._possible(condition.value, fact, own))
        return self._question(condition, parameters, raising and isinstance(condition, Latest))

    def _question(self, leaf: Condition, parameters: Parameters, raising: bool) -> str:
        assert isinstance(leaf, Leaf)
        key = (repr(leaf), _told(parameters, leaf.refs), raising)
        if key not in self._symbols:
            symbol = self._symbols[key] = self._network.given()
            self._questions[symbol] = Question(leaf, parameters, raising)
        return self._symbols[key]

    # -- derived facts -------------------------------------------------------------------------------

    def _instance(self, name: str, leaf: Leaf, parameters: Parameters) -> tuple[Fact, Parameters]:
        """The fact with its own parameters, but for those that the leaf hands over."""
        fact = self._facts[name]
        return fact, {**fact.parameters, **options_of(leaf, parameters)}

    def _possible(self, name: str, fact: Fact, parameters: Parameters) -> Possible:
        key = (name, _told(parameters, parameters))
        if key not in self._derived:
            found = self._by_cases(fact, parameters) if fact.cases else self._by_points(fact, parameters)
            self._derived[key] = {value: self._network.some(symbols) for value, symbols in found.items()}
        return self._derived[key]

    def _by_cases(self, fact: Fact, parameters: Parameters) -> dict[Any, list[str]]:
        """A case may speak if it may hold and none before is sure to; `None` where every case may fail."""
        found: dict[Any, list[str]] = {}
        open_ = TRUE
        for branch in fact.cases:
            holds = self._every(branch.when or (), parameters)
            value = parameters[branch.then].value if fact.gives == "quantity" else branch.then
            speaks = self._network.whether(all_of([is_(open_, "t"), isnt(holds, "f")]))
            found.setdefault(value, []).append(speaks)
            open_ = self._network.whether(all_of([is_(open_, "t"), isnt(holds, "t")]))
        found.setdefault(None, []).append(open_)
        return found

    def _by_points(self, fact: Fact, parameters: Parameters) -> dict[Any, list[str]]:
        """A total may be reached without an item that isn't sure to hold, and with one that may."""
        totals = {Decimal(0): [TRUE]}
        for item in fact.points:
            holds, points = self._every(item.when, parameters), parameters[item.points].number
            reached: dict[Decimal, list[str]] = {}
            for total, ways in totals.items():
                before = is_(self._network.some(ways), "t")
                for value, guard in ((total, isnt(holds, "t")), (total + points, isnt(holds, "f"))):
                    reached.setdefault(value, []).append(self._network.whether(all_of([before, guard])))
            totals = reached
        return dict(totals)

    def _compared(self, leaf: Value, parameters: Parameters, possible: Possible) -> str:
        """True or false if every possible value compares so."""
        by_truth: dict[Truth, list[str]] = {True: [], False: [], None: []}
        for value, symbol in possible.items():
            by_truth[_compares(leaf, parameters, value)].append(symbol)
        yes, no, neither = (self._network.some(by_truth[truth]) for truth in (True, False, None))
        return self._network.define({
            "t": all_of([is_(yes, "t"), isnt(no, "t"), isnt(neither, "t")]),
            "f": all_of([is_(no, "t"), isnt(yes, "t"), isnt(neither, "t")]),
            "u": any_of([is_(neither, "t"), all_of([is_(yes, "t"), is_(no, "t")])]),
        })  # fmt: skip


def _compares(leaf: Value, parameters: Parameters, value: Any) -> Truth:
    how, ref = leaf.comparison
    wanted = parameters[ref].value
    if how == "in_":
        return value in wanted if isinstance(wanted, tuple) else bool(value == wanted)
    if not isinstance(value, Decimal):
        return None
    return _COMPARE[how](value, parameters[ref].number)


def _if_unmet(rule: Rule) -> Asked:
    """A critical value is raised apart and stops no order by itself."""
    return "inform" if rule.effect == "critical_value" else rule.effect


def _told(parameters: Parameters, names: Iterable[str]) -> tuple[tuple[str, str, str | None], ...]:
    """What the parameters of these names say; a name that isn't theirs is a fact's."""
    named = ((name, parameters[name]) for name in sorted(set(names)) if name in parameters)
    return tuple((name, str(p.value), p.unit) for name, p in named)
