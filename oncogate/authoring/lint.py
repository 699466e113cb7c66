"""Matters of good keeping: what doesn't stop a rule from being judged but shouldn't stay so.

What a rule can't be judged with is found when it is loaded (`packs.check`); the linter sees loaded rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from oncogate.authoring.coverage import Coverage, coverages
from oncogate.authoring.lint_layers import lint_layer
from oncogate.authoring.lint_tables import lint_tables
from oncogate.base.errors import Diagnostic
from oncogate.base.texts import Text
from oncogate.model.condition import AtLeastN, Leaf
from oncogate.model.facts import Fact
from oncogate.model.rule import Rule
from oncogate.packs.document import Document, Path_
from oncogate.packs.leaves import every_condition
from oncogate.packs.pack import Library, LoadedRule

_HAN = r"\u3400-\u9fff\uf900-\ufaff"
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_HALF = re.compile(rf"(?<=[{_HAN}”）])\s*([,;:!?])\s*(?=[{_HAN}“（])|(?<=[{_HAN}])(\.)(?=$|[{_HAN}])")
_FULL = re.compile("[，。；：！？、（）“”‘’《》]")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_FULL_OF = dict(zip(",;:!?.", "，；：！？。", strict=True))

_SPEAKS = frozenset({"unmet", "raised"})
_SILENT = frozenset({"met", "not_raised", "not_applicable"})


def lint(library: Library, layers: Iterable[Path] = ()) -> tuple[Diagnostic, ...]:
    """What should be better in the rules of `library`, which no layer changes, and in the files of `layers`, in the order of the files."""
    found = [d for one in coverages(library) for d in _Lint(one).run()]
    found += [
        d
        for name, document in library.fact_files.items()
        for d in _lint_fact(library.facts[name], name, document)
    ]
    found += lint_tables(library.tables)
    found += [d for path in layers for d in lint_layer(path, library.tables)]
    for pack in library.packs:
        folders = {_pack_folder(loaded) for loaded in pack.rules}
        found += [
            Diagnostic(str(folder / "pack.yaml"), 0, 0, "lint-pack-file", f"the pack `{pack.id}` has no pack.yaml", "add one with `id`, `version` and `title`")
            for folder in folders if not (folder / "pack.yaml").is_file()
        ]  # fmt: skip
    return tuple(sorted(set(found)))


def _pack_folder(loaded: LoadedRule) -> Path:
    return loaded.path.resolve().parents[loaded.rule.id.count("/") - 1]


def _lint_fact(fact: Fact, name: str, document: Document) -> Iterator[Diagnostic]:
    if not fact.derived or fact.derive is not None:
        return  # a formula's parameters are the formula's business
    for key in fact.parameters:
        if key not in used_parameters(fact):
            where, said = ("facts", name, "parameters", key), f"no condition uses the parameter `{key}`"
            yield document.diagnostic(where, "lint-parameter-unused", said, "use it or drop it", key=True)


class _Lint:
    def __init__(self, shown: Coverage) -> None:
        self.shown = shown
        self.loaded = shown.rule
        self.rule = shown.rule.rule

    def run(self) -> Iterator[Diagnostic]:
        yield from self._parameters()
        yield from self._sources()
        yield from self._examples()
        yield from self._coverage()
        yield from self._status()
        for where, text in texts(self.rule):
            yield from self._text(where, text)

    def _at(self, where: Path_, code: str, message: str, help: str = "") -> Diagnostic:
        return self.loaded.document.diagnostic(where, code, message, help, key=True)

    def _parameters(self) -> Iterator[Diagnostic]:
        used = used_parameters(self.rule) | _named_in_texts(self.rule)
        for name, parameter in self.rule.parameters.items():
            where = ("parameters", name)
            if name not in used:
                yield self._at(
                    where,
                    "lint-parameter-unused",
                    f"no condition or text uses the parameter `{name}`",
                    "use it or drop it",
                )
            numeric = not isinstance(parameter.value, (str, bool, tuple))
            if parameter.tunable and numeric and parameter.range is None:
                yield self._at(
                    where,
                    "lint-range-missing",
                    f"`{name}` is tunable but has no range",
                    "say how far a site may go: `range: [low, high]`",
                )

    def _sources(self) -> Iterator[Diagnostic]:
        rule = self.rule
        named = {parameter.source for parameter in rule.parameters.values()}
        for name, source in rule.sources.items():
            # without parameters, or where it says something, a source bears the rule as a whole
            if rule.parameters and name not in named and not source.says:
                yield self._at(
                    ("sources", name),
                    "lint-source-unused",
                    f"no parameter names the source `{name}`, and it doesn't say what it stands for",
                    "name it, write what it `says`, or drop it",
                )
        problem = problem_of_sources(rule)
        if problem is not None:
            yield self._at(("sources",), *problem)

    def _examples(self) -> Iterator[Diagnostic]:
        expected = {example.expect for example in self.rule.examples}
        if not expected:
            yield self._at(
                ("examples",),
                "lint-example-missing",
                "the rule has no examples",
                "show a case on each side and one that can't be judged",
            )
            return
        if "unknown" not in expected:
            yield self._at(
                ("examples",),
                "lint-example-unknown",
                "no example expects `unknown`",
                "show a case that can't be judged, such as a section not supplied",
            )
        if not expected & _SPEAKS:
            yield self._at(
                ("examples",),
                "lint-example-side",
                "no example expects `unmet` or `raised`",
                "show a case in which the rule speaks",
            )
        if not expected & _SILENT:
            yield self._at(
                ("examples",),
                "lint-example-side",
                "no example expects `met`, `not_raised` or `not_applicable`",
                "show a case in which the rule is silent",
            )

    def _coverage(self) -> Iterator[Diagnostic]:
        """Each leaf is seen true, false and unknown, each number from both sides."""
        for leaf in self.shown.leaves if self.rule.examples else ():
            if leaf.lacking:
                unseen = ", ".join(leaf.lacking)
                yield self._at(
                    leaf.where,
                    "lint-leaf-unseen",
                    f"no example shows this leaf {unseen}",
                    "add one that does",
                )
        for name, sides in self.shown.one_sided.items():
            for side in sides:
                yield self._at(
                    ("parameters", name),
                    "lint-parameter-side",
                    f"the examples don't notice a {side} `{name}`",
                    "show a case just on the other side of the limit",
                )

    def _status(self) -> Iterator[Diagnostic]:
        rule = self.rule
        if rule.remedy is None and rule.effect != "inform":
            yield self._at(
                (),
                "lint-remedy-missing",
                "the rule doesn't say what to do",
                "add a `remedy` with its action, zh and en",
            )
        if rule.status == "deprecated" and rule.deprecated is None:
            yield self._at(
                ("status",),
                "lint-deprecated-since",
                "the rule is deprecated, but since when isn't said",
                "add `deprecated: {since: 2026-01-31}`",
            )

    def _text(self, where: Path_, text: Text) -> Iterator[Diagnostic]:
        zh, en = _PLACEHOLDER.sub("", text.zh), _PLACEHOLDER.sub("", text.en)
        if not _HAN_CHARACTER.search(zh):
            yield self._at((*where, "zh"), "lint-text-zh", "the Chinese text has no Chinese characters")
        elif slip := _HALF.search(zh):
            mark = slip[1] or slip[2]
            yield self._at(
                (*where, "zh"),
                "lint-text-punctuation",
                f"halfwidth `{mark}` in the Chinese text",
                f"write `{_FULL_OF[mark]}`",
            )
        if _HAN_CHARACTER.search(en):
            yield self._at((*where, "en"), "lint-text-en", "the English text has Chinese characters")
        elif slip := _FULL.search(en):
            yield self._at(
                (*where, "en"), "lint-text-punctuation", f"fullwidth `{slip[0]}` in the English text"
            )


class SourceProblem(NamedTuple):
    """What is wrong with the sources of a rule that counts."""

    code: str
    message: str
    help: str = ""


def problem_of_sources(rule: Rule) -> SourceProblem | None:
    """What is wrong with the sources of a stable rule; the core pack is the project's own demand."""
    if rule.status != "stable":
        return None
    if not rule.sources:
        return SourceProblem("lint-source-missing", "a stable rule needs a source")
    if not rule.id.startswith("core/") and all(
        s.verification == "general_knowledge" for s in rule.sources.values()
    ):
        return SourceProblem(
            "lint-source-general",
            "a stable rule rests on general knowledge alone",
            "have it reviewed, find a source, or set `status: trial`",
        )
    return None


def _named_in_texts(rule: Rule) -> set[str]:
    """What the texts of a rule are filled in with."""
    found = (_PLACEHOLDER.findall(text.zh + text.en) for _, text in texts(rule))
    return {name.strip("{}") for names in found for name in names}


def used_parameters(owner: Rule | Fact) -> set[str]:
    """The parameters that the conditions of a rule or a derived fact refer to."""
    used: set[str] = set()
    for _, condition in every_condition(owner):
        if isinstance(condition, Leaf):
            used.update(condition.refs)
        elif isinstance(condition, AtLeastN):
            used.add(condition.at_least_n)
    if isinstance(owner, Fact):
        used.update(branch.then for branch in owner.cases)
        used.update(item.points for item in owner.points)
    return used


def texts(rule: Rule) -> Iterator[tuple[Path_, Text]]:
    """Every text of a rule that people read, with its place in the file."""
    named: list[tuple[Path_, Text | None]] = [
        (("title",), rule.title), (("rationale",), rule.rationale),
        (("reason", "unmet"), rule.reason.unmet), (("reason", "unknown"), rule.reason.unknown),
        (("remedy",), rule.remedy), (("remedy_if_unknown",), rule.remedy_if_unknown),
        *((("parameters", name, "label"), p.label) for name, p in rule.parameters.items()),
        *((("obligations", index, "text"), o.text) for index, o in enumerate(rule.obligations)),
    ]  # fmt: skip
    for where, text in named:
        if text is not None:
            yield where, text
