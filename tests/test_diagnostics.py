"""The page of diagnostics has every code that the package uses, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAYING = {
    "Diagnostic",
    "diagnostic",
    "report",
    "_report",
    "say",
    "_at",
    "_refused",
    "refused",
    "problem",
    "Notice",
    "_refuse",
    "SourceProblem",
}
FROM_PYDANTIC = {"request-*", "rule-*", "settings-*"}


def used():
    for path in (ROOT / "oncogate").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                given = [*node.args, *(k.value for k in node.keywords if k.arg == "code")]
                for value in given if name in SAYING else ():
                    if isinstance(value, ast.Constant) and re.fullmatch(
                        r"internal|[a-z0-9]+(-[a-z0-9]+)+", str(value.value)
                    ):
                        yield value.value
            if isinstance(node, ast.Constant):  # what is said without a `Diagnostic`
                yield from re.findall(r" \[([a-z]+-[a-z]+)\]\n", str(node.value))


def test_the_page_and_the_package_agree():
    page = (ROOT / "docs" / "reference" / "diagnostics.md").read_text("utf-8")
    documented = [
        code
        for line in page.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([a-z*-]+)`", line.split("|")[1])
    ]
    assert len(documented) == len(set(documented))
    assert set(documented) - FROM_PYDANTIC - {"unread"} == set(used())
