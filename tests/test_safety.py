"""The safety pack beyond its examples: it doesn't cry wolf, names what is missing, and speaks of what it can't know."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import pytest
from loaded import shipped_library

from oncogate.authoring.examples import judge_alone, request_of, run_examples
from oncogate.explain.words import CODES
from oncogate.model.decision import Finding
from oncogate.model.rule import Rule
from oncogate.packs.pack import Library

PACK = "safety/"
ALLERGIES = {"allergy-to-drug", "allergy-to-class", "allergy-to-excipient"}
BESIDE = {"duplicate-order", "overlapping-regimen"}
RULES = {
    *ALLERGIES, *BESIDE, "antibody-premedication-missing", "antiemetic-missing", "bevacizumab-after-surgery", "bevacizumab-blood-pressure",
    "bevacizumab-proteinuria", "brivudine-with-fluoropyrimidine", "checkpoint-baseline-missing", "chemotherapy-soon-after-live-vaccine",
    "dental-check-missing", "docetaxel-premedication-missing", "dpyd-complete-deficiency", "dpyd-not-tested", "dpyd-partial-deficiency",
    "fertility-not-discussed", "g6pd-deficient", "g6pd-not-tested", "live-vaccine-during-chemotherapy", "paclitaxel-premedication-missing",
    "pjp-prophylaxis-missing", "platelets-before-intrathecal", "prescriber-not-authorised", "qtc-not-measured", "qtc-prolonged",
    "second-verification-missing", "tumour-lysis-prophylaxis-missing", "ugt1a1-not-tested", "ugt1a1-reduced-activity",
    "vinca-with-intrathecal-same-day", "vincristine-not-intravenous", "vte-prophylaxis-missing",
}  # fmt: skip
"""The rules that this file is about; the pack has others."""


@lru_cache
def library() -> Library:
    return shipped_library("safety")


def rule(name: str) -> Rule:
    return next(r.rule for r in library().rules if r.rule.id == PACK + name)


def with_value(one: Rule, **values: Any) -> Rule:
    """The rule as a site would set it."""
    changed = {n: one.parameters[n].model_copy(update={"value": v}) for n, v in values.items()}
    return one.model_copy(update={"parameters": {**one.parameters, **changed}})


def finding(one: str | Rule, **given: Any) -> Finding:
    return judge_alone(rule(one) if isinstance(one, str) else one, request_of(given, library()), library())


def speaking(**given: Any) -> set[str]:
    """The rules that ask for anything."""
    return {name for name in RULES if finding(name, **given).verdict in ("unmet", "unknown")}


def test_the_rules_are_there_and_on_trial() -> None:
    mine = {r.rule.id.removeprefix(PACK): r.rule for r in library().rules if r.rule.id.startswith(PACK)}
    assert set(mine) >= RULES
    assert {name for name in RULES if mine[name].status != "trial"} == set()


def test_who_may_override_and_why_has_a_word_in_both_languages() -> None:
    said = {code for name in RULES for code in (*rule(name).override.by, *rule(name).override.reasons)}
    assert said - set(CODES) == set()


# -- it doesn't cry wolf -------------------------------------------------------------------------------

LATER = [{"drugs": [{"name": "多柔比星"}], "regimen": "AC-T", "age": "21 d"}]


@pytest.mark.parametrize(
    "order",
    [
        {"drugs": [{"name": "白蛋白紫杉醇"}]},
        {"drugs": [{"name": "来曲唑"}]},
        {"drugs": [{"name": "多西他赛"}, {"name": "地塞米松"}, {"name": "0.9%氯化钠注射液", "role": "diluent"}], "cycle": 2},
        {"drugs": [{"name": "曲妥珠单抗"}], "prescriber": "张医生"},
        {"drugs": [{"name": "重组人粒细胞刺激因子注射液"}]},
        {"drugs": [{"name": "头孢曲松", "code": "J01DD04", "system": "http://www.whocc.no/atc"}]},
    ],
)  # fmt: skip
def test_an_ordinary_order_is_met_with_silence(order: dict[str, Any]) -> None:
    beside = [
        {"drugs": [{"name": "院内制剂 3 号"}], "status": "active"},
        {"drugs": [{"name": "多西他赛"}], "status": "cancelled"},
    ]
    allergies = [{"kind": "drug", "text": "青霉素过敏"}, {"kind": "food", "text": "海鲜"}]
    given = {"tumour": "breast", "treatments": LATER, "orders": beside, "allergies": allergies}
    assert speaking(order=order, **given) == set()


def test_no_order_no_word() -> None:
    assert speaking(tumour="breast") == set()
    nothing = dict.fromkeys(
        ("orders", "treatments", "allergies", "labs", "events", "procedures", "markers", "educations")
    )
    assert speaking(tumour="breast", **nothing) == set()


def test_what_the_host_does_not_supply_is_asked_for_only_where_it_matters() -> None:
    given = {
        "tumour": "breast",
        "order": {"drugs": [{"name": "来曲唑"}]},
        "allergies": None,
        "orders": None,
        "treatments": None,
    }
    assert speaking(**given) == ALLERGIES | BESIDE
    assert (
        speaking(order={"drugs": [{"name": "地塞米松"}]}, allergies=None, orders=None, treatments=None)
        == set()
    )


def test_a_rule_that_cannot_be_judged_speaks_and_never_blocks() -> None:
    unknown = {
        "tumour": "breast",
        "order": {"drugs": [{"name": "XR-17 注射液"}], "kind": "chemotherapy"},
        "allergies": None,
    }
    asks = {name: f.asks for name in RULES if (f := finding(name, **unknown)).verdict == "unknown"}
    assert len(asks) > len(RULES) / 2
    assert None not in asks.values()
    assert "block" not in asks.values()


# -- reasons -------------------------------------------------------------------------------------------


def test_a_reason_names_each_class_that_is_absent_and_no_other() -> None:
    said = finding("antiemetic-missing", tumour="lung", order=["顺铂", "地塞米松"]).reason
    assert "NK-1" in said.zh
    assert "5-HT3" in said.zh
    assert "地塞米松" not in said.zh
    baseline = finding(
        "checkpoint-baseline-missing", tumour="lung", order=["帕博利珠单抗"], **{"lab.tsh": {"value": 2}}
    ).reason
    assert "TSH" not in baseline.zh
    assert "FT4" in baseline.zh


@pytest.mark.parametrize("name", ["pregnancy-not-excluded", "pregnancy-not-excluded-before-imid"])
def test_what_a_positive_pregnancy_test_asks_for_is_said_first(name: str) -> None:
    """The rule is unmet where no test was done and where one is positive: the order isn't stopped by another test."""
    positive = next(e for e in rule(name).examples if "positive" in e.name)
    said = finding(name, **positive.given)
    assert said.verdict == "unmet"
    assert said.remedy is not None
    assert said.remedy.zh.startswith("妊娠试验阳性")
    assert said.remedy.en.startswith("If a test is positive")
    assert "停止本次医嘱" in said.remedy.zh.partition("；")[0]
    assert "或结果并非" in said.reason.zh


def test_an_allergy_names_the_drug_that_matches_it() -> None:
    said = finding(
        "allergy-to-drug",
        tumour="lung",
        order=["卡铂", "培美曲塞"],
        allergies=[{"kind": "drug", "text": "卡铂过敏"}],
    ).reason
    assert "卡铂" in said.zh
    assert "培美曲塞" not in said.zh


def test_every_text_is_filled_in_for_every_example() -> None:
    for loaded in library().rules:
        if loaded.rule.id.removeprefix(PACK) not in RULES:
            continue
        for example in loaded.rule.examples:
            said = judge_alone(loaded.rule, request_of(example.given, library()), library())
            for language in ("zh", "en"):
                text = said.explain(language)
                assert "{" not in text
                assert "“”" not in text
                assert "：。" not in text


# -- what a site may set -------------------------------------------------------------------------------


def restricted_order(prescriber: str | None, drug: str = "帕博利珠单抗") -> dict[str, Any]:
    return {
        "drugs": [{"name": drug}],
        "kind": "immunotherapy",
        **({"prescriber": prescriber} if prescriber else {}),
    }


@pytest.mark.parametrize(
    ("prescriber", "drug", "verdict"),
    [
        ("A17", "帕博利珠单抗", "met"), ("B02", "帕博利珠单抗", "unmet"), (None, "帕博利珠单抗", "unknown"), ("B02", "培美曲塞", "not_applicable"),
        ("B02", "XR-17", "unknown"), ("A17", "XR-17", "met"),
    ],
)  # fmt: skip
def test_a_site_lists_its_restricted_drugs_and_who_may_order_them(
    prescriber: str | None, drug: str, verdict: str
) -> None:
    ours = with_value(
        rule("prescriber-not-authorised"), restricted=("checkpoint_inhibitor",), authorised=("A17",)
    )
    assert finding(ours, tumour="lung", order=restricted_order(prescriber, drug)).verdict == verdict


def test_without_a_list_no_drug_is_restricted() -> None:
    assert (
        finding("prescriber-not-authorised", tumour="lung", order=restricted_order("B02")).verdict
        == "not_applicable"
    )


def test_a_site_may_want_two_verifiers() -> None:
    order = {"drugs": [{"name": "卡铂"}], "prescriber": "甲", "ordered": "2026-03-02T08:00:00+08:00"}
    one = [{"kind": "order_verification", "by": "乙", "age": "5 min"}]
    two = [*one, {"kind": "order_verification", "by": "丙", "age": "4 min"}]
    strict = with_value(rule("second-verification-missing"), least=Decimal(2))
    assert finding("second-verification-missing", order=order, events=one).verdict == "met"
    assert finding(strict, order=order, events=one).verdict == "unmet"
    assert finding(strict, order=order, events=two).verdict == "met"


# -- routes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "route", ["IV", "iv", "静滴", "静脉滴注", "静脉注射", "ＩＶ", "ivgtt", "PICC", "Intravenous route"]
)
def test_routes_into_a_vein(route: str) -> None:
    order = {"drugs": [{"name": "长春新碱", "route": route}]}
    assert finding("vincristine-not-intravenous", tumour="lymphoma", order=order).verdict == "not_applicable"


@pytest.mark.parametrize(
    "route", ["鞘内注射", "IT", "鞘注", "intrathecal", "肌内注射", "皮下注射", "im", "口服", "Ommaya囊"]
)
def test_any_other_route_of_a_vinca_alkaloid_blocks(route: str) -> None:
    order = {"drugs": [{"name": "长春新碱", "route": route}]}
    said = finding("vincristine-not-intravenous", tumour="lymphoma", order=order)
    assert said.verdict == "unmet"
    assert said.asks == "block"


# -- what is missing -----------------------------------------------------------------------------------


def test_of_alternatives_one_that_is_there_leaves_none_missing() -> None:
    """Dexamethasone stands in the order: as another order it isn't missing, nor is it what calls for vitamins."""
    folic = {"drugs": [{"name": "叶酸"}], "status": "completed", "age": "31 d"}
    b12 = {"drugs": [{"name": "维生素B12"}], "age": "7 d"}
    found = finding(
        "pemetrexed-vitamins-missing",
        tumour="lung",
        order=["培美曲塞", "地塞米松"],
        orders=[folic],
        treatments=[b12],
    )
    assert (found.verdict, found.missing) == ("unmet", ("companion.folic_acid",))
    assert found.reason.zh.startswith(
        "使用培美曲塞前须补充叶酸、维生素 B12 并预防性用地塞米松，目前缺：叶酸。"
    )
    without = finding(
        "pemetrexed-vitamins-missing", tumour="lung", order=["培美曲塞"], orders=[folic], treatments=[b12]
    )
    assert without.missing == ("companion.folic_acid", "companion.glucocorticoid")


def test_of_two_tests_asked_for_the_one_that_is_there_is_no_near_miss() -> None:
    """The test of this morning is the second of the two; that it isn't the first as well is nothing to be told."""
    given: dict[str, Any] = {
        "patient": {"id": "p", "sex": "female", "birth_date": "1990-05-01"}, "tumour": "lymphoma", "order": ["来那度胺"],
    }  # fmt: skip
    second = {"fact": "lab.pregnancy_test", "text": "阴性", "age": "2 h"}
    found = finding("pregnancy-not-excluded-before-imid", **given, labs=[second])
    assert found.verdict == "unmet"
    assert "未满 24 小时" not in found.reason.zh
    old = {"fact": "lab.pregnancy_test", "text": "阴性", "age": "15 d"}
    found = finding("pregnancy-not-excluded-before-imid", **given, labs=[second, old])
    assert "2026-02-15 09:30 的妊娠试验（尿或血 hCG）“阴性”（已超过有效时限）" in found.reason.zh
    assert "2026-03-02 07:30" not in found.reason.zh


def test_what_only_guards_a_factor_is_no_factor() -> None:
    result = next(
        r
        for r in run_examples(shipped_library())
        if r.example.name.startswith("creatinine clearance below it, on")
    )
    assert result.finding is not None
    assert "（AC q21d 方案属中危、肌酐清除率 49.5 mL/min）" in result.finding.reason.zh


def test_english_names_a_drug_by_what_it_means_and_by_the_hosts_name() -> None:
    found = finding("pemetrexed-vitamins-missing", tumour="lung", order=["培美曲塞"])
    assert found.reason.en.startswith("Pemetrexed 培美曲塞 calls for")
    assert (
        "docetaxel"
        in finding("docetaxel-premedication-missing", tumour="breast", order=["docetaxel"]).reason.en
    )
