"""What a fact is: a typed, named thing that rules ask of a request, declared once in `facts.yaml`."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator

from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.model.condition import Conditions, Ref
from oncogate.model.declared import Declared
from oncogate.model.formulas import FormulaName, Gives
from oncogate.model.parameter import Parameter, Source
from oncogate.model.values import Model, Name, Number

Names = Annotated[tuple[Name, ...], Strict(False)]


def word_key(word: str) -> str:
    """A word without its case, width and blanks."""
    return "".join(unicodedata.normalize("NFKC", word).casefold().split())


class CodeOf(Model):
    """A code with its system; both must match, since numbers are reused between systems."""

    system: Name
    code: Name


class Measured(Declared):
    """How a fact's number is read: canonical `unit` of a closed `measure`, and what is plausible.

    `typical` is an unremarkable value, used for what-if and in examples, never to judge.
    """

    measure: Name
    unit: Name
    plausible: Annotated[tuple[Number, Number], Strict(False)]
    typical: Number


class Vocabulary(Declared):
    """The values that a coded fact may have, each with its label; `spellings` are other words for them."""

    field: Name
    values: dict[str, Text]
    spellings: dict[str, Names] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Vocabulary:
        unknown = [value for value in self.spellings if value not in self.values]
        if unknown:
            raise ValueError(f"`spellings` has `{unknown[0]}`, which isn't one of the values")
        return self

    @once
    def _by_word(self) -> dict[str, str]:
        words = {word_key(value): value for value in self.values}
        return words | {word_key(w): value for value, listed in self.spellings.items() for w in listed}

    def value_of(self, said: str | None) -> str | None:
        """The value that a word stands for; case, width and blanks count only where no spellings are given."""
        if said is None or said in self.values:
            return said
        return self._by_word.get(word_key(said)) if self.spellings else None


class Branch(Declared):
    """One case of a derived fact: its value is `then` where `when` holds and no case before did."""

    then: Name = Field(description="a level, or a parameter of this fact where it gives a quantity")
    when: Conditions | None = Field(default=None, description="without it: in any other case")


class Points(Declared):
    """Points of a score, given where `when` holds; `points` is a parameter of this fact."""

    points: Ref
    when: Conditions


class Fact(Declared):
    """One fact: either entries selected from sections of the record, or derived.

    A fact is derived by a named formula (`derive`), by conditions (`when`: true, false or unknown), by the first
    of several `cases` that holds, or as the sum of `points`. Like a rule it then has `parameters`, each with its
    source, which a site may tune.

    The entries of `also` count too, but the fact is known without them: an operation may stand among the
    treatments, and a record whose procedures were supplied is complete without that section.

    `codes` or `kinds` say which entries it means; an entry of another kind is shown as a near miss
    (`wrong_kind`) where `near_kinds` is set. An entry of a narrow kind, named as a class of drugs
    (`targeted`), counts where every anti-tumour drug of the order is of that class; whether one of a doubtful
    kind counts can't be told; without any of `kinds` and `doubtful_kinds` every entry is meant. `counted` are the statuses that count, `ends` those by which
    an earlier entry is taken back. `matches` names what an entry must agree on with the order where it
    names it at all. `focus: required` means that, with several tumours on record, an entry that doesn't
    say which one it is about doesn't count; `doubtful`: it can't be told whether it does.
    """

    label: Text
    sections: Names = ()
    also: Names = ()
    codes: Annotated[tuple[CodeOf, ...], Strict(False)] = ()
    icd10: Names = Field(default=(), description="diagnoses: codes that begin so, without their dot")
    kinds: Names = ()
    narrow_kinds: Names = ()
    doubtful_kinds: Names = ()
    near_kinds: bool = False
    drugs: Names = ()
    counted: Names = ()
    ends: Names = ()
    matches: Annotated[tuple[Literal["regimen", "cycle"], ...], Strict(False)] = ()
    focus: Literal["optional", "required", "doubtful", "ignored"] = "optional"
    measured: Measured | None = None
    vocabulary: Vocabulary | None = None
    stage: Literal["clinical", "pathologic"] | None = None
    derive: FormulaName | None = None
    when: Conditions | None = None
    cases: Annotated[tuple[Branch, ...], Strict(False)] = ()
    points: Annotated[tuple[Points, ...], Strict(False)] = ()
    gives: Gives | None = None
    always_known: bool = Field(default=False, description="a formula that is never unknown")
    unit: str | None = None
    levels: dict[str, Text] = Field(default_factory=dict, description="what a level is called")
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], Parameter] = Field(
        default_factory=dict
    )
    sources: dict[str, Source] = Field(default_factory=dict)
    source: str | None = None
    equivalent: dict[Name, Name] = Field(
        default_factory=dict,
        description="mutants that no request can tell from the fact, each with the reason",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Fact:
        ways = [self.derive is not None, self.when is not None, bool(self.cases), bool(self.points)]
        if sum(ways) + bool(self.sections) != 1:
            raise ValueError("a fact has one of `sections`, `derive`, `when`, `cases`, `points`")
        if any(ways) != (self.gives is not None):
            raise ValueError("a derived fact, and no other, says what it `gives`")
        if self.when is not None and self.gives != "truth":
            raise ValueError("a fact with `when` gives a truth")
        if self.cases and self.gives not in ("level", "quantity"):
            raise ValueError("a fact with `cases` gives a level or a quantity")
        if self.points and self.gives != "quantity":
            raise ValueError("a fact with `points` gives a quantity")
        return self

    @once
    def code_keys(self) -> frozenset[tuple[str | None, str | None]]:
        """The codes as pairs of system and code."""
        return frozenset((c.system, c.code) for c in self.codes)

    @property
    def derived(self) -> bool:
        """Whether the fact is worked out rather than found in the record."""
        return not self.sections


class FactsFile(Declared):
    """The form of `facts.yaml`."""

    facts: dict[Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_0-9]+)+$")], Fact]
