"""The documentation says what is true: its code runs, its commands give the exit codes it names, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language):
    return [
        (page, text)
        for page in PAGES
        for kind, text in BLOCK.findall(page.read_text("utf-8"))
        if kind == language
    ]


@pytest.mark.parametrize(
    ("page", "code"), blocks("python"), ids=lambda x: x.name if isinstance(x, Path) else ""
)
def test_python_in_the_pages_runs(page, code, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    namespace: dict[str, object] = {}
    exec(compile(code, str(page), "exec"), namespace)
    if page.name == "README.md":
        printed = capsys.readouterr().out
        assert printed.startswith("block\n")
        assert "知情同意" in printed
        assert "(('sign-consent',),)" in printed


def checks():
    lines = [
        line for _, text in blocks("sh") for line in text.splitlines() if ".venv/bin/oncogate check" in line
    ]
    return list(dict.fromkeys("oncogate " + line.split(".venv/bin/oncogate ", 1)[1] for line in lines))


EXIT_CODES = {
    "no-consent.json": 1,
    "cds-hooks-order-sign.json": 1,
    "not-supplied.json": 1,
    "near-miss-consent.json": 1,
}


@pytest.mark.parametrize("command", checks())
def test_commands_in_the_pages_do_what_the_pages_say(command):
    words = shlex.split(command)[1:]
    found = subprocess.run(
        [sys.executable, "-m", "oncogate.cli", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    expected = 0 if "10:30" in command else EXIT_CODES[Path(words[1]).name]
    assert found.returncode == expected, found.stderr
    assert found.stdout


def test_the_near_miss_becomes_a_hit_an_hour_later():
    assert "oncogate check examples/near-miss-consent.json --at 2026-03-02T10:30:00+08:00" in checks()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_example_script_runs():
    found = subprocess.run(
        [sys.executable, "examples/order_entry.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert "医嘱未保存" in found.stdout
    assert "医嘱已保存" in found.stdout
