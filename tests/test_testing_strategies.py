"""The strategies of `oncogate.testing`: what they draw is real, reaches its cases, and shrinks to what a person reads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from loaded import shipped_library

from oncogate import Gate, Request
from oncogate import testing as draw
from oncogate.authoring.examples import AT, judge_alone
from oncogate.clinical.stages import StageProblem, fits, read_stage
from oncogate.clinical.units import factor
from oncogate.engine.case import in_classes
from oncogate.model.decision import Finding
from oncogate.model.record import PatientRecord
from oncogate.model.rule import Rule

LIBRARY = shipped_library()
HOSPITAL = draw.Hospital(LIBRARY)
RULES = {loaded.rule.id: loaded.rule for loaded in LIBRARY.rules}
QUIET = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
FEW = settings(QUIET, max_examples=40)
REACH = settings(QUIET, max_examples=600, phases=[Phase.generate])
ANY = draw.requests(HOSPITAL)


@lru_cache
def around(rule: str) -> st.SearchStrategy[Request]:
    return draw.requests_for(rule, HOSPITAL)


@lru_cache
def drawn(rule: str) -> tuple[tuple[Request, Finding], ...]:
    """400 requests around a rule, with what the rule says of each."""
    found: list[Request] = []

    @settings(QUIET, max_examples=400, phases=[Phase.generate])
    @given(around(rule))
    def take(request: Request) -> None:
        found.append(request)

    take()
    return tuple((request, judge_alone(RULES[rule], request, LIBRARY)) for request in found)


# -- whole requests --------------------------------------------------------------------------------


@FEW
@given(st.one_of(ANY, around("core/consent-missing"), around("core/anc-below-start-limit")))
def test_every_request_reads_back_equal_and_is_decided(request: Request) -> None:
    assert Request.load(request.to_json()) == request
    assert Gate(LIBRARY).decide(request).outcome in ("allow", "warn", "block")


@FEW
@given(ANY)
def test_no_two_entries_have_one_id(request: Request) -> None:
    found = [e.id for s in PatientRecord.SECTIONS for e in request.record.section(s) or ()]
    assert len(found) == len(set(found))


QUICK = ["core/consent-missing", "core/anc-below-start-limit", "core/anc-not-recent"]
SAYS: dict[str, set[str]] = {"raised": {"unmet"}, "not_raised": set()}


def shown(rule: Rule) -> set[str]:
    """The verdicts that the rule's own examples expect; a request has no first-line lists."""
    asked = (e for e in rule.examples if "first_line" not in e.given)
    return set().union(*(SAYS.get(e.expect, {e.expect}) for e in asked))


@pytest.mark.parametrize("rule", QUICK)
def test_every_verdict_of_a_rule_is_reached(rule: str) -> None:
    assert shown(RULES[rule]) <= {finding.verdict for _, finding in drawn(rule)}


@pytest.mark.longer
@pytest.mark.parametrize("rule", RULES)
def test_every_verdict_of_every_rule_is_reached(rule: str) -> None:
    test_every_verdict_of_a_rule_is_reached(rule)


@pytest.mark.parametrize(
    ("rule", "whys"),
    [
        ("core/consent-missing", "in_the_future withdrawn wrong_kind wrong_patient recorded_late other_regimen not_supplied unread"),
        ("core/anc-not-recent", "too_old not_final absent"),
        ("core/anc-below-start-limit", "unreadable_unit conflicting implausible"),
    ],
)  # fmt: skip
def test_every_near_miss_is_reached(rule: str, whys: str) -> None:
    assert set(whys.split()) <= {row.why for _, finding in drawn(rule) for row in finding.evidence}


def test_the_limit_and_one_step_either_side_are_reached() -> None:
    labs = [lab for request, _ in drawn("core/anc-below-start-limit") for lab in request.record.labs or ()]
    assert {Decimal("1.4"), Decimal("1.5"), Decimal("1.6")} <= {lab.value.value for lab in labs if lab.value}


@pytest.mark.parametrize(("days", "verdict"), [(7, "met"), (8, "unmet")])
def test_the_edge_of_a_window_and_a_day_outside_it_are_reached(days: int, verdict: str) -> None:
    def only(request: Request) -> set[int]:
        labs = request.record.labs or ()
        return {(request.at - e.effective).days for e in labs if isinstance(e.effective, datetime)}

    assert verdict in {
        finding.verdict for request, finding in drawn("core/anc-not-recent") if only(request) == {days}
    }


def test_what_is_added_to_a_request_around_a_rule_is_told_apart() -> None:
    added = [
        e for r, _ in drawn("core/consent-missing") for e in r.record.exams or () if e.id.startswith("more-")
    ]
    assert added


# -- shrinking -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [ANY, around("core/consent-missing")], ids=["any", "around"])
def test_a_missing_consent_shrinks_to_one_drug_and_nothing_on_record(
    strategy: st.SearchStrategy[Request],
) -> None:
    rule = RULES["core/consent-missing"]
    request = find(
        strategy,
        lambda r: judge_alone(rule, r, LIBRARY).verdict == "unmet",
        settings=settings(QUIET, max_examples=300),
    )
    assert request.at == AT
    assert not [s for s in PatientRecord.SECTIONS if request.record.section(s) != ()]
    assert request.order is not None
    (drug,) = request.order.drugs
    assert drug.model_dump(exclude_none=True).keys() == {"name"}
    assert len(drug.name or "") <= 4


def test_a_low_count_shrinks_to_one_result() -> None:
    rule = RULES["core/anc-below-start-limit"]
    request = find(
        around(rule.id),
        lambda r: judge_alone(rule, r, LIBRARY).verdict == "unmet",
        settings=settings(QUIET, max_examples=300),
    )
    assert sum(len(request.record.section(s) or ()) for s in PatientRecord.SECTIONS) <= 2


# -- single values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ["cytotoxic", "anti_cd20", "docetaxel", "anti_tumour"])
def test_drugs_are_recognised_as_what_was_asked_for(cls: str) -> None:
    @FEW
    @given(draw.drugs(cls, HOSPITAL))
    def recognised(drug: draw.Drug) -> None:  # type: ignore[name-defined]
        known = LIBRARY.tables.identify(drug)
        assert known is not None
        assert in_classes(known, frozenset({cls}))

    recognised()
    assert find(
        draw.drugs("docetaxel", HOSPITAL), lambda d: (d.name or "").startswith("注射用"), settings=REACH
    )


@pytest.mark.parametrize("fact", ["lab.anc", "lab.creatinine", "vital.temperature"])
def test_quantities_are_in_units_that_are_read_or_known_to_be_lost(fact: str) -> None:
    measured = LIBRARY.facts[fact].measured
    assert measured is not None
    read = lambda q: factor(measured.measure, q.unit) is not None  # noqa: E731
    strategy = draw.quantities(fact, HOSPITAL, around=(Decimal("1.5"),))
    assert find(strategy, lambda q: True) == find(
        strategy, lambda q: q.value == measured.typical and q.unit == measured.unit
    )
    for wanted in (
        lambda q: q.unit != measured.unit and read(q),
        lambda q: not read(q),
        lambda q: q.value == Decimal("1.5") and q.unit == measured.unit,
        lambda q: q.comparator == "<",
        lambda q: q.unit == measured.unit and q.value > measured.plausible[1],
    ):
        find(strategy, wanted, settings=REACH)


@pytest.mark.parametrize("tumour", ["lung", "breast", "lymphoma", "leukaemia"])
def test_stages_are_such_as_the_tumour_has(tumour: str) -> None:
    @FEW
    @given(draw.stages(tumour, library=HOSPITAL))
    def readable(entry: draw.Stage) -> None:  # type: ignore[name-defined]
        stage = read_stage(entry.stage, tumour=tumour)
        assert not isinstance(stage, StageProblem)
        assert fits(stage, LIBRARY.tables.tumours[tumour].stage_systems)

    readable()


def test_times_are_zoned_or_whole_days() -> None:
    @FEW
    @given(draw.times())
    def dated(time: date) -> None:
        assert not isinstance(time, datetime) or time.utcoffset() is not None

    dated()
    assert find(draw.times(), lambda t: True) == AT.replace(hour=8)
    assert find(draw.times(), lambda t: not isinstance(t, datetime))
    assert find(draw.times(), lambda t: isinstance(t, datetime) and t > AT)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (lambda: draw.drugs("cytotoxik", HOSPITAL), "no class of drugs `cytotoxik` .did you mean `cytotoxic`"),
        (lambda: draw.labs("lab.ancc", library=HOSPITAL), "did you mean `lab.anc`"),
        (lambda: draw.quantities("consent.chemotherapy", HOSPITAL), "`consent.chemotherapy` isn't measured"),
        (lambda: draw.stages("lungs", library=HOSPITAL), "did you mean `lung`"),
        (lambda: draw.stages("CNS", library=HOSPITAL), "no stage of `CNS` is known"),
        (lambda: draw.requests_for("core/consent-mising", HOSPITAL), "did you mean `core/consent-missing`"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_at_once(strategy: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        strategy()


def test_without_hypothesis_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; import oncogate.testing"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "`oncogate.testing` needs `hypothesis`, which is not installed [extra-missing]" in found.stderr
    assert 'help: pip install "oncogate[test]"' in found.stderr
