"""Bad input: a located message on standard error, exit 2, nothing on standard output, nothing half-done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import RULE, pack, request, written
from conftest import ROOT
from typer.testing import CliRunner

from oncogate.cli.app import app
from oncogate.model.at_once import LARGEST


def refused(*args: Any, stdin: bytes | None = None) -> str:
    """What is said on standard error when the input is refused as it should be."""
    if args[0] == "check" and "--rules" not in args:
        args = (*args, "--rules", ROOT / "rules" / "core")  # the other packs have no part in it
    result = CliRunner().invoke(app, [str(a) for a in args], input=stdin)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "Traceback" not in result.stderr
    assert "internal" not in result.stderr
    return result.stderr


def checked(folder: Path, content: bytes | str) -> str:
    """What is said of a request file; the file's name at the head of every problem is left out."""
    path = folder / "bad.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    said = refused("check", path)
    problems = [line for line in said.splitlines() if not line.startswith("  help:")]
    assert all(line.startswith(str(path)) for line in problems), said
    return "\n".join(line.removeprefix(str(path)) for line in said.splitlines())


class TestARequest:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("", ": the input is empty [input-empty]"),
            (" \n\t ", ": the input is empty [input-empty]"),
            ("{", ":1:2: isn't JSON: "),
            ('{"at": }', ":1:8: isn't JSON: expecting value [json-syntax]"),
            ("[]", ": isn't a request: a JSON object is expected [request-not-an-object]"),
            ('"text"', ": isn't a request: a JSON object is expected [request-not-an-object]"),
            ("null", ": isn't a request: a JSON object is expected [request-not-an-object]"),
            ("12", ": isn't a request: a JSON object is expected [request-not-an-object]"),
            (b"\x00\xff\xfe\x80binary", ": isn't UTF-8 (byte 1) [input-encoding]"),
            (b"\x1f\x8b\x08\x00\x00", ": isn't UTF-8 (byte 1) [input-encoding]"),
            ("\u4e2d".encode("utf-16"), ": isn't UTF-8 (byte 0) [input-encoding]"),
            ("[" * 100_000, ": is nested too deeply [json-depth]"),
            ('{"a":' * 100_000, ": is nested too deeply [json-depth]"),
            ('{"at": "x", "at": "y"}', "#/at: the key `at` stands twice in one object [json-value]"),
            ('{"at": NaN}', "#/at: `NaN` isn't a number that JSON has [json-value]"),
            (
                '{"record": {"labs": [{}, {"a/b": -Infinity}]}}',
                "#/record/labs/1/a~1b: `-Infinity` isn't a number that JSON has [json-value]",
            ),
            (
                '{"at": ' + "9" * 5000 + "}",
                f"#/at: `{'9' * 40}…` isn't a number that a measurement can have [json-value]",
            ),
            (
                '{"at": 1e99999999999999999999}',
                "#/at: `1e99999999999999999999` isn't a number that a measurement can have [json-value]",
            ),
            ('{"at": NaN, "order": }', ":1:22: isn't JSON: expecting value [json-syntax]"),
            ('{"record":\n {"labs": [\n\n', ":2:12: isn't JSON: expecting value [json-syntax]"),
        ],
    )
    def test_that_is_no_json_object(self, tmp_path: Path, content: bytes | str, said: str) -> None:
        assert said in checked(tmp_path, content)

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (
                "1e999",
                "#/record/labs/0/value/value: is too large to be a measurement [request-number-precise]",
            ),
            (
                "1e999999999",
                "#/record/labs/0/value/value: is too large to be a measurement [request-number-precise]",
            ),
            ('"2.8"', "#/record/labs/0/value/value: should be a number, not text [request-number]"),
            ("true", "#/record/labs/0/value/value: should be a number, not true or false [request-number]"),
            ("null", "#/record/labs/0/value/value: should be a number, not null [request-number]"),
        ],
    )
    def test_with_a_number_that_is_none(self, tmp_path: Path, value: str, said: str) -> None:
        content = json.dumps(request())
        assert content.count('"value": 2.8') == 1
        found = checked(tmp_path, content.replace('"value": 2.8', f'"value": {value}'))
        assert said in found

    def test_with_a_time_without_a_zone(self, tmp_path: Path) -> None:
        content = request(at="2026-03-02T09:30:00")
        content["record"]["labs"][0]["effective"] = "2026-03-01T07:00"
        said = checked(tmp_path, json.dumps(content))
        assert "#/at: the time has no zone" in said
        assert "#/record/labs/0/effective: the time has no zone" in said
        assert "help: or tell the zone once: `--timezone Asia/Shanghai`" in said
        assert (
            CliRunner()
            .invoke(app, ["check", str(tmp_path / "bad.json"), "--timezone", "Asia/Shanghai"])
            .exit_code
            == 0
        )

    def test_with_a_field_that_there_is_not(self, tmp_path: Path) -> None:
        content = request()
        content["record"]["consnts"] = content["record"].pop("consents")
        said = checked(tmp_path, json.dumps(content))
        assert (
            said
            == "#/record/consnts: unknown field `consnts` [request-extra-forbidden]\n  help: did you mean `consents`?"
        )

    def test_with_several_problems_says_them_all(self, tmp_path: Path) -> None:
        content = request(order={"id": "", "drugs": "多西他赛"})
        content["record"]["patient"] = {"sex": "weiblich"}
        said = checked(tmp_path, json.dumps(content))
        for place in ("#/order/id:", "#/order/drugs:", "#/record/patient/id:", "#/record/patient/sex:"):
            assert place in said

    def test_with_a_bom_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "bom.json"
        path.write_bytes(b"\xef\xbb\xbf" + json.dumps(request()).encode())
        assert CliRunner().invoke(app, ["check", str(path)]).exit_code == 0

    def test_of_50_megabytes(self, tmp_path: Path) -> None:
        path = tmp_path / "big.json"
        with path.open("wb") as file:
            file.truncate(50 * 1024 * 1024)
        assert refused("check", path) == (
            f"{path}: larger than {LARGEST} bytes [input-too-large]\n  help: send one patient's record at a time\n"
        )

    def test_that_has_no_end(self) -> None:
        assert f"/dev/zero: larger than {LARGEST} bytes [input-too-large]" in refused("check", "/dev/zero")
        with Path("/dev/zero").open("rb") as endless:
            found = subprocess.run(
                [sys.executable, "-m", "oncogate.cli", "check", "-"],
                stdin=endless,
                capture_output=True,
                cwd=ROOT,
                check=False,
                timeout=60,
            )
        assert (found.returncode, found.stdout) == (2, b"")
        assert found.stderr.startswith(f"<stdin>: larger than {LARGEST} bytes [input-too-large]".encode())

    def test_that_is_a_directory(self, tmp_path: Path) -> None:
        assert refused("check", tmp_path) == (
            f"{tmp_path}: is a directory [input-directory]\n  help: name a file, or `-` for standard input\n"
        )

    def test_that_is_not_there(self, tmp_path: Path) -> None:
        assert "can't be read: No such file or directory [input-unreadable]" in refused(
            "check", tmp_path / "absent.json"
        )

    def test_with_a_name_that_cannot_be(self) -> None:
        assert "can't be read" in refused("check", "a\0b")
        assert "can't be read" in refused("check", "x" * 5000)

    def test_on_standard_input_is_located_there(self) -> None:
        assert refused("check", "-", stdin=b"{]").startswith("<stdin>:1:2: isn't JSON")
        assert refused("check", "-", stdin=b"").startswith("<stdin>: the input is empty [input-empty]")

    def test_cannot_steer_the_terminal(self, tmp_path: Path) -> None:
        content = request()
        content["record"]["\x1b[2J\u202eevil"] = []
        said = checked(tmp_path, json.dumps(content))
        assert "\x1b" not in said
        assert "\u202e" not in said
        assert r"unknown field `\x1b[2J\u202eevil`" in said

    def test_with_half_a_character(self, tmp_path: Path) -> None:
        content = json.dumps(request()).replace('"p-1"', '"\\ud800"')
        assert "#/record/patient/id: " in checked(tmp_path, content)

    def test_of_a_host_format_is_located_too(self, tmp_path: Path) -> None:
        path = written(tmp_path, {"hook": "order-sign", "context": {}})
        assert refused("check", path).startswith(
            f"{path}#/context/patientId: the field `patientId` is missing [hook-patient]"
        )


DEEP = "when: " + "{not: " * 200 + "{holds: order.anti_tumour}" + "}" * 200
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(f'*{a}' for _ in range(10))}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


class TestARule:
    def said(self, folder: Path, text: str | bytes, name: str = "anc-seen.yaml") -> str:
        rules = pack(folder, "", name)
        path = rules / "mine" / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        found = refused("check", written(folder, request()), "--rules", rules)
        assert refused("lint", rules) == refused("test", rules) == found
        return found.replace(str(path), "RULE")

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("effect: warn", "effect: wran", "RULE:4:9: should be `block`, `warn`, `inform` or `critical_value` [rule-literal-error]\n  help: did you mean `warn`?"),
            ("tunable", "tunabel", "RULE:10:47: unknown key `tunabel` [rule-extra-forbidden]\n  help: did you mean `tunable`?"),
            ("within: window", "wihtin: window", "RULE:14:23: unknown key `wihtin` [rule-extra-forbidden]\n  help: did you mean `within`?"),
            ("verification: reviewed", "verification: reviewed, by: us", "RULE:8:74: unknown key `by` [rule-extra-forbidden]"),
            ("lab.anc, within", "lab.ancc, within", "RULE:14:14: unknown fact `lab.ancc` [fact-unknown]\n  help: did you mean `lab.anc`?"),
            ("within: window}", "within: windw}", "RULE:14:31: unknown parameter `windw` [parameter-unknown]\n  help: did you mean `window`?"),
            ("version: 1", "version: 1\nversion: 2", "RULE:3:1: the key `version` stands twice [yaml-duplicate-key]\n  help: keep one of them"),
            ("within: window}", "within: 7}", "RULE:14:31: should be the name of a parameter, not a number [rule-string-type]\n  help: put the number under `parameters`"),
            ("range: [1, 14]", "range: [14, 1]", "RULE:10:11: the range is reversed: write `[1, 14]` [rule-value-error]"),
            ("version: 1", "version: one", "RULE:2:10: should be a whole number [rule-int-type]"),
            ("version: 1\n", "", "RULE:1:1: the key `version` is missing [rule-missing]"),
            ("value: 7", "value: '7'", "RULE:10:11: "),
            ("value: 7", "value: .nan", "RULE:10:19: `.nan` isn't a number that can be compared [yaml-number]"),
            ("value: 7", "value: 1e999999999", "RULE:10:19: `1e999999999` isn't a number that can be compared [yaml-number]"),
            ("value: 7", "value: 1e999", "RULE:10:19: is too large to be a measurement [rule-number-precise]"),
            ("value: 7", "value: 70", "RULE:10:11: the value is outside its range 1 to 14 [rule-value-error]"),
            ("source: house}", "source: hous}", "RULE:10:70: unknown source `hous` [source-unknown]\n  help: did you mean `house`?"),
            ("{exists: lab.anc, within: window}", "{exist: lab.anc}", "RULE:14:5: isn't a condition: it starts with one of"),
            ("id: mine/anc-seen", "id: mine/other", "RULE:1:5: the id `mine/other` doesn't match the file's path [rule-path]"),
            ("id: mine/anc-seen", "id: [mine", "isn't YAML"),
            ("id: mine/anc-seen", "id: !!python/object:os.system mine/anc-seen", "the tag `tag:yaml.org,2002:python/object:os.system` isn't allowed [yaml-tag]"),
            ("drugs/myelosuppressive", "drugs/myelosupressive", "help: did you mean `myelosuppressive`?"),
        ],
    )  # fmt: skip
    def test_that_is_malformed(self, tmp_path: Path, old: str, new: str, said: str) -> None:
        assert RULE.count(old) == 1
        assert said in self.said(tmp_path, RULE.replace(old, new))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "RULE:1:1: the file is empty [yaml-empty]"),
            ("- a\n- b\n", "RULE:1:1: "),
            ("just text", "RULE:1:1: "),
            (b"\xff\xfe\x00binary", "RULE:1:1: isn't UTF-8 (byte 0) [yaml-encoding]"),
            (b"\x00\x01\x02", "RULE:1:1: isn't YAML: "),
            (BOMB, "RULE:1:4: anchors and aliases aren't allowed [yaml-alias]\n  help: write the value out"),
            (DEEP, "nested deeper than 40 levels [yaml-syntax]"),
            ("a: " + "[" * 100_000, "nested deeper than 40 levels [yaml-syntax]"),
            (RULE + "---\n" + RULE, "RULE:23:1: holds more than one document [yaml-documents]"),
            ("#" * (3 * 1024 * 1024), "RULE:1:1: larger than 2097152 bytes [yaml-too-large]"),
        ],
    )
    def test_file_that_is_none(self, tmp_path: Path, text: str | bytes, said: str) -> None:
        assert said in self.said(tmp_path, text)

    def test_problems_are_all_said_in_one_run(self, tmp_path: Path) -> None:
        said = self.said(
            tmp_path,
            RULE.replace("effect: warn", "effect: wran")
            .replace("tunable", "tunabel")
            .replace("version: 1", "version: 0"),
        )
        assert [line.split(": ")[0] for line in said.splitlines() if not line.startswith(" ")] == [
            "RULE:2:10",
            "RULE:4:9",
            "RULE:10:47",
        ]

    def test_with_the_id_of_another(self, tmp_path: Path) -> None:
        first, second = pack(tmp_path / "a"), pack(tmp_path / "b", header=False)
        found = refused("check", written(tmp_path, request()), "--rules", first, "--rules", second)
        assert found == (
            f"{second}/mine/anc-seen.yaml:1:5: the id `mine/anc-seen` is taken by {first}/mine/anc-seen.yaml [rule-duplicate]\n"
            "  help: ids are never reused\n"
        )

    def test_of_a_pack_that_two_folders_give_a_version(self, tmp_path: Path) -> None:
        first = pack(tmp_path / "a")
        second = pack(tmp_path / "b", RULE.replace("anc-seen", "anc-seen-too"), "anc-seen-too.yaml")
        for one, other in ((first, second), (second, first)):
            assert refused("check", written(tmp_path, request()), "--rules", one, "--rules", other) == (
                f"{other}/mine/pack.yaml:1:5: the pack `mine` has a version already, of {one}/mine/pack.yaml [pack-duplicate]\n"
                "  help: keep a pack in one folder\n"
            )

    @pytest.mark.parametrize("version", ["1.0", "1", "v1.0.0", "one", "1.0.0-beta"])
    def test_of_a_pack_with_a_version_that_is_none(self, tmp_path: Path, version: str) -> None:
        header = pack(tmp_path) / "mine" / "pack.yaml"
        header.write_text(header.read_text("utf-8").replace("1.0.0", version), "utf-8")
        assert refused("lint", header.parents[1]) == (
            f"{header}:2:10: should be three whole numbers with points between, as in `1.0.0` [rule-version]\n"
        )

    def test_of_a_pack_whose_id_is_not_its_folder(self, tmp_path: Path) -> None:
        header = pack(tmp_path) / "mine" / "pack.yaml"
        header.write_text(header.read_text("utf-8").replace("id: mine", "id: ours"), "utf-8")
        assert refused("lint", header.parents[1]) == (
            f"{header}:1:5: the id `ours` isn't the name of the pack's folder [pack-path]\n"
            "  help: the rules of the folder would have no version\n"
        )

    def test_folder_that_is_not_there_or_empty(self, tmp_path: Path) -> None:
        file = written(tmp_path, request())
        assert (
            refused("check", file, "--rules", tmp_path / "nowhere")
            == f"{tmp_path}/nowhere: there is no such file or folder [pack-absent]\n"
        )
        (tmp_path / "empty").mkdir()
        assert refused("check", file, "--rules", tmp_path / "empty").startswith(
            f"{tmp_path}/empty: holds no rules [pack-empty]"
        )

    def test_file_of_50_megabytes(self, tmp_path: Path) -> None:
        rules = pack(tmp_path)
        with (rules / "mine" / "anc-seen.yaml").open("r+b") as file:
            file.truncate(50 * 1024 * 1024)
        assert "anc-seen.yaml:1:1: larger than 2097152 bytes [yaml-too-large]" in refused("lint", rules)


class TestASiteFile:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("id: h\nparameters:\n  core/anc-critical: {limit: 9}\n", "SITE:3:30: `limit` can't be `9`: the value is outside its range 0.2 to 1.5 [site-out-of-range]"),
            ("id: h\nparameters:\n  core/anc-critical: {limt: 0.5}\n", "SITE:3:23: `core/anc-critical` has no parameter `limt` [site-unknown-parameter]\n  help: did you mean `limit`?"),
            ("id: h\nparameters:\n  core/anc-criticl: {limit: 0.5}\n", "SITE:3:3: there is no rule `core/anc-criticl` [site-unknown-rule]\n  help: did you mean `core/anc-critical`?"),
            ("id: h\nparameters:\n  core/anc-critical: {limit: '0.5'}\n", "SITE:3:30: "),
            ("id: h\nparameters:\n  core/anc-critical: {limit: {value: 500, unit: /uL}}\n", "SITE:3:43: the unit of `limit` is `10*9/L` and isn't for a layer to set [site-loosening]\n  help: write the number alone, in `10*9/L`, as in `limit: 1.0`"),
            ("id: h\nparameters:\n  core/anc-critical: {limit: {value: 2, raeson: x}}\n", "SITE:3:41: unknown key `raeson` [site-loosening]\n  help: did you mean `reason`?"),
            ("id: h\nparameters:\n  critical.marrow_ward: {wards: 血液科}\n", "放疗科, 放射治疗科, 儿童血液科, 儿童肿瘤科, 小儿血液科, 小儿血液肿瘤科]` [site-type]\n  help: write `wards: [血液科]`"),
            ("id: h\ndate: 2026/01/05\n", "SITE:2:7: `2026/01/05` isn't a day: write it as 2026-03-02 [rule-day-parsing]"),
            ("id: h\nfirst_line: {lng: [x]}\n", "SITE:2:14: there is no tumour `lng` [site-unknown-tumour]\n  help: did you mean `lung`?"),
            ("id: h\nparameters:\n  fn.factor_aeg: {age: 70}\n", "SITE:3:3: there is no fact `fn.factor_aeg` [site-unknown-fact]\n  help: did you mean `fn.factor_age`?"),
            ("id: h\nrules:\n  core/anc-critical: off\n", "SITE:3:22: should be a mapping of names to values [rule-model-type]"),
            ("- id: h\n", "SITE:1:1: should be a mapping of names to values [rule-model-type]"),
            ("id: h\nfirst_line: {lung: 培美曲塞+顺铂}\n", "SITE:2:20: should be a list [rule-tuple-type]"),
            ("id: h\nrules:\n  core/anc-critical: {status: of}\n", "SITE:3:31: should be `stable`, `trial` or `off` [rule-literal-error]\n  help: did you mean `off`?"),
            ("id: h\nfirst_line: {lung: [培美曲塞+顺铂, ' ']}\n", "SITE:2:30: "),
            ("id: h\nfirst_line: {lung: [培美曲塞+顺铂, '+']}\n", "SITE:2:30: `+` names no regimen [site-regimen]"),
            ("id: h\nparamters: {}\n", "SITE:2:1: unknown key `paramters` [rule-extra-forbidden]\n  help: did you mean `parameters`?"),
            ("", "SITE:1:1: the file is empty [yaml-empty]"),
        ],
    )  # fmt: skip
    def test_that_is_wrong(self, tmp_path: Path, text: str, said: str) -> None:
        site = tmp_path / "site.yaml"
        site.write_text(text, "utf-8")
        assert said in refused("check", written(tmp_path, request()), "--site", site).replace(
            str(site), "SITE"
        )

    def test_that_is_not_there(self, tmp_path: Path) -> None:
        assert "nowhere.yaml:1:1: can't be read: No such file or directory [file-unreadable]" in refused(
            "check", written(tmp_path, request()), "--site", tmp_path / "nowhere.yaml"
        )


def test_from_a_real_shell(tmp_path: Path) -> None:
    """As the shell sees it: the streams and the exit code of a process of its own."""
    path = tmp_path / "bad.json"
    path.write_text('{"at": "2026-03-02T09:30:00", "record": {"x": NaN}}', "utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "oncogate.cli", "check", str(path)], capture_output=True, cwd=ROOT, check=False
    )
    assert (found.returncode, found.stdout) == (2, b"")
    assert found.stderr.decode() == f"{path}#/record/x: `NaN` isn't a number that JSON has [json-value]\n"
