"""What a fact asks of an entry, and the value that an entry says, as small functions chosen once.

What can't be told at a glance is unknown here, and gets a closer look by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from oncogate.base.logic import Truth
from oncogate.engine.case import Case
from oncogate.engine.content import content_checks, read_value
from oncogate.engine.select import REPLACES
from oncogate.engine.standing import Counting
from oncogate.model.facts import Fact, Measured
from oncogate.model.parameter import Parameter
from oncogate.model.record import (
    Assessment,
    Consent,
    Entry,
    Exam,
    MarkerResult,
    Measurement,
    Note,
    Pathology,
    Procedure,
)
from oncogate.model.values import Quantity

MEASURED = frozenset({"labs", "vitals"})
"""The sections whose entries are measurements."""
Said = Mapping[str, Any]
"""The fields of an entry."""
Check = Callable[[Case, Entry, Said], Truth]
"""Whether an entry that stands is what a fact asks for; unknown where that wants a closer look."""
Reading = Callable[[Entry], "Decimal | str | None"]
"""The exact number that an entry says in the fact's unit, or its word; `None` where it says none, or a bound only."""


def bears_on_others(entry: Entry, status: str | None) -> bool:
    """Whether the entry may take another's place."""
    return status in REPLACES and (entry.key is not None or isinstance(entry, Measurement))


def counting(case: Case, fact: Fact, options: Mapping[str, Parameter]) -> Counting:
    """The closer look at an entry."""
    return Counting(case, fact, None, None, None, None, options)


def checks_of(fact: Fact, options: Mapping[str, Parameter], *, coded: bool) -> Iterator[Check]:
    """What the fact asks of an entry that stands, and no more."""
    if not coded:
        yield _kind(fact, options)
    if fact.focus != "ignored":
        yield _focused(fact)
    if fact.matches:
        yield _matching(fact, options)
    if fact.vocabulary is not None:
        field, words = fact.vocabulary.field, frozenset(fact.vocabulary.values)
        yield lambda _, __, said: True if said.get(field) in words else None
    elif MEASURED.issuperset(sections := fact.sections + fact.also):
        yield _says_something
    elif MEASURED.intersection(sections):
        yield lambda case, entry, said: not isinstance(entry, Measurement) or _says_something(case, entry, said)  # fmt: skip
    if fact.stage is not None:
        yield _staged(fact, options)


_TOLD_BY_KIND = frozenset({Assessment, Consent, Procedure, Note})
_TOLD_IF_SAID = frozenset({Pathology, MarkerResult, Exam})
"""Entries of no stated kind are meant, too."""


def _kind(fact: Fact, options: Mapping[str, Parameter]) -> Check:
    any_kind = not fact.kinds
    plain = not fact.doubtful_kinds and not fact.narrow_kinds
    kinds, or_none = frozenset(fact.kinds), frozenset({*fact.kinds, None})

    def kind(case: Case, entry: Entry, said: Said) -> Truth:
        if plain and type(entry) in _TOLD_BY_KIND:
            return any_kind or said["kind"] in kinds
        if plain and type(entry) in _TOLD_IF_SAID:
            return any_kind or said.get("kind") in or_none
        return counting(case, fact, options).is_kind(entry)

    return kind


def _focused(fact: Fact) -> Check:
    """Whether the entry is about the order's tumour."""
    optional = fact.focus == "optional"

    def focused(case: Case, _: Entry, said: Said) -> Truth:
        if said["focus"] is not None:
            return case.about_this_tumour(said["focus"])
        return True if optional or case.tumour.several is False else None

    return focused


def _matching(fact: Fact, options: Mapping[str, Parameter]) -> Check:
    """Whether the regimen and the cycle are the order's, where they are named."""

    def matching(case: Case, entry: Entry, said: Said) -> Truth:
        named, cycle, order = said.get("regimen"), said.get("cycle"), case.order
        if not named and (cycle is None or (order is not None and order.cycle == cycle)):
            return True
        truths = (truth for truth, _, _ in counting(case, fact, options).matches(entry))
        return next((truth for truth in truths if truth is not True), True)

    return matching


def _staged(fact: Fact, options: Mapping[str, Parameter]) -> Check:
    """Whether the stage is one, of the right kind, that fits the order's tumour."""
    told: dict[Any, Truth] = {}

    def staged(case: Case, entry: Entry, said: Said) -> Truth:
        kind = case.tumour.kind
        key = (
            said.get("stage"), said.get("system"), said.get("kind"), kind and kind.id, kind is None and case.is_malignant_without_kind()
        )  # fmt: skip
        if key not in told:
            if len(told) >= _MOST_STAGES:
                told.clear()
            truths = (truth for truth, _, _ in content_checks(case, fact, entry, options))
            told[key] = next((truth for truth in truths if truth is not True), True)
        return told[key]

    return staged


_MOST_STAGES = 4096


def _says_something(_: Case, __: Entry, said: Said) -> bool:
    """Whether a measurement has a value, or at least something in its place."""
    return said["value"] is not None or said["text"] is not None or said["conflict"] is not None


def reading_of(fact: Fact) -> Reading:
    """How the value of an entry is read."""
    measured, vocabulary = fact.measured, fact.vocabulary
    if measured is not None:
        return _number(fact, measured)
    if vocabulary is None:
        return lambda _: None
    field, words = vocabulary.field, frozenset(vocabulary.values)

    def word(entry: Entry) -> str | None:
        said = entry.__dict__.get(field)
        return said if said in words else None

    return word


def _number(fact: Fact, measured: Measured) -> Reading:
    unit, (low, high) = measured.unit, measured.plausible

    def number(entry: Entry) -> Decimal | None:
        said = entry.__dict__
        quantity = said.get("value")
        if not isinstance(quantity, Quantity):
            return None
        written = quantity.__dict__
        if written["comparator"] is not None:
            return None
        if written["unit"] == unit and said["conflict"] is None:
            value: Decimal = written["value"]
            return value if low <= value <= high else None
        return read_value(fact, entry)[0]

    return number
