"""More rules: those that ask for other drugs, and those that all apply."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.contenders import CONTENDERS, PEERS
from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import Runner, over, race, say
from tests.benchmarks.replicas import write_rules
from tests.benchmarks.tables import Goal, Table, number

RECORDS = 100
KINDS = {"few": "oncogate, 10 apply", "full": "oncogate, all apply"}
THEIRS = 1000
"""So many rules at most are given to the peers."""


def run(options: Options) -> Result:
    """10 → 5,000 rules of which 10 or all apply; the peers on up to 1,000 that all apply."""
    sizes = (10, 100) if options.quick else (10, 100, 1000, 5000)
    with tempfile.TemporaryDirectory() as folder:
        ours = _ours(Path(folder), sizes, options)
    most = max(n for n in sizes if n <= THEIRS)
    theirs = _theirs([n for n in sizes if n <= THEIRS], options)

    def p50(kind: str, n: int) -> float | None:
        return ours[f"ready {kind} {n}"].median("p50")

    rows = [(label, *(number(p50(kind, n)) for n in sizes)) for kind, label in KINDS.items()]
    for name in ("hand", *PEERS):
        cells = (_cell(theirs.get(f"{name} {n}")) for n in sizes)
        rows.append((f"{CONTENDERS[name].label}, all apply", *cells))
    loads = [
        (label, *(number(ours[f"ready {kind} {n}"].loaded["load_ms"]) for n in sizes))
        for kind, label in KINDS.items()
    ]
    peers = [p for name in PEERS if (p := theirs[f"{name} {most}"].median("p50"))]
    head = ("rules", *(f"{n:,}" for n in sizes))
    note = f"Microseconds a decision, p50 over {RECORDS} records, ready requests; with 10 rules both rows are the common job."
    return [Table("More rules", head, rows, note), Table("Loading them, ms, no cache to help", head, loads)], [
        Goal(f"{most:,} rules of which 10 apply ÷ 10 rules", over(p50("few", most), p50("few", 10)), 2),
        Goal(f"{most:,} rules that all apply ÷ 10 rules", over(p50("full", most), p50("full", 10)), 25),
        Goal(f"{most:,} rules that all apply ÷ fastest peer", over(p50("full", most), min(peers, default=None)), 1),
    ]  # fmt: skip


def _ours(folder: Path, sizes: tuple[int, ...], options: Options) -> dict[str, Runner]:
    settings = {}
    for n in sizes:
        for kind in KINDS:
            say(f"writing {n} rules")
            rules = write_rules(folder / f"{kind}-{n}", n // 10, all_apply=kind == "full")
            replicas = n // 10 if kind == "full" else 1
            settings[f"ready {kind} {n}"] = {"rules": [str(rules)], "replicas": replicas, "count": RECORDS}
    return race(settings, options.seconds, options.rounds, settings)


def _theirs(sizes: list[int], options: Options) -> dict[str, Runner]:
    names = [f"{name} {n}" for name in ("hand", *PEERS) for n in sizes]
    settings = {name: {"replicas": int(name.split()[1]) // 10, "count": RECORDS} for name in names}
    return race(settings, options.seconds / 2, options.rounds, settings)


def _cell(runner: Runner | None) -> str:
    if runner is None:
        return "–"
    if not runner.runs:
        return "not installed" if "not installed" in runner.loaded["failed"] else "fails"
    return f"{runner.loaded['wrong']} otherwise" if runner.loaded["wrong"] else number(runner.median("p50"))
