"""Requests and rules made by hand for the tests of the command line and of what it shows."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

AT = "2026-03-02T09:30:00+08:00"

REQUEST: dict[str, Any] = {
    "at": AT,
    "order": {
        "id": "ord-1", "cycle": 2, "ordered": "2026-03-02T09:20:00+08:00",
        "drugs": [{"name": "多西他赛", "dose": 120, "unit": "mg"}],
    },
    "record": {
        "patient": {"id": "p-1"},
        "diagnoses": [
            {"id": "d-1", "codes": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "C50.9"}], "effective": "2026-01-05"}
        ],
        "stages": [{"id": "s-1", "stage": "cT2N1M0", "kind": "clinical", "status": "final", "effective": "2026-01-10"}],
        "pathology": [{"id": "r-1", "kind": "histology", "conclusion": "浸润性癌", "status": "final", "effective": "2026-01-08"}],
        "assessments": [
            {"id": "a-1", "kind": "febrile_neutropenia", "level": "low", "status": "final", "effective": "2026-03-01T08:00:00+08:00"}
        ],
        "consents": [
            {"id": "c-1", "kind": "chemotherapy", "status": "active", "effective": "2026-02-27T10:00:00+08:00", "source": "Consent/c-1"}
        ],
        "labs": [
            {
                "id": "lab-1", "codes": [{"system": "http://loinc.org", "code": "751-8"}], "value": {"value": 2.8, "unit": "10*9/L"},
                "status": "final", "effective": "2026-03-01T07:00:00+08:00", "source": "Observation/lab-1",
            }
        ],
        "treatments": [
            {"id": "t-1", "kind": "drugs", "drugs": [{"name": "多西他赛"}], "status": "completed", "effective": "2026-02-09T09:00:00+08:00"}
        ],
        "markers": [], "exams": [], "procedures": [], "orders": [],
    },
}  # fmt: skip
"""A second cycle of docetaxel with everything in order: allowed."""


def request(**sections: Any) -> dict[str, Any]:
    """The allowed request with other sections in its record; `at` and `order` replace those of the request."""
    made = copy.deepcopy(REQUEST)
    for name, value in sections.items():
        place = made if name in ("at", "order") else made["record"]
        if value is ...:
            place.pop(name)
        else:
            place[name] = value
    return made


def lab(value: float, unit: str = "10*9/L") -> list[dict[str, Any]]:
    """The neutrophil count of the allowed request with another value."""
    entry = copy.deepcopy(REQUEST["record"]["labs"][0])
    return [{**entry, "value": {"value": value, "unit": unit}}]


def written(folder: Path, content: Any, name: str = "request.json") -> str:
    """The path of a file that holds `content` as JSON."""
    path = folder / name
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return str(path)


RULE = """\
id: mine/anc-seen
version: 1
status: stable
effect: warn
title: {zh: 缺少血常规, en: No blood count}
rationale: {zh: 化疗前须有血常规。, en: A blood count is needed before chemotherapy.}
sources:
  house: {cite: house rule, says: within a week, verification: reviewed}
parameters:
  window: {value: 7, unit: d, range: [1, 14], tunable: true, source: house}
when:
  - {any_of: order.drugs, in: drugs/myelosuppressive}
require:
  - {exists: lab.anc, within: window}
reason:
  unmet: {zh: 没有近期的血常规。, en: There is no recent blood count.}
remedy: {action: check-blood-count, zh: 请复查血常规。, en: Repeat the blood count.}
examples:
  - {name: seen, given: {order: [多西他赛], lab.anc: 3.2 10*9/L}, expect: met}
  - {name: none, given: {order: [多西他赛]}, expect: unmet}
  - {name: not supplied, given: {order: [多西他赛], labs: null}, expect: unknown}
"""
FULLY_SHOWN = (
    RULE
    + """\
  - {name: the last day, given: {order: [多西他赛], lab.anc: {value: 3.2, unit: 10*9/L, age: 7 d}}, expect: met}
  - {name: too old, given: {order: [多西他赛], lab.anc: {value: 3.2, unit: 10*9/L, age: 8 d}}, expect: unmet}
  - {name: another drug, given: {order: [昂丹司琼]}, expect: not_applicable}
  - {name: not recognised, given: {order: {drugs: [{name: XR-17}], kind: chemotherapy}}, expect: unknown}
"""
)
"""The rule with examples of both sides of its window, and of every leaf true, false and unknown."""
"""A rule of a pack `mine` in which nothing is to be bettered."""


def pack(folder: Path, text: str = RULE, name: str = "anc-seen.yaml", *, header: bool = True) -> Path:
    """A rules folder with the pack `mine` that holds one rule file."""
    mine = folder / "rules" / "mine"
    mine.mkdir(parents=True, exist_ok=True)
    if header:
        (mine / "pack.yaml").write_text(
            "id: mine\nversion: 1.0.0\ntitle: {zh: 本院规则, en: our rules}\n", "utf-8"
        )
    (mine / name).write_text(text, "utf-8")
    return folder / "rules"
