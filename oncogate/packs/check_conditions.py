"""What the parameters and conditions of a rule or a derived fact must be: every name exists, every unit fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from oncogate.base.errors import did_you_mean
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
from oncogate.model.formulas import Option
from oncogate.model.parameter import Parameter
from oncogate.model.record import PatientRecord
from oncogate.model.rule import Rule
from oncogate.packs.document import Document, Path_
from oncogate.packs.leaves import every_condition, leaves
from oncogate.packs.options import is_window, misfit, options_of, words_given, words_of
from oncogate.packs.tables import DRUG_CLASSES, Tables

REPEATS = ("every_time", "first_only", "if_worse")


class Check:
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
                self.report(
                    ("parameters", name, "source"),
                    "source-unknown",
                    f"unknown source `{parameter.source}`",
                    did_you_mean(parameter.source, self.owner.sources) or "name one of `sources`",
                )
        for where, condition in every_condition(self.owner):
            if isinstance(condition, AtLeastN):
                self._count((*where, "at_least_n"), condition)
        for where, leaf in leaves(self.owner):
            self._leaf(where, leaf)

    def report(self, where: Path_, code: str, message: str, help: str = "", *, key: bool = False) -> None:
        """Note a problem at a place of the owner, or at the key there; of the owner as a whole, at its own key."""
        self.document.report((*self.base, *where), code, message, help, key=key or not where)

    def number(self, where: Path_, ref: str, unit: str | None = None) -> None:
        """Check that a parameter is a number, in `unit` if one is given."""
        parameter = self._parameter(where, ref)
        if parameter is None:
            return
        if isinstance(parameter.value, (str, bool, tuple)):
            self.report(where, "parameter-not-number", f"`{ref}` isn't a number")
        elif unit is not None and parameter.unit != unit:
            self.report(where, "unit-mismatch", f"`{ref}` is in `{parameter.unit}`, the fact in `{unit}`")

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
                    self.number((*where, name), ref)
        elif isinstance(leaf, Supplied) and leaf.supplied not in PatientRecord.SECTIONS:
            self.report(
                (*where, "supplied"),
                "section-unknown",
                f"unknown section `{leaf.supplied}`",
                did_you_mean(leaf.supplied, PatientRecord.SECTIONS),
            )
        self._options(where, leaf)

    def _count(self, where: Path_, condition: AtLeastN) -> None:
        ref, most = condition.at_least_n, len(condition.of)
        parameter = self._parameter(where, ref)
        if parameter is None or (
            isinstance(parameter.value, Decimal) and parameter.value in range(1, most + 1)
        ):
            return
        help = f"`of` has {most} conditions: write a whole number from 1 to {most}"
        self.report(where, "parameter-count", f"`{ref}` can't be how many hold", help)

    def _options(self, where: Path_, leaf: Leaf) -> None:
        """Check what a leaf hands to its facts, and that they get all that they need."""
        named = leaf.facts[:1] if isinstance(leaf, Exists) else leaf.facts  # `since` gets no options
        named = (leaf.fact,) if isinstance(leaf, Drugs) else named
        asked = {name: self.facts[name] for name in named if name in self.facts}
        takes = {key: one for fact in asked.values() for key, one in options_of(fact, self.tables).items()}
        for name, ref in leaf.with_.items():
            place = (*where, "with", name)
            parameter = self._parameter(place, ref)
            if name not in takes and (asked or not named):
                said = f"`{'`, `'.join(asked) or 'supplied'}` takes no option `{name}`"
                self.report(
                    place, "option-unknown", said, did_you_mean(name, takes) or one_of(takes), key=True
                )
            elif parameter is not None and name in takes:
                self.option(place, f"`{ref}`", takes[name], parameter)
        for fact_name, fact in asked.items():
            for name, option in options_of(fact, self.tables).items():
                if option.needed and name not in leaf.with_ and name not in fact.parameters:
                    help = f"hand it over: `with: {{{name}: …}}`"
                    self.report(where, "option-missing", f"`{fact_name}` needs the option `{name}`", help)

    def option(self, where: Path_, said: str, option: Option, parameter: Parameter) -> None:
        """Check that a parameter is what an option has to be."""
        problem = misfit(option, parameter)
        if problem:
            self.report(where, "option-value", f"{said} {problem}")
        elif option.kind in ("drugs", "companions"):
            known = self.class_names(where, words_of(parameter))
            for cls in words_of(parameter) if known and option.kind == "companions" else ():
                self._fact(where, f"companion.{cls}")

    def _fact(self, where: Path_, name: str) -> Fact | None:
        fact = self.facts.get(name)
        if fact is None:
            self.report(where, "fact-unknown", f"unknown fact `{name}`", did_you_mean(name, self.facts))
        return fact

    def _entries(self, where: Path_, name: str) -> Fact | None:
        fact = self._fact(where, name)
        if fact is not None and fact.derived:
            self.report(
                where, "fact-derived", f"`{name}` is derived; it has no entries", "use `holds` or `value`"
            )
            return None
        return fact

    def _derived(self, where: Path_, name: str, gives: tuple[str, ...]) -> Fact | None:
        fact = self._fact(where, name)
        if fact is not None and fact.gives not in gives:
            self.report(where, "fact-kind", f"`{name}` doesn't give {' or '.join(gives)}")
            return None
        return fact

    def _parameter(self, where: Path_, ref: str) -> Parameter | None:
        parameter = self.owner.parameters.get(ref)
        if parameter is None:
            self.report(
                where,
                "parameter-unknown",
                f"unknown parameter `{ref}`",
                did_you_mean(ref, self.owner.parameters) or "add it under `parameters`",
            )
        return parameter

    def _list(self, where: Path_, ref: str | None) -> None:
        parameter = self._parameter(where, ref) if ref is not None else None
        if parameter is not None and not isinstance(parameter.value, tuple):
            self.report(where, "parameter-not-list", f"`{ref}` isn't a list")

    def _repeats(self, where: Path_, ref: str | None) -> None:
        parameter = self._parameter(where, ref) if ref is not None else None
        if parameter is not None and parameter.choices != REPEATS:
            help = f"`choices: [{', '.join(REPEATS)}]`"
            self.report(where, "parameter-choices", f"`{ref}` has other choices than a repeat policy", help)

    def _window(self, where: Path_, ref: str | None) -> None:
        parameter = self._parameter(where, ref) if ref is not None else None
        if parameter is not None and not is_window(parameter):
            help = "a window is a whole number of `min`, `h`, `d`, `wk`, `mo` or `a`, not below 0"
            self.report(where, "window-unit", f"`{ref}` isn't a window", help)

    def _comparison(self, where: Path_, leaf: Compared, fact: Fact | None) -> None:
        operator, ref = leaf.comparison
        key = operator.rstrip("_")
        if operator == "in_":
            listed = self._parameter((*where, key), ref)
            if listed is not None and not isinstance(listed.value, (str, tuple)):
                self.report((*where, key), "parameter-not-list", f"`{ref}` isn't a list")
            elif listed is not None and fact is not None:
                self._words(ref, listed, leaf.facts[0])
            return
        unit = fact.measured.unit if fact and fact.measured else fact.unit if fact else None
        if fact is not None and unit is None:
            self.report(where, "fact-not-measured", "the fact isn't a quantity; compare it with `in`")
        if ref in self.facts:
            other = self._derived((*where, key), ref, ("quantity",))
            other_unit = other.unit if other else unit
        else:
            parameter = self._parameter((*where, key), ref)
            if parameter is not None and isinstance(parameter.value, (str, bool, tuple)):
                self.report((*where, key), "parameter-not-number", f"`{ref}` isn't a number")
            other_unit = parameter.unit if parameter else unit
        if fact is not None and unit is not None and other_unit != unit:
            self.report(
                (*where, key),
                "unit-mismatch",
                f"`{ref}` is in `{other_unit}`, the fact in `{unit}`",
                f"write the limit in `{unit}`",
            )

    def _words(self, ref: str, listed: Parameter, name: str) -> None:
        """Check that each word of a list is one that the fact can give."""
        given = words_given(self.facts[name], self.tables)
        for index, word in enumerate(words_of(listed)):
            if given is not None and word not in given:
                help = did_you_mean(word, given) or one_of(given)
                place = ("parameters", ref, "value", index)
                self.report(place, "level-unknown", f"`{word}` is none of the values of `{name}`", help)

    def _classes(self, where: Path_, ref: str) -> None:
        if ref.startswith("drugs/"):
            names: tuple[str, ...] = (ref.removeprefix("drugs/"),)
        else:
            parameter = self._parameter(where, ref)
            names = words_of(parameter) if parameter else ()
        self.class_names(where, names)

    def class_names(self, where: Path_, names: Iterable[str]) -> bool:
        """Check that each name is a class of drugs, a group, or a drug; whether all are."""
        known = {*DRUG_CLASSES, *self.tables.groups, *self.tables.drugs}
        unknown = [name for name in names if name not in known]
        for name in unknown:
            help = f"{one_of(DRUG_CLASSES)}, a group or a drug's id"
            help = did_you_mean(name, known) or help
            self.report(where, "drug-class-unknown", f"unknown class of drugs `{name}`", help)
        return not unknown


def one_of(names: Iterable[str]) -> str:
    """A help that lists what there is."""
    return f"one of {', '.join(sorted(names))}" if names else ""
