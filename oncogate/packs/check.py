"""What a rule must be beyond its form: every name that it uses exists, every unit fits, every text can be filled.

These are errors: a rule that has one can't be judged, so nothing is loaded. Matters of good keeping are
the linter's.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping

from oncogate.base.errors import did_you_mean
from oncogate.base.texts import Text
from oncogate.base.times import is_window_unit
from oncogate.clinical.units import MEASURES
from oncogate.model.condition import (
    AtLeastN,
    Compared,
    Drugs,
    Exists,
    Holds,
    Latest,
    Leaf,
    Supplied,
    Value,
)
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import PatientRecord
from oncogate.model.rule import Rule  # fmt: skip
from oncogate.packs.document import Document, Path_
from oncogate.packs.leaves import every_condition, facts_of, leaves
from oncogate.packs.tables import ANTI_TUMOUR, Tables

DRUG_CLASSES = frozenset({*ANTI_TUMOUR, "anti_tumour", "myelosuppressive", "gcsf", "companion"})
TEXT_NAMES = frozenset(
    {"drugs", "tumour", "regimen", "at", "missing", "value", "when", "used_limit", "because"}
)
REPEATS = ("every_time", "first_only", "if_worse")


def check_fact(name: str, document: Document, facts: Mapping[str, Fact], tables: Tables) -> None:
    """Report into `document` what keeps a fact from being found or derived."""
    fact = facts[name]
    _Check(fact, document, facts, tables, ("facts", name)).run()


def check_rule(rule: Rule, document: Document, facts: Mapping[str, Fact], tables: Tables) -> None:
    """Report into `document` what keeps `rule` from being judged."""
    _CheckRule(rule, document, facts, tables).run()


class _Check:
    """Checks what stands in a rule or a derived fact; `base` is its place in the file."""

    def __init__(
        self,
        owner: Rule | Fact,
        document: Document,
        facts: Mapping[str, Fact],
        tables: Tables,
        base: Path_ = (),
    ) -> None:
        self.owner = owner
        self.document = document
        self.facts = facts
        self.tables = tables
        self.base = base

    def run(self) -> None:
        """Report every problem."""
        for name, parameter in self.owner.parameters.items():
            if parameter.source not in self.owner.sources:
                self._report(
                    ("parameters", name, "source"),
                    "source-unknown",
                    f"unknown source `{parameter.source}`",
                    did_you_mean(parameter.source, self.owner.sources) or "name one of `sources`",
                )
        for where, condition in every_condition(self.owner):
            if isinstance(condition, AtLeastN):
                self._number((*where, "at_least_n"), condition.at_least_n)
        for where, leaf in leaves(self.owner):
            self._leaf(where, leaf)
        if isinstance(self.owner, Fact):
            self._as_fact(self.owner)

    def _as_fact(self, fact: Fact) -> None:
        for key, names in (("sections", fact.sections), ("also", fact.also)):
            for section in names:
                if section not in PatientRecord.SECTIONS:
                    help = did_you_mean(section, PatientRecord.SECTIONS)
                    self._report((key,), "fact-section", f"there is no section `{section}`", help)
        if fact.measured is not None and fact.measured.measure not in MEASURES:
            measure = fact.measured.measure
            help = did_you_mean(measure, MEASURES)
            self._report(("measured",), "fact-measure", f"there is no measure `{measure}`", help)
        self._class_names(("drugs",), fact.drugs)
        for index, branch in enumerate(fact.cases):
            if fact.gives == "quantity":
                self._number(("cases", index, "then"), branch.then, fact.unit)
        for index, item in enumerate(fact.points):
            self._number(("points", index, "points"), item.points, fact.unit)
        name = str(self.base[-1])
        if name in facts_of(fact, self.facts):
            self._report((), "fact-circular", f"`{name}` asks for itself", "a derived fact rests on others")

    def _report(self, where: Path_, code: str, message: str, help: str = "") -> None:
        self.document.report((*self.base, *where), code, message, help)

    def _number(self, where: Path_, ref: str, unit: str | None = None) -> None:
        parameter = self._parameter(where, ref)
        if parameter is None:
            return
        if isinstance(parameter.value, (str, bool, tuple)):
            self._report(where, "parameter-not-number", f"`{ref}` isn't a number")
        elif unit is not None and parameter.unit != unit:
            self._report(where, "unit-mismatch", f"`{ref}` is in `{parameter.unit}`, the fact in `{unit}`")

    def _leaf(self, where: Path_, leaf: Leaf) -> None:
        if isinstance(leaf, Exists):
            self._entries((*where, "exists"), leaf.exists)
            if leaf.since is not None:
                self._entries((*where, "since"), leaf.since)
            self._window((*where, "within"), leaf.within)
            self._window((*where, "older_than"), leaf.older_than)
            self._window((*where, "due_within"), leaf.due_within)
        elif isinstance(leaf, Latest):
            fact = self._entries((*where, "latest"), leaf.latest)
            self._window((*where, "within"), leaf.within)
            self._window((*where, "quiet"), leaf.quiet)
            self._repeats((*where, "repeats"), leaf.repeats)
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
            for name in ("route", "route_other_than"):
                self._list((*where, name), getattr(leaf, name))
            for name in ("dose_above", "dose_at_least"):
                if (ref := getattr(leaf, name)) is not None:
                    self._number((*where, name), ref)
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
        if fact is not None and fact.derived:
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
        parameter = self.owner.parameters.get(ref)
        if parameter is None:
            self._report(
                where,
                "parameter-unknown",
                f"unknown parameter `{ref}`",
                did_you_mean(ref, self.owner.parameters) or "add it under `parameters`",
            )
        return parameter

    def _list(self, where: Path_, ref: str | None) -> None:
        parameter = self._parameter(where, ref) if ref is not None else None
        if parameter is not None and not isinstance(parameter.value, tuple):
            self._report(where, "parameter-not-list", f"`{ref}` isn't a list")

    def _repeats(self, where: Path_, ref: str | None) -> None:
        parameter = self._parameter(where, ref) if ref is not None else None
        if parameter is not None and parameter.choices != REPEATS:
            help = f"`choices: [{', '.join(REPEATS)}]`"
            self._report(where, "parameter-choices", f"`{ref}` has other choices than a repeat policy", help)

    def _window(self, where: Path_, ref: str | None) -> None:
        parameter = self._parameter(where, ref) if ref is not None else None
        if parameter is not None:
            whole = not isinstance(parameter.value, (str, bool, tuple)) and parameter.value == int(
                parameter.value
            )
            if not whole or parameter.value < 0 or not is_window_unit(parameter.unit or ""):  # type: ignore[operator]
                self._report(
                    where,
                    "window-unit",
                    f"`{ref}` isn't a window",
                    "a window is a whole number of `min`, `h`, `d`, `wk`, `mo` or `a`, not below 0",
                )

    def _comparison(self, where: Path_, leaf: Compared, fact: Fact | None) -> None:
        operator, ref = leaf.comparison
        key = operator.rstrip("_")
        if operator == "in_":
            listed = self._parameter((*where, key), ref)
            if listed is not None and not isinstance(listed.value, (str, tuple)):
                self._report((*where, key), "parameter-not-list", f"`{ref}` isn't a list")
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
        self._class_names(where, names)

    def _class_names(self, where: Path_, names: Iterable[str]) -> None:
        known = {*DRUG_CLASSES, *self.tables.groups, *self.tables.drugs}
        for name in names:
            if name not in known:
                help = (
                    did_you_mean(name, known)
                    or f"one of {', '.join(sorted(DRUG_CLASSES))}, a group or a drug's id"
                )
                self._report(where, "drug-class-unknown", f"unknown class of drugs `{name}`", help)


class _CheckRule(_Check):
    """Checks a rule as a whole."""

    def __init__(self, rule: Rule, document: Document, facts: Mapping[str, Fact], tables: Tables) -> None:
        super().__init__(rule, document, facts, tables)
        self.rule = rule

    def run(self) -> None:
        """Report every problem."""
        self._id()
        super().run()
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

    def _id(self) -> None:
        path = self.document.path.resolve().with_suffix("").as_posix()
        if not f"/{path}".endswith(f"/{self.rule.id}"):
            self._report(
                ("id",),
                "rule-path",
                f"the id `{self.rule.id}` doesn't match the file's path",
                "path equals id: the id is the path below the rules folder",
            )

    def _texts(self) -> None:
        allowed = TEXT_NAMES | set(self.rule.parameters)
        texts: list[tuple[Path_, Text | None]] = [
            (("reason", "unmet"), self.rule.reason.unmet), (("reason", "unknown"), self.rule.reason.unknown),
            (("remedy",), self.rule.remedy), (("remedy_if_unknown",), self.rule.remedy_if_unknown),
            *((("obligations", index, "text"), o.text) for index, o in enumerate(self.rule.obligations)),
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
