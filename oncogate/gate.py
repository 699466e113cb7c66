"""The gate: loaded once, it decides any number of requests, from any number of threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from oncogate._version import __version__
from oncogate.base.errors import Diagnostic, OncogateError, did_you_mean
from oncogate.engine.case import Case
from oncogate.engine.combine import CONTENT, Said, asked, determines, outcome_of
from oncogate.engine.durable import TIME_LIMIT
from oncogate.engine.judge import Judgement, judge_safely
from oncogate.engine.program import Programs
from oncogate.explain.account import Account
from oncogate.explain.second_opinion import disagreed, unconfirmed
from oncogate.model.decision import Decision, PackUsed
from oncogate.model.request import Request
from oncogate.model.rule import Outcome, Rule, Verdict
from oncogate.packs.cache import cached_library
from oncogate.packs.pack import Library
from oncogate.packs.rule_files import rule_folders

if TYPE_CHECKING:
    from oncogate.engine.durable.second import Opinion, SecondEngine
    from oncogate.many.lines import Answer

ENGINE = f"oncogate {__version__}"
Engine = Literal["python", "durable", "both"]
"""Who gives the verdicts: the engine of this package, durable-rules, or the first with the consent of the second."""


class Gate:
    """Judges requests against rules. Immutable after loading: no clock, no file, no network.

    The same request gives the same bytes, on any day, in any process. With a second engine, a process of its own,
    there is one thing more that a decision may depend on: whether that answers.
    """

    def __init__(
        self, library: Library, engine: Engine = "python", second: SecondEngine | None = None
    ) -> None:
        self.library = library
        self.loaded_by: Mapping[str, Any] | None = None
        """What `Gate.load` was given, so that another process can load the same."""
        packs = [PackUsed(id=p.id, version=p.version, digest=p.digest) for p in library.packs]
        layers = [PackUsed(id=one.id, version=one.kind, digest=one.digest) for one in library.layers]
        self._packs = (*packs, *layers)
        self._programs = Programs(library)
        self._leads = engine == "durable"
        self._second = None if engine == "python" else second or _second_engine()
        self._engine = ENGINE
        if self._second is not None:
            # what holds once every loosening has ended; without one, on any day
            started = self._second.start(library.in_force(date.max))
            self._engine = f"{ENGINE} ({engine}, {started})"

    @classmethod
    def load(
        cls, packs: Sequence[str | Path] = (), site: str | Path | Sequence[str | Path] | None = None, *,
        engine: Engine = "python", time_limit: float = TIME_LIMIT,
    ) -> Gate:  # fmt: skip
        """A gate with the shipped rules, or those of the folders `packs` (`shipped` among them: the shipped ones, too), as the layers of `site` tune them.

        `site` is one file or several (national, province, hospital, department), in any order. `engine` is `python`,
        `durable` or `both` (docs/explanation/two-engines.md); with `both`, an order is blocked that durable-rules judges otherwise,
        or doesn't judge within `time_limit` seconds. Rules that are as they were are loaded from a cache (docs/reference/cache.md).

        Raises `PackError` with every problem found, each with file, line and column; `OncogateError` where the second engine
        can't be had.
        """
        if engine not in get_args(Engine):
            hint = did_you_mean(str(engine), get_args(Engine)) or "`python`, `durable` or `both`"
            raise OncogateError([
                Diagnostic("", 0, 0, "engine-unknown", f"there is no engine `{engine}`", hint)
            ])  # fmt: skip
        second = None if engine == "python" else _second_engine(time_limit)
        folders = rule_folders(packs)
        files = [site] if isinstance(site, (str, Path)) else list(site or ())
        gate = cls(cached_library(folders, files), engine, second)
        gate.loaded_by = {
            "packs": [folder.absolute() for folder in folders], "site": [Path(f).absolute() for f in files],
            "engine": engine, "time_limit": time_limit,
        }  # fmt: skip
        return gate

    @property
    def judges_by(self) -> tuple[object, ...]:
        """The packs and layers to the byte, and the engine: equal for two gates that decide alike."""
        return (*self._packs, self._engine)

    def decide(self, request: Request) -> Decision:
        """Judge the request. Clinical gaps don't raise: they are findings; nor does a failing rule."""
        force = self.library.always or self.library.in_force(request.at.date())
        case = Case(request, force.facts, self.library.tables)
        account = Account(case, force, self._programs, self._programs.of(force, "stable").spoken(case))
        if self._second is not None:
            account = self._confirmed(account)
        outcome: Outcome = "allow"
        determining: tuple[str, ...] = ()
        if account.spoken or account.doubts:
            asks = [(said.rule.id, said.asks) for said in account.spoken]
            asks += [(doubt.rule, doubt.asks) for doubt in account.doubts]
            outcome = outcome_of([a for _, a in asks])
            determining = tuple([rule for rule, a in asks if determines(a, outcome)])
        return Decision.told_by(
            account, outcome=outcome, determining_rules=determining, packs=self._packs, engine=self._engine
        )

    def decide_many(self, requests: Iterable[Request], *, processes: int = 1) -> Iterator[Decision]:
        """Judge requests as they come: each decision as soon as it is due, in the order of the requests.

        On several processes (0: one a processor) the decisions are the same to the byte; they come back through their
        JSON, so that `all_findings` has only `findings`. The gate must then come from `Gate.load`, whose arguments every
        process loads anew; raises `OncogateError` where that isn't so, where the rules have changed since, or where a process dies
        twice over the same requests.
        """
        from oncogate.many.run import decide_requests  # noqa: PLC0415

        return decide_requests(self, requests, processes)

    def decide_lines(
        self, lines: Iterable[bytes | str], *, processes: int = 1, timezone: str | None = None
    ) -> Iterator[Answer]:
        """Judge lines of JSON, one request each, as they come; an answer for every line that isn't empty, in order.

        A line that can't be judged is answered by its diagnostics, and the rest goes on. `timezone` is for times that have
        none. Raises as `decide_many` does.
        """
        from oncogate.many.run import decide_lines  # noqa: PLC0415

        return decide_lines(self, lines, processes, timezone)

    def _confirmed(self, account: Account) -> Account:
        """The account with what there is to say if the second engine doesn't bear it out."""
        assert self._second is not None
        case, force = account.case, account.force
        rules = force.with_status("stable")
        judged = {rule.id: judge_safely(rule, case, thorough=self._leads) for rule in rules}
        doubtful: Sequence[Rule] = ()
        doubt = None
        try:
            opinion = self._second.opinion(case, force)
        except Exception as error:
            # where both judge, the other's findings stand: they are what a physician can act on
            doubtful, doubt = rules if self._leads else (), unconfirmed(error)
        else:
            if self._leads:
                judged = {id: j and replace(j, verdict=opinion.verdicts[id]) for id, j in judged.items()}
            said = {one.rule.id: one.verdict for one in account.spoken}
            doubtful = [
                j.rule
                for j in judged.values()
                if j is not None and not (_agrees(opinion, j) and (self._leads or _agrees_with(said, j)))
            ]
            doubt = disagreed(doubtful) if doubtful else None
        unsure = {rule.id for rule in doubtful} | {id for id, j in judged.items() if j is None}
        verdicts = [
            (rule, None if j is None or rule.id in unsure else j.verdict)
            for rule, j in zip(rules, judged.values(), strict=True)
        ]
        spoken = [Said.of(rule, verdict) for rule, verdict in verdicts if verdict not in CONTENT]
        return Account(case, force, self._programs, spoken, judged, doubt)


def _second_engine(time_limit: float = TIME_LIMIT) -> SecondEngine:
    """durable-rules; what it takes to run a child process is imported by those alone who ask for it."""
    from oncogate.engine.durable.second import SecondEngine  # noqa: PLC0415

    return SecondEngine(time_limit)


def _agrees_with(said: Mapping[str, Verdict | None], judgement: Judgement) -> bool:
    """Whether what the compiled rule said is what the walker says."""
    verdict = judgement.verdict
    return judgement.rule.id not in said if verdict in CONTENT else said.get(judgement.rule.id) == verdict


def _agrees(opinion: Opinion, judgement: Judgement) -> bool:
    rule, verdict = judgement.rule, judgement.verdict
    return opinion.verdicts[rule.id] == verdict and opinion.asks[rule.id] == asked(rule, verdict)
