"""Errors: what a user can get wrong, said where it stands and with what to do.

    OncogateError
    ├── PackError       the rules, facts, tables or the site file can't be used; carries diagnostics
    └── RequestError    the host's input doesn't fit the model; diagnostics hold JSON pointers

Clinical gaps never raise: they are `unknown` in a finding.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Diagnostic:
    """One problem. `path` is a file or a JSON pointer; `line` and `column` count from 1, 0 if not known.

    `message` is lower case without a full stop; `help` says what to do, empty if nothing to add.
    """

    path: str
    line: int
    column: int
    code: str
    message: str
    help: str = ""

    def __str__(self) -> str:
        where = self.path
        if self.line:
            where += f":{self.line}:{self.column}"
        text = f"{where}: {self.message} [{self.code}]" if where else f"{self.message} [{self.code}]"
        return f"{text}\n  help: {self.help}" if self.help else text


class OncogateError(Exception):
    """Anything that oncogate raises on purpose; `diagnostics` says what is wrong, and where."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics)))
        super().__init__("\n".join(str(d) for d in self.diagnostics))


class PackError(OncogateError):
    """The rules can't be used. Nothing was loaded."""


class RequestError(OncogateError):
    """The host's request can't be used. Nothing was judged."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A help sentence naming the closest of `known`, or an empty string."""
    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean `{folded[close[0]]}`?" if close else ""
