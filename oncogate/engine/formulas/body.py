"""The patient's body: age, sex, ward, surface, weight and clearance of creatinine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from dateutil.relativedelta import relativedelta

from oncogate.base.texts import Text
from oncogate.clinical import doses
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Window
from oncogate.model.decision import Evidence
from oncogate.model.values import Quantity


def patient_age(case: Case, options: Options) -> Derived:
    """The patient's age in completed years, on the day of the moment."""
    patient = case.record.patient
    born = patient.birth_date if patient else None
    today = case.at.date()
    oldest = options["oldest"].value if "oldest" in options else None
    age = Decimal(_years(born, today)) if born is not None else None
    if born is not None and (
        born > today or (isinstance(oldest, Decimal) and age is not None and age > oldest)
    ):
        said = Text(zh=f"出生日期 {born} 不可信", en=f"the date of birth {born} can't be right")
        return Derived(
            UNKNOWN,
            (Evidence(fact="patient.age", counted=None, why="implausible", detail=said),),
            ("patient.age",),
        )
    if age is None:
        return _without(_not_supplied("patient.age"))
    return Derived(
        frozenset({age}),
        (_said("patient.age", f"{age} a"),),
        holding=(Text(zh=f"{age} 岁", en=f"{age} years"),),
    )


def _years(born: date, today: date) -> int:
    """The completed years. Who was born on a 29 February is a matter for the calendar."""
    if (born.month, born.day) == (2, 29):
        return relativedelta(today, born).years
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def patient_sex(case: Case, options: Options) -> Derived:
    """`female` or `male`; unknown where the host says anything else."""
    sex = case.record.patient.sex if case.record.patient else None
    if sex not in ("female", "male"):
        return Derived(frozenset({"female", "male"}), (_not_supplied("patient.sex"),), ("patient.sex",))
    return Derived(frozenset({sex}), (_said("patient.sex", sex),))


def patient_ward(case: Case, options: Options) -> Derived:
    """The ward as the host calls it; unknown where it doesn't say."""
    ward = (case.record.patient.ward or "").strip() if case.record.patient else ""
    if not ward:
        return _without(_not_supplied("patient.ward"))
    return Derived(frozenset({ward}), (_said("patient.ward", ward),))


def body_surface(case: Case, options: Options) -> Derived:
    """The body surface in m2: computed from height and weight, else as recorded. `formula`, `weight_window` are options."""
    computed = _computed_surface(case, options)
    if computed is not None:
        rows = _used(case, options, ("vital.height", "height_window"), ("vital.weight", "weight_window"))
        return _quantity("patient.bsa", computed, "m2", rows)
    recorded = _number(case, "vital.bsa", options, "weight_window")
    if recorded is not None:
        return _quantity("patient.bsa", recorded, "m2", _used(case, options, ("vital.bsa", "weight_window")))
    return _without(_absent("patient.bsa"))


def _computed_surface(case: Case, options: Options) -> Decimal | None:
    height = _number(case, "vital.height", options, "height_window")
    weight = _number(case, "vital.weight", options, "weight_window")
    if height is None or weight is None:
        return None
    return doses.body_surface(str(options["formula"].value), height, weight)


def body_surface_deviation(case: Case, options: Options) -> Derived:
    """By how many percent the recorded body surface differs from the one computed; 0 where one isn't on record."""
    own = {**case.facts["patient.bsa"].parameters, **options}
    needed = (
        ("vital.bsa", "weight_window"),
        ("vital.height", "height_window"),
        ("vital.weight", "weight_window"),
    )
    if any(_absent_in(case, fact, own, window) for fact, window in needed):
        return Derived(frozenset({Decimal(0)}))
    recorded = _number(case, "vital.bsa", own, "weight_window")
    computed = _computed_surface(case, own)
    if recorded is None or computed is None or not computed:
        rows = [row for fact, window in needed for row in _unsaid(case, fact, own, window)]
        rows += _used(case, own, *needed)
        return Derived(UNKNOWN, tuple(dict.fromkeys(rows)), ("patient.bsa_deviation",))
    percent = _percent(recorded, computed)
    said = Text(
        zh=f"记录的体表面积 {plain(recorded)} m²，按身高体重计算为 {computed:.2f} m²，相差 {plain(percent)}%",
        en=f"body surface {plain(recorded)} m² on record, {computed:.2f} m² by height and weight, {plain(percent)}% apart",
    )
    used = _used(case, own, *needed)
    return Derived(
        frozenset({percent}), (_said("patient.bsa_deviation", f"{plain(percent)}%"), *used), holding=(said,)
    )


def weight_change(case: Case, options: Options) -> Derived:
    """By how many percent the newest weight differs from the last one taken more than `apart` before it; 0 without both."""
    lately = select(case, "vital.weight", window=Window.of(options["window"], case.at))
    taken = max((s.when for s in lately.newest if s.counted and s.when is not None), default=case.at)
    before = select(case, "vital.weight", older_than=Window.of(options["apart"], taken))
    if lately.exists is False or before.exists is False:
        return Derived(frozenset({Decimal(0)}))
    now, then = _value(lately), _value(before)
    if now is None or then is None or not then:
        rows = [
            row for row in (*lately.evidence(), *before.evidence()) if row.counted is not False
        ]  # what isn't counted has nothing to say here
        return Derived(UNKNOWN, tuple(rows), ("patient.weight_change",))
    percent = _percent(now, then)
    said = Text(
        zh=f"体重由 {plain(then)} kg 变为 {plain(now)} kg，变化 {plain(percent)}%",
        en=f"weight {plain(then)} kg before, {plain(now)} kg now, a change of {plain(percent)}%",
    )
    used = (s.evidence("vital.weight") for s in (*lately.newest, *before.newest))
    return Derived(
        frozenset({percent}), (_said("patient.weight_change", f"{plain(percent)}%"), *used), holding=(said,)
    )


def creatinine_measured(case: Case, options: Options) -> Derived:
    """Whether there is a creatinine within `window`: a rule on its clearance leaves its absence to another."""
    selection = select(case, "lab.creatinine", window=Window.of(options["window"], case.at))
    told = [s.evidence("lab.creatinine") for s in selection.standings if s.counted]
    rows = [*told, *(row for row in selection.evidence() if row.counted is None)]
    return known(selection.exists, rows, ["lab.creatinine"] if selection.exists is None else ())


def creatinine_clearance(case: Case, options: Options) -> Derived:
    """Creatinine clearance in mL/min after Cockcroft and Gault; `floor` is the least creatinine that is reckoned with."""
    age = quantity_of(patient_age(case, case.facts["patient.age"].parameters))
    sexes = patient_sex(case, {}).possible
    weight = _number(case, "vital.weight", options, "weight_window")
    creatinine = _number(case, "lab.creatinine", options, "window")
    lacking = [
        name
        for name, value in (("patient.age", age), ("vital.weight", weight), ("lab.creatinine", creatinine))
        if value is None
    ]
    if age is None or weight is None or creatinine is None or creatinine <= 0:
        windows = {"vital.weight": "weight_window", "lab.creatinine": "window"}
        gaps = [row for name in lacking for row in _gap(case, name, options, windows.get(name))]
        gaps += _used(case, options, *(pair for pair in windows.items() if pair[0] not in lacking))
        return Derived(UNKNOWN, tuple(gaps), tuple(lacking) or ("patient.crcl",))
    floor = options["floor"].value
    least = floor if isinstance(floor, Decimal) else creatinine
    possible = {
        doses.creatinine_clearance(int(age), weight, max(creatinine, least), female=sex == "female")
        for sex in sexes
    }
    rows = [_said("patient.crcl", f"{found.normalize():f} mL/min") for found in sorted(possible)]
    rows += _used(case, options, ("vital.weight", "weight_window"), ("lab.creatinine", "window"))
    # cut off, not rounded: 59.98 mustn't read as the 60 that it is below
    shown = plain(sorted(possible)[0].quantize(Decimal("0.1"), ROUND_DOWN))
    said = Text(zh=f"肌酐清除率 {shown} mL/min", en=f"creatinine clearance {shown} mL/min")
    return Derived(frozenset(possible), tuple(rows), holding=(said,))


UNKNOWN: frozenset[Any] = frozenset()
"""The possible values of something of which nothing is known: no comparison with it is true or false."""


def quantity_of(found: Derived) -> Decimal | None:
    """The quantity, if it is known."""
    value = next(iter(found.possible)) if len(found.possible) == 1 else None
    return value if isinstance(value, Decimal) else None


def _number(case: Case, fact: str, options: Options, window: str) -> Decimal | None:
    span = Window.of(options[window], case.at) if window in options else None
    return _value(select(case, fact, window=span))


def _used(case: Case, options: Options, *read: tuple[str, str]) -> tuple[Evidence, ...]:
    """The entries that values were read from: the newest of each fact, in its window."""
    found = []
    for fact, window in read:
        span = Window.of(options[window], case.at) if window in options else None
        found += [s.evidence(fact) for s in select(case, fact, window=span).newest]
    return tuple(found)


def _absent_in(case: Case, fact: str, options: Options, window: str) -> bool:
    """Whether nothing of the fact is there, for certain."""
    span = Window.of(options[window], case.at) if window in options else None
    return select(case, fact, window=span).exists is False


def _unsaid(case: Case, fact: str, options: Options, window: str) -> list[Evidence]:
    """Why a value isn't known; nothing if it is."""
    return _gap(case, fact, options, window) if _number(case, fact, options, window) is None else []


def _gap(case: Case, fact: str, options: Options, window: str | None) -> list[Evidence]:
    """Why a value isn't known: what was found and can't be used, or that nothing is there."""
    if window is None:  # no entry: the host says it of the patient, or doesn't
        return [_not_supplied(fact)]
    span = Window.of(options[window], case.at) if window in options else None
    rows = [r for r in select(case, fact, window=span).evidence() if r.entry is not None or r.counted is None]
    untold = any(r.counted is None or (r.counted and r.why is not None) for r in rows)
    return rows if untold else [*rows, _absent(fact)]


def _value(selection: Selection) -> Decimal | None:
    """The newest value, if all that is newest agrees and nothing may be hidden; a censored value is none."""
    newest = selection.newest
    values = {s.value for s in newest if s.counted and s.problem is None}
    exact = all(_exact(getattr(s.entry, "value", None)) for s in newest)
    if selection.hidden or len(values) != 1 or not exact or any(not s.counted or s.problem for s in newest):
        return None
    return next(iter(values))


def _exact(value: object) -> bool:
    return isinstance(value, Quantity) and value.comparator is None


def _percent(one: Decimal, other: Decimal) -> Decimal:
    return (abs(one - other) * 100 / other).quantize(Decimal("0.01"))


def plain(value: Decimal) -> str:
    """A number without its closing zeros."""
    return f"{value.normalize():f}"


def _quantity(fact: str, value: Decimal, unit: str, used: Iterable[Evidence]) -> Derived:
    return Derived(frozenset({value}), (_said(fact, f"{value.normalize():f} {unit}"), *used))


def _said(fact: str, value: str) -> Evidence:
    return Evidence(fact=fact, counted=True, value=value)


def _absent(fact: str) -> Evidence:
    return Evidence(fact=fact, counted=None, why="absent")


def _not_supplied(fact: str) -> Evidence:
    """That the host doesn't say of the patient what only it can say."""
    return Evidence(fact=fact, counted=None, why="not_supplied")


def _without(row: Evidence) -> Derived:
    """What isn't known, and the row that says why."""
    return Derived(UNKNOWN, (row,), (row.fact,))


def latest_weight(case: Case) -> Derived:
    """The newest weight in kg, whenever it was taken."""
    value = _value(select(case, "vital.weight"))
    if value is None:
        return _without(_absent("vital.weight"))
    return Derived(frozenset({value}), _used(case, {}, ("vital.weight", "")))
