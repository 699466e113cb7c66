"""Coded elements (CE, CWE) → codes, with the code systems that HL7 table 0396 abbreviates."""

from __future__ import annotations

from oncogate.adapters.fhir.access import ATC, LOINC, RXNORM, SCT, UCUM, shortened, system_of
from oncogate.adapters.hl7v2.segments import Parts

Coding = dict[str, str]

_SYSTEMS = {
    "LN": LOINC, "LOINC": LOINC, "SCT": SCT, "SNOMED-CT": SCT, "UCUM": UCUM, "ATC": ATC, "WC": ATC, "RXNORM": RXNORM,
    "I10": "http://hl7.org/fhir/sid/icd-10", "ICD10": "http://hl7.org/fhir/sid/icd-10",
    "ICD-10": "http://hl7.org/fhir/sid/icd-10", "I10C": "http://hl7.org/fhir/sid/icd-10-cm",
    "I9": "http://hl7.org/fhir/sid/icd-9-cm", "I9C": "http://hl7.org/fhir/sid/icd-9-cm",
}  # fmt: skip


def system_named(name: str) -> str | None:
    """The code system of an abbreviation; a local one stays as it is written."""
    return _SYSTEMS.get(name.upper()) or system_of(name)


def is_abbreviation(name: str) -> bool:
    """Whether a name is one of the abbreviations that stand for a code system."""
    return name.upper() in _SYSTEMS


def codings_of(parts: Parts, system: str = "") -> list[Coding]:
    """The codes of a coded element, its alternate one too; `system` where it names none.

    One that has only a text gives that text as a display.
    """
    found: list[Coding] = []
    for first in (1, 4):
        code, display = parts[first], parts[first + 1]
        named = system_named(parts[first + 2] or (system if first == 1 else ""))
        coding = {"system": named if code else None, "code": code, "display": display}
        said = {key: shortened(value) for key, value in coding.items() if value}
        if said and said not in found:
            found.append(said)
    return found


def label_of(parts: Parts) -> str:
    """How a person would name a coded element: its original text, else a display, else a code."""
    return parts[9] or parts[2] or parts[5] or parts[1] or parts[4]
