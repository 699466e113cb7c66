"""What molecular results say, held against what the order's drugs ask of them.

The table's row says what a drug asks (`clinical.marker_tests`), `clinical.markers` reads what a result says. Whether
a result exists at all is the business of `engine.formulas.markers` and the core rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oncogate.base.logic import Truth, every, negate, some
from oncogate.base.texts import Text
from oncogate.clinical.marker_tests import MarkerTest
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.formulas.marker_asks import Demand, demands, guesses, is_immunotherapy, markers_of
from oncogate.engine.formulas.marker_found import (
    RESULT,
    changed_since,
    given_before,
    has_failed,
    results_of,
)
from oncogate.engine.formulas.marker_held import held_against
from oncogate.engine.formulas.marker_rows import (
    dated,
    doubts,
    looked_at,
    ordered_row,
    result_row,
    retest_row,
    untold,
)
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.model.decision import Evidence


def marker_to_fit(case: Case, options: Options) -> Derived:
    """Whether the order has a drug whose results can be held against what it asks."""
    return _whether(
        case, (d for d in demands(case) if not d.excluding and _has_results(case, d) is not False)
    )


def marker_fits_drug(case: Case, options: Options) -> Derived:
    """Whether the results of every such drug say what it asks; the parameters are the cut-offs of levels."""
    found = [
        held_against(case, d) for d in demands(case) if not d.excluding and _has_results(case, d) is not False
    ]
    unsure: list[Truth] = [None] if case.doubtful else []
    return known(
        every([*(f.truth for f in found), *unsure]),
        [*(row for f in found for row in f.evidence), *doubts(case)],
        [m for f in found for m in f.missing],
    )


def marker_may_exclude(case: Case, options: Options) -> Derived:
    """Whether the order has a drug that a result on record could exclude."""
    return _whether(case, (d for d in demands(case) if d.excluding and _has_results(case, d) is not False))


def marker_excludes_drug(case: Case, options: Options) -> Derived:
    """Whether a result excludes a drug of the order: a mutation where only the wild type responds, a driver gene.

    Unknown where a drug of the order isn't recognised, and a result excludes one that it may be.
    """
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for demand in (*demands(case), *guesses(case)):
        if not demand.excluding or _has_results(case, demand) is False:
            continue
        fit = held_against(case, demand)
        if demand.guessed and fit.truth is True:
            continue
        truths.append(None if demand.guessed else negate(fit.truth))
        rows = [row for row in fit.evidence if not (demand.guessed and row.fact == "order.drugs")]
        if fit.truth is False:
            rows = [row.model_copy(update={"counted": True, "why": None, "detail": None}) for row in rows]
        evidence += [*(doubts(case) if demand.guessed else ()), *rows]
        if truths[-1]:
            holding += [dated(row, case) for row in fit.evidence if row.entry is not None]
    made = known(some(truths), dict.fromkeys(evidence))
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
        evidence += [ordered_row(demand.drug), *looked_at(case, demand)]
        if truth is not True:
            asked = sorted({m for row in demand.rows for m in row.markers})
            ways = ([m for t in branch for m in _all_of(t, has) if not has[m]] for branch in branches)
            lacking = min(ways, key=len, default=asked)
            missing += [f"marker.{m}" for m in lacking]
            for marker in lacking:
                selection = results_of(case, {marker})
                mine = [
                    result_row(s, case=case, counted=s.counted, why=s.why, detail=s.detail)
                    for s in selection.standings
                ]
                mine += [h.evidence(RESULT) for h in selection.hidden]
                evidence += mine or [Evidence(fact=RESULT, counted=False, why="absent", value=marker)]
    if case.doubtful:
        truths.append(None)
        evidence += doubts(case)
    return known(every(truths), dict.fromkeys(evidence), dict.fromkeys(missing))


def marker_is_outdated(case: Case, options: Options) -> Derived:
    """Whether a drug begins on a result older than `window`, with progression or other treatment since.

    A drug that is being continued doesn't rest on a new decision; markers that don't change under treatment stay true.
    Unknown where a drug of the order isn't recognised, and one that it may be would begin so.
    """
    window = Window.of(options["window"], case.at)
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for demand in (*demands(case), *guesses(case)):
        markers = {m for row in demand.rows for m in row.markers} & case.tables.changing_markers
        newest = results_of(case, markers).newest
        results = [s for s in newest if s.counted and s.when is not None]
        undated = [s for s in newest if s.when is None]
        last = max((s.when for s in results if s.when is not None), default=None)
        told = [result_row(s, case=case, counted=True) for s in results]
        told += [result_row(s, case=case, counted=None, why=s.why, detail=s.detail) for s in undated]
        evidence += told if not demand.guessed else ()
        fresh = not undated if last is None else last >= window.since
        if is_immunotherapy(demand) or fresh:
            continue
        since, rows = (None, []) if last is None else changed_since(case, last)
        same = given_before(case, {demand.id})
        sure: Truth = None if undated or demand.guessed else True
        truth = every((negate(same.truth), since, sure))
        truths.append(truth)
        if truth is not False or not demand.guessed:
            whose = doubts(case) if demand.guessed else [ordered_row(demand.drug)]
            evidence += [*whose, *told, *rows, *same.evidence]
        if truth is True:
            holding += [dated(result_row(s, case=case, counted=True), case) for s in results]
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
                evidence += [ordered_row(demand.drug), *earlier.evidence, *same.evidence]
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
            evidence += [ordered_row(demand.drug), *earlier.evidence]
            evidence += [retest_row(case, s, earlier.first) for s in selection.standings]
            evidence += [h.evidence(RESULT) for h in selection.hidden]
    if case.doubtful:
        truths.append(None)
        evidence += doubts(case)
    return known(every(truths), dict.fromkeys(evidence), dict.fromkeys(missing))


def _whether(case: Case, demands: Iterable[Demand]) -> Derived:
    found = list(demands)
    certain = any(not d.perhaps for d in found)
    truth: Truth = True if certain else None if found or case.doubtful else False
    rows = [row for d in found for row in (ordered_row(d.drug), *untold(case, d), *looked_at(case, d))]
    rows += [s.evidence("treatment.systemic") for s in _line_told_by(case)]
    return known(truth, dict.fromkeys([*rows, *doubts(case)]))


def _line_told_by(case: Case) -> list[Standing]:
    """The earlier treatments by which the order isn't first line, where a drug of it asks for that."""
    rows = [r for d in case.drugs if d.known for r in case.tables.drug_markers.get(d.known.id, ())]
    asked = any("first_line" in row.context for row in rows) and (
        case.order is None or case.order.line is None
    )
    return [s for s in select(case, "treatment.systemic").standings if s.counted] if asked else []


def _all_of(test: MarkerTest, has: Mapping[str, Truth]) -> tuple[str, ...]:
    """The markers that must have a result: each of a negative test, of another any one that has."""
    if test.sign == "-":
        return test.markers
    return (next((m for m in test.markers if has[m]), test.markers[0]),)


def _has_results(case: Case, demand: Demand) -> Truth:
    """Whether any result of the drug's markers is on record: where none is, other rules speak."""
    return results_of(case, {m for row in demand.rows for m in (*row.markers, *markers_of(row.fits))}).exists
