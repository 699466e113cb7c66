"""What a fact asks of an entry, and the value that an entry says, as small functions chosen once; entries are plain data.

What can't be told at a glance is unknown here, and gets a closer look by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from oncogate.base.logic import Truth
from oncogate.clinical.units import to_canonical
from oncogate.engine.case import Case
from oncogate.engine.content import content_checks
from oncogate.engine.select import REPLACES
from oncogate.engine.standing import Counting, Standing
from oncogate.model.at_once import Plain
from oncogate.model.facts import Fact, Measured
from oncogate.model.parameter import Parameter
from oncogate.model.record import MEASURED, Stage
from oncogate.packs.codes import icd10_of

FOREVER = "~"
"""The time of what counts whatever its time: no window is too short for it."""

Found = tuple["str | None", "str | None", bool, "float | str | None"]
"""The counted entries of a fact: the time of the newest; that of the newest that may count; whether more may be hidden; and
the exact number, or the word of the vocabulary, that the newest says, where one entry and no other is the newest and it
says one."""

LAST, DOUBT, HIDDEN, VALUE = 0, 1, 2, 3
"""The places of these in what was found."""

NONE: Found = (None, None, False, None)
"""Nothing there."""
NOT_SUPPLIED: Found = (None, None, True, None)
"""Nothing known of whether something is there."""

Look = Callable[[object, Case], Any]
"""What the rows of one section say of a fact; what they hide isn't told. Called as what fills a slot (`Find`)."""
Otherwise = Callable[[Case], "Found | None"]
"""What is asked instead where one of the rows bears on others, or something couldn't be read."""
Check = Callable[[Case, Plain], Truth]
"""Whether an entry that stands is what a fact asks for; unknown where that wants a closer look."""
Reading = Callable[[Plain], "float | str | None"]
"""The exact number that an entry says in the fact's unit, or its word; `None` where it says none, or a bound only."""


def bears_on_others(row: Plain, section: str) -> bool:
    """Whether the entry may take another's place."""
    return row.get("status") in REPLACES and (row.get("key") is not None or section in MEASURED)


def closer_look(
    case: Case, fact: Fact, options: Mapping[str, Parameter], section: str, closer: Sequence[Plain],
    seen: tuple[str | None, Plain | None],
) -> Found:  # fmt: skip
    """What is found in a section: the newest that was seen, its time first, and these rows, each by its standing."""
    rows = case.rows[section] or ()
    counting = Counting(case, fact, None, None, None, None, options)
    wanted = {id(row) for row in closer}
    last, newest = seen
    doubt: str | None = None
    for place, row in enumerate(rows):
        standing = counting.standing(case.record.entry(section, place)) if id(row) in wanted else None
        if standing is None or standing.counted is False:
            continue
        when = time_of(standing, case)
        if standing.counted is None:
            doubt = when if doubt is None or when > doubt else doubt
        elif last is None or when > last:
            last, newest = when, row
        elif when == last:
            newest = None
    alone = newest is not None and last is not None and (doubt is None or doubt < last)
    return last, doubt, False, reading_of(fact)(newest) if alone and newest is not None else None


def time_of(standing: Standing, case: Case) -> str:
    """When an entry was true, as a local time."""
    return FOREVER if standing.when is None else case.text_of(standing.when)


# -- checks -------------------------------------------------------------------------------------------


def checks_of(fact: Fact, section: str, options: Mapping[str, Parameter]) -> Iterator[Check]:
    """What the fact asks of an entry that stands, and no more."""
    if section == "diagnoses" and fact.icd10:
        yield _diagnosed(fact.icd10)
    elif section != "stages" and _kind_is_doubtful(fact, section):
        yield lambda _, __: None
    if fact.focus != "ignored":
        yield _focused(fact)
    if fact.matches:
        yield _matching(fact)
    if fact.vocabulary is not None:
        field, words = fact.vocabulary.field, frozenset(fact.vocabulary.values)
        yield lambda _, row: True if row.get(field) in words else None
    elif section in MEASURED:
        yield lambda _, row: says_something(row)
    if fact.stage is not None and section == "stages":
        yield _staged(fact, options)


def says_something(row: Plain) -> bool:
    """Whether a measurement has a value, or at least something in its place."""
    return row.get("value") is not None or row.get("text") is not None or row.get("conflict") is not None


_TOLD_BY_KIND = frozenset(
    {"assessments", "consents", "procedures", "allergies", "meetings", "educations", "follow_ups", "events"}
)
_TOLD_IF_SAID = frozenset({"pathology", "markers", "exams"})
"""Entries of no stated kind are meant, too."""


def kinds_of(fact: Fact, section: str) -> frozenset[str | None] | None:
    """The kinds of entries that the fact means, where the kind tells; `None` where every entry is meant, or `checks_of` tells."""
    if not fact.kinds or _kind_is_doubtful(fact, section):
        return None
    return frozenset({*fact.kinds, None} if section in _TOLD_IF_SAID else fact.kinds)


def _kind_is_doubtful(fact: Fact, section: str) -> bool:
    return bool(fact.doubtful_kinds or fact.narrow_kinds) or section not in _TOLD_BY_KIND | _TOLD_IF_SAID


def _diagnosed(prefixes: tuple[str, ...]) -> Check:
    """Whether a diagnosis is one of those that begin so; one whose codes aren't of ICD-10 can't be told."""

    def diagnosed(_: Case, row: Plain) -> Truth:
        codes = row["codes"]
        said = [icd10_of(code.get("system"), code.get("code")) for code in codes]
        plain = [code for code in said if code is not None]
        return any(code.startswith(prefixes) for code in plain) if plain or not codes else None

    return diagnosed


def _focused(fact: Fact) -> Check:
    """Whether the entry is about the order's tumour."""
    optional = fact.focus == "optional"

    def focused(case: Case, row: Plain) -> Truth:
        focus = row.get("focus")
        if focus is not None:
            return case.about_this_tumour(focus)
        return True if optional or case.tumour.several is False else None

    return focused


def _matching(fact: Fact) -> Check:
    """Whether the regimen and the cycle are the order's, where they are named."""
    by_regimen, by_cycle = "regimen" in fact.matches, "cycle" in fact.matches

    def matching(case: Case, row: Plain) -> Truth:
        order = case.order_row
        if order is None:
            return True
        named, cycle = row.get("regimen") if by_regimen else None, row.get("cycle") if by_cycle else None
        if (named and not order.get("regimen")) or (cycle is not None and order.get("cycle") is None):
            return None
        if cycle is not None and cycle != order.get("cycle"):
            return False
        return case.tables.same_regimen(named, order["regimen"]) if named else True

    return matching


def _staged(fact: Fact, options: Mapping[str, Parameter]) -> Check:
    """Whether the stage is one, of the right kind, that fits the order's tumour."""
    told: dict[Any, Truth] = {}

    def staged(case: Case, row: Plain) -> Truth:
        kind = case.tumour.kind
        key = (
            row.get("stage"), row.get("system"), row.get("kind"), kind and kind.id, kind is None and case.is_malignant_without_kind()
        )  # fmt: skip
        if key not in told:
            if len(told) >= _MOST_STAGES:
                told.clear()
            entry = Stage.model_validate(row)
            truths = (truth for truth, _, _ in content_checks(case, fact, entry, options))
            told[key] = next((truth for truth in truths if truth is not True), True)
        return told[key]

    return staged


_MOST_STAGES = 4096

# -- values -------------------------------------------------------------------------------------------


def reading_of(fact: Fact) -> Reading:
    """How the value of an entry is read."""
    measured, vocabulary = fact.measured, fact.vocabulary
    if measured is not None:
        return _number(measured)
    if vocabulary is None:
        return lambda _: None
    field, words = vocabulary.field, frozenset(vocabulary.values)

    def word(row: Plain) -> str | None:
        said: str | None = row.get(field)
        return said if said in words else None

    return word


def _number(measured: Measured) -> Reading:
    unit, (low, high) = measured.unit, map(float, measured.plausible)

    def number(row: Plain) -> float | None:
        quantity = row.get("value")
        if quantity is None or quantity.get("comparator") is not None or row.get("conflict") is not None:
            return None
        value: float | None = quantity["value"]
        if quantity["unit"] != unit:
            value = _converted(measured.measure, quantity["value"], quantity["unit"])
        return value if value is not None and low <= value <= high else None

    return number


@lru_cache(maxsize=4096)
def _converted(measure: str, value: float, unit: str) -> float | None:
    number = to_canonical(measure, Decimal(repr(value)), unit)
    return None if number is None else exact_float(number)


def exact_float(number: Decimal) -> float | None:
    """The float that stands for this number and no other; `None` where there is none.

    Numbers of up to 15 digits each have one, and compare as those do: exactly.
    """
    found = float(number)
    return found if Decimal(repr(found)) == number else None
