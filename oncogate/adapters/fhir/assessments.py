"""RiskAssessments and questionnaires → risk assessments."""

from __future__ import annotations

import re
from typing import Any

from oncogate.adapters.fhir.access import (
    SCT,
    Json,
    code_in,
    codings,
    extension,
    label,
    objects,
    shortened,
    text,
    texts,
    whole,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, report_status

_OUTCOMES = {"409089005": "febrile_neutropenia", "165517008": "neutropenia"}
_OUTCOME_WORDS = {
    **dict.fromkeys(
        ("febrile neutropenia", "fn", "中性粒细胞减少伴发热", "中性粒细胞减少性发热"), "febrile_neutropenia"
    ),
    **dict.fromkeys(
        ("发热性中性粒细胞减少", "发热性中性粒细胞减少症", "粒细胞缺乏伴发热", "粒缺伴发热"),
        "febrile_neutropenia",
    ),
    **dict.fromkeys(("neutropenia", "中性粒细胞减少", "中性粒细胞减少症"), "neutropenia"),
}
_RISK = "http://terminology.hl7.org/CodeSystem/risk-probability"
_LEVELS = {"low": "low", "moderate": "intermediate", "intermediate": "intermediate", "high": "high"}
_LEVEL_WORDS = {
    **dict.fromkeys(("low", "low risk", "低危", "低", "低风险"), "low"),
    **dict.fromkeys(("moderate", "intermediate", "moderate risk", "intermediate risk"), "intermediate"),
    **dict.fromkeys(("中危", "中", "中风险"), "intermediate"),
    **dict.fromkeys(("high", "high risk", "高危", "高", "高风险"), "high"),
}
_AROUND = re.compile(
    r"^(?:FN)?(?:风险|risk)(?:等级)?\s*[:：]?\s*|\s*(?:组|患者|人群|group|patients?)$"
    r"|\s*[（(](?![^()（）]*(?:[低中高](?:危|风险)|low|moderate|high))[^()（）]*[)）]\s*$",
    re.IGNORECASE,
)
"""What may stand around a level without making it a sentence."""
_ANSWERED = {"completed": "final", "amended": "amended", "in-progress": "preliminary", "stopped": "cancelled"}
_REGIMEN = re.compile(r"^\s*(?:regimen|方案)\s*[:：]\s*(.+?)\s*$", re.IGNORECASE)
_CYCLE = re.compile(r"(?:\bcycle\s*[:：]?\s*(\d{1,3})\b|第\s*(\d{1,3})\s*(?:个)?周期)", re.IGNORECASE)


def read_assessment(found: Found, context: Context) -> list[Entry] | None:
    """Each prediction of a risk assessment is an entry."""
    if found.type == "QuestionnaireResponse":
        return _questionnaire(found, context)
    if found.type != "RiskAssessment":
        return None
    resource = found.resource
    status = report_status(resource)
    time = resource.get("occurrenceDateTime")
    if time is None:
        time = next((p.get("start") for p in objects(resource.get("occurrencePeriod"))), None)
    made = context.entry(found, time, status=status)
    focus = context.index.target(resource.get("condition"), "Condition", found)
    if focus is not None:
        made["focus"] = focus
    made |= {"status": status, **_purpose(resource)}
    predictions = objects(resource.get("prediction"))
    if not predictions:
        return [{**made, "kind": "other"}]
    several = len(predictions) > 1
    entries = []
    for n, prediction in enumerate(predictions, 1):
        entry = {
            **made,
            "id": f"{made['id']}#{n}" if several else made["id"],
            "kind": _kind(prediction.get("outcome")),
        }
        if several and "key" in made:
            entry["key"] = f"{made['key']}#{n}"
        level = _level(prediction.get("qualitativeRisk"))
        if level is not None:
            entry["level"] = level
        entries.append(entry)
    return entries


def assessment_kind(found: Found) -> str | None:
    """What an assessment is of, where that can be read and is one thing."""
    outcomes = [prediction.get("outcome") for prediction in objects(found.resource.get("prediction"))]
    kinds = {_kind(outcome) for outcome in outcomes if label(outcome)}
    return kinds.pop() if len(kinds) == 1 and len(outcomes) == 1 else None


def _kind(outcome: Any) -> str:
    for code in code_in(outcome, SCT):
        if code in _OUTCOMES:
            return _OUTCOMES[code]
    if not codings(outcome):
        said = next(
            (_OUTCOME_WORDS[t.casefold()] for t in texts(outcome) if t.casefold() in _OUTCOME_WORDS), None
        )
        return said or "other"
    return "other"


def _level(risk: Any) -> str | None:
    """The level by its code in HL7's system, else by another code, else by the text.

    What is outside the vocabulary, or contradicts itself, is passed on as it is, to be called invalid.
    """
    coded = [(c.get("system"), c["code"]) for c in codings(risk) if "code" in c]
    known = [code for _, code in coded if code.casefold() in _LEVELS]
    codes = [code for system, code in coded if system == _RISK] or known
    said = label(risk)
    meant = {_LEVELS.get(code.casefold(), code) for code in codes}
    if not meant:
        return None if said is None else _LEVEL_WORDS.get(said.casefold(), said)
    if len(meant) == 1 and _level_said(said or "") in (None, *meant):
        return meant.pop()
    return shortened(" / ".join([*codes, *texts(risk)]))


def _level_said(said: str) -> str | None:
    """The level that a text is; a sentence may name another one beside it (`无高危因素`)."""
    return _LEVEL_WORDS.get(_AROUND.sub("", said).strip().casefold())


def _purpose(resource: Json) -> Entry:
    """The regimen and cycle that an assessment was made for, where it says so in a structured place."""
    made: Entry = {}
    regimen = extension(resource, "regimen")
    said = text(regimen.get("valueString")) or label(regimen.get("valueCodeableConcept"))
    cycle = cycle_of(resource)
    for concept in (*objects(resource.get("reasonCode")), *objects(resource.get("code"))):
        for one in texts(concept):
            match = _REGIMEN.match(one)
            said = said or (match[1] if match else None)
            counted = _CYCLE.search(one)
            if cycle is None and counted:
                cycle = int(counted[1] or counted[2])
    if said:
        made["regimen"] = shortened(said)
    if cycle is not None:
        made["cycle"] = cycle
    return made


def cycle_of(resource: Json) -> int | None:
    """The number of the treatment cycle, from an extension that ends in `cycle` or `cycle-number`."""
    found = extension(resource, "cycle", "cycle-number", "cyclenumber")
    numbers = (whole(found.get(f"value{kind}")) for kind in ("Integer", "PositiveInt", "UnsignedInt"))
    return next((n for n in numbers if n is not None), None)


def _questionnaire(found: Found, context: Context) -> list[Entry] | None:
    resource = found.resource
    asked = text(resource.get("questionnaire")) or ""
    known = context.vocabulary.assessment_questionnaires
    if asked not in known and asked.split("|")[0] not in known:
        return None
    raw = (text(resource.get("status")) or "").casefold()
    status = _ANSWERED.get(raw) or report_status(resource)
    made = context.entry(found, resource.get("authored"), status=status)
    return [{**made, "kind": "febrile_neutropenia", "status": status}]
