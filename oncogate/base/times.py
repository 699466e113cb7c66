"""Times as hospital systems write them, and calendar windows.

A time is an aware `datetime`, or a `date` where only the day is known. A day compares by its first
instant in the zone of the decision moment (`instant`). A time without a zone is refused unless the
caller names one: guessing a zone moves a consent across the moment of an order.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone, tzinfo

from dateutil.parser import isoparser
from dateutil.relativedelta import relativedelta
from dateutil.tz import gettz

Time = datetime | date

_ISO = isoparser()
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PARTIAL = re.compile(r"\d{4}(-\d{2})?")
_COMPACT = re.compile(r"(\d{8})(\d{4}(?:\d{2}(?:\.\d+)?)?)?([+-]\d{4}|Z)?")
_UNITS = {"min": "minutes", "h": "hours", "d": "days", "wk": "weeks", "mo": "months", "a": "years"}


class NaiveTime(ValueError):
    """A time of day without a zone."""


def read_time(text: str, zone: tzinfo | None = None) -> Time:
    """Read a time; `zone` is given to one that has none.

    Understood: ISO 8601 (`2026-03-02T09:30:00+08:00`), with a blank for the `T` and slashes or 年月日
    in the date, and the compact form of HL7 v2 (`20260302093000+0800`). Raises `NaiveTime` for a time
    of day without a zone when none is given, `ValueError` for anything else.
    """
    usual = usual_time(text)
    if usual is not None:
        return usual
    plain = _plain(text)
    if _PARTIAL.fullmatch(plain):
        raise ValueError("the time is less precise than a day")
    compact = _COMPACT.fullmatch(plain)
    if compact:
        day, clock, offset = compact.groups()
        plain = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        if clock:
            plain += f"T{clock[:2]}:{clock[2:4]}:{clock[4:] or '00'}{offset or ''}"
    try:
        if _DAY.fullmatch(plain):
            return date.fromisoformat(plain)
        moment = _ISO.isoparse(plain)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"`{text}` isn't a time") from error
    return aware(moment, zone)


def usual_time(text: str) -> datetime | None:
    """A time as most hosts write it, `2026-03-02T09:30:00+08:00`, read without ado; `None` for any other.

    All times of one offset get one zone object: such times are compared some ten times as fast.
    """
    if len(text) != 25 or text[10] != "T":
        return None
    offset = text[19:]
    anchor = _ANCHORS.get(offset) or _anchor(offset)
    try:
        clock = datetime.fromisoformat(text[:19])
    except ValueError:
        return None
    # the sum has the anchor's zone; `replace` takes twice as long
    return anchor + (clock - _ANCHOR) if anchor and 1 < clock.year < 9999 else None


_ANCHOR = datetime(2000, 1, 1)
_ANCHORS: dict[str, datetime] = {}
_OFFSET = re.compile(r"([+-])([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


def _anchor(offset: str) -> datetime | None:
    """The anchor in the zone of an offset such as `+08:00`."""
    found = _OFFSET.fullmatch(offset)
    if not found:
        return None
    span = timedelta(hours=int(found[2]), minutes=int(found[3]))
    anchor = _ANCHOR.replace(tzinfo=timezone(-span if found[1] == "-" else span))
    return _ANCHORS.setdefault(offset, anchor)


def aware(moment: datetime, zone: tzinfo | None = None) -> datetime:
    """`moment` with a fixed offset; `zone` is given to one that has none, else `NaiveTime`."""
    if moment.tzinfo is None:
        if zone is None:
            raise NaiveTime("the time has no zone")
        moment = moment.replace(tzinfo=zone)
    offset = moment.utcoffset() or timedelta()
    minutes = timedelta(minutes=offset // timedelta(minutes=1))
    try:
        moment.astimezone(timezone.utc)
        if offset != minutes:  # as before there were zones; ISO 8601 writes an offset in minutes
            return moment.astimezone(timezone(minutes))
    except OverflowError as error:
        raise ValueError("the time is beyond the calendar") from error
    return moment.replace(tzinfo=timezone(offset), fold=0)


def read_zone(name: str) -> tzinfo:
    """A zone by its name (`Asia/Shanghai`) or offset (`+08:00`); raises `ValueError`."""
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", name.strip())
    if offset:
        sign = -1 if offset[1] == "-" else 1
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if span >= timedelta(hours=24):
            raise ValueError(f"`{name}` isn't a time zone")
        return timezone(sign * span)
    zone = gettz(name) if name.strip() else None
    if zone is None:
        raise ValueError(f"`{name}` isn't a time zone")
    return zone


def instant(time: Time, at: datetime) -> datetime:
    """The first instant of `time`, a day being one in the zone of `at`."""
    if isinstance(time, datetime):
        return time
    return datetime(time.year, time.month, time.day, tzinfo=at.tzinfo)


def day_start(moment: datetime, at: datetime) -> datetime:
    """The first instant of the day of `moment`, in the zone of `at`."""
    return moment.astimezone(at.tzinfo).replace(hour=0, minute=0, second=0, microsecond=0)


def go_back(at: datetime, count: int, unit: str) -> datetime:
    """`at` less a window: `min`, `h`, `d`, `wk`, calendar months `mo` or years `a`."""
    try:
        name = _UNITS[unit]
        # of the calendar months and years alone; its arithmetic takes many times as long
        by_calendar = name in ("months", "years")
        return at - (relativedelta(**{name: count}) if by_calendar else timedelta(**{name: count}))  # type: ignore[arg-type]
    except (OverflowError, ValueError):
        return datetime.min.replace(tzinfo=timezone.utc) + timedelta(days=2)


def clock_span(count: int, unit: str) -> timedelta | None:
    """A window of minutes or hours as a span; `None` for one of whole days."""
    return timedelta(**{_UNITS[unit]: count}) if unit in ("min", "h") else None


def is_window_unit(unit: str) -> bool:
    """Whether `unit` is one that `go_back` takes."""
    return unit in _UNITS


def write_time(time: Time) -> str:
    """The canonical text of a time; `read_time` reads it back."""
    return time.isoformat()


def _plain(text: str) -> str:
    plain = text.strip()
    chinese = re.fullmatch(r"(\d{4})年(\d{1,2})月(\d{1,2})日\s*(.*)", plain)
    slashed = re.fullmatch(r"(\d{4})/(\d{1,2})/(\d{1,2})(?:[ T]+(.*))?", plain)
    found = chinese or slashed
    if found:
        year, month, day, rest = found.groups()
        plain = f"{year}-{month:0>2}-{day:0>2}" + (f"T{rest}" if rest else "")
    plain = re.sub(r"^(\d{4}-\d{2}-\d{2})[ t]+", r"\1T", plain)
    plain = re.sub(r"(\d) +([+-]\d{2}:?\d{2}|Z)$", r"\1\2", plain)
    return plain[:-1] + "Z" if plain.endswith("z") else plain
