"""What can be proved of two rules: that they contradict each other, or always say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from oncogate.authoring.examples import judge_alone
from oncogate.authoring.prove.one import Walk, walks_of
from oncogate.authoring.prove.scope import split
from oncogate.authoring.prove.search import Situation
from oncogate.authoring.prove.shown import Claim, example_of
from oncogate.base.errors import Diagnostic
from oncogate.model.rule import Rule
from oncogate.packs.leaves import facts_of
from oncogate.packs.pack import Library, LoadedRule

SILENT = frozenset({"met", "not_applicable"})


def pairs(library: Library) -> Iterator[tuple[LoadedRule, LoadedRule]]:
    """The pairs worth walking: what one asks for, the other asks about. Drugs and what formulas say tie no two rules."""
    asked = {one.rule.id: _facts(library, _asked(one.rule)) for one in library.rules}
    about = {one.rule.id: _facts(library, one.rule) for one in library.rules}
    for one, other in combinations(library.rules, 2):
        mine, yours = one.rule.id, other.rule.id
        if asked[mine] & about[yours] or about[mine] & asked[yours] or about[mine] == about[yours]:
            yield one, other


def _asked(rule: Rule) -> Rule:
    """The rule without the conditions that tell which orders it is about."""
    asked = rule.require or tuple(rule.when[i] for i in split(rule)[1])
    return rule.model_copy(update={"when": asked, "require": None})


def _facts(library: Library, rule: Rule) -> frozenset[str]:
    return frozenset(facts_of(rule, library.facts)) - {"order.drugs"}


def prove_pair(library: Library, one: LoadedRule, other: LoadedRule) -> Iterator[Diagnostic]:
    """Whether two rules can't both be content, or always say the same."""
    mine, yours = one.rule, other.rule
    walks = walks_of(library, lambda scope: (scope.rule(mine), scope.rule(yours)), coarse=True)
    alike: Situation | None = None  # both unmet, and no request seen in which the verdicts differ
    twins, meeting = True, _Meeting()
    for (about, verdict), (also_about, other_verdict), where in _rows(walks):
        twins = twins and verdict == other_verdict
        if verdict == other_verdict == "unmet" and (alike is None or where.cost < alike.cost):
            alike = where
        if about is True and also_about is True:
            meeting.take((verdict, other_verdict), where)
        if not twins and meeting.content:
            return
    if twins and alike is not None:
        shown = example_of(alike, library, _claim(library, mine, yours, ("unmet", "unmet")), mine, yours)
        said = f"the rule says the same as `{mine.id}` of every request"
        yield _at(other, "prove-twins", said, f"keep one of them; {shown}: both unmet")
    elif not twins and meeting.contradictory:
        verdicts, where = meeting.smallest
        shown = example_of(where, library, _claim(library, mine, yours, verdicts), mine, yours)
        said = f"the rule can't be satisfied together with `{mine.id}`: what one requires the other forbids"
        yield _at(
            other, "prove-contradict", said, f"{shown}: `{mine.id}` is {verdicts[0]}, this rule {verdicts[1]}"
        )


class _Meeting:
    """What two rules say of the orders that both are about."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Situation] = {}

    def take(self, verdicts: tuple[str, str], where: Situation) -> None:
        """One more situation."""
        if verdicts not in self.found or where.cost < self.found[verdicts].cost:
            self.found[verdicts] = where

    @property
    def content(self) -> bool:
        """Whether a request satisfies both."""
        return any(a in SILENT and b in SILENT for a, b in self.found)

    @property
    def contradictory(self) -> bool:
        """Whether a request satisfies each of them, but none both."""
        each = any(a in SILENT for a, _ in self.found) and any(b in SILENT for _, b in self.found)
        return each and not self.content

    @property
    def smallest(self) -> tuple[tuple[str, str], Situation]:
        """The smallest situation that both rules are about."""
        return min(self.found.items(), key=lambda item: item[1].cost)


def _rows(walks: Sequence[Walk]) -> Iterator[tuple[Any, Any, Situation]]:
    for walk in walks:
        for (one, other), where in walk.search.rows(walk.root):
            yield one, other, where


def _claim(library: Library, mine: Rule, yours: Rule, verdicts: tuple[str, str]) -> Claim:
    return lambda request: (
        tuple(judge_alone(rule, request, library).verdict for rule in (mine, yours)) == verdicts
    )


def _at(loaded: LoadedRule, code: str, message: str, help: str) -> Diagnostic:
    where = "require" if loaded.rule.require else "when"
    return loaded.document.diagnostic((where,), code, message, help, key=True)
