"""Results held against what a drug asks: which of its rows they satisfy, and what shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from oncogate.base.logic import Truth, every, some
from oncogate.base.texts import Text
from oncogate.clinical.marker_tests import Branch, MarkerTest, judge_test
from oncogate.clinical.markers import Reading
from oncogate.engine.case import Case
from oncogate.engine.formulas.marker_asks import Demand, in_context, is_immunotherapy, markers_of
from oncogate.engine.formulas.marker_found import (
    RESULT,
    Results,
    given_before,
    read_of,
    results_of,
)
from oncogate.engine.formulas.marker_rows import NO_RESULT, looked_at, ordered_row, result_row, untold
from oncogate.engine.formulas.marker_said import asked_of
from oncogate.engine.select import select
from oncogate.engine.values import all_agree
from oncogate.model.decision import Evidence, Why
from oncogate.packs.tables import MarkerRow


@dataclass
class Held:
    """Whether results say what a drug asks, what shows it, and what is missing."""

    truth: Truth
    evidence: list[Evidence] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def held_against(case: Case, demand: Demand) -> Held:
    """Whether the results of a drug's markers say what one of its rows asks.

    Once a drug has been given, later results tell how it works, not whether it was rightly begun. Where that isn't
    known, the results must say the same whenever it was begun.
    """
    given = given_before(case, {demand.id})
    untils: list[datetime | None] = [given.first]
    if not given.sure:
        results = results_of(case, {m for row in (*demand.rows, *demand.also) for m in markers_of(row.fits)})
        untils = [None, *sorted({s.when for s in results.standings if s.when is not None})]
    found = [_judged(case, demand, until) for until in untils]
    truth, best = found[0]
    fit = Held(truth, [ordered_row(demand.drug)])
    if any(other is not truth for other, _ in found):
        fit.truth = None
        fit.evidence += given.evidence
    elif truth is None and demand.perhaps:
        fit.evidence += untold(case, demand)
    elif best is not None:
        branch, told = best
        for test in branch:
            judged = _judge(case, test, told, _limits(case))
            if truth is True or judged is not True:
                _explain(case, fit, test, None if truth is None else judged, told)
    shown = {row.entry for row in fit.evidence}
    fit.evidence += [row for row in looked_at(case, demand) if row.entry not in shown]
    return fit


_Best = tuple[Branch, dict[str, Results]]


def _judged(case: Case, demand: Demand, until: datetime | None) -> tuple[Truth, _Best | None]:
    """Whether the results satisfy a branch of the drug's rows, and the branch that they come nearest to."""
    limits = _limits(case)
    best: tuple[tuple[int, int, int], _Best] | None = None
    certain: list[Truth] = []
    possible: list[Truth] = []
    asked_of_all = {m for row in demand.rows for m in markers_of(row.fits)}
    tested = any(read_of(case, m, None, None).good for m in asked_of_all)
    complete = tested and not select(case, RESULT).hidden
    for row in (*demand.rows, *demand.also):
        applies = row in demand.also or in_context(case, row)
        sets = _branches(case, row)
        answers: list[Truth] = []
        for branches, since in sets:
            mine: list[Truth] = []
            for asked in branches:
                told = {m: read_of(case, m, since, until) for test in asked for m in test.markers}
                there = _reported(asked, told)
                branch = there if demand.excluding and is_immunotherapy(demand) else asked
                if not branch or (row in demand.also and len(there) < len(asked)) or (complete and not there):
                    continue  # another use of the drug, for which nothing was tested
                judged = [_judge(case, test, told, limits) for test in branch]
                mine.append(every(judged))
                rank = (
                    sum(t is False for t in judged),
                    sum(t is None for t in judged),
                    -sum(t is True for t in judged),
                )
                if best is None or rank < best[0]:
                    best = (rank, (branch, told))
            answers += [some(mine)] if mine else []
        if not answers:
            continue
        (certain if applies else possible).append(all_agree(answers))
    truth = some(certain) if certain or possible else None
    if case.tumour.kind is None:  # whichever row it is
        truth = True if {*certain, *possible} == {True} else None
    elif truth is False and possible and not certain and set(possible) == {True}:
        truth = True  # whichever use of the drug it is
    elif truth is False and (demand.perhaps or any(t is not False for t in possible)):
        truth = None
    return truth, best[1] if best is not None else None


def _branches(case: Case, row: MarkerRow) -> list[tuple[tuple[Branch, ...], datetime | None]]:
    """What a row asks, of the results since when.

    After a drug that leaves resistance behind it asks something else, if there are results since; where it isn't
    known whether that drug was given, both.
    """
    always: tuple[tuple[Branch, ...], datetime | None] = (row.fits, None)
    if not row.retest_after or (case.order is not None and case.order.line == 1):
        return [always]
    earlier = given_before(case, row.retest_after)
    if earlier.truth is None:
        return [always, (row.retest, None)]
    if earlier.truth is False or earlier.first is None:
        return [always]
    since = [read_of(case, m, earlier.first, None).good for m in markers_of(row.retest)]
    return [(row.retest, earlier.first)] if any(since) else [always]


def _reported(branch: Branch, told: Mapping[str, Results]) -> Branch:
    """The tests of what was reported: what is lacking is another rule's business."""
    made = []
    for test in branch:
        there = tuple(m for m in test.markers if told[m].good)
        made += [MarkerTest(there, test.sign, test.found, test.scale, test.limit)] if there else []
    return tuple(made)


def _judge(case: Case, test: MarkerTest, told: Mapping[str, Results], limits: Mapping[str, Decimal]) -> Truth:
    readings = {m: [(s.when, r) for s, r in told[m].good] for m in test.markers}
    return judge_test(test, readings, case.tables.marker_scales, limits)


def _limits(case: Case) -> dict[str, Decimal]:
    parameters = case.facts["marker.fits_drug"].parameters
    return {name: p.value for name, p in parameters.items() if isinstance(p.value, Decimal)}


def _explain(case: Case, fit: Held, test: MarkerTest, truth: Truth, told: Mapping[str, Results]) -> None:
    """Rows for what a test found, and what is missing."""
    asked = asked_of(test, _limits(case), case.tables.marker_scales)
    there = [m for m in test.markers if told[m].good]
    if truth is not True:
        fit.missing += [f"marker.{m}" for m in test.markers]
    for marker in test.markers:
        fit.evidence += [
            result_row(s, counted=False, why="not_final", detail=NO_RESULT, case=case)
            for s in told[marker].failed
        ]
    if truth is not True:
        hidden = [h.evidence(RESULT) for h in select(case, RESULT).hidden]
        lacking = (
            test.markers if not there else [m for m in test.markers if test.sign == "-" and m not in there]
        )
        fit.evidence += hidden or [
            Evidence(fact=RESULT, counted=None, why="absent", value=m) for m in lacking
        ]
    for marker in there:
        good = told[marker].good
        if truth is not True and test.sign == "-" and _alone(case, test, marker, told) is True:
            continue
        for standing, reading in good if truth is None else good[:1]:
            counted, why, detail = _why(test, truth, reading, asked, len(good) > 1)
            if truth is not False or test.sign != "-" or _alone(case, test, marker, told) is False:
                fit.evidence.append(result_row(standing, case=case, counted=counted, why=why, detail=detail))
    fit.evidence = list(dict.fromkeys(fit.evidence))


def _alone(case: Case, test: MarkerTest, marker: str, told: Mapping[str, Results]) -> Truth:
    """What one marker says to a negative test, by itself."""
    good = tuple((s, replace(r, shared=frozenset())) for s, r in told[marker].good)
    return _judge(case, MarkerTest((marker,), test.sign), {marker: Results(good)}, _limits(case))


def _why(
    test: MarkerTest, truth: Truth, reading: Reading, asked: Text, several: bool
) -> tuple[Truth, Why | None, Text | None]:
    if truth is True:
        return True, None, None
    if truth is False:
        return False, "wrong_kind", Text(zh=f"该药要求 {asked.zh}", en=f"the drug asks for {asked.en}")
    if reading.unclear:
        return None, "invalid", Text(
            zh="结果未写明或文字无法识别，请人工核对报告", en="the result isn't stated or can't be understood: see the report"
        )  # fmt: skip
    if several:
        return None, "conflicting", Text(
            zh=f"前后结果不一致或不完整，该药要求 {asked.zh}", en=f"the results differ or are incomplete; the drug asks for {asked.en}"
        )  # fmt: skip
    return None, "invalid", Text(
        zh=f"仅凭这一结果不能确认是否符合要求：{asked.zh}", en=f"it doesn't by itself show what is asked: {asked.en}"
    )  # fmt: skip
