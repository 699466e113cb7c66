"""What was found for a fact, told without its evidence: all that a compiled rule needs to know.

`select` gives the thorough account, a standing for every candidate. Here the record is looked at as plain data, and an
entry that is plain in every way is told at a glance; one that isn't gets its standing from `Counting`, and what bears on
several entries (a correction, a withdrawal, something that couldn't be read) sends the whole fact to `select`. Either
way the outcome is that of `select`, which the tests hold it to.

Times are local times as text (`Case.local`), which sort as the times do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from oncogate.base.logic import Truth
from oncogate.engine.case import UNTOLD, Case
from oncogate.engine.coded import Asked, takes
from oncogate.engine.found_checks import (
    NONE,
    NOT_SUPPLIED,
    Found,
    Look,
    Otherwise,
    bears_on_others,
    checks_of,
    closer_look,
    kinds_of,
    reading_of,
    time_of,
)
from oncogate.engine.select import REPLACES, Selection, select
from oncogate.engine.standing import ERRONEOUS, Standing, is_called_off
from oncogate.model.at_once import Plain
from oncogate.model.facts import Fact
from oncogate.model.parameter import Parameter
from oncogate.model.record import KINDS, Diagnosis, Note, as_row

Find = Callable[[object, Case], Found]
"""Called as what fills a slot: its first argument are the slots."""


def since(found: Found, moment: str) -> Truth:
    """Whether a counted entry is there that isn't older than the moment; since `""`, whether there is one at all."""
    last, doubt, hidden, _ = found
    if last is not None and last >= moment:
        return True
    return None if hidden or (doubt is not None and doubt >= moment) else False


def finder(name: str, fact: Fact, options: Mapping[str, Parameter], asked: Asked) -> Find:
    """What finds the fact `name` in a case; `options` are the parameters handed to it."""

    def thorough(case: Case) -> Found:
        return _of(select(case, name, options=options), fact, case)

    sections = (*fact.sections, *fact.also)
    coded = asked.add(fact) if takes(fact) else None
    looking = coded or (lambda section, otherwise: _looking(section, fact, options, otherwise))
    if len(sections) == 1:
        return looking(sections[0], thorough)
    looks = [(s in fact.sections, looking(s, lambda _: None)) for s in sections]

    def find(_: object, case: Case) -> Found:
        last, doubt, hidden, value = NONE
        for supplying, look in looks:
            seen = look(_, case)
            if seen is None:
                return thorough(case)
            if seen is NOT_SUPPLIED:
                hidden = hidden or supplying
                continue
            when, doubtful, _, said = seen
            if when is not None:
                value = said if last is None or when > last else None if when == last else value
                last = when if last is None else max(last, when)
            if doubtful is not None:
                doubt = doubtful if doubt is None else max(doubt, doubtful)
        alone = last is not None and not hidden and (doubt is None or doubt < last)
        return last, doubt, hidden, value if alone else None

    return find


def _looking(section: str, fact: Fact, options: Mapping[str, Parameter], otherwise: Otherwise) -> Look:
    """What looks at the rows of a section one by one; `otherwise` is asked where one bears on others."""
    checks, reading = tuple(checks_of(fact, section, options)), reading_of(fact)
    kinds = kinds_of(fact, section)
    void, is_note = ERRONEOUS | {"superseded"}, KINDS[section] is Note
    odd = REPLACES | void | set(fact.ends)
    ends, counted_as = frozenset(fact.ends), frozenset(fact.counted) - void
    at_a_glance = counted_as - odd
    unsaid = Diagnosis.model_fields["status"].default if section == "diagnoses" else None

    def look(_: object, case: Case) -> Found | None:
        rows = case.rows[section]
        if case.has_unread:
            return otherwise(case)
        if not rows:
            return NOT_SUPPLIED if rows is None else NONE
        last: str | None = None
        newest: Plain | None = None
        closer: list[Plain] = []
        for row in rows:
            status = row.get("status", unsaid)
            if status not in at_a_glance:
                if status in ends or bears_on_others(row, section):
                    return otherwise(case)
                if counted_as:
                    if status not in counted_as:
                        continue
                elif status in void or (is_note and is_called_off(status)):
                    continue
            if kinds is not None and row.get("kind") not in kinds:
                continue
            when = case.counts_from(row)
            if when is None:
                continue
            truth: Truth = None if when is UNTOLD else True
            if truth:
                for check in checks:
                    truth = check(case, row)
                    if truth is not True:
                        break
            if truth:
                if last is None or when > last:
                    last, newest = when, row
                elif when == last:
                    newest = None
            elif truth is None:
                closer.append(row)
        if closer:
            return closer_look(case, fact, options, section, closer, (last, newest))
        if last is None:
            return NONE
        return last, None, False, None if newest is None else reading(newest)

    return look


def _of(selection: Selection, fact: Fact, case: Case) -> Found:
    counted = [s for s in selection.standings if s.counted]
    doubtful = [s for s in selection.standings if s.counted is None]
    newest, hidden = selection.newest, bool(selection.hidden)
    alone = len(newest) == 1 and newest[0].counted and not hidden
    value = reading_of(fact)(as_row(newest[0].entry)) if alone else None
    return _last(counted, case), _last(doubtful, case), hidden, value


def _last(standings: Iterable[Standing], case: Case) -> str | None:
    return max((time_of(standing, case) for standing in standings), default=None)
