"""One contender in this process: loads, is checked against the hand-written function, then runs for so many seconds when told to."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from tests.benchmarks.contenders import CONTENDERS, Loaded
from tests.benchmarks.hook_steps import step

clock = time.perf_counter


def main() -> None:
    name, settings = sys.argv[1], json.loads(sys.argv[2])
    contender = step(name) if name.startswith("hook-") else CONTENDERS[name]
    begun = clock()
    try:
        loaded = contender.load(settings)
    except ModuleNotFoundError as error:
        _say({"failed": f"not installed ({error.name})"})
        return
    load_ms = (clock() - begun) * 1e3
    _say({"load_ms": round(loaded.load_ms or load_ms, 1), **_checked(loaded)})
    for line in sys.stdin:
        _say(_run(loaded, float(line)))


def _checked(loaded: Loaded) -> dict[str, Any]:
    """How many records the contender judges otherwise than the hand-written function does. It warms the contender up too."""
    results = [loaded.found(loaded.decide(given)) for given in loaded.inputs] if loaded.found else None
    if results is None:
        for given in loaded.inputs[:100]:
            loaded.decide(given)
        return {}
    wrong = [n for n, (found, due) in enumerate(zip(results, loaded.due, strict=True)) if found != due]
    return {"checked": len(results), "wrong": len(wrong), **({"first": wrong[0]} if wrong else {})}


def _run(loaded: Loaded, seconds: float) -> dict[str, float]:
    decide, inputs = loaded.decide, loaded.inputs
    times: list[float] = []
    end = clock() + seconds
    while clock() < end or len(times) < 20:
        for given in inputs[:20] if len(times) == 0 else inputs:
            before = clock()
            decide(given)
            after = clock()
            times.append(after - before)
            if after >= end and len(times) >= 20:
                break
    times.sort()
    middle, late = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
    return {"p50": middle * 1e6, "p99": late * 1e6, "mean": sum(times) / len(times) * 1e6, "n": len(times)}


def _say(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
