"""Deciding many requests, on this process or on several."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.many.lines import Answer, Line, judge_line, requests_in
from oncogate.many.terms import Terms
from oncogate.many.workers import Chunk, Workers
from oncogate.model.decision import Decision
from oncogate.model.request import Request, zone_named

if TYPE_CHECKING:
    from oncogate.gate import Gate

LINES, BYTES = 64, 256 * 1024
"""A chunk is full with so many lines or bytes: enough that handing it over costs little, little enough to share out."""


def decide_requests(gate: Gate, requests: Iterable[Request], processes: int) -> Iterator[Decision]:
    """The decisions, in order."""
    processes = _checked(gate, processes)
    if processes == 1:
        return map(gate.decide, requests)
    lines = (Line(n, request.to_json().encode()) for n, request in enumerate(requests, 1))
    return map(_decision, _on_workers(gate, lines, processes, None))


def decide_lines(
    gate: Gate, lines: Iterable[bytes | str], processes: int, timezone: str | None
) -> Iterator[Answer]:
    """The answers, in order."""
    processes = _checked(gate, processes)
    if timezone is not None:
        zone_named(timezone)  # one that there isn't is refused once, not for every line
    found = requests_in(lines)
    if processes == 1:
        return (judge_line(gate, line, timezone) for line in found)
    return _on_workers(gate, found, processes, timezone)


def _checked(gate: Gate, processes: int) -> int:
    if processes < 0:
        said = f"{processes} is no number of processes"
        raise OncogateError([
            Diagnostic("", 0, 0, "processes-invalid", said, "1 or more, or 0 for one a processor")
        ])  # fmt: skip
    processes = processes or processors()
    if processes > 1 and gate.loaded_by is None:
        said = "only a gate made by `Gate.load` can be loaded again in other processes"
        raise OncogateError([Diagnostic("", 0, 0, "gate-not-loaded", said, "load it, or use one process")])
    return processes


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _on_workers(gate: Gate, lines: Iterable[Line], processes: int, timezone: str | None) -> Iterator[Answer]:
    workers = Workers(processes, Terms(gate.loaded_by or {}, timezone), gate.judges_by)
    try:
        yield from workers.in_order(chunks(lines))
    finally:
        workers.end()


def chunks(lines: Iterable[Line], most: int = LINES, full: int = BYTES) -> Iterator[Chunk]:
    """The lines in order, at most `most` together and none more once they are `full` bytes."""
    chunk: list[Line] = []
    size = 0
    try:
        for line in lines:
            chunk.append(line)
            size += len(line.content)
            if len(chunk) >= most or size >= full:
                yield chunk
                chunk, size = [], 0
    except Exception:  # the lines read before it failed are judged
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _decision(answer: Answer) -> Decision:
    if answer.outcome is None:
        raise OncogateError(answer.diagnostics)
    return Decision.load(answer.json)
