"""Files: several messages in one, and a table of local codes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from oncogate.adapters.hl7v2.codes import Coding, system_named
from oncogate.base.errors import Diagnostic, OncogateError

_BEGINS = re.compile(rb"(?:^|(?<=[\r\n\x0b]))(?=MSH[^A-Za-z0-9\s])")
_ENVELOPE = re.compile(rb"(?:^|[\r\n])[ \t]*[FB][HT]S[^\r\n]*")


def split_messages(data: bytes) -> list[bytes]:
    """The messages of a file, in MLLP frames, in a batch (FHS, BHS) or simply one after the other."""
    parts = _BEGINS.split(data.removeprefix(b"\xef\xbb\xbf"))
    found = (_ENVELOPE.sub(b"", part.rpartition(b"\x1c")[0] or part) for part in parts)
    return [
        one.strip(b"\r\n") + (b"\r" if one.endswith((b"\r", b"\n")) else b"")
        for one in found
        if one.startswith(b"MSH")
    ]


def read_local_codes(path: str | Path) -> dict[tuple[str, str], Coding]:
    """What a site's local codes stand for, from a CSV of `system,code,to_system,to_code`.

    `to_system` may be an abbreviation (`LN` for LOINC). Raises `OncogateError` with every line that can't be used.
    """
    problems: list[Diagnostic] = []
    found: dict[tuple[str, str], Coding] = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = [
                (n, row) for n, row in enumerate(csv.reader(file), 1) if any(cell.strip() for cell in row)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OncogateError([_problem(path, 0, f"can't be read: {error}")]) from None
    if not rows or [cell.strip() for cell in rows[0][1]] != ["system", "code", "to_system", "to_code"]:
        raise OncogateError([_problem(path, 1, "the first line should be `system,code,to_system,to_code`")])
    for line, row in rows[1:]:
        cells = [cell.strip() for cell in row]
        if len(cells) != 4 or not all(cells[1:]):
            problems.append(
                _problem(path, line, "should hold a system, a code, and both of what it stands for")
            )
            continue
        key = (system_named(cells[0]) or cells[0], cells[1])
        if key in found:
            problems.append(_problem(path, line, f"`{cells[1]}` of `{cells[0]}` stands here twice"))
        found[key] = {"system": system_named(cells[2]) or cells[2], "code": cells[3]}
    if problems:
        raise OncogateError(problems)
    return found


def _problem(path: str | Path, line: int, message: str) -> Diagnostic:
    return Diagnostic(
        str(path), line, 1 if line else 0, "local-codes", message, "write `WinPath,tt-0002-09,LN,751-8`"
    )
