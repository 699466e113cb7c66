"""Regular expressions that are compiled when they are first used: there are some 200, and few requests need many."""

from __future__ import annotations

import re
from typing import Any, cast


class _Pattern:
    """Stands for a `re.Pattern`; what is asked of it once stays with it, and is then as quick."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)  # two threads may both do so; it is the same
        return found


def compile(expression: str, flags: int = 0) -> re.Pattern[str]:
    """`re.compile`, later. Not for an expression that somebody else wrote: what is wrong with it shows only when it is used."""
    return cast("re.Pattern[str]", _Pattern(expression, flags))
