"""Contenders side by side: each in a process of its own, all alive, running in turn, round after round.

So what drifts on the machine hits all alike, and none pays for another's garbage.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
UNCACHED = {**os.environ, "ONCOGATE_CACHE": "off"}


OURS = frozenset({"ready", "said", "bytes", "line"})
"""The contenders that are oncogate: with a wrong one there is nothing to measure."""


class Runner:
    """One contender's process."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        command = [sys.executable, "-m", "tests.benchmarks.child", name, json.dumps(settings)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.rounds: list[dict[str, float]] = []
        self.loaded = self._answer()

    @property
    def runs(self) -> bool:
        return "failed" not in self.loaded

    def run(self, seconds: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        self.rounds.append(self._answer())

    def median(self, figure: str) -> float | None:
        """The median of a figure over the rounds, in microseconds."""
        return statistics.median(r[figure] for r in self.rounds) if self.rounds else None

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._process.communicate()[1].strip().splitlines() or ["it ended"]
            return {"failed": said[-1][:160]}
        answer: dict[str, Any] = json.loads(line)
        return answer


def race(
    names: Iterable[str], seconds: float, rounds: int, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Runner]:
    """Run the contenders; those that can't be had or fail have no rounds and say why in `loaded`."""
    runners = {}
    for name in names:
        runners[name] = Runner(name.partition(" ")[0], (settings or {}).get(name, {}))
        say(f"{name}: {runners[name].loaded}")
    wrong = {
        name: r.loaded
        for name, r in runners.items()
        if r.name in OURS and (r.loaded.get("wrong") or not r.runs)
    }
    if wrong:
        raise SystemExit(
            f"not measured: oncogate judges otherwise than the hand-written function, or fails: {wrong}"
        )
    running = [r for r in runners.values() if r.runs]
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for runner in running if number % 2 == 0 else reversed(running):
            runner.run(seconds)
    for runner in runners.values():
        runner.end()
    return runners


def over(a: float | None, b: float | None) -> float | None:
    """A ratio, where both were measured."""
    return a / b if a and b else None


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
