"""Lines of mixed Chinese and Latin text: broken between Chinese characters, not inside dates, values and words.

rich breaks at blanks only, so that a sentence without blanks is pushed to the next line as one word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text as Styled

_TOGETHER = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?(?: [+-]\d\d:\d\d)?"  # a date with its time
    r"|(?:[<>]=?\s?)?\d[\d.]* ×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+/\S"  # a value with its unit
    r"|\s+"
    r"|[!-~×⁻⁰¹²³⁴⁵⁶⁷⁸⁹·✓✗–?…]+"  # a Latin word
    r"|.",
    re.DOTALL,
)
_NOT_FIRST = frozenset("，。；：、！？）》】”’％…")
_NOT_LAST = frozenset("（《【“‘")


class Prose:
    """Styled text that a rich console wraps as Chinese is wrapped; later lines are indented by `hanging`."""

    def __init__(self, text: Styled, hanging: int = 0) -> None:
        self.text = text
        self.hanging = hanging

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Styled]:
        for number, line in enumerate(wrapped(self.text, options.max_width, self.hanging)):
            if number and self.hanging:
                line.pad_left(self.hanging)
            yield line

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(16, options.max_width), min(cell_len(self.text.plain) or 1, options.max_width))


def wrapped(text: Styled, width: int, hanging: int = 0) -> list[Styled]:
    """The lines of `text`, none wider than `width` unless one word is; all but the first lack `hanging` columns."""
    lines = text.divide(_breaks(text.plain, width, hanging))
    for line in lines:
        line.rstrip()
    return list(lines)


def _breaks(plain: str, width: int, hanging: int) -> list[int]:
    offsets: list[int] = []
    used, room = 0, width
    for start, part in _parts(plain):
        wide = cell_len(part.rstrip())
        if used and used + wide > room:
            offsets.append(start)
            used, room = 0, max(width - hanging, 8)
        used += cell_len(part)
    return offsets


def _parts(plain: str) -> Iterator[tuple[int, str]]:
    """The pieces that stay whole, with their places: punctuation clings to what it belongs to."""
    start, held = 0, ""
    for found in _TOGETHER.finditer(plain):
        part = found[0]
        clings = part[0] in _NOT_FIRST or part.isspace() or (held and held[-1] in _NOT_LAST)
        if held and not clings:
            yield start, held
            start, held = found.start(), ""
        held += part
    if held:
        yield start, held
