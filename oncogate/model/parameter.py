"""Parameters: every number that a hospital could want to change, with its unit, range and source."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Strict, model_validator

from oncogate.base.texts import Text
from oncogate.model.declared import Declared
from oncogate.model.values import Day, Name, Number


class Source(Declared):
    """Where a number or a demand comes from. `general_knowledge` awaits a reviewer."""

    cite: Name
    says: str | None = None
    verification: Literal["sourced", "general_knowledge", "reviewed"]
    checked: Day | None = None
    url: str | None = None


class Parameter(Declared):
    """A named value that a condition refers to; a site may set it inside `range` where it is `tunable`."""

    value: Number | str | bool | Annotated[tuple[str, ...], Strict(False)]
    unit: str | None = None
    range: Annotated[tuple[Number, Number], Strict(False)] | None = None
    choices: Annotated[tuple[str, ...], Strict(False)] | None = None
    tunable: bool = False
    source: str
    label: Text | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _inside(self) -> Parameter:
        if self.range is not None and self.range[0] > self.range[1]:
            low, high = reversed(self.range)
            raise ValueError(f"the range is reversed: write `[{low}, {high}]`")
        problem = self.problem_with(self.value)
        if problem:
            raise ValueError(problem)
        return self

    @property
    def number(self) -> Decimal:
        """The value of one that is a number."""
        assert isinstance(self.value, Decimal)
        return self.value

    def problem_with(self, value: Any) -> str:
        """Why `value` can't be this parameter's, or an empty string."""
        if self.range is not None:
            low, high = self.range
            if isinstance(value, (bool, str, tuple)):
                return "the value isn't a number (a quoted one is text)"
            if not low <= value <= high:
                return f"the value is outside its range {low} to {high}"
        if self.choices is not None:
            chosen = value if isinstance(value, tuple) else (value,)
            unknown = [str(one) for one in chosen if one not in self.choices]
            if unknown:
                return f"`{unknown[0]}` isn't one of the choices {', '.join(self.choices)}"
        return ""
