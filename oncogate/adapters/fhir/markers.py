"""Observations and reports → results of molecular markers.

Which markers a result is about comes from its codes, from the genes that it says were studied, and from
whole words of its name; never from a conclusion, which may speak of anything.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Any

from oncogate.adapters.fhir.access import (
    ABSENT_REASON,
    CATEGORY,
    LOINC,
    V2_0074,
    Json,
    code_in,
    codings,
    has_code,
    label,
    objects,
    says_absent,
    text,
    texts,
    words,
)
from oncogate.adapters.fhir.bundles import Found
from oncogate.adapters.fhir.context import Context, Entry, report_status
from oncogate.adapters.fhir.measurements import value_text
from oncogate.adapters.fhir.reports import not_a_result

_GENE_STUDIED = (LOINC, "48018-6")
_REGION = {(LOINC, "53041-0")}
GENOMIC = {(LOINC, code) for code in ("69548-6", "51969-4", "53041-0", "81247-9", "55232-3", "81250-3")}
"""System and code of results about genes, whichever they are."""
_GENETICS = {(V2_0074, "GE")}
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,11}(?:-[A-Z0-9]{1,4})?")


def read_markers(found: Found, context: Context) -> list[Entry] | None:
    """A marker result. A final one without a value is `registered`, one that failed `cancelled`."""
    if found.type not in ("Observation", "DiagnosticReport"):
        return None
    resource = found.resource
    code = resource.get("code")
    if not context.says_code(resource):
        return None
    genomic = has_code(code, GENOMIC) or has_code(resource.get("category"), _GENETICS)
    by_name = found.type == "DiagnosticReport" or genomic or not context.in_bundle or _is_laboratory(resource)
    named = _named(code, context, by_name)
    genes = _genes(resource, context)
    members, member_results = _members(found, context) if found.type == "DiagnosticReport" else (set(), [])
    measured = _measured_components(resource, context)
    if not (named or genes or measured or members or genomic):
        return None
    if found.type == "DiagnosticReport" and not named and not genomic:
        return None
    status = report_status(resource)
    made = context.observed(found, status)
    result, state = _result(resource, found.type, bool(genes), bool(measured), member_results)
    made["markers"] = sorted({*named, *genes, *measured, *members})
    if result:
        made["result"] = result
    made["status"] = state if state and status not in ("entered-in-error", "cancelled") else status
    return [made]


def _named(code: Any, context: Context, by_name: bool) -> set[str]:
    vocabulary = context.vocabulary
    known = [vocabulary.markers_by_loinc[c] for c in code_in(code, LOINC) if c in vocabulary.markers_by_loinc]
    if known:
        return {id for ids in known for id in ids}
    return set(vocabulary.markers_in(words(code))) if by_name else set()


def _genes(resource: Json, context: Context) -> set[str]:
    """The genes that the result says were studied, and a fusion where it says two."""
    symbols: list[str] = []
    for component in objects(resource.get("component")):
        if not has_code(component.get("code"), {_GENE_STUDIED}):
            continue
        for value in objects(component.get("valueCodeableConcept")):
            symbols += texts(value)
            symbols += [c.get("display", "") or c.get("code", "") for c in codings(value)]
        symbols += [said for said in (text(component.get("valueString")),) if said]
    found: set[str] = set()
    for symbol in symbols:
        ids = context.vocabulary.markers_in(symbol)
        found.update(ids or ((symbol,) if _SYMBOL.fullmatch(symbol) else ()))
    if 1 < len(symbols) <= 4:
        for one, other in itertools.permutations(symbols, 2):
            for joint in ("::", "-"):
                found.update(i for i in context.vocabulary.marker_names.get(f"{one}{joint}{other}", ()))
    return found


def _measured_components(resource: Json, context: Context) -> set[str]:
    """Markers whose value stands in a component of a panel."""
    found: set[str] = set()
    for component in objects(resource.get("component")):
        value = value_text(component)
        if value and not not_a_result(value, component.get("valueCodeableConcept")):
            found |= _named(component.get("code"), context, by_name=not context.in_bundle)
    return found


def _members(report: Found, context: Context) -> tuple[set[str], list[bool]]:
    """The markers of the results that a report lists, and for each result whether it is one of the same person's."""
    markers: set[str] = set()
    results: list[bool] = []
    for link in objects(report.resource.get("result")):
        member = context.index.resolve(link, report)
        if member is None or member.type != "Observation":
            continue
        resource = member.resource
        genes = _genes(resource, context)
        ids = {*_named(resource.get("code"), context, True), *genes, *_measured_components(resource, context)}
        status = (text(resource.get("status")) or "").casefold()
        measured = bool(_measured_components(resource, context))
        good = (
            context.whose(member) == context.whose(report)
            and member.modifier is None
            and status in ("final", "amended", "corrected")
            and _result(resource, "Observation", bool(genes), measured, [])[1] is None
        )
        results.append(good)
        markers |= ids if good else set()
    return markers, results


def _result(
    resource: Json, type: str, genes: bool, measured: bool, members: Iterable[bool]
) -> tuple[str | None, str | None]:
    """What the result says, and the status that it has instead of its own where it says nothing."""
    members = list(members)
    if type == "DiagnosticReport":
        said = text(resource.get("conclusion")) or label(resource.get("conclusionCode"))
        state = not_a_result(said)
        if state:
            return said, state
        if members and not any(members):
            return said, "registered"
        return said, None if said or members or objects(resource.get("presentedForm")) else "registered"
    concept = resource.get("valueCodeableConcept")
    said = None if code_in(concept, ABSENT_REASON) else value_text(resource)
    state = not_a_result(said, concept)
    if state:
        return said, state
    if says_absent(resource):
        reason = label(resource.get("dataAbsentReason"))
        return said or reason, not_a_result(reason) or "registered"
    parts = [(label(c.get("code")) or "", value_text(c), c) for c in objects(resource.get("component"))]
    findings = [
        (name, value)
        for name, value, c in parts
        if value and not has_code(c.get("code"), {_GENE_STUDIED}) and not not_a_result(value)
    ]
    if said:
        return said, None
    if findings:
        return "; ".join(f"{name}: {value}" if name else value for name, value in findings), None
    if genes and has_code(resource.get("code"), _REGION):
        return None, None
    failed = [not_a_result(value) for _, value, _ in parts if value]
    meant = label(resource.get("interpretation"))
    if meant and not any(failed):
        return meant, not_a_result(meant)
    return None, next((state for state in failed if state), "registered")


def _is_laboratory(resource: Json) -> bool:
    category = resource.get("category")
    return has_code(category, {(CATEGORY, "laboratory"), (V2_0074, "LAB"), *_GENETICS})
