"""The laws again, for every shipped rule by itself, on trial or not, over the examples in its file.

`test_laws.py` draws packs and requests at random; here the formulas and tables stand behind the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta

from oncogate.authoring.examples import request_of, with_first_line
from oncogate.engine.case import Case
from oncogate.engine.judge import judge
from oncogate.explain.findings import finding_of
from oncogate.model.record import PatientRecord
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.leaves import facts_of, leaves
from oncogate.packs.load import load_library
from oncogate.packs.pack import Library

LIBRARY = load_library()
RULES = [loaded.rule for loaded in LIBRARY.rules]
by_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


@cache
def shown(id: str) -> tuple[tuple[str, Request, Library], ...]:
    """The examples of a rule: their names, the requests, and the library that each is judged with."""
    rule = next(r for r in RULES if r.id == id)
    return tuple(
        (e.name, request_of(e.given, LIBRARY), with_first_line(LIBRARY, e.given)) for e in rule.examples
    )


def verdict(rule: Rule, request: Request, library: Library) -> str:
    return judge(rule, Case.of(request, library)).verdict


def with_record(request: Request, **sections: Any) -> Request:
    return request.model_copy(update={"record": request.record.model_copy(update=sections)})


def supplied(request: Request) -> Iterator[str]:
    return (name for name in PatientRecord.SECTIONS if request.record.section(name) is not None)


@by_rule
def test_evidence_suffices(rule: Rule) -> None:
    """Judged on the papers that its finding names, and the diagnoses, a rule says the same again."""
    for name, request, library in shown(rule.id):
        case = Case.of(request, library)
        finding = finding_of(judge(rule, case), case, library.in_force(request.at.date()))
        named = {row.entry for row in finding.evidence}
        less = {
            section: tuple(e for e in request.record.section(section) or () if e.id in named)
            for section in supplied(request)
            if section != "diagnoses"
        }
        assert verdict(rule, with_record(request, **less), library) == finding.verdict, name


SETTLED = {
    ("core/clinical-stage-missing", "diagnoses"): "a tumour that isn't known is taken as one that is staged",
    (
        "core/molecular-result-missing",
        "diagnoses",
    ): "where the tumour isn't known, all rows of the drug have to need a marker",
    ("core/pathology-missing", "diagnoses"): "only a diagnosis on record can excuse the want of pathology",
}
"""What the meaning settles otherwise (docs/decisions/0002)."""


@cache
def known_without(rule_id: str) -> frozenset[str]:
    """Sections without which the facts of a rule are known all the same (`also`), and none of its facts needs."""
    rule = next(r for r in RULES if r.id == rule_id)
    facts = [LIBRARY.facts[name] for name in facts_of(rule, LIBRARY.facts)]
    return frozenset(s for f in facts for s in f.also) - {"labs"}


def excepted(rule: Rule, section: str) -> bool:
    return (rule.id, section) in SETTLED or section in known_without(rule.id)


@by_rule
def test_what_is_not_supplied_is_never_taken_for_none(rule: Rule) -> None:
    """Hide any section: the rule then doesn't know, or says what it said. Nothing is met or missed for want of it."""
    asks_whether = any(type(leaf).__name__ == "Supplied" for _, leaf in leaves(rule))
    for name, request, library in shown(rule.id):
        whole = verdict(rule, request, library)
        for section in supplied(request):
            if excepted(rule, section):
                continue
            hidden = verdict(rule, with_record(request, **{section: None}), library)
            allowed = {"unknown", whole}
            if whole == "not_applicable":
                allowed.add("met")  # met in any case; whether it concerns the rule at all isn't known then
            if asks_whether:
                allowed.add("not_applicable")
            assert hidden in allowed, (name, section, whole, hidden)


@by_rule
def test_an_unread_entry_is_never_taken_for_none(rule: Rule) -> None:
    """Something in a section that can't be read, of which nothing is known: the same as above."""
    for name, request, library in shown(rule.id):
        whole = verdict(rule, request, library)
        for section in supplied(request):
            if excepted(rule, section):
                continue
            marks = (*request.record.unread, {"section": section, "problem": "isn't readable"})
            record = PatientRecord.model_validate(
                {**{s: request.record.section(s) for s in PatientRecord.SECTIONS}, "patient": request.record.patient, "unread": marks}
            )  # fmt: skip
            unread = verdict(rule, request.model_copy(update={"record": record}), library)
            assert unread in {"unknown", whole, "met" if whole == "not_applicable" else whole}, (
                name,
                section,
                whole,
                unread,
            )


BY_DATE = {"staging/stage-edition-not-in-force", "staging/stage-outside-value-set"}
"""Rules on editions: which one is in force depends on the year."""


def shifted(value: Any, years: int) -> Any:
    """The value with every time in it moved by whole years; 28 of them have the same months and weekdays."""
    if isinstance(value, (datetime, date)):
        return value + relativedelta(years=years)
    if isinstance(value, dict):
        return {key: shifted(one, years) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(shifted(one, years) for one in value)
    return value


@by_rule
@pytest.mark.parametrize("years", [28, -56])
def test_in_another_year_it_says_the_same(rule: Rule, years: int) -> None:
    """With every time moved alike, nothing changes."""
    if rule.id in BY_DATE:
        return
    for name, request, library in shown(rule.id):
        moved = Request.model_validate(shifted(request.model_dump(), years))
        assert verdict(rule, moved, library) == verdict(rule, request, library), name


@by_rule
def test_the_order_of_entries_does_not_matter(rule: Rule) -> None:
    for name, request, library in shown(rule.id):
        turned = {s: tuple(reversed(request.record.section(s) or ())) for s in supplied(request)}
        case, other = Case.of(request, library), Case.of(with_record(request, **turned), library)
        one, two = judge(rule, case), judge(rule, other)
        assert one.verdict == two.verdict, name
        force = library.in_force(request.at.date())
        assert finding_of(one, case, force).reason == finding_of(two, other, force).reason, name


@by_rule
def test_an_entry_recorded_after_the_moment_never_counts(rule: Rule) -> None:
    """Whatever comes into the record later, the rule says now what it says without it."""
    for name, request, library in shown(rule.id):
        later = request.at + relativedelta(minutes=1)
        for section in supplied(request):
            entries = request.record.section(section) or ()
            without = with_record(request, **{section: ()})
            late = tuple(e.model_copy(update={"recorded": later}) for e in entries)
            assert verdict(rule, with_record(request, **{section: late}), library) == verdict(
                rule, without, library
            ), (name, section)


def test_no_rule_fails_on_the_examples_of_the_others_and_none_is_passed_over() -> None:
    """A crash in one rule would be an engine error in every decision; every rule judges every sixth example.

    A rule that is told at a glance not to apply doesn't apply when each of its conditions is judged, either.
    """
    requests = [request for rule in RULES for _, request, _ in shown(rule.id)]
    for request in requests[::6]:
        case = Case.of(request, LIBRARY)
        for rule in RULES:
            assert judge(rule, case).verdict == judge(rule, case, thorough=True).verdict, rule.id


def test_every_fact_is_asked_for() -> None:
    asked = {
        name
        for rule in RULES
        for name in (*facts_of(rule, LIBRARY.facts), *(n for _, leaf in leaves(rule) for n in leaf.facts))
    }
    assert asked <= {
        *LIBRARY.facts,
        *(p for rule in RULES for p in rule.parameters),
        *(p for f in LIBRARY.facts.values() for p in f.parameters),
    }
