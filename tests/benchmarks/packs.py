"""All that ships on one order: the core pack alone, all packs as they ship, and with every rule adopted."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import ROOT, race
from tests.benchmarks.tables import Goal, Table, number

ORDERS = (
    "allowed",
    "anc-below-limit",
    "high-risk-without-gcsf",
    "no-consent",
    "no-molecular-result",
    "not-supplied",
)
CORE = {"rules": [str(ROOT / "rules" / "core")]}


def run(options: Options) -> Result:
    """Typical orders by a gate with each choice of rules."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "all.yaml"
        site.write_text(_all_adopted(), "utf-8")
        choices = {"core": CORE, "shipped": {"rules": []}, "adopted": {"rules": [], "site": str(site)}}
        settings = {
            f"file {order} {name}": {**rules, "file": str(ROOT / "examples" / f"{order}.json")}
            for order in ORDERS
            for name, rules in choices.items()
        }
        runners = race(settings, options.seconds / 2, options.rounds, settings)
    rows, ratios = [], {"shipped": [], "adopted": []}
    for order in ORDERS:
        p50 = {name: runners[f"file {order} {name}"].median("p50") for name in choices}
        over = {name: (p50[name] or 0) / (p50["core"] or 1) for name in ratios}
        for name, ratio in over.items():
            ratios[name].append(ratio)
        rows.append((order, *map(number, p50.values()), *map(number, over.values())))
    head = ("order", "core pack", "all packs as shipped", "all adopted", "shipped ÷ core", "adopted ÷ core")
    note = "Microseconds, p50. As shipped the rules on trial are judged too and reported apart; adopted they count."
    goals = [
        Goal("all packs as shipped ÷ core pack, typical order", ratios["shipped"][0], 4),
        Goal("all packs adopted ÷ core pack, typical order", ratios["adopted"][0], 4),
    ]
    return [Table("All shipped rules on one order", head, rows, note)], goals


def _all_adopted() -> str:
    from oncogate import Gate

    trial = [loaded.rule.id for loaded in Gate.load().library.rules if loaded.rule.status == "trial"]
    said = "{status: stable, reviewed_by: benchmark, source: benchmark, date: 2026-01-01}"
    return (
        "\n".join(["id: everything", "layer: hospital", "rules:", *(f"  {id}: {said}" for id in trial)])
        + "\n"
    )
