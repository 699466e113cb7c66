"""From nothing to the first decision: import, load, decide, each in a fresh process."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import ROOT, say
from tests.benchmarks.tables import Goal, Table, number

FIRST = """
import json, sys, time
clock = time.perf_counter
begun = clock(); import pydantic, pydantic.main; from pydantic import BaseModel, Field
class Warm(BaseModel): a: int
pydantic_ms = clock() - begun
begun = clock(); import oncogate; from oncogate import Gate, Request; import_ms = clock() - begun
begun = clock(); gate = Gate.load(); load_ms = clock() - begun
content = open("examples/allowed.json", "rb").read()
begun = clock(); decision = gate.decide(Request.load(content)); decision.outcome; first_ms = clock() - begun
print(json.dumps({"pydantic": pydantic_ms, "import": import_ms, "load": load_ms, "first": first_ms}))
"""
COMMANDS = {
    "oncogate --version": ["--version"], "oncogate check examples/allowed.json": ["check", "examples/allowed.json"],
}  # fmt: skip
STEPS = {
    "pydantic": "import pydantic, one model", "import": "import Gate and Request, beyond pydantic", "load": "Gate.load(), all shipped rules",
    "first": "the first request read and decided",
}  # fmt: skip


def run(options: Options) -> Result:
    """The median of several fresh processes; the first is left out, it may have to fill caches."""
    times = 3 if options.quick else 15
    say("cold start")
    seen = [json.loads(_python("-c", FIRST)) for _ in range(times + 1)][1:]
    steps = {key: statistics.median(one[key] for one in seen) * 1e3 for key in STEPS}
    whole = {name: _whole(words, times) for name, words in COMMANDS.items()}
    rows = [(STEPS[key], number(ms)) for key, ms in steps.items()] + [
        (name, number(ms)) for name, ms in whole.items()
    ]
    return [Table("Cold start, ms", ("step", "median"), rows)], [
        Goal("import beyond pydantic, ms", steps["import"], 150), Goal("Gate.load() of all shipped rules, ms", steps["load"], 50),
    ]  # fmt: skip


def _whole(words: list[str], times: int) -> float:
    from time import perf_counter

    seen = []
    for _ in range(times + 1):
        begun = perf_counter()
        _python("-m", "oncogate.cli", *words)
        seen.append((perf_counter() - begun) * 1e3)
    return statistics.median(seen[1:])


def _python(*words: str) -> str:
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
