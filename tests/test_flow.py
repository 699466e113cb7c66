"""Plain data written as one line of YAML reads back as it was, by the meanings of YAML 1.2."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncogate.authoring.flow import flow
from oncogate.packs.document import read_document

TRICKY = [
    "", " ", "no", "010", "1e3", "0o17", "0x1F", "-.5", "+1", "12:30", "1.10", "~", "null", "True", "- a", "{x}", "a: b", "a #c",
    "<1.5 10*9/L", ">=2", "2026-03-02", "*", "&a", "!t", "%", "@", "`", "'", '"', "a, b", "[a]", "?", "=", "<<", "第3周期：暂停", ".inf",
]  # fmt: skip
words = st.sampled_from(TRICKY) | st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp")), max_size=12
)
numbers = st.integers(-(10**6), 10**6) | st.decimals(-1000, 1000, places=2)
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def read(text: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.yaml"
        file.write_text(f"- {text}\n", "utf-8")
        document = read_document(file)
    assert document.problems == []
    return document.data[0]


@given(st.dictionaries(words, values, max_size=3))
def test_reads_back_equal(data: dict[str, Any]):
    text = flow(data)
    assert "\n" not in text
    assert read(text) == data


@pytest.mark.parametrize("word", TRICKY)
def test_a_word_stays_a_word(word: str):
    assert read(flow([word])) == [word]


def test_is_written_as_in_the_rule_files():
    data = {
        "order": ["多西他赛"],
        "lab.anc": {"value": "1.5 10*9/L", "age": "7 d"},
        "labs": None,
        "dose": Decimal("0.50"),
    }
    written = "{order: [多西他赛], lab.anc: {value: 1.5 10*9/L, age: 7 d}, labs: null, dose: 0.50}"
    assert flow(data) == written


def test_what_stands_twice_is_written_twice():
    same = ["a"]
    assert flow({"one": same, "other": same}) == "{one: [a], other: [a]}"
