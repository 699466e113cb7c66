"""No literal clinical number stands in Python: limits are parameters and tables, with a unit, a range and a source.

Every number of the rooms that judge and explain has to be listed here with what it is. A limit has no business on
this list.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "oncogate"
ROOMS = ("clinical", "engine", "explain", "gate.py", "model", "packs")
COUNTING = {"-1", "0", "1", "2", "3"}  # positions, pairs, nothing at all

WHAT_IT_IS = {
    "clinical/doses.py": {
        **dict.fromkeys(("3600", "0.007184", "0.725", "0.425", "0.0061", "0.0128", "0.1529"), "body surface formulas"),
        **dict.fromkeys(("140", "72", "0.85"), "Cockcroft and Gault's formula"),
        "25": "Calvert's formula", "88.42": "µmol/L in a mg/dL of creatinine",
        **dict.fromkeys(("1000", "0.001", "10000"), "units of mass and activity"),
        **dict.fromkeys(("28", "0.0001", "0.01"), "decimal places"),
    },
    "clinical/markers.py": {"2000": "longest text read", "8": "length of a variant's name"},
    "clinical/names.py": {"300": "longest name", "4": "letters that make a name", "4096": "size of a cache"},
    "clinical/stage_compare.py": {"0.5": "Tis stands between T0 and T1", "4": "T0 to T4"},
    "clinical/stage_problems.py": {"40": "longest text shown", "39": "longest text shown"},
    "clinical/stages.py": {"200": "longest text read", "1024": "size of a cache"},
    "clinical/units.py": {"40": "longest text shown", "39": "longest text shown", "60": "decimal places", "4096": "size of a cache"},
    "clinical/regimen_names.py": {"4": "a Chinese numeral", "5": "a group of a pattern", "6": "a group of a pattern", "7": "days of a week", "1024": "size of a cache"},
    "clinical/stage_labels.py": {"1024": "size of a cache"},
    "engine/case.py": {
        "4": "position in an ICD-10 code", "10": "where the clock begins in a time", "19": "where the zone begins in a time",
        "4096": "days remembered",
    },
    "engine/coded.py": {"19": "where the zone begins in a time"},
    "engine/compile.py": {"4": "verdicts, and the order in which conditions are asked"},
    "engine/found_checks.py": {"4096": "size of a cache"},
    "engine/program.py": {"512": "size of a cache", "8192": "size of a cache"},
    "engine/select.py": {"4": "entries shown"},
    "engine/standing.py": {"1024": "size of a cache"},
    "engine/durable/child.py": {"30.0": "seconds to start", "16": "bytes read at once", "20000": "answers of one child", "200": "longest text shown", "1000": "longest text shown"},
    "engine/durable/compile.py": {"12": "terms of a guard"},
    "engine/durable/network.py": {
        "8": "symbols of a guard", "60": "terms of a ruleset", **dict.fromkeys(("2166136261", "16777619", "4294967295"), "the hash FNV-1a"),
    },
    "engine/durable/__init__.py": {"2.0": "seconds to answer"},
    "engine/values.py": {"1024": "size of a cache"},
    "engine/formulas/body.py": {"29": "a day of February", "100": "percent", **dict.fromkeys(("0.1", "0.01"), "decimal places")},
    "engine/formulas/doses.py": {"100": "percent", "0.1": "decimal places", "0.01": "decimal places", "Infinity": "no limit"},
    "engine/formulas/people.py": {"Infinity": "no limit"},
    "engine/formulas/timing.py": {"0.1": "decimal places", "Infinity": "no limit"},
    "explain/prose.py": {"16": "columns", "8": "columns"},
    "explain/reasons.py": {"4": "near misses in a sentence"},
    "explain/view.py": {"6": "position in a time", "8": "characters of a digest", "12": "words shown"},
    "explain/way_forward.py": {"8": "actions tried in every combination"},
    "explain/words.py": {"4096": "size of a cache"},
    "model/at_once.py": {"32": "bytes", "1024": "bytes", "16": "digits", "256": "bytes that there are"},
    "model/json_problems.py": {"40": "characters shown"},
    "model/overlay.py": {"500": "longest text"},
    "model/values.py": {"1e15": "largest number", "500": "longest name", "4096": "size of a cache", "8192": "size of a cache"},
    "packs/cache.py": {"32": "files kept", "8": "bytes of a name", "420": "who may read a file", "493": "who may read a folder"},
    "packs/check_facts.py": {"50": "depth"},
    "packs/compose.py": {"100": "digits"},
    "packs/document.py": {"1024": "bytes", "40": "depth"},
    "packs/table_files.py": {"6": "a million", "10": "a million", "NaN": "what isn't a number"},
    "packs/codes.py": {"256": "systems remembered", "4096": "codes remembered"},
    "packs/tables.py": {
        **dict.fromkeys(("4", "6", "12"), "positions in a code, words of a name"),
        "4096": "names remembered",
    },
}  # fmt: skip


def numbers(path: Path) -> dict[str, list[int]]:
    """The numbers of a file, as written, with the lines on which they stand."""
    found: dict[str, list[int]] = defaultdict(list)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            found[str(node.value)].append(node.lineno)
        decimal = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Decimal"
        if decimal and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            found[node.args[0].value].append(node.lineno)
    return found


def files() -> list[Path]:
    rooms = [PACKAGE / room for room in ROOMS]
    return sorted(file for room in rooms for file in (room.rglob("*.py") if room.is_dir() else [room]))


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_every_number_is_one_that_is_no_limit(path: Path) -> None:
    allowed = COUNTING | set(WHAT_IT_IS.get(path.relative_to(PACKAGE).as_posix(), {}))
    assert {number: lines for number, lines in numbers(path).items() if number not in allowed} == {}


def test_the_list_names_nothing_that_is_gone() -> None:
    stale = {
        (file, number)
        for file, listed in WHAT_IT_IS.items()
        for number in listed
        if number not in numbers(PACKAGE / file)
    }
    assert stale == set()


def test_a_planted_limit_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("def low(anc):\n    return anc < 1.5 or anc < Decimal('0.5')\n", "utf-8")
    assert numbers(planted) == {"1.5": [2], "0.5": [2]}
