"""What an entry says: a stage that fits, a level of the vocabulary, a value in the fact's unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.clinical.stages import Stage as StageNotation
from oncogate.clinical.stages import StageProblem, fits, read_stage
from oncogate.clinical.units import help_for, to_canonical
from oncogate.engine.case import Case
from oncogate.engine.values import unit_text
from oncogate.engine.wording import stated
from oncogate.model.decision import Why
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import Entry, Measurement, Stage

Check = tuple[Truth, Why | None, Text | None]
"""Whether an entry passes; if it doesn't or that can't be told, why, and what a physician needs to know."""


def content_checks(case: Case, fact: Fact, entry: Entry, options: Mapping[str, Parameter]) -> Iterator[Check]:
    """The checks of what an entry says, by what the fact asks of it."""
    if fact.stage is not None and isinstance(entry, Stage):
        yield _stage(case, fact, entry, options)
    if fact.vocabulary is not None:
        yield _vocabulary(fact, entry)
    if (
        isinstance(entry, Measurement)
        and entry.value is None
        and entry.text is None
        and entry.conflict is None
    ):
        yield False, "absent", Text(zh="没有结果值", en="it has no value")


def _vocabulary(fact: Fact, entry: Entry) -> Check:
    vocabulary = fact.vocabulary
    assert vocabulary is not None
    said = stated(entry, vocabulary.field)
    if said is None and isinstance(entry, Measurement) and entry.value is not None:
        return None, "invalid", Text(
            zh="报告的是数值，不能据此判定阴性或阳性", en="it is a number, which doesn't say negative or positive"
        )  # fmt: skip
    if said is None:
        return False, "absent", Text(zh="没有写明评估结论", en="it states no result")
    if vocabulary.value_of(said) in vocabulary.values:
        return True, None, None
    zh = "、".join(dict.fromkeys(label.zh for label in vocabulary.values.values()))
    en = ", ".join(dict.fromkeys(label.en for label in vocabulary.values.values()))
    return None, "invalid", Text(zh=f"不是规定的取值，应为{zh}之一", en=f"should be one of: {en}")


def _stage(case: Case, fact: Fact, entry: Stage, options: Mapping[str, Parameter]) -> Check:
    kind = case.tumour.kind
    read = read_stage(entry.stage, system=entry.system, tumour=kind.id if kind else None)
    if isinstance(read, StageProblem):
        return False, "conflicting" if "contradict" in read.code else "invalid", read.message
    wrong = _wrong_kind(fact, entry, read, options)
    if wrong is not None:
        return False, "wrong_kind", wrong
    forms = options.get("forms")
    if forms is not None and isinstance(forms.value, tuple) and not set(_forms(read)) & set(forms.value):
        return (
            False,
            "invalid",
            Text(zh="本院不接受这种写法的分期", en="the site doesn't accept a stage of this form"),
        )
    systems = kind.stage_systems if kind else ("tnm",) if case.is_malignant_without_kind() else None
    if systems is None:
        return (
            None,
            "wrong_kind",
            Text(
                zh="无法确定本次治疗针对哪个肿瘤，无法核对分期系统",
                en="it can't be told which tumour is treated, so whether the system fits isn't known",
            ),
        )
    if not fits(read, systems):
        label = kind.label if kind else Text(zh="该肿瘤", en="this tumour")
        return (
            False,
            "wrong_kind",
            Text(zh=f"分期系统不适用于{label.zh}", en=f"the staging system doesn't fit {label.en}"),
        )
    return True, None, None


def _wrong_kind(
    fact: Fact, entry: Stage, read: StageNotation, options: Mapping[str, Parameter]
) -> Text | None:
    if fact.stage == "clinical":
        if "y" in read.modifiers:
            return Text(
                zh="新辅助治疗后分期（y），不是治疗前的临床分期",
                en="a stage after neoadjuvant treatment (y) isn't a clinical stage",
            )
        if "r" in read.modifiers:
            return Text(
                zh="复发分期（r），不是首次治疗前的临床分期",
                en="a recurrence stage (r) isn't a clinical stage",
            )
        if "a" in read.modifiers:
            return Text(zh="尸检分期（a），不是临床分期", en="an autopsy stage (a) isn't a clinical stage")
        if read.kind == "pathologic" or entry.kind == "pathologic":
            return Text(zh="这是病理分期，不是临床分期", en="this is a pathologic stage, not a clinical one")
        explicit = options.get("explicit_prefix")
        if read.kind is None and explicit is not None and explicit.value is True and read.t is not None:
            return Text(zh="本院要求写明前缀 c", en="the site asks for the prefix c")
        if read.kind is None and entry.kind is None:
            return Text(
                zh="未写明是临床分期（前缀 c）", en="nothing says that it is a clinical stage (prefix c)"
            )
        return None
    if read.kind == "clinical" or (read.kind is None and entry.kind != "pathologic"):
        return Text(zh="这不是病理分期", en="this isn't a pathologic stage")
    return None


def _forms(read: StageNotation) -> tuple[str, ...]:
    return ("categories", "group") if read.form == "both" else (read.form,)


def word_for(fact: Fact, entry: Entry) -> Text | None:
    """What clinicians call a coded value."""
    vocabulary = fact.vocabulary
    value = vocabulary.value_of(stated(entry, vocabulary.field)) if vocabulary else None
    return vocabulary.values.get(value) if vocabulary and value else None


def read_value(fact: Fact, entry: Entry) -> tuple[Decimal | None, Why | None, Text | None]:
    """The value in the fact's unit; where it can't be read, why, and what is wrong."""
    measured = fact.measured
    if measured is None or not isinstance(entry, Measurement):
        return None, None, None
    if entry.conflict is not None:
        return (
            None,
            "conflicting",
            Text(zh=f"结果自相矛盾：{entry.conflict}", en=f"the result contradicts itself: {entry.conflict}"),
        )
    if entry.value is None:
        said = entry.text or ""
        return (
            None,
            "invalid" if said else "absent",
            Text(zh=f"结果“{said}”不是数值", en=f"`{said}` isn't a number") if said else None,
        )
    value = to_canonical(measured.measure, entry.value.value, entry.value.unit)
    if value is None:
        return None, "unreadable_unit", help_for(measured.measure, entry.value.unit)
    low, high = measured.plausible
    if not low <= value <= high:
        return (
            None,
            "implausible",
            Text(
                zh=f"超出可信范围 {low:f}–{high:f} {unit_text(measured.unit).zh}".strip(),
                en=f"beyond the plausible range {low:f} to {high:f} {unit_text(measured.unit).en}".strip(),
            ),
        )
    return value, None, None
