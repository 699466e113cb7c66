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
"""What a pathologist found."""
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
        made["status"] = _not_a_diagnosis(said) or ("registered" if says_absent(resource) else status)
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


# -- reports that aren't a diagnosis -----------------------------------------------------------------

_CLAUSE = re.compile(r"[，,；;。？?！!()（）\n]+|\.(?=\s|$)")
_WHOLE_ZH = (
    r"(?:最终|正式|完整|本|该|术后|活检|穿刺|常规|石蜡|组织学|组织|病理学?|检查|诊断)*(?:结果|报告|诊断)单?"
)
_WHOLE_EN = (
    r"(?:(?:the|this|a|full|final|complete|formal|written|definitive|surgical|biopsy|path\w*|histo\w*)\s+)*"
    r"(?:reports?|results?|diagnos[ie]s|interpretation)"
)
_SPECIMEN = r"(?:标本|样本|切片|蜡块)(?:病理)?(?:检查|诊断)?(?:结果|报告)?"
_LATER_ZH = r"\s*[:：]?\s*(?:仍|尚|均|暂|正在)?(?:待[出发报回定补检查]|未[出发报回]|暂缓|推迟|延[迟期]|(?:处理|制片|脱钙|会诊|检测|检查|送检|进行)中)"
_LATER_EN = r"\s*:?\s*(?:(?:is|are|has been|will|still|yet)\s+)*(?:pending|deferred|awaited|delayed|postponed|to follow|follows?\b|in progress|unavailable|not\s+(?:yet\s+)?available)"
_LATER = re.compile(
    rf"^{_WHOLE_ZH}{_LATER_ZH}|{_SPECIMEN}{_LATER_ZH}"
    rf"|^(?:暂缓|延[迟期]|推迟|(?:尚|暂)?未[出发回报]?|等待?|待|暂?无)(?:出具|发出)?{_WHOLE_ZH}$"
    rf"|^{_WHOLE_EN}{_LATER_EN}|^(?:pending|awaiting|await|deferred)\s+{_WHOLE_EN}$"
    rf"|\bspecimens?\b[^:]{{0,40}}:?\s*(?:is\s+|are\s+)?pending",
    _FLAGS,
)
"""The report, its result or diagnosis, or the specimen is still to come; a stain or gene before the word makes it a part."""
_NEVER = re.compile(
    r"(?:无法|不能|难以|不足以|未能)(?:进行|作出|做出|给出|明确|行|做)?(?:明确|病理|组织学)?(?:的)?(?:诊断|判[断定](?:良恶性|性质))(?!\S*[型源级期])"
    r"|(?:标本|样本|组织|肿瘤|细胞)\S{0,8}(?:不足(?!以)|不合格)|(?:标本|样本)\S{0,6}(?:拒收|退检|退回|遗失|丢失|无效|失败)|^已?(?:退检|拒收|退单|作废)"
    r"|\bnon-?diagnostic|\bno\s+(?:\w+\s+)?diagnosis(?:$|\s+(?:possible|made|rendered|can))"
    r"|\b(?:unable|cannot|not\s+possible|insufficien\w*|inadequate|not\s+sufficient)\b.*\bdiagnos"
    r"|\b(?:specimen|sample|tissue|material|biopsy|aspirate)s?\s+(?:(?:is|was|are|were|quantity|too)\s+)*(?:insufficient|inadequate|unsatisfactory|not\s+sufficient|rejected|cancell?ed|lost)(?!\s+(?:for|to)\b)"
    r"|^(?:insufficient|inadequate|unsatisfactory)\s+(?:\w+\s+)?(?:specimen|sample|tissue|tumou?r|material|cells|cellularity|biopsy)s?(?!\s+(?:for|to)\b)"
    rf"|^{_WHOLE_EN}\s+(?:(?:is|was|has been)\s+)?(?:cancell?ed|rejected|withdrawn)|^(?:cancell?ed|rejected|qns)(?:\s*[:：-]|$|\s+(?:by|due|because|as|order)\b)",
    _FLAGS,
)
"""There is nothing to diagnose from, or nobody did."""
_FOR_A_PART = re.compile(
    r"^(?:无法|不能|未能?|不宜)(?:再)?(?:行|做|进行|完成|开展)?\S{2,}(?:检测|染色|组化|分型|评估|测序|FISH|PCR)",
    _FLAGS,
)
_BARE = re.compile(
    r"(?:(?:is|still|已|仍|尚)\s*)?(?:pending|deferred|to follow|in progress|not yet available|await(?:ing|ed)|待[出发报回检查]报?告?|结果未回|未回报|(?:检测|送检|脱钙|制片|处理)中)",
    _FLAGS,
)


def _not_a_diagnosis(said: str) -> str | None:
    """`registered` for a report whose diagnosis is still to come, `cancelled` for one that has none.

    A stain or gene that is pending or failed leaves the diagnosis standing (`DLBCL, FISH pending`).
    """
    clauses = [clause.strip() for clause in _CLAUSE.split(said) if clause.strip()]
    if not clauses:
        return None
    for clause, following in zip(clauses, [*clauses[1:], ""], strict=True):
        if _NEVER.search(clause) and not _FOR_A_PART.search(following):
            return "cancelled"
        if _LATER.search(clause):
            return "registered"
    if _FINDING.search(said):
        return None
    if any(_BARE.fullmatch(clause) for clause in clauses):
        return "registered"
    states = [
        not_a_result(clause) or ("registered" if clause.startswith("待") else None) for clause in clauses
    ]
    return states[0] if all(states) else None
