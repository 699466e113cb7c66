"""Faces that listen beside HTTP, in the same loop: HL7 v2 over MLLP."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from oncogate.adapters.hl7v2 import InboxError, Reader, SqliteInbox, read_local_codes
from oncogate.adapters.hl7v2.message import Message
from oncogate.adapters.hl7v2.taking import LocalCodes
from oncogate.base.errors import Diagnostic
from oncogate.server.mllp import mllp_server
from oncogate.server.settings import Mllp, Settings, SettingsError

if TYPE_CHECKING:
    # it counts, and what counts is imported once it is known whether workers share their counts
    from oncogate.server.service import Service

log = logging.getLogger("oncogate.server")

Beside = Callable[["Service"], AbstractAsyncContextManager[Any]]
"""Something that runs in the application's loop from its start to its stop."""


def beside(settings: Settings) -> Sequence[Beside]:
    """The faces that the settings ask for; of several workers one has them. Raises `SettingsError` where they can't be had."""
    if settings.mllp is None:
        return ()
    _try(settings.mllp)
    return (_messages,)


@asynccontextmanager
async def _messages(service: Service) -> AsyncIterator[None]:
    """Take HL7 v2 messages over into the service's inbox."""
    told, inbox = service.settings.mllp, service.inbox
    assert told is not None
    assert inbox is not None

    codes = _codes(told)

    def read(raw: bytes) -> Message:  # by the rules in use at the time
        reader = Reader(
            service.settings.timezone, service.rules.vocabulary, codes,
            identifier_type=told.identifier_type, authority=told.authority, processing=frozenset(told.processing),
        )  # fmt: skip
        return reader.read(raw)

    async with mllp_server(told.host, told.port, inbox, read) as server:
        said = {"event": "listening", "address": f"mllp://{server.host}:{server.port}"}
        log.info("listening", extra={"said": said})
        yield


def _try(told: Mllp) -> None:
    """See that the inbox, the local codes and the address can be had, before anything listens."""
    _codes(told)
    try:
        SqliteInbox(told.inbox).close()
    except InboxError as error:
        raise SettingsError([Diagnostic("mllp", 0, 0, "serve-inbox", str(error), "name a file of this user's")]) from None  # fmt: skip
    try:
        family = socket.getaddrinfo(told.host, told.port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((told.host, told.port))
    except OSError as error:
        said = f"can't listen on `{told.host}`, port {told.port}: {error.strerror or error}"
        help = "give another port, or stop what listens there"
        raise SettingsError([Diagnostic("mllp", 0, 0, "serve-address", said, help)]) from None


def _codes(told: Mllp) -> LocalCodes:
    return read_local_codes(told.codes) if told.codes is not None else {}
