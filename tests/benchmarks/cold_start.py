"""What a start costs, in fresh processes: the imports, the rules from YAML and from the cache, the first decision.

    python tests/benchmarks/cold_start.py          21 rounds
    python tests/benchmarks/cold_start.py 101      so many

Each round runs every line once, so that whatever else the machine does falls on all of them; the medians are shown, of
the time by the clock and of the processor's. Bytecode is compiled beforehand, as it is where a package was installed;
the cache is a folder of this run's own. Needs Unix.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pydantic

ROOT = Path(__file__).resolve().parents[2]
REQUEST = ROOT / "examples" / "allowed.json"
GATE = "from oncogate import Gate, Request"
TIMED = f"""
from time import perf_counter, process_time
{GATE}
started = perf_counter(), process_time()
gate = Gate.load()
loaded = perf_counter(), process_time()
gate.decide(Request.load({str(REQUEST)!r})).to_json()
decided = perf_counter(), process_time()
print(*(b - a for a, b in zip(started, loaded)), *(b - a for a, b in zip(loaded, decided)))
"""
PROCESSES = {
    "python, nothing else": ["-c", "pass"],
    "import pydantic": ["-c", "import pydantic"],
    "a first model of pydantic": ["-c", "from pydantic import BaseModel\nclass A(BaseModel):\n    x: int"],
    "import oncogate": ["-c", "import oncogate"],
    GATE: ["-c", GATE],
    "… and load and decide, from cache": ["-c", TIMED],
    "oncogate --version": ["-m", "oncogate.cli", "--version"],
    "oncogate check, from cache": ["-m", "oncogate.cli", "check", str(REQUEST)],
    "oncogate check, from YAML": ["-m", "oncogate.cli", "check", str(REQUEST)],
}
"""What runs, start to exit; what is from YAML has no cache."""
INSIDE = {
    "cache": ("Gate.load(), from cache", "the first decision then"),
    "YAML": ("Gate.load(), from YAML", "the first decision after that"),
}
"""What is timed inside of a process."""
NO_CACHE = {"ONCOGATE_CACHE": "off"}
Times = tuple[float, float]
"""By the clock, and of the processor."""


def main(rounds: int) -> None:
    """Run and print the table."""
    took = measure(rounds)
    print(f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(
        f"Python {platform.python_version()}, pydantic {pydantic.VERSION}; {rounds} fresh processes of each, in turn"
    )
    print(f"\n{'median ms':<36}{'clock':>8}{'processor':>11}{'beyond pydantic':>17}")
    base = took["import pydantic"][1]
    for what, (clock, processor) in took.items():
        beyond = f"{processor - base:17.1f}" if what in PROCESSES else ""
        print(f"{what:<36}{clock:8.1f}{processor:11.1f}{beyond}")


def measure(rounds: int) -> dict[str, Times]:
    """The medians of each line, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPYCACHEPREFIX": f"{folder}/bytecode", "ONCOGATE_CACHE": f"{folder}/cache"}
        one_round(environment)  # writes bytecode and the cache
        seen = [one_round(environment) for _ in range(rounds)]
    return {what: medians([one[what] for one in seen]) for what in seen[0]}


def one_round(environment: dict[str, str]) -> dict[str, Times]:
    """What each line took once."""
    found: dict[str, Times] = {}
    for what, arguments in PROCESSES.items():
        started, used = time.perf_counter(), used_by_children()
        run(arguments, environment | (NO_CACHE if what.endswith("YAML") else {}))
        found[what] = (time.perf_counter() - started, used_by_children() - used)
    for source, (loading, deciding) in INSIDE.items():
        printed = run(["-c", TIMED], environment | (NO_CACHE if source == "YAML" else {}))
        clock, processor, clock_then, processor_then = map(float, printed.split())
        found[loading], found[deciding] = (clock, processor), (clock_then, processor_then)
    return found


def used_by_children() -> float:
    """Seconds of the processor that processes of this one have used that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def medians(times: list[Times]) -> Times:
    """In milliseconds."""
    clock, processor = (median(column) * 1000 for column in zip(*times, strict=True))
    return clock, processor


def run(arguments: list[str], environment: dict[str, str]) -> str:
    """Run Python and return what it printed."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
