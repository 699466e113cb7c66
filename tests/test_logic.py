"""Kleene's tables, in full."""

from __future__ import annotations

import itertools

import pytest

from oncogate.base.logic import at_least, every, implies, negate, some

VALUES = (True, False, None)


def settles(outcomes: set[bool]) -> bool | None:
    return outcomes.pop() if len(outcomes) == 1 else None


def readings(values):
    """Every way in which the unknowns could turn out."""
    return itertools.product(*[(True, False) if v is None else (v,) for v in values])


@pytest.mark.parametrize("values", list(itertools.product(VALUES, repeat=3)))
def test_and_or_and_counting_are_true_or_false_only_where_every_reading_agrees(values):
    assert every(values) is settles({all(r) for r in readings(values)})
    assert some(values) is settles({any(r) for r in readings(values)})
    for count in range(5):
        assert at_least(count, values) is settles({sum(r) >= count for r in readings(values)})


@pytest.mark.parametrize(("a", "b"), list(itertools.product(VALUES, repeat=2)))
def test_not_and_implies(a, b):
    assert negate(a) is settles({not x for (x,) in readings([a])})
    assert implies(a, b) is settles({not x or y for x, y in readings([a, b])})


def test_nothing_at_all():
    assert every([]) is True
    assert some([]) is False
