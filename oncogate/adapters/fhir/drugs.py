"""Drugs, as orders and administrations name them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from oncogate.adapters.fhir.access import (
    ATC,
    RXNORM,
    SCT,
    UCUM,
    Json,
    code_in,
    codings,
    label,
    number,
    obj,
    objects,
    system_of,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry
from oncogate.clinical.doses import dose_in
from oncogate.model.record import Drug
from oncogate.packs.tables import KnownDrug, of_one_drug

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
    coded = drug_of(concept, context) if concept else {}
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
    """A Medication by its code, and by its active ingredients where they tell more than that."""
    own = drug_of(medication.resource.get("code"), context)
    if depth > 3:
        return [own] if own else []
    parts = _ingredients(medication, context, depth)
    return _with_parts(own, parts, context) if own and parts else [own] if own else parts


def _ingredients(medication: Found, context: Context, depth: int) -> list[Entry]:
    drugs: list[Entry] = []
    for ingredient in objects(medication.resource.get("ingredient")):
        if ingredient.get("isActive") is False:
            continue
        item = obj(ingredient.get("item"))
        named = drug_of(ingredient.get("itemCodeableConcept"), context) or drug_of(
            item.get("concept"), context
        )
        inner = context.index.resolve(ingredient.get("itemReference") or item.get("reference"), medication)
        if named:
            drugs.append(named)
        elif inner is not None and inner.resource is not medication.resource:
            drugs += _medication(inner, context, depth + 1) or [{}]
        else:
            drugs.append((_shown(ingredient.get("itemReference")) or [{}])[0])
    return drugs


def _with_parts(own: Entry, parts: list[Entry], context: Context) -> list[Entry]:
    """The drugs of a Medication that has a code and ingredients: a bag with a local code, or that of saline, may hold any.

    A product that is recognised is itself, whatever it lists: its substance, a salt, a solvent. Only a drug against
    tumours that isn't its substance is one more.
    """
    known = identified(own, context)
    told = [(part, identified(part, context)) for part in parts]
    if not any(drug is not None and drug.anti_tumour for _, drug in told):
        return [own]
    if known is None:
        return parts
    others = [(part, drug) for part, drug in told if drug is None or not _is_part(drug, known)]
    if not any(drug is not None and drug.anti_tumour for _, drug in others):
        return [own]
    return [
        own,
        *(p for p, drug in others if not known.anti_tumour or (drug is not None and drug.anti_tumour)),
    ]


def _is_part(drug: KnownDrug, product: KnownDrug) -> bool:
    """Whether a drug is a product's substance: the same drug, or one that its id is made of (trastuzumab deruxtecan)."""
    return of_one_drug(drug, product) or set(drug.id.split("-")) < set(product.id.split("-"))


def drug_of(concept: Any, context: Context) -> Entry:
    """A drug by its ATC code, else RxNorm, else whatever comes first; its name is its text, else a display."""
    named = codings(concept)
    coded = [c for c in named if "code" in c]
    chosen = next(
        (c for system in (ATC, RXNORM) for c in coded if c.get("system") == system), next(iter(coded), {})
    )
    names = [*texts(concept), chosen.get("display"), *(c.get("display") for c in named)]
    told = list(dict.fromkeys(name for name in names if name))
    made = {"code": chosen.get("code"), "system": chosen.get("system"), "name": next(iter(told), None)}
    if len(told) > 1:
        made["name"] = _name_among(told, context)
    codes = _atc_codes(coded)
    if codes:
        made["code"] = codes[0]
    if len(codes) > 1:
        made |= _code_among(codes, made["name"], context)
    return {key: part for key, part in made.items() if part is not None}


def identified(drug: Entry, context: Context) -> KnownDrug | None:
    """Which drug of the tables it is, where that can be told."""
    return context.vocabulary.identify(Drug(**drug))


def _name_among(names: list[str], context: Context) -> str:
    """The first name that is a drug's; names of several drugs or products together, so that the gate tells whether they agree.

    Names of companions of one kind (leucovorin, levoleucovorin) are a product's and its substance's.
    """
    known: dict[str, tuple[str, KnownDrug]] = {}
    for name in names:
        drug = identified({"name": name}, context)
        if drug is not None:
            known.setdefault(drug.id, (name, drug))
    told = list(known.values())
    alike = all(_of_one_kind(told[0][1], drug) for _, drug in told)
    return " ".join(name for name, _ in (told[:1] if alike else told)) or names[0]


def _of_one_kind(one: KnownDrug, other: KnownDrug) -> bool:
    same = one.cls == other.cls == "gcsf" or bool(one.groups & other.groups)
    return same and not one.anti_tumour and not other.anti_tumour


def _atc_codes(coded: list[dict[str, str]]) -> list[str]:
    """The ATC codes, without those of classes that others are in."""
    codes = list(dict.fromkeys(c["code"].upper() for c in coded if c.get("system") == ATC))
    return [c for c in codes if not any(other != c and other.startswith(c) for other in codes)]


def _code_among(codes: list[str], name: str | None, context: Context) -> dict[str, str | None]:
    """Of several ATC codes one that fits the name; one that contradicts it, or none, where they are of different drugs.

    WHO gives a drug a code for every use. One that is in no table contradicts nothing.
    """
    named = identified({"name": name}, context) if name is not None else None
    alone = {c: identified({"code": c, "system": ATC}, context) for c in codes}
    known = {c: drug for c, drug in alone.items() if drug is not None}
    fits = {c: named is None or identified({"code": c, "system": ATC, "name": name}, context) for c in codes}
    wrong = [c for c, drug in known.items() if named is not None and not fits[c] and _differ(named, drug)]
    if wrong:
        return {"code": wrong[0], "system": ATC}
    if any(_differ(one, other) for one in known.values() for other in known.values()):
        return {"code": None, "system": None, "name": name if named is None and name else " / ".join(codes)}
    fitting = [c for c in codes if fits[c]] or codes
    of_tables = [c for c in fitting if c in known and known[c].id != known[c].atc]
    against = [c for c in fitting if c in known and known[c].anti_tumour]
    return {"code": next(iter([*of_tables, *against, *fitting])), "system": ATC}


def _differ(one: KnownDrug, other: KnownDrug) -> bool:
    """Whether two are known as different drugs, and at least one is against tumours; of a class only, that is known.

    A drug under another main group of ATC is the same for another use, where its id says so (tretinoin, D10).
    """
    if of_one_drug(one, other) or not (one.anti_tumour or other.anti_tumour):
        return False
    if one.atc[:1] != other.atc[:1] and (_is_part(one, other) or _is_part(other, one)):
        return False
    told = [drug.id != drug.atc for drug in (one, other)]
    if one.anti_tumour == other.anti_tumour:
        return all(told)
    return told[1] if one.anti_tumour else told[0]


_ROUTES = {
    "47625008": "intravenous", "26643006": "oral", "34206005": "subcutaneous", "78421000": "intramuscular",
    "72607000": "intrathecal",
}  # fmt: skip
"""SNOMED CT routes, as in published value sets."""
_ROUTES_SAID = (
    ("intravenous", re.compile(r"静脉|静[注推滴点]|intraven|\biv\b", _FLAGS)),
    ("oral", re.compile(r"口服|\boral|by mouth|\bpo\b", _FLAGS)),
    ("subcutaneous", re.compile(r"皮下|subcut", _FLAGS)),
    ("intramuscular", re.compile(r"肌|intramusc|\bim\b", _FLAGS)),
    ("intrathecal", re.compile(r"鞘|脑室|腰穿|intrathec|intraventric|\bit\b", _FLAGS)),
)


def _dose(resource: Json) -> Entry:
    """Dose, unit and route, each where all instructions that state it state the same."""
    dosages = objects(resource.get("dosageInstruction")) or objects(resource.get("dosage"))
    made: Entry = {}
    doses = {dose for dosage in dosages if (dose := _dose_of(dosage)) is not None}
    if len(doses) == 1:
        made["dose"], unit = doses.pop()
        made |= {"unit": unit} if unit else {}
    routes = {route for dosage in dosages if (route := _route_of(dosage)) is not None}
    if len(routes) == 1:
        made["route"] = routes.pop()
    return made


def _dose_of(dosage: Json) -> tuple[Decimal, str] | None:
    """The amount of one dose: the one that was calculated for the patient, else one that isn't per m² or kg."""
    rated = objects(dosage.get("doseAndRate"))
    calculated = [r for r in rated if "calculated" in code_words(r.get("type"))]
    given = [obj(r.get("doseQuantity")) for r in calculated or rated]
    given = [g for g in given if g] or [obj(dosage.get("doseQuantity")) or obj(dosage.get("dose"))]
    if not any(given):  # 60 mg/m2 under `rateQuantity` is a dose, 5 mg/h isn't
        given = [g for r in rated if _in_base(dose_unit(g := obj(r.get("rateQuantity")))) is not None]
    doses = {(value, dose_unit(g)) for g in given if (value := number(g.get("value"))) is not None}
    whole = {dose for dose in doses if "/" not in dose[1]}
    doses = whole if len(doses) > 1 else doses
    return doses.pop() if len(doses) == 1 else None


def dose_unit(amount: Json) -> str:
    """The unit of a dose: as printed, else its UCUM code; empty where the two disagree, so that the dose is unknown."""
    code = text(amount.get("code")) if system_of(amount.get("system")) in (None, UCUM) else None
    printed = text(amount.get("unit"))
    if code is None or printed is None or code == printed:
        return printed or code or ""
    by_code, by_unit = _in_base(code), _in_base(printed)
    if by_code is None or by_unit is None:
        return printed if by_code is None else code
    return printed if by_code == by_unit else ""


def _in_base(unit: str) -> tuple[str, Decimal] | None:
    """What one of the unit is in milligrams or units, per whatever it is per; `None` if it can't be read."""
    for per in ("", "/m2", "/kg"):
        for base in ("mg", "U"):
            found = dose_in(Decimal(1), unit, base + per, surface=None, weight=None)
            if found is not None:
                return base + per, found
    return None


def _route_of(dosage: Json) -> str | None:
    """The word that the route's code stands for, unless the text names another route; else as the host writes it."""
    route = dosage.get("route")
    known = next((_ROUTES[code] for code in code_in(route, SCT) if code in _ROUTES), None)
    said = " ; ".join(texts(route))
    named = {name for name, pattern in _ROUTES_SAID if pattern.search(said)}
    return known if known is not None and named <= {known} else label(route)


def code_words(concept: Any) -> frozenset[str]:
    """The codes and texts of a concept, without their case."""
    said = [*texts(concept), *(c.get(key, "") for c in codings(concept) for key in ("code", "display"))]
    return frozenset(one.casefold() for one in said if one)


def _role(resource: Json) -> Entry:
    said = [words(resource.get("category")), words(resource.get("usage"))]
    said += [c.get("code", "") for c in codings(resource.get("category"))]
    plain = " ; ".join(said)
    role = next((role for pattern, role in _ROLES if pattern.search(plain)), None)
    return {"role": role} if role else {}
