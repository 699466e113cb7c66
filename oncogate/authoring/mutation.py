"""Mutation of rules: does some example notice each thing that could be wrong in a rule?

A mutant is *caught* when an example comes out otherwise than it says. One that is *alive* is reported with an example that
would catch it: the smallest probe on which rule and mutant differ. Where no request can tell them apart, the mutant is
marked under `equivalent` in the file, with the reason; a mark that doesn't hold is reported too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from oncogate.authoring.examples import UNUSABLE, mismatch, request_of, with_first_line
from oncogate.authoring.flow import flow
from oncogate.authoring.mutants import Mutant, mutants_of_fact, mutants_of_rule
from oncogate.authoring.probes import Probe, probes_with_requests
from oncogate.base.errors import Diagnostic, did_you_mean
from oncogate.engine.case import Case
from oncogate.engine.combine import asked
from oncogate.engine.judge import Judgement, judge_safely
from oncogate.model.condition import Leaf
from oncogate.model.facts import Fact
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.document import Document
from oncogate.packs.leaves import Place, facts_of, leaves
from oncogate.packs.pack import Library, LoadedRule


@dataclass(frozen=True)
class Home:
    """A rule or fact with its mutants: `base` is its place in the file, `fact` its name if it's a fact.

    `stale` are the facts that are others where this one is: itself, and those that ask for it.
    """

    document: Document
    mutants: tuple[Mutant, ...]
    marks: Mapping[str, str]
    base: Place = ()
    fact: str = ""
    stale: frozenset[str] = frozenset()

    def problem(self, code: str, where: Place, message: str, help: str) -> Diagnostic:
        """A problem at a place of the rule or fact."""
        return self.document.diagnostic((*self.base, *where), code, message, help, key=True)


@dataclass
class Trial:
    """A mutant and how it went; `example` is an example that would catch it, with the file where it belongs."""

    home: Home
    mutant: Mutant
    caught: bool = False
    example: str = ""

    @property
    def marked(self) -> bool:
        """Whether the file says that no request can tell the mutant apart."""
        return self.mutant.name in self.home.marks

    @property
    def equivalent(self) -> bool:
        """Whether nothing is known against the mark."""
        return self.marked and not self.caught and not self.example


@dataclass(frozen=True)
class Mutation:
    """How the mutants of some rules, and of the facts of their folder, went."""

    rules: int
    homes: tuple[Home, ...]
    trials: tuple[Trial, ...]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The mutants that are alive and the marks that don't hold."""
        found = [d for trial in self.trials if (d := _problem(trial)) is not None]
        for home in self.homes:
            names = [mutant.name for mutant in home.mutants]
            found += [
                home.problem("mutant-mark", ("equivalent", name), f"there is no mutant `{name}`", did_you_mean(name, names))
                for name in home.marks if name not in names
            ]  # fmt: skip
        return tuple(sorted(found))

    @property
    def summary(self) -> str:
        """The counts in one line. The score is the share of those caught among all that aren't equivalent."""
        total, caught = len(self.trials), sum(trial.caught for trial in self.trials)
        equivalent = sum(trial.equivalent for trial in self.trials)
        score = 100 * caught / (total - equivalent) if total > equivalent else 100
        return (
            f"{total} mutants of {self.rules} {'rule' if self.rules == 1 else 'rules'}: {caught} caught, "
            f"{total - caught - equivalent} alive, {equivalent} marked as equivalent (score {score:.1f} %)"
        )


def _problem(trial: Trial) -> Diagnostic | None:
    name, home = trial.mutant.name, trial.home
    if trial.marked and trial.caught:
        said = f"`{name}` is marked as equivalent, but an example catches it"
        return home.problem("mutant-mark", ("equivalent", name), said, "take the mark away")
    if trial.marked and trial.example:
        said = f"`{name}` is marked as equivalent, but a request tells it apart"
        return home.problem("mutant-mark", ("equivalent", name), said, trial.example)
    if trial.marked or trial.caught:
        return None
    help = trial.example or "no request found that tells them apart; if none can, mark it under `equivalent`"
    return home.problem("mutant-alive", trial.mutant.where, f"no example catches `{name}`", help)


def mutation(library: Library, folder: Path) -> Mutation:
    """Try every mutant of the rules of `library`, and of the facts derived from conditions that `folder` declares.

    The examples are taken to come out as expected; an example that can't be made catches nothing.
    """
    homes = (*_rules(library), *_facts(library, folder))
    trials = tuple(Trial(home, mutant) for home in homes for mutant in home.mutants)
    concerned = [(loaded, _concerning(loaded, library, trials)) for loaded in library.rules]
    for loaded, mine in concerned:
        _run_examples(loaded.rule, library, mine)
    for loaded, mine in concerned:
        _find_examples(loaded, library, [t for t in mine if not t.caught and not t.example])
    return Mutation(len(library.rules), homes, trials)


def _rules(library: Library) -> Iterator[Home]:
    for loaded in library.rules:
        mutants = mutants_of_rule(loaded.rule, loaded.document.data)
        yield Home(loaded.document, mutants, loaded.rule.equivalent)


def _facts(library: Library, folder: Path) -> Iterator[Home]:
    """The facts of the folder; one that no rule asks for has no mutants, since nothing could catch them."""
    asking = _asking(library)
    for name, document in library.fact_files.items():
        if not document.path.resolve().is_relative_to(folder.resolve()):
            continue
        fact, data = library.facts[name], document.data["facts"][name]
        handed = {key for key in fact.parameters if all(key in leaf.with_ for leaf in asking.get(name, ()))}
        mutants = mutants_of_fact(fact, data, handed) if name in asking else ()
        stale = {other for other, one in library.facts.items() if name in facts_of(one, library.facts)}
        yield Home(document, mutants, fact.equivalent, ("facts", name), name, frozenset({name, *stale}))


def _asking(library: Library) -> Mapping[str, list[Leaf]]:
    """By fact, the leaves that ask for it: of the rules, and of the facts that these ask for."""
    rules = [loaded.rule for loaded in library.rules]
    names = dict.fromkeys(name for rule in rules for name in facts_of(rule, library.facts))
    owners: list[Rule | Fact] = [*rules, *(library.facts[name] for name in names)]
    found: dict[str, list[Leaf]] = {}
    for owner in owners:
        for _, leaf in leaves(owner):
            for name in leaf.facts:
                found.setdefault(name, []).append(leaf)
    return found


def _concerning(loaded: LoadedRule, library: Library, trials: Iterable[Trial]) -> list[Trial]:
    names = facts_of(loaded.rule, library.facts)
    return [t for t in trials if t.home.document is loaded.document or t.home.fact in names]


# -- judging -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bench:
    """A request on which a rule, and then its mutants, are judged."""

    rule: Rule
    case: Case
    original: Judgement | None

    @classmethod
    def of(cls, rule: Rule, request: Request, library: Library) -> _Bench:
        case = Case.of(request, library)
        return cls(rule, case, judge_safely(rule, case))

    def judged(self, trial: Trial) -> Judgement | None:
        """What the mutant says; `None` if the engine fails on it."""
        owner, fact = trial.mutant.owner, trial.home.fact
        if isinstance(owner, Rule):
            return judge_safely(owner, self.case)
        asked = {key: key[0] for key in self.case.memo if isinstance(key, tuple)}
        if fact not in asked.values():
            return self.original  # the rule didn't look at it
        changed = copy(self.case)
        changed.facts = {**self.case.facts, fact: owner}
        changed.memo = {
            key: found for key, found in self.case.memo.items() if asked.get(key) not in trial.home.stale
        }
        return judge_safely(self.rule, changed)


def _run_examples(rule: Rule, library: Library, trials: Iterable[Trial]) -> None:
    for example in rule.examples:
        try:
            request = request_of(example.given, library)
        except UNUSABLE:
            continue
        bench = _Bench.of(rule, request, with_first_line(library, example.given))
        for trial in trials:
            if not trial.caught:
                judgement = bench.judged(trial)
                trial.caught = judgement is None or bool(mismatch(example, judgement))


def _find_examples(loaded: LoadedRule, library: Library, trials: list[Trial]) -> None:
    """Find for each mutant the smallest probe that tells it apart."""
    if not trials:
        return
    for probe, request in probes_with_requests(loaded.rule, library):
        bench = _Bench.of(loaded.rule, request, with_first_line(library, probe.given))
        original = bench.original
        for trial in trials:
            mutant = bench.judged(trial)
            if original is not None and mutant is not None and _outcome(original) != _outcome(mutant):
                trial.example = _shown(probe, original, mutant, loaded)
        trials = [trial for trial in trials if not trial.example]
        if not trials:
            return


def _outcome(judgement: Judgement) -> tuple[str, str]:
    """What an example says of a judgement: `expect` and `asks`."""
    expect: str = judgement.verdict
    if judgement.rule.effect == "critical_value" and expect != "unknown":
        expect = "raised" if expect == "unmet" else "not_raised"
    return expect, asked(judgement.rule, judgement.verdict) or "nothing"


def _shown(probe: Probe, original: Judgement, mutant: Judgement, loaded: LoadedRule) -> str:
    expect, asks = _outcome(original)
    example = {"name": probe.about.replace("`", ""), "given": probe.given, "expect": expect}
    if expect == _outcome(mutant)[0]:
        example["asks"] = asks
    return f"an example in {loaded.path} that would: - {flow(example)}"
