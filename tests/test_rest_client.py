"""The client of a served gate against services that misbehave: the policy holds, and nothing passes for a decision that isn't one."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import httpx2
import pytest
import trio
from loaded import shipped_gate
from stub_service import answer, breaks_off, drips, hangs, judges, not_checked, says, serving

from oncogate import Decision, Gate, Request, RequestError
from oncogate.adapters.rest import Answer, AsyncClient, Client
from oncogate.adapters.rest.threads import GRACE

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
BLOCKED, ALLOWED = (Request.load(EXAMPLES / name) for name in ("no-consent.json", "allowed.json"))


@pytest.fixture(scope="module")
def gate() -> Gate:
    return shipped_gate()


@pytest.fixture(scope="module")
def passed(gate: Gate) -> bytes:
    """The bytes of a decision that lets the order of `ALLOWED` through."""
    return gate.decide(ALLOWED).to_json().encode()


LIMIT = 0.4
PATIENT = {"timeout": 60.0, "connect_timeout": 30.0, "tls": ssl.create_default_context()}
"""For what is answered, however busy the machine is."""


def ask_in_a_thread(url: str, request: Request, **given) -> Answer:
    with Client(url, **(PATIENT | given)) as client:
        return client.decide(request)


def ask_on_a_loop(url: str, request: Request, **given) -> Answer:
    async def asking() -> Answer:
        async with AsyncClient(url, **(PATIENT | given)) as client:
            return await client.decide(request)

    return asyncio.run(asking())


def ask_on_trio(url: str, request: Request, **given) -> Answer:
    async def asking() -> Answer:
        async with AsyncClient(url, **(PATIENT | given)) as client:
            return await client.decide(request)

    return trio.run(asking)


both_faces = pytest.mark.parametrize("ask", [ask_in_a_thread, ask_on_a_loop])


class TestAnAnswer:
    @both_faces
    @pytest.mark.parametrize("fail", ["closed", "open"])
    def test_is_the_gate_s_own_whatever_the_policy(self, ask, fail, gate: Gate) -> None:
        with serving(judges(gate)) as stub:
            blocked, allowed = (ask(stub.url, request, fail=fail) for request in (BLOCKED, ALLOWED))
        assert (blocked.checked, blocked.let_through, blocked.why) == (True, False, None)
        assert blocked.decision == gate.decide(BLOCKED)
        assert (allowed.checked, allowed.let_through, allowed.why) == (True, True, None)
        assert allowed.decision == gate.decide(ALLOWED)

    def test_is_had_on_trio_s_loop_too_and_so_is_the_policy_s(self, gate: Gate) -> None:
        found = []
        for behave, limit in ((judges(gate), 60), (hangs, LIMIT), (breaks_off, 60)):
            with serving(behave) as stub:
                found.append(ask_on_trio(stub.url, ALLOWED, fail="closed", timeout=limit))
        assert [a.let_through for a in found] == [True, False, False]
        assert [a.why and a.why.code for a in found] == [None, "service-late", "service-unreachable"]

    def test_that_warns_lets_through(self, gate: Gate) -> None:
        request = Request.load(EXAMPLES / "blood-count-too-old.json")
        with serving(judges(gate)) as stub:
            found = ask_in_a_thread(stub.url, request, fail="closed")
        assert found.decision is not None
        assert (found.decision.outcome, found.let_through) == ("warn", True)

    def test_is_neither_true_nor_false(self, gate: Gate) -> None:
        with pytest.raises(TypeError, match="let_through"):
            bool(Answer.of(gate.decide(ALLOWED)))

    def test_to_a_mapping_without_a_moment_is_taken(self, gate: Gate) -> None:
        data = json.loads(BLOCKED.to_json())
        decided = gate.decide(BLOCKED).to_json().encode()
        del data["at"]
        with serving(says(answer(200, decided))) as stub, Client(stub.url, fail="open") as client:
            found = client.decide(data)
        assert not found.let_through
        assert json.loads(stub.asked[0].body) == data

    def test_carries_the_token_and_the_path(self, gate: Gate) -> None:
        with serving(judges(gate)) as stub:
            ask_in_a_thread(stub.url + "/gate/", BLOCKED, fail="closed", token="t0ken")
        (asked,) = stub.asked
        assert asked.line == "POST /gate/v1/decide HTTP/1.1"
        assert asked.headers["authorization"] == "Bearer t0ken"
        assert asked.headers["content-type"] == "application/json"
        assert asked.body == BLOCKED.to_json().encode()


HTML = answer(200, b"<!doctype html><title>Sign in</title>", "text/html")


def of_another(field: str, value: str, passed: bytes) -> bytes:
    return json.dumps({**json.loads(passed), field: value}).encode()


MISBEHAVING = {
    "hangs": (lambda ok: hangs, "service-late"),
    "drips its headers": (lambda ok: drips(0.05, answer(200, ok)), "service-late"),
    "drips its body": (
        lambda ok: lambda conn, asked: (conn.sendall(answer(200, b"", length=len(ok))), drips(0.05, ok)(conn, asked)),
        "service-late",
    ),
    "breaks off": (lambda ok: breaks_off, "service-unreachable"),
    "half a body": (
        lambda ok: lambda conn, asked: (conn.sendall(answer(200, ok[:99], length=len(ok))), breaks_off(conn, asked)),
        "service-unreachable",
    ),
    "no HTTP": (lambda ok: says(b"220 mail.hospital.example ESMTP\r\n\r\n"), "service-unreachable"),
    "500": (lambda ok: says(answer(500, b"Internal Server Error", "text/plain")), "service-failed"),
    "502": (lambda ok: says(answer(502, b"<h1>Bad Gateway</h1>", "text/html")), "service-failed"),
    "503, not checked": (lambda ok: says(not_checked(503, "rules-loading", "no rules yet")), "service-failed"),
    "500 with a decision": (lambda ok: says(answer(500, ok)), "service-failed"),
    "too many requests": (lambda ok: says(answer(429, b"")), "service-failed"),
    "a redirect": (lambda ok: says(answer(302, ok, headers="location: /elsewhere\r\n")), "service-failed"),
    "nothing to say": (lambda ok: says(answer(204, b"")), "service-failed"),
    "a page": (lambda ok: says(HTML), "answer-unreadable"),
    "no body": (lambda ok: says(answer(200, b"")), "answer-unreadable"),
    "half a JSON": (lambda ok: says(answer(200, ok[:-20])), "answer-unreadable"),
    "another JSON": (lambda ok: says(answer(200, b'{"outcome": "allow"}')), "answer-unreadable"),
    "a list": (lambda ok: says(answer(200, b"[" + ok + b"]")), "answer-unreadable"),
    "not checked, with 200": (lambda ok: says(answer(200, b'{"checked": false, "errors": []}')), "answer-unreadable"),
    "very deep": (lambda ok: says(answer(200, b"[" * 100_000)), "answer-unreadable"),
    "without end": (lambda ok: lambda conn, asked: conn.sendall(answer(200, ok + b" " * (33 << 20))), "answer-unreadable"),
    "another order": (lambda ok: says(answer(200, of_another("order", "ord-9", ok))), "answer-mixed-up"),
    "another patient": (lambda ok: says(answer(200, of_another("patient", "p-9", ok))), "answer-mixed-up"),
    "another moment": (
        lambda ok: says(answer(200, of_another("at", "2026-03-01T09:30:00+08:00", ok))), "answer-mixed-up",
    ),
}  # fmt: skip


class TestWhatIsNoDecision:
    @both_faces
    @pytest.mark.parametrize("way", MISBEHAVING)
    def test_leaves_it_to_the_policy_in_time(self, ask, way, passed: bytes, caplog) -> None:
        behave, code = MISBEHAVING[way]
        fail = "open" if ask is ask_in_a_thread else "closed"
        limit = LIMIT if code == "service-late" else 60.0
        with serving(behave(passed)) as stub:
            found = ask(stub.url, ALLOWED, fail=fail, timeout=limit)
        assert (found.checked, found.let_through, found.decision) == (False, fail == "open", None)
        assert found.why is not None
        assert found.why.code == code
        (line,) = [r for r in caplog.records if r.name == "oncogate.adapters.rest"]
        assert line.levelno == logging.WARNING
        assert f"fail={fail}" in line.getMessage()
        assert code in line.getMessage()

    @both_faces
    def test_as_where_nobody_listens(self, ask) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))  # taken, and nobody listens
            found = ask(f"http://127.0.0.1:{free.getsockname()[1]}", ALLOWED, fail="closed")
        assert found.why is not None
        assert (found.let_through, found.why.code) == (False, "service-unreachable")

    def test_as_where_the_queue_is_full(self) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            waiting = [socket.socket() for _ in range(3)]  # what the system queues itself
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(address)
            found = ask_in_a_thread(
                f"http://127.0.0.1:{address[1]}", ALLOWED, fail="open", connect_timeout=0.3
            )
            for one in waiting:
                one.close()
        assert found.why is not None
        assert (found.let_through, found.why.code) == (True, "service-unreachable")

    def test_the_log_holds_nothing_of_the_patient(self, caplog) -> None:
        patient = ALLOWED.record.patient
        assert patient is not None
        quoting = not_checked(503, "rules-loading", f"no rules for {patient.id}")
        caplog.set_level(0)
        with serving(says(quoting)) as stub:
            found = ask_in_a_thread(stub.url, ALLOWED, fail="open", token="s3cret")
        assert found.why is not None
        assert patient.id in found.why.message
        assert not any(word in caplog.text for word in (patient.id, "s3cret", "ord-"))

    def test_is_logged_where_the_caller_is(self, caplog) -> None:
        with serving(says(answer(500, b""))) as stub:
            ask_in_a_thread(stub.url, ALLOWED, fail="open")
        assert [r.threadName for r in caplog.records if r.name.startswith("oncogate")] == ["MainThread"]


class TestARefusal:
    """The service says that the caller is at fault: no policy lets that pass by."""

    @both_faces
    @pytest.mark.parametrize("fail", ["closed", "open"])
    @pytest.mark.parametrize("status", [400, 401, 413, 415, 422])
    def test_raises_with_what_the_service_says(self, ask, fail, status: int) -> None:
        with serving(says(not_checked(status))) as stub, pytest.raises(RequestError) as error:
            ask(stub.url, ALLOWED, fail=fail)
        (found,) = error.value.diagnostics
        assert (found.path, found.code, found.message, found.help) == (
            "/at", "request-missing", "the field `at` is missing", "write it",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("status", "help"), [(401, "token"), (403, "token"), (404, "/v1/decide"), (405, ""), (413, "client_max_body_size")]
    )  # fmt: skip
    def test_raises_where_a_proxy_says_so(self, status: int, help: str) -> None:
        with (
            serving(says(answer(status, b"<h1>no</h1>", "text/html"))) as stub,
            pytest.raises(RequestError) as error,
        ):
            ask_in_a_thread(stub.url, ALLOWED, fail="open")
        (found,) = error.value.diagnostics
        assert (found.code, found.message) == ("service-refused", f"the service answers {status}")
        assert help in found.help

    def test_with_errors_of_any_form_still_raises(self) -> None:
        for body in (
            b'{"checked": false}',
            b'{"checked": false, "errors": [1, {"code": 2}, null]}',
            b"null",
            b"\xff",
        ):
            with serving(says(answer(400, body))) as stub, pytest.raises(RequestError, match="answers 400"):
                ask_in_a_thread(stub.url, ALLOWED, fail="open")

    @pytest.mark.parametrize("data", [{"at": object()}, {"record": {"labs": [float("nan")]}}])
    def test_of_what_isn_t_json_needs_no_service(self, data) -> None:
        with (
            Client("http://127.0.0.1:9", fail="open") as client,
            pytest.raises(RequestError, match="json-value"),
        ):
            client.decide(data)


class TestOneMoreTry:
    @both_faces
    def test_where_the_connection_breaks(self, ask, gate: Gate) -> None:
        turns = iter([breaks_off])
        right = judges(gate)

        def behave(conn, asked) -> None:
            next(turns, right)(conn, asked)

        with serving(behave) as stub:
            found = ask(stub.url, BLOCKED, fail="open")
        assert (found.checked, found.let_through, len(stub.asked)) == (True, False, 2)

    def test_and_no_third(self) -> None:
        with serving(breaks_off) as stub:
            ask_in_a_thread(stub.url, ALLOWED, fail="open")
        assert len(stub.asked) == 2

    @pytest.mark.parametrize(
        ("problem", "tries"), [(httpx2.ConnectTimeout, 1), (httpx2.ConnectError, 2), (httpx2.ReadError, 2)]
    )
    def test_none_where_no_connection_came_about_in_time(self, problem, tries: int, monkeypatch) -> None:
        tried = []

        async def sent(*_: object) -> None:
            tried.append(problem)
            raise problem("")

        monkeypatch.setattr(Client, "_sent", sent)
        found = ask_in_a_thread("http://127.0.0.1:9", ALLOWED, fail="open")
        assert found.why is not None
        assert (found.why.code, len(tried)) == ("service-unreachable", tries)

    @pytest.mark.parametrize("behave", [hangs, says(answer(503, b"")), says(HTML), says(answer(429, b""))])
    def test_none_after_an_answer_or_a_time_out(self, behave) -> None:
        with serving(behave) as stub:
            ask_in_a_thread(stub.url, ALLOWED, fail="open", timeout=LIMIT)
        assert len(stub.asked) == 1


class TestTold:
    @pytest.mark.parametrize("face", [Client, AsyncClient])
    @pytest.mark.parametrize("given", [{}, {"fail": "maybe"}, {"fail": None}, {"fail": True}])
    def test_no_policy_it_says_what_to_choose(self, face, given) -> None:
        with pytest.raises(TypeError, match=r'fail="closed" holds it back, fail="open" lets it through'):
            face("http://127.0.0.1:9", **given)

    @pytest.mark.parametrize(
        "url", ["", "gate.hospital.example", "ftp://gate", "http://", "http://u:p@gate", "http://gate/?x=1", "http://gate:port"]
    )  # fmt: skip
    def test_no_address_it_says_so(self, url: str) -> None:
        with pytest.raises(ValueError, match="address"):
            Client(url, fail="closed")

    @pytest.mark.parametrize("token", ["", "two words", "line\n", "密"])
    def test_no_token_it_says_so_without_it(self, token: str) -> None:
        with pytest.raises(ValueError, match="bearer token") as error:
            Client("http://gate", fail="closed", token=token)
        assert not token or token not in str(error.value).replace("\\n", "\n")

    @pytest.mark.parametrize("given", [{"timeout": 0}, {"connect_timeout": -1}, {"timeout": float("nan")}])
    def test_no_time_it_says_so(self, given) -> None:
        with pytest.raises(ValueError, match="seconds"):
            Client("http://gate", fail="closed", **given)


class TestTLS:
    def test_is_verified_and_takes_the_hospital_s_authority(self, gate: Gate, certificate) -> None:
        key, cert = certificate
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        with serving(judges(gate), context) as stub:
            stranger = ask_in_a_thread(stub.url, ALLOWED, fail="closed", tls=None)
            known = ask_in_a_thread(
                stub.url, ALLOWED, fail="closed", tls=ssl.create_default_context(cafile=cert)
            )
        assert stranger.why is not None
        assert (stranger.let_through, stranger.why.code) == (False, "service-unreachable")
        assert "certificate" in stranger.why.message
        assert known.checked
        assert known.let_through

    def test_no_proxy_of_the_environment_sees_a_record(self, gate: Gate, monkeypatch) -> None:
        with serving(says(HTML)) as proxy, serving(judges(gate)) as stub:
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            assert ask_in_a_thread(stub.url, ALLOWED, fail="closed").checked
        assert proxy.asked == []


class TestManyAtOnce:
    def test_each_thread_gets_its_own_answer_over_a_few_connections(self, gate: Gate) -> None:
        wrong: list[Answer] = []
        with serving(judges(gate)) as stub, Client(stub.url, fail="closed", timeout=30) as client:

            def ask(request: Request, outcome: str) -> None:
                for _ in range(10):
                    found = client.decide(request)
                    if found.decision is None or found.decision.outcome != outcome:
                        wrong.append(found)

            threads = [
                threading.Thread(target=ask, args=pair)
                for pair in [(BLOCKED, "block"), (ALLOWED, "allow")] * 4
            ]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
        assert wrong == []
        assert len(stub.asked) == 80
        assert stub.connections <= 8

    def test_tasks_of_one_loop_too_and_a_slow_one_holds_up_nobody(self, gate: Gate) -> None:
        right = judges(gate)

        def behave(conn, asked) -> None:
            (hangs if b'"slow"' in asked.body else right)(conn, asked)

        slow = BLOCKED.model_copy(update={"order": BLOCKED.order.model_copy(update={"id": "slow"})})

        async def asking(url: str) -> list[Answer]:
            async with AsyncClient(url, fail="closed", **PATIENT) as client:
                waiting = [asyncio.ensure_future(client.decide(slow)) for _ in range(3)]
                try:
                    return await asyncio.gather(*(client.decide(r) for r in (BLOCKED, ALLOWED) * 3))
                finally:
                    assert not any(one.done() for one in waiting)
                    for one in waiting:
                        one.cancel()

        with serving(behave) as stub:
            found = asyncio.run(asking(stub.url))
        assert [a.decision and a.decision.outcome for a in found] == ["block", "allow"] * 3

    def test_a_caller_that_is_cancelled_is_cancelled(self) -> None:
        async def asking(url: str) -> None:
            async with AsyncClient(url, fail="open", timeout=20) as client:
                await asyncio.wait_for(client.decide(ALLOWED), 0.1)

        with serving(hangs) as stub, pytest.raises(asyncio.TimeoutError):
            asyncio.run(asking(stub.url))


class TestALife:
    def test_a_loop_of_another_s_is_refused_before_it_bites(self, gate: Gate) -> None:
        with serving(judges(gate)) as stub:
            client = AsyncClient(stub.url, fail="open")

            async def ask_and_close() -> None:
                await client.decide(ALLOWED)
                await client.aclose()

            asyncio.run(ask_and_close())
            with pytest.raises(RuntimeError, match="one event loop"):
                asyncio.run(client.decide(ALLOWED))

    def test_closed_is_closed_whatever_the_policy(self) -> None:
        client = Client("http://127.0.0.1:9", fail="open")
        client.close()
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            client.decide(ALLOWED)

        async def asking() -> None:
            client = AsyncClient("http://127.0.0.1:9", fail="open")
            await client.aclose()
            await client.decide(ALLOWED)

        with pytest.raises(RuntimeError, match="closed"):
            asyncio.run(asking())

    def test_closing_while_another_thread_waits_wakes_it(self) -> None:
        raised: list[BaseException] = []
        with serving(hangs) as stub:
            client = Client(stub.url, fail="open", timeout=20)

            def wait() -> None:
                try:
                    client.decide(ALLOWED)
                except RuntimeError as error:
                    raised.append(error)

            thread = threading.Thread(target=wait)
            thread.start()
            while not stub.asked:
                time.sleep(0.01)
            client.close()
            thread.join(5)
        assert [str(e) for e in raised] == ["the client was closed while it was asked"]

    def test_one_that_nobody_holds_leaves_no_thread(self, gate: Gate) -> None:
        with serving(judges(gate)) as stub:
            client = Client(stub.url, fail="closed")
            client.decide(ALLOWED)
            assert any(t.name == "oncogate-client" for t in threading.enumerate())
            del client
            gc.collect()
            assert not any(t.name == "oncogate-client" for t in threading.enumerate())

    def test_a_loop_that_hangs_hangs_nobody(self, gate: Gate) -> None:
        with serving(judges(gate)) as stub, Client(stub.url, fail="closed", timeout=0.2) as client:
            client.decide(ALLOWED)
            (running,) = client._thread._by_process.values()
            running.loop.call_soon_threadsafe(time.sleep, 1.6)
            found = client.decide(ALLOWED)
        assert found.why is not None
        assert found.why.code == "service-late"

    def test_what_nobody_waits_for_any_more_is_given_up(self) -> None:
        given_up = threading.Event()

        async def sleeping(http: object) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                given_up.set()
                raise

        with Client("http://127.0.0.1:9", fail="closed") as client:
            with pytest.raises(TimeoutError):
                client._thread.run(sleeping, 0.1 - GRACE)
            assert given_up.wait(30)

    def test_is_not_begun_where_gevent_has_replaced_threads(self, monkeypatch) -> None:
        gevent = types.SimpleNamespace(is_module_patched=lambda name: name == "threading")
        monkeypatch.setitem(sys.modules, "gevent.monkey", gevent)
        with pytest.raises(RuntimeError, match="gevent"):
            Client("http://127.0.0.1:9", fail="open")

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
    def test_goes_on_in_a_fork_and_in_its_parent(self, gate: Gate) -> None:
        # what warns is Python, of forks beside threads (from 3.12 on), and the child of its parent's connections
        code = (
            "import os, sys\nfrom oncogate import Request\nfrom oncogate.adapters.rest import Client\n"
            "client = Client(sys.argv[1], fail='closed', timeout=60)\nrequest = Request.load(sys.argv[2])\n"
            "def ask(): return client.decide(request).checked\n"
            "assert ask()\nchild = os.fork()\nright = ask()\n"
            "if child == 0: sys.exit(0 if right else 9)\n"
            "_, status = os.waitpid(child, 0)\nprint(right, ask(), os.waitstatus_to_exitcode(status))\n"
        )
        with serving(judges(gate)) as stub:
            found = subprocess.run(
                [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-W", "ignore::ResourceWarning", "-c", code, stub.url, EXAMPLES / "allowed.json"],
                capture_output=True, text=True, timeout=90, check=False,
            )  # fmt: skip
        assert (found.stdout, found.stderr) == ("True True 0\n", "")

    def test_a_process_that_forgets_it_ends(self, gate: Gate) -> None:
        code = (
            "import sys\nfrom oncogate import Request\nfrom oncogate.adapters.rest import Client\n"
            "client = Client(sys.argv[1], fail='closed', timeout=60)\nprint(client.decide(Request.load(sys.argv[2])).checked)\n"
        )
        with serving(judges(gate)) as stub:
            found = subprocess.run(
                [sys.executable, "-W", "error", "-c", code, stub.url, EXAMPLES / "allowed.json"],
                capture_output=True, text=True, timeout=90, check=False,
            )  # fmt: skip
        assert (found.stdout, found.stderr, found.returncode) == ("True\n", "", 0)


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['httpx2'] = None; import oncogate.adapters.rest"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "oncogate[client]"' in found.stderr


def test_a_decision_reads_back_over_the_wire(gate: Gate, passed: bytes) -> None:
    assert Decision.load(passed) == gate.decide(ALLOWED)
