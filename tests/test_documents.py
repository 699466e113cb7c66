"""YAML as version 1.2 means it, with the place of every key and value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncogate.packs.document import DEEPEST, read_document


def read(tmp_path, text):
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("010", 10), ("0o10", 8), ("0x1F", 31), ("1e3", Decimal("1000")),
        ("12:30", "12:30"), ("1.10", Decimal("1.10")), ("true", True), ("False", False), ("~", None), ("null", None), ("", None),
        ("'true'", "true"), ('"5"', "5"), ("2026-03-02", "2026-03-02"), ("1_000", "1_000"), ("+12", 12), (".5", Decimal("0.5")),
        ("=", "="), ("<<", "<<"),
    ],
)  # fmt: skip
def test_plain_words_mean_what_yaml_1_2_says(tmp_path, text, value):
    document = read(tmp_path, f"key: {text}\n")
    assert document.problems == []
    assert document.data == {"key": value}
    assert type(document.data["key"]) is type(value)


def test_every_key_and_value_has_its_place(tmp_path):
    document = read(tmp_path, "a: 1\nb:\n  - {c: x, d: [1, 2]}\n")
    assert document.keys["b", 0, "d"] == (3, 12)
    assert document.values["b", 0, "d"] == (3, 15)
    assert document.values["b", 0, "d", 1] == (3, 19)
    assert document.place(("b", 0, "a tag that pydantic adds", "d", 1)) == (3, 19)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\na: 2\n", "yaml-duplicate-key", 2, 1), ("a: &x [1]\nb: *x\n", "yaml-alias", 1, 4), ("a: !!python/name:os x\n", "yaml-tag", 1, 4),
        ("a: .nan\n", "yaml-number", 1, 4), ("a: }\n", "yaml-syntax", 1, 4), ("? [1]\n: 2\n", "yaml-syntax", 1, 3),
        ("", "yaml-empty", 1, 1), ("# nothing\n", "yaml-empty", 1, 1), ("a: 1\n---\nb: 2\n", "yaml-documents", 3, 1),
        (b"a: \xff", "yaml-encoding", 1, 1), ("a: \x07", "yaml-syntax", 1, 1), ("[" * (DEEPEST + 10), "yaml-syntax", 1, DEEPEST + 2),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(tmp_path, text, code, line, column):
    first = min(read(tmp_path, text).problems)
    assert (first.code, first.line, first.column) == (code, line, column)


def test_a_bomb_of_aliases_costs_nothing_and_is_refused(tmp_path):
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    document = read(tmp_path, "\n".join(rows))
    assert {p.code for p in document.problems} == {"yaml-alias"}


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_raise(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, "utf-8", errors="surrogatepass")
    read_document(path)
