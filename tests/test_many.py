"""Many requests: on several processes the answers are those of one, in order; nothing is lost in silence."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import lab, pack, request
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from oncogate import Gate, OncogateError, Request, RequestError
from oncogate.many import run, workers
from oncogate.many.lines import Answer, judge_line, read_lines, requests_in
from oncogate.many.terms import Terms
from oncogate.many.workers import Workers
from oncogate.model.at_once import LARGEST


def line(**sections: Any) -> bytes:
    return json.dumps(request(**sections), ensure_ascii=False).encode()


def with_lone_surrogate() -> dict[str, Any]:
    """A request that can be judged: the consent is for a regimen with half a character in its name."""
    made = request()
    made["record"]["consents"][0]["regimen"] = "X\ud83d"
    return made


LINES = {
    "allowed": line(),
    "blocked": line(consents=[]),
    "critical": line(labs=lab(0.4)),
    "not supplied": line(consents=...),
    "another moment": line(at="2026-03-20T09:30:00+08:00"),
    "surrogate": line().replace(b'"ord-1"', b'"\\ud83d"'),
    "surrogate key": b'{"\\ud83d": 1}',
    "lone surrogate in what is judged": json.dumps(with_lone_surrogate()).encode(),
    "marked": b"\xef\xbb\xbf" + line(),
    "with line end": line() + b"\r\n",
    "empty": b"",
    "blank": b" \t\r\n",
    "only marked": b"\xef\xbb\xbf\n",
    "cut short": line()[:-20],
    "not an object": b"[1]",
    "not UTF-8": line().replace(b'"ord-1"', b'"\xff"'),
    "no moment": json.dumps({"record": {}}).encode(),
    "unknown field": line(at="2026-03-02T09:30:00+08:00").replace(b'"regimen"', b'"regime"').replace(b'"cycle"', b'"cicle"'),
}  # fmt: skip
EMPTY = {"empty", "blank", "only marked"}
UNUSABLE = {
    "cut short",
    "not an object",
    "not UTF-8",
    "no moment",
    "unknown field",
    "surrogate",
    "surrogate key",
}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate.load([ROOT / "rules" / "core"])


@pytest.fixture(scope="module")
def crews(gate: Gate) -> Iterator[dict[int, Workers]]:
    made = {n: Workers(n, Terms(gate.loaded_by or {}, None), gate.judges_by) for n in (2, 3)}
    yield made
    for crew in made.values():
        crew.end()


def crew_of(gate: Gate, processes: int = 2) -> Workers:
    return Workers(processes, Terms(gate.loaded_by or {}, None), gate.judges_by)


class TestWhatEachLineIsAnswered:
    @pytest.mark.parametrize("name", LINES)
    def test_a_decision_or_why_there_is_none_and_nothing_for_an_empty_line(
        self, gate: Gate, name: str
    ) -> None:
        answers = list(gate.decide_lines([LINES[name]]))
        if name in EMPTY:
            assert answers == []
            return
        (answer,) = answers
        if name in UNUSABLE:
            said = json.loads(answer.json)
            assert (answer.outcome, said["checked"], said["line"]) == (None, False, 1)
            assert [e["code"] for e in said["errors"]] == [d.code for d in answer.diagnostics] != []
        else:
            # the same bytes as by hand, one request at a time
            assert answer.json.decode() == gate.decide(Request.load(LINES[name])).to_json()
            assert answer.outcome == json.loads(answer.json)["outcome"]
            assert answer.diagnostics == ()

    def test_the_number_counts_empty_lines_too(self, gate: Gate) -> None:
        answers = gate.decide_lines([b"\n", LINES["allowed"], b"", b"{", LINES["blocked"]])
        assert [(a.number, a.outcome) for a in answers] == [(2, "allow"), (4, None), (5, "block")]

    def test_text_is_taken_as_a_request_never_as_the_path_of_one(self, gate: Gate, tmp_path: Path) -> None:
        (tmp_path / "request.json").write_bytes(LINES["allowed"])
        path, text = str(tmp_path / "request.json"), LINES["allowed"].decode()
        assert [a.outcome for a in gate.decide_lines([path, text])] == [None, "allow"]

    @pytest.mark.parametrize("processes", [1, 2])
    def test_half_a_character_is_given_back_as_its_escape(self, gate: Gate, processes: int) -> None:
        asked = Request.load(with_lone_surrogate())
        assert Request.load(asked.to_json()) == asked
        (line_answer,) = gate.decide_lines([asked.to_json()], processes=processes)
        (decision,) = gate.decide_many([asked], processes=processes)
        assert line_answer.outcome == decision.outcome == "block"
        assert line_answer.json.decode() == decision.to_json()
        assert "X\\ud83d" in decision.to_json()
        details = [e.detail.en for e in decision.findings[0].evidence if e.detail is not None]
        assert "it is for `X\ud83d`" in details  # as it was sent

    def test_problems_are_located_in_the_file(self, gate: Gate) -> None:
        answers = list(gate.decide_lines([LINES["allowed"], LINES["unknown field"], b'{"at": }']))
        assert [str(d) for a in answers for d in a.located("orders.ndjson")] == [
            "orders.ndjson:2#/order/cicle: unknown field `cicle` [request-extra-forbidden]\n  help: did you mean `cycle`?",
            "orders.ndjson:3:8: isn't JSON: expecting value [json-syntax]",
        ]

    def test_times_without_a_zone_are_given_the_one_named(self, gate: Gate) -> None:
        without = LINES["allowed"].replace(b"+08:00", b"")
        (refused,) = gate.decide_lines([without])
        (answer,) = gate.decide_lines([without], timezone="+08:00")
        assert refused.outcome is None
        assert answer.json == next(gate.decide_lines([LINES["allowed"]])).json

    def test_a_fault_of_the_gate_costs_only_its_own_line(
        self, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Gate.decide

        def faulty(self: Gate, asked: Request) -> Any:
            if asked.record.consents == ():
                raise AttributeError("no such thing")
            return real(self, asked)

        monkeypatch.setattr(Gate, "decide", faulty)
        answers = list(gate.decide_lines([LINES["allowed"], LINES["blocked"], LINES["critical"]]))
        assert [a.outcome for a in answers] == ["allow", None, "block"]
        assert answers[1].diagnostics[0].message == "internal error: AttributeError: no such thing"


class TestReadingLines:
    @given(st.lists(st.binary(max_size=5).map(lambda b: b.replace(b"\n", b"")), max_size=6), st.booleans())
    def test_a_stream_is_read_line_by_line(self, lines: list[bytes], ended: bool) -> None:
        content = b"\n".join(lines) + (b"\n" if ended else b"")
        assert [read.rstrip(b"\n") for read in read_lines(io.BytesIO(content))] == (
            content.removesuffix(b"\n").split(b"\n") if content else []
        )

    def test_of_a_line_too_long_only_so_much_is_kept_as_shows_it(self, gate: Gate) -> None:
        huge = b'{"at": "' + b"x" * LARGEST + b'"}'
        stream = io.BytesIO(huge + b"\n" + LINES["allowed"] + b"\n" + huge)
        lines = list(read_lines(stream))
        assert [len(read) for read in lines] == [LARGEST + 1, len(LINES["allowed"]) + 1, LARGEST + 1]
        answers = list(gate.decide_lines(lines))
        assert [a.outcome for a in answers] == [None, "allow", None]
        assert answers[0].diagnostics[0].code == "input-too-large"


class TestSeveralProcesses:
    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(st.sampled_from(sorted(LINES)), max_size=15),
        st.sampled_from([2, 3]),
        st.integers(1, 9),
        st.integers(1, 9000),
    )
    def test_give_the_answers_of_one_in_the_same_order(
        self, gate: Gate, crews: dict[int, Workers], names: list[str], processes: int, most: int, size: int
    ) -> None:
        lines = [LINES[name] for name in names]
        chunks = run.chunks(requests_in(lines), most, size)
        assert list(crews[processes].in_order(chunks)) == list(gate.decide_lines(lines))

    @given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 9), st.integers(1, 120))
    def test_chunks_hold_every_line_once_and_no_more_than_they_may(
        self, sizes: list[int], most: int, size: int
    ) -> None:
        lines = [workers.Line(n, b"x" * length) for n, length in enumerate(sizes, 1)]
        made = list(run.chunks(iter(lines), most, size))
        assert [one for chunk in made for one in chunk] == lines
        assert all(0 < len(chunk) <= most for chunk in made)
        assert all(sum(len(one.content) for one in chunk[:-1]) < size for chunk in made)

    def test_are_asked_for_by_number(self, gate: Gate) -> None:
        lines = [*LINES.values()] * 5
        assert list(gate.decide_lines(lines, processes=2)) == list(gate.decide_lines(lines))

    def test_judge_by_the_same_folders_wherever_they_are(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pack(tmp_path)
        monkeypatch.chdir(tmp_path)
        gate = Gate.load(["shipped", "rules"])
        assert gate.loaded_by is not None
        assert gate.loaded_by["packs"] == [ROOT / "rules", tmp_path / "rules"]

    def test_decide_requests_too(self, gate: Gate) -> None:
        requests = [
            Request.load(LINES[name]) for name in ("allowed", "blocked", "another moment", "critical")
        ] * 10
        expected = [gate.decide(asked) for asked in requests]
        assert list(gate.decide_many(requests)) == expected
        found = list(gate.decide_many(iter(requests), processes=2))
        assert [d.to_json() for d in found] == [d.to_json() for d in expected]

    def test_judge_by_the_layers_rules_and_zone_of_the_gate_wherever_the_program_has_gone_since(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site = tmp_path / "site.yaml"
        site.write_text("id: here\nlayer: hospital\nrules:\n  mine/anc-seen: {effect: block}\n", "utf-8")
        pack(tmp_path)
        monkeypatch.chdir(tmp_path)
        gate = Gate.load(["rules"], "site.yaml")
        monkeypatch.chdir("/")
        lines = [text.replace(b"+08:00", b"") for text in (LINES["allowed"], line(labs=[]))]
        answers = gate.decide_lines(lines, processes=2, timezone="+08:00")
        assert [a.outcome for a in answers] == ["allow", "block"]


class TestInput:
    def test_is_read_only_as_it_is_needed(self, gate: Gate) -> None:
        read = []

        def endless() -> Iterator[bytes]:
            while True:
                read.append(1)
                yield LINES["allowed"]

        answers = gate.decide_lines(endless())
        next(answers), next(answers)
        assert len(read) == 2

    def test_on_several_processes_is_read_ahead_by_a_few_chunks(
        self, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        crews_made: list[Workers] = []
        real = Workers.__init__

        def kept(self: Workers, *given: Any) -> None:
            real(self, *given)
            crews_made.append(self)

        monkeypatch.setattr(Workers, "__init__", kept)
        read = []

        def endless() -> Iterator[bytes]:
            while True:
                read.append(1)
                yield LINES["allowed"]

        answers = gate.decide_lines(endless(), processes=2)
        assert [next(answers).number for _ in range(run.LINES + 1)] == list(range(1, run.LINES + 2))
        assert len(read) <= (2 * workers.AHEAD + 3) * run.LINES
        # and whoever needs no more ends the workers
        pids = [worker.pid for worker in crews_made[-1].alive]
        answers.close()  # type: ignore[attr-defined]
        assert len(pids) == 2
        assert _all_gone(pids)

    @pytest.mark.parametrize("processes", [1, 2])
    def test_that_fails_is_answered_up_to_there(
        self, gate: Gate, crews: dict[int, Workers], processes: int
    ) -> None:
        def failing() -> Iterator[bytes]:
            yield from [LINES["allowed"]] * (run.LINES + 3)
            raise OSError("the disk is gone")

        several = crews[2].in_order(run.chunks(requests_in(failing())))
        got, error = _until_it_fails(gate.decide_lines(failing()) if processes == 1 else several)
        assert str(error) == "the disk is gone"
        assert [a.number for a in got] == list(range(1, run.LINES + 4))


def _until_it_fails(answers: Iterator[Answer]) -> tuple[list[Answer], Exception | None]:
    got: list[Answer] = []
    try:
        got += answers  # what came before the failure is kept
    except Exception as error:
        return got, error
    return got, None


class TestAWorkerThatDies:
    def test_is_replaced_and_what_it_had_is_judged_again(self, gate: Gate) -> None:
        crew = crew_of(gate)
        lines = [LINES[name] for name in ("allowed", "blocked", "cut short", "critical")] * 20
        killed: list[int] = []

        def chunks() -> Iterator[workers.Chunk]:
            for number, chunk in enumerate(run.chunks(requests_in(lines), 5, 10**6)):
                if number in (9, 14):
                    while not (left := [w.pid for w in list(crew.alive) if w.pid not in killed]):
                        time.sleep(0.01)
                    killed.append(left[0])
                    os.kill(left[0], signal.SIGKILL)
                yield chunk

        try:
            assert list(crew.in_order(chunks())) == list(gate.decide_lines(lines))
            assert len(set(killed)) == 2
            assert not any(worker.pid in killed for worker in crew.alive)
            for worker in crew.alive:  # while they are idle: that isn't the fault of what comes next
                os.kill(worker.pid, signal.SIGKILL)
            (chunk,) = run.chunks(requests_in(lines[:3]))
            assert list(crew.in_order([chunk])) == list(gate.decide_lines(lines[:3]))
        finally:
            crew.end()

    def test_twice_over_the_same_lines_ends_the_run_loudly(
        self, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deadly = (
            "import os, pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); import oncogate.many.worker as w; real = w.judge_line\n"
            "w.judge_line = lambda gate, line, zone: os._exit(7) if b'deadly' in line.content else real(gate, line, zone)\n"
            "w.serve()"
        )
        monkeypatch.setattr(workers, "PROGRAM", deadly)
        lines = [LINES["allowed"]] * run.LINES + [b'{"deadly": 1}'] + [LINES["allowed"]] * run.LINES
        got, error = _until_it_fails(gate.decide_lines(lines, processes=2))
        assert [a.number for a in got] == list(range(1, run.LINES + 1))
        assert isinstance(error, OncogateError)
        (said,) = error.diagnostics
        assert (said.code, said.message) == (
            "worker-died",
            f"the process that judged the lines {run.LINES + 1} to {2 * run.LINES} ended twice (exit code 7)",
        )

    @pytest.mark.parametrize(("name", "value", "said"), [
        ("oncogate.many.workers.PROGRAM", "raise SystemExit(3)", "ended twice (exit code 3)"), ("sys.executable", "/nowhere", "ended twice (it can't be started: "),
    ])  # fmt: skip
    def test_before_it_can_begin_is_said_too(
        self, gate: Gate, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
    ) -> None:
        monkeypatch.setattr(name, value)
        with pytest.raises(OncogateError, match="worker-died") as caught:
            list(gate.decide_lines([LINES["allowed"]], processes=2))
        assert f"the process that judged the lines 1 to 1 {said}" in str(caught.value)

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
    def test_none_outlives_its_program(self, tmp_path: Path) -> None:
        program = (
            "import itertools, sys; from oncogate import Gate; from oncogate.many import run; from oncogate.many.workers import Workers\n"
            "made = []; keep = Workers.__init__\n"
            "def init(self, *given): keep(self, *given); made.append(self)\n"
            "Workers.__init__ = init\n"
            f"answers = Gate.load([{str(ROOT / 'rules' / 'core')!r}]).decide_lines(itertools.repeat(sys.stdin.readline()), processes=2)\n"
            "for n, _ in enumerate(answers):\n"
            "    if n == 80: print(*[w.pid for w in made[0].alive], flush=True)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        ) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            running.stdin.write(LINES["allowed"] + b"\n")
            running.stdin.flush()
            pids = running.stdout.readline().split()
            running.kill()
        assert len(pids) == 2
        assert _all_gone([int(pid) for pid in pids])


def _all_gone(pids: list[int]) -> bool:
    for _ in range(200):
        if not any(_runs(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False


class TestWhatCannotBe:
    def test_a_number_of_processes_below_0(self, gate: Gate) -> None:
        with pytest.raises(OncogateError, match="processes-invalid"):
            gate.decide_lines([], processes=-1)

    def test_a_zone_that_is_none_is_said_once_before_any_line(self, gate: Gate) -> None:
        with pytest.raises(RequestError, match="timezone-unknown"):
            gate.decide_lines([LINES["allowed"]], timezone="Mars/Olympus")

    def test_a_gate_of_a_library_alone_on_several_processes(self, gate: Gate) -> None:
        made = Gate(gate.library)
        assert [a.outcome for a in made.decide_lines([LINES["allowed"]])] == ["allow"]
        with pytest.raises(OncogateError, match="gate-not-loaded"):
            made.decide_many([], processes=2)

    def test_rules_that_changed_after_the_gate_was_loaded(self, tmp_path: Path) -> None:
        rules = pack(tmp_path)
        gate = Gate.load([rules])
        file = rules / "mine" / "anc-seen.yaml"
        file.write_text(file.read_text("utf-8").replace("value: 7", "value: 8"), "utf-8")
        with pytest.raises(OncogateError, match="rules-changed"):
            list(gate.decide_lines([LINES["allowed"]], processes=2))
        file.write_text("id: [", "utf-8")
        with pytest.raises(OncogateError, match=r"anc-seen\.yaml:2:1: isn"):
            list(gate.decide_lines([LINES["allowed"]], processes=2))


def test_judging_a_line_never_raises_for_what_it_holds(gate: Gate) -> None:
    @settings(max_examples=60, deadline=None)
    @given(
        st.one_of(st.binary(max_size=40), st.text(max_size=40).map(lambda t: json.dumps({"at": t}).encode()))
    )
    def judged(content: bytes) -> None:
        answer = judge_line(gate, workers.Line(1, content))
        assert b"\n" not in answer.json
        assert (answer.outcome is None) == bool(answer.diagnostics)
        json.loads(answer.json)

    judged()
