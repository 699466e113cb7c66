"""The order sheet: the patient, the order and what is on record, as a page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from dateutil.relativedelta import relativedelta

from oncogate.base.texts import Language, Text
from oncogate.engine.wording import KIND_LABELS, section_label, shown_value, status_said
from oncogate.explain.reasons import time_text
from oncogate.explain.words import code_text, one_line, powers
from oncogate.model.record import (
    Assessment,
    Consent,
    Diagnosis,
    Drug,
    Entry,
    Exam,
    MarkerResult,
    Measurement,
    Note,
    PatientRecord,
)
from oncogate.model.request import Order, Request
from oncogate.model.values import Code
from oncogate.packs.pack import Library

MOST_ENTRIES = 4
"""Entries of a section that are shown, the newest; the rest are counted."""

DONE = "way-forward/"
"""How the id of an entry begins that a remedy added."""

_SETTLED = frozenset({"final", "amended", "corrected", "completed", "active", None})

_CONSENTS: Mapping[str, Text] = {
    "inactive": Text(zh="已撤回", en="withdrawn"), "rejected": Text(zh="已拒绝", en="refused"),
}  # fmt: skip

_INTENTS: Mapping[str, Text] = {
    "adjuvant": Text(zh="辅助治疗", en="adjuvant"), "neoadjuvant": Text(zh="新辅助治疗", en="neoadjuvant"),
    "curative": Text(zh="根治性治疗", en="curative"), "palliative": Text(zh="姑息治疗", en="palliative"),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """An entry of the record as shown; `new` tells one that a remedy added."""

    text: str
    when: str
    new: bool = False


@dataclass(frozen=True)
class Part:
    """A section of the record as shown: its newest entries, and how many more there are."""

    label: str
    lines: tuple[Line, ...]
    more: int = 0


@dataclass(frozen=True)
class Sheet:
    """The order sheet. `drugs` are name, dose and route; `order` is empty where nothing is ordered."""

    patient: str
    identity: str
    order: str
    about: str
    drugs: tuple[tuple[str, str, str], ...]
    at: str
    record: tuple[Part, ...]
    none: tuple[str, ...]
    not_supplied: tuple[str, ...]


def sheet_of(request: Request, library: Library, language: Language) -> Sheet:
    """The sheet of a request; `library` knows what laboratory codes and examinations are called."""
    return _Writer(request, library, language).sheet()


class _Writer:
    def __init__(self, request: Request, library: Library, language: Language) -> None:
        self.request = request
        self.library = library
        self.language = language
        self.at = request.at
        self.codes = {key: fact.label for fact in library.facts.values() for key in fact.code_keys}

    def sheet(self) -> Sheet:
        order, record = self.request.order, self.request.record
        sections = {name: record.section(name) for name in PatientRecord.SECTIONS}
        return Sheet(
            patient=one_line(record.patient.id) if record.patient else "", identity=self._identity(),
            order=one_line(order.id) if order else "", about=self._about(order) if order else "",
            drugs=tuple(self._drug(drug) for drug in order.drugs) if order else (),
            at=self.at.isoformat(),
            record=tuple(self._part(name, entries) for name, entries in sections.items() if entries),
            none=tuple(self._label(name) for name, entries in sections.items() if entries == ()),
            not_supplied=tuple(self._label(name) for name, entries in sections.items() if entries is None),
        )  # fmt: skip

    def _in(self, text: Text) -> str:
        return text.in_(self.language)

    def _label(self, section: str) -> str:
        return self._in(section_label(section))

    def _identity(self) -> str:
        patient = self.request.record.patient
        if patient is None:
            return ""
        parts = [code_text(patient.sex, self.language) if patient.sex in ("male", "female") else ""]
        if patient.birth_date is not None and patient.birth_date <= self.at.date():
            years = relativedelta(self.at.date(), patient.birth_date).years
            parts.append(f"{years} 岁" if self.language == "zh" else f"{years} y")
        parts.append(patient.ward or "")
        return one_line(" · ".join(part for part in parts if part))

    def _about(self, order: Order) -> str:
        parts = [order.regimen or ""]
        if order.cycle is not None:
            parts.append(f"第 {order.cycle} 周期" if self.language == "zh" else f"cycle {order.cycle}")
        if order.intent:
            known = _INTENTS.get(order.intent)
            parts.append(self._in(known) if known else order.intent)
        return one_line(" · ".join(part for part in parts if part))

    def _drug(self, drug: Drug) -> tuple[str, str, str]:
        dose = f"{drug.dose:f} {drug.unit or ''}" if drug.dose is not None else ""
        return one_line(drug.name or drug.code or ""), one_line(dose), one_line(drug.route or "")

    def _part(self, section: str, entries: tuple[Entry, ...]) -> Part:
        newest = sorted(entries, key=self._order, reverse=True)
        shown = tuple(self._line(entry) for entry in newest[:MOST_ENTRIES])
        return Part(self._label(section), shown, max(0, len(entries) - MOST_ENTRIES))

    def _order(self, entry: Entry) -> tuple[bool, str]:
        return entry.id.startswith(DONE), _day(entry.effective or entry.recorded, self.at)

    def _line(self, entry: Entry) -> Line:
        said = self._said(entry)
        status = getattr(entry, "status", None)
        if status not in _SETTLED and not isinstance(entry, Diagnosis):
            label = self._in(_CONSENTS.get(status or "") or status_said(status))
            said += f"（{label}）" if self.language == "zh" else f" ({label})"
        when = self._in(time_text(entry.effective, self.at)) if entry.effective is not None else ""
        return Line(powers(one_line(said)), when, entry.id.startswith(DONE))

    def _said(self, entry: Entry) -> str:
        comma = "、" if self.language == "zh" else ", "
        value = shown_value(entry) or ""
        if isinstance(entry, Diagnosis):
            return comma.join(f"{c.display or ''} {c.code or ''}".strip() for c in entry.codes[:1])
        if isinstance(entry, Measurement):
            return f"{self._named(entry.codes)} {value}".strip()
        if isinstance(entry, MarkerResult):
            return f"{comma.join(entry.markers)} {value}".strip()
        if isinstance(entry, Exam):
            return entry.name or comma.join(
                self._in(self.library.tables.exam_label(one)) for one in entry.exams
            )
        if isinstance(entry, Assessment):
            return code_text(value, self.language) if value else entry.kind
        if isinstance(entry, Consent):
            return f"{self._kind(entry.kind)} {entry.regimen or ''}".strip()
        if isinstance(entry, Note):
            return f"{code_text(entry.kind, self.language)} {entry.text or entry.level or ''}".strip()
        return value or self._kind(getattr(entry, "kind", None) or "")

    def _kind(self, kind: str) -> str:
        known = KIND_LABELS.get(kind)
        return self._in(known) if known is not None else code_text(kind, self.language)

    def _named(self, codes: tuple[Code, ...]) -> str:
        for code in codes:
            known = self.codes.get((code.system, code.code))
            if known is not None:
                return self._in(known)
        return next((c.display or c.code or "" for c in codes), "")


def _day(moment: datetime | date | None, at: datetime) -> str:
    """A key by which entries are put in order; one without a time comes last."""
    if moment is None:
        return ""
    return moment.astimezone(at.tzinfo).isoformat() if isinstance(moment, datetime) else moment.isoformat()
