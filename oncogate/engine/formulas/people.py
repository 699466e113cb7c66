"""Who signed and who checked the order, and how long ago it was signed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options
from oncogate.engine.select import select
from oncogate.engine.standing import Window
from oncogate.model.decision import Evidence
from oncogate.model.facts import word_key

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


def order_age(case: Case, options: Options) -> Derived:
    """For how long the order has been signed, in min; 0 for one that is being signed now (no time of signing given)."""
    signed = case.order.ordered if case.order else None
    if signed is None or signed > case.at:
        return Derived(frozenset({Decimal(0)}))
    return Derived(frozenset({Decimal(int((case.at - signed).total_seconds())) / 60}))


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
            standing = replace(standing, counted=None, why=standing.why or "absent")
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
