"""The gate: loaded once, it decides any number of requests, from any number of threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from oncogate._version import __version__
from oncogate.base.errors import Diagnostic, OncogateError, did_you_mean
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.combine import asked, determines, outcome_of
from oncogate.engine.durable import TIME_LIMIT
from oncogate.engine.judge import Judgement, judge_safely
from oncogate.engine.wording import section_label
from oncogate.explain.findings import critical_value_of, failed, finding_of, obligations_of, remedy_for
from oncogate.explain.second_opinion import disagreed, unconfirmed
from oncogate.explain.way_forward import way_forward
from oncogate.model.decision import CriticalValue, Decision, Finding, Loosening, Notice, Obligation, PackUsed
from oncogate.model.record import PatientRecord
from oncogate.model.request import Request
from oncogate.model.rule import Outcome, Rule
from oncogate.packs.load import load_library
from oncogate.packs.pack import InForce, Library

if TYPE_CHECKING:
    from oncogate.engine.durable.second import Opinion, SecondEngine
    from oncogate.many.lines import Answer

ENGINE = f"oncogate {__version__}"
Engine = Literal["python", "durable", "both"]
"""Who gives the verdicts: the engine of this package, durable-rules, or the first with the consent of the second."""


@dataclass(frozen=True)
class _Said:
    """What one rule says of a request."""

    finding: Finding
    critical: tuple[CriticalValue, ...] = ()
    obligations: tuple[Obligation, ...] = ()


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
        """A gate with the shipped rules, or those of the folders `packs`, as the layers of `site` tune them.

        `site` is one file or several (national, province, hospital, department), in any order. `engine` is `python`,
        `durable` or `both` (docs/explanation/two-engines.md); with `both`, an order is blocked that durable-rules judges otherwise,
        or doesn't judge within `time_limit` seconds.

        Raises `PackError` with every problem found, each with file, line and column; `OncogateError` where the second engine
        can't be had.
        """
        if engine not in get_args(Engine):
            hint = did_you_mean(str(engine), get_args(Engine)) or "`python`, `durable` or `both`"
            raise OncogateError([
                Diagnostic("", 0, 0, "engine-unknown", f"there is no engine `{engine}`", hint)
            ])  # fmt: skip
        second = None if engine == "python" else _second_engine(time_limit)
        gate = cls(load_library(packs, site), engine, second)
        files = [site] if isinstance(site, (str, Path)) else site or ()
        gate.loaded_by = {
            "packs": [Path(p).absolute() for p in packs], "site": [Path(f).absolute() for f in files],
            "engine": engine, "time_limit": time_limit,
        }  # fmt: skip
        return gate

    @property
    def judges_by(self) -> tuple[object, ...]:
        """The packs and layers to the byte, and the engine: equal for two gates that decide alike."""
        return (*self._packs, self._engine)

    def decide(self, request: Request) -> Decision:
        """Judge the request. Clinical gaps don't raise: they are findings; nor does a failing rule."""
        force = self.library.in_force(request.at.date())
        case = Case.of(request, self.library)
        said, doubt = self._said(case, force)
        findings = tuple(s.finding for s in said)
        if doubt is not None:
            findings = (*findings, doubt)
        outcome = outcome_of(f.asks for f in findings)
        forward, stuck = ((), (doubt.rule,)) if doubt else self._way_forward(case, findings, outcome, force)
        decision = Decision(
            outcome=outcome, at=request.at,
            order=request.order.id if request.order else None,
            patient=request.record.patient.id if request.record.patient else None,
            findings=tuple(f for f in findings if f.asks is not None),
            determining_rules=tuple(f.rule for f in findings if determines(f.asks, outcome)),
            critical_values=tuple(v for s in said for v in s.critical),
            obligations=tuple(o for s in said for o in s.obligations),
            way_forward=forward, not_remediable=stuck,
            shadow=_shadow(case, force),
            notices=_notices(case), loosened=_loosened(force), packs=self._packs, engine=self._engine,
        )  # fmt: skip
        decision._all = findings
        return decision

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

    def _said(self, case: Case, force: InForce) -> tuple[list[_Said], Finding | None]:
        """What the stable rules say, and what there is to say if the second engine doesn't bear it out."""
        rules = force.with_status("stable")
        judged = [judge_safely(rule, case, thorough=self._leads) for rule in rules]
        doubtful: Sequence[Rule] = ()
        doubt = None
        if self._second is not None:
            try:
                opinion = self._second.opinion(case, force)
            except Exception as error:
                # where both judge, the other's findings stand: they are what a physician can act on
                doubtful, doubt = rules if self._leads else (), unconfirmed(error)
            else:
                if self._leads:
                    judged = [j and replace(j, verdict=opinion.verdicts[j.rule.id]) for j in judged]
                doubtful = [j.rule for j in judged if j is not None and not _agrees(opinion, j)]
                doubt = disagreed(doubtful) if doubtful else None
        said = {rule.id: _say(rule, j, case, force) for rule, j in zip(rules, judged, strict=True)}
        for rule in doubtful:  # a critical value that was seen is raised all the same
            said[rule.id] = replace(said[rule.id], finding=failed(rule))
        return list(said.values()), doubt

    def _way_forward(
        self, case: Case, findings: Sequence[Finding], outcome: Outcome, force: InForce
    ) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
        rules = {rule.id: rule for rule in force.with_status("stable")}
        asking = [f for f in findings if f.asks in ("block", "warn")]
        remedies = {f.rule: r for f in asking if (r := remedy_for(rules[f.rule], f.verdict)) is not None}

        def asks(request: Request) -> tuple[Outcome, Sequence[str]]:
            trial = Case.of(request, self.library)
            said = [
                (rule.id, asked(rule, j.verdict if (j := judge_safely(rule, trial)) else "unknown"))
                for rule in rules.values()
            ]
            return outcome_of(a for _, a in said), [id for id, a in said if a in ("block", "warn")]

        try:
            return way_forward(case, asking, remedies, outcome, asks)
        except Exception:  # advice only: the decision stands without it
            return (), tuple(f.rule for f in asking)


def _second_engine(time_limit: float = TIME_LIMIT) -> SecondEngine:
    """durable-rules; what it takes to run a child process is imported by those alone who ask for it."""
    from oncogate.engine.durable.second import SecondEngine  # noqa: PLC0415

    return SecondEngine(time_limit)


def _agrees(opinion: Opinion, judgement: Judgement) -> bool:
    rule, verdict = judgement.rule, judgement.verdict
    return opinion.verdicts[rule.id] == verdict and opinion.asks[rule.id] == asked(rule, verdict)


def _shadow(case: Case, force: InForce) -> tuple[Finding, ...]:
    """What the rules on trial would ask for."""
    judged = ((rule, judge_safely(rule, case)) for rule in force.with_status("trial"))
    asking = ((rule, j) for rule, j in judged if j is None or asked(rule, j.verdict) is not None)
    return tuple(_say(rule, judgement, case, force).finding for rule, judgement in asking)


def _say(rule: Rule, judgement: Judgement | None, case: Case, force: InForce) -> _Said:
    if judgement is None:
        return _Said(failed(rule))
    try:
        finding = finding_of(judgement, case, force)
        return _Said(finding, critical_value_of(judgement, case), obligations_of(judgement, case))
    except Exception:  # as above: without words for it, the verdict is not known
        return _Said(failed(rule))


def _loosened(force: InForce) -> tuple[Loosening, ...]:
    """What layers loosened; it shows whether or not it mattered here."""
    return tuple(
        Loosening(
            rule=change.owner, layer=layer.id, what=said.what, reason=said.reason, approved_by=said.approved_by, until=said.until
        )
        for layer, change in force.loosened
        if (said := change.loosened) is not None
    )  # fmt: skip


def _notices(case: Case) -> tuple[Notice, ...]:
    """What was wrong with the input: entries of another patient, entries that could not be read."""
    found = []
    for mark in case.record.unread:
        label = section_label(mark.section)
        which = f" {mark.source}" if mark.source else ""
        said = Text(
            zh=f"“{label.zh}”中有资料{which}无法读取：{mark.problem}", en=f"something of the {label.en}{which} can't be read: {mark.problem}"
        )  # fmt: skip
        found.append(Notice(code="unread", path=f"/record/{mark.section}", message=said))
    for section in PatientRecord.SECTIONS:
        for index, entry in enumerate(case.record.section(section) or ()):
            if case.of_another_patient(entry):
                said = Text(
                    zh=f"“{section_label(section).zh}”中的 {entry.id} 属于另一位患者（{entry.patient}），不予采用",
                    en=f"`{entry.id}` names the patient `{entry.patient}`, not this one; it is not counted",
                )
                found.append(Notice(code="wrong-patient", path=f"/record/{section}/{index}", message=said))
    return tuple(found)
