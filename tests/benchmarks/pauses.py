"""The slowest decisions: p99 against p50, and what the garbage collector takes."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time

from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import ROOT, UNCACHED, say
from tests.benchmarks.tables import Goal, Table, number

WAYS = {
    "json": "Python's defaults, from JSON",
    "default": "Python's defaults", "freeze": "gc.freeze() after loading", "off": "collector off (not for a server: cycles would stay)",
}  # fmt: skip


def run(options: Options) -> Result:
    """100,000 decisions a way, the ways one after the other in fresh processes."""
    decisions = 1000 if options.quick else 100_000
    rows, found = [], {}
    for way, label in WAYS.items():
        say(f"pauses: {label}")
        words = [sys.executable, "-m", "tests.benchmarks.pauses", way, str(decisions)]
        done = subprocess.run(words, cwd=ROOT, env=UNCACHED, stdout=subprocess.PIPE, text=True, check=True)
        said = found[way] = json.loads(done.stdout)
        rows.append((
            label, *(number(said[p]) for p in ("p50", "p99", "p999", "worst")), number(said["p99"] / said["p50"]),
            str(said["collections"]), number(said["longest"]),
        ))  # fmt: skip
    head = ("collector", "p50", "p99", "p99.9", "worst", "p99 ÷ p50", "collections", "longest, µs")
    note = f"Microseconds, {decisions:,} decisions of the common job, from ready requests but for the first row; all shipped rules loaded beside."
    return [Table("Pauses", head, rows, note)], [
        Goal("p99 ÷ p50 with Python's defaults", found["default"]["p99"] / found["default"]["p50"], 5)
    ]


def _main(way: str, decisions: int) -> None:
    from oncogate import Gate, Request
    from tests.benchmarks.records import as_json, as_request, plain_records
    from tests.benchmarks.replicas import TEN

    contents = [as_json(as_request(record)) for record in plain_records()]
    requests = [Request.load(content) for content in contents]
    beside, gate = Gate.load(), Gate.load([TEN])
    for request in requests[:200]:
        gate.decide(request)
    gc.collect()
    if way == "freeze":
        gc.freeze()
    elif way == "off":
        gc.disable()
    pauses: list[float] = []
    clock = time.perf_counter

    def watch(phase: str, info: dict[str, int]) -> None:
        pauses.append(clock() if phase == "start" else clock() - pauses.pop())

    gc.callbacks.append(watch)
    times = []
    for n in range(decisions):
        content, request = contents[n % len(contents)], requests[n % len(requests)]
        before = clock()
        gate.decide(Request.load(content) if way == "json" else request).determining_rules  # noqa: B018 - looked at, as a host does
        times.append(clock() - before)
    gc.callbacks.remove(watch)
    times.sort()
    at = {
        name: times[int(len(times) * part)] * 1e6
        for name, part in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
    }
    longest = max(pauses, default=0.0) * 1e6
    print(json.dumps({**at, "worst": times[-1] * 1e6, "collections": len(pauses), "longest": longest}))
    assert beside is not None


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
