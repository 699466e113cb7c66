"""Rules are looked at anew while the service runs: on SIGHUP, and where it is told to, when their files change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from oncogate.server.rules_in_use import RulesInUse

log = logging.getLogger("oncogate.server")


@asynccontextmanager
async def kept_fresh(rules: RulesInUse, every: float | None) -> AsyncIterator[None]:
    """Reload `rules` on SIGHUP, and when their files have changed, looked at `every` so many seconds if given."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGHUP, asked.set)  # on POSIX, and in a process's main thread, alone
    task = loop.create_task(_watch(rules, asked, every))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(rules: RulesInUse, asked: asyncio.Event, every: float | None) -> None:
    while True:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asked.wait(), every)
        if asked.is_set() or await asyncio.to_thread(rules.changed):
            asked.clear()
            await asyncio.to_thread(reload, rules)


def reload(rules: RulesInUse) -> None:
    """Load the rules anew and log what came of it."""
    before = rules.current.digest
    problems = rules.reload()
    if problems:
        said = {"event": "rules-kept", "rules": before, "problems": [str(p) for p in problems[:20]]}
        log.error("rules", extra={"said": said})
    else:
        log.info(
            "rules",
            extra={"said": {"event": "rules-loaded", "rules": rules.current.digest, "before": before}},
        )
