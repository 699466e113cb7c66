"""The callers that the how-to pages show, against services that misbehave."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from loaded import shipped_gate
from stub_service import answer, breaks_off, drips, hangs, judges, not_checked, says, serving

from oncogate import Gate, Request

ROOT = Path(__file__).resolve().parents[1]
HOW_TO = ROOT / "docs" / "how-to"
BLOCKED, ALLOWED = (ROOT / "examples" / f"{name}.json" for name in ("no-consent", "allowed"))


def code_of(page: str, language: str) -> str:
    """The code of a page: its only block in that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", (HOW_TO / page).read_text("utf-8"), re.M | re.S)
    return found


@pytest.fixture(scope="module")
def gate() -> Gate:
    return shipped_gate()


@pytest.fixture(scope="module")
def passed(gate: Gate) -> bytes:
    return gate.decide(Request.load(ALLOWED)).to_json().encode()


def ways(gate: Gate, passed: bytes):
    """Services, what is asked of them, and what a caller makes of it: `checked letThrough outcome` under both policies."""
    checked = "x-oncogate-checked: true\r\n"
    other = passed.replace(b'"order":"ord-', b'"order":"another-')
    not_asked = ("false false null", "false true null")
    return {
        "blocks": (judges(gate), BLOCKED, ("true false block", "true false block")),
        "allows": (judges(gate), ALLOWED, ("true true allow", "true true allow")),
        "warns": (says(answer(200, passed.replace(b'"allow"', b'"warn"', 1), headers=checked)), ALLOWED, ("true true warn",) * 2),
        "breaks off once": (once(breaks_off, judges(gate)), BLOCKED, ("true false block", "true false block")),
        "breaks off": (breaks_off, ALLOWED, not_asked),
        "hangs": (hangs, ALLOWED, not_asked),
        "drips": (drips(0.05, answer(200, passed, headers=checked)), ALLOWED, not_asked),
        "half": (says(answer(200, passed[:-20], headers=checked)), ALLOWED, not_asked),
        "a page": (says(answer(200, b"<html>allow</html>", "text/html")), ALLOWED, not_asked),
        "a decision without the header": (says(answer(200, passed)), ALLOWED, not_asked),
        "another order": (says(answer(200, other, headers=checked)), ALLOWED, not_asked),
        "not checked, 200": (says(answer(200, b'{"checked":false,"errors":[]}')), ALLOWED, not_asked),
        "not checked, 503": (says(not_checked(503)), ALLOWED, not_asked),
        "a redirect": (says(answer(302, b"", headers="location: /\r\n")), ALLOWED, not_asked),
        "429": (says(answer(429, b"")), ALLOWED, not_asked),
        "500": (says(answer(500, passed, headers=checked)), ALLOWED, not_asked),
        "400": (says(not_checked(400)), ALLOWED, ("refused 400",) * 2),
        "401": (says(not_checked(401)), ALLOWED, ("refused 401",) * 2),
        "413": (says(answer(413, b"<h1>413</h1>", "text/html")), ALLOWED, ("refused 413",) * 2),
    }  # fmt: skip


def limit(name: str) -> str:
    """Milliseconds for an answer: short where none comes, and long for a busy machine."""
    return "600" if name in ("hangs", "drips") else "60000"


def once(first, then):
    turns = iter([first])

    def behave(conn, asked) -> None:
        next(turns, then)(conn, asked)

    return behave


def test_the_python_page_s_caller_tells_the_three_answers_apart(gate: Gate, passed: bytes) -> None:
    code = next(c for c in re.findall(r"^```python\n(.*?)^```", (HOW_TO / "call-from-python.md").read_text("utf-8"), re.M | re.S) if "Client(" in c)  # fmt: skip
    said = []
    for name in ("blocks", "allows", "hangs", "400"):
        behave, request, _ = ways(gate, passed)[name]
        with serving(behave) as stub:
            namespace: dict[str, Any] = {}
            time_outs = f"timeout={int(limit(name)) / 1000}, connect_timeout=30"
            told = code.replace("http://127.0.0.1:8710", stub.url)
            exec(told.replace("timeout=3.0, connect_timeout=1.0", time_outs), namespace)
            said.append(namespace["sign"](Request.load(request)))
            namespace["client"].close()
    assert said[:3] == ["held back", "allow", "held back: no answer within 0.6 s"]
    assert said[3].startswith("held back: /at: the field `at` is missing [request-missing]")


JAVA_TRY = """
import java.nio.file.*; import java.time.Duration;
public class Try {
    public static void main(String[] args) throws Exception {
        for (int i = 0; i < args.length; i += 5) {
            OncogateClient gate = new OncogateClient(args[i], "t0ken", OncogateClient.Fail.valueOf(args[i + 1]), Duration.ofMillis(Long.parseLong(args[i + 4])));
            try {
                OncogateClient.Answer a = gate.decide(args[i + 2], Files.readString(Path.of(args[i + 3])));
                System.out.println(a.checked() + " " + a.letThrough() + " " + a.outcome());
            } catch (OncogateClient.RefusedException refused) {
                System.out.println("refused " + refused.status);
            }
        }
    }
}
"""


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled class of the page."""
    if shutil.which("javac") is None:
        pytest.skip("javac is not installed")
    folder = tmp_path_factory.mktemp("java")
    (folder / "OncogateClient.java").write_text(code_of("call-from-java.md", "java"), "utf-8")
    (folder / "Try.java").write_text(JAVA_TRY, "utf-8")
    command = [
        "javac",
        "-Xlint:all,-serial",
        "-Werror",
        "-encoding",
        "UTF-8",
        "OncogateClient.java",
        "Try.java",
    ]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return folder


def order_of(path: Path) -> str:
    return str(json.loads(path.read_bytes())["order"]["id"])


def patient_of(path: Path) -> str:
    return str(json.loads(path.read_bytes())["record"]["patient"]["id"])


def test_java_tells_the_three_answers_apart(java: Path, gate: Gate, passed: bytes) -> None:
    expected, arguments = {}, []
    with contextlib.ExitStack() as stubs:
        for fail, policy in enumerate(("CLOSED", "OPEN")):
            for name, (behave, request, said) in ways(gate, passed).items():
                stub = stubs.enter_context(serving(behave))
                arguments += [stub.url, policy, order_of(request), str(request), limit(name)]
                expected[name, policy] = said[fail]
        found = subprocess.run(
            ["java", "-cp", str(java), "Try", *arguments], capture_output=True, text=True, timeout=300, check=False
        )  # fmt: skip
    assert dict(zip(expected, found.stdout.splitlines(), strict=True)) == expected, found.stderr
    assert "fail=OPEN: no answer within 600 ms" in found.stderr
    assert "ord-1" not in found.stderr


CSHARP_TRY = """
using System; using System.IO;
public static class Try {
    public static void Main(string[] args) {
        for (int i = 0; i < args.Length; i += 6) {
            var fail = args[i + 1] == "OPEN" ? Fail.Open : Fail.Closed;
            using (var gate = new OncogateClient(args[i], "t0ken", fail, TimeSpan.FromMilliseconds(int.Parse(args[i + 5])), Console.Error.WriteLine)) {
                try {
                    var a = gate.DecideAsync(args[i + 2], args[i + 3], File.ReadAllText(args[i + 4])).GetAwaiter().GetResult();
                    Console.WriteLine((a.Checked + " " + a.LetThrough + " " + (a.Outcome ?? "null")).ToLowerInvariant());
                } catch (RefusedException refused) { Console.WriteLine("refused " + refused.Status); }
            }
        }
    }
}
"""


@pytest.mark.skipif(shutil.which("mcs") is None, reason="Mono's compiler (mono-mcs) is not installed")
def test_dotnet_tells_the_three_answers_apart_on_mono(gate: Gate, passed: bytes, tmp_path: Path) -> None:
    (tmp_path / "OncogateClient.cs").write_text(code_of("call-from-dotnet.md", "csharp"), "utf-8")
    (tmp_path / "Try.cs").write_text(CSHARP_TRY, "utf-8")
    libraries = ["-r:System.Net.Http.dll", "-r:System.Web.Extensions.dll"]
    sources = ["OncogateClient.cs", "Try.cs", ROOT / "tests" / "system_text_json.cs"]
    subprocess.run(["mcs", "-warnaserror", *libraries, "-out:try.exe", *sources], cwd=tmp_path, check=True)
    expected, arguments = {}, []
    with contextlib.ExitStack() as stubs:
        for fail, policy in enumerate(("CLOSED", "OPEN")):
            for name, (behave, request, said) in ways(gate, passed).items():
                stub = stubs.enter_context(serving(behave))
                arguments += [
                    stub.url,
                    policy,
                    order_of(request),
                    patient_of(request),
                    str(request),
                    limit(name),
                ]
                expected[name, policy] = said[fail]
        found = subprocess.run(
            ["mono", "try.exe", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )  # fmt: skip
    assert dict(zip(expected, found.stdout.splitlines(), strict=True)) == expected, found.stderr
    assert "fail=Open: no answer within 600 ms" in found.stderr
    assert "ord-1" not in found.stderr


CURL = {
    "blocks": "block", "allows": "allow", "warns": "warn", "breaks off": "not checked (none)", "hangs": "not checked (none)",
    "drips": "not checked (none)", "half": "not checked (200)", "a page": "not checked (200)", "500": "not checked (500)",
    "not checked, 200": "not checked (200)", "not checked, 503": "not checked (503)", "a redirect": "not checked (302)",
    "429": "not checked (429)", "400": 'refused (400): {"checked": false, ', "401": 'refused (401): {"checked": false, ',
}  # fmt: skip


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_tells_the_three_answers_apart(gate: Gate, passed: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n", "utf-8")
    (tmp_path / "examples").mkdir()
    page = code_of("call-over-http.md", "sh").replace("--connect-timeout 1", "")
    seen = {}
    for name in CURL:
        behave, request, _ = ways(gate, passed)[name]
        shutil.copy(request, tmp_path / "examples" / "no-consent.json")
        (tmp_path / "answer.json").unlink(missing_ok=True)
        script = page.replace("--max-time 3", f"--max-time {int(limit(name)) / 1000}")
        with serving(behave) as stub:
            found = subprocess.run(
                ["sh", "-euc", script.replace("http://127.0.0.1:8710", stub.url)],
                cwd=tmp_path, capture_output=True, text=True, timeout=90, check=True,
            )  # fmt: skip
        seen[name] = found.stdout.strip()[: len(CURL[name])]
        assert stub.asked[0].headers["authorization"] == "Bearer t0ken"
    assert seen == CURL
