"""Kleene's three-valued logic: `True`, `False` and `None` for unknown.

Unknown is never read as false: a conjunction with an unknown is unknown unless something false
already settles it, a disjunction is unknown unless something true does.
"""

from __future__ import annotations

from collections.abc import Iterable

Truth = bool | None
"""`True`, `False` or `None` (unknown)."""


def negate(value: Truth) -> Truth:
    """Not; the negation of unknown is unknown."""
    return None if value is None else not value


def every(values: Iterable[Truth]) -> Truth:
    """And; true for no values at all."""
    values = list(values)
    return False if False in values else None if None in values else True


def some(values: Iterable[Truth]) -> Truth:
    """Or; false for no values at all."""
    values = list(values)
    return True if True in values else None if None in values else False


def at_least(count: int, values: Iterable[Truth]) -> Truth:
    """True when `count` values are true, false when no more than the rest could be."""
    values = list(values)
    if sum(value is True for value in values) >= count:
        return True
    if sum(value is not False for value in values) < count:
        return False
    return None


def implies(condition: Truth, conclusion: Truth) -> Truth:
    """If `condition` then `conclusion`; true when the condition is false."""
    return some((negate(condition), conclusion))
