"""The tables that rules refer to: drugs, markers, tumours, regimens, limits and exams, each row with its source.

A table is CSV with a header, or YAML; lists in a cell are separated by `;`. Identity of a drug never
rests on a part of its name: `瑞普替尼` isn't `瑞派替尼`, and five trastuzumabs are five drugs.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from oncogate.base.errors import Diagnostic
from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.clinical.names import drug_keys
from oncogate.model.record import Drug
from oncogate.model.values import Code
from oncogate.packs.document import read_document

ANTI_TUMOUR = frozenset({"cytotoxic", "targeted", "immunotherapy", "endocrine", "antitumour"})
"""Classes of anti-tumour drugs; `antitumour` is one whose kind isn't told."""

COMPANION_ROLES = frozenset({"diluent", "solvent", "premedication", "companion", "supportive"})

SNOMED = "http://snomed.info/sct"


@dataclass(frozen=True)
class KnownDrug:
    """A drug of the table, or one known by its ATC class only (`id` is then the code)."""

    id: str
    label: Text
    cls: str
    myelosuppressive: Truth
    atc: str = ""

    @property
    def anti_tumour(self) -> bool:
        """Whether the drug is meant against a tumour."""
        return self.cls in ANTI_TUMOUR


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


@dataclass(frozen=True)
class MarkerRow:
    """What a drug needs to be known of a tumour: any of `markers`, where `needs` says that one is needed."""

    drug: str
    tumours: frozenset[str]
    markers: frozenset[str]
    needs: bool


@dataclass(frozen=True)
class Regimen:
    """A regimen; `fn_category` is `high`, `intermediate` or `low`, empty where the category doesn't apply."""

    id: str
    names: frozenset[str]
    tumours: frozenset[str]
    fn_category: str
    components: frozenset[str]


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
    tumours: dict[str, Tumour] = field(default_factory=dict)
    secondary: tuple[str, ...] = ()
    multiple_primary: tuple[str, ...] = ()
    exams: dict[str, Labelled] = field(default_factory=dict)
    regimens: dict[str, tuple[Regimen, ...]] = field(default_factory=dict)
    start_limits: dict[str, Decimal | None] = field(default_factory=dict)
    first_line: dict[str, frozenset[str]] = field(default_factory=dict)

    def identify(self, drug: Drug) -> KnownDrug | None:
        """Which drug the host means; `None` where it can't be told, or code and name contradict each other."""
        named = self._by_name(drug.name)
        code = (drug.code or "").strip().upper() if is_atc(drug.system) else ""
        coded = self._by_code(code) if code else None
        if named is None or coded is None:
            known = named or coded
        elif (
            named.atc in (code, "") and (named.atc or named.anti_tumour == coded.anti_tumour)
        ) or named.id == coded.id:
            known = named
        elif code not in self.by_atc and coded.anti_tumour and named.anti_tumour:
            known = named if coded.cls in (named.cls, "antitumour") else None
        else:
            known = None
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
        whole = self._by_whole_name(name or "")
        if whole is not None or not name:
            return whole
        # `多西他赛注射液 Docetaxel Injection`: the two halves are two names, and must be of one drug
        chinese, other = "".join(_CHINESE.findall(name)), " ".join(_CHINESE.split(name))
        one, two = self._by_whole_name(chinese), self._by_whole_name(other)
        return one if one is not None and two is not None and one.id == two.id else None

    def _by_whole_name(self, name: str) -> KnownDrug | None:
        return next((self.by_name[key] for key in drug_keys(name) if key in self.by_name), None)

    def _by_code(self, code: str) -> KnownDrug | None:
        if code in self.by_atc:
            return self.by_atc[code]
        for end in range(len(code), 0, -1):
            if code[:end] in self.atc_classes:
                cls, suppresses = self.atc_classes[code[:end]]
                return KnownDrug(code, Text(zh=f"ATC {code}", en=f"ATC {code}"), cls, suppresses, code)
        return None

    def tumour_of(self, codes: Iterable[Code], *, in_situ: bool = False) -> str | None:
        """The id of the tumour that the codes mean as a primary malignancy; `""` for one of no known kind.

        `in_situ` admits in-situ tumours too: they count where the order itself names one.
        """
        found: str | None = None
        for code in codes:
            plain = icd10(code)
            if plain is not None:
                if is_malignant(plain) and not plain.startswith(self.secondary + self.multiple_primary):
                    matching = [
                        (len(p), t.id) for t in self.tumours.values() for p in t.icd10 if plain.startswith(p)
                    ]
                    found = max(matching)[1] if matching else found or ""
                elif in_situ:
                    found = next((t.id for t in self.tumours.values() if plain.startswith(t.in_situ)), found)
            elif code.system == SNOMED:
                found = next((t.id for t in self.tumours.values() if code.code in t.snomed), found)
        return found

    def is_tumour_code(self, code: Code) -> bool:
        """Whether a code means a tumour at all: malignant, secondary, in situ, or a known SNOMED CT one."""
        plain = icd10(code)
        if plain is not None:
            return is_malignant(plain) or plain[:2] == "D0"
        return code.system == SNOMED and any(code.code in t.snomed for t in self.tumours.values())

    def exam_label(self, expression: str) -> Text:
        """The label of an exam, or of several of which any will do (`CT_chest|PET_CT`)."""
        labels = [self.exams[e].label if e in self.exams else Text(zh=e, en=e) for e in expression.split("|")]
        return Text(zh="或".join(x.zh for x in labels), en=" or ".join(x.en for x in labels))

    def regimens_named(self, name: str) -> tuple[Regimen, ...]:
        """The rows that a regimen's name may mean."""
        return self.regimens.get(regimen_key(name), ())

    def anti_tumour_part(self, regimen: Regimen) -> frozenset[str]:
        """The regimen's components that are anti-tumour drugs."""
        return frozenset(id for id in regimen.components if id in self.drugs and self.drugs[id].anti_tumour)

    def same_regimen(self, one: str, other: str) -> bool:
        """Whether two names mean one regimen: the same word, or names of the same row."""
        a, b = regimen_key(one), regimen_key(other)
        return a == b or any(b in row.names for row in self.regimens.get(a, ()))


def is_atc(system: str | None) -> bool:
    """Whether a code system is WHO's ATC."""
    plain = (system or "").casefold().rstrip("/")
    return plain in {"http://www.whocc.no/atc", "urn:oid:2.16.840.1.113883.6.73", "atc"} or plain.endswith(
        "/atc"
    )


def icd10(code: Code) -> str | None:
    """The ICD-10 code without its dot, upper case; `None` if the system isn't ICD-10 or one of its editions."""
    system = re.sub(r"[^a-z0-9]", "", (code.system or "").casefold())
    if not code.code or not (
        "icd10" in system or system in {"urnoid216840111388363", "urnoid2168401113883690"}
    ):
        return None
    return code.code.strip().upper().replace(".", "")


def is_malignant(plain: str) -> bool:
    """C00–C97, the malignant neoplasms of ICD-10."""
    return bool(re.match(r"C[0-9][0-9]", plain)) and plain[:3] <= "C97"


_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_REGIMEN_NOISE = re.compile(r"方案|化疗|regimen|protocol|[\s\-_+/·,，、()（）]")


def regimen_key(name: str) -> str:
    """The form in which two spellings of a regimen's name are compared (`R-CHOP 21` and `RCHOP-21`)."""
    return _REGIMEN_NOISE.sub("", unicodedata.normalize("NFKC", name).casefold())


Rows = list[tuple[int, dict[str, str]]]


class TableReader:
    """Reads table files, by name, into `tables`; problems are collected with file and line."""

    def __init__(self, files: Mapping[str, Path], tables: Tables) -> None:
        self.files = files
        self.tables = tables
        self.problems: list[Diagnostic] = []
        self.read_files: list[Path] = []

    def read(self) -> None:
        """Read whatever tables there are."""
        readers: dict[str, Callable[[Path], None]] = {
            "drugs.csv": self._drugs, "atc-classes.csv": self._atc_classes, "markers.csv": self._markers,
            "exams.csv": self._exams, "tumours.yaml": self._tumours, "drug-markers.csv": self._drug_markers,
            "regimens.csv": self._regimens, "start-limits.csv": self._start_limits, "first-line.csv": self._first_line,
        }  # fmt: skip
        for name, reader in readers.items():
            if name in self.files:
                self.read_files.append(self.files[name])
                reader(self.files[name])

    def _rows(self, path: Path, *columns: str) -> Rows:
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            self._report(path, 0, "table-unreadable", f"can't be read: {error}")
            return []
        reader = csv.DictReader(io.StringIO(text), restkey="…", strict=True)
        rows: Rows = []
        try:
            absent = [c for c in columns if c not in (reader.fieldnames or ())]
            if absent:
                self._report(path, 1, "table-column", f"the column `{absent[0]}` is missing")
                return []
            for row in reader:
                if "…" in row or None in row.values():
                    self._report(
                        path,
                        reader.line_num,
                        "table-row",
                        "the row has another number of cells than the header",
                    )
                else:
                    rows.append((reader.line_num, {k: v.strip() for k, v in row.items()}))
        except csv.Error as error:
            self._report(path, reader.line_num, "table-row", f"isn't CSV: {error}")
        return rows

    def _report(self, path: Path, line: int, code: str, message: str, help: str = "") -> None:
        self.problems.append(Diagnostic(str(path), line, 1 if line else 0, code, message, help))

    def _drugs(self, path: Path) -> None:
        for line, row in self._rows(path, "id", "atc", "en", "zh", "aliases", "class", "myelosuppressive"):
            drug = KnownDrug(row["id"], _label(row), row["class"], _yes(row["myelosuppressive"]), row["atc"])
            if drug.id in self.tables.drugs:
                self._report(path, line, "table-duplicate", f"the drug `{drug.id}` stands twice")
            self.tables.drugs[drug.id] = drug
            if drug.atc:
                self.tables.by_atc.setdefault(drug.atc, drug)
            for name in (drug.id, row["en"], row["zh"], *_list(row["aliases"])):
                for key in drug_keys(name)[:1]:
                    other = self.tables.by_name.setdefault(key, drug)
                    if other.id != drug.id:
                        self._report(
                            path, line, "table-name", f"`{name}` names both `{other.id}` and `{drug.id}`"
                        )

    def _atc_classes(self, path: Path) -> None:
        for _, row in self._rows(path, "prefix", "class", "myelosuppressive"):
            self.tables.atc_classes[row["prefix"]] = (row["class"], _yes(row["myelosuppressive"]))

    def _markers(self, path: Path) -> None:
        for _, row in self._rows(path, "id", "en", "zh"):
            self.tables.markers[row["id"]] = Labelled(row["id"], _label(row))

    def _exams(self, path: Path) -> None:
        for _, row in self._rows(path, "id", "en", "zh", "satisfies"):
            self.tables.exams[row["id"]] = Labelled(
                row["id"], _label(row), frozenset(_list(row["satisfies"]))
            )

    def _tumours(self, path: Path) -> None:
        document = read_document(path)
        self.problems += document.problems
        if document.problems:
            return
        data = document.data
        self.tables.secondary = tuple(data.get("secondary", ()))
        self.tables.multiple_primary = tuple(data.get("multiple_primary", ()))
        for id, row in data["tumours"].items():
            self.tables.tumours[id] = Tumour(
                id, Text(zh=row["zh"], en=row["en"]), _undotted(row.get("icd10")), _undotted(row.get("in_situ")),
                tuple(str(c) for c in row.get("snomed", ())), tuple(row.get("stage_systems", ())),
                row.get("stage_required", True), row.get("sample_stage", ""), row.get("work_up"), row.get("work_up_by_code", {}),
            )  # fmt: skip

    def _drug_markers(self, path: Path) -> None:
        for line, row in self._rows(path, "drug", "tumours", "markers", "needs"):
            if row["drug"] not in self.tables.drugs:
                self._report(path, line, "table-unknown-drug", f"the drug `{row['drug']}` isn't in drugs.csv")
            made = MarkerRow(
                row["drug"],
                frozenset(_list(row["tumours"])),
                frozenset(_list(row["markers"])),
                row["needs"] == "yes",
            )
            self.tables.drug_markers[made.drug] = (*self.tables.drug_markers.get(made.drug, ()), made)

    def _regimens(self, path: Path) -> None:
        for _, row in self._rows(path, "id", "zh", "aliases", "tumours", "fn_category", "components"):
            names = frozenset(regimen_key(n) for n in (row["id"], row["zh"], *_list(row["aliases"])) if n)
            made = Regimen(
                row["id"],
                names,
                frozenset(_list(row["tumours"])),
                row["fn_category"],
                frozenset(_list(row["components"])),
            )
            for name in names:
                self.tables.regimens[name] = (*self.tables.regimens.get(name, ()), made)

    def _start_limits(self, path: Path) -> None:
        for line, row in self._rows(path, "drug", "anc"):
            if row["drug"] not in self.tables.drugs:
                self._report(path, line, "table-unknown-drug", f"the drug `{row['drug']}` isn't in drugs.csv")
            try:
                self.tables.start_limits[row["drug"]] = Decimal(row["anc"]) if row["anc"] else None
            except InvalidOperation:
                self._report(path, line, "table-number", f"`{row['anc']}` isn't a number")

    def _first_line(self, path: Path) -> None:
        for _, row in self._rows(path, "tumour", "regimen"):
            listed = self.tables.first_line.get(row["tumour"], frozenset())
            self.tables.first_line[row["tumour"]] = listed | {regimen_key(row["regimen"])}


def _label(row: Mapping[str, str]) -> Text:
    return Text(zh=row["zh"] or row["en"] or row["id"], en=row["en"] or row["id"])


def _undotted(codes: list[str] | None) -> tuple[str, ...]:
    return tuple(code.replace(".", "") for code in codes or ())


def _list(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def _yes(cell: str) -> Truth:
    return {"yes": True, "no": False}.get(cell)
