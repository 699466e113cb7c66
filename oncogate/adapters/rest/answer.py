"""What a client of a served gate hears: a decision, or that there is none and what holds instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oncogate.base.errors import Diagnostic
from oncogate.model.decision import Decision

Fail = Literal["closed", "open"]
"""What holds of an order that was not checked: `closed` holds it back, `open` lets it through."""


@dataclass(frozen=True)
class Answer:
    """The answer to one question. Made by `of` and `without`, so that its parts always agree.

    `let_through` says whether the order may be saved: by the decision, or where there is none by the caller's policy. `why` says
    why there is no decision; `code` and `message` are for a log and for the screen.
    """

    decision: Decision | None
    let_through: bool
    why: Diagnostic | None = None

    @classmethod
    def of(cls, decision: Decision) -> Answer:
        """The order was checked. `warn` lets it through; the host shows the warning."""
        return cls(decision, decision.outcome != "block")

    @classmethod
    def without(cls, why: Diagnostic, fail: Fail) -> Answer:
        """The order was not checked."""
        return cls(None, fail == "open", why)

    @property
    def checked(self) -> bool:
        """Whether the gate judged the order. One that was let through without having been checked has not passed."""
        return self.decision is not None

    def __bool__(self) -> bool:
        raise TypeError("an answer is neither true nor false: ask for `let_through`, or `checked`")
