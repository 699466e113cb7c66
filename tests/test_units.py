from __future__ import annotations

from decimal import Decimal, getcontext, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncogate.clinical.units import MEASURES, canonical_unit, factor, help_for, to_canonical

# The table of spellings met in real messages, row by row.
ONE = r"""
10*9/L|10^9/L|x10*9/L|10\S\9/L|giga.l-1|10*3/uL|x10E3/uL|10E3/uL|1E03/mm3|Thousand/uL
10~9/L|10`9/L|E+9/L|10E9/L|*10^9/L|×10⁹/L|x10 9/L|x10^9/L|10^9个/L|G/L|Gpt/L|K/uL|K/mcL|千/μL
10^3/mm3|thou/cumm
"""
THOUSANDTH = "/uL|{cells}/uL|cells/uL|/mm3|cells/mm3|/cumm|cells/cumm|/cmm"
ROWS = [
    *((spelling, Decimal(1)) for line in ONE.strip().splitlines() for spelling in line.split("|")),
    *((spelling, Decimal("0.001")) for spelling in THOUSANDTH.split("|")),
    ("lakh/cumm", Decimal(100)),
]
SPELLINGS = [
    (name, spelling, by)
    for name, measure in MEASURES.items()
    for spelling, by in [*measure.spellings.items(), *measure.cased.items()]
]
values = st.decimals(min_value=0, max_value=1_000_000, places=3)


@pytest.mark.parametrize(("spelling", "by"), ROWS)
def test_every_row_of_the_table_is_read(spelling: str, by: Decimal) -> None:
    assert factor("cell-count", spelling) == by
    there = to_canonical("cell-count", Decimal("1.5"), spelling)
    assert there == Decimal("1.5") * by
    assert there / by == Decimal("1.5")


@pytest.mark.parametrize(("measure", "spelling", "by"), SPELLINGS)
def test_every_spelling_of_the_module_is_read(measure: str, spelling: str, by: Decimal) -> None:
    assert factor(measure, spelling) == by


@pytest.mark.parametrize(
    "unit",
    "10⁹/L|X10⁹/L|× 10^9 / L|１０＾９／Ｌ|10*9/l|10·9/L|10^3/µL|10^3/μL|10³/µL|10³/mm³|K/UL|k/uL|K/µL"
    "|THOUSAND/UL|10×9/L|*10*9/L|G/l|10ˆ9/L|x10⁹个/L".split("|"),
)
def test_variants_of_a_thousand_per_microlitre(unit: str) -> None:
    assert factor("cell-count", unit) == 1


@pytest.mark.parametrize("unit", ["/UL", "/µL", "/μL", "/㎕", "/mm³", "Cells/uL", " /uL ", "/mcL"])
def test_variants_of_one_per_microlitre(unit: str) -> None:
    assert factor("cell-count", unit) == Decimal("0.001")


@pytest.mark.parametrize(
    "unit",
    "| |%|％|x109/L|109/L|×109/L|10?/L|10₉/L|10 9/L|10/L|1/L|g/L|10*12/L|10^6/L|10*6/uL|10*9|10*9/mL|10*99/L"
    "|10*3/L|10*9/uL|10*39/L|10.9/L|K|k/L|M/uL|gpt/L|10*9/L/L|2*10*9/L|mmol/L|10^⁹/L|¹⁰⁹/L|E/L".split("|"),
)
def test_what_is_not_in_the_table_is_not_guessed(unit: str) -> None:
    assert factor("cell-count", unit) is None
    assert to_canonical("cell-count", Decimal(3), unit) is None


@pytest.mark.parametrize(
    ("measure", "value", "unit", "expected"),
    [
        ("haemoglobin", "9.5", "g/dL", "95"),
        ("haemoglobin", "95", "g/L", "95"),
        ("haemoglobin", "9.5", "G/DL", "95"),
        ("creatinine", "1", "mg/dL", "88.42"),
        ("creatinine", "88", "UMOLL", "88"),
        ("creatinine", "88", "μmol/L", "88"),
        ("creatinine", "88", "µmol/L", "88"),
        ("bilirubin", "2", "mg/dl", "34.2"),
        ("bilirubin", "20", "umol/l", "20"),
        ("percent", "69.2", "％", "69.2"),
        ("temperature", "38.3", "℃", "38.3"),
        ("temperature", "38.3", "°C", "38.3"),
        ("temperature", "38.3", "ºC", "38.3"),
        ("temperature", "38.3", "Cel", "38.3"),
        ("mass", "65000", "g", "65"),
        ("mass", "65", "KG", "65"),
        ("length", "1.7", "m", "170"),
        ("area", "1.73", "m²", "1.73"),
        ("area", "1.73", "㎡", "1.73"),
        ("enzyme", "40", "IU/L", "40"),
        ("enzyme", "40", "u/l", "40"),
        ("clearance", "60", "ml/min", "60"),
        ("clearance", "60", "毫升/分钟", "60"),
        ("albumin", "3.5", "g/dL", "35"),
        ("albumin", "35", "g/l", "35"),
        ("glucose", "5.6", "mmol/L", "5.6"),
        ("glucose", "100", "mg/dL", "5.54939"),
        ("potassium", "4.1", "mEq/L", "4.1"),
        ("potassium", "4.1", "MMOL/L", "4.1"),
        ("international-units", "2000", "IU/mL", "2000"),
        ("international-units", "2000", "[iU]/mL", "2000"),
        ("international-units", "50", "mIU/mL", "0.05"),
        ("milli-international-units", "10", "mIU/ml", "10"),
        ("milli-international-units", "10", "IU/L", "10"),
        ("milli-international-units", "1.2", "IU/mL", "1200"),
        ("thyrotropin", "2.5", "μIU/mL", "2.5"),
        ("thyrotropin", "2.5", "mIU/L", "2.5"),
        ("thyrotropin", "2.5", "uU/ml", "2.5"),
        ("free-thyroxine", "1.2", "ng/dL", "15.444"),
        ("free-thyroxine", "12", "pg/mL", "15.444"),
        ("cortisol", "10", "μg/dL", "275.9"),
        ("cortisol", "100", "ng/mL", "275.9"),
        ("blood-pressure", "120", "mmHg", "120"),
        ("blood-pressure", "120", "mm Hg", "120"),
        ("blood-pressure", "120", "毫米汞柱", "120"),
        ("blood-pressure", "16", "kPa", "120.00992"),
        ("interval", "430", "ms", "430"),
        ("interval", "0.43", "s", "430"),
        ("interval", "430", "毫秒", "430"),
        ("ph", "7.5", "[pH]", "7.5"),
        ("ph", "7.5", "", "7.5"),
        ("score", "1", "{score}", "1"),
        ("score", "1", "", "1"),
        ("score", "1", "分", "1"),
    ],
)
def test_other_measures(measure: str, value: str, unit: str, expected: str) -> None:
    assert to_canonical(measure, Decimal(value), unit) == Decimal(expected)


@pytest.mark.parametrize(
    ("measure", "unit"),
    [
        ("clearance", "mL/min/1.73m2"),
        ("clearance", "mL/min/{1.73_m2}"),
        ("temperature", "[degF]"),
        ("temperature", "C"),
        ("haemoglobin", "mmol/L"),
        ("creatinine", "mmol/L"),
        ("percent", "1"),
        ("percent", ""),
        ("mass", "[lb_av]"),
        ("mass", "斤"),
        ("international-units", "copies/mL"),
        ("international-units", "拷贝/mL"),
        ("international-units", "log IU/mL"),
        ("international-units", ""),
        ("thyrotropin", "IU/L"),
        ("potassium", "mg/dL"),
        ("blood-pressure", ""),
        ("blood-pressure", "cmH2O"),
        ("interval", ""),
        ("interval", "min"),
        ("score", "%"),
        ("albumin", "%"),
    ],
)
def test_units_that_would_need_a_guess_or_an_offset(measure: str, unit: str) -> None:
    assert factor(measure, unit) is None


@given(st.sampled_from(SPELLINGS), values)
def test_there_and_back(row: tuple[str, str, Decimal], value: Decimal) -> None:
    measure, spelling, by = row
    there = to_canonical(measure, value, spelling)
    assert there is not None
    with localcontext() as context:
        context.prec = 60
        assert there / by == value


@given(st.sampled_from(sorted(MEASURES)), values, st.data())
def test_the_same_quantity_in_another_unit_is_the_same_value(
    measure: str, canonical: Decimal, data: st.DataObject
) -> None:
    _, spelling, by = data.draw(st.sampled_from([row for row in SPELLINGS if row[0] == measure]))
    with localcontext() as context:
        context.prec = 60
        written = canonical / by
    got = to_canonical(measure, written, spelling)
    assert got is not None
    assert abs(got - canonical) < Decimal("1E-40")


@given(st.sampled_from(sorted(MEASURES)), st.text() | st.text(alphabet="x10*^39 /uLlgGmk%⁹³×·个?"))
def test_any_text_is_read_or_refused_with_help(measure: str, unit: str) -> None:
    by = factor(measure, unit)
    assert by is None or by > 0
    text = help_for(measure, unit)
    assert canonical_unit(measure) in text.zh
    assert canonical_unit(measure) in text.en


def test_the_canonical_unit_is_itself_readable() -> None:
    assert {name: factor(name, canonical_unit(name)) for name in MEASURES} == dict.fromkeys(MEASURES, 1)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "9E+999999"])
def test_no_number_gives_nothing(value: str) -> None:
    assert to_canonical("creatinine", Decimal(value), "mg/dL") is None


def test_the_callers_decimal_context_does_not_matter() -> None:
    with localcontext() as context:
        context.prec = 2
        assert getcontext().prec == 2
        assert to_canonical("creatinine", Decimal("1.23"), "mg/dL") == Decimal("108.7566")


def test_an_unknown_measure_is_a_mistake_of_the_caller() -> None:
    for call in (canonical_unit, lambda name: factor(name, "%"), lambda name: help_for(name, "%")):
        with pytest.raises(KeyError):
            call("colour")


@pytest.mark.parametrize(
    ("measure", "unit", "zh", "en"),
    [
        ("cell-count", "x109/L", "丢失了上标", "lost its superscript"),
        ("cell-count", "109/L", "丢失了上标", "lost its superscript"),
        ("cell-count", "10?/L", "丢失了上标", "lost its superscript"),
        ("cell-count", "10\ufffd/L", "丢失了上标", "lost its superscript"),
        ("cell-count", "  ", "没有写单位", "has no unit"),
        ("cell-count", "％", "百分比", "share of the cells"),
        ("cell-count", "g/L", "克每升", "grams per litre"),
        ("cell-count", "个", "不在细胞计数的单位表中", "not in the table for cell count"),
        ("creatinine", "109/L", "不在肌酐的单位表中", "not in the table for creatinine"),
        ("creatinine", "mg/dL", "可以识别", "is readable"),
        ("mass", "\ud800" * 60, "…", "…"),
    ],
)
def test_help_says_what_is_wrong(measure: str, unit: str, zh: str, en: str) -> None:
    text = help_for(measure, unit)
    assert zh in text.zh
    assert en in text.en


def test_ucumvert_agrees_on_valid_ucum() -> None:
    """An oracle, not a dependency; it reads `K/uL` as kelvin and `G/L` as gauss, so those are left out."""
    ucumvert = pytest.importorskip("ucumvert")
    registry = ucumvert.PintUcumRegistry()
    pairs = [
        ("cell-count", "10*9/L"),
        ("cell-count", "10*3/uL"),
        ("cell-count", "/uL"),
        ("haemoglobin", "g/dL"),
        ("mass", "g"),
        ("length", "m"),
        ("albumin", "g/dL"),
        ("blood-pressure", "kPa"),
        ("interval", "s"),
    ]
    for measure, unit in pairs:
        ratio = registry.from_ucum(unit).to(registry.from_ucum(canonical_unit(measure)).units)
        base = registry.from_ucum(canonical_unit(measure))
        assert float(ratio / base) == pytest.approx(float(factor(measure, unit) or 0))
