"""From nothing to the first decision: import, load, decide, each in a fresh process."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import ROOT, UNCACHED, say
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
    with tempfile.TemporaryDirectory() as cache:
        cached = {**UNCACHED, "ONCOGATE_CACHE": cache}
        full, none = _steps(cached, times), _steps(UNCACHED, times)
        rows = [(label, number(full[key]), number(none[key])) for key, label in STEPS.items()]
        rows += [
            (name, number(_whole(words, cached, times)), number(_whole(words, UNCACHED, times)))
            for name, words in COMMANDS.items()
        ]
    return [Table("Cold start, ms", ("step", "with the cache", "without"), rows)], [
        Goal("import beyond pydantic, ms", full["import"], 150), Goal("Gate.load() of all shipped rules from the cache, ms", full["load"], 50),
    ]  # fmt: skip


def _steps(env: dict[str, str], times: int) -> dict[str, float]:
    seen = [json.loads(_python(env, "-c", FIRST)) for _ in range(times + 1)][1:]
    return {key: statistics.median(one[key] for one in seen) * 1e3 for key in STEPS}


def _whole(words: list[str], env: dict[str, str], times: int) -> float:
    seen = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        _python(env, "-m", "oncogate.cli", *words)
        seen.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(seen[1:])


def _python(env: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout
