"""The client, for callers with an event loop and for those without: one way to ask, two faces.

The asking is asynchronous because only so a time limit holds for the whole of it: the look-up of the name, the connection,
the headers and the last byte of the answer. Blocking sockets have a limit for each of their steps, which a slow service never
oversteps.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Mapping
from typing import Any

import anyio
import anyio.lowlevel
import httpx2

from oncogate.adapters.rest.answer import Answer, Fail
from oncogate.adapters.rest.service import LARGEST_ANSWER, NotChecked, Question, decision_of
from oncogate.adapters.rest.threads import LoopThread
from oncogate.base.errors import Diagnostic, RequestError
from oncogate.model.decision import Decision
from oncogate.model.request import Request

_log = logging.getLogger("oncogate.adapters.rest")


class _Caller:
    """What both faces are told, and what they make of what they hear."""

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        # Python's own message would name the argument, not the choice
        if kwargs.get("fail") not in ("closed", "open"):
            raise TypeError(
                f"{cls.__name__} has to be told what holds of an order when the gate can't be asked: "
                'fail="closed" holds it back, fail="open" lets it through'
            )
        return super().__new__(cls)

    def __init__(
        self, url: str, *, fail: Fail, token: str | None = None, timeout: float = 3.0, connect_timeout: float = 1.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._url = _address(url)
        if not (connect_timeout > 0 and timeout > 0):
            raise ValueError("`timeout` and `connect_timeout` are seconds, more than 0")
        if token is not None and not (token.isascii() and token.isprintable() and token.split() == [token]):
            raise ValueError("`token` isn't a bearer token: it is one word of printable ASCII")
        self._fail = fail
        self._token = token
        self._timeout, self._connect_timeout = timeout, connect_timeout
        self._tls = tls or ssl.create_default_context()
        self._open()

    def _open(self) -> None:
        raise NotImplementedError

    def _connections(self) -> httpx2.AsyncClient:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        return httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(
                None, connect=self._connect_timeout
            ),  # the whole of it has a limit of its own
            verify=self._tls,
            trust_env=False,  # a record goes to the service, never to a proxy that the environment names
        )

    async def _found(self, http: httpx2.AsyncClient, question: Question) -> Decision | Diagnostic:
        """The decision, or why there is none. Raises `RequestError` alone."""
        try:
            with anyio.fail_after(self._timeout):
                return decision_of(question, *await self._exchanged(http, question.body))
        except NotChecked as error:
            return error.why
        except RequestError:
            raise
        except TimeoutError:
            return self._late()
        except Exception as error:  # whatever a network and its libraries come up with: the policy holds
            return Diagnostic(
                "", 0, 0, "service-unreachable", f"the service can't be reached: {str(error) or type(error).__name__}"
            )  # fmt: skip

    async def _exchanged(self, http: httpx2.AsyncClient, body: bytes) -> tuple[int, bytes]:
        """The status and body of the answer. A connection that fails is tried once more: a decision changes nothing."""
        try:
            return await self._sent(http, body)
        except httpx2.TimeoutException:
            raise
        except httpx2.TransportError:
            return await self._sent(http, body)

    async def _sent(self, http: httpx2.AsyncClient, body: bytes) -> tuple[int, bytes]:
        async with http.stream("POST", self._url, content=body) as response:
            answer = bytearray()
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > LARGEST_ANSWER:
                    raise NotChecked(
                        Diagnostic("", 0, 0, "answer-unreadable", f"the answer is larger than {LARGEST_ANSWER} bytes")
                    )  # fmt: skip
            return response.status_code, bytes(answer)

    def _late(self) -> Diagnostic:
        return Diagnostic("", 0, 0, "service-late", f"no answer within {self._timeout:g} s")

    def _answer(self, found: Decision | Diagnostic, started: float) -> Answer:
        if isinstance(found, Decision):
            return Answer.of(found)
        answer = Answer.without(found, self._fail)
        # nothing of the record, the order or the service's own words, which may quote them
        _log.warning(
            "order not checked, %s by fail=%s: %s after %.0f ms (%s)",
            "let through" if answer.let_through else "held back", self._fail, found.code,
            (time.monotonic() - started) * 1000, self._url.netloc.decode(),
        )  # fmt: skip
        return answer


class AsyncClient(_Caller):
    """Asks a served gate, from an event loop (asyncio or Trio). `Client` says what the arguments mean.

    One client for each event loop, closed by `aclose()` or `async with`.
    """

    def _open(self) -> None:
        self._http = self._connections()
        self._loop: object = None

    async def decide(self, request: Request | Mapping[str, Any]) -> Answer:
        """The gate's answer, or the policy's. Raises as `Client.decide` does."""
        question = Question.of(request)
        loop = anyio.lowlevel.current_token()
        if self._loop not in (None, loop):
            # its connections belong to the loop that opened them: the policy would answer, now and then
            raise RuntimeError(
                "an AsyncClient serves one event loop: make one for each, or use Client where each request has its own loop"
            )
        if self._http.is_closed:
            raise RuntimeError("the client is closed")
        self._loop = loop
        started = time.monotonic()
        return self._answer(await self._found(self._http, question), started)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class Client(_Caller):
    """Asks a served gate and waits for its answer. One client serves all threads of a process; a fork is no matter.

    `url` is the service's address; `fail` is what holds of an order when there is no decision: `closed` holds it back, `open`
    lets it through, and each such answer is logged. `token` is the bearer token. `timeout` is the limit of the whole call in
    seconds, `connect_timeout` that of a connection. `tls` is a context with the hospital's own authority, if the system
    doesn't know it; certificates are always verified.
    """

    def _open(self) -> None:
        self._thread = LoopThread(self._connections)

    def decide(self, request: Request | Mapping[str, Any]) -> Answer:
        """The gate's answer, or the policy's where there is none in time.

        A mapping is sent as it is; without `at` it is judged for now. Raises `RequestError` where the service refuses the
        request or the caller (a field that it doesn't know, a wrong token, a wrong address), whatever the policy: nothing was
        judged, and nothing will be until that is mended.
        """
        question = Question.of(request)
        started = time.monotonic()
        try:
            found = self._thread.run(lambda http: self._found(http, question), self._timeout)
        except TimeoutError:
            found = self._late()
        return self._answer(found, started)

    def close(self) -> None:
        """Close the connections. A client that is no longer used closes by itself."""
        self._thread.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _address(url: str) -> httpx2.URL:
    try:
        found = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"`{url}` isn't an address: {error}") from None
    if found.scheme not in ("http", "https") or not found.host or found.userinfo or found.query:
        raise ValueError(
            f"`{url}` isn't the address of a service: write `https://gate.hospital.example:8443`"
        )
    return found.copy_with(path=found.path.rstrip("/") + "/v1/decide", fragment=None)
