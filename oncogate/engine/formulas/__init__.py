"""The formulas of derived facts, by what they are about."""

from __future__ import annotations

from collections.abc import Mapping

from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Formula, Options
from oncogate.engine.formulas import markers, order, risk, staging

FORMULAS: Mapping[str, Formula] = {
    formula.__name__: formula
    for formula in (
        markers.order_needs_marker,
        markers.marker_results,
        order.order_is_anti_tumour,
        order.order_drugs,
        order.order_is_marked,
        order.order_drugs_recognised,
        order.patient_has_tumour,
        order.start_limit_anc,
        order.has_first_line_list,
        order.regimen_is_first_line,
        risk.fn_risk,
        staging.tumour_is_staged,
        staging.tumour_has_work_up,
        staging.work_up_complete,
        staging.pathology_excepted,
    )
}


def derive(case: Case, name: str, options: Options) -> Derived:
    """The derived fact `name`, by the formula that `facts.yaml` gives it."""
    fact = case.facts[name]
    assert fact.derive is not None
    return FORMULAS[fact.derive](case, options)
