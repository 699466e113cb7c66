"""What the record holds for markers: their results as read, which drugs were given before, what happened since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from oncogate.base.logic import Truth, every, some
from oncogate.clinical.markers import Reading, read_result
from oncogate.engine.case import Case
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing
from oncogate.model.decision import Evidence
from oncogate.model.record import MarkerResult, Treatment

RESULT = "marker.result"


@dataclass(frozen=True)
class Given:
    """Whether one of some drugs has been given, the first time, and what shows it; `sure`: nothing may be hidden."""

    truth: Truth
    first: datetime | None = None
    sure: bool = True
    evidence: tuple[Evidence, ...] = ()


def given_before(case: Case, ids: Iterable[str]) -> Given:
    """Whether one of the drugs `ids` was given before, for this tumour."""
    wanted = frozenset(ids)
    selection = select(case, "treatment.systemic")
    truths: list[Truth] = [None] if selection.hidden else [False]
    mine: list[Standing] = []
    for standing in (s for s in selection.standings if s.counted is not False):
        truth = every((standing.counted, _holds(case, standing.entry, wanted)))
        truths.append(truth)
        mine += [standing] if truth is not False else []
    truth = some(truths)
    times = [s.when for s in mine if s.when is not None and s.counted]
    rows = [s.evidence(selection.fact) for s in mine] + [h.evidence(selection.fact) for h in selection.hidden]
    sure = not selection.hidden and all(s.counted for s in mine) and truth is not None
    return Given(truth, min(times, default=None), sure, tuple(rows) if truth is not False else ())


def _holds(case: Case, entry: object, wanted: frozenset[str]) -> Truth:
    """Whether a treatment gave one of the drugs, by its drugs or the drugs of its regimen."""
    if not isinstance(entry, Treatment):
        return False
    known_ids = [case.tables.identify(d) for d in entry.drugs]
    if any(k is not None and k.id in wanted for k in known_ids):
        return True
    if entry.drugs:
        return None if any(k is None for k in known_ids) else False
    if not entry.regimen:
        return None
    keys = case.tables.regimen_keys(entry.regimen)
    if any(wanted & set(key.split("+")) for key in keys):
        return True
    rows = case.tables.regimens_named(entry.regimen)
    told = [row.components for row in rows] + [frozenset(k.split("+")) for k in keys if _all_drugs(case, k)]
    return None if not told else any(wanted & ids for ids in told)


def _all_drugs(case: Case, key: str) -> bool:
    return all(part in case.tables.drugs for part in key.split("+"))


def results_of(case: Case, markers: Iterable[str]) -> Selection:
    """The results that are about one of `markers`, and what may be hidden."""
    wanted, selection = frozenset(markers), select(case, RESULT)
    mine = tuple(s for s in selection.standings if wanted & set(getattr(s.entry, "markers", ())))
    return Selection(RESULT, mine, selection.hidden)


def _read(case: Case, standing: Standing) -> Mapping[str, Reading]:
    entry = standing.entry
    assert isinstance(entry, MarkerResult)
    found: Mapping[str, Reading] | None = case.memo.get(("marker reading", entry.markers, entry.result))
    if found is None:
        found = read_result(entry.result, entry.markers, case.tables.marker_names)
        case.memo["marker reading", entry.markers, entry.result] = found
    return found


def has_failed(case: Case, standing: Standing) -> bool:
    """Whether a result says of all its markers that it is none: failed, insufficient, pending."""
    return all(reading.failed for reading in _read(case, standing).values())


@dataclass(frozen=True)
class Results:
    """The results of one marker that count, newest first, and those that turned out to be none."""

    good: tuple[tuple[Standing, Reading], ...] = ()
    failed: tuple[Standing, ...] = ()


def read_of(case: Case, marker: str, since: datetime | None, until: datetime | None) -> Results:
    """The readings of one marker between two moments; after `until` only where there is none before."""
    good, failed = [], []
    for standing in results_of(case, {marker}).standings:
        if standing.counted is False or (since and (standing.when is None or standing.when < since)):
            continue
        reading = _read(case, standing)[marker] if standing.counted else Reading(unclear=True)
        if reading.failed:
            failed.append(standing)
        else:
            good.append((standing, reading))
    before = [(s, r) for s, r in good if until and s.when and s.when <= until]
    return Results(tuple(before or good), tuple(failed))


def changed_since(case: Case, moment: datetime) -> tuple[Truth, list[Evidence]]:
    """Whether the tumour was treated or progressed after a moment."""
    truths: list[Truth] = []
    rows: list[Evidence] = []
    for fact in ("treatment.systemic", "event.progression"):
        selection = select(case, fact)
        later = [
            s for s in selection.standings if s.counted is not False and (s.when is None or s.when > moment)
        ]
        mine = Selection(fact, tuple(later), selection.hidden)
        truths.append(mine.exists)
        rows += [s.evidence(fact) for s in later] + [h.evidence(fact) for h in selection.hidden]
    return some(truths), rows
