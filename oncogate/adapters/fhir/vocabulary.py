"""The codes and words by which results, markers and exams are recognised: from the facts and tables of the rules."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from oncogate.adapters.fhir.access import LOINC, SCT
from oncogate.base.once import once
from oncogate.clinical.names import exam_ids, name_key
from oncogate.model.facts import CodeOf, Fact, FactsFile
from oncogate.model.record import Drug
from oncogate.packs.document import check_against, read_document
from oncogate.packs.pack import Library
from oncogate.packs.read_tables import TableReader
from oncogate.packs.rule_files import shipped_rules
from oncogate.packs.tables import KnownDrug, Tables

MEASURED = ("labs", "vitals")
"""The sections of measurements."""


@dataclass(frozen=True)
class Asked:
    """What the facts ask of a code: the sections in which they look for it, and as which measures they read it.

    `only_done`: nobody reads its value; that there is a result is all that counts.
    """

    sections: frozenset[str]
    measures: frozenset[str] = frozenset()
    only_done: bool = False


def asked_by(facts: Mapping[str, Fact]) -> dict[tuple[str, str], Asked]:
    """Every code of a measurement that the facts ask for."""
    found: dict[tuple[str, str], Asked] = {}
    for fact in facts.values():
        sections = frozenset(fact.sections) & frozenset(MEASURED)
        if not sections:
            continue
        measures = frozenset([fact.measured.measure] if fact.measured else [])
        only_done = fact.measured is None and fact.vocabulary is None
        for code in fact.codes:
            known = found.get((code.system, code.code), Asked(frozenset(), only_done=True))
            found[code.system, code.code] = Asked(
                known.sections | sections, known.measures | measures, known.only_done and only_done
            )
    return found


@lru_cache(maxsize=1)
def shipped_facts() -> Mapping[str, Fact]:
    """The facts that ship, with their codes; what can't be read is passed over, `Gate.load` says what is wrong with it."""
    facts: dict[str, Fact] = {}
    for path in sorted(shipped_rules().rglob("facts.yaml")):
        file = check_against(FactsFile, read_document(path))
        facts |= file.facts if isinstance(file, FactsFile) else {}
    for row in _rows(shipped_rules() / "tables" / "laboratory-codes.csv", "fact"):
        fact = facts.get(row["fact"])
        if fact is not None and row.get("system") and row.get("code"):
            code = CodeOf(system=row["system"], code=row["code"])
            facts[row["fact"]] = fact.model_copy(update={"codes": (*fact.codes, code)})
    return facts


def _asked_by_shipped() -> Mapping[tuple[str, str], Asked]:
    return asked_by(shipped_facts())


def _shipped_kinds() -> frozenset[str]:
    return _kinds(shipped_facts())


def _kinds(facts: Mapping[str, Fact]) -> frozenset[str]:
    return frozenset(kind for fact in facts.values() for kind in fact.kinds)


@lru_cache(maxsize=1)
def _shipped_drugs() -> Tables:
    folder, tables = shipped_rules() / "tables", Tables()
    files = ("drug-groups.yaml", "drugs.csv", "atc-classes.csv")
    TableReader({name: folder / name for name in files}, tables).read()
    return tables


def _shipped_drug(drug: Drug) -> KnownDrug | None:
    return _shipped_drugs().identify(drug)


@dataclass(frozen=True)
class Vocabulary:
    """What a code or a name means.

    `marker_names` maps a whole name (`HER2`, `表皮生长因子受体`) to marker ids; `exams_by_code` a system and
    code to an exam id; `assessment_questionnaires` are the questionnaires that assess neutropenia risk; `asked` are
    the codes of measurements and `kinds` the kinds of entries that the facts ask for; `identify` recognises a drug.
    """

    markers_by_loinc: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marker_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exams_by_code: Mapping[tuple[str, str], str] = field(default_factory=dict)
    exams: frozenset[str] = frozenset()
    exams_by_name: Callable[[str], frozenset[str]] = exam_ids
    assessment_questionnaires: frozenset[str] = frozenset()
    asked: Mapping[tuple[str, str], Asked] = field(default_factory=_asked_by_shipped)
    kinds: frozenset[str] = field(default_factory=_shipped_kinds)
    identify: Callable[[Drug], KnownDrug | None] = _shipped_drug

    @classmethod
    def shipped(cls) -> Vocabulary:
        """The vocabulary of the facts and tables that ship."""
        return _shipped()

    @classmethod
    def of(cls, library: Library) -> Vocabulary:
        """The vocabulary of the facts and tables that a gate judges with: a site's own codes and kinds among them."""
        files = library.tables.files
        words = _words(files["markers.csv"], files["exams.csv"])
        kinds, identify = _kinds(library.facts), library.tables.identify
        return cls(*words, asked=asked_by(library.facts), kinds=kinds, identify=identify)

    @once
    def _names(self) -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
        known = {_width(name): ids for name, ids in self.marker_names.items() if _width(name)}
        folded = {**{name.casefold(): ids for name, ids in known.items() if not _capitals(name)}, **known}
        parts = [_part(name) for name in sorted(known, key=len, reverse=True)]
        return re.compile("|".join(parts) or r"(?!)"), folded

    def markers_in(self, text: str) -> tuple[str, ...]:
        """The markers that a text names by whole words: `EGFR基因突变检测` names EGFR; `VEGFR`, `eGFR` and
        `ALK phos` name none."""
        pattern, known = self._names
        found: set[str] = set()
        for match in pattern.finditer(_width(text)):
            found.update(known.get(match[0]) or known.get(match[0].casefold()) or ())
        return tuple(sorted(found))


def _width(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _capitals(name: str) -> bool:
    """Whether letter case tells a gene from another word: `EGFR` from eGFR, `KIT` from kit."""
    return name.isascii() and name.upper() == name and any(c.isalpha() for c in name)


def _part(name: str) -> str:
    body = re.escape(name) if _capitals(name) else f"(?i:{re.escape(name)})"
    before = r"(?<![A-Za-z0-9])" if name[0].isascii() and name[0].isalnum() else ""
    after = r"(?![A-Za-z0-9]|[ -]*(?i:phos))" if name[-1].isascii() and name[-1].isalnum() else ""
    return before + body + after


_Words = tuple[
    dict[str, tuple[str, ...]], dict[str, tuple[str, ...]], dict[tuple[str, str], str], frozenset[str],
    Callable[[str], frozenset[str]],
]  # fmt: skip


def load_vocabulary(tables_dir: Path, assessment_questionnaires: frozenset[str] = frozenset()) -> Vocabulary:
    """Read `markers.csv` and `exams.csv` of a folder; what isn't there stays empty."""
    words = _words(tables_dir / "markers.csv", tables_dir / "exams.csv")
    return Vocabulary(*words, assessment_questionnaires)


def _words(markers: Path, exams_file: Path) -> _Words:
    """Markers by LOINC and by name, exams by code, all exams, and exams by name."""
    by_loinc: dict[str, tuple[str, ...]] = {}
    names: dict[str, tuple[str, ...]] = {}
    for row in _rows(markers):
        id = row.get("id", "")
        for code in _list(row.get("loinc", "")):
            by_loinc[code] = _with(by_loinc.get(code), id)
        for name in (id, row.get("en", ""), row.get("zh", ""), *_list(row.get("aliases", ""))):
            if name:
                names[_width(name)] = _with(names.get(_width(name)), id)
    by_code: dict[tuple[str, str], str] = {}
    by_name: dict[str, str] = {}
    exams: set[str] = set()
    for row in _rows(exams_file):
        id = row.get("id", "")
        exams.add(id)
        for name in (row.get("zh", ""), row.get("en", ""), *_list(row.get("names", ""))):
            by_name.setdefault(name_key(name), id)
        for column, system in (("loinc", LOINC), ("snomed", SCT), ("sct", SCT)):
            for code in _list(row.get(column, "")):
                by_code[system, code] = id
        for coded in _list(row.get("codes", "")):
            address, _, code = coded.rpartition("|")
            by_code[{"loinc": LOINC, "sct": SCT, "snomed": SCT}.get(address.casefold(), address), code] = id
    by_name.pop("", None)

    def exams_named(name: str) -> frozenset[str]:
        whole = by_name.get(name_key(name))
        return exam_ids(name) | (frozenset({whole}) if whole else frozenset())

    return by_loinc, names, by_code, frozenset(exams), exams_named


def _with(ids: tuple[str, ...] | None, id: str) -> tuple[str, ...]:
    return tuple(sorted({*(ids or ()), id}))


def _rows(path: Path, key: str = "id") -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return []
    made = [
        {k: v.strip() for k, v in row.items() if isinstance(k, str) and isinstance(v, str)} for row in rows
    ]
    return [row for row in made if row.get(key)]


def _list(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


@lru_cache(maxsize=1)
def _shipped() -> Vocabulary:
    return load_vocabulary(shipped_rules() / "tables")
