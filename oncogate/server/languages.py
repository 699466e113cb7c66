"""The language of an answer: what the caller accepts, else what the service is told."""

from __future__ import annotations

from oncogate.base.texts import Language

_KNOWN: tuple[Language, ...] = ("zh", "en")


def language_of(accepted: str | None, default: Language) -> Language:
    """The first of `zh` and `en` by the weights of an `Accept-Language` header; `default` if it names neither."""
    best: tuple[float, int, Language] | None = None
    for place, part in enumerate((accepted or "").split(",")):
        tag, _, parameters = part.partition(";")
        primary = tag.strip().casefold().split("-")[0]
        for one in _KNOWN:
            weight = _weight(parameters)
            if primary == one and weight > 0 and (best is None or (weight, -place) > best[:2]):
                best = (weight, -place, one)
    return best[2] if best is not None else default


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().casefold() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
