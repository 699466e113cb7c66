"""The value of an OBX: a quantity with its unit, or what was reported in words."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from oncogate.adapters.fhir.access import UCUM, shortened
from oncogate.adapters.fhir.measurements import read_value
from oncogate.adapters.fhir.units import unit_of
from oncogate.adapters.hl7v2.codes import codings_of, label_of, system_named
from oncogate.adapters.hl7v2.segments import Parts, Segment
from oncogate.clinical.units import MEASURES, factor

Value = dict[str, Any]
"""`value`, or `text` where what is reported is no quantity, and `conflict`; none of them where nothing is."""

_CODED = frozenset({"CE", "CWE", "CNE"})
_NARRATIVE = frozenset({"TX", "FT"})
_DOCUMENTS = frozenset({"ED", "RP"})
_PLAIN = frozenset(["", *"NM ST IS ID SI CF DT TM TS DTM CX PN XPN AD TN CN XCN".split()])
_SPLIT_POWER = re.compile(r"[×xX*]?\s*10[\^~]\d{1,2}\s*/")
"""`10^9/L` as many a system sends it: not escaped, so that the unit falls apart at the component separator."""
_FLAG = re.compile(r"[↑↓]+|H{1,2}|L{1,2}")
_NOTHING = re.compile(r"[*#.\-—]+|DNR|TNP|N\.?/?A\.?", re.IGNORECASE)


class UnreadValue(ValueError):
    """A value of a type that isn't read, and why."""


def read_values(obx: Segment) -> list[Value]:
    """The values of an OBX, one for each repetition of OBX-5; the lines of a narrative are one.

    Raises `UnreadValue` for documents and types that aren't read.
    """
    type = obx.text(2).upper()
    said = obx.repetitions(5)
    if not said:
        return [{}]
    if type in _DOCUMENTS:
        raise UnreadValue("holds a document, not a value")
    if type in _NARRATIVE:
        return [_narrative("\n".join(obx.delimiters.unescape(one, obx.decode).strip() for one in said), obx)]
    if type == "SN":
        return [_structured(obx.parts(one), obx) for one in said]
    if type in _CODED:
        return [_coded(obx.parts(one)) for one in said]
    if type in _PLAIN:
        return [_written(obx.delimiters.unescape(one, obx.decode).strip(), obx) for one in said]
    raise UnreadValue(f"the value type `{type[:20]}` isn't read")


def read_number(said: str) -> Decimal | None:
    """A plain number; `None` for anything else."""
    return Decimal(said) if re.fullmatch(r"[+-]?\d{1,30}(?:\.\d{1,30})?", said, re.ASCII) else None


def says_number(text: str) -> bool:
    """Whether a text is read as a quantity, with a unit of its own or without."""
    return "value" in read_value({"valueString": text})


def says_nothing(text: str) -> bool:
    """Whether a text stands where a value was not to be had: `*****`, `---`, `DNR`, `N/A`."""
    return _NOTHING.fullmatch(text.strip()) is not None


def read_unit(obx: Segment) -> tuple[str, str | None]:
    """The unit of OBX-6, and how its code and its text disagree, if they do."""
    whole = obx.whole(6)
    if _SPLIT_POWER.match(whole):
        return whole, None
    code, printed, system = obx.text(6), obx.text(6, 2), obx.text(6, 3)
    if code and (not system or system_named(system) == UCUM):
        return unit_of({"code": code, "unit": printed})
    return code or printed, None


def _written(said: str, obx: Segment) -> Value:
    made = read_value({"valueString": said})
    if "value" not in made:
        return made
    unit, conflict = read_unit(obx)
    own = made["value"]["unit"]
    if unit and own and not _FLAG.fullmatch(own) and not _same_unit(own, unit):
        conflict = f"value `{shortened(said, 60)}`, unit `{unit}`"
    made["value"] = {**made["value"], "unit": unit or own}
    return {**made, "conflict": conflict} if conflict else made


def _same_unit(one: str, other: str) -> bool:
    factors = ((factor(measure, one), factor(measure, other)) for measure in MEASURES)
    return one == other or any(by is not None and by == as_by for by, as_by in factors)


def _narrative(said: str, obx: Segment) -> Value:
    made = _written(said, obx)
    # `3 weeks later` in a narrative is no quantity
    return (
        {"text": shortened(said, 200)} if "value" in made and not re.fullmatch(r"\W*[\d.]+", said) else made
    )


def _structured(parts: Parts, obx: Segment) -> Value:
    comparator, low, separator, high = parts[1], parts[2], parts[3], parts[4]
    if separator or high or comparator not in ("", "=", "<", "<=", ">", ">="):
        return {"text": shortened(" ".join(p for p in parts.found if p), 200)}
    return _written(f"{comparator.removeprefix('=')}{low}", obx)


def _coded(parts: Parts) -> Value:
    label = label_of(parts)
    return read_value({"valueCodeableConcept": {"coding": codings_of(parts), "text": parts[9] or None}}) or (
        {"text": shortened(label, 200)} if label else {}
    )
