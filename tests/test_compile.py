"""Compiled rules say what the walker says; what they find is what `select` finds; of a pack they hold numbers alone."""

from __future__ import annotations

import ast
import json
import linecache
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import shipped_library
from strategies import requests

from oncogate import Request
from oncogate.authoring.examples import AT, request_of, with_first_line
from oncogate.engine.case import Case
from oncogate.engine.coded import Asked
from oncogate.engine.compile import Compiler
from oncogate.engine.found import finder, since
from oncogate.engine.found_checks import FOREVER, exact_float
from oncogate.engine.judge import judge
from oncogate.engine.listing import listing
from oncogate.engine.program import Program, Programs
from oncogate.engine.select import select
from oncogate.engine.standing import Window
from oncogate.model.facts import Fact
from oncogate.model.record import PatientRecord
from oncogate.packs.leaves import leaves
from oncogate.packs.load import shipped_rules
from oncogate.packs.pack import Library

LIBRARY = shipped_library()
FORCE = LIBRARY.in_force(AT.date())
EXAMPLES = [(loaded.rule.id, e) for loaded in LIBRARY.rules for e in loaded.rule.examples]


def said_by_the_walker(case: Case, rules) -> dict[str, str]:
    verdicts = {rule.id: judge(rule, case).verdict for rule in rules}
    return {id: verdict for id, verdict in verdicts.items() if verdict not in ("met", "not_applicable")}


def of_all_rules() -> Program:
    """A program of every rule, whatever its status."""
    programs = Programs(LIBRARY)
    compiler = Compiler(FORCE.facts)
    return Program(FORCE.rules, compiler, programs._compiled_by(compiler))


PROGRAM = of_all_rules()


def compare(given_: dict, library: Library) -> None:
    compare_rules(request_of(given_, library), library)


@pytest.mark.parametrize("start", range(4))
def test_every_rule_says_of_an_example_what_the_walker_says(start):
    for _, example in EXAMPLES[start::36]:
        compare(example.given, with_first_line(LIBRARY, example.given))


@pytest.mark.longer
@pytest.mark.parametrize("start", range(8))
def test_every_rule_says_of_every_example_what_the_walker_says(start):
    for _, example in EXAMPLES[start::8]:
        compare(example.given, with_first_line(LIBRARY, example.given))


FACTS = {name: fact for name, fact in FORCE.facts.items() if not fact.derived}


@given(requests())
@settings(max_examples=60, deadline=None)
def test_what_is_found_is_what_is_selected(request_):
    compare_found(request_)


@pytest.mark.parametrize("start", range(3))
def test_what_is_found_in_an_example_is_what_is_selected(start):
    for _, example in EXAMPLES[start::100]:
        compare_found(request_of(example.given, with_first_line(LIBRARY, example.given)))


def compare_found(request: Request) -> None:
    asked = Asked()
    case, other = Case.of(request, LIBRARY), Case.of(request, LIBRARY)
    for name, fact in FACTS.items():
        found, selection = finder(name, fact, {}, asked)(None, case), select(other, name)
        assert since(found, "") == selection.exists, name
        times = {s.when for s in selection.standings if s.when is not None}
        for moment in times | {t + timedelta(microseconds=1) for t in times} | {case.at}:
            window = Window(moment, fact.label)
            assert since(found, case.text_of(moment)) == select(other, name, window=window).exists, (
                name,
                moment,
            )
        last, _, _, value = found
        if value is not None:
            (newest,) = selection.newest
            said = newest.value if fact.measured else getattr(newest.entry, fact.vocabulary.field)
            said = float(said) if fact.measured else said
            assert (said, newest.problem, selection.hidden) == (value, None, ()), name
            assert last == (FOREVER if newest.when is None else case.text_of(newest.when)), name
        elif fact.measured and not selection.hidden and [s.problem for s in selection.newest] == [None]:
            assert selection.newest[0].counted is None or selection.newest[0].entry.value.comparator, name


OTHER_ZONES = [timezone.utc, timezone(timedelta(hours=-5, minutes=-30)), timezone(timedelta(hours=8))]
TIME = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+08:00)"')


def written_otherwise(text: str, how: int) -> str:
    """A time as other hosts write it: in another zone, with `Z`, with parts of a second, or its day alone."""
    moment = datetime.fromisoformat(text)
    if how < len(OTHER_ZONES):
        return moment.astimezone(OTHER_ZONES[how]).isoformat()
    plain = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return [
        plain.isoformat() + "Z", plain.isoformat(timespec="milliseconds") + "Z", plain.isoformat() + "-00:00",
        (moment + timedelta(milliseconds=250)).isoformat(), text[:10], text,
    ][how - len(OTHER_ZONES)]  # fmt: skip


def with_what_must_be_said(entry: dict) -> dict:
    """An entry as short as many hosts write it."""
    return {
        name: value
        for name, value in entry.items()
        if name not in ("recorded", "patient", "focus", "source", "key")
    }


@given(requests())
@settings(max_examples=60, deadline=None)
def test_what_is_found_of_short_entries_is_what_is_selected(request_):
    data = json.loads(request_.to_json())
    for section in set(PatientRecord.SECTIONS) & set(data["record"]):
        data["record"][section] = [*map(with_what_must_be_said, data["record"][section] or ())]
    compare_however_read(data)


MOMENT = "2026-03-02T09:30:00+08:00"
SECOND = "2026-03-02T09:30:01+08:00"
ANC = {"codes": [{"system": "http://loinc.org", "code": "751-8"}], "status": "final"}
FEVER = {"codes": [{"system": "http://loinc.org", "code": "8310-5"}], "status": "final"}
LEVEL = {"kind": "febrile_neutropenia", "status": "final"}


@pytest.mark.parametrize(
    "record",
    [
        {"labs": [{**ANC, "id": str(n), "effective": time, "value": {"value": n, "unit": "10*9/L"}} for n, time in enumerate(times)]}
        for times in [(MOMENT, MOMENT), (MOMENT, SECOND), (SECOND, SECOND), (SECOND, MOMENT)]
    ]
    + [
        {"assessments": [{**LEVEL, "id": level, "level": level, "effective": time} for level, time in zip(("low", "high"), times, strict=True)]}
        for times in [(MOMENT, MOMENT), (MOMENT, SECOND), (MOMENT, "2026-03-02T09:29:59+08:00")]
    ]
    + [
        {section: [{**FEVER, "id": section, "effective": time, "value": {"value": value, "unit": "Cel"}}] for section, time, value in rows}
        for rows in [
            [("labs", MOMENT, 37), ("vitals", MOMENT, 39)], [("labs", SECOND, 37), ("vitals", MOMENT, 39)],
            [("labs", "2026-03-01", 37), ("vitals", MOMENT, 39)], [("labs", MOMENT, 37), ("vitals", "2026-03-01", 39)],
        ]
    ],
)  # fmt: skip
def test_of_two_at_one_moment_neither_is_the_newest(record):
    compare_however_read({"at": MOMENT, "record": record})


def compare_however_read(data: dict) -> None:
    """Of a request that is read at once, its JSON is looked at; of one that is made otherwise, its entries."""
    compare_found(Request.load(data))
    compare_found(Request.read_at_once(json.dumps(data).encode()))


def test_of_a_result_that_contradicts_itself_no_value_is_found():
    lab = {
        **ANC,
        "id": "l",
        "effective": MOMENT,
        "value": {"value": 2, "unit": "10*9/L"},
        "conflict": "2 and 3",
    }
    compare_however_read({"at": MOMENT, "record": {"labs": [lab]}})


STATUSES = (
    "cancelled",
    " Cancelled ",
    "not-done",
    "corrected",
    "amended",
    "refuted",
    "superseded",
    "entered-in-error",
    "已取消",
    "done",
    "planned",
    None,
)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("key", [None, "k"])
def test_of_a_note_of_any_status_is_found_what_is_selected(status, key):
    notes = {
        section: [
            {
                "id": f"{section}-{n}",
                "kind": kind,
                "status": status,
                "key": key,
                "effective": MOMENT,
                "level": level,
            }
            for n, (kind, level) in enumerate(NOTES)
        ]
        for section in ("events", "educations", "meetings", "follow_ups", "allergies")
    }
    request_ = Request.load({"at": MOMENT, "record": notes})
    compare_found(request_)
    compare_rules(request_)


NOTES = [
    (kind, level)
    for fact in FACTS.values()
    if not fact.counted
    for kind in fact.kinds
    for level in (None, "high")
]


def compare_rules(request_: Request, library: Library = LIBRARY) -> None:
    compiled = {said.rule.id: said.verdict for said in PROGRAM.spoken(Case.of(request_, library))}
    assert compiled == said_by_the_walker(Case.of(request_, library), FORCE.rules)


@given(requests(), st.lists(st.integers(0, 8), min_size=1, max_size=5), st.integers(0, 6))
@settings(max_examples=100, deadline=None)
def test_a_time_is_the_same_however_it_is_written(request_, ways, at_way):
    forms = cycle(ways)
    data = json.loads(request_.to_json())
    data["record"] = json.loads(
        TIME.sub(lambda m: f'"{written_otherwise(m[1], next(forms))}"', json.dumps(data["record"]))
    )
    data["at"] = written_otherwise(data["at"], at_way)
    loaded = Request.read_at_once(json.dumps(data, ensure_ascii=False).encode())
    assert loaded is not None
    assert loaded == Request.load(data)
    compare_found(loaded)
    compare_found(Request.load(data))


@given(st.decimals("0", "2000", places=3), st.decimals("0", "2000", places=3))
def test_floats_compare_as_the_numbers_that_they_are_written_as(one, other):
    a, b = exact_float(one), exact_float(other)
    assert a is not None
    assert b is not None
    assert ((a < b), (a <= b), (a == b)) == ((one < other), (one <= other), (one == other))


def test_a_number_without_a_float_of_its_own_is_left_to_the_walker():
    assert exact_float(Decimal("0.1") + Decimal("1e-20")) is None
    assert exact_float(Decimal("1") / Decimal("3")) is None


LATER = "2026-03-02T09:30:00.000001+08:00"


@pytest.mark.parametrize(
    "moved", [{"recorded": LATER}, {"effective": LATER}, {"focus": "other"}, {"patient": "other"}]
)
def test_what_does_not_count_is_not_found(moved):
    data = json.loads((shipped_rules().parent / "examples" / "allowed.json").read_text("utf-8"))
    for section in PatientRecord.SECTIONS:
        data["record"][section] = [{**entry, **moved} for entry in data["record"].get(section) or ()]
    compare_found(Request.load(data))


def test_what_is_plain_is_told_without_selecting(monkeypatch):
    # so that the properties above aren't kept by asking `select` each time
    from oncogate.engine import found as finding

    monkeypatch.setattr(finding, "select", None)
    request = Request.load(shipped_rules().parent / "examples" / "allowed.json")
    case = Case.of(request, LIBRARY)
    for name, fact in FACTS.items():
        finder(name, fact, {}, Asked())(None, case)


@pytest.fixture
def hasty(monkeypatch) -> Iterator[None]:
    """Threads that give way to each other all the time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_of_facts_that_threads_ask_for_at_once_none_is_lost(hasty):
    loinc = lambda code: {"system": "http://loinc.org", "code": code}  # noqa: E731
    lab = {"id": "l", "status": "final", "effective": MOMENT, "text": "?"}
    common, own = [loinc(f"other-{n}") for n in range(50)], [loinc(str(n)) for n in range(160)]
    case = Case.of(Request.load({"at": MOMENT, "record": {"labs": [{**lab, "codes": own}]}}), LIBRARY)
    label, asked = FACTS["lab.anc"].label, Asked()

    codes = [[one, *common] for one in own]
    facts = [Fact(label=label, sections=("labs",), codes=each, focus="ignored") for each in codes]
    together = threading.Barrier(8)

    def ask(first: int) -> list:
        together.wait(timeout=10)
        return [asked.add(fact)("labs", lambda _: None) for fact in facts[first::8]]

    with ThreadPoolExecutor(8) as pool:
        looks = [look for many in pool.map(ask, range(8)) for look in many]
    assert [look(None, case) for look in looks] == [(case.now, None, False, None)] * 160


def test_threads_that_compile_rules_at_once_judge_alike(hasty):
    requests_ = [request_of(example.given, LIBRARY) for _, example in EXAMPLES[::40]]
    alone = [
        [(said.rule.id, said.verdict) for said in PROGRAM.spoken(Case.of(one, LIBRARY))] for one in requests_
    ]
    program = of_all_rules()
    with ThreadPoolExecutor(6) as pool:
        together = pool.map(lambda one: program.spoken(Case.of(one, LIBRARY)), requests_ * 3)
        assert [[(said.rule.id, said.verdict) for said in one] for one in together] == alone * 3


def test_of_a_pack_the_code_holds_numbers_alone():
    ours = re.compile(r"judge|v|case|t\d+|k\d+|UNSET")
    for code in _codes():
        assert {name for name in (*code.co_names, *code.co_varnames) if not ours.fullmatch(name)} == set()
        assert {type(one) for one in code.co_consts} <= {int, bool, type(None)}


def _codes() -> Iterator:
    for rule in FORCE.rules:
        yield PROGRAM._compiled(rule).__code__


def test_a_traceback_points_to_the_line_of_the_condition(monkeypatch):
    from oncogate.engine.formulas import FORMULAS

    def failing(*_):
        raise ZeroDivisionError

    monkeypatch.setitem(FORMULAS, "marker_results", failing)
    rule = next(r for r in FORCE.rules if r.id == "core/molecular-result-missing")
    osimertinib = {"order": {"drugs": [{"name": "奥希替尼"}]}}
    case = Case.of(request_of(osimertinib, LIBRARY), LIBRARY)
    PROGRAM._plan(case)
    with pytest.raises(ZeroDivisionError) as caught:
        PROGRAM._compiled(rule)(list(PROGRAM._plan(case).start), case)
    frames = [f for f in traceback.extract_tb(caught.value.__traceback__) if f.filename.endswith(".yaml")]
    (frame,) = frames
    assert frame.filename.endswith("core/molecular-result-missing.yaml")
    assert "{holds: marker.needed}" in linecache.getline(frame.filename, frame.lineno or 0)


def test_rules_for_other_drugs_are_not_even_asked():
    def applying(drug: str) -> set[str]:
        case = Case.of(request_of({"order": {"drugs": [{"name": drug}]}}, LIBRARY), LIBRARY)
        return {failing.rule.id for _, _, failing in PROGRAM._plan(case).rules}

    assert "core/anc-not-recent" in applying("多西他赛")
    assert "core/anc-not-recent" not in applying("生理盐水")
    assert len(applying("生理盐水")) < len(applying("多西他赛"))


def test_what_rules_share_is_found_once():
    for rule in FORCE.rules:  # whatever other tests have compiled in this process
        PROGRAM._compiled(rule)
    slots = PROGRAM.compiler._slots
    found = [key for key in slots if key[0] == "found" and key[1] == "lab.anc"]
    assert len(found) == 1


def test_a_listing_is_the_function_and_names_the_lines_of_the_file():
    for loaded in LIBRARY.rules:
        compiler = Compiler(FORCE.facts)
        document = loaded.document
        lines = document.path.read_text("utf-8").splitlines()
        line_of = lambda place, document=document: document.place(place)[0]  # noqa: E731
        shown = listing(loaded.rule, compiler, "file", line_of, lines)
        (function,) = ast.parse(shown).body
        assert isinstance(function, ast.FunctionDef)
        compiled = compiler.function(loaded.rule, line_of).statements
        assert [ast.unparse(s) for s in function.body] == [ast.unparse(s) for s in compiled]
        for place, _ in leaves(loaded.rule):
            assert lines[line_of(place) - 1].strip() in shown
