"""PID, PV1, MRG, DG1, AL1 and IAM → who the patient is, diagnoses and allergies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from oncogate.adapters.fhir.access import shortened
from oncogate.adapters.hl7v2.codes import codings_of, label_of
from oncogate.adapters.hl7v2.groups import PatientGroup
from oncogate.adapters.hl7v2.refused import incomplete
from oncogate.adapters.hl7v2.segments import Delimiters, Segment
from oncogate.adapters.hl7v2.taking import Entry, Taking
from oncogate.adapters.hl7v2.times import UnreadTime

_LONGEST = 400
_SEXES = {"M": "male", "F": "female", "O": "other", "A": "other", "N": "other", "U": "unknown"}
_LEFT = frozenset({"A03", "A11"})
"""Discharge, and an admission that is taken back: no ward cares for the patient then."""
_KINDS = {"FA": "food", **dict.fromkeys(("EA", "AA", "PA", "LA"), "environment")}


@dataclass(frozen=True)
class Identifiers:
    """Which of a patient's identifiers is the id: the first of the `type`, of the `authority` alone if one is told."""

    type: str = "MR"
    authority: str | None = None

    def chosen(self, segment: Segment, position: int) -> str:
        """The id among those of PID-3 or MRG-1; the first of any type if there is none of this. Raises `Refused`."""
        found = [segment.parts(one) for one in segment.repetitions(position)]
        found = [parts for parts in found if parts[1] and self._is_ours(parts[4], segment.delimiters)]
        of_type = [parts for parts in found if parts[5].upper() == self.type.upper()]
        id = next((parts[1] for parts in (*of_type, *found)), "")
        if not id or len(id) > _LONGEST:
            ours = f" of `{self.authority}`" if self.authority is not None else ""
            problem = "is too long" if id else "is missing"
            raise incomplete(
                segment.id, segment.number, position, f"the patient's identifier{ours} {problem}"
            )
        return id

    def _is_ours(self, authority: str, delimiters: Delimiters) -> bool:
        return self.authority in (None, authority, delimiters.divide(authority, delimiters.subcomponent)[0])


def read_person(group: PatientGroup, taking: Taking) -> None:
    """Take what PID says of the patient; the ward only from ADT, which says where the patient is now."""
    person = group.person
    entry: Entry = {}
    born = person.text(7)[:8]
    if re.fullmatch(r"\d{8}", born):
        try:
            entry["birth_date"] = date(int(born[:4]), int(born[4:6]), int(born[6:])).isoformat()
        except ValueError:
            taking.say(person.place(7), "message-unread", "patient: the birth date isn't one")
    sex = _SEXES.get(person.text(8).upper())
    if sex is not None:
        entry["sex"] = sex
    if taking.header.type == "ADT":
        visit = next(iter(group.of("PV1")), None)
        if taking.header.trigger in _LEFT:
            entry["ward"] = None
        elif visit is not None and (ward := visit.text(3) or visit.text(10)):
            entry["ward"] = shortened(ward)
    taking.about(entry)


def read_history(group: PatientGroup, taking: Taking) -> None:
    """Take the diagnoses and allergies."""
    for segment in group.of("DG1", "AL1", "IAM"):
        section = "diagnoses" if segment.id == "DG1" else "allergies"
        try:
            recorded = taking.said()
        except UnreadTime as error:
            taking.unread(section, segment, 0, str(error))
            continue
        entries = _diagnosis(segment, taking) if segment.id == "DG1" else _allergy(segment, taking)
        for entry in entries:
            taking.add(section, segment, {"recorded": recorded, **entry})


def _diagnosis(segment: Segment, taking: Taking) -> Iterator[Entry]:
    codes = codings_of(segment.first(3), segment.text(2))
    said = segment.text(4)
    if not codes and not said:
        taking.unread("diagnoses", segment, 3, "says no code")
        return
    codes = taking.with_known(codes or [{"display": shortened(said)}])
    known_by = segment.text(20) or "|".join(codes[0].get(k, "") for k in ("system", "code", "display"))
    deleted = segment.text(21).upper() == "D"
    entry: Entry = {
        "codes": codes, "key": shortened(f"diagnosis/{known_by}"),
        "status": "entered-in-error" if deleted else "active",
    }  # fmt: skip
    when = taking.readable(segment.text(5))
    yield entry | ({"effective": when} if when else {})


def _allergy(segment: Segment, taking: Taking) -> Iterator[Entry]:
    """An allergy: AL1 and IAM say the first five fields alike."""
    parts = segment.first(3)
    codes, said = codings_of(parts), label_of(parts)
    iam = segment.id == "IAM"
    if not codes:
        taking.unread("allergies", segment, 3, "doesn't say to what")
        return
    deleted = iam and segment.text(6).upper() == "D"
    entry: Entry = {
        "kind": _KINDS.get(segment.text(2).upper(), "allergy"), "codes": codes, "text": shortened(said),
        "key": shortened(f"allergy/{codes[0].get('system', '')}|{parts[1] or said}"),
        "status": "entered-in-error" if deleted else "active",
    }  # fmt: skip
    when = taking.readable(segment.text(11 if iam else 6))
    level = segment.text(4)
    yield entry | ({"effective": when} if when else {}) | ({"level": shortened(level)} if level else {})
