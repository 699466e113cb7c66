"""The patient's record: sections of entries.

A section is `None` where the host did not supply it and `[]` where it was supplied and nothing is
there. Every entry says when it was clinically true (`effective`) and when it entered the record
(`recorded`; if absent it is taken to be `effective`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Strict

from oncogate.base.made import made
from oncogate.base.times import write_time
from oncogate.model.at_once import Plain
from oncogate.model.later import Later
from oncogate.model.values import Code, Day, Measure, Model, Name, Quantity, When

ReportStatus = Literal[
    "final", "amended", "corrected", "preliminary", "registered", "cancelled", "entered-in-error", "unknown"
]
ActionStatus = Literal[
    "completed", "in-progress", "active", "planned", "draft", "on-hold", "stopped", "cancelled", "not-done",
    "entered-in-error", "unknown",
]  # fmt: skip


class Entry(Model):
    """What every entry of the record has.

    `focus` is the id of the diagnosis that the entry is about; `patient` is set where the host's entry
    names its patient; `key` names the result that this entry is a version of; `source` is the host's
    own key or FHIR reference and comes back in evidence.
    """

    id: Name
    effective: When | None = None
    recorded: When | None = None
    focus: str | None = None
    source: str | None = None
    patient: str | None = None
    key: str | None = None


class Diagnosis(Entry):
    """A condition. `basis` and `basis_reason` say why it was made without pathology, where it was."""

    codes: Annotated[tuple[Code, ...], Strict(False)]
    status: Literal[
        "active",
        "recurrence",
        "relapse",
        "inactive",
        "remission",
        "resolved",
        "refuted",
        "entered-in-error",
        "unknown",
    ] = "active"
    basis: str | None = None
    basis_reason: str | None = None


class Stage(Entry):
    """A stage as written (`cT2N1M0 ⅡB期`); `kind` is what the entry is, whatever its prefix says."""

    stage: str
    kind: Literal["clinical", "pathologic"] | None = None
    system: str | None = None
    edition: str | None = None
    status: ReportStatus


class Pathology(Entry):
    """A histology or cytology report."""

    kind: Literal["histology", "cytology"] | None = None
    conclusion: str | None = None
    status: ReportStatus


class MarkerResult(Entry):
    """The result of one or more molecular markers (`EGFR`, `HER2`; a panel names several)."""

    markers: Annotated[tuple[Name, ...], Strict(False)]
    result: str | None = None
    status: ReportStatus


class Exam(Entry):
    """A staging examination done; `exams` are ids of the exam table (`CECT_chest`)."""

    exams: Annotated[tuple[Name, ...], Strict(False)]
    name: str | None = None
    status: ReportStatus | ActionStatus


class Assessment(Entry):
    """A risk assessment; `level` as recorded, `regimen` and `cycle` where it names them."""

    kind: str
    level: str | None = None
    regimen: str | None = None
    cycle: int | None = None
    status: ReportStatus


class Consent(Entry):
    """A consent, refusal or withdrawal; `effective` is when it was signed."""

    kind: str
    regimen: str | None = None
    status: Literal[
        "active", "inactive", "rejected", "draft", "proposed", "superseded", "entered-in-error", "unknown"
    ]


class Measurement(Entry):
    """A laboratory result or vital sign. `text` keeps a value that isn't a quantity, as reported.

    `site` is where it was measured, where that matters (a temperature is `axillary`, `oral`, …).
    """

    codes: Annotated[tuple[Code, ...], Strict(False)]
    value: Quantity | None = None
    site: str | None = None
    text: str | None = None
    conflict: str | None = None
    status: ReportStatus


class Drug(Model):
    """A drug as the host names it; dose in `unit`. `role` tells a companion (`diluent`, `premedication`)."""

    code: str | None = None
    system: str | None = None
    name: str | None = None
    dose: Measure | None = None
    unit: str | None = None
    route: str | None = None
    role: str | None = None


class Procedure(Entry):
    """Something done to the patient. A `resection` removes the tumour, `surgery` is against it; of an `operation` neither is known.

    A biopsy treats nothing.
    """

    kind: Literal["resection", "surgery", "operation", "radiotherapy", "biopsy", "other"]
    name: str | None = None
    status: ActionStatus


class Treatment(Entry):
    """An anti-tumour or other treatment given: drugs, or surgery and radiotherapy by `kind`."""

    kind: Literal["drugs", "resection", "surgery", "operation", "radiotherapy", "biopsy", "other"] = "drugs"
    drugs: Annotated[tuple[Drug, ...], Strict(False)] = ()
    regimen: str | None = None
    cycle: int | None = None
    name: str | None = None
    status: ActionStatus


class OrderOnRecord(Entry):
    """Another order of the patient's, such as a planned G-CSF or, by `codes`, an examination that was ordered."""

    codes: Annotated[tuple[Code, ...], Strict(False)] = ()
    drugs: Annotated[tuple[Drug, ...], Strict(False)] = ()
    planned: When | None = None
    status: ActionStatus


class Note(Entry):
    """An entry of a section that is asked after by kind: an allergy, a meeting, a lesson, a call, an event.

    `text` and `codes` name what it is about (the substance of an allergy), `by` who did it.
    """

    kind: str
    by: str | None = None
    codes: Annotated[tuple[Code, ...], Strict(False)] = ()
    text: str | None = None
    level: str | None = None
    status: str | None = None


class Patient(Model):
    """The patient; `id` ties entries to the person, `ward` is the department that cares for them."""

    id: Name
    ward: str | None = None
    birth_date: Day | None = None
    sex: Literal["male", "female", "other", "unknown"] | None = None


class Unread(Model):
    """Something in a section that could not be read, or a page that is missing (`source` absent).

    It makes what depends on the section unknown unless what was read settles it. `codes` or `kind`,
    where they could be read, limit what it may hide.
    """

    section: str
    problem: str
    source: str | None = None
    codes: Annotated[tuple[Code, ...], Strict(False)] = ()
    kind: str | None = None


_ROWS, _MADE = "_rows", "_made"


class PatientRecord(Later):
    """What is on record for the patient.

    Of a record that was read from JSON the entries of a section are made when someone looks at them.
    """

    patient: Patient | None = None
    diagnoses: Annotated[tuple[Diagnosis, ...], Strict(False)] | None = None
    stages: Annotated[tuple[Stage, ...], Strict(False)] | None = None
    pathology: Annotated[tuple[Pathology, ...], Strict(False)] | None = None
    markers: Annotated[tuple[MarkerResult, ...], Strict(False)] | None = None
    exams: Annotated[tuple[Exam, ...], Strict(False)] | None = None
    assessments: Annotated[tuple[Assessment, ...], Strict(False)] | None = None
    consents: Annotated[tuple[Consent, ...], Strict(False)] | None = None
    labs: Annotated[tuple[Measurement, ...], Strict(False)] | None = None
    vitals: Annotated[tuple[Measurement, ...], Strict(False)] | None = None
    procedures: Annotated[tuple[Procedure, ...], Strict(False)] | None = None
    treatments: Annotated[tuple[Treatment, ...], Strict(False)] | None = None
    orders: Annotated[tuple[OrderOnRecord, ...], Strict(False)] | None = None
    allergies: Annotated[tuple[Note, ...], Strict(False)] | None = None
    meetings: Annotated[tuple[Note, ...], Strict(False)] | None = None
    educations: Annotated[tuple[Note, ...], Strict(False)] | None = None
    follow_ups: Annotated[tuple[Note, ...], Strict(False)] | None = None
    events: Annotated[tuple[Note, ...], Strict(False)] | None = None
    unread: Annotated[tuple[Unread, ...], Strict(False)] = Field(default=())

    SECTIONS: ClassVar[tuple[str, ...]] = (
        "diagnoses", "stages", "pathology", "markers", "exams", "assessments", "consents", "labs", "vitals",
        "procedures", "treatments", "orders", "allergies", "meetings", "educations", "follow_ups", "events",
    )  # fmt: skip

    @classmethod
    def of_rows(cls, rows: Plain) -> PatientRecord:
        """The record of plain data that was checked."""
        return made(cls, {_ROWS: {**NO_ROWS, **rows}}, set(rows))

    def work_out(self, name: str) -> Any:
        """The entries of a section, or the patient, of the plain data."""
        rows = self.__dict__[_ROWS][name]
        if name == "patient":
            return None if rows is None else Patient.model_validate(rows)
        if rows is None:
            return () if name == "unread" else None
        return tuple([self.entry(name, place) for place in range(len(rows))])

    def entry(self, section: str, place: int) -> Any:
        """One entry of a section that was supplied, by its place; the others needn't be made for it."""
        known = self.__dict__
        if section in known:
            return known[section][place]
        already: dict[tuple[str, int], Any] = known.setdefault(_MADE, {})
        entry = already.get((section, place))
        if entry is None:
            row = known[_ROWS][section][place]
            entry = already[section, place] = KINDS[section].model_validate(row)
        return entry

    @property
    def rows(self) -> Plain:
        """The patient and each section's entries as plain data, or `None`; an entry has the fields that are said.

        So thousands of them are looked at. Where the record wasn't read from JSON, they are made when they are asked for.
        """
        known: Plain = self.__dict__.get(_ROWS, {})
        return known if len(known) == len(NO_ROWS) else _Rows(self)

    def row_of(self, name: str) -> Any:
        """What `rows` has under a name."""
        known = self.__dict__.setdefault(_ROWS, {})
        if name not in known:
            value = getattr(self, name)
            of_one = _MeasurementRow if name in MEASURED else as_row
            known[name] = [*map(of_one, value)] if isinstance(value, tuple) else value and as_row(value)
        return known[name]

    def __copy__(self) -> PatientRecord:
        known = {**self.__dict__, _ROWS: dict(self.__dict__.get(_ROWS, {}))}
        return made(PatientRecord, {**known, _MADE: {}}, set(self.__pydantic_fields_set__))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> PatientRecord:
        """A copy with other entries in the sections of `update`."""
        copied = super().model_copy(update=update, deep=deep)
        for name in update or ():
            copied.__dict__[_ROWS].pop(name, None)
        return copied

    def section(self, name: str) -> tuple[Entry, ...] | None:
        """The entries of a section; `None` where it was not supplied."""
        entries: tuple[Entry, ...] | None = getattr(self, name)
        return entries


NO_ROWS: Plain = dict.fromkeys(PatientRecord.model_fields)
"""A record of which nothing was supplied, as plain data."""
KINDS: Mapping[str, type[Model]] = {
    "diagnoses": Diagnosis, "stages": Stage, "pathology": Pathology, "markers": MarkerResult, "exams": Exam, "assessments": Assessment,
    "consents": Consent, "labs": Measurement, "vitals": Measurement, "procedures": Procedure, "treatments": Treatment, "orders": OrderOnRecord,
    **dict.fromkeys(("allergies", "meetings", "educations", "follow_ups", "events"), Note), "unread": Unread,
}  # fmt: skip
"""What the entries of each section are."""
MEASURED = frozenset(section for section, kind in KINDS.items() if kind is Measurement)
"""The sections whose entries are measurements."""


class _Rows(dict[str, Any]):
    """A record as plain data, of which each part is made when it is first asked for."""

    def __init__(self, record: PatientRecord) -> None:
        self._record = record

    def __missing__(self, name: str) -> Any:
        found = self[name] = self._record.row_of(name)
        return found


class _MeasurementRow(dict[str, Any]):
    """A measurement as plain data, of which only its codes and status are made at once: of most nothing else is asked."""

    def __init__(self, entry: Measurement) -> None:
        self["status"] = entry.status
        self["codes"] = [code.__dict__ for code in entry.codes]
        self._entry = entry

    def __missing__(self, name: str) -> Any:
        held = getattr(self._entry, name)
        if isinstance(held, Model):
            return as_row(held)
        return write_time(held) if isinstance(held, date) else held

    def get(self, name: str, default: Any = None) -> Any:
        """What the entry says; `None`, not `default`, of what it doesn't say."""
        return self[name]


def as_row(value: Model) -> Plain:
    """An entry as plain data, as it would be written."""
    return value.model_dump(mode="json", exclude_none=True)
