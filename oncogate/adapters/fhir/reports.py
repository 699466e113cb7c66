"""Pathology reports, and the words by which a result says that it isn't one."""

from __future__ import annotations

import re

from oncogate.adapters.fhir.access import (
    LOINC,
    V2_0074,
    codings,
    has_code,
    label,
    says_absent,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, Unreadable, report_status
from oncogate.adapters.fhir.reasons import matching_conditions

_FLAGS = re.IGNORECASE | re.ASCII  # a Chinese character ends a word, as in `TNM分期`

PATHOLOGY = {(LOINC, "22637-3"), (LOINC, "60568-3")}
_CATEGORIES = {(V2_0074, "PAT"), (V2_0074, "SP"), (V2_0074, "CP")}
_CYTOLOGY = re.compile(r"cytolog|cytopath|细胞学|细胞病理|脱落细胞", _FLAGS)
_AUTOPSY = {(LOINC, "18743-5")}
_AUTOPSY_WORDS = re.compile(r"\bautops|\bnecrops|post-?mortem|尸检|尸体解剖|尸体检验", _FLAGS)
_FINDING = re.compile(
    r"癌(?!抗原)|瘤|白血病|恶性|良性|增生|炎|坏死|异型|转移|未见|可见|阳性|阴性|正常|纤维"
    r"|carcinom|cancer|lymphoma|leuk|sarcoma|melanoma|myeloma|neoplas|tumou?r|benign|metasta|plasia|adenoma|in situ|atypi"
    r"|\bpositive|\bnegative|\bno evidence|\bnormal\b",
    _FLAGS,
)
"""What a pathologist found. A report that found something counts though a part of it is still to come (免疫组化待回)."""
_MOLECULAR = {(LOINC, code) for code in ("51969-4", "69548-6", "53041-0", "81247-9", "55232-3")}


def read_pathology(found: Found, context: Context) -> list[Entry] | None:
    """A histology or cytology report, once for each condition that it is about."""
    resource = found.resource
    code = resource.get("code")
    is_report = found.type == "DiagnosticReport"
    if not is_report and not (found.type == "Observation" and has_code(code, PATHOLOGY)):
        return None
    if not codings(code) and not texts(code) and not codings(resource.get("category")):
        if context.in_bundle or not is_report:
            return None
        raise Unreadable("says no code")
    named = has_code(code, PATHOLOGY)
    if has_code(code, _AUTOPSY) or _AUTOPSY_WORDS.search(words(code)):
        return None
    if not named and (not has_code(resource.get("category"), _CATEGORIES) or _is_molecular(code, context)):
        return None
    status = report_status(resource)
    made = context.observed(found, status)
    cytology = has_code(resource.get("category"), {(V2_0074, "CP")}) or _CYTOLOGY.search(
        words(code) + words(resource.get("category"))
    )
    made |= {"kind": "cytology" if cytology else "histology", "status": status}
    conclusion = (
        text(resource.get("conclusion"))
        or text(resource.get("valueString"))
        or label(resource.get("conclusionCode"))
        or label(resource.get("valueCodeableConcept"))
    )
    if conclusion:
        made["conclusion"] = conclusion
    if status in ("final", "amended", "corrected"):
        said = " ; ".join([conclusion or "", words(resource.get("conclusionCode"))])
        state = not_a_result(said) if not _FINDING.search(said) else None
        made["status"] = state or ("registered" if says_absent(resource) else status)
    about = context.pointed_at.get(found.source) or matching_conditions(
        resource.get("conclusionCode"), context
    )
    if not about:
        return [made]
    return [{**made, "focus": focus} for focus in about]


def _is_molecular(code: object, context: Context) -> bool:
    vocabulary = context.vocabulary
    return has_code(code, _MOLECULAR) or any(
        c.get("system") == LOINC and c.get("code") in vocabulary.markers_by_loinc for c in codings(code)
    )


# -- results that aren't results ---------------------------------------------------------------------

_PENDING = re.compile(
    r"\bpending\b|\bawait|to follow\b|in progress|"
    r"待出|待发|待报|待回|待检|待查|结果未回|未回报|检测中|送检中|进行中",
    _FLAGS,
)
_FAILED = re.compile(
    r"\bfail|insufficien|inadequate|not sufficient|\bqns\b|no[- ]call\b|indeterminate|inconclusive"
    r"|not (?:performed|done|tested|evaluable|assessable|available|interpretable)"
    r"|unsatisfactory|non-?diagnostic|uninterpretable"
    r"|cannot be (?:determined|assessed|evaluated)|unable to|\binvalid\b|\brejected\b|\bcancell?ed\b"
    r"|(?:标本|样本|组织|肿瘤细胞|DNA|RNA|核酸|含量|数量|质量)\S{0,3}不足|不足以|不合格|失败|无法(?:判定|诊断|判断|评估|检测|分析|判读)"
    r"|不能(?:判定|诊断|判断|评估|判读)|(?<!意义)不确定|未做|未行|未送检|未检测(?![到出])|未进行|拒收|退检|无效",
    _FLAGS,
)
_NO_ANSWER = {(LOINC, "LA18198-4"), (LOINC, "LA11884-6"), (LOINC, "LA15841-2")}


def not_a_result(value: str | None, concept: object = None) -> str | None:
    """`registered` for what is pending, `cancelled` for what failed; `None` for a result, whatever it is."""
    if value and _PENDING.search(value):
        return "registered"
    if (value and _FAILED.search(value)) or has_code(concept, _NO_ANSWER):
        return "cancelled"
    return None
