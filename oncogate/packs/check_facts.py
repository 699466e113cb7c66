"""What a fact must be: its sections and measure exist, and what it is derived by fits."""

from __future__ import annotations

from collections.abc import Mapping

from oncogate.base.errors import did_you_mean
from oncogate.clinical.units import MEASURES
from oncogate.model.facts import Fact
from oncogate.model.record import PatientRecord
from oncogate.packs.check_conditions import Check
from oncogate.packs.document import Document
from oncogate.packs.leaves import facts_of
from oncogate.packs.tables import Tables


class CheckFact(Check):
    """Checks a fact as a whole."""

    def __init__(self, name: str, document: Document, facts: Mapping[str, Fact], tables: Tables) -> None:
        super().__init__(facts[name], document, facts, tables, ("facts", name))
        self.name, self.fact = name, facts[name]

    def run(self) -> None:
        """Report every problem."""
        super().run()
        self._as_fact()

    def _as_fact(self) -> None:
        fact = self.fact
        for key, names in (("sections", fact.sections), ("also", fact.also)):
            for section in names:
                if section not in PatientRecord.SECTIONS:
                    help = did_you_mean(section, PatientRecord.SECTIONS)
                    self.report((key,), "fact-section", f"there is no section `{section}`", help)
        if fact.measured is not None and fact.measured.measure not in MEASURES:
            measure = fact.measured.measure
            help = did_you_mean(measure, MEASURES)
            self.report(("measured",), "fact-measure", f"there is no measure `{measure}`", help)
        self.class_names(("drugs",), fact.drugs)
        for index, branch in enumerate(fact.cases):
            if fact.gives == "quantity":
                self.number(("cases", index, "then"), branch.then, fact.unit)
        for index, item in enumerate(fact.points):
            self.number(("points", index, "points"), item.points, fact.unit)
        name = str(self.base[-1])
        if name in facts_of(fact, self.facts):
            self.report((), "fact-circular", f"`{name}` asks for itself", "a derived fact rests on others")
