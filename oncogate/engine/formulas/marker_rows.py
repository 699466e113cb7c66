"""Results, drugs and doubts as evidence of what a drug asks of markers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from oncogate.base.logic import Truth
from oncogate.base.texts import Text
from oncogate.engine.case import Case, OrderedDrug
from oncogate.engine.derived import drug_evidence
from oncogate.engine.formulas.marker_asks import Demand, markers_of
from oncogate.engine.formulas.marker_found import (
    RESULT,
    given_before,
    has_failed,
    results_of,
)
from oncogate.engine.formulas.marker_said import result_said
from oncogate.engine.select import select
from oncogate.engine.standing import Standing
from oncogate.model.decision import Evidence, Why
from oncogate.model.record import MarkerResult

NO_RESULT = Text(
    zh="检测失败、标本不足或结果待出，不算结果", en="failed, insufficient or pending: not a result"
)


def result_row(
    standing: Standing, *, case: Case, counted: Truth, why: Why | None = None, detail: Text | None = None
) -> Evidence:
    """A result as evidence: its value is what it says in words."""
    entry = standing.entry
    assert isinstance(entry, MarkerResult)
    made = standing.evidence(RESULT)
    return made.model_copy(
        update={
            "counted": counted,
            "why": why,
            "detail": detail,
            "value": result_said(entry, case.tables.marker_names),
        }
    )


def retest_row(case: Case, standing: Standing, first: datetime) -> Evidence:
    """A result as evidence for a test that is due again since `first`."""
    if standing.when is not None and standing.when < first:
        early = Text(zh="早于上一个靶向药物开始使用的时间", en="before the earlier drug was begun")
        return result_row(standing, counted=False, why="too_old", detail=early, case=case)
    if standing.counted and has_failed(case, standing):
        return result_row(standing, counted=False, why="not_final", detail=NO_RESULT, case=case)
    return result_row(standing, case=case, counted=standing.counted, why=standing.why, detail=standing.detail)


def doubts(case: Case) -> Sequence[Evidence]:
    """The drugs that weren't recognised, where the order is marked as anti-tumour."""
    return drug_evidence(case, "order.drugs", ["targeted"]) if case.doubtful else []


def ordered_row(drug: OrderedDrug) -> Evidence:
    """The drug that asks."""
    return Evidence(fact="order.drugs", counted=True, value=drug.label.zh)


def dated(row: Evidence, case: Case) -> Text:
    """A result with its day: `KRAS G12D突变（2026-02-20）`."""
    time = row.time
    day = (time.astimezone(case.at.tzinfo).date() if isinstance(time, datetime) else time) if time else None
    shown = row.value or ""
    if day is None:
        return Text(zh=shown, en=shown)
    return Text(zh=f"{shown}（{day.isoformat()}）", en=f"{shown} ({day.isoformat()})")


def looked_at(case: Case, demand: Demand) -> list[Evidence]:
    """The results of the drug's markers and the earlier treatments that it turned on, without a word on them."""
    rows = (*demand.rows, *demand.also)
    markers = {m for row in rows for m in (*row.markers, *markers_of(row.fits), *markers_of(row.retest))}
    results = [s for s in results_of(case, markers).standings if s.counted]
    given = [
        given_before(case, {demand.id}),
        *(given_before(case, row.retest_after) for row in rows if row.retest_after),
    ]
    treated = [row for one in given for row in one.evidence if row.counted]
    return [*(result_row(s, case=case, counted=True) for s in results), *treated]


def untold(case: Case, demand: Demand) -> list[Evidence]:
    """Why it can't be told whether a row of the table applies."""
    if not demand.perhaps:
        return []
    if case.tumour.kind is None:
        said = Text(zh="无法确定本次治疗针对哪个肿瘤", en="it can't be told which tumour is treated")
        return [Evidence(fact="tumour.kind", counted=None, why="absent", detail=said)]
    selection = select(case, "treatment.systemic")
    rows = [s.evidence(selection.fact) for s in selection.standings if s.counted is None]
    return rows + [h.evidence(selection.fact) for h in selection.hidden]
