"""Requests as NDJSON into decisions as NDJSON: one process, two, and pydantic only reading the same lines."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import ROOT, UNCACHED, say
from tests.benchmarks.tables import Goal, Table, number

WAYS = {
    "1": "oncogate, 1 process", "2": "oncogate, 2 processes", "plain": "pydantic, a plain model, parsing alone",
    "own": "pydantic, oncogate's own model, parsing alone",
}  # fmt: skip


def run(options: Options) -> Result:
    """The same file by each, in turn, the figure of each the best of its rounds (a long run evens out what else runs)."""
    rounds = 1 if options.quick or options.requests > 200_000 else 3
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "requests.ndjson"
        _write(source, options.requests)
        size = source.stat().st_size
        found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, label in WAYS.items():
                say(f"many: {label}")
                words = [
                    sys.executable,
                    "-m",
                    "tests.benchmarks.many",
                    way,
                    str(source),
                    str(Path(folder) / "out"),
                ]
                done = subprocess.run(
                    words, cwd=ROOT, env=UNCACHED, stdout=subprocess.PIPE, text=True, check=True
                )
                found[way].append(json.loads(done.stdout))
    best = {way: min(f, key=lambda one: one["seconds"]) for way, f in found.items()}
    rate = {way: options.requests / one["seconds"] for way, one in best.items()}
    rows = [
        (
            label,
            number(rate[way]),
            number(size / best[way]["seconds"] / 1e6),
            number(rate[way] / rate["1"]),
            number(best[way]["mb"]),
        )
        for way, label in WAYS.items()
    ]
    head = ("way", "requests a second", "MB a second", "× 1 process", "MB of its process")
    note = f"{options.requests:,} requests of the common job, {size / options.requests / 1000:.1f} KB each, file to file, starting and loading counted."
    return [Table("Many requests", head, rows, note)], [
        Goal("2 processes ÷ 1 process", rate["2"] / rate["1"], 1.7, least=True),
        Goal("pydantic's plain parse alone ÷ 2 processes", rate["plain"] / rate["2"], 1.5),
        Goal("pydantic's plain parse alone ÷ 1 process", rate["plain"] / rate["1"], 1.5),
    ]


def _write(path: Path, requests: int) -> None:
    from tests.benchmarks.records import as_json, as_request, plain_records

    lines = [as_json(as_request(record)) + b"\n" for record in plain_records(min(requests, 2000))]
    with path.open("wb") as file:
        file.writelines(islice(cycle(lines), requests))


def _main(way: str, source: Path, out: Path) -> None:
    from tests.benchmarks.replicas import TEN

    begun = time.perf_counter()
    with source.open("rb") as lines, out.open("wb") as written:
        if way in ("1", "2"):
            from oncogate import Gate

            gate = Gate.load([TEN])
            for answer in gate.decide_lines(lines, processes=int(way)):
                written.write(answer.json + b"\n")
        else:
            from oncogate import Request
            from tests.benchmarks.models import PlainRequest

            parse = PlainRequest.model_validate_json if way == "plain" else Request.model_validate_json
            for line in lines:
                parse(line)
    seconds = time.perf_counter() - begun
    from tests.benchmarks.memory import _rss_mb

    print(json.dumps({"seconds": seconds, "mb": _rss_mb()}))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
