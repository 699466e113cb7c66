"""What can be proved of one rule or one derived fact: that it can speak, and that every condition of it matters."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oncogate.authoring.flow import flow
from oncogate.authoring.prove.scope import Scope, scope_of
from oncogate.authoring.prove.search import Fold, Node, Outcomes, Result, Search, Situation
from oncogate.authoring.prove.shown import Claim, example_of, expanded
from oncogate.authoring.prove.sources import Free, Levels, Numbers
from oncogate.base.errors import Diagnostic
from oncogate.base.logic import Truth
from oncogate.engine.case import Case
from oncogate.engine.conditions import derive
from oncogate.engine.judge import judge
from oncogate.model.condition import CONDITION_KEYS, Condition
from oncogate.model.facts import Fact
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.document import Document
from oncogate.packs.leaves import Place, every_condition, leaves
from oncogate.packs.pack import Library, LoadedRule

CONSTANTS: tuple[Truth, ...] = (True, False, None)
_AS_IF = {True: "as if it always held", False: "as if it never held", None: "as if it were never known"}


@dataclass(frozen=True)
class Walk:
    """The situations of one scope, months being taken to be short or long."""

    scope: Scope
    root: Any
    search: Search = field(default_factory=Search)

    def outcomes(self, nodes: Sequence[Node]) -> Outcomes:
        """What the nodes come to together, a tuple for each way."""
        found = self.search.outcomes(Fold(nodes, tuple))
        return {row[0]: where for row, where in found.items()}


def walks_of(library: Library, build: Callable[[Scope], Any], *, coarse: bool = False) -> tuple[Walk, ...]:
    """The walks that together hold every situation: two where it depends on the month which window is the longer."""
    walk = Walk(*scope_of(library, 0, build, coarse=coarse))
    if not walk.scope.inexact:
        return (walk,)
    return walk, Walk(*scope_of(library, 1, build, coarse=coarse))


def together(walks: Sequence[Walk], nodes: Callable[[Walk], Sequence[Node]]) -> Outcomes:
    """What the nodes come to in any of the walks."""
    found: Outcomes = {}
    for walk in walks:
        for result, where in walk.outcomes(nodes(walk)).items():
            if result not in found or where.cost < found[result].cost:
                found[result] = where
    return found


@dataclass(frozen=True)
class Proved:
    """A rule or derived fact in its file."""

    owner: Rule | Fact
    name: str
    library: Library
    document: Document
    base: Place = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rule, if it is one."""
        return (self.owner,) if isinstance(self.owner, Rule) else ()

    def report(self, where: Place, code: str, message: str, help: str = "") -> Diagnostic:
        """A finding at a place of the rule or fact."""
        return self.document.diagnostic((*self.base, *where), code, message, help)


def prove_rule(library: Library, loaded: LoadedRule) -> Iterator[Diagnostic]:
    """What is wrong with the rule in every request."""
    rule = loaded.rule
    walks = walks_of(library, lambda scope: scope.rule(rule))
    one = Proved(rule, rule.id, library, loaded.document)
    verdicts: dict[str, Situation] = {}
    for ((_, verdict),), where in together(walks, lambda w: [w.root]).items():
        if verdict not in verdicts or where.cost < verdicts[verdict].cost:
            verdicts[verdict] = where
    if "unmet" not in verdicts:
        yield _never(one, walks, verdicts)
    elif rule.require is not None and "met" not in verdicts:
        yield _always(one, walks, verdicts)
    else:
        yield from idle(
            one,
            walks,
            lambda result: result[1],
            lambda result, where, truth: _claim(one, result[1], where, truth),
        )


def prove_fact(library: Library, name: str, document: Document) -> Iterator[Diagnostic]:
    """What is wrong with a fact derived from conditions, with its parameters as they stand in it."""
    fact = library.facts[name]
    walks = walks_of(library, lambda scope: scope.fact(name, {}))
    one = Proved(fact, name, library, document, ("facts", name))
    if fact.when is not None and True not in {row[0] for row in together(walks, lambda w: [w.root])}:
        yield one.report(
            (), "prove-fact-no-value", f"`{name}` can never be true", _core(one, walks, "when", True)[1]
        )
        return
    if fact.cases:
        reached = yield from _cases(one, fact, walks)
        if not reached:
            return
    yield from idle(one, walks, lambda result: result, lambda result, *_: _comes_to(one, result))


def _cases(one: Proved, fact: Fact, walks: Sequence[Walk]) -> Generator[Diagnostic, None, bool]:
    rows = together(walks, lambda w: w.root.children)
    reached = True
    for index, branch in enumerate(fact.cases):
        if not any(row[index] is True and not any(t is not False for t in row[:index]) for row in rows):
            said = f"the case `{branch.then}` can never be reached: a case before it holds wherever it does"
            yield one.report(("cases", index), "prove-case-idle", said, "put it earlier, or leave it out")
            reached = False
    where = next((where for row, where in rows.items() if not any(t is not False for t in row)), None)
    if where is not None and tellable(where):
        shown = example_of(where, one.library, _comes_to(one, frozenset({None})))
        yield one.report(
            ("cases",),
            "prove-fact-no-value",
            f"no case of `{one.name}` holds {_seen(shown)}",
            "add a last case without `when`, or close the gap",
        )
        reached = False
    return reached


def idle(
    one: Proved,
    walks: Sequence[Walk],
    outcome: Callable[[Result], Any],
    claim: Callable[[Result, Place, Truth], Claim],
) -> Iterator[Diagnostic]:
    """Conditions that could as well always be true (or false, or unknown): nothing that is decided depends on them."""
    found: list[Place] = []
    for where, condition in every_condition(one.owner):
        if any(where[: len(outer)] == outer for outer in found):
            continue
        left = set.intersection(*(_idle_as(one, walk, where, outcome) for walk in walks))
        if left:
            found.append(where)
            yield _idle(one, walks, where, condition, next(c for c in CONSTANTS if c in left), outcome, claim)


def _idle_as(one: Proved, walk: Walk, where: Place, outcome: Callable[[Result], Any]) -> set[Truth]:
    """The truths that could stand for the condition at `where` in every situation."""
    search = walk.search.replacing(walk.scope.nodes[one.name, where], CONSTANTS)
    left = dict(enumerate(CONSTANTS, 1))
    for row in search.outcomes(walk.root):
        left = {column: truth for column, truth in left.items() if outcome(row[column]) == outcome(row[0])}
    return set(left.values())


def _idle(
    one: Proved, walks: Sequence[Walk], where: Place, condition: Condition, constant: Truth,
    outcome: Callable[[Result], Any], claim: Callable[[Result, Place, Truth], Claim],
) -> Diagnostic:  # fmt: skip
    rows = together(walks, lambda w: [w.scope.nodes[one.name, where], w.root])
    order = ("unmet", "unknown", "met", "not_applicable")
    differing = [(result, place) for (truth, result), place in rows.items() if truth is not constant]
    said = f"`{written(condition)}` never matters: {_AS_IF[constant]}, nothing would be decided otherwise"
    if not differing:
        return one.report(where, "prove-leaf-idle", said, "leave it out, or say what is meant")
    result, place = min(
        differing, key=lambda d: (order.index(o) if (o := outcome(d[0])) in order else 0, d[1].cost)
    )
    truth = next(t for t, r in rows if r == result and rows[t, r] is place)
    shown = example_of(place, one.library, claim(result, where, truth), *one.rules)
    name = {True: "true", False: "false", None: "unknown"}[truth]
    return one.report(
        where,
        "prove-leaf-idle",
        said,
        f"leave it out, or say what is meant; {shown}: it is {name}, and still {_decided(outcome(result))}",
    )


def _never(one: Proved, walks: Sequence[Walk], verdicts: dict[str, Situation]) -> Diagnostic:
    where, why = _core(one, walks, "unmet", False)
    others = "at most it is unknown" if "unknown" in verdicts else "it never speaks"
    best = verdicts.get("unknown") or verdicts.get("met") or verdicts["not_applicable"]
    verdict = next(v for v, place in verdicts.items() if place is best)
    shown = example_of(best, one.library, _claim(one, verdict), *one.rules)
    return one.report(
        where, "prove-never-asks", f"the rule can never be unmet, {others}: {why}", f"{shown}: {verdict}"
    )


def _always(one: Proved, walks: Sequence[Walk], verdicts: dict[str, Situation]) -> Diagnostic:
    where, why = _core(one, walks, "met", True)
    shown = example_of(verdicts["unmet"], one.library, _claim(one, "unmet"), *one.rules)
    return one.report(
        where,
        "prove-always-asks",
        f"what the rule requires can never be met where it applies: {why}",
        f"{shown}: unmet",
    )


def _core(one: Proved, walks: Sequence[Walk], goal: str, required: bool) -> tuple[Place, str]:
    """The fewest conditions that keep the goal from being reached: where the last of them stands, and what they are."""
    owner = one.owner
    when = [(("when", i), c, True) for i, c in enumerate(owner.when or ())]
    asked = (
        [(("require", i), c) for i, c in enumerate(owner.require or ())] if isinstance(owner, Rule) else []
    )
    wanted: list[tuple[Place, Any, bool]] = list(when)
    if required:
        wanted += [(where, c, True) for where, c in asked]

    def reached(some: list[tuple[Place, Any, bool]]) -> bool:
        rows = together(walks, lambda w: [w.scope.nodes[one.name, where] for where, _, _ in some])
        return any(all(t is want for t, (_, _, want) in zip(row, some, strict=True)) for row in rows)

    if goal == "unmet" and asked:
        return asked[0][0], "what it requires is met wherever it applies"
    for part in list(wanted):
        fewer = [p for p in wanted if p is not part]
        if not reached(fewer):
            wanted = fewer
    said = " and ".join(f"`{written(c)}`" for _, c, _ in wanted)
    return wanted[-1][0], f"{said} can't {'both ' if len(wanted) == 2 else ''}hold"


def tellable(situation: Situation) -> bool:
    """Whether such a situation can be taken to come about: at most one thing in it is what a formula says.

    What two formulas say may hang together in ways that aren't known here.
    """
    told = [(s, state) for s, state in expanded(situation) if isinstance(s, Free | Levels | Numbers)]
    unheard = any(isinstance(s, Levels) and s.known and None in state for s, state in told)
    return len(told) <= 1 and not unheard


def written(condition: Condition) -> str:
    """A condition as it stands in a file, on one line."""
    return flow(_subject_first(condition.model_dump(by_alias=True, exclude_defaults=True)))


def _subject_first(data: Any) -> Any:
    if isinstance(data, Mapping):
        subject = [key for key in data if key in CONDITION_KEYS]
        return {key: _subject_first(data[key]) for key in (*subject, *(k for k in data if k not in subject))}
    return [_subject_first(one) for one in data] if isinstance(data, list | tuple) else data


def _claim(one: Proved, verdict: str, where: Place = (), truth: Truth = None) -> Claim:
    """Whether a request gets the verdict, and the leaf at `where` (if it is one) is as said."""
    (rule,) = one.rules
    places = [place for place, _ in leaves(rule)]

    def claim(request: Request) -> bool:
        judgement = judge(rule, Case.of(request, one.library), thorough=True)
        leaf = places.index(where) if where in places else None
        return judgement.verdict == verdict and (leaf is None or judgement.leaves[leaf].truth is truth)

    return claim


def _comes_to(one: Proved, result: Any) -> Claim:
    wanted = (
        result if isinstance(result, frozenset) else frozenset({True, False} if result is None else {result})
    )
    return lambda request: derive(Case.of(request, one.library), one.name, {}).possible == wanted


def _seen(shown: str) -> str:
    return shown if shown.startswith("where") else f"of {shown}"


def _decided(outcome: Any) -> str:
    if isinstance(outcome, frozenset):
        return " or ".join(sorted(str(value) for value in outcome))
    return (
        {True: "true", False: "false", None: "unknown"}.get(outcome, outcome)
        if not isinstance(outcome, str)
        else outcome
    )
