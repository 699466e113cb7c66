"""HL7 v2 beside HTTP: what is acknowledged can be judged, by any worker, after a restart too."""

from __future__ import annotations

import socket
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
