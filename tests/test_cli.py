"""The command line's contract: what goes to which stream, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import AT, RULE, lab, pack, request, written
from conftest import ROOT
from typer.testing import CliRunner, Result

from oncogate import Gate
from oncogate._version import __version__
from oncogate.cli import console, main
from oncogate.cli.app import app
from oncogate.packs.leaves import leaves

NO_CONSENT = request(consents=[])


def run(*args: Any, stdin: bytes | None = None) -> Result:
    if args[0] == "check" and "--rules" not in args:
        args = (*args, "--rules", ROOT / "rules" / "core")  # the other packs have no part in it
    return CliRunner().invoke(app, [str(a) for a in args], input=stdin)


def in_process(*args: Any, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **kwargs.pop("env", {})}
    command = [sys.executable, "-m", "oncogate.cli", *(str(a) for a in args)]
    return subprocess.run(command, capture_output=True, check=False, env=env, timeout=60, **kwargs)


class TestTheExitCode:
    def test_is_0_for_an_allowed_order(self, tmp_path: Path) -> None:
        result = run("check", written(tmp_path, request()))
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith(" 放行 ")

    def test_is_0_for_a_warning(self, tmp_path: Path) -> None:
        result = run("check", written(tmp_path, request(labs=[])), "--format", "json")
        assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (0, "warn")

    def test_is_1_for_a_block(self, tmp_path: Path) -> None:
        result = run("check", written(tmp_path, NO_CONSENT))
        assert (result.exit_code, result.stderr) == (1, "")
        assert result.stdout.startswith(" 拦截 ")

    def test_is_2_for_an_input_that_cannot_be_used(self, tmp_path: Path) -> None:
        result = run("check", tmp_path / "absent.json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert (
            result.stderr
            == f"{tmp_path}/absent.json: can't be read: No such file or directory [input-unreadable]\n"
        )

    @pytest.mark.parametrize(
        "args", [["--format", "pdf"], ["--lang", "de"], ["--from", "xml"], ["--frobnicate"]]
    )
    def test_is_2_for_an_option_that_there_is_not(self, tmp_path: Path, args: list[str]) -> None:
        result = run("check", written(tmp_path, request()), *args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert args[0] in result.stderr

    def test_is_2_without_a_file(self) -> None:
        assert run("check").exit_code == 2


class TestTheMoment:
    @pytest.fixture
    def file(self, tmp_path: Path) -> str:
        return written(tmp_path, NO_CONSENT)

    def at(self, *args: Any) -> str:
        result = run("check", *args, "--format", "json")
        assert result.exit_code in (0, 1), result.stderr
        found: str = json.loads(result.stdout)["at"]
        return found

    def test_is_the_requests_own(self, file: str) -> None:
        assert self.at(file) == AT

    def test_is_what_the_option_says(self, file: str) -> None:
        assert self.at(file, "--at", "2026-03-02T08:00:00Z") == "2026-03-02T08:00:00+00:00"

    def test_takes_the_zone_of_the_option(self, file: str) -> None:
        assert (
            self.at(file, "--at", "2026-03-02 08:00", "--timezone", "Asia/Shanghai")
            == "2026-03-02T08:00:00+08:00"
        )

    def test_is_else_when_the_order_was_written(self, tmp_path: Path) -> None:
        assert self.at(written(tmp_path, request(at=...))) == "2026-03-02T09:20:00+08:00"

    def test_is_else_now(self, tmp_path: Path) -> None:
        from datetime import datetime, timezone

        before = datetime.now(timezone.utc)
        found = datetime.fromisoformat(self.at(written(tmp_path, request(at=..., order=None))))
        assert before <= found <= datetime.now(timezone.utc)

    def test_decides(self, tmp_path: Path) -> None:
        """The consent of 27 February doesn't count on the 26th."""
        file = written(tmp_path, request())
        assert run("check", file).exit_code == 0
        assert run("check", file, "--at", "2026-02-26T09:00:00+08:00").exit_code == 1

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ("2026-03-02T09:30:00", "--at: `2026-03-02T09:30:00` has no zone [time-naive]"),
            ("2026-03-02", "--at: `2026-03-02` is a whole day, not a moment [time-of-day]"),
            ("yesterday", "--at: `yesterday` isn't a time [time-parsing]"),
            ("2026-13-02T09:30:00Z", "--at: `2026-13-02T09:30:00Z` isn't a time [time-parsing]"),
        ],
    )
    def test_is_refused_where_it_is_none(self, file: str, said: str, message: str) -> None:
        result = run("check", file, "--at", said)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.splitlines()[0] == message
        assert "help: write a time of day with its zone" in result.stderr

    def test_needs_a_zone_that_there_is(self, file: str) -> None:
        result = run("check", file, "--timezone", "Mars/Olympus")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("--timezone: `Mars/Olympus` isn't a time zone [timezone-unknown]")

    def test_of_an_audit_comes_from_the_draft_order_of_a_hook(self, tmp_path: Path) -> None:
        assert (
            self.at(written(tmp_path, hook(authoredOn="2026-03-02T09:05:00+08:00")))
            == "2026-03-02T09:05:00+08:00"
        )


def hook(**fields: Any) -> dict[str, Any]:
    draft = {
        "resourceType": "MedicationRequest", "id": "mr-1", "status": "draft", "intent": "order",
        "medicationCodeableConcept": {"text": "多西他赛"}, "subject": {"reference": "Patient/p-1"}, **fields,
    }  # fmt: skip
    return {
        "hook": "order-sign", "hookInstance": "1", "context": {
            "userId": "Practitioner/1", "patientId": "p-1",
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft}]},
        },
        "prefetch": {"consents": None, "nonsense": None},
    }  # fmt: skip


class TestTheForm:
    def test_of_a_hook_is_recognised(self, tmp_path: Path) -> None:
        result = run("check", written(tmp_path, hook()), "--at", AT, "--format", "json")
        decision = json.loads(result.stdout)
        assert (result.exit_code, decision["order"], decision["patient"]) == (1, "mr-1", "p-1")
        consent = next(f for f in decision["findings"] if f["rule"] == "core/consent-missing")
        assert consent["verdict"] == "unmet"

    def test_what_was_amiss_is_a_note_and_no_failure(self, tmp_path: Path) -> None:
        file = written(tmp_path, hook())
        result = run("check", file, "--at", AT, "--format", "json")
        assert result.exit_code == 1
        assert f"note: {file}#/prefetch/nonsense: `nonsense` isn't a section of the record" in result.stderr

    def test_of_fhir_is_recognised(self, tmp_path: Path) -> None:
        file = written(tmp_path, {"resourceType": "Patient", "id": "p-9"})
        result = run("check", file, "--at", AT, "--format", "json")
        assert (result.exit_code, json.loads(result.stdout)["patient"]) == (0, "p-9")

    def test_can_be_said(self, tmp_path: Path) -> None:
        file = written(tmp_path, request())
        assert run("check", file, "--from", "oncogate").exit_code == 0
        for form in ("fhir", "cdshooks"):
            result = run("check", file, "--from", form)
            assert (result.exit_code, result.stdout) == (2, "")
            assert result.stderr.startswith(f"{file}")

    def test_comes_from_standard_input_too(self) -> None:
        result = run("check", "-", stdin=json.dumps(NO_CONSENT).encode())
        assert result.exit_code == 1

    def test_comes_through_a_pipe_too(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        with subprocess.Popen(["sh", "-c", 'cat "$0" > "$1"', written(tmp_path, request()), str(pipe)]):
            assert run("check", pipe).exit_code == 0


class TestJson:
    def test_is_the_decision(self, tmp_path: Path) -> None:
        from oncogate import Request

        file = written(tmp_path, NO_CONSENT)
        decision = Gate.load([ROOT / "rules" / "core"]).decide(Request.load(NO_CONSENT))
        assert json.loads(run("check", file, "--format", "json").stdout) == decision.to_dict()
        everything = json.loads(run("check", file, "--format", "json", "--all").stdout)
        assert everything == decision.to_dict(everything=True)
        assert {"met", "not_applicable"} <= {f["verdict"] for f in everything["findings"]}

    def test_has_chinese_as_it_is(self, tmp_path: Path) -> None:
        assert (
            '"zh": "缺少有效的治疗知情同意"'
            in run("check", written(tmp_path, NO_CONSENT), "--format", "json").stdout
        )


class TestTheRules:
    def test_can_be_others(self, tmp_path: Path) -> None:
        file = written(tmp_path, request(consents=[], labs=[]))
        result = run("check", file, "--rules", pack(tmp_path), "--format", "json")
        decision = json.loads(result.stdout)
        assert (result.exit_code, decision["outcome"], decision["determining"]) == (
            0,
            "warn",
            ["mine/anc-seen"],
        )

    def test_of_several_folders_judge_together(self, tmp_path: Path) -> None:
        file = written(tmp_path, request(consents=[], labs=[]))
        result = run(
            "check", file, "--rules", pack(tmp_path), "--rules", ROOT / "rules" / "core", "--format", "json"
        )
        rules = [f["rule"] for f in json.loads(result.stdout)["findings"]]
        assert rules == ["core/anc-not-recent", "core/consent-missing", "mine/anc-seen"]

    def test_that_ship_are_called_so_among_others(self, tmp_path: Path) -> None:
        file = written(tmp_path, request(consents=[], labs=[]))
        shipped, both = (
            json.loads(run("check", file, *folders, "--format", "json").stdout)
            for folders in (["--rules", ROOT / "rules"], ["--rules", pack(tmp_path), "--rules", "shipped"])
        )
        assert shipped["outcome"] == both["outcome"] == "block"
        assert {f["rule"] for f in both["findings"]} == {f["rule"] for f in shipped["findings"]} | {
            "mine/anc-seen"
        }
        assert [p for p in both["packs"] if p["id"] != "mine"] == shipped["packs"]

    def test_are_tuned_by_a_site(self, tmp_path: Path) -> None:
        site = tmp_path / "site.yaml"
        site.write_text("id: h-1\nparameters:\n  core/anc-critical: {limit: 0.5}\n", "utf-8")
        file = written(tmp_path, request(labs=lab(0.8)))
        critical = [
            json.loads(run("check", file, "--format", "json", *args).stdout)["critical_values"]
            for args in ([], ["--site", site])
        ]
        assert [len(values) for values in critical] == [1, 0]

    def test_and_the_input_are_all_complained_of_at_once(self, tmp_path: Path) -> None:
        rules = pack(tmp_path, RULE.replace("lab.anc, within", "lab.ancc, within"))
        result = run("check", tmp_path / "absent.json", "--rules", rules)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "unknown fact `lab.ancc` [fact-unknown]" in result.stderr
        assert "absent.json: can't be read" in result.stderr


class TestOtherCommands:
    def test_version(self) -> None:
        result = run("--version")
        assert (result.exit_code, result.stdout) == (0, f"oncogate {__version__}\n")

    def test_test_runs_the_examples_of_the_shipped_rules(self) -> None:
        result = run("test")
        rules = [r.rule for r in Gate.load().library.rules]
        count, seen = (
            sum(len(rule.examples) for rule in rules),
            sum(1 for rule in rules for _ in leaves(rule)),
        )
        assert (result.exit_code, result.stdout) == (
            0,
            f"{seen} of {seen} leaves seen true, false and unknown\n{count} passed, 0 failed\n",
        )

    def test_test_says_where_an_example_fails(self, tmp_path: Path) -> None:
        rules = pack(tmp_path, RULE.replace("expect: unmet", "expect: met"))
        result = run("test", rules)
        assert result.exit_code == 1
        file = rules / "mine" / "anc-seen.yaml"
        assert (
            result.stdout.splitlines()[0]
            == f"{file}:20:5: example `none`: expected `met`, got `unmet` [example-failed]"
        )
        assert result.stdout.splitlines()[-1] == "2 passed, 1 failed"

    @pytest.mark.parametrize("part", ["", "mine", "mine/anc-seen.yaml"])
    def test_test_takes_a_folder_a_pack_or_a_file(self, tmp_path: Path, part: str) -> None:
        result = run("test", pack(tmp_path) / part)
        assert (result.exit_code, result.stdout) == (
            0,
            "1 of 2 leaves seen true, false and unknown\n3 passed, 0 failed\n",
        )

    @pytest.mark.parametrize("command", ["test", "lint"])
    def test_unusable_rules_are_2(self, tmp_path: Path, command: str) -> None:
        result = run(command, pack(tmp_path, RULE.replace("effect: warn", "effect: wran")))
        assert (result.exit_code, result.stdout) == (2, "")
        assert "anc-seen.yaml:4:9:" in result.stderr

    @pytest.mark.parametrize("command", ["test", "lint"])
    def test_a_folder_that_there_is_not_is_2(self, tmp_path: Path, command: str) -> None:
        result = run(command, tmp_path / "nowhere")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "there is no such file or folder [pack-absent]" in result.stderr


class TestTheEdge:
    def test_an_unforeseen_failure_is_no_traceback(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Gate, "decide", lambda *_: 1 / 0)
        result = run("check", written(tmp_path, request()))
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(
            "internal error: ZeroDivisionError: division by zero [internal]\n  help: nothing was decided; please report"
        )

    def test_nothing_is_printed_when_the_rendering_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("oncogate.explain.render_html.render_html", lambda *_, **__: 1 / 0)
        result = run("check", written(tmp_path, hook()), "--at", AT, "--format", "html")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "note:" not in result.stderr

    def test_an_interrupt_is_not_a_block(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Gate, "decide", interrupt)
        assert run("check", written(tmp_path, request())).exit_code == console.INTERRUPTED

    def test_without_the_extra_it_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "typer", None)
        monkeypatch.delitem(sys.modules, "oncogate.cli.app")
        monkeypatch.delitem(sys.modules, "oncogate.cli.check")
        monkeypatch.delitem(sys.modules, "oncogate.cli.console")
        monkeypatch.delattr("oncogate.cli.console")
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert (stopped.value.code, said.out) == (2, "")
        assert 'pip install "oncogate[cli]"' in said.err

    def test_the_library_alone_loads_nothing_of_the_extra(self) -> None:
        code = "import sys, oncogate; print(sorted({'typer', 'rich', 'jinja2', 'click'} & set(sys.modules)))"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
        assert found.stdout.strip() == b"[]"

    def test_output_is_utf_8_whatever_the_locale(self, tmp_path: Path) -> None:
        env = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "cp1252"}
        for format in ("json", "text", "html"):
            found = in_process("check", written(tmp_path, NO_CONSENT), "--format", format, env=env)
            assert (found.returncode, found.stderr) == (1, b"")
            assert "缺少有效的治疗知情同意" in found.stdout.decode("utf-8")

    def test_a_reader_that_goes_away_is_no_error(self, tmp_path: Path) -> None:
        command = f'{sys.executable} -m oncogate.cli check "$0" --all --format json | head -c 1; echo "${{PIPESTATUS[0]}}" >&2'
        found = subprocess.run(
            ["bash", "-c", command, written(tmp_path, NO_CONSENT)], capture_output=True, cwd=ROOT, check=True
        )
        assert (found.stdout, found.stderr) == (b"{", b"1\n")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
    @pytest.mark.parametrize("command", [["schema", "request"], ["explain", "mine/anc-seen", "rules"], ["check", "request.json", "--rules", "rules"]])  # fmt: skip
    def test_a_full_disk_is_no_fault_of_ours(self, tmp_path: Path, command: list[str]) -> None:
        pack(tmp_path)
        written(tmp_path, NO_CONSENT)
        with Path("/dev/full").open("wb") as full:
            found = subprocess.run(
                [sys.executable, "-m", "oncogate.cli", *command], stdout=full, stderr=subprocess.PIPE,
                check=False, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        assert found.returncode == 2
        assert found.stderr.decode().startswith(
            "<stdout>: can't be written: No space left on device [output-unwritable]\n"
        )

    def test_a_closed_output_is_no_error(self, tmp_path: Path) -> None:
        """Planted: without the redirect the interpreter complains at its own last flush."""
        command = f'{sys.executable} -m oncogate.cli check "$0" | true; echo "${{PIPESTATUS[0]}}" >&2'
        found = subprocess.run(
            ["bash", "-c", command, written(tmp_path, NO_CONSENT)], capture_output=True, cwd=ROOT, check=True
        )
        assert (found.stdout, found.stderr) == (b"", b"1\n")


class TestExplain:
    def test_a_rule_is_told_with_its_parameters_and_sources(self) -> None:
        result = run("explain", "core/anc-critical", "--lang", "en")
        assert result.exit_code == 0
        for said in (
            "[critical value]",
            "{latest: lab.anc, within: window, below: limit}",
            "limit: 1.0 ×10⁹/L (core)",
            "[sourced]",
        ):
            assert said in result.stdout

    def test_a_layer_that_set_a_parameter_is_named(self, tmp_path: Path) -> None:
        site = tmp_path / "site.yaml"
        site.write_text(
            "id: our-hospital\nlayer: hospital\nparameters:\n  core/anc-critical: {limit: 0.8}\n", "utf-8"
        )
        assert (
            "limit: 0.8 ×10⁹/L (our-hospital)" in run("explain", "core/anc-critical", "--site", site).stdout
        )

    def test_its_source_can_be_read(self) -> None:
        result = run("explain", "core/anc-critical", "--source")
        assert result.exit_code == 0
        assert "def judge(v, case):" in result.stdout
        assert "# line" in result.stdout
        assert "{latest: lab.anc, within: window, below: limit}" in result.stdout

    def test_a_rule_that_there_is_not(self) -> None:
        result = run("explain", "core/anc-critcal")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "there is no rule `core/anc-critcal` [rule-unknown]" in result.stderr
        assert "did you mean `core/anc-critical`?" in result.stderr
