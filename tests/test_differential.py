"""The engine and its plain twin say the same of every rule, on generated packs and requests.

The ordinary run judges some 1,500 pairs. The longer one judges `ONCOGATE_CASES` of them (20,000 unless told):

    ONCOGATE_CASES=20000 python -m pytest tests/test_differential.py -m longer -s
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from reference import Answer, World
from reference import decide as plainly
from strategies import DRUGS, derived_facts, requests, rules_of_one_pack

from oncogate.authoring.examples import AT
from oncogate.base.texts import Text
from oncogate.engine.case import Case
from oncogate.engine.judge import judge_safely
from oncogate.gate import Gate
from oncogate.model.facts import Fact
from oncogate.model.request import Request
from oncogate.model.rule import Rule
from oncogate.packs.document import Document
from oncogate.packs.load import load_library
from oncogate.packs.pack import Library, LoadedRule, RulePack

PER_PACK = 5
PHASES = (Phase.generate,) if "ONCOGATE_QUICK" in os.environ else tuple(Phase)
QUIET = settings(
    phases=PHASES,
    report_multiple_bugs=False,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@lru_cache
def shipped() -> Library:
    return load_library()


def gate_of(*packs: tuple[Rule, ...], facts: Mapping[str, Fact] = MappingProxyType({})) -> Gate:
    """A gate with rules of our own, one pack each, on the shipped facts and tables, and `facts`."""
    made = tuple(
        RulePack(
            f"made-{n}", "1.0.0", Text(zh="试验", en="made"),
            tuple(LoadedRule(r, Document(Path(f"{r.id}.yaml"))) for r in pack), f"sha256:{n}",
        )
        for n, pack in enumerate(packs)
    )  # fmt: skip
    return Gate(replace(shipped(), packs=made, facts={**shipped().facts, **facts}))


def stable(gate: Gate) -> tuple[Rule, ...]:
    """The rules of the gate that count."""
    return gate.library.in_force(AT.date()).with_status("stable")


def agree(
    pack: tuple[Rule, ...], request: Request, facts: Mapping[str, Fact] = MappingProxyType({})
) -> Answer:
    """The twin's answer, if the engine gives the same; else the pair, as short as can be, in the failure's message."""
    gate = gate_of(pack, facts=facts)
    answer = plainly(pack, request, World(gate.library.facts, DRUGS))
    case = Case.of(request, gate.library)
    judged = {
        rule.id: judgement and judgement.verdict
        for rule, judgement in ((r, judge_safely(r, case)) for r in stable(gate))
    }
    assert judged == answer.verdicts, shown(pack, request, facts)
    decision = gate.decide(request)
    assert {f.rule: f.verdict for f in decision.all_findings} == answer.verdicts, shown(pack, request)
    assert {f.rule: f.asks for f in decision.all_findings} == answer.asks, shown(pack, request)
    assert (decision.outcome, decision.determining_rules) == (answer.outcome, answer.determining)
    return answer


def shown(pack: tuple[Rule, ...], request: Request, facts: Mapping[str, Fact] = MappingProxyType({})) -> str:
    rules = [
        r.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, include={"id", "effect", "when", "require"}
        )
        for r in pack
    ]
    made = {
        n: f.model_dump(mode="json", by_alias=True, include={"when", "cases", "points"})
        for n, f in facts.items()
    }
    return f"\n{made}\n{rules}\n{request.model_dump_json(exclude_defaults=True, by_alias=True)}"


def run(pairs: int) -> Counter[str]:
    """Judge that many pairs and count the verdicts."""
    seen: Counter[str] = Counter()

    @settings(QUIET, max_examples=max(1, pairs // PER_PACK), derandomize=pairs < 20000)
    @given(
        rules_of_one_pack(derived=True),
        derived_facts(),
        st.lists(requests(), min_size=PER_PACK, max_size=PER_PACK),
    )
    def judged_alike(pack: tuple[Rule, ...], facts: dict[str, Fact], batch: list[Request]) -> None:
        for request in batch:
            seen.update(pairs=1, **Counter(agree(pack, request, facts).verdicts.values()))

    judged_alike()
    return seen


def test_the_engine_says_what_the_plain_twin_says() -> None:
    seen = run(2100)
    assert seen["pairs"] > 1500
    assert all(seen[verdict] > 60 for verdict in ("not_applicable", "met", "unmet", "unknown"))


@pytest.mark.longer
def test_the_engine_says_what_the_plain_twin_says_of_very_many_pairs() -> None:
    wanted = int(os.environ.get("ONCOGATE_CASES", "20000"))
    seen: Counter[str] = Counter()
    while seen["pairs"] < wanted:
        seen += run(max(20000, wanted - seen["pairs"]))
    print(f"\n{seen['pairs']} pairs judged alike: {dict(seen)}")
