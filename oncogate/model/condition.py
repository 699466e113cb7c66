"""Conditions: leaves that ask one thing of a request, and the trees that combine them.

A leaf is one flow mapping on one line of a YAML file; there is no grammar to parse. It holds no numbers:
what it compares with are parameters, by name.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Strict, Tag, model_validator

from oncogate.base.once import once
from oncogate.model.declared import Declared
from oncogate.model.values import Model, Name

Ref = Annotated[str, Field(min_length=1, description="a parameter of this rule, or a fact")]
FactName = Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_0-9]+)+$", description="a fact of facts.yaml")]

COMPARISONS = ("below", "at_most", "above", "at_least")
_REFS = (
    *COMPARISONS, "in_", "within", "older_than", "due_within", "repeats", "quiet", "route", "route_other_than",
    "dose_above", "dose_at_least",
)  # fmt: skip


class Leaf(Declared):
    """What every leaf has: `with` hands parameters of the rule to the fact, by the fact's own names."""

    with_: dict[str, Ref] = Field(default_factory=dict, alias="with")

    @property
    def facts(self) -> tuple[str, ...]:
        """The names that the leaf gives where a fact may stand."""
        return ()

    @property
    def refs(self) -> tuple[str, ...]:
        """The parameters that the leaf refers to (a comparison may refer to a fact instead)."""
        named = (getattr(self, name, None) for name in _REFS)
        return (*self.with_.values(), *(ref for ref in named if ref is not None))


class Exists(Leaf):
    """True if a counted entry of the fact is there, in the window if one is given."""

    exists: FactName
    within: Ref | None = None
    older_than: Ref | None = None
    since: FactName | None = Field(
        default=None, description="not before the newest counted entry of this fact"
    )
    due_within: Ref | None = Field(
        default=None, description="planned for no later than this after the moment, and not before it"
    )

    @property
    def facts(self) -> tuple[str, ...]:
        """The fact, and the one that it is dated by."""
        return (self.exists,) if self.since is None else (self.exists, self.since)


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

    @once
    def comparison(self) -> tuple[str, str]:
        """The operator and what it refers to."""
        return next((name, ref) for name in (*COMPARISONS, "in_") if (ref := getattr(self, name)) is not None)


class Latest(Compared):
    """Compares the newest counted entry of the fact.

    `repeats` is for critical values: a parameter that says whether one is raised `every_time`, `first_only`
    (not if another entry of the last `quiet` compares so too) or `if_worse` (only if none compared as badly).
    """

    latest: FactName
    within: Ref | None = None
    repeats: Ref | None = None
    quiet: Ref | None = None

    @model_validator(mode="after")
    def _both(self) -> Latest:
        if (self.repeats is None) != (self.quiet is None):
            raise ValueError("`repeats` and `quiet` go together")
        return self

    @property
    def facts(self) -> tuple[str, ...]:
        """The fact, and the one that it may be compared with."""
        return (self.latest, self.comparison[1])


class Value(Compared):
    """Compares a derived value."""

    value: FactName

    @property
    def facts(self) -> tuple[str, ...]:
        """The fact, and the one that it may be compared with."""
        return (self.value, self.comparison[1])


class Holds(Leaf):
    """A derived fact that is itself true, false or unknown."""

    holds: FactName

    @property
    def facts(self) -> tuple[str, ...]:
        """The fact."""
        return (self.holds,)


class Drugs(Leaf):
    """Asks which kinds of drugs the order has; `in` is `drugs/<class>` or a parameter that lists some.

    A class is one of the classes of drugs, a group of `drug-groups.yaml`, or a single drug by its id. `route`, `route_other_than`,
    `dose_above` and `dose_at_least` narrow it to drugs given so; a route or dose that isn't stated is unknown.
    """

    any_of: FactName | None = None
    all_of: FactName | None = None
    none_of: FactName | None = None
    in_: Ref = Field(alias="in")
    route: Ref | None = None
    route_other_than: Ref | None = None
    dose_above: Ref | None = None
    dose_at_least: Ref | None = None

    @model_validator(mode="after")
    def _one_quantifier(self) -> Drugs:
        if sum(x is not None for x in (self.any_of, self.all_of, self.none_of)) != 1:
            raise ValueError("needs exactly one of `any_of`, `all_of`, `none_of`")
        return self

    @property
    def fact(self) -> str:
        """The fact that lists the drugs."""
        return self.any_of or self.all_of or self.none_of or ""

    @property
    def narrowed(self) -> bool:
        """Whether it asks for more than the classes of the drugs."""
        return any((self.route, self.route_other_than, self.dose_above, self.dose_at_least))


class Supplied(Leaf):
    """True if the host supplied the section at all. Use it only to keep a rule out of others' business."""

    supplied: Name


class All(Declared):
    """Every one of the conditions."""

    all: Conditions


class AnyOf(Declared):
    """At least one of the conditions."""

    any: Conditions


class Not(Declared):
    """The negation; of an unknown it is unknown."""

    not_: Condition = Field(alias="not")


class AtLeastN(Declared):
    """At least so many of the conditions; the count is a parameter."""

    at_least_n: Ref
    of: Conditions


CONDITION_KEYS = {
    "exists": "exists", "latest": "latest", "value": "value", "holds": "holds", "supplied": "supplied",
    "any_of": "drugs", "all_of": "drugs", "none_of": "drugs",
    "all": "all", "any": "any", "not": "not", "at_least_n": "at_least_n",
}  # fmt: skip
"""The key that says which kind of condition it is, for each."""


def _which(value: Any) -> str | None:
    if isinstance(value, Model):
        return next((tag for tag, kind in CONDITION_KINDS.items() if type(value) is kind), None)
    if isinstance(value, dict):
        return next((CONDITION_KEYS[key] for key in value if key in CONDITION_KEYS), None)
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
