"""What sources dispute is a parameter that a site may set, and its note names the values."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT
from loaded import shipped_library

from oncogate.model.parameter import Parameter

LIBRARY = shipped_library()
OWNERS = {**{loaded.rule.id: loaded.rule for loaded in LIBRARY.rules}, **LIBRARY.facts}
PAGE = (ROOT / "docs" / "reference" / "disputed-values.md").read_text("utf-8")
NAMED = re.findall(r"`([a-z0-9_./-]+):([a-z0-9_]+)`", PAGE)


def test_the_page_has_every_dispute() -> None:
    found: set[int] = set()
    for first, last in re.findall(r"^\| P(\d+)(?:–P(\d+))? ", PAGE, re.MULTILINE):
        found |= set(range(int(first), int(last or first) + 1))
    assert found == set(range(1, 41))


@pytest.mark.parametrize(("owner", "name"), NAMED, ids=str)
def test_each_is_a_parameter_with_a_note(owner: str, name: str) -> None:
    parameter: Parameter = OWNERS[owner].parameters[name]
    assert parameter.note or parameter.choices
    assert parameter.tunable
    assert parameter.range or parameter.choices or isinstance(parameter.value, (bool, tuple))
