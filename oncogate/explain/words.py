"""The words around a decision: headings, and what the closed vocabularies mean to a clinician."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from oncogate.base.texts import Language, Text
from oncogate.engine.values import with_unit


def _t(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


WORDS: Mapping[str, Text] = {
    "block": _t("拦截", "BLOCK"),
    "warn": _t("警示", "WARN"),
    "allow": _t("放行", "ALLOW"),
    "inform": _t("提示", "INFO"),
    "critical": _t("危急值", "CRITICAL VALUE"),
    "block.means": _t("本次医嘱暂不能执行", "this order can't go on as it is"),
    "warn.means": _t("可以继续，请先核对下列问题", "the order may go on; look at these first"),
    "allow.means": _t("可以继续", "the order may go on"),
    "allow.nothing": _t("无医嘱", "NO ORDER"),
    "allow.no_order": _t("没有待判定的医嘱", "there is no order to judge"),
    "no_order": _t("无医嘱", "none"),
    "unknown_patient": _t("未提供", "not supplied"),
    "order": _t("医嘱", "Order"),
    "patient": _t("患者", "Patient"),
    "at": _t("判定时刻", "Judged for"),
    "critical.head": _t("危急值：请立即处置，并完成闭环管理", "Critical value: act now and close the loop"),
    "result": _t("结果", "Result"),
    "limit": _t("危急界值", "critical limit"),
    "source": _t("来源", "source"),
    "unmet": _t("未满足", "not met"),
    "unknown": _t("无法判定", "can't be judged"),
    "unsure.title": _t("无法判定：{title}", "Can't be judged: {title}"),
    "met": _t("通过", "passed"),
    "not_applicable": _t("不适用", "not applicable"),
    "do": _t("处理", "What to do"),
    "override": _t("例外放行", "Override"),
    "evidence": _t("查到的资料", "What was found"),
    "limits": _t("所用限值", "Limits used"),
    "set_by": _t("由 {by} 设定", "set by {by}"),
    "counted": _t("采用", "counted"),
    "not_counted": _t("不采用", "not counted"),
    "unsure": _t("无法确认", "not known"),
    "next": _t("下一步", "What to do next"),
    "next.allow": _t("完成下列事项后，本次医嘱可以放行：", "After these the order is allowed:"),
    "next.clear": _t("完成下列事项后，不再提示警示：", "After these nothing is warned of:"),
    "next.warn": _t(
        "完成下列事项后，本次医嘱由拦截降为警示：",
        "After these the order is no longer blocked, only warned of:",
    ),
    "next.either": _t("并任选下列一组完成：", "and one of these sets:"),
    "next.one_of": _t(
        "任选下列一组完成后，本次医嘱可以放行：", "After one of these sets the order is allowed:"
    ),
    "next.one_of.warn": _t(
        "任选下列一组完成后，本次医嘱由拦截降为警示：",
        "After one of these sets the order is no longer blocked:",
    ),
    "next.set": _t("方案{n}", "Set {n}"),
    "next.nothing": _t(
        "补做或补录资料不能使本次医嘱放行，先要解决：",
        "No entry in the record will let this order pass; first settle:",
    ),
    "next.left": _t(
        "此外，下列问题不能靠补做或补录解决：", "These can't be settled by an entry in the record:"
    ),
    "obligations": _t("须落实", "To be carried out"),
    "others": _t("其余规则", "Other rules"),
    "shadow": _t("试运行规则（不影响结论）", "Rules on trial (they don't count)"),
    "notices": _t("输入资料的问题", "Problems of the input"),
    "loosened": _t("本机构放宽的规则", "Loosened here"),
    "loosened.one": _t(
        "{what}：{reason}（{layer}，{by} 批准，{until} 到期）",
        "{what}: {reason} ({layer}, approved by {by}, until {until})",
    ),
    "rule": _t("规则", "Rule"),
    "rules": _t("规则", "Rules"),
    "nothing": _t("未发现需要处理的问题。", "Nothing asks for attention."),
    "disclaimer": _t(
        "本判定仅供临床决策参考，不能替代医师的判断。",
        "This decision supports clinical judgement; it doesn't replace it.",
    ),
}

ALLOWED: Mapping[str, Text] = {
    "never": _t("不允许", "not allowed"),
    "with_reason": _t("{by}填写理由后可以继续", "{by}, giving a reason"),
    "with_second_signature": _t(
        "{by}填写理由并经第二人签名后可以继续", "{by}, giving a reason and with a second signature"
    ),
}

CODES: Mapping[str, Text] = {
    "attending": _t("主治医师", "attending physician"),
    "pharmacist": _t("药师", "pharmacist"),
    "anyone": _t("责任医师", "the physician in charge"),
    "oncologic_emergency": _t("肿瘤急症", "oncologic emergency"),
    "stage_not_definable_before_surgery": _t("术前无法明确分期", "stage can't be defined before surgery"),
    "disease_related_cytopenia": _t("疾病本身所致血细胞减少", "cytopenia caused by the disease"),
    "marrow_involvement": _t("骨髓受侵", "marrow involvement"),
    "weekly_schedule": _t("周疗方案", "weekly schedule"),
    "result_seen_on_paper": _t("已核对纸质报告", "result seen on paper"),
    "not_an_anti_tumour_drug": _t("非抗肿瘤药物", "not an anti-tumour drug"),
    "checked_by_hand": _t("已人工逐条核对", "checked by hand"),
    "trial": _t("临床试验", "clinical trial"),
    "tumour_board_decision": _t("多学科会诊（MDT）决定", "tumour board decision"),
    "contraindication": _t("存在禁忌", "contraindication"),
    "report_pending": _t("报告待出", "report pending"),
    "biopsy_impossible": _t("无法取得活检", "biopsy impossible"),
    "concurrent_chemoradiotherapy": _t("同步放化疗", "concurrent chemoradiotherapy"),
    "patient_refused": _t("患者拒绝", "patient refused"),
    "examination_contraindicated": _t("检查有禁忌", "examination contraindicated"),
    "done_elsewhere": _t("已在外院完成", "done elsewhere"),
    "cytotoxic": _t("细胞毒药物", "cytotoxic"),
    "targeted": _t("靶向药物", "targeted"),
    "immunotherapy": _t("免疫治疗", "immunotherapy"),
    "endocrine": _t("内分泌治疗", "endocrine"),
    "categories": _t("TNM 分类", "TNM categories"),
    "group": _t("分期组别", "stage group"),
    "high": _t("高危", "high"),
    "intermediate": _t("中危", "intermediate"),
    "low": _t("低危", "low"),
    "female": _t("女", "female"),
    "male": _t("男", "male"),
    "axillary": _t("腋下", "axillary"),
    "oral": _t("口腔", "oral"),
    "tympanic": _t("耳温", "tympanic"),
    "rectal": _t("直肠", "rectal"),
    "hcc_clinical_criteria": _t(
        "符合临床诊断标准的肝细胞癌", "hepatocellular carcinoma by clinical criteria"
    ),
    "assessed_individually": _t("已结合患者情况个体化评估", "weighed for this patient"),
    "protocol_decides": _t("按治疗方案（规程）规定执行", "the protocol decides"),
    "dose_dense_regimen": _t("剂量密集方案", "dose-dense regimen"),
    "label_allows": _t("符合本品说明书", "allowed by this product's label"),
    "field_without_mediastinum": _t("照射野不含纵隔", "radiotherapy field without the mediastinum"),
    "life_threatening_infection": _t("危及生命的感染", "life-threatening infection"),
    "dose_reduced": _t("已减量", "dose reduced"),
    "done_on_paper": _t("已在纸质记录中完成", "done on paper"),
    "nurse": _t("护士", "nurse"),
    "physician": _t("医师", "physician"),
    "special": _t("特级护理", "special nursing"),
    "first": _t("一级护理", "first-level nursing"),
    "second": _t("二级护理", "second-level nursing"),
    "third": _t("三级护理", "third-level nursing"),
    "outpatient": _t("院外", "outpatient"),
    "off_label_approved": _t("超说明书用药已按规定审批", "off-label use approved"),
    "squamous_carcinoma": _t("鳞癌，说明书不要求检测", "squamous carcinoma: the label asks for no test"),
    "earlier_drug_not_tolerated": _t("前一药物不能耐受", "the earlier drug wasn't tolerated"),
    "discussed_elsewhere": _t("已在外院完成 MDT 讨论", "discussed by a tumour board elsewhere"),
    "several_tumours": _t("多原发肿瘤", "several primaries"),
    "poor_performance": _t("体能状态差", "poor performance status"),
    "stage_iv": _t("临床Ⅳ期", "clinical stage IV"),
    "allergy_refuted": _t("过敏记录有误", "allergy recorded in error"),
    "mild_reaction": _t("既往反应轻微", "earlier reaction was mild"),
    "desensitisation": _t("按脱敏方案给药", "given under desensitisation"),
    "tolerated_before": _t("既往使用可耐受", "tolerated before"),
    "product_without_excipient": _t("所用药品不含该辅料", "product without the excipient"),
    "given_elsewhere": _t("已在他处给药或自备", "given elsewhere or brought along"),
    "divided_dose": _t("分次给药", "divided dose"),
    "replaces_earlier_order": _t("替换原医嘱", "replaces the earlier order"),
    "regimen_changed": _t("已更换方案", "regimen changed"),
    "separate_place_and_time": _t("已分开时间和场所执行", "kept apart in time and place"),
    "low_tumour_burden": _t("肿瘤负荷低", "low tumour burden"),
    "bleeding_risk": _t("出血风险高", "risk of bleeding"),
    "hypercalcaemia": _t("高钙血症", "hypercalcaemia"),
    "white_coat": _t("诊室高血压，家庭血压正常", "raised in the clinic only"),
    "controlled_since": _t("复测已达标", "controlled since"),
    "low_24_hour_protein": _t("24 小时尿蛋白定量允许", "24-hour urine protein allows it"),
    "minor_surgery": _t("小手术或操作", "minor procedure"),
    "measured_wide_qrs": _t("QRS 增宽或起搏，QTc 偏高", "QTc read high by a wide or paced QRS"),
    "platelets_transfused": _t("已输注血小板", "platelets transfused"),
    "not_fertile": _t("无生育能力或已绝育", "not fertile"),
    "normal": _t("正常", "normal"),
    "reduced": _t("降低（部分缺乏）", "reduced"),
    "deficient": _t("缺乏", "deficient"),
    "bedridden": _t("卧床无法称重", "bedridden, can't be weighed"),
    "cannot_be_pregnant": _t("无妊娠可能", "can't be pregnant"),
    "cardiologist_advice": _t("心内科会诊意见", "cardiologist's advice"),
    "clearance_measured": _t("已实测肾小球滤过率", "clearance was measured"),
    "count_stable_without_gcsf": _t("停用 G-CSF 后复查稳定", "count stable without G-CSF"),
    "disease_related_status": _t("体能差由肿瘤本身所致", "caused by the tumour itself"),
    "dose_adjusted": _t("已调整剂量", "dose adjusted"),
    "dose_dense_schedule": _t("剂量密集方案", "dose-dense schedule"),
    "dose_reckoned_by_hand": _t("已人工核算累积剂量", "total worked out by hand"),
    "drug_fever": _t("药物热", "drug fever"),
    "fluid_retention": _t("水肿或腹水所致", "oedema or ascites"),
    "gilbert_syndrome": _t("Gilbert 综合征", "Gilbert syndrome"),
    "hepatologist_advice": _t("肝病科会诊意见", "hepatologist's advice"),
    "infection_controlled": _t("感染已控制", "infection under control"),
    "no_alternative": _t("无可替代药物", "no alternative"),
    "other_formula": _t("采用其他公式", "another formula is used"),
    "pregnancy_known_and_discussed": _t("已知妊娠并经充分讨论", "pregnancy known and discussed"),
    "split_dose": _t("分次给药", "split dose"),
    "stem_cell_support": _t("有造血干细胞支持", "stem-cell support"),
    "stopped_already": _t("已停用", "stopped already"),
    "surface_capped": _t("体表面积按封顶值计算", "body surface capped"),
    "taken_from_elsewhere": _t("患者已自备或在外院用药", "taken from elsewhere"),
    "tumour_fever": _t("肿瘤热", "tumour fever"),
    "positive": _t("阳性", "positive"),
    "negative": _t("阴性", "negative"),
    "trace": _t("微量", "trace"),
    "true": _t("是", "yes"),
    "false": _t("否", "no"),
    "every_time": _t("每次均报", "every time"),
    "first_only": _t("仅报首次", "the first time only"),
    "if_worse": _t("加重时再报", "again only if worse"),
}
"""Codes that the shipped rules use for roles, reasons and values; others are shown as words of their own."""

OTHER_FACTS: Mapping[str, Text] = {
    "engine": _t("规则引擎", "rule engine"),
    "order": _t("医嘱", "order"),
    "order.regimen": _t("医嘱方案", "regimen of the order"),
    "order.interval_days": _t("医嘱给药间隔", "interval of the order"),
    "order.cycle": _t("医嘱周期", "cycle of the order"),
    "regimen.fn_category": _t("方案的粒缺伴发热风险类别", "regimen's category of febrile neutropenia risk"),
    "tumour.pathology_exception": _t("可免病理的依据", "grounds for going without pathology"),
}
"""What evidence speaks of beside the facts of `facts.yaml`."""

_NUMBER = re.compile(r"[<>]?=?-?\d+(?:\.\d+)?")
_POWER = re.compile(r"\b10\*(-?\d+)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_HIDDEN = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff"
)


def word(key: str, language: Language, **values: str) -> str:
    """A heading or word of `WORDS`, filled in."""
    return WORDS[key].in_(language).format(**values)


def code_text(code: str, language: Language) -> str:
    """A code as words: by the table, else the code without its underscores."""
    known = CODES.get(code)
    return known.in_(language) if known is not None else code.replace("_", " ")


@lru_cache(maxsize=4096)
def quantity_said(text: str) -> Text:
    """A quantity as recorded, as a clinician reads it: `39.5 Cel` is `39.5 ℃`; any other text as it is."""
    number, _, unit = text.partition(" ")
    if not _NUMBER.fullmatch(number):
        return Text(zh=text, en=text)
    return with_unit(number, unit)


def powers(text: str) -> str:
    """`10*9/L` as it is printed: `×10⁹/L`."""
    return _POWER.sub(lambda found: "×10" + found[1].translate(_RAISED), text)


def printable(text: str) -> str:
    """`text` with control and direction characters shown as escapes: input can't steer a terminal or a page."""
    if text.isprintable():
        return text
    return "".join(_shown(c) for c in text)


def one_line(text: str) -> str:
    """`text` on one line, printable."""
    return printable(" ".join(text.split())) if not text.isprintable() else text


def _shown(char: str) -> str:
    if char not in "\n\t" and (char in _HIDDEN or unicodedata.category(char) in ("Cc", "Cs")):
        return char.encode("unicode_escape", "surrogatepass").decode("ascii")
    return char
