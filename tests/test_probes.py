"""Probes stand around what a rule turns on: each wanted one is written here by hand, from the rule's text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cases import RULE, pack
from loaded import shipped_library

from oncogate.authoring.examples import judge_alone, request_of
from oncogate.authoring.probes import probes
from oncogate.packs.load import load_library
from oncogate.packs.pack import Library, LoadedRule

SHIPPED = shipped_library()
LIMIT = (
    RULE.replace("mine/anc-seen", "mine/anc-low")
    .replace("parameters:\n", "parameters:\n  limit: {value: 1.5, unit: 10*9/L, range: [1, 2], tunable: true, source: house}\n")
    .replace("{exists: lab.anc, within: window}", "{latest: lab.anc, within: window, at_least: limit}")
)  # fmt: skip


def loaded(folder: Path, text: str = LIMIT, name: str = "anc-low.yaml") -> tuple[Library, LoadedRule]:
    library = load_library([pack(folder, text, name)])
    return library, library.rules[0]


def givens(library: Library, rule: LoadedRule) -> list[dict[str, Any]]:
    return [dict(probe.given) for probe in probes(rule.rule, library)]


WANTED = [
    {"order": ["多西他赛"], "lab.anc": {"value": "1.5 10*9/L"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "1.4 10*9/L"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "1.6 10*9/L"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "<1.5 10*9/L"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 10*9/L", "age": "6 d"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 10*9/L", "age": "7 d"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 10*9/L", "age": "8 d"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 10*9/L", "age": "10081 min"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 10*9/L", "in": "1 h"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 10*9/L", "recorded_in": "3 d"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 10*9/L", "patient": "somebody else"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 10*9/L", "status": "entered-in-error"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2"}},
    {"order": ["多西他赛"], "lab.anc": {"value": "3.2 furlong"}},
    {"order": ["多西他赛"], "labs": []},
    {"order": ["多西他赛"], "labs": None},
    {"order": ["多西他赛"]},
    {"order": []},
    {"lab.anc": "3.2 10*9/L"},
    {"order": ["XR-17"], "lab.anc": "3.2 10*9/L"},
    {"order": {"drugs": [{"name": "XR-17"}], "kind": "chemotherapy"}, "lab.anc": "3.2 10*9/L"},
    {"order": ["多西他赛"], "lab.anc": "3.2 10*9/L", "labs": [{"fact": "lab.anc", "value": "1.4 10*9/L"}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def around_the_limit(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return givens(*loaded(tmp_path_factory.mktemp("rules")))


@pytest.mark.parametrize("given", WANTED, ids=str)
def test_stands_on_and_beside_every_edge(around_the_limit: list[dict[str, Any]], given: dict[str, Any]):
    assert given in around_the_limit


def test_needs_no_examples(tmp_path: Path):
    library, rule = loaded(tmp_path, LIMIT[: LIMIT.index("examples:")])
    verdicts = {
        judge_alone(rule.rule, request_of(g, library), library).verdict for g in givens(library, rule)
    }
    assert verdicts == {"met", "unmet", "unknown", "not_applicable"}


def test_an_example_that_cannot_be_used_is_no_base(tmp_path: Path):
    library, rule = loaded(tmp_path, LIMIT + "  - {name: bad, given: {labs: [3], no.such: 1}, expect: met}\n")
    assert not any("no.such" in given for given in givens(library, rule))


def test_the_smallest_come_first_and_none_twice(tmp_path: Path):
    library, rule = loaded(tmp_path)
    once, again = givens(library, rule), givens(library, rule)
    assert once == again
    assert once[0] == {}
    written = [str(given) for given in once]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("loaded_rule", SHIPPED.rules[::25], ids=lambda r: r.rule.id)
def test_each_can_be_judged_and_says_what_was_moved(loaded_rule: LoadedRule):
    for number, probe in enumerate(probes(loaded_rule.rule, SHIPPED)):
        assert probe.about
        if number % 25 == 0:
            judge_alone(loaded_rule.rule, request_of(probe.given, SHIPPED), SHIPPED)


@pytest.mark.parametrize("loaded_rule", SHIPPED.rules[::25], ids=lambda r: r.rule.id)
def test_the_examples_are_among_them(loaded_rule: LoadedRule):
    found = givens(SHIPPED, loaded_rule)
    assert all(example.given in found for example in loaded_rule.rule.examples)
