"""Observations and `Condition.stage` → stages.

The code alone tells whether a stage is clinical or pathologic: the value codes are the same for both.
Separate T, N and M observations are joined to one stage.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from datetime import date, datetime, timezone
from typing import Any

from oncogate.adapters.fhir.access import (
    ABSENT_REASON,
    LOINC,
    NCIT,
    SCT,
    Json,
    code_in,
    codings,
    has_code,
    objects,
    says_absent,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, report_status
from oncogate.adapters.fhir.diagnoses import NO_CONDITION, recorded_of, status_of

_FLAGS = re.IGNORECASE | re.ASCII  # a Chinese character ends a word, as in `TNM分期`

Kind = str | None

_GROUPS: dict[tuple[str, str], Kind] = {
    (SCT, "399537006"): "clinical", (LOINC, "21908-9"): "clinical",
    (SCT, "399588009"): "pathologic", (LOINC, "21902-2"): "pathologic",
    (SCT, "399390009"): None, (LOINC, "67213-9"): None, (LOINC, "21914-7"): None,
}  # fmt: skip
_CATEGORIES: dict[tuple[str, str], tuple[str, Kind]] = {
    (SCT, "399504009"): ("T", "clinical"), (LOINC, "21905-5"): ("T", "clinical"),
    (SCT, "399534004"): ("N", "clinical"), (LOINC, "21906-3"): ("N", "clinical"),
    (SCT, "399387003"): ("M", "clinical"), (LOINC, "21907-1"): ("M", "clinical"),
    (SCT, "384625004"): ("T", "pathologic"), (LOINC, "21899-0"): ("T", "pathologic"),
    (SCT, "371494008"): ("N", "pathologic"), (LOINC, "21900-6"): ("N", "pathologic"),
    (SCT, "371497001"): ("M", "pathologic"), (LOINC, "21901-4"): ("M", "pathologic"),
    (SCT, "78873005"): ("T", None), (SCT, "277206009"): ("N", None), (SCT, "277208005"): ("M", None),
}  # fmt: skip
_SYSTEMS = {
    (SCT, "385361009"): "figo", (SCT, "385368007"): "figo", (SCT, "385367008"): "figo", (SCT, "385363007"): "figo",
    (SCT, "254383006"): "figo", (SCT, "106250008"): "figo", (SCT, "254386003"): "figo",
    (SCT, "385388004"): "lugano", (SCT, "254372002"): "lugano", (NCIT, "C141147"): "lugano", (NCIT, "C141168"): "lugano",
    (SCT, "1149099005"): "binet", (SCT, "1149131009"): "rai", (SCT, "1149162008"): "iss", (SCT, "1149163003"): "iss",
    (NCIT, "C115132"): "bclc", (NCIT, "C115134"): "bclc",
    (SCT, "897275008"): "tnm", (SCT, "1269566009"): "tnm", (SCT, "443830009"): "tnm", (SCT, "444256004"): "tnm",
    (NCIT, "C188404"): "tnm",
}  # fmt: skip
STAGE_CODES = tuple(dict.fromkeys((*_GROUPS, *_CATEGORIES, *_SYSTEMS)))
"""System and code of every observation that is read as a stage or a part of one."""
_STAGING_TYPES = {(SCT, "260998006"): "clinical", (SCT, "261023001"): "pathologic"}
_METHOD_WORDS = (
    (re.compile(r"figo|国际妇产科联盟", _FLAGS), "figo"),
    (re.compile(r"ann[ -]?arbor|lugano|lymphoma stage|淋巴瘤分期", _FLAGS), "lugano"),
    (re.compile(r"\bbinet\b", _FLAGS), "binet"),
    (re.compile(r"\brai\b", _FLAGS), "rai"),
    (re.compile(r"\br?-?iss\b|international staging system", _FLAGS), "iss"),
    (re.compile(r"\bcnlc\b|中国肝癌", _FLAGS), "cnlc"),
    (re.compile(r"\bbclc\b|barcelona|巴塞罗那", _FLAGS), "bclc"),
    (re.compile(r"\bvalg\b|veterans", _FLAGS), "valg"),
    (re.compile(r"ajcc|uicc|\btnm\b|american joint|union for international", _FLAGS), "tnm"),
)
_PATHOLOGIC = re.compile(r"patholog|病理", _FLAGS)
_STAGE_CODE = re.compile(
    r"[cpyra]{0,3}(?:[TNM][0-4Xxia].*|[0-4][A-Da-d]?[0-3]?|0is|I{1,3}[A-Da-dSs]?[0-3]?|IV[A-Da-d]?[0-3]?)"
)
_LEAD = re.compile(
    r"^(?:american joint committ?ee on cancer|union for international cancer control|ajcc|uicc)"
    r"(?:/uicc|/ajcc)?(?:\s+(?:v?[5-9](?:th)?)(?:\s+ed(?:ition|\.)?)?)?\s*[:,-]?\s*"
    r"|\((?:qualifier value|finding|observable entity)\)|\s*category\s*$",
    _FLAGS,
)  # fmt: skip


def read_stage_entry(found: Found, context: Context) -> list[Entry] | None:
    """A stage observation; a T, N or M category carries its letter under `_letter` until it is joined."""
    if found.type != "Observation":
        return None
    resource = found.resource
    code = resource.get("code")
    if not context.says_code(resource):
        return None
    keys = [(c.get("system", ""), c.get("code", "")) for c in codings(code)]
    category = next((_CATEGORIES[key] for key in keys if key in _CATEGORIES), None)
    method = _system(resource.get("method"))
    if category is not None:
        letter, kind = category
        value = _category(_value(resource), letter)
    elif any(key in _GROUPS for key in keys):
        letter, kind = "", next(_GROUPS[key] for key in keys if key in _GROUPS)
        value = " ".join(part for part in (_components(resource), _value(resource)) if part)
        if kind is None and method not in (None, "tnm"):
            kind = "clinical"
    elif any(key in _SYSTEMS for key in keys):
        letter, kind = "", "pathologic" if _PATHOLOGIC.search(words(code)) else "clinical"
        method = method or next(_SYSTEMS[key] for key in keys if key in _SYSTEMS)
        value = _value(resource)
        if method == "tnm":
            kind = "pathologic" if kind == "pathologic" else None
    else:
        return None
    status = report_status(resource)
    made = context.observed(found, status)
    if "focus" not in made:
        pointing = (
            context.pointed_at.get(found.source) or context.pointed_at.get(f"member:{found.source}") or []
        )
        if len(set(pointing)) == 1:
            made["focus"] = pointing[0]
    made |= {"stage": value, "status": status}
    made |= {k: v for k, v in (("kind", kind), ("system", method), ("edition", _edition(resource))) if v}
    if letter:
        made["_letter"] = letter
    return [made]


def stage_kind(found: Found) -> Kind:
    """The kind of a stage observation, where its code tells it."""
    kinds = {**{key: kind for key, (_, kind) in _CATEGORIES.items()}, **_GROUPS}
    keys = ((c.get("system", ""), c.get("code", "")) for c in codings(found.resource.get("code")))
    return next((kinds[key] for key in keys if key in kinds), None)


def stages_of_condition(found: Found, context: Context) -> list[Entry]:
    """The stages written in a condition itself, dated by when the condition was recorded.

    One that only repeats an observation on record is left to that observation.
    """
    made = []
    refuted = status_of(found.resource) in NO_CONDITION
    for n, stage in enumerate(objects(found.resource.get("stage")), 1):
        value = _concept(stage.get("summary"))
        told = [context.index.resolve(link, found) for link in objects(stage.get("assessment"))]
        if not value or any(one is not None and one.type == "Observation" for one in told):
            continue
        time = recorded_of(found.resource)
        entry = context.entry(found, time, time, status="entered-in-error" if refuted else "")
        kinds = {**_STAGING_TYPES, **_GROUPS}
        kind = next((kinds[key] for key in kinds if has_code(stage.get("type"), {key})), None)
        system = _system(stage.get("type"))
        entry |= {"id": f"{found.id}#stage{n}", "stage": value, "focus": found.id}
        entry |= {"status": "entered-in-error" if refuted else "final"}
        entry |= {k: v for k, v in (("kind", kind), ("system", system)) if v}
        entry.pop("key", None)
        made.append(entry)
    return made


# -- values ----------------------------------------------------------------------------------------


def _value(resource: Json) -> str:
    if says_absent(resource):
        return ""
    plain = text(resource.get("valueString"))
    if plain:
        return plain
    concept = resource.get("valueCodeableConcept")
    return "" if code_in(concept, ABSENT_REASON) else _concept(concept)


def _concept(concept: Any) -> str:
    """A stage as a concept says it: its text, else a code that looks like a stage, else the display."""
    if isinstance(concept, str):
        return text(concept) or ""
    if texts(concept):
        return texts(concept)[0]
    coded = codings(concept)
    for coding in coded:
        if _STAGE_CODE.fullmatch(coding.get("code", "")):
            return coding["code"]
    return next(
        (c["display"] for c in coded if "display" in c), next((c["code"] for c in coded if "code" in c), "")
    )


def _category(value: str, letter: str) -> str:
    """A category with its letter: `cT3` from `American Joint Committee on Cancer cT3 (qualifier value)`."""
    plain = value
    for _ in range(4):
        plain = _LEAD.sub("", plain).strip()
    named = [w for w in plain.split() if re.match(rf"[cpyramCP]{{0,3}}{letter}[0-4XxiaM]", w)]
    if len(named) == 1 and " " in plain:
        plain = plain[plain.index(named[0]) :]
    plain = "".join(plain.split())
    bare = re.fullmatch(r"([cpyram]{0,3})((?:[0-4]|X|x|is|a(?![a-z])).*)", plain)
    return f"{bare[1]}{letter}{bare[2]}" if bare else plain


def _components(resource: Json) -> str:
    parts: dict[str, str] = {}
    for component in objects(resource.get("component")):
        keys = [(c.get("system", ""), c.get("code", "")) for c in codings(component.get("code"))]
        letter = next((_CATEGORIES[key][0] for key in keys if key in _CATEGORIES), None)
        if letter and _value(component):
            parts.setdefault(letter, _category(_value(component), letter))
    return together([parts[letter] for letter in "TNM" if letter in parts])


def together(categories: Iterable[str]) -> str:
    """`cT3`, `cN0`, `cM0` → `cT3N0M0`: a prefix is written again only where it changes."""
    written, last = "", ""
    for category in categories:
        match = re.fullmatch(r"([a-z]{0,3})([TNM].*)", category)
        prefix, rest = (match[1], match[2]) if match else ("", category)
        written += category if prefix != last and prefix else rest
        last = prefix or last
    return written


def _system(method: Any) -> str | None:
    for coding in codings(method):
        known = _SYSTEMS.get((coding.get("system", ""), coding.get("code", "")))
        if known:
            return known
    said = words(method)
    return next((system for pattern, system in _METHOD_WORDS if pattern.search(said)), None)


def _edition(resource: Json) -> str | None:
    coding = next(iter(codings(resource.get("method"))), {})
    return coding.get("display") or next(iter(texts(resource.get("method"))), None)


# -- joining ---------------------------------------------------------------------------------------

_RANK = ("final", "amended", "corrected")


def join_categories(entries: list[Entry]) -> list[Entry]:
    """Join T, N and M of one kind, tumour and patient: those of one day, else the newest of each."""
    done = [e for e in entries if "_letter" not in e]
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        if "_letter" not in entry:
            continue
        if entry["status"] in ("entered-in-error", "cancelled") or "effective" not in entry:
            done.append({k: v for k, v in entry.items() if k != "_letter"})
        elif entry["stage"]:
            groups.setdefault((entry.get("kind"), entry.get("focus"), entry.get("patient")), []).append(entry)
        else:
            done.append({k: v for k, v in entry.items() if k != "_letter"})
    for _, group in sorted(groups.items(), key=lambda g: str(g[0])):
        days: dict[str, list[Entry]] = {}
        for entry in group:
            days.setdefault(entry["effective"][:10], []).append(entry)
        whole = [day for _, day in sorted(days.items()) if {e["_letter"] for e in day} == {"T", "N", "M"}]
        for chosen in whole or [group]:
            done += _joined(chosen)
    return done


def _joined(group: list[Entry]) -> list[Entry]:
    choices = []
    for letter in "TNM":
        mine = [e for e in group if e["_letter"] == letter]
        if mine:
            best = max(_order(e) for e in mine)
            choices.append([e for e in sorted(mine, key=lambda e: e["id"]) if _order(e) == best][:2])
    made = []
    for parts in itertools.product(*choices):
        first = parts[0]
        entry = {k: v for k, v in first.items() if k not in ("_letter", "key", "id", "stage")}
        entry["id"] = "+".join(p["id"][-150:] for p in parts)
        entry["stage"] = together(p["stage"] for p in parts)
        entry["effective"] = max((p["effective"] for p in parts), key=_instant)
        said = [p.get("recorded") or p["effective"] for p in parts]
        if any("recorded" in p for p in parts):
            entry["recorded"] = max(said, key=_instant)
        else:
            entry.pop("recorded", None)
        if any(p["status"] not in _RANK for p in parts):
            entry["status"] = next(p["status"] for p in parts if p["status"] not in _RANK)
        entry["source"] = ", ".join(str(p["source"]) for p in parts)
        made.append(entry)
    return made


def _order(entry: Entry) -> tuple[Any, ...]:
    counted = entry["status"] in _RANK
    return counted, _instant(entry["effective"]), _instant(entry.get("recorded") or entry["effective"])


def _instant(time: str) -> str:
    """A key by which canonical times compare: the instant, a day being its first moment in UTC."""
    if len(time) == 10:
        return date.fromisoformat(time).isoformat()
    return datetime.fromisoformat(time).astimezone(timezone.utc).isoformat()
