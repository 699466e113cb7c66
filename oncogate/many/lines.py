"""One request as a line of JSON → one answer as a line of JSON, whatever the line holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.base.written import json_bytes
from oncogate.model.at_once import LARGEST
from oncogate.model.request import Request
from oncogate.model.rule import Outcome

if TYPE_CHECKING:
    from oncogate.gate import Gate

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line that holds a request; `number` counts all lines from 1."""

    number: int
    content: bytes


class Answer(NamedTuple):
    """What is said of one line: the decision, or why there is none.

    `json` is the decision's canonical JSON or, where the line can't be judged, `{"checked":false,"line":…,"errors":[…]}`;
    it holds no line end. `outcome` is `None` and `diagnostics` isn't empty where the line can't be judged.
    """

    number: int
    json: bytes
    outcome: Outcome | None
    diagnostics: tuple[Diagnostic, ...] = ()

    def located(self, name: str) -> list[Diagnostic]:
        """The diagnostics at their places in the file `name`: `orders.ndjson:17#/order/drugs/0` or `orders.ndjson:17:5`."""
        return [
            replace(d, path=name, line=self.number)
            if d.line
            else replace(d, path=f"{name}:{self.number}#{d.path}" if d.path else f"{name}:{self.number}")
            for d in self.diagnostics
        ]


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream, one at a time. Of a line too long for a request only so much is kept as shows that it is."""
    while line := stream.readline(LARGEST + 1):
        yield line
        while not line.endswith(b"\n") and (line := stream.readline(LARGEST)):
            pass


def requests_in(lines: Iterable[bytes | str]) -> Iterator[Line]:
    """The lines that hold something. An empty line is no request; it is counted and has no answer."""
    for number, line in enumerate(lines, 1):
        content = line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        if content.strip().removeprefix(BYTE_ORDER_MARK):
            yield Line(number, content)


def judge_line(gate: Gate, line: Line, timezone: str | None = None) -> Answer:
    """Judge the request in a line. Never raises for what the line holds, nor for a fault of the gate's own."""
    try:
        # without its line end, which in a text that is cut short would be a slip of its own
        decision = gate.decide(Request.load(line.content.rstrip(b"\r\n"), timezone))
        return Answer(line.number, decision.to_json().encode(), decision.outcome)
    except OncogateError as error:
        return _refused(line.number, error.diagnostics)
    except Exception as error:  # one line's fault must not cost the others their answers
        said = f"internal error: {type(error).__name__}: {error}"
        return _refused(
            line.number, (Diagnostic("", 0, 0, "internal", said, "please report this with the line"),)
        )


def _refused(number: int, diagnostics: tuple[Diagnostic, ...]) -> Answer:
    said = {"checked": False, "line": number, "errors": [_plain(d) for d in diagnostics]}
    return Answer(number, json_bytes(said), None, diagnostics)


def _plain(said: Diagnostic) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "code": said.code,
        "message": said.message,
        "path": said.path,
        "help": said.help,
    }
    return {**found, "column": said.column} if said.column else found
