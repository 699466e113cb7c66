"""Connections that don't keep anybody waiting: a request's head has to come whole in time."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol


def in_time(seconds: float) -> type[H11Protocol]:
    """A protocol for uvicorn that closes a connection whose request head doesn't come whole within `seconds`.

    uvicorn bounds the wait between two calls of a connection, not that for a head that has begun to come, or never
    does: a few hundred such connections would use up a worker's file handles.
    """

    class InTime(H11Protocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._between_calls():
                self._wait()
            else:
                self._stop()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _between_calls(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _wait(self) -> None:
            if self._late is None:
                self._late = self.loop.call_later(seconds, self._give_up)

        def _stop(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _give_up(self) -> None:
            self._late = None
            if self._between_calls() and not self.transport.is_closing():
                self.transport.close()

    return InTime


def server_config(app: Any, seconds: float, grace: int) -> Config:
    """How uvicorn serves `app`: quietly, no header about itself, `grace` seconds to finish what is in flight."""
    return Config(
        app, http=in_time(seconds), ws="none", lifespan="on", access_log=False, log_config=None, server_header=False,
        timeout_keep_alive=30, timeout_graceful_shutdown=grace, proxy_headers=False,
    )  # fmt: skip
