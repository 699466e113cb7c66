"""Reading the tables: CSV with a header, or YAML; lists in a cell are separated by `;`. Each row has its source.

Every column that is read must be there: without `fits` nothing would ever be asked of a marker's result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.clinical.marker_tests import Branch, MarkerScale, read_tests
from oncogate.clinical.names import name_key
from oncogate.clinical.regimen_names import regimen_key
from oncogate.model.facts import CodeOf
from oncogate.model.values import Quantity
from oncogate.packs.document import Document, read_document
from oncogate.packs.drug_groups import check_groups, read_groups
from oncogate.packs.staging import staging_of
from oncogate.packs.table_files import TableFiles
from oncogate.packs.tables import (
    ANTI_TUMOUR,
    KnownDrug,
    Labelled,
    LifetimeDose,
    MarkerRow,
    Regimen,
    StartLimits,
    Tumour,
)

POLARITIES = ("positive", "negative", "wildtype", "level", "branch", "tested", "none")


class TableReader(TableFiles):
    """Reads table files, by name, into `tables`."""

    groups = Document(Path())

    def read(self) -> None:
        """Read whatever tables there are, up to one that can't be read as a whole."""
        for name, reader in self._readers().items():
            if name in self.files and not self.broken:
                self.tables.files[name] = self.files[name]
                try:
                    reader(self.files[name])
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    said = f"isn't of the form of the shipped table: {type(error).__name__} {error}"
                    self.report(self.files[name], 0, "table-form", said, "compare it with the shipped file")
                    self.broken = True
        if not self.broken:
            check_groups(self.groups, self.tables)
        self.problems += self.groups.problems

    @property
    def absent(self) -> list[str]:
        """The tables that there are no files of."""
        return [name for name in self._readers() if name not in self.files]

    def _readers(self) -> dict[str, Callable[[Path], None]]:
        """What reads each table, in the order in which they rest on each other."""
        return {
            "drug-groups.yaml": self._groups, "drugs.csv": self._drugs, "atc-classes.csv": self._atc_classes, "markers.csv": self._markers,
            "exams.csv": self._exams, "tumours.yaml": self._tumours, "drug-markers.csv": self._drug_markers,
            "regimens.csv": self._regimens, "start-limits.csv": self._start_limits, "first-line.csv": self._first_line,
            "laboratory-codes.csv": self._codes, "cumulative-limits.csv": self._lifetime_doses, "maximum-doses.csv": self._maximum_doses,
        }  # fmt: skip

    def _drugs(self, path: Path) -> None:
        for line, row in self.rows(path, "id", "atc", "en", "zh", "aliases", "class", "myelosuppressive"):
            self._class(path, line, row)
            drug = self.tables.grouped(
                KnownDrug(row["id"], _label(row), row["class"], _yes(row["myelosuppressive"]), row["atc"])
            )
            if drug.id in self.tables.drugs:
                self.report(path, line, "table-duplicate", f"the drug `{drug.id}` stands twice")
            self.tables.drugs[drug.id] = drug
            if drug.atc:
                self.tables.by_atc.setdefault(drug.atc, drug)
            for name in (drug.id, row["en"], row["zh"], *_list(row["aliases"])):
                key = name_key(name)
                other = self.tables.by_name.setdefault(key, drug) if key else drug
                if other.id != drug.id:
                    self.report(path, line, "table-name", f"`{name}` names both `{other.id}` and `{drug.id}`")

    def _class(self, path: Path, line: int, row: Mapping[str, str]) -> None:
        self.one_of(path, line, "class", row["class"], {*ANTI_TUMOUR, "gcsf", "companion", "other"})
        self.one_of(path, line, "myelosuppressive", row["myelosuppressive"], {"yes", "no", ""})

    def _atc_classes(self, path: Path) -> None:
        for line, row in self.rows(path, "prefix", "class", "myelosuppressive"):
            self._class(path, line, row)
            self.tables.atc_classes[row["prefix"]] = (row["class"], _yes(row["myelosuppressive"]))

    def _markers(self, path: Path) -> None:
        columns = ("id", "en", "zh", "aliases", "scale", "positive", "negative", "changes")
        for line, row in self.rows(path, *columns):
            self.one_of(path, line, "scale", row["scale"], ("", "TPS", "CPS", "IHC", "percent"))
            self.one_of(path, line, "changes", row["changes"], ("yes", "no"))
            id, names = row["id"], self.tables.marker_names
            self.tables.markers[id] = Labelled(id, _label(row))
            for name in (id, row["en"], row["zh"], *_list(row["aliases"])):
                names[name] = names.get(name, frozenset()) | {id}
            if row["scale"]:
                self.tables.marker_scales[id] = MarkerScale(row["scale"], row["positive"], row["negative"])
            if row["changes"] == "yes":
                self.tables.changing_markers |= {id}

    def _exams(self, path: Path) -> None:
        for _, row in self.rows(path, "id", "en", "zh", "satisfies"):
            self.tables.exams[row["id"]] = Labelled(
                row["id"], _label(row), frozenset(_list(row["satisfies"]))
            )

    def _tumours(self, path: Path) -> None:
        document = read_document(path)
        self.problems += document.problems
        if document.problems:
            self.broken = True
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
                self.report(path, line, "table-staging", f"tumour `{id}`: {error}")
                continue
            self.tables.tumours[id] = Tumour(
                id, label, _undotted(row.get("icd10")), _undotted(row.get("in_situ")),
                tuple(str(c) for c in row.get("snomed", ())), tuple(row.get("stage_systems", ())),
                row.get("stage_required", True), row.get("sample_stage", ""), row.get("work_up"), row.get("work_up_by_code", {}),
                staging,
            )  # fmt: skip

    def _drug_markers(self, path: Path) -> None:
        columns = (
            "drug",
            "tumours",
            "markers",
            "polarity",
            "fits",
            "context",
            "retest_after",
            "retest_fits",
            "needs",
        )
        for line, row in self.rows(path, *columns):
            self.known_drug(path, line, row["drug"])
            self.one_of(path, line, "needs", row["needs"], ("yes", "no"))
            self.one_of(path, line, "polarity", row["polarity"], POLARITIES)
            for word in _list(row["context"]):
                if word.startswith("with:"):
                    self.known_drug(path, line, word.removeprefix("with:"))
                else:
                    self.one_of(path, line, "context", word, ("first_line", "alone", "unstated"))
            for drug in _list(row["retest_after"]):
                self.known_drug(path, line, drug)
            made = MarkerRow(
                row["drug"],
                frozenset(_list(row["tumours"])),
                frozenset(_list(row["markers"])),
                row["needs"] == "yes",
                row["polarity"],
                self._tests(path, line, row["fits"]),
                frozenset(_list(row["context"])),
                frozenset(_list(row["retest_after"])),
                self._tests(path, line, row["retest_fits"]),
            )
            self.tables.drug_markers[made.drug] = (*self.tables.drug_markers.get(made.drug, ()), made)

    def _tests(self, path: Path, line: int, cell: str) -> tuple[Branch, ...]:
        try:
            branches = read_tests(cell)
        except ValueError as error:
            self.report(path, line, "table-marker-test", str(error))
            return ()
        for marker in sorted({m for branch in branches for test in branch for m in test.markers}):
            if marker not in self.tables.markers:
                self.report(path, line, "table-unknown-marker", f"the marker `{marker}` isn't in markers.csv")
        return branches

    def _regimens(self, path: Path) -> None:
        columns = ("id", "zh", "aliases", "tumours", "fn_category", "components", "interval_days")
        for line, row in self.rows(path, *columns):
            self.one_of(path, line, "fn_category", row["fn_category"], {"high", "intermediate", "low", ""})
            days = row["interval_days"]
            if days and not (days.isdecimal() and int(days) > 0):
                self.report(path, line, "table-number", f"`{days}` isn't a number of days")
            written = (row["id"], row["zh"], *_list(row["aliases"]))
            names = frozenset(key for name in written for key in self.tables.regimen_keys(name))
            made = Regimen(
                row["id"],
                names,
                frozenset(_list(row["tumours"])),
                row["fn_category"],
                frozenset(_list(row["components"])),
                int(days) if days.isdecimal() else None,
                row["zh"],
                row.get("source", ""),
                row.get("verification", ""),
            )
            for name in sorted(names):
                self.tables.regimens[name] = (*self.tables.regimens.get(name, ()), made)

    def _start_limits(self, path: Path) -> None:
        for line, row in self.rows(path, "drug", "anc", "platelets", "bilirubin_uln", "crcl"):
            self.known_drug(path, line, row["drug"])
            numbers = (self.number(path, line, row[c]) for c in ("anc", "platelets", "bilirubin_uln", "crcl"))
            self.tables.start_limits[row["drug"]] = StartLimits(*numbers)

    def _lifetime_doses(self, path: Path) -> None:
        for line, row in self.rows(path, "drug", "limit", "reduced_limit", "unit", "factor"):
            self.known_drug(path, line, row["drug"])
            self.dose_unit(path, line, row["unit"])
            limit, reduced, factor = (
                self.number(path, line, row[c]) for c in ("limit", "reduced_limit", "factor")
            )
            self.tables.lifetime_doses[row["drug"]] = LifetimeDose(
                row["drug"], limit, reduced, row["unit"], factor
            )

    def _maximum_doses(self, path: Path) -> None:
        for line, row in self.rows(path, "drug", "dose", "unit"):
            self.known_drug(path, line, row["drug"])
            self.dose_unit(path, line, row["unit"])
            dose = self.number(path, line, row["dose"])
            if dose is not None:
                self.tables.maximum_doses[row["drug"]] = Quantity(value=dose, unit=row["unit"])

    def _groups(self, path: Path) -> None:
        self.groups = read_groups(path, self.tables)
        self.broken = bool(self.groups.problems)

    def _codes(self, path: Path) -> None:
        """The codes of facts, always with their system; a row without a fact is a code that none may have."""
        meant: dict[tuple[str, str], str] = {}
        for line, row in self.rows(path, "fact", "system", "code"):
            key, fact = (row["system"], row["code"]), row["fact"]
            if key in meant:
                said = f"the code `{row['code']}` stands twice, for `{meant[key]}` and `{fact}`"
                self.report(path, line, "table-duplicate", said)
            meant[key] = fact
            if not (row["system"] and row["code"]):
                self.report(path, line, "table-value", "a code needs its system and the code itself")
            elif fact:
                made = CodeOf(system=row["system"], code=row["code"])
                self.tables.codes[fact] = (*self.tables.codes.get(fact, ()), made)
                self.tables.code_lines.setdefault(fact, line)

    def _first_line(self, path: Path) -> None:
        for line, row in self.rows(path, "tumour", "regimen"):
            self.one_of(path, line, "tumour", row["tumour"], self.tables.tumours)
            if not row["regimen"]:
                self.report(path, line, "table-value", "the row names no regimen")
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
