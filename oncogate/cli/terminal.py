"""How wide and how colourful the terminal is."""

from __future__ import annotations

import io
import os
import sys

from rich.console import Console, RenderableType

WIDE = 120
ON_PAPER = 100
"""Columns where there is no terminal."""


def in_terminal(renderable: RenderableType) -> str:
    """The renderable as text for standard output: coloured on a terminal, plain elsewhere and with NO_COLOR."""
    real = Console(file=sys.stdout)
    measured = real.is_terminal or os.environ.get("COLUMNS", "").isdigit()
    width = min(real.width, WIDE) if measured else ON_PAPER
    colourful = (
        real.is_terminal and not real.no_color and not real.legacy_windows and real.color_system is not None
    )
    made = io.StringIO()
    console = Console(
        file=made, width=width, force_terminal=colourful, color_system="auto" if colourful else None,
        no_color=not colourful, legacy_windows=False, markup=False, emoji=False, highlight=False,
    )  # fmt: skip
    console.print(renderable)
    return "\n".join(line.rstrip() for line in made.getvalue().splitlines())
