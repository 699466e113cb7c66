"""The second engine: the same rules, combined by durable-rules in a process of its own."""

from __future__ import annotations

from typing import Literal

TIME_LIMIT = 2.0
"""Seconds within which it has to answer; it needs some milliseconds (docs/explanation/two-engines.md)."""

Trouble = Literal["dead", "late", "wrong"]


class SecondEngineError(Exception):
    """The second engine gave no answer that can be used: it is dead, late or wrong."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        self.trouble: Trouble = trouble
        super().__init__(detail)
