"""What the second engine says of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import cast

from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.engine.case import Case
from oncogate.engine.combine import outcome_of
from oncogate.engine.conditions import Walk
from oncogate.engine.durable import TIME_LIMIT, SecondEngineError
from oncogate.engine.durable.child import WORKER, Child
from oncogate.engine.durable.compile import NOTHING, Program, Question, compile_rules
from oncogate.engine.durable.network import CONSTANTS
from oncogate.model.decision import Asked
from oncogate.model.rule import Outcome, Verdict
from oncogate.packs.pack import InForce

HELP = 'it needs Python 3.12 or earlier and a C compiler: pip install "oncogate[durable]"; the engine `python` needs neither'


@dataclass(frozen=True)
class Opinion:
    """What the second engine says: of each rule its verdict and what it asks; and the outcome."""

    verdicts: Mapping[str, Verdict]
    asks: Mapping[str, Asked | None]
    outcome: Outcome


class SecondEngine:
    """durable-rules, for the stable rules in force; it has one child process for each state of the layers."""

    def __init__(self, time_limit: float = TIME_LIMIT, command: Sequence[str] = WORKER) -> None:
        self._time_limit = time_limit
        self._command = command
        self._compiled: dict[int, tuple[InForce, Program, Child]] = {}

    def start(self, force: InForce) -> str:
        """Start for the rules in force; returns its name and version.

        Raises `OncogateError` (`engine-absent`) where it can't be had.
        """
        try:
            self._for(force)[1].start()
        except SecondEngineError as error:
            raise OncogateError([
                Diagnostic("", 0, 0, "engine-absent", f"the second engine can't be had: {error}", HELP)
            ]) from None  # fmt: skip
        return f"durable-rules {version('durable-rules')}"

    def opinion(self, case: Case, force: InForce) -> Opinion:
        """What it says of the case. Raises `SecondEngineError` if it says nothing, too late, or nothing of use."""
        program, child = self._for(force)
        symbols = {symbol: _symbol(question, case) for symbol, question in program.questions.items()}
        answer = child.ask({"given": {**CONSTANTS, **symbols}})
        try:
            return _read(program, answer["concluded"])
        except (KeyError, TypeError, ValueError) as error:
            raise SecondEngineError("wrong", f"it leaves {error} open") from error

    def _for(self, force: InForce) -> tuple[Program, Child]:
        found = self._compiled.get(id(force))
        if found is None:
            program = compile_rules(force.with_status("stable"), force.facts)
            child = Child({"rulesets": program.rulesets}, self._time_limit, self._command)
            # `force` is kept along, so that no other can take its id
            found = self._compiled.setdefault(id(force), (force, program, child))
        return found[1], found[2]


def _symbol(question: Question, case: Case) -> str:
    """What Python says of a leaf; one that it fails on is unknown."""
    try:
        truth = Walk(case, question.parameters, raising=question.raising).truth(question.leaf)
    except Exception:
        return "u"
    return "u" if truth is None else "t" if truth else "f"


def _read(program: Program, concluded: Mapping[str, str]) -> Opinion:
    said = {rule: concluded[symbol].split() for rule, symbol in program.says.items()}
    verdicts = {rule: cast(Verdict, verdict) for rule, (verdict, _) in said.items()}
    asks = {rule: None if ask == NOTHING else cast(Asked, ask) for rule, (_, ask) in said.items()}
    outcome = cast(Outcome, concluded[program.outcome])
    if outcome != outcome_of(asks.values()):
        raise SecondEngineError(
            "wrong", f"it says {outcome}, but asks {sorted(set(map(str, asks.values())))}"
        )
    return Opinion(verdicts, asks, outcome)
