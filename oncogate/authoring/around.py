"""What a rule turns on: the facts, limits, windows, words and drugs that its conditions and derived facts name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from oncogate.authoring.examples import AT
from oncogate.base.once import once
from oncogate.base.times import is_window_unit
from oncogate.engine.case import in_classes
from oncogate.model.condition import Exists, Latest
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import Drug
from oncogate.model.rule import Rule
from oncogate.packs.leaves import classes_asked, facts_of, leaves
from oncogate.packs.pack import Library
from oncogate.packs.tables import DRUG_CLASSES, KnownDrug

UNRECOGNISED = "XR-17"
"""A drug that no table knows."""

Named = Mapping[str, Parameter]
Limit = tuple[str, Decimal, str]
"""A number: its name, value and unit."""
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

    @once
    def facts(self) -> Mapping[str, Fact]:
        """The facts that the rule asks for, and those that these ask for."""
        declared = self.library.in_force(AT.date()).facts
        return {name: declared[name] for name in facts_of(self.rule, declared)}

    @once
    def sections(self) -> tuple[str, ...]:
        """The sections of the record in which the facts are found."""
        return tuple(dict.fromkeys(s for f in self.facts.values() for s in (*f.sections, *f.also)))

    # -- numbers -----------------------------------------------------------------------------------------

    @once
    def _numbers(self) -> tuple[tuple[str, Limit], ...]:
        """Each number with the fact of whose entries it's asked, or `""` where a formula may ask it of any."""
        found = _numbers_of(self.rule, self.rule.parameters, self.facts)
        return tuple({(fact, limit[1:]): (fact, limit) for fact, limit in found}.values())

    def limits(self, fact: str, unit: str) -> tuple[Limit, ...]:
        """The numbers that a value of the fact may be compared with."""
        return tuple(number for about, number in self._numbers if about in (fact, "") and number[2] == unit)

    @once
    def loose(self) -> tuple[Limit, ...]:
        """The numbers that are asked of no fact of the record in particular."""
        return tuple(number for about, number in self._numbers if not about)

    def windows(self, section: str = "", fact: str = "", kind: str | None = None) -> tuple[Span, ...]:
        """The spans of time that an entry of the section, of a fact or kind if those are told, may have to keep."""
        mine = {fact, ""} | {
            name for name, f in self.facts.items()
            if not fact and section in (*f.sections, *f.also) and (not f.kinds or kind is None or kind in f.kinds)
        }  # fmt: skip
        # years that are asked of no entry are somebody's age
        return spans(
            n for about, n in self._numbers if about in mine and (about or not section or n[2] != "a")
        )

    @once
    def quiet(self) -> tuple[Span, ...]:
        """The spans in which a critical value isn't raised again."""
        named = {leaf.quiet for _, leaf in leaves(self.rule) if isinstance(leaf, Latest)}
        return spans(number for _, number in self._numbers if number[0] in named)

    # -- words -------------------------------------------------------------------------------------------

    @once
    def _parameters(self) -> tuple[tuple[str, Parameter], ...]:
        own = tuple(self.rule.parameters.items())
        return own + tuple(pair for fact in self.facts.values() for pair in fact.parameters.items())

    @once
    def words(self) -> tuple[str, ...]:
        """Every word that may be a level, kind or result: of lists, vocabularies and levels."""
        listed = [w for _, p in self._parameters for w in _words(p)]
        for fact in self.facts.values():
            listed += [*fact.levels, *(fact.vocabulary.values if fact.vocabulary else ())]
        return tuple(dict.fromkeys(listed))

    def words_of(self, section: str, key: str, kind: str | None, fact: str | None) -> tuple[str, ...]:
        """The words that `key` may have in an entry of the section, of a kind or fact if those are told."""
        found = [
            word for name, f in self.facts.items()
            if f.vocabulary is not None and f.vocabulary.field == key and section in (*f.sections, *f.also)
            and name == (fact or name) and (not f.kinds or kind is None or kind in f.kinds)
            for word in f.vocabulary.values
        ]  # fmt: skip
        return tuple(dict.fromkeys(found))

    @once
    def kinds(self) -> tuple[str, ...]:
        """Every kind of entry that a fact tells apart."""
        named = (k for f in self.facts.values() for k in (*f.kinds, *f.narrow_kinds, *f.doubtful_kinds))
        return tuple(dict.fromkeys(named))

    # -- drugs -----------------------------------------------------------------------------------------

    @once
    def classes(self) -> tuple[str, ...]:
        """The classes, groups and drugs that are asked for."""
        tables = self.library.tables
        known = {*DRUG_CLASSES, *tables.groups, *tables.drugs}
        handed = {word for _, p in self._parameters for word in _words(p)} & known
        return tuple(sorted(classes_asked(self.rule, self.facts) | handed))

    @once
    def drugs(self) -> Mapping[str, str]:
        """By class asked for, a drug of it that is in as few of the others as can be."""
        found = {cls: self._drug_in(cls, set(self.classes) - {cls}) for cls in self.classes}
        return {cls: name for cls, name in found.items() if name}

    @once
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

    @once
    def _named_drugs(self) -> tuple[KnownDrug, ...]:
        """The drugs that are recognised by what they are called."""
        tables = self.library.tables
        recognised = ((d, tables.identify(Drug(name=d.label.zh))) for d in tables.drugs.values())
        return tuple(d for d, known in recognised if known is not None and known.id == d.id)


def spans(numbers: Iterable[Limit]) -> tuple[Span, ...]:
    """Those of the numbers that are windows."""
    return tuple(
        (name, int(value), unit)
        for name, value, unit in numbers
        if is_window_unit(unit) and value == int(value)
    )


def _words(parameter: Parameter) -> tuple[str, ...]:
    if isinstance(parameter.value, tuple):
        return (*parameter.value, *(parameter.choices or ()))
    return (parameter.value, *(parameter.choices or ())) if isinstance(parameter.value, str) else ()


def _numbers_of(
    owner: Rule | Fact, parameters: Named, facts: Mapping[str, Fact]
) -> Iterator[tuple[str, Limit]]:
    """The numbers by which the conditions judge, each with the fact of whose entries it is asked, if one is."""
    for _, leaf in leaves(owner):
        own = (ref for ref in leaf.refs if ref not in leaf.with_.values())
        named = {ref: parameters[ref] for ref in own if ref in parameters}
        found = leaf.exists if isinstance(leaf, Exists) else leaf.latest if isinstance(leaf, Latest) else ""
        yield from ((found, limit) for limit in _limits(named))
        for name in leaf.facts:
            fact = facts.get(name)
            if fact is None or not fact.derived:
                continue
            handed = {key: parameters[ref] for key, ref in leaf.with_.items() if ref in parameters}
            inner = {**fact.parameters, **handed}
            if fact.derive is not None:
                yield from (("", limit) for limit in _limits(inner))
            else:
                yield from _numbers_of(fact, inner, facts)
                then = {branch.then: inner[branch.then] for branch in fact.cases if branch.then in inner}
                yield from (("", limit) for limit in _limits(then))


def _limits(parameters: Named) -> Iterator[Limit]:
    for name, parameter in parameters.items():
        if isinstance(parameter.value, Decimal):
            yield name, parameter.value, parameter.unit or ""
