"""What a rule must be beyond its form: every name that it uses exists, every unit fits, every text can be filled.

These are errors: a rule that has one can't be judged, so nothing is loaded. Matters of good keeping are
the linter's.
"""

from __future__ import annotations

import string
from collections.abc import Mapping

from oncogate.base.errors import did_you_mean
from oncogate.base.texts import Text
from oncogate.model.condition import Latest
from oncogate.model.facts import Fact
from oncogate.model.record import PatientRecord
from oncogate.model.rule import Rule
from oncogate.packs.check_conditions import Check
from oncogate.packs.check_facts import CheckFact
from oncogate.packs.document import Document, Path_
from oncogate.packs.leaves import leaves
from oncogate.packs.tables import Tables

TEXT_NAMES = frozenset(
    {"drugs", "tumour", "regimen", "at", "missing", "value", "when", "used_limit", "because"}
)


def check_fact(name: str, document: Document, facts: Mapping[str, Fact], tables: Tables) -> None:
    """Report into `document` what keeps a fact from being found or derived."""
    CheckFact(name, document, facts, tables).run()


def check_rule(rule: Rule, document: Document, facts: Mapping[str, Fact], tables: Tables) -> None:
    """Report into `document` what keeps `rule` from being judged."""
    _CheckRule(rule, document, facts, tables).run()


class _CheckRule(Check):
    """Checks a rule as a whole."""

    def __init__(self, rule: Rule, document: Document, facts: Mapping[str, Fact], tables: Tables) -> None:
        super().__init__(rule, document, facts, tables)
        self.rule = rule

    def run(self) -> None:
        """Report every problem."""
        self._id()
        super().run()
        self._texts()
        self._remedies()
        if self.rule.effect == "critical_value" and not any(
            isinstance(leaf, Latest) for _, leaf in leaves(self.rule)
        ):
            self.report(
                ("effect",),
                "critical-without-value",
                "a critical value needs a `latest` leaf that compares it",
            )

    def _id(self) -> None:
        path = self.document.path.resolve().with_suffix("").as_posix()
        if not f"/{path}".endswith(f"/{self.rule.id}"):
            self.report(
                ("id",),
                "rule-path",
                f"the id `{self.rule.id}` doesn't match the file's path",
                "path equals id: the id is the path below the rules folder",
            )

    def _texts(self) -> None:
        allowed = TEXT_NAMES | set(self.rule.parameters)
        texts: list[tuple[Path_, Text | None]] = [
            (("reason", "unmet"), self.rule.reason.unmet), (("reason", "unknown"), self.rule.reason.unknown),
            (("remedy",), self.rule.remedy), (("remedy_if_unknown",), self.rule.remedy_if_unknown),
            *((("obligations", index, "text"), o.text) for index, o in enumerate(self.rule.obligations)),
        ]  # fmt: skip
        for where, text in texts:
            for language in ("zh", "en"):
                try:
                    names = [
                        n
                        for _, n, _, _ in string.Formatter().parse(getattr(text, language) if text else "")
                        if n is not None
                    ]
                except ValueError as error:
                    self.report(
                        (*where, language),
                        "text-template",
                        f"can't be filled in: {error}",
                        "double a brace that is meant as text",
                    )
                    continue
                for name in names:
                    if name not in allowed:
                        self.report(
                            (*where, language),
                            "text-name",
                            f"nothing fills in `{{{name}}}`",
                            did_you_mean(name, allowed),
                        )

    def _remedies(self) -> None:
        for key in ("remedy", "remedy_if_unknown"):
            remedy = getattr(self.rule, key)
            for section in (remedy.adds or {}) if remedy else ():
                if section not in PatientRecord.SECTIONS:
                    self.report(
                        (key, "adds", section),
                        "section-unknown",
                        f"unknown section `{section}`",
                        did_you_mean(section, PatientRecord.SECTIONS),
                    )
