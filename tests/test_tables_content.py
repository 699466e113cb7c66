"""The shipped tables agree with one another and with the collected facts they were made from."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from oncogate.clinical.names import drug_keys, exam_ids, name_key
from oncogate.clinical.units import canonical_unit
from oncogate.model.facts import Vocabulary, word_key

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "rules" / "tables"
SHARED = ROOT.parent / "shared" / "clinical" / "tables"

COLUMNS = {
    "drugs": "id,atc,en,zh,aliases,class,myelosuppressive,source,verification",
    "atc-classes": "prefix,class,myelosuppressive,source,verification",
    "drug-markers": "drug,tumours,markers,polarity,fits,context,retest_after,retest_fits,needs,required,source,verification,note",
    "markers": "id,en,zh,loinc,aliases,scale,positive,negative,changes,source,verification",
    "exams": "id,zh,en,satisfies,codes,names,source,verification",
    "regimens": "id,zh,aliases,tumours,fn_category,components,interval_days,source,verification,note",
    "laboratory-codes": "fact,system,code,en,zh,source,verification,note",
    "start-limits": "drug,anc,platelets,bilirubin_uln,crcl,cell,source,verification",
    "cumulative-limits": "drug,limit,reduced_limit,reduced_when,unit,factor,factor_low,factor_high,source,verification,note",
    "first-line": "tumour,regimen,source,verification",
}
CLASSES = {"cytotoxic", "targeted", "immunotherapy", "endocrine", "gcsf", "companion", "antitumour"}
SYSTEMS = {"tnm", "figo", "lugano", "cnlc", "bclc", "valg", "binet", "rai", "iss", "durie-salmon"}


@cache
def table(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, strict=True))


@cache
def tumours() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((TABLES / "tumours.yaml").read_text(encoding="utf-8"))
    return loaded


@cache
def groups() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((TABLES / "drug-groups.yaml").read_text(encoding="utf-8"))
    return loaded


def cells(text: str) -> list[str]:
    return [part for part in text.split(";") if part]


def ids(name: str, column: str = "id") -> set[str]:
    return {row[column] for row in table(name)}


def drug_names(row: dict[str, str]) -> list[str]:
    return [name for name in (row["id"], row["en"], row["zh"], *cells(row["aliases"])) if name]


@cache
def drug_index() -> dict[str, set[str]]:
    index: dict[str, set[str]] = defaultdict(set)
    for row in table("drugs"):
        for name in drug_names(row):
            for key in drug_keys(name):
                index[key].add(row["id"])
    return index


@cache
def names_index() -> dict[str, str]:
    """Each name of the table as it stands, the way the engine asks it."""
    names = ((row, name) for row in table("drugs") for name in drug_names(row))
    return {drug_keys(name)[0]: row["id"] for row, name in names}


def look_up(name: str) -> str | None:
    """The drug of a name: the most specific key that the table has."""
    return next((names_index()[key] for key in drug_keys(name) if key in names_index()), None)


def atc_class(code: str) -> str | None:
    for row in table("drugs"):
        if code == row["atc"]:
            return row["class"]
    fitting = [row for row in table("atc-classes") if code.startswith(row["prefix"])]
    return max(fitting, key=lambda row: len(row["prefix"]))["class"] if fitting else None


def shared(name: str) -> list[dict[str, str]]:
    path = SHARED / f"{name}.tsv"
    if not path.exists():
        pytest.skip(f"the collected facts ({path}) are not here")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


# ── each table by itself ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_and_provenance(name: str) -> None:
    with (TABLES / f"{name}.csv").open(encoding="utf-8") as lines:
        assert lines.readline().strip() == COLUMNS[name]
    for row in table(name):
        assert None not in row.values(), row
        assert set(row) == set(COLUMNS[name].split(",")), row
        assert row["source"], row
        assert row["verification"] in {"sourced", "general_knowledge"}, row
        assert all(value == value.strip() and "\n" not in value for value in row.values()), row


@pytest.mark.parametrize(
    ("name", "column"),
    [
        *(("drugs", "id"), ("atc-classes", "prefix"), ("markers", "id"), ("exams", "id"), ("regimens", "id")),
        *(("start-limits", "drug"), ("cumulative-limits", "drug")),
    ],
)
def test_ids_are_unique(name: str, column: str) -> None:
    assert [i for i, n in Counter(row[column] for row in table(name)).items() if n > 1] == []


def test_no_list_cell_has_an_empty_or_repeated_item() -> None:
    for name, columns in {
        "drugs": ("aliases",),
        "markers": ("aliases", "loinc"),
        "exams": ("names", "codes", "satisfies"),
        "regimens": ("aliases", "tumours", "components"),
        "drug-markers": ("tumours", "markers", "fits", "context", "retest_after", "retest_fits"),
    }.items():
        for row in table(name):
            for column in columns:
                items = row[column].split(";") if row[column] else []
                assert all(item == item.strip() != "" for item in items), (name, row)
                assert len(items) == len(set(items)), (name, row)


def test_first_line_is_left_to_the_site() -> None:
    assert table("first-line") == []


# ── drugs ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_drug_rows() -> None:
    for row in table("drugs"):
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", row["id"]), row
        assert row["class"] in CLASSES, row
        assert row["myelosuppressive"] in {"yes", "no", ""}, row
        assert row["myelosuppressive"] == "yes" or row["class"] != "cytotoxic", row
        assert row["myelosuppressive"] != "" or row["class"] == "antitumour", row
        assert re.fullmatch(r"(?:[A-Z]\d\d[A-Z]{2}\d\d)?", row["atc"]), row


# An oral form's name less its form is the infusion's; the whole name, asked first, tells them apart.
ORAL_FORMS = [{"azacitidine", "azacitidine-oral"}, {"paclitaxel", "paclitaxel-oral"}]


def test_no_name_means_two_drugs() -> None:
    shared_keys = {key: found for key, found in drug_index().items() if len(found) > 1}
    assert {key: sorted(found) for key, found in shared_keys.items() if found not in ORAL_FORMS} == {}


def test_every_name_finds_its_own_drug() -> None:
    for row in table("drugs"):
        for name in drug_names(row):
            assert look_up(name) == row["id"], name


@pytest.mark.parametrize(
    ("code", "plain"),
    [
        ("L01CD01", "paclitaxel"),
        ("L01DB01", "doxorubicin"),
        ("L01CE02", "irinotecan"),
        ("A04AD12", "aprepitant"),
    ],
)
def test_the_plain_drug_stands_first_for_a_shared_code(code: str, plain: str) -> None:
    assert next(row["id"] for row in table("drugs") if code == row["atc"]) == plain


@pytest.mark.parametrize(
    ("name", "drug"),
    [
        ("注射用紫杉醇(白蛋白结合型)", "nab-paclitaxel"),
        ("注射用紫杉醇（白蛋白结合型）100mg", "nab-paclitaxel"),
        ("紫杉醇注射液30mg", "paclitaxel"),
        ("注射用紫杉醇脂质体", "paclitaxel-liposome"),
        ("注射用紫杉醇聚合物胶束", "paclitaxel-micelle"),
        ("paclitaxel (albumin-bound) 100 mg", "nab-paclitaxel"),
        ("S-1片", "tegafur-combinations"),
        ("trastuzumab-dkst", "trastuzumab"),
        ("fam-trastuzumab deruxtecan-nxki", "trastuzumab-deruxtecan"),
        ("盐酸多柔比星脂质体注射液", "peg-liposomal-doxorubicin"),
        ("注射用盐酸多柔比星", "doxorubicin"),
        ("盐酸伊立替康脂质体注射液(Ⅱ)", "irinotecan-liposome"),
        ("瑞普替尼胶囊", "repotrectinib"),
        ("瑞派替尼片", "ripretinib"),
        ("曲妥珠单抗", "trastuzumab"),
        ("注射用恩美曲妥珠单抗", "trastuzumab-emtansine"),
        ("注射用德曲妥珠单抗", "trastuzumab-deruxtecan"),
        ("注射用瑞康曲妥珠单抗", "trastuzumab-rezetecan"),
        ("帕妥珠曲妥珠单抗注射液(皮下注射)", "pertuzumab-and-trastuzumab"),
        ("帕妥珠单抗注射液", "pertuzumab"),
        ("甲磺酸阿帕替尼片", "rivoceranib"),
        ("阿帕他胺片", "apalutamide"),
        ("磷酸索立德吉胶囊", "sonidegib"),
        ("索凡替尼胶囊", "surufatinib"),
        ("甲苯磺酸索拉非尼片", "sorafenib"),
        ("甲磺酸奥希替尼片", "osimertinib"),
        ("奥希替尼片(泰瑞沙)80mg*30片", "osimertinib"),
        ("重组人粒细胞刺激因子注射液", "filgrastim"),
        ("聚乙二醇化重组人粒细胞刺激因子注射液", "pegfilgrastim"),
        ("0.9%氯化钠注射液 250ml", "sodium-chloride"),
        ("5%葡萄糖注射液", "glucose"),
        ("替吉奥胶囊(20mg)", "tegafur-combinations"),
        ("S-1", "tegafur-combinations"),
        ("注射用亚叶酸钙", "calcium-folinate"),
        ("左亚叶酸钙", "levoleucovorin"),
        ("叶酸片", "folic-acid"),
        ("维A酸片", "tretinoin"),
        ("亚砷酸氯化钠注射液", None),
        ("奥\u200b希\u200b替尼片", "osimertinib"),
        ("1 ML DOCEtaxel 20 MG/ML Injection", "docetaxel"),
        ("0.25 ML Leuprolide Acetate 30 MG/ML Prefilled Syringe", "leuprorelin"),
        ("CISplatin 50 MG per 50 ML Injectable Solution", "cisplatin"),
        ("doxorubicin hydrochloride 20 MG per 10 ML Injection", "doxorubicin"),
        ("Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet", "amoxicillin-clavulanate"),
        ("多西他赛配套输液器", None),
        ("多西他赛(配套输液器)", None),
        ("吉非替尼类似物", None),
        ("吉非替尼(类似物)", None),
        ("安慰剂(吉非替尼)", None),
        ("升白针", None),
        ("试验药物X-77", None),
        ("", None),
    ],
)
def test_names_as_hospitals_write_them(name: str, drug: str | None) -> None:
    assert look_up(name) == drug


def test_every_code_of_the_collected_list_is_found() -> None:
    for row in shared("atc_oncology"):
        code = row["atc"]
        assert atc_class(code), code
        if len(code) == 7:
            assert any(code == drug["atc"] for drug in table("drugs")), code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("L01CD02", "cytotoxic"),
        ("L01XA99", "cytotoxic"),
        ("L01XX99", "antitumour"),
        ("L01XX41", "cytotoxic"),
        ("L01EB04", "targeted"),
        ("L01FF99", "immunotherapy"),
        ("L01FD99", "targeted"),
        ("L01XC03", "targeted"),
        ("L01XE01", "targeted"),
        ("L02BG04", "endocrine"),
        ("L03AA13", "gcsf"),
        ("L03AA09", "companion"),
        ("L04AX04", "targeted"),
        ("L04AD01", "other"),
        ("V03AF03", "companion"),
        ("C09AA05", "other"),
        ("Q01AA01", None),
    ],
)
def test_the_longest_prefix_wins(code: str, expected: str | None) -> None:
    assert atc_class(code) == expected


# ── groups of drugs ────────────────────────────────────────────────────────────────────────────────────────


def members(group: str) -> list[str]:
    """The drugs of a group: those named, then those of its ATC classes, as often as they stand there."""
    row = groups()[group]
    by_class = [
        d["id"] for prefix in row.get("atc", ()) for d in table("drugs") if d["atc"].startswith(prefix)
    ]
    return [*row.get("drugs", ()), *by_class]


def test_drug_group_rows() -> None:
    for group, row in groups().items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", group), group
        assert group not in CLASSES | {"anti_tumour", "myelosuppressive"} | ids("drugs"), group
        assert set(row) <= {"label", "drugs", "atc", "source", "verification"}, group
        assert set(row["label"]) == {"zh", "en"}, group
        assert row["source"], group
        assert row["verification"] in {"sourced", "general_knowledge"}, group
        assert all(re.fullmatch(r"[A-Z]\d\d[A-Z]{0,2}(?:\d\d)?", code) for code in row.get("atc", ())), group
        for prefix in row.get("atc", ()):
            assert any(drug["atc"].startswith(prefix) for drug in table("drugs")), (group, prefix)


def test_every_member_of_a_group_is_a_drug_and_stands_there_once() -> None:
    for group in groups():
        found = members(group)
        assert found, group
        assert set(found) <= ids("drugs"), (group, sorted(set(found) - ids("drugs")))
        assert [drug for drug, n in Counter(found).items() if n > 1] == [], group


@pytest.mark.parametrize(
    ("group", "inside", "outside"),
    [
        ("anti_cd20", "利妥昔单抗 奥妥珠单抗 瑞帕妥单抗 泽贝妥单抗", "西妥昔单抗 维布妥昔单抗"),
        (
            "anti_her2",
            "曲妥珠单抗 帕妥珠单抗 恩美曲妥珠单抗 德曲妥珠单抗 维迪西妥单抗 伊尼妥单抗",
            "吡咯替尼",
        ),
        ("anthracycline", "多柔比星 多柔比星脂质体 表柔比星 柔红霉素 伊达比星 吡柔比星 米托蒽醌", "博来霉素"),
        ("vinca", "长春新碱 长春碱 长春地辛 长春瑞滨", "依托泊苷"),
        ("taxane", "紫杉醇 白蛋白紫杉醇 紫杉醇脂质体 多西他赛 卡巴他赛", "艾立布林"),
        ("platinum", "顺铂 卡铂 奥沙利铂 奈达铂 洛铂", "环磷酰胺"),
        ("fluoropyrimidine", "氟尿嘧啶 卡培他滨 替吉奥 替加氟", "曲氟尿苷替匹嘧啶 吉西他滨"),
        ("checkpoint_inhibitor", "帕博利珠单抗 信迪利单抗 伊匹木单抗 卡度尼利单抗 依沃西单抗", "贝伐珠单抗"),
        ("anti_vegf_antibody", "贝伐珠单抗 雷莫西尤单抗 依沃西单抗", "安罗替尼"),
        (
            "peg_gcsf",
            "聚乙二醇化重组人粒细胞刺激因子 硫培非格司亭 拓培非格司亭 艾贝格司亭",
            "重组人粒细胞刺激因子",
        ),
        ("short_gcsf", "重组人粒细胞刺激因子", "培非格司亭 沙格司亭"),
        ("nk1_antagonist", "阿瑞匹坦 福沙匹坦 奈妥匹坦帕洛诺司琼", "昂丹司琼"),
        ("five_ht3_antagonist", "昂丹司琼 帕洛诺司琼 奈妥匹坦帕洛诺司琼 阿扎司琼", "阿瑞匹坦"),
        ("glucocorticoid", "地塞米松 甲泼尼龙 倍他米松", "苯海拉明"),
        ("hbv_antiviral", "恩替卡韦 富马酸替诺福韦二吡呋酯片 丙酚替诺福韦", "阿昔洛韦"),
        ("bone_modifying", "唑来膦酸 地舒单抗 帕米膦酸二钠 伊班膦酸钠 因卡膦酸二钠", "葡萄糖酸钙"),
        ("nsaid", "布洛芬 双氯芬酸钠 塞来昔布", "对乙酰氨基酚 阿司匹林"),
        ("cremophor_excipient", "紫杉醇 替尼泊苷", "白蛋白紫杉醇 多西他赛"),
        ("polysorbate80_excipient", "多西他赛", "紫杉醇 白蛋白紫杉醇"),
        ("g6pd_risk", "拉布立海 亚甲蓝", "别嘌醇"),
        ("live_vaccine", "水痘减毒活疫苗 皮内注射用卡介苗", "卡介苗"),
        ("vitamin_b12", "维生素B12 甲钴胺", "叶酸"),
    ],
)
def test_who_is_in_a_group_and_who_is_not(group: str, inside: str, outside: str) -> None:
    found = set(members(group))
    assert {name: look_up(name) in found for name in inside.split()} == dict.fromkeys(inside.split(), True)
    assert all(look_up(name) is not None and look_up(name) not in found for name in outside.split()), outside


# ── facts ──────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def facts() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "rules" / "facts.yaml").read_text(encoding="utf-8"))[
        "facts"
    ]
    return loaded


def test_a_code_that_was_not_collected_is_marked_as_general_knowledge() -> None:
    collected = {row["loinc"]: row for row in shared("loinc")}
    for row in table("laboratory-codes"):
        known = collected.get(row["code"])
        assert row["system"] == "http://loinc.org"
        assert (row["verification"] == "sourced") == (
            known is not None and known["verification"].startswith("verified")
        ), row
        assert known is None or (row["en"], row["zh"]) == (known["name"], known["zh"]), row


def test_a_code_means_one_fact_and_no_percentage_is_a_count() -> None:
    means = {row["code"]: row["fact"] for row in table("laboratory-codes")}
    assert len(means) == len(table("laboratory-codes"))
    percentages = ("770-8", "26511-6", "23761-0", "752-6", "768-2", "30451-9", "8634-8")
    assert [means[code] for code in percentages] == [""] * len(percentages)
    declared = {name for name in facts() if name.startswith(("lab.", "vital."))}
    assert {fact for fact in means.values() if fact} == {n for n in declared if "derive" not in facts()[n]}


def test_facts_are_measured_in_the_unit_of_their_measure_and_say_where_they_come_from() -> None:
    for name, fact in facts().items():
        if not name.startswith(("lab.", "vital.")) or "derive" in fact:
            continue
        assert fact["source"], name
        if "measured" in fact:
            measured = fact["measured"]
            assert measured["unit"] == canonical_unit(measured["measure"]), name
            low, high = measured["plausible"]
            assert low <= measured["typical"] <= high, name


def test_a_spelling_of_a_coded_result_means_one_value() -> None:
    for name, fact in facts().items():
        vocabulary = fact.get("vocabulary", {})
        words = [(word_key(value), value) for value in vocabulary.get("values", ())]
        words += [(word_key(w), v) for v, listed in vocabulary.get("spellings", {}).items() for w in listed]
        assert all(type(word) is str and word for word, _ in words), name
        assert [word for word, n in Counter(word for word, _ in words).items() if n > 1] == [], name


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("lab.hbsag", "阳性（＋）", "positive"),
        ("lab.hbsag", " 弱阳性 ", "positive"),
        ("lab.hbsag", "阴性(-)", "negative"),
        ("lab.hbsag", "Non-Reactive", "negative"),
        ("lab.hbsag", "NOT DETECTED", "negative"),
        ("lab.hbsag", "Positive", "positive"),
        ("lab.hbsag", "-", None),
        ("lab.hbsag", "可疑", None),
        ("lab.hbsag", "非阳性", None),
        ("lab.anti_hbc", "Reactive", "positive"),
        ("lab.pregnancy_test", "阴性", "negative"),
        ("lab.pregnancy_test", "（+）", "positive"),
        ("lab.urine_protein", "＋＋", "2+"),
        ("lab.urine_protein", "阳性（1+）", "1+"),
        ("lab.urine_protein", "±", "trace"),
        ("lab.urine_protein", "+++", "3+"),
        ("lab.urine_protein", "阳性", None),
    ],
)
def test_coded_results_as_laboratories_write_them(name: str, said: str, expected: str | None) -> None:
    assert Vocabulary.model_validate(facts()[name]["vocabulary"]).value_of(said) == expected


# ── markers ────────────────────────────────────────────────────────────────────────────────────────────────


def test_drug_marker_rows() -> None:
    polarities = {"positive", "negative", "wildtype", "level", "tested", "branch", "none"}
    for row in table("drug-markers"):
        assert row["drug"] in ids("drugs"), row
        assert set(cells(row["tumours"])) <= set(tumours()["tumours"]), row
        assert set(cells(row["markers"])) <= ids("markers"), row
        assert row["polarity"] in polarities, row
        assert row["needs"] in {"yes", "no"}, row
        assert row["needs"] == "no" or row["markers"], row
        assert row["polarity"] != "none" or (row["needs"] == "no" and not row["markers"]), row


def test_every_collected_drug_marker_row_is_found() -> None:
    by_name = {row["en"]: row for row in table("drugs")}
    kept = {(row["drug"], row["required"], row["source"]) for row in table("drug-markers")}
    for row in shared("drug_markers"):
        drug = by_name[row["inn"]]
        code = row["atc(WHO 2026-04-25)"]
        forms = [form for form in table("drugs") if f"{form['id']}-".startswith(f"{drug['id']}-")]
        assert code in {"-", *(form["atc"] for form in forms)}, row
        assert (drug["id"], row["required_marker"], row["source"]) in kept, row
        for name in re.sub(r"\([^)]*\)", "", row["zh"]).split("/"):
            assert look_up(name) == drug["id"], name


def test_the_codes_of_markers_were_collected() -> None:
    known = {row["loinc"] for row in shared("loinc")}
    for row in table("markers"):
        assert set(cells(row["loinc"])) <= known, row


def test_a_marker_alias_means_two_markers_only_where_it_names_two() -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for row in table("markers"):
        for name in (row["id"], row["en"], row["zh"], *cells(row["aliases"])):
            names[name_key(name)].add(row["id"])
    pairs = {frozenset(found) for found in names.values() if len(found) > 1}
    assert pairs == {
        frozenset({"KRAS", "NRAS"}),
        frozenset({"ER", "PR"}),
        frozenset({"BRCA1", "BRCA2"}),
        frozenset({"IDH1", "IDH2"}),
        frozenset({"FGFR2", "FGFR3"}),
    }


# ── tumours ────────────────────────────────────────────────────────────────────────────────────────────────


def leaves(tree: Any) -> set[str]:
    if isinstance(tree, str):
        return {tree}
    assert isinstance(tree, dict)
    assert len(tree) == 1, tree
    assert set(tree) <= {"all", "any"}, tree
    (branches,) = tree.values()
    assert isinstance(branches, list)
    assert branches, tree
    return set().union(*(leaves(branch) for branch in branches))


def test_tumour_rows() -> None:
    for tumour, row in tumours()["tumours"].items():
        assert {"zh", "en", "icd10", "in_situ", "stage_systems", "snomed"} <= set(row), tumour
        assert {"source", "verification"} <= set(row), tumour
        assert set(row["stage_systems"]) <= SYSTEMS, tumour
        assert row["stage_systems"] or row["stage_required"] is False, tumour
        assert ("sample_stage" in row) == bool(row["stage_systems"]), tumour
        assert all(re.fullmatch(r"C\d\d(?:\.\d)?", code) for code in row["icd10"]), tumour
        assert all(re.fullmatch(r"D0\d(?:\.\d)?", code) for code in row["in_situ"]), tumour
        assert all(isinstance(code, str) and code.isdigit() for code in row["snomed"]), tumour
        trees = [row["work_up"], *row.get("work_up_by_code", {}).values()] if "work_up" in row else []
        for tree in trees:
            assert leaves(tree) <= ids("exams"), tumour
        if trees:
            assert row["work_up_source"] == ("sourced" if tumour == "breast" else "general_knowledge"), tumour
        for code in row.get("work_up_by_code", {}):
            assert code in row["icd10"], tumour


def test_editions_and_categories_say_where_they_are_from() -> None:
    for tumour, row in tumours()["tumours"].items():
        editions = row.get("editions", [])
        categories = [row["categories"]] if "categories" in row else []
        for entry in (*editions, *categories):
            assert entry["source"], tumour
            assert entry["verification"] == "general_knowledge", tumour
        assert {entry["system"] for entry in editions} <= set(row["stage_systems"]), tumour
        names = [(entry["system"], entry["edition"]) for entry in editions]
        assert len(names) == len(set(names)), tumour
        # TNM is dated wherever it stages; what has value sets is staged by TNM
        assert ("tnm" in row["stage_systems"]) == any(system == "tnm" for system, _ in names), tumour
        for sets in categories:
            assert "tnm" in row["stage_systems"], tumour
            for letter in "tnm":
                assert len(sets[letter]) == len(set(map(str, sets[letter]))), tumour


def test_a_code_belongs_to_one_tumour() -> None:
    everything = tumours()
    codes = [code for row in everything["tumours"].values() for code in row["icd10"]]
    others = ("secondary", "unknown_primary", "multiple_primary")
    codes += [code for key in others for code in everything[key]]
    assert [code for code, n in Counter(codes).items() if n > 1] == []


def test_every_collected_tumour_is_found() -> None:
    everything = tumours()
    rows = shared("icd10")
    assert {row["tumour"] for row in rows} == set(everything["tumours"]) | {
        "secondary",
        "unknown_primary",
        "multiple_primary",
    }
    # head_neck's own range holds nasopharynx (C11) and larynx (C32), which have rows of their own.
    for row in rows:
        if row["tumour"] == "head_neck":
            continue
        entry = everything["tumours"].get(row["tumour"])
        codes = entry["icd10"] if entry else everything[row["tumour"]]
        first = re.match(r"C\d\d", row["ICD-10"])
        assert first
        assert first[0] in codes, row


# ── regimens, limits, examinations ─────────────────────────────────────────────────────────────────────────


def test_regimen_rows() -> None:
    for row in table("regimens"):
        assert row["fn_category"] in {"high", "intermediate", "low"}, row
        assert row["components"], row
        assert set(cells(row["components"])) <= ids("drugs"), row
        assert set(cells(row["tumours"])) <= set(tumours()["tumours"]), row
        assert row["interval_days"] in {"", "7", "14", "21"}, row


def test_a_regimen_alias_means_one_regimen() -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for row in table("regimens"):
        for name in (row["id"], *cells(row["aliases"])):
            names[name_key(name)].add(row["id"])
    assert {name: found for name, found in names.items() if len(found) > 1} == {}


def test_every_collected_regimen_is_found() -> None:
    rows = {row["id"]: row for row in table("regimens")}
    drugs = {row["id"]: row for row in table("drugs")}
    collected = shared("fn_regimens")
    assert len(collected) == len(rows)
    for row in collected:
        ours = rows[row["regimen_id"]]
        assert (ours["zh"], ours["fn_category"]) == (row["zh"], row["fn_category"])
        codes = [drugs[drug]["atc"] for drug in cells(ours["components"])]
        wanted = re.findall(r"\[(\w+)\]", row["components[ATC]"])
        assert set(wanted) <= set(codes), row
        assert len(codes) == len(wanted) + (row["regimen_id"] == "CFAR"), row


def test_every_collected_start_limit_is_found() -> None:
    rows = {row["drug"]: row for row in table("start-limits")}
    drugs = {row["id"]: row for row in table("drugs")}
    collected = shared("start_cycle_thresholds")
    assert len(collected) == len(rows)
    for drug, row in rows.items():
        source = next(c for c in collected if look_up(c["drug"].split(" (")[0]) == drug)
        assert drugs[drug]["atc"] == source["atc"]
        assert row["cell"] == source["ANC_min(10^9/L)"]
        for ours, cell in (
            (row["anc"], source["ANC_min(10^9/L)"]),
            (row["platelets"], source["PLT_min(10^9/L)"]),
        ):
            first = re.match(r"[\d.]+", cell)
            assert ours == (first[0] if first else ""), row
        clearance = re.search(r"CrCl>=(\d+)", source["other"])
        assert row["crcl"] == (clearance[1] if clearance else ""), row
        assert row["bilirubin_uln"] == ("1" if "bilirubin<=ULN" in source["other"] else ""), row


def test_every_collected_lifetime_limit_is_found() -> None:
    path = SHARED.parent / "06_safety_checks.md"
    if not path.exists():
        pytest.skip(f"the collected facts ({path}) are not here")
    lines = path.read_text(encoding="utf-8").splitlines()
    said = {line[2:5]: line for line in lines if re.match(r"\| S\d\d ", line)}
    rows = {row["drug"]: row for row in table("cumulative-limits")}

    def found(key: str, pattern: str) -> tuple[str, ...]:
        match = re.search(pattern, said[key])
        assert match, pattern
        return match.groups()

    def numbers(drug: str, *columns: str) -> tuple[str, ...]:
        return tuple(rows[drug][column] for column in columns)

    limits = ("limit", "reduced_limit")
    assert numbers("doxorubicin", *limits) == found(
        "S08", r"doxorubicin ≤(\d+) mg/m² \(≤(\d+) with cardiotoxic"
    )
    assert numbers("epirubicin", "limit") == found("S08", r"epirubicin (\d+)")
    assert numbers("daunorubicin", *limits) == found("S08", r"daunorubicin (\d+) \((\d+) RT")
    assert numbers("idarubicin", "limit") == found("S08", r"idarubicin (\d+) IV")
    assert numbers("mitoxantrone", "limit") == found("S08", r"mitoxantrone (\d+)")
    assert numbers("peg-liposomal-doxorubicin", "limit") == found("S08", r"liposomal (\d+)")
    assert numbers("bleomycin", "limit") == found("S10", r"≤(\d+) units")
    span = ("factor_low", "factor_high")
    assert numbers("epirubicin", *span) == found("S08", r"([\d.]+)–([\d.]+) epi")
    assert numbers("mitoxantrone", *span) == found("S08", r"([\d.]+)–([\d.]+) mitox")
    assert numbers("idarubicin", "factor") == found("S08", r"(\d+) ida")
    assert set(rows) == {
        *("doxorubicin", "epirubicin", "daunorubicin", "idarubicin", "mitoxantrone"),
        *("peg-liposomal-doxorubicin", "bleomycin"),
    }


def test_cumulative_limit_rows() -> None:
    for row in table("cumulative-limits"):
        assert row["drug"] in ids("drugs"), row
        assert row["unit"] in {"mg/m2", "U"}, row
        assert bool(row["reduced_limit"]) == bool(row["reduced_when"]), row
        assert set(cells(row["reduced_when"])) <= {"cardiotoxic_therapy", "mediastinal_radiotherapy"}, row
        limits = [Decimal(row[c]) for c in ("reduced_limit", "limit") if row[c]]
        assert limits == sorted(limits), row
        factors = [row[c] for c in ("factor_low", "factor", "factor_high")]
        assert all(factors) or not any(factors), row
        # of a disputed factor the higher equivalent is taken: it reaches the limit sooner
        assert factors[1] == factors[2], row
        assert Decimal(factors[0] or 0) <= Decimal(factors[2] or 0), row
        assert factors[1] or "factor" in row["note"], row


def test_exam_rows() -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for row in table("exams"):
        assert set(cells(row["satisfies"])) <= ids("exams") - {row["id"]}, row
        assert all(re.fullmatch(r"https?://[^|;]+\|[\w-]+", code) for code in cells(row["codes"])), row
        for name in (row["id"], row["zh"], row["en"], *cells(row["names"])):
            names[name_key(name)].add(row["id"])
    assert {name: found for name, found in names.items() if len(found) > 1} == {}


def test_the_names_of_an_examination_are_read_as_it() -> None:
    """What the table lists by name and what is read from free text never contradict one another."""
    for row in table("exams"):
        for name in (row["id"], row["zh"], row["en"], *cells(row["names"])):
            read = exam_ids(name)
            assert read <= ids("exams"), name
            assert not read or row["id"] in read, (name, sorted(read))
