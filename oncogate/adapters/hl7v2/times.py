"""Times of HL7 v2 (TS, DTM) in canonical form. The zone is the time's own, else the message's, else the site's."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo

from oncogate.base.times import NaiveTime, read_time, write_time

_TIME = re.compile(r"(\d{8})(?:(\d{2})(?:(\d{2})(?:(\d{2}(?:\.\d{1,4})?))?)?)?([+-]\d{4})?")


class UnreadTime(ValueError):
    """A time that can't be read, and why."""


def read_ts(said: str, zone: tzinfo | None) -> str:
    """A time in canonical form; a whole day where only the day is said. Raises `UnreadTime`."""
    found = _TIME.fullmatch(said)
    if found is None:
        short = re.fullmatch(r"\d{4}(\d{2})?", said)
        raise UnreadTime(
            f"the time `{said[:40]}` is less precise than a day" if short else f"`{said[:40]}` isn't a time"
        )
    day, hour, minute, second, offset = found.groups()
    written = day if hour is None else f"{day}{hour}{minute or '00'}{second or '00'}{offset or ''}"
    try:
        return write_time(read_time(written, zone))
    except NaiveTime:
        raise UnreadTime(f"the time `{said[:40]}` has no zone") from None
    except ValueError:
        raise UnreadTime(f"`{said[:40]}` isn't a time") from None


def zone_of(said: str) -> tzinfo | None:
    """The offset that a time states, if it states one that can be."""
    found = _TIME.fullmatch(said)
    if found is None or found[5] is None:
        return None
    span = timedelta(hours=int(found[5][1:3]), minutes=int(found[5][3:5]))
    return timezone(-span if found[5][0] == "-" else span) if span < timedelta(hours=24) else None


def is_whole(said: str, like: str) -> bool:
    """Whether a time at the very end of a message can't be one cut off: it is as precise as `like`, and as zoned."""
    found, other = _TIME.fullmatch(said), _TIME.fullmatch(like)
    if found is None or other is None:
        return False
    return found[5] is not None or (other[5] is None and _digits(said) >= _digits(like))


def _digits(time: str) -> int:
    return len(re.sub(r"[.+-].*", "", time))
