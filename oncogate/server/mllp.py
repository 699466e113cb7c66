"""HL7 v2 over MLLP: a listener that acknowledges a message when it has been taken over, and not before.

Standard library only. A message is read and kept in a thread, so that one slow disk doesn't hold up the others;
of one connection they are taken in order, and the next is read when the last is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from oncogate.adapters.hl7v2.acknowledge import NOT_KEPT, accept, refuse
from oncogate.adapters.hl7v2.header import header_in
from oncogate.adapters.hl7v2.inbox import Inbox
from oncogate.adapters.hl7v2.message import Message, read_message
from oncogate.adapters.hl7v2.refused import Acknowledgement, Refused

VT, FS, CR = b"\x0b", b"\x1c", b"\r"

log = logging.getLogger("oncogate.mllp")


@dataclass(frozen=True)
class Limits:
    """What a sender may ask: bytes of a message, seconds for one to arrive whole and for its answer to be read,
    seconds between two messages, and connections at once."""

    size: int = 8 * 1024 * 1024
    message: float = 30.0
    idle: float = 3600.0
    connections: int = 256


@dataclass
class MllpServer:
    """A listener that runs. `host` and `port` are where; `answers` counts acknowledgements by AA, AE and AR."""

    inbox: Inbox
    read: Callable[[bytes], Message]
    limits: Limits
    host: str = ""
    port: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends, falls silent, or the listener stops."""
        peer = writer.get_extra_info("peername")
        task = asyncio.current_task()
        if task is None or len(self._connections) >= self.limits.connections:
            log.warning("%s: refused, %s connections are open", peer, len(self._connections))
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.TimeoutError, EOFError) as error:
            log.info("%s: connection ended: %s", peer, error or type(error).__name__)
        except Exception:
            log.exception("%s: connection ended", peer)
        finally:
            self._connections.discard(task)
            writer.close()
            await _closed(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames(reader, self.limits.size)
        while not self._stopping.is_set():
            if not await self._begins(frames):
                return
            raw, whole = await asyncio.wait_for(frames.rest(), self.limits.message)
            said, answer = await asyncio.shield(asyncio.to_thread(self._answer, raw, whole))
            self.answers[said] += 1
            writer.write(VT + answer + FS + CR)
            await asyncio.wait_for(writer.drain(), self.limits.message)

    async def _begins(self, frames: Frames) -> bool:
        """Wait for the next message; false if none comes before the connection ends, falls silent, or it is time to stop."""
        begins = asyncio.ensure_future(frames.begins())
        stops = asyncio.ensure_future(self._stopping.wait())
        try:
            done, _ = await asyncio.wait(
                {begins, stops}, timeout=self.limits.idle, return_when=asyncio.FIRST_COMPLETED
            )
            return begins in done and begins.result()
        finally:
            for task in (begins, stops):
                task.cancel()
            await asyncio.gather(begins, stops, return_exceptions=True)

    def _answer(self, raw: bytes, whole: bool) -> tuple[Acknowledgement, bytes]:
        """Take a message over, and say so, or why not."""
        try:
            if not whole:
                limit = f"larger than {self.limits.size} bytes"
                raise _refused("message-too-large", limit, "send documents by another way")
            message = self._message(raw)
            new = self._keep(raw, message)
        except Refused as refused:
            header = header_in(raw)
            log.warning("%s: %s", header.name or "a message", refused.said)
            return refused.acknowledgement, refuse(header, refused, _now())
        log.info("%s: taken over%s", message.header.name, "" if new else " before")
        for diagnostic in message.diagnostics:
            log.warning("%s: %s", message.header.name, diagnostic)
        return "AA", accept(message, _now())

    def _message(self, raw: bytes) -> Message:
        try:
            return self.read(raw)
        except Refused:
            raise
        except Exception:
            log.exception("%s: not read", header_in(raw).name)
            raise _refused("message-failed", "the message couldn't be read", "report it") from None

    def _keep(self, raw: bytes, message: Message) -> bool:
        try:
            return self.inbox.take(raw, message)
        except Exception:
            log.exception("%s: not kept", message.header.name)
            raise _refused("message-not-kept", "the message couldn't be kept", "send it again") from None

    async def stop(self, grace: float = 10.0) -> None:
        """Take no more messages; those that are arriving are finished and answered, for `grace` seconds at most."""
        self._stopping.set()
        waiting = set(self._connections)
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


@contextlib.asynccontextmanager
async def mllp_server(
    host: str,
    port: int,
    inbox: Inbox,
    read: Callable[[bytes], Message] = read_message,
    limits: Limits | None = None,
) -> AsyncIterator[MllpServer]:
    """Listen while the block runs; `port` 0 takes a free one. Leaving it stops gracefully.

    `read` reads a message, as `Reader("Asia/Shanghai").read` does. Raises `OSError` if it can't listen there.
    """
    made = MllpServer(inbox, read, limits or Limits())
    server = await asyncio.start_server(made.connected, host, port)
    made.host, made.port = server.sockets[0].getsockname()[:2]
    log.info("listening on %s:%s", made.host, made.port)
    try:
        yield made
    finally:
        server.close()
        await made.stop()
        await server.wait_closed()


class Frames:
    """Messages in a stream of bytes: <VT> message <FS>. What stands between them, their <CR> too, is passed over."""

    def __init__(self, reader: asyncio.StreamReader, size: int) -> None:
        self._reader = reader
        self._size = size
        self._rest = b""

    async def begins(self) -> bool:
        """Wait for the beginning of a message; false at the end of the stream."""
        skipped = 0
        while True:
            before, mark, self._rest = self._rest.partition(VT)
            skipped += len(before.strip(b"\r\n"))
            if mark:
                if skipped:
                    log.warning("%s bytes outside of messages", skipped)
                return True
            self._rest = await self._reader.read(65536)
            if not self._rest:
                return False

    async def rest(self) -> tuple[bytes, bool]:
        """The message, and whether it is whole; of one that is too large, the beginning.

        A <VT> inside begins the message anew: the sender gave the first one up. Raises `EOFError` if the
        stream ends before the message does.
        """
        parts: list[bytes] = []
        size = 0
        chunk = self._rest
        while True:
            body, mark, after = chunk.partition(FS)
            if VT in body:
                log.warning("a message was given up by its sender")
                parts, size, body = [], 0, body.rpartition(VT)[2]
            if size <= self._size:
                parts.append(body)
            size += len(body)
            if mark:
                self._rest = after
                return b"".join(parts)[: self._size], size <= self._size
            chunk = await self._reader.read(65536)
            if not chunk:
                raise EOFError("in the middle of a message")


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Wait until a connection is closed; one whose other end doesn't read would never be."""
    try:
        await asyncio.wait_for(writer.wait_closed(), 1)
    except (OSError, asyncio.TimeoutError):
        writer.transport.abort()


def _refused(code: str, message: str, help: str) -> Refused:
    return Refused("AE", NOT_KEPT, code, message, help)


def _now() -> datetime:
    return datetime.now(timezone.utc)
