"""What is printed: tables as text and as Markdown, and the goals with what was measured."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple


class Table(NamedTuple):
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


class Goal(NamedTuple):
    """A ratio of one run and what it should be at most (or, for `least`, at least); without a limit it is for the record."""

    what: str
    measured: float | None
    limit: float | None
    least: bool = False

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        if self.limit is None:
            return ""
        held = self.measured >= self.limit if self.least else self.measured <= self.limit
        return "yes" if held else "no"


def number(value: float | None) -> str:
    """A figure with three digits that count."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def goals_table(goals: Sequence[Goal]) -> Table:
    rows = [
        (
            g.what,
            "" if g.limit is None else f"{'≥' if g.least else '≤'} {g.limit:g}",
            number(g.measured),
            g.verdict,
        )
        for g in goals
    ]
    return Table("Goals", ("ratio in this run", "goal", "measured", "held"), rows)


def as_text(table: Table) -> str:
    columns = [*zip(table.head, *table.rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    lines = [
        "  ".join(cell.rjust(w) if n and re.match(r"[\d–]", cell) else cell.ljust(w) for n, (cell, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in (table.head, *table.rows)
    ]  # fmt: skip
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([table.title, *lines, *([table.note] if table.note else [])])


def as_markdown(table: Table) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (table.head, *table.rows)]
    lines.insert(1, "|---" + "|---:" * (len(table.head) - 1) + "|")
    return "\n".join([f"### {table.title}", "", *lines, *(["", table.note] if table.note else [])])


PACKAGES = (
    "pydantic", "pydantic-core", "zen-engine", "datalogic-py", "cel-expr-python", "common-expression-language", "cedarpy",
    "gordon-to-regorus", "rule-engine", "durable-rules", "business-rules", "clipspy",
)  # fmt: skip


def setting() -> str:
    """Machine, date and versions."""
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    system = f"{_processor()}, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{date.today().isoformat()}, {system}; {versions}."


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        said = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    models = re.findall(r"^model name\s*:\s*(.+)$", said, re.MULTILINE)
    return f"{len(models)} × {models[0]}" if models else platform.machine()


BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def write_markdown(page: Path, text: str) -> None:
    """Put `text` between the marks of the page."""
    said = page.read_text("utf-8")
    before, after = said.index(BEGIN) + len(BEGIN), said.index(END)
    page.write_text(said[:before] + "\n" + text + "\n" + said[after:], "utf-8")
