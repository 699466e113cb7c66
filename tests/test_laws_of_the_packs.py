"""The laws again, for every shipped rule by itself, on trial or not, over the examples in its file.

`test_laws.py` draws packs and requests at random; here the formulas and tables stand behind the rules. Most of the
laws are the named checks of `oncogate.testing`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from loaded import shipped_library

from oncogate.authoring.examples import request_of, with_first_line
from oncogate.engine.case import Case
from oncogate.engine.judge import judge
from oncogate.explain.findings import remedy_for
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.leaves import facts_of, leaves
from oncogate.packs.pack import Library
from oncogate.testing import CHECKS
from oncogate.testing.checks import Check, run_check
from oncogate.testing.trying import Subject

LIBRARY = shipped_library()
RULES = [loaded.rule for loaded in LIBRARY.rules]
SUBJECTS = {loaded.rule.id: Subject(loaded, LIBRARY) for loaded in LIBRARY.rules}
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


@by_rule
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_named_check_holds(rule: Rule, check: Check) -> None:
    assert not [str(failure) for failure in run_check(check, SUBJECTS[rule.id])]


FINDING_OUT = frozenset(
    {
        "ask", "assess", "check", "clarify", "complete", "confirm", "document", "find", "identify", "measure", "name", "obtain",
        "record", "retest", "state", "test", "weigh",
    }
)  # fmt: skip
"""First words of actions that find out what isn't known."""
HARMLESS = frozenset(
    {
        "correct-assessment-level", "discuss-fertility", "give-education-card", "hold-mdt", "hold-mdt-before-surgery",
        "hold-mdt-for-difficult-case", "make-follow-up-plan", "order-hbv-screening", "set-bedside-label", "sign-consent",
        "verify-order",
    }
)  # fmt: skip
"""Other actions that treat nobody."""
LOOKS = re.compile("核对|核实|核查|补录|补全|补充|写明|注明|明确|测量|查看|询问|评估|复查|请查|检测")
TREATS = re.compile("开具(?!医师)|停用|停止|暂停|推迟|暂缓|减至|减量|改用|入住|启动|控制感染")


@by_rule
def test_what_is_not_known_orders_no_treatment(rule: Rule) -> None:
    """A treatment that was never shown to be needed is ordered by nobody: first it is found out, and none is done on record."""
    remedy = remedy_for(rule, "unknown")
    assert remedy is not None
    assert remedy.action.split("-")[0] in FINDING_OUT or remedy.action in HARMLESS
    added = (remedy.adds or {}).get("orders", {})
    assert not any("drugs" in template for template in (added if isinstance(added, tuple) else (added,)))
    treats = TREATS.search(remedy.zh)
    assert treats is None or LOOKS.search(remedy.zh[: treats.start()])


@by_rule
def test_what_is_not_known_claims_nothing_of_the_drugs(rule: Rule) -> None:
    """A drug that isn't recognised may be of the class or not: that the order has one of it is said of none."""
    said = rule.reason.unknown
    assert said is not None
    assert not re.search("(?<!是否)(医嘱)?含[^（]*（{drugs}）", said.zh)
    assert not re.search("(?<!whether )(?<!Whether )the order (contains|holds)", said.en)


@pytest.mark.longer
@by_rule
def test_every_named_check_holds_around_the_limits_of_the_rule(rule: Rule) -> None:
    """The same on probes of the rule: 60 requests around its limits, or `ONCOGATE_PROBES`."""
    probed = Subject(SUBJECTS[rule.id].loaded, LIBRARY, int(os.environ.get("ONCOGATE_PROBES", "60")))
    assert not [str(failure) for check in CHECKS for failure in run_check(check, probed)]


UNMARKED = {"core/drug-not-recognised"}
"""Rules on orders that aren't marked as anti-tumour: of one that is marked the others speak."""


def with_untold_drugs(request: Request) -> Iterator[tuple[str, Request]]:
    """The request, its order marked as anti-tumour, with each drug by turns, and with all, one that nobody knows."""
    order = request.order
    drugs = order.drugs if order is not None else ()
    for turn in range(-1, len(drugs)) if order is not None and drugs else ():
        unknown = {"name": "XR-17 注射液", "code": None, "system": None}
        changed = tuple(
            drug.model_copy(update=unknown) if turn in (-1, i) else drug for i, drug in enumerate(drugs)
        )
        marked = order.model_copy(update={"drugs": changed, "kind": order.kind or "chemotherapy"})
        yield f"drug {turn}" if turn >= 0 else "every drug", request.model_copy(update={"order": marked})


@by_rule
def test_a_drug_that_nobody_knows_never_silences_a_rule(rule: Rule) -> None:
    """An unknown drug in an order marked as anti-tumour makes no rule not applicable that was applicable before."""
    for name, request, library in shown(rule.id) if rule.id not in UNMARKED else ():
        if verdict(rule, request, library) == "not_applicable":
            continue
        for which, untold in with_untold_drugs(request):
            assert verdict(rule, untold, library) != "not_applicable", f"{name}: {which} isn't recognised"


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
