"""Doing a remedy on the screen: the request with what the record holds once it is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from oncogate.engine.case import Case
from oncogate.explain.findings import remedy_for
from oncogate.explain.way_forward import with_done
from oncogate.gate import Gate
from oncogate.model.decision import Decision
from oncogate.model.request import Request
from oncogate.model.rule import Remedy


def after(gate: Gate, request: Request, actions: Iterable[str]) -> tuple[Request, Decision, tuple[str, ...]]:
    """The request with these remedies done one after the other, its decision, and those that were done.

    A remedy that the decision of its turn doesn't offer isn't done: nobody can sign what isn't asked for.
    """
    decision = gate.decide(request)
    done: list[str] = []
    for action in dict.fromkeys(actions):
        offered = offers(gate, decision)
        if action not in offered:
            continue
        try:
            with_it = with_done(Case.of(request, gate.library), [(action, *offered[action])])
        except (
            Exception
        ):  # as in a decision: what a site's own remedy adds may fit no record; it is then no way forward
            continue
        request, decision = with_it, gate.decide(with_it)
        done.append(action)
    return request, decision, tuple(done)


def offers(gate: Gate, decision: Decision) -> Mapping[str, tuple[Remedy, Sequence[str]]]:
    """What can be done about the decision by an entry in the record: the remedies by action, with what is missing."""
    rules = {rule.id: rule for rule in gate.library.in_force(decision.at.date()).rules}
    found = {}
    for finding in decision.findings:
        rule = rules.get(finding.rule)
        remedy = remedy_for(rule, finding.verdict) if rule is not None else None
        if finding.asks in ("block", "warn") and remedy is not None and remedy.adds:
            found[remedy.action] = (remedy, finding.missing)
    return found
