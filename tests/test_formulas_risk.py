"""The formulas of neutropenia: the regimen's category, the lowest count, gaps of time, sustained fever. Cases by hand."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from loaded import shipped_library

from oncogate.authoring.examples import request_of
from oncogate.clinical.regimen_names import interval_said
from oncogate.engine.case import Case
from oncogate.engine.conditions import derive
from oncogate.engine.derived import Derived
from oncogate.model.record import Drug

LIBRARY = shipped_library("neutropenia")
TABLES = LIBRARY.tables
SHARED = Path(__file__).resolve().parents[2] / "shared" / "clinical" / "tables" / "fn_regimens.tsv"
ATC = "http://www.whocc.no/atc"
EVERY = {"low", "intermediate", "high"}
ENDLESS = Decimal("Infinity")

INTERVALS = {
    "ddAC-T": 14, "R-CHOP-14": 14, "docetaxel-q21": 21, "paclitaxel-q21": 21, "AC-q21": 21, "EC-q21": 21, "CHOP-21": 21,
    "R-CHOP-21": 21, "docetaxel-prostate": 21, "paclitaxel-weekly": 7, "docetaxel-weekly": 7,
}  # fmt: skip
"""Intervals that the names and notes of the collected table tell."""
RCHOP = ["利妥昔单抗", "环磷酰胺", "多柔比星", "长春新碱", "泼尼松"]


def found(fact: str, **given: Any) -> Derived:
    return derive(Case.of(request_of(given, LIBRARY), LIBRARY), fact, {})


def category(drugs: list[Any], tumour: str | None = None, **order: Any) -> set[str | None]:
    named = [{"name": d} if isinstance(d, str) else d for d in drugs]
    about = {"tumour": tumour} if tumour else {}
    return set(found("regimen.fn_category", order={"drugs": named, **order}, **about).possible)


# -- the regimen's category ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "possible"),
    [
        ({"interval_days": 14}, {"high"}),
        ({"interval_days": 21}, {"intermediate"}),
        ({}, {"intermediate", "high"}),
        ({"interval_days": 28}, EVERY),
        ({"regimen": "R-CHOP-14"}, {"high"}),
        ({"regimen": "R-CHOP-21"}, {"intermediate"}),
        ({"regimen": "R-CHOP q14d"}, {"high"}),
        ({"regimen": "R-CHOP q3w"}, {"intermediate"}),
        ({"regimen": "R-CHOP"}, {"intermediate", "high"}),  # the name doesn't say its interval
        ({"regimen": "R-CHOP", "interval_days": 14}, {"high"}),
    ],
)
def test_the_interval_decides(order: dict[str, Any], possible: set[str]) -> None:
    assert category(RCHOP, "lymphoma", **order) == possible


@pytest.mark.parametrize(
    ("tumour", "interval", "possible"),
    [
        ("breast", 7, {"low"}),
        ("breast", 21, {"intermediate"}),
        ("breast", None, {"low", "intermediate"}),
        ("breast", 14, EVERY),
        ("ovary", 7, {"low"}),
        (
            "ovary",
            None,
            EVERY,
        ),  # weekly is the only interval listed for it, and nothing says that it is weekly
    ],
)
def test_paclitaxel_by_its_interval(tumour: str, interval: int | None, possible: set[str]) -> None:
    assert category(["紫杉醇"], tumour, **({"interval_days": interval} if interval else {})) == possible


def test_the_interval_in_the_name_counts_as_one() -> None:
    assert category(["紫杉醇"], "breast", regimen="紫杉醇周疗") == {"low"}
    assert category(["紫杉醇"], "breast", regimen="紫杉醇 q3w") == {"intermediate"}


@pytest.mark.parametrize(
    ("name", "days"),
    [("TC q21d", 21), ("q3w TC", 21), ("紫杉醇周疗", 7), ("双周紫杉醇", 14), ("FOLFOX 第3周期", None), ("R-CHOP-14", None),
     ("每3周 AC, 每14天 T", None)],
)  # fmt: skip
def test_the_interval_that_a_name_says(name: str, days: int | None) -> None:
    assert interval_said(name) == days


def test_an_interval_known_to_the_table_alone_isnt_taken_for_granted() -> None:
    # dose-dense AC is of high risk; the table lists AC every 21 days
    assert category(["多柔比星", "环磷酰胺"], "breast") == {"intermediate", "high"}
    assert category(["多柔比星", "环磷酰胺"], "breast", interval_days=21) == {"intermediate"}


def test_the_formulation_tells_two_drugs_of_one_code_apart() -> None:
    assert category(["吉西他滨", "白蛋白结合型紫杉醇"], "pancreas") == {"intermediate"}
    assert category(["吉西他滨", "紫杉醇"], "pancreas") == EVERY
    # by the code alone, which the formulations share, it can't be told
    coded = [{"name": "吉西他滨"}, {"code": "L01CD01", "system": ATC, "name": "注射用紫杉醇(白蛋白结合型)"}]
    assert category(coded, "pancreas") == {"intermediate"}


def test_companions_and_gcsf_dont_matter() -> None:
    more = [
        "多西他赛",
        "多柔比星",
        "环磷酰胺",
        "地塞米松",
        "昂丹司琼",
        "聚乙二醇化重组人粒细胞刺激因子注射液",
    ]
    assert category(more, "breast") == {"high"}


def test_the_order_s_tumour_decides_between_rows() -> None:
    assert category(["多西他赛"], "ovary") == {"high", "low"}
    assert category(["多西他赛"], "ovary", interval_days=21) == {"high"}
    assert category(["多西他赛"], "lung", interval_days=21) == {"intermediate"}
    # no row of this tumour: those of every tumour, never the weekly one alone
    assert category(["多西他赛"], "stomach") == EVERY


def test_an_antibody_beside_a_regimen_can_only_raise_it() -> None:
    folfox = ["奥沙利铂", "亚叶酸钙", "氟尿嘧啶"]
    assert category([*folfox, "贝伐珠单抗"], "colorectal") == {"intermediate", "high"}
    assert category([*folfox, "贝伐珠单抗"], "colorectal", regimen="mFOLFOX6") == {"intermediate", "high"}
    assert category(["奥沙利铂", "卡培他滨", "贝伐珠单抗"], "colorectal") == EVERY  # at least low


def test_name_and_drugs_that_contradict_each_other() -> None:
    possible = found(
        "regimen.fn_category",
        tumour="breast",
        order={"drugs": [{"name": "卡培他滨"}], "regimen": "TAC"},
    )
    assert possible.possible == {"high", "low"}
    assert [row.why for row in possible.evidence if row.why == "conflicting"]
    # neither can be ruled out, and of the drugs nothing is known
    assert category(["长春新碱", "丝裂霉素"], "breast", regimen="卡培他滨单药") == EVERY


def test_the_name_and_another_interval_contradict_each_other() -> None:
    assert category(RCHOP, "lymphoma", regimen="R-CHOP-21", interval_days=14) == EVERY


def test_an_order_for_one_phase_of_a_sequence() -> None:
    phase = found(
        "regimen.fn_category",
        tumour="breast",
        order={"drugs": [{"name": "多柔比星"}, {"name": "环磷酰胺"}], "regimen": "AC-T"},
    )
    assert phase.possible == {"intermediate", "high"}
    assert any("部分药品" in row.detail.zh for row in phase.evidence if row.detail)


def test_the_name_alone_speaks_where_no_drug_is_listed() -> None:
    assert category([], "breast", regimen="TAC") == {"high"}


def test_a_drug_that_isnt_recognised_in_a_marked_order() -> None:
    assert category(["多西他赛", "XR-17 注射液"], "breast", kind="chemotherapy") == EVERY
    assert category([{"code": "L01", "system": ATC}], "breast", kind="chemotherapy") == EVERY


def test_nothing_ordered_has_no_category() -> None:
    assert found("regimen.fn_category", tumour="breast").possible == {None}


def test_the_evidence_names_the_row_and_its_source() -> None:
    known = found("regimen.fn_category", tumour="breast", order=["多西他赛", "多柔比星", "环磷酰胺"])
    (row,) = known.evidence
    assert row.counted is True
    assert row.value == "high"
    assert row.detail is not None
    assert row.detail.zh == "TAC 方案属高危；依据：A:hemonc.mhmedical(NCCN >20%)，有出处"
    assert known.holding[0].en == "TAC: high risk"


def rows() -> list[dict[str, str]]:
    if not SHARED.exists():
        return []
    with SHARED.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def components(row: dict[str, str]) -> list[Drug]:
    drugs = [
        Drug(name=n, code=c, system=ATC)
        for n, c in re.findall(r"([^+\[]+?)\s*\[(\w+)\]", row["components[ATC]"])
    ]
    if row["regimen_id"] == "AG-panc":  # the note: nab-paclitaxel shares the code
        drugs = [d if d.code != "L01CD01" else Drug(name="nab-paclitaxel") for d in drugs]
    if row["regimen_id"] == "CFAR":  # the note: + alemtuzumab
        drugs.append(Drug(name="alemtuzumab"))
    return drugs


@pytest.mark.skipif(not SHARED.exists(), reason="the shared material is not here")
def test_all_rows_are_there() -> None:
    assert len(rows()) == 109


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["regimen_id"])
def test_every_regimen_is_recognised(row: dict[str, str]) -> None:
    id, expected = row["regimen_id"], row["fn_category"]
    drugs = [d.model_dump(exclude_none=True) for d in components(row)]
    every = {"interval_days": INTERVALS[id]} if id in INTERVALS else {}
    (own,) = [r for r in TABLES.regimens_named(id) if r.id == id]
    for tumour in [*sorted(own.tumours), None]:
        assert expected in category(drugs, tumour, **every)
        assert expected in category(drugs, tumour)
    for tumour in sorted(own.tumours) or ["stomach"]:
        assert category(drugs, tumour, regimen=id) == {expected}
        assert category(drugs, tumour, regimen=id, **every) == {expected}


AGAINST = sorted(d.id for d in TABLES.drugs.values() if d.anti_tumour)
LISTED = {r.id: r for listed in TABLES.regimens.values() for r in listed}.values()


def suppressing(ids: frozenset[str]) -> frozenset[str]:
    return frozenset(id for id in ids if TABLES.drugs[id].myelosuppressive is not False)


PARTS = {TABLES.anti_tumour_part(r) for r in LISTED}
NEAR = {suppressing(part) for part in PARTS} - {frozenset()}


@settings(max_examples=150, deadline=None)
@given(
    st.frozensets(st.sampled_from(AGAINST), min_size=1, max_size=4),
    st.sampled_from(["breast", "lung", "lymphoma", None]),
)
def test_a_regimen_of_no_row_is_unknown_never_low(ids: frozenset[str], tumour: str | None) -> None:
    assume(ids not in PARTS and suppressing(ids) not in NEAR)
    assert category(sorted(ids), tumour) == EVERY


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(LISTED, key=lambda r: r.id)), st.sampled_from(AGAINST))
def test_another_drug_never_lowers_to_certainly_low(row: Any, more: str) -> None:
    ids = {*row.components, more}
    assume(TABLES.anti_tumour_part(row) | {more} not in PARTS)
    possible = category(sorted(ids), next(iter(sorted(row.tumours)), None))
    assert possible != {"low"}


# -- what is recorded, and what care follows -----------------------------------------------------------


def assessed(level: str, **more: Any) -> dict[str, Any]:
    return {"kind": "febrile_neutropenia", "level": level, **more}


def test_the_recorded_level() -> None:
    assert found(
        "fn.recorded", assessments=[assessed("low", age="2 d"), assessed("high", age="1 d")]
    ).possible == {"high"}
    assert found("fn.recorded").possible == {None}
    assert found("fn.recorded", assessments=None).possible == {None, *EVERY}


def test_care_goes_by_the_highest_level_on_record() -> None:
    order = ["多西他赛"]
    both = [assessed("low", age="1 d"), assessed("intermediate", age="1 d")]
    assert found("fn.care_level", order=order, assessments=both).possible == {"intermediate"}
    page = [{"section": "assessments", "problem": "a page is missing"}]
    assert found("fn.care_level", order=order, assessments=[assessed("low")], unread=page).possible == {"low"}
    assert len(found("fn.care_level", order=order, unread=page).possible) > 1
    assert found("fn.care_level", order=["来曲唑"], assessments=None).possible == {None}


# -- the lowest count ----------------------------------------------------------------------------------


def nadir(*values: str, **more: Any) -> Any:
    labs = [{"fact": "lab.anc", "value": v, "age": f"{n + 1} d"} for n, v in enumerate(values)]
    return found("fn.anc_nadir", labs=labs, **more).possible


def test_the_lowest_count() -> None:
    assert nadir("3.0 10*9/L", "0.4 10*9/L", "1.2 10*9/L") == {Decimal("0.4")}
    assert nadir("400 /uL") == {Decimal("0.400")}
    assert nadir() == {ENDLESS}
    assert nadir("3.0 10*9/L", "0.4 109/L") == frozenset()  # the one that can't be read may be the lowest
    assert found("fn.anc_nadir", labs=None).possible == frozenset()
    assert found(
        "fn.anc_nadir", labs=[{"fact": "lab.anc", "value": "0.2 10*9/L", "age": "43 d"}]
    ).possible == {ENDLESS}


def test_a_censored_count_is_below_its_bound() -> None:
    assert all(value < Decimal("0.5") for value in nadir("<0.5 10*9/L", "0.5 10*9/L"))
    assert found(
        "fn.nadir_grade", labs=[{"fact": "lab.anc", "value": "<0.5 10*9/L", "age": "3 d"}]
    ).possible == {4}


# -- gaps of time --------------------------------------------------------------------------------------


def given_drug(name: str, age: str) -> list[dict[str, Any]]:
    return [{"kind": "drugs", "drugs": [{"name": name}], "status": "completed", "age": age}]


def test_hours_since_chemotherapy() -> None:
    fact = "fn.hours_since_chemotherapy"
    assert found(fact, order=["多西他赛"], treatments=given_drug("多西他赛", "90 min")).possible == {
        Decimal("1.5")
    }
    assert found(fact, order=["多西他赛"]).possible == {ENDLESS}
    assert found(fact, order=["多西他赛"], treatments=None).possible == frozenset()
    later = {"drugs": [], "planned": "2026-03-03T09:30:00+08:00"}
    assert found(fact, order=later, treatments=given_drug("多西他赛", "2 h")).possible == {Decimal(26)}


def test_days_without_a_time_count_as_whole_days() -> None:
    treatments = given_drug("多西他赛", "2 h")
    treatments[0] |= {"effective": "2026-03-01", "recorded": "2026-03-01T20:00:00+08:00"}
    treatments[0].pop("age")
    assert found("fn.hours_since_chemotherapy", treatments=treatments).possible == {Decimal(24)}


def test_a_treatment_that_may_be_chemotherapy_leaves_a_gap_open() -> None:
    treatments = [*given_drug("多西他赛", "30 h"), *given_drug("XR-17", "2 h")]
    assert found("fn.hours_since_chemotherapy", treatments=treatments).possible == {Decimal(0), Decimal(30)}


def test_the_next_chemotherapy_is_the_one_after_the_order() -> None:
    orders = [
        {"drugs": [{"name": "多西他赛"}], "planned": "2026-03-02T12:00:00+08:00", "status": "planned"},
        {"drugs": [{"name": "多西他赛"}], "planned": "2026-03-23T09:00:00+08:00", "status": "planned"},
    ]
    order = {"drugs": [], "planned": "2026-03-04T09:00:00+08:00"}
    assert found("fn.days_to_chemotherapy", order=order, orders=orders).possible == {Decimal(19)}
    assert found("fn.days_to_chemotherapy", order=order).possible == {ENDLESS}
    assert found("fn.days_to_chemotherapy", order=order, orders=None).possible == frozenset()


# -- sustained fever -----------------------------------------------------------------------------------


def sustained(*readings: tuple[str, str], fact: str = "vital.temperature_oral", **more: Any) -> Any:
    vitals = [{"fact": fact, "value": f"{v} Cel", "age": age, **more} for v, age in readings]
    return found("fn.fever_sustained", vitals=vitals).truth


def test_a_temperature_that_stays_up_for_an_hour() -> None:
    assert sustained(("38.0", "2 h"), ("38.0", "60 min")) is True
    assert sustained(("38.0", "119 min"), ("38.0", "60 min")) is False
    assert sustained(("37.9", "2 h"), ("38.0", "60 min")) is False
    assert sustained(("38.0", "3 h"), ("37.5", "2 h"), ("38.0", "60 min")) is False
    assert sustained(("38.0", "26 h"), ("38.0", "60 min")) is False
    assert sustained() is False


def test_a_reading_that_can_not_be_read_may_be_a_fever_or_none() -> None:
    up = ("38.0", "60 min")
    unit = {"fact": "vital.temperature_oral", "value": "38.0 ?"}
    assert (
        found("fn.fever_sustained", vitals=[{**unit, "age": "2 h"}]).truth is False
    )  # one reading doesn't last
    reading = {"fact": "vital.temperature_oral", "value": "38.0 Cel", "age": up[1]}
    assert found("fn.fever_sustained", vitals=[{**unit, "age": "2 h"}, reading]).truth is None
    long_up = [{**reading, "age": "3 h"}, reading]
    assert found("fn.fever_sustained", vitals=[{**unit, "age": "2 h"}, *long_up]).truth is None
    assert found("fn.fever_sustained", vitals=[{**unit, "age": "5 h"}, *long_up]).truth is True
    undated = {"fact": "vital.temperature_oral", "value": "38.0 Cel", "effective": None}
    assert found("fn.fever_sustained", vitals=[undated, *long_up]).truth is None
    assert found("fn.fever_sustained", vitals=[undated]).truth is None
    normal = {**undated, "value": "36.8 Cel"}  # it may have come between the two
    assert found("fn.fever_sustained", vitals=[normal, *long_up]).truth is None
    assert found("fn.fever_sustained", vitals=[normal, reading]).truth is False


def test_the_limit_is_that_of_the_site() -> None:
    readings = (("37.8", "2 h"), ("37.8", "60 min"))
    assert sustained(*readings, fact="vital.temperature_axillary") is True
    assert sustained(*readings, fact="vital.temperature") is None
    assert sustained(*readings, fact="vital.temperature", site="axillary") is True
    assert sustained(*readings, fact="vital.temperature", site="oral") is False
    assert found("fn.fever_sustained", vitals=None).truth is None
