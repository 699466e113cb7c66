"""The pack on neutropenia: grades, scores and fever by hand, and what follows from the risk."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from loaded import shipped_library

from oncogate.authoring.examples import judge_alone, request_of
from oncogate.engine.case import Case
from oncogate.engine.conditions import derive
from oncogate.gate import Gate
from oncogate.model.decision import Finding

LIBRARY = shipped_library("neutropenia")
RULES = {loaded.rule.id.removeprefix("neutropenia/"): loaded.rule for loaded in LIBRARY.rules}
FACTS = {name: fact for name, fact in LIBRARY.facts.items() if name.startswith(("fn.", "ctcae.", "score."))}
TAC = ["多西他赛", "多柔比星", "环磷酰胺"]


def value(fact: str, **given: Any) -> Any:
    """The value of a derived fact; `None` where it isn't known."""
    possible = derive(Case.of(request_of(given, LIBRARY), LIBRARY), fact, {}).possible
    return next(iter(possible)) if len(possible) == 1 else None


def judged(rule: str, **given: Any) -> Finding:
    return judge_alone(RULES[rule], request_of(given, LIBRARY), LIBRARY)


# -- CTCAE ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("anc", "five", "six"),
    [
        ("0.7", 3, 2),  # the same count is another grade in another version
        ("2.0", 0, 0), ("1.99", 1, 0), ("1.5", 1, 0), ("1.49", 2, 1), ("1.0", 2, 1), ("0.99", 3, 2), ("0.5", 3, 2),
        ("0.49", 4, 3), ("0.1", 4, 3), ("0.09", 4, 4),
    ],
)  # fmt: skip
def test_grades_of_neutropenia(anc: str, five: int, six: int) -> None:
    given = {"lab.anc": f"{anc} 10*9/L"}
    assert (value("ctcae.neutrophils_v5", **given), value("ctcae.neutrophils_v6", **given)) == (five, six)


@pytest.mark.parametrize(
    ("platelets", "five", "six"),
    [
        ("75", 1, 1),
        ("74", 2, 2),
        ("50", 2, 2),
        ("49", 3, 3),
        ("25", 3, 3),
        ("24", 4, 3),
        ("10", 4, 3),
        ("9", 4, 4),
    ],
)
def test_grades_of_platelets(platelets: str, five: int, six: int) -> None:
    given = {"lab.platelets": f"{platelets} 10*9/L"}
    assert (value("ctcae.platelets_v5", **given), value("ctcae.platelets_v6", **given)) == (five, six)


@pytest.mark.parametrize(
    ("wbc", "grade"), [("3.0", 1), ("2.9", 2), ("2.0", 2), ("1.9", 3), ("1.0", 3), ("0.9", 4)]
)
def test_grades_of_white_cells(wbc: str, grade: int) -> None:
    assert value("ctcae.white_cells", **{"lab.wbc": f"{wbc} 10*9/L"}) == grade


@pytest.mark.parametrize(
    ("hb", "grade"), [("115", 0), ("114", 1), ("100", 1), ("99", 2), ("80", 2), ("79", 3)]
)
def test_grades_of_anaemia(hb: str, grade: int) -> None:
    assert value("ctcae.anaemia", **{"lab.haemoglobin": f"{hb} g/L"}) == grade


def test_no_count_has_no_grade() -> None:
    assert value("ctcae.neutrophils_v5") is None
    assert value("ctcae.neutrophils_v5", labs=None) is None


# -- scores --------------------------------------------------------------------------------------------


def mascc(
    burden: str = "none", onset: str = "outpatient", systolic: int = 90, born: str = "1966-03-03", **more: Any
) -> Any:
    vitals = [{"fact": "vital.systolic_bp", "value": systolic, "unit": "mm[Hg]", "age": "1 h"}]
    said = [{"kind": "symptom_burden", "level": burden}, {"kind": "fever_onset", "level": onset}]
    return value(
        "score.mascc",
        **{
            "tumour": "breast",
            "patient": {"id": "p", "birth_date": born},
            "vitals": vitals,
            "assessments": said,
            **more,
        },
    )


COPD, ASPERGILLOSIS = {"code": "J44.1"}, {"code": "B44.1"}
DRY = [{"kind": "dehydration", "age": "1 h"}]


def test_mascc_by_hand() -> None:
    assert mascc() == 26
    assert mascc("mild") == 26
    assert mascc("moderate") == 24
    assert mascc("severe") == 21
    assert mascc(systolic=89) == 21
    assert mascc(diagnoses=[COPD]) == 22
    assert mascc(onset="inpatient", events=DRY) == 20
    assert mascc(born="1966-03-02") == 24  # sixty today
    assert mascc(diagnoses=[ASPERGILLOSIS]) == 26  # a solid tumour
    assert mascc(tumour="lymphoma", diagnoses=[ASPERGILLOSIS]) == 22
    assert mascc(tumour="lymphoma") == 26
    assert (
        mascc(
            "severe",
            "inpatient",
            80,
            "1940-01-01",
            tumour="lymphoma",
            diagnoses=[COPD, ASPERGILLOSIS],
            events=DRY,
        )
        == 0
    )


def test_mascc_isnt_known_without_its_items() -> None:
    assert mascc(assessments=[]) is None
    assert mascc(vitals=[]) is None
    assert mascc(events=None) is None


def cisne(ecog: str = "1", glucose: str = "6.0", monocytes: str = "0.2", **more: Any) -> Any:
    labs = [
        {"fact": "vital.ecog", "value": ecog, "unit": "1", "age": "1 d"},
        {"fact": "lab.glucose", "value": f"{glucose} mmol/L", "age": "1 d"},
        {"fact": "lab.monocytes", "value": f"{monocytes} 10*9/L", "age": "1 d"},
    ]
    labs[0]["value"] = Decimal(ecog)
    return value("score.cisne", labs=labs, **more), value("score.cisne_class", labs=labs, **more)


def test_cisne_by_hand() -> None:
    assert cisne() == (0, "low")
    assert cisne(monocytes="0.19") == (1, "intermediate")
    assert cisne(ecog="2") == (2, "intermediate")
    assert cisne(glucose="6.71") == (2, "intermediate")
    assert cisne(ecog="2", monocytes="0.19") == (3, "high")
    assert cisne(diagnoses=[COPD, {"code": "I50.0"}]) == (2, "intermediate")
    assert cisne(diagnoses=[COPD, {"code": "I50.0"}], events=[{"kind": "mucositis", "level": "2"}]) == (
        3,
        "high",
    )
    assert cisne(events=[{"kind": "mucositis", "level": "1"}]) == (0, "low")
    assert cisne(
        "3", "9", "0.1", diagnoses=[COPD, {"code": "I21.9"}], events=[{"kind": "mucositis", "level": "3"}]
    ) == (8, "high")
    assert value("score.cisne") is None


def test_glucose_in_the_unit_of_the_source() -> None:
    labs = [{"fact": "lab.glucose", "value": f"{v} mg/dL", "age": "1 d"} for v in (121,)]
    assert derive(Case.of(request_of({"labs": labs}, LIBRARY), LIBRARY), "score.cisne", {}).possible >= {
        Decimal(2)
    }
    low = [{"fact": "lab.glucose", "value": "120 mg/dL", "age": "1 d"}]
    assert (
        Decimal(0) in derive(Case.of(request_of({"labs": low}, LIBRARY), LIBRARY), "score.cisne", {}).possible
    )


# -- febrile neutropenia -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "site", "reading", "fever"),
    [
        ("vital.temperature_oral", None, "38.3", False),
        ("vital.temperature_oral", None, "38.31", True),
        ("vital.temperature_axillary", None, "38.1", False),
        ("vital.temperature_axillary", None, "38.11", True),
        ("vital.temperature", "oral", "38.3", False),
        ("vital.temperature", "axillary", "38.11", True),
        ("vital.temperature", None, "38.1", False),
        ("vital.temperature", None, "38.2", None),
        ("vital.temperature", None, "38.31", True),
    ],
)
def test_fever_by_the_site(fact: str, site: str | None, reading: str, fever: bool | None) -> None:
    vitals = [{"fact": fact, "value": f"{reading} Cel", "age": "1 h", **({"site": site} if site else {})}]
    assert value("fn.fever", vitals=vitals) is fever
    low = {"lab.anc": "0.99 10*9/L"}
    assert value("fn.febrile_neutropenia", vitals=vitals, **low) is fever
    assert value("fn.febrile_neutropenia", vitals=vitals, **{"lab.anc": "1.0 10*9/L"}) is False


def test_febrile_neutropenia_blocks_chemotherapy_alone() -> None:
    sick: dict[str, Any] = {
        "lab.anc": "0.4 10*9/L",
        "vitals": [{"fact": "vital.temperature_axillary", "value": "38.6 Cel", "age": "1 h"}],
    }
    assert judged("febrile-neutropenia", order=TAC, **sick).asks == "block"
    assert judged("febrile-neutropenia", order=["重组人粒细胞刺激因子"], **sick).verdict == "not_applicable"
    assert judged("febrile-neutropenia", order=TAC, **{**sick, "vitals": None}).asks == "warn"


# -- patient factors -----------------------------------------------------------------------------------

FACTORS = sorted(name for name in FACTS if name.startswith("fn.factor_"))


@pytest.mark.parametrize("name", FACTORS)
def test_a_factor_is_false_where_nothing_is_there(name: str) -> None:
    assert value(name, patient={"id": "p", "birth_date": "1990-01-01"}) is False


@pytest.mark.parametrize("name", FACTORS)
def test_a_factor_is_unknown_where_nothing_was_supplied(name: str) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("diagnoses", "labs", "vitals", "procedures", "treatments", "events"), None
    )
    assert value(name, **nothing) is None


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("age", {"patient": {"id": "p", "birth_date": "1961-03-02"}}),
        ("earlier_treatment", {"procedures": [{"kind": "radiotherapy", "age": "181 d"}]}),
        ("neutropenia", {"lab.anc": "1.9 10*9/L"}),
        ("marrow", {"diagnoses": [{"code": "C79.5"}]}),
        ("surgery", {"procedures": [{"kind": "other", "age": "3 d"}, {"kind": "operation", "age": "28 d"}]}),
        ("wound", {"diagnoses": [{"code": "T81.3"}]}),
        ("infection", {"diagnoses": [{"code": "J18.9"}]}),
        ("bilirubin", {"lab.bilirubin": "2.1 mg/dL"}),
        (
            "renal",
            {
                "patient": {"id": "p", "birth_date": "1950-01-01", "sex": "female"},
                "vital.weight": "50 kg",
                "lab.creatinine": "150 umol/L",
            },
        ),
        ("performance", {"vital.ecog": "2 1"}),
        ("earlier_episode", {"events": [{"kind": "febrile_neutropenia", "age": "2 a"}]}),
        ("advanced", {"diagnoses": [{"code": "C78.0"}]}),
        ("hiv", {"diagnoses": [{"code": "B24"}]}),
        ("haemoglobin", {"lab.haemoglobin": "11.9 g/dL"}),
        ("albumin", {"lab.albumin": "34 g/L"}),
        ("malnutrition", {"diagnoses": [{"code": "E44.0"}]}),
        ("mucositis", {"events": [{"kind": "mucositis", "level": "1"}]}),
        ("cardiovascular", {"diagnoses": [{"code": "I25.1"}]}),
        ("copd", {"diagnoses": [{"code": "J44.9"}]}),
    ],
)
def test_a_factor_is_seen(name: str, given: dict[str, Any]) -> None:
    assert value(f"fn.factor_{name}", **given) is True


def test_every_factor_has_its_case() -> None:
    counted = {c.holds for c in FACTS["fn.factors"].when[0].of}  # type: ignore[index, union-attr]
    assert counted == set(FACTORS)


def test_the_overall_risk() -> None:
    young, old = {"id": "p", "birth_date": "1990-01-01"}, {"id": "p", "birth_date": "1950-01-01"}
    ac = {"drugs": [{"name": "多柔比星"}, {"name": "环磷酰胺"}]}
    assert value("fn.overall", tumour="breast", order=TAC, labs=None) == "high"
    assert (
        value("fn.overall", tumour="breast", order={**ac, "interval_days": 21}, patient=young)
        == "intermediate"
    )
    assert value("fn.overall", tumour="breast", order={**ac, "interval_days": 21}, patient=old) == "high"
    assert value("fn.overall", tumour="breast", order={**ac, "interval_days": 21}) is None
    assert (
        value("fn.overall", tumour="breast", order=ac, patient=old) == "high"
    )  # intermediate or high by regimen
    assert value("fn.overall", tumour="breast", order=ac, patient=young) is None
    assert value("fn.overall", tumour="breast", order=["卡培他滨"], patient=old) == "low"
    assert value("fn.overall", tumour="breast", order=["长春新碱", "丝裂霉素"], patient=young) is None


# -- what follows from the risk ------------------------------------------------------------------------

CARE = {"high": "high-risk-care", "intermediate": "intermediate-risk-care", "low": "low-risk-care"}


@pytest.mark.parametrize("level", CARE)
def test_one_care_for_each_level(level: str) -> None:
    given: dict[str, Any] = {
        "tumour": "breast",
        "order": ["多西他赛"],
        "assessments": [{"kind": "neutropenia", "level": level}],
    }
    verdicts = {other: judged(rule, **given).verdict for other, rule in CARE.items()}
    assert verdicts == {other: "unmet" if other == level else "not_applicable" for other in CARE}
    kinds = {o.kind for o in RULES[CARE[level]].obligations}
    assert {"bedside_label", "nursing_level", "education_card", "notify", "blood_count_due"} <= kinds
    assert ("follow_up_plan" in kinds) is (level != "low")
    told = [o.level for o in RULES[CARE[level]].obligations if o.kind == "notify"]
    assert told == ["physician", "nurse", "pharmacist"]
    request = request_of(given, LIBRARY)
    obliged = [o for o in Gate(LIBRARY).decide(request).obligations if o.rule == f"neutropenia/{CARE[level]}"]
    assert [o.level for o in obliged if o.kind == "bedside_label"] == [level]
    counts = [o.text.zh for o in obliged if o.kind == "blood_count_due" and o.text is not None]
    assert counts == ["请在化疗后第 7 天至第 14 天（骨髓抑制最低点）复查血常规。"]


@pytest.mark.parametrize("rule", CARE.values())
def test_care_is_known_wherever_an_assessment_counts(rule: str) -> None:
    page = [{"section": "assessments", "problem": "a page is missing"}]
    said = [{"kind": "neutropenia", "level": "low"}]
    assert judged(rule, order=["多西他赛"], assessments=said, unread=page).verdict != "unknown"
    unread = {"drugs": [{"name": "XR-17"}], "kind": "chemotherapy"}
    assert judged(rule, order=unread, assessments=said).verdict != "unknown"


def test_only_care_is_more_than_a_trial() -> None:
    stable = {name for name, rule in RULES.items() if rule.status != "trial"}
    assert stable == set(CARE.values())
    assert {RULES[name].effect for name in stable} == {"inform"}


def test_a_regimen_that_isnt_listed_is_said_and_not_taken_for_low() -> None:
    given: dict[str, Any] = {
        "tumour": "breast",
        "order": ["长春新碱", "丝裂霉素"],
        "assessments": [{"kind": "neutropenia", "level": "low"}],
    }
    assert judged("regimen-risk-not-listed", **given).verdict == "unmet"
    assert value("regimen.fn_category", **given) is None
