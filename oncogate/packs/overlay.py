"""Reading layers: each file checked against the rules as the layers before it leave them.

What a layer may set, and what it takes to loosen, is told in `model.overlay`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from oncogate.base.errors import Diagnostic, did_you_mean, in_plain_words
from oncogate.base.texts import Text
from oncogate.clinical.regimen_names import regimen_key
from oncogate.model.facts import Fact
from oncogate.model.overlay import LAYERS, BeyondRange, Loosening, OverlayFile, RuleSetting
from oncogate.model.parameter import Parameter
from oncogate.model.rule import EFFECT_LABELS, Rule
from oncogate.packs.check import check_fact, check_rule
from oncogate.packs.digest import digest_of
from oncogate.packs.document import Document, Path_, check_against, read_document
from oncogate.packs.pack import Change, Layer, Loosened
from oncogate.packs.tables import Tables

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
    """Reads one file. `owners` are the rules and facts as far as they are set for good, and are set further.

    What a wider layer loosened for a while isn't in them: what this layer sets must be right when that has ended, too.
    """

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
                yield from self._rule(rules[id], setting)
        for tumour, regimens in self.file.first_line.items():
            if tumour not in self.tables.tumours:
                self._report(
                    ("first_line", tumour), "site-unknown-tumour", f"there is no tumour `{tumour}`",
                    did_you_mean(tumour, self.tables.tumours),
                )  # fmt: skip
            for index, regimen in enumerate(regimens):
                if not regimen_key(regimen):
                    said = f"`{regimen}` names no regimen"
                    self.document.report(("first_line", tumour, index), "site-regimen", said)
            self.tables.first_line[tumour] = frozenset(regimen_key(r) for r in regimens)

    def _report(self, where: Path_, code: str, message: str, help: str = "") -> None:
        self.document.report(where, code, message, help, key=True)

    def _owner(self, where: Path_, id: str, known: Mapping[str, Rule | Fact]) -> Rule | Fact | None:
        if id not in known:
            help = did_you_mean(id, known)
            if "/" in id:
                self._report(where, "site-unknown-rule", f"there is no rule `{id}`", help)
            else:
                self._report(where, "site-unknown-fact", f"there is no fact `{id}`", help)
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
        beyond = self._beyond(where, value, old) if isinstance(value, dict) else None
        if isinstance(value, dict) and beyond is None:
            return None
        fields = old.model_dump(exclude={"value", "range"} if beyond else {"value"})
        wanted = beyond.value if beyond else value
        try:
            made = Parameter.model_validate({**fields, "value": wanted})
        except ValidationError as error:
            message = in_plain_words(error.errors(include_url=False)[0])
            help = "beyond the range: `{value, reason, approved_by, until}`" if "range" in message else ""
            unfit = f"`{name}` can't be `{_shown(wanted)}`: {message}"
            self.document.report(where, "site-out-of-range", unfit, help)
            return None
        if type(made.value) is not type(old.value):
            unfit = f"`{name}` can't be `{_shown(wanted)}`: it should be like `{_shown(old.value)}`"
            help = (
                f"write `{name}: [{wanted}]`"
                if isinstance(old.value, tuple) and isinstance(wanted, str)
                else ""
            )
            self.document.report(where, "site-type", unfit, help)
            return None
        if beyond is not None:
            made = made.model_copy(update={"range": old.range})
        if beyond is not None and not old.problem_with(made.value):
            help = f"write `{name}: {_shown(made.value)}`"
            self._report(where, "site-in-range", f"`{name}` is inside its range: it needs no justification and doesn't end", help)  # fmt: skip
            return None
        changed = owner.model_copy(update={"parameters": {**owner.parameters, name: made}})
        problems = self._problems(id, changed)
        if made.value == () and old.value != ():
            problems.append(Diagnostic("", 0, 0, "", "the list is empty, so that nothing would be asked for", "switch the rule off instead, with a reason"))  # fmt: skip
        for problem in problems:
            self.document.report(where, "site-value", f"`{name}` can't be `{_shown(made.value)}`: {problem.message}", problem.help)  # fmt: skip
        if problems:
            return None
        loosened = None
        if beyond is not None:
            low, high = old.range or ("", "")
            unit = f" {old.unit}" if old.unit else ""
            label = old.label or Text(zh=name, en=name)
            said = Text(
                zh=f"“{label.zh}”设为 {made.value}{unit}（允许范围 {low}–{high}）",
                en=f"{label.en} set to {made.value}{unit} (range {low} to {high})",
            )
            loosened = _loosened(said, beyond)
        self.owners[id] = changed
        return Change(id, name, made, loosened=loosened)

    def _problems(self, id: str, owner: Rule | Fact) -> list[Diagnostic]:
        """What keeps a rule or fact from being judged now that a parameter is set anew."""
        probe = Document(Path(f"{id}.yaml"))
        facts = {key: one for key, one in self.owners.items() if isinstance(one, Fact)}
        if isinstance(owner, Rule):
            check_rule(owner, probe, facts, self.tables)
        else:
            check_fact(id, probe, {**facts, id: owner}, self.tables)
        return probe.problems

    def _beyond(self, where: Path_, value: dict[str, Any], old: Parameter) -> BeyondRange | None:
        unknown = [key for key in value if key not in BeyondRange.model_fields]
        if "unit" in unknown and old.unit:
            said = f"the unit of `{where[-1]}` is `{old.unit}` and isn't for a layer to set"
            help = f"write the number alone, in `{old.unit}`, as in `{where[-1]}: {_shown(old.value)}`"
            self._report((*where, "unit"), "site-loosening", said, help)
            return None
        if unknown:
            help = (
                did_you_mean(unknown[0], BeyondRange.model_fields) or f"write the value alone, or {_WITH_WHY}"
            )
            self._report((*where, unknown[0]), "site-loosening", f"unknown key `{unknown[0]}`", help)
            return None
        try:
            made = BeyondRange.model_validate(value)
        except ValidationError as error:
            found = error.errors(include_url=False)[0]
            place = ".".join(str(x) for x in found["loc"])
            self._report(where, "site-loosening", f"`{place}`: {in_plain_words(found)}", _JUSTIFY)
            return None
        if not made.justified:
            self._report(where, "site-loosening", "a value beyond its range takes a justification", _JUSTIFY)
            return None
        return made

    # -- rules -------------------------------------------------------------------------------------

    def _rule(self, rule: Rule, setting: RuleSetting) -> Iterable[Change]:
        """What the setting changes for good and what for a while; two changes, since only the second one ends."""
        where = ("rules", rule.id)
        if rule.status in ("draft", "deprecated"):
            self._report(where, "site-not-ready", f"`{rule.id}` is {rule.status}: it can't be set")
            return
        adopts = setting.status == "stable" and rule.status == "trial"
        if adopts and None in (setting.reviewed_by, setting.source, setting.date):
            help = f"`oncogate adopt {rule.id} --site FILE --reviewed-by … --source …` writes it"
            self._report(
                where, "site-adoption", "adopting a rule takes `reviewed_by`, `source` and `date`", help
            )
            return
        if setting.effect is not None and (setting.effect == "critical_value") != (
            rule.effect == "critical_value"
        ):
            self._report(
                (*where, "effect"), "site-effect", f"`{rule.effect}` can't become `{setting.effect}`"
            )
            return
        fields = setting.model_dump(include={"effect", "on_unknown", "status"}, exclude_none=True)
        looser = _looser(rule, setting)
        if looser and not setting.justified:
            said = "; ".join(text.en for text in looser.values())
            self._report(where, "site-loosening", f"this loosens `{rule.id}`: {said}", _JUSTIFY)
            return
        for_good = {key: value for key, value in fields.items() if key not in looser}
        if for_good:
            self.owners[rule.id] = rule.model_copy(update=for_good)
            yield Change(rule.id, fields=for_good, setting=setting)
        if looser:
            what = Text(
                zh="；".join(t.zh for t in looser.values()), en="; ".join(t.en for t in looser.values())
            )
            for_now = {key: fields[key] for key in looser}
            plain = setting.model_copy(update={"reviewed_by": None, "source": None, "date": None})
            yield Change(rule.id, fields=for_now, setting=plain, loosened=_loosened(what, setting))


_WITH_WHY = "`{value, reason, approved_by, until}` for one beyond its range"
_JUSTIFY = "add `reason`, `approved_by` and `until` (the last day on which it holds)"


def _loosened(what: Text, why: Loosening) -> Loosened:
    assert why.reason is not None
    assert why.approved_by is not None
    assert why.until is not None
    return Loosened(what, why.reason, why.approved_by, why.until)


def _looser(rule: Rule, setting: RuleSetting) -> dict[str, Text]:
    """What of a rule a setting loosens, by field."""
    said = {}
    if setting.status == "off":
        said["status"] = Text(zh="停用本规则", en="switched off")
    if setting.status == "trial" and rule.status == "stable":
        said["status"] = Text(zh="转为试运行，不再计入结论", en="moved to trial, no longer counted")
    if setting.effect is not None and _STRICTNESS[setting.effect] < _STRICTNESS[rule.effect]:
        before, now = EFFECT_LABELS[rule.effect], EFFECT_LABELS[setting.effect]
        said["effect"] = Text(
            zh=f"由{before.zh}降为{now.zh}", en=f"effect lowered from {before.en} to {now.en}"
        )
    if setting.on_unknown is not None and _STRICTNESS[setting.on_unknown] < _STRICTNESS[rule.if_unknown]:
        said["on_unknown"] = Text(
            zh="无法判定时由拦截降为警示", en="when unknown, lowered from block to warn"
        )
    return said


def _shown(value: object) -> str:
    """A value as a layer's file has it."""
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
