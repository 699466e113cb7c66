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

    def __str__(self) -> str:
        kind = "A quick run" if self.quick else "A full run"
        return f"{kind}: rounds of {self.seconds:g} s, {self.rounds} of them; {self.decisions:,} decisions for memory, {self.requests:,} requests for many"


Result = tuple[list[Table], list[Goal]]
