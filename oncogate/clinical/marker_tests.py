"""What a drug asks of molecular markers, as the table writes it, and whether readings of results satisfy it.

`EGFR+(L858R|ex19del)` one of these alterations; `ALK+` positive; `ER/PR+` one of several; `KRAS/NRAS-` all of them
negative or wild type; `PD-L1 TPS@pdl1_tps` at least a parameter; `BRCA1/BRCA2?` a result, whatever it says. Tests
are joined by `&`, branches of which one will do by `;`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from oncogate.base import patterns
from oncogate.base.logic import Truth, every, some
from oncogate.clinical.markers import Reading, is_mutation

_TEST = patterns.compile(
    r"(?P<markers>[A-Za-z0-9./-]+?)"
    r"(?:(?P<sign>[+\-?])(?:\((?P<found>[A-Za-z0-9|*]+)\))?| (?P<scale>TPS|CPS|IHC|percent)@(?P<limit>[a-z0-9_]+))"
)


@dataclass(frozen=True)
class MarkerTest:
    """One demand on the result of one of `markers`; a negative one on all of them."""

    markers: tuple[str, ...]
    sign: Literal["+", "-", "?", "@"]
    found: frozenset[str] = frozenset()
    scale: str = ""
    limit: str = ""


@dataclass(frozen=True)
class MarkerScale:
    """The scale by which a marker's number says positive or negative; the limits are parameters, by name.

    Without a `negative` limit a stain without its number doesn't say positive (CLDN18.2 `2+`).
    """

    scale: str
    positive: str
    negative: str


Branch = tuple[MarkerTest, ...]


def read_tests(cell: str) -> tuple[Branch, ...]:
    """The branches of a table's cell. Raises `ValueError` for what isn't a test."""
    branches = [part for part in cell.split(";") if part.strip()]
    return tuple(tuple(_test(one.strip()) for one in branch.split("&")) for branch in branches)


def _test(text: str) -> MarkerTest:
    found = _TEST.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` isn't a test of a marker, such as `EGFR+(L858R|ex19del)` or `KRAS/NRAS-`")
    markers = tuple(found["markers"].split("/"))
    if found["scale"]:
        return MarkerTest(markers, "@", scale=found["scale"], limit=found["limit"])
    named = frozenset((found["found"] or "").split("|")) - {""}
    if named and found["sign"] != "+":
        raise ValueError(f"`{text}`: only a positive test names alterations")
    return MarkerTest(markers, found["sign"], named)  # type: ignore[arg-type]


Readings = Mapping[str, Sequence[tuple[object, Reading]]]
"""Of each marker its readings, newest first, each with its moment; those that are no result are left out."""


def judge_test(
    test: MarkerTest, readings: Readings, scales: Mapping[str, MarkerScale], limits: Mapping[str, Decimal]
) -> Truth:
    """Whether the results satisfy a test; unknown where there is none, or none that says so."""

    def truth(marker: str) -> Truth:
        told = readings.get(marker, ())
        judged = [(when, _one(test, marker, reading, scales.get(marker), limits)) for when, reading in told]
        return _newest(judged, settles=test.sign != "-")

    truths = [truth(marker) for marker in test.markers]
    return every(truths) if test.sign == "-" else some(truths)


def _newest(judged: Sequence[tuple[object, Truth]], *, settles: bool) -> Truth:
    """The newest result's word. An older one against it makes it unknown, but not against a finding.

    A finding (`settles`: true for a positive test, false for a negative one) isn't undone by an earlier blank. A
    result without a time may be the newest.
    """
    if not judged:
        return None
    newest = judged[0][0]
    now = {truth for when, truth in judged if when in (newest, None)}
    before = {truth for when, truth in judged if when != newest}
    if len(now) != 1:
        return None
    truth = now.pop()
    if truth is None or truth is settles:
        return truth
    return None if (not truth) in before else truth


def _one(
    test: MarkerTest, marker: str, reading: Reading, scale: MarkerScale | None, limits: Mapping[str, Decimal]
) -> Truth:
    if reading.unclear or reading.failed:
        return None
    if test.sign == "?":
        return True
    if test.sign == "@":
        return _level(test, reading, limits)
    if reading.shared and not reading.shared <= set(test.markers):
        return None  # `IDH突变`: it isn't said which of them
    if test.found:
        return _found(test.found, reading)
    positive = _positive(reading, scale, limits)
    return positive if test.sign == "+" else None if positive is None else not positive


def _level(test: MarkerTest, reading: Reading, limits: Mapping[str, Decimal]) -> Truth:
    level, limit = reading.levels.get(test.scale), limits.get(test.limit)
    if limit is None:
        return None
    if level is not None:
        return level.at_least(limit)
    # a stain that is called negative may have been 1+; a score that is called negative has none
    return False if reading.negative and not reading.found and test.scale != "IHC" else None


def _found(wanted: frozenset[str], reading: Reading) -> Truth:
    """Whether one of the alterations wanted was found; unknown where the result doesn't say which was."""
    if any(_is(one, found) for one in wanted for found in reading.found):
        return True
    if wanted <= _LOW:
        return False if reading.levels or reading.found - _LOW else None
    if reading.negative and not reading.found:
        return False
    if all(_denied(one, reading.denied) for one in wanted):
        return False
    particular = {f for f in reading.found if f not in ("", "+", "mutation", *_LOW)}
    if particular:
        return False
    if reading.found & _LOW or reading.ish is False:
        return False if not reading.found & {"", "+", "mutation"} else None
    return None


_LOW = frozenset({"low", "ultralow"})
"""Expression that is there and isn't called positive."""


def _is(wanted: str, found: str) -> bool:
    if wanted.endswith("*"):
        return found.startswith(wanted[:-1])
    return wanted == found or (wanted == "mutation" and is_mutation(found))


def _denied(wanted: str, denied: frozenset[str]) -> bool:
    covers = "mutation" in denied and is_mutation(wanted)
    return wanted in denied or covers


def _positive(reading: Reading, scale: MarkerScale | None, limits: Mapping[str, Decimal]) -> Truth:
    """Whether a result says positive as a whole: by its number where the marker has a scale, else by its words."""
    if scale is None:
        if reading.found - _LOW or reading.ish:
            return True
        blank = reading.negative or reading.ish is False or bool({"mutation", "fusion"} & reading.denied)
        return False if blank else True if _stained(reading) else None
    by_number = _by_number(reading, scale, limits)
    amplified = (
        True if "amplification" in reading.found else False if "amplification" in reading.denied else None
    )
    ish = reading.ish if reading.ish is not None else amplified
    if by_number is True or ish is True:
        return True
    said = True if "" in reading.found else False if reading.negative or reading.found & _LOW else None
    if scale.scale in reading.levels:  # a word can't overrule the number, only agree
        by_number = ish if by_number is None else by_number
        return by_number if said in (None, by_number) else None
    if ish is False:
        return False if said is not True else None
    if (
        said is None
        and scale.scale != "IHC"
        and scale.negative
        and ("+" in reading.found or _stained(reading))
    ):
        return True  # any stain; of HER2, where the grades decide, a single plus is the lowest of them
    return said


def _by_number(reading: Reading, scale: MarkerScale, limits: Mapping[str, Decimal]) -> Truth:
    level = reading.levels.get(scale.scale)
    positive, negative = limits.get(scale.positive), limits.get(scale.negative)
    if level is None:
        return None
    if positive is not None and level.at_least(positive):
        return True
    if negative is not None:
        return False if level.at_most(negative) else None
    return level.at_least(positive) if positive is not None else None


def _stained(reading: Reading) -> bool:
    """A graded stain (`2+`) of a marker without a scale of its own."""
    stain = reading.levels.get("IHC")
    return stain is not None and stain.low is not None and stain.low > 0
