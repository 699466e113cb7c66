"""Sections of the record out of resources: what is read, what can't be, and what was not supplied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from oncogate.adapters.fhir import exams, stages
from oncogate.adapters.fhir.access import codes_of, codings, label, obj, objects, shortened, text, words
from oncogate.adapters.fhir.assessments import assessment_kind, read_assessment
from oncogate.adapters.fhir.bundles import Found, Pages
from oncogate.adapters.fhir.consents import consent_kind, read_consent, withdrawn_all_the_same
from oncogate.adapters.fhir.context import (
    NEVER_COUNTED,
    Context,
    Entry,
    Reader,
    Unreadable,
    effective_of,
    is_before,
)
from oncogate.adapters.fhir.diagnoses import read_diagnosis
from oncogate.adapters.fhir.markers import read_markers
from oncogate.adapters.fhir.measurements import asked_only, is_asked_for, read_lab, read_vital
from oncogate.adapters.fhir.notes import read_allergy, read_note
from oncogate.adapters.fhir.reports import read_pathology
from oncogate.adapters.fhir.treatments import procedure_kind, read_other_order, read_procedure, read_treatment
from oncogate.adapters.fhir.vocabulary import MEASURED
from oncogate.model import record as model
from oncogate.model.record import PatientRecord
from oncogate.model.values import Model

READERS: Mapping[str, Reader] = {
    "diagnoses": read_diagnosis,
    "stages": stages.read_stage_entry,
    "pathology": read_pathology,
    "markers": read_markers,
    "exams": exams.read_exam,
    "assessments": read_assessment,
    "consents": read_consent,
    "labs": read_lab,
    "vitals": read_vital,
    "procedures": read_procedure,
    "treatments": read_treatment,
    "orders": read_other_order,
    "allergies": read_allergy,
    "meetings": read_note,
    "educations": read_note,
    "follow_ups": read_note,
    "events": read_note,
}
IN_BUNDLES = tuple(name for name, reader in READERS.items() if reader is not read_note)
"""The sections that a whole record can be sorted into: what a resource is says where it belongs."""

_MODELS: Mapping[str, type[Model]] = {
    "diagnoses": model.Diagnosis, "stages": model.Stage, "pathology": model.Pathology, "markers": model.MarkerResult,
    "exams": model.Exam, "assessments": model.Assessment, "consents": model.Consent, "labs": model.Measurement,
    "vitals": model.Measurement, "procedures": model.Procedure, "treatments": model.Treatment,
    "orders": model.OrderOnRecord,
}  # fmt: skip
_NEVER_ASKED_FOR = frozenset(
    ["Patient", "Practitioner", "PractitionerRole", "Organization", "OperationOutcome", "Location", "Device"]
)


@dataclass
class Record:
    """The record while it is read. A section that is not in `sections` was not supplied."""

    context: Context
    patient: str | None
    sections: dict[str, list[Entry]] = field(default_factory=dict)
    unread: list[Entry] = field(default_factory=list)

    def supply(self, section: str, pages: Pages, pointer: str) -> None:
        """A section as the answer to the question for it (CDS Hooks prefetch)."""
        if pages.failed is not None:
            self.context.say(pointer, "prefetch-failed", f"`{section}` was not supplied: {pages.failed}")
            return
        self.sections.setdefault(section, [])
        if pages.missing is not None:
            self.mark(section, pointer, pages.missing)
        for place in pages.garbled:
            self.mark(section, place, "isn't a FHIR resource")
        self.read(section, pages.found)
        if section == "labs":
            self.mark_unsent(pages.found)

    def sort(self, pages: Pages) -> None:
        """A whole record: each resource goes where it belongs; what nothing belongs to is not supplied."""
        for section in IN_BUNDLES:
            before = len(self.unread)
            self.read(section, pages.found)
            if not self.sections[section] and len(self.unread) == before:
                del self.sections[section]
        for section in self.sections:
            if pages.missing is not None:
                self.mark(section, "", pages.missing)
            for place in pages.garbled:
                self.mark(section, place, "isn't a FHIR resource")

    def mark_unsent(self, found: Iterable[Found]) -> None:
        """A report among the results that lists one that wasn't sent, and is newer than all that were, may hide the newest.

        An older one hides nothing that anyone asks for: hosts send the reports of a year and the results of a week.
        One of a single analyte hides that alone; what a panel holds isn't known by its code.
        """
        sent = [entry["effective"] for entry in self.sections["labs"] if "effective" in entry]
        for one in found:
            if one.type != "DiagnosticReport":  # most are results
                continue
            void = (text(one.resource.get("status")) or "").casefold() in NEVER_COUNTED
            if void or exams.is_no_measurement(one.resource) or self.context.whose(one) != self.patient:
                continue
            links = [link for link in objects(one.resource.get("result")) if text(link.get("reference"))]
            given = effective_of(one.resource) or one.resource.get("issued")
            time = self.context.readable(given)
            moment = self.context.readable(self.context.moment)
            if time is not None and moment is not None and is_before(moment, time):
                continue
            newer = time is None or all(is_before(result, time) for result in sent)
            if newer and any(self.context.index.resolve(link, one) is None for link in links):
                single = is_asked_for(codes_of(one.resource.get("code")), self.context)
                problem = "lists a result that wasn't sent"
                self.mark("labs", one.pointer, problem, one if single else None)

    def read(self, section: str, found: Iterable[Found]) -> None:
        """Read resources into a section."""
        seen: dict[str, list[Any]] = {}
        made: list[Entry] = []
        for one in found:
            twins = seen.setdefault(one.source, [])
            if one.type in _NEVER_ASKED_FOR or any(twin == one.resource for twin in twins):
                continue
            twins.append(one.resource)
            made += self.guarded(section, one, READERS[section]) or []
        if section == "stages":
            made = stages.join_categories(made)
        self.add(section, made)

    def add(self, section: str, entries: Iterable[Entry]) -> None:
        """Add entries, each under an id of its own."""
        present = self.sections.setdefault(section, [])
        ids = {entry["id"] for entry in present}
        for entry in entries:
            plain, n = entry["id"], 1
            while entry["id"] in ids:
                n += 1
                entry["id"] = f"{plain}#{n}"
            ids.add(entry["id"])
            present.append(entry)

    def extra(
        self,
        section: str,
        found: Iterable[Found],
        reader: Callable[[Found, Context], list[Entry] | None],
        problem: str,
    ) -> None:
        """Entries that stand in resources of another section; alone they don't make the section whole."""
        supplied = section in self.sections
        before = len(self.unread)
        known = {entry["source"] for entry in self.sections.get(section, ())}
        made = [e for f in found for e in self.guarded(section, f, reader) or () if e["source"] not in known]
        if not made and len(self.unread) == before:
            return
        self.add(section, made)
        if not supplied and not self.context.in_bundle:
            self.mark(section, "", problem)

    def guarded(
        self, section: str, found: Found, reader: Callable[[Found, Context], list[Entry] | None]
    ) -> list[Entry] | None:
        """Read one resource; whatever goes wrong becomes an unread mark and a diagnostic.

        What can't be read of another patient hides nothing of this one. A `modifierExtension` may turn what
        a resource says into its opposite, and none is known; what is an error anyway, or a withdrawal, stays.
        """
        try:
            entries = reader(found, self.context)
            standing = [entry for entry in entries or () if entry.get("status") != "entered-in-error"]
            if standing and found.modifier is not None and reader is not withdrawn_all_the_same:
                raise Unreadable(f"has a modifierExtension that isn't known: `{found.modifier}`")
            for entry in entries or ():
                shown = {k: v for k, v in entry.items() if not k.startswith("_")}
                _MODELS.get(section, model.Note).model_validate(shown)
        except Unreadable as error:
            self.mark(section, found.pointer, error.problem, found)
            if section == "consents":
                return (
                    self.guarded(section, found, withdrawn_all_the_same)
                    if reader is not withdrawn_all_the_same
                    else None
                )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            self.mark(section, found.pointer, f"{where}: {first['msg']}", found)
        except Exception as error:  # one garbled resource must not take the others with it
            self.mark(section, found.pointer, f"can't be read ({type(error).__name__})", found)
        else:
            return entries
        return None

    def mark(self, section: str, pointer: str, problem: str, found: Found | None = None) -> None:
        """Note that something of a section could not be read."""
        named = self.context.index.about(found) if found is not None else None
        if named is not None and self.patient is not None and named != self.patient:
            self.context.say(
                pointer, "wrong-patient", f"an entry of patient `{named}` can't be read, and doesn't count"
            )
            return
        made: Entry = {"section": section, "problem": shortened(problem, 300)}
        if found is not None:
            made["source"] = found.source
            made |= _hint(section, found)
        self.unread.append(made)
        self.context.say(pointer, "fhir-unread", f"`{section}`: {made['problem']}")

    def as_data(self, patient: Entry | None) -> dict[str, Any]:
        """The record as plain data."""
        data: dict[str, Any] = {} if patient is None else {"patient": patient}
        data |= {name: self.sections[name] for name in PatientRecord.SECTIONS if name in self.sections}
        if self.unread:
            data["unread"] = self.unread
        return data


def _hint(section: str, found: Found) -> Entry:
    """What limits that which an unread resource may hide: its codes or kind, where they can be read."""
    try:
        if section in ("labs", "vitals", "diagnoses"):
            concepts = [
                found.resource.get("code"),
                *(c.get("code") for c in objects(found.resource.get("component"))),
            ]
            codes = [code for concept in concepts for code in codes_of(concept) if "code" in code]
            return {"codes": codes} if codes else {}
        kinds = {"consents": consent_kind, "stages": stages.stage_kind, "assessments": assessment_kind}
        kind = kinds[section](found) if section in kinds else None
        if kind is not None:
            return {"kind": kind}
        if section == "procedures" and found.type == "Procedure" and words(found.resource.get("code")):
            return {"kind": procedure_kind(found.resource)}
    except Exception:  # a hint is never needed
        return {}
    return {}


def read_patient(
    id: str | None, found: Iterable[Found], context: Context, encounter: str | None = None
) -> Entry | None:
    """The patient; details only from that patient's own resources. `encounter` is the id of the one of the order."""
    if id is None:
        return None
    found = list(found)
    made: Entry = {"id": id}
    ward = _ward(id, [f for f in found if f.type == "Encounter"], context, encounter)
    if ward is not None:
        made["ward"] = ward
    own = next((f for f in found if f.type == "Patient" and f.id == id), None)
    if own is None:
        return made
    birth = text(own.resource.get("birthDate"))
    time = context.readable(birth) if birth else None
    if time is not None and len(time) == 10:
        made["birth_date"] = time
    sex = (text(own.resource.get("gender")) or "").casefold()
    if sex in ("male", "female", "other", "unknown"):
        made["sex"] = sex
    return made


def _ward(id: str, encounters: list[Found], context: Context, encounter: str | None) -> str | None:
    """The ward of the encounter in progress; `None` where none is, or two are in different wards."""
    mine = [f for f in encounters if context.index.patient(f.resource, f) in (id, None)]
    named = [f for f in mine if f.id == encounter]
    wards = {
        ward
        for f in named or mine
        if (text(f.resource.get("status")) or "").casefold() in ("in-progress", "onleave", "on-hold")
        if (ward := _ward_of(f, context)) is not None
    }
    return wards.pop() if len(wards) == 1 else None


def _ward_of(encounter: Found, context: Context) -> str | None:
    """The ward among the places of an encounter (a bed or room isn't one), else the service that cares for the patient."""
    wards, others = [], []
    for place in objects(encounter.resource.get("location")):
        if (text(place.get("status")) or "active").casefold() != "active":
            continue
        location = context.index.resolve(place.get("location"), encounter)
        own = location.resource if location is not None and location.type == "Location" else {}
        name = text(obj(place.get("location")).get("display")) or text(own.get("name"))
        kinds = {
            c.get("code") for c in codings([obj(place.get("physicalType") or place.get("form")), obj(own.get("physicalType"))])
        }  # fmt: skip
        if name is not None and "wa" in kinds:
            wards.append(name)
        elif name is not None and not kinds:
            others.append(name)
    places = set(wards) or set(others)
    if len(places) > 1:
        return None
    service = label(encounter.resource.get("serviceType"))
    return shortened(next(iter(places))) if places else shortened(service) if service else None


def own_stages(record: Record, found: Iterable[Found]) -> None:
    """Stages that are written in the conditions themselves."""
    staged = [f for f in found if f.type == "Condition" and obj(f.resource.get("stage"))]
    record.extra(
        "stages", staged, stages.stages_of_condition, "only the stages written in conditions were supplied"
    )


def own_exams(record: Record, found: Iterable[Found]) -> None:
    """Laboratory tumour markers and performance scores that count as examinations."""
    record.extra("exams", found, exams.coded_exam, "only the exams among other results were supplied")


def own_measurements(record: Record, found: Iterable[Found]) -> None:
    """What facts look for among the results, where the host sent it with exams or assessments.

    A section that was not supplied stays so: an ejection fraction alone isn't the laboratory's answer.
    """
    found = list(found)
    for section in MEASURED:
        if section in record.sections:
            record.extra(section, found, asked_only(section), "")
