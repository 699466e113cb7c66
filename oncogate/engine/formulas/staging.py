"""Whether the tumour is staged and worked up, whether its stages hold, and what calls for a tumour board."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from oncogate.base.logic import Truth, every, some
from oncogate.base.texts import Text
from oncogate.clinical.stage_compare import Comparison, compare_stages
from oncogate.clinical.stage_editions import check_edition
from oncogate.clinical.stage_values import check_categories
from oncogate.clinical.stages import Stage, read_stage
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.model.decision import Evidence
from oncogate.model.record import Stage as StageEntry
from oncogate.packs.tables import Tumour


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

    def rows() -> list[Evidence]:
        evidence = [s.evidence(selection.fact) for s in selection.standings]
        evidence += [h.evidence(selection.fact) for h in selection.hidden]
        label = case.tables.exam_label
        return evidence + [
            Evidence(fact="exam.done", counted=False, why="absent", value=e, detail=label(e)) for e in lacking
        ]

    return known(truth, rows, [f"exam.{e}" for e in lacking] if truth is not True else ())


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


# -- value sets, editions, concordance ------------------------------------------------------------------------


def tumour_kind(case: Case, options: Options) -> Derived:
    """The order's tumour, as the table calls it; `other` for a malignancy that it doesn't list."""
    kind = case.tumour.kind
    if kind is not None:
        return Derived(frozenset({kind.id}), holding=(kind.label,))
    if case.is_malignant_without_kind():
        return Derived(frozenset({"other"}))
    said = Text(zh="无法确定本次治疗针对哪个肿瘤", en="it can't be told which tumour is treated")
    return Derived(frozenset(), (Evidence(fact="tumour.kind", counted=None, why="absent", detail=said),))


def tumour_has_value_set(case: Case, options: Options) -> Derived:
    """Whether the table holds the T, N and M values of the order's tumour; unknown only if the tumour is."""
    kind = case.tumour.kind
    if kind is None:
        return known(False if case.is_malignant_without_kind() else None)
    return known(kind.staging.values is not None)


def stage_in_value_set(case: Case, options: Options) -> Derived:
    """Whether the categories of the newest clinical stage are ones that the tumour has, in the edition that goes for it."""

    def judge(stage: Stage, entry: StageEntry, kind: Tumour) -> tuple[Truth, Text | None]:
        found = check_categories(stage, kind.staging, edition=entry.edition, on=_diagnosed(case))
        return found.inside, found.problem.message if found.problem else None

    return _each_newest(case, "stage.clinical", judge)


def stage_edition_in_force(case: Case, options: Options) -> Derived:
    """Whether the edition stated with the newest clinical stage was in force at the diagnosis.

    One that isn't stated passes unless the parameter `edition_required` asks for it.
    """
    required = options["edition_required"].value is True

    def judge(stage: Stage, entry: StageEntry, kind: Tumour) -> tuple[Truth, Text | None]:
        found = check_edition(stage, kind.staging, edition=entry.edition, on=_diagnosed(case))
        truth = not required if found.status == "not_stated" else found.truth
        return truth, None if truth else found.message

    return _each_newest(case, "stage.clinical", judge)


def stages_comparable(case: Case, options: Options) -> Derived:
    """Whether the tumour was resected and a clinical and a pathologic stage are there that can be held against each other."""
    resected = select(case, "procedure.resection")
    found = [any(c.direction != "not_comparable" for c in rows) for _, _, rows in _pairs(case)]

    def rows() -> list[Evidence]:
        undecided = [row for fact in ("procedure.resection", *_BOTH) for row in _undecided(case, fact)]
        selections = (resected, *(select(case, fact) for fact in _BOTH))
        return undecided + [s.evidence(x.fact) for x in selections for s in x.standings if s.counted]

    return known(every((resected.exists, some([*found, *_unsure(case)]))), rows)


_BOTH = ("stage.clinical", "stage.pathologic")


def _undecided(case: Case, fact: str) -> list[Evidence]:
    """Entries of which it can't be told whether they count, and what may be hidden."""
    selection = select(case, fact)
    rows = [s.evidence(fact) for s in selection.standings if s.counted is None]
    return rows + [h.evidence(fact) for h in selection.hidden]


def _unsure(case: Case) -> list[Truth]:
    both = [select(case, fact) for fact in _BOTH]
    return [None] if any(x.hidden or any(s.counted is None for s in x.standings) for x in both) else []


def stages_discordant(case: Case, options: Options) -> Derived:
    """Whether the newest pathologic stage says something else than the newest clinical one before it."""
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for clinical, pathologic, rows in _pairs(case):
        moved = [c for c in rows if c.direction in ("upstaged", "downstaged")]
        truths.append(bool(moved))
        evidence += [clinical.evidence("stage.clinical"), pathologic.evidence("stage.pathologic")]
        holding += [
            Text(zh=f"{_PARTS[c.part].zh}由临床 {c.clinical} 变为病理 {c.pathologic}", en=f"{_PARTS[c.part].en} from clinical {c.clinical} to pathologic {c.pathologic}")
            for c in moved
        ]  # fmt: skip
    evidence += [row for fact in _BOTH for row in _undecided(case, fact)]
    made = known(some([*truths, *_unsure(case)]), dict.fromkeys(evidence))
    return Derived(made.possible, made.evidence, (), tuple(dict.fromkeys(holding)))


_PARTS = {
    "T": Text(zh="T 分期", en="T"), "N": Text(zh="N 分期", en="N"), "M": Text(zh="M 分期", en="M"), "group": Text(zh="总分期", en="the group"),
}  # fmt: skip


def _each_newest(
    case: Case, fact: str, judge: Callable[[Stage, StageEntry, Tumour], tuple[Truth, Text | None]]
) -> Derived:
    """Judges the newest counted stages of a fact; what is wrong with one is its detail in the evidence."""
    kind, selection = case.tumour.kind, select(case, fact)
    judged: list[tuple[Standing, Truth, Text | None]] = []
    for standing in selection.newest:
        read = _read(case, standing)
        truth, said = judge(*read, kind) if read is not None and kind is not None else (None, None)
        judged.append((standing, truth, said))

    def rows() -> list[Evidence]:
        hidden = [h.evidence(fact) for h in selection.hidden]
        return hidden + [
            _judged_row(standing.evidence(fact), truth, said) for standing, truth, said in judged
        ]

    truths = [truth for _, truth, _ in judged]
    hidden = bool(selection.hidden) or not truths
    return known(every([*truths, None] if hidden else truths), rows)


def _judged_row(row: Evidence, truth: Truth, said: Text | None) -> Evidence:
    if truth is False:
        return row.model_copy(update={"counted": False, "why": "invalid", "detail": said})
    if truth is None:
        return row.model_copy(
            update={"counted": None, "why": row.why or "invalid", "detail": said or row.detail}
        )
    return row


def _read(case: Case, standing: Standing) -> tuple[Stage, StageEntry] | None:
    entry, kind = standing.entry, case.tumour.kind
    if standing.counted is not True or not isinstance(entry, StageEntry):
        return None
    read = read_stage(entry.stage, system=entry.system, tumour=kind.id if kind else None)
    return (read, entry) if isinstance(read, Stage) else None


def _pairs(case: Case) -> list[tuple[Standing, Standing, tuple[Comparison, ...]]]:
    """The newest clinical stage before each newest pathologic one, compared."""
    kind = case.tumour.kind
    found = []
    for pathologic in select(case, "stage.pathologic").newest:
        after = _read(case, pathologic)
        earlier = [
            s for s in select(case, "stage.clinical").standings if s.counted and s.when and pathologic.when
        ]
        before = [s for s in earlier if s.when and pathologic.when and s.when <= pathologic.when]
        newest = [s for s in before if s.when == before[0].when]
        for clinical in newest:
            read = _read(case, clinical)
            if after is not None and read is not None:
                rows = compare_stages(read[0], after[0], kind.staging if kind else None)
                found.append((clinical, pathologic, rows))
    return found


def _diagnosed(case: Case) -> date | None:
    """The day on which the order's tumour was first diagnosed, as far as the record says."""
    mine = [d for d in case.diagnoses if case.tumour.ids and d.id in case.tumour.ids]
    times = [case.first_instant(d.effective) for d in mine if d.effective is not None]
    return min(times).astimezone(case.at.tzinfo).date() if times else None


# -- tumour board ---------------------------------------------------------------------------------------------


def meeting_was_held(case: Case, options: Options) -> Derived:
    """Whether the tumour was discussed by an MDT in the last `window`; one that was only planned doesn't count."""
    window = Window.of(options["window"], case.at)
    selection = select(case, "meeting.mdt", window=window)
    made = []
    for standing in selection.standings:
        status = (getattr(standing.entry, "status", None) or "completed").strip().casefold()
        held: Truth = True if status in _HELD else False if status in _NOT_HELD else None
        if standing.counted is False or held is True:
            made.append(standing)
        else:
            made.append(replace(standing, counted=held, why="not_final", detail=_not_held(held, status)))
    held_ones = Selection(selection.fact, tuple(made), selection.hidden)
    missing = () if held_ones.exists else ("meeting.mdt",)
    return known(held_ones.exists, held_ones.evidence(), missing)


def _not_held(held: Truth, status: str) -> Text:
    if held is None:
        return Text(
            zh=f"状态为“{status}”，不能确认已经讨论",
            en=f"status `{status}`: it isn't known whether it was held",
        )
    return Text(zh="尚未讨论", en="not yet held")


_HELD = frozenset(
    {"completed", "finished", "fulfilled", "final", "amended", "corrected", "done", "已完成", "已结束"}
)
_NOT_HELD = frozenset(
    {
        "planned", "proposed", "pending", "booked", "draft", "on-hold", "preliminary", "registered", "待讨论", "已预约",
    }
)  # fmt: skip


def order_is_surgery(case: Case, options: Options) -> Derived:
    """Whether the order is an operation, by its kind."""
    return known(case.order is not None and case.order.kind in ("surgery", "resection"))


def order_surgery_level(case: Case, options: Options) -> Derived:
    """The level of the operation ordered (手术分级, `I` to `IV`); unknown where the host doesn't say or isn't understood."""
    said = (case.order.level if case.order else None) or ""
    plain = "".join(unicodedata.normalize("NFKC", said).upper().split())
    plain = re.sub(r"^(?:LEVEL|GRADE|手术)|(?:级手术|级)$", "", plain)
    level = _LEVELS.get(plain)
    if level is not None:
        return Derived(
            frozenset({level}),
            holding=(Text(zh=f"{_LEVEL_ZH[level]}级手术", en=f"operation of level {level}"),),
        )
    text = Text(zh="医嘱没有写明手术级别", en="the order doesn't state the level of the operation")
    wrong = Text(zh=f"手术级别“{said}”无法识别", en=f"the level `{said}` isn't understood")
    row = Evidence(
        fact="order.surgery_level",
        counted=None,
        why="invalid" if said else "absent",
        detail=wrong if said else text,
    )
    return Derived(frozenset(_LEVELS.values()), (row,))


_LEVELS = {
    "I": "I", "1": "I", "一": "I", "II": "II", "2": "II", "二": "II", "III": "III", "3": "III", "三": "III", "IV": "IV", "4": "IV", "四": "IV",
}  # fmt: skip

_LEVEL_ZH = {"I": "一", "II": "二", "III": "三", "IV": "四"}


def case_is_difficult(case: Case, options: Options) -> Derived:
    """Whether the case is one that a site counts as difficult, by the `criteria` that it names.

    `several_tumours`: another primary on record; `poor_performance`: the newest ECOG is `ecog` or more;
    `stage_iv`: the newest clinical stage has M1 or a group IV.
    """
    criteria = options["criteria"].value
    judges = {"several_tumours": _several, "poor_performance": _poor_performance, "stage_iv": _stage_iv}
    chosen = [judges[name](case, options) for name in sorted(criteria)] if isinstance(criteria, tuple) else []
    truth = some(d.truth for d in chosen)
    made = known(
        truth,
        lambda: (row for d in chosen for row in d.evidence),
        [m for d in chosen if d.truth is None for m in d.missing],
    )
    return replace(made, holding=tuple(t for d in chosen if d.truth for t in d.holding))


def _several(case: Case, options: Options) -> Derived:
    several = case.tumour.several
    text = Text(zh="病历中不止一个原发肿瘤", en="several primary tumours on record")
    untold = Text(
        zh="无法确定是否还有其他原发肿瘤", en="whether there are other primary tumours can't be told"
    )
    rows = (
        (Evidence(fact="patient.has_tumour", counted=None, why="not_supplied", detail=untold),)
        if several is None
        else ()
    )
    made = known(several, rows)
    return Derived(made.possible, made.evidence, (), (text,) if several else ())


def _poor_performance(case: Case, options: Options) -> Derived:
    selection = select(case, "vital.ecog", window=Window.of(options["ecog_window"], case.at))
    limit = options["ecog"].value
    assert isinstance(limit, Decimal)
    newest = selection.newest
    exact = {s.value for s in newest if s.counted and s.problem is None and s.value is not None}
    known_all = (
        not selection.hidden and len(exact) == 1 and all(s.counted and s.problem is None for s in newest)
    )
    value = next(iter(exact)) if known_all else None
    truth = None if value is None else value >= limit
    lacking = Text(zh="近期没有 ECOG 评分", en="no recent ECOG performance status")
    rows = [s.evidence(selection.fact) for s in selection.standings] + [
        h.evidence(selection.fact) for h in selection.hidden
    ]
    absent = (
        []
        if newest or selection.hidden
        else [Evidence(fact="vital.ecog", counted=None, why="absent", detail=lacking)]
    )
    made = known(truth, [*absent, *rows])
    text = Text(zh=f"ECOG {value} 分", en=f"ECOG {value}")
    return Derived(
        made.possible, made.evidence, ("vital.ecog",) if truth is None else (), (text,) if truth else ()
    )


def _stage_iv(case: Case, options: Options) -> Derived:
    selection = select(case, "stage.clinical")
    read = [_read(case, s) for s in selection.newest]
    spread = [
        None if r is None else (r[0].m or "").startswith("1") or (r[0].group or "").upper().startswith("IV")
        for r in read
    ]
    truth = None if selection.hidden or not spread else some(spread)
    text = Text(zh="临床Ⅳ期", en="clinical stage IV")
    made = known(truth, selection.evidence())
    return Derived(
        made.possible, made.evidence, ("stage.clinical",) if truth is None else (), (text,) if truth else ()
    )
