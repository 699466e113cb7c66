"""For rule authors and integrators who test with pytest: named checks that hold of every rule, and strategies for Hypothesis.

Needs the extra `test`.
"""

try:
    import hypothesis as _hypothesis  # noqa: F401
except ModuleNotFoundError as error:
    from oncogate.base.errors import missing_extra

    raise ModuleNotFoundError(missing_extra("`oncogate.testing`", error, "test"), name=error.name) from None

from oncogate.testing.checks import CHECKS, ChecksFailed, check_pack
from oncogate.testing.entries import (
    assessments,
    consents,
    diagnoses,
    exams,
    labs,
    markers,
    notes,
    other_orders,
    pathology,
    procedures,
    stages,
    treatments,
    unread_marks,
)
from oncogate.testing.hospital import Hospital
from oncogate.testing.requests import orders, records, requests, requests_for, sections
from oncogate.testing.values import MOMENTS, drugs, moments, mostly, quantities, times

__all__ = [
    "CHECKS", "MOMENTS", "ChecksFailed", "Hospital", "assessments", "check_pack", "consents", "diagnoses", "drugs", "exams", "labs",
    "markers", "moments", "mostly", "notes", "orders", "other_orders", "pathology", "procedures", "quantities", "records", "requests",
    "requests_for", "sections", "stages", "times", "treatments", "unread_marks",
]  # fmt: skip
