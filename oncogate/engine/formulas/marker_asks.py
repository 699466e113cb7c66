"""What the order's drugs ask of molecular markers: the rows of the table that bind them in this tumour and line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from oncogate.base.logic import Truth, every, negate
from oncogate.clinical.marker_tests import Branch
from oncogate.engine.case import Case, OrderedDrug
from oncogate.engine.select import select
from oncogate.packs.tables import MarkerRow

EXCLUDING = frozenset({"wildtype", "negative"})
"""Polarities of rows that a result can exclude; of the others it can only fall short."""


@dataclass(frozen=True)
class Demand:
    """A drug of the order with the rows that bind it; `also` are other uses, of which the order doesn't tell.

    `perhaps`: whether a row applies can't be told, so nothing it asks is missed for certain. `guessed`: the order has a
    drug that isn't recognised, and may be this one.
    """

    drug: OrderedDrug
    rows: tuple[MarkerRow, ...]
    also: tuple[MarkerRow, ...]
    perhaps: bool
    guessed: bool = False

    @property
    def id(self) -> str:
        """The drug's id in the table."""
        return self.drug.known.id if self.drug.known else ""

    @property
    def excluding(self) -> bool:
        """Whether a result can exclude the drug."""
        return any(row.polarity in EXCLUDING for row in self.rows)


def demands(case: Case) -> list[Demand]:
    """What each recognised drug of the order asks; nothing for those that ask nothing here."""
    found: list[Demand] | None = case.memo.get("marker demands")
    if found is None:
        made = [_demand(case, drug) for drug in case.drugs if drug.known is not None]
        found = case.memo["marker demands"] = [d for d in made if d is not None]
    return found


def guesses(case: Case) -> list[Demand]:
    """What a drug of the order that isn't recognised may ask: all that the drugs of the table ask here."""
    found: list[Demand] | None = case.memo.get("marker guesses")
    if found is None:
        known = [case.tables.drugs[id] for id in sorted(case.tables.drug_markers)] if case.doubtful else []
        made = [_demand(case, OrderedDrug({"name": one.id}, one)) for one in known]
        found = case.memo["marker guesses"] = [replace(d, guessed=True) for d in made if d is not None]
    return found


def _demand(case: Case, drug: OrderedDrug) -> Demand | None:
    assert drug.known is not None
    kind = case.tumour.kind
    rows = [
        row for row in case.tables.drug_markers.get(drug.known.id, ())
        if kind is None or not row.tumours or kind.id in row.tumours
    ]  # fmt: skip
    free = [row for row in rows if not row.needs and not row.context]
    if any(kind is not None or not row.tumours for row in free):
        return None
    applies = {id(row): in_context(case, row) for row in rows}
    bound = [row for row in rows if row.fits and applies[id(row)] is not False]
    if not bound:
        return None
    perhaps = kind is None or all(applies[id(row)] is None for row in bound)
    also = tuple(row for row in rows if row.fits and applies[id(row)] is False and "unstated" in row.context)
    return Demand(drug, tuple(bound), also, perhaps)


def in_context(case: Case, row: MarkerRow) -> Truth:
    """Whether a row is about such an order: its line, and what is given beside the drug."""
    return every([_context(case, word) for word in sorted(row.context)])


def _context(case: Case, word: str) -> Truth:
    if word == "first_line":
        line = case.order.line if case.order else None
        return line == 1 if line is not None else negate(select(case, "treatment.systemic").exists)
    if word == "alone":
        others = [d for d in case.drugs if d.known is None or d.known.anti_tumour]
        return len(others) == 1 if all(d.known for d in others) else None
    if word.startswith("with:"):
        return case.has_drug([word.removeprefix("with:")])
    return False


def is_immunotherapy(demand: Demand) -> bool:
    """Whether the drug is an immunotherapy, of which the core rule asks no result."""
    return demand.drug.known is not None and demand.drug.known.cls == "immunotherapy"


def markers_of(branches: Iterable[Branch]) -> set[str]:
    """All markers that some branches ask of."""
    return {m for branch in branches for test in branch for m in test.markers}
