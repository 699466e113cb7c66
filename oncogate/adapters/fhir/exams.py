"""Imaging, endoscopy and other staging examinations → exams."""

from __future__ import annotations

import re

from oncogate.adapters.fhir.access import (
    V2_0074,
    Json,
    codings,
    has_code,
    label,
    objects,
    says_absent,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import (
    Context,
    Entry,
    action_status,
    performed_of,
    report_status,
)

_IMAGING = {
    (V2_0074, code)
    for code in ("RAD", "IMG", "CT", "CUS", "NMR", "NMS", "RUS", "RX", "VUS", "MG", "XRC", "EN")
}
_MICROBIOLOGY = {(V2_0074, code) for code in ("MB", "MCB", "MYC", "PAR")}
_NO_MEASUREMENT = re.compile(
    r"培养|(?<!血)涂片|药敏|影像|超声|彩超|平扫|增强|造影|磁共振|胸片|X线|心电图|内镜|\bcultures?\b|\bgram stain|\bimaging\b|\bradiolog"
    r"|\b(?:PET|CT|MRI?|ECG|EKG|X-?ray)\b|ultrasound",
    re.IGNORECASE | re.ASCII,
)


def is_no_measurement(report: Json) -> bool:
    """Whether a report among the laboratory's is of imaging or microbiology."""
    category = report.get("category")
    said = f"{words(report.get('code'))} ; {words(category)}"
    return has_code(category, _IMAGING | _MICROBIOLOGY) or _NO_MEASUREMENT.search(said) is not None


def read_exam(found: Found, context: Context) -> list[Entry] | None:
    """An examination; what can't be understood keeps its name and counts for none."""
    resource = found.resource
    name = _name(resource)
    exams = exams_of(resource, context)
    if found.type == "Observation":
        if not context.says_code(resource):
            return None
        if context.in_bundle and not _by_code(resource, context):
            return None
        status = report_status(resource)
        made = context.observed(found, status)
        if status == "final" and (says_absent(resource) or not _has_value(resource)):
            status = "registered"
    elif found.type == "DiagnosticReport":
        if context.in_bundle and not exams and not has_code(resource.get("category"), _IMAGING):
            return None
        status = report_status(resource)
        made = context.observed(found, status)
    elif found.type == "Procedure":
        if context.in_bundle and not exams:
            return None
        status = action_status(resource)
        made = context.entry(found, performed_of(resource), status=status)
    elif found.type == "ImagingStudy":
        status = {"available": "final"}.get((text(resource.get("status")) or "").casefold()) or report_status(
            resource
        )
        made = context.entry(found, resource.get("started"), status=status)
    else:
        return None
    made |= {"exams": sorted(exams), "status": status}
    if name:
        made["name"] = name
    return [made]


def coded_exam(found: Found, context: Context) -> list[Entry] | None:
    """An exam entry of a laboratory or other observation whose code is an examination's (AFP, ECOG)."""
    if found.type != "Observation" or not _by_code(found.resource, context):
        return None
    return read_exam(found, context)


def exams_of(resource: Json, context: Context) -> set[str]:
    """The examinations that a resource is, by its codes, else by its names."""
    coded = _by_code(resource, context)
    if coded:
        return coded
    found: set[str] = set()
    for name in [
        *texts(resource.get("code")),
        *(c["display"] for c in codings(resource.get("code")) if "display" in c),
    ]:
        found |= context.vocabulary.exams_by_name(name)
    if not found and text(resource.get("resourceType")) == "ImagingStudy":
        for said in (
            text(resource.get("description")),
            words(resource.get("procedureCode")),
            words(resource.get("reasonCode")),
        ):
            found |= context.vocabulary.exams_by_name(said) if said and not found else set()
    return found


def _by_code(resource: Json, context: Context) -> set[str]:
    known = context.vocabulary
    found: set[str] = set()
    for coding in codings([resource.get("code"), *objects(resource.get("procedureCode"))]):
        code = coding.get("code", "")
        by_system = known.exams_by_code.get((coding.get("system", ""), code))
        if by_system is not None or code in known.exams:
            found.add(by_system or code)
    return found


def _name(resource: Json) -> str | None:
    return (
        label(resource.get("code"))
        or text(resource.get("description"))
        or label(resource.get("procedureCode"))
    )


def _has_value(resource: Json) -> bool:
    valued = any(name.startswith("value") and value is not None for name, value in resource.items())
    return valued or bool(objects(resource.get("component")))
