"""Models made of what is known to be right.

Input is validated; what the engine itself puts together, of the texts of rules and of what was validated before, need not
be. It is many parts a decision, and making them so takes a third of the time.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)

# the places of an object in which pydantic keeps a model; a frozen one is filled by them alone
_SET_VALUES, _SET_FIELDS, _SET_EXTRA, _SET_PRIVATE = (
    BaseModel.__dict__[place].__set__
    for place in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def made(model: type[M], values: dict[str, Any], fields_set: set[str] | None = None) -> M:
    """A model of `values`, its fields in their order, as `model_construct` makes it.

    They are its `__dict__` from then on. All fields count as set, if not said otherwise.
    """
    new = model.__new__(model)
    _SET_VALUES(new, values)
    _SET_FIELDS(new, _all_fields(model) if fields_set is None else fields_set)
    _SET_EXTRA(new, None)
    _SET_PRIVATE(new, None)
    return new


@cache
def _all_fields(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)
