"""Liberal access to JSON that may be anything: a text where a list belongs, a null, nested garbage.

Nothing here raises, whatever the value is; what isn't there or has the wrong type is simply empty.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

Json = Mapping[str, Any]
Codes = Collection[tuple[str, str]]

SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ATC = "http://www.whocc.no/atc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
V2_0074 = "http://terminology.hl7.org/CodeSystem/v2-0074"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"

_SYSTEMS = {
    **{url: url for url in (SCT, LOINC, ATC, UCUM, NCIT)},
    RXNORM: RXNORM,
    V2_0074.casefold(): V2_0074,
    "http://hl7.org/fhir/v2/0074": V2_0074,
    CATEGORY.casefold(): CATEGORY,
    "http://hl7.org/fhir/observation-category": CATEGORY,
    ABSENT_REASON.casefold(): ABSENT_REASON,
    "http://hl7.org/fhir/data-absent-reason": ABSENT_REASON,
    "http://ncithesaurus-stage.nci.nih.gov": NCIT,
    "http://ncimeta.nci.nih.gov": NCIT,
    NCIT.casefold(): NCIT,
    "http://whocc.no/atc": ATC,
    "urn:oid:2.16.840.1.113883.6.96": SCT,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "urn:oid:2.16.840.1.113883.6.8": UCUM,
    "urn:oid:2.16.840.1.113883.3.26.1.1": NCIT,
    "urn:oid:2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "urn:oid:2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
}


def items(value: Any) -> list[Any]:
    """The members of a list; a single value counts as a list of one, null as an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def objects(value: Any) -> list[Json]:
    """The objects among the members of a list."""
    if type(value) is dict:  # as JSON has them; to ask for any mapping takes several times as long
        return [value]
    return [item for item in items(value) if type(item) is dict or isinstance(item, Mapping)]


def obj(value: Any) -> Json:
    """The object, or the first one of a list; empty if there is none."""
    if type(value) is dict:
        return value
    return next(iter(objects(value)), {})


def text(value: Any) -> str | None:
    """A text without blanks around it; `None` where there is none. Half characters are replaced."""
    if not isinstance(value, str):
        return None
    plain = value.strip()
    if plain.isascii():
        return plain or None
    try:
        plain.encode("utf-8")
    except UnicodeEncodeError:
        plain = plain.encode("utf-8", "replace").decode("utf-8")
    return plain or None


def number(value: Any) -> Decimal | None:
    """A number that a measurement can have: finite, below 1e15, and exact as a JSON number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not found.is_finite() or abs(found) >= Decimal("1e15") or Decimal(repr(float(found))) != found:
            return None
    except (ArithmeticError, ValueError):
        return None
    return found


def whole(value: Any) -> int | None:
    """A whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9 else None


def system_of(value: Any) -> str | None:
    """The code system by its usual address, for those that have several spellings."""
    found = text(value)
    if found is None:
        return None
    if found in _SYSTEMS:
        return _SYSTEMS[found]
    plain = re.sub(r"^https://", "http://", found.casefold()).rstrip("/")
    if plain.startswith(SCT + "/"):
        return SCT
    return _SYSTEMS.get(plain, found)


def codings(concept: Any) -> list[dict[str, str]]:
    """The codings of a concept or of a list of concepts, with what each has of system, code and display."""
    found = []
    for one in objects(concept):
        for coding in objects(one.get("coding")):
            parts = {
                "system": system_of(coding.get("system")),
                "code": text(coding.get("code")),
                "display": text(coding.get("display")),
            }
            if parts["code"] or parts["display"]:
                found.append({key: part for key, part in parts.items() if part is not None})
    return found


def texts(concept: Any) -> list[str]:
    """The free texts of a concept or of a list of concepts; a bare string counts as one."""
    found = [
        text(one.get("text")) if type(one) is dict or isinstance(one, Mapping) else text(one)
        for one in items(concept)
    ]
    return [one for one in found if one]


def words(concept: Any) -> str:
    """Everything that people read in a concept: its texts and displays."""
    return " ; ".join([*texts(concept), *(c["display"] for c in codings(concept) if "display" in c)])


def label(concept: Any) -> str | None:
    """How a person would name the concept: its text, else a display, else a code."""
    coded = codings(concept)
    choices: Iterable[str | None] = (
        *texts(concept),
        *(c.get("display") for c in coded),
        *(c.get("code") for c in coded),
    )
    return next((choice for choice in choices if choice), None)


def codes_of(concept: Any) -> list[dict[str, str]]:
    """The codings of a concept; one that has only a text gives that text as a display."""
    return codings(concept) or [{"display": one} for one in texts(concept)[:1]]


def has_code(concept: Any, codes: Codes) -> bool:
    """Whether a concept has one of the codes, system and code both."""
    return any((c.get("system"), c.get("code")) in codes for c in codings(concept))


def code_in(concept: Any, system: str) -> list[str]:
    """The codes that a concept has in one system."""
    return [c["code"] for c in codings(concept) if c.get("system") == system and "code" in c]


def status_in(concept: Any, system: str, known: Collection[str]) -> str | None:
    """A status, whichever of the translations stands first: the code of HL7's system, else one that is known, else what is said.

    `system` is the end of the system's address, which has moved between releases.
    """
    coded = [c for c in codings(concept) if "code" in c]
    own = [c["code"] for c in coded if c.get("system", "").endswith(f"/{system}")]
    others = [one for one in (*(c["code"] for c in coded), *texts(concept)) if one.casefold() in known]
    said = next(iter((*own, *others)), None) or next((c["code"] for c in coded), None)
    said = said or label(concept) or next((one for one in map(text, items(concept)) if one), None)
    return said.casefold() if said else None


def says_absent(resource: Json) -> bool:
    """Whether an observation says why it has no value; a value beside that is none (FHIR's obs-6)."""
    return bool(items(resource.get("dataAbsentReason")))


def extension(resource: Json, *endings: str) -> Json:
    """The first extension whose address ends in one of the words."""
    for found in objects(resource.get("extension")):
        url = (text(found.get("url")) or "").casefold().rstrip("/")
        if re.split(r"[/#:]", url)[-1].endswith(endings):
            return found
    return {}


def shortened(value: str, limit: int = 500) -> str:
    """The text, cut where it is longer than a name may be."""
    return value if len(value) <= limit else value[: limit - 1] + "…"
