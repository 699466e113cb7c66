"""More rules: those that ask for other drugs, and those that all apply."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.contenders import CONTENDERS, PEERS
from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import race, say
from tests.benchmarks.replicas import write_rules
from tests.benchmarks.tables import Goal, Table, number

RECORDS = 100


def run(options: Options) -> Result:
    """10 → 5,000 rules of which 10 or all apply; the peers on up to 1,000 that all apply."""
    sizes = (10, 100) if options.quick else (10, 100, 1000, 5000)
    with tempfile.TemporaryDirectory() as folder:
        ours = _ours(Path(folder), sizes, options)
    most = [n for n in sizes if n <= 1000]
    theirs = _theirs(most, options)
    few, full = ours
    goals = [
        Goal(f"{n:,} rules of which 10 apply ÷ 10 rules", _over(few.get(n), few.get(10)), 2)
        for n in sizes
        if n == 1000
    ] + [
        Goal(f"{n:,} rules that all apply ÷ 10 rules", _over(full.get(n), full.get(10)), 25)
        for n in sizes
        if n == 1000
    ]
    peers = [by[most[-1]] for name, by in theirs.items() if name in PEERS and by.get(most[-1])]
    goals.append(
        Goal(
            f"{most[-1]:,} rules that all apply ÷ fastest peer",
            _over(full.get(most[-1]), min(peers, default=None)),
            1,
        )
    )
    rows = [
        ("oncogate, 10 apply", *(number(few.get(n)) for n in sizes)), ("oncogate, all apply", *(number(full.get(n)) for n in sizes)),
        *((f"{CONTENDERS[name].label}, all apply", *(number(by.get(n)) for n in sizes)) for name, by in theirs.items()),
    ]  # fmt: skip
    note = f"Microseconds a decision, p50 over {RECORDS} records, ready requests; with 10 rules both rows are the common job."
    loads = [("Gate.load, no cache to help", *(number(_LOADS.get(n)) for n in sizes))]
    return [
        Table("More rules", ("rules", *(f"{n:,}" for n in sizes)), rows, note),
        Table("Loading them, ms", ("rules", *(f"{n:,}" for n in sizes)), loads),
    ], goals


_LOADS: dict[int, float] = {}


def _ours(
    folder: Path, sizes: tuple[int, ...], options: Options
) -> tuple[dict[int, float | None], dict[int, float | None]]:
    settings = {}
    for n in sizes:
        for kind in ("few", "full"):
            say(f"writing {n} rules")
            rules = write_rules(folder / f"{kind}-{n}", n // 10, all_apply=kind == "full")
            replicas = n // 10 if kind == "full" else 1
            settings[f"ready {kind} {n}"] = {"rules": [str(rules)], "replicas": replicas, "count": RECORDS}
    runners = race(settings, options.seconds, options.rounds, settings)
    for name, runner in runners.items():
        if runner.loaded.get("wrong") or not runner.runs:
            raise SystemExit(f"{name} judges otherwise than the hand-written function: {runner.loaded}")
        _LOADS[int(name.split()[-1])] = runner.loaded["load_ms"]
    return tuple(  # type: ignore[return-value]
        {n: runners[f"ready {kind} {n}"].median("p50") for n in sizes} for kind in ("few", "full")
    )


def _theirs(sizes: list[int], options: Options) -> dict[str, dict[int, float | None]]:
    settings = {
        f"{name} {n}": {"replicas": n // 10, "count": RECORDS} for name in ("hand", *PEERS) for n in sizes
    }
    runners = race(settings, options.seconds / 2, options.rounds, settings)
    found: dict[str, dict[int, float | None]] = {}
    for name, runner in runners.items():
        if not runner.loaded.get("wrong"):
            key, _, n = name.partition(" ")
            found.setdefault(key, {})[int(n)] = runner.median("p50")
    return found


def _over(a: float | None, b: float | None) -> float | None:
    return a / b if a and b else None
