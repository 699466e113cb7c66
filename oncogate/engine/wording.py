"""What clinicians call things: sections, kinds, statuses, and an entry's value as recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from oncogate.base.texts import Text
from oncogate.engine.values import with_unit
from oncogate.model.record import (
    Assessment,
    Consent,
    Entry,
    Measurement,
    OrderOnRecord,
    Pathology,
    Stage,
    Treatment,
)
from oncogate.model.values import Quantity

SECTION_LABELS = {
    "diagnoses": Text(zh="诊断", en="diagnoses"), "stages": Text(zh="分期", en="stages"), "pathology": Text(zh="病理", en="pathology reports"),
    "markers": Text(zh="分子检测", en="marker results"), "exams": Text(zh="检查", en="examinations"), "assessments": Text(zh="风险评估", en="risk assessments"),
    "consents": Text(zh="知情同意", en="consents"), "labs": Text(zh="检验", en="laboratory results"), "vitals": Text(zh="生命体征", en="vital signs"),
    "procedures": Text(zh="手术操作", en="procedures"), "treatments": Text(zh="既往治疗", en="treatments"), "orders": Text(zh="其他医嘱", en="other orders"),
    "allergies": Text(zh="过敏史", en="allergies"), "meetings": Text(zh="会诊讨论", en="meetings"), "educations": Text(zh="患者宣教", en="education records"),
    "follow_ups": Text(zh="随访", en="follow-up records"), "events": Text(zh="事件", en="events"),
}  # fmt: skip


def section_label(section: str) -> Text:
    """What clinicians call a section of the record."""
    return SECTION_LABELS.get(section) or Text(zh=section, en=section)


def stated(entry: Entry, field: str) -> Any:
    """What an entry states in a field; `None` also where entries of its kind don't have one of that name."""
    return entry.__dict__.get(field)  # to ask a model for what it doesn't have takes many times as long


def shown_value(entry: Entry) -> str | None:
    """The entry's value as recorded, for evidence."""
    if isinstance(entry, Measurement):
        return quantity_text(entry.value) if entry.value is not None else entry.text
    field = _SAYS.get(type(entry))
    if field is not None:
        said: str | None = stated(entry, field)
        return said
    name: str | None = stated(entry, "name")
    if isinstance(entry, (Treatment, OrderOnRecord)):
        names = [d.name or d.code or "" for d in entry.drugs]
        return name or "+".join(n for n in names if n) or None
    return name or stated(entry, "result") or stated(entry, "text") or None


_SAYS: Mapping[type[Entry], str] = {Stage: "stage", Assessment: "level", Pathology: "conclusion"}
"""The field that says what an entry says."""


def quantity_text(quantity: Quantity) -> str:
    """A quantity as a person reads it: `<0.5 10*9/L`."""
    return f"{quantity.comparator or ''}{quantity.value:f} {quantity.unit}".strip()


def quantity_words(quantity: Quantity) -> Text:
    """A quantity as clinicians write it: `<0.5 ×10⁹/L`."""
    return with_unit(f"{quantity.comparator or ''}{quantity.value:f}", quantity.unit)


def with_value(label: Text, entry: Entry) -> Text:
    """What a thing is called, with the entry's value where it is a number: `血小板 45 ×10⁹/L`."""
    quantity = stated(entry, "value")
    if not isinstance(quantity, Quantity):
        return label
    said = quantity_words(quantity)
    return Text(zh=f"{before_number(label.zh)}{said.zh}", en=f"{before_number(label.en)}{said.en}")


def before_number(label: str) -> str:
    """What a thing is called, ready for a number: behind a Chinese bracket stands no blank."""
    return label if label.endswith("）") else f"{label} "


_STATUSES = {
    "preliminary": Text(zh="尚为初步报告", en="preliminary"), "registered": Text(zh="尚未出结果", en="without a result yet"),
    "cancelled": Text(zh="已取消", en="cancelled"), "not-done": Text(zh="未执行", en="not done"),
    "draft": Text(zh="尚为草稿", en="a draft"), "proposed": Text(zh="尚未签署", en="proposed only"),
    "on-hold": Text(zh="已暂停", en="on hold"), "planned": Text(zh="计划中", en="planned"),
    "completed": Text(zh="已完成", en="completed"), "stopped": Text(zh="已停用", en="stopped"),
    "in-progress": Text(zh="进行中", en="in progress"), "active": Text(zh="执行中", en="active"),
    "inactive": Text(zh="已失效", en="inactive"), "remission": Text(zh="缓解", en="in remission"),
    "resolved": Text(zh="已治愈", en="resolved"), "unknown": Text(zh="状态不明", en="of unknown status"),
}  # fmt: skip


def status_said(status: str | None) -> Text:
    """Why an entry of this status doesn't count."""
    return _STATUSES.get(status or "") or Text(zh=f"状态为“{status}”", en=f"status `{status}`")


_PROBLEMS = {
    "page missing": "资料未传全，缺少后续页", "isn't a FHIR resource": "不是 FHIR 资源", "says no code": "没有写明项目代码",
    "says no status": "没有写明状态", "says no time": "没有写明时间", "the time isn't a text": "时间格式不对",
    "doesn't say to what": "没有写明对什么过敏", "doesn't say which drug": "没有写明药品", "lists a result that wasn't sent": "报告中有结果未传来",
    "the result says no status": "结果没有写明状态", "the result says no code": "结果没有写明项目代码",
    "a result is taken back, and no order number says which": "有结果被撤回，但没有写明是哪一项",
    "a result is declared final, and the result itself isn't on record": "结果已确认，但没有收到结果本身",
    "an order without ORC doesn't say how it stands": "医嘱没有写明执行状态",
}  # fmt: skip
"""What the adapters find wrong, in Chinese; what a host says goes as it is."""


def problem_said(problem: str) -> Text:
    """Why something could not be read."""
    return Text(zh=_PROBLEMS.get(problem, problem), en=problem)


KIND_LABELS = {
    "chemotherapy": Text(zh="化疗", en="chemotherapy"), "targeted": Text(zh="靶向治疗", en="targeted treatment"),
    "immunotherapy": Text(zh="免疫治疗", en="immunotherapy"), "surgery": Text(zh="手术", en="surgery"),
    "radiotherapy": Text(zh="放疗", en="radiotherapy"), "histology": Text(zh="组织学", en="histology"), "cytology": Text(zh="细胞学", en="cytology"),
}  # fmt: skip


def kind_said(entry: Entry) -> Text | None:
    """What an entry is, where it is of another kind or its kind isn't clear."""
    kind = stated(entry, "kind")
    if isinstance(entry, Consent):
        label = KIND_LABELS.get(kind or "", Text(zh="其他事项", en="something else"))
        return Text(zh=f"这是{label.zh}的知情同意书", en=f"it is a consent to {label.en}")
    if isinstance(entry, Assessment):
        return Text(zh="这是其他内容的评估", en="it assesses something else")
    if kind == "operation":
        return Text(
            zh="无法确定是否为针对肿瘤的手术",
            en="it can't be told whether the operation was against the tumour",
        )
    if kind == "surgery":
        return Text(zh="无法确定是否切除了肿瘤", en="it can't be told whether the tumour was removed")
    if isinstance(entry, (Treatment, OrderOnRecord)):
        return Text(zh="有药品未能识别", en="it has a drug that isn't recognised")
    return None


def minute_text(moment: datetime, at: datetime) -> str:
    """A moment to the minute, in the zone of the decision moment: `2026-03-02 09:30`."""
    if moment.tzinfo is not at.tzinfo:
        moment = moment.astimezone(at.tzinfo)
    text = moment.replace(tzinfo=None).isoformat(" ", "minutes")
    return text.lstrip("0")  # a system's empty date, in the year 1, begins with that digit


def ended_said(status: str | None, recorded: datetime | None, at: datetime) -> Text:
    """When a consent was taken back."""
    when = minute_text(recorded, at) if recorded else ""
    if status == "rejected":
        return Text(zh=f"患者已于 {when} 拒绝或收回同意", en=f"refused or taken back, recorded {when}")
    return Text(zh=f"已于 {when} 撤回", en=f"withdrawn, recorded {when}")
