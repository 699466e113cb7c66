"""Formulas of doses, body measures, the heart and the cycle, against cases worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loaded import shipped_library

from oncogate.authoring.examples import request_of
from oncogate.clinical.doses import body_surface, calvert_target, creatinine_clearance, dose_in
from oncogate.engine.case import Case
from oncogate.engine.conditions import derive
from oncogate.engine.derived import Derived
from oncogate.engine.formulas.doses import UNBOUNDED
from oncogate.model.parameter import Parameter

LIBRARY = shipped_library()
MAN = {"id": "p", "sex": "male", "birth_date": "1966-01-01"}  # 60 years old at the moment of the examples
SURFACE = [
    {"fact": "vital.height", "value": "160 cm"},
    {"fact": "vital.weight", "value": "62.5 kg"},
]  # 1.6667 m²


def parameter(value: Any, unit: str | None = None) -> Parameter:
    return Parameter(
        value=Decimal(str(value)) if isinstance(value, (int, float)) else value, unit=unit, source="test"
    )


def worked_out(fact: str, sections: dict[str, Any], **options: Parameter) -> Derived:
    return derive(Case(request_of(sections, LIBRARY), LIBRARY.facts, LIBRARY.tables), fact, options)


def only(found: Derived) -> Decimal:
    (value,) = found.possible
    assert isinstance(value, Decimal)
    return value


# -- pure formulas ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "height", "weight", "surface"),
    [
        ("mosteller", "160", "62.5", "1.6667"),  # √(160 × 62.5 / 3600) = √2.77778
        ("mosteller", "180", "80", "2.0000"),  # √4
        ("dubois", "170", "70", "1.8097"),  # 0.007184 × 170^0.725 × 70^0.425, as in published tables (1.81)
        ("stevenson", "170", "60", "1.6521"),  # 1.037 + 0.768 − 0.1529
    ],
)
def test_body_surface(formula: str, height: str, weight: str, surface: str):
    assert body_surface(formula, Decimal(height), Decimal(weight)) == Decimal(surface)


@pytest.mark.parametrize(
    ("age", "weight", "creatinine", "female", "clearance"),
    [
        (60, "72", "88.42", False, "80.00"),  # (140 − 60) × 72 / (72 × 1)
        (60, "72", "88.42", True, "68.00"),  # × 0.85
        (40, "60", "176.84", False, "41.67"),  # 100 × 60 / (72 × 2)
    ],
)
def test_creatinine_clearance(age: int, weight: str, creatinine: str, female: bool, clearance: str):
    found = creatinine_clearance(age, Decimal(weight), Decimal(creatinine), female=female)
    assert found == Decimal(clearance)


def test_calvert_turned_round():
    assert calvert_target(Decimal(625), Decimal(100)) == 5
    assert calvert_target(Decimal(736), Decimal(80)) == Decimal("7.01")
    assert calvert_target(Decimal(100), Decimal(-25)) is None


@given(st.integers(1, 10), st.integers(0, 200))
def test_calvert_is_undone(target: int, clearance: int):
    dose = Decimal(target * (clearance + 25))
    assert calvert_target(dose, Decimal(clearance)) == target


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "found"),
    [
        ("1.5", "g", "mg", "1500"), ("100", "毫克", "mg", "100"), ("60", "mg/m²", "mg/m2", "60"), ("60", "mg/平方米", "mg", "120"),
        ("120", "mg", "mg/m2", "60"), ("2", "mg/kg", "mg", "160"), ("3", "万单位", "U", "30000"), ("15", "mg", "U", None),
        ("15", "片", "mg", None), ("1", "g/m2", "mg/m2", "1000"),
    ],
)  # fmt: skip
def test_a_dose_in_another_unit(value: str, unit: str, wanted: str, found: str | None):
    in_it = dose_in(Decimal(value), unit, wanted, surface=Decimal(2), weight=Decimal(80))
    assert in_it == (None if found is None else Decimal(found))


# -- clearance, carboplatin ------------------------------------------------------------------------------


def renal(creatinine: str = "88.42 umol/L", **more: Any) -> dict[str, Any]:
    return {
        "patient": MAN, "vitals": [{"fact": "vital.weight", "value": "72 kg"}], "lab.creatinine": creatinine, **more,
    }  # fmt: skip


def test_clearance_of_the_record():
    assert only(worked_out("patient.crcl", renal())) == 80


def test_a_low_creatinine_is_raised_to_the_floor():
    # 80 × 88.42 / 61.9
    assert only(worked_out("patient.crcl", renal("40 umol/L"))) == Decimal("114.27")
    assert only(worked_out("patient.crcl", renal("40 umol/L"), floor=parameter(0))) == Decimal("176.84")


def test_without_the_sex_both_are_possible():
    found = worked_out("patient.crcl", renal(patient={"id": "p", "birth_date": "1966-01-01"}))
    assert found.possible == {Decimal(80), Decimal(68)}


@pytest.mark.parametrize(
    ("sections", "missing"),
    [
        ({"patient": {"id": "p", "sex": "male"}}, "patient.age"),
        ({"vitals": []}, "vital.weight"),
        ({"labs": None, "lab.creatinine": None}, "lab.creatinine"),
    ],
)
def test_what_the_clearance_lacks_is_named(sections: dict[str, Any], missing: str):
    made = {**renal(), **sections}
    found = worked_out(
        "patient.crcl", {k: v for k, v in made.items() if k != "lab.creatinine" or v is not None}
    )
    assert not found.possible
    assert missing in found.missing
    assert any(row.fact == missing for row in found.evidence)


def test_the_auc_of_carboplatin():
    order = {"drugs": [{"name": "卡铂", "dose": 525, "unit": "mg"}]}
    assert (
        only(worked_out("order.carboplatin_auc", renal(order=order), cap=parameter(125))) == 5
    )  # 525 / (80 + 25)
    capped = worked_out("order.carboplatin_auc", renal(order=order), cap=parameter(50))
    assert only(capped) == 7  # 525 / (50 + 25)


# -- lifetime doses --------------------------------------------------------------------------------------


def heart(*treatments: dict[str, Any], dose: Any = 60, unit: str = "mg/m2", **more: Any) -> Derived:
    order = {"drugs": [{"name": "多柔比星", "dose": dose, "unit": unit} if dose else {"name": "多柔比星"}]}
    return worked_out("dose.anthracycline_total", {"order": order, "treatments": list(treatments), **more})


def past(name: str, dose: Any = None, unit: str = "mg/m2", **more: Any) -> dict[str, Any]:
    drug = {"name": name} if dose is None else {"name": name, "dose": dose, "unit": unit}
    return {"drugs": [drug], "age": "90 d", **more}


def test_anthracyclines_add_up_as_doxorubicin():
    # 60 + 240 + 400 × 0.67 + 10 × 10.5 + 20 × 5
    found = heart(past("多柔比星", 240), past("表柔比星", 400), past("米托蒽醌", 10), past("伊达比星", 20))
    assert only(found) == 60 + 240 + 268 + 105 + 100


def test_a_dose_in_mg_goes_by_the_body_surface():
    assert only(heart(dose=100, unit="mg", vitals=SURFACE)).quantize(Decimal("0.1")) == 60


@pytest.mark.parametrize(
    "treatment",
    [
        past("多柔比星"), past("多柔比星", 2, "支"), past("吡柔比星", 50), past("柔红霉素", 45), {"regimen": "AC", "age": "90 d"},
        {"regimen": "自拟方案", "age": "90 d"}, {"name": "外院化疗", "age": "90 d"}, past("XR-17 注射液", 60),
    ],
    ids=str,
)  # fmt: skip
def test_what_isnt_known_leaves_the_sum_open(treatment: dict[str, Any]):
    found = heart(treatment)
    assert found.possible == {Decimal(60), UNBOUNDED}
    assert found.missing
    assert any(row.counted is None for row in found.evidence)


@pytest.mark.parametrize(
    "treatment",
    [
        past("多西他赛", 75), past("多柔比星", 60, status="not-done"), past("多柔比星", 60, status="planned"),
        past("多柔比星", 60, patient="another"), {"regimen": "FOLFOX", "age": "90 d"}, {"kind": "radiotherapy", "age": "90 d"},
    ],
    ids=str,
)  # fmt: skip
def test_what_isnt_an_anthracycline_given_doesnt_count(treatment: dict[str, Any]):
    assert only(heart(treatment)) == 60


def test_the_record_or_the_dose_not_supplied_leaves_it_open():
    assert heart(dose=None).possible == {Decimal(0), UNBOUNDED}
    found = worked_out("dose.anthracycline_total", {"order": ["多柔比星"], "treatments": None})
    assert found.possible == {Decimal(0), UNBOUNDED}


@pytest.mark.parametrize(("dose", "unit", "known"), [(30, "U", True), (30, "单位", True), (15000, "IU", False), (1.5, "万单位", False), (15, "mg", False)])  # fmt: skip
def test_bleomycin_counts_in_units_only(dose: float, unit: str, known: bool):
    order = {"drugs": [{"name": "博来霉素", "dose": dose, "unit": unit}]}
    found = worked_out("dose.bleomycin_total", {"order": order})
    assert found.possible == ({Decimal(30)} if known else {Decimal(0), UNBOUNDED})


# -- change of dose, maximum -----------------------------------------------------------------------------


def test_the_greatest_change_of_dose_counts():
    order = {
        "drugs": [
            {"name": "多西他赛", "dose": 90, "unit": "mg"},
            {"name": "环磷酰胺", "dose": 1.2, "unit": "g"},
        ]
    }
    before = {"drugs": [{"name": "多西他赛", "dose": 100, "unit": "mg"}, {"name": "环磷酰胺", "dose": 1000, "unit": "mg"}], "age": "21 d"}  # fmt: skip
    found = worked_out("order.dose_change", {"order": order, "treatments": [before]})
    assert only(found) == 20
    assert {t.en for t in found.holding} == {
        "多西他赛 100 → 90 mg (-10%)",
        "环磷酰胺 1000 → 1200 mg (+20%)",
    }


def test_without_an_earlier_dose_nothing_has_changed():
    order = {"drugs": [{"name": "多西他赛", "dose": 90, "unit": "mg"}]}
    assert only(worked_out("order.dose_change", {"order": order, "treatments": [past("多柔比星", 60)]})) == 0


def test_an_earlier_regimen_without_its_doses_leaves_the_change_open():
    order = {"drugs": [{"name": "多柔比星", "dose": 90, "unit": "mg"}]}
    found = worked_out(
        "order.dose_change", {"order": order, "treatments": [{"regimen": "AC", "age": "21 d"}]}
    )
    assert found.possible == {Decimal(0), UNBOUNDED}


def test_an_earlier_dose_without_a_time_may_be_the_last():
    order = {"drugs": [{"name": "多西他赛", "dose": 80, "unit": "mg"}]}
    undated = {"drugs": past("多西他赛", 80)["drugs"], "effective": None}
    found = worked_out("order.dose_change", {"order": order, "treatments": [past("多西他赛", 100), undated]})
    assert UNBOUNDED in found.possible


def test_one_dose_unknown_leaves_the_greater_open():
    order = {"drugs": [{"name": "多西他赛", "dose": 90, "unit": "mg"}, {"name": "环磷酰胺"}]}
    before = {"drugs": [{"name": "多西他赛", "dose": 100, "unit": "mg"}, {"name": "环磷酰胺", "dose": 1, "unit": "g"}], "age": "21 d"}  # fmt: skip
    found = worked_out("order.dose_change", {"order": order, "treatments": [before]})
    assert found.possible == {Decimal(10), UNBOUNDED}


@pytest.mark.parametrize(
    ("dose", "unit", "truth"), [(2, "mg", False), (2.01, "mg", True), (2000, "ug", False), (2, "支", None)]
)
def test_vincristine_has_a_maximum(dose: float, unit: str, truth: bool | None):
    order = {"drugs": [{"name": "长春新碱", "dose": dose, "unit": unit}]}
    assert worked_out("order.over_maximum_dose", {"order": order}).truth is truth


# -- heart, weight, surface -----------------------------------------------------------------------------

HER2 = {"order": ["曲妥珠单抗"], "treatments": [past("曲妥珠单抗", age="80 d")]}
WINDOW = {"window": parameter(3, "mo")}


def lvef(*values: tuple[float, str]) -> list[dict[str, Any]]:
    return [{"fact": "lab.lvef", "value": value, "age": age} for value, age in values]


@pytest.mark.parametrize(
    ("measured", "possible"),
    [
        (lvef((62, "90 d"), (49, "5 d")), {Decimal(13)}),
        (lvef((70, "300 d"), (62, "90 d"), (49, "5 d")), {Decimal(13)}),  # the last before the first dose
        (lvef((62, "90 d"), (55, "40 d"), (64, "5 d")), {Decimal(-2)}),
        (lvef((55, "40 d"), (49, "5 d")), set()),  # no baseline
        (lvef((62, "120 d")), {Decimal(0)}),  # nothing lately
        ([], {Decimal(0)}),
    ],
)
def test_the_drop_of_lvef(measured: list[dict[str, Any]], possible: set[Decimal]):
    assert worked_out("heart.lvef_drop", {**HER2, "labs": measured}, **WINDOW).possible == possible


def test_before_the_first_dose_nothing_has_dropped_and_without_the_record_it_isnt_known():
    assert (
        only(worked_out("heart.lvef_drop", {**HER2, "treatments": [], "labs": lvef((45, "5 d"))}, **WINDOW))
        == 0
    )
    assert not worked_out("heart.lvef_drop", {**HER2, "labs": None}, **WINDOW).possible
    assert not worked_out(
        "heart.lvef_drop", {**HER2, "treatments": None, "labs": lvef((45, "5 d"))}, **WINDOW
    ).possible


def test_the_change_of_weight_is_against_one_taken_well_before():
    options = {"window": parameter(21, "d"), "apart": parameter(7, "d")}

    def weights(*pairs: tuple[int, str]) -> dict[str, Any]:
        return {"vitals": [{"fact": "vital.weight", "value": f"{kg} kg", "age": age} for kg, age in pairs]}

    assert only(worked_out("patient.weight_change", weights((66, "10 d"), (60, "30 d")), **options)) == 10
    assert (
        only(worked_out("patient.weight_change", weights((54, "1 d"), (66, "3 d"), (60, "30 d")), **options))
        == 10
    )
    assert only(worked_out("patient.weight_change", weights((66, "1 d")), **options)) == 0
    assert not worked_out("patient.weight_change", {"vitals": None}, **options).possible


def test_the_deviation_of_the_body_surface():
    vitals = [*SURFACE, {"fact": "vital.bsa", "value": "2 m2"}]
    window = {"weight_window": parameter(30, "d")}
    # (2 − 1.6667) / 1.6667
    assert only(worked_out("patient.bsa_deviation", {"vitals": vitals}, **window)) == Decimal("20.00")
    assert only(worked_out("patient.bsa_deviation", {"vitals": SURFACE}, **window)) == 0
