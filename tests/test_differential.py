"""Three engines say the same of every rule: ours, its plain twin and durable-rules, on generated packs and requests.

The ordinary run judges some 1,600 pairs of a pack and a request, every fourth pack by durable-rules too. The longer one
judges `ONCOGATE_CASES` pairs (20,000 unless told) all three ways, from `ONCOGATE_SEED` (drawn unless told):

    ONCOGATE_CASES=20000 python -m pytest tests/test_differential.py -m longer -s

A pair on which they differ is printed as a file of `tests/corpus`, which the ordinary run replays.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from loaded import shipped_library
from reference import Answer, World
from reference import decide as plainly
from strategies import COMMON, DRUGS, FACT_COMMON, derived_facts, requests, rules_of_one_pack

from oncogate.authoring.examples import AT, request_of, with_first_line
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.combine import asked
from oncogate.engine.durable.second import SecondEngine
from oncogate.engine.judge import judge_safely
from oncogate.gate import Gate
from oncogate.model.facts import Fact
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.document import Document
from oncogate.packs.pack import LoadedRule, RulePack

DURABLE = find_spec("durable") is not None
needs_durable = pytest.mark.skipif(not DURABLE, reason="durable-rules is not installed")
PATIENT = 60.0
"""Seconds that are never too few for the second engine, however busy the machine."""
CORPUS = Path(__file__).parent / "corpus"
PHASES = (Phase.generate,) if "ONCOGATE_QUICK" in os.environ else tuple(Phase)
QUIET = settings(
    phases=PHASES,
    report_multiple_bugs=False,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def gate_of(*packs: tuple[Rule, ...], facts: Mapping[str, Fact] = MappingProxyType({})) -> Gate:
    """A gate with rules of our own, one pack each, on the shipped facts and tables, and `facts`."""
    made = tuple(
        RulePack(
            f"made-{n}", "1.0.0", Text(zh="试验", en="made"),
            tuple(LoadedRule(r, Document(Path(f"{r.id}.yaml"))) for r in pack), f"sha256:{n}",
        )
        for n, pack in enumerate(packs)
    )  # fmt: skip
    return Gate(replace(shipped_library(), packs=made, facts={**shipped_library().facts, **facts}))


def stable(gate: Gate) -> tuple[Rule, ...]:
    """The rules of the gate that count."""
    return gate.library.in_force(AT.date()).with_status("stable")


def agree(gate: Gate, request: Request, second: SecondEngine | None, *, wholly: bool = True) -> Answer:
    """The twin's answer, if the others give the same; else the pair, as short as can be, in the failure's message.

    `wholly`: the gate's decision too.
    """
    rules, force = stable(gate), gate.library.in_force(request.at.date())
    answer = plainly(
        [loaded.rule for loaded in gate.library.rules], request, World(gate.library.facts, DRUGS)
    )
    case = Case.of(request, gate.library)
    judged = {rule.id: j and j.verdict for rule in rules for j in [judge_safely(rule, case)]}
    assert judged == answer.verdicts, shown(gate, request)
    if second is not None:
        opinion = second.opinion(case, force)
        assert opinion.verdicts == answer.verdicts, shown(gate, request)
        assert opinion.asks == answer.asks, shown(gate, request)
        assert opinion.outcome == answer.outcome, shown(gate, request)
    if wholly:
        decision = gate.decide(request)
        assert {f.rule: f.verdict for f in decision.all_findings} == answer.verdicts, shown(gate, request)
        assert {f.rule: f.asks for f in decision.all_findings} == answer.asks, shown(gate, request)
        assert (decision.outcome, decision.determining_rules) == (answer.outcome, answer.determining)
    return answer


def shown(gate: Gate, request: Request) -> str:
    """A pair as a file of the corpus."""
    told = {"id", "effect", "on_unknown", "when", "require"}
    pair = {
        "rules": [
            r.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=told)
            for r in stable(gate)
        ],
        "facts": {
            name: fact.model_dump(mode="json", by_alias=True, exclude_defaults=True, include={"gives", "unit", "when", "cases", "points"})
            for name, fact in gate.library.facts.items() if name.startswith("made.")
        },
        "request": request.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }  # fmt: skip
    return "\n" + json.dumps({"why": "…", **pair, "verdicts": {}}, ensure_ascii=False)


def run(packs: int, pool: int, number: int | None, second_each: int, wholly_each: int) -> Counter[str]:
    """Draw packs and requests, judge every request by every pack, count the verdicts.

    Every so many packs are judged by durable-rules too, and every so many requests wholly.
    """
    quiet = settings(QUIET, derandomize=number is None)
    batch: list[Request] = []
    seen: Counter[str] = Counter()

    @settings(quiet, max_examples=pool, phases=[Phase.generate])
    @given(requests())
    def draw(request: Request) -> None:
        batch.append(request)

    @settings(quiet, max_examples=packs)
    @given(rules_of_one_pack(derived=True), derived_facts())
    def judged_alike(pack: tuple[Rule, ...], facts: dict[str, Fact]) -> None:
        gate = gate_of(pack, facts=facts)
        second = SecondEngine(PATIENT) if DURABLE and seen["packs"] % second_each == 0 else None
        seen["packs"] += 1
        for index, request in enumerate(batch):
            answer = agree(gate, request, second, wholly=index % wholly_each == 0)
            seen.update(pairs=1, second=second is not None, **Counter(answer.verdicts.values()))

    for part in (draw, judged_alike):
        (part if number is None else seed(number)(part))()
    return seen


def test_the_three_engines_say_the_same() -> None:
    seen = run(packs=100, pool=16, number=None, second_each=4, wholly_each=1)
    assert seen["pairs"] > 1500
    assert seen["second"] > 350 or not DURABLE
    assert all(seen[verdict] > 60 for verdict in ("not_applicable", "met", "unmet", "unknown"))


@pytest.mark.longer
def test_the_three_engines_say_the_same_of_very_many_pairs() -> None:
    wanted = int(os.environ.get("ONCOGATE_CASES", "20000"))
    first = int(os.environ.get("ONCOGATE_SEED", random.randrange(1 << 32)))
    print(f"\nONCOGATE_SEED={first}")
    seen: Counter[str] = Counter()
    for number in count(first):
        seen += run(packs=min(100, wanted // 100), pool=100, number=number, second_each=1, wholly_each=8)
        if seen["pairs"] >= wanted:
            break
    print(f"{seen['pairs']} pairs judged alike, {seen['second']} of them by durable-rules too: {dict(seen)}")


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.json")), ids=lambda path: path.stem)
def test_a_case_of_the_corpus_is_judged_as_it_says(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    assert case["why"]
    pack = tuple(Rule.model_validate({**COMMON, "status": "stable", **rule}) for rule in case["rules"])
    facts = {name: Fact.model_validate({**FACT_COMMON, **fact}) for name, fact in case["facts"].items()}
    second = SecondEngine(PATIENT) if DURABLE else None
    assert (
        agree(gate_of(pack, facts=facts), Request.load(case["request"]), second).verdicts == case["verdicts"]
    )


def judged_alike_over_examples(pack: RulePack, each: int) -> int:
    """How many examples of the pack's rules our engine and durable-rules judged alike, by all its rules at once."""
    rules = tuple(loaded.rule.model_copy(update={"status": "stable"}) for loaded in pack.rules)
    gate = gate_of(rules)
    second, force = SecondEngine(PATIENT), gate.library.in_force(AT.date())
    given = [e.given for rule in rules for e in rule.examples][::each]
    for one in given:
        case = Case.of(request_of(one, shipped_library()), with_first_line(gate.library, one))
        opinion = second.opinion(case, force)
        for rule in rules:
            judgement = judge_safely(rule, case)
            assert judgement is not None
            assert opinion.verdicts[rule.id] == judgement.verdict, (rule.id, one)
            assert opinion.asks[rule.id] == asked(rule, judgement.verdict), (rule.id, one)
    return len(given)


by_pack = pytest.mark.parametrize("pack", shipped_library().packs, ids=lambda pack: pack.id)


@needs_durable
@by_pack
def test_both_engines_judge_the_shipped_rules_alike(pack: RulePack) -> None:
    assert judged_alike_over_examples(pack, each=1 if pack.id == "core" else 15) > 5


@needs_durable
@pytest.mark.longer
@by_pack
def test_both_engines_judge_every_example_of_the_shipped_rules_alike(pack: RulePack) -> None:
    print(f"\n{pack.id}: {judged_alike_over_examples(pack, each=1)} examples judged alike")
