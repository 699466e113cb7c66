"""From nothing to the first decision, each step in a fresh process: see `cold_start.py`, which also runs by itself."""

from __future__ import annotations

from tests.benchmarks.cold_start import GATE, measure
from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import say
from tests.benchmarks.tables import Goal, Table, number

MODEL, LOAD = "a first model of pydantic", "Gate.load(), from cache"


def run(options: Options) -> Result:
    """The medians, by the clock and of the processor."""
    say("cold start")
    took = measure(3 if options.quick else 15)
    rows = [(what, number(clock), number(processor)) for what, (clock, processor) in took.items()]
    # of the processor: what a start takes by the clock, on a busy machine, says more of the others
    beyond, load = took[GATE][1] - took[MODEL][1], took[LOAD][1]
    return [Table("Cold start, fresh processes, ms", ("step", "median", "of the processor"), rows)], [
        Goal("import of Gate beyond a first model of pydantic, ms", beyond, 150),
        Goal("Gate.load() of all shipped rules, from the cache, ms", load, 50),
    ]
