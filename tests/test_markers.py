"""What result texts of molecular markers say, and what the table asks of them: by hand, never from the reader's output."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import shipped_library

from oncogate.authoring.examples import judge_alone, request_of
from oncogate.clinical.marker_tests import MarkerScale, judge_test, read_tests
from oncogate.clinical.markers import MAX_LENGTH, Level, Reading, read_result

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "rules" / "tables"
CONTEXTS = {"first_line", "alone", "unstated", "with:pemetrexed"}


def rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, strict=True))


def cells(text: str) -> list[str]:
    return [part for part in text.split(";") if part]


NAMES: dict[str, frozenset[str]] = {}
for _row in rows("markers.csv"):
    for _name in (_row["id"], _row["en"], _row["zh"], *cells(_row["aliases"])):
        NAMES[_name] = NAMES.get(_name, frozenset()) | {_row["id"]}
SCALES = {
    row["id"]: MarkerScale(row["scale"], row["positive"], row["negative"])
    for row in rows("markers.csv") if row["scale"]
}  # fmt: skip
FACT = yaml.safe_load((ROOT / "rules/markers/facts.yaml").read_text("utf-8"))["facts"]["marker.fits_drug"]
LIMITS = {name: Decimal(str(p["value"])) for name, p in FACT["parameters"].items()}


def said(marker: str, text: str | None, *others: str) -> str:
    """What a text says of a marker, in a word: `+L858R`, `-`, `-T790M`, `failed`, `?`; levels as `TPS 60..60`."""
    reading = read_result(text, [marker, *others], NAMES)[marker]
    if reading.failed or reading.unclear:
        return "failed" if reading.failed else "?"
    words = [f"+{f}" for f in sorted(reading.found)] + [f"-{d}" for d in sorted(reading.denied)]
    words += ["-"] if reading.negative else []
    words += [f"{s} {level.low}..{level.high}" for s, level in sorted(reading.levels.items())]
    words += [] if reading.ish is None else ["ISH+" if reading.ish else "ISH-"]
    return " ".join(words)


TEXTS = [
    # an alteration
    ("EGFR", "L858R突变", "+L858R"), ("EGFR", "EGFR p.L858R", "+L858R"), ("EGFR", "L858R(+)", "+L858R"),
    ("EGFR", "第21号外显子L858R错义突变，丰度12.3%", "+L858R"), ("EGFR", "EGFR c.2573T>G (p.L858R)", "+L858R"),
    ("EGFR", "L858R mutation detected", "+L858R"), ("EGFR", "EGFR - L858R", "+L858R"),
    ("EGFR", "19外显子缺失", "+ex19del"), ("EGFR", "EGFR19外显子缺失突变", "+ex19del"), ("EGFR", "19del", "+ex19del"),
    ("EGFR", "检出EGFR第19号外显子非移码缺失突变(p.E746_A750del)", "+ex19del"), ("EGFR", "exon 19 deletion", "+ex19del"),
    ("EGFR", "20外显子插入", "+ex20ins"), ("EGFR", "19del T790M", "+T790M +ex19del"), ("EGFR", "突变", "+mutation"),
    ("EGFR", "阳性", "+"), ("EGFR", "L858R突变，其余位点野生型", "+L858R"),
    ("MET", "MET14外显子跳跃突变", "+ex14skip"), ("MET", "METex14 skipping", "+ex14skip"), ("MET", "扩增", "+amplification"),
    ("ALK", "EML4-ALK融合阳性", "+fusion"), ("ALK", "ALK(D5F3): 阳性", "+"), ("ROS1", "CD74-ROS1融合", "+fusion"),
    ("BRAF", "BRAF V600E突变", "+V600E"), ("KRAS", "KRAS G12C 突变型", "+G12C"), ("FLT3", "FLT3-ITD阳性", "+ITD"),
    ("MSI", "MSI-H", "+"), ("MSI", "dMMR", "+"), ("BCR-ABL1", "BCR-ABL1融合基因检测：阳性", "+"),
    # the negation of one
    ("EGFR", "野生型", "-"), ("EGFR", "阴性（-）", "-"), ("EGFR", "EGFR(-)", "-"), ("EGFR", "wild type", "-"),
    ("EGFR", "not detected", "-"), ("EGFR", "未检出突变", "-mutation"), ("EGFR", "无EGFR敏感突变", "-mutation"),
    ("EGFR", "EGFR突变阴性", "-mutation"), ("EGFR", "no mutation detected", "-mutation"),
    ("EGFR", "EGFR基因突变检测：野生型", "-"), ("EGFR", "EGFR基因18、19、20、21外显子均未检测到突变", "-"),
    ("EGFR", "exon 19 deletion not detected", "-ex19del"), ("EGFR", "T790M阴性", "-T790M"),
    ("EGFR", "未发现L858R及19外显子缺失突变", "-L858R -ex19del"), ("EGFR", "L858R、19del均阴性", "-L858R -ex19del"),
    ("EGFR", "L858R阳性，T790M阴性", "+L858R -T790M"), ("EGFR", "19外显子未检出突变，21外显子L858R突变", "+L858R -ex19"),
    ("ALK", "未见ALK重排", "-fusion"), ("BCR-ABL1", "BCR-ABL 阴性", "-"), ("MSI", "pMMR", "-"), ("MSI", "微卫星稳定", "-"),
    ("MET", "未检出扩增", "-amplification"), ("BRAF", "未检出V600E突变", "-V600E"),
    # levels
    ("PD-L1", "TPS 60%", "TPS 60..60"), ("PD-L1", "TPS<1%", "TPS None..1"), ("PD-L1", "TPS: 1%-49%", "TPS 1..49"),
    ("PD-L1", "PD-L1(22C3) TPS≥50%，CPS 60", "CPS 60..60 TPS 50..None"), ("PD-L1", "CPS=5", "CPS 5..5"),
    ("HER2", "HER2(3+)", "IHC 3..3"), ("HER2", "+++", "IHC 3..3"), ("HER2", "IHC 0", "IHC 0..0"),
    ("HER2", "阳性(3+)", "+ IHC 3..3"), ("HER2", "FISH扩增", "+amplification ISH+"),
    ("HER2", "IHC 2+，FISH无扩增", "IHC 2..2 ISH-"), ("HER2", "阴性（2+，FISH阴性）", "- IHC 2..2 ISH-"),
    ("HER2", "HER-2(2+)，FISH：阳性", "IHC 2..2 ISH+"), ("HER2", "低表达", "+low"),
    ("ER", "阳性，约80%", "+ percent 80..80"), ("ER", "ER(+,90%)", "++ percent 90..90"), ("CLDN18.2", "阳性，80%", "+ percent 80..80"),
    # no result
    ("EGFR", "QNS", "failed"), ("EGFR", "标本不足", "failed"), ("EGFR", "待报告", "failed"), ("EGFR", "检测失败", "failed"),
    ("EGFR", "无法判读", "failed"), ("EGFR", "未检测", "failed"), ("EGFR", "pending", "failed"),
    ("EGFR", "insufficient tumour cells", "failed"), ("EGFR", "以上结果作废", "failed"),
    # not understood: it may be anything
    ("EGFR", None, "?"), ("EGFR", " ", "?"), ("EGFR", "详见报告", "?"), ("EGFR", "不是阳性", "?"), ("EGFR", "非野生型", "?"),
    ("EGFR", "除L858R外均阴性", "?"), ("EGFR", "阳性 阴性", "?"), ("EGFR", "弱阳性", "?"), ("EGFR", "意义不明变异", "?"),
    ("EGFR", "Q787Q", "?"), ("EGFR", "19del、T790M(-)", "?"), ("EGFR", "19del T790M阴性", "?"), ("EGFR", "非小细胞肺癌", "?"),
    ("EGFR", "L858R突变，L858R阴性", "?"), ("EGFR", "L858R待排除", "?"), ("ALK", "EML4-ALK", "?"), ("ALK", "IHC阴性，FISH阳性", "?"),
    ("EGFR", "ALK阳性", "?"), ("EGFR", "L858R突变" * 500, "?"),
]  # fmt: skip


@pytest.mark.parametrize(("marker", "text", "expected"), TEXTS)
def test_a_result_text(marker: str, text: str | None, expected: str) -> None:
    assert said(marker, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EGFR 19del; ALK阴性", {"EGFR": "+ex19del", "ALK": "-", "ROS1": "?"}),
        ("EGFR、ALK、ROS1均阴性", {"EGFR": "-", "ALK": "-", "ROS1": "-"}),
        ("EGFR-，ALK+", {"EGFR": "-", "ALK": "++", "ROS1": "?"}),
        ("EGFR 突变阴性 ALK 融合阳性", {"EGFR": "-mutation", "ALK": "+fusion", "ROS1": "?"}),
        ("No EGFR mutation was detected; ALK rearrangement present", {"EGFR": "-mutation", "ALK": "+fusion", "ROS1": "?"}),
        ("EGFR L858R, TP53 R273H; CTNNB1 突变", {"EGFR": "+L858R", "ALK": "?", "ROS1": "?"}),
        ("ALK 标本不足；EGFR 野生型", {"EGFR": "-", "ALK": "failed", "ROS1": "?"}),
        # an overall word of a panel is about none in particular
        ("未检出突变", {"EGFR": "?", "ALK": "?", "ROS1": "?"}),
        ("阳性", {"EGFR": "?", "ALK": "?", "ROS1": "?"}),
        ("标本不足", {"EGFR": "failed", "ALK": "failed", "ROS1": "failed"}),
        # the negation may go on
        ("未检出EGFR突变，ALK融合", {"EGFR": "-mutation", "ALK": "?", "ROS1": "?"}),
    ],
)  # fmt: skip
def test_a_panel(text: str, expected: dict[str, str]) -> None:
    assert {marker: said(marker, text, "EGFR", "ALK", "ROS1") for marker in expected} == expected


def test_a_name_that_means_two_markers() -> None:
    found = read_result("RAS突变", ["KRAS", "NRAS"], NAMES)
    assert found["KRAS"].shared == found["NRAS"].shared == {"KRAS", "NRAS"}
    both = read_result("RAS野生型", ["KRAS", "NRAS"], NAMES)
    assert both["KRAS"].negative
    assert both["NRAS"].negative
    assert not both["KRAS"].shared


def test_a_level_is_an_interval() -> None:
    one = Decimal(1)
    assert Level(None, one, high_open=True).at_least(one) is False  # <1
    assert Level(None, one).at_least(one) is None  # ≤1
    assert Level(one, one).at_least(one) is True
    assert Level(one, Decimal(49)).at_least(Decimal(50)) is False
    assert Level(one, Decimal(60)).at_least(Decimal(50)) is None
    assert Level(Decimal(2), None, low_open=True).at_most(Decimal(2)) is False


WORDS = st.sampled_from(
    ["EGFR", "ALK", "HER2", "L858R", "19外显子", "缺失", "突变", "阳性", "阴性", "未检出", "均", "，", "；", "、", " ", "(", ")", "TPS", "60%", "3+", "FISH", "扩增", "不", "-", "+"]
)  # fmt: skip


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map("".join)))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = read_result(text, ["EGFR", "ALK", "HER2"], NAMES)
    assert set(found) == {"EGFR", "ALK", "HER2"}
    assert all(not (r.unclear and (r.found or r.negative)) for r in found.values())


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.sampled_from(
        [
            t
            for m, t, e in TEXTS
            if m == "EGFR" and t and e.startswith("+") and "，" not in t and "阳性" not in t
        ]
    )
)
def test_what_is_denied_is_never_found(text: str) -> None:
    found = read_result(f"未检出{text}", ["EGFR"], NAMES)["EGFR"]
    assert not found.found
    assert not read_result(f"没有证据说明{text}", ["EGFR"], NAMES)["EGFR"].found


def test_the_longest_text_that_is_read() -> None:
    assert said("EGFR", "阴性" + " " * (MAX_LENGTH - 2)) == "-"
    assert said("EGFR", "阴性" + " " * (MAX_LENGTH - 1)) == "?"


# ── what the table asks ──────────────────────────────────────────────────────────────────────────────────────


def judged(test: str, **texts: str) -> bool | None:
    (branch,) = read_tests(test)
    given_: dict[str, list[tuple[object, Reading]]] = {}
    for name, text in texts.items():
        marker = {"PDL1": "PD-L1", "CLDN": "CLDN18.2"}.get(name, name)
        for index, one in enumerate(text.split(" <- ")):  # newest first
            given_.setdefault(marker, []).append((-index, read_result(one, [marker], NAMES)[marker]))
    truths = [judge_test(one, given_, SCALES, LIMITS) for one in branch]
    return False if False in truths else None if None in truths else True


@pytest.mark.parametrize(
    ("test", "texts", "expected"),
    [
        ("EGFR+(L858R|ex19del)", {"EGFR": "L858R"}, True),
        ("EGFR+(L858R|ex19del)", {"EGFR": "20外显子插入"}, False),
        ("EGFR+(L858R|ex19del)", {"EGFR": "T790M"}, False),
        ("EGFR+(L858R|ex19del)", {"EGFR": "突变"}, None),
        ("EGFR+(L858R|ex19del)", {"EGFR": "未检出突变"}, False),
        ("EGFR+(L858R|ex19del)", {"EGFR": "未检出L858R"}, None),
        ("EGFR+(G719*)", {"EGFR": "G719A"}, True),
        ("BRAF+(V600*)", {"BRAF": "V600K"}, True),
        ("BRAF+(V600*)", {"BRAF": "K601E"}, False),
        ("EGFR+(T790M)", {"EGFR": "L858R阳性，T790M阴性"}, False),
        ("RET+(fusion)", {"RET": "阳性"}, None),
        ("RET+(fusion)", {"RET": "M918T突变"}, False),
        ("RET+(fusion|mutation)", {"RET": "M918T突变"}, True),
        ("ALK/ROS1+", {"ALK": "阴性", "ROS1": "阳性"}, True),
        ("ALK/ROS1+", {"ALK": "阴性"}, None),
        ("KRAS/NRAS-", {"KRAS": "野生型", "NRAS": "野生型"}, True),
        ("KRAS/NRAS-", {"KRAS": "野生型"}, None),
        ("KRAS/NRAS-", {"KRAS": "G12D突变"}, False),
        ("HER2+", {"HER2": "3+"}, True),
        ("HER2+", {"HER2": "2+"}, None),
        ("HER2+", {"HER2": "2+，FISH阳性"}, True),
        ("HER2+", {"HER2": "2+，FISH阴性"}, False),
        ("HER2+", {"HER2": "1+"}, False),
        ("HER2+", {"HER2": "(+)"}, None),
        ("HER2+", {"HER2": "20外显子插入"}, None),
        ("HER2+(mutation)", {"HER2": "20外显子插入"}, True),
        ("HER2-", {"HER2": "低表达"}, True),
        ("HER2 IHC@her2_low", {"HER2": "1+"}, True),
        ("HER2 IHC@her2_low", {"HER2": "IHC 0"}, False),
        ("HER2 IHC@her2_low", {"HER2": "阴性"}, None),
        ("ER+", {"ER": "<1%"}, False),
        ("ER+", {"ER": "1%"}, True),
        ("ER+", {"ER": "(+++)"}, True),
        ("CLDN18.2+", {"CLDN": "75%"}, True),
        ("CLDN18.2+", {"CLDN": "74%"}, False),
        ("CLDN18.2+", {"CLDN": "2+"}, None),
        ("PD-L1 TPS@pdl1_tps", {"PDL1": "TPS 1%"}, True),
        ("PD-L1 TPS@pdl1_tps", {"PDL1": "TPS<1%"}, False),
        ("PD-L1 TPS@pdl1_tps", {"PDL1": "CPS 10"}, None),
        ("PD-L1 TPS@pdl1_tps", {"PDL1": "阴性"}, False),
        ("PD-L1?", {"PDL1": "TPS 1%"}, True),
        ("PD-L1?", {"PDL1": "详见报告"}, None),
        # several results, newest first
        ("EGFR+", {"EGFR": "阳性 <- 阴性"}, True),
        ("EGFR+", {"EGFR": "阴性 <- 阳性"}, None),
        ("EGFR-", {"EGFR": "阳性 <- 阴性"}, False),
        ("EGFR-", {"EGFR": "阴性 <- 阳性"}, None),
        ("EGFR+", {"EGFR": "详见报告 <- 阳性"}, None),
    ],
)  # fmt: skip
def test_a_test_of_results(test: str, texts: dict[str, str], expected: bool | None) -> None:
    assert judged(test, **texts) is expected


@pytest.mark.parametrize("cell", ["EGFR", "EGFR-(L858R)", "PD-L1 TPS", "EGFR+ L858R", "KRAS or NRAS"])
def test_what_is_no_test_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="`"):
        read_tests(cell)


def test_every_row_says_what_its_polarity_asks() -> None:
    known, drugs = {row["id"] for row in rows("markers.csv")}, {row["id"] for row in rows("drugs.csv")}
    for row in rows("drug-markers.csv"):
        branches, polarity = read_tests(row["fits"]), row["polarity"]
        tests = [test for branch in branches for test in branch]
        signs = {test.sign for test in tests}
        assert bool(branches) == (row["needs"] == "yes"), row
        assert {test.limit for test in tests if test.limit} <= set(LIMITS), row
        assert set(cells(row["context"])) <= CONTEXTS, row
        asked = {m for test in tests for m in test.markers}
        either = (
            {"ER", "PR"} if row["drug"] == "sacituzumab-govitecan" else set()
        )  # hormone receptors either way
        assert not branches or set(cells(row["markers"])) <= asked | either, row
        assert asked <= known, row
        if not branches:
            assert polarity in {"none", "branch", "tested"}, row
        elif polarity in ("wildtype", "negative"):
            assert signs == {"-"}, row
        elif polarity == "positive":
            assert "+" in signs or "@" in signs, row
        elif polarity == "level":
            assert signs & {"@", "?", "+"}, row
        assert set(cells(row["retest_after"])) <= drugs, row
        assert bool(row["retest_after"]) == bool(read_tests(row["retest_fits"])), row
        assert not row["retest_after"] or "T790M" in row["required"], row


def test_the_limits_of_scales_are_parameters() -> None:
    for row in rows("markers.csv"):
        assert row["changes"] in {"yes", "no"}, row
        assert {row["positive"], row["negative"]} - {""} <= set(LIMITS), row
        assert bool(row["scale"]) == bool(row["positive"]), row


# ── held against an order ────────────────────────────────────────────────────────────────────────────────────

RULES = shipped_library("markers")
BY_ID = {loaded.rule.id: loaded.rule for loaded in RULES.rules}


def verdict(rule: str, given_: dict[str, object]) -> str:
    return judge_alone(BY_ID[f"markers/{rule}"], request_of(given_, RULES), RULES).verdict


def result(marker: str, text: str, age: str = "5 d") -> dict[str, object]:
    return {"markers": [marker], "result": text, "age": age}


def drugs(name: str, age: str) -> dict[str, object]:
    return {"kind": "drugs", "drugs": [{"name": name}], "status": "completed", "age": age}


def test_a_tumour_that_is_not_known_settles_nothing() -> None:
    """Cetuximab needs no marker in the head and neck: without the diagnosis the mutation can't exclude it."""
    given_ = {"order": ["西妥昔单抗"], "markers": [result("KRAS", "G12D突变")], "diagnoses": None}
    assert verdict("marker-excludes-drug", given_) == "unknown"
    assert verdict("marker-excludes-drug", {**given_, "diagnoses": [], "tumour": "colorectal"}) == "unmet"


def test_when_treatment_is_not_known_the_results_must_agree() -> None:
    two = [result("BCR-ABL1", "阳性", "5 d"), result("BCR-ABL1", "阴性", "50 d")]
    given_ = {"tumour": "leukaemia", "order": ["伊马替尼"], "markers": two}
    assert verdict("result-does-not-fit-drug", {**given_, "treatments": None}) == "unknown"
    assert verdict("result-does-not-fit-drug", given_) == "met"
    begun_between = {**given_, "treatments": [drugs("伊马替尼", "20 d")]}
    assert verdict("result-does-not-fit-drug", begun_between) == "unmet"


def test_an_earlier_drug_known_by_its_regimen() -> None:
    given_ = {"tumour": "lung", "order": ["奥希替尼"], "markers": [result("EGFR", "L858R", "400 d")]}
    regimen = {"kind": "drugs", "status": "completed", "age": "390 d"}
    for named, expected in (
        ("吉非替尼单药", "unmet"),
        ("培美曲塞+卡铂", "not_applicable"),
        ("方案A", "unknown"),
    ):
        given_["treatments"] = [{**regimen, "regimen": named}]
        assert verdict("acquired-resistance-not-retested", given_) == expected, named


def undated(entry: dict[str, object]) -> dict[str, object]:
    return {**{key: value for key, value in entry.items() if key != "age"}, "effective": None}


def test_a_result_without_a_time_may_be_the_newest() -> None:
    wild, mutant = result("KRAS", "野生型", "2 d"), result("KRAS", "G12V突变", "60 d")
    given_ = {"tumour": "colorectal", "order": ["西妥昔单抗"], "markers": [wild, undated(mutant)]}
    assert verdict("marker-excludes-drug", given_) == "unknown"
    earlier = {"kind": "drugs", "drugs": [{"name": "吉非替尼"}], "status": "completed", "age": "390 d"}
    lung = {"tumour": "lung", "order": ["奥希替尼"], "treatments": [earlier]}
    tested = {**lung, "markers": [undated(result("EGFR", "T790M阳性", "5 d"))]}
    assert verdict("acquired-resistance-not-retested", tested) == "unknown"
    old = {**lung, "markers": [result("EGFR", "L858R", "400 d")]}
    assert verdict("result-outdated", old) == "unmet"
    assert verdict("result-outdated", {**lung, "markers": [undated(old["markers"][0])]}) == "unknown"
    both = {**lung, "markers": [result("EGFR", "T790M阳性", "5 d"), undated(old["markers"][0])]}
    assert verdict("result-outdated", both) == "not_applicable"


def test_both_drugs_of_an_order_are_judged() -> None:
    given_ = {
        "tumour": "lung",
        "order": ["奥希替尼", "赛沃替尼"],
        "markers": [result("EGFR", "L858R"), result("MET", "扩增")],
    }
    assert verdict("result-does-not-fit-drug", given_) == "met"
    given_["markers"] = [result("EGFR", "L858R"), result("MET", "阴性")]
    assert verdict("result-does-not-fit-drug", given_) == "unmet"


def test_a_result_of_another_tumour_does_not_count() -> None:
    mine = {"tumour": "lung", "diagnoses": [{"id": "colon", "code": "C18.7"}]}
    order = {"drugs": [{"name": "奥希替尼"}], "focus": "lung"}
    other = {**result("EGFR", "L858R"), "focus": "colon"}
    assert (
        verdict("result-does-not-fit-drug", {**mine, "order": order, "markers": [other]}) == "not_applicable"
    )
    assert (
        verdict("result-does-not-fit-drug", {**mine, "order": order, "markers": [{**other, "focus": "lung"}]})
        == "met"
    )
