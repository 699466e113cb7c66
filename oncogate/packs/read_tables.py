"""Reading the tables: CSV with a header, or YAML; lists in a cell are separated by `;`. Each row has its source."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from oncogate.base.errors import Diagnostic, did_you_mean
from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.clinical.marker_tests import Branch, MarkerScale, read_tests
from oncogate.clinical.names import drug_keys
from oncogate.clinical.regimen_names import regimen_key
from oncogate.model.facts import CodeOf
from oncogate.model.values import Quantity
from oncogate.packs.document import read_document
from oncogate.packs.staging import staging_of
from oncogate.packs.tables import (
    ANTI_TUMOUR,
    DrugGroup,
    KnownDrug,
    Labelled,
    LifetimeDose,
    MarkerRow,
    Regimen,
    StartLimits,
    Tables,
    Tumour,
)

Rows = list[tuple[int, dict[str, str]]]


LARGEST = Decimal(10) ** 6
"""No number of a table is as large."""


class TableReader:
    """Reads table files, by name, into `tables`; problems are collected with file and line."""

    def __init__(self, files: Mapping[str, Path], tables: Tables) -> None:
        self.files = files
        self.tables = tables
        self.problems: list[Diagnostic] = []

    def read(self) -> None:
        """Read whatever tables there are."""
        readers: dict[str, Callable[[Path], None]] = {
            "drug-groups.yaml": self._groups, "drugs.csv": self._drugs, "atc-classes.csv": self._atc_classes, "markers.csv": self._markers,
            "exams.csv": self._exams, "tumours.yaml": self._tumours, "drug-markers.csv": self._drug_markers,
            "regimens.csv": self._regimens, "start-limits.csv": self._start_limits, "first-line.csv": self._first_line,
            "laboratory-codes.csv": self._codes, "cumulative-limits.csv": self._lifetime_doses, "maximum-doses.csv": self._maximum_doses,
        }  # fmt: skip
        for name, reader in readers.items():
            if name in self.files:
                self.tables.files[name] = self.files[name]
                try:
                    reader(self.files[name])
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    said = f"isn't of the form of the shipped table: {type(error).__name__} {error}"
                    self._report(self.files[name], 0, "table-form", said, "compare it with the shipped file")
        self._check_groups()

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
            self._one_of(path, line, "class", row["class"], {*ANTI_TUMOUR, "gcsf", "companion", "other"})
            self._one_of(path, line, "myelosuppressive", row["myelosuppressive"], {"yes", "no", ""})
            drug = self.tables.grouped(
                KnownDrug(row["id"], _label(row), row["class"], _yes(row["myelosuppressive"]), row["atc"])
            )
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
            id, names = row["id"], self.tables.marker_names
            self.tables.markers[id] = Labelled(id, _label(row))
            for name in (id, row["en"], row["zh"], *_list(row.get("aliases", ""))):
                names[name] = names.get(name, frozenset()) | {id}
            if row.get("scale"):
                scale = MarkerScale(row["scale"], row.get("positive", ""), row.get("negative", ""))
                self.tables.marker_scales[id] = scale
            if row.get("changes") == "yes":
                self.tables.changing_markers |= {id}

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
            label = Text(zh=row["zh"], en=row["en"])
            try:
                staging = staging_of(label, row)
            except ValueError as error:
                line, _ = document.place(("tumours", id), key=True)
                self._report(path, line, "table-staging", f"tumour `{id}`: {error}")
                continue
            self.tables.tumours[id] = Tumour(
                id, label, _undotted(row.get("icd10")), _undotted(row.get("in_situ")),
                tuple(str(c) for c in row.get("snomed", ())), tuple(row.get("stage_systems", ())),
                row.get("stage_required", True), row.get("sample_stage", ""), row.get("work_up"), row.get("work_up_by_code", {}),
                staging,
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
                row.get("polarity", ""),
                self._tests(path, line, row.get("fits", "")),
                frozenset(_list(row.get("context", ""))),
                frozenset(_list(row.get("retest_after", ""))),
                self._tests(path, line, row.get("retest_fits", "")),
            )
            self.tables.drug_markers[made.drug] = (*self.tables.drug_markers.get(made.drug, ()), made)

    def _tests(self, path: Path, line: int, cell: str) -> tuple[Branch, ...]:
        try:
            branches = read_tests(cell)
        except ValueError as error:
            self._report(path, line, "table-marker-test", str(error))
            return ()
        for marker in sorted({m for branch in branches for test in branch for m in test.markers}):
            if marker not in self.tables.markers:
                self._report(
                    path, line, "table-unknown-marker", f"the marker `{marker}` isn't in markers.csv"
                )
        return branches

    def _regimens(self, path: Path) -> None:
        for line, row in self._rows(path, "id", "zh", "aliases", "tumours", "fn_category", "components"):
            self._one_of(path, line, "fn_category", row["fn_category"], {"high", "intermediate", "low", ""})
            days = row.get("interval_days", "")
            if days and not (days.isdecimal() and int(days) > 0):
                self._report(path, line, "table-number", f"`{days}` isn't a number of days")
            written = (row["id"], row["zh"], *_list(row["aliases"]))
            names = frozenset(key for name in written for key in self.tables.regimen_keys(name))
            made = Regimen(
                row["id"],
                names,
                frozenset(_list(row["tumours"])),
                row["fn_category"],
                frozenset(_list(row["components"])),
                int(row["interval_days"]) if row.get("interval_days", "").isdecimal() else None,
                row["zh"],
                row.get("source", ""),
                row.get("verification", ""),
            )
            for name in names:
                self.tables.regimens[name] = (*self.tables.regimens.get(name, ()), made)

    def _start_limits(self, path: Path) -> None:
        for line, row in self._rows(path, "drug", "anc", "platelets", "bilirubin_uln", "crcl"):
            self._known_drug(path, line, row["drug"])
            numbers = (
                self._number(path, line, row[c]) for c in ("anc", "platelets", "bilirubin_uln", "crcl")
            )
            self.tables.start_limits[row["drug"]] = StartLimits(*numbers)

    def _lifetime_doses(self, path: Path) -> None:
        for line, row in self._rows(path, "drug", "limit", "reduced_limit", "unit", "factor"):
            self._known_drug(path, line, row["drug"])
            limit, reduced, factor = (
                self._number(path, line, row[c]) for c in ("limit", "reduced_limit", "factor")
            )
            self.tables.lifetime_doses[row["drug"]] = LifetimeDose(
                row["drug"], limit, reduced, row["unit"], factor
            )

    def _maximum_doses(self, path: Path) -> None:
        for line, row in self._rows(path, "drug", "dose", "unit"):
            self._known_drug(path, line, row["drug"])
            dose = self._number(path, line, row["dose"])
            if dose is not None:
                self.tables.maximum_doses[row["drug"]] = Quantity(value=dose, unit=row["unit"])

    def _groups(self, path: Path) -> None:
        document = read_document(path)
        self.problems += document.problems
        if document.problems:
            return
        for id, row in document.data.items():
            self.tables.groups[id] = DrugGroup(
                id, Text(**row["label"]), frozenset(row.get("drugs", ())), tuple(row.get("atc", ()))
            )

    def _check_groups(self) -> None:
        for group in self.tables.groups.values():
            for drug in sorted(group.drugs - set(self.tables.drugs)):
                self._report(
                    self.files["drug-groups.yaml"],
                    0,
                    "table-unknown-drug",
                    f"the drug `{drug}` of `{group.id}` isn't in drugs.csv",
                )

    def _codes(self, path: Path) -> None:
        """The codes of facts, always with their system; a row without a fact is a code that none may have."""
        meant: dict[tuple[str, str], str] = {}
        for line, row in self._rows(path, "fact", "system", "code"):
            key, fact = (row["system"], row["code"]), row["fact"]
            if key in meant:
                said = f"the code `{row['code']}` stands twice, for `{meant[key]}` and `{fact}`"
                self._report(path, line, "table-duplicate", said)
            meant[key] = fact
            if not (row["system"] and row["code"]):
                self._report(path, line, "table-value", "a code needs its system and the code itself")
            elif fact:
                made = CodeOf(system=row["system"], code=row["code"])
                self.tables.codes[fact] = (*self.tables.codes.get(fact, ()), made)

    def _one_of(self, path: Path, line: int, column: str, value: str, allowed: set[str]) -> None:
        if value not in allowed:
            help = did_you_mean(value, allowed) or f"one of {', '.join(sorted(a for a in allowed if a))}"
            self._report(path, line, "table-value", f"`{value}` is no `{column}`", help)

    def _known_drug(self, path: Path, line: int, id: str) -> None:
        if id not in self.tables.drugs:
            self._report(path, line, "table-unknown-drug", f"the drug `{id}` isn't in drugs.csv")

    def _number(self, path: Path, line: int, cell: str) -> Decimal | None:
        try:
            number = Decimal(cell) if cell else None
        except InvalidOperation:
            number = Decimal("NaN")
        if number is not None and not (number.is_finite() and 0 <= number < LARGEST):
            self._report(path, line, "table-number", f"`{cell}` isn't a number from 0 on")
            return None
        return number

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
