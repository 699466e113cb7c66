"""Derived facts: what the order, the record and the tables together say, three-valued like everything else.

A formula gets the case and the rule's parameters by the names under which the leaf hands them over, and
gives a `Derived`: the values that are possible. One possible value is a known one. The formulas are in
`engine/formulas/`, by what they are about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oncogate.base.logic import Truth
from oncogate.base.made import made
from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.engine.case import Case, OrderedDrug, in_classes
from oncogate.model.decision import Evidence
from oncogate.model.parameter import Parameter

Options = Mapping[str, Parameter]
Possible = frozenset[Any]
Rows = tuple[Evidence, ...] | Callable[[], tuple[Evidence, ...]]
"""Evidence, or how to write it: most of it nobody looks at."""


def look_at(rows: Rows) -> tuple[Evidence, ...]:
    """The evidence, written if it wasn't yet."""
    return rows() if callable(rows) else rows


@dataclass
class Derived:
    """The possible values of a derived fact, what it rests on, and what would have to be there.

    `holding` says in words what made it so.
    """

    possible: Possible
    rows: Rows = ()
    missing: tuple[str, ...] = ()
    holding: tuple[Text, ...] = ()

    @once
    def evidence(self) -> tuple[Evidence, ...]:
        """What it rests on."""
        return look_at(self.rows)

    @property
    def truth(self) -> Truth:
        """The value as a truth; unknown if both are possible."""
        return next(iter(self.possible)) if len(self.possible) == 1 else None


Formula = Callable[[Case, Options], Derived]


_POSSIBLE: Mapping[Truth, Possible] = {
    True: frozenset({True}), False: frozenset({False}), None: frozenset({True, False}),
}  # fmt: skip


def known(
    truth: Truth,
    evidence: Iterable[Evidence] | Callable[[], Iterable[Evidence]] = (),
    missing: Iterable[str] = (),
) -> Derived:
    """A derived truth; `evidence` may be how to write it."""
    rows = (lambda: tuple(evidence())) if callable(evidence) else tuple(evidence)
    return Derived(_POSSIBLE[truth], rows, tuple(missing))


def drug_evidence(case: Case, fact: str, classes: Iterable[str]) -> Sequence[Evidence]:
    """The order's drugs that are, or could be, of the classes."""
    wanted = frozenset(classes)
    found: list[Evidence] | None = case.memo.get(("drugs", fact, wanted))
    if found is None:
        found = case.memo["drugs", fact, wanted] = _drug_evidence(case, fact, wanted)
    return found


def _drug_evidence(case: Case, fact: str, wanted: frozenset[str]) -> list[Evidence]:
    label = case.facts[fact].label if fact in case.facts else None
    rows = []
    for drug in case.drugs:
        if drug.known is None:
            rows += [unrecognised("order.drugs", drug)] if case.marked else []
        elif (member := in_classes(drug.known, wanted)) is not False:
            named, called = drug.label.zh, drug.known.label
            rows.append(made(Evidence, {
                "fact": fact, "label": label, "entry": None, "source": None, "counted": member, "why": None, "value": named,
                "time": None, "precision": None, "detail": called,
            }))  # fmt: skip
    if case.doubtful and not case.drugs:
        said = Text(
            zh="医嘱标明为抗肿瘤治疗，但没有列出药品",
            en="the order is marked as anti-tumour but lists no drug",
        )
        rows.append(Evidence(fact=fact, counted=None, why="absent", detail=said))
    return rows


def unrecognised(fact: str, drug: OrderedDrug) -> Evidence:
    """A drug of the order that could not be recognised."""
    said = Text(zh="未能识别的药品", en="a drug that isn't recognised")
    return Evidence(fact=fact, counted=None, why="invalid", value=drug.label.zh, detail=said)
