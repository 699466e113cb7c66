"""Observations → laboratory results and vital signs, with the unit decided once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from oncogate.adapters.fhir.access import (
    ABSENT_REASON,
    CATEGORY,
    LOINC,
    SCT,
    V2_0074,
    Json,
    code_in,
    codes_of,
    codings,
    has_code,
    label,
    number,
    objects,
    says_absent,
    shortened,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, Reader, Unreadable, report_status
from oncogate.adapters.fhir.reports import not_a_result
from oncogate.adapters.fhir.units import unit_of
from oncogate.adapters.fhir.vocabulary import Asked
from oncogate.clinical.units import factor

_LABORATORY = {(CATEGORY, "laboratory"), (V2_0074, "LAB"), (V2_0074, "HM"), (V2_0074, "CH")}
_VITAL = {(CATEGORY, "vital-signs")}
_COMPARATORS = {
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "≤": "<=",
    "≥": ">=",
    "＜": "<",
    "＞": ">",
    "≦": "<=",
    "≧": ">=",
}
_WRITTEN = re.compile(
    r"\s*(<=|>=|[<>≤≥＜＞≦≧])?\s*([+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3}(?![\w*/^]))?)(.*)",
    re.DOTALL,
)


_GRADE = re.compile(r"\s*(?:\+\s*[1-4]|\d+\s*[+＋].*)\s*", re.DOTALL)
"""A grade of a test strip (`2+`, `+2`): no number."""


def read_lab(found: Found, context: Context) -> list[Entry] | None:
    """A laboratory result; in a whole record one is known by its code where a fact asks for it, else by its category."""
    return _read(found, context, "labs")


def read_vital(found: Found, context: Context) -> list[Entry] | None:
    """A vital sign or body measure."""
    return _read(found, context, "vitals")


def asked_only(section: str) -> Reader:
    """A reader of what facts look for in that section, wherever the host sent it (an ejection fraction among the exams)."""

    def read(found: Found, context: Context) -> list[Entry] | None:
        return _read(found, context, section, asked=True)

    return read


def _read(found: Found, context: Context, section: str, *, asked: bool = False) -> list[Entry] | None:
    if found.type != "Observation":
        return None
    resource = found.resource
    components = [c for c in objects(resource.get("component")) if codes_of(c.get("code"))]
    codes = codes_of(resource.get("code"))
    parts = [(f"#{n}", c, codes_of(c.get("code"))) for n, c in enumerate(components, 1)]
    if codes and (not components or _has_value(resource)):
        parts.insert(0, ("", resource, codes))
    if asked:
        parts = [part for part in parts if section in _home(part[2], context)]
    elif context.in_bundle:
        category = _by_category(resource)
        if not codes and not components and section not in category:
            return None
        whole = category or _home([*codes, *(code for _, _, own in parts for code in own)], context)
        parts = [part for part in parts if section in (_home(part[2], context) or whole)]
    if not codes and not components:
        if asked:
            return None
        raise Unreadable("says no code")
    if (asked or context.in_bundle) and not parts:
        return None
    status = report_status(resource)
    made = context.observed(found, status)
    entries = []
    for suffix, part, own in parts:
        entry = {**_keyed(made, own), "id": f"{made['id']}{suffix}", "codes": own, "status": status}
        entry |= read_value(part)
        site = _site(resource, part, own, entry, context)
        if site is not None:
            entry["site"] = site
        if status in ("final", "amended", "corrected") and _only_done(own, context):
            entry["status"] = not_a_result(entry.get("text")) or status
        entries.append(entry)
    return entries


def is_asked_for(codes: Sequence[Mapping[str, str]], context: Context) -> bool:
    """Whether a fact looks for one of the codes among the laboratory results."""
    return "labs" in _home(codes, context)


def _home(codes: Sequence[Mapping[str, str]], context: Context) -> frozenset[str]:
    """The sections in which facts look for the codes."""
    return frozenset(section for asked in _asked(codes, context) for section in asked.sections)


def _asked(codes: Sequence[Mapping[str, str]], context: Context) -> list[Asked]:
    known = context.vocabulary.asked
    found = (known.get((c.get("system", ""), c.get("code", ""))) for c in codes)
    return [asked for asked in found if asked is not None]


def _only_done(codes: Sequence[Mapping[str, str]], context: Context) -> bool:
    asked = _asked(codes, context)
    return bool(asked) and all(a.only_done for a in asked)


def _by_category(resource: Json) -> frozenset[str]:
    category = resource.get("category")
    known = (("labs", _LABORATORY), ("vitals", _VITAL))
    return frozenset(section for section, codes in known if has_code(category, codes))


def _keyed(made: Entry, codes: Sequence[Mapping[str, str]]) -> Entry:
    # one accession number often stands on every result of a specimen: a corrected platelet count
    # is no new version of the neutrophil count
    return {**made, "key": f"{made['key']}#{codes[0].get('code', '')}"} if "key" in made else made


def _has_value(resource: Json) -> bool:
    return any(name.startswith("value") and value is not None for name, value in resource.items())


def read_value(resource: Json) -> Entry:
    """`value`, or `text` where what is reported can't be read as a quantity; neither where nothing is.

    An interpretation such as POS stands in for a word where none was reported.
    """
    made = _valued(resource)
    if says_absent(resource):
        return {**made, "conflict": "a value, and a reason why there is none"} if made else {}
    if "text" not in made:
        said = _interpreted(resource)
        if said:
            made["text"] = said
    return made


def _valued(resource: Json) -> Entry:
    given = resource.get("valueQuantity")
    if given is not None:
        if not isinstance(given, dict):
            return _written(text(given)) if text(given) else {"text": _shown(given) or "?"}
        return _quantity(given)
    if text(resource.get("valueString")):
        return _written(text(resource["valueString"]))
    for name in ("valueInteger", "valueDecimal"):
        found = resource.get(name)
        if found is not None:
            value = number(found)
            return {"text": _shown(found)} if value is None else {"value": {"value": value, "unit": ""}}
    if isinstance(resource.get("valueBoolean"), bool):
        return {"text": "Positive" if resource["valueBoolean"] else "Negative"}
    concept = resource.get("valueCodeableConcept") or resource.get("valueCoding")
    if isinstance(concept, dict):
        return _coded(concept if "valueCodeableConcept" in resource else {"coding": [concept]})
    said = value_text(resource)
    return {"text": said} if said else {}


# -- results in words --------------------------------------------------------------------------------

_INTERPRETATION = (
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://hl7.org/fhir/v3/ObservationInterpretation",
)
_INTERPRETED = {
    "POS": "Positive", "NEG": "Negative", "DET": "Detected", "ND": "Not detected", "RR": "Reactive",
    "NR": "Non-reactive", "WR": "Weakly reactive", "IND": "Indeterminate", "E": "Equivocal",
}  # fmt: skip
_WORDS = {
    "10828004": "Positive", "260385009": "Negative", "260373001": "Detected", "260415000": "Not detected",
    "260408008": "Weakly positive", "131194007": "Non-reactive",
    "167273002": "Negative", "167274008": "Trace", "167275009": "1+", "167276005": "2+", "167277001": "3+",
    "167278006": "4+",
}  # fmt: skip
"""SNOMED CT: qualifiers of presence, and findings of the test strip for urine protein, as in published value sets."""
_ECOG = {
    "LA9622-7": 0, "LA9623-5": 1, "LA9624-3": 2, "LA9625-0": 3, "LA9626-8": 4, "LA9627-6": 5
}  # fmt: skip
"""LOINC answers to 89247-1, by the grade that each is."""
_NEGATIVE = re.compile(
    r"阴性|未检出|未检测到|未见|非反应性|无反应性|\bnegative\b|\bnot detected\b|\bnon-?reactive\b|\babsent\b",
    re.IGNORECASE,
)
_POSITIVE = re.compile(
    r"阳性|检出|检测到|反应性|\bpositive\b|\bdetected\b|\breactive\b|\bpresent\b|[+＋]", re.IGNORECASE
)
_SAID_SO = frozenset(
    ["阳性", "阴性", "弱阳性", "强阳性", "检出", "未检出", "有反应性", "无反应性", "非反应性", "微量"]
)


def _coded(concept: Json) -> Entry:
    """A coded result: the word that its code stands for, where code and text don't contradict each other."""
    if code_in(concept, ABSENT_REASON):
        return {}
    grades = {_ECOG[code] for code in code_in(concept, LOINC) if code in _ECOG}
    if len(grades) == 1:
        return {"value": {"value": Decimal(grades.pop()), "unit": "1"}}
    said = label(concept)
    if said is None:
        return {}
    meant = list(dict.fromkeys(_WORDS[code] for code in code_in(concept, SCT) if code in _WORDS))
    if not meant:
        return {"text": shortened(said, 200)}
    if len(meant) > 1 or any(_sides(said) - _sides(word) for word in meant if _sides(word)):
        joined = " / ".join(dict.fromkeys([said, *meant]))
        return {
            "text": shortened(joined, 200),
            "conflict": f"code `{meant[0]}`, text `{shortened(said, 100)}`",
        }
    return {"text": said if said in _SAID_SO else meant[0]}


def _sides(said: str) -> frozenset[str]:
    """Whether a text speaks of a negative result, of a positive one, or of both."""
    rest, taken = _NEGATIVE.subn(" ", said)
    return frozenset([*(["negative"] if taken else []), *(["positive"] if _POSITIVE.search(rest) else [])])


def _interpreted(resource: Json) -> str | None:
    """The word of an interpretation that says whether something is there; flags such as H and L say nothing here."""
    said = [
        _INTERPRETED[c["code"]]
        for c in codings(resource.get("interpretation"))
        if c.get("system") in _INTERPRETATION and c.get("code") in _INTERPRETED
    ]
    said = said or [one for one in texts(resource.get("interpretation")) if one in _SAID_SO]
    return " / ".join(dict.fromkeys(said)) or None


# -- where a temperature was taken -------------------------------------------------------------------

_SITE_CODES = {
    **dict.fromkeys(((SCT, c) for c in ("91470000", "422543003", "34797008", "415882003")), "axillary"),
    **dict.fromkeys(((SCT, c) for c in ("74262004", "415945006")), "oral"),
    **dict.fromkeys(((SCT, c) for c in ("117590005", "42859004", "415974002")), "tympanic"),
    **dict.fromkeys(((SCT, c) for c in ("34402009", "307047009")), "rectal"),
    (LOINC, "8328-7"): "axillary", (LOINC, "8331-1"): "oral", (LOINC, "8333-7"): "tympanic", (LOINC, "8332-9"): "rectal",
}  # fmt: skip
"""Body sites, and observations of a temperature at one, as in published value sets and profiles."""
_SITE_NAMES = {
    **dict.fromkeys(("腋温", "腋下", "腋窝", "腋下温度", "腋下体温", "腋表", "腋窝温度"), "axillary"),
    **dict.fromkeys(("axilla", "axillae", "axillary", "armpit", "underarm"), "axillary"),
    **dict.fromkeys(("口温", "口腔", "口腔温度", "口腔体温", "口表", "舌下"), "oral"),
    **dict.fromkeys(("oral", "mouth", "sublingual"), "oral"),
    **dict.fromkeys(("耳温", "耳", "耳道", "耳内", "左耳", "右耳", "鼓膜", "耳膜", "鼓膜温度"), "tympanic"),
    **dict.fromkeys(("ear", "tympanic"), "tympanic"),
    **dict.fromkeys(("肛温", "直肠", "直肠温度", "直肠体温", "肛表", "肛门"), "rectal"),
    **dict.fromkeys(("rectal", "rectum"), "rectal"),
}
_WORD = re.compile(r"[a-z]+|[\u4e00-\u9fff]+")
_TEMPERATURE = re.compile(r"体温|\btemperature\b|腋温|口温|耳温|肛温", re.IGNORECASE)


def _site(
    resource: Json, part: Json, codes: Sequence[Mapping[str, str]], entry: Entry, context: Context
) -> str | None:
    """Where a temperature was taken, if that is said and said in one way; `None` for anything else."""
    measured = any("temperature" in asked.measures for asked in _asked(codes, context))
    unit = entry.get("value", {}).get("unit")
    if not (
        measured or (unit and factor("temperature", unit)) or _TEMPERATURE.search(words(part.get("code")))
    ):
        return None
    places = [resource.get("bodySite"), resource.get("method"), part.get("code")]
    coded = [(c.get("system", ""), c.get("code", "")) for place in places for c in codings(place)]
    found = {_SITE_CODES[code] for code in coded if code in _SITE_CODES}
    said = " ".join(words(place) for place in places).casefold()
    found |= {_SITE_NAMES[word] for word in _WORD.findall(said) if word in _SITE_NAMES}
    return found.pop() if len(found) == 1 else None


def value_text(resource: Json) -> str | None:
    """The value of a result as a person reads it; `None` if there is none."""
    for name, value in resource.items():
        if not name.startswith("value") or value is None:
            continue
        if isinstance(value, dict) and ("coding" in value or "text" in value):
            found = label(value)
        elif isinstance(value, dict):
            amount = value.get("value")
            unit = text(value.get("unit")) or text(value.get("code")) or ""
            shown = (
                None
                if amount is None
                else f"{text(value.get('comparator')) or ''}{_shown(amount)} {unit}".strip()
            )
            found = shown if name == "valueQuantity" or not value else _shown(value)
        else:
            found = text(value) if isinstance(value, str) else _shown(value)
        if found:
            return found
    return None


def _quantity(given: Json) -> Entry:
    amount = given.get("value")
    if amount is None:
        return {}
    value = number(amount)
    unit, conflict = unit_of(given)
    if unit and not unit.strip("+＋ "):
        return {"text": f"{_shown(amount)}{unit}".replace(" ", "")}  # a grade of a test strip: 2+
    said = given.get("comparator")
    comparator = _COMPARATORS.get(text(said) or "")
    if value is None or (said is not None and comparator is None):
        shown = f"{_shown(said) if said is not None else ''}{_shown(amount)} {unit}"
        return {"text": shown.strip()[:200] or "?"}
    made: Entry = {"value": {"value": value, "unit": unit}}
    if comparator:
        made["value"]["comparator"] = comparator
    if conflict:
        made["conflict"] = conflict
    return made


def _written(said: str | None) -> Entry:
    """A value written as text: `<0.5 10*9/L`, `0.8`; what isn't a number stays as it was reported."""
    said = said or ""
    plain = "".join(
        unicodedata.normalize("NFKC", c) if c.isdigit() and not c.isascii() and ord(c) > 0xFF00 else c
        for c in said
    )
    match = _WRITTEN.fullmatch(plain)
    value = number(Decimal(match[2])) if match else None
    if match is None or value is None or re.match(r"[-–~,，:：.\d]", match[3]) or _GRADE.fullmatch(plain):
        return {"text": said[:200]}
    made: Entry = {"value": {"value": value, "unit": match[3].strip()}}
    if match[1]:
        made["value"]["comparator"] = _COMPARATORS[match[1]]
    return made


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        parts = (text(v) if isinstance(v, str) else _shown(v) for v in list(value.values())[:6])
        return " ".join(part for part in parts if part)[:200]
    if isinstance(value, list):
        return " ".join(_shown(v) for v in value[:6])[:200]
    return (text(value) or "" if isinstance(value, str) else str(value))[:200]
