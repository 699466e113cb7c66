"""Two versions of rules compared: what loosened, what tightened, and the smallest request that shows it.

Both versions judge the same requests: those around each rule that changed (`probes`), and its examples. A rule on
trial is compared like one that counts, since a site may have adopted it. A loosening needs a new major version, what
is stricter or new a minor one, and what changes no decision a patch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from oncogate.authoring.changes import changes, neutral_changes, table_changes
from oncogate.authoring.examples import UNUSABLE, request_of, with_first_line
from oncogate.authoring.flow import flow
from oncogate.authoring.moves import Given
from oncogate.authoring.probes import probes_with_requests
from oncogate.base.logic import Truth
from oncogate.base.once import once
from oncogate.engine.case import Case, in_classes
from oncogate.engine.combine import asked
from oncogate.engine.judge import judge_safely
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.leaves import classes_asked, facts_of
from oncogate.packs.pack import Library

Level = Literal["major", "minor", "patch"]
Kind = Literal["loosened", "tightened", "untold", "neutral"]

_ASKED = {None: 0, "inform": 1, "warn": 2, "block": 3}
_STATUS = {"stable": 2, "trial": 1}
_OVERRIDE: dict[str, int] = {"with_reason": 0, "with_second_signature": 1, "never": 2}
_LEVEL: dict[Kind, Level] = {"loosened": "major", "untold": "major", "tightened": "minor", "neutral": "patch"}
_LEVELS: tuple[Level, ...] = ("patch", "minor", "major")


@dataclass(frozen=True)
class Shown:
    """A request on which the two versions of a rule differ: what it asked `before` and asks `after`.

    `asked` is `block`, `warn`, `inform`, `critical value` or `nothing`.
    """

    given: Given
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before} → {self.after}: {flow(dict(self.given))}"


@dataclass(frozen=True)
class RuleDiff:
    """How one rule differs. `what` says it in the words of the file; `shown` is the smallest request for it.

    `untold`: something that decides is another, and no request was found that is judged otherwise. `neutral`: nothing
    that decides is another.
    """

    rule: str
    kind: Kind
    what: tuple[str, ...]
    shown: Shown | None = None


@dataclass(frozen=True)
class PackDiff:
    """How one pack differs, and which version that takes."""

    id: str
    before: str | None
    after: str | None
    rules: tuple[RuleDiff, ...]

    @property
    def level(self) -> Level | None:
        """The part of the version that has to rise; `None` if nothing differs."""
        found = [_LEVEL[one.kind] for one in self.rules]
        return max(found, key=_LEVELS.index, default=None)

    @property
    def suggested(self) -> str | None:
        """The version that says so; `None` for a pack that is gone or is as it was."""
        if self.before is None or self.after is None or self.level is None:
            return self.after if self.before is None else None
        major, minor, patch = (int(x) for x in self.before.split("."))
        return {
            "major": f"{major + 1}.0.0", "minor": f"{major}.{minor + 1}.0", "patch": f"{major}.{minor}.{patch + 1}"
        }[self.level]  # fmt: skip

    @property
    def hidden(self) -> bool:
        """Whether something loosened and the version doesn't say so."""
        if not any(one.kind == "loosened" for one in self.rules):
            return False
        return self.before is None or self.after is None or _major(self.after) <= _major(self.before)


def _major(version: str) -> int:
    return int(version.split(".", maxsplit=1)[0])


@dataclass(frozen=True)
class Diff:
    """What differs between two versions of rules; `tables` are the tables' rows that do."""

    packs: tuple[PackDiff, ...]
    tables: tuple[str, ...]

    @property
    def hidden(self) -> bool:
        """Whether a pack loosened and its version doesn't say so."""
        return any(pack.hidden for pack in self.packs)


def diff(old: Library, new: Library) -> Diff:
    """Compare two versions of rules."""
    return _Diff(old, new).run()


@dataclass(frozen=True)
class _Diff:
    old: Library
    new: Library

    def run(self) -> Diff:
        tables = table_changes(self.old.tables.files, self.new.tables.files)
        packs = [self._pack(id, tables) for id in sorted({p.id for p in (*self.old.packs, *self.new.packs)})]
        return Diff(tuple(pack for pack in packs if pack.rules or pack.before != pack.after), tables)

    def _pack(self, id: str, tables: tuple[str, ...]) -> PackDiff:
        before, after = (next((p for p in lib.packs if p.id == id), None) for lib in (self.old, self.new))
        olds, news = ({r.rule.id: r.rule for r in (p.rules if p else ())} for p in (before, after))
        found = [
            d for rule in sorted({*olds, *news}) for d in self._rule(olds.get(rule), news.get(rule), tables)
        ]
        return PackDiff(
            id, before.version if before else None, after.version if after else None, tuple(found)
        )

    def _rule(self, old: Rule | None, new: Rule | None, tables: tuple[str, ...]) -> Iterator[RuleDiff]:
        one = new or old
        assert one is not None
        what = self._what(old, new)
        if not what and not tables:
            if old is not None and new is not None and (said := neutral_changes(old, new)):
                yield RuleDiff(one.id, "neutral", said)
            return
        looser, tighter = self._shown(old, new)
        rise = _rank(new) - _rank(old)
        if looser is not None or rise < 0:
            yield RuleDiff(one.id, "loosened", what or tables, looser)
        if tighter is not None or rise > 0:
            yield RuleDiff(one.id, "tightened", what or tables, tighter)
        if what and looser is None and tighter is None and not rise:
            yield RuleDiff(one.id, "untold" if _rank(one) else "neutral", what)

    def _what(self, old: Rule | None, new: Rule | None) -> tuple[str, ...]:
        if old is None or new is None:
            return ("+" if old is None else "-",)
        names = dict.fromkeys((*facts_of(old, self.old.facts), *facts_of(new, self.new.facts)))
        moved = [
            f"{name}: {said}"
            for name in names
            if name in self.old.facts and name in self.new.facts
            for said in changes(self.old.facts[name], self.new.facts[name])
        ]
        return (*changes(old, new), *moved)

    def _shown(self, old: Rule | None, new: Rule | None) -> tuple[Shown | None, Shown | None]:
        """The smallest request on which the new version asks less, and the smallest on which it asks more."""
        looser = tighter = None
        for given, request in self._requests(old, new):
            before = _answer(old, request, with_first_line(self.old, given))
            after = _answer(new, request, with_first_line(self.new, given))
            if looser is None and _less(after, before):
                looser = Shown(given, _said(before), _said(after))
            if tighter is None and _less(before, after):
                tighter = Shown(given, _said(before), _said(after))
            if looser and tighter:
                break
        return looser, tighter

    def _requests(self, old: Rule | None, new: Rule | None) -> Iterable[tuple[Given, Request]]:
        """What is judged: the probes of either version, and its examples with other drugs."""
        drugs = {*self._changed_drugs, *self._telling_drugs(old, new)}
        found: dict[str, tuple[Given, Request]] = {}
        for rule, library in ((old, self.old), (new, self.new)):
            if rule is not None:
                near = ((probe.given, request) for probe, request in probes_with_requests(rule, library))
                for given, request in (*near, *_with_drugs(rule, library, drugs)):
                    found.setdefault(flow(dict(given)), (given, request))
        return [pair for _, pair in sorted(found.items(), key=lambda item: (len(item[0]), item[0]))]

    @once
    def _changed_drugs(self) -> tuple[str, ...]:
        """The drugs that the two versions know otherwise."""
        olds, news = self.old.tables.drugs, self.new.tables.drugs
        return tuple(id for id in {*olds, *news} if olds.get(id) != news.get(id))

    def _telling_drugs(self, old: Rule | None, new: Rule | None) -> Iterable[str]:
        """One drug of each kind that the classes asked for by either version tell apart."""
        asked_for = {
            name
            for rule, library in ((old, self.old), (new, self.new))
            if rule is not None
            for name in classes_asked(rule, library.facts)
        }
        found: dict[tuple[Truth, ...], str] = {}
        for id, drug in sorted(self.new.tables.drugs.items(), key=lambda item: (len(item[0]), item[0])):
            found.setdefault(tuple(in_classes(drug, frozenset({name})) for name in sorted(asked_for)), id)
        return found.values()


def _with_drugs(rule: Rule, library: Library, drugs: Iterable[str]) -> Iterator[tuple[Given, Request]]:
    """The rule's examples with each of the drugs for those of the order."""
    for drug in drugs:
        for example in rule.examples:
            if isinstance(example.given.get("order"), list):
                given = {**example.given, "order": [drug]}
                with suppress(*UNUSABLE):
                    yield given, request_of(given, library)


def _rank(rule: Rule | None) -> int:
    return 0 if rule is None else _STATUS.get(rule.status, 0)


Answer = tuple[int, int, int]
"""What a rule asks, whether it raises a critical value, and how hard it is to go on in spite of it."""


def _answer(rule: Rule | None, request: Request, library: Library) -> Answer:
    if rule is None or not _rank(rule):
        return (0, 0, 0)
    judgement = judge_safely(rule, Case.of(request, library))
    verdict = "unknown" if judgement is None else judgement.verdict
    asks = asked(rule, verdict)
    raised = rule.effect == "critical_value" and verdict == "unmet"
    return (_ASKED[asks], int(raised), _OVERRIDE[rule.override.allowed] if asks == "block" else 0)


def _less(one: Answer, other: Answer) -> bool:
    """Whether something is asked less; something else may be asked more."""
    return any(a < b for a, b in zip(one, other, strict=True))


def _said(answer: Answer) -> str:
    asks, raised, hardness = answer
    if raised:
        return "critical value"
    word = next((word or "nothing" for word, rank in _ASKED.items() if rank == asks), "nothing")
    if asks != _ASKED["block"]:
        return word
    return f"{word} (override: {next(name for name, rank in _OVERRIDE.items() if rank == hardness)})"
