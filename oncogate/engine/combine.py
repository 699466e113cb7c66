"""From verdicts to the outcome. This screen is the whole of it.

asks        = effect if unmet, on_unknown if unknown, nothing otherwise
outcome     = the strictest thing any active rule asks, else allow
determining = exactly the findings that asked for that outcome
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from oncogate.model.decision import Asked
from oncogate.model.rule import Outcome, Rule, Verdict

CONTENT: frozenset[Verdict | None] = frozenset({"met", "not_applicable"})
"""The verdicts that ask for nothing."""
_STRICTEST_FIRST: tuple[Literal["block", "warn"], ...] = ("block", "warn")


def asked(rule: Rule, verdict: Verdict) -> Asked | None:
    """What the rule asks for. A critical value is raised apart and asks nothing of the order."""
    if verdict == "unknown":
        return rule.if_unknown
    if verdict == "unmet":
        return "inform" if rule.effect == "critical_value" else rule.effect
    return None


def asks_of(spoken: Iterable[tuple[Rule, Verdict | None]]) -> list[tuple[str, Asked | None]]:
    """By rule, what each asks for; one that couldn't be judged is unknown."""
    return [(rule.id, asked(rule, verdict or "unknown")) for rule, verdict in spoken]


def outcome_of(asks: Iterable[Asked | None]) -> Outcome:
    """The strictest thing asked."""
    asks = [*asks]
    for outcome in _STRICTEST_FIRST:
        if outcome in asks:
            return outcome
    return "allow"


def determines(asks: Asked | None, outcome: Outcome) -> bool:
    """Whether a finding that asks this is one that determined the outcome."""
    return outcome != "allow" and asks == outcome
