"""The seventeen tumours: how each is staged, what is no stage of it, and when its work-up is complete.

Written by hand from the collected clinical facts (staging and work-up per tumour, valid notation), not
from the table that is tested. Where those are silent the expected values are general knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from loaded import shipped_library

from oncogate.authoring.examples import judge_alone, request_of
from oncogate.clinical.stage_values import check_categories
from oncogate.clinical.stages import Stage, fits, read_stage
from oncogate.model.decision import Finding

LIBRARY = shipped_library()
RULES = {loaded.rule.id: loaded.rule for loaded in LIBRARY.rules}
IN_2026 = date(2026, 3, 2)


@dataclass(frozen=True)
class Row:
    """What the facts say of one tumour.

    `stages`: a stage of each of its systems; `outside`: a stage with a category that it doesn't have, and which.
    `exams` complete the work-up; without `dropped`, any one exam of `missing` is lacking, called `name`.
    """

    stages: dict[str, str]
    wrong_system: str
    exams: tuple[str, ...]
    dropped: str
    missing: tuple[str, ...]
    name: str
    outside: tuple[str, str] = ("", "")


ROWS = {
    "lung": Row(
        {"tnm": "cT2aN2bM0 ⅢB期", "valg": "局限期"}, "Ann Arbor Ⅱ期",
        ("CT_chest", "MRI_brain", "US_abdomen", "bone_scan"), "CT_chest", ("CT_chest",), "胸部CT", ("cT1b3N0M0", "T1b3"),
    ),
    "breast": Row(
        {"tnm": "cT2N3cM0"}, "FIGO ⅡB期",
        ("US_breast", "CT_chest", "US_abdomen"), "CT_chest", ("CT_chest", "PET_CT"), "胸部CT或PET-CT", ("cT4eN0M0", "T4e"),
    ),
    "liver": Row(
        {"cnlc": "CNLC Ⅱb期", "bclc": "BCLC B期", "tnm": "cT2N0M0"}, "FIGO ⅡB期",
        ("MRI_liver", "CT_chest", "AFP", "child_pugh", "ECOG"), "AFP", ("AFP",), "甲胎蛋白", ("cT2N2M0", "N2"),
    ),
    "stomach": Row(
        {"tnm": "cT4aN2M0"}, "CNLC Ⅱb期",
        ("EGD", "biopsy", "CECT_chest", "CECT_abdomen", "CECT_pelvis"), "CECT_pelvis", ("CECT_pelvis",), "盆腔增强CT",
        ("cT1b3N0M0", "T1b3"),
    ),
    "oesophagus": Row(
        {"tnm": "cT3N1M0"}, "BCLC B期",
        ("EGD", "biopsy", "CECT_neck", "CECT_chest", "CECT_abdomen"), "EGD", ("EGD",), "胃镜", ("cT3N3bM0", "N3b"),
    ),
    "colorectal": Row(
        {"tnm": "cT3N2bM0"}, "Ann Arbor Ⅲ期",
        ("colonoscopy", "CECT_chest", "CECT_abdomen", "CECT_pelvis"), "colonoscopy", ("colonoscopy",), "结肠镜",
        ("cT3N3M0", "N3"),
    ),
    "cervix": Row(
        {"figo": "FIGO ⅢC1r期", "tnm": "cT1b3N0M0"}, "CNLC Ⅰa期",
        ("gynaecological_exam", "MRI_pelvis", "PET_CT"), "MRI_pelvis", ("MRI_pelvis",), "盆腔MRI", ("cTaN0M0", "Ta"),
    ),
    "ovary": Row(
        {"figo": "FIGO ⅢC期", "tnm": "cT3cN1M0"}, "Ann Arbor Ⅲ期",
        ("CECT_chest", "CECT_abdomen", "CECT_pelvis", "CA125"), "CA125", ("CA125",), "糖类抗原125", ("cT4N0M0", "T4"),
    ),
    "kidney": Row(
        {"tnm": "cT3aN0M0"}, "FIGO Ⅲ期",
        ("CECT_abdomen", "CT_chest"), "CECT_abdomen", ("CECT_abdomen",), "腹部增强CT", ("cT3aN2M0", "N2"),
    ),
    "prostate": Row(
        {"tnm": "cT2cN0M1b"}, "Rai Ⅱ期",
        ("MRI_pelvis", "bone_scan", "PSA", "biopsy"), "bone_scan", ("bone_scan", "PSMA_PET"), "骨显像或PSMA PET",
        ("cTisN0M0", "Tis"),
    ),
    "pancreas": Row(
        {"tnm": "cT2N1M0"}, "BCLC C期",
        ("CECT_abdomen", "CT_chest"), "CT_chest", ("CT_chest",), "胸部CT", ("cT4bN1M0", "T4b"),
    ),
    "lymphoma": Row(
        {"lugano": "Ann Arbor ⅢB期"}, "cT2N1M0",
        ("CECT_neck", "CECT_chest", "CECT_abdomen", "CECT_pelvis"), "CECT_neck", ("PET_CT", "CECT_neck"),
        "PET-CT或颈部增强CT",
    ),
    "melanoma": Row(
        {"tnm": "cT3bN1aM0"}, "FIGO ⅢC期",
        ("US_nodes", "CT_chest", "CT_abdomen"), "US_nodes", ("US_nodes",), "淋巴结超声", ("cT4eN0M0", "T4e"),
    ),
    "thyroid": Row(
        {"tnm": "cT1bN1aM0"}, "FIGO Ⅰ期",
        ("US_neck", "FNA", "laryngoscopy"), "laryngoscopy", ("laryngoscopy",), "喉镜", ("cT2N2M0", "N2"),
    ),
    "bladder": Row(
        {"tnm": "cTaN0M0"}, "FIGO Ⅱ期",
        ("cystoscopy", "biopsy", "CTU", "CT_chest"), "CTU", ("CTU", "MRI_pelvis"), "CT尿路造影或盆腔MRI",
        ("cT1b3N0M0", "T1b3"),
    ),
    "nasopharynx": Row(
        {"tnm": "cT3N2M0"}, "Ann Arbor Ⅱ期",
        ("MRI_nasopharynx", "MRI_neck", "CT_chest", "US_abdomen", "bone_scan", "EBV_DNA"), "EBV_DNA", ("EBV_DNA",),
        "EB病毒DNA", ("cT2aN1M0", "T2a"),
    ),
    "larynx": Row(
        {"tnm": "cT3N2cM0"}, "CNLC Ⅱb期",
        ("laryngoscopy", "biopsy", "MRI_neck", "CT_chest"), "MRI_neck", ("CECT_neck", "MRI_neck"), "颈部增强CT或颈部MRI",
        ("cTaN0M0", "Ta"),
    ),
}  # fmt: skip

each_tumour = pytest.mark.parametrize(("tumour", "row"), ROWS.items(), ids=ROWS)


def judged(rule: str, tumour: str, **given: Any) -> Finding:
    request = request_of({"tumour": tumour, "order": ["顺铂"], **given}, LIBRARY)
    return judge_alone(RULES[rule], request, LIBRARY)


def read(text: str, tumour: str) -> Stage:
    stage = read_stage(text, tumour=tumour)
    assert isinstance(stage, Stage), stage
    return stage


def test_there_are_seventeen() -> None:
    assert len(ROWS) == 17


@each_tumour
def test_the_systems_are_those_of_the_facts(tumour: str, row: Row) -> None:
    assert set(LIBRARY.tables.tumours[tumour].stage_systems) == set(row.stages)


@each_tumour
def test_a_stage_of_each_system_is_accepted(tumour: str, row: Row) -> None:
    kind = LIBRARY.tables.tumours[tumour]
    for system, text in row.stages.items():
        stage = read(text, tumour)
        assert stage.system == system
        assert fits(stage, kind.stage_systems)
        assert check_categories(stage, kind.staging, on=IN_2026).inside is True
        finding = judged("core/clinical-stage-missing", tumour, stages=[{"stage": text, "kind": "clinical"}])
        assert finding.verdict == "met", (text, finding.explain())


@each_tumour
def test_a_stage_of_another_system_is_refused(tumour: str, row: Row) -> None:
    assert not fits(read(row.wrong_system, tumour), LIBRARY.tables.tumours[tumour].stage_systems)
    given = [{"stage": row.wrong_system, "kind": "clinical"}]
    finding = judged("core/clinical-stage-missing", tumour, stages=given)
    assert finding.verdict == "unmet"
    assert "wrong_kind" in {e.why for e in finding.evidence}


@each_tumour
def test_a_category_that_the_tumour_does_not_have_is_refused(tumour: str, row: Row) -> None:
    kind = LIBRARY.tables.tumours[tumour]
    text, category = row.outside
    if not text:  # a tumour that TNM doesn't stage has no categories: nothing passes for one
        assert check_categories(read("cT2N1M0", tumour), kind.staging, on=IN_2026).inside is None
        return
    check = check_categories(read(text, tumour), kind.staging, on=IN_2026)
    assert check.inside is False
    assert check.problem is not None
    assert check.problem.code == "category-outside-tumour"
    assert check.problem.message.zh.startswith(f"{category} 不是{kind.label.zh}的 {category[0]} 分期取值")
    assert check.problem.message.en.startswith(
        f"{category} is not among the {category[0]} categories of {kind.label.en}"
    )


@each_tumour
def test_without_a_stage_there_is_none(tumour: str, row: Row) -> None:
    assert judged("core/clinical-stage-missing", tumour).verdict == "unmet"
    assert judged("core/clinical-stage-missing", tumour, stages=None).verdict == "unknown"


@each_tumour
def test_a_complete_work_up_is_enough(tumour: str, row: Row) -> None:
    given = [{"exams": [exam]} for exam in row.exams]
    finding = judged("core/staging-workup-incomplete", tumour, exams=given)
    assert finding.verdict == "met", finding.explain()


@each_tumour
def test_what_a_work_up_lacks_is_named(tumour: str, row: Row) -> None:
    given = [{"exams": [exam]} for exam in row.exams if exam != row.dropped]
    finding = judged("core/staging-workup-incomplete", tumour, exams=given)
    assert finding.verdict == "unmet"
    assert [set(m.removeprefix("exam.").split("|")) for m in finding.missing] == [set(row.missing)]
    assert f"还缺：{row.name}。" in finding.reason.zh, finding.reason.zh
    for other in row.missing:
        completed = judged("core/staging-workup-incomplete", tumour, exams=[*given, {"exams": [other]}])
        assert completed.verdict == "met", other


def test_rectal_cancer_also_needs_its_mri_or_ultrasound() -> None:
    exams = [{"exams": ["colonoscopy", "CECT_chest", "CECT_abdomen", "CECT_pelvis"]}]
    rectum = {"order": ["顺铂"], "diagnoses": [{"code": "C20"}], "exams": exams}
    rule = RULES["core/staging-workup-incomplete"]
    finding = judge_alone(rule, request_of(rectum, LIBRARY), LIBRARY)
    assert finding.verdict == "unmet"
    assert finding.missing == ("exam.MRI_rectum|EUS",)
    complete = {**rectum, "exams": [*exams, {"exams": ["MRI_rectum"]}]}
    assert judge_alone(rule, request_of(complete, LIBRARY), LIBRARY).verdict == "met"


@pytest.mark.parametrize("exam", ["CT_chest", "CT_abdomen", "CT_pelvis"])
def test_plain_ct_does_not_stage_a_stomach_cancer(exam: str) -> None:
    exams = [{"exams": [e]} for e in ROWS["stomach"].exams if e != f"CE{exam}"]
    finding = judged("core/staging-workup-incomplete", "stomach", exams=[*exams, {"exams": [exam]}])
    assert finding.verdict == "unmet"
    assert finding.missing == (f"exam.CE{exam}",)


# category → the tumours of the seventeen that have it (2026); others must refuse it
ONLY = {
    "T1b3": {"cervix"},
    "T4e": set(),
    "Ta": {"bladder"},
    "M1c1": {"lung"},
    "M1c2": {"lung"},
    "N3c": {"breast", "melanoma"},  # the facts name breast only; N3c of melanoma is AJCC 8, general knowledge
}


@pytest.mark.parametrize("category", ONLY)
def test_categories_that_few_tumours_have(category: str) -> None:
    letter, value = category[0].lower(), category[1:]
    having = {
        tumour
        for tumour in ROWS
        if (sets := LIBRARY.tables.tumours[tumour].staging.values) is not None and value in sets.of(letter)  # type: ignore[arg-type]
    }
    assert having == ONLY[category]


@pytest.mark.parametrize(
    ("tumour", "text", "edition", "on", "inside"),
    [
        ("lung", "cT2N2aM0", None, date(2024, 12, 31), False),
        ("lung", "cT2N2aM0", None, date(2025, 1, 1), True),
        ("lung", "cT2N2bM0", "AJCC 8th", date(2026, 1, 1), False),
        ("lung", "cT2N2bM0", "第九版", date(2024, 1, 1), True),
        ("lung", "cT4N3M1c2", None, date(2026, 1, 1), True),
        ("lung", "cT4N3M1c2", "8", date(2024, 1, 1), False),
        ("lung", "cT4N3M1c", None, date(2026, 1, 1), True),
        ("lung", "cT2N2aM0", None, None, True),
        ("lung", "cT2N2aM0", "7", date(2026, 1, 1), None),
        ("lung", "cT2N1M0", None, date(2012, 1, 1), None),
        ("nasopharynx", "cT2N1M1b", None, date(2025, 6, 1), True),
        ("nasopharynx", "cT2N1M1b", None, date(2024, 6, 1), False),
        ("bladder", "cTisN0M0", None, date(2026, 1, 1), True),
        ("cervix", "cT2bN2M0", None, date(2026, 1, 1), True),
        ("cervix", "cT2bN0M0 FIGO ⅡB期", "2018", date(2026, 1, 1), True),
    ],
)
def test_an_edition_has_its_own_categories(
    tumour: str, text: str, edition: str | None, on: date | None, inside: bool | None
) -> None:
    check = check_categories(
        read(text, tumour), LIBRARY.tables.tumours[tumour].staging, edition=edition, on=on
    )
    assert check.inside is inside
    assert (check.problem is None) == (inside is True)


def test_the_other_edition_is_named() -> None:
    staging = LIBRARY.tables.tumours["lung"].staging
    check = check_categories(read("cT2N2aM0", "lung"), staging, edition="8", on=date(2024, 1, 1))
    assert check.problem is not None
    assert check.problem.code == "category-outside-edition"
    assert check.problem.message.zh == "N2a 不是肺癌的 N 分期取值（第8版），第9版才有：应为 N2"
