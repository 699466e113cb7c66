"""What a caller may not do to others: bodies that are too large, too slow or too many, on connections that say nothing."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import socket
import time

import hooks as h
import httpx
import pytest
from served import ROOT, served

from oncogate.server import answers
from oncogate.server.logs import log_to_stderr
from oncogate.server.settings import Settings

SIGN = "/cds-services/oncogate-order-sign"
BODY = (ROOT / "examples" / "no-consent.json").read_bytes()
AS_JSON = {"Content-Type": "application/json"}
LIMITS = {"body": 1024 * 1024, "batch": 2 * 1024 * 1024, "seconds": 0.7}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        served(Settings(state=tmp_path_factory.mktemp("state"), limits=LIMITS)) as found,
    ):
        patch.setattr(answers, "LINGER_SECONDS", 0.3)
        yield found


def address(client: httpx.Client) -> tuple[str, int]:
    return client.base_url.host, client.base_url.port


def spoken(client: httpx.Client, *parts: bytes, pause: float = 0) -> tuple[bytes, float]:
    """What the server says to these bytes until it closes, and after how many seconds it began to."""
    with socket.create_connection(address(client), timeout=10) as line:
        for part in parts:
            line.sendall(part)
            time.sleep(pause)
        started = time.monotonic()
        said = line.recv(65536)
        took = time.monotonic() - started
        while more := line.recv(65536):
            said += more
    return said, took


def head(path: str, length: int | None = None, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: gate", "Content-Type: application/json", *more]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize("path", [SIGN, f"{SIGN}/feedback", "/v1/decide", "/v1/decide/batch"])
def test_ten_megabytes_are_413(client, path):
    answer = client.post(path, content=b" " * 10 * 1024 * 1024, headers=AS_JSON)
    assert answer.status_code == 413
    assert "input-too-large" in answer.text


def test_what_is_announced_as_too_large_is_refused_before_it_is_sent(client):
    said, _ = spoken(client, head("/v1/decide", 10**12))
    assert said.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in said
    assert b'"checked":false' in said


def test_what_turns_out_to_be_too_large_is_refused_while_it_is_sent(client):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    said, _ = spoken(client, head("/v1/decide", None, "Transfer-Encoding: chunked"), *[chunk] * 20)
    assert said.startswith(b"HTTP/1.1 413")


def test_just_at_the_limit_is_taken(client):
    padded = BODY + b" " * (1024 * 1024 - len(BODY))
    assert client.post("/v1/decide", content=padded, headers=AS_JSON).status_code == 200
    assert client.post("/v1/decide", content=padded + b" ", headers=AS_JSON).status_code == 413


@pytest.mark.parametrize("path", [SIGN, "/v1/decide"])
def test_a_body_that_doesnt_come_is_408(client, path):
    said, _ = spoken(client, head(path, len(BODY)), BODY[:10])
    assert said.startswith(b"HTTP/1.1 408")
    assert b"body-late" in said


def test_a_body_that_drips_is_408_too(client):
    said, _ = spoken(client, head("/v1/decide", len(BODY)), *[BODY[n : n + 1] for n in range(8)], pause=0.1)
    assert said.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("sent", [b"", b"POST /v1/dec", head("/v1/decide", 5)[:-2]])
def test_a_connection_whose_head_doesnt_come_is_closed(client, sent):
    assert spoken(client, sent)[0] == b""


def test_who_breaks_off_spoils_nothing(client):
    for cut in (10, len(BODY) - 1):
        with socket.create_connection(address(client)) as line:
            line.sendall(head("/v1/decide", len(BODY)) + BODY[:cut])
    assert client.post("/v1/decide", content=BODY, headers=AS_JSON).json()["outcome"] == "block"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"POST /v1/decide HTTP/1.1\r\n\r\n", b"GET /nothing HTTP/9.9\r\nHost: x\r\n\r\n",
        head("/v1/decide", None, "Content-Length: -1"), head("/v1/decide", None, "Content-Length: 5", "Content-Length: 6"),
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v1/患者 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    ],
)  # fmt: skip
def test_what_isnt_http_is_400_or_closed(client, sent):
    try:
        said = spoken(client, sent)[0]
    except ConnectionError:
        return
    assert re.match(rb"HTTP/1.1 4\d\d |$", said)


def test_a_caller_that_waits_to_be_told_to_go_on_is_answered(client):
    with socket.create_connection(address(client), timeout=5) as line:
        line.sendall(head("/v1/decide", len(BODY), "Expect: 100-continue"))
        assert line.recv(100).startswith(b"HTTP/1.1 100")
        line.sendall(BODY)
        assert b"200 OK" in line.recv(100)


def test_slow_callers_dont_keep_others_waiting(client):
    slow = [socket.create_connection(address(client)) for _ in range(60)]
    try:
        for line in slow:
            line.sendall(head("/v1/decide", len(BODY)) + BODY[:5])
        assert client.post("/v1/decide", content=BODY, headers=AS_JSON).json()["outcome"] == "block"
        assert client.get("/healthz").status_code == 200
    finally:
        for line in slow:
            line.close()


def test_two_hundred_at_once_all_get_their_own_answer(tmp_path):
    async def ask(session: httpx.AsyncClient, number: int) -> tuple[int, dict]:
        document = json.loads(BODY)
        document["order"]["id"] = f"ord-{number}"
        if number % 2:
            document["record"]["consents"] = [
                {"id": "c", "kind": "chemotherapy", "effective": document["at"], "status": "active"}
            ]
        return number, (await session.post("/v1/decide", json=document)).json()

    async def all_of_them(address: httpx.URL) -> list[tuple[int, dict]]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60, trust_env=False) as session:
            return await asyncio.gather(*(ask(session, n) for n in range(200)))

    with served(Settings(state=tmp_path)) as client:
        found = asyncio.run(all_of_them(client.base_url))
    assert len(found) == 200
    for number, answer in found:
        assert answer["order"] == f"ord-{number}"
        assert ("core/consent-missing" in answer["determining"]) == (number % 2 == 0)


def test_more_than_may_be_at_once_are_503_and_health_is_answered(tmp_path):
    limits = {"at_once": 2, "seconds": 3}
    with served(Settings(state=tmp_path, limits=limits)) as client:
        waiting = [socket.create_connection(address(client)) for _ in range(2)]
        try:
            for line in waiting:
                line.sendall(head("/v1/decide", len(BODY)))
            deadline = time.monotonic() + 2
            answer = client.post("/v1/decide", content=BODY, headers=AS_JSON)
            while answer.status_code == 200 and time.monotonic() < deadline:  # until both have been taken in
                answer = client.post("/v1/decide", content=BODY, headers=AS_JSON)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["checked"] is False
            hook = client.post(SIGN, json=h.clean())
            assert (hook.status_code, hook.json()["resourceType"]) == (503, "OperationOutcome")
            assert client.get("/healthz").status_code == 200
        finally:
            for line in waiting:
                line.close()


def test_cors_is_off_unless_told(client):
    asked = {"Origin": "https://ehr.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/v1/decide", headers=asked)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.fixture
def logged():
    """Log as `oncogate serve` does, to where the test reads it."""
    loggers = [logging.getLogger(name) for name in ("oncogate", "uvicorn")]
    before = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    log_to_stderr()
    written = io.StringIO()
    loggers[0].handlers[0].setStream(written)
    yield written.getvalue
    for one, (handlers, level, propagate) in zip(loggers, before, strict=True):
        one.handlers[:], one.level, one.propagate = handlers, level, propagate


def test_a_failure_of_ours_is_a_plain_500_without_a_word_of_the_record(tmp_path, monkeypatch, logged):
    from oncogate.server import rest

    def broken(*args, **kwargs):
        raise RuntimeError("patient Zhang San")

    with served(Settings(state=tmp_path)) as client:
        monkeypatch.setattr(rest, "decision_on", broken)
        answer = client.post("/v1/decide", content=BODY, headers=AS_JSON)
        metrics = client.get("/metrics").text
    assert answer.status_code == 500
    assert answer.json()["checked"] is False
    assert "Zhang" not in answer.text
    said = logged()
    assert "RuntimeError" in said
    assert "Zhang" not in said
    assert 'oncogate_not_checked_total{face="rest",reason="internal"} 1.0' in metrics


def test_log_lines_hold_nothing_of_the_call_but_its_route(tmp_path, logged):
    with served(Settings(state=tmp_path)) as client:
        client.get("/patients/zhang-san", params={"id": "zhang-san"})
        client.post("/v1/decide", content=BODY, headers=AS_JSON, params={"at": "zhang-san"})
    said = logged()
    assert "zhang-san" not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert [(x["route"], x["status"]) for x in lines if x["event"] == "call"] == [
        ("none", 404),
        ("/v1/decide", 400),
    ]
