"""How a drug of the order is given: its route, and its dose in another unit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from oncogate.base.logic import Truth
from oncogate.clinical.doses import dose_in
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived
from oncogate.engine.formulas.body import body_surface, latest_weight, quantity_of
from oncogate.engine.values import compare
from oncogate.model.decision import Evidence
from oncogate.model.facts import word_key
from oncogate.model.parameter import Parameter
from oncogate.model.record import Drug


def by_route(drug: Drug, routes: Parameter, wanted: bool) -> Truth:
    """Whether the drug's route is one of `routes` (or isn't, if not `wanted`); unknown if it isn't stated."""
    if not drug.route or not isinstance(routes.value, tuple):
        return None
    return (word_key(drug.route) in {word_key(r) for r in routes.value}) is wanted


def dose_of(case: Case, drug: Drug, unit: str) -> Decimal | None:
    """The drug's dose in `unit` (`mg`, `mg/m2`, …); `None` where the dose or what it is reckoned by isn't known."""
    if drug.dose is None or drug.dose <= 0 or not drug.unit:
        return None  # a dose of nothing isn't one that was meant
    surface, weight = _surface(case, drug, unit), _weight(case, drug, unit)
    return dose_in(
        drug.dose, drug.unit, unit,
        surface=quantity_of(surface) if surface else None, weight=quantity_of(weight) if weight else None,
    )  # fmt: skip


def reckoned_by(case: Case, drug: Drug, unit: str) -> Iterator[Evidence]:
    """What a dose in `unit` is reckoned by: the body surface or the weight, if it is."""
    if drug.dose is None or not drug.unit:
        return
    for found in (_surface(case, drug, unit), _weight(case, drug, unit)):
        yield from found.evidence if found else ()


def _surface(case: Case, drug: Drug, unit: str) -> Derived | None:
    own = case.facts["patient.bsa"].parameters if "patient.bsa" in case.facts else {}
    per_surface = any(sign in f"{unit} {drug.unit}" for sign in ("m2", "²", "平方米"))
    return body_surface(case, own) if per_surface and own else None


def _weight(case: Case, drug: Drug, unit: str) -> Derived | None:
    return latest_weight(case) if "kg" in f"{unit} {drug.unit}" else None


def dose_compares(case: Case, drug: Drug, operator: str, limit: Parameter) -> Truth:
    """Whether the drug's dose is `above` or `at_least` the limit, in the limit's unit."""
    dose = dose_of(case, drug, limit.unit or "")
    if dose is None or not isinstance(limit.value, Decimal):
        return None
    return compare(dose, operator, limit.value)
