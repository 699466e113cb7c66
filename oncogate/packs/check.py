"""What a rule must be beyond its form: every name that it uses exists, every unit fits, every text can be filled.

These are errors: a rule that has one can't be judged, so nothing is loaded. Matters of good keeping are
the linter's.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oncogate.base.errors import Diagnostic, did_you_mean
from oncogate.base.texts import Text
from oncogate.base.times import is_window_unit
from oncogate.clinical.units import MEASURES
from oncogate.model.facts import Fact
from oncogate.model.record import PatientRecord
from oncogate.model.rule import (
    All,
    AnyOf,
    AtLeastN,
    Compared,
    Drugs,
    Exists,
    Holds,
    Latest,
    Leaf,
    Not,
    Parameter,
    Rule,
    Supplied,
    Value,
)  # fmt: skip
from oncogate.packs.document import Document, Path_
from oncogate.packs.tables import ANTI_TUMOUR

DRUG_CLASSES = frozenset({*ANTI_TUMOUR, "anti_tumour", "myelosuppressive", "gcsf", "companion"})
TEXT_NAMES = frozenset({"drugs", "tumour", "regimen", "at", "missing", "value", "when", "used_limit"})


def check_facts(facts: Mapping[str, Fact]) -> list[Diagnostic]:
    """Problems of the facts themselves."""

    def problem(code: str, message: str, word: str, known: Iterable[str]) -> Diagnostic:
        return Diagnostic("facts.yaml", 0, 0, code, message, did_you_mean(word, known))

    problems = [
        problem("fact-section", f"`{name}`: there is no section `{section}`", section, PatientRecord.SECTIONS)
        for name, fact in facts.items()
        for section in (*fact.sections, *fact.also)
        if section not in PatientRecord.SECTIONS
    ]
    return problems + [
        problem(
            "fact-measure",
            f"`{name}`: there is no measure `{fact.measured.measure}`",
            fact.measured.measure,
            MEASURES,
        )
        for name, fact in facts.items()
        if fact.measured is not None and fact.measured.measure not in MEASURES
    ]


def check_rule(rule: Rule, document: Document, facts: Mapping[str, Fact]) -> None:
    """Report into `document` what keeps `rule` from being judged."""
    _Check(rule, document, facts).run()


class _Check:
    def __init__(self, rule: Rule, document: Document, facts: Mapping[str, Fact]) -> None:
        self.rule = rule
        self.document = document
        self.facts = facts

    def run(self) -> None:
        self._id()
        for name, parameter in self.rule.parameters.items():
            if parameter.source not in self.rule.sources:
                self._report(
                    ("parameters", name, "source"),
                    "source-unknown",
                    f"unknown source `{parameter.source}`",
                    did_you_mean(parameter.source, self.rule.sources) or "name one of `sources`",
                )
        for where, leaf in leaves(self.rule):
            self._leaf(where, leaf)
        self._texts()
        self._remedies()
        if self.rule.effect == "critical_value" and not any(
            isinstance(leaf, Latest) for _, leaf in leaves(self.rule)
        ):
            self._report(
                ("effect",),
                "critical-without-value",
                "a critical value needs a `latest` leaf that compares it",
            )

    def _report(self, where: Path_, code: str, message: str, help: str = "") -> None:
        self.document.report(where, code, message, help)

    def _id(self) -> None:
        path = self.document.path.resolve().with_suffix("").as_posix()
        if not f"/{path}".endswith(f"/{self.rule.id}"):
            self._report(
                ("id",),
                "rule-path",
                f"the id `{self.rule.id}` doesn't match the file's path",
                "path equals id: the id is the path below the rules folder",
            )

    def _leaf(self, where: Path_, leaf: Leaf) -> None:
        if isinstance(leaf, Exists):
            self._entries((*where, "exists"), leaf.exists)
            if leaf.since is not None:
                self._entries((*where, "since"), leaf.since)
            self._window((*where, "within"), leaf.within)
            self._window((*where, "older_than"), leaf.older_than)
        elif isinstance(leaf, Latest):
            fact = self._entries((*where, "latest"), leaf.latest)
            self._window((*where, "within"), leaf.within)
            self._comparison(where, leaf, fact)
        elif isinstance(leaf, Value):
            fact = self._derived((*where, "value"), leaf.value, ("quantity", "level"))
            self._comparison(where, leaf, fact)
        elif isinstance(leaf, Holds):
            self._derived((*where, "holds"), leaf.holds, ("truth",))
        elif isinstance(leaf, Drugs):
            key = next(k for k in ("any_of", "all_of", "none_of") if getattr(leaf, k) is not None)
            self._derived((*where, key), leaf.fact, ("drugs",))
            self._classes((*where, "in"), leaf.in_)
        elif isinstance(leaf, Supplied) and leaf.supplied not in PatientRecord.SECTIONS:
            self._report(
                (*where, "supplied"),
                "section-unknown",
                f"unknown section `{leaf.supplied}`",
                did_you_mean(leaf.supplied, PatientRecord.SECTIONS),
            )
        for name, ref in leaf.with_.items():
            self._parameter((*where, "with", name), ref)

    def _fact(self, where: Path_, name: str) -> Fact | None:
        fact = self.facts.get(name)
        if fact is None:
            self._report(where, "fact-unknown", f"unknown fact `{name}`", did_you_mean(name, self.facts))
        return fact

    def _entries(self, where: Path_, name: str) -> Fact | None:
        fact = self._fact(where, name)
        if fact is not None and fact.derive is not None:
            self._report(
                where, "fact-derived", f"`{name}` is derived; it has no entries", "use `holds` or `value`"
            )
            return None
        return fact

    def _derived(self, where: Path_, name: str, gives: tuple[str, ...]) -> Fact | None:
        fact = self._fact(where, name)
        if fact is not None and fact.gives not in gives:
            self._report(where, "fact-kind", f"`{name}` doesn't give {' or '.join(gives)}")
            return None
        return fact

    def _parameter(self, where: Path_, ref: str) -> Parameter | None:
        parameter = self.rule.parameters.get(ref)
        if parameter is None:
            self._report(
                where,
                "parameter-unknown",
                f"unknown parameter `{ref}`",
                did_you_mean(ref, self.rule.parameters) or "add it under `parameters`",
            )
        return parameter

    def _window(self, where: Path_, ref: str | None) -> None:
        parameter = self._parameter(where, ref) if ref is not None else None
        if parameter is not None:
            whole = not isinstance(parameter.value, (str, bool, tuple)) and parameter.value == int(
                parameter.value
            )
            if not whole or not is_window_unit(parameter.unit or ""):
                self._report(
                    where,
                    "window-unit",
                    f"`{ref}` isn't a window",
                    "a window is a whole number of `h`, `d`, `wk`, `mo` or `a`",
                )

    def _comparison(self, where: Path_, leaf: Compared, fact: Fact | None) -> None:
        operator, ref = leaf.comparison
        key = operator.rstrip("_")
        if operator == "in_":
            self._parameter((*where, key), ref)
            return
        unit = fact.measured.unit if fact and fact.measured else fact.unit if fact else None
        if fact is not None and unit is None:
            self._report(where, "fact-not-measured", "the fact isn't a quantity; compare it with `in`")
        if ref in self.facts:
            other = self._derived((*where, key), ref, ("quantity",))
            other_unit = other.unit if other else unit
        else:
            parameter = self._parameter((*where, key), ref)
            if parameter is not None and isinstance(parameter.value, (str, bool, tuple)):
                self._report((*where, key), "parameter-not-number", f"`{ref}` isn't a number")
            other_unit = parameter.unit if parameter else unit
        if fact is not None and unit is not None and other_unit != unit:
            self._report(
                (*where, key),
                "unit-mismatch",
                f"`{ref}` is in `{other_unit}`, the fact in `{unit}`",
                f"write the limit in `{unit}`",
            )

    def _classes(self, where: Path_, ref: str) -> None:
        if ref.startswith("drugs/"):
            names: tuple[str, ...] = (ref.removeprefix("drugs/"),)
        else:
            parameter = self._parameter(where, ref)
            value = parameter.value if parameter else ()
            names = value if isinstance(value, tuple) else (str(value),)
        for name in names:
            if name not in DRUG_CLASSES:
                self._report(
                    where,
                    "drug-class-unknown",
                    f"unknown class of drugs `{name}`",
                    did_you_mean(name, DRUG_CLASSES) or f"one of {', '.join(sorted(DRUG_CLASSES))}",
                )

    def _texts(self) -> None:
        allowed = TEXT_NAMES | set(self.rule.parameters)
        texts: list[tuple[Path_, Text | None]] = [
            (("reason", "unmet"), self.rule.reason.unmet), (("reason", "unknown"), self.rule.reason.unknown),
            (("remedy",), self.rule.remedy), (("remedy_if_unknown",), self.rule.remedy_if_unknown),
        ]  # fmt: skip
        for where, text in texts:
            for language in ("zh", "en"):
                try:
                    names = [
                        n
                        for _, n, _, _ in string.Formatter().parse(getattr(text, language) if text else "")
                        if n is not None
                    ]
                except ValueError as error:
                    self._report(
                        (*where, language),
                        "text-template",
                        f"can't be filled in: {error}",
                        "double a brace that is meant as text",
                    )
                    continue
                for name in names:
                    if name not in allowed:
                        self._report(
                            (*where, language),
                            "text-name",
                            f"nothing fills in `{{{name}}}`",
                            did_you_mean(name, allowed),
                        )

    def _remedies(self) -> None:
        for key in ("remedy", "remedy_if_unknown"):
            remedy = getattr(self.rule, key)
            for section in (remedy.adds or {}) if remedy else ():
                if section not in PatientRecord.SECTIONS:
                    self._report(
                        (key, "adds", section),
                        "section-unknown",
                        f"unknown section `{section}`",
                        did_you_mean(section, PatientRecord.SECTIONS),
                    )


def leaves(rule: Rule) -> Iterator[tuple[Path_, Leaf]]:
    """The leaves of a rule with their places in the file."""
    yield from _walk(("when",), rule.when)
    yield from _walk(("require",), rule.require or ())


def _walk(where: Path_, conditions: Iterable[Any]) -> Iterator[tuple[Path_, Leaf]]:
    for index, condition in enumerate(conditions):
        here = (*where, index)
        if isinstance(condition, All):
            yield from _walk((*here, "all"), condition.all)
        elif isinstance(condition, AnyOf):
            yield from _walk((*here, "any"), condition.any)
        elif isinstance(condition, AtLeastN):
            yield from _walk((*here, "of"), condition.of)
        elif isinstance(condition, Not):
            yield from _walk_one((*here, "not"), condition.not_)
        else:
            yield here, condition


def _walk_one(where: Path_, condition: Any) -> Iterator[tuple[Path_, Leaf]]:
    for place, leaf in _walk((), [condition]):
        yield (*where, *place[1:]), leaf
