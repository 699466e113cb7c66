"""`oncogate decide`: what goes to which stream, the exit code, and what is left when it is stopped."""

from __future__ import annotations

import functools
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import lab, pack, request
from conftest import ROOT
from typer.testing import CliRunner, Result

from oncogate import Decision, Gate, Request
from oncogate.cli.app import app

ALLOWED = json.dumps(request(), ensure_ascii=False).encode()
BLOCKED = json.dumps(request(consents=[]), ensure_ascii=False).encode()
WARNED = json.dumps(request(labs=[]), ensure_ascii=False).encode()
CRITICAL = json.dumps(request(labs=lab(0.4)), ensure_ascii=False).encode()
CORE = ROOT / "rules" / "core"


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests here are about the run, not the rules."""
    monkeypatch.setattr(
        Gate, "load", lambda rules, site: core() if rules == [CORE] and not site else load(rules, site)
    )


load = Gate.load


@functools.cache
def core() -> Gate:
    return load([CORE])


def run(*args: Any, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["decide", *(str(a) for a in args), "--rules", str(CORE)], input=stdin)


def written(folder: Path, *lines: bytes) -> Path:
    path = folder / "orders.ndjson"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def summary(result: Result) -> str:
    return result.stderr.splitlines()[-1].rpartition(" (")[0]


class TestTheExitCode:
    def test_is_0_when_all_are_judged_and_none_is_blocked(self, tmp_path: Path) -> None:
        result = run(written(tmp_path, ALLOWED, WARNED, ALLOWED))
        assert result.exit_code == 0
        assert summary(result) == "3 judged: 0 blocked, 1 with a warning, 2 allowed"

    def test_is_1_when_all_are_judged_and_one_is_blocked(self, tmp_path: Path) -> None:
        result = run(written(tmp_path, ALLOWED, BLOCKED))
        assert result.exit_code == 1
        assert summary(result) == "2 judged: 1 blocked, 0 with a warning, 1 allowed"

    def test_is_2_when_a_line_cannot_be_judged_even_if_another_is_blocked(self, tmp_path: Path) -> None:
        result = run(written(tmp_path, BLOCKED, b"{}", ALLOWED))
        assert result.exit_code == 2
        assert summary(result) == "2 judged: 1 blocked, 0 with a warning, 1 allowed; 1 can't be judged"

    @pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
    def test_is_2_when_nothing_is_there_to_judge(self, content: bytes) -> None:
        result = run("-", stdin=content)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "<stdin>: the input is empty [input-empty]" in result.stderr

    def test_is_2_with_every_problem_when_neither_rules_nor_input_can_be_used(self, tmp_path: Path) -> None:
        rules = pack(tmp_path, "id: [")
        result = CliRunner().invoke(app, ["decide", str(tmp_path / "absent"), "--rules", str(rules)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "[yaml-syntax]" in result.stderr
        assert (
            f"{tmp_path}/absent: can't be read: No such file or directory [input-unreadable]" in result.stderr
        )

    def test_is_2_for_a_directory(self, tmp_path: Path) -> None:
        assert "[input-directory]" in run(tmp_path).stderr

    @pytest.mark.parametrize(("option", "value", "code"), [
        ("--processes", "-1", "processes-invalid"), ("--timezone", "Mars/Olympus", "timezone-unknown"),
    ])  # fmt: skip
    def test_is_2_for_an_option_that_cannot_be(
        self, tmp_path: Path, option: str, value: str, code: str
    ) -> None:
        result = run(written(tmp_path, ALLOWED), option, value)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"[{code}]" in result.stderr


class TestTheOutput:
    def test_has_for_each_line_what_the_library_says_of_it_in_order(self, tmp_path: Path) -> None:
        lines = [ALLOWED, b"", BLOCKED, b'{"at": 1}', CRITICAL]
        result = run(written(tmp_path, *lines))
        gate = core()
        said = [gate.decide(Request.load(one)).to_json() for one in (ALLOWED, BLOCKED, CRITICAL)]
        error = '{"checked":false,"line":4,"errors":[{"code":"request-time-type","message":"should be a time written as text, not int","path":"/at","help":""}]}'
        assert result.stdout.splitlines() == [said[0], said[1], error, said[2]]
        assert [Decision.load(one).outcome for one in said] == ["allow", "block", "block"]

    def test_is_the_same_on_several_processes(self, tmp_path: Path) -> None:
        path = written(tmp_path, *([ALLOWED, BLOCKED, b"[", CRITICAL] * 20))
        one, two = run(path), run(path, "--processes", "2")
        assert (two.exit_code, two.stdout_bytes) == (one.exit_code, one.stdout_bytes)
        assert [line for line in two.stderr.splitlines() if "judged:" not in line] == [
            line for line in one.stderr.splitlines() if "judged:" not in line
        ]

    def test_names_the_place_of_each_problem_on_standard_error(self, tmp_path: Path) -> None:
        path = written(tmp_path, ALLOWED, ALLOWED.replace(b'"cycle"', b'"cicle"'), b'{"at": }')
        assert run(path).stderr.splitlines()[:3] == [
            f"{path}:2#/order/cicle: unknown field `cicle` [request-extra-forbidden]",
            "  help: did you mean `cycle`?",
            f"{path}:3:8: isn't JSON: expecting value [json-syntax]",
        ]

    def test_says_where_a_line_is_cut_short(self, tmp_path: Path) -> None:
        path = written(tmp_path, ALLOWED, b'{"at": "2026-03-02', b'{"record": {"labs": [', ALLOWED)
        result = run(path)
        assert f"{path}:2:8: isn't JSON: unterminated string starting at [json-syntax]" in result.stderr
        assert f"{path}:3:22: isn't JSON: expecting value [json-syntax]" in result.stderr
        assert [json.loads(line)["errors"][0]["column"] for line in result.stdout.splitlines()[1:3]] == [
            8,
            22,
        ]

    def test_does_not_bury_the_screen_under_problems(self, tmp_path: Path) -> None:
        result = run(written(tmp_path, *[b"{"] * 250))
        assert result.stderr.count("[json-syntax]") == 100
        assert "note: 100 lines can't be judged" in result.stderr
        assert result.stdout.count('"checked":false') == 250

    def test_takes_the_zone_and_the_layer(self, tmp_path: Path) -> None:
        site = tmp_path / "site.yaml"
        site.write_text(
            "id: here\nlayer: hospital\nrules:\n  core/anc-not-recent: {effect: block}\n", "utf-8"
        )
        path = written(tmp_path, WARNED.replace(b"+08:00", b""))
        assert run(path).exit_code == 2
        result = run(path, "--timezone", "Asia/Shanghai", "--site", site)
        assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (1, "block")


class TestTheFile:
    def test_is_whole_or_not_there(self, tmp_path: Path) -> None:
        out = tmp_path / "out.ndjson"
        result = run(written(tmp_path, ALLOWED, BLOCKED), "--out", out)
        assert (result.exit_code, result.stdout) == (1, "")
        assert [json.loads(line)["outcome"] for line in out.read_bytes().splitlines()] == ["allow", "block"]
        assert not out.with_name("out.ndjson.part").exists()

    def test_replaces_an_earlier_one_only_at_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out.ndjson"
        out.write_text("earlier\n", "utf-8")
        path = written(tmp_path, ALLOWED, ALLOWED)
        real = Gate.decide_lines

        def interrupted(self: Gate, *given: Any, **options: Any) -> Any:
            yield from list(real(self, *given, **options))[:1]
            raise KeyboardInterrupt

        monkeypatch.setattr(Gate, "decide_lines", interrupted)
        result = run(path, "--out", out)
        assert (result.exit_code, out.read_text("utf-8")) == (130, "earlier\n")
        assert result.stderr.splitlines()[-1].endswith(
            f"; interrupted; what was decided so far is in {out}.part"
        )
        assert (tmp_path / "out.ndjson.part").read_bytes().count(b"\n") == 1

    @pytest.mark.parametrize("content", [b"", b"\n \n"])
    def test_is_left_alone_when_there_is_nothing_to_judge(self, tmp_path: Path, content: bytes) -> None:
        out = tmp_path / "out.ndjson"
        result = run("-", "--out", out, stdin=content)
        assert (result.exit_code, [*tmp_path.iterdir()]) == (2, [])
        out.write_text("earlier\n", "utf-8")
        result = run("-", "--out", out, stdin=content)
        assert (result.exit_code, out.read_text("utf-8"), [*tmp_path.iterdir()]) == (2, "earlier\n", [out])
        assert summary(result) == "0 judged: 0 blocked, 0 with a warning, 0 allowed"

    @pytest.mark.skipif(os.name == "nt", reason="files have no such rights there")
    def test_keeps_the_rights_of_an_earlier_one(self, tmp_path: Path) -> None:
        out = tmp_path / "out.ndjson"
        out.touch(0o600)
        assert run(written(tmp_path, ALLOWED), "--out", out).exit_code == 0
        assert (out.stat().st_mode & 0o777, out.read_bytes().count(b"\n")) == (0o600, 1)

    @pytest.mark.skipif(os.name == "nt", reason="links take rights there")
    @pytest.mark.parametrize("there", [True, False])
    def test_is_where_a_link_points(self, tmp_path: Path, there: bool) -> None:
        (tmp_path / "month").mkdir()
        out, link = tmp_path / "month" / "out.ndjson", tmp_path / "latest.ndjson"
        link.symlink_to(out)
        if there:
            out.write_text("earlier\n", "utf-8")
        assert run(written(tmp_path, ALLOWED), "--out", link).exit_code == 0
        assert (link.is_symlink(), out.is_symlink()) == (True, False)
        assert [json.loads(line)["outcome"] for line in out.read_bytes().splitlines()] == ["allow"]

    @pytest.mark.parametrize("name", ["orders.ndjson", "mine.ndjson.part"])
    def test_is_not_the_input(self, tmp_path: Path, name: str) -> None:
        path = written(tmp_path, ALLOWED).rename(tmp_path / name)
        result = run(path, "--out", tmp_path / name.removesuffix(".part"))
        assert (result.exit_code, path.read_bytes()) == (2, ALLOWED + b"\n")
        assert "[output-is-input]" in result.stderr

    def test_that_cannot_be_written_is_said_before_anything_is_judged(self, tmp_path: Path) -> None:
        result = run(written(tmp_path, ALLOWED), "--out", tmp_path / "no" / "folder.ndjson")
        assert result.exit_code == 2
        assert "No such file or directory [output-unwritable]" in result.stderr

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
    def test_on_a_full_disk_stops_the_run(self, tmp_path: Path) -> None:
        result = run(written(tmp_path, ALLOWED), "--out", "/dev/full")
        assert result.exit_code == 2
        assert "/dev/full: can't be written: No space left on device [output-unwritable]" in result.stderr


COMMAND = (sys.executable, "-m", "oncogate.cli", "decide")


def started(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
    command = (*COMMAND, *(str(a) for a in args), "--rules", str(CORE))
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "PYTHONUNBUFFERED": ""}
    return subprocess.Popen(command, env=env, **{**pipes, **options})


def children_of(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text("utf-8").split()]


def soon(holds: Callable[[], bool]) -> bool:
    for _ in range(600):
        if holds():
            return True
        time.sleep(0.05)
    return False


class TestAsAProcess:
    def test_answers_each_line_before_it_is_sent_the_next(self) -> None:
        with started("-") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for asked, outcome in ((ALLOWED, "allow"), (BLOCKED, "block"), (b"[]", None), (ALLOWED, "allow")):
                process.stdin.write(asked + b"\n")
                process.stdin.flush()
                assert select.select([process.stdout], [], [], 60)[0], "no answer before the next line"
                assert json.loads(process.stdout.readline()).get("outcome") == outcome
            process.stdin.close()
            assert process.wait(60) == 2

    def test_stops_when_nobody_reads_it_any_more(self) -> None:
        with started("-") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdin.write(ALLOWED + b"\n")
            process.stdin.flush()
            process.stdout.readline()
            process.stdout.close()
            process.stdin.write(ALLOWED + b"\n")
            process.stdin.flush()
            said = process.stderr.read().decode()
            assert process.wait(60) == 2
        assert said.endswith("; stopped: nobody reads standard output any more\n")
        assert "Traceback" not in said

    @pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
    def test_interrupted_ends_its_workers_and_keeps_what_it_had(self, tmp_path: Path) -> None:
        out, part = tmp_path / "out.ndjson", tmp_path / "out.ndjson.part"
        with started("-", "--processes", "2", "--out", out) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.write((ALLOWED + b"\n") * 64 * 12)
            process.stdin.flush()
            assert soon(lambda: part.exists() and part.stat().st_size > 0)
            workers = children_of(process.pid)
            process.send_signal(signal.SIGINT)
            said = process.stderr.read().decode()
            assert process.wait(60) == 130
        assert len(workers) == 2
        assert soon(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
        assert said.endswith(f"; interrupted; what was decided so far is in {part}\n")
        assert "Traceback" not in said
        assert not out.exists()
        assert {json.loads(line)["outcome"] for line in part.read_bytes().splitlines()} == {"allow"}

    def test_shows_how_far_it_is_on_a_terminal_and_only_there(self, tmp_path: Path) -> None:
        path = written(tmp_path, *[ALLOWED] * 300)
        ours, theirs = pty.openpty()
        with started(path, "--out", tmp_path / "out", stderr=theirs) as process:
            os.close(theirs)
            shown = b""
            while chunk := _read(ours):
                shown += chunk
            assert process.wait(60) == 0
        os.close(ours)
        assert b"\x1b[" in shown
        assert "━".encode() in shown
        assert b"%" in shown
        assert b"300 judged: 0 blocked, 0 with a warning, 300 allowed (" in shown.splitlines()[-1]
        assert run(path).stderr.count("\n") == 1


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""
