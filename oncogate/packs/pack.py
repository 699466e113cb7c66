"""Loaded packs: rules with the facts and tables that they speak of, and what a site set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from oncogate.base.texts import Text
from oncogate.model.facts import Fact
from oncogate.model.rule import Parameter, Rule
from oncogate.packs.document import Document
from oncogate.packs.tables import Tables


@dataclass(frozen=True)
class LoadedRule:
    """A rule with the file that it came from, for messages that point there."""

    rule: Rule
    document: Document

    @property
    def path(self) -> Path:
        """The rule's file."""
        return self.document.path


@dataclass(frozen=True)
class RulePack:
    """A folder of rules under one name and version. `digest` is over all that decides (not the examples)."""

    id: str
    version: str
    title: Text
    rules: tuple[LoadedRule, ...]
    digest: str


@dataclass(frozen=True)
class Site:
    """What a site set, by rule and parameter."""

    id: str
    digest: str
    parameters: Mapping[str, Mapping[str, Parameter]] = field(default_factory=dict)


@dataclass(frozen=True)
class Library:
    """Everything that a gate judges with."""

    packs: tuple[RulePack, ...]
    facts: Mapping[str, Fact]
    tables: Tables
    site: Site | None = None

    @property
    def rules(self) -> tuple[LoadedRule, ...]:
        """All rules, by id."""
        return tuple(sorted((r for pack in self.packs for r in pack.rules), key=lambda r: r.rule.id))

    def parameters_of(self, rule: Rule) -> Mapping[str, Parameter]:
        """The rule's parameters as the site set them."""
        return {**rule.parameters, **(self.site.parameters.get(rule.id, {}) if self.site else {})}

    def set_by(self, rule: Rule) -> Mapping[str, str]:
        """Which parameters of the rule a site set, and that site's id."""
        return dict.fromkeys(self.site.parameters.get(rule.id, {}), self.site.id) if self.site else {}
