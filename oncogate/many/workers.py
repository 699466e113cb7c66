"""Worker processes that judge chunks of lines, and the answers put back into the order of the lines.

A worker is a fresh Python that loads the gate anew, neither forked (a fork of a process with threads may hang) nor given
this program's main module to import: it works from any script, notebook or server, on every system.
"""

from __future__ import annotations

import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import IO, Any

from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.many.lines import Answer, Line
from oncogate.many.terms import Ready, Refused, Terms

Chunk = Sequence[Line]
PROGRAM = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from oncogate.many.worker import serve; serve()"
)
AHEAD = 4
"""Chunks a worker that are read ahead: one that takes long doesn't leave the other workers idle."""


class WorkerDied(Exception):
    """A worker process ended though nobody told it to."""


class Worker:
    """One process. Used by one thread at a time."""

    def __init__(self, terms: Terms, judges_by: tuple[object, ...]) -> None:
        # apart from the terminal's process group: an interrupt is for the caller, who ends the workers
        group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # Windows
        try:
            self._process = subprocess.Popen(
                (sys.executable, "-I", "-c", PROGRAM), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                start_new_session=not group, creationflags=group,
            )  # fmt: skip
        except OSError as error:
            raise WorkerDied(f"it can't be started: {error}") from error
        self.pid = self._process.pid
        try:
            answer = self._ask(sys.path, terms)
            if isinstance(answer, Refused):
                raise OncogateError(answer.diagnostics)
            if not isinstance(answer, Ready) or answer.judges_by != judges_by:
                said = "the rules that are there now aren't those that this gate was loaded with"
                raise OncogateError([Diagnostic("", 0, 0, "rules-changed", said, "load the gate again")])
        except BaseException:
            self.end()
            raise

    def judge(self, chunk: Chunk) -> list[Answer]:
        """The answers to a chunk. Raises `WorkerDied`."""
        answers: list[Answer] = self._ask(chunk)
        return answers

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was still to be written to a process that is gone
                _open(pipe).close()

    def _ask(self, *said: object) -> Any:
        told = _open(self._process.stdin)
        try:
            for one in said:
                pickle.dump(one, told, protocol=pickle.HIGHEST_PROTOCOL)
            told.flush()
            return pickle.load(_open(self._process.stdout))
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self.end()
            raise WorkerDied(_how(self._process.returncode)) from error


class Workers:
    """A number of workers, each started when there is a chunk for it, replaced once when it dies over one."""

    def __init__(self, processes: int, terms: Terms, judges_by: tuple[object, ...]) -> None:
        self._terms = terms
        self._judges_by = judges_by
        self._threads = ThreadPoolExecutor(processes, "oncogate-many")
        self._ahead = AHEAD * processes
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self.alive: set[Worker] = set()
        self._ending = False

    def in_order(self, chunks: Iterable[Chunk]) -> Iterator[Answer]:
        """The answers in the order of the lines. No more is read ahead than the workers wait for."""
        failures: list[Exception] = []

        def guarded() -> Iterator[Chunk]:
            try:
                yield from chunks
            except Exception as error:
                failures.append(error)  # after the answers to what was read before, as without workers

        left = guarded()
        pending = deque(self._threads.submit(self._judge, chunk) for chunk in islice(left, self._ahead))
        while pending:
            yield from pending.popleft().result()
            pending.extend(self._threads.submit(self._judge, chunk) for chunk in islice(left, 1))
        if failures:
            raise failures[0]

    def end(self) -> None:
        """End every worker, also one that is busy."""
        self._ending = True
        for worker in list(self.alive):
            worker.end()
        self._threads.shutdown(cancel_futures=True)
        for worker in list(self.alive):  # started meanwhile
            worker.end()

    def _judge(self, chunk: Chunk) -> list[Answer]:
        try:
            return self._on(self._idle_or_new(), chunk)
        except WorkerDied:
            if self._ending:
                raise
        try:
            return self._on(self._new(), chunk)
        except WorkerDied as died:
            said = f"the process that judged the lines {chunk[0].number} to {chunk[-1].number} ended twice ({died})"
            hint = "see whether memory runs out; with one process the lines are judged one by one"
            raise OncogateError([Diagnostic("", 0, 0, "worker-died", said, hint)]) from died

    def _idle_or_new(self) -> Worker:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._new()

    def _new(self) -> Worker:
        worker = Worker(self._terms, self._judges_by)
        self.alive.add(worker)
        return worker

    def _on(self, worker: Worker, chunk: Chunk) -> list[Answer]:
        try:
            answers = worker.judge(chunk)
        except WorkerDied:
            self.alive.discard(worker)
            raise
        self._idle.put(worker)
        return answers


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
