"""Strategies of entries of the record: what a hospital has on file, with every way in which it may fail to count.

Each draws times by the moment `at`. Most entries are final and of the patient; some are preliminary, withdrawn, recorded
later, or of another patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

from hypothesis import strategies as st

from oncogate.authoring.examples import AT, ICD10
from oncogate.model import record
from oncogate.model.record import Entry, Unread
from oncogate.model.values import Code
from oncogate.packs.pack import Library
from oncogate.testing.hospital import Hospital, hospital_of
from oncogate.testing.values import drugs, mostly, quantities, times

PATIENT, SOMEBODY_ELSE = "p-1", "p-2"
_REPORT = mostly("final", "amended", "corrected", "preliminary", "cancelled", "entered-in-error")
_DONE = mostly("completed", "in-progress", "stopped", "planned", "not-done", "entered-in-error")


def _entries(
    kind: type[Entry],
    at: datetime,
    /,
    together: st.SearchStrategy[dict[str, Any]] | None = None,
    **fields: st.SearchStrategy[Any],
) -> st.SearchStrategy[Any]:
    """Entries of a kind: its own `fields`, those drawn `together`, and what every entry has."""
    later = (at + timedelta(minutes=1), at + timedelta(days=3))
    when = times(at)
    common = {
        "effective": st.one_of(*[when] * 9, st.none()), "recorded": mostly(None, *later), "focus": mostly(None, "diagnoses-0", "diagnoses-1"),
        "patient": mostly(None, PATIENT, SOMEBODY_ELSE), "key": mostly(None, "k1", "k2"),
    }  # fmt: skip
    drawn = st.fixed_dictionaries({**fields, **common})
    return st.builds(
        lambda own, more: kind(id=kind.__name__.lower(), **own, **more),
        drawn,
        st.just({}) if together is None else together,
    )


def labs(
    fact: str, at: datetime = AT, library: Library | Hospital | None = None, around: Sequence[Decimal] = ()
) -> st.SearchStrategy[Any]:
    """Results of a measured fact (`lab.anc`, `vital.temperature`), by any of its codes; `around` as in `quantities`.

    Raises `ValueError` for a fact that isn't measured.
    """
    codes = hospital_of(library).fact(fact).codes
    one = st.sampled_from(codes).map(lambda c: (Code(system=c.system, code=c.code),))
    value = st.one_of(*[quantities(fact, library, around)] * 6, st.none())
    text = mostly(None, "溶血", "标本凝固")
    return _entries(record.Measurement, at, codes=one, value=value, text=text, status=_REPORT)


def diagnoses(
    at: datetime = AT, tumour: str | None = None, library: Library | Hospital | None = None
) -> st.SearchStrategy[Any]:
    """Diagnoses of a tumour, by any of its ICD-10 codes; of any tumour, a metastasis or another disease for `None`."""
    hospital = hospital_of(library)
    tumours = [hospital.tumour(tumour)] if tumour else [*hospital.library.tables.tumours.values()]
    primary = st.sampled_from(tumours).flatmap(lambda t: st.sampled_from(t.icd10))
    code = (
        primary
        if tumour
        else st.one_of(primary, primary, st.sampled_from(("C78.0", "C77.3", "I10", "E11.9")))
    )
    codes = code.map(lambda c: (Code(system=ICD10, code=c),))
    status = mostly("active", "remission", "recurrence", "refuted")
    return _entries(record.Diagnosis, at, codes=codes, status=status)


def stages(
    tumour: str | None = None, at: datetime = AT, library: Library | Hospital | None = None
) -> st.SearchStrategy[Any]:
    """Stages of a tumour as they are written, clinical and pathologic. Raises `ValueError` for one that isn't staged."""
    hospital = hospital_of(library)
    known = [hospital.tumour(tumour)] if tumour else [*hospital.library.tables.tumours.values()]
    pairs = [
        (s, kind) for kind in ("clinical", "pathologic") for t in known for s in hospital.stages(t, kind)
    ]
    if not pairs:
        raise ValueError(f"no stage of `{tumour}` is known")
    written = [{"stage": stage, "kind": kind} for stage, kind in pairs]
    return _entries(record.Stage, at, st.sampled_from(written), status=_REPORT)


def consents(at: datetime = AT, library: Library | Hospital | None = None) -> st.SearchStrategy[Any]:
    """Consents to treatment or to something else, refusals and withdrawals, with or without their regimen."""
    hospital = hospital_of(library)
    kinds = st.sampled_from((*hospital.kinds("consents"), "surgery", "blood_transfusion"))
    status = mostly("active", "inactive", "rejected", "draft", "entered-in-error")
    return _entries(record.Consent, at, kind=kinds, regimen=_regimens(hospital), status=status)


def assessments(at: datetime = AT, library: Library | Hospital | None = None) -> st.SearchStrategy[Any]:
    """Risk assessments, also such as mean nothing here; levels as the facts know them, now and then none."""
    hospital = hospital_of(library)
    level = st.one_of(
        st.sampled_from(hospital.words("assessments", "level")), st.sampled_from((None, "高", "High"))
    )
    kinds = st.sampled_from((*hospital.kinds("assessments"), "fall", "nutrition"))
    regimen, cycle = _regimens(hospital), mostly(None, 1, 2)
    return _entries(
        record.Assessment, at, kind=kinds, level=level, regimen=regimen, cycle=cycle, status=_REPORT
    )


def pathology(at: datetime = AT) -> st.SearchStrategy[Any]:
    """Reports of histology and cytology."""
    kinds = st.sampled_from(("histology", "cytology", None))
    return _entries(record.Pathology, at, kind=kinds, conclusion=mostly("浸润性癌", None), status=_REPORT)


def markers(at: datetime = AT, library: Library | Hospital | None = None) -> st.SearchStrategy[Any]:
    """Results of molecular markers of the table, in words."""
    known = sorted(hospital_of(library).library.tables.markers)
    several = st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True).map(tuple)
    result = st.sampled_from(("阳性", "阴性", "L858R突变", "野生型", "标本不足", "待出", None))
    return _entries(record.MarkerResult, at, markers=several, result=result, status=_REPORT)


def exams(at: datetime = AT, library: Library | Hospital | None = None) -> st.SearchStrategy[Any]:
    """Staging examinations of the table."""
    known = list(hospital_of(library).library.tables.exams)
    one = st.sampled_from(known).map(lambda exam: (exam,))
    return _entries(
        record.Exam, at, exams=one, status=mostly("final", "completed", "preliminary", "not-done")
    )


def procedures(at: datetime = AT) -> st.SearchStrategy[Any]:
    """Operations, radiotherapy and biopsies."""
    kinds = get_args(record.Procedure.model_fields["kind"].annotation)
    return _entries(record.Procedure, at, kind=st.sampled_from(kinds), status=_DONE)


def treatments(at: datetime = AT, library: Library | Hospital | None = None) -> st.SearchStrategy[Any]:
    """Treatments given: mostly drugs, with or without their regimen and cycle."""
    hospital = hospital_of(library)
    kinds, cycle = mostly("drugs", "radiotherapy", "surgery", "biopsy"), mostly(None, 1, 2)
    regimen = _regimens(hospital)
    return _entries(
        record.Treatment, at, kind=kinds, drugs=_drugs(hospital), regimen=regimen, cycle=cycle, status=_DONE
    )


def other_orders(at: datetime = AT, library: Library | Hospital | None = None) -> st.SearchStrategy[Any]:
    """Other orders of the patient's, planned before and after the moment."""
    planned = st.one_of(times(at), st.sampled_from((at + timedelta(hours=24), at + timedelta(days=3), None)))
    status = mostly("planned", "active", "completed", "cancelled")
    return _entries(
        record.OrderOnRecord, at, drugs=_drugs(hospital_of(library)), planned=planned, status=status
    )


def notes(
    section: str, at: datetime = AT, library: Library | Hospital | None = None
) -> st.SearchStrategy[Any]:
    """Entries of the sections that are asked after by kind: `allergies, meetings, educations, follow_ups, events`."""
    hospital = hospital_of(library)
    kinds = (*hospital.kinds(section), "other")
    text = mostly(None, "青霉素过敏", "紫杉醇过敏") if section == "allergies" else st.none()
    level = st.sampled_from((None, *hospital.words(section, "level")))
    return _entries(record.Note, at, kind=st.sampled_from(kinds), text=text, level=level)


def unread_marks(library: Library | Hospital | None = None) -> st.SearchStrategy[Unread]:
    """Marks of something that the host couldn't read, or of a page that is missing."""
    hospital = hospital_of(library)
    where = [(s, kind) for s in record.PatientRecord.SECTIONS for kind in (None, *hospital.kinds(s))]
    return st.builds(
        lambda place, problem: Unread(section=place[0], kind=place[1], problem=problem),
        st.sampled_from(where),
        mostly("缺页", "无法解析"),
    )


def _regimens(hospital: Hospital) -> st.SearchStrategy[str | None]:
    return mostly(None, *hospital.regimens[:6])


def _drugs(hospital: Hospital) -> st.SearchStrategy[tuple[record.Drug, ...]]:
    return st.lists(drugs(library=hospital), min_size=1, max_size=2).map(tuple)
