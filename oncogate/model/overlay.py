"""What a layer sets over the packs: a nation, a province, a hospital, a department, each over the one before.

A layer may set parameters inside their range, raise an effect and adopt a rule on trial. To loosen (a lower
effect, a rule switched off or back on trial, a value beyond its range) takes a reason, who approved it and
until when; after that day it ends by itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Strict, model_validator

from oncogate.model.declared import Declared
from oncogate.model.rule import Effect, RuleId
from oncogate.model.values import Day, Name

LayerKind = Literal["national", "province", "hospital", "department"]
LAYERS: tuple[LayerKind, ...] = ("national", "province", "hospital", "department")


OwnerName = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)+|[a-z_]+(\.[a-z_0-9]+)+)$",
        description="a rule or a fact",
    ),
]


Words = Annotated[str, Field(pattern=r"\S", max_length=500, description="a text that isn't blank")]


class Loosening(Declared):
    """Why something was loosened, who approved it, and the last day on which it holds."""

    reason: Words | None = None
    approved_by: Words | None = None
    until: Day | None = None

    @property
    def justified(self) -> bool:
        """Whether all three are given."""
        return None not in (self.reason, self.approved_by, self.until)


class RuleSetting(Loosening):
    """What a layer says of a rule. `status: stable` adopts one on trial, and says who reviewed it by which source."""

    effect: Effect | None = None
    on_unknown: Literal["block", "warn"] | None = None
    status: Literal["stable", "trial", "off"] | None = None
    reviewed_by: Words | None = None
    source: Words | None = None
    date: Day | None = None

    @model_validator(mode="after")
    def _says_something(self) -> RuleSetting:
        if self.effect is None and self.on_unknown is None and self.status is None:
            raise ValueError("sets nothing: give `status`, `effect` or `on_unknown`")
        return self


class BeyondRange(Loosening):
    """A parameter's value beyond its range."""

    value: Any


class OverlayFile(Declared):
    """The form of a layer's file."""

    id: Name
    layer: LayerKind = "hospital"
    parameters: dict[OwnerName, dict[str, Any]] = Field(default_factory=dict)
    rules: dict[RuleId, RuleSetting] = Field(default_factory=dict)
    first_line: dict[str, Annotated[tuple[Name, ...], Strict(False)]] = Field(default_factory=dict)
    approved_by: str | None = None
    date: Day | None = None
