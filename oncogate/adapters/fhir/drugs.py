"""Drugs, as orders and administrations name them."""

from __future__ import annotations

import re
from typing import Any

from oncogate.adapters.fhir.access import (
    ATC,
    RXNORM,
    Json,
    codings,
    label,
    number,
    obj,
    objects,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry

_FLAGS = re.IGNORECASE | re.ASCII  # a Chinese character ends a word, as in `TNM分期`

_ROLES = (
    (re.compile(r"\bdiluents?\b|稀释", _FLAGS), "diluent"),
    (re.compile(r"\bsolvents?\b|溶媒|溶剂", _FLAGS), "solvent"),
    (re.compile(r"\bpre-?medications?\b|预处理用药|预处理|化疗前用药", _FLAGS), "premedication"),
)


def drugs_of(found: Found, context: Context) -> list[Entry]:
    """The drugs of an order or administration; one that can't be told is an empty drug, never left out."""
    resource = found.resource
    drugs = _named(resource, found, context) or [{}]
    shared = {**_dose(resource), **_role(resource)}
    if len(drugs) == 1:
        return [{**drugs[0], **shared}]
    shared = {k: v for k, v in shared.items() if k not in ("dose", "unit")}
    return [{**drug, **shared} for drug in drugs]


def _named(resource: Json, found: Found, context: Context) -> list[Entry]:
    given = obj(resource.get("medication"))
    concept = resource.get("medicationCodeableConcept") or given.get("concept")
    if not concept and (codings(given) or texts(given)):
        concept = given
    coded = _drug(concept) if concept else {}
    if coded:
        return [coded]
    link = resource.get("medicationReference") or given.get("reference")
    if isinstance(link, str):
        link = {"reference": link}
    medication = context.index.resolve(link, found)
    if medication is None:
        shown = text(obj(link).get("display"))
        return [{"name": shown}] if shown else []
    return _medication(medication, context, 0) or _shown(link)


def _shown(link: Any) -> list[Entry]:
    shown = text(obj(link).get("display"))
    return [{"name": shown}] if shown else []


def _medication(medication: Found, context: Context, depth: int) -> list[Entry]:
    """A Medication by its code, else by its active ingredients."""
    own = _drug(medication.resource.get("code"))
    if own or depth > 3:
        return [own] if own else []
    drugs: list[Entry] = []
    for ingredient in objects(medication.resource.get("ingredient")):
        if ingredient.get("isActive") is False:
            continue
        item = obj(ingredient.get("item"))
        named = _drug(ingredient.get("itemCodeableConcept")) or _drug(item.get("concept"))
        inner = context.index.resolve(ingredient.get("itemReference") or item.get("reference"), medication)
        if named:
            drugs.append(named)
        elif inner is not None and inner.resource is not medication.resource:
            drugs += _medication(inner, context, depth + 1) or [{}]
        else:
            drugs.append((_shown(ingredient.get("itemReference")) or [{}])[0])
    return drugs


def _drug(concept: Any) -> Entry:
    """A drug by its ATC code, else RxNorm, else whatever comes first; the text is its name."""
    coded = [c for c in codings(concept) if "code" in c]
    chosen = next(
        (c for system in (ATC, RXNORM) for c in coded if c.get("system") == system), next(iter(coded), {})
    )
    name = next(iter(texts(concept)), None) or chosen.get("display")
    name = name or next((c["display"] for c in codings(concept) if "display" in c), None)
    made = {"code": chosen.get("code"), "system": chosen.get("system"), "name": name}
    return {key: part for key, part in made.items() if part is not None}


def _dose(resource: Json) -> Entry:
    dosage = obj(resource.get("dosageInstruction")) or obj(resource.get("dosage"))
    rate = obj(dosage.get("doseAndRate"))
    amount = obj(rate.get("doseQuantity")) or obj(dosage.get("doseQuantity")) or obj(dosage.get("dose"))
    made: Entry = {}
    value = number(amount.get("value"))
    if value is not None:
        made["dose"] = value
        unit = text(amount.get("unit")) or text(amount.get("code"))
        if unit:
            made["unit"] = unit
    route = label(dosage.get("route"))
    if route:
        made["route"] = route
    return made


def _role(resource: Json) -> Entry:
    said = [words(resource.get("category")), words(resource.get("usage"))]
    said += [c.get("code", "") for c in codings(resource.get("category"))]
    plain = " ; ".join(said)
    role = next((role for pattern, role in _ROLES if pattern.search(plain)), None)
    return {"role": role} if role else {}
