"""What a rule turns on: the facts, limits, windows, words and drugs that its conditions and derived facts name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from oncogate.authoring.examples import AT
from oncogate.base.times import is_window_unit
from oncogate.engine.case import in_classes
from oncogate.model.condition import Drugs, Latest
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import Drug
from oncogate.model.rule import Rule
from oncogate.packs.leaves import facts_of, leaves
from oncogate.packs.pack import Library
from oncogate.packs.tables import DRUG_CLASSES, KnownDrug

UNRECOGNISED = "XR-17"
"""A drug that no table knows."""

Span = tuple[str, int, str]
"""A window: its name, how many, of which unit."""
A_DAY: Span = ("a day", 1, "d")


def step_of(value: Decimal) -> Decimal:
    """One of the last written decimal: 0.1 for 1.5 and for 1.0, 1 for 21."""
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) and exponent < 0 else Decimal(1)


@dataclass(frozen=True)
class Around:
    """A rule with everything that its outcome is likely to turn on."""

    rule: Rule
    library: Library

    @cached_property
    def facts(self) -> Mapping[str, Fact]:
        """The facts that the rule asks for, and those that these ask for."""
        declared = self.library.in_force(AT.date()).facts
        return {name: declared[name] for name in facts_of(self.rule, declared)}

    @cached_property
    def _parameters(self) -> tuple[tuple[str, Parameter], ...]:
        own = tuple(self.rule.parameters.items())
        return own + tuple(pair for fact in self.facts.values() for pair in fact.parameters.items())

    @cached_property
    def limits(self) -> tuple[tuple[str, Decimal, str], ...]:
        """The numbers, each with its name and unit."""
        found = (
            (name, p.value, p.unit or "") for name, p in self._parameters if isinstance(p.value, Decimal)
        )
        return tuple({(value, unit): (name, value, unit) for name, value, unit in found}.values())

    @cached_property
    def windows(self) -> tuple[Span, ...]:
        """The spans of time among the numbers."""
        return tuple(
            (name, int(value), unit)
            for name, value, unit in self.limits
            if is_window_unit(unit) and value == int(value)
        )

    @cached_property
    def quiet(self) -> tuple[Span, ...]:
        """The spans in which a critical value isn't raised again."""
        named = {leaf.quiet for _, leaf in leaves(self.rule) if isinstance(leaf, Latest)}
        return tuple(window for window in self.windows if window[0] in named)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word that may be a level, kind or result: of lists, vocabularies and levels."""
        listed = [w for _, p in self._parameters for w in _words(p)]
        for fact in self.facts.values():
            listed += [*fact.levels, *(fact.vocabulary.values if fact.vocabulary else ())]
        return tuple(dict.fromkeys(listed))

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of entry that a fact tells apart."""
        named = (k for f in self.facts.values() for k in (*f.kinds, *f.narrow_kinds, *f.doubtful_kinds))
        return tuple(dict.fromkeys(named))

    @cached_property
    def sections(self) -> tuple[str, ...]:
        """The sections of the record in which the facts are found."""
        return tuple(dict.fromkeys(s for f in self.facts.values() for s in (*f.sections, *f.also)))

    # -- drugs -----------------------------------------------------------------------------------------

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes, groups and drugs that are asked for."""
        owners: tuple[Rule | Fact, ...] = (self.rule, *self.facts.values())
        asked = (leaf for owner in owners for _, leaf in leaves(owner) if isinstance(leaf, Drugs))
        named = [name for leaf in asked for name in self.classes_of(leaf)]
        named += [name for fact in self.facts.values() for name in fact.drugs]
        tables = self.library.tables
        known = {*DRUG_CLASSES, *tables.groups, *tables.drugs}
        named += [word for _, p in self._parameters for word in _words(p) if word in known]
        return tuple(dict.fromkeys(named))

    def classes_of(self, leaf: Drugs) -> tuple[str, ...]:
        """The classes that a leaf of the rule or of one of its facts asks for."""
        if leaf.in_.startswith("drugs/"):
            return (leaf.in_.removeprefix("drugs/"),)
        return tuple(word for name, p in self._parameters if name == leaf.in_ for word in _words(p))

    @cached_property
    def drugs(self) -> Mapping[str, str]:
        """By class asked for, a drug of it that is in as few of the others as can be."""
        found = {cls: self._drug_in(cls, set(self.classes) - {cls}) for cls in self.classes}
        return {cls: name for cls, name in found.items() if name}

    @cached_property
    def other_drugs(self) -> tuple[str, ...]:
        """One recognised drug of each plain class, none of a narrower class asked for."""
        narrow = {cls for cls in self.classes if cls not in DRUG_CLASSES}
        found = (
            self._drug_in(cls, narrow)
            for cls in ("cytotoxic", "targeted", "immunotherapy", "endocrine", "companion")
        )
        return tuple(dict.fromkeys(name for name in found if name))

    def _drug_in(self, cls: str, others: Iterable[str]) -> str:
        avoided = [frozenset({other}) for other in others]
        best: tuple[int, str] | None = None
        for drug in self._named_drugs:
            if in_classes(drug, frozenset({cls})) is True:
                shared = sum(in_classes(drug, other) is not False for other in avoided)
                if best is None or shared < best[0]:
                    best = (shared, drug.label.zh)
                if not shared:
                    break
        return best[1] if best else ""

    @cached_property
    def _named_drugs(self) -> tuple[KnownDrug, ...]:
        """The drugs that are recognised by what they are called."""
        tables = self.library.tables
        recognised = ((d, tables.identify(Drug(name=d.label.zh))) for d in tables.drugs.values())
        return tuple(d for d, known in recognised if known is not None and known.id == d.id)


def _words(parameter: Parameter) -> tuple[str, ...]:
    if isinstance(parameter.value, tuple):
        return (*parameter.value, *(parameter.choices or ()))
    return (parameter.value, *(parameter.choices or ())) if isinstance(parameter.value, str) else ()
