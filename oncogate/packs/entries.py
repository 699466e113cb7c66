"""What the entries of a section can say, by their models: which fields they have, and which words a field may hold."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Literal, get_args, get_origin

from oncogate.model.record import Entry, PatientRecord


def fields_of(sections: Iterable[str]) -> frozenset[str]:
    """The fields of words that entries of the sections have, beside what every entry has."""
    found = (
        name
        for section in sections
        for name, field in _model(section).model_fields.items()
        if name not in Entry.model_fields and str in _types(field.annotation)
    )
    return frozenset(found)


def words_in(sections: Iterable[str], field: str) -> frozenset[str] | None:
    """The words that a field of the sections' entries may hold; `None` where one may hold any."""
    words: set[str] = set()
    for section in sections:
        model = _model(section)
        if field in model.model_fields:
            types = _types(model.model_fields[field].annotation)
            if str in types:
                return None
            words |= {one for one in types if isinstance(one, str)}
    return frozenset(words)


@cache
def _model(section: str) -> type[Entry]:
    found: type[Entry] = _types(PatientRecord.model_fields[section].annotation)[0]
    return found


def _types(annotation: Any) -> list[Any]:
    """What an annotation is made of: plain types, and the words of a literal."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    parts = get_args(annotation)
    return [one for part in parts for one in _types(part)] if parts else [annotation]
