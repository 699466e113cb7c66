"""Drugs and regimens are found again by the names that hospitals write, and by no part of another name.

What is expected comes from the collected tables; how hospitals decorate a name is general knowledge.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from loaded import shipped_library

from oncogate.authoring.examples import request_of
from oncogate.clinical.names import drug_keys
from oncogate.engine.case import Case, in_classes
from oncogate.engine.judge import judge
from oncogate.model.condition import Drugs, Holds, Leaf
from oncogate.model.record import Drug

LIBRARY = shipped_library()
TABLES = LIBRARY.tables
SHARED = Path(__file__).resolve().parents[2] / "shared" / "clinical" / "tables"
ATC = "http://www.whocc.no/atc"
NHSA = "https://code.nhsa.gov.cn/drug"


def drug(name: str | None = None, code: str | None = None, system: str | None = None) -> str | None:
    known = TABLES.identify(Drug(name=name, code=code, system=system))
    return known.id if known else None


@cache
def shared(name: str) -> list[dict[str, str]]:
    path = SHARED / f"{name}.tsv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the collected facts ({SHARED}) are not here")

# ── every row of the collected tables ──────────────────────────────────────────────────────────────────────

CHINESE = (
    "{}", "{}片", "{}胶囊", "甲磺酸{}片", "盐酸{}胶囊", "马来酸{}片", "注射用{}", "注射用盐酸{}", "{}注射液", "{}注射液 10ml:50mg",
    "{}注射液10ml∶50mg", "{}片80mg", "{}片(商品名) 80mg*30片", "{}片（商品名）80ｍｇ×30片/盒", "{}片80mg×7片×2板/盒",
    "{}胶囊(Ⅱ)", "[商品名]{}片", "【集采】{}胶囊", "(国家集采){}片", "集采-{}片", "{}片【批号20260101】", "{}片/批号20260101",
    "{}片 批号:A2026-01 效期2027-12-31", "{}片 国药准字H20123456", "{}(进口)", "{}(国产)", "进口{}片", "{}片-国产", "{} 自费",
    "{}片自费", "{}片[乙类]", "(甲){}片", "自备{}片", "{}片(患者自备)", "△{}", "▲{}片", "*{}", "★注射用{}", "※{}", "国谈-{}片",
    "{}片(双通道)", "{}注射液(高警示)", "{}注射液 某某制药", "{}片-江苏某某医药", "{}片 规格:80mg*30片", "  {}　片 ", "{}片0.25g/片",
)  # fmt: skip
ENGLISH = (
    "{}", "{} tablets", "{} mesylate tablets 80 mg", "{} hydrochloride", "{} 10 MG/ML Injection", "Inj. {} 80mg", "{} [Brand]",
    "{} for injection, 100 mg (Brand)", "{} concentrate for solution for infusion", "*{}", "{} lot AB1234",
)  # fmt: skip


def marker_rows() -> list[tuple[str, str, str]]:
    """Chinese and English name of each row, and the drug that it must find: the one with this INN."""
    ids = {known.label.en: known.id for known in TABLES.drugs.values()}
    return sorted(
        {
            (zh, row["inn"], ids[row["inn"]])
            for row in shared("drug_markers")
            for zh in re.sub(r"\([^)]*\)", "", row["zh"]).split("/")
        }
    )


def components() -> list[tuple[str, str]]:
    """English name of each regimen component, and its drug: by name, else the first of its ATC code."""
    named = {known.label.en: known for known in TABLES.drugs.values()}
    found = set()
    for row in shared("fn_regimens"):
        for name, code in re.findall(r"([^+\[]+)\[(\w+)\]", row["components[ATC]"]):
            known = named.get(name.strip()) or TABLES.by_atc[code]
            assert known.atc == code, row
            found.add((name.strip(), known.id))
    return sorted(found)


@needs_shared
def test_the_collected_tables_were_read() -> None:
    assert len(shared("drug_markers")) == 174
    assert len(shared("fn_regimens")) == 109
    assert len({id for *_, id in marker_rows()}) > 140
    assert len(components()) > 35


@pytest.mark.parametrize("written", CHINESE)
def test_every_drug_of_the_marker_table_by_a_chinese_hospital_name(written: str) -> None:
    wrong = [(zh, drug(written.format(zh))) for zh, _, id in marker_rows() if drug(written.format(zh)) != id]
    assert wrong == []


@pytest.mark.parametrize("written", ENGLISH)
def test_every_drug_of_the_marker_table_by_an_english_hospital_name(written: str) -> None:
    wrong = [(en, drug(written.format(en))) for _, en, id in marker_rows() if drug(written.format(en)) != id]
    assert wrong == []


@needs_shared
def test_the_marker_table_s_own_spelling_and_both_names_together() -> None:
    for zh, en, id in marker_rows():
        assert drug(f"{zh}片 {en.title()} Tablets") == id, zh
        assert drug(f"{zh}({en})") == id, zh
    assert drug("维A酸(ATRA)") == "tretinoin"
    assert drug("三氧化二砷(亚砷酸)") == "arsenic-trioxide"
    assert drug("帕妥珠曲妥珠单抗(皮下)") == "pertuzumab-and-trastuzumab"


@pytest.mark.parametrize("written", ENGLISH)
def test_every_regimen_component_by_an_english_hospital_name(written: str) -> None:
    wrong = [(en, drug(written.format(en))) for en, id in components() if drug(written.format(en)) != id]
    assert wrong == []


@pytest.mark.parametrize("written", CHINESE)
def test_every_regimen_component_by_a_chinese_hospital_name(written: str) -> None:
    for _, id in components():
        assert drug(written.format(TABLES.drugs[id].label.zh)) == id


# ── every regimen ──────────────────────────────────────────────────────────────────────────────────────────

REGIMENS = {
    "ddMVAC": "剂量密集MVAC方案", "VAI": "VAI方案", "VDC-IE": "VDC/IE交替化疗", "AP-bone": "多柔比星联合顺铂", "VDC": "VDC 第2周期",
    "VIDE": "VIDE方案化疗", "ddAC-T": "AC-T序贯", "TC-breast": "多西他赛+环磷酰胺", "TAC": "TAC 方案（第1周期）", "TCH": "TCbH方案",
    "TCHP": "TCbHP新辅助", "TH-docetaxel": "曲妥珠单抗+多西他赛", "FOLFOXIRI": "FOLFOXIRI C1D1", "TPF": "TPF诱导化疗", "BV-AVD": "A+AVD方案",
    "escBEACOPP": "增强剂量BEACOPP方案", "AG-kidney": "吉西他滨+多柔比星", "BV-CHP": "A+CHP", "DA-R-EPOCH": "R-DA-EPOCH方案", "ICE": "ICE方案",
    "R-ICE": "R-ICE化疗", "R-CHOP-14": "R-CHOP 14方案", "MINE": "MINE", "DHAP": "R-DHAP方案", "ESHAP": "ESHAP方案", "HyperCVAD-A": "Hyper-CVAD A方案",
    "HyperCVAD-B": "Hyper-CVAD（B）方案", "Pola-R-CHP": "Pola-R-CHP方案", "CODOX-M": "CODOX-M", "IVAC": "IVAC方案", "CFAR": "CFAR",
    "DTIC-combo": "达卡巴嗪联合化疗", "DT-PACE": "DT-PACE方案", "VTD-PACE": "VTD-PACE方案", "topotecan-ovary": "拓扑替康单药",
    "docetaxel-ovary": "多西他赛单药", "FOLFIRINOX": "FOLFIRINOX方案", "DCF": "DCF方案", "FLOT": "FLOT 第4周期", "MAID": "MAID方案", "AIM": "多柔比星联合异环磷酰胺",
    "doxorubicin-STS": "盐酸多柔比星单药", "topotecan-SCLC": "拓扑替康方案", "VeIP": "VeIP方案", "VIP": "VIP方案", "TIP": "TIP方案",
    "gem-doc": "多西他赛+吉西他滨", "docetaxel-q21": "多西他赛 每3周", "CMF": "CMF方案", "AC-docetaxel": "AC序贯多西他赛", "paclitaxel-q21": "紫杉醇 q3w",
    "AC-q21": "AC方案 q3w", "EC-q21": "EC 21天方案", "FEC100": "FEC-100方案", "EPac": "紫杉醇+表柔比星", "SG": "注射用戈沙妥珠单抗", "cis-topotecan": "拓扑替康+顺铂",
    "TP-cervix": "TP方案", "irinotecan-cervix": "伊立替康", "FOLFOX": "改良FOLFOX6", "FOLFIRI": "FOLFIRI方案", "CAPOX": "XELOX方案",
    "SOX": "替吉奥胶囊+奥沙利铂", "IP-eso": "IP方案", "ECF": "EOX方案", "TP-eso": "TP(紫杉醇+顺铂)", "GDP": "GDP方案", "CHOP-21": "CHOP q21d",
    "R-CHOP-21": "R-CHOP 21天方案", "bendamustine": "BR方案", "R-GemOx": "GemOx-R", "ABVD": "ABVD方案", "cis-paclitaxel": "紫杉醇联合顺铂",
    "cis-vinorelbine": "NP方案", "cis-docetaxel": "DP方案", "EP-NSCLC": "依托泊苷+顺铂", "carbo-paclitaxel": "TC方案", "docetaxel-NSCLC": "多西他赛",
    "pem-cis": "顺铂+培美曲塞二钠", "pem-carbo": "培美曲塞联合卡铂", "GP": "GP方案 第3周期", "TP-carbo-docetaxel": "多西他赛+卡铂", "cabazitaxel": "卡巴他赛注射液",
    "docetaxel-prostate": "多西他赛 q3w", "EC-SCLC": "CE方案", "EP-SCLC": "顺铂+足叶乙甙", "IP-SCLC": "顺铂+盐酸伊立替康", "lurbinectedin": "注射用芦比替定",
    "BEP": "BEP方案", "EP-testis": "EP方案", "AG-panc": "白蛋白紫杉醇+吉西他滨", "gem-mono": "吉西他滨单药化疗", "cape-mono": "卡培他滨单药", "paclitaxel-weekly": "紫杉醇 每周",
    "docetaxel-weekly": "多西他赛 qw", "TPF-NPC": "TPF诱导", "GP-NPC": "GP诱导化疗", "PF": "PF方案", "TAS-102": "TAS-102", "T-DXd": "注射用德曲妥珠单抗",
    "T-DM1": "T-DM1", "eribulin": "甲磺酸艾立布林注射液", "utidelone": "优替德隆注射液", "temozolomide": "替莫唑胺胶囊", "AVD-HL": "AVD方案", "FCR": "FCR方案",
    "FLAG-IDA": "FLAG-IDA方案", "IA": "IA方案(3+7)", "DA": "DA 3+7方案",
}  # fmt: skip
"""For each regimen of the collected table a name as hospitals write it (general knowledge)."""


@needs_shared
def test_every_collected_regimen_by_a_hospital_name() -> None:
    collected = {row["regimen_id"]: row for row in shared("fn_regimens")}
    assert set(REGIMENS) == set(collected)
    for id, name in REGIMENS.items():
        rows = {row.id: row for row in TABLES.regimens_named(name)}
        assert id in rows, name
        assert rows[id].fn_category == collected[id]["fn_category"]
        written = collected[id]["zh"]
        assert TABLES.same_regimen(name, id), name
        assert TABLES.same_regimen(f"{written}方案", id), written


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("R-CHOP 14方案", "R-CHOP-14"), ("R-CHOP q2w", "R-CHOP-14"), ("RCHOP 每两周", "R-CHOP-14"), ("R-CHOP q21d", "R-CHOP-21"),
        ("mFOLFOX6方案(第1周期)", "FOLFOX"), ("吉西他滨联合注射用紫杉醇(白蛋白结合型)", "AG-panc"), ("TP(多西他赛+顺铂)", "cis-docetaxel"),
        ("紫杉醇周疗", "paclitaxel-weekly"), ("AC→T", "ddAC-T"),
    ],
)  # fmt: skip
def test_regimens_that_are_one(name: str, id: str) -> None:
    assert [row.id for row in TABLES.regimens_named(name)] == [id]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("R-CHOP-14", "R-CHOP-21"), ("R-CHOP", "CHOP"), ("AC", "AC-T"), ("TC", "TCH"), ("TCH", "TCHP"), ("FOLFOX", "FOLFIRI"),
        ("FOLFOXIRI", "FOLFOX"), ("ICE", "R-ICE"), ("吉西他滨+紫杉醇", "吉西他滨+白蛋白紫杉醇"), ("紫杉醇 q3w", "紫杉醇周疗"), ("DP", "TP"),
        ("多柔比星+环磷酰胺", "多柔比星脂质体+环磷酰胺"), ("顺铂+培美曲塞", "卡铂+培美曲塞"), ("AVD", "A+AVD"), ("Hyper-CVAD A", "Hyper-CVAD B"),
        ("培美曲塞+顺铂+贝伐珠单抗", "培美曲塞+顺铂"),
    ],
)  # fmt: skip
def test_regimens_that_are_two(one: str, other: str) -> None:
    assert not TABLES.same_regimen(one, other)
    assert not TABLES.same_regimen(other, one)


@pytest.mark.parametrize("name", ["EPOCH", "MVAC", "VP", "FOLFOX+XR-17", "方案", "", "第1周期", "化疗"])
def test_regimens_that_are_none_of_the_table(name: str) -> None:
    assert TABLES.regimens_named(name) == ()


# ── traps ──────────────────────────────────────────────────────────────────────────────────────────────────

DIFFERENT = """
瑞普替尼 瑞派替尼|曲妥珠单抗 恩美曲妥珠单抗|曲妥珠单抗 德曲妥珠单抗|曲妥珠单抗 瑞康曲妥珠单抗|曲妥珠单抗 帕妥珠曲妥珠单抗
帕妥珠单抗 帕妥珠曲妥珠单抗|恩美曲妥珠单抗 德曲妥珠单抗|索立德吉 索凡替尼|索凡替尼 索拉非尼|索拉非尼 舒尼替尼|阿帕替尼 阿帕他胺
达沙替尼 达可替尼|紫杉醇 紫杉醇(白蛋白结合型)|紫杉醇 紫杉醇脂质体|紫杉醇(白蛋白结合型) 紫杉醇脂质体|紫杉醇 紫杉醇聚合物胶束
紫杉醇 紫杉醇口服溶液|紫杉醇 多西他赛|多柔比星 盐酸多柔比星脂质体|多柔比星 表柔比星|柔红霉素 去甲氧柔红霉素|伊立替康 伊立替康脂质体
米托蒽醌 米托蒽醌脂质体|注射用阿扎胞苷 阿扎胞苷片|阿扎胞苷 阿糖胞苷|氟尿嘧啶 替加氟|替加氟 替吉奥|氟尿苷 氟尿嘧啶
长春新碱 长春地辛|长春地辛 长春瑞滨|长春碱 长春新碱|依托泊苷 替尼泊苷|洛铂 卡铂|奈达铂 卡铂|顺铂 卡铂|奥沙利铂 顺铂
利妥昔单抗 西妥昔单抗|西妥昔单抗 帕妥珠单抗|利妥昔单抗 维布妥昔单抗|阿法替尼 阿伐替尼|阿来替尼 阿美替尼|拉帕替尼 拉罗替尼
洛拉替尼 劳拉西泮|环磷酰胺 异环磷酰胺|培非格司亭 非格司亭|门冬酰胺酶 培门冬酶|亚叶酸钙 左亚叶酸钙|亚叶酸钙 叶酸|雷替曲塞 培美曲塞
奈拉替尼 奈拉滨|博来霉素 平阳霉素|羟喜树碱 羟基脲|甲地孕酮 甲羟孕酮|氟唑帕利 氟康唑|沙格司亭 重组人粒细胞刺激因子
戈沙妥珠单抗 芦康沙妥珠单抗|奥妥珠单抗 奥法妥木单抗|帕博利珠单抗 帕博西尼|来那度胺 来那替尼|吉西他滨 吉非替尼
"""


@pytest.mark.parametrize("pair", DIFFERENT.replace("\n", "|").strip("|").split("|"))
def test_two_names_are_two_drugs(pair: str) -> None:
    one, other = (drug(name) for name in pair.split(" "))
    assert one is not None
    assert other is not None
    assert one != other


@pytest.mark.parametrize(
    ("one", "other"), [("甲氨蝶呤", "甲氨喋呤"), ("多西他赛", "多西紫杉醇"), ("5-FU", "氟尿嘧啶注射液")]
)
def test_two_names_are_one_drug(one: str, other: str) -> None:
    assert drug(one) == drug(other) is not None


@pytest.mark.parametrize(
    "name",
    [
        "间变性淋巴瘤激酶", "间变性淋巴瘤激酶(ALK)", "ALK抑制剂", "PD-1", "PD-1单抗", "英夫利西单抗", "注射用英夫利西单抗", "氟胞嘧啶", "硫唑嘌呤",
        "托珠单抗", "妥珠单抗", "利妥昔", "替尼", "单抗", "紫杉", "紫杉醇类", "铂", "铂类", "化疗药", "靶向药", "升白针", "曲美他嗪", "门冬胰岛素",
        "去氧氟尿苷", "奥希替尼类似物", "奥希替尼(类似物)", "奥希替尼原料药", "奥希替尼对照品", "安慰剂(奥希替尼)", "奥希替尼(安慰剂)", "奥希替尼(盲法用药)",
        "奥希替尼/吉非替尼", "吉非替尼片(奥希替尼)", "吉非替尼片 Osimertinib", "顺铂(卡铂)", "曲妥珠单抗(赫赛莱)", "多西他赛配套输液器",
        "甲氨蝶呤(血药浓度)", "多柔比星(非聚乙二醇化脂质体)", "non-pegylated liposomal doxorubicin", "paclitaxel-lipo", "irinotecan-lipo",
        "氟尿嘧啶乳膏", "维A酸乳膏", "fluorouracil topical cream", "紫杉醇微球栓塞剂", "曲妥珠单抗生物类似药", "抗肿瘤新药奥希替尼", "盐酸", "甲磺酸", "片",
        "△", "自费", "批号20260101", "国产", "紫杉醇(非白蛋白)", "重组人粒细胞刺激因子(聚乙二醇化)",
    ],
)  # fmt: skip
def test_what_stays_unknown(name: str) -> None:
    assert drug(name) is None


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("注射用紫杉醇(力扑素)", "paclitaxel-liposome"), ("注射用紫杉醇(克艾力)100mg", "nab-paclitaxel"), ("多柔比星(多美素)", "peg-liposomal-doxorubicin"),
        ("白蛋白紫杉醇(紫杉醇)", "nab-paclitaxel"), ("注射用紫杉醇 Abraxane", "nab-paclitaxel"), ("盐酸多柔比星注射液(脂质体)", "peg-liposomal-doxorubicin"),
        ("盐酸伊立替康脂质体注射液(Ⅱ)", "irinotecan-liposome"), ("阿扎胞苷片200mg*14片", "azacitidine-oral"), ("注射用阿扎胞苷", "azacitidine"),
        ("紫杉醇口服溶液 10ml:0.3g", "paclitaxel-oral"), ("紫杉醇注射液", "paclitaxel"), ("注射用紫杉醇聚合物胶束30mg", "paclitaxel-micelle"),
        ("trastuzumab-anns", "trastuzumab"), ("曲妥珠单抗(赫赛汀)", "trastuzumab"),
    ],
)  # fmt: skip
def test_a_formulation_is_told_apart(name: str, id: str) -> None:
    assert drug(name) == id


# ── codes ──────────────────────────────────────────────────────────────────────────────────────────────────


def kind(code: str, system: str) -> tuple[str, bool | None] | None:
    known = TABLES.identify(Drug(code=code, system=system))
    return (known.cls, known.myelosuppressive) if known else None


@pytest.mark.parametrize("system", [NHSA, "urn:nhsa", "国家医保药品编码", "YiBao"])
def test_an_insurance_code_tells_the_family_at_most(system: str) -> None:
    assert kind(code="XL01CDD001", system=system) == ("cytotoxic", True)
    assert kind(code="xl02bgl001", system=system) == ("endocrine", False)
    # WHO keeps disitamab vedotin, which suppresses the marrow, among the antibodies; this code among kinase inhibitors
    for code in ("XL01EHW124", "XL01EXN112E002010101292", "XL01FXW129B001", "XL01XCX001", "XL01XXX001"):
        assert kind(code=code, system=system) == ("antitumour", None)
    assert kind(code="XJ01DDT001", system=system) == ("other", False)


@pytest.mark.parametrize(
    "code", ["XL04AXL001", "XL03ABR001", "ZA01AA0001", "XL01", "L01CD02", "X", "", "XQ01AA01"]
)
def test_an_insurance_code_that_tells_nothing(code: str) -> None:
    assert drug(code=code, system=NHSA) is None


def test_what_a_coarse_code_leaves_open_is_kept_open() -> None:
    known = TABLES.identify(Drug(code="XL03AAX001", system=NHSA))
    assert known is not None
    assert not known.anti_tumour
    assert "gcsf" in known.perhaps
    known = TABLES.identify(Drug(code="L01CA", system=ATC))
    assert known is not None
    assert "vincristine" in known.perhaps


def coded(code: str, system: str, rule: str) -> str:
    """What a rule of the safety pack says of a marked order of one drug by its code alone."""
    drugs = [{"code": code, "system": system}]
    order = {"drugs": drugs, "kind": "chemotherapy"}
    case = Case.of(request_of({"tumour": "lymphoma", "order": order}, LIBRARY), LIBRARY)
    (wanted,) = (loaded.rule for loaded in LIBRARY.rules if loaded.rule.id == f"safety/{rule}")
    return judge(wanted, case).verdict


def test_a_coarse_code_may_be_any_drug_of_its_group() -> None:
    assert coded("L01CA02", ATC, "vincristine-not-intravenous") == "unknown"  # its route isn't stated
    assert coded("L01CA", ATC, "vincristine-not-intravenous") == "unknown"
    assert coded("L01CD", ATC, "vincristine-not-intravenous") == "not_applicable"
    taxanes = TABLES.identify(Drug(code="L01CD", system=ATC))
    assert taxanes is not None
    assert in_classes(taxanes, frozenset({"docetaxel"})) is None
    assert in_classes(taxanes, frozenset({"vincristine"})) is False


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("注射用维迪西妥单抗", "XL01EHW124B001", "disitamab-vedotin"), ("多西他赛注射液", "XL01EXN112", "docetaxel"),
        ("多西他赛注射液", "XJ01DDT001", None), ("昂丹司琼", "XL01CDD001", None), ("昂丹司琼", "XA04AAA001", "ondansetron"),
        ("沙利度胺片", "XL04AXS001", "thalidomide"), ("多西他赛注射液", "ZA01", "docetaxel"),
    ],
)  # fmt: skip
def test_an_insurance_code_and_a_name(name: str, code: str, expected: str | None) -> None:
    assert drug(name, code, NHSA) == expected


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("帕博利珠单抗", "L01XC18", "pembrolizumab"), ("奥希替尼", "L01XE35", "osimertinib"), ("奥希替尼", "L01XA01", None),
        ("顺铂", "L01XE99", None), ("注射用紫杉醇(白蛋白结合型)", "L01CD01", "nab-paclitaxel"), ("某某脂质体注射液", "L01DB01", "L01DB01"),
        ("院内制剂 17 号", "L01DB01", "doxorubicin"), ("昂丹司琼", "A04AA99", "ondansetron"), ("昂丹司琼", "L01CD02", None),
    ],
)  # fmt: skip
def test_an_atc_code_and_a_name(name: str, code: str, expected: str | None) -> None:
    assert drug(name, code, ATC) == expected


@needs_shared
def test_every_collected_code_is_of_its_drug() -> None:
    for row in shared("drug_markers"):
        code = row["atc(WHO 2026-04-25)"]
        if code not in ("-", "D10AD01"):
            found = drug(code=code, system=ATC)
            assert found is not None
            assert TABLES.drugs[found].label.en == row["inn"]
            assert drug(row["inn"], code, ATC) == found


# ── properties ─────────────────────────────────────────────────────────────────────────────────────────────

LISTED = sorted(
    {
        name
        for d in TABLES.drugs.values()
        for name in (d.label.zh, d.label.en)
        if drug(name) == d.id and len(name) > 1
    }
)
HAN = "曲妥珠单抗替尼帕瑞阿奥奈拉达索舒洛卡吉培西紫杉醇柔星康泊度胺赛伐戈恩德美新旧红蓝丁人血白"
listed = st.sampled_from(LISTED)
han = st.text(HAN, max_size=3)
latin = st.text("aeoubdfkmprtz", max_size=4)  # no Roman numerals


@settings(max_examples=600, deadline=None)
@given(listed, st.one_of(st.tuples(han, han), st.tuples(latin, latin)))
def test_a_longer_word_around_a_name_is_another_word(name: str, around: tuple[str, str]) -> None:
    longer = f"{around[0]}{name}{around[1]}"
    assume(any(around) and drug_keys(longer)[0] not in TABLES.by_name)
    assert drug(longer) is None


PREFIXES = st.sampled_from(
    ["", "△", "★", "【集采】", "(甲)", "自备", "进口", "国谈-", "注射用", "盐酸", "甲磺酸", "[商品名]", "▲ "]
)
SUFFIXES = st.sampled_from(
    [
        "",
        "片",
        "胶囊",
        "注射液",
        "(商品名)",
        " 80mg*30片",
        "10ml:50mg",
        "（国产）",
        " 自费",
        "/批号20260101",
        " 国药准字H20123456",
        "【批号A1】",
        "-进口",
    ]
)


@settings(max_examples=600, deadline=None)
@given(listed, st.lists(PREFIXES, max_size=2), st.lists(SUFFIXES, max_size=3))
def test_decorations_never_make_another_drug(name: str, before: list[str], after: list[str]) -> None:
    found = drug("".join([*before, name, *after]))
    alone = TABLES.drugs[drug(name) or ""]
    assert found is None or found == alone.id or TABLES.drugs[found].atc == alone.atc != ""


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.sampled_from([None, ATC, NHSA]), st.text(max_size=12))
def test_no_text_makes_identification_fail(name: str, system: str | None, code: str) -> None:
    drug(name, code, system)
    TABLES.regimens_named(name)
    assert TABLES.same_regimen(name, name)


ABOUT_DRUGS = {"order.anti_tumour", "order.needs_marker"}
"""Derived facts that are about the order's drugs."""


def asks_for_drugs(leaf: Leaf) -> bool:
    if isinstance(leaf, Holds):
        return leaf.holds in ABOUT_DRUGS
    return isinstance(leaf, Drugs) and leaf.fact == "order.drugs"


def drug_leaves(order: dict[str, object], tumour: str) -> list[tuple[str, Leaf, bool | None]]:
    """What the questions of each shipped rule's `when` about the order's drugs say of an order."""
    request = request_of({"tumour": tumour, "order": order}, LIBRARY)
    case = Case(request, LIBRARY.in_force(request.at.date()).facts, TABLES)
    return [
        (loaded.rule.id, outcome.leaf, outcome.truth)
        for loaded in LIBRARY.rules
        for outcome in judge(loaded.rule, case).leaves
        if asks_for_drugs(outcome.leaf) and not outcome.asked
    ]


unknown = st.text(HAN + "ABCxyz0123456789-() ", min_size=1, max_size=12).filter(
    lambda name: drug(name) is None
)
marks = st.sampled_from(
    [
        {"kind": "chemotherapy"},
        {"kind": "targeted"},
        {"kind": "immunotherapy"},
        {"kind": "systemic"},
        {"regimen": "X-17"},
    ]
)


@settings(max_examples=40, deadline=None)
@given(unknown, marks, st.sampled_from(sorted(TABLES.tumours)))
def test_an_unknown_drug_in_a_marked_order_leaves_no_rule_on_drugs_out(
    name: str, mark: dict[str, str], tumour: str
) -> None:
    leaves = drug_leaves({"drugs": [{"name": name}], **mark}, tumour)
    assert len({rule for rule, *_ in leaves}) >= 11  # the core pack alone has so many
    assert [(rule, leaf) for rule, leaf, truth in leaves if truth is not None] == []


@settings(max_examples=20, deadline=None)
@given(unknown, marks, st.sampled_from(["昂丹司琼", "0.9%氯化钠注射液", "地塞米松片"]))
def test_a_companion_beside_it_changes_nothing(name: str, mark: dict[str, str], companion: str) -> None:
    leaves = drug_leaves({"drugs": [{"name": name}, {"name": companion}], **mark}, "lung")
    assert [
        (rule, leaf) for rule, leaf, truth in leaves if not getattr(leaf, "all_of", None) and truth is False
    ] == []
