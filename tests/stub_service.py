"""A service on loopback that behaves as it is told: what a client meets in the field, byte by byte."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from oncogate import Gate, Request

Behave = Callable[[socket.socket, "Asked"], None]

STOPPING = threading.Event()
"""Set when the stub ends: what hangs hangs no longer."""


@dataclass
class Asked:
    """One HTTP request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Stub:
    url: str
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0


def answer(
    status: int, body: bytes, content_type: str = "application/json", headers: str = "", length: int | None = None
) -> bytes:  # fmt: skip
    """An HTTP answer as bytes; `length` is what it says of its body."""
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\n{headers}content-length: {len(body) if length is None else length}\r\n\r\n"
    ).encode() + body


def says(*answers: bytes) -> Behave:
    """Gives these answers in turn, the last one from then on."""
    left = list(answers)
    return lambda conn, asked: conn.sendall(left.pop(0) if len(left) > 1 else left[0])


def not_checked(
    status: int, code: str = "request-missing", message: str = "the field `at` is missing"
) -> bytes:
    errors = [{"code": code, "message": message, "path": "/at", "help": "write it"}]
    return answer(status, json.dumps({"checked": False, "errors": errors}).encode())


def drips(every: float, what: bytes) -> Behave:
    """One byte at a time."""

    def behave(conn: socket.socket, asked: Asked) -> None:
        for byte in what:
            conn.sendall(bytes([byte]))
            if STOPPING.wait(every):
                return

    return behave


def hangs(conn: socket.socket, asked: Asked) -> None:
    STOPPING.wait(90)


def breaks_off(conn: socket.socket, asked: Asked) -> None:
    conn.shutdown(socket.SHUT_RDWR)


def judges(gate: Gate) -> Behave:
    """The right answer."""

    def behave(conn: socket.socket, asked: Asked) -> None:
        conn.sendall(answer(200, gate.decide(Request.load(asked.body)).to_json().encode(), headers="x-oncogate-checked: true\r\n"))  # fmt: skip

    return behave


@contextlib.contextmanager
def serving(behave: Behave, tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    """A stub that answers each request by `behave`."""
    stub = Stub("")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            stub.connections += 1
            with contextlib.suppress(OSError):
                while (asked := _read(self.request)) is not None:
                    stub.asked.append(asked)
                    behave(self.request, asked)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

        def get_request(self) -> tuple[socket.socket, object]:
            conn, address = super().get_request()
            return (tls.wrap_socket(conn, server_side=True) if tls else conn), address

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that goes away is what is tested

    STOPPING.clear()
    with Server(("127.0.0.1", 0), Handler) as server:
        stub.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield stub
        finally:
            STOPPING.set()
            server.shutdown()
            thread.join()


def _read(conn: socket.socket) -> Asked | None:
    head = b""
    while b"\r\n\r\n" not in head:
        part = conn.recv(65536)
        if not part:
            return None
        head += part
    head, _, body = head.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += conn.recv(65536)
    return Asked(line, headers, body)
