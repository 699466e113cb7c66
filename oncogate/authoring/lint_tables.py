"""What should be better in the tables: names that nothing stands behind, and rows that contradict each other unnoticed.

Two rows may say different things where sources do; then each says so in its `note`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from oncogate.base.errors import Diagnostic, did_you_mean
from oncogate.clinical.regimen_names import regimen_key
from oncogate.packs.tables import Tables


@dataclass(frozen=True)
class _Row:
    """A row of a CSV table, with its place."""

    path: Path
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return (self.cells.get(column) or "").strip()

    def listed(self, column: str) -> frozenset[str]:
        return frozenset(part.strip() for part in self[column].split(";") if part.strip())

    def problem(self, code: str, message: str, help: str = "") -> Diagnostic:
        return Diagnostic(str(self.path), self.line, 1, code, message, help)


def lint_tables(tables: Tables) -> Iterator[Diagnostic]:
    """The problems of the tables, in no order."""
    regimens, markers = _rows(tables, "regimens.csv"), _rows(tables, "drug-markers.csv")
    yield from _unknown(regimens, "components", tables.drugs)
    yield from _unknown(regimens, "tumours", tables.tumours)
    yield from _unknown(markers, "tumours", tables.tumours)
    yield from _unknown(markers, "markers", tables.markers)
    yield from _exams(tables)
    yield from _regimens(regimens)
    yield from _markers(markers)
    for name in sorted(tables.files):
        if name.endswith(".csv"):
            yield from _provenance(_rows(tables, name))


def _rows(tables: Tables, name: str) -> list[_Row]:
    path = tables.files.get(name)
    if path is None:
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        return [_Row(path, reader.line_num, row) for row in reader]


def _unknown(rows: Iterable[_Row], column: str, known: Iterable[str]) -> Iterator[Diagnostic]:
    names = set(known)
    for row in rows:
        for name in sorted(row.listed(column) - names):
            yield row.problem("lint-table-name", f"nothing is known of `{name}`", did_you_mean(name, names))


def _exams(tables: Tables) -> Iterator[Diagnostic]:
    path = tables.files.get("tumours.yaml")
    for tumour in tables.tumours.values():
        for exam in _named([tumour.work_up, *tumour.work_up_by_code.values()]):
            if exam not in tables.exams:
                said = f"the work-up of `{tumour.id}` asks for `{exam}`, which isn't an examination"
                yield Diagnostic(str(path), 0, 0, "lint-table-name", said, did_you_mean(exam, tables.exams))


def _named(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for part in tree.values():
            yield from _named(part)
    elif isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _named(part)


def _overlap(one: _Row, other: _Row) -> bool:
    """Whether two rows may speak of one tumour; a row without tumours speaks of all."""
    a, b = one.listed("tumours"), other.listed("tumours")
    return not a or not b or bool(a & b)


def _regimens(rows: list[_Row]) -> Iterator[Diagnostic]:
    for one, other in combinations(rows, 2):
        alike = (
            one.listed("components") == other.listed("components")
            and one["interval_days"] == other["interval_days"]
        )
        named = _names(one) & _names(other)
        if (alike or named) and _overlap(one, other) and one["fn_category"] != other["fn_category"]:
            how = "by name" if named else "by components and interval"
            yield from _unnoticed(
                one, other, f"has another FN category than `{one['id']}`, and is the same {how}"
            )


def _names(row: _Row) -> frozenset[str]:
    return frozenset(regimen_key(name) for name in (row["id"], row["zh"], *row.listed("aliases")) if name)


def _markers(rows: list[_Row]) -> Iterator[Diagnostic]:
    for one, other in combinations(rows, 2):
        same = one["drug"] == other["drug"] and bool(one.listed("markers") & other.listed("markers"))
        if same and _overlap(one, other) and one["polarity"] != other["polarity"]:
            yield from _unnoticed(one, other, f"asks another thing of the marker than line {one.line}")


def _unnoticed(one: _Row, other: _Row, said: str) -> Iterator[Diagnostic]:
    if not one["note"] or not other["note"]:
        help = "if sources differ, say so in the `note` of both rows"
        yield other.problem("lint-table-contradiction", said, help)


def _provenance(rows: list[_Row]) -> Iterator[Diagnostic]:
    """Each row says where it comes from, and how far that is verified."""
    for row in rows:
        if not row["source"]:
            yield row.problem("lint-table-source", "the row has no source", "write where it comes from")
        if row["verification"] not in ("sourced", "general_knowledge") and not row["verification"].startswith(
            "reviewed"
        ):
            said = f"`{row['verification']}` isn't a verification"
            yield row.problem(
                "lint-table-source", said, "write sourced, general_knowledge, or reviewed (by whom, when)"
            )
