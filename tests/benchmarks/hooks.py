"""A real CDS Hooks request, small and large: read, decided, answered with cards."""

from __future__ import annotations

import copy
import json
import tempfile
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import ROOT, race
from tests.benchmarks.tables import Table, number

EXAMPLE = ROOT / "examples" / "cds-hooks-order-sign.json"
LARGE = 200_000
STEPS = {
    "hook-json": "JSON parsed (strictly, exact numbers)", "hook-read": "… read into a request", "hook-decide": "the request decided",
    "hook-cards": "the decision as cards", "hook-all": "from its bytes to the answer's bytes",
}  # fmt: skip


def run(options: Options) -> Result:
    """Each step on the example and on one of some 200 KB."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.json"
        large.write_text(
            json.dumps(grown(json.loads(EXAMPLE.read_text("utf-8"))), ensure_ascii=False), "utf-8"
        )
        files = {EXAMPLE: EXAMPLE.stat().st_size, large: large.stat().st_size}
        steps = [step for step in STEPS if step not in ("hook-cards", "hook-all") or has_cards()]
        settings = {f"{step} {file.name}": {"file": str(file)} for step in steps for file in files}
        runners = race(settings, options.seconds, options.rounds, settings)
        rows = [
            (
                STEPS[step],
                *(number(runners[f"{step} {file.name}"].median(p)) for file in files for p in ("p50", "p99")),
            )
            for step in steps
        ]
    heads = [f"{size / 1000:.0f} KB, {p}" for size in files.values() for p in ("p50", "p99")]
    note = "Microseconds; all shipped rules." + ("" if has_cards() else " There are no cards to make yet.")
    return [Table("A CDS Hooks request (order-sign)", ("step", *heads), rows, note)], []


def has_cards() -> bool:
    return find_spec("oncogate.adapters.cdshooks.cards") is not None


def grown(document: dict[str, Any]) -> dict[str, Any]:
    """The request with more laboratory results, each its own, until it is large."""
    made = copy.deepcopy(document)
    entries = made["prefetch"]["labs"]["entry"]
    first = entries[0]
    taken = datetime.fromisoformat(first["resource"]["effectiveDateTime"])
    size, each = len(json.dumps(made)), len(json.dumps(first)) + 2
    for n in range((LARGE - size) // each):
        entry = copy.deepcopy(first)
        when = (taken - timedelta(days=1, hours=n)).isoformat()
        entry["resource"] |= {"id": f"lab-old-{n}", "effectiveDateTime": when, "issued": when}
        entry["resource"]["valueQuantity"]["value"] = round(2 + n % 40 / 10, 1)
        entries.append(entry)
    made["prefetch"]["labs"]["total"] = len(entries)
    return made
