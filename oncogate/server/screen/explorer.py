"""The rules as an explorer shows them: the list, and all that is to be said of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from oncogate.authoring.status import STATES, VERIFIED, RuleStatus, status_of
from oncogate.base.once import once
from oncogate.base.texts import Language, Text
from oncogate.engine.values import written
from oncogate.explain.conditions import class_label, parameter_value
from oncogate.explain.findings import parameters_used
from oncogate.explain.view import override_said
from oncogate.explain.words import code_text, one_line, powers
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter, Source
from oncogate.model.rule import EFFECT_LABELS, Rule
from oncogate.packs.leaves import facts_of
from oncogate.packs.pack import InForce, Library

ADOPTED = "adopted"
STATE_LABELS: Mapping[str, Text] = {
    "active": STATES["active"], ADOPTED: Text(zh="已采用", en="adopted"), "trial": STATES["trial"], "off": STATES["off"],
    "draft": STATES["draft"], "deprecated": STATES["deprecated"],
}  # fmt: skip
"""The states of rules as shown: one that a layer adopted is told from one that ships active."""


IN_GENERAL: Mapping[str, Text] = {
    "tumour": Text(zh="该肿瘤", en="this tumour"), "missing": Text(zh="所缺项目", en="what is missing"),
    "drugs": Text(zh="所列药品", en="the drugs listed"),
}  # fmt: skip
_BLANK = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Listed:
    """A rule in the list. `words` is what a search looks through."""

    id: str
    pack: str
    title: str
    effect: str
    effect_label: str
    state: str
    state_label: str
    verified: str
    why: str
    words: str


@dataclass(frozen=True)
class ShownParameter:
    """A parameter with where its number comes from and the layer that set it; `whole` is all of a long list, `of` names the fact that has it, if one does."""

    name: str
    label: str
    value: str
    whole: str
    range: str
    tunable: bool
    set_by: str
    source: str
    of: str


@dataclass(frozen=True)
class ShownSource:
    """A source: what it is called, what it says, how far it is verified; `of` names the fact that cites it, if one does."""

    cite: str
    says: str
    verified: str
    state: str
    checked: str
    url: str
    of: str


@dataclass(frozen=True)
class RulePage:
    """All that is to be said of a rule but for its picture."""

    listed: Listed
    version: int
    rationale: str
    remedy: str
    remedy_if_unknown: str
    override: str
    obligations: tuple[str, ...]
    parameters: tuple[ShownParameter, ...]
    sources: tuple[ShownSource, ...]
    examples: int


class Explorer:
    """The rules of a library as the layers leave them on a day."""

    def __init__(self, library: Library, day: date) -> None:
        self.library = library
        self.force: InForce = library.in_force(day)
        self._shipped = {loaded.rule.id: loaded.rule for loaded in library.rules}

    @once
    def rules(self) -> Mapping[str, Rule]:
        """The rules by id."""
        return {rule.id: rule for rule in self.force.rules}

    def packs(self, language: Language) -> dict[str, str]:
        """The packs by id, with their titles."""
        return {pack.id: one_line(pack.title.in_(language)) for pack in self.library.packs}

    def listed(self, language: Language, pack: str = "", state: str = "", query: str = "") -> list[Listed]:
        """The rules of a pack and a state that have every word of the query."""
        words = query.casefold().split()
        every = (self._listed(rule, language) for rule in self.force.rules)
        return [
            one for one in every
            if pack in ("", one.pack) and state in ("", one.state) and all(word in one.words for word in words)
        ]  # fmt: skip

    def page(self, rule: Rule, language: Language) -> RulePage:
        """What is to be said of a rule."""
        return RulePage(
            listed=self._listed(rule, language), version=rule.version, rationale=one_line(rule.rationale.in_(language)),
            remedy=_filled(rule.remedy, rule, language), remedy_if_unknown=_filled(rule.remedy_if_unknown, rule, language),
            override=override_said(rule.override, language),
            obligations=tuple(self._obliged(rule, language)), parameters=tuple(self._parameters(rule, language)),
            sources=tuple(self._sources(rule, language)), examples=len(rule.examples),
        )  # fmt: skip

    def _state(self, one: RuleStatus) -> str:
        adopted = one.state == "active" and self._shipped[one.id].status == "trial"
        return ADOPTED if adopted else one.state

    def _listed(self, rule: Rule, language: Language) -> Listed:
        one = status_of(rule, self._shipped[rule.id], self.force)
        state, title = self._state(one), rule.title
        sources = [source.cite for source in rule.sources.values()]
        labels = [f"{p.label.zh} {p.label.en}" for p in rule.parameters.values() if p.label is not None]
        words = [rule.id, title.zh, title.en, rule.rationale.zh, rule.rationale.en, *sources, *labels]
        return Listed(
            id=rule.id, pack=self._pack_of[rule.id], title=one_line(title.in_(language)), effect=rule.effect,
            effect_label=EFFECT_LABELS[rule.effect].in_(language), state=state,
            state_label=STATE_LABELS[state].in_(language), verified=VERIFIED[one.verification].in_(language),
            why=one_line(one.why.in_(language)), words=" ".join(words).casefold(),
        )  # fmt: skip

    @once
    def _pack_of(self) -> Mapping[str, str]:
        return {loaded.rule.id: pack.id for pack in self.library.packs for loaded in pack.rules}

    def _obliged(self, rule: Rule, language: Language) -> Iterator[str]:
        for one in rule.obligations:
            level = f" · {code_text(one.level, language)}" if one.level else ""
            yield _filled(one.text, rule, language) or one_line(code_text(one.kind, language) + level)

    def _parameters(self, rule: Rule, language: Language) -> Iterator[ShownParameter]:
        used = parameters_used(rule, self.force, self.library.tables)
        for key, parameter in self.force.used.get(rule.id, rule.parameters).items():
            name, _, own = key.rpartition("/")
            owner: Rule | Fact = self.force.facts[name] if name else rule
            source = owner.sources.get(parameter.source)
            yield ShownParameter(
                name=own, label=one_line(parameter.label.in_(language)) if parameter.label else own,
                value=self._value(parameter, language), whole=self._value(parameter, language, whole=True),
                range=self._range(parameter, language), tunable=parameter.tunable, set_by=one_line(used[key].set_by),
                source=one_line(source.cite if source is not None else parameter.source),
                of=one_line(owner.label.in_(language)) if isinstance(owner, Fact) else "",
            )  # fmt: skip

    def _value(self, parameter: Parameter, language: Language, *, whole: bool = False) -> str:
        said = parameter_value(parameter, self.library.tables, whole=whole)
        return powers(one_line(said.in_(language)))

    def _range(self, parameter: Parameter, language: Language) -> str:
        """What a site may set the parameter to."""
        if not parameter.tunable:
            return ""
        if parameter.choices is not None:
            labels = (class_label(one, self.library.tables).in_(language) for one in parameter.choices)
            return ("、" if language == "zh" else ", ").join(labels)
        if parameter.range is None:
            return ""
        low, high = parameter.range
        return f"{low:f}–{high:f}"

    def _sources(self, rule: Rule, language: Language) -> Iterator[ShownSource]:
        yield from (_source(source, "", language) for source in rule.sources.values())
        for name in facts_of(rule, self.force.facts):
            fact = self.force.facts[name]
            for source in fact.sources.values():
                yield _source(source, one_line(fact.label.in_(language)), language)


def _filled(text: Text | None, rule: Rule, language: Language) -> str:
    """A text of the rule with its parameters filled in; what only a case can fill in is said in general."""
    if text is None:
        return ""
    values = {name: IN_GENERAL.get(name, Text(zh="……", en="…")) for name in _BLANK.findall(text.zh + text.en)}
    return one_line(
        text.fill(**values | {name: written(p) for name, p in rule.parameters.items()}).in_(language)
    )


def _source(source: Source, of: str, language: Language) -> ShownSource:
    return ShownSource(
        cite=one_line(source.cite), says=one_line(source.says or ""), verified=VERIFIED[source.verification].in_(language),
        state=source.verification, checked=str(source.checked or ""), url=_web(source.url), of=of,
    )  # fmt: skip


def _web(url: str | None) -> str:
    """The address, if it is one of the web: a pack's text is no place for a script."""
    return url if url is not None and url.startswith(("https://", "http://")) else ""
