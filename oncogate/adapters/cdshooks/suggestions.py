"""What a card offers to do: the remedy as a button and, where FHIR has a resource for it, the resource to create.

Everything proposed is a draft or a proposal. Applied as it is it meets no rule: a consent that is proposed isn't signed,
an assessment that is registered isn't done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from oncogate.adapters.cdshooks.markdown import shortened
from oncogate.adapters.fhir.access import SCT
from oncogate.base.texts import Language, Text
from oncogate.model.decision import Finding
from oncogate.model.facts import Fact
from oncogate.packs.pack import Library

LABEL = 80
"""Characters of a suggestion's label at most: it is a button."""

_ASSESSED = {
    "assessment.neutropenia": (SCT, "409089005", Text(zh="中性粒细胞减少伴发热", en="Febrile neutropenia"))
}
_ORDERED = frozenset({"labs", "exams"})
"""The sections that an order for an examination fills."""

_T = {
    "consent": Text(
        zh="新建待签署的抗肿瘤治疗知情同意书", en="Create a consent to anti-tumour treatment, to be signed"
    ),
    "assessment": Text(zh="新建待完成的风险评估：{what}", en="Create an assessment to be done: {what}"),
    "order": Text(zh="新建检查申请草稿：{what}", en="Create a draft order: {what}"),
    "chemotherapy": Text(zh="化疗", en="Chemotherapy"),
}


@dataclass(frozen=True)
class Subject:
    """For whom something is proposed: the patient's id, and the order's regimen if it has one."""

    patient: str
    regimen: str | None = None

    @property
    def reference(self) -> dict[str, str]:
        """The patient as FHIR refers to it."""
        return {"reference": f"Patient/{self.patient}"}


def suggestions(
    finding: Finding, library: Library, language: Language, subject: Subject | None
) -> list[dict[str, Any]]:
    """The remedy of a finding as suggestions, at most one; none where a finding has no remedy."""
    if finding.remedy is None:
        return []
    offered: dict[str, Any] = {"label": shortened(finding.remedy.in_(language), LABEL)}
    actions = list(_actions(finding, library, language, subject)) if subject is not None else []
    if actions:
        offered["actions"] = actions
    return [offered]


def _actions(
    finding: Finding, library: Library, language: Language, subject: Subject
) -> Iterable[dict[str, Any]]:
    for name in finding.missing:
        fact = library.facts.get(name)
        if name.startswith("consent."):
            yield _create(_T["consent"], language, _consent(subject, language))
        elif name in _ASSESSED:
            what = _ASSESSED[name][2]
            yield _create(_T["assessment"].fill(what=what), language, _assessment(name, subject, language))
        elif fact is not None and fact.codes and _ORDERED & set(fact.sections):
            yield _create(_T["order"].fill(what=fact.label), language, _service(fact, subject, language))


def _create(description: Text, language: Language, resource: dict[str, Any]) -> dict[str, Any]:
    return {"type": "create", "description": description.in_(language), "resource": resource}


def _consent(subject: Subject, language: Language) -> dict[str, Any]:
    regimen = {"text": subject.regimen} if subject.regimen else {}
    chemotherapy = {
        "coding": [{"system": SCT, "code": "367336001", "display": _T["chemotherapy"].in_(language)}],
        **regimen,
    }
    return {
        "resourceType": "Consent", "status": "proposed", "patient": subject.reference,
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "provision": {"type": "permit", "code": [chemotherapy]},
    }  # fmt: skip


def _assessment(name: str, subject: Subject, language: Language) -> dict[str, Any]:
    system, code, display = _ASSESSED[name]
    outcome = {"coding": [{"system": system, "code": code}], "text": display.in_(language)}
    return {
        "resourceType": "RiskAssessment", "status": "registered", "subject": subject.reference,
        "prediction": [{"outcome": outcome}],
    }  # fmt: skip


def _service(fact: Fact, subject: Subject, language: Language) -> dict[str, Any]:
    coding = [{"system": one.system, "code": one.code} for one in fact.codes[:1]]
    return {
        "resourceType": "ServiceRequest", "status": "draft", "intent": "proposal", "subject": subject.reference,
        "code": {"coding": coding, "text": fact.label.in_(language)},
    }  # fmt: skip
