"""Whether the tumour is staged and worked up, and whether it may go without pathology."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oncogate.base.logic import Truth, every, some
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.select import select
from oncogate.model.decision import Evidence


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


def tumour_has_work_up(case: Case, options: Options) -> Derived:
    """Whether the table has a work-up for the order's tumour; unknown only if the tumour is."""
    if case.tumour.kind is None and not case.is_malignant_without_kind():
        return known(None)
    return known(_work_up(case) is not None)


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
    evidence += [
        Evidence(fact="exam.done", counted=False, why="absent", value=e, detail=case.tables.exam_label(e))
        for e in lacking
    ]
    return known(truth, evidence, [f"exam.{e}" for e in lacking] if truth is not True else ())


def _has_specimen(case: Case) -> bool:
    """Whether a specimen was taken: a biopsy on record or a pathology report stands for the examination."""
    biopsies = (
        p
        for p in case.record.procedures or ()
        if p.kind == "biopsy" and p.status == "completed" and case.stands(p)
    )
    return any(biopsies) or select(case, "pathology.report").exists is True


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


def pathology_excepted(case: Case, options: Options) -> Derived:
    """Whether the diagnosis stands without pathology: hepatocellular carcinoma by clinical criteria, with its reason."""
    accepted = options["exceptions"].value
    for diagnosis in case.diagnoses:
        mine = case.tumour.ids is not None and diagnosis.id in case.tumour.ids
        if mine and isinstance(accepted, tuple) and "hcc_clinical_criteria" in accepted:
            is_hcc = any(code == "C220" for system, code in case.tumour.codes if system == "icd10")
            if is_hcc and diagnosis.basis == "clinical_criteria" and diagnosis.basis_reason:
                return known(
                    True,
                    [
                        Evidence(
                            fact="tumour.pathology_exception",
                            entry=diagnosis.id,
                            source=diagnosis.source,
                            counted=True,
                            value=diagnosis.basis_reason,
                        )
                    ],
                )
    return known(False)
