"""A judgement as a finding: the data that the decision carries, with its reason in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from oncogate.base.made import made
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.combine import asked
from oncogate.engine.judge import Judgement
from oncogate.engine.wording import stated
from oncogate.explain.conditions import parameter_value
from oncogate.explain.reasons import Fillings, reason_for
from oncogate.model.condition import Latest
from oncogate.model.decision import Advice, CriticalValue, Evidence, Finding, Obligation, Used
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Remedy, Rule, Verdict
from oncogate.packs.pack import InForce
from oncogate.packs.tables import Tables


def finding_of(judgement: Judgement, case: Case, force: InForce) -> Finding:
    """The finding of one rule; `force` tells what the layers set."""
    rule, verdict = judgement.rule, judgement.verdict
    asks = asked(rule, verdict)
    alike = _alike(rule, force, case.tables)
    values = Fillings(judgement, case, alike.prepared)
    remedy = remedy_for(rule, verdict) if asks is not None else None
    return made(Finding, {
        "rule": rule.id, "version": rule.version, "layer": force.set_by.get(rule.id, {}).get(""), "effect": rule.effect,
        "verdict": verdict, "asks": asks, "why": None, "title": rule.title, "reason": reason_for(judgement, case, values),
        "evidence": _evidence(judgement, case), "missing": _missing(judgement), "parameters": alike.parameters,
        "remedy": _advice(remedy, values.fill(remedy)) if remedy is not None else None,
        "override": rule.override if asks is not None else None,
    })  # fmt: skip


def failed(rule: Rule) -> Finding:
    """The finding of a rule that the engine failed on: unknown, never a pass."""
    return Finding(
        rule=rule.id, version=rule.version, effect=rule.effect, verdict="unknown", asks=asked(rule, "unknown"), why="engine_error",
        title=rule.title, override=rule.override,
        reason=Text(zh="本条规则运行出错，无法判定，请人工核对并联系信息科。", en="This rule failed to run and could not be judged: check by hand and tell the IT department."),
        evidence=(Evidence(fact="engine", counted=None, why="engine_error"),),
    )  # fmt: skip


def unexplained(rule: Rule, verdict: Verdict) -> Finding:
    """The finding of a rule whose verdict stands, but can't be explained."""
    return failed(rule).model_copy(
        update={
            "verdict": verdict, "asks": asked(rule, verdict),
            "reason": Text(zh="本条规则已作出判定，但依据无法显示，请人工核对并联系信息科。", en="This rule was judged, but the grounds can't be shown: check by hand and tell the IT department."),
        }
    )  # fmt: skip


def remedy_for(rule: Rule, verdict: str) -> Remedy | None:
    """What to do about the verdict."""
    if verdict == "unknown" and rule.remedy_if_unknown is not None:
        return rule.remedy_if_unknown
    return rule.remedy


def _advice(remedy: Remedy, text: Text) -> Advice:
    return Advice(action=remedy.action, zh=text.zh, en=text.en)


def parameters_used(rule: Rule, force: InForce, tables: Tables) -> Mapping[str, Used]:
    """The parameters of the rule and, as `fact/name`, of the derived facts that it asks for; each with who set it."""
    return _alike(rule, force, tables).parameters


@dataclass
class _Alike:
    """What the findings of one rule have alike; `prepared` is for its `Fillings`."""

    rule: Rule
    parameters: Mapping[str, Used]
    prepared: dict[int, Text | tuple[str, ...]] = field(default_factory=dict)


def _alike(rule: Rule, force: InForce, tables: Tables) -> _Alike:
    found: _Alike | None = force.memo.get(rule.id)
    if found is None or found.rule is not rule:  # a mutant goes by the same name
        found = force.memo[rule.id] = _Alike(rule, dict(_each_used(rule, force, tables)))
    return found


def _each_used(rule: Rule, force: InForce, tables: Tables) -> Iterator[tuple[str, Used]]:
    for key, parameter in force.used.get(rule.id, rule.parameters).items():
        fact, _, name = key.rpartition("/")
        by = force.set_by.get(fact or rule.id, {}).get(name) or rule.id.split("/")[0]
        value, said = _written(parameter), parameter_value(parameter, tables, whole=True)
        yield key, Used(value=value, unit=parameter.unit, set_by=by, label=parameter.label, said=said)


def _written(parameter: Parameter) -> str:
    value = parameter.value
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _evidence(judgement: Judgement, case: Case) -> tuple[Evidence, ...]:
    facts = case.facts
    rows = [
        row if row.label is not None or row.fact not in facts else row.labelled(facts[row.fact].label)
        for leaf in judgement.leaves
        for row in (*leaf.basis, *leaf.evidence)
    ]
    # the whole rows take long to compare: most differ in what they are of, others are the very same ones
    told_apart = {(row.fact, row.entry, row.value) for row in rows}
    if len(told_apart) < len(rows):
        rows = list({id(row): row for row in rows}.values())
    return tuple(rows if len(told_apart) == len(rows) else dict.fromkeys(rows))


def _missing(judgement: Judgement) -> tuple[str, ...]:
    if judgement.verdict in ("met", "not_applicable"):
        return ()
    unsettled = [leaf for leaf in judgement.leaves if leaf.open or (leaf.asked and leaf.failed)]
    return tuple(dict.fromkeys(name for leaf in unsettled for name in leaf.missing))


def critical_values_of(judgement: Judgement, case: Case) -> tuple[CriticalValue, ...]:
    """The critical values that a rule for them raised, one for each result that is beyond the limit."""
    if judgement.verdict != "unmet":
        return ()
    raised = []
    for outcome in judgement.leaves:
        if isinstance(outcome.leaf, Latest) and outcome.truth:
            measured = case.facts[outcome.leaf.latest].measured
            for standing in outcome.deciding:
                entry = standing.entry
                quantity = stated(entry, "value")
                prefix = quantity.comparator or "" if quantity else ""
                raised.append(
                    CriticalValue(
                        rule=judgement.rule.id, fact=outcome.leaf.latest, label=case.facts[outcome.leaf.latest].label, value=f"{prefix}{_plain(standing.value)}",
                        unit=measured.unit if measured else "", limit=str(outcome.limit),
                        entry=entry.id, source=entry.source, effective=entry.effective,
                    )
                )  # fmt: skip
    return tuple(raised)


def _plain(value: object) -> str:
    return f"{value:f}" if value is not None else ""


def obligations_of(judgement: Judgement, case: Case) -> tuple[Obligation, ...]:
    """What follows from a rule that isn't met."""
    rule = judgement.rule
    if judgement.verdict != "unmet" or not rule.obligations:
        return ()
    values = Fillings(judgement, case)
    return tuple(
        Obligation(kind=o.kind, level=o.level, text=values.fill(o.text) if o.text else None, rule=rule.id)
        for o in rule.obligations
    )
