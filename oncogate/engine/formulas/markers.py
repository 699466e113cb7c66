"""Which molecular results the order's drugs need, and whether they are there."""

from __future__ import annotations

from typing import Any

from oncogate.base.logic import Truth, every
from oncogate.engine.case import Case, OrderedDrug
from oncogate.engine.derived import Derived, Options, drug_evidence, known
from oncogate.engine.select import Selection, select
from oncogate.model.decision import Evidence
from oncogate.packs.tables import MarkerRow


def _rows_for(case: Case, drug: OrderedDrug) -> tuple[MarkerRow, ...]:
    """The table's rows for the drug in this tumour; all of them where the tumour isn't known."""
    if drug.known is None or drug.known.cls != "targeted":
        return ()
    rows = case.tables.drug_markers.get(drug.known.id, ())
    kind = case.tumour.kind
    if kind is None:
        return rows
    return tuple(r for r in rows if not r.tumours or kind.id in r.tumours)


def _needed(case: Case) -> dict[OrderedDrug, frozenset[str]]:
    """The drugs that need a marker result here, each with the markers of which one will do."""
    found = {}
    for drug in case.drugs:
        rows = _rows_for(case, drug)
        if rows and all(row.needs for row in rows):
            found[drug] = frozenset(m for row in rows for m in row.markers)
    return found


def order_needs_marker(case: Case, options: Options) -> Derived:
    """Whether a targeted drug of the order needs a marker result; a drug that isn't recognised may."""
    truth: Truth = True if _needed(case) else None if case.doubtful else False
    return known(truth, drug_evidence(case, "order.needs_marker", ["targeted"]))


def marker_results(case: Case, options: Options) -> Derived:
    """Whether each targeted drug that needs a marker has a final result of one of its markers."""
    selection = select(case, "marker.result")
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    missing: list[str] = []
    for markers in _needed(case).values():
        mine = [s for s in selection.standings if markers & set(getattr(s.entry, "markers", ()))]
        narrowed = Selection(selection.fact, tuple(mine), selection.hidden)
        truths.append(narrowed.exists)
        evidence += [
            e.model_copy(update={"value": _marker_said(s)})
            for s, e in zip(mine, narrowed.evidence(), strict=False)
        ]
        if narrowed.exists is not True:
            missing += [f"marker.{m}" for m in sorted(markers)]
            evidence += [h.evidence(selection.fact) for h in selection.hidden]
            if not mine and not selection.hidden:
                evidence.append(
                    Evidence(
                        fact="marker.result", counted=False, why="absent", value="/".join(sorted(markers))
                    )
                )
    if case.doubtful:
        truths.append(None)
        evidence += drug_evidence(case, "order.drugs", ["targeted"])
    return known(every(truths), evidence, missing)


def _marker_said(standing: Any) -> str:
    entry = standing.entry
    return "/".join(entry.markers) + (f" {entry.result}" if entry.result else "")
