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
KINDS = {
    "file": ("All shipped rules on one order, the outcome looked at", "typical order"),
    "file-json": ("All shipped rules on one order, everything looked at, as JSON", "typical order, as JSON"),
}
HEAD = ("order", "core pack", "all packs as shipped", "all adopted", "shipped ÷ core", "adopted ÷ core")
NOTE = "Microseconds, p50. As shipped most rules are on trial: judged for those who look at `shadow`. Adopted they count."
CORE = {"rules": [str(ROOT / "rules" / "core")]}


def run(options: Options) -> Result:
    """Typical orders by a gate with each choice of rules."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "all.yaml"
        site.write_text(_all_adopted(), "utf-8")
        choices = {"core": CORE, "shipped": {"rules": []}, "adopted": {"rules": [], "site": str(site)}}
        settings = {
            f"{kind} {order} {name}": {**rules, "file": str(ROOT / "examples" / f"{order}.json")}
            for order in ORDERS
            for name, rules in choices.items()
            for kind in ("file", "file-json")
        }
        runners = race(settings, options.seconds / 2, options.rounds, settings)
    tables, goals = [], []
    for kind, (title, said) in KINDS.items():
        p50 = {o: [runners[f"{kind} {o} {name}"].median("p50") or 0.0 for name in choices] for o in ORDERS}
        rows = [(o, *map(number, p), number(p[1] / p[0]), number(p[2] / p[0])) for o, p in p50.items()]
        tables.append(Table(title, HEAD, rows, NOTE))
        _, shipped, adopted = (one / p50[ORDERS[0]][0] for one in p50[ORDERS[0]])
        goals += [
            Goal(f"all packs as shipped ÷ core pack, {said}", shipped, 4),
            Goal(f"all packs adopted ÷ core pack, {said}", adopted, 4),
        ]
    return tables, goals


def _all_adopted() -> str:
    from oncogate import Gate

    trial = [loaded.rule.id for loaded in Gate.load().library.rules if loaded.rule.status == "trial"]
    said = "{status: stable, reviewed_by: benchmark, source: benchmark, date: 2026-01-01}"
    return (
        "\n".join(["id: everything", "layer: hospital", "rules:", *(f"  {id}: {said}" for id in trial)])
        + "\n"
    )
