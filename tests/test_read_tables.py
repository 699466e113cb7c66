"""The reader of the tables: a cell that can't be is told with its line, a table without a column not read at all."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT

from oncogate.packs.read_tables import TableReader
from oncogate.packs.tables import Tables

TABLES = ROOT / "rules" / "tables"
GROUP = "\nmine:\n  label: {zh: 甲, en: mine}\n"


@cache
def rested_on() -> Tables:
    """The tables that others rest on, as they ship."""
    names = ("drug-groups.yaml", "drugs.csv", "markers.csv", "tumours.yaml")
    reader = TableReader({name: TABLES / name for name in names}, Tables())
    reader.read()
    assert not reader.problems
    return reader.tables


def told(folder: Path, table: str, text: str) -> str:
    """What is said of a table with this text, beside the shipped ones that it rests on."""
    path = folder / table
    path.write_text(text, "utf-8")
    reader = TableReader({table: path}, replace(rested_on(), groups={}))
    reader.read()
    return "\n".join(map(str, reader.problems)).replace(f"{path}:", "")


def shipped(table: str) -> str:
    return (TABLES / table).read_text("utf-8")


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("regimens.csv", "XX,XX,,lung,high,docetaxel,-21,house,general_knowledge,", "`-21` isn't a number of days [table-number]"),
        ("maximum-doses.csv", "cisplatin,100,mg/m3,house,general_knowledge,", "`mg/m3` is no `unit` [table-value]\n  help: did you mean `mg/m2`?"),
        ("maximum-doses.csv", "cisplatine,100,mg,house,general_knowledge,", "the drug `cisplatine` isn't in drugs.csv [table-unknown-drug]\n  help: did you mean `cisplatin`?"),
        ("cumulative-limits.csv", "bleomycin,400,,,IU,1,,,house,general_knowledge,", "`IU` is no `unit` [table-value]"),
        ("atc-classes.csv", "L99,cytotoxik,yes,house,general_knowledge", "`cytotoxik` is no `class` [table-value]\n  help: did you mean `cytotoxic`?"),
        ("atc-classes.csv", "L99,cytotoxic,y,house,general_knowledge", "`y` is no `myelosuppressive` [table-value]"),
        ("markers.csv", "XX,xx,XX,,,TSP,1,,no,house,general_knowledge", "`TSP` is no `scale` [table-value]"),
        ("markers.csv", "XX,xx,XX,,,,,,ys,house,general_knowledge", "`ys` is no `changes` [table-value]\n  help: did you mean `yes`?"),
        ("drug-markers.csv", "gefitinib,lung,EGFR,positive,,,,,y,x,house,general_knowledge,", "`y` is no `needs` [table-value]"),
        ("drug-markers.csv", "gefitinib,lung,EGFR,postive,,,,,yes,x,house,general_knowledge,", "`postive` is no `polarity` [table-value]\n  help: did you mean `positive`?"),
        ("drug-markers.csv", "gefitinib,lung,EGFR,positive,,firstline,,,yes,x,house,general_knowledge,", "`firstline` is no `context` [table-value]\n  help: did you mean `first_line`?"),
        ("drug-markers.csv", "gefitinib,lung,EGFR,positive,,with:pemetrexd,,,yes,x,house,general_knowledge,", "the drug `pemetrexd` isn't in drugs.csv [table-unknown-drug]"),
        ("drug-markers.csv", "osimertinib,lung,EGFR,positive,,,gefitinb,,yes,x,house,general_knowledge,", "the drug `gefitinb` isn't in drugs.csv [table-unknown-drug]"),
        ("first-line.csv", "lng,培美曲塞+顺铂,house,general_knowledge", "`lng` is no `tumour` [table-value]\n  help: did you mean `lung`?"),
        ("first-line.csv", "lung, ,house,general_knowledge", "the row names no regimen [table-value]"),
    ],
)  # fmt: skip
def test_a_cell_that_can_not_be_is_told_with_its_line(
    tmp_path: Path, table: str, line: str, said: str
) -> None:
    text = shipped(table)
    assert told(tmp_path, table, text + line + "\n").startswith(f"{len(text.splitlines()) + 1}:1: {said}")


@pytest.mark.parametrize(
    ("lines", "below", "said"),
    [
        (GROUP, 2, "the group `mine` has no members [table-value]"),
        (GROUP + "  drugs: []\n", 2, "the group `mine` has no members [table-value]"),
        (GROUP + "  drugs:\n    - docetaxel\n    - docetaxl\n", 6, "the drug `docetaxl` of `mine` isn't in drugs.csv [table-unknown-drug]\n  help: did you mean `docetaxel`?"),
        (GROUP + "  atc: [l01cd]\n", 4, "`l01cd` isn't the code of an ATC class [table-value]"),
        (GROUP.replace("mine:", "cisplatin:") + "  drugs: [docetaxel]\n", 2, "the group `cisplatin` is named like a drug [table-name]"),
        (GROUP.replace("mine:", "cytotoxic:") + "  drugs: [docetaxel]\n", 2, "the group `cytotoxic` is named like a class of drugs [table-name]"),
    ],
)  # fmt: skip
def test_a_group_that_asks_for_nothing_or_for_two_things_is_told_at_its_line(
    tmp_path: Path, lines: str, below: int, said: str
) -> None:
    text = shipped("drug-groups.yaml")
    found = told(tmp_path, "drug-groups.yaml", text + lines)
    assert found.startswith(f"{len(text.splitlines()) + below}:")
    assert said in found


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("drug-markers.csv", "fits"), ("drug-markers.csv", "needs"), ("drug-markers.csv", "polarity"),
        ("markers.csv", "scale"), ("markers.csv", "changes"), ("regimens.csv", "interval_days"),
    ],
)  # fmt: skip
def test_a_column_that_rules_rest_on_may_not_be_left_out(tmp_path: Path, table: str, column: str) -> None:
    head, _, rest = shipped(table).partition("\n")
    found = told(
        tmp_path, table, ",".join("x" if name == column else name for name in head.split(",")) + "\n" + rest
    )
    assert found == f"1:1: the column `{column}` is missing [table-column]"
