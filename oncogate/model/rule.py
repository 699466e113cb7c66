"""What a rule file says.

The verdict follows from `when` (does the rule apply?) and `require` (what it asks for); a rule without
`require` names a hazard by its `when` alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.model.condition import Conditions, Drugs
from oncogate.model.declared import Declared
from oncogate.model.parameter import Parameter, Source
from oncogate.model.values import Day, Model, Name, Plain

RULE_ID = r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)+$"
VERSION = r"^\d+\.\d+\.\d+$"
RuleId = Annotated[str, Field(pattern=RULE_ID)]

Effect = Literal["block", "warn", "inform", "critical_value"]
Outcome = Literal["block", "warn", "allow"]
Verdict = Literal["not_applicable", "met", "unmet", "unknown"]
EFFECT_LABELS: Mapping[Effect, Text] = {
    "block": Text(zh="拦截", en="block"), "warn": Text(zh="警示", en="warn"), "inform": Text(zh="提示", en="inform"),
    "critical_value": Text(zh="危急值", en="critical value"),
}  # fmt: skip
Status = Literal["draft", "trial", "stable", "deprecated"]


class Remedy(Text, defer_build=True):
    """What to do now. `adds` is what the record then holds; without it only the patient or order can change.

    Of a section it holds one entry, or a list of them.
    """

    action: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    adds: dict[str, Plain | Annotated[tuple[Plain, ...], Strict(False)]] | None = None


class Override(Model):
    """Who may go on in spite of the finding, and for which reasons. The host records it."""

    allowed: Literal["never", "with_reason", "with_second_signature"]
    by: Annotated[tuple[Name, ...], Strict(False)] = ()
    reasons: Annotated[tuple[Name, ...], Strict(False)] = ()


class Obliged(Declared):
    """What follows from the finding; the host acts."""

    kind: Name
    level: str | None = None
    text: Text | None = None


class Said(Declared):
    """What the finding says of itself, by verdict; `{drugs}`, `{tumour}`, `{regimen}` and parameters are filled in."""

    unmet: Text
    unknown: Text | None = None


class Example(Declared):
    """A case inside the rule file: what is given, what the rule then says, for which reason, and what it asks for."""

    name: Name
    given: Plain
    expect: Literal["met", "unmet", "unknown", "not_applicable", "raised", "not_raised"]
    why: str | None = None
    asks: Literal["block", "warn", "inform", "nothing"] | None = None


class Deprecated(Declared):
    """Since when and by what a retired rule is replaced."""

    since: Day
    replaced_by: RuleId | None = None


class Rule(Declared):
    """One rule: one effect, one file; the path is the id."""

    id: RuleId
    version: Annotated[int, Field(ge=1)]
    status: Status
    effect: Effect
    on_unknown: Literal["block", "warn"] | None = None
    title: Text
    rationale: Text
    sources: dict[str, Source]
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], Parameter] = Field(
        default_factory=dict
    )
    when: Conditions
    require: Conditions | None = None
    reason: Said
    remedy: Remedy | None = None
    remedy_if_unknown: Remedy | None = None
    override: Override = Override(allowed="never")
    obligations: Annotated[tuple[Obliged, ...], Strict(False)] = ()
    deprecated: Deprecated | None = None
    examples: Annotated[tuple[Example, ...], Strict(False)] = ()
    equivalent: dict[Name, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _unknown_speaks(self) -> Rule:
        if self.effect == "critical_value" and self.require is not None:
            raise ValueError("a critical value is named by `when` alone; drop `require`")
        return self

    @once
    def drug_classes(self) -> tuple[frozenset[str], ...]:
        """The classes of drugs without any of which in the order the rule doesn't apply, condition by condition."""
        plain = (c for c in self.when if isinstance(c, Drugs) and c.any_of is not None)
        return tuple(frozenset({c.in_.removeprefix("drugs/")}) for c in plain if c.in_.startswith("drugs/"))

    @property
    def if_unknown(self) -> Literal["block", "warn", "inform"]:
        """What the rule asks when it can't be judged: its effect, or as it says; never nothing."""
        return self.on_unknown or ("warn" if self.effect == "critical_value" else self.effect)


def _version(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(VERSION, value):
        raise PydanticCustomError(
            "version", "should be three whole numbers with points between, as in `1.0.0`"
        )
    return value


class PackFile(Declared):
    """The form of `pack.yaml`: what a folder of rules is called and which version it is."""

    id: Name
    version: Annotated[str, BeforeValidator(_version), Field(pattern=VERSION)]
    title: Text
