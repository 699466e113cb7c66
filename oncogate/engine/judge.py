"""Judging one rule: conditions to a verdict, with the evidence of every leaf.

applies = when                               true, false or unknown
verdict = not_applicable                     if applies is false
        = met | unmet | unknown              from applies → require
"""

from __future__ import annotations

from dataclasses import dataclass

from oncogate.base.logic import Truth, implies
from oncogate.engine.case import Case
from oncogate.engine.conditions import LeafOutcome, Walk
from oncogate.model.rule import Rule, Verdict


@dataclass
class Judgement:
    """A rule's verdict on a case, with every leaf's part in it."""

    rule: Rule
    verdict: Verdict
    leaves: tuple[LeafOutcome, ...]


def judge(rule: Rule, case: Case, *, thorough: bool = False, spoken: bool = False) -> Judgement:
    """Judge `rule` with its parameters as they stand in it.

    One condition of `when` that is false settles that the rule doesn't apply; the others are then judged only if
    `thorough`. A rule that has `spoken` is known to apply, so that a glance at the drugs first would be in vain.
    """
    ordered = None if thorough or spoken else case.drug_classes
    if ordered is not None and any(asked.isdisjoint(ordered) for asked in rule.drug_classes):
        return Judgement(rule, "not_applicable", ())  # most rules, of most orders: told at a glance
    walk = Walk(case, rule.parameters, raising=rule.effect == "critical_value")
    applies = walk.every(rule.when) if thorough else walk.until_false(rule.when)
    if applies is False and not thorough:
        return Judgement(rule, "not_applicable", walk.taken())
    walk.asked = True
    required = False if rule.require is None else walk.every(rule.require)
    return Judgement(rule, verdict_of(applies, required), walk.taken())


def judge_safely(rule: Rule, case: Case, *, thorough: bool = False, spoken: bool = False) -> Judgement | None:
    """The judgement; `None` if the engine fails on the rule.

    An exception into the order screen would be a crash, a skipped rule a silent pass.
    """
    try:
        return judge(rule, case, thorough=thorough, spoken=spoken)
    except Exception:
        return None


def verdict_of(applies: Truth, required: Truth) -> Verdict:
    """The verdict from the two halves of a rule."""
    if applies is False:
        return "not_applicable"
    outcome = implies(applies, required)
    return "unknown" if outcome is None else "met" if outcome else "unmet"
