"""How much is run."""

from __future__ import annotations

from typing import NamedTuple

from tests.benchmarks.tables import Goal, Table


class Options(NamedTuple):
    """`seconds` a contender and round; `decisions` and `requests` of the long runs."""

    quick: bool
    seconds: float
    rounds: int
    decisions: int
    requests: int


Result = tuple[list[Table], list[Goal]]
