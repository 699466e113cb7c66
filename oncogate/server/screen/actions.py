"""What a remedy is called on its button, by its action."""

from __future__ import annotations

from collections.abc import Mapping

from oncogate.base.texts import Text


def _t(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


ACTIONS: Mapping[str, Text] = {
    "check-blood-count": _t("复查血常规", "Repeat the blood count"),
    "check-creatinine": _t("复查血肌酐", "Repeat the creatinine"),
    "check-liver-tests": _t("复查肝功能", "Repeat the liver tests"),
    "check-liver-values": _t("复查总胆红素", "Repeat the bilirubin"),
    "check-platelets": _t("复查血小板", "Repeat the platelet count"),
    "check-potassium": _t("复查血钾", "Repeat the potassium"),
    "check-teeth": _t("完成口腔检查", "Have the teeth checked"),
    "complete-work-up": _t("补齐分期检查", "Complete the staging work-up"),
    "consider-gcsf": _t("开具 G-CSF", "Order G-CSF"),
    "correct-bedside-label": _t("更正床头标识", "Correct the bedside label"),
    "discuss-fertility": _t("完成生育力告知", "Discuss fertility"),
    "document-clinical-stage": _t("补写临床分期", "Document the clinical stage"),
    "document-pathologic-stage": _t("补写病理分期", "Document the pathologic stage"),
    "give-education-card": _t("发放患教知情卡", "Give the education card"),
    "hold-mdt": _t("完成 MDT 讨论", "Hold the tumour board"),
    "hold-mdt-before-surgery": _t("完成术前 MDT 讨论", "Hold the tumour board before surgery"),
    "hold-mdt-for-difficult-case": _t("完成疑难病例 MDT 讨论", "Hold the tumour board on the case"),
    "make-follow-up-plan": _t("制定随访计划", "Make a follow-up plan"),
    "measure-blood-pressure": _t("测量血压", "Measure the blood pressure"),
    "measure-lvef": _t("完成超声心动图", "Measure the LVEF"),
    "measure-qtc": _t("完成心电图", "Measure the QTc"),
    "obtain-immunotherapy-marker": _t("取得免疫治疗相关检测报告", "Obtain the marker result"),
    "obtain-molecular-result": _t("取得分子检测报告", "Obtain the molecular result"),
    "obtain-pathology": _t("取得病理报告", "Obtain the pathology report"),
    "order-antiemetics": _t("补开止吐药", "Order antiemetics"),
    "order-antihistamine": _t("开具抗组胺药", "Order an antihistamine"),
    "order-dexamethasone": _t("开具地塞米松", "Order dexamethasone"),
    "order-folinate": _t("开具亚叶酸钙解救", "Order folinate rescue"),
    "order-gcsf": _t("开具 G-CSF", "Order G-CSF"),
    "order-gcsf-or-reduce": _t("开具 G-CSF", "Order G-CSF"),
    "order-hbv-antiviral": _t("开具抗病毒药物", "Order an antiviral"),
    "order-hbv-screening": _t("开具乙肝筛查", "Order hepatitis B screening"),
    "order-pjp-prophylaxis": _t("开具肺孢子菌预防用药", "Order PJP prophylaxis"),
    "order-premedication": _t("补开预处理药物", "Order the premedication"),
    "order-thrombosis-prophylaxis": _t("开具血栓预防用药", "Order thrombosis prophylaxis"),
    "order-uric-acid-lowering": _t("开具降尿酸药", "Order uric acid lowering"),
    "raise-nursing-level": _t("调整护理级别", "Raise the nursing level"),
    "reassess-risk": _t("复核风险评估", "Reassess the risk"),
    "record-assessment": _t("完成风险评估", "Record the assessment"),
    "retest-resistance": _t("复检 EGFR T790M", "Retest for EGFR T790M"),
    "set-bedside-label": _t("设置床头标识", "Set the bedside label"),
    "sign-consent": _t("签署知情同意书", "Sign the consent"),
    "test-dpyd": _t("检测 DPYD", "Test DPYD"),
    "test-g6pd": _t("检测 G6PD", "Test G6PD"),
    "test-ugt1a1": _t("检测 UGT1A1", "Test UGT1A1"),
    "test-urine-protein": _t("查尿常规", "Test the urine protein"),
    "weigh-patient": _t("测量体重", "Weigh the patient"),
}

_OTHER = _t("标记为已完成", "Mark as done")
"""A site's own rule may name an action that nobody here knows."""


def action_label(action: str) -> Text:
    """What the button of an action says."""
    return ACTIONS.get(action, _OTHER)
