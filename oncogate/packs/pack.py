"""Loaded packs: rules with the facts and tables that they speak of, and what layers set over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.model.facts import Fact
from oncogate.model.overlay import LayerKind, RuleSetting
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Rule
from oncogate.packs.document import Document
from oncogate.packs.leaves import facts_of
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
    """A folder of rules under one name and version. `digest` is over all that decides (not what proves it)."""

    id: str
    version: str
    title: Text
    rules: tuple[LoadedRule, ...]
    digest: str


@dataclass(frozen=True)
class Loosened:
    """Something that a layer loosened: what, why, who approved it, and the last day on which it holds."""

    what: Text
    reason: str
    approved_by: str
    until: date


@dataclass(frozen=True)
class Change:
    """One thing that a layer sets: a parameter of `owner` (a rule or a fact), or the rule's own fields."""

    owner: str
    parameter: str | None = None
    value: Parameter | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    setting: RuleSetting | None = None
    loosened: Loosened | None = None

    def replaced_by(self, later: Iterable[Change]) -> bool:
        """Whether later changes set all that this one set."""
        mine = [change for change in later if change.owner == self.owner]
        if self.parameter is not None:
            return any(change.parameter == self.parameter for change in mine)
        return set(self.fields) <= {key for change in mine for key in change.fields}

    def holds_on(self, day: date) -> bool:
        """Whether the change is still in force."""
        return self.loosened is None or day <= self.loosened.until


@dataclass(frozen=True)
class Layer:
    """What one overlay file set."""

    id: str
    kind: LayerKind
    digest: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class InForce:
    """The rules and facts as the layers leave them on a day, who set what, and what is loosened."""

    rules: tuple[Rule, ...]
    facts: Mapping[str, Fact]
    set_by: Mapping[str, Mapping[str, str]]
    """By owner and parameter, the layer that set it; under `""` the layer that set the rule's status or effect."""
    changes: tuple[tuple[Layer, Change], ...]
    off: frozenset[str] = frozenset()
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What is written of a rule in each of its findings, worked out once."""

    @once
    def loosened(self) -> tuple[tuple[Layer, Change], ...]:
        """The changes that loosen, with the layers that made them; not those that a narrower layer took back."""
        return tuple(
            (layer, change)
            for place, (layer, change) in enumerate(self.changes)
            if change.loosened is not None and not change.replaced_by(c for _, c in self.changes[place + 1 :])
        )

    def with_status(self, status: str) -> tuple[Rule, ...]:
        """The rules of a status that no layer switched off."""
        return self._by_status.get(status, ())

    @once
    def _by_status(self) -> Mapping[str, tuple[Rule, ...]]:
        judging = [rule for rule in self.rules if rule.id not in self.off]
        statuses = {rule.status for rule in judging}
        return {status: tuple(r for r in judging if r.status == status) for status in statuses}

    @once
    def used(self) -> Mapping[str, Mapping[str, Parameter]]:
        """By rule, its parameters and, as `fact/name`, those of the derived facts that it asks for."""
        return {rule.id: self._used(rule) for rule in self.rules}

    def _used(self, rule: Rule) -> Mapping[str, Parameter]:
        found = dict(rule.parameters)
        for name in facts_of(rule, self.facts):
            found |= {f"{name}/{key}": value for key, value in self.facts[name].parameters.items()}
        return found


@dataclass(frozen=True)
class Library:
    """Everything that a gate judges with."""

    packs: tuple[RulePack, ...]
    facts: Mapping[str, Fact]
    tables: Tables
    layers: tuple[Layer, ...] = ()
    fact_files: Mapping[str, Document] = field(default_factory=dict)

    @once
    def rules(self) -> tuple[LoadedRule, ...]:
        """All rules, by id."""
        return tuple(sorted((r for pack in self.packs for r in pack.rules), key=lambda r: r.rule.id))

    def in_force(self, day: date) -> InForce:
        """What is in force on a day: a loosening ends by itself."""
        holding = tuple([change.holds_on(day) for change in self._ending])
        found = self._in_force.get(holding)
        if found is None:
            kept = [(layer, change) for layer, change in self._changes if change.holds_on(day)]
            found = self._in_force.setdefault(holding, self._with(kept))
        return found

    @once
    def always(self) -> InForce | None:
        """What is in force whatever the day; `None` where something ends."""
        return None if self._ending else self.in_force(date.max)

    @once
    def _in_force(self) -> dict[tuple[bool, ...], InForce]:
        return {}

    @once
    def _changes(self) -> tuple[tuple[Layer, Change], ...]:
        return tuple((layer, change) for layer in self.layers for change in layer.changes)

    @once
    def _ending(self) -> tuple[Change, ...]:
        """The changes that hold for a time only."""
        return tuple(change for _, change in self._changes if change.loosened is not None)

    def _with(self, changes: list[tuple[Layer, Change]]) -> InForce:
        rules = {loaded.rule.id: loaded.rule for loaded in self.rules}
        facts = dict(self.facts)
        set_by: dict[str, dict[str, str]] = {}
        off: set[str] = set()
        for layer, change in changes:
            by = set_by.setdefault(change.owner, {})
            if change.parameter is not None and change.value is not None:
                by[change.parameter] = layer.id
                new = {change.parameter: change.value}
                if change.owner in rules:
                    rule = rules[change.owner]
                    rules[rule.id] = rule.model_copy(update={"parameters": {**rule.parameters, **new}})
                else:
                    fact = facts[change.owner]
                    facts[change.owner] = fact.model_copy(update={"parameters": {**fact.parameters, **new}})
                continue
            by[""] = layer.id
            fields = dict(change.fields)
            status = fields.get("status")
            off = off | {change.owner} if status == "off" else off - {change.owner} if status else off
            if status == "off":
                del fields["status"]
            rules[change.owner] = rules[change.owner].model_copy(update=fields)
        return InForce(tuple(rules.values()), facts, set_by, tuple(changes), frozenset(off))
