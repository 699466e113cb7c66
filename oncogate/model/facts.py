"""What a fact is: a typed, named thing that rules ask of a request, declared once in `facts.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator

from oncogate.base.texts import Text
from oncogate.model.values import Model, Name, Number

Names = Annotated[tuple[Name, ...], Strict(False)]


FormulaName = Literal[
    "fn_risk", "has_first_line_list", "marker_results", "order_drugs", "order_drugs_recognised", "order_is_anti_tumour",
    "order_is_marked", "order_needs_marker", "pathology_excepted", "patient_has_tumour", "regimen_is_first_line",
    "start_limit_anc", "tumour_has_work_up", "tumour_is_staged", "work_up_complete",
]  # fmt: skip
"""The formulas that a fact can be derived by; `engine.formulas` holds one of each name."""


class CodeOf(Model):
    """A code with its system; both must match, since numbers are reused between systems."""

    system: Name
    code: Name


class Measured(Model):
    """How a fact's number is read: canonical `unit` of a closed `measure`, and what is plausible.

    `typical` is an unremarkable value, used for what-if and in examples, never to judge.
    """

    measure: Name
    unit: Name
    plausible: Annotated[tuple[Number, Number], Strict(False)]
    typical: Number


class Vocabulary(Model):
    """The values that a coded fact may have, each with its label."""

    field: Name
    values: dict[str, Text]


class Fact(Model):
    """One fact: either entries selected from sections of the record, or derived by a named formula.

    The entries of `also` count too, but the fact is known without them: an operation may stand among the
    treatments, and a record whose procedures were supplied is complete without that section.

    `codes` or `kinds` say which entries it means; an entry of another kind is shown as a near miss
    (`wrong_kind`) where `near_kinds` is set. An entry of a narrow kind, named as a class of drugs
    (`targeted`), counts where every anti-tumour drug of the order is of that class; whether one of a doubtful
    kind counts can't be told. `counted` are the statuses that count, `ends` those by which
    an earlier entry is taken back. `matches` names what an entry must agree on with the order where it
    names it at all. `focus: required` means that, with several tumours on record, an entry that doesn't
    say which one it is about doesn't count; `doubtful`: it can't be told whether it does.
    """

    label: Text
    sections: Names = ()
    also: Names = ()
    codes: Annotated[tuple[CodeOf, ...], Strict(False)] = ()
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
    gives: Literal["truth", "quantity", "level", "drugs"] | None = None
    unit: str | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Fact:
        if (self.derive is None) != (self.gives is None):
            raise ValueError("`derive` and `gives` go together")
        if (self.derive is None) == (not self.sections):
            raise ValueError("a fact has either `sections` or `derive`")
        return self


class FactsFile(Model):
    """The form of `facts.yaml`."""

    facts: dict[Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_0-9]+)+$")], Fact]
