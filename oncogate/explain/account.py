"""What a decision says of itself when someone looks: findings, what follows from them, and the way forward.

The verdicts stand already. The walker judges the rules again, for the evidence of every leaf; it reaches the same verdicts,
and where it doesn't, or fails, the finding keeps the verdict that was decided and says that it can't be explained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.combine import CONTENT, outcome_of
from oncogate.engine.judge import Judgement, judge_safely
from oncogate.engine.program import Programs, Spoken
from oncogate.engine.wording import problem_said, section_label
from oncogate.explain.findings import (
    critical_values_of,
    failed,
    finding_of,
    obligations_of,
    remedy_for,
    unexplained,
)
from oncogate.explain.way_forward import way_forward
from oncogate.model.decision import CriticalValue, Finding, Loosening, Notice, Obligation
from oncogate.model.record import PatientRecord
from oncogate.model.request import Request
from oncogate.model.rule import Outcome, Rule, Verdict
from oncogate.packs.pack import InForce

T = TypeVar("T")


class Account:
    """The account of one decision. `spoken` is what the rules say that aren't met.

    `judged` are judgements that were made on the way to the verdicts, by rule. `doubt` is the finding of a second engine that
    doesn't bear the decision out.
    """

    def __init__(
        self, case: Case, force: InForce, programs: Programs, spoken: Spoken,
        judged: Mapping[str, Judgement | None] | None = None, doubt: Finding | None = None,
    ) -> None:  # fmt: skip
        self.case = case
        self.force = force
        self.programs = programs
        self.spoken = spoken
        self.doubts = () if doubt is None else (doubt,)
        self._judged = {} if judged is None else dict(judged)

    @once
    def findings(self) -> tuple[Finding, ...]:
        """What asked for something."""
        return (*(self._finding(said.rule, said.verdict) for said in self.spoken), *self.doubts)

    @once
    def all_findings(self) -> tuple[Finding, ...]:
        """What every rule says."""
        said = {finding.rule: finding for finding in self.findings}
        rules = self.force.with_status("stable")
        return (*(said.get(rule.id) or self._content(rule) for rule in rules), *self.doubts)

    @once
    def critical_values(self) -> tuple[CriticalValue, ...]:
        """The critical values that were seen."""
        raising = [said.rule for said in self.spoken if said.rule.effect == "critical_value"]
        return tuple([value for rule in raising for value in self._safely(critical_values_of, rule)])

    @once
    def obligations(self) -> tuple[Obligation, ...]:
        """What follows."""
        obliging = [said.rule for said in self.spoken if said.rule.obligations]
        return tuple([obligation for rule in obliging for obligation in self._safely(obligations_of, rule)])

    @property
    def way_forward(self) -> tuple[tuple[str, ...], ...]:
        """The smallest sets of actions after which the order would do."""
        return self._forward[0]

    @property
    def not_remediable(self) -> tuple[str, ...]:
        """The rules that no action mends."""
        return self._forward[1]

    @once
    def _forward(self) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
        if self.doubts:
            return (), tuple(doubt.rule for doubt in self.doubts)
        asking = [f for f in self.findings if f.asks in ("block", "warn")]
        if not asking:
            return (), ()
        rules = {said.rule.id: said.rule for said in self.spoken}
        remedies = {f.rule: r for f in asking if (r := remedy_for(rules[f.rule], f.verdict)) is not None}

        def asks(request: Request) -> tuple[Outcome, Sequence[str]]:
            program = self.programs.of(self.force, "stable")
            spoken = program.spoken(self.case.with_request(request))
            return outcome_of(s.asks for s in spoken), [
                s.rule.id for s in spoken if s.asks in ("block", "warn")
            ]

        try:
            return way_forward(self.case, asking, remedies, outcome_of(f.asks for f in asking), asks)
        except Exception:  # advice only: the decision stands without it
            return (), tuple(f.rule for f in asking)

    @once
    def shadow(self) -> tuple[Finding, ...]:
        """What the rules on trial would ask for."""
        if not self.force.with_status("trial"):
            return ()
        spoken = self.programs.of(self.force, "trial").spoken(self.case)
        return tuple(self._finding(said.rule, said.verdict) for said in spoken)

    @once
    def loosened(self) -> tuple[Loosening, ...]:
        """What layers loosened; it shows whether or not it mattered here."""
        return tuple(
            Loosening(
                rule=change.owner, layer=layer.id, what=said.what, reason=said.reason, approved_by=said.approved_by, until=said.until
            )
            for layer, change in self.force.loosened
            if (said := change.loosened) is not None
        )  # fmt: skip

    @once
    def notices(self) -> tuple[Notice, ...]:
        """What was wrong with the input: entries of another patient, entries that could not be read."""
        return (*_unread(self.case), *_of_others(self.case))

    @property
    def at(self) -> datetime:
        """The moment."""
        return self.case.at

    @property
    def order(self) -> str | None:
        """The order's id."""
        order = self.case.order_row
        return None if order is None else order["id"]

    @property
    def patient(self) -> str | None:
        """The patient's id."""
        return self.case.patient_id

    # -- one rule ------------------------------------------------------------------------------------

    def _judgement(self, rule: Rule, *, spoken: bool = True) -> Judgement | None:
        if rule.id not in self._judged:
            self._judged[rule.id] = judge_safely(rule, self.case, spoken=spoken)
        return self._judged[rule.id]

    def _finding(self, rule: Rule, verdict: Verdict | None) -> Finding:
        if verdict is None:
            return failed(rule)
        judgement = self._judgement(rule)
        if judgement is None or judgement.verdict != verdict:
            return unexplained(rule, verdict)
        try:
            return finding_of(judgement, self.case, self.force)
        except Exception:  # the verdict doesn't hang on the words for it
            return unexplained(rule, verdict)

    def _content(self, rule: Rule) -> Finding:
        """The finding of a rule that asks for nothing."""
        judgement = self._judgement(rule, spoken=False)
        content = judgement is not None and judgement.verdict in CONTENT
        return self._finding(rule, judgement.verdict) if judgement and content else unexplained(rule, "met")

    def _safely(self, told: Callable[[Judgement, Case], tuple[T, ...]], rule: Rule) -> tuple[T, ...]:
        judgement = self._judgement(rule)
        try:
            return told(judgement, self.case) if judgement is not None else ()
        except Exception:
            return ()


def _unread(case: Case) -> Iterator[Notice]:
    for mark in case.record.unread:
        label = section_label(mark.section)
        which = f" {mark.source}" if mark.source else ""
        why = problem_said(mark.problem)
        said = Text(
            zh=f"“{label.zh}”中有资料{which}无法读取：{why.zh}", en=f"something of the {label.en}{which} can't be read: {why.en}"
        )  # fmt: skip
        yield Notice(code="unread", path=f"/record/{mark.section}", message=said)


def _of_others(case: Case) -> Iterator[Notice]:
    for section in PatientRecord.SECTIONS:
        for place, row in enumerate(case.rows[section] or ()):
            # most name none: no call for each
            if (owner := row.get("patient")) is not None and case.is_another_patient(owner):
                id, label = row["id"], section_label(section).zh
                said = Text(
                    zh=f"“{label}”中的 {id} 属于另一位患者（{owner}），不予采用",
                    en=f"`{id}` names the patient `{owner}`, not this one; it is not counted",
                )
                yield Notice(code="wrong-patient", path=f"/record/{section}/{place}", message=said)
