"""Whose a FHIR resource is: subjects, the focus of an observation, what resources say of one another, contained results."""

from __future__ import annotations

from typing import Any

import pytest

from oncogate.adapters.cdshooks.request import read_hook
from oncogate.adapters.fhir import read_bundle
from oncogate.model.record import PatientRecord
from oncogate.model.request import Request

AT = "2026-03-02T09:30:00+08:00"
SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ANC = "751-8"
ME = {"reference": "Patient/p1"}
OTHER = {"reference": "Patient/p2"}
MRN = "urn:mrn"
V2 = "http://terminology.hl7.org/CodeSystem/v2-0074"


def coded(code: str, system: str = LOINC, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **more}


def observation(code: str = ANC, id: str = "o1", subject: Any = ME, **more: Any) -> dict[str, Any]:
    made = {
        "resourceType": "Observation", "id": id, "status": "final", "subject": subject, "code": coded(code),
        "effectiveDateTime": "2026-03-01", "valueString": "0.7 10*9/L", **more,
    }  # fmt: skip
    return {name: value for name, value in made.items() if value is not None}


def report(id: str = "r1", subject: Any = ME, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport", "id": id, "status": "final", "subject": subject,
        "code": {"text": "报告"}, "effectiveDateTime": "2026-03-01", **more,
    }  # fmt: skip


def person(id: str = "p1", mrn: str = "111") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "identifier": [{"system": MRN, "value": mrn}]}


def read(*resources: Any) -> PatientRecord:
    """What a bundle of the patient p1 says."""
    entry = [{"resource": r} for r in (person(), *resources)]
    reading = read_bundle({"resourceType": "Bundle", "type": "collection", "entry": entry}, AT)
    return Request.load(reading.data).record


def asked(**answers: Any) -> PatientRecord:
    """What a hook for the patient p1 says, with lists of resources as answers."""
    draft = {
        "resourceType": "MedicationRequest", "id": "m1", "status": "draft", "intent": "order", "subject": ME,
        "medicationCodeableConcept": {"text": "多西他赛注射液"},
    }  # fmt: skip
    sent = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft}]}
    document = {
        "hook": "order-sign",
        "context": {"patientId": "p1", "draftOrders": sent},
        "prefetch": answers,
    }
    return Request.load(read_hook(document, AT).data).record


# -- subjects and focus ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "whose"),
    [
        (ME, "p1"), ({"reference": "https://h/fhir/Patient/p1/_history/3"}, "p1"), (OTHER, "p2"),
        ({"reference": "Group/g1"}, "Group/g1"), ({"reference": "https://h/fhir/Device/d1"}, "https://h/fhir/Device/d1"),
        ({"reference": "Location/l1"}, "Location/l1"), ({"reference": "urn:uuid:7", "type": "Group"}, "urn:uuid:7"),
        ({"reference": f"Patient?identifier={MRN}|111"}, "p1"), ({"reference": f"Patient?identifier={MRN}|999"}, "urn:mrn|999"),
        ({"reference": f"https://h/fhir/Patient?identifier={MRN}%7C999"}, "urn:mrn|999"), ({"reference": "Patient?_id=p2"}, "p2"),
        ({"reference": "Patient?identifier=urn:unheard|999"}, None), ({"reference": "Patient?family=Wang"}, None),
        ({"identifier": {"system": MRN, "value": "999"}}, "urn:mrn|999"), ({"display": "王某"}, None), (None, None),
    ],
)  # fmt: skip
def test_whom_a_subject_names(subject: Any, whose: str | None) -> None:
    (entry,) = read(observation(subject=subject)).labs or ()
    assert entry.patient == whose


@pytest.mark.parametrize(
    ("inner", "whose"),
    [
        ({"identifier": [{"system": MRN, "value": "111"}]}, "p1"), ({"identifier": [{"system": MRN, "value": "999"}]}, "urn:mrn|999"),
        ({"identifier": [{"system": "urn:insured", "value": "9"}, {"system": MRN, "value": "111"}]}, "p1"),
        ({"identifier": [{"system": "urn:insured", "value": "9"}]}, None), ({"gender": "female"}, None),
        ({"resourceType": "Group"}, "#x"),
    ],
)  # fmt: skip
def test_whom_a_contained_subject_is(inner: dict[str, Any], whose: str | None) -> None:
    contained = [{"resourceType": "Patient", "id": "x", **inner}]
    (entry,) = read(observation(subject={"reference": "#x"}, contained=contained)).labs or ()
    assert entry.patient == whose


@pytest.mark.parametrize(
    ("focus", "whose"),
    [
        ([ME], "p1"), ([OTHER], "p2"), ([{"reference": "RelatedPerson/donor"}], "RelatedPerson/donor"), ([{"reference": "Group/g1"}], "Group/g1"),
        ([{"reference": "Condition/c1"}], "p1"), ([{"reference": "Condition/c1"}, OTHER], "p2"), ([{"reference": "Device/pump"}], "p1"),
        ([{"reference": "Specimen/s1"}], "p1"), ([{"display": "左乳"}], "p1"), ([{"type": "RelatedPerson", "display": "供者"}], "供者"),
        ([{"type": "Patient", "identifier": {"system": MRN, "value": "999"}}], "urn:mrn|999"),
        ([{"type": "Patient", "identifier": {"system": "urn:empi", "value": "E1"}}], "p1"), ([{"type": "Patient", "display": "张三"}], "p1"),
        ([{"reference": "Patient?identifier=urn:empi|E1"}], "p1"), ([{"reference": "Location/icu"}], "p1"), ([{"reference": "Organization/lab"}], "p1"),
        ([{"reference": "Practitioner/dr"}], "p1"), ([{"type": "Patient", "display": "张三"}, OTHER], "p2"),
    ],
)  # fmt: skip
def test_the_focus_of_an_observation_goes_before_its_subject(focus: list[Any], whose: str) -> None:
    (entry,) = read(observation(focus=focus)).labs or ()
    assert entry.patient == whose


def test_a_contained_focus_is_compared_like_a_subject() -> None:
    for mrn, whose in (("111", "p1"), ("999", "urn:mrn|999")):
        (entry,) = read(observation(focus=[{"reference": "#x"}], contained=[{**person("x", mrn)}])).labs or ()
        assert entry.patient == whose


@pytest.mark.parametrize(("subject", "whose"), [(ME, "p1"), (OTHER, "p2"), (None, None)])
def test_a_contained_focus_that_cannot_be_told_leaves_it_to_the_subject(
    subject: Any, whose: str | None
) -> None:
    unnamed = {"resourceType": "Patient", "id": "x"}
    found = read(observation(subject=subject, focus=[{"reference": "#x"}], contained=[unnamed])).labs or ()
    assert [entry.patient for entry in found] == [whose]


def test_a_group_that_is_a_subject_is_no_second_patient() -> None:
    entry = [
        {"resource": observation()},
        {"resource": observation(id="o2", subject={"reference": "Group/g1"})},
    ]
    record = Request.load(read_bundle({"resourceType": "Bundle", "entry": entry}, AT).data).record
    assert record.patient is not None
    assert record.patient.id == "p1"


def test_what_cannot_be_read_of_a_donor_hides_nothing() -> None:
    donor = observation(focus=[{"reference": "RelatedPerson/donor"}], effectiveDateTime=None)
    assert asked(labs=[donor]).unread == ()


# -- what resources say of one another -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "status", "markers"), [(ME, "final", ["EGFR"]), (OTHER, "registered", [])]
)
def test_a_marker_of_another_patient_in_a_report(subject: Any, status: str, markers: list[str]) -> None:
    result = {
        **observation(id="eg", subject=subject, valueString="19外显子缺失"),
        "code": {"text": "EGFR基因突变检测"},
    }
    listing = report(code=coded("51969-4"), result=[{"reference": "Observation/eg"}])
    found = {entry.id: entry for entry in asked(markers=[listing, result]).markers or ()}
    assert (found["r1"].status, sorted(found["r1"].markers)) == (status, markers)


@pytest.mark.parametrize(("subject", "dated"), [(ME, True), (None, True), (OTHER, False)])
def test_only_a_report_of_the_same_patient_dates_a_result(subject: Any, dated: bool) -> None:
    listing = report(subject=subject, result=[{"reference": "Observation/o1"}])
    record = asked(labs=[observation(effectiveDateTime=None), listing])
    assert [entry.id for entry in record.labs or ()] == (["o1"] if dated else [])
    assert [mark.problem for mark in record.unread] == ([] if dated else ["says no time"])


def condition(id: str, subject: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": id, "subject": subject, "code": coded("C34.1", ICD10), **more}


def test_a_report_is_never_about_the_condition_of_another_patient() -> None:
    coded_ = report(
        "path", code=coded("22637-3"), conclusionCode=[coded("C34.1", ICD10)], conclusion="肺腺癌"
    )
    for others, focus in ((condition("d1", ME), "d1"), (condition("d2", OTHER), None)):
        (entry,) = asked(diagnoses=[others], pathology=[coded_]).pathology or ()
        assert entry.focus == focus
    pointing = condition("d2", OTHER, evidence=[{"detail": [{"reference": "DiagnosticReport/path"}]}])
    (entry,) = asked(diagnoses=[pointing], pathology=[{**coded_, "conclusionCode": []}]).pathology or ()
    assert entry.focus is None


# -- results inside reports and panels -----------------------------------------------------------------

COUNT = observation(id="c1", subject=None, effectiveDateTime=None)
PANEL = {
    "resourceType": "Observation",
    "id": "c0",
    "status": "final",
    "code": coded("58410-2"),
    "hasMember": [{"reference": "#c1"}],
}


def listing(**more: Any) -> dict[str, Any]:
    return report(contained=[COUNT, PANEL], result=[{"reference": "#c0"}], **more)


def test_results_that_a_report_reaches_through_a_panel() -> None:
    found = {
        e.id: (e.patient, str(e.effective), e.value and str(e.value.value))
        for e in read(listing()).labs or ()
    }
    assert found["r1.c1"] == ("p1", "2026-03-01", "0.7")


def test_results_inside_a_panel() -> None:
    panel = {**PANEL, "id": "P", "subject": ME, "effectiveDateTime": "2026-03-01", "contained": [COUNT]}
    found = {e.id: (e.patient, str(e.effective)) for e in asked(labs=[panel]).labs or ()}
    assert found["P.c1"] == ("p1", "2026-03-01")
    donors = asked(labs=[{**panel, "focus": [{"reference": "RelatedPerson/donor"}]}]).labs or ()
    assert {e.patient for e in donors} == {"RelatedPerson/donor"}


def test_a_panel_that_is_its_own_member_ends() -> None:
    inner = {**PANEL, "hasMember": [{"reference": "#c1"}, {"reference": "#c0"}]}
    found = read(report(contained=[COUNT, inner], result=[{"reference": "#c0"}])).labs or ()
    assert [e.id for e in found if e.id.startswith("r1.c1")] == ["r1.c1"]


def test_what_is_contained_and_not_listed_is_no_result() -> None:
    assert read(report(contained=[COUNT], result=[])).labs is None


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_results_inside_a_void_report_are_void(status: str) -> None:
    found = {e.id: e.status for e in read(listing(status=status)).labs or ()}
    assert found["r1.c1"] == status


@pytest.mark.parametrize(
    ("panel", "patient", "status"),
    [
        ({"status": "entered-in-error"}, "p1", "entered-in-error"), ({"status": "cancelled"}, "p1", "cancelled"), ({"subject": OTHER}, "p2", "final"),
        ({"focus": [{"reference": "RelatedPerson/1"}]}, "RelatedPerson/1", "final"), ({}, "p1", "final"),
    ],
)  # fmt: skip
def test_a_panel_inside_a_report_passes_on_whose_it_is_and_that_it_is_void(
    panel: dict[str, Any], patient: str, status: str
) -> None:
    middle = {**PANEL, "id": "m", "hasMember": [{"reference": "#c0"}], **panel}
    found = read(report(contained=[COUNT, PANEL, middle], result=[{"reference": "#m"}])).labs or ()
    assert {(e.patient, e.status) for e in found if e.id == "r1.c1"} == {(patient, status)}


@pytest.mark.parametrize("where", ["report", "panel"])
def test_what_modifies_a_report_or_panel_modifies_the_results_inside(where: str) -> None:
    unheard = {"modifierExtension": [{"url": "urn:x/negated"}]}
    inner = {**PANEL, **(unheard if where == "panel" else {})}
    outer = unheard if where == "report" else {}
    record = read(report(contained=[COUNT, inner], result=[{"reference": "#c0"}], **outer))
    assert {e.id for e in record.labs or ()} & {"r1.c1"} == set()
    assert ("labs", "Observation/r1.c1") in {(mark.section, mark.source) for mark in record.unread}


@pytest.mark.parametrize(
    ("more", "marked"),
    [
        ({"effectiveDateTime": "2026-03-02T07:00:00+08:00"}, True), ({"effectiveDateTime": None, "issued": "2026-03-02T07:00:00+08:00"}, True),
        ({"effectiveDateTime": None}, True), ({"effectiveDateTime": "2026-03-01"}, False), ({"effectiveDateTime": "2026-02-01"}, False),
        ({"effectiveDateTime": "2026-03-02", "status": "cancelled"}, False), ({"effectiveDateTime": "2026-03-02", "subject": OTHER}, False),
        ({"effectiveDateTime": "2026-03-02", "result": [{"reference": "Observation/o1"}, {"display": "血常规"}]}, False),
        ({"effectiveDateTime": "2026-03-02", "code": coded("58410-2", text="血常规")}, True), ({"effectiveDateTime": "2026-03-03"}, False),
        ({"effectiveDateTime": "2026-03-02", "code": {"text": "痰培养"}}, False), ({"effectiveDateTime": "2026-03-02", "code": {"text": "胸部CT"}}, False),
        ({"effectiveDateTime": "2026-03-02", "category": [coded("RAD", V2)]}, False), ({"effectiveDateTime": "2026-03-02", "category": [coded("MB", V2)]}, False),
        *(({"effectiveDateTime": "2026-03-02", "contained": [COUNT], "result": [{"reference": link}]}, False)
          for link in ("#c1", "DiagnosticReport/r1#c1", "https://h/fhir/DiagnosticReport/r1#c1")),
    ],
)  # fmt: skip
def test_a_newer_report_of_a_result_that_was_not_sent(more: dict[str, Any], marked: bool) -> None:
    unsent = {**report(result=[{"reference": "Observation/unsent"}]), **more}
    record = asked(labs=[observation(), unsent])
    assert [mark.problem for mark in record.unread] == (["lists a result that wasn't sent"] if marked else [])
    assert all(mark.codes == () for mark in record.unread)


def test_a_report_of_one_analyte_hides_that_alone() -> None:
    unsent = report(
        effectiveDateTime="2026-03-02", code=coded("777-3"), result=[{"reference": "Observation/unsent"}]
    )
    (mark,) = asked(labs=[observation(), unsent]).unread
    assert [code.code for code in mark.codes] == ["777-3"]


def test_a_result_inside_a_report_named_in_full_is_read() -> None:
    found = read(report(contained=[COUNT], result=[{"reference": "DiagnosticReport/r1#c1"}])).labs or ()
    assert [entry.id for entry in found] == ["r1.c1"]


# -- answers that aren't whole -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "code", "whole"),
    [
        ("warning", "incomplete", False), ("warning", "timeout", False), ("information", "throttled", False), ("warning", "Incomplete", False), ("warning", "TIMEOUT", False),
        ("warning", "too-costly", False), ("warning", "forbidden", False), ("Warning", "suppressed", True), ("error", "exception", False),
        ("warning", "suppressed", True), ("warning", "not-supported", True), ("information", "informational", True),
    ],
)  # fmt: skip
def test_a_warning_may_say_that_the_answer_is_not_whole(severity: str, code: str, whole: bool) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}
    record = asked(labs=[observation(), outcome])
    assert (record.unread == ()) is whole
    assert (asked(labs=[outcome]).labs is not None) is whole
