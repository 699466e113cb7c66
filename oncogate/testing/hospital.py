"""What hospital systems write, as pools to draw from: names of drugs, spellings of units, stages, kinds and levels.

Everything is taken from the library's tables and facts, so that a site's own are drawn too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from oncogate.base.errors import did_you_mean
from oncogate.base.once import once
from oncogate.clinical.stages import StageProblem, fits, read_stage
from oncogate.clinical.units import MEASURES, factor
from oncogate.engine.case import in_classes
from oncogate.model.facts import Fact, Vocabulary
from oncogate.model.record import Drug
from oncogate.model.rule import Rule
from oncogate.packs.load import load_library
from oncogate.packs.pack import Library
from oncogate.packs.tables import KnownDrug, Tumour

ATC = "http://www.whocc.no/atc"
_FORMS = ("{}", "{}注射液", "注射用{}", "{}片", "{}胶囊", "{}注射液(20mg)", "注射用{} 0.1g*1支", "★{}")
"""How the list of a pharmacy writes a drug."""
_SPELLED = {"10*9/L": ("10^9/L", "×10⁹/L", "10E9/L", "x10^9/L")}
"""Spellings of units that laboratories print, beside those of the table of units."""
_LOST = {"10*9/L": ("109/L", "10?/L", "%"), "umol/L": ("mol/L",), "Cel": ("F",)}
"""Units as they arrive where a superscript was lost or the wrong field was sent."""


@dataclass(frozen=True, eq=False)
class Hospital:
    """The pools of one library; every strategy takes one in place of the library, so that it is made only once."""

    library: Library
    _written: dict[str, tuple[Drug, ...]] = field(default_factory=dict, repr=False)

    def rule(self, id: str) -> Rule:
        """A rule by its id; raises `ValueError` for one that isn't there."""
        known = {loaded.rule.id: loaded.rule for loaded in self.library.rules}
        if id not in known:
            raise ValueError(f"there is no rule `{id}` {_help(id, known)}".rstrip())
        return known[id]

    def fact(self, name: str) -> Fact:
        """A fact by its name; raises `ValueError` for one that isn't there."""
        found = self.library.facts.get(name)
        if found is None:
            raise ValueError(f"there is no fact `{name}` {_help(name, self.library.facts)}".rstrip())
        return found

    def tumour(self, name: str) -> Tumour:
        """A tumour of the table; raises `ValueError` for one that isn't there."""
        found = self.library.tables.tumours.get(name)
        if found is None:
            raise ValueError(
                f"there is no tumour `{name}` {_help(name, self.library.tables.tumours)}".rstrip()
            )
        return found

    # -- drugs -----------------------------------------------------------------------------------------

    @once
    def _known(self) -> tuple[KnownDrug, ...]:
        """The drugs that go by their Chinese name, the shorter names first."""
        drugs = self.library.tables.drugs.values()
        return tuple(sorted(drugs, key=lambda d: (len(d.label.zh), d.id)))

    def drugs_of(self, cls: str | None) -> tuple[KnownDrug, ...]:
        """The drugs of a class, a group or an id, all of them for `None`; raises `ValueError` if there are none."""
        if cls is None:
            return self._known
        wanted = frozenset({cls.removeprefix("drugs/")})
        found = tuple(d for d in self._known if in_classes(d, wanted))
        if not found:
            classes = {d.cls for d in self._known} | set(self.library.tables.groups)
            raise ValueError(f"there is no class of drugs `{cls}` {_help(cls, classes)}".rstrip())
        return found

    def written(self, drug: KnownDrug) -> tuple[Drug, ...]:
        """The ways in which a drug is written and recognised, its plain name first."""
        if drug.id not in self._written:
            self._written[drug.id] = tuple(self._ways(drug))
        return self._written[drug.id]

    def _ways(self, drug: KnownDrug) -> Iterator[Drug]:
        tables = self.library.tables
        zh = drug.label.zh
        names = [*(form.format(zh) for form in _FORMS), drug.label.en]
        ways = [Drug(name=name) for name in names]
        if drug.atc:
            ways.append(Drug(name=zh, code=drug.atc, system=ATC))
        for way in ways:
            known = tables.identify(way)
            if known is not None and known.id == drug.id:
                yield way

    @once
    def regimens(self) -> tuple[str, ...]:
        """What regimens are called."""
        rows = (row for rows in self.library.tables.regimens.values() for row in rows)
        return tuple(sorted({row.id for row in rows}, key=lambda name: (len(name), name)))

    # -- words -----------------------------------------------------------------------------------------

    def kinds(self, section: str) -> tuple[str, ...]:
        """The kinds that the facts of a section tell apart."""
        found = (k for f in self._facts_of(section) for k in (*f.kinds, *f.narrow_kinds, *f.doubtful_kinds))
        return tuple(dict.fromkeys(found))

    def words(self, section: str, field: str) -> tuple[str, ...]:
        """The words that the facts of a section know for a field, as their vocabularies spell them."""
        found = (
            f.vocabulary for f in self._facts_of(section) if f.vocabulary and f.vocabulary.field == field
        )
        return tuple(dict.fromkeys(word for vocabulary in found for word in spelled(vocabulary)))

    def _facts_of(self, section: str) -> Iterator[Fact]:
        return (f for f in self.library.facts.values() if section in (*f.sections, *f.also))

    def measured(self, section: str) -> tuple[str, ...]:
        """The facts of a section that are quantities with a code."""
        facts = self.library.facts.items()
        return tuple(n for n, f in facts if section in f.sections and f.measured and f.codes)

    def stages(self, tumour: Tumour, kind: str) -> tuple[str, ...]:
        """Stages as they are written for a tumour, of one kind (`clinical` or `pathologic`); the usual one first."""
        prefix = "c" if kind == "clinical" else "p"
        values = tumour.staging.values
        made = [tumour.sample_stage] if tumour.sample_stage[:1] == prefix or not values else []
        if values is not None:
            some = [(t, n) for t in values.t[1::2] for n in values.n[1:3]]
            for t, n in some:
                made += [f"{prefix}T{t}N{n}M0", f"{prefix}T{t} N{n} M0"]
            made += [f"{prefix}T{values.t[-1]}N{values.n[-1]}M1"] if "1" in values.m else []
        return tuple(dict.fromkeys(text for text in made if self._reads(text, tumour)))

    def _reads(self, text: str, tumour: Tumour) -> bool:
        stage = read_stage(text, tumour=tumour.id)
        return not isinstance(stage, StageProblem) and fits(stage, tumour.stage_systems)


def spelled(vocabulary: Vocabulary) -> tuple[str, ...]:
    """The values of a vocabulary and the first of their other spellings."""
    return (*vocabulary.values, *(words[0] for words in vocabulary.spellings.values() if words))


def units_of(measure: str) -> Mapping[str, Decimal]:
    """The spellings of a measure's units, each with its factor to the canonical one, which stands first."""
    known = MEASURES[measure]
    spellings = (known.unit, *_SPELLED.get(known.unit, ()), *known.spellings, *known.cased)
    read = ((unit, factor(measure, unit)) for unit in spellings)
    return {unit: by for unit, by in read if by is not None}


def lost_units(measure: str) -> tuple[str, ...]:
    """What arrives in place of a unit and can't be read."""
    said = (*_LOST.get(MEASURES[measure].unit, ()), "", "/")
    return tuple(unit for unit in said if factor(measure, unit) is None)


def hospital_of(library: Library | Hospital | None) -> Hospital:
    """The pools of a library, by default of the shipped one."""
    if isinstance(library, Hospital):
        return library
    return _shipped() if library is None else Hospital(library)


@lru_cache(maxsize=1)
def _shipped() -> Hospital:
    return Hospital(load_library())


def _help(name: str, known: Mapping[str, object] | set[str]) -> str:
    said = did_you_mean(name, known)
    return f"({said})" if said else ""
