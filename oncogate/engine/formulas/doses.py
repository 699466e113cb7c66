"""Doses: above the maximum, against the last one, carboplatin by clearance, and what was given in a lifetime."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from oncogate.base.logic import Truth, some
from oncogate.base.texts import Text
from oncogate.clinical.doses import calvert_target
from oncogate.engine.case import Case, OrderedDrug, in_classes
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.formulas.body import creatinine_clearance, plain
from oncogate.engine.formulas.given import dose_of, reckoned_by
from oncogate.engine.select import select
from oncogate.engine.standing import Standing
from oncogate.engine.values import unit_text
from oncogate.model.decision import Evidence
from oncogate.model.record import Drug, Treatment
from oncogate.packs.tables import KnownDrug

UNBOUNDED = Decimal("Infinity")
"""What a quantity may come to where a part of it isn't known: `{120, UNBOUNDED}` is 120 or more."""

Factor = Callable[[KnownDrug], Decimal | None]
"""What turns a dose of a drug into one of its group's leading drug; `None` where none is known."""

_NO_DOSE = Text(zh="剂量未写明或无法换算", en="its dose isn't stated or can't be converted")
_NO_FACTOR = Text(zh="没有可用的剂量换算系数", en="no factor to convert its dose is known")
_NO_DRUGS = Text(zh="没有写明所用药物", en="its drugs aren't stated")


def order_over_maximum_dose(case: Case, options: Options) -> Derived:
    """Whether a drug of the order is dosed above the table's maximum for one dose."""
    truths: list[Truth] = [None] if case.doubtful else []
    rows: list[Evidence] = []
    said: list[Text] = []
    for drug in case.drugs:
        most = case.tables.maximum_doses.get(drug.known.id) if drug.known else None
        if most is None:
            continue
        dose = dose_of(case, drug.drug, most.unit)
        over = None if dose is None else dose > most.value
        truths.append(over)
        rows += [_order_row(drug, dose, most.unit), *reckoned_by(case, drug.drug, most.unit)]
        if over and dose is not None:
            label, limit = drug.label, f"{most.value:f} {most.unit}"
            said.append(
                Text(
                    zh=f"{label.zh} {plain(dose)} {most.unit}（单次上限 {limit}）",
                    en=f"{label.en} {plain(dose)} {most.unit} (at most {limit} at once)",
                )
            )
    truth = some(truths)
    found = known(truth, rows, ["order.drugs"] if truth is None else ())
    return Derived(found.possible, found.evidence, found.missing, tuple(said))


def dose_change(case: Case, options: Options) -> Derived:
    """By how many percent a cytotoxic drug's dose differs from the one before, the most of all; 0 if there was none.

    `dosed_otherwise` lists drugs whose dose is worked out anew each time. A dose that isn't stated leaves it open.
    """
    otherwise = options["dosed_otherwise"].value if "dosed_otherwise" in options else ()
    earlier = select(case, "treatment.cytotoxic")
    rows: list[Evidence] = [h.evidence(earlier.fact) for h in earlier.hidden]
    changes, said, untold = [Decimal(0)], [], bool(earlier.hidden)
    for drug in case.drugs:
        if drug.known is None or drug.known.cls != "cytotoxic":
            continue
        if isinstance(otherwise, tuple) and drug.known.id in otherwise:
            continue
        last = _last_given(case, earlier.standings, drug.known.id)
        if last is None:
            continue
        standing, before = last
        now = dose_of(case, drug.drug, before.unit) if before.unit else None
        if before.dose is None or not before.dose or now is None or standing.counted is None:
            untold = True
            rows.append(_past_row(earlier.fact, standing, before, None, _NO_DOSE))
            continue
        percent = (now - before.dose) * 100 / before.dose
        changes.append(abs(percent).quantize(Decimal("0.1")))
        rows += [
            _past_row(earlier.fact, standing, before, True, None),
            *reckoned_by(case, drug.drug, before.unit or ""),
        ]
        if percent:
            numbers = f"{plain(before.dose)} → {plain(now)} {before.unit}"
            change = f"{percent:+.1f}".removesuffix(".0") + "%"
            said.append(
                Text(
                    zh=f"{drug.label.zh} {numbers}（{change}）",
                    en=f"{drug.label.en} {numbers} ({change})",
                )
            )
    if case.doubtful:
        untold = True
    most = max(changes)
    return Derived(
        frozenset({most, UNBOUNDED} if untold else {most}),
        tuple(rows),
        ("order.drugs",) if untold else (),
        tuple(said),
    )


def carboplatin_auc(case: Case, options: Options) -> Derived:
    """The AUC that the order's carboplatin amounts to by Calvert; `cap` is the most clearance that is reckoned with.

    Given `highest`, what it says in words names the dose in mg that this AUC comes to.
    """
    drugs = [d for d in case.drugs if d.known is not None and d.known.id == "carboplatin"]
    amounts = [dose_of(case, d.drug, "mg") for d in drugs]
    clearance = creatinine_clearance(case, case.facts["patient.crcl"].parameters)
    rows = [_order_row(d, a, "mg") for d, a in zip(drugs, amounts, strict=True)]
    rows += [row for d in drugs for row in reckoned_by(case, d.drug, "mg")]
    total = sum((a for a in amounts if a is not None), Decimal(0))
    if not drugs or None in amounts or not clearance.possible:
        missing = clearance.missing or ("order.drugs",)
        return Derived(frozenset(), (*rows, *clearance.evidence), missing)
    cap = options["cap"].value
    reckoned = {min(c, cap) if isinstance(cap, Decimal) else c for c in clearance.possible}
    possible = {auc for c in reckoned if (auc := calvert_target(total, c)) is not None}
    least = min(reckoned)
    auc = calvert_target(total, least)
    zh = f"卡铂 {plain(total)} mg，肌酐清除率按 {least:.0f} mL/min 计算，相当于 AUC {auc}"
    en = f"carboplatin {plain(total)} mg is an AUC of {auc} at a creatinine clearance of {least:.0f} mL/min"
    return Derived(frozenset(possible), (*rows, *clearance.evidence), holding=(Text(zh=zh, en=en),))


def cumulative_bleomycin(case: Case, options: Options) -> Derived:
    """Bleomycin given in a lifetime with this order, in units; a dose in mg, or above `largest` at once, isn't in them."""
    largest = options["largest"].value if "largest" in options else None
    return lifetime_dose(
        case, "dose.bleomycin_total", "treatment.bleomycin", "U", lambda drug: Decimal(1),
        largest if isinstance(largest, Decimal) else None,
    )  # fmt: skip


def lifetime_dose(
    case: Case, name: str, of: str, unit: str, factor: Factor, largest: Decimal | None = None
) -> Derived:  # fmt: skip
    """What the record and the order hold together of the drugs that the fact `of` names, in `unit`.

    A treatment counts once, with the dose that it states. What can't be told leaves the sum open upwards.
    """
    wanted = frozenset(case.facts[of].drugs)
    selection = select(case, of)
    total, rows = Decimal(0), [h.evidence(of) for h in selection.hidden]
    untold = bool(selection.hidden)

    def amount(drug: Drug, one: KnownDrug) -> tuple[Decimal | None, Text | None]:
        by = factor(one)
        dose = dose_of(case, drug, unit)
        if by is None:
            return None, _NO_FACTOR
        if dose is None or (largest is not None and dose > largest):
            return None, _NO_DOSE
        return dose * by, None

    for standing in selection.standings:
        if standing.counted is None:
            untold = True
            rows.append(standing.evidence(of))
            continue
        for drug in getattr(standing.entry, "drugs", ()) if standing.counted else ():
            one = case.tables.identify(drug)
            member = in_classes(one, wanted) if one is not None else False
            if one is None or member is False:
                continue
            share, problem = amount(drug, one) if member else (None, _NO_DOSE)
            untold = untold or share is None
            total += share or 0
            rows += [
                _past_row(of, standing, drug, True if share is not None else None, problem),
                *reckoned_by(case, drug, unit),
            ]
    unsure = {s.entry.id for s in selection.standings if s.counted is None}
    unnamed = [row for row in _without_drugs(case, of, wanted) if row.entry not in unsure]
    rows += unnamed
    for ordered in case.drugs:
        one = ordered.known
        member = in_classes(one, wanted) if one is not None else None if case.doubtful else False
        if member is False:
            continue
        share, problem = amount(ordered.drug, one) if one is not None and member else (None, _NO_DOSE)
        untold = untold or share is None
        total += share or 0
        row = _order_row(ordered, share, unit)
        rows += [
            row if problem is None else row.model_copy(update={"detail": problem}),
            *reckoned_by(case, ordered.drug, unit),
        ]
    untold = untold or bool(unnamed) or (case.doubtful and not case.drugs)
    label, shown = case.facts[name].label, f"{plain(total.quantize(Decimal('0.01')))} {unit_text(unit).zh}"
    said = Text(
        zh=f"{label.zh}{'至少 ' if untold else ' '}{shown}",
        en=f"{label.en}{' at least' if untold else ''} {shown}",
    )
    return Derived(
        frozenset({total, UNBOUNDED} if untold else {total}),
        tuple(dict.fromkeys(rows)),
        (of,) if untold else (),
        (said,),
    )


def _without_drugs(case: Case, of: str, wanted: frozenset[str]) -> list[Evidence]:
    """Treatments of which the drugs aren't stated and whose regimen, if named, doesn't tell that none is wanted."""
    counted = case.facts[of].counted
    rows = []
    for entry in case.record.treatments or ():
        if not isinstance(entry, Treatment) or entry.kind != "drugs" or entry.drugs:
            continue
        ahead = entry.effective is not None and case.first_instant(entry.effective) > case.at
        if ahead or entry.status not in counted or not case.stands(entry):
            continue
        named = case.tables.regimens_named(entry.regimen) if entry.regimen else ()
        parts = {id for row in named for id in row.components}
        drugs = [case.tables.drugs[id] for id in sorted(parts) if id in case.tables.drugs]
        if not named or any(in_classes(d, wanted) is not False for d in drugs):
            rows.append(
                Evidence(
                    fact=of, entry=entry.id, source=entry.source, counted=None, why="absent",
                    value=entry.regimen or entry.name, time=entry.effective, detail=_NO_DRUGS,
                )
            )  # fmt: skip
    return rows


def _last_given(case: Case, standings: tuple[Standing, ...], id: str) -> tuple[Standing, Drug] | None:
    """The newest treatment that has the drug, and the drug in it; one without a time may be the newest."""
    for standing in sorted(standings, key=lambda s: s.when is not None):
        if standing.counted is False or not isinstance(standing.entry, Treatment):
            continue
        for drug in standing.entry.drugs:
            one = case.tables.identify(drug)
            if one is not None and one.id == id:
                return standing, drug
        named = case.tables.regimens_named(standing.entry.regimen or "")
        if not standing.entry.drugs and any(id in row.components for row in named):
            return standing, Drug(name=standing.entry.regimen)
    return None


def _order_row(drug: OrderedDrug, dose: Decimal | None, unit: str) -> Evidence:
    if dose is None:
        return Evidence(fact="order.drugs", counted=None, why="absent", value=drug.label.zh, detail=_NO_DOSE)
    shown = f"{plain(dose.quantize(Decimal('0.1')))} {unit_text(unit).zh}"
    return Evidence(fact="order.drugs", counted=True, value=drug.label.zh, detail=Text(zh=shown, en=shown))


def _past_row(
    fact: str, standing: Standing, drug: Drug, counted: Truth, problem: Text | None
) -> Evidence:  # fmt: skip
    dose = f" {plain(drug.dose)} {drug.unit or ''}".rstrip() if drug.dose is not None else ""
    row = standing.evidence(fact)
    return row.model_copy(
        update={
            "counted": counted, "why": row.why if problem is None else "absent", "detail": problem or row.detail,
            "value": (drug.name or drug.code or "") + dose,
        }
    )  # fmt: skip
