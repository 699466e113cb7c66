"""What a remedy is called on its button, by its action."""

from __future__ import annotations

from collections.abc import Mapping

from oncogate.base.texts import Text


def _t(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


ACTIONS: Mapping[str, Text] = {
    "check-blood-count": _t("复查血常规", "repeat the blood count"),
    "check-creatinine": _t("复查血肌酐", "repeat the creatinine"),
    "check-liver-tests": _t("复查肝功能", "repeat the liver tests"),
    "check-liver-values": _t("复查总胆红素", "repeat the bilirubin"),
    "check-platelets": _t("复查血小板", "repeat the platelet count"),
    "check-potassium": _t("复查血钾", "repeat the potassium"),
    "check-teeth": _t("完成口腔检查", "have the teeth checked"),
    "complete-work-up": _t("补齐分期检查", "complete the staging work-up"),
    "consider-gcsf": _t("开具 G-CSF", "order G-CSF"),
    "correct-bedside-label": _t("更正床头标识", "correct the bedside label"),
    "discuss-fertility": _t("完成生育力告知", "discuss fertility"),
    "document-clinical-stage": _t("补写临床分期", "document the clinical stage"),
    "document-pathologic-stage": _t("补写病理分期", "document the pathologic stage"),
    "give-education-card": _t("发放患教知情卡", "give the education card"),
    "hold-mdt": _t("完成 MDT 讨论", "hold the tumour board"),
    "hold-mdt-before-surgery": _t("完成术前 MDT 讨论", "hold the tumour board before surgery"),
    "hold-mdt-for-difficult-case": _t("完成疑难病例 MDT 讨论", "hold the tumour board on the case"),
    "make-follow-up-plan": _t("制定随访计划", "make a follow-up plan"),
    "measure-blood-pressure": _t("测量血压", "measure the blood pressure"),
    "measure-lvef": _t("完成超声心动图", "measure the LVEF"),
    "measure-qtc": _t("完成心电图", "measure the QTc"),
    "obtain-immunotherapy-marker": _t("取得免疫治疗相关检测报告", "obtain the marker result"),
    "obtain-molecular-result": _t("取得分子检测报告", "obtain the molecular result"),
    "obtain-pathology": _t("取得病理报告", "obtain the pathology report"),
    "order-antiemetics": _t("补开止吐药", "order antiemetics"),
    "order-antihistamine": _t("开具抗组胺药", "order an antihistamine"),
    "order-dexamethasone": _t("开具地塞米松", "order dexamethasone"),
    "order-folinate": _t("开具亚叶酸钙解救", "order folinate rescue"),
    "order-gcsf": _t("开具 G-CSF", "order G-CSF"),
    "order-gcsf-or-reduce": _t("开具 G-CSF", "order G-CSF"),
    "order-hbv-antiviral": _t("开具抗病毒药物", "order an antiviral"),
    "order-hbv-screening": _t("开具乙肝筛查", "order hepatitis B screening"),
    "order-pjp-prophylaxis": _t("开具肺孢子菌预防用药", "order PJP prophylaxis"),
    "order-premedication": _t("补开预处理药物", "order the premedication"),
    "order-thrombosis-prophylaxis": _t("开具血栓预防用药", "order thrombosis prophylaxis"),
    "order-uric-acid-lowering": _t("开具降尿酸药", "order uric acid lowering"),
    "raise-nursing-level": _t("调整护理级别", "raise the nursing level"),
    "reassess-risk": _t("复核风险评估", "reassess the risk"),
    "record-assessment": _t("完成风险评估", "record the assessment"),
    "retest-resistance": _t("复检 EGFR T790M", "retest for EGFR T790M"),
    "set-bedside-label": _t("设置床头标识", "set the bedside label"),
    "sign-consent": _t("签署知情同意书", "sign the consent"),
    "test-dpyd": _t("检测 DPYD", "test DPYD"),
    "test-g6pd": _t("检测 G6PD", "test G6PD"),
    "test-ugt1a1": _t("检测 UGT1A1", "test UGT1A1"),
    "test-urine-protein": _t("查尿常规", "test the urine protein"),
    "weigh-patient": _t("测量体重", "weigh the patient"),
}

_OTHER = _t("标记为已完成", "mark as done")
"""A site's own rule may name an action that nobody here knows."""


def action_label(action: str) -> Text:
    """What the button of an action says."""
    return ACTIONS.get(action, _OTHER)
