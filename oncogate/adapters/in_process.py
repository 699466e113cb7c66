"""For Python hosts: a function that saves an order runs only if the gate lets the order through.

As a decorator, or around a block, with and without an event loop:

    @gated(gate, request=request_of)
    def sign(order): ...

    with checked(gate, request) as decision:
        save(order)

Whatever goes wrong, the function or the block doesn't run: an order that is blocked raises `OrderBlocked`, a gate that fails
`OrderNotChecked`; both are `OncogateError`s, as is the `RequestError` of a record that doesn't fit.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from oncogate.base.errors import Diagnostic, OncogateError
from oncogate.model.decision import Decision
from oncogate.model.request import Request

P = ParamSpec("P")
R = TypeVar("R")

_decision: ContextVar[Decision | None] = ContextVar("oncogate_decision", default=None)


class OrderBlocked(OncogateError):
    """The gate blocks the order; `decision` has the reasons. The message names order and rules, and nothing of the record."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        order = "the order" if decision.order is None else f"the order `{decision.order}`"
        by = ", ".join(f"`{rule}`" for rule in decision.determining_rules)
        super().__init__([
            Diagnostic("", 0, 0, "order-blocked", f"{order} is blocked by {by}", "show the reasons")
        ])  # fmt: skip


class OrderNotChecked(OncogateError):
    """The order could not be judged, and was not saved; the exception's cause says why."""

    def __init__(self, problem: str) -> None:
        super().__init__([
            Diagnostic("", 0, 0, "order-not-checked", problem, "see the cause; the order was not saved")
        ])  # fmt: skip


class Judge(Protocol):
    """A `Gate`, or what stands for one."""

    def decide(self, request: Request) -> Decision:
        """Judge the request."""


def current_decision() -> Decision:
    """The decision under which the running function or block saves its order: its warnings, obligations, critical values.

    Raises `LookupError` outside of one.
    """
    found = _decision.get()
    if found is None:
        raise LookupError("no order is being saved under a decision here")
    return found


class checked:  # noqa: N801 - a context, as `suppress` is
    """The block runs only if the gate lets the order through, and gets the decision: `with` and `async with`.

    Judging takes a few milliseconds of the processor, in the caller's thread; `in_thread` has `async with` do it in another,
    while the event loop serves others.
    """

    def __init__(self, gate: Judge, request: Request, *, in_thread: bool = False) -> None:
        self._gate, self._request, self._in_thread = gate, request, in_thread

    def __enter__(self) -> Decision:
        self._saving = _saving(_judged(self._gate, self._request))
        return self._saving.__enter__()

    def __exit__(self, *raised: Any) -> None:
        self._saving.__exit__(*raised)

    async def __aenter__(self) -> Decision:
        self._saving = _saving(await _judged_aside(self._gate, self._request, self._in_thread))
        return self._saving.__enter__()

    async def __aexit__(self, *raised: Any) -> None:
        self._saving.__exit__(*raised)


def gated(
    gate: Judge, *, request: Callable[P, Request | Awaitable[Request]], on_block: Callable[[Decision], Any] | None = None,
    in_thread: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:  # fmt: skip
    """Decorates the function, plain or `async`, that saves an order: it runs only if the gate lets the order through.

    `request` makes the request from the function's own arguments; for an `async` function it may be `async` too. What it raises
    is raised. What `on_block` makes of the decision is returned in the function's stead; without it `OrderBlocked` is raised. The
    function finds the decision by `current_decision()`. `in_thread` is that of `checked`, for `async` functions.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("`gated` is for the function that saves an order, not for a generator")
        if not inspect.iscoroutinefunction(function):
            if in_thread:
                raise TypeError("`in_thread` is for `async` functions")

            @functools.wraps(function)
            def now(*args: P.args, **kwargs: P.kwargs) -> R:
                decision = _judged(gate, request(*args, **kwargs))
                if on_block is not None and decision.outcome == "block":
                    return cast(R, on_block(decision))
                with _saving(decision):
                    return function(*args, **kwargs)

            return now

        @functools.wraps(function)
        async def later(*args: P.args, **kwargs: P.kwargs) -> Any:
            decision = await _judged_aside(gate, await _awaited(request(*args, **kwargs)), in_thread)
            if on_block is not None and decision.outcome == "block":
                return await _awaited(on_block(decision))
            with _saving(decision):
                return await function(*args, **kwargs)

        return cast(Callable[P, R], later)

    return decorate


def _judged(gate: Judge, request: object) -> Decision:
    if not isinstance(request, Request):
        raise OrderNotChecked(f"a `Request` is judged, not a `{type(request).__name__}`")
    try:
        decision = gate.decide(request)
    except OncogateError:
        raise
    except Exception as error:
        raise OrderNotChecked(f"the gate failed: {type(error).__name__}") from error
    if not isinstance(decision, Decision):
        raise OrderNotChecked(f"the gate gave a `{type(decision).__name__}`, not a decision")
    return decision


async def _judged_aside(gate: Judge, request: object, in_thread: bool) -> Decision:
    return await asyncio.to_thread(_judged, gate, request) if in_thread else _judged(gate, request)


@contextmanager
def _saving(decision: Decision) -> Iterator[Decision]:
    """What runs in it may save the order: the one place through which an order gets."""
    if decision.outcome == "block":
        raise OrderBlocked(decision)
    before = _decision.get()
    _decision.set(decision)
    try:
        yield decision
    finally:
        _decision.set(before)  # no token: frameworks end a block in another context than they began it in


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
