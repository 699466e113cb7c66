"""What molecular results say, held against what the order's drugs ask of them.

The table's row says what a drug asks (`clinical.marker_tests`), `clinical.markers` reads what a result says. Whether
a result exists at all is the business of `engine.formulas.markers` and the core rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from oncogate.base.logic import Truth, every, negate, some
from oncogate.base.texts import Text
from oncogate.clinical.marker_tests import Branch, MarkerTest, judge_test
from oncogate.clinical.markers import Reading
from oncogate.engine.case import Case, OrderedDrug
from oncogate.engine.derived import Derived, Options, drug_evidence, known
from oncogate.engine.formulas.marker_asks import Demand, demands, in_context, is_immunotherapy, markers_of
from oncogate.engine.formulas.marker_found import (
    RESULT,
    Results,
    changed_since,
    given_before,
    has_failed,
    read_of,
    results_of,
)
from oncogate.engine.formulas.marker_said import asked_of, result_said
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.engine.values import all_agree
from oncogate.model.decision import Evidence, Why
from oncogate.model.record import MarkerResult
from oncogate.packs.tables import MarkerRow

NO_RESULT = Text(
    zh="检测失败、标本不足或结果待出，不算结果", en="failed, insufficient or pending: not a result"
)


def marker_to_fit(case: Case, options: Options) -> Derived:
    """Whether the order has a drug whose results can be held against what it asks."""
    return _whether(
        case, (d for d in demands(case) if not d.excluding and _has_results(case, d) is not False)
    )


def marker_fits_drug(case: Case, options: Options) -> Derived:
    """Whether the results of every such drug say what it asks; the parameters are the cut-offs of levels."""
    found = [_fit(case, d) for d in demands(case) if not d.excluding and _has_results(case, d) is not False]
    unsure: list[Truth] = [None] if case.doubtful else []
    return known(
        every([*(f.truth for f in found), *unsure]),
        [*(row for f in found for row in f.evidence), *_doubts(case)],
        [m for f in found for m in f.missing],
    )


def marker_may_exclude(case: Case, options: Options) -> Derived:
    """Whether the order has a drug that a result on record could exclude."""
    return _whether(case, (d for d in demands(case) if d.excluding and _has_results(case, d) is not False))


def marker_excludes_drug(case: Case, options: Options) -> Derived:
    """Whether a result excludes a drug of the order: a mutation where only the wild type responds, a driver gene."""
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for demand in demands(case):
        if not demand.excluding or _has_results(case, demand) is False:
            continue
        fit = _fit(case, demand)
        truths.append(negate(fit.truth))
        if fit.truth is False:
            evidence += [
                row.model_copy(update={"counted": True, "why": None, "detail": None}) for row in fit.evidence
            ]
            holding += [_dated(row, case) for row in fit.evidence if row.entry is not None]
        else:
            evidence += fit.evidence
    made = known(some(truths), evidence)
    return Derived(made.possible, made.evidence, made.missing, tuple(dict.fromkeys(holding)))


def immunotherapy_needs_marker(case: Case, options: Options) -> Derived:
    """Whether the order has an immunotherapy that asks for a marker in this tumour and line of treatment."""
    return _whether(case, (d for d in demands(case) if is_immunotherapy(d)))


def immunotherapy_marker_results(case: Case, options: Options) -> Derived:
    """Whether each such drug has a result of every marker that it asks for."""
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    missing: list[str] = []
    for demand in (d for d in demands(case) if is_immunotherapy(d)):
        branches = [branch for row in (*demand.rows, *demand.also) for branch in row.fits]
        has = {
            m: results_of(case, {m}).exists for branch in branches for test in branch for m in test.markers
        }
        truth = some(every(has[m] for test in branch for m in _all_of(test, has)) for branch in branches)
        truths.append(truth)
        evidence += [_ordered(demand.drug), *_looked_at(case, demand)]
        if truth is not True:
            asked = sorted({m for row in demand.rows for m in row.markers})
            ways = ([m for t in branch for m in _all_of(t, has) if not has[m]] for branch in branches)
            lacking = min(ways, key=len, default=asked)
            missing += [f"marker.{m}" for m in lacking]
            for marker in lacking:
                selection = results_of(case, {marker})
                mine = [
                    _row(s, case=case, counted=s.counted, why=s.why, detail=s.detail)
                    for s in selection.standings
                ]
                mine += [h.evidence(RESULT) for h in selection.hidden]
                evidence += mine or [Evidence(fact=RESULT, counted=False, why="absent", value=marker)]
    if case.doubtful:
        truths.append(None)
        evidence += _doubts(case)
    return known(every(truths), dict.fromkeys(evidence), dict.fromkeys(missing))


def marker_is_outdated(case: Case, options: Options) -> Derived:
    """Whether a drug begins on a result older than `window`, with progression or other treatment since.

    A drug that is being continued doesn't rest on a new decision; markers that don't change under treatment stay true.
    """
    window = Window.of(options["window"], case.at)
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for demand in demands(case):
        markers = {m for row in demand.rows for m in row.markers} & case.tables.changing_markers
        newest = results_of(case, markers).newest
        results = [s for s in newest if s.counted and s.when is not None]
        undated = [s for s in newest if s.when is None]
        last = max((s.when for s in results if s.when is not None), default=None)
        evidence += [_row(s, case=case, counted=True) for s in results]
        evidence += [_row(s, case=case, counted=None, why=s.why, detail=s.detail) for s in undated]
        fresh = not undated if last is None else last >= window.since
        if is_immunotherapy(demand) or fresh:
            continue
        since, rows = (None, []) if last is None else changed_since(case, last)
        same = given_before(case, {demand.id})
        truth = every((negate(same.truth), since, None if undated else True))
        truths.append(truth)
        evidence += [
            _ordered(demand.drug),
            *(_row(s, case=case, counted=True) for s in results),
            *rows,
            *same.evidence,
        ]
        if truth is True:
            holding += [_dated(_row(s, case=case, counted=True), case) for s in results]
    made = known(some(truths), dict.fromkeys(evidence))
    return Derived(made.possible, made.evidence, made.missing, tuple(dict.fromkeys(holding)))


def marker_retest_due(case: Case, options: Options) -> Derived:
    """Whether a drug begins after one against which resistance is to be tested first (T790M)."""
    truths: list[Truth] = [None] if case.doubtful else []
    evidence: list[Evidence] = []
    first_line = case.order is not None and case.order.line == 1
    for demand in [] if first_line else demands(case):
        for row in demand.rows:
            if row.retest_after:
                earlier, same = given_before(case, row.retest_after), given_before(case, {demand.id})
                truths.append(every((earlier.truth, negate(same.truth))))
                evidence += [_ordered(demand.drug), *earlier.evidence, *same.evidence]
    return known(some(truths), dict.fromkeys(evidence))


def marker_retested(case: Case, options: Options) -> Derived:
    """Whether the resistance marker was tested since that earlier drug was begun."""
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    missing: list[str] = []
    for demand in demands(case):
        for row in (r for r in demand.rows if r.retest_after):
            earlier = given_before(case, row.retest_after)
            if earlier.truth is False:
                continue
            if earlier.first is None:
                truths.append(None)
                evidence += earlier.evidence
                continue
            selection = results_of(case, markers_of(row.retest))
            later = [s for s in selection.standings if s.when is None or s.when >= earlier.first]
            good = Selection(RESULT, tuple(s for s in later if not has_failed(case, s)), selection.hidden)
            truths.append(good.exists)
            if good.exists is not True:
                missing += [f"marker.{m}" for m in sorted(markers_of(row.retest))]
            evidence += [_ordered(demand.drug), *earlier.evidence]
            evidence += [_retest_row(case, s, earlier.first) for s in selection.standings]
            evidence += [h.evidence(RESULT) for h in selection.hidden]
    if case.doubtful:
        truths.append(None)
        evidence += _doubts(case)
    return known(every(truths), dict.fromkeys(evidence), dict.fromkeys(missing))


def _whether(case: Case, demands: Iterable[Demand]) -> Derived:
    found = list(demands)
    certain = any(not d.perhaps for d in found)
    truth: Truth = True if certain else None if found or case.doubtful else False
    rows = [row for d in found for row in (_ordered(d.drug), *_untold(case, d), *_looked_at(case, d))]
    rows += [s.evidence("treatment.systemic") for s in _line_told_by(case)]
    return known(truth, dict.fromkeys([*rows, *_doubts(case)]))


def _line_told_by(case: Case) -> list[Standing]:
    """The earlier treatments by which the order isn't first line, where a drug of it asks for that."""
    rows = [r for d in case.drugs if d.known for r in case.tables.drug_markers.get(d.known.id, ())]
    asked = any("first_line" in row.context for row in rows) and (
        case.order is None or case.order.line is None
    )
    return [s for s in select(case, "treatment.systemic").standings if s.counted] if asked else []


def _looked_at(case: Case, demand: Demand) -> list[Evidence]:
    """The results of the drug's markers and the earlier treatments that it turned on, without a word on them."""
    rows = (*demand.rows, *demand.also)
    markers = {m for row in rows for m in (*row.markers, *markers_of(row.fits), *markers_of(row.retest))}
    results = [s for s in results_of(case, markers).standings if s.counted]
    given = [
        given_before(case, {demand.id}),
        *(given_before(case, row.retest_after) for row in rows if row.retest_after),
    ]
    treated = [row for one in given for row in one.evidence if row.counted]
    return [*(_row(s, case=case, counted=True) for s in results), *treated]


def _untold(case: Case, demand: Demand) -> list[Evidence]:
    """Why it can't be told whether a row of the table applies."""
    if not demand.perhaps:
        return []
    if case.tumour.kind is None:
        said = Text(zh="无法确定本次治疗针对哪个肿瘤", en="it can't be told which tumour is treated")
        return [Evidence(fact="tumour.kind", counted=None, why="absent", detail=said)]
    selection = select(case, "treatment.systemic")
    rows = [s.evidence(selection.fact) for s in selection.standings if s.counted is None]
    return rows + [h.evidence(selection.fact) for h in selection.hidden]


def _all_of(test: MarkerTest, has: Mapping[str, Truth]) -> tuple[str, ...]:
    """The markers that must have a result: each of a negative test, of another any one that has."""
    if test.sign == "-":
        return test.markers
    return (next((m for m in test.markers if has[m]), test.markers[0]),)


def _has_results(case: Case, demand: Demand) -> Truth:
    """Whether any result of the drug's markers is on record: where none is, other rules speak."""
    return results_of(case, {m for row in demand.rows for m in (*row.markers, *markers_of(row.fits))}).exists


# -- held against each other ----------------------------------------------------------------------------------


@dataclass
class _Fit:
    truth: Truth
    evidence: list[Evidence] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def _fit(case: Case, demand: Demand) -> _Fit:
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
    fit = _Fit(truth, [_ordered(demand.drug)])
    if any(other is not truth for other, _ in found):
        fit.truth = None
        fit.evidence += given.evidence
    elif truth is None and demand.perhaps:
        fit.evidence += _untold(case, demand)
    elif best is not None:
        branch, told = best
        for test in branch:
            judged = _judge(case, test, told, _limits(case))
            if truth is True or judged is not True:
                _explain(case, fit, test, None if truth is None else judged, told)
    shown = {row.entry for row in fit.evidence}
    fit.evidence += [row for row in _looked_at(case, demand) if row.entry not in shown]
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


def _explain(case: Case, fit: _Fit, test: MarkerTest, truth: Truth, told: Mapping[str, Results]) -> None:
    """Rows for what a test found, and what is missing."""
    asked = asked_of(test, _limits(case), case.tables.marker_scales)
    there = [m for m in test.markers if told[m].good]
    if truth is not True:
        fit.missing += [f"marker.{m}" for m in test.markers]
    for marker in test.markers:
        fit.evidence += [
            _row(s, counted=False, why="not_final", detail=NO_RESULT, case=case) for s in told[marker].failed
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
                fit.evidence.append(_row(standing, case=case, counted=counted, why=why, detail=detail))
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


# -- rows -----------------------------------------------------------------------------------------------------


def _row(
    standing: Standing, *, case: Case, counted: Truth, why: Why | None = None, detail: Text | None = None
) -> Evidence:
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


def _retest_row(case: Case, standing: Standing, first: datetime) -> Evidence:
    if standing.when is not None and standing.when < first:
        early = Text(zh="早于上一个靶向药物开始使用的时间", en="before the earlier drug was begun")
        return _row(standing, counted=False, why="too_old", detail=early, case=case)
    if standing.counted and has_failed(case, standing):
        return _row(standing, counted=False, why="not_final", detail=NO_RESULT, case=case)
    return _row(standing, case=case, counted=standing.counted, why=standing.why, detail=standing.detail)


def _doubts(case: Case) -> list[Evidence]:
    """The drugs that weren't recognised, where the order is marked as anti-tumour."""
    return drug_evidence(case, "order.drugs", ["targeted"]) if case.doubtful else []


def _ordered(drug: OrderedDrug) -> Evidence:
    return Evidence(fact="order.drugs", counted=True, value=drug.label.zh)


def _dated(row: Evidence, case: Case) -> Text:
    """A result with its day: `KRAS G12D突变（2026-02-20）`."""
    time = row.time
    day = (time.astimezone(case.at.tzinfo).date() if isinstance(time, datetime) else time) if time else None
    shown = row.value or ""
    if day is None:
        return Text(zh=shown, en=shown)
    return Text(zh=f"{shown}（{day.isoformat()}）", en=f"{shown} ({day.isoformat()})")
