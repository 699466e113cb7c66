"""Several workers that share one port: forked from a process that has loaded the rules, and replaced when one ends.

The first process takes no calls. Whatever files of rules are on disk by then, a worker that takes another's place starts
with the last rules that were sound.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from oncogate.base.errors import Diagnostic
from oncogate.server.beside import Beside, beside
from oncogate.server.reloading import reload
from oncogate.server.rules_in_use import RulesInUse
from oncogate.server.run import GRACE, app_of, keep_out_of_collections, listening, serve
from oncogate.server.settings import Settings, SettingsError

log = logging.getLogger("oncogate.server")

_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_PAUSE = 1.0
"""Seconds in which no more workers are born than there are to be: one that can't live mustn't be born all the time."""


@contextmanager
def share_counts() -> Iterator[None]:
    """Have the counts of all workers added up; to be entered before anything counts."""
    folder = tempfile.mkdtemp(prefix="oncogate-counts-")
    os.environ[_SHARED] = folder
    try:
        yield
    finally:
        del os.environ[_SHARED]
        shutil.rmtree(folder, ignore_errors=True)


class Workers:
    """The first process: it starts the workers, replaces those that end, and passes on what it is told."""

    def __init__(self, settings: Settings, rules: RulesInUse) -> None:
        if not hasattr(os, "fork"):
            help = "start several services with one worker each, on ports of their own, behind a proxy"
            said = "several workers need a system that can fork"
            raise SettingsError([Diagnostic("workers", 0, 0, "serve-workers", said, help)])
        self._settings, self._rules = settings, rules
        self._workers: set[int] = set()
        self._births: list[float] = []
        self._others = beside(settings)
        self._alone = 0
        """The worker that has what only one may have: the faces beside HTTP."""
        self._stopping = self._asked_to_reload = False
        self._look_next = time.monotonic()

    def run(self) -> None:
        """Keep the workers running until told to stop; what they have in flight is finished."""
        app_of(self._settings, self._rules)  # what can be refused is refused here, once
        awake, waker = socket.socketpair()
        awake.setblocking(False)
        waker.setblocking(False)
        with awake, waker, listening(self._settings) as self._listener:
            signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._stop)
            signal.signal(signal.SIGHUP, self._reload_soon)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            keep_out_of_collections()  # which would copy what the workers share
            self._fill()
            while not self._stopping:
                select.select([awake], [], [], _PAUSE)
                self._drain(awake)
                self._bury()
                if not self._stopping:
                    self._fill()
                    self._look_at_rules()
            self._end()
            signal.set_wakeup_fd(-1)

    def _fill(self) -> None:
        now = time.monotonic()
        self._births = [born for born in self._births if now - born < _PAUSE]
        while len(self._workers) < self._settings.workers and len(self._births) < self._settings.workers:
            alone = self._alone not in self._workers
            pid = os.fork()
            if pid == 0:
                self._work(self._others if alone else ())
            self._alone = pid if alone else self._alone
            self._workers.add(pid)
            self._births.append(now)
            log.info("worker", extra={"said": {"event": "worker-started", "pid": pid}})

    def _work(self, others: Sequence[Beside]) -> None:
        """Be a worker; never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            parent = os.getppid()
            serve(app_of(self._settings, self._rules, others), self._listener, lambda: os.getppid() == parent)
            code = 0
        except Exception:
            log.exception("worker failed")
        finally:
            os._exit(code)

    def _bury(self) -> None:
        for pid in list(self._workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._workers.discard(pid)
                how = os.waitstatus_to_exitcode(status)
                if not self._stopping:
                    log.error("worker", extra={"said": {"event": "worker-ended", "pid": pid, "exit": how}})

    def _look_at_rules(self) -> None:
        every = self._settings.reload_rules
        due = every is not None and time.monotonic() >= self._look_next
        if due:
            self._look_next = time.monotonic() + (every or 0)
        if self._asked_to_reload:
            self._tell(signal.SIGHUP)
        if self._asked_to_reload or (due and self._rules.changed()):  # workers look for changes by themselves
            self._asked_to_reload = False
            reload(self._rules)

    def _end(self) -> None:
        deadline = time.monotonic() + GRACE + 2
        while self._workers and time.monotonic() < deadline:
            self._tell(signal.SIGTERM)  # again and again: one that is being born may not have heard it
            for _ in range(10):
                self._bury()
                if self._workers:
                    time.sleep(0.05)
        self._tell(signal.SIGKILL)

    def _tell(self, number: int) -> None:
        for pid in self._workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _stop(self, number: int, frame: Any) -> None:
        self._stopping = True

    def _reload_soon(self, number: int, frame: Any) -> None:
        self._asked_to_reload = True

    @staticmethod
    def _drain(awake: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while awake.recv(4096):
                pass
