"""What is active and what is on trial, why, and how far its sources have been verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from oncogate.base.texts import Text
from oncogate.model.facts import Fact
from oncogate.model.rule import EFFECT_LABELS, Effect, Rule
from oncogate.packs.leaves import facts_of
from oncogate.packs.pack import InForce, Library

ORDER = ("general_knowledge", "sourced", "reviewed")
"""How far a source has been verified, the weakest first."""


STATES: Mapping[str, Text] = {
    "active": Text(zh="启用", en="active"), "trial": Text(zh="试运行", en="on trial"), "off": Text(zh="停用", en="off"),
    "draft": Text(zh="草稿", en="draft"), "deprecated": Text(zh="已废止", en="deprecated"),
}  # fmt: skip
VERIFIED: Mapping[str, Text] = {
    "general_knowledge": Text(zh="一般知识，待核实", en="general knowledge, to be verified"),
    "sourced": Text(zh="有来源", en="sourced"), "reviewed": Text(zh="已审核", en="reviewed"),
}  # fmt: skip


@dataclass(frozen=True)
class RuleStatus:
    """One rule as it stands: `active`, `trial`, `off`, `draft` or `deprecated`, and who made it so.

    `verification` is that of its weakest source, of its own and of the derived facts that it asks for; `layer` set the
    status or effect, if a layer did; `why` says so in words.
    """

    id: str
    title: Text
    effect: Effect
    state: str
    verification: str
    layer: str | None
    why: Text


def statuses(library: Library, day: date) -> tuple[RuleStatus, ...]:
    """Every rule by id, as the layers leave it on a day."""
    force = library.in_force(day)
    shipped = {loaded.rule.id: loaded.rule for loaded in library.rules}
    return tuple(status_of(rule, shipped[rule.id], force) for rule in force.rules)


def status_of(rule: Rule, shipped: Rule, force: InForce) -> RuleStatus:
    """A rule as the layers leave it, `shipped` being what they found."""
    layer = force.set_by.get(rule.id, {}).get("")
    state = "off" if rule.id in force.off else {"stable": "active"}.get(rule.status, rule.status)
    why, verification = _why(rule, shipped, force), verification_of(rule, force)
    adopted = rule.status == "stable" and shipped.status == "trial"
    return RuleStatus(
        rule.id, rule.title, rule.effect, state, "reviewed" if adopted else verification, layer, why
    )


def _why(rule: Rule, shipped: Rule, force: InForce) -> Text:
    said = list(_changes(rule, force))
    if said:
        return Text(zh="；".join(t.zh for t in said), en="; ".join(t.en for t in said))
    if shipped.status == "trial":
        if verification_of(shipped, force) == "general_knowledge":
            return Text(
                zh="数值来自一般知识，须经本院审核后采用",
                en="rests on general knowledge until a site has reviewed it",
            )
        return Text(zh="随包试运行，须经本院审核后采用", en="ships on trial until a site has reviewed it")
    return (
        Text(zh="随包启用", en="ships active")
        if shipped.status == "stable"
        else Text(zh=shipped.status, en=shipped.status)
    )


def _changes(rule: Rule, force: InForce) -> Iterator[Text]:
    for layer, change in force.changes:
        setting = change.setting
        if change.owner != rule.id or setting is None:
            continue
        if setting.reviewed_by is not None:
            yield Text(
                zh=f"{layer.id} 采用：{setting.reviewed_by} 于 {setting.date} 审核，依据 {setting.source}",
                en=f"adopted by {layer.id}: reviewed by {setting.reviewed_by} on {setting.date}, source: {setting.source}",
            )
        elif change.loosened is not None:
            less = change.loosened
            yield Text(
                zh=f"{layer.id} {less.what.zh}：{less.reason}（{less.approved_by} 批准，至 {less.until}）",
                en=f"{layer.id}: {less.what.en}: {less.reason} (approved by {less.approved_by}, until {less.until})",
            )
        else:
            label = EFFECT_LABELS[rule.effect]
            yield Text(zh=f"{layer.id} 调整为{label.zh}", en=f"{layer.id} raised it to {label.en}")


def verification_of(rule: Rule, force: InForce) -> str:
    """How far the weakest source has been verified that the rule, or a derived fact it asks for, rests on."""
    owners: list[Rule | Fact] = [rule, *(force.facts[name] for name in facts_of(rule, force.facts))]
    found = {source.verification for owner in owners for source in owner.sources.values()}
    return min(found, key=ORDER.index, default="general_knowledge")
