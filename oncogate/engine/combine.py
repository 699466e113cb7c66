"""From verdicts to the outcome. This screen is the whole of it.

asks        = effect if unmet, on_unknown if unknown, nothing otherwise
outcome     = the strictest thing any active rule asks, else allow
determining = exactly the findings that asked for that outcome
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

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


class Said(NamedTuple):
    """What a rule says that isn't met: its verdict, `None` where it couldn't be judged, and what it asks for."""

    rule: Rule
    verdict: Verdict | None
    asks: Asked | None

    @classmethod
    def of(cls, rule: Rule, verdict: Verdict | None) -> Said:
        """The same; a rule that couldn't be judged asks what it does if unknown."""
        return cls(rule, verdict, asked(rule, verdict or "unknown"))


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
