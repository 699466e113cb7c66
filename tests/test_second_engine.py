"""The second engine: what it concludes, what becomes of a decision that it doesn't confirm, and that it can't do harm."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from itertools import combinations, islice, product
from pathlib import Path
from typing import Any

import pytest
from loaded import shipped_library
from reference import both, either, inverse
from test_differential import PATIENT, needs_durable

from oncogate.authoring.examples import AT, request_of
from oncogate.base.errors import OncogateError
from oncogate.engine.conditions import Walk
from oncogate.engine.durable import SecondEngineError
from oncogate.engine.durable.child import WORKER, Child
from oncogate.engine.durable.compile import compile_rules
from oncogate.engine.durable.network import CONSTANTS, Network, fnv1a, fresh_names
from oncogate.engine.durable.second import SecondEngine
from oncogate.engine.program import Program
from oncogate.explain.second_opinion import SECOND_OPINION
from oncogate.gate import Gate
from oncogate.model.condition import Exists
from oncogate.model.decision import Decision
from oncogate.model.request import Request
from oncogate.packs.pack import Library

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = Request.load(ROOT / "examples" / "allowed.json")
BLOCKED = Request.load(ROOT / "examples" / "no-consent.json")
WARNED = Request.load(ROOT / "examples" / "blood-count-too-old.json")
SYMBOL = {True: "t", False: "f", None: "u"}

FAKE = "import json, os, signal, sys, time\nsys.stdin.readline()\nprint('{\"ready\": 1}', flush=True)\n"
ANSWERS = "for line in sys.stdin:\n    number = json.loads(line)['number']\n    "
FAILING = {
    "killed": ANSWERS + "os.kill(os.getpid(), signal.SIGKILL)",
    "gone": "",
    "slow": ANSWERS + "time.sleep(60)",
    "no json": ANSWERS + "print('Segmentation fault', flush=True)",
    "no object": ANSWERS + "print([], flush=True)",
    "an error": ANSWERS + "print(json.dumps({'error': 'KeyError: s1'}), flush=True)",
    "another question's": ANSWERS + "print(json.dumps({'number': number - 1, 'concluded': {}}), flush=True)",
    "nothing": ANSWERS + "print(json.dumps({'number': number, 'concluded': {}}), flush=True)",
    "null": ANSWERS + "print(json.dumps({'number': number, 'concluded': None}), flush=True)",
}
"""Second engines that are ready, and then fail."""

LIAR = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("worker", {WORKER[2]!r})
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
honest = worker.Rules.conclude
def conclude(self, given):
    return {{symbol: LIES.get(value, value) for symbol, value in honest(self, given).items()}}
worker.Rules.conclude = conclude
worker.main()
"""


def fake(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", code)


def lying(**lies: str) -> tuple[str, ...]:
    """The real worker, but that it says one thing for another."""
    said = {old.replace("_", " ", 1): new for old, new in lies.items()}
    return fake(f"LIES = {said!r}\n{LIAR}")


def gate_with(command: tuple[str, ...], engine: Any = "both", time_limit: float = PATIENT) -> Gate:
    return Gate(shipped_library(), engine, SecondEngine(time_limit, command))


@lru_cache
def both_engines() -> Gate:
    return Gate(shipped_library(), "both", SecondEngine(PATIENT))


@lru_cache
def python() -> Gate:
    return Gate(shipped_library())


def child_of(gate: Gate) -> Child:
    second = gate._second
    assert second is not None
    ((_, _, child),) = second._compiled.values()
    return child


def pid_of(gate: Gate) -> int:
    process = child_of(gate)._process
    assert process is not None
    return process.pid


def without_engine(decision: Decision) -> dict[str, Any]:
    return {**decision.to_dict(everything=True), "engine": ""}


def is_held(decision: Decision) -> bool:
    """Whether the order is blocked because the second engine didn't confirm the decision."""
    finding = decision.finding(SECOND_OPINION)
    if finding is None:
        return False
    assert (finding.verdict, finding.asks, finding.why) == ("unknown", "block", "engine_error")
    assert decision.outcome == "block"
    assert SECOND_OPINION in decision.determining_rules
    assert decision.way_forward == ()
    assert decision.not_remediable == (SECOND_OPINION,)
    assert Decision.load(decision.to_json()) == decision
    return True


# -- names and limits -------------------------------------------------------------------------------


def test_the_hash_is_that_of_durable_rules():
    assert fnv1a("id") == 926444256  # HASH_ID and HASH_SID in its state.h
    assert fnv1a("sid") == 3593476751
    assert fnv1a("lab_gfwecgk") == fnv1a("anc")  # two names that it takes for one


def test_no_two_names_share_a_hash():
    names = list(islice(fresh_names(lambda name: fnv1a(name) % 997), 900))
    assert len({fnv1a(name) % 997 for name in names}) == 900
    assert not {fnv1a(name) % 997 for name in names} & {fnv1a(name) % 997 for name in ("id", "sid", "seen")}


def every_rule_counting():
    force = shipped_library().in_force(AT.date())
    return compile_rules([r.model_copy(update={"status": "stable"}) for r in force.rules], force.facts)


def terms_of(guard: dict[str, Any], group: int = 1) -> int:
    """The terms of a guard, and so many for each group of them."""
    ((key, inner),) = guard.items()
    return group + sum(terms_of(one, group) for one in inner) if key in ("$and", "$or") else 1


def test_rulesets_stay_within_what_durable_rules_can_follow():
    program = every_rule_counting()
    guards = [[rule["all"][0]["m"] for rule in one["rules"].values()] for one in program.rulesets]
    assert len(guards) > 100
    assert max(sum(map(terms_of, ruleset)) for ruleset in guards) < 64  # MAX_STACK_SIZE in its events.c
    assert (
        max(terms_of(guard, group=2) for ruleset in guards for guard in ruleset) < 32
    )  # MAX_SEQUENCE_EXPRESSIONS in its rete.h


@needs_durable
def test_nothing_but_symbols_crosses_over(monkeypatch):
    program = every_rule_counting()
    words = set(re.findall(r'"([^"]*)"', json.dumps(program.rulesets)))
    structure = {"name", "asks", "rules", "all", "m", "run", "$and", "$or", "$neq", "seen", "seen=t"}
    verdicts = r"(not_applicable|met|unmet|unknown) (block|warn|inform|nothing)"
    assert all(
        re.fullmatch(rf"s\d+(=([tfu]|{verdicts}|block|warn|allow))?|[tfu]|true|false", word)
        for word in words - structure
    )
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(Child, "ask", lambda self, question: asked.append(question) or {})
    monkeypatch.setattr(Child, "start", lambda self: None)
    Gate(shipped_library(), "both").decide(BLOCKED)
    ((_, given),) = asked[0].items()
    assert len(given) > 20
    assert all(re.fullmatch(r"s\d+|true|false", s) and v in ("t", "f", "u") for s, v in given.items())


# -- what it concludes --------------------------------------------------------------------------------


@needs_durable
def test_the_logic_of_the_network_is_kleenes():
    network = Network()
    nodes = [network.given() for _ in range(3)]
    counted = {n: network.at_least(n, nodes) for n in range(5)}
    every, some, negation = network.every(nodes), network.some(nodes), network.negation(nodes[0])
    child = Child({"rulesets": network.rulesets()}, PATIENT)
    for truths in product((True, False, None), repeat=3):
        given = CONSTANTS | {node: SYMBOL[truth] for node, truth in zip(nodes, truths, strict=True)}
        said = {**given, **child.ask({"given": given})["concluded"]}
        assert said[every] == SYMBOL[both(truths)]
        assert said[some] == SYMBOL[either(truths)]
        assert said[negation] == SYMBOL[inverse(truths[0])]
        for n, symbol in counted.items():
            assert said[symbol] == SYMBOL[either(both(chosen) for chosen in combinations(truths, n))]


@needs_durable
@pytest.mark.parametrize("odd", [None, "t", "f", "u"])
def test_many_conditions_are_told_in_groups(odd):
    network = Network()
    nodes = [network.given() for _ in range(70)]
    every, some = network.every(nodes), network.some(nodes)
    child = Child({"rulesets": network.rulesets()}, PATIENT)
    for value, symbol, alone in (("t", every, {"f": "f", "u": "u"}), ("f", some, {"t": "t", "u": "u"})):
        given = CONSTANTS | dict.fromkeys(nodes, value) | ({nodes[41]: odd} if odd else {})
        assert child.ask({"given": given})["concluded"][symbol] == alone.get(odd, value)


@needs_durable
@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("[!cf]*.json")), ids=lambda p: p.stem)
def test_both_engines_decide_what_one_decides(path):
    request = Request.load(path)
    decision = both_engines().decide(request)
    assert without_engine(decision) == without_engine(python().decide(request))
    assert re.fullmatch(r"oncogate [\d.]+ \(both, durable-rules [\d.]+\)", decision.engine)


@needs_durable
def test_by_itself_it_decides_the_same_in_the_same_words():
    gate = Gate(shipped_library(), "durable")
    for request in (ALLOWED, BLOCKED, WARNED):
        decision, plain = gate.decide(request), python().decide(request)
        assert decision.outcome == plain.outcome
        assert [f.explain("zh") for f in decision.findings] == [f.explain("zh") for f in plain.findings]
        assert decision.way_forward == plain.way_forward


@needs_durable
def test_by_itself_it_is_believed():
    decision = gate_with(lying(unmet_block="met nothing", block="allow"), "durable").decide(BLOCKED)
    assert decision.outcome == "allow"
    assert decision.finding("core/consent-missing").verdict == "met"


@needs_durable
def test_a_rule_that_python_fails_on_is_no_disagreement(monkeypatch):
    judged = Walk._leaf

    def failing(self, leaf):
        if isinstance(leaf, Exists) and leaf.exists == "consent.chemotherapy":
            raise ZeroDivisionError
        return judged(self, leaf)

    monkeypatch.setattr(Walk, "_leaf", failing)
    decision = both_engines().decide(ALLOWED)
    assert not is_held(decision)
    assert decision.determining_rules == ("core/consent-missing",)
    assert decision.finding("core/consent-missing").why == "engine_error"


@needs_durable
def test_a_compiled_rule_that_differs_from_the_walk_holds_the_order(monkeypatch):
    spoken = Program.spoken

    def silent(self, case):
        return [one for one in spoken(self, case) if one[0].id != "core/consent-missing"]

    monkeypatch.setattr(Program, "spoken", silent)
    decision = both_engines().decide(BLOCKED)
    assert is_held(decision)
    assert decision.finding("core/consent-missing").why == "engine_error"


# -- a second engine that fails -------------------------------------------------------------------------


@needs_durable
@pytest.mark.parametrize("failure", FAILING)
def test_a_second_engine_that_fails_holds_the_order(failure):
    gate = gate_with(fake(FAKE + FAILING[failure]), time_limit=0.3 if failure == "slow" else PATIENT)
    for request in (ALLOWED, BLOCKED):
        decision = gate.decide(request)
        assert is_held(decision)
        others = [f for f in decision.all_findings if f.rule != SECOND_OPINION]
        assert others == list(python().decide(request).all_findings)  # what a physician can act on stands


@needs_durable
@pytest.mark.parametrize("failure", ["killed", "slow", "nothing"])
def test_by_itself_a_second_engine_that_fails_leaves_every_rule_unknown(failure):
    gate = gate_with(fake(FAKE + FAILING[failure]), "durable", time_limit=0.3)
    decision = gate.decide(ALLOWED)
    assert is_held(decision)
    assert {(f.verdict, f.why) for f in decision.all_findings} == {("unknown", "engine_error")}


@needs_durable
@pytest.mark.parametrize(
    ("request_", "lies"),
    [
        (ALLOWED, {"met_nothing": "unmet block", "allow": "block"}),
        (BLOCKED, {"unmet_block": "met nothing", "block": "allow"}),
        (WARNED, {"unmet_warn": "met nothing", "warn": "allow"}),  # the rule itself would only warn
        (WARNED, {"unmet_warn": "unmet block", "warn": "block"}),
        (WARNED, {"warn": "allow"}),  # an outcome that isn't what the rules ask
    ],
    ids=["stricter", "milder", "milder than a warning", "asks more", "contradicts itself"],
)
def test_a_second_engine_that_is_wrong_holds_the_order(request_, lies):
    decision = gate_with(lying(**lies)).decide(request_)
    assert is_held(decision)
    plain = python().decide(request_)
    differing = [
        f.rule for f in decision.all_findings if f.why == "engine_error" and f.rule != SECOND_OPINION
    ]
    lied_about = {lie.replace("_", " ", 1) for lie in lies}
    assert differing == [
        f.rule for f in plain.all_findings if f"{f.verdict} {f.asks or 'nothing'}" in lied_about
    ]
    for rule in differing:
        assert decision.finding(rule).verdict == "unknown"
        assert decision.finding(rule).title.zh in decision.finding(SECOND_OPINION).reason.zh


@needs_durable
def test_a_critical_value_is_raised_whoever_doubts_it():
    request = Request.load(ROOT / "examples" / "critical-anc-no-order.json")
    decision = gate_with(lying(unmet_inform="not_applicable nothing")).decide(request)
    assert is_held(decision)
    assert decision.finding("core/anc-critical").why == "engine_error"
    assert decision.critical_values == python().decide(request).critical_values != ()


@needs_durable
def test_a_second_engine_that_was_killed_comes_back():
    gate = Gate(shipped_library(), "both", SecondEngine(PATIENT))
    assert gate.decide(ALLOWED).outcome == "allow"
    os.kill(pid_of(gate), signal.SIGKILL)
    assert is_held(gate.decide(ALLOWED))
    assert gate.decide(ALLOWED).outcome == "allow"


@needs_durable
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="there is no SIGSTOP here")
def test_a_second_engine_that_hangs_is_given_up_in_time():
    gate = Gate(shipped_library(), "both", SecondEngine(time_limit=0.5))
    stopped = pid_of(gate)
    os.kill(stopped, signal.SIGSTOP)
    began = time.monotonic()
    assert is_held(gate.decide(ALLOWED))
    assert time.monotonic() - began < 5
    assert child_of(gate)._process is None
    child_of(gate)._time_limit = PATIENT
    assert gate.decide(ALLOWED).outcome == "allow"
    assert pid_of(gate) != stopped


def test_an_answer_to_another_question_is_none():
    child = Child({}, PATIENT, fake(FAKE + FAILING["another question's"]))
    with pytest.raises(SecondEngineError) as raised:
        child.ask({})
    assert raised.value.trouble == "wrong"


def test_who_waits_too_long_for_a_turn_is_told_so():
    child = Child({}, 0.05, fake(FAKE))
    with child._turn(), pytest.raises(SecondEngineError, match="busy") as raised:
        child.ask({})
    assert raised.value.trouble == "late"


@needs_durable
def test_a_second_engine_that_goes_missing_holds_the_order(tmp_path):
    program = tmp_path / "engine"
    program.write_text(f"#!{sys.executable}\n{FAKE}{FAILING['killed']}", "utf-8")
    program.chmod(0o755)
    gate = gate_with((str(program),))
    program.unlink()
    assert is_held(gate.decide(ALLOWED))
    assert is_held(gate.decide(ALLOWED))


@needs_durable
def test_a_child_is_replaced_before_it_grows():
    network = Network()
    node = network.negation(network.given())
    child = Child({"rulesets": network.rulesets()}, PATIENT, lifetime=3)
    pids = []
    for _ in range(7):
        child.start()
        pids.append(child._process.pid)
        assert child.ask({"given": {**CONSTANTS, "s0": "t"}})["concluded"] == {node: "f"}
    assert [len(set(pids[:n])) for n in (3, 4, 6, 7)] == [1, 2, 2, 3]


@needs_durable
def test_a_child_ends_with_its_gate():
    gate = Gate(shipped_library(), "both", SecondEngine(PATIENT))
    process = child_of(gate)._process
    assert process.poll() is None
    del gate
    assert process.poll() is not None


# -- many at once ------------------------------------------------------------------------------------


@lru_cache
def core() -> Library:
    return replace(
        shipped_library(), packs=tuple(pack for pack in shipped_library().packs if pack.id == "core")
    )


def core_decisions() -> list[tuple[Request, Decision]]:
    """Examples of the core pack as one engine decides them; few of those whose way forward takes long to prove."""
    given = [e.given for loaded in core().rules for e in loaded.rule.examples if "first_line" not in e.given]
    gate = Gate(core())
    decided = [(request, gate.decide(request)) for request in (request_of(g, core()) for g in given[::2])]
    quick = [one for one in decided if not one[1].way_forward]
    return [*quick, *[one for one in decided if one[1].way_forward][::6]]


def decided_by_threads(wanted: int, threads: int = 8) -> int:
    """How many decisions of both engines, on so many threads, are what one engine decides on one."""
    gate = Gate(core(), "both", SecondEngine(PATIENT))
    expected = [(r, d.model_copy(update={"engine": gate._engine})) for r, d in core_decisions()]
    parts = [range(first, wanted, threads) for first in range(threads)]

    def confirmed(part: range) -> int:
        return sum(gate.decide(r) == decision for r, decision in (expected[n % len(expected)] for n in part))

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(confirmed, parts))


@needs_durable
def test_eight_threads_are_decided_for_alike():
    assert decided_by_threads(300) == 300


@needs_durable
@pytest.mark.longer
def test_eight_threads_are_decided_for_alike_very_often():
    wanted = int(os.environ.get("ONCOGATE_DECISIONS", "5000"))
    began = time.monotonic()
    assert decided_by_threads(wanted) == wanted
    print(
        f"\n{wanted} decisions of both engines on 8 threads in {time.monotonic() - began:.0f} s, all confirmed"
    )


FORKING = """
import os, sys
from oncogate import Gate, Request
gate, request = Gate.load(engine="both", time_limit=60), Request.load("examples/allowed.json")
worker = lambda: next(iter(gate._second._compiled.values()))[2]._process.pid
first, before = gate.decide(request), worker()
forked = os.fork()
if not forked:
    sys.exit(0 if gate.decide(request) == first and worker() != before else 1)
own = gate.decide(request)
assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 0
assert own == first == gate.decide(request)
assert worker() == before
assert "durable" not in sys.modules  # a crash of durable-rules can't reach a process that doesn't hold it
print(first.outcome)
"""


@needs_durable
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_a_second_engine_of_its_own():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("allow\n", "", 0)


# -- where it can't be had ------------------------------------------------------------------------------


def without_durable(folder: Path) -> dict[str, str]:
    """The environment of a process to which durable-rules is as on Python 3.13: there, but it doesn't load."""
    (folder / "durable").mkdir()
    (folder / "durable" / "__init__.py").write_text(
        "raise ImportError('undefined symbol: PyEval_CallObject')\n", "utf-8"
    )
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_the_command_line_says_what_is_missing(tmp_path):
    command = [sys.executable, "-m", "oncogate.cli", "check", "examples/allowed.json", "--engine", "both"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=without_durable(tmp_path)
    )
    assert (done.stdout, done.returncode) == ("", 2)
    assert "undefined symbol: PyEval_CallObject [engine-absent]" in done.stderr
    assert (
        'help: it needs Python 3.12 or earlier and a C compiler: pip install "oncogate[durable]"'
        in done.stderr
    )


def test_the_engine_of_the_package_needs_none(tmp_path):
    command = [sys.executable, "-m", "oncogate.cli", "check", "examples/allowed.json", "--engine", "python"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, env=without_durable(tmp_path))
    assert done.returncode == 0


def test_an_engine_that_cannot_be_had_is_refused_when_loading():
    for command in (("/no/such/program",), fake('print(\'{"error": "no module"}\', flush=True)'), fake("")):
        with pytest.raises(OncogateError, match="engine-absent"):
            gate_with(command)


def test_an_engine_that_there_is_not_is_refused():
    with pytest.raises(
        OncogateError,
        match=r"there is no engine `durabel` \[engine-unknown\]\n  help: did you mean `durable`",
    ):
        Gate.load(engine="durabel")  # type: ignore[arg-type]


@needs_durable
def test_the_rules_are_those_that_the_layers_leave_in_force(tmp_path):
    """A rule that a layer switches off is nothing to the second engine; on the day after, it is again."""
    site = tmp_path / "site.yaml"
    site.write_text(
        "id: ward\nlayer: department\nrules:\n  core/consent-missing:\n"
        "    status: off\n    reason: 试用\n    approved_by: 医务处\n    until: 2026-03-02\n", "utf-8",
    )  # fmt: skip
    gate = Gate.load(site=site, engine="both", time_limit=PATIENT)
    assert gate.decide(BLOCKED).outcome == "allow"
    later = BLOCKED.model_copy(update={"at": BLOCKED.at + timedelta(days=1)})
    assert not is_held(gate.decide(later))
    assert gate.decide(later).determining_rules == ("core/consent-missing",)
