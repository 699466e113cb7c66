"""Errors: what a user can get wrong, said where it stands and with what to do.

    OncogateError
    ├── PackError       the rules, facts, tables or the site file can't be used; carries diagnostics
    └── RequestError    the host's input doesn't fit the model; diagnostics hold JSON pointers

Clinical gaps never raise: they are `unknown` in a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


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
    import difflib  # noqa: PLC0415 - seldom wanted

    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean `{folded[close[0]]}`?" if close else ""


_SHOULD_BE = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "a mapping of names to values"),
    **dict.fromkeys(("tuple_type", "list_type"), "a list"),
    "string_type": "text", "bool_type": "`true` or `false`",
    **dict.fromkeys(("int_type", "int_from_float", "int_parsing"), "a whole number"),
}  # fmt: skip


def in_plain_words(found: Mapping[str, Any]) -> str:
    """What is wrong with a value by pydantic's account of it, without the names of our classes."""
    kind, context = found["type"], found.get("ctx", {})
    if kind in _SHOULD_BE:
        return f"should be {_SHOULD_BE[kind]}"
    if kind == "literal_error":
        return f"should be {context['expected'].replace(chr(39), '`')}"
    if kind == "string_pattern_mismatch":
        return f"isn't of the form `{context['pattern']}`"
    if kind in ("too_short", "string_too_short"):
        least = context["min_length"]
        return (
            "is empty"
            if least == 1
            else f"should have at least {least} {'items' if kind == 'too_short' else 'characters'}"
        )
    message = str(found["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]


def missing_extra(what: str, error: ModuleNotFoundError, extra: str) -> str:
    """That `what` needs a module of an extra, and how to install it."""
    return (
        f"{what} needs `{error.name}`, which is not installed [extra-missing]\n"
        f'  help: pip install "oncogate[{extra}]"'
    )
