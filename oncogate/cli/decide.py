"""`oncogate decide`: judge many requests, a line each."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from oncogate.base.errors import Diagnostic, OncogateError, RequestError
from oncogate.cli import console
from oncogate.cli.check import Folders, Layers
from oncogate.cli.many_lines import Output, ReaderGone, open_input
from oncogate.cli.progress import Progress
from oncogate.cli.source import STDIN, unreadable
from oncogate.gate import Gate
from oncogate.many.lines import Answer, read_lines

REPORTED = 100
"""Lines that can't be judged whose problems are printed; those of all stand in the output."""


@console.command
def decide(
    file: Annotated[
        str, typer.Argument(help="Requests, one a line, or `-` for standard input.", metavar="FILE")
    ],
    processes: Annotated[
        int, typer.Option("--processes", help="How many processes judge; 0: one a processor.", metavar="N")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the decisions go. Default: standard output.", metavar="FILE"),
    ] = None,
    rules: Folders = None,
    site: Layers = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            "--timezone", help="The zone of times that have none (Asia/Shanghai, +08:00).", metavar="ZONE"
        ),
    ] = None,
) -> int:
    """Judge requests as NDJSON (one a line) into decisions as NDJSON, in the same order.

    Exit code 0: all were judged and none is blocked; 1: all were judged, some are blocked; 2: a line, the input or the
    rules can't be used.
    """
    problems: list[Diagnostic] = []
    gate = stream = None
    try:
        gate = Gate.load(rules or (), site or ())
    except OncogateError as error:
        problems += error.diagnostics
    try:
        stream = open_input(file)
    except OncogateError as error:
        problems += error.diagnostics
    if gate is None or stream is None:
        return console.refuse(problems)
    gc.freeze()  # the rules stay for good; the collector needn't walk them again and again
    with stream:
        run = Run(STDIN if file == "-" else file, stream, Output(out, file))
        return run.write(gate.decide_lines(run.lines(), processes=processes, timezone=timezone))


class Run:
    """One run over a file: what was read, said and counted."""

    def __init__(self, name: str, stream: BinaryIO, output: Output) -> None:
        self.name = name
        self.stream = stream
        self.output = output
        self.read = 0
        self.counts: Counter[str] = Counter()
        self.begun = time.monotonic()

    def lines(self) -> Iterator[bytes]:
        """The lines of the input, counted."""
        try:
            for line in read_lines(self.stream):
                self.read += len(line)
                yield line
        except OSError as error:
            raise unreadable(self.name, error) from None

    def write(self, answers: Iterable[Answer]) -> int:
        """Write every answer as it comes and report what can't be judged; returns the exit code."""
        ended = ""
        try:
            with self.output, Progress(self.stream, self.output.on_terminal) as progress:
                for answer in answers:
                    self.output.write(answer.json)
                    self.counts[answer.outcome or "unjudged"] += 1
                    if answer.diagnostics:
                        self._report(answer)
                    progress.show(self.read, self._said)
                if not self.counts:
                    hint = "write one request a line, as JSON; `oncogate schema request` prints its form"
                    raise RequestError(
                        [Diagnostic(self.name, 0, 0, "input-empty", "the input is empty", hint)]
                    )
        except ReaderGone:
            ended = "stopped: nobody reads standard output any more"
            console.let_go()
        except KeyboardInterrupt:
            ended = "interrupted"
            raise
        except OncogateError as error:
            ended = "stopped"
            console.refuse(error.diagnostics)
        finally:
            console.say(self._summary(ended))
        if ended:
            return 2
        return 2 if self.counts["unjudged"] else 1 if self.counts["block"] else 0

    def _report(self, answer: Answer) -> None:
        if self.counts["unjudged"] <= REPORTED:
            console.refuse(answer.located(self.name))
        if self.counts["unjudged"] == REPORTED:
            console.say(
                f"note: {REPORTED} lines can't be judged; what is wrong with more of them stands in the output alone"
            )

    @property
    def _judged(self) -> int:
        return sum(self.counts[outcome] for outcome in ("block", "warn", "allow"))

    def _said(self) -> str:
        """The counts, in words."""
        counts = self.counts
        said = f"{self._judged:,} judged: {counts['block']:,} blocked, {counts['warn']:,} with a warning, {counts['allow']:,} allowed"
        return said + (f"; {counts['unjudged']:,} can't be judged" if counts["unjudged"] else "")

    def _summary(self, ended: str) -> str:
        seconds = time.monotonic() - self.begun
        answered = self._judged + self.counts["unjudged"]
        said = f"{self._said()} ({seconds:.1f} s, {answered / seconds if seconds else 0:,.0f} a second)"
        if ended:
            said += f"; {ended}{self.output.left_behind()}"
        return said
