"""The request that a page looks at: an example's or a pasted one, in whichever form it was written."""

from __future__ import annotations

from dataclasses import dataclass

from oncogate.adapters.fhir import Vocabulary
from oncogate.adapters.host_form import as_native, form_of, moment_of
from oncogate.base.errors import Diagnostic, RequestError
from oncogate.model.request import Request, read_json
from oncogate.server.reading import Clock
from oncogate.server.screen.patients import example_patients
from oncogate.server.screen.state import State

LARGEST_TEXT = 2 * 1024 * 1024
"""Bytes of the largest text that is taken; what travels with every page has to stay small."""

SHOWN = 120
"""Characters of a line that are shown beside a problem."""


@dataclass(frozen=True)
class Problem:
    """A diagnostic as shown: where, what, what to do, and the line that it speaks of."""

    where: str
    code: str
    message: str
    help: str
    line: str = ""


def read_state(
    state: State, vocabulary: Vocabulary, timezone: str | None
) -> tuple[Request, tuple[Diagnostic, ...]]:
    """The request of a state, and what was amiss but could be lived with.

    The same detection of its form, and the same diagnostics, as `oncogate check --from auto`. Raises `RequestError`.
    """
    text, at = state.text, state.at or None
    if state.patient:
        example = example_patients().get(state.patient)
        if example is None:
            said = f"there is no example `{state.patient}`"
            raise RequestError([Diagnostic("", 0, 0, "example-unknown", said, "pick one of the list")])
        text, at = example.text, at or example.at
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > LARGEST_TEXT:
        said = f"larger than {LARGEST_TEXT} bytes"
        help = "paste one patient's record; `oncogate check` takes larger ones"
        raise RequestError([Diagnostic("", 0, 0, "input-too-large", said, help)])
    zone = Clock(timezone).zone
    at = moment_of(at, zone, "at") if at is not None else None
    document = read_json(raw)
    data, notes = as_native(document, form_of(document), at, zone, vocabulary)
    return Request.load(data, timezone), notes


def problems_of(diagnostics: tuple[Diagnostic, ...], text: str) -> tuple[Problem, ...]:
    """The diagnostics as shown beside a pasted text."""
    return tuple(
        Problem(
            f"{d.path}:{d.line}:{d.column}".lstrip(":") if d.line else d.path, d.code, d.message, d.help, _line(d, text)
        )
        for d in diagnostics
    )  # fmt: skip


def _line(diagnostic: Diagnostic, text: str) -> str:
    """The part of the pasted line that a problem speaks of, with the place marked."""
    lines = text.splitlines()
    if not 0 < diagnostic.line <= len(lines):
        return ""
    line, place = lines[diagnostic.line - 1], diagnostic.column - 1
    start = max(0, place - SHOWN // 2)
    return f"{line[start:place]}⟶{line[place : start + SHOWN]}"
