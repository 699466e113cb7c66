"""Reading layers: each file checked against the rules as the layers before it leave them.

What a layer may set, and what it takes to loosen, is told in `model.overlay`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from oncogate.base.errors import Diagnostic, did_you_mean
from oncogate.base.texts import Text
from oncogate.model.facts import Fact
from oncogate.model.overlay import LAYERS, BeyondRange, Loosening, OverlayFile, RuleSetting
from oncogate.model.parameter import Parameter
from oncogate.model.rule import Rule
from oncogate.packs.digest import digest_of
from oncogate.packs.document import Document, Path_, check_against, read_document
from oncogate.packs.pack import Change, Layer, Loosened
from oncogate.packs.tables import Tables, regimen_key

_STRICTNESS = {"block": 2, "warn": 1, "inform": 0, "critical_value": 0}


def read_layers(
    paths: Sequence[Path],
    rules: Iterable[Rule],
    facts: Mapping[str, Fact],
    tables: Tables,
    problems: list[Diagnostic],
) -> tuple[Layer, ...]:
    """The layers of the files, the wider before the narrower; a list of first-line regimens goes into `tables`."""
    read: list[tuple[Document, OverlayFile]] = []
    for path in paths:
        document = read_document(path)
        file = check_against(OverlayFile, document)
        if isinstance(file, OverlayFile):
            read.append((document, file))
        else:
            problems += document.problems
    read.sort(key=lambda pair: LAYERS.index(pair[1].layer))
    owners: dict[str, Rule | Fact] = {rule.id: rule for rule in rules} | dict(facts)
    layers: list[Layer] = []
    for document, file in read:
        for other in layers:
            if other.kind == file.layer or other.id == file.id:
                document.report(
                    ("layer",) if other.kind == file.layer else ("id",),
                    "site-layer-twice",
                    f"`{other.id}` is the {other.kind} layer already",
                    "give one file for each layer, each under an id of its own",
                )
        changes = tuple(_Reader(document, file, owners, tables).changes())
        layers.append(Layer(file.id, file.layer, digest_of(file.model_dump(mode="json")), changes))
        problems += document.problems
    return tuple(layers)


@dataclass
class _Reader:
    """Reads one file. `owners` are the rules and facts as far as they are set, and are set further."""

    document: Document
    file: OverlayFile
    owners: dict[str, Rule | Fact]
    tables: Tables

    def changes(self) -> Iterable[Change]:
        for id, values in self.file.parameters.items():
            owner = self._owner(("parameters", id), id, self.owners)
            for name, value in values.items() if owner is not None else ():
                change = self._parameter(id, name, value)
                if change is not None:
                    yield change
        for id, setting in self.file.rules.items():
            rules = {key: one for key, one in self.owners.items() if isinstance(one, Rule)}
            if self._owner(("rules", id), id, rules) is not None:
                change = self._rule(rules[id], setting)
                if change is not None:
                    yield change
        for tumour, regimens in self.file.first_line.items():
            if tumour not in self.tables.tumours:
                self._report(
                    ("first_line", tumour), "site-unknown-tumour", f"there is no tumour `{tumour}`",
                    did_you_mean(tumour, self.tables.tumours),
                )  # fmt: skip
            self.tables.first_line[tumour] = frozenset(regimen_key(r) for r in regimens)

    def _report(self, where: Path_, code: str, message: str, help: str = "") -> None:
        self.document.report(where, code, message, help, key=True)

    def _owner(self, where: Path_, id: str, known: Mapping[str, Rule | Fact]) -> Rule | Fact | None:
        if id not in known:
            self._report(where, "site-unknown-rule", f"there is no rule `{id}`", did_you_mean(id, known))
        return known.get(id)

    # -- parameters --------------------------------------------------------------------------------

    def _parameter(self, id: str, name: str, value: Any) -> Change | None:
        where, owner = ("parameters", id, name), self.owners[id]
        old = owner.parameters.get(name)
        if old is None:
            help = did_you_mean(name, owner.parameters)
            self._report(where, "site-unknown-parameter", f"`{id}` has no parameter `{name}`", help)
            return None
        if not old.tunable:
            self._report(where, "site-not-tunable", f"the parameter `{name}` of `{id}` isn't tunable")
            return None
        beyond = self._beyond(where, value) if isinstance(value, dict) else None
        if isinstance(value, dict) and beyond is None:
            return None
        fields = old.model_dump(exclude={"value", "range"} if beyond else {"value"})
        wanted = beyond.value if beyond else value
        try:
            made = Parameter.model_validate({**fields, "value": wanted})
        except ValidationError as error:
            message = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
            help = "beyond the range: `{value, reason, approved_by, until}`" if "range" in message else ""
            self.document.report(where, "site-out-of-range", f"`{name}` can't be `{wanted}`: {message}", help)
            return None
        if type(made.value) is not type(old.value):
            self.document.report(
                where, "site-type", f"`{name}` can't be `{wanted}`: it should be like `{old.value}`"
            )
            return None
        if beyond is not None:
            made = made.model_copy(update={"range": old.range})
        loosened = None
        if beyond is not None and old.problem_with(made.value):
            low, high = old.range or ("", "")
            unit = f" {old.unit}" if old.unit else ""
            said = Text(
                zh=f"{name} 设为 {made.value}{unit}（允许范围 {low}–{high}）", en=f"{name} set to {made.value}{unit} (range {low} to {high})"
            )  # fmt: skip
            loosened = _loosened(said, beyond)
        self.owners[id] = owner.model_copy(update={"parameters": {**owner.parameters, name: made}})
        return Change(id, name, made, loosened=loosened)

    def _beyond(self, where: Path_, value: dict[str, Any]) -> BeyondRange | None:
        try:
            made = BeyondRange.model_validate(value)
        except ValidationError as error:
            found = error.errors(include_url=False)[0]
            place = ".".join(str(x) for x in found["loc"])
            self._report(where, "site-loosening", f"`{place}`: {found['msg']}", _JUSTIFY)
            return None
        if not made.justified:
            self._report(where, "site-loosening", "a value beyond its range takes a justification", _JUSTIFY)
            return None
        return made

    # -- rules -------------------------------------------------------------------------------------

    def _rule(self, rule: Rule, setting: RuleSetting) -> Change | None:
        where = ("rules", rule.id)
        if rule.status in ("draft", "deprecated"):
            self._report(where, "site-not-ready", f"`{rule.id}` is {rule.status}: it can't be set")
            return None
        adopts = setting.status == "stable" and rule.status == "trial"
        if adopts and None in (setting.reviewed_by, setting.source, setting.date):
            help = f"`oncogate adopt {rule.id} --site FILE --reviewed-by … --source …` writes it"
            self._report(
                where, "site-adoption", "adopting a rule takes `reviewed_by`, `source` and `date`", help
            )
            return None
        if (setting.effect == "critical_value") != (
            rule.effect == "critical_value"
        ) and setting.effect is not None:
            self._report(
                (*where, "effect"), "site-effect", f"`{rule.effect}` can't become `{setting.effect}`"
            )
            return None
        fields = setting.model_dump(include={"effect", "on_unknown", "status"}, exclude_none=True)
        made = rule.model_copy(update={k: v for k, v in fields.items() if v != "off"})
        looser = _looser(rule, made, off=setting.status == "off")
        if looser and not setting.justified:
            self._report(where, "site-loosening", f"this loosens `{rule.id}`: {looser[0].en}", _JUSTIFY)
            return None
        self.owners[rule.id] = made
        what = Text(zh="；".join(t.zh for t in looser), en="; ".join(t.en for t in looser))
        return Change(
            rule.id, fields=fields, setting=setting, loosened=_loosened(what, setting) if looser else None
        )


_JUSTIFY = "add `reason`, `approved_by` and `until` (the last day on which it holds)"


def _loosened(what: Text, why: Loosening) -> Loosened:
    assert why.reason is not None
    assert why.approved_by is not None
    assert why.until is not None
    return Loosened(what, why.reason, why.approved_by, why.until)


def _looser(old: Rule, new: Rule, *, off: bool) -> list[Text]:
    """What of a rule a setting loosens."""
    said = []
    if off:
        said.append(Text(zh="停用本规则", en="switched off"))
    if old.status == "stable" and new.status == "trial":
        said.append(Text(zh="转为试运行，不再计入结论", en="moved to trial, no longer counted"))
    if _STRICTNESS[new.effect] < _STRICTNESS[old.effect]:
        said.append(
            Text(
                zh=f"效力由 {old.effect} 降为 {new.effect}",
                en=f"effect lowered from {old.effect} to {new.effect}",
            )
        )
    if (
        _STRICTNESS[new.if_unknown] < _STRICTNESS[old.if_unknown]
        and _STRICTNESS[new.effect] >= _STRICTNESS[old.effect]
    ):
        said.append(Text(zh="无法判定时由拦截降为警示", en="when unknown, lowered from block to warn"))
    return said
