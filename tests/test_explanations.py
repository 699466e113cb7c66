"""What every rule says, zh and en, for each of its examples that asks; reviewed as a diff of `golden/`.

After a change that is meant: `python tests/test_explanations.py` writes the file anew; read the diff aloud.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oncogate.authoring.examples import run_examples
from oncogate.packs.load import load_library

GOLDEN = Path(__file__).parent / "golden" / "explanations.md"
LIBRARY = load_library()
ASKING = [r for r in run_examples(LIBRARY) if r.finding is not None and r.finding.asks is not None]


def page() -> str:
    lines = ["# What the shipped rules say", ""]
    for result in ASKING:
        finding = result.finding
        assert finding is not None
        lines += [f"## {finding.rule}: {result.example.name} ({finding.verdict})", ""]
        lines += [finding.explain("zh"), "", finding.explain("en"), ""]
    return "\n".join(lines)


def test_the_explanations_are_those_that_were_read():
    assert GOLDEN.read_text("utf-8") == page()


@pytest.mark.parametrize("result", ASKING, ids=lambda r: f"{r.rule.rule.id}::{r.example.name}")
def test_an_explanation_says_what_to_do_and_leaves_nothing_unfilled(result):
    finding = result.finding
    chinese, english = finding.explain("zh"), finding.explain("en")
    assert "处理：" in chinese
    assert "What to do: " in english
    for text in (chinese, english):
        assert not re.search(r"[{}]", text)
        assert "None" not in text
    assert not re.search(r"（）|“”|``|：。|  ", chinese)


def test_every_verdict_of_every_rule_has_words():
    for result in run_examples(LIBRARY):
        assert result.finding is not None
        assert result.finding.reason.zh
        assert result.finding.reason.en


if __name__ == "__main__":
    GOLDEN.write_text(page(), "utf-8")
