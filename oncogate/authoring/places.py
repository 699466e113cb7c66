"""Places in plain data: walking them, writing one as a person reads it, and putting something else there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oncogate.packs.leaves import Place

DROPPED: Any = object()
"""Put in a place, it takes out what stands there."""


def places(data: Any, here: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every place in `data` with what stands there, the outer before the inner."""
    pairs: Iterable[tuple[str | int, Any]] = (
        data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    )
    for key, one in pairs:
        yield (*here, key), one
        yield from places(one, (*here, key))


def at(data: Any, place: Place) -> Any:
    """What stands at the place; raises `LookupError` if nothing does."""
    for part in place:
        data = data[part]
    return data


def put(data: Any, place: Place, new: Any) -> Any:
    """A copy of `data` with `new` at the place; a key that isn't there is added."""
    if not place:
        return new
    if isinstance(data, Mapping):
        key = str(place[0])
        made = {**data, key: put(data.get(key), place[1:], new)}
        return {key: one for key, one in made.items() if one is not DROPPED}
    listed = [put(one, place[1:], new) if index == place[0] else one for index, one in enumerate(data)]
    return [one for one in listed if one is not DROPPED]


def written(place: Place) -> str:
    """The place as text: `when[1].any[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(parts).removeprefix(".")
