"""What a host's own pydantic model of the same request would be: plain text, numbers and times."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel


class Coding(BaseModel):
    system: str
    code: str


class Entry(BaseModel):
    id: str
    effective: datetime | None = None


class Drug(BaseModel):
    code: str
    system: str
    name: str
    dose: float
    unit: str
    route: str


class Order(BaseModel):
    id: str
    regimen: str
    cycle: int
    prescriber: str
    drugs: list[Drug]


class Patient(BaseModel):
    id: str
    birth_date: date
    sex: str


class Diagnosis(Entry):
    codes: list[Coding]


class Stage(Entry):
    stage: str
    kind: str
    status: str


class Pathology(Entry):
    kind: str
    conclusion: str | None
    status: str


class Marker(Entry):
    markers: list[str]
    result: str | None
    status: str


class Assessment(Entry):
    kind: str
    level: str
    cycle: int
    status: str


class Consent(Entry):
    kind: str
    status: str


class Quantity(BaseModel):
    value: float
    unit: str


class Lab(Entry):
    codes: list[Coding]
    value: Quantity
    status: str


class Procedure(Entry):
    kind: str
    status: str


class Record(BaseModel):
    patient: Patient
    diagnoses: list[Diagnosis]
    stages: list[Stage]
    pathology: list[Pathology]
    markers: list[Marker]
    assessments: list[Assessment]
    consents: list[Consent]
    labs: list[Lab]
    procedures: list[Procedure]


class PlainRequest(BaseModel):
    at: datetime
    order: Order
    record: Record
