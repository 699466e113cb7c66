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
from oncogate.clinical.markers import Reading, read_result
from oncogate.engine.case import Case, OrderedDrug
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.formulas.marker_said import asked_of, result_said
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.model.decision import Evidence, Why
from oncogate.model.record import MarkerResult, Treatment
from oncogate.packs.tables import MarkerRow

RESULT = "marker.result"
EXCLUDING = frozenset({"wildtype", "negative"})
"""Polarities of rows that a result can exclude; of the others it can only fall short."""


def marker_to_fit(case: Case, options: Options) -> Derived:
    """Whether the order has a drug whose results can be held against what it asks."""
    return _whether(case, (d for d in _demands(case) if not d.excluding and _has_results(case, d) is not False))


def marker_fits_drug(case: Case, options: Options) -> Derived:
    """Whether the results of every such drug say what it asks; the parameters are the cut-offs of levels."""
    found = [_fit(case, d) for d in _demands(case) if not d.excluding and _has_results(case, d) is not False]
    return known(
        every(f.truth for f in found),
        [row for f in found for row in f.evidence],
        [m for f in found for m in f.missing],
    )


def marker_may_exclude(case: Case, options: Options) -> Derived:
    """Whether the order has a drug that a result on record could exclude."""
    return _whether(case, (d for d in _demands(case) if d.excluding and _has_results(case, d) is not False))


def marker_excludes_drug(case: Case, options: Options) -> Derived:
    """Whether a result excludes a drug of the order: a mutation where only the wild type responds, a driver gene."""
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for demand in _demands(case):
        if not demand.excluding or _has_results(case, demand) is False:
            continue
        fit = _fit(case, demand)
        truths.append(negate(fit.truth))
        if fit.truth is False:
            evidence += [row.model_copy(update={"counted": True, "why": None, "detail": None}) for row in fit.evidence]
            holding += [_dated(row, case) for row in fit.evidence if row.entry is not None]
        else:
            evidence += fit.evidence
    made = known(some(truths), evidence)
    return Derived(made.possible, made.evidence, made.missing, tuple(dict.fromkeys(holding)))


def immunotherapy_needs_marker(case: Case, options: Options) -> Derived:
    """Whether the order has an immunotherapy that asks for a marker in this tumour and line of treatment."""
    return _whether(case, (d for d in _demands(case) if _of_immunotherapy(d)))


def immunotherapy_marker_results(case: Case, options: Options) -> Derived:
    """Whether each such drug has a result of every marker that it asks for."""
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    missing: list[str] = []
    for demand in (d for d in _demands(case) if _of_immunotherapy(d)):
        branches = [branch for row in (*demand.rows, *demand.also) for branch in row.fits]
        has = {m: _results(case, {m}).exists for branch in branches for test in branch for m in test.markers}
        truth = some(every(has[m] for test in branch for m in _all_of(test, has)) for branch in branches)
        truths.append(truth)
        evidence.append(_ordered(demand.drug))
        if truth is not True:
            asked = {m for row in demand.rows for m in row.markers}
            lacking = sorted(m for m in asked if has.get(m) is not True)
            missing += [f"marker.{m}" for m in lacking]
            for marker in lacking:
                selection = _results(case, {marker})
                mine = [_row(s, counted=s.counted, why=s.why, detail=s.detail) for s in selection.standings]
                mine += [h.evidence(RESULT) for h in selection.hidden]
                evidence += mine or [Evidence(fact=RESULT, counted=False, why="absent", value=marker)]
    return known(every(truths), dict.fromkeys(evidence), dict.fromkeys(missing))


def marker_is_outdated(case: Case, options: Options) -> Derived:
    """Whether a drug begins on a result older than `window`, with progression or other treatment since.

    A drug that is being continued doesn't rest on a new decision; markers that don't change under treatment stay true.
    """
    window = Window.of(options["window"], case.at)
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for demand in _demands(case):
        markers = {m for row in demand.rows for m in row.markers} & case.tables.changing_markers
        results = [s for s in _results(case, markers).newest if s.counted and s.when is not None]
        last = max((s.when for s in results if s.when is not None), default=None)
        if _of_immunotherapy(demand) or last is None or last >= window.since:
            continue
        since, rows = _changed_since(case, last)
        truth = every((negate(_given(case, {demand.id}).truth), since))
        truths.append(truth)
        evidence += [_ordered(demand.drug), *(_row(s, counted=True) for s in results), *rows]
        if truth is True:
            holding += [_dated(_row(s, counted=True), case) for s in results]
    made = known(some(truths), dict.fromkeys(evidence))
    return Derived(made.possible, made.evidence, made.missing, tuple(dict.fromkeys(holding)))


def marker_retest_due(case: Case, options: Options) -> Derived:
    """Whether a drug begins after one against which resistance is to be tested first (T790M)."""
    truths: list[Truth] = [None] if case.doubtful else []
    evidence: list[Evidence] = []
    for demand in _demands(case):
        for row in demand.rows:
            if row.retest_after:
                earlier = _given(case, row.retest_after)
                truths.append(every((earlier.truth, negate(_given(case, {demand.id}).truth))))
                evidence += [_ordered(demand.drug), *earlier.evidence]
    return known(some(truths), dict.fromkeys(evidence))


def marker_retested(case: Case, options: Options) -> Derived:
    """Whether the resistance marker was tested since that earlier drug was begun."""
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    missing: list[str] = []
    for demand in _demands(case):
        for row in (r for r in demand.rows if r.retest_after):
            earlier = _given(case, row.retest_after)
            if earlier.truth is not True or earlier.first is None:
                continue
            selection = _results(case, _markers(row.retest))
            later = [s for s in selection.standings if s.when is not None and s.when >= earlier.first]
            good = Selection(RESULT, tuple(s for s in later if not _failed(case, s)), selection.hidden)
            truths.append(good.exists)
            if good.exists is not True:
                missing += [f"marker.{m}" for m in sorted(_markers(row.retest))]
            evidence += [_ordered(demand.drug), *(_retest_row(case, s, earlier.first) for s in selection.standings)]
            evidence += [h.evidence(RESULT) for h in selection.hidden]
    return known(every(truths), dict.fromkeys(evidence), dict.fromkeys(missing))


# -- what is asked --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Demand:
    """A drug of the order with the rows that bind it; `also` are other uses, of which the order doesn't tell.

    `perhaps`: whether a row applies can't be told, so nothing it asks is missed for certain.
    """

    drug: OrderedDrug
    rows: tuple[MarkerRow, ...]
    also: tuple[MarkerRow, ...]
    perhaps: bool

    @property
    def id(self) -> str:
        return self.drug.known.id if self.drug.known else ""

    @property
    def excluding(self) -> bool:
        return any(row.polarity in EXCLUDING for row in self.rows)


def _demands(case: Case) -> list[_Demand]:
    found: list[_Demand] | None = case.memo.get("marker demands")
    if found is None:
        made = [_demand(case, drug) for drug in case.drugs if drug.known is not None]
        found = case.memo["marker demands"] = [d for d in made if d is not None]
    return found


def _demand(case: Case, drug: OrderedDrug) -> _Demand | None:
    assert drug.known is not None
    kind = case.tumour.kind
    rows = [
        row for row in case.tables.drug_markers.get(drug.known.id, ())
        if kind is None or not row.tumours or kind.id in row.tumours
    ]  # fmt: skip
    if any(not row.needs and not row.context for row in rows):
        return None
    applies = {id(row): _in_context(case, row) for row in rows}
    bound = [row for row in rows if row.fits and applies[id(row)] is not False]
    if not bound:
        return None
    perhaps = kind is None or all(applies[id(row)] is None for row in bound)
    also = tuple(row for row in rows if row.fits and applies[id(row)] is False and "unstated" in row.context)
    return _Demand(drug, tuple(bound), also, perhaps)


def _in_context(case: Case, row: MarkerRow) -> Truth:
    return every([_context(case, word) for word in sorted(row.context)])


def _context(case: Case, word: str) -> Truth:
    if word == "first_line":
        line = case.order.line if case.order else None
        return line == 1 if line is not None else negate(select(case, "treatment.systemic").exists)
    if word == "alone":
        others = [d for d in case.drugs if d.known is None or d.known.anti_tumour]
        return len(others) == 1 if all(d.known for d in others) else None
    if word.startswith("with:"):
        return case.has_drug([word.removeprefix("with:")])
    return False


def _of_immunotherapy(demand: _Demand) -> bool:
    return demand.drug.known is not None and demand.drug.known.cls == "immunotherapy"


def _whether(case: Case, demands: Iterable[_Demand]) -> Derived:
    found = list(demands)
    certain = any(not d.perhaps for d in found)
    truth: Truth = True if certain else None if found or case.doubtful else False
    return known(truth, [_ordered(d.drug) for d in found])


def _markers(branches: Iterable[Branch]) -> set[str]:
    return {m for branch in branches for test in branch for m in test.markers}


def _all_of(test: MarkerTest, has: Mapping[str, Truth]) -> tuple[str, ...]:
    """The markers that must have a result: each of a negative test, of another any one that has."""
    if test.sign == "-":
        return test.markers
    return (next((m for m in test.markers if has[m]), test.markers[0]),)


# -- what is there --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Given:
    """Whether one of some drugs has been given, the first time, and what shows it."""

    truth: Truth
    first: datetime | None = None
    evidence: tuple[Evidence, ...] = ()


def _given(case: Case, ids: Iterable[str]) -> _Given:
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
    return _Given(truth, min(times, default=None), tuple(rows) if truth is not False else ())


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


def _results(case: Case, markers: Iterable[str]) -> Selection:
    wanted, selection = frozenset(markers), select(case, RESULT)
    mine = tuple(s for s in selection.standings if wanted & set(getattr(s.entry, "markers", ())))
    return Selection(RESULT, mine, selection.hidden)


def _has_results(case: Case, demand: _Demand) -> Truth:
    """Whether any result of the drug's markers is on record: where none is, other rules speak."""
    return _results(case, {m for row in demand.rows for m in (*row.markers, *_markers(row.fits))}).exists


def _read(case: Case, standing: Standing) -> Mapping[str, Reading]:
    entry = standing.entry
    assert isinstance(entry, MarkerResult)
    found: Mapping[str, Reading] | None = case.memo.get(("marker reading", entry.id))
    if found is None:
        found = read_result(entry.result, entry.markers, case.tables.marker_names)
        case.memo["marker reading", entry.id] = found
    return found


def _failed(case: Case, standing: Standing) -> bool:
    return all(reading.failed for reading in _read(case, standing).values())


@dataclass(frozen=True)
class _Results:
    """The results of one marker that count, newest first, and those that turned out to be none."""

    good: tuple[tuple[Standing, Reading], ...] = ()
    failed: tuple[Standing, ...] = ()


def _read_of(case: Case, marker: str, since: datetime | None, until: datetime | None) -> _Results:
    """The readings of one marker between two moments; after `until` only where there is none before."""
    good, failed = [], []
    for standing in _results(case, {marker}).standings:
        if standing.counted is False or (since and (standing.when is None or standing.when < since)):
            continue
        reading = _read(case, standing)[marker] if standing.counted else Reading(unclear=True)
        if reading.failed:
            failed.append(standing)
        else:
            good.append((standing, reading))
    before = [(s, r) for s, r in good if until and s.when and s.when <= until]
    return _Results(tuple(before or good), tuple(failed))


def _changed_since(case: Case, moment: datetime) -> tuple[Truth, list[Evidence]]:
    """Whether the tumour was treated or progressed after a moment."""
    truths: list[Truth] = []
    rows: list[Evidence] = []
    for fact in ("treatment.systemic", "event.progression"):
        selection = select(case, fact)
        later = [s for s in selection.standings if s.counted is not False and (s.when is None or s.when > moment)]
        mine = Selection(fact, tuple(later), selection.hidden)
        truths.append(mine.exists)
        rows += [s.evidence(fact) for s in later] + [h.evidence(fact) for h in selection.hidden]
    return some(truths), rows


# -- held against each other ----------------------------------------------------------------------------------


@dataclass
class _Fit:
    truth: Truth
    evidence: list[Evidence] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def _fit(case: Case, demand: _Demand) -> _Fit:
    """Whether the results of a drug's markers say what one of its rows asks.

    Once a drug has been given, later results tell how it works, not whether it was rightly begun.
    """
    limits = _limits(case)
    until = _given(case, {demand.id}).first
    best: tuple[int, int, Branch, dict[str, _Results]] | None = None
    truths: list[Truth] = []
    for row in (*demand.rows, *demand.also):
        branches, since = _branches(case, row)
        for branch in branches:
            told = {m: _read_of(case, m, since, until) for test in branch for m in test.markers}
            if demand.excluding and _of_immunotherapy(demand):
                branch = _reported(branch, told)
            judged = [_judge(case, test, told, limits) for test in branch]
            truths.append(every(judged))
            rank = (sum(t is False for t in judged), sum(t is None for t in judged), branch, told)
            if best is None or rank[:2] < best[:2]:
                best = rank
    truth = some(truths)
    if truth is False and demand.perhaps:
        truth = None
    fit = _Fit(truth, [_ordered(demand.drug)])
    if best is None:
        return fit
    _, _, branch, told = best
    for test in branch:
        judged_so = _judge(case, test, told, limits)
        if truth is True or judged_so is not True:
            _explain(case, fit, test, None if truth is None else judged_so, told)
    return fit


def _branches(case: Case, row: MarkerRow) -> tuple[tuple[Branch, ...], datetime | None]:
    """What a row asks: after a drug that leaves resistance behind, of the results since, if there are any."""
    if row.retest_after:
        earlier = _given(case, row.retest_after)
        if earlier.truth is True and earlier.first is not None:
            since = [_read_of(case, m, earlier.first, None).good for m in _markers(row.retest)]
            if any(since):
                return row.retest, earlier.first
    return row.fits, None


def _reported(branch: Branch, told: Mapping[str, _Results]) -> Branch:
    """The tests of what was reported: what is lacking is another rule's business."""
    made = []
    for test in branch:
        there = tuple(m for m in test.markers if told[m].good)
        made += [MarkerTest(there, test.sign, test.found, test.scale, test.limit)] if there else []
    return tuple(made)


def _judge(
    case: Case, test: MarkerTest, told: Mapping[str, _Results], limits: Mapping[str, Decimal]
) -> Truth:
    readings = {m: [(s.when, r) for s, r in told[m].good] for m in test.markers}
    return judge_test(test, readings, case.tables.marker_scales, limits)


def _limits(case: Case) -> dict[str, Decimal]:
    parameters = case.facts["marker.fits_drug"].parameters
    return {name: p.value for name, p in parameters.items() if isinstance(p.value, Decimal)}


def _explain(
    case: Case, fit: _Fit, test: MarkerTest, truth: Truth, told: Mapping[str, _Results]
) -> None:
    """Rows for what a test found, and what is missing."""
    asked = asked_of(test, _limits(case))
    there = [m for m in test.markers if told[m].good]
    if truth is not True:
        fit.missing += [f"marker.{m}" for m in test.markers]
    for marker in test.markers:
        failed = Text(zh="检测失败、标本不足或结果待出，不算结果", en="failed, insufficient or pending: not a result")
        fit.evidence += [_row(s, counted=False, why="not_final", detail=failed) for s in told[marker].failed]
    if truth is not True:
        lacking = test.markers if not there else [m for m in test.markers if test.sign == "-" and m not in there]
        fit.evidence += [Evidence(fact=RESULT, counted=None, why="absent", value=m) for m in lacking]
    for marker in there:
        good = told[marker].good
        for standing, reading in good if truth is None else good[:1]:
            counted, why, detail = _why(test, truth, reading, asked, len(good) > 1)
            if truth is not False or test.sign != "-" or _against(case, test, marker, reading):
                fit.evidence.append(_row(standing, counted=counted, why=why, detail=detail))
    fit.evidence = list(dict.fromkeys(fit.evidence))


def _against(case: Case, test: MarkerTest, marker: str, reading: Reading) -> bool:
    """Whether this marker is one that speaks against a negative test."""
    alone = MarkerTest((marker,), test.sign)
    whole = {marker: [(None, replace(reading, shared=frozenset()))]}
    return judge_test(alone, whole, case.tables.marker_scales, _limits(case)) is False


def _why(
    test: MarkerTest, truth: Truth, reading: Reading, asked: Text, several: bool
) -> tuple[Truth, Why | None, Text | None]:
    if truth is True:
        return True, None, None
    if truth is False:
        return False, "wrong_kind", Text(zh=f"该药要求{asked.zh}", en=f"the drug asks for {asked.en}")
    if reading.unclear:
        return None, "invalid", Text(
            zh="结果未写明或文字无法识别，请人工核对报告", en="the result isn't stated or can't be understood: see the report"
        )  # fmt: skip
    if several:
        return None, "conflicting", Text(
            zh=f"前后结果不一致或不完整，该药要求{asked.zh}", en=f"the results differ or are incomplete; the drug asks for {asked.en}"
        )  # fmt: skip
    return None, "invalid", Text(
        zh=f"仅凭这一结果不能确认符合要求（{asked.zh}）", en=f"it doesn't by itself show what is asked ({asked.en})"
    )  # fmt: skip


# -- rows -----------------------------------------------------------------------------------------------------


def _row(
    standing: Standing, *, counted: Truth, why: Why | None = None, detail: Text | None = None
) -> Evidence:
    entry = standing.entry
    assert isinstance(entry, MarkerResult)
    made = standing.evidence(RESULT)
    return made.model_copy(
        update={"counted": counted, "why": why, "detail": detail, "value": result_said(entry)}
    )


def _retest_row(case: Case, standing: Standing, first: datetime) -> Evidence:
    if standing.when is not None and standing.when < first:
        early = Text(zh="早于上一个靶向药物开始使用的时间", en="before the earlier drug was begun")
        return _row(standing, counted=False, why="too_old", detail=early)
    if standing.counted and _failed(case, standing):
        failed = Text(zh="检测失败、标本不足或结果待出，不算结果", en="failed, insufficient or pending: not a result")
        return _row(standing, counted=False, why="not_final", detail=failed)
    return _row(standing, counted=standing.counted, why=standing.why, detail=standing.detail)


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

