"""A small request in two forms: documentation shows them, and new rules judge them before they are put to use."""

from __future__ import annotations

from typing import Any

REQUEST: dict[str, Any] = {
    "at": "2026-03-02T09:30:00+08:00",
    "order": {"id": "ord-1", "regimen": "TC", "focus": "dx-1", "drugs": [{"name": "多西他赛"}, {"name": "环磷酰胺"}]},
    "record": {
        "patient": {"id": "p-1"},
        "diagnoses": [{"id": "dx-1", "codes": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C50.4"}]}],
        "consents": [],
    },
}  # fmt: skip
HOOK: dict[str, Any] = {
    "hook": "order-sign", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {
        "userId": "Practitioner/dr-chen", "patientId": "p-1",
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {
            "resourceType": "MedicationRequest", "id": "mr-1", "status": "draft", "intent": "order",
            "subject": {"reference": "Patient/p-1"}, "medicationCodeableConcept": {"text": "多西他赛注射液"},
        }}]},
    },
    "prefetch": {"patient": {"resourceType": "Patient", "id": "p-1"}, "consents": None},
}  # fmt: skip
