"""What a gate and a decision keep, and that nothing grows over many decisions."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path

from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import ROOT, UNCACHED, say
from tests.benchmarks.tables import Goal, Table, number

LOOKS = 10


def run(options: Options) -> Result:
    """In a fresh process each: what is held, and the growth."""
    say(f"memory over {options.decisions:,} decisions")
    words = [sys.executable, "-m", "tests.benchmarks.memory", str(options.decisions)]
    done = subprocess.run(words, cwd=ROOT, env=UNCACHED, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    held = [
        ("import oncogate", number(said["import_mb"])), ("a gate with all shipped rules", number(said["gate_mb"])),
        ("a second gate", number(said["second_mb"])),
    ]  # fmt: skip
    kept = [
        ("a decision that is kept", number(said["decision_kb"])),
        ("a request that is kept", number(said["request_kb"])),
    ]
    rows = [(f"{n:,}", number(rss), number(traced)) for n, rss, traced in said["looks"]]
    middle = said["looks"][len(said["looks"]) // 2]
    last = said["looks"][-1]
    return [
        Table("Memory held, MB of the process", ("what", "MB"), held),
        Table("Memory held, KB", ("what", "KB"), kept, "Median over the common job, by tracemalloc."),
        Table(
            "Memory over many decisions",
            ("decisions", "MB of the process", "MB of Python's objects"),
            rows,
            "JSON → decision, the common job's records in turn; objects by a second, shorter run under tracemalloc.",
        ),
    ], [Goal("growth of the process over the second half of the decisions", last[1] / middle[1], 1.01)]


def _rss_mb() -> float:
    said = Path("/proc/self/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in said.splitlines() if line.startswith("VmRSS")) / 1024


def _main(decisions: int) -> None:
    from tests.benchmarks.records import as_json, as_request, plain_records
    from tests.benchmarks.replicas import TEN

    contents = [as_json(as_request(record)) for record in plain_records()]
    marks = [_rss_mb()]
    from oncogate import Gate, Request

    marks.append(_rss_mb())
    gates = [Gate.load()]
    marks.append(_rss_mb())
    gates.append(Gate.load())
    marks.append(_rss_mb())
    gates.clear()
    gate = Gate.load([TEN])

    def decide(n: int) -> None:
        gate.decide(Request.load(contents[n % len(contents)])).to_json()

    for n in range(min(len(contents), decisions)):
        decide(n)
    looks = []
    for look in range(LOOKS + 1):
        gc.collect()
        looks.append([look * decisions // LOOKS, _rss_mb(), 0.0])
        for n in range(decisions // LOOKS if look < LOOKS else 0):
            decide(n)
    tracemalloc.start()
    for row in looks:
        gc.collect()
        row[2] = tracemalloc.get_traced_memory()[0] / 1e6
        for n in range(min(200, decisions // LOOKS)):
            decide(n)
    sizes = {"request_kb": [], "decision_kb": []}  # type: ignore[var-annotated]
    kept = []
    for content in contents[:200]:
        before = tracemalloc.get_traced_memory()[0]
        kept.append(request := Request.load(content))
        between = tracemalloc.get_traced_memory()[0]
        kept.append(gate.decide(request))
        sizes["request_kb"].append(between - before)
        sizes["decision_kb"].append(tracemalloc.get_traced_memory()[0] - between)
    medians = {name: sorted(found)[len(found) // 2] / 1e3 for name, found in sizes.items()}
    steps = dict(zip(("import_mb", "gate_mb", "second_mb"), (b - a for a, b in pairwise(marks)), strict=True))
    print(json.dumps({**steps, **medians, "looks": looks}))


if __name__ == "__main__":
    _main(int(sys.argv[1]))
