"""What every part of a served gate works with, and how a call is judged: beside the loop that takes calls."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from oncogate.adapters.cdshooks.feedback import Kept
from oncogate.adapters.hl7v2.inbox import Inbox
from oncogate.server.auth.callers import Callers
from oncogate.server.measures import Measures
from oncogate.server.reading import Clock
from oncogate.server.rules_in_use import RulesInUse
from oncogate.server.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

AT_ONCE = 2
"""Calls judged at once by one worker. More threads share one interpreter and make each other wait; the rest queue."""


@dataclass
class Service:
    """One served gate."""

    settings: Settings
    rules: RulesInUse
    measures: Measures
    callers: Callers
    feedback: Kept
    inbox: Inbox | None = None
    """What was received by HL7 v2, where that comes in."""
    judging: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(AT_ONCE))

    @property
    def clock(self) -> Clock:
        """The clock of decisions."""
        return Clock(self.settings.timezone)

    async def judge(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do `work` in a thread: the loop goes on taking calls, so that health is answered while charts are read."""
        return await anyio.to_thread.run_sync(functools.partial(work, *args, **kwargs), limiter=self.judging)


def service_of(request: Request) -> Service:
    """The service that a call came to."""
    found: Any = request.app.state.service
    assert isinstance(found, Service)
    return found
