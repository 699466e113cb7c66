"""The linter of tables: a name that nothing stands behind, and rows that contradict each other unnoticed, are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import FULLY_SHOWN, pack
from conftest import ROOT

from oncogate.authoring.lint import lint
from oncogate.packs.load import load_library

TABLES = ROOT / "rules" / "tables"


def found(tmp_path: Path, table: str, old: str, new: str) -> list[str]:
    """What the linter says of the shipped tables with one text of one table replaced, or with lines added to it."""
    rules = pack(tmp_path, FULLY_SHOWN)
    (rules / "tables").mkdir()
    text = (TABLES / table).read_text("utf-8")
    assert not old or text.count(old) == 1
    made = text.replace(old, new) if old else text + new
    (rules / "tables" / table).write_text(made, "utf-8")
    return [str(d).split(str(rules / "tables") + "/")[-1].split("\n")[0] for d in lint(load_library([rules]))]


def last_line(table: str) -> int:
    return len((TABLES / table).read_text("utf-8").splitlines()) + 1


def test_the_shipped_tables_are_clean(tmp_path: Path) -> None:
    assert found(tmp_path, "regimens.csv", "", "") == []


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("regimens.csv", "XX,XX,,lung,low,docetaxl,,house,general_knowledge,", "nothing is known of `docetaxl` [lint-table-name]"),
        ("regimens.csv", "XX,XX,,lng,low,docetaxel;ibrutinib,,house,general_knowledge,", "nothing is known of `lng` [lint-table-name]"),
        (
            "regimens.csv", "XX,XX,,bladder,low,methotrexate;vinblastine;doxorubicin;cisplatin,,house,general_knowledge,",
            "has another FN category than `ddMVAC`, and is the same by components and interval [lint-table-contradiction]",
        ),
        (
            "regimens.csv", "XX,dd-MVAC,,bladder,low,methotrexate;vinblastine,,house,general_knowledge,",
            "has another FN category than `ddMVAC`, and is the same by name [lint-table-contradiction]",
        ),
        ("regimens.csv", "XX,XX,,lung,low,docetaxel;ibrutinib,,,general_knowledge,", "the row has no source [lint-table-source]"),
        ("exams.csv", "XX,某检查,an exam,,,,house,guessed", "`guessed` isn't a verification [lint-table-source]"),
    ],
)  # fmt: skip
def test_a_row_that_should_not_be_so_is_found_at_its_line(
    tmp_path: Path, table: str, row: str, said: str
) -> None:
    assert found(tmp_path, table, "", row + "\n") == [f"{table}:{last_line(table)}:1: {said}"]


def test_a_contradiction_that_both_rows_speak_of_is_none(tmp_path: Path) -> None:
    row = "XX,XX,,soft_tissue_bone,low,vincristine;doxorubicin;ifosfamide,,house,general_knowledge,VAI is high by NCCN"
    assert found(tmp_path, "regimens.csv", "", row + "\n") == []


def test_a_work_up_that_asks_for_an_unknown_examination_is_found(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        "tumours.yaml",
        "- any: [US_breast, mammography, MRI_breast]\n            - PET_CT",
        "- any: [US_breast, mammography, MRI_breast]\n            - PETCT",
    )
    assert said == [
        "tumours.yaml: the work-up of `breast` asks for `PETCT`, which isn't an examination [lint-table-name]"
    ]


def test_a_marker_that_has_to_be_two_things_is_found(tmp_path: Path) -> None:
    text = (TABLES / "drug-markers.csv").read_text("utf-8").splitlines()
    columns = text[0].split(",")
    cells = dict.fromkeys(columns, "")
    cells.update(
        drug="icotinib",
        tumours="lung",
        markers="EGFR",
        polarity="negative",
        needs="yes",
        source="house",
        verification="general_knowledge",
    )
    if "fits" in cells:
        cells["fits"] = "EGFR-"
    said = found(tmp_path, "drug-markers.csv", "", ",".join(cells[c] for c in columns) + "\n")
    assert len(said) == 1
    assert "asks another thing of the marker than line" in said[0]
