"""Which entries of a fact count, as of the decision moment, and why the others don't.

Every candidate gets a standing: counted, not counted (with a reason of the closed vocabulary), or
undecided. What the record may hide (a section not supplied, an entry that could not be read, a page
that is missing) is told apart from what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from oncogate.base.errors import did_you_mean
from oncogate.base.logic import Truth, every
from oncogate.base.texts import Text
from oncogate.base.times import day_start, go_back
from oncogate.clinical.stages import Stage as StageNotation
from oncogate.clinical.stages import StageProblem, fits, read_stage
from oncogate.clinical.units import help_for, to_canonical
from oncogate.engine.case import Case, in_classes
from oncogate.engine.values import written
from oncogate.model.decision import Evidence, Why
from oncogate.model.facts import Fact
from oncogate.model.record import (
    Assessment,
    Consent,
    Diagnosis,
    Drug,
    Entry,
    Measurement,
    Note,
    OrderOnRecord,
    Pathology,
    Procedure,
    Stage,
    Treatment,
    Unread,
)  # fmt: skip
from oncogate.model.rule import Parameter
from oncogate.model.values import Quantity

CORRECTS = frozenset({"corrected", "amended"})
ERRONEOUS = frozenset({"entered-in-error", "refuted"})
NEVER_SUPERSEDES = frozenset({"preliminary", "registered", "unknown"})


@dataclass(frozen=True)
class Window:
    """A span back from the moment, from a parameter: `since` is its first instant."""

    since: datetime
    written: Text

    @staticmethod
    def of(parameter: Parameter, at: datetime) -> Window:
        """The window of a parameter such as `21 d`."""
        count = int(parameter.value) if isinstance(parameter.value, (int, Decimal)) else 0
        return Window(go_back(at, count, parameter.unit or "d"), written(parameter))


@dataclass(frozen=True)
class Standing:
    """One candidate entry and whether it counts."""

    entry: Entry
    counted: Truth
    why: Why | None = None
    detail: Text | None = None
    when: datetime | None = None
    value: Decimal | None = None
    problem: Why | None = None

    def evidence(self, fact: str) -> Evidence:
        """The standing as a row of evidence."""
        entry = self.entry
        day = entry.effective is not None and not isinstance(entry.effective, datetime)
        return Evidence(
            fact=fact, entry=entry.id, source=entry.source, counted=self.counted, why=self.why or self.problem,
            value=shown_value(entry), time=entry.effective, precision="day" if day else None, detail=self.detail,
        )  # fmt: skip


@dataclass(frozen=True)
class Hidden:
    """Why more entries may exist than were seen."""

    why: Why
    detail: Text
    source: str | None = None

    def evidence(self, fact: str) -> Evidence:
        """The gap as a row of evidence."""
        return Evidence(fact=fact, source=self.source, counted=None, why=self.why, detail=self.detail)


@dataclass(frozen=True)
class Selection:
    """The candidates of a fact, in a fixed order, and what may be hidden."""

    fact: str
    standings: tuple[Standing, ...]
    hidden: tuple[Hidden, ...]

    @property
    def exists(self) -> Truth:
        """Whether a counted entry is there."""
        if any(s.counted is True for s in self.standings):
            return True
        return None if self.hidden or any(s.counted is None for s in self.standings) else False

    @property
    def newest(self) -> tuple[Standing, ...]:
        """The counted entries of the newest moment, with any undecided ones that are as new."""
        timed = [s for s in self.standings if s.counted is not False and s.when is not None]
        certain = [s.when for s in timed if s.counted and s.when]
        return tuple(s for s in timed if s.when and s.when >= max(certain)) if certain else tuple(timed)

    def evidence(self) -> tuple[Evidence, ...]:
        """All rows: what was found, then what may be hidden."""
        rows = [s.evidence(self.fact) for s in self.standings]
        rows += [h.evidence(self.fact) for h in self.hidden]
        return tuple(rows) or (Evidence(fact=self.fact, counted=False, why="absent"),)


def select(
    case: Case, name: str, *, window: Window | None = None, older_than: Window | None = None,
    since: Window | None = None, options: Mapping[str, Parameter] | None = None,
) -> Selection:  # fmt: skip
    """Judge every candidate entry of the fact `name`.

    `window` refuses older entries, `older_than` refuses those within it, `since` those before a moment, written as what happened then.
    `options` are the rule's parameters handed to the fact by name.
    """
    fact = case.facts[name]
    judge = _Judge(case, fact, window, older_than, since, options or {})
    standings: list[Standing] = []
    hidden: list[Hidden] = []
    for section in fact.sections:
        entries = case.record.section(section)
        if entries is None:
            hidden.append(_not_supplied(section))
        else:
            standings += [s for entry in entries if (s := judge.standing(entry)) is not None]
        hidden += [_unread(mark) for mark in case.unread(section) if _may_hide(mark, fact)]
    for section in fact.also:
        standings += [s for entry in case.record.section(section) or () if (s := judge.standing(entry)) is not None]
        hidden += [_unread(mark) for mark in case.unread(section) if mark.kind is not None and mark.kind in fact.kinds]
    standings = _last_word(case, fact, _superseded(case, standings))
    if any(_undated_end(case, s) for s in standings):
        hidden.append(Hidden("unread", UNDATED_END))
    standings.sort(key=lambda s: (-(s.when.timestamp() if s.when else 0), s.entry.id))
    return Selection(name, tuple(standings), tuple(hidden))


class _Judge:
    """Judges single entries of one fact."""

    def __init__(
        self, case: Case, fact: Fact, window: Window | None, older_than: Window | None,
        since: Window | None, options: Mapping[str, Parameter],
    ) -> None:  # fmt: skip
        self.case = case
        self.fact = fact
        self.window = window
        self.older_than = older_than
        self.since = since
        self.options = options

    def standing(self, entry: Entry) -> Standing | None:
        """The entry's standing, or `None` where it is no candidate at all."""
        is_kind = self._is_kind(entry)
        if is_kind is False and not self.fact.near_kinds:
            return None
        when = None if entry.effective is None else self.case.first_instant(entry.effective)
        checks = list(self._checks(entry, is_kind, when))
        value, problem, detail = self._value(entry)
        counted = every(check[0] for check in checks)
        first = next((c for c in checks if c[0] is counted), (counted, None, None)) if counted is not True else (True, None, None)
        return Standing(entry, counted, first[1], first[2] or (detail if counted is not False else None), when, value, problem)

    def _checks(self, entry: Entry, is_kind: Truth, when: datetime | None) -> Iterator[tuple[Truth, Why | None, Text | None]]:
        case, fact = self.case, self.fact
        if case.of_another_patient(entry):
            yield False, "wrong_patient", None
        status = getattr(entry, "status", None)
        ends = status in fact.ends
        if status in ERRONEOUS:
            yield False, "invalid", Text(zh="该记录已标记为录入错误", en="marked as entered in error")
        elif is_kind is not True:
            yield is_kind, "wrong_kind", _kind_said(entry)
        if status == "superseded":
            yield False, "superseded", None
        elif not ends and fact.counted and status not in fact.counted and status not in ERRONEOUS:
            yield False, "not_final", _status_said(status)
        if not ends and when is not None and when > case.at:
            yield False, "in_the_future", None
        recorded = case.recorded(entry)
        if recorded is None:
            yield None, "unread", Text(zh="没有时间", en="it has no time")
        elif recorded > case.at:
            yield False, "recorded_late", None
        if not ends:
            yield from self._timing(when, entry)
        yield self._focus(entry)
        yield from self._matches(entry)
        if ends:
            yield False, "withdrawn", _ended_said(status, recorded, case.at)
        else:
            yield from self._content(entry)

    def _timing(self, when: datetime | None, entry: Entry) -> Iterator[tuple[Truth, Why | None, Text | None]]:
        if when is None:
            if not isinstance(entry, Diagnosis):
                yield None, "unread", Text(zh="没有时间", en="it has no time")
        elif self.window is not None and when < self.window.since:
            yield False, "too_old", None
        elif self.since is not None and when < self._since(entry, self.since):
            yield False, "too_old", Text(zh=f"早于{self.since.written.zh}", en=f"before the {self.since.written.en}")
        elif self.older_than is not None and when >= self.older_than.since:
            yield False, "wrong_kind", Text(zh=f"未满{self.older_than.written.zh}", en=f"less than {self.older_than.written.en} ago")

    def _since(self, entry: Entry, since: Window) -> datetime:
        # a specimen's stage is often dated on the day of the operation, without a time
        return since.since if isinstance(entry.effective, datetime) else day_start(since.since, self.case.at)

    # -- kind, focus, order ------------------------------------------------------------------------

    def _is_kind(self, entry: Entry) -> Truth:
        fact = self.fact
        if isinstance(entry, Measurement):
            return any(c.system == k.system and c.code == k.code for c in entry.codes for k in fact.codes)
        if isinstance(entry, Treatment) and entry.kind == "drugs":
            return self._gives(entry.drugs, bool(entry.regimen)) if fact.drugs else False
        if isinstance(entry, OrderOnRecord):
            return self._gives(entry.drugs, False) if fact.drugs else False
        if isinstance(entry, Stage):
            return True
        kind = getattr(entry, "kind", None)
        if kind in fact.doubtful_kinds:
            return None
        if kind in fact.narrow_kinds:
            return self.case.only_drugs_of(kind)
        if isinstance(entry, (Assessment, Consent, Procedure, Treatment, Note)):
            return not fact.kinds or kind in fact.kinds
        return not fact.kinds or kind is None or kind in fact.kinds

    def _gives(self, drugs: tuple[Drug, ...], regimen: bool) -> Truth:
        wanted = frozenset(self.fact.drugs)
        if regimen and "anti_tumour" in wanted:
            return True
        known = [self.case.tables.identify(d) for d in drugs]
        found = [in_classes(k, wanted) if k else None for k in known]
        if True in found:
            return True
        return None if None in found else False

    def _focus(self, entry: Entry) -> tuple[Truth, Why | None, Text | None]:
        rule, tumour = self.fact.focus, self.case.tumour
        if rule == "ignored":
            return True, None, None
        if entry.focus is not None:
            about = self.case.about_this_tumour(entry.focus)
            other = Text(zh="属于其他肿瘤或疾病", en="it is about another tumour or condition")
            untold = Text(zh="无法确定本次治疗针对哪个肿瘤", en="it can't be told which tumour is treated")
            return about, "wrong_focus", untold if about is None else other
        unsaid = Text(zh="病历中不止一个肿瘤，该记录未写明属于哪一个", en="the record has several tumours and this doesn't say which it is about")
        if rule == "required":
            return (True if tumour.several is False else None if tumour.several is None else False), "wrong_focus", unsaid
        if rule == "doubtful" and tumour.several is True:
            return None, "wrong_focus", unsaid
        return True, None, None

    def _matches(self, entry: Entry) -> Iterator[tuple[Truth, Why | None, Text | None]]:
        order = self.case.order
        named = getattr(entry, "regimen", None)
        if "regimen" in self.fact.matches and named and order is not None:
            yield self._same_regimen(named), "other_regimen", Text(zh=f"针对的是“{named}”", en=f"it is for `{named}`")
        cycle = getattr(entry, "cycle", None)
        if "cycle" in self.fact.matches and cycle is not None and order is not None:
            same = None if order.cycle is None else order.cycle == cycle
            yield same, "other_cycle", Text(zh=f"针对的是第{cycle}周期", en=f"it is for cycle {cycle}")

    def _same_regimen(self, named: str) -> Truth:
        case = self.case
        assert case.order is not None
        if case.order.regimen:
            return case.tables.same_regimen(named, case.order.regimen)
        rows = case.tables.regimens_named(named)
        if not rows:
            return None
        given = frozenset(d.known.id for d in case.drugs if d.known is not None and d.known.anti_tumour)
        if case.doubtful or any(d.known is None for d in case.drugs):
            return None
        return any(given == case.tables.anti_tumour_part(row) for row in rows)

    # -- content -----------------------------------------------------------------------------------

    def _content(self, entry: Entry) -> Iterator[tuple[Truth, Why | None, Text | None]]:
        if self.fact.stage is not None and isinstance(entry, Stage):
            yield self._stage(entry)
        if self.fact.vocabulary is not None:
            yield self._vocabulary(entry)
        if isinstance(entry, Measurement) and entry.value is None and entry.text is None and entry.conflict is None:
            yield False, "absent", Text(zh="没有结果值", en="it has no value")

    def _vocabulary(self, entry: Entry) -> tuple[Truth, Why | None, Text | None]:
        vocabulary = self.fact.vocabulary
        assert vocabulary is not None
        said = getattr(entry, vocabulary.field, None)
        if said is None:
            return False, "absent", Text(zh="没有写明评估结论", en="it states no result")
        if said in vocabulary.values:
            return True, None, None
        choices = "、".join(f"{value} {label.zh}" for value, label in vocabulary.values.items())
        hint = did_you_mean(said, vocabulary.values)
        return None, "invalid", Text(
            zh=f"不是规定的取值，应写 {choices}", en=f"isn't one of {', '.join(vocabulary.values)}" + (f"; {hint}" if hint else "")
        )  # fmt: skip

    def _stage(self, entry: Stage) -> tuple[Truth, Why | None, Text | None]:
        case = self.case
        kind = case.tumour.kind
        read = read_stage(entry.stage, system=entry.system, tumour=kind.id if kind else None)
        if isinstance(read, StageProblem):
            return False, "conflicting" if "contradict" in read.code else "invalid", read.message
        wrong = self._wrong_stage_kind(entry, read)
        if wrong is not None:
            return False, "wrong_kind", wrong
        forms = self.options.get("forms")
        if forms is not None and isinstance(forms.value, tuple) and not set(_forms(read)) & set(forms.value):
            return False, "invalid", Text(zh="本院不接受这种写法的分期", en="the site doesn't accept a stage of this form")
        systems = kind.stage_systems if kind else ("tnm",) if case.is_malignant_without_kind() else None
        if systems is None:
            return None, "wrong_kind", Text(zh="无法确定本次治疗针对哪个肿瘤，无法核对分期系统", en="it can't be told which tumour is treated, so whether the system fits isn't known")
        if not fits(read, systems):
            label = kind.label if kind else Text(zh="该肿瘤", en="this tumour")
            return False, "wrong_kind", Text(zh=f"分期系统不适用于{label.zh}", en=f"the staging system doesn't fit {label.en}")
        return True, None, None

    def _wrong_stage_kind(self, entry: Stage, read: StageNotation) -> Text | None:
        if self.fact.stage == "clinical":
            if "y" in read.modifiers:
                return Text(zh="新辅助治疗后分期（y），不是治疗前的临床分期", en="a stage after neoadjuvant treatment (y) isn't a clinical stage")
            if "r" in read.modifiers:
                return Text(zh="复发分期（r），不是首次治疗前的临床分期", en="a recurrence stage (r) isn't a clinical stage")
            if "a" in read.modifiers:
                return Text(zh="尸检分期（a），不是临床分期", en="an autopsy stage (a) isn't a clinical stage")
            if read.kind == "pathologic" or entry.kind == "pathologic":
                return Text(zh="这是病理分期，不是临床分期", en="this is a pathologic stage, not a clinical one")
            explicit = self.options.get("explicit_prefix")
            if read.kind is None and explicit is not None and explicit.value is True and read.t is not None:
                return Text(zh="本院要求写明前缀 c", en="the site asks for the prefix c")
            if read.kind is None and entry.kind is None:
                return Text(zh="未写明是临床分期（前缀 c）", en="nothing says that it is a clinical stage (prefix c)")
            return None
        if read.kind == "clinical" or (read.kind is None and entry.kind != "pathologic"):
            return Text(zh="这不是病理分期", en="this isn't a pathologic stage")
        return None

    def _value(self, entry: Entry) -> tuple[Decimal | None, Why | None, Text | None]:
        """The value in the fact's unit; where it can't be read, why, and what is wrong."""
        measured = self.fact.measured
        if measured is None or not isinstance(entry, Measurement):
            return None, None, None
        if entry.conflict is not None:
            return None, "conflicting", Text(zh=f"结果自相矛盾：{entry.conflict}", en=f"the result contradicts itself: {entry.conflict}")
        if entry.value is None:
            said = entry.text or ""
            return None, "invalid" if said else "absent", Text(zh=f"结果“{said}”不是数值", en=f"`{said}` isn't a number") if said else None
        value = to_canonical(measured.measure, entry.value.value, entry.value.unit)
        if value is None:
            return None, "unreadable_unit", help_for(measured.measure, entry.value.unit)
        low, high = measured.plausible
        if not low <= value <= high:
            return None, "implausible", Text(
                zh=f"超出可信范围 {low:f}–{high:f} {measured.unit}", en=f"beyond the plausible range {low:f} to {high:f} {measured.unit}"
            )  # fmt: skip
        return value, None, None


def _forms(read: StageNotation) -> tuple[str, ...]:
    return ("categories", "group") if read.form == "both" else (read.form,)


def _status_said(status: str | None) -> Text:
    words = {
        "preliminary": Text(zh="尚为初步报告", en="preliminary"), "registered": Text(zh="尚未出结果", en="without a result yet"),
        "cancelled": Text(zh="已取消或检测失败", en="cancelled or failed"), "not-done": Text(zh="未执行", en="not done"),
        "draft": Text(zh="尚为草稿", en="a draft"), "proposed": Text(zh="尚未签署", en="proposed only"),
        "on-hold": Text(zh="已暂停", en="on hold"), "planned": Text(zh="计划中", en="planned"),
    }  # fmt: skip
    return words.get(status or "", Text(zh=f"状态为“{status}”", en=f"status `{status}`"))


KIND_LABELS = {
    "chemotherapy": Text(zh="化疗", en="chemotherapy"), "targeted": Text(zh="靶向治疗", en="targeted treatment"),
    "immunotherapy": Text(zh="免疫治疗", en="immunotherapy"), "surgery": Text(zh="手术", en="surgery"),
    "radiotherapy": Text(zh="放疗", en="radiotherapy"), "histology": Text(zh="组织学", en="histology"), "cytology": Text(zh="细胞学", en="cytology"),
}  # fmt: skip


def _kind_said(entry: Entry) -> Text | None:
    kind = getattr(entry, "kind", None)
    if isinstance(entry, Consent):
        label = KIND_LABELS.get(kind or "", Text(zh="其他事项", en="something else"))
        return Text(zh=f"这是{label.zh}的知情同意书", en=f"it is a consent to {label.en}")
    if isinstance(entry, Assessment):
        return Text(zh="这是其他内容的评估", en="it assesses something else")
    if kind == "operation":
        return Text(zh="无法确定是否为针对肿瘤的手术", en="it can't be told whether the operation was against the tumour")
    if kind == "surgery":
        return Text(zh="无法确定是否切除了肿瘤", en="it can't be told whether the tumour was removed")
    return None


def _ended_said(status: str | None, recorded: datetime | None, at: datetime) -> Text:
    when = recorded.astimezone(at.tzinfo).strftime("%Y-%m-%d %H:%M") if recorded else ""
    if status == "rejected":
        return Text(zh=f"患者已于 {when} 拒绝或收回同意", en=f"refused or taken back, recorded {when}")
    return Text(zh=f"已于 {when} 撤回", en=f"withdrawn, recorded {when}")


def _superseded(case: Case, standings: list[Standing]) -> list[Standing]:
    """Take out what a correction of the same result replaced, by what was recorded by the moment."""

    def replaces(new: Standing, old: Standing) -> bool:
        if new is old or not case.stands(new.entry) or new.why in ("in_the_future", "wrong_patient"):
            return False
        recorded, before = case.recorded(new.entry), case.recorded(old.entry)
        status = getattr(new.entry, "status", None)
        if recorded is None or before is None or recorded <= before:
            return False
        if new.entry.key is not None and new.entry.key == old.entry.key:
            return status in CORRECTS | ERRONEOUS | {"cancelled"}
        if new.entry.key is not None and old.entry.key is not None:
            return False
        same = isinstance(new.entry, Measurement) and isinstance(old.entry, Measurement) and _codes(new.entry) == _codes(old.entry)
        return same and status in CORRECTS and new.when is not None and new.when == old.when

    return [
        replace(s, counted=False, why="superseded", detail=None) if s.counted is not False and any(replaces(n, s) for n in standings) else s
        for s in standings
    ]  # fmt: skip


def _codes(entry: Measurement) -> frozenset[tuple[str | None, str | None]]:
    return frozenset((c.system, c.code) for c in entry.codes)


def _last_word(case: Case, fact: Fact, standings: list[Standing]) -> list[Standing]:
    """A later refusal or withdrawal undoes an earlier consent; a later signature revives it."""
    if not fact.ends:
        return standings
    ends = [case.recorded(s.entry) for s in standings if s.why == "withdrawn"]
    ended = [recorded for recorded in ends if recorded is not None and recorded <= case.at]
    if None in ends:  # it may be the last word
        standings = [replace(s, counted=None, why="unread", detail=UNDATED_END) if s.counted else s for s in standings]
    if not ended:
        return standings
    last = max(ended)
    return [
        replace(s, counted=False, why="withdrawn", detail=Text(zh="此后已撤回或拒绝", en="withdrawn or refused since"))
        if s.counted is not False and (s.when is None or s.when <= last) else s
        for s in standings
    ]  # fmt: skip


UNDATED_END = Text(zh="另有未注明时间的撤回或拒绝记录", en="there is a withdrawal or refusal without a time")


def _undated_end(case: Case, standing: Standing) -> bool:
    return standing.why == "withdrawn" and case.recorded(standing.entry) is None


def _not_supplied(section: str) -> Hidden:
    return Hidden("not_supplied", Text(zh=f"系统未提供“{section_label(section).zh}”资料", en=f"the host did not supply {section_label(section).en}"))


def _unread(mark: Unread) -> Hidden:
    return Hidden("unread", Text(zh=f"有资料无法读取：{mark.problem}", en=f"something could not be read: {mark.problem}"), mark.source)


def _may_hide(mark: Unread, fact: Fact) -> bool:
    if mark.codes and fact.codes:
        return any(c.system == k.system and c.code == k.code for c in mark.codes for k in fact.codes)
    if mark.kind is not None and fact.kinds:
        return mark.kind in fact.kinds
    if mark.kind is not None and fact.stage is not None:
        return mark.kind == fact.stage
    return True


SECTION_LABELS = {
    "diagnoses": Text(zh="诊断", en="diagnoses"), "stages": Text(zh="分期", en="stages"), "pathology": Text(zh="病理", en="pathology reports"),
    "markers": Text(zh="分子检测", en="marker results"), "exams": Text(zh="检查", en="examinations"), "assessments": Text(zh="风险评估", en="risk assessments"),
    "consents": Text(zh="知情同意", en="consents"), "labs": Text(zh="检验", en="laboratory results"), "vitals": Text(zh="生命体征", en="vital signs"),
    "procedures": Text(zh="手术操作", en="procedures"), "treatments": Text(zh="既往治疗", en="treatments"), "orders": Text(zh="医嘱", en="other orders"),
    "allergies": Text(zh="过敏史", en="allergies"), "meetings": Text(zh="会诊讨论", en="meetings"), "educations": Text(zh="患者宣教", en="education records"),
    "follow_ups": Text(zh="随访", en="follow-up records"), "events": Text(zh="事件", en="events"),
}  # fmt: skip


def section_label(section: str) -> Text:
    """What clinicians call a section of the record."""
    return SECTION_LABELS.get(section, Text(zh=section, en=section))


def shown_value(entry: Entry) -> str | None:
    """The entry's value as recorded, for evidence."""
    if isinstance(entry, Measurement):
        return quantity_text(entry.value) if entry.value is not None else entry.text
    if isinstance(entry, Stage):
        return entry.stage
    if isinstance(entry, Assessment):
        return entry.level
    if isinstance(entry, (Treatment, OrderOnRecord)):
        names = [d.name or d.code or "" for d in entry.drugs]
        return getattr(entry, "name", None) or "+".join(n for n in names if n) or None
    if isinstance(entry, Pathology):
        return entry.conclusion
    for field in ("name", "result", "text"):
        if getattr(entry, field, None):
            return str(getattr(entry, field))
    return None


def quantity_text(quantity: Quantity) -> str:
    """A quantity as a person reads it: `<0.5 10*9/L`."""
    return f"{quantity.comparator or ''}{quantity.value:f} {quantity.unit}".strip()
