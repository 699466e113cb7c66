"""The page of the forty safety checks names each of them, and every rule of those packs and no other."""

from __future__ import annotations

import re

from conftest import ROOT
from loaded import shipped_library

PAGE = (ROOT / "docs" / "reference" / "safety-checks.md").read_text("utf-8")
RULES = {loaded.rule.id for loaded in shipped_library().rules}
NAMED = set(re.findall(r"`([a-z-]+/[a-z0-9-]+)`", PAGE))


def test_each_of_the_forty_has_a_row_with_a_rule_or_a_reason() -> None:
    rows = {
        row[0]: row[1:] for row in re.findall(r"^\| (S\d\d) [^|]*\|([^|]*)\|([^|]*)\|$", PAGE, re.MULTILINE)
    }
    assert sorted(rows) == [f"S{n:02}" for n in range(1, 41)]
    assert all(rules.strip() or why.strip() for rules, why in rows.values())


def test_the_rules_that_it_names_exist() -> None:
    assert NAMED <= RULES


def test_every_rule_on_safety_and_on_the_start_of_a_cycle_is_named() -> None:
    assert {rule for rule in RULES if rule.startswith(("safety/", "start-of-cycle/"))} <= NAMED
