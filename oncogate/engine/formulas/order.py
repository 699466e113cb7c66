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
        lambda: drug_evidence(case, "order.anti_tumour", ["anti_tumour"]),
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
    return known(not unknown, lambda: [unrecognised("order.drugs_recognised", d) for d in unknown])


def patient_has_tumour(case: Case, options: Options) -> Derived:
    """Whether a tumour is on record."""
    return known(case.has_tumour)


def start_limit_anc(case: Case, options: Options) -> Derived:
    """The strictest ANC limit of the order's myelosuppressive drugs, in 10*9/L; `None` where none has one."""
    return _start_limit(case, options, "anc")


def start_limit_platelets(case: Case, options: Options) -> Derived:
    """The strictest platelet limit of the order's myelosuppressive drugs, in 10*9/L; `None` where none has one."""
    return _start_limit(case, options, "platelets")


def start_limit_bilirubin(case: Case, options: Options) -> Derived:
    """The strictest limit of total bilirubin, in umol/L by the upper limit of normal `uln`; `None` where none has one."""
    limits = _start_limit(case, options, "bilirubin")
    uln = options["uln"].value
    assert isinstance(uln, Decimal)
    return Derived(frozenset(None if x is None else x * uln for x in limits.possible), limits.rows)


def start_limit_crcl(case: Case, options: Options) -> Derived:
    """The strictest limit of creatinine clearance, in mL/min; `None` where no drug has one."""
    return _start_limit(case, options, "crcl")


def _start_limit(case: Case, options: Options, of: str) -> Derived:
    """The strictest limit of the order's drugs.

    For blood counts, which myelosuppressive drugs alone have: a drug that the table lists without a limit has none of
    its own; one that it doesn't list has the `default`. A drug that isn't recognised may have any limit of the table.
    """
    default = options["default"].value if "default" in options else None
    limits = case.tables.start_limits
    strictest_of = min if of == "bilirubin" else max
    own: list[tuple[Decimal, OrderedDrug]] = []
    for drug in case.drugs:
        if drug.known is None or (default is not None and drug.known.myelosuppressive is False):
            continue
        row = limits.get(drug.known.id)
        limit = getattr(row, of) if row is not None else default
        if isinstance(limit, Decimal):
            own.append((limit, drug))
    strictest = strictest_of((limit for limit, _ in own), default=None)
    possible: set[Decimal | None] = {strictest}
    if case.doubtful:
        others = {limit for row in limits.values() if (limit := getattr(row, of)) is not None}
        others |= {default} if isinstance(default, Decimal) else set()
        possible |= {x for x in others if strictest is None or strictest_of(x, strictest) != strictest}

    def rows() -> tuple[Evidence, ...]:
        said = ((limit, f"{drug.label.zh} {limit:f} {_LIMIT_UNITS[of]}") for limit, drug in own)
        fact = f"order.start_limit_{of}"
        return tuple(Evidence(fact=fact, counted=limit == strictest, value=value) for limit, value in said)

    return Derived(frozenset(possible), rows)


_LIMIT_UNITS = {"anc": "10*9/L", "platelets": "10*9/L", "bilirubin": "× ULN", "crcl": "mL/min"}


def has_start_limit_bilirubin(case: Case, options: Options) -> Derived:
    """Whether a drug of the order has a limit of bilirubin in the table; one that isn't recognised may."""
    return _has_start_limit(case, "bilirubin")


def has_start_limit_crcl(case: Case, options: Options) -> Derived:
    """Whether a drug of the order has a limit of creatinine clearance in the table; one that isn't recognised may."""
    return _has_start_limit(case, "crcl")


def _has_start_limit(case: Case, of: str) -> Derived:
    limits = case.tables.start_limits
    ids = {id for id, row in limits.items() if getattr(row, of) is not None}
    return known(case.has_drug(ids), lambda: drug_evidence(case, "order.drugs", ids))


def order_cycle(case: Case, options: Options) -> Derived:
    """Which cycle the order is; unknown if it doesn't say."""
    if case.order is None or case.order.cycle is None:
        said = Text(zh="医嘱没有写明是第几周期", en="the order doesn't say which cycle it is")
        return Derived(
            frozenset(),
            (Evidence(fact="order.cycle", counted=None, why="absent", detail=said),),
            ("order.cycle",),
        )
    cycle = case.order.cycle
    return Derived(
        frozenset({Decimal(cycle)}),
        (Evidence(fact="order.cycle", counted=True, value=str(cycle)),),
        holding=(Text(zh=f"第 {cycle} 周期", en=f"cycle {cycle}"),),
    )


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
