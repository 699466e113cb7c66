"""What the order is: anti-tumour or not, recognised or not, first line or not, and its limits to start."""

from __future__ import annotations

from decimal import Decimal

from oncogate.base.logic import some
from oncogate.base.texts import Text
from oncogate.engine.case import LOCAL_KINDS, Case, OrderedDrug
from oncogate.engine.derived import Derived, Options, drug_evidence, known, unrecognised
from oncogate.model.decision import Evidence


def order_is_anti_tumour(case: Case, options: Options) -> Derived:
    """Whether the order treats a tumour, by drugs, surgery or radiotherapy."""
    local = case.order is not None and case.order.kind in LOCAL_KINDS
    return known(
        some((local, case.has_drug(["anti_tumour"]))),
        drug_evidence(case, "order.anti_tumour", ["anti_tumour"]),
    )


def order_drugs(case: Case, options: Options) -> Derived:
    """The order's drugs, as recognised; leaves that ask for their classes use `Case.has_drug`."""
    return Derived(frozenset(d.known.id if d.known else None for d in case.drugs))


def order_is_marked(case: Case, options: Options) -> Derived:
    """Whether the order says that it is anti-tumour: by its kind, its regimen or its reason."""
    return known(case.marked)


def order_drugs_recognised(case: Case, options: Options) -> Derived:
    """Whether every drug of the order was recognised."""
    unknown = [d for d in case.drugs if d.known is None]
    return known(not unknown, [unrecognised("order.drugs_recognised", d) for d in unknown])


def patient_has_tumour(case: Case, options: Options) -> Derived:
    """Whether a tumour is on record."""
    return known(case.has_tumour)


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
        others = {limit for limit in limits.values() if limit is not None} | (
            {default} if isinstance(default, Decimal) else set()
        )
        possible |= {limit for limit in others if strictest is None or limit > strictest}
    evidence = [
        Evidence(fact="order.start_limit_anc", counted=limit == strictest, value=f"{drug.label.zh} {limit:f} 10*9/L", detail=None)
        for limit, drug in own
    ]  # fmt: skip
    return Derived(frozenset(possible), tuple(evidence))


def has_first_line_list(case: Case, options: Options) -> Derived:
    """Whether the site lists first-line regimens for the order's tumour."""
    kind = case.tumour.kind
    if kind is None:
        return known(False if not case.tables.first_line else None)
    return known(bool(case.tables.first_line.get(kind.id)))


def regimen_is_first_line(case: Case, options: Options) -> Derived:
    """Whether the order's regimen is on the site's first-line list for the tumour; unknown without a name."""
    kind, order = case.tumour.kind, case.order
    listed = case.tables.first_line.get(kind.id, frozenset()) if kind else frozenset()
    if order is None or not order.regimen:
        said = Text(zh="医嘱没有写明方案名称", en="the order doesn't name its regimen")
        return known(
            None, [Evidence(fact="order.regimen", counted=None, why="absent", detail=said)], ["order.regimen"]
        )
    found = any(case.tables.same_regimen(order.regimen, one) for one in listed)
    return known(found, [Evidence(fact="order.regimen", counted=found, value=order.regimen)])
