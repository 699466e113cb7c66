"""Strategies of single values: moments, times, quantities, drugs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from oncogate.authoring.around import step_of
from oncogate.authoring.examples import AT
from oncogate.base.times import go_back
from oncogate.model.record import Drug
from oncogate.model.values import Comparator, Quantity
from oncogate.packs.pack import Library
from oncogate.testing.hospital import Hospital, hospital_of, lost_units, units_of

Draw = Callable[[st.SearchStrategy[Any]], Any]

MOMENTS = (
    AT,
    datetime(2026, 3, 31, tzinfo=AT.tzinfo),
    datetime(2026, 3, 1, 20, 15, 30, tzinfo=timezone.utc),
)
"""An ordinary morning; midnight at the end of a long month; a moment that is another day in China."""
_HOURS = (1, 2, 20, 48, 200)
_WINDOWS = (
    (1, "d"),
    (3, "d"),
    (7, "d"),
    (14, "d"),
    (21, "d"),
    (28, "d"),
    (30, "d"),
    (1, "mo"),
    (3, "mo"),
    (1, "a"),
)
_STEPS = (timedelta(), timedelta(minutes=1), -timedelta(minutes=1), timedelta(seconds=1))
_ABROAD = timezone(timedelta(hours=-5))
_ROUTES = ("静脉滴注", "IV", "口服", "皮下注射", "鞘内注射")


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """`usual` most of the time; it is what is shrunk to."""
    return st.sampled_from((*((usual,) * (4 * len(others))), *others))


def moments() -> st.SearchStrategy[datetime]:
    """Moments of decision, with a zone; shrinks to one ordinary morning."""
    return st.sampled_from(MOMENTS)


@lru_cache(maxsize=16)
def times(at: datetime = AT) -> st.SearchStrategy[datetime | date]:
    """When something was, by the moment `at`: shrinks to an hour ago.

    Hours and days ago, on the edge of the usual windows and a step beside it, in the zone of `at`, in UTC and abroad;
    the day alone; now and then later than `at`.
    """
    past = [at - timedelta(hours=h) for h in _HOURS]
    edges = [go_back(at, *window) + step for window in _WINDOWS for step in _STEPS]
    days = [go_back(at, n, "d").date() for n in (0, 1, 7, 21, 30)]
    zoned = [t.astimezone(zone) for t in edges[::5] for zone in (timezone.utc, _ABROAD)]
    later = [at, at + timedelta(minutes=1), at + timedelta(days=2), go_back(at, -1, "d").date()]
    return st.one_of(
        st.sampled_from(past),
        st.sampled_from(edges),
        st.sampled_from(days),
        st.sampled_from([*zoned, *later]),
    )


def quantities(
    fact: str, library: Library | Hospital | None = None, around: Sequence[Decimal] = ()
) -> st.SearchStrategy[Quantity]:
    """Values of a measured fact as laboratories send them; shrinks to the fact's typical value in its own unit.

    On each of the limits `around` (in the fact's unit) and one step beside it, round values of the plausible range,
    the ends of that range and just beyond; in every spelling of its units, now and then censored or in a unit that
    can't be read. Raises `ValueError` for a fact that isn't measured.
    """
    measured = hospital_of(library).fact(fact).measured
    if measured is None:
        raise ValueError(f"`{fact}` isn't measured")
    low, high = measured.plausible
    limits = [abs(limit + step) for limit in around for step in (0, step_of(limit), -step_of(limit))]
    others = [measured.typical / 2, measured.typical * 2, low, high, high + step_of(high)]
    value = st.sampled_from([measured.typical, *limits, *limits, *others])
    units = units_of(measured.measure)
    lost = {unit: Decimal(1) for unit in lost_units(measured.measure)}
    spelled = st.one_of(
        st.just((measured.unit, Decimal(1))), st.sampled_from([*units.items()]), mostly((measured.unit, Decimal(1)), *lost.items())
    )  # fmt: skip

    def written(value: Decimal, unit: tuple[str, Decimal], comparator: Comparator | None) -> Quantity:
        spelling, by = unit if _divides(value, unit[1]) else (measured.unit, Decimal(1))
        return Quantity(value=value / by, unit=spelling, comparator=comparator)

    return st.builds(written, value, spelled, mostly(None, "<", "<=", ">", ">="))


def _divides(value: Decimal, by: Decimal) -> bool:
    """Whether a value has few enough digits in another unit for a laboratory to print it."""
    digits = (value / by).normalize().as_tuple()
    return len(digits.digits) <= 6 and isinstance(digits.exponent, int) and digits.exponent >= -4


def drugs(cls: str | None = None, library: Library | Hospital | None = None) -> st.SearchStrategy[Drug]:
    """Drugs of a class, a group or an id (`cytotoxic`, `anti_cd20`, `docetaxel`), of any for `None`.

    As a hospital names them (`多西他赛注射液(20mg)`, an English name, an ATC code), each recognised as that drug; now and
    then with a dose and a route. Shrinks to a short plain name. Raises `ValueError` for a class that isn't there.
    """
    hospital = hospital_of(library)
    dose = mostly(
        None, *((Decimal(n), unit) for n, unit in ((100, "mg"), (120, "mg"), (1, "g"), (2, "mg"), (1, "支")))
    )

    @st.composite
    def written(draw: Draw) -> Drug:
        plain: Drug = draw(st.sampled_from(hospital.written(draw(one))))
        given, route = draw(dose), draw(mostly(None, *_ROUTES))
        amount = {"dose": given[0], "unit": given[1]} if given else {}
        return plain.model_copy(update={**amount, "route": route})

    one = st.sampled_from(hospital.drugs_of(cls))
    return written()
