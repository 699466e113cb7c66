"""2,000 varied records of the common job, always the same, in two forms: plain as a user of a general rules engine would have
them, and as oncogate's requests.

What a general engine can't say, the conversion shapes so that the job stays the same: a stage that lacks a category is written
without it; a pathology report without a diagnosis and a marker without a result aren't final; a withdrawal is an entry of
its own; surgical treatment is a procedure on record. The upper limit of bilirubin, 20 µmol/L in all records, is in the rule.
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any

SEED, COUNT = 20260301, 2000
Record = dict[str, Any]

LABS = {  # code: unit, lowest, highest, how many, LOINC
    "WBC": ("10*9/L", 2.0, 9.0, 2, "6690-2"),
    "ANC": ("10*9/L", 0.4, 5.0, 3, "751-8"),
    "PLT": ("10*9/L", 40, 300, 3, "777-3"),
    "HGB": ("g/L", 80, 140, 3, "718-7"),
    "BILI": ("umol/L", 5, 40, 2, "14631-6"),
    "CRCL": ("mL/min", 38, 110, 2, "2164-2"),
    "ALT": ("U/L", 8, 120, 2, "1742-6"),
    "AST": ("U/L", 10, 90, 1, "1920-8"),
    "CREA": ("umol/L", 40, 140, 1, "14682-9"),
    "ALB": ("g/L", 28, 50, 1, "1751-7"),
}
LIMITS = {"ANC": 1.0, "PLT": 75.0, "BILI": 30.0, "CRCL": 50.0}
BILIRUBIN_ULN = 20.0
DRUGS = {  # name: class, ATC, dose
    "docetaxel": ("cytotoxic", "L01CD02", 120), "carboplatin": ("cytotoxic", "L01XA02", 450),
    "trastuzumab": ("targeted", "L01FD01", 372), "dexamethasone": ("antiemetic", "H02AB02", 8),
    "palonosetron": ("antiemetic", "A04AA05", 0.25), "pegfilgrastim": ("gcsf", "L03AA13", 6),
}  # fmt: skip


def plain_records(count: int = COUNT) -> list[Record]:
    """The records, in the plain form."""
    rng = random.Random(SEED)
    return [_record(rng, number) for number in range(count)]


def _record(rng: random.Random, number: int) -> Record:
    now = datetime(2026, 1, 1) + timedelta(seconds=rng.randrange(300 * 86400))

    def ago(least: float, most: float) -> str:
        return _time(now - timedelta(seconds=round(rng.uniform(least, most) * 86400)))

    cycle = rng.randrange(1, 7)
    drugs = ["docetaxel", "carboplatin", *(["trastuzumab"] if rng.random() < 0.45 else [])]
    supportive = ["dexamethasone", "palonosetron", *(["pegfilgrastim"] if rng.random() < 0.6 else [])]
    return {
        "patient": {"id": f"P{number:06d}", "sex": rng.choice("FM"), "birth_date": f"{rng.randrange(1940, 1996)}-07-15"},
        "diagnosis": {"icd10": rng.choice(["C50.9", "C34.9", "C18.9", "C16.9"]), "diagnosed_at": ago(61, 90)},
        "order": {
            "id": f"O{number:06d}", "regimen": "TCbH", "cycle": cycle, "ordered_at": _time(now), "ordered_by": f"D{rng.randrange(100):03d}",
            "treatment": "non_surgical" if rng.random() < 0.8 else "surgical",
            "drugs": [_drug(name) for name in drugs], "supportive": [_drug(name) for name in supportive],
        },
        "staging": _maybe(rng, 0.04, {
            "system": "AJCC8", "date": _time(now) if rng.random() < 0.03 else ago(-1, 60) if rng.random() < 0.3 else ago(1, 60),
            **{key: _maybe(rng, 0.03, rng.choice(values)) for key, values in (("cT", ["T1", "T2", "T3"]), ("cN", ["N0", "N1"]), ("cM", ["M0", "M1"]))},
        }),
        "fn_risk": _maybe(rng, 0.06, {
            "date": _time(now - timedelta(days=21)) if rng.random() < 0.03 else ago(0, 20) if rng.random() < 0.75 else ago(15, 30),
            "level": rng.choice(["low", "intermediate", "high"]), "cycle": cycle if rng.random() < 0.94 else cycle - 1,
        }),
        "consent": _maybe(rng, 0.045, {
            "status": rng.choices(["signed", "draft", "refused"], [92, 5, 3])[0],
            **rng.choices([
                {"signed_at": ago(0.1, 30), "withdrawn_at": None}, {"signed_at": ago(0.1, 30), "withdrawn_at": ago(0, 0.1)},
                {"signed_at": rng.choice([None, ago(-2, -0.1), _time(now)]), "withdrawn_at": None},
            ], [89, 4, 7])[0],
        }),
        "pathology": _maybe(rng, 0.07, {
            "status": rng.choices(["final", "preliminary"], [93, 7])[0], "reported_at": ago(5, 60),
            "diagnosis": _maybe(rng, 0.05, "invasive carcinoma of no special type, grade 2"),
        }),
        "molecular": _maybe(rng, 0.08, [
            *([{"gene": "HER2", "status": rng.choices(["final", "pending"], [85, 15])[0],
                "result": _maybe(rng, 0.1, "amplified"), "reported_at": ago(3, 50)}] if rng.random() < 0.7 else []),
            *([{"gene": "PIK3CA", "status": "pending", "result": None, "reported_at": None}] if rng.random() < 0.3 else []),
        ]),
        "labs": _labs(rng, now),
    }  # fmt: skip


def _labs(rng: random.Random, now: datetime) -> list[Record]:
    rows = []
    for code, (unit, low, high, count, _) in LABS.items():
        fate = rng.random() if code == "ANC" else 1.0
        newest = 7.5 if fate < 0.2 else 0.0  # of a fifth no neutrophil count is recent, of some there is none
        taken: set[int] = set()
        while len(taken) < (0 if fate < 0.04 else count):
            days = rng.choice(
                [rng.uniform(newest, newest + 3), rng.uniform(newest, 25), rng.uniform(newest, 60)]
            )
            if newest == 0.0 and rng.random() < 0.05:
                days = -rng.uniform(0.1, 2)  # after the order
            if code == "ANC" and not taken and rng.random() < 0.03:
                days = 7  # on the edge of the window
            taken.add(round(days * 86400))
        for seconds in taken:
            value = (
                rng.uniform(low, high)
                if rng.random() < 0.35
                else rng.uniform((low + high) / 2.2, high * 0.75)
            )
            value = LIMITS[code] if code in LIMITS and rng.random() < 0.03 else round(value, 2)
            rows.append(
                {
                    "code": code,
                    "time": _time(now - timedelta(seconds=seconds)),
                    "value": value,
                    "unit": unit,
                    "uln": BILIRUBIN_ULN,
                }
            )
    rng.shuffle(rows)
    return rows


def as_request(record: Record) -> Record:
    """The record as oncogate's request."""
    order, staging, risk = record["order"], record["staging"], record["fn_risk"]
    consent, pathology, patient = record["consent"], record["pathology"], record["patient"]
    return {
        "at": order["ordered_at"],
        "order": {
            "id": order["id"], "regimen": order["regimen"], "cycle": order["cycle"], "prescriber": order["ordered_by"],
            "drugs": [*map(_ordered, order["drugs"]), *map(_ordered, order["supportive"])],
        },
        "record": {
            "patient": {"id": patient["id"], "birth_date": patient["birth_date"], "sex": {"F": "female", "M": "male"}[patient["sex"]]},
            "diagnoses": [{
                "id": "dx-1", "codes": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": record["diagnosis"]["icd10"]}],
                "effective": record["diagnosis"]["diagnosed_at"],
            }],
            "stages": [] if staging is None else [{
                "id": "st-1", "stage": "c" + "".join(staging[key] or "" for key in ("cT", "cN", "cM")), "kind": "clinical",
                "status": "final", "effective": staging["date"],
            }],
            "pathology": [] if pathology is None else [{
                "id": "pa-1", "kind": "histology", "conclusion": pathology["diagnosis"], "effective": pathology["reported_at"],
                "status": pathology["status"] if pathology["diagnosis"] else "preliminary",
            }],
            "markers": [{
                "id": f"mk-{n}", "markers": [test["gene"]], "result": test["result"], "effective": test["reported_at"],
                "status": "final" if test["status"] == "final" and test["result"] else "registered",
            } for n, test in enumerate(record["molecular"] or ())],
            "assessments": [] if risk is None else [{
                "id": "as-1", "kind": "febrile_neutropenia", "level": risk["level"], "cycle": risk["cycle"], "status": "final",
                "effective": risk["date"],
            }],
            "consents": [] if consent is None else _consents(consent),
            "labs": [{
                "id": f"lab-{n}", "codes": [{"system": "http://loinc.org", "code": LABS[lab["code"]][4]}],
                "value": {"value": lab["value"], "unit": lab["unit"]}, "status": "final", "effective": lab["time"],
            } for n, lab in enumerate(record["labs"])],
            "procedures": [{
                "id": "op-1", "kind": "surgery", "status": "completed", "effective": record["diagnosis"]["diagnosed_at"],
            }] if order["treatment"] == "surgical" else [],
        },
    }  # fmt: skip


def _consents(consent: Record) -> list[Record]:
    status = {"signed": "active", "draft": "draft", "refused": "rejected"}[consent["status"]]
    said = [(status, consent["signed_at"])]
    if consent["withdrawn_at"] is not None:
        said.append(("inactive", consent["withdrawn_at"]))
    return [
        {"id": f"co-{n}", "kind": "chemotherapy", "status": one, "effective": time}
        for n, (one, time) in enumerate(said)
    ]


def as_json(request: Record) -> bytes:
    """The request as the bytes that a host sends."""
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


def _drug(name: str) -> Record:
    return {"name": name, "class": DRUGS[name][0], "dose_mg": DRUGS[name][2], "route": "iv"}


def _ordered(drug: Record) -> Record:
    return {
        "code": DRUGS[drug["name"]][1], "system": "http://www.whocc.no/atc", "name": drug["name"], "dose": drug["dose_mg"], "unit": "mg",
        "route": "intravenous",
    }  # fmt: skip


def _maybe(rng: random.Random, absent: float, value: Any) -> Any:
    return None if rng.random() < absent else value


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"
