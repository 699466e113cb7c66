"""The laws of docs/explanation/meaning.md, on the shipped rules and on generated ones. Each docstring is for a pharmacist to read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import shipped_gate, shipped_library
from strategies import SECTIONS, requests, rules_of_one_pack
from test_differential import QUIET, gate_of, stable

from oncogate.authoring.examples import request_of
from oncogate.engine.case import Case
from oncogate.engine.judge import judge_safely
from oncogate.gate import Gate
from oncogate.model.decision import Decision
from oncogate.model.parameter import Parameter
from oncogate.model.record import Entry, PatientRecord
from oncogate.model.request import Request
from oncogate.model.rule import Rule

EVERY = 36  # of the examples of all packs so many are enough to see the same bytes again
FEW = settings(QUIET, max_examples=90, derandomize=True)
STRICTNESS = {None: 0, "inform": 0, "warn": 1, "block": 2}
PACKS = rules_of_one_pack()


@lru_cache
def examples() -> tuple[Request, ...]:
    """The requests of the examples inside the shipped rules."""
    return tuple(
        request_of(e.given, shipped_library())
        for loaded in shipped_library().rules
        for e in loaded.rule.examples
    )


@lru_cache
def shipped_rules() -> tuple[Rule, ...]:
    return tuple(loaded.rule for loaded in shipped_library().rules)


any_request = st.one_of(requests(), st.deferred(lambda: st.sampled_from(examples())))
gates = st.one_of(st.builds(shipped_gate), PACKS.map(gate_of))


def verdicts(gate: Gate, request: Request) -> dict[str, str | None]:
    case = Case.of(request, gate.library)
    return {r.id: j and j.verdict for r, j in ((rule, judge_safely(rule, case)) for rule in stable(gate))}


def written(decision: Decision) -> str:
    """The decision as JSON, without what tells the place of a thing in the input."""
    data = decision.to_dict(everything=True)
    data["notices"] = sorted(n["message"]["en"] for n in data["notices"])
    data["packs"].sort(key=lambda pack: pack["id"])
    return json.dumps(data, ensure_ascii=False)


def with_record(request: Request, **sections: Any) -> Request:
    return request.model_copy(update={"record": request.record.model_copy(update=sections)})


def mapped(request: Request, change: Any) -> Request:
    """The request with every entry of its record changed."""
    found = {name: request.record.section(name) for name in PatientRecord.SECTIONS}
    return with_record(
        request,
        **{name: tuple(change(e) for e in entries) for name, entries in found.items() if entries is not None},
    )


# -- 1 ---------------------------------------------------------------------------------------------


@FEW
@given(PACKS, requests(), st.randoms(use_true_random=False))
def test_the_order_of_rules_packs_and_entries_does_not_matter(
    pack: tuple[Rule, ...], request: Request, random: Any
) -> None:
    """However the rules, the packs and the patient's papers are sorted, the decision is the same, to the byte."""
    rules = random.sample(pack, len(pack))
    cut = random.randint(0, len(pack))
    one, other = (
        gate_of(pack[:cut], pack[cut:]),
        gate_of(tuple(r for r in rules if r in pack[:cut]), tuple(r for r in rules if r in pack[cut:])),
    )
    assert written(other.decide(shuffled(request, random))) == written(one.decide(request))


@FEW
@given(any_request, st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter_to_the_shipped_rules(request: Request, random: Any) -> None:
    """However the patient's papers are sorted, the shipped rules decide the same, to the byte."""
    assert written(shipped_gate().decide(shuffled(request, random))) == written(
        shipped_gate().decide(request)
    )


def shuffled(request: Request, random: Any) -> Request:
    found = {name: request.record.section(name) for name in PatientRecord.SECTIONS}
    return with_record(
        request, **{n: tuple(random.sample(entries, len(entries))) for n, entries in found.items() if entries}
    )


# -- 2 ---------------------------------------------------------------------------------------------


@FEW
@given(rules_of_one_pack(largest=4), PACKS, requests())
def test_adding_a_rule_never_loosens(
    pack: tuple[Rule, ...], more: tuple[Rule, ...], request: Request
) -> None:
    """With more rules an order may be stopped that passed before, but none passes that was stopped."""
    added = tuple(r.model_copy(update={"id": r.id.replace("made/", "more/")}) for r in more)
    before, after = gate_of(pack).decide(request), gate_of((*pack, *added)).decide(request)
    assert (
        STRICTNESS[after.outcome.replace("allow", "inform")]
        >= STRICTNESS[before.outcome.replace("allow", "inform")]
    )
    assert [f for f in after.all_findings if f.rule.startswith("made/")] == list(before.all_findings)


# -- 3 ---------------------------------------------------------------------------------------------


@FEW
@given(st.one_of(st.builds(shipped_rules), PACKS), any_request)
def test_the_outcome_is_the_strictest_thing_asked_and_determining_who_asked_it(
    pack: tuple[Rule, ...], request: Request
) -> None:
    """Every rule that isn't satisfied asks for its effect, and every rule that can't be judged asks for something.

    The order is blocked if and only if a rule asks for that, warned of if and only if one asks for that
    and none blocks; and the decision names those rules, all of them and no others.
    """
    decision = gate_of(pack).decide(request)
    stable = {rule.id: rule for rule in pack if rule.status == "stable"}
    assert [f.rule for f in decision.all_findings] == sorted(stable)
    for finding in decision.all_findings:
        rule = stable[finding.rule]
        if finding.verdict == "unmet":
            assert finding.asks == ("inform" if rule.effect == "critical_value" else rule.effect)
        elif finding.verdict == "unknown":
            assert finding.asks == (
                rule.on_unknown or {"critical_value": "warn"}.get(rule.effect, rule.effect)
            )
        else:
            assert finding.asks is None
    asked = {f.rule: f.asks for f in decision.all_findings}
    blocked, warned = ([r for r, a in asked.items() if a == what] for what in ("block", "warn"))
    assert decision.outcome == ("block" if blocked else "warn" if warned else "allow")
    assert list(decision.determining_rules) == (blocked or warned)
    assert [f.rule for f in decision.findings] == [r for r, a in asked.items() if a is not None]
    assert all(asked[f.rule] is not None for f in decision.all_findings if f.verdict in ("unmet", "unknown"))


# -- 4 ---------------------------------------------------------------------------------------------


def only_evidence(request: Request, named: set[str | None]) -> Request:
    found = {name: request.record.section(name) for name in PatientRecord.SECTIONS if name != "diagnoses"}
    return with_record(
        request,
        **{
            n: tuple(e for e in entries if e.id in named)
            for n, entries in found.items()
            if entries is not None
        },
    )


@FEW
@given(gates, any_request)
def test_evidence_suffices(gate: Gate, request: Request) -> None:
    """Judged on the papers that a finding names as its evidence, and the diagnoses, a rule says the same again."""
    for finding in gate.decide(request).all_findings:
        less = only_evidence(request, {row.entry for row in finding.evidence})
        assert verdicts(gate, less)[finding.rule] == finding.verdict, finding.rule


# -- 5 ---------------------------------------------------------------------------------------------


@st.composite
def lessons(draw: Any) -> tuple[Request, Request]:
    """A request of which something isn't known, and the same once it is."""
    after = draw(requests(complete=True))
    hide = draw(st.sets(st.sampled_from(SECTIONS), max_size=2))
    choice = st.integers(0, 3)

    def blank(entry: Entry) -> Entry:
        if draw(choice):
            return entry
        if getattr(entry, "level", None) is not None:
            return entry.model_copy(update={"level": "High"})
        value = getattr(entry, "value", None)
        if value is not None:
            return entry.model_copy(update={"value": value.model_copy(update={"unit": "109/L"})})
        return entry.model_copy(update={"effective": None})

    before = mapped(after, blank)
    if draw(st.booleans()):
        hide.add("diagnoses")
    return with_record(before, **dict.fromkeys(hide)), after


@settings(FEW, max_examples=150)
@given(st.one_of(st.builds(shipped_gate), rules_of_one_pack(supplied=False).map(gate_of)), lessons())
def test_learning_a_missing_value_only_settles_unknowns(gate: Gate, lesson: tuple[Request, Request]) -> None:
    """What was satisfied or not stays so when a missing paper is found or a doubtful one made clear.

    Nobody is asked more: what was satisfied in any case may turn out not to concern the rule at all.
    Rules that ask whether a section was supplied at all are excepted: those ask what isn't known.
    """
    before, after = lesson
    exempt = {rule.id for rule in stable(gate) if "supplied=" in str(rule)}
    later = verdicts(gate, after)
    for rule, verdict in verdicts(gate, before).items():
        if verdict != "unknown" and rule not in exempt:
            assert later[rule] == verdict or (verdict, later[rule]) == ("met", "not_applicable"), rule


# -- 6 ---------------------------------------------------------------------------------------------


@FEW
@given(gates, any_request)
def test_what_is_written_reads_back_equal(gate: Gate, request: Request) -> None:
    """A request, a rule or a decision that was saved is, when opened again, what it was."""
    assert Request.load(request.to_json().encode()) == request
    decision = gate.decide(request)
    assert Decision.load(decision.to_json()) == decision
    for rule in stable(gate):
        assert Rule.model_validate_json(rule.model_dump_json(by_alias=True)) == rule


ANOTHER_PROCESS = """
import sys
from oncogate.gate import Gate
from oncogate.model.request import Request
gate = Gate.load()
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(gate.decide(Request.load(line)).model_dump_json(by_alias=True).encode() + b"\\n")
"""


def test_another_process_gives_the_same_bytes() -> None:
    """The same request gives the same decision on any computer, on any day, to the byte."""
    lines = [request.to_json().encode() for request in examples()[::EVERY]]
    here = [
        shipped_gate().decide(Request.load(line)).model_dump_json(by_alias=True).encode() for line in lines
    ]
    for seed in ("1", "2026"):
        run = subprocess.run(
            [sys.executable, "-c", ANOTHER_PROCESS], input=b"\n".join(lines), capture_output=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip
        assert run.stdout.splitlines() == here


def test_eight_threads_give_the_same_bytes_as_one() -> None:
    """Many orders signed at the same time are decided as if each were alone."""

    def decide(request: Request) -> str:
        return shipped_gate().decide(request).model_dump_json(by_alias=True)

    batch = examples()[:: EVERY // 2]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(decide, batch)) == [decide(request) for request in batch]


# -- 7 ---------------------------------------------------------------------------------------------


def in_days(rule: Rule) -> Rule:
    """The rule with its calendar windows, months and years, as days: months differ in length."""
    days = {"mo": 30, "a": 365}
    changed = {
        name: Parameter(value=Decimal(days[p.unit]), unit="d", source=p.source) if p.unit in days else p
        for name, p in rule.parameters.items()
    }  # fmt: skip
    return rule.model_copy(update={"parameters": changed})


@FEW
@given(st.one_of(st.builds(shipped_rules), PACKS), any_request, st.integers(-4000, 4000))
def test_shifting_every_time_changes_no_verdict(pack: tuple[Rule, ...], request: Request, days: int) -> None:
    """The same papers, all dated some days earlier or later, are judged the same."""
    by = timedelta(days=days)

    def later(entry: Entry) -> Entry:
        times = {
            name: getattr(entry, name)
            for name in ("effective", "recorded", "planned")
            if getattr(entry, name, None)
        }
        return entry.model_copy(update={name: moved(time, by) for name, time in times.items()})

    gate = gate_of(tuple(in_days(rule) for rule in pack))
    shifted = mapped(request, later).model_copy(update={"at": request.at + by})
    assert verdicts(gate, shifted) == verdicts(gate, request)


def moved(time: datetime | date, by: timedelta) -> datetime | date:
    return time + by


# -- 8 ---------------------------------------------------------------------------------------------

PER_UNIT = {"10*9/L": 1, "10*3/uL": 1, "K/uL": 1, "/uL": 1000, "/mm3": 1000}


@FEW
@given(gates, any_request, st.sampled_from(tuple(PER_UNIT)))
def test_another_unit_changes_no_verdict(gate: Gate, request: Request, unit: str) -> None:
    """A blood count written as 1500/µL is judged as one written as 1.5×10⁹/L."""

    def rewritten(entry: Entry) -> Entry:
        value = getattr(entry, "value", None)
        if value is None or value.unit not in PER_UNIT:
            return entry
        number = value.value / PER_UNIT[value.unit] * PER_UNIT[unit]
        return entry.model_copy(update={"value": value.model_copy(update={"value": number, "unit": unit})})

    assert verdicts(gate, mapped(request, rewritten)) == verdicts(gate, request)


def test_the_examples_reach_every_verdict_of_the_shipped_rules() -> None:
    """The laws are tried where the shipped rules are satisfied, not satisfied, not known and not concerned."""
    seen = {
        (rule, verdict)
        for request in examples()
        for rule, verdict in verdicts(shipped_gate(), request).items()
    }
    assert {verdict for _, verdict in seen} == {"met", "unmet", "unknown", "not_applicable"}
