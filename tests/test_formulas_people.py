"""The formulas about people and what stands beside the order: allergies, genes, verifiers, other orders. Cases by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import shipped_library

from oncogate.authoring.examples import request_of
from oncogate.base.logic import Truth
from oncogate.clinical.allergy_text import names_no_drug, words_of
from oncogate.engine.case import Case
from oncogate.engine.conditions import derive
from oncogate.engine.derived import Derived
from oncogate.engine.formulas.allergy import UNSAID
from oncogate.model.parameter import Parameter

LIBRARY = shipped_library("safety")
ENDLESS = Decimal("Infinity")
SIGNED = "2026-03-02T09:00:00+08:00"


def options(**values: Any) -> dict[str, Parameter]:
    """Parameters by name: a list, or a number of days, or `(number, unit)`."""
    made = {}
    for name, value in values.items():
        number, unit = value if isinstance(value, tuple) else (value, "d")
        plain = Decimal(number) if isinstance(number, int) else tuple(number)
        made[name] = Parameter(value=plain, unit=unit, source="test")
    return made


def found(fact: str, with_: dict[str, Parameter] | None = None, /, **given: Any) -> Derived:
    return derive(Case.of(request_of(given, LIBRARY), LIBRARY), fact, with_ or {})


# -- allergies -----------------------------------------------------------------------------------------


def allergy(text: str, drugs: list[str], fact: str = "allergy.to_drug", **entry: Any) -> Truth:
    with_ = options(groups=["platinum", "taxane"]) if fact == "allergy.to_class" else None
    given = {"tumour": "lung", "order": drugs, "allergies": [{"kind": "drug", "text": text, **entry}]}
    return found(fact, with_, **given).truth


@pytest.mark.parametrize(
    "text",
    [
        "紫杉醇", "紫杉醇过敏", "紫杉醇过敏史", "对紫杉醇过敏", "患者对紫杉醇过敏", "紫杉醇（过敏性休克）", "紫杉醇致过敏性休克", "输注紫杉醇后出现皮疹",
        "否认青霉素过敏，对紫杉醇过敏", "青霉素、紫杉醇过敏", "紫杉醇和青霉素过敏", "过敏药物：紫杉醇", "紫杉醇 皮疹", "紫杉醇注射液过敏反应", "抗肿瘤药（紫杉醇）过敏",
        "Taxol", "paclitaxel", "Allergy to paclitaxel", "hypersensitivity to paclitaxel", "paclitaxel allergy", "Paclitaxel (rash)",
        "severe infusion reaction to paclitaxel", "紫杉醇过敏，青霉素皮试阴性", "紫杉醇过敏、青霉素皮试（-）", "紫杉醇过敏 青霉素(-)",
        "paclitaxel-induced anaphylaxis", "penicillin; paclitaxel",
    ],
)  # fmt: skip
def test_an_allergy_is_read_however_it_is_written(text: str) -> None:
    assert allergy(text, ["紫杉醇"]) is True
    assert allergy(text, ["卡铂"]) is False


@pytest.mark.parametrize(
    "text",
    [
        "否认紫杉醇过敏", "否认青霉素、紫杉醇过敏史", "无紫杉醇过敏史", "无", "紫杉醇：无", "过敏史：无", "No known drug allergies", "NKDA", "not allergic to paclitaxel",
        "对多西他赛过敏；紫杉醇可耐受", "紫杉醇皮试阴性", "紫杉醇过敏（-）", "青霉素", "花粉", "海鲜过敏", "无水乙醇过敏", "白蛋白",
    ],
)  # fmt: skip
def test_what_was_denied_or_is_something_else_is_no_allergy_to_the_drug(text: str) -> None:
    assert allergy(text, ["紫杉醇"]) is False


@pytest.mark.parametrize(
    "text",
    [
        "不详", "过敏史不详", "过敏史：不详", "有药物过敏史", "药物过敏史（具体不详）", "对多种药物过敏，具体药名不详", "否认食物过敏；药物过敏史不详", "过敏史：有",
        "对某化疗药物过敏，皮疹", "无法询问过敏史", "Unknown drug allergy", "drug allergy, unspecified", "Allergy to drug (finding)", "unknown", "not known",
        "allergic to several medications", "有", "是", "yes", "有药敏史", "过敏史：不祥", "未询问", "未评估", "患者昏迷，无法询问", "意识不清，过敏史未采集", "?", "？",
        "unable to assess", "unable to obtain", "UTA", "not assessed", "not on file", "allergy status unknown", "未知", "过敏", "有过敏史", "Unknown",
    ],
)  # fmt: skip
def test_an_allergy_whose_drug_is_not_said_is_unknown_and_told_once(text: str) -> None:
    told = found("allergy.to_drug", tumour="lung", order=["卡铂"], allergies=[{"kind": "drug", "text": text}])
    (row,) = told.evidence
    assert (told.truth, row.value, row.detail) == (None, text, UNSAID)
    assert allergy(text, ["卡铂"], "allergy.to_class") is False
    assert allergy(text, ["卡铂"], "allergy.to_excipient") is False
    assert allergy(text, ["地塞米松"]) is False  # no order against a tumour


@pytest.mark.parametrize(
    "text",
    [
        "否认药物过敏史", "无药物过敏史", "无药物、食物过敏史", "药物过敏史：无", "既往无药物过敏", "No known drug allergies", "NKA", "no drug allergies",
        "无过敏史", "无", "无。", "NKDA", "no known allergies", "no known drug or food allergies", "过敏史（-）", "药物过敏史：阴性", "目前无过敏史", "无明确药物过敏史", "-", "/", "N/A",
        "青霉素过敏，反应不详", "抗生素过敏，具体不详", "食物过敏，具体不详", "pollen allergy", "过敏体质", "海鲜过敏，有皮疹", "中药过敏",
    ],
)  # fmt: skip
def test_a_text_that_names_something_else_or_denies_leaves_nothing_open(text: str) -> None:
    assert allergy(text, ["卡铂"]) is False


def test_an_unsaid_allergy_to_food_and_a_code_that_says_none_are_no_drug_allergy() -> None:
    assert allergy("不详", ["卡铂"], kind="food") is False
    none = {"kind": "allergy", "codes": [{"system": "http://snomed.info/sct", "code": "716186003"}]}
    assert found("allergy.to_drug", tumour="lung", order=["卡铂"], allergies=[none]).truth is False
    local = {"kind": "allergy", "codes": [{"system": "http://hospital.example", "code": "716186003"}]}
    assert found("allergy.to_drug", tumour="lung", order=["卡铂"], allergies=[local]).truth is None


def test_another_product_of_the_substance_is_of_its_class_not_the_same_drug() -> None:
    assert allergy("紫杉醇过敏", ["白蛋白紫杉醇"]) is False
    assert allergy("紫杉醇过敏", ["白蛋白紫杉醇"], "allergy.to_class") is True
    assert allergy("注射用紫杉醇(白蛋白结合型)过敏", ["白蛋白紫杉醇"]) is True
    assert allergy("注射用紫杉醇(白蛋白结合型)过敏", ["紫杉醇"]) is False


@pytest.mark.parametrize(
    ("text", "drug", "truth"),
    [
        ("顺铂", "卡铂", True), ("铂类药物过敏", "奥沙利铂", True), ("platinum compounds", "顺铂", True), ("紫杉类过敏", "多西他赛", True),
        ("顺铂", "顺铂", False), ("顺铂", "多西他赛", False), ("多柔比星", "表柔比星", False),
    ],
)  # fmt: skip
def test_classes_of_drugs_that_cross_react(text: str, drug: str, truth: Truth) -> None:
    assert allergy(text, [drug], "allergy.to_class") is truth


@pytest.mark.parametrize(
    ("text", "drug", "truth"),
    [
        ("吐温80", "多西他赛", True), ("聚山梨酯-80过敏", "依托泊苷", True), ("Polysorbate 80", "多西他赛", True), ("吐温-80（聚山梨酯80）过敏", "多西他赛", True),
        ("Cremophor EL", "紫杉醇", True), ("聚氧乙烯蓖麻油过敏", "紫杉醇", True),
        ("吐温80", "紫杉醇", False), ("Cremophor EL", "白蛋白紫杉醇", False), ("蓖麻", "紫杉醇", False),
    ],
)  # fmt: skip
def test_excipients(text: str, drug: str, truth: Truth) -> None:
    assert allergy(text, [drug], "allergy.to_excipient") is truth


@pytest.mark.parametrize("status", ["refuted", "entered-in-error", "inactive", "resolved"])
def test_an_allergy_that_no_longer_stands(status: str) -> None:
    assert allergy("卡铂", ["卡铂"], status=status) is False


def test_allergies_without_a_date_stand_and_those_recorded_later_do_not() -> None:
    assert allergy("卡铂", ["卡铂"], effective=None, recorded=None) is True
    assert allergy("卡铂", ["卡铂"], recorded_in="1 h") is False
    assert allergy("卡铂", ["卡铂"], patient="someone else") is False


def test_an_unrecognised_drug_can_be_told_by_its_name_alone() -> None:
    order = {"drugs": [{"name": "XR-17"}], "kind": "chemotherapy"}
    same = [{"kind": "drug", "text": "XR-17过敏"}]
    assert (
        found("allergy.to_drug", order=order, allergies=same).truth is None
    )  # the order may treat no tumour
    assert (
        found("allergy.to_drug", order={"drugs": [{"name": "XR-17"}, {"name": "卡铂"}]}, allergies=same).truth
        is True
    )
    assert found("allergy.to_drug", order=order, allergies=[]).truth is False
    assert found("allergy.to_drug", order=order, allergies=[{"kind": "drug", "text": "卡铂"}]).truth is None


def test_allergies_that_the_record_may_hide() -> None:
    lost = {"section": "allergies", "problem": "unreadable"}
    assert found("allergy.to_drug", order=["卡铂"], allergies=None).truth is None
    assert found("allergy.to_drug", order=["卡铂"], unread=[lost]).truth is None
    assert (
        found(
            "allergy.to_drug", order=["卡铂"], unread=[lost], allergies=[{"kind": "drug", "text": "卡铂"}]
        ).truth
        is True
    )
    assert found("allergy.to_drug", order=["地塞米松"], allergies=None).truth is False


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_text_is_read_without_a_failure(text: str) -> None:
    assert all(words_of(text))
    open_ = not text.strip() or names_no_drug(text)  # a blank text doesn't name anything
    assert allergy(text, ["卡铂"]) in ((None,) if open_ else (True, False))


def test_a_long_text_of_general_words_is_read_at_once() -> None:
    assert names_no_drug("药物过敏史" * 5000)
    assert not names_no_drug("药物过敏史" * 5000 + "顺铂")


# -- genes ---------------------------------------------------------------------------------------------


def gene(fact: str, *results: Any, **given: Any) -> set[str | None]:
    name = {"gene.dpyd": "DPYD", "gene.ugt1a1": "UGT1A1"}[fact]
    entries = [{"markers": [name], **(r if isinstance(r, dict) else {"result": r})} for r in results]
    return set(found(fact, markers=entries, **given).possible)


@pytest.mark.parametrize(
    ("result", "level"),
    [
        ("*28/*28", "deficient"), ("UGT1A1*6/*28", "deficient"), ("*28/*6", "deficient"), ("UGT1A1 ＊6／＊6", "deficient"), ("*6/*6 纯合突变", "deficient"),
        ("*1/*28", "reduced"), ("杂合", "reduced"), ("*1/*1", "normal"), ("野生型", "normal"), ("Wild Type", "normal"), ("*1/*6；*1/*28", "reduced"),
    ],
)  # fmt: skip
def test_genotypes_of_ugt1a1(result: str, level: str) -> None:
    assert gene("gene.ugt1a1", result) == {level}


@pytest.mark.parametrize(
    "result", ["未检出 *6/*6", "*28/*99", "见附件", "检出变异", "", None, "不是纯合突变"]
)
def test_a_result_that_cannot_be_read_may_be_anything_but_untested(result: str | None) -> None:
    assert gene("gene.ugt1a1", result) == {"normal", "reduced", "deficient"}


def test_the_worst_of_several_results_counts_and_what_is_hidden_may_be_worse() -> None:
    assert gene("gene.dpyd", "野生型", "部分缺乏") == {"reduced"}
    assert gene("gene.dpyd", "野生型", "见附件") == {"normal", "reduced", "deficient"}
    assert gene("gene.dpyd", "完全缺乏", "见附件") == {"deficient"}
    lost = [{"section": "markers", "problem": "unreadable"}]
    assert gene("gene.dpyd", "完全缺乏", unread=lost) == {"deficient"}
    assert gene("gene.dpyd", "部分缺乏", unread=lost) == {"reduced", "deficient"}
    assert gene("gene.dpyd", unread=lost) == {None, "normal", "reduced", "deficient"}
    assert gene("gene.dpyd") == {None}
    assert gene("gene.dpyd", {"result": "完全缺乏", "status": "preliminary"}) == {None}


# -- people --------------------------------------------------------------------------------------------


def verifiers(*by: str | None, prescriber: str | None = "甲", **given: Any) -> set[Decimal]:
    order = {
        "drugs": [{"name": "卡铂"}],
        "ordered": SIGNED,
        **({"prescriber": prescriber} if prescriber else {}),
    }
    events = [{"kind": "order_verification", "age": "5 min", **({"by": name} if name else {})} for name in by]
    return set(found("order.verifiers", order=order, **{"events": events, **given}).possible)


def test_verifiers_are_counted_once_each_without_the_prescriber() -> None:
    assert verifiers() == {0}
    assert verifiers("甲") == {0}
    assert verifiers("乙", "丙", "乙", "甲") == {2}
    assert verifiers("ZHANG San", "zhang san") == {1}
    assert verifiers(None) == {0, 1}
    assert verifiers("乙", None) == {1, 2}
    assert verifiers("乙", prescriber=None) == {0, 1}
    assert verifiers(events=None) == {0, ENDLESS}


def test_a_check_before_the_signing_is_none() -> None:
    old = [
        {"kind": "order_verification", "by": "乙", "age": "31 min"},
        {"kind": "order_verification", "by": "丙", "age": "30 min"},
    ]
    assert verifiers(events=old) == {1}
    assert verifiers(events=[{"kind": "other", "by": "乙"}]) == {0}


@pytest.mark.parametrize(("minutes", "truth"), [(29, True), (30, True), (31, False)])
def test_an_order_is_signed_once_its_grace_is_over(minutes: int, truth: bool) -> None:
    order = {"drugs": [{"name": "卡铂"}], "ordered": SIGNED}
    assert found("order.signed", options(grace=(minutes, "min")), order=order).truth is truth
    assert found("order.signed", options(grace=(minutes, "min")), order=["卡铂"]).truth is False


def test_drugs_of_restricted_use() -> None:
    def restricted(listed: list[str], **drug: str) -> Truth:
        given = {"order": {"drugs": [{"name": "帕博利珠单抗", **drug}], "kind": "immunotherapy"}}
        return found("order.restricted", options(restricted=listed, marks=["限制使用级"]), **given).truth

    assert restricted([]) is False
    assert restricted([], role="限制使用级") is True
    assert restricted(["immunotherapy"]) is True
    assert restricted(["pembrolizumab"]) is True
    assert restricted(["nivolumab"]) is False
    assert restricted(["nivolumab"], name="XR-17") is None
    assert restricted([], name="XR-17") is False


# -- companions ----------------------------------------------------------------------------------------


def test_companions_are_sought_in_the_order_and_beside_it() -> None:
    due = options(classes=["nk1_antagonist", "five_ht3_antagonist", "dexamethasone"], given=2)
    both = found(
        "order.companions",
        due,
        order=["顺铂", "地塞米松"],
        orders=[{"drugs": [{"name": "昂丹司琼"}], "status": "active"}],
    )
    assert both.truth is False
    assert both.missing == ("companion.nk1_antagonist",)
    unknown = found("order.companions", due, order=["顺铂", "地塞米松"], orders=None)
    assert unknown.truth is None
    assert unknown.missing == ("companion.nk1_antagonist", "companion.five_ht3_antagonist")
    assert (
        found("order.companions", due, order=["顺铂", "地塞米松", "昂丹司琼", "阿瑞匹坦"], orders=None).truth
        is True
    )


@pytest.mark.parametrize(
    ("status", "age", "truth"),
    [
        ("completed", "2 d", True), ("completed", "3 d", False), ("active", "90 d", True), ("planned", "1 d", True), ("cancelled", "1 h", False),
        ("on-hold", "1 h", False), ("stopped", "1 h", False),
    ],
)  # fmt: skip
def test_what_was_given_counts_for_a_while_what_runs_always(status: str, age: str, truth: Truth) -> None:
    beside = [{"drugs": [{"name": "地塞米松"}], "status": status, "age": age}]
    assert (
        found(
            "order.companions", options(classes=["dexamethasone"], given=2), order=["多西他赛"], orders=beside
        ).truth
        is truth
    )


# -- what stands beside the order ----------------------------------------------------------------------


def repeats(other: dict[str, Any], days: int = 0, **given: Any) -> Truth:
    order = {"drugs": [{"name": "多西他赛"}], "planned": "2026-03-05"}
    entry = {"drugs": [{"name": "多西紫杉醇"}], "status": "active", **other}
    return found(
        "order.repeats_drug", options(days=days), **{"order": order, "orders": [entry], **given}
    ).truth


def test_the_same_drug_on_the_same_day() -> None:
    assert repeats({"planned": "2026-03-05"}) is True
    assert repeats({"planned": "2026-03-05T08:00:00+08:00"}) is True
    assert repeats({"planned": "2026-03-04T23:00:00Z"}) is True  # the 5th in the hospital's zone
    assert repeats({"planned": "2026-03-06"}) is False
    assert repeats({"planned": "2026-03-06"}, days=1) is True
    assert repeats({"planned": "2026-03-07"}, days=1) is False
    assert repeats({"planned": "2026-03-05", "status": "completed"}) is False
    assert repeats({"planned": "2026-03-05", "id": "order"}) is False
    assert repeats({"planned": "2026-03-05", "drugs": [{"name": "院内制剂 3 号"}]}) is False
    assert repeats({}, orders=None) is None
    assert repeats({"effective": None, "recorded": None}) is None
    assert repeats({"effective": None, "recorded": None, "drugs": [{"name": "卡铂"}]}) is False


def test_an_order_whose_drug_is_not_recognised_may_repeat_another() -> None:
    order = {"drugs": [{"name": "XR-17"}], "kind": "chemotherapy", "planned": "2026-03-05"}
    assert repeats({"planned": "2026-03-05"}, order=order) is None
    assert repeats({"planned": "2026-03-06"}, order=order) is False
    assert (
        repeats({"planned": "2026-03-05", "drugs": [{"name": "XR-17"}]}, order=order) is None
    )  # against a tumour?
    assert repeats({"planned": "2026-03-05", "drugs": [{"name": "地塞米松"}]}, order=order) is False


def near(given_: dict[str, Any], **more: Any) -> Truth:
    with_ = options(drugs=["sorivudine_type"], window=(4, "wk"))
    return found("order.drug_on_record", with_, **{"order": ["卡培他滨"], **given_, **more}).truth


def test_a_drug_is_near_while_it_is_given_and_for_the_window_after() -> None:
    drug = [{"name": "溴夫定"}]
    assert near({"treatments": [{"drugs": drug, "age": "28 d"}]}) is True
    assert near({"treatments": [{"drugs": drug, "age": "29 d"}]}) is False
    assert near({"orders": [{"drugs": drug, "status": "active", "age": "90 d"}]}) is True
    assert near({"orders": [{"drugs": drug, "status": "cancelled"}]}) is False
    assert near({"order": ["卡培他滨", "溴夫定"]}, orders=None) is True
    assert near({"orders": [{"drugs": [{"name": "院内制剂 3 号"}], "status": "active"}]}) is False
    assert near({"orders": None}) is None
    assert near({}) is False


def overlaps(order: dict[str, Any], **treatment: Any) -> Truth:
    entry = {
        "drugs": [{"name": "奥沙利铂"}, {"name": "卡培他滨"}],
        "regimen": "CAPOX",
        "status": "in-progress",
        "age": "10 d",
        **treatment,
    }
    return found("order.overlaps_regimen", options(window=28), order=order, treatments=[entry]).truth


def test_another_regimen_under_way() -> None:
    folfiri = {"drugs": [{"name": "伊立替康"}, {"name": "氟尿嘧啶"}], "regimen": "FOLFIRI"}
    assert overlaps(folfiri) is True
    assert overlaps(folfiri, status="completed") is False
    assert overlaps(folfiri, regimen=None) is False
    assert overlaps(folfiri, age="29 d") is False
    assert overlaps({**folfiri, "regimen": None}) is None
    assert overlaps({"drugs": [{"name": "卡培他滨"}]}) is False  # a part of it
    assert overlaps({"drugs": [{"name": "奥沙利铂"}, {"name": "卡培他滨"}], "regimen": "XELOX"}) is False
    assert overlaps({"drugs": [{"name": "昂丹司琼"}], "regimen": None}) is False


def intrathecal(drugs: list[dict[str, str]], **given: Any) -> Truth:
    with_ = options(
        drugs=["vinca"],
        intrathecal_drugs=["methotrexate", "cytarabine"],
        routes=["鞘内注射", "IT"],
        swallowed=["片"],
    )
    return found("order.meets_intrathecal", with_, **{"order": {"drugs": drugs}, **given}).truth


def test_a_route_that_is_not_stated_matters_where_a_vinca_alkaloid_is_or_may_be() -> None:
    unsaid, tablet = {"name": "甲氨蝶呤"}, {"name": "甲氨蝶呤片"}
    vincristine = {"name": "长春新碱", "route": "静脉滴注"}
    assert intrathecal([unsaid]) is False
    assert intrathecal([unsaid], treatments=None) is None
    assert intrathecal([unsaid], orders=None) is None
    assert intrathecal([unsaid], unread=[{"section": "treatments", "problem": "a page is missing"}]) is None
    assert intrathecal([unsaid], treatments=[{"drugs": [vincristine], "age": "2 h"}]) is None
    assert intrathecal([unsaid], treatments=[{"drugs": [{"name": "环磷酰胺"}], "age": "2 h"}]) is False
    assert intrathecal([tablet], treatments=None, orders=None) is False
    assert intrathecal([tablet, vincristine]) is False
    assert intrathecal([{**tablet, "route": "IT"}, vincristine]) is True  # what is stated counts
    for route in ("口服", "肌注", "皮下注射"):
        assert intrathecal([{**unsaid, "route": route}], treatments=None, orders=None) is False


def test_a_drug_that_is_not_recognised_may_be_either_of_the_two() -> None:
    vincristine, new = {"name": "长春新碱", "route": "静脉滴注"}, {"name": "XR-17"}
    marked: dict[str, Any] = {"kind": "chemotherapy"}

    def meets(*drugs: dict[str, str], **given: Any) -> Truth:
        return intrathecal([], **{"order": {"drugs": list(drugs), **marked}, **given})

    assert meets(vincristine, new) is None
    assert meets(vincristine, {**new, "route": "静脉滴注"}) is False
    assert meets(new, {"name": "甲氨蝶呤", "route": "IT"}) is None
    assert meets(new) is False  # alone it meets nothing
    assert meets() is None
    assert meets(new, treatments=None) is None
    assert meets(new, treatments=[{"drugs": [vincristine], "age": "2 h"}]) is None
    assert intrathecal([vincristine, new]) is False  # not marked: the core rule on unrecognised drugs speaks


def test_a_vinca_alkaloid_and_an_intrathecal_injection_on_one_day() -> None:
    vincristine = {"name": "长春新碱", "route": "静脉滴注"}
    spinal, unsaid = {"name": "甲氨蝶呤", "route": "鞘内注射"}, {"name": "甲氨蝶呤"}
    assert intrathecal([vincristine, spinal]) is True
    assert intrathecal([vincristine, {"name": "地塞米松", "route": "it"}]) is True
    assert intrathecal([vincristine, unsaid]) is None
    assert intrathecal([vincristine, {"name": "环磷酰胺"}]) is False
    assert intrathecal([vincristine]) is False
    today, later = "2026-03-02", "2026-03-03"
    assert (
        intrathecal([vincristine], orders=[{"drugs": [spinal], "status": "planned", "planned": today}])
        is True
    )
    assert (
        intrathecal([vincristine], orders=[{"drugs": [spinal], "status": "planned", "planned": later}])
        is False
    )
    assert (
        intrathecal([vincristine], orders=[{"drugs": [spinal], "status": "cancelled", "planned": today}])
        is False
    )
    assert intrathecal([spinal], treatments=[{"drugs": [vincristine], "age": "2 h"}]) is True
    assert intrathecal([spinal], treatments=[{"drugs": [vincristine], "age": "1 d"}]) is False
    undated = {"drugs": [spinal], "effective": None, "recorded": None}
    assert intrathecal([vincristine], treatments=[undated]) is None
    assert intrathecal([vincristine], treatments=None) is None
    assert intrathecal([{"name": "环磷酰胺"}], orders=None, treatments=None) is False
