"""A request from a file or standard input, in whichever form the host wrote it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import Any

from oncogate.adapters.host_form import Form, as_native, form_of, moment_of
from oncogate.base.errors import Diagnostic, RequestError
from oncogate.model.at_once import LARGEST
from oncogate.model.request import Request, read_json, zone_named
from oncogate.packs.pack import Library

STDIN = "<stdin>"


def read_request(
    file: str, form: Form, at: str | None, timezone: str | None, library: Library | None = None
) -> tuple[Request, list[Diagnostic]]:
    """The request in `file` (`-`: standard input), and what was amiss but could be lived with.

    A host's form is read by the facts and tables of `library`, without one by those that ship. It is judged for `at`, else its own moment, else when its order was written, else now. Raises
    `RequestError` with every problem, each located in the file.
    """
    name = STDIN if file == "-" else file
    problems: list[Diagnostic] = []
    zone = _zone(timezone, problems)
    moment = _moment(at, zone, problems)
    try:
        document = _document(file)
    except RequestError as error:
        raise RequestError([*problems, *located(error.diagnostics, name)]) from None
    if problems:
        raise RequestError(problems)
    notes: list[Diagnostic] = []
    try:
        data, amiss = _native(document, form, moment, zone, library)
        notes = located(amiss, name)
        return Request.load(data, timezone), notes
    except RequestError as error:
        raise RequestError([*notes, *located(error.diagnostics, name)]) from None


def _native(
    document: Any, form: Form, at: str | None, zone: tzinfo | None, library: Library | None
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    form = form_of(document) if form is Form.AUTO else form
    vocabulary = None
    if form in (Form.CDSHOOKS, Form.FHIR) and library is not None:
        from oncogate.adapters.fhir import Vocabulary  # noqa: PLC0415

        vocabulary = Vocabulary.of(library)
    return as_native(document, form, at, zone, vocabulary)


def _zone(timezone: str | None, problems: list[Diagnostic]) -> tzinfo | None:
    if timezone is None:
        return None
    try:
        return zone_named(timezone, "--timezone")
    except RequestError as error:
        problems += error.diagnostics
        return None


def _moment(at: str | None, zone: tzinfo | None, problems: list[Diagnostic]) -> str | None:
    if at is None:
        return None
    try:
        return moment_of(at, zone, "--at", "or add `--timezone Asia/Shanghai`")
    except RequestError as error:
        problems += error.diagnostics
        return None


def _document(file: str) -> Any:
    if file == "-":
        return read_json(sys.stdin.buffer.read(LARGEST + 1))
    path = Path(file)
    try:
        special = not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()
        if special:  # a pipe or a device has no size to look at first
            with path.open("rb") as stream:
                return read_json(stream.read(LARGEST + 1))
    except (OSError, ValueError) as error:
        raise unreadable(file, error) from None
    return read_json(path)


def unreadable(name: str, error: Exception) -> RequestError:
    """That the input can't be read."""
    said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return RequestError([Diagnostic(name, 0, 0, "input-unreadable", f"can't be read: {said}")])


def located(diagnostics: Iterable[Diagnostic], name: str) -> list[Diagnostic]:
    """The diagnostics with the file's name before their JSON pointers: `request.json#/order/drugs/0`."""
    return [
        d if d.path in (name, str(Path(name))) else replace(d, path=f"{name}#{d.path}" if d.path else name)
        for d in diagnostics
    ]
