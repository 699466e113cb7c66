"""The common job: ten rules, 2,000 records, the same decisions from everyone."""

from __future__ import annotations

from tests.benchmarks.contenders import CONTENDERS, PEERS
from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import Runner, over, race
from tests.benchmarks.tables import Goal, Table, number

OURS = ("hand", "ready", "said", "hand-json", "bytes", "line", "pydantic", "own-model", "own-load")


def run(options: Options) -> Result:
    """Every contender on the same 2,000 records."""
    runners = race([*OURS, *PEERS], options.seconds, options.rounds)
    floor = runners["hand"].median("p50")
    rows = [_row(name, runner, floor) for name, runner in runners.items()]
    note = "Microseconds. Otherwise: records of which the contender says something else than the hand-written function."
    table = Table(
        "The common job",
        ("engine", "p50", "p99", "× hand-written", "otherwise", "load, ms", "what is in the figure"),
        rows,
        note,
    )
    fastest = min((p for name in PEERS if (p := runners[name].median("p50"))), default=None)
    slower = [p for name in PEERS if name != "datalogic" and (p := runners[name].median("p50"))]
    return [table], [
        Goal("ready request → decision ÷ hand-written", _ratio(runners, "ready", "hand"), 1.5),
        Goal("… with every reason in Chinese and JSON ÷ hand-written", _ratio(runners, "said", "hand"), None),
        Goal("ready request → decision ÷ fastest peer", over(runners["ready"].median("p50"), fastest), 1),
        Goal("JSON → decision ÷ pydantic on a plain model of the same bytes", _ratio(runners, "bytes", "pydantic"), 1.35),
        Goal("JSON → decision ÷ pydantic on oncogate's own model", _ratio(runners, "bytes", "own-model"), 1.35),
        Goal("JSON → decision ÷ fastest peer but JSON Logic in Rust", over(runners["bytes"].median("p50"), min(slower, default=None)), 1),
    ]  # fmt: skip


def _row(name: str, runner: Runner, floor: float | None) -> tuple[str, ...]:
    label, note, _ = CONTENDERS[name]
    if not runner.runs:
        return label, "–", "–", "–", "–", "–", runner.loaded["failed"]
    p50 = runner.median("p50")
    wrong = runner.loaded.get("wrong")
    return (
        label, number(p50), number(runner.median("p99")), number(over(p50, floor)), "–" if wrong is None else str(wrong),
        number(runner.loaded["load_ms"]), note,
    )  # fmt: skip


def _ratio(runners: dict[str, Runner], a: str, b: str) -> float | None:
    return over(runners[a].median("p50"), runners[b].median("p50"))
