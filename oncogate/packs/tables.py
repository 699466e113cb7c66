"""What the tables say, and how they are asked: drugs, markers, tumours, regimens, limits and exams.

Identity of a drug never rests on a part of its name: `瑞普替尼` isn't `瑞派替尼`, and five trastuzumabs are five drugs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from oncogate.base.logic import Truth
from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.clinical.marker_tests import Branch, MarkerScale
from oncogate.clinical.names import bracketed, drug_keys, is_local_form, says_formulation
from oncogate.clinical.regimen_names import drugs_spelled, regimen_key
from oncogate.clinical.stage_tables import Staging
from oncogate.model.at_once import Plain
from oncogate.model.facts import CodeOf
from oncogate.model.record import Drug
from oncogate.model.values import Code, Quantity
from oncogate.packs.codes import SNOMED, icd10, icd10_of, is_atc, is_malignant, is_nhsa, keys_of

ANTI_TUMOUR = frozenset({"cytotoxic", "targeted", "immunotherapy", "endocrine", "antitumour"})
"""Classes of anti-tumour drugs; `antitumour` is one whose kind isn't told."""

DRUG_CLASSES = frozenset({*ANTI_TUMOUR, "anti_tumour", "myelosuppressive", "gcsf", "companion"})
"""What a rule may ask of a drug besides its groups and its id."""

COMPANION_ROLES = frozenset({"diluent", "solvent", "premedication", "companion", "supportive"})

REMEMBERED = 4096
"""Names whose meaning is remembered."""

_NHSA_MAY_DIFFER = ("L01E", "L01F", "L01X")
"""Classes that China's insurance codes don't fill as WHO does: an antibody conjugate stands under `L01EH`."""


@dataclass(frozen=True)
class KnownDrug:
    """A drug of the table, or one known by its ATC class only (`id` is then the code)."""

    id: str
    label: Text
    cls: str
    myelosuppressive: Truth
    atc: str = ""
    groups: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    """Groups and classes that it may belong to, and drugs that it may be: its code is coarser than theirs."""

    @property
    def anti_tumour(self) -> bool:
        """Whether the drug is meant against a tumour."""
        return self.cls in ANTI_TUMOUR


class CodesRead(NamedTuple):
    """What the codes of a diagnosis mean: a tumour as `tumour_of` tells it, without and with in-situ ones; the codes to compare by.

    `many`: they say that the patient has several primary tumours.
    """

    primary: str | None
    in_situ: str | None
    keys: frozenset[tuple[str | None, str | None]]
    many: bool


@dataclass(frozen=True)
class Tumour:
    """A tumour of the table: which codes mean it, how it is staged, and its work-up."""

    id: str
    label: Text
    icd10: tuple[str, ...]
    in_situ: tuple[str, ...]
    snomed: tuple[str, ...]
    stage_systems: tuple[str, ...]
    stage_required: bool
    sample_stage: str
    work_up: Any
    work_up_by_code: Mapping[str, Any]
    staging: Staging


@dataclass(frozen=True)
class DrugGroup:
    """A named group of drugs that rules ask for: by the drugs' ids, and by classes of ATC."""

    id: str
    label: Text
    drugs: frozenset[str]
    atc: tuple[str, ...]


@dataclass(frozen=True)
class StartLimits:
    """Limits to start a cycle of a drug; `None` where it has none of its own.

    `anc` and `platelets` in 10*9/L, `bilirubin` as a multiple of the upper limit of normal, `crcl` in mL/min.
    """

    anc: Decimal | None
    platelets: Decimal | None
    bilirubin: Decimal | None
    crcl: Decimal | None


@dataclass(frozen=True)
class LifetimeDose:
    """What of a drug may be given in a lifetime, in `unit`; `factor` turns it into its group's leading drug."""

    drug: str
    limit: Decimal | None
    reduced_limit: Decimal | None
    unit: str
    factor: Decimal | None


@dataclass(frozen=True)
class MarkerRow:
    """What a drug needs to be known of a tumour: any of `markers`, where `needs` says that one is needed.

    `fits` is what the results must say, in branches of which one will do. `context` narrows the row to some orders:
    `first_line`, `alone`, `with:<drug>`; `unstated` is a use that no order tells. After a drug of `retest_after` the
    results must satisfy `retest` instead.
    """

    drug: str
    tumours: frozenset[str]
    markers: frozenset[str]
    needs: bool
    polarity: str = ""
    fits: tuple[Branch, ...] = ()
    context: frozenset[str] = frozenset()
    retest_after: frozenset[str] = frozenset()
    retest: tuple[Branch, ...] = ()


@dataclass(frozen=True)
class Regimen:
    """A regimen; `fn_category` is `high`, `intermediate` or `low`, empty where the category doesn't apply.

    `interval` is the days from one cycle to the next where the category depends on it; `title` and `source` are
    what the row is called and where its category comes from.
    """

    id: str
    names: frozenset[str]
    tumours: frozenset[str]
    fn_category: str
    components: frozenset[str]
    interval: int | None = None
    title: str = ""
    source: str = ""
    verification: str = ""


@dataclass(frozen=True)
class Labelled:
    """A marker or exam; `satisfies` are the exams that it also counts as."""

    id: str
    label: Text
    satisfies: frozenset[str] = frozenset()


@dataclass
class Tables:
    """All tables, indexed for look-up."""

    drugs: dict[str, KnownDrug] = field(default_factory=dict)
    by_atc: dict[str, KnownDrug] = field(default_factory=dict)
    by_name: dict[str, KnownDrug] = field(default_factory=dict)
    atc_classes: dict[str, tuple[str, Truth]] = field(default_factory=dict)
    drug_markers: dict[str, tuple[MarkerRow, ...]] = field(default_factory=dict)
    markers: dict[str, Labelled] = field(default_factory=dict)
    marker_names: dict[str, frozenset[str]] = field(default_factory=dict)
    marker_scales: dict[str, MarkerScale] = field(default_factory=dict)
    changing_markers: frozenset[str] = frozenset()
    tumours: dict[str, Tumour] = field(default_factory=dict)
    secondary: tuple[str, ...] = ()
    multiple_primary: tuple[str, ...] = ()
    exams: dict[str, Labelled] = field(default_factory=dict)
    regimens: dict[str, tuple[Regimen, ...]] = field(default_factory=dict)
    start_limits: dict[str, StartLimits] = field(default_factory=dict)
    groups: dict[str, DrugGroup] = field(default_factory=dict)
    codes: dict[str, tuple[CodeOf, ...]] = field(default_factory=dict)
    code_lines: dict[str, int] = field(default_factory=dict)
    """The line at which the table of codes first names a fact."""
    lifetime_doses: dict[str, LifetimeDose] = field(default_factory=dict)
    maximum_doses: dict[str, Quantity] = field(default_factory=dict)
    first_line: dict[str, frozenset[str]] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    """The files that the tables were read from, by name."""

    def __post_init__(self) -> None:
        # the same few names come again and again; what a name means never changes once the tables are read
        self._identified = lru_cache(maxsize=REMEMBERED)(self._identify)
        self._keys_of_regimen = lru_cache(maxsize=REMEMBERED)(self._regimen_keys)
        self._rows_named = lru_cache(maxsize=REMEMBERED)(self._regimens_named)
        self._told_same = lru_cache(maxsize=REMEMBERED)(self._same_regimen)
        self._kind_told_by = lru_cache(maxsize=REMEMBERED)(self._kind_of)
        self._codes_told_by = lru_cache(maxsize=REMEMBERED)(self._read_codes)
        self._means_tumour = lru_cache(maxsize=REMEMBERED)(self._is_tumour)

    def identify(self, drug: Drug) -> KnownDrug | None:
        """Which drug the host means; `None` where it can't be told, or code and name contradict each other."""
        return self._identified(drug.code, drug.system, drug.name, drug.role)

    def identify_written(self, drug: Plain) -> KnownDrug | None:
        """The same of a drug as plain data."""
        said = drug.get
        return self._identified(said("code"), said("system"), said("name"), said("role"))

    def _identify(
        self, code: str | None, system: str | None, name: str | None, role: str | None
    ) -> KnownDrug | None:
        drug = Drug(code=code, system=system, name=name, role=role)
        named, coded = self._by_name(drug.name), self._coded(drug)
        if named is None or coded is None:
            known = named or coded
        else:
            known = named if _agree(named, coded, nhsa=is_nhsa(drug.system)) else None
        if (known is None or not known.anti_tumour) and (
            drug.role or ""
        ).strip().casefold() in COMPANION_ROLES:
            return known or KnownDrug(
                drug.role or "companion",
                Text(zh=drug.name or "辅助用药", en=drug.name or "companion drug"),
                "companion",
                False,
            )
        return known

    def _by_name(self, name: str | None) -> KnownDrug | None:
        if not name:
            return None
        found = self._by_whole_name(name) or self._by_two_names(name)
        for inside in bracketed(name):  # a brand in brackets may be another drug, or one product of this one
            other = self._by_whole_name(inside)
            if found is not None and other is not None:
                found = _one_product(found, other)
        if found and found.anti_tumour and is_local_form(name) and drug_keys(name)[0] not in self.by_name:
            return None
        return found

    def _by_whole_name(self, name: str) -> KnownDrug | None:
        return next((self.by_name[key] for key in drug_keys(name) if key in self.by_name), None)

    def _by_two_names(self, name: str) -> KnownDrug | None:
        """`多西他赛注射液 Docetaxel Injection`: the two halves are two names, and must be of one drug."""
        words = name.split()[:_WORDS]
        halves = [("".join(_CHINESE.findall(name)), " ".join(_CHINESE.split(name)))]
        halves += [(" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words))]
        for half, rest in halves:
            one, two = self._by_whole_name(half), self._by_whole_name(rest)
            if one is not None and two is not None:
                return _one_product(one, two)
        return None

    def _coded(self, drug: Drug) -> KnownDrug | None:
        """What the code tells; where several products share it and the name says a formulation, its class."""
        code = (drug.code or "").strip().upper()
        if is_nhsa(drug.system):
            return self._by_nhsa(code)
        if not code or not is_atc(drug.system):
            return None
        shared = sum(d.atc == code for d in self.drugs.values()) > 1
        if code in self.by_atc and not (shared and says_formulation(drug.name or "")):
            return self.by_atc[code]
        return self._by_class(code, code, Text(zh=f"ATC {code}", en=f"ATC {code}"))

    def _by_nhsa(self, code: str) -> KnownDrug | None:
        """What a code of China's health insurance (`XL01CD…`) tells: the family of drugs, at most."""
        if not re.match(r"X[A-Z]\d\d[A-Z]{2}", code):
            return None
        prefix = code[1:4] if code[1:].startswith(_NHSA_MAY_DIFFER) else code[1:6]
        return self._by_class(code, prefix, Text(zh=f"医保编码 {code}", en=f"NHSA code {code}"))

    def _by_class(self, code: str, prefix: str, label: Text) -> KnownDrug | None:
        """A drug of which an ATC class is all that is known; `None` where that may be for a tumour or not."""
        could_be = {d.id for d in self.drugs.values() if d.atc.startswith(prefix)}
        above = [prefix[:n] for n in range(len(prefix), 0, -1) if prefix[:n] in self.atc_classes]
        family = self.atc_classes[above[0]] if above else None
        if family is not None and family[0] in ANTI_TUMOUR:
            # a painkiller that WHO lists among them (celecoxib) doesn't make the class doubtful
            could_be = {id for id in could_be if self.drugs[id].cls != "companion"}
        rows = {(self.drugs[id].cls, self.drugs[id].myelosuppressive) for id in could_be}
        rows |= {row for below, row in self.atc_classes.items() if below.startswith(prefix)}
        rows |= {family} if family is not None else set()
        kinds, suppresses = {cls for cls, _ in rows}, {truth for _, truth in rows}
        against = {cls in ANTI_TUMOUR for cls in kinds}
        if len(against) != 1:
            return None
        cls = next(iter(kinds)) if len(kinds) == 1 else "antitumour" if True in against else "other"
        suppressing = next(iter(suppresses)) if len(suppresses) == 1 else None
        known = self.grouped(KnownDrug(code, label, cls, suppressing, prefix))
        groups = {
            group.id
            for group in self.groups.values()
            if group.drugs & could_be or any(a.startswith(prefix) for a in group.atc)
        }
        return replace(known, perhaps=frozenset(groups | could_be | kinds) - known.groups - {cls})

    def grouped(self, drug: KnownDrug) -> KnownDrug:
        """The drug with the groups that it belongs to."""
        code = drug.atc
        mine = (g.id for g in self.groups.values() if drug.id in g.drugs or (code and code.startswith(g.atc)))
        return replace(drug, groups=frozenset(mine))

    def tumour_of(self, codes: Iterable[Code], *, in_situ: bool = False) -> str | None:
        """The id of the tumour that the codes mean as a primary malignancy; `""` for one of no known kind.

        `in_situ` admits in-situ tumours too: they count where the order itself names one.
        """
        found: str | None = None
        for code in codes:
            one = self._kind_told_by(code.system, code.code, in_situ)
            if one is not None:
                found = one or found or ""
        return found

    def _kind_of(self, system: str | None, code: str | None, in_situ: bool) -> str | None:
        plain = icd10_of(system, code)
        if plain is not None:
            if is_malignant(plain) and not plain.startswith(self.secondary + self.multiple_primary):
                matching = [
                    (len(p), t.id) for t in self.tumours.values() for p in t.icd10 if plain.startswith(p)
                ]
                return max(matching)[1] if matching else ""
            kinds = (t.id for t in self.tumours.values() if plain.startswith(t.in_situ))
            return next(kinds, None) if in_situ else None
        return (
            next((t.id for t in self.tumours.values() if code in t.snomed), None)
            if system == SNOMED
            else None
        )

    def codes_read(self, codes: Iterable[tuple[str | None, str | None]]) -> CodesRead:
        """What the codes of one diagnosis mean, each given as its system and code."""
        return self._codes_told_by(tuple(codes))

    def _read_codes(self, pairs: tuple[tuple[str | None, str | None], ...]) -> CodesRead:
        codes = [Code(system=system, code=code) for system, code in pairs]
        many = any((icd10(code) or "").startswith(self.multiple_primary) for code in codes)
        return CodesRead(self.tumour_of(codes), self.tumour_of(codes, in_situ=True), keys_of(codes), many)

    def is_tumour_code(self, code: Code) -> bool:
        """Whether a code means a tumour at all: malignant, secondary, in situ, or a known SNOMED CT one."""
        return self._means_tumour(code.system, code.code)

    def _is_tumour(self, system: str | None, code: str | None) -> bool:
        plain = icd10_of(system, code)
        if plain is not None:
            return is_malignant(plain) or plain[:2] == "D0"
        return system == SNOMED and any(code in t.snomed for t in self.tumours.values())

    def exam_label(self, expression: str) -> Text:
        """The label of an exam, or of several of which any will do (`CT_chest|PET_CT`)."""
        labels = [self.exams[e].label if e in self.exams else Text(zh=e, en=e) for e in expression.split("|")]
        return Text(zh="或".join(x.zh for x in labels), en=" or ".join(x.en for x in labels))

    def regimens_named(self, name: str) -> tuple[Regimen, ...]:
        """The rows that a regimen's name may mean."""
        return self._rows_named(name)

    def _regimens_named(self, name: str) -> tuple[Regimen, ...]:
        rows = (row for key in self.regimen_keys(name) for row in self.regimens.get(key, ()))
        return tuple({row.id: row for row in rows}.values())

    def regimen_keys(self, name: str) -> tuple[str, ...]:
        """The forms of a regimen's name: as written, and by the drugs that it (or its bracket) spells out.

        `顺铂+紫杉醇`, `紫杉醇联合顺铂方案` and `TP(紫杉醇+顺铂)` have a form in common.
        """
        return self._keys_of_regimen(name)

    def _regimen_keys(self, name: str) -> tuple[str, ...]:
        keys = [regimen_key(name)]
        for text in (name, *bracketed(name)):
            drugs = [self._by_name(part) for part in drugs_spelled(text)]
            if drugs and None not in drugs:
                keys.append("+".join(sorted(d.id for d in drugs if d is not None)))
        return tuple(dict.fromkeys(keys))

    def anti_tumour_part(self, regimen: Regimen) -> frozenset[str]:
        """The regimen's components that are anti-tumour drugs."""
        return frozenset(id for id in regimen.components if id in self.drugs and self.drugs[id].anti_tumour)

    @once
    def regimens_of(self) -> Mapping[frozenset[str], tuple[Regimen, ...]]:
        """The regimens by their anti-tumour drugs."""
        return self._regimens_by(lambda drug: drug.anti_tumour)

    @once
    def regimens_suppressing_by(self) -> Mapping[frozenset[str], tuple[Regimen, ...]]:
        """The regimens by those of their anti-tumour drugs that suppress the marrow, or may."""
        return self._regimens_by(lambda drug: drug.anti_tumour and drug.myelosuppressive is not False)

    def _regimens_by(
        self, counts: Callable[[KnownDrug], bool]
    ) -> Mapping[frozenset[str], tuple[Regimen, ...]]:
        found: dict[frozenset[str], list[Regimen]] = {}
        for row in {row.id: row for listed in self.regimens.values() for row in listed}.values():
            drugs = frozenset(id for id in row.components if id in self.drugs and counts(self.drugs[id]))
            found.setdefault(drugs, []).append(row)
        return {drugs: tuple(rows) for drugs, rows in found.items()}

    def same_regimen(self, one: str, other: str) -> bool:
        """Whether two names mean one regimen: the same word, or names of the same row."""
        return self._told_same(one, other)

    def _same_regimen(self, one: str, other: str) -> bool:
        a, b = set(self.regimen_keys(one)), set(self.regimen_keys(other))
        return bool(a & b) or any(b & row.names for key in a for row in self.regimens.get(key, ()))


def _one_product(one: KnownDrug, other: KnownDrug) -> KnownDrug | None:
    """The drug that two names mean together: the same, or the more particular product (紫杉醇, 力扑素)."""
    if one.id == other.id:
        return one
    if one.atc and one.atc == other.atc:
        words, others = set(one.id.split("-")), set(other.id.split("-"))
        return other if words < others else one if others < words else None
    return None


def of_one_drug(one: KnownDrug, other: KnownDrug) -> bool:
    """Whether two are the same drug, products of one substance, or a drug and its class."""
    if one.id == other.id or (one.atc and one.atc == other.atc):
        return True
    classes = [(a.atc, b.atc) for a, b in ((one, other), (other, one)) if a.atc and a.id == a.atc]
    return any(atc.startswith(cls) for cls, atc in classes)


def _agree(named: KnownDrug, coded: KnownDrug, *, nhsa: bool) -> bool:
    """Whether a name and a code can be of one drug."""
    same_world = named.anti_tumour == coded.anti_tumour
    if nhsa:
        return same_world
    if named.id == coded.id or (named.atc and named.atc == coded.atc):
        return True
    if coded.id != coded.atc:  # another drug's code
        return not named.atc and same_world
    if not same_world or not named.anti_tumour:
        return same_world
    kinds = {named.cls, coded.cls}  # WHO's classes of antibodies hold both kinds
    return len(kinds) == 1 or "antitumour" in kinds or kinds == {"targeted", "immunotherapy"}


_WORDS = 12  # a name with more words isn't two names
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
