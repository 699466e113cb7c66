"""Which entries of a fact count, as of the decision moment.

Every candidate gets a standing: counted, not counted (with a reason of the closed vocabulary), or
undecided. What the record may hide (a section not supplied, an entry that could not be read, a page
that is missing) is told apart from what it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from oncogate.base.logic import Truth, every, some
from oncogate.base.once import once
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.standing import ERRONEOUS, Counting, Standing, Window
from oncogate.engine.wording import problem_said, section_label, stated
from oncogate.model.decision import Evidence, Why
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import MEASURED, Entry, Measurement, Unread

CORRECTS = frozenset({"corrected", "amended"})
MOST_TOO_OLD = 4
"""A patient of many years has hundreds of results that are too old; more of them say no more."""
REPLACES = CORRECTS | ERRONEOUS | {"cancelled"}
"""Statuses by which a later version of the same result takes the earlier one's place."""


@dataclass(frozen=True)
class Hidden:
    """Why more entries may exist than were seen."""

    why: Why
    detail: Text
    source: str | None = None

    def evidence(self, fact: str, label: Text | None = None) -> Evidence:
        """The gap as a row of evidence; `label` is what clinicians call the fact."""
        return Evidence.made(
            fact=fact, label=label, source=self.source, counted=None, why=self.why, detail=self.detail
        )


@dataclass
class Selection:
    """The candidates of a fact, in a fixed order, and what may be hidden; `label` is what clinicians call the fact."""

    fact: str
    standings: tuple[Standing, ...]
    hidden: tuple[Hidden, ...]
    label: Text | None = None

    @property
    def exists(self) -> Truth:
        """Whether a counted entry is there."""
        truths = [s.counted for s in self.standings]
        if True in truths:
            return True
        return None if self.hidden or None in truths else False

    @property
    def newest(self) -> tuple[Standing, ...]:
        """The counted entries of the newest moment, with any undecided ones that may be as new."""
        standing = [s for s in self.standings if s.counted is not False]
        last = max([s.when for s in standing if s.counted and s.when], default=None)
        return tuple([s for s in standing if last is None or s.when is None or s.when >= last])

    @property
    def told(self) -> Iterator[Standing]:
        """The standings that have something to say: of those that are too old, the newest few."""
        too_old = 0
        for standing in self.standings:
            too_old += standing.why == "too_old"
            if standing.why != "too_old" or too_old <= MOST_TOO_OLD:
                yield standing

    def evidence(self) -> tuple[Evidence, ...]:
        """All rows: what was found, then what may be hidden. Several rules show them."""
        return self._evidence

    @once
    def _evidence(self) -> tuple[Evidence, ...]:
        return self.rows(self.told)

    def rows(self, standings: Iterable[Standing]) -> tuple[Evidence, ...]:
        """The rows of some of the standings, and of what may be hidden; if there are none, that nothing is there."""
        fact, label = self.fact, self.label
        rows = [
            *[s.evidence(fact, label) for s in standings],
            *[h.evidence(fact, label) for h in self.hidden],
        ]
        return tuple(rows) or (Evidence.made(fact=fact, label=label, counted=False, why="absent"),)


def select(
    case: Case, name: str, *, window: Window | None = None, older_than: Window | None = None,
    since: Window | None = None, due: Window | None = None, options: Mapping[str, Parameter] | None = None,
) -> Selection:  # fmt: skip
    """Judge every candidate entry of the fact `name`.

    `window` refuses older entries, `older_than` those within it, and `since` those before a moment, which is
    written as what happened then; `due` admits only what is planned for up to its last instant. `options` are
    the rule's parameters handed to the fact by name.
    """
    said = tuple(sorted((n, str(p.value)) for n, p in options.items())) if options else ()
    key = (name, window, older_than, since, due, said)
    found: Selection | None = case.memo.get(key)
    if found is None:
        found = case.memo[key] = _select(
            case, name, Counting(case, case.facts[name], window, older_than, since, due, options or {})
        )
    return found


def _select(case: Case, name: str, counting: Counting) -> Selection:
    fact = case.facts[name]
    sections = (*fact.sections, *fact.also)
    candidates = [entry for section in sections for entry in _candidates(case, fact, section)]
    standings = counting.standings(candidates)
    standings = _last_word(case, fact, _superseded(case, fact, standings))
    if len(standings) > 1:
        standings.sort(key=lambda s: (-(s.when.timestamp() if s.when else 0), s.entry.id))
    return Selection(name, tuple(standings), _hidden(case, fact), fact.label)


def _hidden(case: Case, fact: Fact) -> tuple[Hidden, ...]:
    """What was not supplied, or could not be read, where there may be entries of the fact."""
    hidden: list[Hidden] = []
    unread = case.has_unread
    for section in fact.sections:
        if case.rows[section] is None:
            hidden.append(_not_supplied(section))
        if unread:
            hidden += [_unread(mark) for mark in case.unread(section) if _may_hide(case, mark, fact)]
    for section in fact.also if unread else ():
        hidden += [
            _unread(mark) for mark in case.unread(section) if mark.kind in (*fact.kinds, *fact.doubtful_kinds)
        ]
    return tuple(hidden)


def _candidates(case: Case, fact: Fact, section: str) -> Sequence[Entry]:
    """The entries of a section that the fact may mean: of measurements, which are many, those with a code of it."""
    if section not in MEASURED or fact.near_kinds:
        return case.record.section(section) or ()
    by_code = _by_code(case, section)
    places = {place for code in fact.codes for place in by_code.get(code.code, ())}
    return [case.record.entry(section, place) for place in sorted(places)]


def _by_code(case: Case, section: str) -> Mapping[str | None, Sequence[int]]:
    """The places of a section's measurements, by their codes of whichever system."""
    found: dict[str | None, list[int]] | None = case.memo.get(("by code", section))
    if found is None:
        found = case.memo["by code", section] = {}
        for place, row in enumerate(case.rows[section] or ()):
            for code in row["codes"]:
                found.setdefault(code.get("code"), []).append(place)
    return found


def _replacing(case: Case, section: str) -> Sequence[Entry]:
    """The entries of a section that may take another's place, by what was recorded by the moment."""
    found: list[Entry] | None = case.memo.get(("replacing", section))
    if found is None:
        rows = case.rows[section] or ()
        places = [place for place, row in enumerate(rows) if row.get("status") in REPLACES]
        found = [e for place in places if _speaks(case, e := case.record.entry(section, place))]
        case.memo["replacing", section] = found
    return found


def _superseded(case: Case, fact: Fact, standings: list[Standing]) -> list[Standing]:
    """Take out what a correction of the same result replaced."""
    if not standings:
        return standings
    newer = [entry for section in (*fact.sections, *fact.also) for entry in _replacing(case, section)]
    if not newer:
        return standings
    return [
        replace(s, counted=False, why="superseded", detail=None)
        if (s.counted is not False or s.why == "withdrawn") and any(_replaces(case, new, s.entry) for new in newer) else s
        for s in standings
    ]  # fmt: skip


def _speaks(case: Case, entry: Entry) -> bool:
    return case.stands(entry) and (entry.effective is None or case.first_instant(entry.effective) <= case.at)


def _replaces(case: Case, new: Entry, old: Entry) -> bool:
    recorded, before = case.recorded(new), case.recorded(old)
    if type(new) is not type(old) or recorded is None or before is None or recorded <= before:
        return False
    if new.key is not None and old.key is not None:
        return new.key == old.key  # whatever it now is: a result coded anew isn't the old one any more
    if not isinstance(new, Measurement) or not isinstance(old, Measurement):
        return False
    same = _codes(new) == _codes(old) and new.effective is not None and old.effective is not None
    return same and new.status in CORRECTS and _instant(case, new) == _instant(case, old)


def _instant(case: Case, entry: Entry) -> datetime | None:
    return None if entry.effective is None else case.first_instant(entry.effective)


def _codes(entry: Measurement) -> frozenset[tuple[str | None, str | None]]:
    return frozenset((c.system, c.code) for c in entry.codes)


def _last_word(case: Case, fact: Fact, standings: list[Standing]) -> list[Standing]:
    """A later refusal or withdrawal undoes an earlier consent; a later signature revives it.

    Each signature is held against each withdrawal: the word that was said last counts.
    """
    ends = [s for s in standings if s.why == "withdrawn"]
    if not fact.ends or not ends:
        return standings
    return [_after(s, some([_undoes(case, end, s) for end in ends])) for s in standings]


def _after(standing: Standing, undone: Truth) -> Standing:
    if standing.counted is False or undone is False:
        return standing
    said = WITHDRAWN_SINCE if undone else PERHAPS_WITHDRAWN
    return replace(standing, counted=False if undone else None, why="withdrawn", detail=said)


def _undoes(case: Case, end: Standing, signed: Standing) -> Truth:
    """Whether a withdrawal takes back what was signed: by then, and for the same regimen if both name one."""
    one, other = stated(end.entry, "regimen"), stated(signed.entry, "regimen")
    if one and other and not case.tables.same_regimen(one, other):
        return False
    said = case.recorded(end.entry)
    in_time = None if said is None or signed.when is None else signed.when <= said
    settled: set[Why] = {"other_regimen"} if one and other else set()
    if end.entry.focus is not None and end.entry.focus == signed.entry.focus:
        settled.add("wrong_focus")
    return every([in_time, None if end.doubts - settled else True])


WITHDRAWN_SINCE = Text(zh="此后已撤回或拒绝", en="withdrawn or refused since")
PERHAPS_WITHDRAWN = Text(zh="可能已被撤回或拒绝", en="perhaps withdrawn or refused since")


@cache
def _not_supplied(section: str) -> Hidden:
    return Hidden(
        "not_supplied",
        Text(
            zh=f"系统未提供“{section_label(section).zh}”资料",
            en=f"the host did not supply {section_label(section).en}",
        ),
    )


def _unread(mark: Unread) -> Hidden:
    why = problem_said(mark.problem)
    return Hidden(
        "unread",
        Text(zh=f"有资料无法读取：{why.zh}", en=f"something could not be read: {why.en}"),
        mark.source,
    )


def _may_hide(case: Case, mark: Unread, fact: Fact) -> bool:
    if mark.codes and fact.codes:
        return any(c.system == k.system and c.code == k.code for c in mark.codes for k in fact.codes)
    if mark.kind is not None and (fact.kinds or fact.doubtful_kinds or fact.drugs):
        if mark.kind in fact.narrow_kinds:
            return case.only_drugs_of(mark.kind) is not False
        return mark.kind in (*fact.kinds, *fact.doubtful_kinds) or (mark.kind == "drugs" and bool(fact.drugs))
    if mark.kind is not None and fact.stage is not None:
        return mark.kind == fact.stage
    return True
