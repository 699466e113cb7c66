"""How a drug of the order is given: its route, and its dose in another unit."""

from __future__ import annotations

from decimal import Decimal

from oncogate.base.logic import Truth
from oncogate.clinical.doses import dose_in
from oncogate.engine.case import Case
from oncogate.engine.formulas.body import body_surface, latest_number, quantity_of
from oncogate.engine.values import compare
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
    if drug.dose is None or not drug.unit:
        return None
    own = case.facts["patient.bsa"].parameters if "patient.bsa" in case.facts else {}
    per_surface = "m2" in unit or "m2" in drug.unit or "²" in drug.unit or "平方米" in drug.unit
    surface = quantity_of(body_surface(case, own)) if per_surface and own else None
    weight = latest_number(case, "vital.weight") if "kg" in unit or "kg" in drug.unit else None
    return dose_in(drug.dose, drug.unit, unit, surface=surface, weight=weight)


def dose_compares(case: Case, drug: Drug, operator: str, limit: Parameter) -> Truth:
    """Whether the drug's dose is `above` or `at_least` the limit, in the limit's unit."""
    dose = dose_of(case, drug, limit.unit or "")
    if dose is None or not isinstance(limit.value, Decimal):
        return None
    return compare(dose, operator, limit.value)
