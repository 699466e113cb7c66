"""A property that is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

R = TypeVar("R")
_SET = object.__setattr__


class once(Generic[R]):  # noqa: N801 - a decorator, as `property` is
    """`functools.cached_property` without a lock.

    Before Python 3.12 that one holds a lock per property, not per object: two threads whose properties ask for each
    other's, on other objects, wait for ever. Here both may work the value out; it is the same.
    """

    def __init__(self, work: Callable[[Any], R]) -> None:
        self.work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> once[R]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> R: ...

    def __get__(self, instance: object | None, owner: type) -> once[R] | R:
        if instance is None:
            return self
        found = self.work(instance)
        _SET(instance, self.name, found)
        return found
