"""Any temperature of the window: a fever is one whatever was measured since. Cases by hand, and worlds drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loaded import shipped_library

from oncogate.authoring.examples import request_of
from oncogate.engine.case import Case
from oncogate.engine.conditions import derive
from oncogate.engine.derived import Derived

LIBRARY = shipped_library()
ONCE, DAY_1 = "fn.fever_once", "fever.recorded"
"""Above 38.3 in the mouth and 38.1 in the armpit; 38.0 and 37.8, or more."""
SET = {name: LIBRARY.facts["fn.fever"].parameters[name] for name in ("oral", "axillary", "window")}
WINDOW = {"window": LIBRARY.facts["fn.fever"].parameters["window"]}  # 24 h


def found(fact: str, vitals: list[dict[str, Any]] | None, **more: Any) -> Derived:
    handed = SET if fact == ONCE else WINDOW
    return derive(Case.of(request_of({"vitals": vitals, **more}, LIBRARY), LIBRARY), fact, handed)


def reading(value: str, age: str | None = "1 h", where: str = "_oral", **more: Any) -> dict[str, Any]:
    time: dict[str, Any] = {"age": age} if age is not None else {"effective": None, "recorded": None}
    unit = "" if " " in value else " Cel"
    return {"fact": f"vital.temperature{where}", "value": f"{value}{unit}", **time, **more}


NORMAL = reading("36.8", "10 min")


@pytest.mark.parametrize(
    ("vitals", "once", "day_1"),
    [
        ([reading("39.5", "8 h"), NORMAL], True, True),
        ([reading("38.3", "8 h"), NORMAL], False, True),
        ([reading("38.0", "8 h"), NORMAL], False, True),
        ([reading("37.9", "8 h"), NORMAL], False, False),
        ([reading("39.5", "24 h"), NORMAL], True, True),
        ([reading("39.5", "1441 min"), NORMAL], False, False),
        ([reading("38.1", "8 h", "_axillary"), NORMAL], False, True),
        ([reading("38.2", "8 h", "_axillary"), NORMAL], True, True),
        ([reading("37.8", "8 h", "_axillary"), NORMAL], False, True),
        ([reading("37.7", "8 h", "_axillary"), NORMAL], False, False),
        ([reading("38.2", "8 h", "", site="腋温"), NORMAL], True, True),
        ([reading("38.2", "8 h", "", site="耳温"), NORMAL], False, True),
        ([reading("37.9", "8 h", "", site="额头"), NORMAL], False, None),
        ([reading("38.2", "8 h", ""), NORMAL], None, True),
        ([reading("102.2 [degF]", "8 h"), NORMAL], None, None),  # a unit that no table has
        ([reading("39.5 ?", "8 h"), NORMAL], None, None),
        ([reading("39.5 ?", "25 h"), NORMAL], False, False),
        ([reading("377", "8 h"), NORMAL], None, None),  # 37.7 with the point forgotten, or 38.7 mistyped
        ([reading("39.5", None), NORMAL], None, None),
        ([reading("36.5", None), NORMAL], False, False),
        ([reading("<37.5", "8 h"), NORMAL], False, False),
        ([reading(">37.5", "8 h"), NORMAL], None, None),
        ([reading(">38.5", "8 h"), NORMAL], True, True),
        ([reading("39.5", "8 h", status="entered-in-error"), NORMAL], False, False),
        ([reading("39.5", "8 h", status="preliminary"), NORMAL], False, False),
        ([reading("39.5 ?", "8 h"), reading("39.5", "9 h"), NORMAL], True, True),
        ([], False, False),
        (None, None, None),
    ],
)  # fmt: skip
def test_any_reading_of_the_window_counts(
    vitals: list[dict[str, Any]] | None, once: bool | None, day_1: bool | None
) -> None:
    assert found(ONCE, vitals).truth is once
    assert found(DAY_1, vitals).truth is day_1


def test_a_page_that_is_missing_may_hold_a_fever_but_takes_none_away() -> None:
    page = [{"section": "vitals", "problem": "a page is missing"}]
    unsure = found(ONCE, [NORMAL], unread=page)
    assert unsure.truth is None
    assert {row.why for row in unsure.evidence} == {"unread"}
    assert found(ONCE, [reading("39.5", "8 h"), NORMAL], unread=page).truth is True
    assert found(ONCE, None).missing == (
        "vital.temperature_oral",
        "vital.temperature_axillary",
        "vital.temperature",
    )


def test_the_evidence_names_the_readings_that_decided_and_the_words_the_highest() -> None:
    vitals = [reading("38.6", "3 h"), reading("39.5", "8 h"), reading("38.9", "5 h", "_axillary"), NORMAL]
    fever = found(ONCE, vitals)
    assert sorted(str(row.value) for row in fever.evidence) == ["38.6 Cel", "38.9 Cel", "39.5 Cel"]
    assert all(row.counted for row in fever.evidence)
    (said,) = fever.holding
    assert said.zh == "2026-03-02 01:30 口腔温度 39.5 ℃"
    assert said.en == "oral temperature 39.5 °C at 2026-03-02 01:30"


def test_a_reading_of_a_day_is_told_by_its_day() -> None:
    (said,) = found(
        ONCE, [{"fact": "vital.temperature_oral", "value": "39.5 Cel", "effective": "2026-03-02"}]
    ).holding
    assert said.zh == "2026-03-02 口腔温度 39.5 ℃"


def test_the_evidence_of_a_doubt_says_what_is_wrong() -> None:
    vitals = [
        reading("38.2", "8 h", ""),
        reading("39 ?", "7 h"),
        reading("39", None),
        reading(">37", "6 h"),
        NORMAL,
    ]
    rows = {row.why: row for row in found(ONCE, vitals).evidence}
    assert set(rows) == {"absent", "unreadable_unit", "unread", "invalid"}
    site = rows["absent"].detail
    assert site is not None
    assert "测温部位" in site.zh


# -- worlds --------------------------------------------------------------------------------------------

LIMITS = {"oral": Decimal("38.3"), "axillary": Decimal("38.1")}


@dataclass(frozen=True)
class Reading:
    """A temperature as a ward may write it down."""

    tenths: int
    minutes: int | None
    where: str
    site: str | None
    readable: bool

    def given(self) -> dict[str, Any]:
        age = None if self.minutes is None else f"{self.minutes} min"
        value = f"{Decimal(self.tenths) / 10} {'Cel' if self.readable else '?'}"
        return reading(value, age, self.where, **({"site": self.site} if self.site else {}))

    def may_be(self) -> set[bool]:
        """Whether it is a fever of the last 24 hours: both, where it is in one world and isn't in another."""
        taken = {"axillary": ["axillary"], "oral": ["oral"], "tympanic": ["oral"]}
        sites = taken.get(self.site or self.where.removeprefix("_"), ["oral", "axillary"])
        values = [Decimal(self.tenths) / 10] if self.readable else [Decimal(36), Decimal(40)]
        in_time = [True, False] if self.minutes is None else [self.minutes <= 24 * 60]
        return {near and value > LIMITS[site] for near in in_time for value in values for site in sites}


readings = st.builds(
    Reading,
    tenths=st.integers(378, 386),
    minutes=st.one_of(st.none(), st.sampled_from([5, 600, 1440, 1441])),
    where=st.sampled_from(["", "_oral", "_axillary"]),
    site=st.sampled_from([None, "axillary", "tympanic"]),
    readable=st.sampled_from([True, True, True, False]),
)


@given(st.lists(readings, max_size=6))
def test_it_is_true_in_every_world_false_in_every_world_or_unknown(taken: list[Reading]) -> None:
    worlds = [one.may_be() for one in taken]
    expected: bool | None = None
    if {True} in worlds:
        expected = True
    elif all(world == {False} for world in worlds):
        expected = False
    assert found(ONCE, [one.given() for one in taken]).truth is expected
