"""`python -m tests.benchmarks`: every figure of docs/explanation/performance.md, side by side in one run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.benchmarks import cold, common, hooks, many, memory, packs, pauses, scale
from tests.benchmarks.options import Options, Result
from tests.benchmarks.race import ROOT
from tests.benchmarks.tables import Goal, Table, as_markdown, as_text, goals_table, setting, write_markdown

SECTIONS: dict[str, Callable[[Options], Result]] = {
    "common": common.run, "hooks": hooks.run, "scale": scale.run, "cold": cold.run, "memory": memory.run, "packs": packs.run,
    "pauses": pauses.run, "many": many.run,
}  # fmt: skip
PAGE = ROOT / "docs" / "explanation" / "performance.md"


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    asked.add_argument("--quick", action="store_true", help="short runs, to see that all of it works")
    asked.add_argument("--only", metavar="SECTION,…", help=", ".join(SECTIONS))
    asked.add_argument("--rounds", type=int, help="of side by side runs (5; 1 with --quick)")
    asked.add_argument(
        "--decisions", type=int, help="of the run that watches memory (1,000,000; 500 with --quick)"
    )
    asked.add_argument("--requests", type=int, help="of the run over many (1,000,000; 500 with --quick)")
    asked.add_argument(
        "--markdown", action="store_true", help=f"write the tables into {PAGE.relative_to(ROOT)}"
    )
    given = asked.parse_args()
    names = given.only.split(",") if given.only else [*SECTIONS]
    if unknown := set(names) - set(SECTIONS):
        asked.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    options = Options(
        quick=given.quick, seconds=0.3 if given.quick else 1.0, rounds=given.rounds or (1 if given.quick else 5),
        decisions=given.decisions or (500 if given.quick else 1_000_000), requests=given.requests or (500 if given.quick else 1_000_000),
    )  # fmt: skip
    tables: list[Table] = []
    goals: list[Goal] = []
    for name in names:
        more, reached = SECTIONS[name](options)
        tables += more
        goals += reached
        print("\n\n".join(as_text(table) for table in more), end="\n\n", flush=True)
    if goals:
        tables.insert(0, goals_table(goals))
        print(as_text(tables[0]), end="\n\n")
    said = f"{setting()} {options}."
    print(said)
    if given.markdown:
        write_markdown(PAGE, "\n\n".join([f"Measured {said}", *map(as_markdown, tables)]))


if __name__ == "__main__":
    sys.exit(main())
