"""Derived facts: what the order and the tables together say, three-valued like everything else.

A formula gets the case and the rule's parameters by the names under which the leaf hands them over, and
gives a `Derived`: the values that are possible. One possible value is a known one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oncogate.base.logic import Truth, every, some
from oncogate.base.texts import Text
from oncogate.engine.case import Case, OrderedDrug, in_classes
from oncogate.engine.select import Selection, Window, select
from oncogate.model.decision import Evidence
from oncogate.model.rule import Parameter
from oncogate.packs.tables import MarkerRow

Options = Mapping[str, Parameter]
Possible = frozenset[Any]

LEVELS = ("low", "intermediate", "high")


@dataclass(frozen=True)
class Derived:
    """The possible values of a derived fact, what it rests on, and what would have to be there."""

    possible: Possible
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def truth(self) -> Truth:
        """The value as a truth; unknown if both are possible."""
        return next(iter(self.possible)) if len(self.possible) == 1 else None


Formula = Callable[[Case, Options], Derived]
FORMULAS: dict[str, Formula] = {}


def formula(function: Formula) -> Formula:
    """Make a function known to `facts.yaml` under its own name."""
    FORMULAS[function.__name__] = function
    return function


def known(truth: Truth, evidence: Iterable[Evidence] = (), missing: Iterable[str] = ()) -> Derived:
    """A derived truth."""
    return Derived(frozenset({True, False} if truth is None else {truth}), tuple(evidence), tuple(missing))


def derive(case: Case, name: str, options: Options) -> Derived:
    """The derived fact `name`; its evidence is under that name unless the formula says otherwise."""
    fact = case.facts[name]
    assert fact.derive is not None
    return FORMULAS[fact.derive](case, options)


# -- the order -------------------------------------------------------------------------------------


@formula
def order_is_anti_tumour(case: Case, options: Options) -> Derived:
    """Whether the order treats a tumour, by drugs, surgery or radiotherapy."""
    local = case.order is not None and case.order.kind in {"surgery", "resection", "radiotherapy"}
    return known(some((local, case.has_drug(["anti_tumour"]))), drug_evidence(case, "order.anti_tumour", ["anti_tumour"]))


@formula
def order_drugs(case: Case, options: Options) -> Derived:
    """The order's drugs, as recognised; leaves that ask for their classes use `Case.has_drug`."""
    return Derived(frozenset(d.known.id if d.known else None for d in case.drugs))


@formula
def order_is_marked(case: Case, options: Options) -> Derived:
    """Whether the order says that it is anti-tumour: by its kind, its regimen or its reason."""
    return known(case.marked)


@formula
def order_drugs_recognised(case: Case, options: Options) -> Derived:
    """Whether every drug of the order was recognised."""
    unknown = [d for d in case.drugs if d.known is None]
    return known(not unknown, [_unrecognised("order.drugs_recognised", d) for d in unknown])


@formula
def patient_has_tumour(case: Case, options: Options) -> Derived:
    """Whether a tumour is on record."""
    return known(case.has_tumour)


def drug_evidence(case: Case, fact: str, classes: Iterable[str]) -> list[Evidence]:
    """The order's drugs that are, or could be, of the classes."""
    wanted = frozenset(classes)
    rows = []
    for drug in case.drugs:
        if drug.known is None:
            rows += [_unrecognised(fact, drug)] if case.marked else []
        elif in_classes(drug.known, wanted) is not False:
            rows.append(Evidence(fact=fact, counted=in_classes(drug.known, wanted), value=drug.label.zh, detail=drug.known.label))
    if case.doubtful and not case.drugs:
        said = Text(zh="医嘱标明为抗肿瘤治疗，但没有列出药品", en="the order is marked as anti-tumour but lists no drug")
        rows.append(Evidence(fact=fact, counted=None, why="absent", detail=said))
    return rows


def _unrecognised(fact: str, drug: OrderedDrug) -> Evidence:
    said = Text(zh="未能识别的药品", en="a drug that isn't recognised")
    return Evidence(fact=fact, counted=None, why="invalid", value=drug.label.zh, detail=said)


@formula
def start_limit_anc(case: Case, options: Options) -> Derived:
    """The strictest ANC limit of the order's myelosuppressive drugs, in 10*9/L; `None` where none has one.

    A drug that the table lists without a limit has none of its own; one that it doesn't list has the
    default. A drug that isn't recognised may have any limit of the table.
    """
    default = options["default"].value
    limits = case.tables.start_limits
    own: list[tuple[Decimal, OrderedDrug]] = []
    for drug in case.drugs:
        if drug.known is not None and drug.known.myelosuppressive is not False:
            limit = limits.get(drug.known.id, default)
            if isinstance(limit, Decimal):
                own.append((limit, drug))
    strictest = max((limit for limit, _ in own), default=None)
    possible: set[Decimal | None] = {strictest}
    if case.doubtful:
        others = {limit for limit in limits.values() if limit is not None} | ({default} if isinstance(default, Decimal) else set())
        possible |= {limit for limit in others if strictest is None or limit > strictest}
    evidence = [
        Evidence(fact="order.start_limit_anc", counted=limit == strictest, value=f"{drug.label.zh} {limit:f} 10*9/L", detail=None)
        for limit, drug in own
    ]  # fmt: skip
    return Derived(frozenset(possible), tuple(evidence))


# -- markers ---------------------------------------------------------------------------------------


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


@formula
def order_needs_marker(case: Case, options: Options) -> Derived:
    """Whether a targeted drug of the order needs a marker result; a drug that isn't recognised may."""
    truth: Truth = True if _needed(case) else None if case.doubtful else False
    return known(truth, drug_evidence(case, "order.needs_marker", ["targeted"]))


@formula
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
        evidence += [e.model_copy(update={"value": _marker_said(s)}) for s, e in zip(mine, narrowed.evidence(), strict=False)]
        if narrowed.exists is not True:
            missing += [f"marker.{m}" for m in sorted(markers)]
            evidence += [h.evidence(selection.fact) for h in selection.hidden]
            if not mine and not selection.hidden:
                evidence.append(Evidence(fact="marker.result", counted=False, why="absent", value="/".join(sorted(markers))))
    if case.doubtful:
        truths.append(None)
        evidence += drug_evidence(case, "order.drugs", ["targeted"])
    return known(every(truths), _once(evidence), _once(missing))


def _marker_said(standing: Any) -> str:
    entry = standing.entry
    return "/".join(entry.markers) + (f" {entry.result}" if entry.result else "")


def _once(items: list[Any]) -> list[Any]:
    seen: list[Any] = []
    for item in items:
        if item not in seen:
            seen.append(item)
    return seen


# -- staging ---------------------------------------------------------------------------------------


@formula
def tumour_is_staged(case: Case, options: Options) -> Derived:
    """Whether the order's tumour is one that is staged at all; only a known tumour can be one that isn't."""
    kind = case.tumour.kind
    return known(kind is None or kind.stage_required)


def _work_up(case: Case) -> Any:
    kind = case.tumour.kind
    if kind is None:
        return None
    for prefix, tree in kind.work_up_by_code.items():
        if any((code or "").startswith(prefix) for system, code in case.tumour.codes if system == "icd10"):
            return tree
    return kind.work_up


@formula
def tumour_has_work_up(case: Case, options: Options) -> Derived:
    """Whether the table has a work-up for the order's tumour; unknown only if the tumour is."""
    if case.tumour.kind is None and not case.is_malignant_without_kind():
        return known(None)
    return known(_work_up(case) is not None)


@formula
def work_up_complete(case: Case, options: Options) -> Derived:
    """Whether the examinations on record satisfy the tumour's work-up; `missing` names those that would."""
    selection = select(case, "exam.done")
    truths: dict[str, Truth] = {}
    for standing in selection.standings:
        for exam in getattr(standing.entry, "exams", ()):
            row = case.tables.exams.get(exam)
            for counted in {exam, *(row.satisfies if row else ())}:
                truths[counted] = some((truths.get(counted, False), standing.counted))
    truths |= dict.fromkeys(("biopsy", "FNA"), True) if _has_specimen(case) else {}
    absent: Truth = None if selection.hidden else False
    tree = _work_up(case)
    if tree is None:
        return known(None)
    truth, lacking = _satisfied(tree, lambda exam: some((truths.get(exam, False), absent)))
    evidence = [s.evidence(selection.fact) for s in selection.standings]
    evidence += [h.evidence(selection.fact) for h in selection.hidden]
    evidence += [Evidence(fact="exam.done", counted=False, why="absent", value=e, detail=_exam_label(case, e)) for e in lacking]
    return known(truth, evidence, [f"exam.{e}" for e in lacking] if truth is not True else ())


def _has_specimen(case: Case) -> bool:
    """Whether a specimen was taken: a biopsy on record or a pathology report stands for the examination."""
    biopsies = (p for p in case.record.procedures or () if p.kind == "biopsy" and p.status == "completed" and case.stands(p))
    return any(biopsies) or select(case, "pathology.report").exists is True


def _exam_label(case: Case, expression: str) -> Text:
    labels = [case.tables.exams[e].label if e in case.tables.exams else Text(zh=e, en=e) for e in expression.split("|")]
    return Text(zh="或".join(x.zh for x in labels), en=" or ".join(x.en for x in labels))


def _satisfied(tree: Any, has: Callable[[str], Truth]) -> tuple[Truth, list[str]]:
    """Whether a tree of exams is satisfied, and what is lacking (`A|B` where either will do)."""
    if isinstance(tree, str):
        truth = has(tree)
        return truth, [] if truth else [tree]
    if isinstance(tree, list):
        tree = {"all": tree}
    (kind, parts), = tree.items()  # fmt: skip
    judged = [_satisfied(part, has) for part in parts]
    if kind == "all":
        return every(t for t, _ in judged), [x for t, lacking in judged if t is not True for x in lacking]
    truth = some(t for t, _ in judged)
    if truth is True:
        return True, []
    if all(len(lacking) == 1 for _, lacking in judged):
        return truth, ["|".join(x for _, lacking in judged for x in lacking)]
    return truth, min((lacking for _, lacking in judged), key=lambda x: (len(x), x))


# -- regimen ---------------------------------------------------------------------------------------


@formula
def has_first_line_list(case: Case, options: Options) -> Derived:
    """Whether the site lists first-line regimens for the order's tumour."""
    kind = case.tumour.kind
    if kind is None:
        return known(False if not case.tables.first_line else None)
    return known(bool(case.tables.first_line.get(kind.id)))


@formula
def regimen_is_first_line(case: Case, options: Options) -> Derived:
    """Whether the order's regimen is on the site's first-line list for the tumour; unknown without a name."""
    kind, order = case.tumour.kind, case.order
    listed = case.tables.first_line.get(kind.id, frozenset()) if kind else frozenset()
    if order is None or not order.regimen:
        said = Text(zh="医嘱没有写明方案名称", en="the order doesn't name its regimen")
        return known(None, [Evidence(fact="order.regimen", counted=None, why="absent", detail=said)], ["order.regimen"])
    found = any(case.tables.same_regimen(order.regimen, one) for one in listed)
    return known(found, [Evidence(fact="order.regimen", counted=found, value=order.regimen)])


@formula
def fn_risk(case: Case, options: Options) -> Derived:
    """The risk of febrile neutropenia: the higher of the recorded assessment and the regimen's category.

    Possible values are `low`, `intermediate`, `high`, and `None` where nothing says anything.
    """
    window = Window.of(options["window"], case.at) if "window" in options else None
    selection = select(case, "assessment.neutropenia", window=window)
    assessed = _assessed(selection)
    category = _category(case)
    evidence = list(selection.evidence()) if assessed != {None} or selection.standings else []
    if category is not None:
        assert case.order is not None
        evidence.append(Evidence(fact="regimen.fn_category", counted=True, value=category, detail=Text(zh=case.order.regimen or "", en=case.order.regimen or "")))
    return Derived(frozenset(_higher(level, category) for level in assessed), tuple(evidence))


def _assessed(selection: Selection) -> set[str | None]:
    newest = selection.newest
    levels: set[str | None] = set()
    for standing in newest:
        level = getattr(standing.entry, "level", None)
        levels |= {level} if standing.counted and level in LEVELS else set(LEVELS)
    if selection.hidden:
        levels |= {*LEVELS, *(() if newest else (None,))}
    return levels or {None}


def _category(case: Case) -> str | None:
    """The category of the regimen that the order names; the highest where the name stands for several."""
    if case.order is None or not case.order.regimen:
        return None
    rows = [r for r in case.tables.regimens_named(case.order.regimen) if r.fn_category in LEVELS]
    kind = case.tumour.kind
    rows = [r for r in rows if kind and kind.id in r.tumours] or rows
    return max((r.fn_category for r in rows), key=LEVELS.index, default=None)


def _higher(one: str | None, other: str | None) -> str | None:
    levels = [level for level in (one, other) if level is not None]
    return max(levels, key=LEVELS.index, default=None)


@formula
def pathology_excepted(case: Case, options: Options) -> Derived:
    """Whether the diagnosis stands without pathology: hepatocellular carcinoma by clinical criteria, with its reason."""
    accepted = options["exceptions"].value
    for diagnosis in case.diagnoses:
        mine = case.tumour.ids is not None and diagnosis.id in case.tumour.ids
        if mine and isinstance(accepted, tuple) and "hcc_clinical_criteria" in accepted:
            is_hcc = any(code == "C220" for system, code in case.tumour.codes if system == "icd10")
            if is_hcc and diagnosis.basis == "clinical_criteria" and diagnosis.basis_reason:
                return known(True, [Evidence(fact="tumour.pathology_exception", entry=diagnosis.id, source=diagnosis.source, counted=True, value=diagnosis.basis_reason)])
    return known(False)
