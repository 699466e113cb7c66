"""Observations → laboratory results and vital signs, with the unit decided once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from oncogate.adapters.fhir.access import (
    CATEGORY,
    LOINC,
    UCUM,
    V2_0074,
    Json,
    code_in,
    codes_of,
    codings,
    has_code,
    label,
    number,
    objects,
    system_of,
    text,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, Unreadable, report_status
from oncogate.clinical.units import MEASURES, factor

_LABORATORY = {(CATEGORY, "laboratory"), (V2_0074, "LAB"), (V2_0074, "HM"), (V2_0074, "CH")}
_VITAL = {(CATEGORY, "vital-signs")}
_BLOOD = frozenset(
    [
        "26499-4",
        "751-8",
        "753-4",
        "768-2",
        "770-8",
        "26511-6",
        "752-6",
        "30451-9",
        "23761-0",
        "6690-2",
        "26464-8",
        "777-3",
        "26515-7",
        "778-1",
        "718-7",
        "731-0",
        "742-7",
        "1975-2",
        "14631-6",
        "1968-7",
        "14629-0",
        "2160-0",
        "14682-9",
        "2164-2",
        "69405-9",
        "62238-1",
        "98979-8",
        "1742-6",
        "1920-8",
        "2532-0",
        "1751-7",
        "34714-6",
        "6301-6",
        "2345-7",
        "10839-9",
        "67151-1",
        "33762-6",
        "5195-3",
        "5196-1",
        "63557-3",
        "16933-4",
        "13952-7",
        "16935-9",
        "42595-9",
        "11258-1",
        "2106-3",
        "2118-8",
        "19080-1",
    ]
)
_BODY = frozenset(
    [
        "8302-2",
        "29463-7",
        "8310-5",
        "8277-6",
        "3140-1",
        "85354-9",
        "8480-6",
        "8462-4",
        "8867-4",
        "9279-1",
        "2708-6",
    ]
)
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


def read_lab(found: Found, context: Context) -> list[Entry] | None:
    """A laboratory result; in a whole record one is known by its category or its code."""
    return _read(found, context, _LABORATORY, _BLOOD)


def read_vital(found: Found, context: Context) -> list[Entry] | None:
    """A vital sign or body measure."""
    return _read(found, context, _VITAL, _BODY)


def _read(
    found: Found, context: Context, categories: set[tuple[str, str]], known: frozenset[str]
) -> list[Entry] | None:
    if found.type != "Observation":
        return None
    resource = found.resource
    if context.in_bundle and not has_code(resource.get("category"), categories):
        others = codings(resource.get("category"))
        if others and (has_code(resource.get("category"), _LABORATORY | _VITAL)):
            return None
        if not any(code in known for code in code_in(resource.get("code"), LOINC)):
            return None
    components = [c for c in objects(resource.get("component")) if codes_of(c.get("code"))]
    codes = codes_of(resource.get("code"))
    if not codes and not components:
        raise Unreadable("says no code")
    status = report_status(resource)
    made = context.observed(found, status)
    entries = []
    if codes and (not components or _has_value(resource)):
        entries.append({**_keyed(made, codes), "codes": codes, "status": status, **read_value(resource)})
    for n, component in enumerate(components, 1):
        own = codes_of(component.get("code"))
        entry = {**_keyed(made, own), "id": f"{made['id']}#{n}", "codes": own, "status": status}
        entries.append({**entry, **read_value(component)})
    return entries


def _keyed(made: Entry, codes: Sequence[Mapping[str, str]]) -> Entry:
    # one accession number often stands on every result of a specimen: a corrected platelet count
    # is no new version of the neutrophil count
    return {**made, "key": f"{made['key']}#{codes[0].get('code', '')}"} if "key" in made else made


def _has_value(resource: Json) -> bool:
    return any(name.startswith("value") and value is not None for name, value in resource.items())


def read_value(resource: Json) -> Entry:
    """`value`, or `text` where what is reported can't be read as a quantity; neither where nothing is."""
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
    said = value_text(resource)
    return {"text": said} if said else {}


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
    if match is None or value is None or re.match(r"[-–~,，:：.\d]", match[3]):
        return {"text": said[:200]}
    made: Entry = {"value": {"value": value, "unit": match[3].strip()}}
    if match[1]:
        made["value"]["comparator"] = _COMPARATORS[match[1]]
    return made


def unit_of(given: Json) -> tuple[str, str | None]:
    """The unit in which a quantity is to be read, and how its code and its printed unit disagree, if they do.

    The UCUM code goes first; the printed unit stands in where the code can't be read.
    """
    ucum = system_of(given.get("system")) in (None, UCUM)
    code = text(given.get("code")) if ucum else None
    printed = text(given.get("unit"))
    if code is None or printed is None or code == printed:
        return code or printed or "", None
    by_code, by_unit = _factors(code), _factors(printed)
    if not by_code:
        return (printed if by_unit else code), None
    if not by_unit or any(by_code.get(measure) == by for measure, by in by_unit.items()):
        return code, None
    return code, f"code `{code}`, unit `{printed}`"


def _factors(unit: str) -> dict[str, Decimal]:
    found = ((measure, factor(measure, unit)) for measure in MEASURES)
    return {measure: by for measure, by in found if by is not None}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        parts = (text(v) if isinstance(v, str) else _shown(v) for v in list(value.values())[:6])
        return " ".join(part for part in parts if part)[:200]
    if isinstance(value, list):
        return " ".join(_shown(v) for v in value[:6])[:200]
    return (text(value) or "" if isinstance(value, str) else str(value))[:200]
