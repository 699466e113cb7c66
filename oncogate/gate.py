"""The gate: loaded once, it decides any number of requests, from any number of threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oncogate._version import __version__
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.combine import asked, determines, outcome_of
from oncogate.engine.judge import Judgement, judge
from oncogate.engine.wording import section_label
from oncogate.explain.findings import critical_value_of, failed, finding_of, obligations_of, remedy_for
from oncogate.explain.way_forward import way_forward
from oncogate.model.decision import Asked, CriticalValue, Decision, Finding, Notice, Obligation, PackUsed
from oncogate.model.record import PatientRecord
from oncogate.model.request import Request
from oncogate.model.rule import Outcome, Rule
from oncogate.packs.load import load_library
from oncogate.packs.pack import Library

ENGINE = f"oncogate {__version__}"


@dataclass(frozen=True)
class _Said:
    """What one rule says of a request."""

    finding: Finding
    critical: tuple[CriticalValue, ...] = ()
    obligations: tuple[Obligation, ...] = ()


class Gate:
    """Judges requests against rules. Immutable after loading: no clock, no file, no network.

    The same request gives the same bytes, on any day, in any process.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        active = [r.rule for r in library.rules if r.rule.status in ("stable", "trial")]
        self._stable = tuple(r for r in active if r.status == "stable")
        self._trial = tuple(r for r in active if r.status == "trial")
        self._parameters = {r.id: library.parameters_of(r) for r in active}
        self._packs = tuple(PackUsed(id=p.id, version=p.version, digest=p.digest) for p in library.packs)
        if library.site is not None:
            self._packs += (PackUsed(id=library.site.id, version="site", digest=library.site.digest),)

    @classmethod
    def load(cls, packs: Sequence[str | Path] = (), site: str | Path | None = None) -> Gate:
        """A gate with the shipped rules, or those of the folders `packs`, as the file `site` tunes them.

        Raises `PackError` with every problem found, each with file, line and column.
        """
        return cls(load_library(packs, site))

    def decide(self, request: Request) -> Decision:
        """Judge the request. Clinical gaps don't raise: they are findings; nor does a failing rule."""
        case = self._case(request)
        said = [self._say(rule, case) for rule in self._stable]
        findings = tuple(s.finding for s in said)
        shadow = tuple(self._say(rule, case).finding for rule in self._trial)
        outcome = outcome_of(f.asks for f in findings)
        forward, stuck = self._way_forward(case, findings, outcome)
        decision = Decision(
            outcome=outcome, at=request.at,
            order=request.order.id if request.order else None,
            patient=request.record.patient.id if request.record.patient else None,
            findings=tuple(f for f in findings if f.asks is not None),
            determining_rules=tuple(f.rule for f in findings if determines(f.asks, outcome)),
            critical_values=tuple(v for s in said for v in s.critical),
            obligations=tuple(o for s in said for o in s.obligations),
            way_forward=forward, not_remediable=stuck,
            shadow=tuple(f for f in shadow if f.asks is not None),
            notices=_notices(case), packs=self._packs, engine=ENGINE,
        )  # fmt: skip
        decision._all = findings
        return decision

    def _case(self, request: Request) -> Case:
        return Case(request, self.library.facts, self.library.tables)

    def _judge(self, rule: Rule, case: Case) -> Judgement | None:
        try:
            return judge(rule, case, self._parameters[rule.id])
        except Exception:  # an exception into the order screen would be a crash, a skipped rule a silent pass
            return None

    def _say(self, rule: Rule, case: Case) -> _Said:
        judgement = self._judge(rule, case)
        if judgement is None:
            return _Said(failed(rule))
        try:
            finding = finding_of(judgement, case, self.library.set_by(rule))
            return _Said(finding, critical_value_of(judgement, case), obligations_of(judgement))
        except Exception:  # as above: without words for it, the verdict is not known
            return _Said(failed(rule))

    def _way_forward(
        self, case: Case, findings: Sequence[Finding], outcome: Outcome
    ) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
        rules = {rule.id: rule for rule in self._stable}
        asking = [f for f in findings if f.asks in ("block", "warn")]
        remedies = {f.rule: r for f in asking if (r := remedy_for(rules[f.rule], f.verdict)) is not None}
        try:
            return way_forward(case, asking, remedies, outcome, self._asks)
        except Exception:  # advice only: the decision stands without it
            return (), tuple(f.rule for f in asking)

    def _asks(self, request: Request) -> tuple[Outcome, Sequence[str]]:
        case = self._case(request)
        said: list[tuple[str, Asked | None]] = []
        for rule in self._stable:
            judgement = self._judge(rule, case)
            said.append((rule.id, asked(rule, judgement.verdict if judgement else "unknown")))
        return outcome_of(a for _, a in said), [id for id, a in said if a in ("block", "warn")]


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
