"""How far a long run is, on a terminal."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO

EVERY = 0.1
"""Seconds between two looks at the counts."""


class Progress:
    """A bar on standard error where that is a terminal and nothing else is written to it; elsewhere nothing."""

    def __init__(self, source: BinaryIO, output_on_terminal: bool) -> None:
        self._shown = sys.stderr.isatty() and not output_on_terminal
        self._size = _size(source)
        self._next = 0.0

    def __enter__(self) -> Progress:
        if self._shown:
            from rich.console import Console  # noqa: PLC0415
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
            from rich.progress import Progress as Bar  # noqa: PLC0415

            columns = (
                BarColumn(), TaskProgressColumn(), TextColumn("{task.description}", markup=False), TimeRemainingColumn(),
            )  # fmt: skip
            self._bar = Bar(*columns, console=Console(stderr=True, highlight=False), transient=True)
            self._task = self._bar.add_task("", total=self._size)
            self._bar.start()
        return self

    def show(self, done: int, said: Callable[[], str]) -> None:
        """`done` bytes of the input are read; `said` puts the counts into words."""
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + EVERY
            self._bar.update(self._task, completed=done, description=said())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._bar.stop()


def _size(source: BinaryIO) -> int | None:
    try:
        status = os.fstat(source.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
