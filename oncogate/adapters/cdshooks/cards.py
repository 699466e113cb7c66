"""A decision → CDS Hooks cards: one for each determining finding and critical value, and at most one for the rest.

Made from the decision; only where a rule's sources are to be named is the library asked. Nothing in a card is
empty or null.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oncogate.adapters.cdshooks.markdown import Detail, shortened
from oncogate.adapters.cdshooks.suggestions import Subject, suggestions
from oncogate.base.texts import Language, Text
from oncogate.explain.view import Section, View, view_of
from oncogate.explain.words import code_text, one_line
from oncogate.model.decision import Decision, Finding
from oncogate.model.parameter import Source
from oncogate.packs.pack import Library

Card = dict[str, Any]

SUMMARY = 139
"""Characters of a summary at most: fewer than 140."""
RULES = "urn:oncogate:rule"
REASONS = "urn:oncogate:override-reason"
_INDICATORS: Mapping[str | None, str] = {"block": "critical", "warn": "warning", "inform": "info"}
_REST = "rest"
"""What the summary card is called where a rule's card has the rule."""

_T: Mapping[str, Text] = {
    "critical": Text(zh="危急值：{value}", en="Critical value: {value}"),
    "rest": Text(zh="另有 {n} 条提醒", en="{n} more to look at"),
    "rest.one": Text(zh="另有 1 条提醒：{first}", en="One more to look at: {first}"),
    "forward": Text(zh="下一步：怎样才能放行", en="What to do next, all in all"),
    "notes": Text(zh="须落实的事项与资料问题", en="What follows, and problems of the data"),
}


def cards_of(
    decision: Decision, language: Language, instance: str, library: Library, subject: Subject | None = None
) -> list[Card]:
    """The cards of a decision; none where there is nothing to say.

    `instance` is the request's `hookInstance`: called again for it, a card has the same `uuid`. With `subject`, what is
    suggested comes as resources for that patient.
    """
    view = view_of(decision, language)
    maker = _Maker(decision, view, language, instance, library, subject)
    return [*maker.critical(), *maker.determining(), *maker.rest()]


def card_id(rule: str, instance: str) -> str:
    """The `uuid` of a rule's card. Its first twelve digits are those of the rule, so that feedback tells which rule it is on."""
    mine = hashlib.sha256(rule.encode()).digest()[:6]
    whole = hashlib.sha256(f"{rule}\n{instance}".encode()).digest()
    return str(uuid.UUID(bytes=mine + whole[:10], version=5))


def rule_of(card: str, rules: Iterable[str]) -> str | None:
    """The rule that a card is on, by its `uuid`; nothing for the summary card and for what is no card of ours."""
    return next((rule for rule in rules if card_id(rule, "")[:13] == card.casefold()[:13]), None)


class _Maker:
    def __init__(
        self, decision: Decision, view: View, language: Language, instance: str, library: Library, subject: Subject | None
    ) -> None:  # fmt: skip
        self.decision, self.view, self.language, self.instance = decision, view, language, instance
        self.library, self.subject = library, subject
        self.sources = {loaded.rule.id: loaded.rule.sources for loaded in library.rules}
        self.several = len(decision.determining_rules) > 1
        self.findings = {f.rule: f for f in decision.findings}

    def critical(self) -> Iterable[Card]:
        """A card for each rule that raised critical values."""
        for section in self.view.critical:
            said = "；".join(section.values) if self.language == "zh" else "; ".join(section.values)
            summary = _T["critical"].in_(self.language).format(value=said or section.title)
            yield self._card(section, "critical", summary)

    def determining(self) -> Iterable[Card]:
        """A card for each finding that asked for the outcome."""
        for section in self.view.findings:
            if section.rule in self.decision.determining_rules:
                yield self._card(section, _INDICATORS[self.findings[section.rule].asks], section.heading)

    def rest(self) -> Iterable[Card]:
        """One card for what else asks, the way forward where it is that of several cards, what follows, and what was
        wrong with the data."""
        others = [s for s in self.view.findings if s.rule not in self.decision.determining_rules]
        detail = Detail(self.language)
        detail.others((s.tag, s.heading, s.reason, s.remedy, s.rule) for s in others)
        if self.several:
            detail.forward(self.view.forward)
        detail.list("obligations", self.view.obligations)
        detail.list("notices", self.view.notices)
        if not detail.text:
            return
        asked = {self.findings[s.rule].asks for s in others}
        strictest = next((a for a in ("block", "warn") if a in asked), "inform")
        detail.list("loosened", self.view.loosened)
        if len(others) == 1:
            summary = _T["rest.one"].in_(self.language).format(first=others[0].heading)
        elif others:
            summary = _T["rest"].in_(self.language).format(n=len(others))
        else:
            summary = _T["forward" if self.several else "notes"].in_(self.language)
        yield {
            "uuid": card_id(_REST, self.instance), "summary": shortened(summary, SUMMARY), "detail": detail.text,
            "indicator": _INDICATORS[strictest], "source": {"label": "oncogate"},
        }  # fmt: skip

    def _card(self, section: Section, indicator: str, summary: str) -> Card:
        finding = self.findings.get(section.rule)
        sources = tuple(self.sources.get(section.rule, {}).values())
        detail = Detail(self.language)
        detail.finding(section, sources)
        if section.rule in self.decision.determining_rules and not self.several:
            detail.forward(self.view.forward)
        card: Card = {
            "uuid": card_id(section.rule, self.instance), "summary": shortened(summary, SUMMARY),
            "detail": detail.text, "indicator": indicator, "source": self._source(section, sources),
        }  # fmt: skip
        offered = suggestions(finding, self.library, self.language, self.subject) if finding else []
        if offered:
            for number, one in enumerate(offered):
                one["uuid"] = card_id(f"{section.rule}#{number}", self.instance)
            card["suggestions"] = offered
            card["selectionBehavior"] = "any" if len(offered) > 1 else "at-most-one"
        reasons = self._override_reasons(finding)
        if reasons:
            card["overrideReasons"] = reasons
        return card

    def _source(self, section: Section, sources: Sequence[Source]) -> dict[str, Any]:
        first = sources[0] if sources else None
        label = f"oncogate · {one_line(first.cite)}" if first is not None else "oncogate"
        topic = {"system": RULES, "code": section.rule, "display": section.title}
        address = {"url": first.url} if first is not None and first.url else {}
        return {"label": label, **address, "topic": {k: v for k, v in topic.items() if v}}

    def _override_reasons(self, finding: Finding | None) -> list[dict[str, str]]:
        if finding is None or finding.override is None or finding.asks not in ("block", "warn"):
            return []
        if finding.override.allowed == "never":
            return []
        return [
            {"code": code, "system": REASONS, "display": code_text(code, self.language)}
            for code in finding.override.reasons
        ]
