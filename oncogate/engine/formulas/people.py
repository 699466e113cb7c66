"""Who signed the order, whether they may, and who has checked it since."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from oncogate.base.logic import Truth, some
from oncogate.base.texts import Text
from oncogate.engine.case import Case, in_classes
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.select import select
from oncogate.engine.standing import Window
from oncogate.model.decision import Evidence
from oncogate.model.facts import word_key
from oncogate.model.parameter import Parameter

VERIFICATION = "event.order_verification"


def order_prescriber(case: Case, options: Options) -> Derived:
    """The prescriber as the host names them; nothing is known where the order doesn't say."""
    said = case.order.prescriber if case.order else None
    if not said:
        detail = Text(zh="医嘱没有写明开具医师", en="the order doesn't name its prescriber")
        row = Evidence(fact="order.prescriber", counted=None, why="absent", detail=detail)
        return Derived(frozenset(), (row,), ("order.prescriber",))
    return Derived(
        frozenset({said}),
        (Evidence(fact="order.prescriber", counted=True, value=said),),
        holding=(Text(zh=said, en=said),),
    )


def order_restricted(case: Case, options: Options) -> Derived:
    """Whether the order holds a drug of restricted use: one of `restricted`, or one whose role the host gives so (`marks`)."""
    listed, marks = _words(options["restricted"]), {word_key(mark) for mark in _words(options["marks"])}
    wanted = frozenset(listed)
    each: list[Truth] = []
    evidence: list[Evidence] = []
    for drug in case.drugs:
        marked = word_key(drug.drug.role or "") in marks
        in_list = in_classes(drug.known, wanted) if drug.known and wanted else False
        each.append(some((marked, in_list)))
        if each[-1] is not False:
            evidence.append(Evidence(fact="order.drugs", counted=each[-1], value=drug.label.zh))
    if listed and case.doubtful:
        each.append(None)
    return known(some(each), evidence)


def order_is_signed(case: Case, options: Options) -> Derived:
    """Whether the order was signed `grace` ago or earlier; one without a time of signing is being signed now."""
    signed = case.order.ordered if case.order else None
    return known(signed is not None and signed <= Window.of(options["grace"], case.at).since)


def order_verifiers(case: Case, options: Options) -> Derived:
    """How many persons other than the prescriber have verified the order since it was signed.

    A check without a name may be anyone's; where the prescriber isn't named, one of the names may be theirs.
    """
    order = case.order
    since = None
    if order is not None and order.ordered is not None:
        since = Window(order.ordered, Text(zh="医嘱开具时间", en="order's signing"))
    selection = select(case, VERIFICATION, since=since)
    prescriber = word_key(order.prescriber) if order and order.prescriber else None
    names: set[str] = set()
    unsure = 0
    evidence: list[Evidence] = []
    for one in selection.standings:
        standing, by = one, str(getattr(one.entry, "by", None) or "")
        if standing.counted is None or (standing.counted and not by):
            unsure += 1
            said = standing.detail or Text(zh="没有写明核对人", en="it doesn't say who checked")
            standing = replace(standing, counted=None, why=standing.why or "absent", detail=said)
        elif standing.counted:
            names.add(word_key(by))
            if word_key(by) == prescriber:
                said = Text(zh="核对人即开具医师本人", en="checked by the prescriber")
                standing = replace(standing, counted=False, why="wrong_kind", detail=said)
        evidence.append(standing.evidence(VERIFICATION).model_copy(update={"value": by or None}))
    evidence += [h.evidence(VERIFICATION) for h in selection.hidden]
    if not evidence:
        evidence.append(Evidence(fact=VERIFICATION, counted=False, why="absent"))
    others = len(names - {prescriber})
    least = others - 1 if prescriber is None and others else others
    most = Decimal("Infinity") if selection.hidden else Decimal(others + unsure)
    found = frozenset({Decimal(least), most})
    return Derived(found, tuple(evidence), (VERIFICATION,) if len(found) > 1 else ())


def _words(parameter: Parameter) -> tuple[str, ...]:
    return parameter.value if isinstance(parameter.value, tuple) else (str(parameter.value),)
