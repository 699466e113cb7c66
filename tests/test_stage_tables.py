"""Editions, value sets and concordance of stages: what the tables add to the notation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loaded import shipped_library

from oncogate.base.texts import Text
from oncogate.clinical.stage_compare import compare_stages
from oncogate.clinical.stage_editions import check_edition
from oncogate.clinical.stage_labels import read_edition
from oncogate.clinical.stage_tables import Edition, Staging, ValueSets
from oncogate.clinical.stage_values import check_categories
from oncogate.clinical.stages import Stage, read_stage
from oncogate.packs.read_tables import TableReader
from oncogate.packs.staging import staging_of
from oncogate.packs.tables import Tables

STAGINGS = {id: tumour.staging for id, tumour in shipped_library().tables.tumours.items()}
LABEL = Text(zh="肺癌", en="lung cancer")


def read(text: str, tumour: str | None = None) -> Stage:
    stage = read_stage(text, tumour=tumour)
    assert isinstance(stage, Stage), stage
    return stage


# --- Reading an edition -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "edition"),
    [
        ("8", "8"), (" 9 ", "9"), ("８", "8"), ("第8版", "8"), ("第 九 版", "9"), ("第八版", "8"), ("8th", "8"),
        ("8th edition", "8"), ("Eighth Edition", "8"), ("AJCC 8", "8"), ("AJCC v9", "9"), ("AJCC Version 9", "9"), ("UICC第8版", "8"),
        ("AJCC第8版（2017）", "8"), ("AJCC Cancer Staging Manual, 8th Edition", "8"), ("897275008", "8"), ("1269566009", "9"),
        ("FIGO 2018", "2018"), ("2018", "2018"), ("2018年版", "2018"), ("Lugano 2014", "2014"), ("CNLC 2024年版", "2024"),
        ("第十版", "10"), ("AJCC", None), ("", None), ("FIGO", None), ("新版", None), ("TNM staging", None), ("12018", None),
    ],
)  # fmt: skip
def test_reading_an_edition(text: str, edition: str | None) -> None:
    assert read_edition(text) == edition


@pytest.mark.parametrize(
    ("text", "edition"),
    [
        ("cT2N1M0 ⅡB期（AJCC第8版）", "8"),
        ("AJCC v9 cT1cN0M0", "9"),
        ("Clinical TNM stage: T2 N1 M0, stage IIB (UICC 8th)", "8"),
        ("FIGO 2018 IIB", "2018"),
        ("FIGO（2014）ⅢC期", "2014"),
        ("2023年 cT2N1M0", ""),  # a date, not an edition
        ("cT2N1M0", ""),
        ("第7版 cT2N1M0 第8版", ""),
    ],
)
def test_the_edition_in_the_text_of_a_stage(text: str, edition: str) -> None:
    assert read(text).edition == edition


# --- Whether it was in force --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tumour", "text", "edition", "on", "status", "in_force"),
    [
        ("lung", "cT2N1M0", "8", date(2024, 12, 31), "in_force", ("8",)),
        ("lung", "cT2N1M0", "8", date(2025, 1, 1), "outdated", ("9",)),
        ("lung", "cT2N1M0", "9", date(2024, 12, 31), "not_yet", ("8",)),
        ("lung", "cT2N1M0", "第九版", date(2025, 1, 1), "in_force", ("9",)),
        ("lung", "cT2N1M0（AJCC第8版）", None, date(2026, 3, 2), "outdated", ("9",)),
        ("lung", "cT2N1M0", "7", date(2026, 3, 2), "outdated", ("9",)),
        ("lung", "cT2N1M0", "8", date(2017, 12, 31), "not_yet", ()),
        ("lung", "cT2N1M0", None, date(2026, 3, 2), "not_stated", ("9",)),
        ("lung", "cT2N1M0", "AJCC", date(2026, 3, 2), "not_stated", ("9",)),
        ("lung", "cT2N1M0", "8", None, "unknown", ()),
        ("lung", "cT2N1M0", "新版", date(2026, 3, 2), "unknown", ("9",)),
        ("lung", "AJCC v9 cT2N1M0", "8", date(2026, 3, 2), "unknown", ("9",)),
        ("lung", "ⅡB期", "9", date(2026, 3, 2), "in_force", ("9",)),
        ("lung", "局限期", None, date(2026, 3, 2), "not_dated", ()),
        ("nasopharynx", "cT2N1M0", "8", date(2025, 1, 1), "outdated", ("9",)),
        ("breast", "cT2N1M0", "8", date(2026, 3, 2), "in_force", ("8",)),
        ("breast", "cT2N1M0", "9", date(2026, 3, 2), "unknown", ("8",)),
        ("cervix", "FIGO ⅡB期", "2018", date(2026, 3, 2), "in_force", ("2018",)),
        ("cervix", "FIGO ⅡB期", "2009", date(2026, 3, 2), "outdated", ("2018",)),
        ("cervix", "ⅡB期", "2018", date(2026, 3, 2), "unknown", ()),  # FIGO or TNM: not told
        ("ovary", "FIGO 2014 ⅢC期", None, date(2026, 3, 2), "in_force", ("2014",)),
        ("lymphoma", "Lugano 2014 Ⅲ期", None, date(2026, 3, 2), "in_force", ("2014",)),
        ("liver", "CNLC Ⅱa期", "2022年版", date(2026, 3, 2), "in_force", ("2017", "2019", "2022", "2024")),
        ("myeloma", "ISS Ⅱ期", None, date(2026, 3, 2), "not_dated", ()),
    ],
)
def test_whether_an_edition_was_in_force(
    tumour: str, text: str, edition: str | None, on: date | None, status: str, in_force: tuple[str, ...]
) -> None:
    check = check_edition(read(text, tumour), STAGINGS[tumour], edition=edition, on=on)
    assert (check.status, check.in_force) == (status, in_force), check.message
    truths = {"in_force": True, "not_dated": True, "outdated": False, "not_yet": False}
    assert check.truth is truths.get(status)


def test_a_moment_is_taken_by_its_day() -> None:
    moment = datetime(2025, 1, 1, 8, tzinfo=timezone.utc)
    assert check_edition(read("cT2N1M0"), STAGINGS["lung"], edition="9", on=moment).status == "in_force"
    assert check_categories(read("cT2N2aM0"), STAGINGS["lung"], on=moment).inside is True


def test_the_message_says_which_edition_is_right() -> None:
    check = check_edition(read("cT2N1M0"), STAGINGS["lung"], edition="8", on=date(2026, 3, 2))
    assert check.message.zh == "诊断日 2026-03-02 时 TNM 第8版已停用，应为第9版"
    assert check.message.en == "TNM edition 8 was no longer in force on 2026-03-02: use edition 9"


# --- Value sets ---------------------------------------------------------------------------------------


def test_a_c_before_the_next_category_may_be_its_prefix() -> None:
    # `N1cM0`: N1 and cM0 in lung cancer, which has no N1c; N1c in colorectal cancer
    on = date(2026, 3, 2)
    assert check_categories(read("cT2N1cM0"), STAGINGS["lung"], on=on).inside is True
    assert check_categories(read("cT2N1cM0"), STAGINGS["colorectal"], on=on).inside is True
    assert check_categories(read("cT2cN0M0"), STAGINGS["lung"], on=on).inside is True


def test_a_group_alone_has_no_category_to_refuse() -> None:
    assert check_categories(read("ⅡB期"), STAGINGS["lung"]).inside is True


def test_a_tumour_without_value_sets_is_not_judged() -> None:
    check = check_categories(read("cT2N1M0"), STAGINGS["testis"], on=date(2026, 3, 2))
    assert check.inside is None
    assert check.problem is not None
    assert check.problem.code == "value-set-unknown"


def test_the_message_lists_what_is_right() -> None:
    check = check_categories(read("cT1b3N0M0"), STAGINGS["lung"], edition="8", on=date(2024, 5, 1))
    assert check.problem is not None
    assert check.problem.message.zh == (
        "T1b3 不是肺癌的 T 分期取值（第8版）：应为 T1、T1mi、T1a、T1b、T1c 之一"
    )
    assert check.problem.message.en == (
        "T1b3 is not among the T categories of lung cancer (edition 8): use one of T1, T1mi, T1a, T1b, T1c"
    )


# --- Concordance --------------------------------------------------------------------------------------

UP, DOWN, SAME, NO = "upstaged", "downstaged", "concordant", "not_comparable"


@pytest.mark.parametrize(
    ("tumour", "clinical", "pathologic", "expected"),
    [
        ("lung", "cT2aN0M0", "pT2aN0M0", (SAME, SAME, SAME)),
        ("lung", "cT2N0M0", "pT2bN1M0", (SAME, UP, SAME)),
        ("lung", "cT2aN2M0", "pT1cN1M0", (DOWN, DOWN, SAME)),
        ("lung", "cT1aN2aM0", "pT1bN2bM1a", (UP, UP, UP)),
        ("lung", "cT2N0M1c1", "pT2N0M1c2", (SAME, SAME, UP)),
        ("lung", "cTXN0M0", "pT1N0M0", (NO, SAME, SAME)),
        ("lung", "cT2NXM0", "pT2N1M0", (SAME, NO, SAME)),
        ("lung", "cT1cN0M0", "ypT0N0M0", (NO, NO, NO)),
        ("lung", "cT1cN0M0", "rpT2N0M0", (NO, NO, NO)),
        ("lung", "cT1miN0M0", "pT1aN0M0", (UP, SAME, SAME)),
        ("lung", "cT2N0M0", "pT3N1cM0", (UP, UP, SAME)),
        ("breast", "cTisN0M0", "pT1miN1miM0", (UP, UP, SAME)),
        ("breast", "cT1N1miM0", "pT1bN1aM0", (SAME, UP, SAME)),
        ("breast", "cT4dN2aM0", "pT4bN2bM0", (NO, NO, SAME)),
        ("colorectal", "cT3N1aM0", "pT3N1bM0", (SAME, NO, SAME)),
        ("bladder", "cTisN0M0", "pTaN0M0", (NO, SAME, SAME)),
        ("bladder", "cTaN0M0", "pT1N0M0", (UP, SAME, SAME)),
        ("kidney", "cT3aN0M0", "pT2bN0M0", (DOWN, SAME, SAME)),
        ("cervix", "cT1b3N0M0", "pT1b2N0M0", (DOWN, SAME, SAME)),
    ],
)
def test_concordance_of_categories(
    tumour: str, clinical: str, pathologic: str, expected: tuple[str, ...]
) -> None:
    rows = compare_stages(read(clinical), read(pathologic), STAGINGS[tumour])
    assert [row.part for row in rows] == ["T", "N", "M"]
    assert tuple(row.direction for row in rows) == expected
    assert all((row.why is not None) == (row.direction == NO) for row in rows)


@pytest.mark.parametrize(
    ("clinical", "pathologic", "expected"),
    [
        ("ⅡB期", "ⅢA期", UP), ("ⅢA期", "pⅡB期", DOWN), ("Ⅱ期", "ⅡB期", SAME), ("ⅠA2期", "ⅠA3期", UP), ("0期", "Ⅰ期", UP),
        ("0a期", "0is期", NO), ("FIGO ⅢC1r期", "FIGO ⅢC1p期", SAME), ("FIGO ⅢA1(i)期", "FIGO ⅢA1(ii)期", UP),
        ("CNLC Ⅱb期", "CNLC Ⅱa期", DOWN), ("BCLC 0期", "BCLC A期", UP), ("局限期", "广泛期", UP), ("Ann Arbor ⅡA期", "Ann Arbor ⅡB期", SAME),
        ("Ann Arbor ⅢB期", "Ann Arbor Ⅳ期", UP), ("CNLC Ⅱa期", "BCLC B期", NO), ("CNLC Ⅱa期", "ⅡB期", NO), ("FIGO ⅡB期", "ⅢA期", UP),
        ("cT2N1M0", "ⅡB期", NO), ("Ⅱ期", "cT2N1M0 ⅡB期", SAME),
    ],
)  # fmt: skip
def test_concordance_of_groups(clinical: str, pathologic: str, expected: str) -> None:
    (row,) = compare_stages(read(clinical), read(pathologic))
    assert row.part == "group"
    assert row.direction == expected


# --- Laws ---------------------------------------------------------------------------------------------

texts = st.sampled_from(
    ["cT2N1M0", "pT1b3N3cM1c2", "cTXNXM1", "cTisN0M0", "ⅡB期", "FIGO ⅢC1r期", "CNLC Ⅱb期", "局限期", "BCLC B期", "ypT0N0M0 0期",
     "Ann Arbor ⅡE期", "AJCC v9 cT1cN2bM1c1", "IS", "0is期", "Rai 0", "ISS Ⅱ期", "Durie-Salmon ⅡA期", "Binet A期", "pT4aN3bM1d"]
)  # fmt: skip
editions = st.none() | st.sampled_from(["8", "9", "第7版", "2018", "AJCC", "99", "八"]) | st.text(max_size=30)
tumours = st.sampled_from(sorted(STAGINGS))


@given(texts, editions, st.none() | st.dates(), tumours)
def test_no_check_fails_and_all_speak(text: str, edition: str | None, on: date | None, tumour: str) -> None:
    stage, staging = read(text), STAGINGS[tumour]
    categories = check_categories(stage, staging, edition=edition, on=on)
    assert (categories.problem is None) == (categories.inside is True)
    check = check_edition(stage, staging, edition=edition, on=on)
    assert check.message.zh
    assert check.message.en
    if check.status == "in_force":
        assert check.stated in check.in_force
    if check.status in ("outdated", "not_yet"):
        assert check.stated not in check.in_force


@given(texts, texts, tumours)
def test_the_other_way_round_the_direction_turns(one: str, other: str, tumour: str) -> None:
    turned = {UP: DOWN, DOWN: UP, SAME: SAME, NO: NO}
    there = compare_stages(read(one), read(other), STAGINGS[tumour])
    back = compare_stages(read(other), read(one), STAGINGS[tumour])
    assert [turned[row.direction] for row in there] == [row.direction for row in back]
    assert there


# --- Reading the table --------------------------------------------------------------------------------

ROW: dict[str, Any] = {
    "stage_systems": ["tnm"],
    "editions": [{"system": "tnm", "edition": "8", "from": "2018-01-01"}],
    "categories": {
        "t": [1, "1a"],
        "n": [0],
        "m": [0],
        "editions": {"8": {"n": ["2a"]}},
        "unranked": {"n": [1]},
    },
}


def test_a_row_is_read() -> None:
    assert staging_of(LABEL, ROW) == Staging(
        LABEL,
        (Edition("tnm", "8", date(2018, 1, 1)),),
        ValueSets(("1", "1a"), ("0",), ("0",), {"8": {"n": ("2a",)}}, {"n": ("1",)}),
    )
    assert staging_of(LABEL, {}) == Staging(LABEL)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"editions": "8"}, "`editions` is a list"),
        ({"editions": ["8"]}, "an edition is written"),
        ({"editions": [{"system": "figo", "edition": "2018", "from": "2018-01-01"}]}, "`figo` isn't one of"),
        (
            {"editions": [{"system": "tnm", "edition": "v8", "from": "2018-01-01"}]},
            "neither a number nor a year",
        ),
        ({"editions": [{"system": "tnm", "edition": "8", "from": "2018"}]}, "a day such as"),
        ({"editions": [{"system": "tnm", "edition": "8"}]}, "a day such as"),
        (
            {"editions": [{"system": "tnm", "edition": "8", "from": "2018-01-01", "until": "2017-01-01"}]},
            "ends before",
        ),
        ({"editions": [{"system": "tnm", "edition": "8", "form": "2018-01-01"}]}, "has no `form`"),
        ({"categories": []}, "categories are written"),
        ({"categories": {"t": [1], "n": [0]}}, "lack `m`"),
        ({"categories": {"t": [5], "n": [0], "m": [0]}}, "`T5` isn't a category"),
        ({"categories": {"t": [1], "n": [0], "m": [0], "x": [1]}}, "has no `x`"),
        (
            {"categories": {"t": [1], "n": [0], "m": [0], "editions": {"9": {"n": [1]}}}},
            "isn't a TNM edition",
        ),
        ({"categories": {"t": [1], "n": [0], "m": [0], "editions": {"8": [1]}}}, "holds keys and values"),
        ({"categories": {"t": 1, "n": [0], "m": [0]}}, "`t` is a list"),
        ({"categories": {"t": [1], "n": [0], "m": [0], "unranked": {"n": 1}}}, "`n` is a list"),
    ],
)
def test_a_slip_in_a_row_is_told(change: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        staging_of(LABEL, {**ROW, **change})


def test_a_slip_in_the_table_is_reported_at_its_tumour(tmp_path: Path) -> None:
    path = tmp_path / "tumours.yaml"
    path.write_text("tumours:\n  lung:\n    {zh: 肺癌, en: lung cancer, editions: 8}\n", encoding="utf-8")
    reader = TableReader({"tumours.yaml": path}, Tables())
    reader.read()
    (problem,) = reader.problems
    assert (problem.line, problem.code) == (2, "table-staging")
    assert problem.message == "tumour `lung`: `editions` is a list"
