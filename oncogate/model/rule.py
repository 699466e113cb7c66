"""What a rule file says. A leaf is one flow mapping on one line; there is no grammar to parse.

The verdict follows from `when` (does the rule apply?) and `require` (what it asks for); a rule without
`require` names a hazard by its `when` alone.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Strict, Tag, model_validator

from oncogate.base.texts import Text
from oncogate.model.values import Day, Model, Name, Number, Plain

RuleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)+$")]
Ref = Annotated[str, Field(min_length=1, description="a parameter of this rule, or a fact")]
FactName = Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_0-9]+)+$", description="a fact of facts.yaml")]

Effect = Literal["block", "warn", "inform", "critical_value"]
Outcome = Literal["block", "warn", "allow"]
Verdict = Literal["not_applicable", "met", "unmet", "unknown"]
Status = Literal["draft", "trial", "stable", "deprecated"]

COMPARISONS = ("below", "at_most", "above", "at_least")


class Leaf(Model):
    """What every leaf has: `with` hands parameters of the rule to the fact, by the fact's own names."""

    with_: dict[str, Ref] = Field(default_factory=dict, alias="with")


class Exists(Leaf):
    """True if a counted entry of the fact is there, in the window if one is given."""

    exists: FactName
    within: Ref | None = None
    older_than: Ref | None = None
    since: FactName | None = Field(
        default=None, description="not before the newest counted entry of this fact"
    )


class Compared(Leaf):
    """A comparison with a parameter or a derived fact."""

    below: Ref | None = None
    at_most: Ref | None = None
    above: Ref | None = None
    at_least: Ref | None = None
    in_: Ref | None = Field(default=None, alias="in", description="a parameter that lists values")

    @model_validator(mode="after")
    def _one_comparison(self) -> Compared:
        given = [name for name in (*COMPARISONS, "in_") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("needs exactly one of `below`, `at_most`, `above`, `at_least`, `in`")
        return self

    @property
    def comparison(self) -> tuple[str, str]:
        """The operator and what it refers to."""
        return next((name, ref) for name in (*COMPARISONS, "in_") if (ref := getattr(self, name)) is not None)


class Latest(Compared):
    """Compares the newest counted entry of the fact."""

    latest: FactName
    within: Ref | None = None


class Value(Compared):
    """Compares a derived value."""

    value: FactName


class Holds(Leaf):
    """A derived fact that is itself true, false or unknown."""

    holds: FactName


class Drugs(Leaf):
    """Asks which kinds of drugs a list of drugs has; `in` is `drugs/<class>` or a parameter that lists some."""

    any_of: FactName | None = None
    all_of: FactName | None = None
    none_of: FactName | None = None
    in_: Ref = Field(alias="in")

    @model_validator(mode="after")
    def _one_quantifier(self) -> Drugs:
        if sum(x is not None for x in (self.any_of, self.all_of, self.none_of)) != 1:
            raise ValueError("needs exactly one of `any_of`, `all_of`, `none_of`")
        return self

    @property
    def fact(self) -> str:
        """The fact that lists the drugs."""
        return self.any_of or self.all_of or self.none_of or ""


class Supplied(Leaf):
    """True if the host supplied the section at all. Use it only to keep a rule out of others' business."""

    supplied: Name


class All(Model):
    """Every one of the conditions."""

    all: Conditions


class AnyOf(Model):
    """At least one of the conditions."""

    any: Conditions


class Not(Model):
    """The negation; of an unknown it is unknown."""

    not_: Condition = Field(alias="not")


class AtLeastN(Model):
    """At least so many of the conditions; the count is a parameter."""

    at_least_n: Ref
    of: Conditions


_KEYS = {
    "exists": "exists", "latest": "latest", "value": "value", "holds": "holds", "supplied": "supplied",
    "any_of": "drugs", "all_of": "drugs", "none_of": "drugs",
    "all": "all", "any": "any", "not": "not", "at_least_n": "at_least_n",
}  # fmt: skip


def _which(value: Any) -> str | None:
    if isinstance(value, Model):
        return next((tag for tag, kind in CONDITION_KINDS.items() if type(value) is kind), None)
    if isinstance(value, dict):
        return next((_KEYS[key] for key in value if key in _KEYS), None)
    return None


Condition = Annotated[
    Annotated[Exists, Tag("exists")]
    | Annotated[Latest, Tag("latest")]
    | Annotated[Value, Tag("value")]
    | Annotated[Holds, Tag("holds")]
    | Annotated[Drugs, Tag("drugs")]
    | Annotated[Supplied, Tag("supplied")]
    | Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[AtLeastN, Tag("at_least_n")],
    Discriminator(
        _which,
        custom_error_type="condition",
        custom_error_message="isn't a condition: it starts with one of "
        "`exists`, `latest`, `value`, `holds`, `any_of`, `all_of`, `none_of`, `supplied`, `all`, `any`, `not`, `at_least_n`",
    ),
]
Conditions = Annotated[tuple[Condition, ...], Strict(False), Field(min_length=1)]

CONDITION_KINDS: dict[str, type[Model]] = {
    "exists": Exists, "latest": Latest, "value": Value, "holds": Holds, "drugs": Drugs, "supplied": Supplied,
    "all": All, "any": AnyOf, "not": Not, "at_least_n": AtLeastN,
}  # fmt: skip

for _kind in (All, AnyOf, Not, AtLeastN):
    _kind.model_rebuild()


class Source(Model):
    """Where a number or a demand comes from. `general_knowledge` awaits a reviewer."""

    cite: Name
    says: str | None = None
    verification: Literal["sourced", "general_knowledge", "reviewed"]
    checked: Day | None = None
    url: str | None = None


class Parameter(Model):
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
        problem = self.problem_with(self.value)
        if problem:
            raise ValueError(problem)
        return self

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


class Remedy(Text):
    """What to do now. `adds` is what the record then holds; without it only the patient or order can change."""

    action: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    adds: dict[str, Plain] | None = None


class Override(Model):
    """Who may go on in spite of the finding, and for which reasons. The host records it."""

    allowed: Literal["never", "with_reason", "with_second_signature"]
    by: Annotated[tuple[Name, ...], Strict(False)] = ()
    reasons: Annotated[tuple[Name, ...], Strict(False)] = ()


class Obliged(Model):
    """What follows from the finding; the host acts."""

    kind: Name
    level: str | None = None
    text: Text | None = None


class Said(Model):
    """What the finding says of itself, by verdict; `{drugs}`, `{tumour}`, `{regimen}` and parameters are filled in."""

    unmet: Text
    unknown: Text | None = None


class Example(Model):
    """A case inside the rule file: what is given and what the rule then says."""

    name: Name
    given: Plain
    expect: Literal["met", "unmet", "unknown", "not_applicable", "raised", "not_raised"]
    why: str | None = None


class Deprecated(Model):
    """Since when and by what a retired rule is replaced."""

    since: Day
    replaced_by: RuleId | None = None


class Rule(Model):
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

    @model_validator(mode="after")
    def _unknown_speaks(self) -> Rule:
        if self.effect == "critical_value" and self.require is not None:
            raise ValueError("a critical value is named by `when` alone; drop `require`")
        return self

    @property
    def if_unknown(self) -> Literal["block", "warn"]:
        """What the rule asks when it can't be judged: never nothing."""
        return self.on_unknown or ("block" if self.effect == "block" else "warn")


class PackFile(Model):
    """The form of `pack.yaml`: what a folder of rules is called and which version it is."""

    id: Name
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: Text


class SiteFile(Model):
    """What a site sets over the packs: parameters inside their range, and its own first-line regimens."""

    id: Name
    parameters: dict[RuleId, dict[str, Any]] = Field(default_factory=dict)
    first_line: dict[str, Annotated[tuple[Name, ...], Strict(False)]] = Field(default_factory=dict)
    approved_by: str | None = None
    date: datetime.date | None = None
