"""A rule and the requests that checks try it with, and what a check says when one of them shows a fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oncogate.authoring.coverage import Coverage, coverage
from oncogate.authoring.examples import UNUSABLE, request_of, with_first_line
from oncogate.authoring.flow import flow
from oncogate.authoring.probes import probes_with_requests
from oncogate.base.errors import Diagnostic
from oncogate.base.once import once
from oncogate.engine.case import Case
from oncogate.engine.judge import Judgement, judge
from oncogate.explain.findings import finding_of
from oncogate.model.decision import Finding
from oncogate.model.facts import Fact
from oncogate.model.record import Entry, PatientRecord
from oncogate.model.request import Request
from oncogate.model.rule import Rule, Verdict
from oncogate.packs.leaves import Place, facts_of
from oncogate.packs.pack import Library, LoadedRule


@dataclass(frozen=True)
class Tried:
    """A request that a rule is tried with; `about` says what it shows, `where` its place in the rule's file."""

    about: str
    where: Place
    given: Mapping[str, Any]
    request: Request
    library: Library
    """With the first-line lists that the `given` brings."""

    @property
    def supplied(self) -> tuple[str, ...]:
        """The sections of the record that were supplied."""
        return tuple(s for s in PatientRecord.SECTIONS if self.request.record.section(s) is not None)

    def entries(self, section: str) -> tuple[Entry, ...]:
        """The entries of a section; none where it was not supplied."""
        return self.request.record.section(section) or ()

    def with_record(self, **changes: Any) -> Request:
        """The request with other sections in its record."""
        record = self.request.record.model_copy(update=changes)
        return self.request.model_copy(update={"record": record})


@dataclass(frozen=True)
class Failure:
    """What a check has found: where, on which `given`, and what the rule itself says of it."""

    loaded: LoadedRule
    message: str
    where: Place = ()
    given: Mapping[str, Any] | None = None
    finding: Finding | None = None
    check: str = ""

    @property
    def diagnostic(self) -> Diagnostic:
        """The failure at its line of the rule file."""
        said = f"`{self.check}`: {self.message}" if self.check else self.message
        help = f"the case is {flow(self.given)}" if self.given is not None else ""
        return self.loaded.document.diagnostic(self.where, "check-failed", said, help, key=True)

    def __str__(self) -> str:
        said = (self.finding.explain("zh"), self.finding.explain("en")) if self.finding is not None else ()
        lines = [line for text in said for line in text.splitlines()]
        return "\n".join([str(self.diagnostic), *(f"    {line}" for line in lines)])


@dataclass(frozen=True)
class Subject:
    """A rule under test. It is judged by itself, whatever its status.

    It is tried with its examples and, beside them, with up to so many `probes`: requests around its limits.
    """

    loaded: LoadedRule
    library: Library
    probes: int = 0

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.loaded.rule

    @once
    def shown(self) -> Coverage:
        """What the rule's examples show."""
        return coverage(self.library, self.loaded)

    @once
    def facts(self) -> tuple[Fact, ...]:
        """The facts that the rule asks for, and those that these ask for."""
        return tuple(self.library.facts[name] for name in facts_of(self.rule, self.library.facts))

    @once
    def tried(self) -> tuple[tuple[Tried, Verdict], ...]:
        """The requests, with what the rule says of each."""
        return tuple((tried, self.verdict(tried, tried.request)) for tried in self._each())

    def _each(self) -> Iterator[Tried]:
        for index, example in enumerate(self.rule.examples):
            try:
                request = request_of(example.given, self.library)
            except UNUSABLE:
                continue  # the check of the examples reports it
            library = with_first_line(self.library, example.given)
            yield Tried(f"example `{example.name}`", ("examples", index), example.given, request, library)
        every = tuple(probes_with_requests(self.rule, self.library)) if self.probes else ()
        for probe, request in every[:: len(every) // self.probes + 1] if every else ():
            library = with_first_line(self.library, probe.given)
            yield Tried(probe.about, (), probe.given, request, library)

    def verdict(self, tried: Tried, request: Request) -> Verdict:
        """What the rule says of a request."""
        return self.judgement(tried, request)[0].verdict

    def judgement(self, tried: Tried, request: Request) -> tuple[Judgement, Case]:
        """The rule's judgement of a request, and the case that it judged."""
        case = Case.of(request, tried.library)
        return judge(self.rule, case), case

    def finding(self, tried: Tried, request: Request) -> Finding:
        """The rule's finding on a request."""
        judgement, case = self.judgement(tried, request)
        return finding_of(judgement, case, tried.library.in_force(case.at.date()))

    def failure(self, tried: Tried, request: Request, message: str) -> Failure:
        """That something is wrong with what the rule says of `request`, made of the one tried."""
        said = f"{tried.about}: {message}"
        return Failure(self.loaded, said, tried.where, tried.given, self.finding(tried, request))
