"""A child process that answers lines of JSON, and what is done when it dies, dawdles or talks nonsense.

durable-rules is C that can take its process down, and can't be stopped once it hangs. In a process of its own
neither reaches the gate: a dead child is a failure that can be told, a late one is killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oncogate.engine.durable import SecondEngineError

WORKER = (sys.executable, "-I", str(Path(__file__).with_name("worker.py")))
TO_START = 30.0
"""Seconds within which a child has to be ready: it starts, imports, and reads its program."""
LIFETIME = 20_000
"""Answers after which a child is replaced, since durable-rules was seen to keep some of every fact it is told."""


class Child:
    """One child process: started when first asked and, once it is dead, when next asked. It isn't asked twice.

    Safe from many threads, which it serves one after the other, and after `os.fork`: the forked process starts a
    child of its own.
    """

    def __init__(
        self, program: Mapping[str, Any], time_limit: float, command: Sequence[str] = WORKER, lifetime: int = LIFETIME
    ) -> None:  # fmt: skip
        self._command = tuple(command)
        self._program = program
        self._time_limit = time_limit
        self._lifetime = lifetime
        self._forget()
        _CHILDREN.add(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stop: weakref.finalize[..., Child] | None = None
        self._asked = 0

    def start(self) -> None:
        """Start the process if it isn't running, so that the first question needn't wait for it."""
        with self._turn():
            self._running()

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The child's answer. Raises `SecondEngineError` if there is none in time, or none to this question."""
        with self._turn():
            process = self._running()
            self._asked += 1
            answer = self._exchange(process, {"number": self._asked, **question}, self._time_limit)
            if answer.get("number") != self._asked:
                self._end()
                raise _wrong(answer)
            if self._asked >= self._lifetime:
                self._end()
            return answer

    @contextmanager
    def _turn(self) -> Iterator[None]:
        lock = self._lock
        if not lock.acquire(timeout=self._time_limit):
            raise SecondEngineError("late", f"it was busy for {self._time_limit:g} s")
        try:
            yield
        finally:
            lock.release()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                # unbuffered: nothing half written is left behind in a forked process
                self._process = subprocess.Popen(
                    self._command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )  # fmt: skip
            except OSError as error:
                raise SecondEngineError("dead", f"it can't be started: {error}") from error
            self._stop = weakref.finalize(self, _end, self._process)
            self._asked = 0
            answer = self._exchange(self._process, {"path": sys.path, **self._program}, TO_START)
            if "ready" not in answer:
                self._end()
                raise _wrong(answer)
        return self._process

    def _exchange(
        self, process: subprocess.Popen[bytes], said: Mapping[str, Any], seconds: float
    ) -> dict[str, Any]:
        late = threading.Event()

        def kill() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            line = _say(process, json.dumps(said).encode() + b"\n")
        except OSError:
            line = b""
        finally:
            timer.cancel()
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and not late.is_set():
            return answer
        self._end()
        if late.is_set():
            raise SecondEngineError("late", f"no answer within {seconds:g} s")
        if line:
            raise SecondEngineError("wrong", f"no answer but {line[:200]!r}")
        raise SecondEngineError("dead", f"it ended with {process.returncode}")

    def _end(self) -> None:
        if self._stop is not None:
            self._stop()
        self._process = self._stop = None

    def after_fork(self) -> None:
        """In a forked process: let go of the parent's child, which must neither hear from here nor be ended."""
        process, stop = self._process, self._stop
        self._forget()
        if stop is not None:
            stop.detach()
        if process is not None:
            _close(process)
            process.poll()  # finds that it isn't ours, and so doesn't wait for it when it is forgotten


def _say(process: subprocess.Popen[bytes], line: bytes) -> bytes:
    """Say a line and hear one; nothing if the child is gone."""
    assert process.stdin is not None
    assert process.stdout is not None
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(process.stdin.fileno(), rest) :]
    heard = b""
    while not heard.endswith(b"\n"):
        more = os.read(process.stdout.fileno(), 1 << 16)
        if not more:
            return heard
        heard += more
    return heard


def _wrong(answer: Mapping[str, Any]) -> SecondEngineError:
    return SecondEngineError("wrong", str(answer.get("error", answer))[:1000])


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    _close(process)
    process.wait()


_CHILDREN: weakref.WeakSet[Child] = weakref.WeakSet()


def _after_fork() -> None:
    for child in tuple(_CHILDREN):
        child.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
