"""The start of a cycle: every limit of the table from both sides, intervals, fever by site, and what a pack's rules leave to each other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from loaded import shipped_library

from oncogate.authoring.examples import judge_alone, request_of
from oncogate.engine.case import Case
from oncogate.engine.conditions import derive
from oncogate.model.parameter import Parameter

LIBRARY = shipped_library()
RULES = {r.rule.id: r.rule for r in LIBRARY.rules}
LIMITS = LIBRARY.tables.start_limits
MAN = {"id": "p", "sex": "male", "birth_date": "1966-01-01"}


def verdict(rule: str, given: dict[str, Any]) -> str:
    return judge_alone(RULES[rule], request_of(given, LIBRARY), LIBRARY).verdict


def order_of(*ids: str, **more: Any) -> dict[str, Any]:
    return {"drugs": [{"name": LIBRARY.tables.drugs[id].label.zh} for id in ids], **more}


# -- limits of the table --------------------------------------------------------------------------------


@pytest.mark.parametrize("drug", sorted(id for id, row in LIMITS.items() if row.platelets is not None))
def test_platelets_of_every_drug_of_the_table(drug: str):
    limit = LIMITS[drug].platelets
    for count, expected in ((limit, "met"), (limit - 1, "unmet")):
        given = {"order": order_of(drug), "lab.platelets": f"{count} 10*9/L"}
        if LIBRARY.tables.drugs[drug].myelosuppressive:
            assert verdict("start-of-cycle/platelets-below-start-limit", given) == expected


@pytest.mark.parametrize("drug", sorted(id for id, row in LIMITS.items() if row.bilirubin is not None))
def test_bilirubin_of_every_drug_of_the_table_is_judged_by_one_rule(drug: str):
    limit = LIMITS[drug].bilirubin * 21
    speaking = ("start-of-cycle/bilirubin-above-start-limit", "safety/docetaxel-liver")
    for value, expected in ((limit, 0), (limit + 1, 1)):
        given = {"order": order_of(drug), "lab.bilirubin": f"{value} umol/L"}
        assert [verdict(rule, given) for rule in speaking].count("unmet") == expected


@pytest.mark.parametrize("drug", sorted(id for id, row in LIMITS.items() if row.crcl is not None))
def test_clearance_of_every_drug_of_the_table_is_judged_by_one_rule(drug: str):
    # man of 60 years, 72 kg: clearance is 80 × 88.42 / creatinine; creatinine itself stays below 133 for cisplatin
    speaking = (
        "start-of-cycle/creatinine-clearance-below-start-limit", "safety/cisplatin-renal-function",
        "safety/pemetrexed-renal-function",
    )  # fmt: skip
    limit = LIMITS[drug].crcl
    for clearance, expected in ((limit + 1, 0), (limit - 1, 1)):
        creatinine = (80 * Decimal("88.42") / clearance).quantize(Decimal("0.01"))
        given = {
            "patient": MAN, "order": order_of(drug), "vitals": [{"fact": "vital.weight", "value": "72 kg"}],
            "lab.creatinine": f"{creatinine} umol/L",
        }  # fmt: skip
        assert [verdict(rule, given) for rule in speaking].count("unmet") == expected


def test_nothing_measured_is_told_once():
    given = {"patient": MAN, "order": order_of("cisplatin", "pemetrexed", "docetaxel", "capecitabine")}
    silent = (
        "start-of-cycle/platelets-below-start-limit", "start-of-cycle/bilirubin-above-start-limit", "safety/docetaxel-liver",
        "start-of-cycle/creatinine-clearance-below-start-limit", "safety/cisplatin-renal-function",
        "safety/pemetrexed-renal-function",
    )  # fmt: skip
    speaking = ("platelets-not-recent", "liver-values-not-recent", "renal-function-not-recent")
    assert {verdict(rule, given) for rule in silent} == {"not_applicable"}
    assert {verdict(f"start-of-cycle/{rule}", given) for rule in speaking} == {"unmet"}


# -- the interval ----------------------------------------------------------------------------------------

OPTIONS = {
    "tolerance": Parameter(value=Decimal(2), unit="d", source="test"),
    "longest": Parameter(value=Decimal(42), unit="d", source="test"),
}


def worked_out(fact: str, order: dict[str, Any], *treatments: dict[str, Any]) -> frozenset[Any]:
    given = {"order": order, "treatments": list(treatments)}
    return derive(
        Case(request_of(given, LIBRARY), LIBRARY.facts, LIBRARY.tables), f"order.{fact}", OPTIONS
    ).possible


def given_before(age: str, **more: Any) -> dict[str, Any]:
    return {"drugs": [{"name": "多西他赛"}], "age": age, **more}


@pytest.mark.parametrize(
    ("order", "due"),
    [
        (order_of("docetaxel", interval_days=21), {19}), (order_of("docetaxel", interval_days=14), {12}),
        (order_of("docetaxel", regimen="多西他赛 q21d"), {19}), (order_of("paclitaxel", regimen="紫杉醇周疗"), {5}),
        (order_of("docetaxel", regimen="多西他赛 q21d", interval_days=28), {26}),  # the order's own word counts
        (order_of("docetaxel"), {0, 40}), (order_of("docetaxel", regimen="自拟方案"), {0, 40}),
    ],
)  # fmt: skip
def test_when_the_next_cycle_is_due(order: dict[str, Any], due: set[int]):
    assert worked_out("interval_due", order) == due


@pytest.mark.parametrize(
    ("order", "treatments", "days"),
    [
        (order_of("docetaxel", interval_days=21), [given_before("21 d")], {21}),
        (order_of("docetaxel", interval_days=21), [given_before("451 h")], {19}),  # 18.8 days: morning after afternoon
        (order_of("docetaxel", interval_days=21), [given_before("14 d"), given_before("35 d")], {14}),
        (order_of("docetaxel", interval_days=21), [given_before("14 d"), given_before("21 d")], {14, 21}),
        (order_of("docetaxel", interval_days=21, cycle=3), [given_before("14 d", cycle=2), given_before("21 d", cycle=2)], {21}),
        (order_of("docetaxel", interval_days=21, cycle=3), [given_before("2 d", cycle=3), given_before("21 d", cycle=2)], {21}),
        (order_of("docetaxel", interval_days=21, planned="2026-03-05T09:30:00+08:00"), [given_before("18 d")], {21}),
    ],
)  # fmt: skip
def test_days_since_the_last_cycle(order: dict[str, Any], treatments: list[dict[str, Any]], days: set[int]):
    assert worked_out("days_since_last_cycle", order, *treatments) == days


@pytest.mark.parametrize(
    ("treatment", "truth"),
    [
        (given_before("14 d"), {True}), ({"drugs": [{"name": "奥希替尼"}], "age": "14 d"}, {False}),
        ({"regimen": "TC", "age": "14 d"}, {True}), ({"regimen": "自拟方案", "age": "14 d"}, {True, False}),
        ({"drugs": [{"name": "XR-17 注射液"}], "age": "14 d"}, {True, False}), (given_before("14 d", status="cancelled"), {False}),
        ({"kind": "radiotherapy", "age": "14 d"}, {False}),
    ],
    ids=str,
)  # fmt: skip
def test_whether_a_treatment_was_an_earlier_cycle(treatment: dict[str, Any], truth: set[bool]):
    assert worked_out("follows_cycle", order_of("docetaxel", day=1), treatment) == truth


def test_a_day_in_the_middle_of_a_cycle_begins_none():
    assert worked_out("follows_cycle", order_of("docetaxel", day=8), given_before("7 d")) == {False}


# -- fever by site ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "value", "expected"),
    [
        ("axillary", "37.8", "unmet"), ("axillary", "37.7", "not_applicable"), ("oral", "37.9", "not_applicable"),
        ("rectal", "38.0", "unmet"), (None, "37.7", "not_applicable"), (None, "37.8", "unknown"), (None, "38.0", "unmet"),
    ],
)  # fmt: skip
def test_fever_goes_by_the_site(site: str | None, value: str, expected: str):
    taken = {"fact": "vital.temperature", "value": f"{value} Cel", **({"site": site} if site else {})}
    assert verdict("start-of-cycle/fever-on-day-1", {"order": ["顺铂"], "vitals": [taken]}) == expected


@pytest.mark.parametrize(("age", "expected"), [("20 h", "unmet"), ("25 h", "not_applicable")])
def test_a_fever_of_the_window_counts_whatever_was_measured_since(age: str, expected: str):
    taken = [
        {"fact": "vital.temperature_oral", "value": "39 Cel", "age": age},
        {"fact": "vital.temperature_oral", "value": "36.8 Cel", "age": "1 h"},
    ]
    assert verdict("start-of-cycle/fever-on-day-1", {"order": ["顺铂"], "vitals": taken}) == expected


@pytest.mark.parametrize(("tolerance", "days"), [(2, "19"), (3, "18")])
def test_a_cycle_that_comes_too_early_is_told_how_many_days_are_asked_for(tolerance: int, days: str) -> None:
    rule = RULES["start-of-cycle/too-early-since-last-cycle"]
    own = rule.parameters["tolerance"].model_copy(update={"value": Decimal(tolerance)})
    rule = rule.model_copy(update={"parameters": {**rule.parameters, "tolerance": own}})
    given = {"order": order_of("docetaxel", interval_days=21), "treatments": [given_before("14 d")]}
    finding = judge_alone(rule, request_of(given, LIBRARY), LIBRARY)
    assert finding.verdict == "unmet"
    assert (
        f"距上一周期首日 14 天，方案间隔 21 天；允许提前 {tolerance} 天，至少应满 {days} 天"
        in finding.reason.zh
    )
    assert "14 days since the last cycle began, and the interval is 21 days" in finding.reason.en
    assert f"the {tolerance} days that it may be early, {days} days have to pass" in finding.reason.en
