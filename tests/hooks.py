"""Builders of CDS Hooks order-sign requests as plain dicts: one clean request, and what changes it.

`clean()` is complete, supplies every section and must be allowed: a woman with a cancer of the lung, before
her first cycle of docetaxel and cisplatin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

JSON = dict[str, Any]

AT = "2026-03-02T09:30:00+08:00"
ATC = "http://www.whocc.no/atc"
SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
RISK = "http://terminology.hl7.org/CodeSystem/risk-probability"
PATIENT = "Patient/p1"
TUMOUR = "Condition/dx1"

SECTIONS = (
    "diagnoses", "stages", "pathology", "markers", "exams", "assessments", "consents", "labs", "vitals",
    "procedures", "treatments", "orders", "allergies",
)  # fmt: skip
RULED_ON = tuple(s for s in SECTIONS if s not in ("diagnoses", "vitals", "allergies"))
"""The sections that the core rules look for evidence in."""


def before(at: str = AT, **by: float) -> str:
    """The moment `by` (days=7, minutes=1, …) before `at`, in the same zone; negative numbers are after."""
    return (datetime.fromisoformat(at) - timedelta(**by)).isoformat()


def coded(code: str, system: str, text: str | None = None) -> JSON:
    concept: JSON = {"coding": [{"system": system, "code": code}]}
    return concept if text is None else {**concept, "text": text}


def bundle(resources: Iterable[JSON], *, next_page: bool = False) -> JSON:
    found: JSON = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": r} for r in resources],
    }
    if next_page:
        found["link"] = [
            {"relation": "self", "url": "https://fhir.example/x?page=1"},
            {"relation": "next", "url": "https://fhir.example/x?page=2"},
        ]
    return found


OUTCOME: JSON = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


# -- the order ---------------------------------------------------------------------------------------------


def drug(id: str, atc: str | None = None, text: str | None = None, **more: Any) -> JSON:
    concept: JSON = {}
    if atc is not None:
        concept["coding"] = [{"system": ATC, "code": atc}]
    if text is not None:
        concept["text"] = text
    return {
        "resourceType": "MedicationRequest", "id": id, "status": "draft", "intent": "order",
        "subject": {"reference": PATIENT}, "authoredOn": "2026-03-02T09:20:00+08:00",
        "medicationCodeableConcept": concept, "reasonReference": [{"reference": TUMOUR}], **more,
    }  # fmt: skip


def group(name: str | None = "多西他赛+顺铂", **more: Any) -> JSON:
    named = {} if name is None else {"code": {"text": name}}
    return {
        "resourceType": "RequestGroup", "id": "rg1", "status": "draft", "intent": "order",
        "subject": {"reference": PATIENT}, "authoredOn": "2026-03-02T09:20:00+08:00", **named, **more,
    }  # fmt: skip


def order(hook: JSON, *drafts: JSON) -> None:
    """Make these the drafts of the request."""
    hook["context"]["draftOrders"] = bundle(drafts)


def order_of(hook: JSON, *atc: str, regimen: str | None = None) -> None:
    """Order these ATC codes for the tumour on record."""
    drafts = [drug(f"mr{n}", code) for n, code in enumerate(atc, 1)]
    order(hook, *drafts, *([group(regimen)] if regimen else []))


def drafts(hook: JSON) -> list[JSON]:
    return [entry["resource"] for entry in hook["context"]["draftOrders"]["entry"]]


# -- the record --------------------------------------------------------------------------------------------


def condition(id: str = "dx1", code: str = "C34.1", **more: Any) -> JSON:
    status = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    verified = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    return {
        "resourceType": "Condition", "id": id, "subject": {"reference": PATIENT}, "code": coded(code, ICD10),
        "clinicalStatus": coded("active", status), "verificationStatus": coded("confirmed", verified),
        "onsetDateTime": "2026-02-10", "recordedDate": "2026-02-12T10:00:00+08:00", **more,
    }  # fmt: skip


def stage(
    value: str | JSON = "cT2aN1M0", code: str = "399537006", system: str = SCT, id: str = "st1", **more: Any
) -> JSON:
    named: JSON = {"valueString": value} if isinstance(value, str) else {"valueCodeableConcept": value}
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": PATIENT},
        "focus": [{"reference": TUMOUR}], "code": coded(code, system),
        "effectiveDateTime": "2026-02-20T10:00:00+08:00", "issued": "2026-02-20T10:05:00+08:00", **named, **more,
    }  # fmt: skip


def report(id: str = "path1", code: str = "22637-3", **more: Any) -> JSON:
    return {
        "resourceType": "DiagnosticReport", "id": id, "status": "final", "subject": {"reference": PATIENT},
        "code": coded(code, LOINC), "effectiveDateTime": "2026-02-14T09:00:00+08:00",
        "issued": "2026-02-16T16:00:00+08:00", "conclusion": "(右肺上叶)浸润性腺癌", **more,
    }  # fmt: skip


def variant(gene: str, id: str = "mk1", value: JSON | None = None, **more: Any) -> JSON:
    """A genetic variant assessment: the gene in a component, presence in the value."""
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": PATIENT},
        "code": coded("69548-6", LOINC), "effectiveDateTime": "2026-02-18T09:00:00+08:00",
        "issued": "2026-02-24T09:00:00+08:00",
        **({"valueCodeableConcept": coded("LA9633-4", LOINC, "Present")} if value is None else value),
        "component": [{"code": coded("48018-6", LOINC), "valueCodeableConcept": {"text": gene}}], **more,
    }  # fmt: skip


def marker(code: str, id: str = "mk1", value: JSON | None = None, **more: Any) -> JSON:
    """A marker under its own LOINC code."""
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": PATIENT},
        "code": coded(code, LOINC), "effectiveDateTime": "2026-02-18T09:00:00+08:00",
        "issued": "2026-02-24T09:00:00+08:00", **({"valueString": "Positive"} if value is None else value), **more,
    }  # fmt: skip


def exam(name: str, id: str, **more: Any) -> JSON:
    return {
        "resourceType": "DiagnosticReport", "id": id, "status": "final", "subject": {"reference": PATIENT},
        "code": {"text": name}, "effectiveDateTime": "2026-02-18T09:00:00+08:00",
        "issued": "2026-02-18T15:00:00+08:00", **more,
    }  # fmt: skip


def assessment(
    level: str | None = "moderate", id: str = "ra1", outcome: str = "409089005", **more: Any
) -> JSON:
    prediction: JSON = {"outcome": coded(outcome, SCT)}
    if level is not None:
        prediction["qualitativeRisk"] = coded(level, RISK)
    return {
        "resourceType": "RiskAssessment", "id": id, "status": "final", "subject": {"reference": PATIENT},
        "occurrenceDateTime": "2026-03-01T15:00:00+08:00", "prediction": [prediction], **more,
    }  # fmt: skip


def consent(id: str = "co1", when: str = "2026-03-01T16:00:00+08:00", **more: Any) -> JSON:
    return {
        "resourceType": "Consent", "id": id, "status": "active", "patient": {"reference": PATIENT},
        "scope": coded("treatment", "http://terminology.hl7.org/CodeSystem/consentscope"),
        "category": [coded("59284-0", LOINC)], "dateTime": when,
        "provision": {"type": "permit", "code": [coded("367336001", SCT)]}, **more,
    }  # fmt: skip


def signed_form(id: str = "doc1", **more: Any) -> JSON:
    """A consent as a scanned document."""
    return {
        "resourceType": "DocumentReference", "id": id, "status": "current", "subject": {"reference": PATIENT},
        "type": coded("59284-0", LOINC, "化疗知情同意书"), "description": "化疗知情同意书",
        "date": "2026-03-01T16:00:00+08:00",
        "content": [{"attachment": {"contentType": "application/pdf", "title": "化疗知情同意书"}}], **more,
    }  # fmt: skip


def quantity(
    value: Any, unit: str | None = "10*9/L", code: str | None = None, comparator: str | None = None
) -> JSON:
    found: JSON = {"value": value}
    if comparator is not None:
        found["comparator"] = comparator
    if unit is not None:
        found["unit"] = unit
    if code is not None:
        found |= {"system": UCUM, "code": code}
    return found


def anc(
    value: Any = 2.4,
    unit: str | None = "10*9/L",
    id: str = "anc1",
    loinc: str = "751-8",
    *,
    ucum: str | None = None,
    comparator: str | None = None,
    **more: Any,
) -> JSON:
    laboratory = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation", "id": id, "status": "final", "category": [coded("laboratory", laboratory)],
        "subject": {"reference": PATIENT}, "code": coded(loinc, LOINC),
        "effectiveDateTime": "2026-03-01T07:00:00+08:00", "valueQuantity": quantity(value, unit, ucum, comparator),
        **more,
    }  # fmt: skip


def procedure(
    text: str,
    id: str = "op1",
    when: str = "2026-01-15T09:00:00+08:00",
    category: str | None = "387713003",
    **more: Any,
) -> JSON:
    kind = {} if category is None else {"category": coded(category, SCT)}
    return {
        "resourceType": "Procedure", "id": id, "status": "completed", "subject": {"reference": PATIENT}, **kind,
        "code": {"text": text}, "performedDateTime": when, **more,
    }  # fmt: skip


def given(atc: str, id: str = "ma1", when: str = "2026-02-08T10:00:00+08:00", **more: Any) -> JSON:
    return {
        "resourceType": "MedicationAdministration", "id": id, "status": "completed",
        "subject": {"reference": PATIENT}, "medicationCodeableConcept": coded(atc, ATC),
        "effectiveDateTime": when, **more,
    }  # fmt: skip


def prescribed(atc: str, id: str = "mp1", status: str = "active", **more: Any) -> JSON:
    return {**drug(id, atc), "status": status, "authoredOn": "2026-02-08T10:00:00+08:00", **more}


LUNG = ("胸部增强CT", "头颅增强MRI", "PET-CT")
BREAST = ("乳腺超声", "胸部CT", "腹部超声")


def exams(*names: str) -> list[JSON]:
    return [exam(name, f"ex{n}") for n, name in enumerate(names, 1)]


# -- the request -------------------------------------------------------------------------------------------


def clean(at: str = AT) -> JSON:
    """A complete request that must be allowed."""
    hook: JSON = {
        "hook": "order-sign", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/dr1", "patientId": "p1", "draftOrders": {}},
        "prefetch": {
            "patient": {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1961-05-04"},
            **{section: bundle([]) for section in SECTIONS},
        },
    }  # fmt: skip
    order(hook, drug("mr1", "L01CD02", "多西他赛"), drug("mr2", "L01XA01", "顺铂"), group())
    supply(hook, "diagnoses", condition())
    supply(hook, "stages", stage())
    supply(hook, "pathology", report())
    supply(hook, "exams", *exams(*LUNG))
    supply(hook, "assessments", assessment())
    supply(hook, "consents", consent())
    supply(hook, "labs", anc())
    return hook


def supply(hook: JSON, section: str, *resources: JSON, next_page: bool = False) -> None:
    """Answer this section with exactly these."""
    hook["prefetch"][section] = bundle(resources, next_page=next_page)


def add(hook: JSON, section: str, *resources: JSON) -> None:
    hook["prefetch"][section]["entry"] += [{"resource": r} for r in resources]


def withhold(hook: JSON, *sections: str) -> None:
    """Don't supply these sections."""
    for section in sections:
        hook["prefetch"].pop(section, None)


def empty(hook: JSON, *sections: str) -> None:
    """Asked, and nothing there: `null`."""
    for section in sections:
        hook["prefetch"][section] = None


def text_of(hook: JSON) -> bytes:
    return json.dumps(hook, ensure_ascii=False).encode()


# -- through the gate, in-process ---------------------------------------------------------------------------


def decide(hook: JSON, at: str = AT) -> JSON:
    """The decision on the text of this request, as a plain dict."""
    from loaded import shipped_gate

    from oncogate import Request
    from oncogate.adapters.cdshooks.request import read_hook
    from oncogate.model.request import read_json

    data = read_hook(read_json(text_of(hook)), at, None).data
    data.setdefault("at", at)
    decision: JSON = shipped_gate().decide(Request.load(data)).to_dict()
    return decision


def asking(decision: JSON) -> dict[str, str]:
    """Which rules ask for something, with their verdicts; a raised critical value is no ask."""
    return {
        f["rule"].removeprefix("core/"): f["verdict"]
        for f in decision["findings"]
        if f.get("asks") in {"block", "warn"}
    }


def whys(decision: JSON, rule: str) -> set[str]:
    """The reason codes in the evidence of a rule's finding."""
    found = [f for f in decision["findings"] if f["rule"] == f"core/{rule}"]
    return {e["why"] for f in found for e in _rows(f["evidence"]) if e.get("why")}


def _rows(evidence: list[JSON]) -> list[JSON]:
    """Evidence rows with what hangs under them."""
    return [
        row
        for e in evidence
        for row in [
            e,
            *_rows([x for v in e.values() if isinstance(v, list) for x in v if isinstance(x, dict)]),
        ]
    ]
