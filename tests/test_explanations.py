"""What every rule says, zh and en, reviewed as a diff of `golden/`: of the core pack for each of its examples that
asks, of the other packs for the first that is unmet and the first that is unknown.

After a change that is meant: `python tests/test_explanations.py` writes the pages anew; read the diff aloud.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest
from conftest import ROOT
from loaded import shipped_library

from oncogate.authoring.examples import Result, run_examples
from oncogate.engine.wording import problem_said

GOLDEN = Path(__file__).parent / "golden"
LIBRARY = shipped_library()
ASKING = [r for r in run_examples(LIBRARY) if r.finding is not None and r.finding.asks is not None]
PACKS = [pack.id for pack in LIBRARY.packs]


def shown(pack: str) -> Iterable[Result]:
    """The examples on a pack's page."""
    seen: set[tuple[str, str]] = set()
    for result in ASKING:
        finding = result.finding
        assert finding is not None
        if finding.rule.startswith(f"{pack}/") and (
            pack == "core" or (finding.rule, finding.verdict) not in seen
        ):
            seen.add((finding.rule, finding.verdict))
            yield result


def page(pack: str) -> str:
    lines = [f"# What the rules of the pack {pack} say", ""]
    for result in shown(pack):
        finding = result.finding
        assert finding is not None
        lines += [f"## {finding.rule}: {result.example.name} ({finding.verdict})", ""]
        lines += [finding.explain("zh"), "", finding.explain("en"), ""]
    return "\n".join(lines)


@pytest.mark.parametrize("pack", PACKS)
def test_the_explanations_are_those_that_were_read(pack):
    assert (GOLDEN / f"{pack}.md").read_text("utf-8") == page(pack)


def test_every_page_is_of_a_pack_and_every_rule_is_on_one():
    assert {path.stem for path in GOLDEN.glob("*.md")} == set(PACKS)
    said = {r.finding.rule for pack in PACKS for r in shown(pack) if r.finding is not None}
    assert said == {loaded.rule.id for loaded in LIBRARY.rules}


@pytest.mark.parametrize("result", ASKING, ids=lambda r: f"{r.rule.rule.id}::{r.example.name}")
def test_an_explanation_says_what_to_do(result):
    finding = result.finding
    if finding.effect != "inform" or result.rule.rule.remedy is not None:
        assert "处理：" in finding.explain("zh")
        assert "What to do: " in finding.explain("en")


def _problems_of_the_adapters() -> set[str]:
    """What the adapters say in fixed words of what can't be read."""
    found = set()
    for path in (ROOT / "oncogate" / "adapters").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.func if isinstance(node, ast.Call) else None
            called = getattr(name, "attr", getattr(name, "id", ""))
            if isinstance(node, ast.Call) and called in {"Unreadable", "mark", "unread"}:
                said = [
                    a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
                ]
                found |= {one for one in said if " " in one}
    return found


def test_what_the_adapters_cannot_read_is_said_in_chinese():
    found = _problems_of_the_adapters()
    assert len(found) > 5
    assert {one for one in found if problem_said(one).zh == one} == set()


if __name__ == "__main__":
    for name in PACKS:
        (GOLDEN / f"{name}.md").write_text(page(name), "utf-8")
