"""Processes: started, stopped, killed, and given new rules, sound and broken, while calls come in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from loaded import shipped_gate
from served import ROOT, Process, process
from typer.testing import CliRunner

from oncogate.cli.app import app
from oncogate.model.request import Request
from oncogate.server.run import listening
from oncogate.server.settings import Settings, SettingsError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="several workers need a system that can fork")

BODIES = {
    p: p.read_bytes() for p in sorted((ROOT / "examples").glob("*.json")) if b'"record"' in p.read_bytes()
}
AS_JSON = {"Content-Type": "application/json"}
TOKEN = "0123456789abcdef0123456789abcdef"


def expected() -> dict:
    return {p: shipped_gate().decide(Request.load(p)).to_dict() for p in BODIES}


@pytest.fixture
def rules(tmp_path):
    """A folder with the core rules."""
    folder = tmp_path / "rules"
    shutil.copytree(ROOT / "rules" / "core", folder / "core")
    return folder


def consent(rules, **changes: str) -> None:
    file = rules / "core" / "consent-missing.yaml"
    text = file.read_text("utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(f"{old}:", f"{new}:", 1) if new.isidentifier() else text.replace(old, new, 1)
    file.write_text(text, "utf-8")


def outcome(made: Process) -> str:
    answer = httpx.post(
        f"{made.address}/v1/decide", content=BODIES[ROOT / "examples" / "no-consent.json"], headers=AS_JSON
    )
    assert answer.status_code == 200
    return answer.json()["outcome"]


def test_discovery_is_answered_within_two_seconds_of_the_start_and_stopping_is_clean(tmp_path):
    with process(env={"XDG_STATE_HOME": str(tmp_path)}) as made:
        assert httpx.get(f"{made.address}/cds-services").status_code == 200
        assert made.stop() == 0
    assert not list(tmp_path.iterdir())  # nothing is written that nobody sent


@pytest.mark.longer
def test_what_is_in_flight_is_finished_when_it_is_told_to_stop(tmp_path):
    body = b"\n".join(json.dumps(json.loads(b)).encode() for b in BODIES.values()) * 12
    with process("--workers", "2", env={"XDG_STATE_HOME": str(tmp_path)}) as made:
        done = threading.Event()
        answers = []

        def ask() -> None:
            headers = {"Content-Type": "application/x-ndjson"}
            with httpx.stream(
                "POST", f"{made.address}/v1/decide/batch", content=body, headers=headers, timeout=60
            ) as answer:
                lines = answer.iter_lines()
                answers.append(next(lines))
                done.set()
                answers.extend(lines)

        caller = threading.Thread(target=ask)
        caller.start()
        assert done.wait(20)
        assert made.stop() == 0
        caller.join(20)
    assert len(answers) == len([line for line in body.splitlines() if line])


def test_a_killed_worker_is_replaced_and_nobody_gets_a_wrong_answer(tmp_path):
    right = expected()
    with process("--workers", "2", env={"XDG_STATE_HOME": str(tmp_path)}) as made:
        first = made.until("worker-started")["pid"], made.until("worker-started", 2)["pid"]
        until = time.monotonic() + 3
        wrong: list[str] = []
        answered = broken = 0

        def ask(path) -> tuple[int, int]:
            good = lost = 0
            while time.monotonic() < until:
                try:
                    answer = httpx.post(
                        f"{made.address}/v1/decide", content=BODIES[path], headers=AS_JSON, timeout=20
                    )
                except httpx.TransportError:  # it was with the worker that was killed
                    lost += 1
                    continue
                if answer.status_code != 200 or answer.json() != right[path]:
                    wrong.append(answer.text)
                good += 1
            return good, lost

        with ThreadPoolExecutor(6) as pool:
            calls = [pool.submit(ask, path) for path in list(BODIES)[:6]]
            for pid in first:
                time.sleep(0.7)
                os.kill(pid, signal.SIGKILL)
            for call in calls:
                good, lost = call.result()
                answered, broken = answered + good, broken + lost
        made.until("worker-started", 4)
        metrics = httpx.get(f"{made.address}/metrics").text
        code = made.stop()
    assert not wrong
    assert answered > 10
    assert broken <= 12  # what the two killed workers had in hand: six callers at most, each time
    assert code == 0
    ended = [line for line in made.lines if line["event"] == "worker-ended"]
    assert {line["pid"] for line in ended} == set(first)
    total = sum(
        float(x.rsplit(" ", 1)[1]) for x in metrics.splitlines() if x.startswith("oncogate_decisions_total{")
    )
    assert answered <= total <= answered + broken  # the counts of all workers, dead ones too


@pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.longer), "2"])
def test_new_rules_are_taken_up_and_broken_ones_are_not(rules, tmp_path, workers):
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    with process("--rules", str(rules), "--workers", workers, "--reload-rules", env=env) as made:
        assert outcome(made) == "block"
        before = httpx.get(f"{made.address}/readyz").json()["rules"]

        def settled(event: str) -> None:
            heard = int(workers) + (workers != "1")  # each worker, and the process that starts them
            made.until(event, heard)

        consent(rules, **{"effect: block": "effect: nonsense"})
        settled("rules-kept")
        assert outcome(made) == "block"
        ready = httpx.get(f"{made.address}/readyz").json()
        assert ready["rules"] == before
        assert ready["stale"] is True
        assert "consent-missing.yaml:5:9" in ready["problems"][0]["path"]
        assert "oncogate_rules_stale 1.0" in httpx.get(f"{made.address}/metrics").text
        if workers == "2":  # who takes the place of a worker gets the rules that work
            os.kill(made.until("worker-started")["pid"], signal.SIGKILL)
            made.until("worker-started", 3)
            assert [outcome(made) for _ in range(6)] == ["block"] * 6

        consent(rules, **{"effect: nonsense": "effect: warn"})
        made.signal(signal.SIGHUP)
        settled("rules-loaded")
        assert {outcome(made) for _ in range(6)} == {"warn"}
        ready = httpx.get(f"{made.address}/readyz").json()
        assert ready["rules"] != before
        assert ready["stale"] is False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "host: `0.0.0.0` can be reached by others"),
        (["--host", "no.such.host.invalid"], "[serve-without-auth]"),
        (["--rules", "no-such-folder"], "no-such-folder: there is no such file or folder [pack-absent]"),
        (["--timezone", "Mars"], "command line"),
        (["--config", "no-such.yaml"], "no-such.yaml:1:1: can't be read"),
    ],
)
def test_what_isnt_safe_or_cant_be_is_refused_and_nothing_listens(options, said):
    found = CliRunner().invoke(app, ["serve", "--port", "0", *options])
    assert found.exit_code == 2
    assert said in found.stderr
    assert "listening" not in found.stderr
    assert found.stdout == ""


def test_a_port_that_is_taken_is_said_to_be(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError) as error:
        listening(Settings(port=taken.getsockname()[1]))
    assert [d.code for d in error.value.diagnostics] == ["serve-address"]


@pytest.mark.longer
def test_a_settings_file_serves_others_with_tokens(tmp_path):
    (tmp_path / "tokens").write_text(f"his {TOKEN}\n")
    (tmp_path / "gate.yaml").write_text(
        "host: 0.0.0.0\nlanguage: en\ntokens: tokens\nstate: kept\ntimezone: Asia/Shanghai\n"
    )
    with process("--config", str(tmp_path / "gate.yaml")) as made:
        address = made.address.replace("0.0.0.0", "127.0.0.1")
        body = BODIES[ROOT / "examples" / "no-consent.json"]
        assert httpx.post(f"{address}/v1/decide", content=body, headers=AS_JSON).status_code == 401
        known = {**AS_JSON, "Authorization": f"Bearer {TOKEN}"}
        assert httpx.post(f"{address}/v1/decide", content=body, headers=known).status_code == 200
        assert (
            httpx.post(f"{address}/cds-services/oncogate-order-sign", json={}).status_code == 401
        )  # no clients are told
        assert httpx.get(f"{address}/cds-services").headers["content-language"] == "en"
