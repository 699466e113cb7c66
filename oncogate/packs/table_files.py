"""The files of the tables: their rows with their lines, their cells, and what is wrong with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from oncogate.base.errors import Diagnostic, did_you_mean
from oncogate.packs.tables import Tables

Rows = list[tuple[int, dict[str, str]]]

LARGEST = Decimal(10) ** 6
"""No number of a table is as large."""


class TableFiles:
    """Table files by name, and the tables that are made of them; problems are collected with file and line.

    `broken` says that a file couldn't be read as a whole: what other files say of it can't be judged then.
    """

    def __init__(self, files: Mapping[str, Path], tables: Tables) -> None:
        self.files = files
        self.tables = tables
        self.problems: list[Diagnostic] = []
        self.broken = False

    def rows(self, path: Path, *columns: str) -> Rows:
        """The rows of a CSV file with their lines; none if it lacks a column."""
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            self.report(path, 0, "table-unreadable", f"can't be read: {error}")
            self.broken = True
            return []
        reader = csv.DictReader(io.StringIO(text), restkey="…", strict=True)
        rows: Rows = []
        try:
            absent = [c for c in columns if c not in (reader.fieldnames or ())]
            for column in absent:
                help = did_you_mean(column, set(reader.fieldnames or ()) - set(columns))
                self.report(path, 1, "table-column", f"the column `{column}` is missing", help)
            if absent:
                self.broken = True
                return []
            for row in reader:
                if "…" in row or None in row.values():
                    self.report(
                        path,
                        reader.line_num,
                        "table-row",
                        "the row has another number of cells than the header",
                    )
                else:
                    rows.append((reader.line_num, {k: v.strip() for k, v in row.items()}))
        except csv.Error as error:
            self.report(path, reader.line_num, "table-row", f"isn't CSV: {error}")
        return rows

    def report(self, path: Path, line: int, code: str, message: str, help: str = "") -> None:
        """Note a problem of a file, at a line (0: of the file as a whole)."""
        self.problems.append(Diagnostic(str(path), line, 1 if line else 0, code, message, help))

    def one_of(self, path: Path, line: int, column: str, value: str, allowed: Collection[str]) -> None:
        """Check that a cell has one of the values of its column."""
        if value not in allowed:
            help = did_you_mean(value, allowed) or f"one of {', '.join(sorted(a for a in allowed if a))}"
            self.report(path, line, "table-value", f"`{value}` is no `{column}`", help)

    def known_drug(self, path: Path, line: int, id: str) -> None:
        """Check that a drug is in drugs.csv."""
        if id not in self.tables.drugs:
            help = did_you_mean(id, self.tables.drugs)
            self.report(path, line, "table-unknown-drug", f"the drug `{id}` isn't in drugs.csv", help)

    def dose_unit(self, path: Path, line: int, unit: str) -> None:
        """Check that doses can be turned into the unit."""
        self.one_of(path, line, "unit", unit, ("mg", "mg/m2", "mg/kg", "U", "U/m2"))

    def number(self, path: Path, line: int, cell: str) -> Decimal | None:
        """The number of a cell; `None` if it is empty or holds none."""
        try:
            number = Decimal(cell) if cell else None
        except InvalidOperation:
            number = Decimal("NaN")
        if number is not None and not (number.is_finite() and 0 <= number < LARGEST):
            self.report(path, line, "table-number", f"`{cell}` isn't a number from 0 on")
            return None
        return number
