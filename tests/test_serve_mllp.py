"""HL7 v2 beside HTTP: what is acknowledged can be judged, by any worker, after a restart too."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
from pathlib import Path

import httpx
import pytest
from conftest import ROOT
from served import Process, served

from oncogate.server.beside import beside
from oncogate.server.settings import Mllp, Settings, SettingsError

MESSAGE = (ROOT / "examples" / "low-count.hl7").read_bytes().replace(b"\n", b"\r")
ASKED = {"at": "2026-03-02T10:30:00+08:00", "record": {"patient": {"id": "p-1"}, "labs": []}}


def sent(address: str, message: bytes) -> bytes:
    """The acknowledgement of a message."""
    host, port = address.removeprefix("mllp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"\x0b" + message + b"\x1c\r")
        found = b""
        while not found.endswith(b"\x1c\r"):
            found += connection.recv(4096)
    return found


def critical(address: str, received: str) -> list[tuple[str, str]]:
    answer = httpx.post(f"{address}/v1/decide?received={received}", json=ASKED, timeout=30, trust_env=False)
    assert answer.status_code == 200
    return [(value["rule"], value["value"]) for value in answer.json()["critical_values"]]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_result_that_is_acknowledged_is_judged_when_it_is_asked_for(tmp_path: Path, workers: int) -> None:
    options = ("--workers", str(workers), "--mllp", "127.0.0.1:0", "--inbox", str(tmp_path / "inbox"))
    gate = Process(*options)
    try:
        assert b"MSA|AA|M1" in sent(gate.until("listening", 2)["address"], MESSAGE)
        for _ in range(4):  # whichever worker answers
            assert critical(gate.address, "true") == [("core/anc-critical", "0.8")]
        assert critical(gate.address, "false") == []
    finally:
        assert gate.stop() == 0
    again = Process(*options)
    try:
        assert critical(again.address, "true") == [("core/anc-critical", "0.8")]
        assert not any("张" in str(line) for line in [*gate.lines, *again.lines])
    finally:
        again.stop()


def test_nothing_can_be_added_where_nothing_is_received() -> None:
    with served(Settings()) as client:
        answer = client.post("/v1/decide?received=true", json=ASKED)
    assert answer.status_code == 400
    assert answer.json()["checked"] is False
    assert answer.json()["errors"][0]["code"] == "received-absent"


def test_what_can_not_be_had_is_refused_before_anything_listens(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="serve-inbox"):
        beside(Settings(mllp=Mllp(inbox=tmp_path / "no" / "such" / "folder")))
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="serve-address"):
        beside(Settings(mllp=Mllp(port=taken.getsockname()[1], inbox=tmp_path / "inbox")))


def received(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/decide?received=true", json=ASKED)


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def test_an_inbox_that_cant_be_read_is_503_not_a_record_without_it(tmp_path: Path) -> None:
    told = Settings(state=tmp_path, mllp=Mllp(port=free(), inbox=tmp_path / "inbox"))
    with served(told) as client:
        assert received(client).status_code == 200
        with contextlib.closing(sqlite3.connect(tmp_path / "inbox")) as file:
            file.execute("DROP TABLE items")
        answer = received(client)
    assert answer.status_code == 503
    assert answer.json()["checked"] is False


def test_local_codes_are_read_by_the_table_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("system,code,to_system,to_code\nLAB,NEU,LN,751-8\n")
    local = MESSAGE.replace(b"751-8^", b"NEU^").replace(b"^LN", b"^LAB")
    assert b"NEU^" in local
    port = free()
    for codes, expected in ((None, []), (tmp_path / "codes.csv", ["0.8"])):
        inbox = tmp_path / f"inbox-{bool(codes)}"
        told = Settings(
            state=tmp_path, timezone="Asia/Shanghai", mllp=Mllp(port=port, inbox=inbox, codes=codes)
        )
        with served(told) as client:
            assert b"MSA|AA" in sent(f"mllp://127.0.0.1:{port}", local)
            assert [v["value"] for v in received(client).json()["critical_values"]] == expected
