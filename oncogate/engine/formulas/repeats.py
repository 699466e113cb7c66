"""What stands beside the order: the same drug ordered twice, another regimen, a drug that must not meet it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from oncogate.base.logic import Truth, every, some
from oncogate.base.texts import Text
from oncogate.base.times import Time
from oncogate.engine.case import Case, OrderedDrug, in_classes
from oncogate.engine.derived import Derived, Options, known, unrecognised
from oncogate.engine.select import Selection, select
from oncogate.engine.standing import Standing, Window
from oncogate.model.decision import Evidence
from oncogate.model.facts import word_key
from oncogate.model.parameter import Parameter
from oncogate.model.record import Drug, Entry, OrderOnRecord, Treatment
from oncogate.packs.tables import KnownDrug

OTHER_ORDERS = "order.others"
OTHER_TREATMENTS = "treatment.drugs"
NO_REGIMEN = Text(
    zh="本次医嘱没有写明方案名称，无法比较", en="this order doesn't name its regimen to compare with"
)
NO_ROUTE = Text(zh="没有写明给药途径", en="its route isn't stated")
RUNNING = frozenset({"planned", "active", "in-progress"})


@dataclass(frozen=True)
class _Given:
    """A drug of another order or of a treatment, with what it was recognised as for the question asked."""

    fact: str
    standing: Standing
    drug: Drug


def order_repeats_drug(case: Case, options: Options) -> Derived:
    """Whether another order that still stands gives an anti-tumour drug of this one, planned within `days` of it.

    An order without a planned day is taken for the day on which it was written. A drug of another order that isn't
    recognised is none of this order's unless it is called the same.
    """
    mine = {d.known.id if d.known else d.label.zh for d in case.drugs if not d.known or d.known.anti_tumour}
    if case.has_drug(["anti_tumour"]) is False:
        return known(False)
    selection = select(case, OTHER_ORDERS)

    def same(given: _Given) -> Truth:
        drug = case.tables.identify(given.drug)
        if (drug.id if drug else given.drug.name) in mine:
            return True
        return None if case.doubtful and (drug is None or drug.anti_tumour) else False

    judged = [
        (every((_near(case, g.standing.entry, options["days"]), same(g))), g)
        for g in _given(case, (selection,))
    ]
    return _met([g for t, g in judged if t], (selection,), [g for t, g in judged if t is None])


def order_overlaps_regimen(case: Case, options: Options) -> Derived:
    """Whether a treatment by another regimen, begun within `window`, is still going on.

    The order belongs to that regimen where it is named the same or holds no other anti-tumour drugs than it.
    """
    order = case.order
    if order is None or case.has_drug(["anti_tumour"]) is False:
        return known(False)
    selection = select(case, OTHER_TREATMENTS, window=Window.of(options["window"], case.at))
    mine = frozenset(d.known.id for d in case.drugs if d.known is not None and d.known.anti_tumour)
    whole = not case.doubtful and all(d.known is not None for d in case.drugs)
    truths: list[Truth] = []
    evidence: list[Evidence] = []
    holding: list[Text] = []
    for standing in selection.standings:
        entry = standing.entry
        if not isinstance(entry, Treatment) or not entry.regimen or entry.status not in RUNNING:
            continue
        parts = [case.tables.identify(d) for d in entry.drugs]
        own = frozenset(k.id for k in parts if k is not None)
        rows = [case.tables.anti_tumour_part(r) for r in case.tables.regimens_named(entry.regimen)]
        named_so = bool(order.regimen) and case.tables.same_regimen(order.regimen or "", entry.regimen)
        part_of_it = whole and any(mine <= part for part in (own, *rows) if part)
        other: Truth = False if named_so or part_of_it else True if order.regimen else None
        truth = every((standing.counted, other))
        if other is not False and standing.counted is not False:
            truths.append(truth)
            row = standing.evidence(OTHER_TREATMENTS)
            detail = row.detail or (NO_REGIMEN if other is None else None)
            evidence.append(
                row.model_copy(update={"counted": truth, "value": entry.regimen, "detail": detail})
            )
            holding += [Text(zh=entry.regimen, en=entry.regimen)] if truth else []
    if selection.hidden:
        truths.append(None)
        evidence += [h.evidence(OTHER_TREATMENTS) for h in selection.hidden]
    truth = some(truths)
    return Derived(
        frozenset({True, False} if truth is None else {truth}),
        tuple(evidence),
        (OTHER_TREATMENTS,) if truth is None else (),
        tuple(dict.fromkeys(holding)),
    )


def drug_on_record(case: Case, options: Options) -> Derived:
    """Whether a drug of `drugs` is ordered now, is being given, is planned, or was given within `window`.

    A drug on record that isn't recognised is none of them: of an inpatient's many other orders, most are of no concern.
    """
    wanted = frozenset(_words(options["drugs"]))
    since = Window.of(options["window"], case.at).since
    selections = (select(case, OTHER_ORDERS), select(case, OTHER_TREATMENTS))

    def matches(given: _Given) -> Truth:
        drug, when = case.tables.identify(given.drug), given.standing.when
        running = getattr(given.standing.entry, "status", None) in RUNNING
        recent: Truth = True if running else None if when is None else when >= since
        return every((in_classes(drug, wanted) if drug else False, recent))

    judged = [(matches(g), g) for g in _given(case, selections, over=True)]
    beside = _met([g for t, g in judged if t], selections, [g for t, g in judged if t is None])
    inside = [d for d in case.drugs if d.known is not None and in_classes(d.known, wanted)]
    truth = some((case.has_drug(wanted), beside.truth))
    return Derived(
        frozenset({True, False} if truth is None else {truth}),
        (*(Evidence(fact="order.drugs", counted=True, value=d.label.zh) for d in inside), *beside.evidence),
        (OTHER_ORDERS,) if truth is None else (),
        tuple(dict.fromkeys((*(d.label for d in inside), *beside.holding))),
    )


def intrathecal_same_day(case: Case, options: Options) -> Derived:
    """Whether a drug of `drugs` (a vinca alkaloid) meets an intrathecal injection on the day of the order.

    One of the two is in the order; the other in it too, in another order or among the treatments of that day. Any drug
    whose route is one of `routes` is an injection. One of `intrathecal_drugs` whose route isn't stated may be, unless
    its name has a word of `swallowed` (a tablet); so may a drug of a marked order that isn't recognised, and it may be
    a vinca alkaloid too.
    """
    vinca, often = frozenset(_words(options["drugs"])), frozenset(_words(options["intrathecal_drugs"]))
    routes = {word_key(route) for route in _words(options["routes"])}
    swallowed = tuple(word.casefold() for word in _words(options["swallowed"]))

    def is_vinca(known: KnownDrug | None, untold: Truth = False) -> Truth:
        return in_classes(known, vinca) if known else untold

    def intrathecal(drug: Drug, known: KnownDrug | None, untold: Truth = False) -> Truth:
        if drug.route:
            return word_key(drug.route) in routes
        if known is not None and any(word in (drug.name or "").casefold() for word in swallowed):
            return False
        may_be = in_classes(known, often) is not False if known else untold is None
        return None if may_be else False

    untold: Truth = None if case.marked else False
    mine = [(d, is_vinca(d.known, untold), intrathecal(d.drug, d.known, untold)) for d in case.drugs]
    own_vinca, own_intrathecal = some([v for _, v, _ in mine]), some([i for _, _, i in mine])
    if own_vinca is False and own_intrathecal is False:
        return known(None if case.doubtful and not case.drugs else False)
    selections = (select(case, OTHER_ORDERS), select(case, OTHER_TREATMENTS))
    pairs: list[tuple[Truth, Evidence]] = []
    for given in _given(case, selections, over=True):
        day, drug = _day_of(case, given.standing.entry), case.tables.identify(given.drug)
        today: Truth = None if day is None else day == _my_day(case)
        its_vinca, its_intrathecal = is_vinca(drug), intrathecal(given.drug, drug)
        met = some((every((own_vinca, its_intrathecal)), every((own_intrathecal, its_vinca))))
        if (found := every((today, met, given.standing.counted))) is not False:
            pairs.append((found, _beside(given, every((today, some((its_vinca, its_intrathecal)))))))
    # one drug alone is both only where it is to be given so: a vinca alkaloid, or what may be one
    inside = some(
        every((v, i)) if one is not other or i else False for one, v, _ in mine for other, _, i in mine
    )
    hidden = [h.evidence(s.fact) for s in selections for h in s.hidden]
    truth = some([inside, *(t for t, _ in pairs), None if hidden else False])
    evidence = [_ordered(d, v, i) for d, v, i in mine if v is not False or i is not False]
    evidence += [row for _, row in pairs] + hidden
    return known(truth, dict.fromkeys(evidence), (OTHER_ORDERS,) if truth is None else ())


def _ordered(drug: OrderedDrug, vinca: Truth, intrathecal: Truth) -> Evidence:
    """A drug of the order, and what of it isn't told."""
    if drug.known is None:
        return unrecognised("order.drugs", drug)
    if vinca is False and intrathecal is None:
        return Evidence(fact="order.drugs", counted=None, why="invalid", value=drug.label.zh, detail=NO_ROUTE)
    return Evidence(fact="order.drugs", counted=True, value=drug.label.zh, detail=drug.known.label)


def _beside(given: _Given, sure: Truth) -> Evidence:
    """A drug that was given, or is ordered, beside it; `sure` if it is one of the two and of that day."""
    row = _row(given, every((sure, given.standing.counted)))
    unsaid = row.counted is None and row.why is None
    return row.model_copy(update={"why": "invalid", "detail": NO_ROUTE}) if unsaid else row


def _given(case: Case, selections: Iterable[Selection], *, over: bool = False) -> Iterator[_Given]:
    """The drugs of the other orders and treatments that count, or may; `over`: also those that are over."""
    own = case.order.id if case.order else None
    for selection in selections:
        for standing in selection.standings:
            entry = standing.entry
            mine = isinstance(entry, OrderOnRecord) and entry.id == own
            status = getattr(entry, "status", None)
            if mine or standing.counted is False or not (over or status in RUNNING):
                continue
            yield from (_Given(selection.fact, standing, drug) for drug in getattr(entry, "drugs", ()))


def _met(found: Iterable[_Given], selections: Iterable[Selection], unsure: Iterable[_Given] = ()) -> Derived:
    """True where something was found; unknown where it can't be told or the record may hide it."""
    rows = [(every((True, g.standing.counted)), g) for g in found] + [(None, g) for g in unsure]
    hidden = [h.evidence(s.fact) for s in selections for h in s.hidden]
    truth = some([*(t for t, _ in rows), None if hidden else False])
    names = dict.fromkeys(g.drug.name or g.drug.code or "" for t, g in rows if t)
    return Derived(
        frozenset({True, False} if truth is None else {truth}),
        tuple(dict.fromkeys([*(_row(g, t) for t, g in rows), *hidden])),
        (OTHER_ORDERS,) if truth is None else (),
        tuple(Text(zh=name, en=name) for name in names if name),
    )


def _row(given: _Given, truth: Truth) -> Evidence:
    row = given.standing.evidence(given.fact)
    return row.model_copy(update={"counted": truth, "value": given.drug.name or given.drug.code})


def _my_day(case: Case) -> date:
    return _day(case, case.order.planned if case.order and case.order.planned else case.at)


def _day_of(case: Case, entry: Entry) -> date | None:
    time = getattr(entry, "planned", None) or entry.effective
    return None if time is None else _day(case, time)


def _day(case: Case, time: Time) -> date:
    return time.astimezone(case.at.tzinfo).date() if isinstance(time, datetime) else time


def _near(case: Case, entry: Entry, days: Parameter) -> Truth:
    """Whether the entry's day is within `days` of the order's; unknown if it has none."""
    theirs = _day_of(case, entry)
    return None if theirs is None else abs((theirs - _my_day(case)).days) <= int(str(days.value))


def _words(parameter: Parameter) -> tuple[str, ...]:
    return parameter.value if isinstance(parameter.value, tuple) else (str(parameter.value),)
