"""One contender in this process: loads, is checked against the hand-written function, then runs for so many seconds when told to."""

from __future__ import annotations

import itertools
import json
import sys
import time
from typing import Any

from tests.benchmarks.contenders import CONTENDERS, Loaded
from tests.benchmarks.hook_steps import step

clock = time.perf_counter
LEAST = 20


def main() -> None:
    name, settings = sys.argv[1], json.loads(sys.argv[2])
    contender = step(name) if name.startswith("hook-") else CONTENDERS[name]
    try:
        loaded = contender.load(settings)
    except ModuleNotFoundError as error:
        _say({"failed": f"not installed ({error.name})"})
        return
    _say({"load_ms": loaded.load_ms, **_checked(loaded)})
    for line in sys.stdin:
        _say(_run(loaded, float(line)))


def _checked(loaded: Loaded) -> dict[str, Any]:
    """How many records the contender judges otherwise than the hand-written function does. It warms the contender up too."""
    prepare = loaded.prepare or _as_it_is
    if loaded.found is None:
        for given in loaded.inputs[:100]:
            loaded.decide(prepare(given))
        return {}
    results = [loaded.found(loaded.decide(prepare(given))) for given in loaded.inputs]
    wrong = [n for n, (found, due) in enumerate(zip(results, loaded.due, strict=True)) if found != due]
    return {"checked": len(results), "wrong": len(wrong), **({"first": wrong[0]} if wrong else {})}


def _as_it_is(given: Any) -> Any:
    return given


def _run(loaded: Loaded, seconds: float) -> dict[str, float]:
    decide, prepare = loaded.decide, loaded.prepare or _as_it_is
    times: list[float] = []
    end = clock() + seconds
    for given in itertools.cycle(loaded.inputs):
        ready = prepare(given)
        before = clock()
        decide(ready)
        after = clock()
        times.append(after - before)
        if after >= end and len(times) >= LEAST:
            break
    times.sort()
    middle, late = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
    return {"p50": middle * 1e6, "p99": late * 1e6, "mean": sum(times) / len(times) * 1e6, "n": len(times)}


def _say(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
