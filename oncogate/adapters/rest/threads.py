"""An event loop on a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

R = TypeVar("R")

GRACE = 1.0
"""Seconds that the loop is given beyond a question's own limit, and to end."""


class LoopThread:
    """Runs what it is given on an event loop in the background, and waits for it.

    Started when first asked, and again in a fork, where the parent's thread isn't. Ends with its owner or the process.
    """

    def __init__(self, connections: Callable[[], httpx2.AsyncClient]) -> None:
        gevent = sys.modules.get("gevent.monkey")
        if gevent is not None and gevent.is_module_patched("threading"):
            # its threads are one, in which a second event loop can't run: each question would end in the time-out
            raise RuntimeError(
                "`Client` needs threads, which gevent has replaced: `patch_all(thread=False)` leaves them"
            )
        self._connections = connections
        self._by_process: dict[int, _Running] = {}
        self._end = weakref.finalize(self, _end, self._by_process)

    def run(self, work: Callable[[httpx2.AsyncClient], Coroutine[Any, Any, R]], limit: float) -> R:
        """What `work` gives. Raises `TimeoutError` a second after `limit`, `RuntimeError` once it is closed."""
        if not self._end.alive:
            raise RuntimeError("the client is closed")
        running = self._started()
        waiting = asyncio.run_coroutine_threadsafe(work(running.http), running.loop)
        try:
            return waiting.result(limit + GRACE)
        except concurrent.futures.CancelledError:
            raise RuntimeError("the client was closed while it was asked") from None
        except concurrent.futures.TimeoutError:
            raise TimeoutError from None
        finally:
            waiting.cancel()

    def close(self) -> None:
        """End the thread and its connections."""
        self._end()

    def _started(self) -> _Running:
        # no lock: a fork while another thread holds it would leave it locked for ever
        process = os.getpid()
        found = self._by_process.get(process)
        if found is None:
            mine = _Running.start(self._connections())
            found = self._by_process.setdefault(process, mine)
            if found is not mine:
                mine.end()
        return found


@dataclass(frozen=True)
class _Running:
    http: httpx2.AsyncClient
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread

    @classmethod
    def start(cls, http: httpx2.AsyncClient) -> _Running:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="oncogate-client", daemon=True)
        thread.start()
        return cls(http, loop, thread)

    def end(self) -> None:
        done = asyncio.run_coroutine_threadsafe(self._wind_up(), self.loop)
        try:
            done.result(GRACE)
        except concurrent.futures.TimeoutError:
            return  # a loop that hangs is left to the end of the process
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _wind_up(self) -> None:
        asked = asyncio.all_tasks() - {asyncio.current_task()}
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await self.http.aclose()


def _end(by_process: dict[int, _Running]) -> None:
    # what a fork found here is its parent's
    running = by_process.pop(os.getpid(), None)
    if running is not None:
        running.end()
