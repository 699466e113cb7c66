"""Strategies of whole requests: any that a hospital could send, and those around a rule's limits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import repeat
from typing import Any, TypeVar

from hypothesis import strategies as st

from oncogate.authoring.examples import AT
from oncogate.authoring.probes import probes_with_requests
from oncogate.model.record import Drug, Entry, Patient, PatientRecord
from oncogate.model.request import Order, Request
from oncogate.model.rule import Rule
from oncogate.packs.pack import Library
from oncogate.testing import entries
from oncogate.testing.hospital import Hospital, hospital_of
from oncogate.testing.values import MOMENTS, Draw, drugs, mostly, times

_UNRECOGNISED = Drug(name="XR-17 注射液")
T = TypeVar("T")


def orders(at: datetime = AT, library: Library | Hospital | None = None) -> st.SearchStrategy[Order]:
    """Orders of up to three drugs, rarely none; shrinks to one drug by a plain name."""
    hospital = hospital_of(library)
    drug = st.one_of(*[drugs(library=hospital)] * 9, st.just(_UNRECOGNISED))
    several = st.lists(drug, min_size=1, max_size=3).map(tuple)
    return st.builds(
        Order,
        id=st.just("ord-1"),
        drugs=st.one_of(*[several] * 9, st.just(())),
        regimen=mostly(None, *hospital.regimens[:6]),
        cycle=mostly(None, 1, 2),
        line=mostly(None, 1, 2),
        kind=mostly(None, "chemotherapy", "surgery"),
        focus=mostly(None, "diagnoses-0", "diagnoses-1"),
        planned=st.one_of(st.none(), times(at)),
    )


def sections(
    at: datetime = AT, library: Library | Hospital | None = None
) -> Mapping[str, st.SearchStrategy[tuple[Entry, ...]]]:
    """Of each section of the record a strategy of its entries: one or two, enough to contradict each other."""
    hospital = hospital_of(library)
    measured = {
        s: st.one_of(*(entries.labs(f, at, hospital) for f in hospital.measured(s)))
        for s in ("labs", "vitals")
    }
    noted = {
        s: entries.notes(s, at, hospital)
        for s in ("allergies", "meetings", "educations", "follow_ups", "events")
    }
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "diagnoses": entries.diagnoses(at, None, hospital), "stages": entries.stages(None, at, hospital),
        "pathology": entries.pathology(at), "markers": entries.markers(at, hospital), "exams": entries.exams(at, hospital),
        "assessments": entries.assessments(at, hospital), "consents": entries.consents(at, hospital),
        "procedures": entries.procedures(at), "treatments": entries.treatments(at, hospital),
        "orders": entries.other_orders(at, hospital), **measured, **noted,
    }  # fmt: skip
    return {s: st.lists(kinds[s], min_size=1, max_size=2).map(tuple) for s in PatientRecord.SECTIONS}


def records(at: datetime = AT, library: Library | Hospital | None = None) -> st.SearchStrategy[PatientRecord]:
    """Records of one patient: a few sections with an entry or two, the others empty or, one or two of them, not supplied.

    Shrinks to a record with nothing in it.
    """
    hospital = hospital_of(library)
    filled = sections(at, hospital)
    few = st.lists(st.sampled_from(PatientRecord.SECTIONS), max_size=6, unique=True)
    hidden = st.lists(st.sampled_from(PatientRecord.SECTIONS), max_size=2, unique=True)
    marks = st.lists(entries.unread_marks(hospital), max_size=1).map(tuple)
    patients = mostly(*(Patient(id=entries.PATIENT, sex=sex) for sex in (None, "female", "male")), None)

    @st.composite
    def drawn(draw: Draw) -> PatientRecord:
        found: dict[str, Any] = dict.fromkeys(PatientRecord.SECTIONS, ())
        found |= {name: _named(name, draw(filled[name])) for name in draw(few)}
        found |= dict.fromkeys(draw(hidden))
        return PatientRecord(patient=draw(patients), unread=draw(marks), **found)

    return drawn()


def _named(prefix: str, found: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries with ids by their places."""
    return tuple(entry.model_copy(update={"id": f"{prefix}-{index}"}) for index, entry in enumerate(found))


def requests(library: Library | Hospital | None = None) -> st.SearchStrategy[Request]:
    """Requests that a hospital could send; shrinks to an order of one drug on an ordinary morning, with an empty record."""
    hospital = hospital_of(library)
    return st.one_of(
        [
            st.builds(
                Request, at=st.just(at), order=mostly_some(orders(at, hospital)), record=records(at, hospital)
            )
            for at in MOMENTS
        ]
    )


def mostly_some(one: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Drawn from `one`, now and then `None`."""
    return mostly(True, False).flatmap(lambda some: one if some else st.none())


def requests_for(rule: Rule | str, library: Library | Hospital | None = None) -> st.SearchStrategy[Request]:
    """Requests around a rule (or the rule of that id): on each of its limits and one step either side, just outside a window, missing,
    not supplied, stale, in a wrong unit, and near misses (another kind, preliminary, another patient's, recorded late,
    withdrawn).

    Some have more on record: entries that mustn't matter, or may, or a section less. Shrinks to the smallest request
    around the rule with nothing added. Raises `ValueError` for an id that isn't there.
    """
    hospital = hospital_of(library)
    found = hospital.rule(rule) if isinstance(rule, str) else rule
    around = st.sampled_from(list(_evenly(found, hospital.library)))
    more = sections(AT, hospital)
    few = st.lists(st.sampled_from(PatientRecord.SECTIONS), max_size=2, unique=True)

    @st.composite
    def drawn(draw: Draw) -> Request:
        base: Request = draw(around)
        record, changes = base.record, dict[str, Any]()
        for name in draw(few):
            mine = record.section(name)
            changes[name] = None if mine is None else (*mine, *_named(f"more-{name}", draw(more[name])))
        changes |= dict.fromkeys(draw(st.lists(st.sampled_from(PatientRecord.SECTIONS), max_size=1)))
        return base.model_copy(update={"record": record.model_copy(update=changes)})

    return drawn()


def _evenly(rule: Rule, library: Library) -> Iterator[Request]:
    """The probes, the smallest first; what is moved in few ways stands there as often as what is moved in many."""
    found = [(_PLACE.sub("", probe.about), request) for probe, request in probes_with_requests(rule, library)]
    ways = Counter(about for about, _ in found)
    most = max(ways.values())
    for about, request in found:
        yield from repeat(request, most // ways[about])


_PLACE = re.compile(r" at `[^`]*`$|`[^`]*`")
"""What of a probe's words says where it was moved, not how."""
