"""Whether one entry counts for a fact, as of the decision moment, and why it doesn't."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import lru_cache

from oncogate.base.logic import Truth, every, some
from oncogate.base.made import made
from oncogate.base.texts import Text
from oncogate.base.times import day_start, go_back
from oncogate.engine.case import Case, in_classes
from oncogate.engine.content import Check, content_checks, read_value, word_for
from oncogate.engine.values import all_agree, with_unit
from oncogate.engine.wording import ended_said, kind_said, shown_value, stated, status_said
from oncogate.model.decision import Evidence, Why
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import (
    Assessment,
    Consent,
    Diagnosis,
    Drug,
    Entry,
    Measurement,
    Note,
    OrderOnRecord,
    Procedure,
    Stage,
    Treatment,
)
from oncogate.packs.codes import icd10
from oncogate.packs.tables import ANTI_TUMOUR

ERRONEOUS = frozenset({"entered-in-error", "refuted"})
_CALLED_OFF = frozenset({"cancelled", "not-done", "noshow", "stopped", "已取消"})
CALLED_OFF = Text(zh="已取消或未进行", en="cancelled or not done")


def is_called_off(status: str | None) -> bool:
    """Whether a note, whose status is free text, says that what it is about never came to be."""
    return status is not None and status.strip().casefold() in _CALLED_OFF


PASSED: Check = (True, None, None)
OTHER_TUMOUR = Text(zh="属于其他肿瘤或疾病", en="it is about another tumour or condition")
UNTOLD_TUMOUR = Text(zh="无法确定本次治疗针对哪个肿瘤", en="it can't be told which tumour is treated")
UNSAID_TUMOUR = Text(
    zh="病历中不止一个肿瘤，该记录未写明属于哪一个",
    en="the record has several tumours and this doesn't say which it is about",
)
NO_TIME = Text(zh="没有时间", en="it has no time")


@dataclass(frozen=True)
class Window:
    """A span back from the moment, from a parameter: `since` is its first instant.

    `span` is its length, as number and unit, or what happened then.
    """

    since: datetime
    span: tuple[str, str] | Text

    @property
    def written(self) -> Text:
        """What clinicians call it."""
        return self.span if isinstance(self.span, Text) else with_unit(*self.span)

    @staticmethod
    def of(parameter: Parameter, at: datetime) -> Window:
        """The window of a parameter such as `21 d`."""
        return _window(at, at.tzinfo, _count(parameter), *_span(parameter))

    @staticmethod
    def ahead(parameter: Parameter, at: datetime) -> Window:
        """The span from the moment on; `since` is then its last instant."""
        span = _span(parameter)
        return Window(go_back(at, -_count(parameter), span[1]), span)


@lru_cache(maxsize=1024)
def _window(at: datetime, zone: tzinfo | None, count: int, number: str, unit: str) -> Window:
    # many rules look back as far from the same moment; one instant in two zones is equal, a month before it isn't
    return Window(go_back(at, count, unit), (number, unit))


def _span(parameter: Parameter) -> tuple[str, str]:
    value = parameter.value
    return f"{value:f}" if isinstance(value, Decimal) else str(value), parameter.unit or "d"


def _count(parameter: Parameter) -> int:
    return int(parameter.value) if isinstance(parameter.value, (int, Decimal)) else 0


@dataclass(eq=False)
class Standing:
    """One candidate entry and whether it counts; `doubts` are the checks of it that can't be told.

    It is no more changed than what is frozen, but made five times as fast; they are many.
    """

    entry: Entry
    counted: Truth
    why: Why | None = None
    detail: Text | None = None
    when: datetime | None = None
    value: Decimal | None = None
    problem: Why | None = None
    doubts: frozenset[Why | None] = frozenset()

    def evidence(self, fact: str, label: Text | None = None) -> Evidence:
        """The standing as a row of evidence; `label` is what clinicians call the fact."""
        entry = self.entry
        time = entry.effective
        day = time is not None and not isinstance(time, datetime)
        return made(Evidence, {
            "fact": fact, "label": label, "entry": entry.id, "source": entry.source, "counted": self.counted,
            "why": self.why or self.problem, "value": shown_value(entry), "time": time, "precision": "day" if day else None,
            "detail": self.detail,
        })  # fmt: skip


class Counting:
    """Judges single entries of one fact: a fact, with the windows and options of the leaf that asks for it."""

    def __init__(
        self, case: Case, fact: Fact, window: Window | None, older_than: Window | None,
        since: Window | None, due: Window | None, options: Mapping[str, Parameter],
    ) -> None:  # fmt: skip
        self.case = case
        self.fact = fact
        self.window = window
        self.older_than = older_than
        self.since = since
        self.due = due
        self.options = options

    def standings(self, entries: Iterable[Entry]) -> list[Standing]:
        """The standings of those of the entries that are candidates."""
        return [s for entry in entries if (s := self.standing(entry)) is not None]

    def standing(self, entry: Entry) -> Standing | None:
        """The entry's standing, or `None` where it is no candidate at all."""
        is_kind = self.is_kind(entry)
        if is_kind is False and not self.fact.near_kinds:
            return None
        when = entry.effective
        if when is not None and not isinstance(when, datetime):
            when = self.case.first_instant(when)
        against = [check for check in self._checks(entry, is_kind, when) if check[0] is not True]
        if against:
            counted = every([check[0] for check in against])
            _, why, detail = next(check for check in against if check[0] is counted)
            doubts = frozenset([check[1] for check in against if check[0] is None])
            return Standing(entry, counted, why, detail, when, doubts=doubts)
        value, problem, detail = (
            read_value(self.fact, entry) if self.fact.measured is not None else (None, None, None)
        )
        if detail is None and self.fact.vocabulary is not None:
            detail = word_for(self.fact, entry)
        return Standing(entry, True, None, detail, when, value, problem)

    def _checks(self, entry: Entry, is_kind: Truth, when: datetime | None) -> Iterator[Check]:
        case, fact = self.case, self.fact
        if entry.patient is not None and case.of_another_patient(entry):
            yield False, "wrong_patient", None
        status = stated(entry, "status")
        ends = status in fact.ends
        if status in ERRONEOUS:
            yield False, "invalid", Text(zh="该记录已标记为录入错误", en="marked as entered in error")
        elif is_kind is not True:
            yield is_kind, "wrong_kind", kind_said(entry)
        if status == "superseded":
            yield False, "superseded", None
        elif not ends and fact.counted and status not in fact.counted and status not in ERRONEOUS:
            yield False, "not_final", status_said(status)
        elif not fact.counted and isinstance(entry, Note) and is_called_off(status):
            yield False, "not_final", CALLED_OFF
        if not ends and when is not None and when > case.at:
            yield False, "in_the_future", None
        recorded = when if entry.recorded is None else case.recorded(entry)
        if recorded is None:
            yield None, "unread", NO_TIME
        elif recorded > case.at:
            yield False, "recorded_late", None
        if self.due is not None:
            yield self._due(entry, self.due)
        elif not ends:
            yield self._timing(when, entry)
        if fact.focus != "ignored":
            yield self._focus(entry)
        if fact.matches:
            yield from self.matches(entry)
        if ends:
            yield False, "withdrawn", ended_said(status, recorded, case.at)
        else:
            yield from content_checks(case, fact, entry, self.options)

    def _timing(self, when: datetime | None, entry: Entry) -> Check:
        if when is None:
            return PASSED if isinstance(entry, Diagnosis) else (None, "unread", NO_TIME)
        if self.window is not None and when < self.window.since:
            return False, "too_old", None
        if self.since is not None and when < self._since(entry, self.since):
            said = self.since.written
            return False, "too_old", Text(zh=f"早于{said.zh}", en=f"before the {said.en}")
        if self.older_than is not None and when >= self.older_than.since:
            said = self.older_than.written
            return False, "wrong_kind", Text(zh=f"未满 {said.zh}", en=f"less than {said.en} ago")
        return PASSED

    def _due(self, entry: Entry, due: Window) -> Check:
        planned = stated(entry, "planned")
        if planned is None:
            return None, "unread", Text(zh="没有计划执行时间", en="it has no planned time")
        time = self.case.first_instant(planned)
        today = day_start(self.case.at, self.case.at)
        if time < (self.case.at if isinstance(planned, datetime) else today):
            return False, "too_old", Text(zh="计划时间已过", en="its planned time has passed")
        if time > due.since:
            said = due.written
            return (
                False,
                "in_the_future",
                Text(zh=f"计划在 {said.zh} 以后", en=f"planned for later than {said.en} from now"),
            )
        return PASSED

    def _since(self, entry: Entry, since: Window) -> datetime:
        # a specimen's stage is often dated on the day of the operation, without a time
        return since.since if isinstance(entry.effective, datetime) else day_start(since.since, self.case.at)

    # -- kind, focus, order ------------------------------------------------------------------------

    def is_kind(self, entry: Entry) -> Truth:
        """Whether the entry is of the kind that the fact means."""
        fact = self.fact
        if isinstance(entry, Measurement):
            return _coded(entry, fact)
        if isinstance(entry, Diagnosis) and fact.icd10:
            plain = [code for c in entry.codes if (code := icd10(c)) is not None]
            return any(code.startswith(fact.icd10) for code in plain) if plain or not entry.codes else None
        if isinstance(entry, Treatment) and entry.kind == "drugs":
            return self._gives(entry.drugs, entry.regimen) if fact.drugs else False
        if isinstance(entry, OrderOnRecord):
            if fact.codes and _coded(entry, fact):
                return True
            return self._gives(entry.drugs, None) if fact.drugs and entry.drugs else False
        if isinstance(entry, Stage):
            return True
        kind = stated(entry, "kind")
        if kind in fact.doubtful_kinds:
            return None
        if kind in fact.narrow_kinds:
            return self.case.only_drugs_of(kind)
        any_kind = not (fact.kinds or fact.doubtful_kinds)
        if isinstance(entry, (Assessment, Consent, Procedure, Treatment, Note)):
            return any_kind or kind in fact.kinds
        return any_kind or kind is None or kind in fact.kinds

    def _gives(self, drugs: tuple[Drug, ...], regimen: str | None) -> Truth:
        wanted = frozenset(self.fact.drugs)
        if regimen and "anti_tumour" in wanted:
            return True
        if regimen and not drugs:
            return self._regimen_gives(regimen, wanted)
        known = [self.case.tables.identify(d) for d in drugs]
        found = [in_classes(k, wanted) if k else None for k in known]
        if True in found:
            return True
        return None if None in found else False

    def _regimen_gives(self, regimen: str, wanted: frozenset[str]) -> Truth:
        """What a regimen that is only named gives, by its rows in the table; it never gives a companion drug."""
        tables = self.case.tables
        rows = tables.regimens_named(regimen)
        parts = [
            [in_classes(tables.drugs[id], wanted) for id in tables.anti_tumour_part(row)] for row in rows
        ]
        if parts:
            return all_agree([some(part) for part in parts])
        groups = (tables.groups[name].drugs for name in wanted if name in tables.groups)
        could = {name for group in groups for name in group} | {
            name for name in wanted if name in tables.drugs
        }
        against = any(tables.drugs[id].anti_tumour for id in could if id in tables.drugs)
        return None if against or wanted & {*ANTI_TUMOUR, "myelosuppressive"} else False

    def _focus(self, entry: Entry) -> Check:
        rule = self.fact.focus
        if entry.focus is not None:
            about = self.case.about_this_tumour(entry.focus)
            return about, "wrong_focus", UNTOLD_TUMOUR if about is None else OTHER_TUMOUR
        several = self.case.tumour.several if rule in ("required", "doubtful") else False
        if several is False:
            return PASSED
        return (False if several and rule == "required" else None), "wrong_focus", UNSAID_TUMOUR

    def matches(self, entry: Entry) -> Iterator[Check]:
        """Whether the regimen and the cycle that the entry names are the order's, where the fact asks for that."""
        order, asked = self.case.order_row, self.fact.matches
        if order is None or not asked:
            return
        named = stated(entry, "regimen") if "regimen" in asked else None
        same = self._same_regimen(named) if named else True
        if same is not True:
            yield same, "other_regimen", Text(zh=f"针对的是“{named}”", en=f"it is for `{named}`")
        cycle = stated(entry, "cycle") if "cycle" in asked else None
        same = True if cycle is None else None if order.get("cycle") is None else order["cycle"] == cycle
        if same is not True:
            yield same, "other_cycle", Text(zh=f"针对的是第 {cycle} 周期", en=f"it is for cycle {cycle}")

    def _same_regimen(self, named: str) -> Truth:
        case = self.case
        assert case.order_row is not None
        if regimen := case.order_row.get("regimen"):
            return case.tables.same_regimen(named, regimen)
        rows = case.tables.regimens_named(named)
        if not rows:
            return None
        given = frozenset(d.known.id for d in case.drugs if d.known is not None and d.known.anti_tumour)
        if case.doubtful or any(d.known is None for d in case.drugs):
            return None
        return any(given == case.tables.anti_tumour_part(row) for row in rows)


def _coded(entry: Measurement | OrderOnRecord, fact: Fact) -> bool:
    return not fact.code_keys.isdisjoint([(c.system, c.code) for c in entry.codes])
