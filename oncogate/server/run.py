"""A served gate from start to stop: one process, or several workers that share a port."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn

from oncogate.base.errors import Diagnostic
from oncogate.server.beside import Beside, beside
from oncogate.server.connections import server_config
from oncogate.server.rules_in_use import RulesInUse
from oncogate.server.settings import Settings, SettingsError

log = logging.getLogger("oncogate.server")

GRACE = 30
"""Seconds that calls in flight have to finish once the service is told to stop."""
_BACKLOG = 2048


def run(settings: Settings) -> None:
    """Serve until told to stop. Raises `PackError` or `SettingsError`, and has then listened to nobody."""
    if settings.workers > 1:
        from oncogate.server.workers import Workers, share_counts  # noqa: PLC0415

        with share_counts():
            Workers(settings, RulesInUse(settings)).run()
        return
    app = app_of(settings, RulesInUse(settings), beside(settings))
    keep_out_of_collections()
    with listening(settings) as listener:
        serve(app, listener)


def keep_out_of_collections() -> None:
    """Have what is loaded by now passed over when garbage is collected: it stays, and a call needn't wait for a look at it."""
    gc.collect()
    gc.freeze()


def app_of(settings: Settings, rules: RulesInUse, others: Sequence[Beside] = ()) -> Any:
    """The application; whatever counts is imported no sooner, since it asks once whether workers share their counts."""
    from oncogate.server.app import create_app  # noqa: PLC0415

    return create_app(settings, rules, others)


def serve(app: Any, listener: socket.socket, go_on: Callable[[], bool] | None = None) -> None:
    """Serve `app` in this process until it is told to stop, or `go_on` says no; what is in flight is finished."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignored)  # uvicorn raises what stopped it once more when it has stopped
    server = uvicorn.Server(server_config(app, app.state.service.settings.limits.seconds, GRACE))
    if go_on is not None:
        threading.Thread(target=_stop_when, args=(go_on, server), daemon=True).start()
    server.run(sockets=[listener])


def listening(settings: Settings) -> socket.socket:
    """The socket that is listened on; raises `SettingsError` where that can't be."""
    host, port = settings.host.strip("[]"), settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # on Windows this would let two services share a port
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen(_BACKLOG)
        except OSError:
            found.close()
            raise
    except OSError as error:
        message = f"can't listen on `{settings.host}`, port {port}: {error.strerror or error}"
        help = "give another `port`, or stop what listens there"
        raise SettingsError([Diagnostic("host", 0, 0, "serve-address", message, help)]) from None
    found.set_inheritable(True)
    bound = found.getsockname()
    shown = f"[{bound[0]}]" if family == socket.AF_INET6 else bound[0]
    said = {"event": "listening", "address": f"http://{shown}:{bound[1]}", "workers": settings.workers}
    log.info("listening", extra={"said": said})
    return found


def _ignored(number: int, frame: Any) -> None:
    """Take a signal without ending."""


def _stop_when(go_on: Callable[[], bool], server: uvicorn.Server) -> None:
    while go_on():
        time.sleep(1)
    server.should_exit = True
