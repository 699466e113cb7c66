"""What a CDS client is told of the services: when to call them, and which data to send along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from oncogate.adapters.fhir.access import LOINC
from oncogate.adapters.fhir.markers import GENOMIC
from oncogate.adapters.fhir.stages import STAGE_CODES
from oncogate.adapters.fhir.vocabulary import Vocabulary
from oncogate.base.texts import Language, Text

HOOKS: Mapping[str, str] = {"oncogate-order-sign": "order-sign", "oncogate-order-select": "order-select"}
"""The services, and the hook of each."""

_TITLES = {
    "order-sign": Text(zh="抗肿瘤治疗前审核（签署医嘱时）", en="Oncology pre-treatment gate, when an order is signed"),
    "order-select": Text(zh="抗肿瘤治疗前审核（选择医嘱时）", en="Oncology pre-treatment gate, when an order is selected"),
}  # fmt: skip
_SAYS = Text(
    zh="审核抗肿瘤医嘱：分期、粒缺风险评估、知情同意、病理、分子检测、血象等是否齐备；逐条说明缺什么、查到了什么、怎么办。",
    en="Judges an order of anti-tumour drugs by its record (stage, neutropenia risk, consent, pathology, molecular result, "
    "blood count): what is missing, what was found, and what to do now.",
)
_NEEDS = Text(
    zh="请随请求提供各预取项：未提供的预取项按“未提供”处理，不视为“没有”。本服务不访问 FHIR 服务器。卡片仅供参考，拦截须由调用方的保存流程落实。",
    en="Send every prefetch key: one that is missing counts as not supplied, never as nothing there. The service calls no FHIR "
    "server. Cards are advice; to hold an order back is the caller's own doing.",
)


def discovery(language: Language, prefetch: Mapping[str, str]) -> dict[str, Any]:
    """The answer to `GET /cds-services`."""
    return {
        "services": [
            {
                "hook": hook, "id": id, "title": _TITLES[hook].in_(language), "description": _SAYS.in_(language),
                "prefetch": dict(prefetch), "usageRequirements": _NEEDS.in_(language),
            }
            for id, hook in HOOKS.items()
        ]
    }  # fmt: skip


def prefetch_of(vocabulary: Vocabulary, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The query for each section of the record; `own` are those of a site in place of these.

    Stages and markers are asked for by their codes, so that a chart of ten thousand results isn't sent for ten.
    """
    of_patient = "patient={{context.patientId}}"
    markers = sorted({*GENOMIC, *((LOINC, code) for code in vocabulary.markers_by_loinc)})
    return {
        "patient": "Patient/{{context.patientId}}",
        "diagnoses": f"Condition?{of_patient}",
        "stages": f"Observation?{of_patient}&code={_either(STAGE_CODES)}",
        "pathology": f"DiagnosticReport?{of_patient}&category=PAT,SP",
        "markers": f"Observation?{of_patient}&code={_either(markers)}",
        "exams": f"DiagnosticReport?{of_patient}",
        "assessments": f"RiskAssessment?{of_patient}",
        "consents": f"Consent?{of_patient}",
        "labs": f"Observation?{of_patient}&category=laboratory&_sort=-date",
        "vitals": f"Observation?{of_patient}&category=vital-signs&_sort=-date",
        "procedures": f"Procedure?{of_patient}",
        "treatments": f"MedicationAdministration?{of_patient}",
        "orders": f"MedicationRequest?{of_patient}&status=active,on-hold,completed",
        "allergies": f"AllergyIntolerance?{of_patient}",
        **(own or {}),
    }


def _either(codes: Iterable[tuple[str, str]]) -> str:
    return ",".join(f"{system}|{code}" for system, code in codes)
