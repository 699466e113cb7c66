"""What can be proved of two rules: that they contradict each other, or always say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from oncogate.authoring.examples import judge_alone
from oncogate.authoring.prove.one import together, walks_of
from oncogate.authoring.prove.scope import split
from oncogate.authoring.prove.search import Situation
from oncogate.authoring.prove.shown import Claim, example_of
from oncogate.base.errors import Diagnostic
from oncogate.model.condition import Condition
from oncogate.model.rule import Rule
from oncogate.packs.leaves import facts_of
from oncogate.packs.pack import Library, LoadedRule

SILENT = frozenset({"met", "not_applicable"})


def pairs(library: Library) -> Iterator[tuple[LoadedRule, LoadedRule]]:
    """The pairs worth walking: what one asks for, the other asks about. Drugs and what formulas say tie no two rules."""
    asked = {one.rule.id: _facts(library, _asked(one.rule)) for one in library.rules}
    about = {
        one.rule.id: _facts(library, (*one.rule.when, *(one.rule.require or ()))) for one in library.rules
    }
    for one, other in combinations(library.rules, 2):
        mine, yours = one.rule.id, other.rule.id
        if asked[mine] & about[yours] or about[mine] & asked[yours] or about[mine] == about[yours]:
            yield one, other


def _asked(rule: Rule) -> tuple[Condition, ...]:
    return rule.require if rule.require is not None else tuple(rule.when[i] for i in split(rule)[1])


def _facts(library: Library, conditions: Iterable[Condition]) -> frozenset[str]:
    """What the conditions ask about in the end, and the facts that they name."""
    rule = Rule.model_construct(when=tuple(conditions), require=None)
    return frozenset(facts_of(rule, library.facts)) - {"order.drugs"}


def prove_pair(library: Library, one: LoadedRule, other: LoadedRule) -> Iterator[Diagnostic]:
    """Whether two rules can't both be content, or always say the same."""
    mine, yours = one.rule, other.rule
    walks = walks_of(library, lambda scope: (scope.rule(mine), scope.rule(yours)))
    rows = together(walks, lambda walk: walk.root)
    by_verdicts: dict[tuple[str, str], Situation] = {}
    meeting: dict[tuple[str, str], Situation] = {}
    for ((about, verdict), (also_about, other_verdict)), where in rows.items():
        for found, both in ((by_verdicts, True), (meeting, about is True and also_about is True)):
            known = found.get((verdict, other_verdict))
            if both and (known is None or where.cost < known.cost):
                found[verdict, other_verdict] = where
    if all(a == b for a, b in by_verdicts):
        both_unmet = by_verdicts.get(("unmet", "unmet"))
        if both_unmet is not None:
            shown = example_of(both_unmet, library, _claim(library, mine, yours, ("unmet", "unmet")))
            said = f"the rule says the same as `{mine.id}` of every request"
            yield _at(other, "twins", said, f"keep one of them; {shown}: both unmet")
        return
    alone = any(a in SILENT for a, _ in meeting) and any(b in SILENT for _, b in meeting)
    if alone and not any(a in SILENT and b in SILENT for a, b in meeting):
        verdicts, where = min(meeting.items(), key=lambda item: item[1].cost)
        shown = example_of(where, library, _claim(library, mine, yours, verdicts))
        said = f"the rule can't be satisfied together with `{mine.id}`: what one requires the other forbids"
        yield _at(
            other, "contradict", said, f"{shown}: `{mine.id}` is {verdicts[0]}, this rule {verdicts[1]}"
        )


def _claim(library: Library, mine: Rule, yours: Rule, verdicts: tuple[str, str]) -> Claim:
    return lambda request: (
        tuple(judge_alone(rule, request, library).verdict for rule in (mine, yours)) == verdicts
    )


def _at(loaded: LoadedRule, code: str, message: str, help: str) -> Diagnostic:
    line, column = loaded.document.place(("require" if loaded.rule.require else "when",), key=True)
    return Diagnostic(str(loaded.path), line, column, f"prove-{code}", message, help)
