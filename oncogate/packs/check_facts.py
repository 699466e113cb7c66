"""What a fact must be: its sections have what it asks of them, and what derives it fits what it says to give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oncogate.base.errors import did_you_mean
from oncogate.clinical.units import MEASURES
from oncogate.model.facts import Fact
from oncogate.model.formulas import FORMS, Form
from oncogate.model.record import PatientRecord
from oncogate.packs.check_conditions import Check, one_of
from oncogate.packs.document import Document
from oncogate.packs.entries import fields_of, words_in
from oncogate.packs.leaves import depth_of, facts_of, leaves
from oncogate.packs.options import cut_offs, options_of
from oncogate.packs.tables import Tables

DEEPEST = 50
"""Facts and trees of conditions inside each other; the shipped ones come to five."""


class CheckFact(Check):
    """Checks a fact as a whole."""

    def __init__(self, name: str, document: Document, facts: Mapping[str, Fact], tables: Tables) -> None:
        super().__init__(facts[name], document, facts, tables, ("facts", name))
        self.name, self.fact = name, facts[name]

    def run(self) -> None:
        """Report every problem."""
        super().run()
        fact = self.fact
        self._found()
        self.class_names(("drugs",), fact.drugs)
        self.class_names(("narrow_kinds",), fact.narrow_kinds)
        if fact.derive is not None:
            self._form(FORMS[fact.derive])
        for index, branch in enumerate(fact.cases):
            if fact.gives == "quantity":
                self.number(("cases", index, "then"), branch.then, fact.unit)
            elif branch.then not in fact.levels:
                said, help = (
                    f"`{branch.then}` isn't one of the `levels`",
                    did_you_mean(branch.then, fact.levels),
                )
                self.report(("cases", index, "then"), "level-unknown", said, help or "add it with its label")
        for index, item in enumerate(fact.points):
            self.number(("points", index, "points"), item.points, fact.unit)
        if fact.gives == "quantity" and fact.unit is None:
            said, help = "a quantity needs its `unit`", 'a mere number has the unit `"1"`'
            self.report((), "fact-unit", said, help)
        self._rests_on_others()

    def _found(self) -> None:
        """Check what the fact asks of the sections that it is found in."""
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
        sections = [name for name in (*fact.sections, *fact.also) if name in PatientRecord.SECTIONS]
        if not sections:
            return
        fields = fields_of(sections)
        if fact.vocabulary is not None and fact.vocabulary.field not in fields:
            said = f"the entries have no field `{fact.vocabulary.field}` of words"
            help = did_you_mean(fact.vocabulary.field, fields) or one_of(fields)
            self.report(("vocabulary", "field"), "fact-field", said, help)
        self._can_be(sections, "status", "counted", fact.counted)
        self._can_be(sections, "status", "ends", fact.ends)
        self._can_be(sections, "kind", "doubtful_kinds", fact.doubtful_kinds)
        if not fact.drugs:  # with drugs, a kind may be that of something that couldn't be read
            self._can_be(sections, "kind", "kinds", fact.kinds)

    def _can_be(self, sections: Sequence[str], field: str, key: str, named: Sequence[str]) -> None:
        """Check that entries of the sections can have each of the words that the fact names under `key`."""
        words = words_in(sections, field)
        for index, word in enumerate(named if words is not None else ()):
            if words is not None and word not in words:
                said = f"no entry of {', '.join(sections)} has the {field} `{word}`"
                self.report((key, index), "fact-word", said, did_you_mean(word, words) or one_of(words))

    def _form(self, form: Form) -> None:
        """Check what the fact says of its formula: what it gives, its levels, its options."""
        fact = self.fact
        if fact.gives != form.gives:
            self.report(
                ("gives",), "formula-gives", f"`{fact.derive}` gives `{form.gives}`, not `{fact.gives}`"
            )
        elif fact.unit != form.unit:
            said = f"gives it in `{form.unit}`" if form.unit else "gives nothing that has a unit"
            help = f"write `unit: {form.unit}`" if form.unit else "leave `unit` out"
            self.report(("unit",), "unit-mismatch", f"`{fact.derive}` {said}", help)
        if form.levels:
            self._levels(form)
        self._parameters(form)
        if fact.vocabulary is not None:
            self.class_names(("vocabulary", "values"), fact.vocabulary.values)

    def _levels(self, form: Form) -> None:
        fact = self.fact
        unknown = [level for level in fact.levels if level not in form.levels]
        for level in unknown:
            said = f"`{fact.derive}` doesn't give the level `{level}`"
            help = did_you_mean(level, form.levels)
            self.report(("levels", level), "level-unknown", said, help, key=True)
        missing = ", ".join(f"`{level}`" for level in form.levels if level not in fact.levels)
        if missing and not unknown:
            help = "write what clinicians call it: `{zh: …, en: …}`"
            self.report(("levels",), "level-missing", f"`levels` has no label of {missing}", help, key=True)

    def _parameters(self, form: Form) -> None:
        fact = self.fact
        takes = options_of(fact, self.tables)
        limits = cut_offs(self.tables) if form.cut_offs else frozenset()
        for name, parameter in fact.parameters.items():
            place = ("parameters", name)
            if name in takes:
                self.option(place, f"`{name}`", takes[name], parameter)
            elif name in limits:
                self.number(place, name)
            else:
                help = did_you_mean(name, {*takes, *limits})
                self.report(
                    place, "option-unknown", f"`{fact.derive}` takes no option `{name}`", help, key=True
                )
        missing = ", ".join(f"`{name}`" for name in sorted(limits - set(fact.parameters)))
        if missing:
            said = f"`parameters` lacks {missing}, which the tables of markers name"
            self.report(("parameters",), "option-missing", said, key=True)

    def _rests_on_others(self) -> None:
        if self.name in facts_of(self.fact, self.facts):
            self.report(
                (), "fact-circular", f"`{self.name}` asks for itself", "a derived fact rests on others"
            )
        elif self._too_deep(self.fact) and not any(
            self._too_deep(self.facts[name])
            for _, leaf in leaves(self.fact)
            for name in leaf.facts
            if name in self.facts
        ):
            said = f"`{self.name}` rests on facts that rest on facts, more than {DEEPEST} deep"
            self.report((), "fact-depth", said, "ask for fewer facts in a row")

    def _too_deep(self, fact: Fact) -> bool:
        return depth_of(fact, self.facts, DEEPEST) > DEEPEST
