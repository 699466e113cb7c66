"""The staging pack: value sets and editions by date, concordance, and the tumour board."""

from __future__ import annotations

from pathlib import Path

import pytest
from loaded import shipped_library

from oncogate.authoring.examples import judge_alone, request_of
from oncogate.model.decision import Finding

ROOT = Path(__file__).resolve().parents[1]
RULES = shipped_library("staging")
BY_ID = {loaded.rule.id: loaded.rule for loaded in RULES.rules}


def finding(rule: str, **given: object) -> Finding:
    return judge_alone(BY_ID[f"staging/{rule}"], request_of(given, RULES), RULES)


def clinical(stage: str, **more: object) -> dict[str, object]:
    return {"stage": stage, "kind": "clinical", **more}


@pytest.mark.parametrize(
    ("tumour", "stage", "edition", "expected"),
    [
        ("breast", "cT2N3cM0", None, "met"),  # N3c is breast cancer's
        ("stomach", "cT4aN3bM0", None, "met"),
        ("lung", "cT1b3N0M0", None, "unmet"),  # T1b3 is cervical cancer's
        ("colorectal", "cT4eN0M0", None, "unmet"),  # T4e is uveal melanoma's
        ("bladder", "cTaN0M0", None, "met"),  # Ta is bladder cancer's
        ("lung", "cTaN0M0", None, "unmet"),
        ("lung", "cT2aN2aM0", "8", "unmet"),  # N2a, N2b: ninth edition
        ("lung", "cT2aN2aM0", "第九版", "met"),
        ("lung", "cT2aN2M1c2", "9", "met"),
        ("lung", "cT2aN2M1c2", "8", "unmet"),
    ],
)  # fmt: skip
def test_categories_of_a_tumour(tumour: str, stage: str, edition: str | None, expected: str) -> None:
    entry = clinical(stage) | ({"edition": edition} if edition else {})
    found = finding("stage-outside-value-set", tumour=tumour, order=["顺铂"], stages=[entry])
    assert found.verdict == expected
    if expected == "unmet":
        assert "分期取值" in found.reason.zh


@pytest.mark.parametrize(
    ("code", "diagnosed", "edition", "expected"),
    [
        ("C34.1", "2024-12-31", "8", "met"), ("C34.1", "2025-01-01", "8", "unmet"),
        ("C34.1", "2024-12-31", "9", "unmet"), ("C34.1", "2025-01-01", "9", "met"),
        ("C11.9", "2024-12-31", "8", "met"), ("C11.9", "2025-01-01", "8", "unmet"),
        ("C50.9", "2025-06-01", "8", "met"), ("C50.9", "2025-06-01", None, "met"), ("C34.1", None, "9", "unknown"),
    ],
)  # fmt: skip
def test_the_edition_goes_by_the_day_of_diagnosis(
    code: str, diagnosed: str | None, edition: str | None, expected: str
) -> None:
    diagnosis = {"code": code, "effective": diagnosed, "recorded": "2026-01-01"}
    entry = clinical("cT2N1M0") | ({"edition": edition} if edition else {})
    found = finding("stage-edition-not-in-force", order=["顺铂"], diagnoses=[diagnosis], stages=[entry])
    assert found.verdict == expected


def test_a_site_may_ask_for_the_edition() -> None:
    rule = BY_ID["staging/stage-edition-not-in-force"]
    strict = rule.parameters["edition_required"].model_copy(update={"value": True})
    asked = rule.model_copy(update={"parameters": {**rule.parameters, "edition_required": strict}})
    given = {"tumour": "lung", "order": ["顺铂"], "stages": [clinical("cT2aN1M0")]}
    assert judge_alone(rule, request_of(given, RULES), RULES).verdict == "met"
    found = judge_alone(asked, request_of(given, RULES), RULES)
    assert found.verdict == "unmet"
    assert "没有写明 TNM 版本" in found.reason.zh


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("cT2aN0M0", "pT2aN1M0", "N 分期由临床 N0 变为病理 N1"),
        ("cT3N1M0", "pT2aN1M0", "T 分期由临床 T3 变为病理 T2a"),
        ("cT2N1M0", "pT2aN1M0", ""),  # the letter is more particular, not more
        ("cTXN0M0", "pT2aN0M0", ""),  # what was not assessed can't differ
        ("ⅡA期", "ⅢA期", "总分期由临床 IIA 变为病理 IIIA"),
    ],
)
def test_what_the_specimen_changed(before: str, after: str, said: str) -> None:
    stages = [clinical(before, age="30 d"), {"stage": after, "kind": "pathologic", "age": "10 d"}]
    resection = [{"kind": "resection", "age": "20 d"}]
    found = finding(
        "clinical-and-pathologic-stage-differ",
        tumour="lung",
        order=["顺铂"],
        procedures=resection,
        stages=stages,
    )
    assert found.verdict == ("unmet" if said else "not_applicable")
    assert said in found.reason.zh
    assert found.asks in (None, "inform")


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("IV", "unmet"), ("Ⅳ", "unmet"), ("Ⅳ级", "unmet"), ("四级", "unmet"), ("四级手术", "unmet"), ("4", "unmet"), (" iv ", "unmet"),
        ("level 4", "unmet"), ("III", "not_applicable"), ("三级", "not_applicable"), ("Ⅰ级", "not_applicable"), ("2", "not_applicable"),
        (None, "unknown"), ("", "unknown"), ("V", "unknown"), ("甲级", "unknown"), ("14", "unknown"),
    ],
)  # fmt: skip
def test_how_the_level_of_an_operation_is_written(level: str | None, expected: str) -> None:
    order = {"kind": "surgery"} | ({"level": level} if level is not None else {})
    assert finding("mdt-missing-for-level-iv-surgery", tumour="lung", order=order).verdict == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "met"), ("completed", "met"), ("Finished", "met"), ("已完成", "met"), ("planned", "unmet"), ("cancelled", "unmet"),
        ("待讨论", "unmet"), ("entered-in-error", "unmet"), ("谁知道", "unknown"),
    ],
)  # fmt: skip
def test_only_a_meeting_that_was_held_counts(status: str | None, expected: str) -> None:
    meeting = {"kind": "mdt", "age": "2 d"} | ({"status": status} if status else {})
    found = finding(
        "mdt-missing-for-new-nasopharyngeal-cancer", tumour="nasopharynx", order=["顺铂"], meetings=[meeting]
    )
    assert found.verdict == expected


def test_a_meeting_of_the_future_does_not_count() -> None:
    meeting = {"kind": "mdt", "in": "2 d"}
    found = finding(
        "mdt-missing-for-new-nasopharyngeal-cancer", tumour="nasopharynx", order=["顺铂"], meetings=[meeting]
    )
    assert found.verdict == "unmet"


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("cT2aN1M1a", "unmet"), ("ⅣA期", "unmet"), ("cT2aN1M0", "not_applicable"), ("ⅢA期", "not_applicable")],
)
def test_a_site_may_count_stage_iv_as_difficult(stage: str, expected: str) -> None:
    rule = BY_ID["staging/mdt-missing-for-difficult-case"]
    criteria = rule.parameters["criteria"].model_copy(update={"value": ("stage_iv",)})
    asked = rule.model_copy(update={"parameters": {**rule.parameters, "criteria": criteria}})
    request = request_of({"tumour": "lung", "order": ["顺铂"], "stages": [clinical(stage)]}, RULES)
    assert judge_alone(asked, request, RULES).verdict == expected
