"""The pages of the screen: from a state to a status and HTML. Pure: the same state and rules give the same page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from oncogate.base.errors import Diagnostic, RequestError
from oncogate.engine.case import Case
from oncogate.engine.judge import judge_safely
from oncogate.explain.render_html import MARKS, PARTS, environment
from oncogate.explain.view import view_of
from oncogate.explain.words import one_line, word
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.server.answers import status_of
from oncogate.server.reading import Clock
from oncogate.server.rules_in_use import Loaded
from oncogate.server.screen.actions import action_label
from oncogate.server.screen.explorer import STATE_LABELS, Explorer
from oncogate.server.screen.files import version
from oncogate.server.screen.patients import example_patients
from oncogate.server.screen.picture import picture_of
from oncogate.server.screen.reading import LARGEST_TEXT, problems_of, read_state
from oncogate.server.screen.remedies import after, offers
from oncogate.server.screen.sheet import sheet_of
from oncogate.server.screen.state import State
from oncogate.server.screen.words import say

TEMPLATES = Path(__file__).with_name("templates")
LONGEST_QUERY = 200
JUDGED = frozenset({"active", "adopted", "trial"})
"""The states of rules that are judged for the case at hand; a draft or a rule switched off isn't."""


class Page(NamedTuple):
    """A page as it is sent."""

    status: int
    html: str


@dataclass(frozen=True)
class Filter:
    """What the list of rules is narrowed to."""

    pack: str = ""
    state: str = ""
    query: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Filter:
        """The filter of a form's fields."""
        state = fields.get("state", "")
        return cls(
            fields.get("pack", "")[:LONGEST_QUERY], state if state in STATE_LABELS else "",
            fields.get("q", "").strip()[:LONGEST_QUERY],
        )  # fmt: skip


@dataclass(frozen=True)
class _Read:
    """What came of reading a state: a request with its notes, or what is wrong with it."""

    request: Request | None = None
    notes: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Pages:
    """The pages for one state, by the rules in use. `timezone` is given to times that have none."""

    loaded: Loaded
    state: State
    timezone: str | None = None
    refused: tuple[Diagnostic, ...] = ()
    """What is wrong with the call itself; the page then shows that instead of an answer."""

    def order(self) -> Page:
        """Order entry: the patients, the order sheet, the answer."""
        read = self._read()
        status = max((status_of(d) for d in read.problems), default=200)
        context: dict[str, Any] = {
            "problems": problems_of(read.problems, self.state.text), "notes": problems_of(read.notes, ""),
            "sheet": None, "view": None, "offers": (), "done": (),
        }  # fmt: skip
        if read.request is not None:
            request, decision, done = after(self.loaded.gate, read.request, self.state.done)
            context["sheet"] = sheet_of(request, self.loaded.gate.library, self.state.language)
            if self.state.signed:
                view = view_of(decision, self.state.language, everything=True)
                context |= {
                    "view": view, "done": done, "offers": frozenset(offers(self.loaded.gate, decision)),
                    "steps": frozenset(action for way in decision.way_forward for action in way),
                    "offer_of": {f.rule: f.remedy.action for f in decision.findings if f.remedy is not None},
                    "announced": f"{view.banner}：{view.means}" if self.state.language == "zh" else f"{view.banner}: {view.means}",
                }  # fmt: skip
        elif read.problems:
            context["announced"] = say("refused", self.state.language)
        return self._page("order.html.j2", status, "/", context)

    def rules(self, filter: Filter) -> Page:
        """The list of rules."""
        case = self._case()
        explorer = self._explorer(case)
        found = explorer.listed(self.state.language, filter.pack, filter.state, filter.query)
        context = {
            "found": found, "count": len(explorer.rules), "filter": filter, "packs": explorer.packs(self.state.language),
            "states": {key: text.in_(self.state.language) for key, text in STATE_LABELS.items()},
            "verdicts": {one.id: _verdict(explorer.rules[one.id], case) for one in found if one.state in JUDGED} if case is not None else {},
            "filtered": {"pack": filter.pack, "state": filter.state, "q": filter.query},
            "announced": say("rules.intro", self.state.language, n=len(explorer.rules), shown=len(found)),
        }  # fmt: skip
        return self._page("rules.html.j2", 200, "/rules", context)

    def rule(self, name: str) -> Page:
        """One rule, with the picture of its logic."""
        case = self._case()
        explorer = self._explorer(case)
        rule = explorer.rules.get(name)
        if rule is None:
            return self._page("missing.html.j2", 404, "/rules", {"name": one_line(name[:LONGEST_QUERY])})
        picture = picture_of(rule, self.loaded.gate.library, explorer.force.facts, self.state.language, case)
        return self._page(
            "rule.html.j2", 200, f"/rules/{rule.id}",
            {"rule": rule, "shown": explorer.page(rule, self.state.language), "picture": picture, "case": case is not None},
        )  # fmt: skip

    def _read(self) -> _Read:
        if self.refused:
            return _Read(problems=self.refused)
        if not (self.state.patient or self.state.text or (self.state.pasting and self.state.signed)):
            return _Read()
        try:
            request, notes = read_state(self.state, self.loaded.vocabulary, self.timezone)
        except RequestError as error:
            return _Read(problems=error.diagnostics)
        return _Read(request, notes)

    def _case(self) -> Case | None:
        """The case at hand with what was done about it; without one that can be read, rules are shown by themselves."""
        read = self._read()
        if read.request is None:
            return None
        request, _, _ = after(self.loaded.gate, read.request, self.state.done)
        return Case.of(request, self.loaded.gate.library)

    def _explorer(self, case: Case | None) -> Explorer:
        day = case.at.date() if case is not None else Clock(self.timezone).today()
        return Explorer(self.loaded.gate.library, day)

    def _page(self, template: str, status: int, path: str, context: Mapping[str, Any]) -> Page:
        language = self.state.language
        html = environment(TEMPLATES, PARTS).get_template(template).render(
            state=self.state, language=language, path=path, patients=example_patients(), marks=MARKS, version=version(),
            word=partial(word, language=language), say=partial(say, language=language), largest=LARGEST_TEXT,
            action=lambda name: action_label(name).in_(language), **{"announced": "", "filtered": {}, **context},
        )  # fmt: skip
        return Page(status, html)


def _verdict(rule: Rule, case: Case) -> str:
    judgement = judge_safely(rule, case)
    return judgement.verdict if judgement is not None else "unknown"
