"""The common job of the benchmarks is one and the same for oncogate and for the function written by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from oncogate import Gate, Request

sys.path.insert(0, str(ROOT))
from tests.benchmarks import hand
from tests.benchmarks.records import as_json, as_request, plain_records
from tests.benchmarks.replicas import TEN, write_rules

RECORDS = plain_records(400)


def asked(gate: Gate, content: bytes) -> set[str]:
    return {f.rule for f in gate.decide(Request.load(content)).findings if f.asks is not None}


def differing(gate: Gate, by_hand: Any, records: list[Any]) -> list[tuple[int, set[str]]]:
    found = []
    for number, record in enumerate(records):
        content = as_json(as_request(record))
        expected = {one["rule"] for one in by_hand(json.loads(content))}
        if expected != asked(gate, content):
            found.append((number, expected ^ asked(gate, content)))
    return found


def test_the_ten_rules_ask_for_what_the_function_finds() -> None:
    assert differing(Gate.load([TEN]), hand.on_request, RECORDS) == []


def test_every_rule_is_found_on_some_records_and_not_on_others() -> None:
    counts = Counter(
        one["rule"] for r in RECORDS for one in hand.on_request(json.loads(as_json(as_request(r))))
    )
    assert {rule: 0 < counts[rule] < len(RECORDS) for rule in hand.TEXTS} == dict.fromkeys(hand.TEXTS, True)


@pytest.mark.parametrize(("all_apply", "by_hand"), [(True, hand.many(4)), (False, hand.on_request)])
def test_with_more_rules_too(tmp_path: Path, all_apply: bool, by_hand: Any) -> None:
    gate = Gate.load([write_rules(tmp_path, 4, all_apply=all_apply)])
    assert len(gate.library.rules) == 40
    assert differing(gate, by_hand, RECORDS[:60]) == []


@pytest.mark.longer
def test_all_of_them_run() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    titles = (
        "The common job",
        "A CDS Hooks request",
        "More rules",
        "Cold start",
        "Memory held",
        "All shipped rules",
        "Pauses",
        "Many requests",
        "Goals",
    )
    assert [title for title in titles if title not in done.stdout] == []
    assert "'wrong': 0" in done.stderr
    assert not re.search(r"'wrong': [1-9]", done.stderr)
