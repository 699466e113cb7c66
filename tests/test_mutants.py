"""Mutants of rules: which are made, which the examples notice, and what is shown of the others, each reckoned by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cases import FULLY_SHOWN, RULE, pack
from typer.testing import CliRunner

from oncogate.authoring import mutation
from oncogate.authoring.mutants import Mutant, mutants_of_fact, mutants_of_rule
from oncogate.authoring.places import DROPPED, at, put
from oncogate.cli.app import app
from oncogate.model.facts import Fact
from oncogate.model.rule import Rule
from oncogate.packs.document import read_document
from oncogate.packs.load import load_library, shipped_rules

EVERY_KIND = """\
id: mine/every-kind
version: 1
status: stable
effect: block
title: {zh: 试验, en: a test}
rationale: {zh: 试验, en: a test}
sources:
  house: {cite: house rule, verification: reviewed}
parameters:
  limit: {value: 1.50, unit: 10*9/L, source: house}
  none: {value: 0, unit: d, source: house}
  high: {value: 500, unit: mg/m2, source: house}
  least: {value: 2, source: house}
  words: {value: [a, b], source: house}
  one: {value: [a], source: house}
  strict: {value: false, source: house}
  policy: {value: if_worse, choices: [every_time, first_only, if_worse], source: house}
  unused: {value: 3, source: house}
when:
  - {any_of: order.drugs, in: drugs/cytotoxic, route: words, dose_at_least: high}
  - not: {none_of: order.drugs, in: words}
  - all: [{exists: lab.anc, within: none}, {latest: lab.anc, within: none, below: limit, repeats: policy, quiet: none}]
  - at_least_n: least
    of: [{exists: stage.pathologic, since: procedure.resection, older_than: none}, {supplied: labs}]
require:
  - any: [{exists: treatment.gcsf, due_within: none}, {value: fn.care_level, in: one, with: {strict: strict}}]
reason:
  unmet: {zh: 试验, en: a test}
"""
MADE = {
    # 1.50 has two decimals; a window of none can't be shorter; a list of one can't lose it
    "limit one step up", "limit one step down", "none one step up", "high one step up", "high one step down",
    "least one step up", "least one step down", "words without a", "words without b", "strict set to true",
    "policy set to every_time", "policy set to first_only",
    "when any for all",
    "when[0] dropped", "when[0] all_of for any_of", "when[0] without route", "when[0] without dose_at_least",
    "when[0] dose_above for dose_at_least",
    "when[1] dropped", "when[1] without not", "when[1].not any_of for none_of",
    "when[2] dropped", "when[2] any for all", "when[2].all[0] dropped", "when[2].all[0] without within",
    # the latest of what exists in the window is in the window: `when[2].all[1] without within` isn't made
    "when[2].all[1] dropped", "when[2].all[1] at_most for below",
    "when[3] dropped", "when[3].of[0] dropped", "when[3].of[0] without since", "when[3].of[0] without older_than",
    "when[3].of[1] dropped",
    "require[0] all for any", "require[0].any[0] dropped", "require[0].any[0] without due_within",
    "require[0].any[1] dropped",
    "require dropped", "effect warn for block", "on_unknown warn for block",
}  # fmt: skip


def data_of(folder: Path, text: str) -> dict[str, Any]:
    file = folder / "any.yaml"
    file.write_text(text, "utf-8")
    data: dict[str, Any] = read_document(file).data
    return data


def made_of(folder: Path, text: str = EVERY_KIND) -> tuple[Mutant, ...]:
    data = data_of(folder, text)
    return mutants_of_rule(Rule.model_validate(data), data)


def test_every_kind_of_mutant_is_made_of_a_rule(tmp_path: Path):
    made = made_of(tmp_path)
    names = [mutant.name for mutant in made]
    assert set(names) == MADE
    assert len(names) == len(MADE)


CHANGED = {
    "limit one step up": ("parameters", "limit", "value", 1.51),
    "none one step up": ("parameters", "none", "value", 1),
    "words without a": ("parameters", "words", "value", ["b"]),
    "when any for all": ("when", 0, "any", 1, "not", "none_of", "order.drugs"),
    "when[0] without route": ("when", 0, {"any_of": "order.drugs", "in": "drugs/cytotoxic", "dose_at_least": "high"}),
    "when[1] without not": ("when", 1, {"none_of": "order.drugs", "in": "words"}),
    "when[2] dropped": ("when", 2, "at_least_n", "least"),
    "when[2].all[1] at_most for below": ("when", 2, "all", 1, "at_most", "limit"),
    "effect warn for block": ("effect", "warn"),
    "on_unknown warn for block": ("on_unknown", "warn"),
    "require dropped": ("require", None),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_a_mutant_is_the_rule_with_that_one_thing_changed(tmp_path: Path, name: str):
    *place, value = CHANGED[name]
    mutant = next(m for m in made_of(tmp_path) if m.name == name)
    written = mutant.owner.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert (None if value is None and place[0] not in written else at(written, tuple(place))) == value


def test_what_is_asked_in_the_other_case_stays(tmp_path: Path):
    softer = {m.name: m.owner for m in made_of(tmp_path)}
    effect, unknown = softer["effect warn for block"], softer["on_unknown warn for block"]
    assert isinstance(effect, Rule)
    assert isinstance(unknown, Rule)
    assert (effect.effect, effect.if_unknown) == ("warn", "block")
    assert (unknown.effect, unknown.if_unknown) == ("block", "warn")


@pytest.mark.parametrize(
    ("effect", "names"),
    [
        ("effect: warn", {"effect inform for warn"}),
        ("effect: warn\non_unknown: block", {"effect inform for warn", "on_unknown warn for block"}),
        ("effect: inform", set()),
        ("effect: inform\non_unknown: warn", {"on_unknown inform for warn"}),
    ],
)
def test_less_is_asked_where_the_language_can_say_less(tmp_path: Path, effect: str, names: set[str]):
    made = {m.name for m in made_of(tmp_path, EVERY_KIND.replace("effect: block", effect))}
    assert {name for name in made if name.startswith(("effect", "on_unknown"))} == names


FACTS = """\
facts:
  mine.low:
    label: {zh: 计数低, en: low count}
    gives: truth
    parameters:
      limit: {value: 1.0, unit: 10*9/L, source: house}
    sources:
      house: {cite: house rule, verification: reviewed}
    when:
      - {latest: lab.anc, below: limit}
  mine.band:
    label: {zh: 分级, en: band}
    gives: level
    levels: {low: {zh: 低, en: low}, high: {zh: 高, en: high}}
    cases:
      - {then: low, when: [{holds: mine.low}]}
      - {then: high}
  mine.score:
    label: {zh: 评分, en: score}
    gives: quantity
    unit: "1"
    parameters:
      two: {value: 2, unit: "1", source: house}
    sources:
      house: {cite: house rule, verification: reviewed}
    points:
      - {points: two, when: [{holds: mine.low}]}
  mine.unasked:
    label: {zh: 无人询问, en: asked by nobody}
    gives: truth
    when:
      - not: {holds: mine.low}
"""


@pytest.mark.parametrize(
    ("fact", "names"),
    [
        ("mine.low", {"limit one step up", "limit one step down", "when[0] at_most for below"}),
        ("mine.band", {"cases[0] dropped", "cases[1] dropped"}),
        ("mine.score", {"two one step up", "two one step down"}),
        ("mine.unasked", {"when[0] without not"}),
    ],
)
def test_mutants_of_a_fact(tmp_path: Path, fact: str, names: set[str]):
    data = data_of(tmp_path, FACTS)["facts"][fact]
    assert {m.name for m in mutants_of_fact(Fact.model_validate(data), data)} == names
    assert not any(
        m.where[0] == "parameters" for m in mutants_of_fact(Fact.model_validate(data), data, ["limit", "two"])
    )


BESIDE = EVERY_KIND[: EVERY_KIND.index("when:")] + "reason: {unmet: {zh: 试验, en: a test}}\nwhen:\n"
HERE, SAME = "{exists: lab.anc, within: none}", "{latest: lab.anc, within: none, below: limit}"


@pytest.mark.parametrize(
    ("when", "made"),
    [
        (f"[{HERE}, {SAME}]", []),
        (f"[{HERE}, {{any: [{SAME}, {{supplied: labs}}]}}]", []),
        (f"[{{not: {{all: [{HERE}, {SAME}]}}}}]", []),
        (f"[{SAME}]", ["when[0] without within"]),
        (f"[{{any: [{HERE}, {SAME}]}}]", ["when[0].any[1] without within"]),
        (f"[{{at_least_n: least, of: [{HERE}, {SAME}]}}]", ["when[0].of[1] without within"]),
        (f"[{{any: [{{all: [{HERE}]}}, {SAME}]}}]", ["when[0].any[1] without within"]),
        (f"[{{exists: lab.anc}}, {SAME}]", ["when[1] without within"]),
        (f"[{{exists: lab.wbc, within: none}}, {SAME}]", ["when[1] without within"]),
    ],
)
def test_a_window_that_something_beside_it_asks_for_is_left_alone(tmp_path: Path, when: str, made: list[str]):
    data = data_of(tmp_path, BESIDE.replace("when:\n", f"when: {when}\n"))
    windows = [m for m in mutants_of_rule(Rule.model_validate(data), data) if m.where[-1] == "within"]
    assert [m.name for m in windows if "latest" in at(data, m.where[:-1])] == made


@pytest.mark.parametrize(("policy", "made"), [("every_time", False), ("first_only", True)])
def test_a_quiet_time_counts_where_the_policy_has_a_use_for_it(tmp_path: Path, policy: str, made: bool):
    leaf = "{latest: lab.anc, below: limit, repeats: policy, quiet: none}"
    text = BESIDE.replace("when:\n", f"when: [{leaf}]\n").replace("if_worse, choices", f"{policy}, choices")
    assert any(m.name == "none one step up" for m in made_of(tmp_path, text)) is made


# -- the command -------------------------------------------------------------------------------------


def run(rules: Path) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["test", str(rules), "--mutate"])
    assert result.stderr == ""
    return result.exit_code, result.stdout.splitlines()


def alive(lines: list[str]) -> list[str]:
    return [
        found[1]
        for line in lines
        if (found := re.search(r": no example catches `(.*)` \[mutant-alive\]", line))
    ]


def test_what_the_examples_do_not_notice_is_said_where_it_stands(tmp_path: Path):
    """One order of one drug can't tell `all_of` from `any_of`, and no example says what is asked; the rest is noticed."""
    rules = pack(tmp_path, FULLY_SHOWN)
    code, lines = run(rules)
    assert code == 1
    rule = f"{rules}/mine/anc-seen.yaml"
    assert [line for line in lines if line.startswith(rule)] == [
        f"{rule}:4:1: no example catches `effect inform for warn` [mutant-alive]",
        f"{rule}:12:6: no example catches `when[0] all_of for any_of` [mutant-alive]",
    ]
    assert lines[-1] == "6 mutants of 1 rule: 4 caught, 2 alive, 0 marked as equivalent (score 66.7 %)"


LESS = RULE[: RULE.index("examples:")].replace(
    "  - {exists: lab.anc, within: window}\n", "  - any: [{latest: lab.anc, within: window, at_least: limit}, {holds: mine.low}]\n"
).replace("parameters:\n", "parameters:\n  limit: {value: 1.5, unit: 10*9/L, source: house}\n") + """\
examples:
  - {name: high, given: {order: [多西他赛], lab.anc: 3.2 10*9/L}, expect: met}
  - {name: between, given: {order: [多西他赛], lab.anc: 1.2 10*9/L}, expect: unmet}
  - {name: low, given: {order: [多西他赛], lab.anc: 0.5 10*9/L}, expect: met}
  - {name: not supplied, given: {order: [多西他赛], labs: null}, expect: unknown}
"""  # fmt: skip
"""Low counts are fine by a fact, high ones by the rule. No example is near a limit or the edge of the window."""


def test_the_examples_that_are_shown_catch_what_was_alive(tmp_path: Path):
    rules = pack(tmp_path, LESS)
    (rules / "mine" / "facts.yaml").write_text(FACTS, "utf-8")
    code, lines = run(rules)
    before = alive(lines)
    assert code == 1
    assert {"limit one step up", "window one step down", "when[0] at_most for below"} <= set(before)
    shown = [line.partition("that would: ")[2] for line in lines if "that would: " in line]
    assert len(shown) == len(before)
    file = rules / "mine" / "anc-seen.yaml"
    file.write_text(LESS + "".join(f"  {example}\n" for example in dict.fromkeys(shown)), "utf-8")
    code, lines = run(rules)
    assert (code, alive(lines)) == (0, [])
    assert lines[-1].endswith(" 0 alive, 0 marked as equivalent (score 100.0 %)")


def test_examples_that_fail_are_said_first(tmp_path: Path):
    code, lines = run(pack(tmp_path, RULE.replace("expect: met", "expect: unmet")))
    assert code == 1
    assert "[example-failed]" in lines[0]
    assert lines[-1] == "2 passed, 1 failed"


def test_facts_are_tried_where_their_folder_is(tmp_path: Path):
    rules = pack(tmp_path, LESS)
    (rules / "mine" / "facts.yaml").write_text(FACTS, "utf-8")
    library = load_library([rules])
    whole = mutation.mutation(library, rules)
    assert {home.fact for home in whole.homes if home.mutants} == {"", "mine.low"}
    alone = mutation.mutation(library, rules / "mine" / "anc-seen.yaml")
    assert {home.fact for home in alone.homes} == {""}


def test_what_every_rule_hands_to_a_fact_is_not_tried_in_the_fact(tmp_path: Path):
    handing = LESS.replace("{holds: mine.low}", "{holds: mine.low, with: {limit: limit}}")
    rules = pack(tmp_path, handing)
    (rules / "mine" / "facts.yaml").write_text(FACTS, "utf-8")

    def tried() -> set[str]:
        whole = mutation.mutation(load_library([rules]), rules)
        return {t.mutant.name for t in whole.trials if t.home.fact}

    assert tried() == {"when[0] at_most for below"}
    pack(tmp_path, LESS.replace("mine/anc-seen", "mine/other"), "other.yaml")
    assert tried() == {"limit one step up", "limit one step down", "when[0] at_most for below"}


# -- marks -------------------------------------------------------------------------------------------

TWICE = FULLY_SHOWN.replace(
    "  - {exists: lab.anc, within: window}\n", "  - {exists: lab.anc, within: window}\n  - {exists: lab.anc, within: window}\n"
).replace("expect: unmet}", "expect: unmet, asks: warn}") + "  - {name: nothing, given: {}, expect: not_applicable}\n"  # fmt: skip
IDLE = 'equivalent:\n  "require[0] dropped": the second says the same\n  "require[1] dropped": the first says the same\n'
IDLE += '  "require any for all": both say the same\n'
IDLE += '  "require[0] without within": the second has it\n  "require[1] without within": the first has it\n'


def test_what_no_request_tells_apart_may_be_marked(tmp_path: Path):
    code, lines = run(pack(tmp_path / "a", TWICE))
    idle = [
        "require any for all",
        "require[0] dropped",
        "require[0] without within",
        "require[1] dropped",
        "require[1] without within",
    ]
    assert (code, sorted(alive(lines))) == (1, idle)
    none = "  help: no request found that tells them apart; if none can, mark it under `equivalent`"
    assert lines.count(none) == 5
    code, lines = run(pack(tmp_path / "b", TWICE + IDLE))
    assert (code, lines[-1]) == (
        0,
        "10 mutants of 1 rule: 5 caught, 0 alive, 5 marked as equivalent (score 100.0 %)",
    )


@pytest.mark.parametrize(
    ("text", "name", "said", "help"),
    [
        (FULLY_SHOWN, "window one step upp", "there is no mutant `window one step upp`", "did you mean `window one step up`?"),
        (FULLY_SHOWN, "require dropped", "`require dropped` is marked as equivalent, but an example catches it", "take the mark away"),
        (
            FULLY_SHOWN, "when[0] all_of for any_of", "`when[0] all_of for any_of` is marked as equivalent, but a request tells it apart",
            "an example in RULE that would: - {name: nothing given, given: {}, expect: not_applicable}",
        ),
    ],
)  # fmt: skip
def test_a_mark_that_does_not_hold_is_reported(tmp_path: Path, text: str, name: str, said: str, help: str):
    rules = pack(tmp_path, text + f'equivalent:\n  "{name}": so it is\n')
    code, lines = run(rules)
    rule = f"{rules}/mine/anc-seen.yaml"
    line = len(text.splitlines()) + 2
    assert code == 1
    assert f"{rule}:{line}:3: {said} [mutant-mark]" in lines
    assert f"  help: {help}".replace("RULE", rule) in lines


def test_a_mark_of_a_fact_is_looked_at_too(tmp_path: Path):
    rules = pack(tmp_path, LESS)
    marked = FACTS + "    equivalent: {no such: none}\n"
    (rules / "mine" / "facts.yaml").write_text(marked, "utf-8")
    lines = [line for line in run(rules)[1] if "mutant-mark" in line]
    said = "there is no mutant `no such` [mutant-mark]"
    assert lines == [f"{rules}/mine/facts.yaml:{len(marked.splitlines())}:18: {said}"]


def test_examples_and_marks_decide_nothing(tmp_path: Path):
    one = load_library([pack(tmp_path / "a", FULLY_SHOWN)])
    other = load_library([pack(tmp_path / "b", TWICE[: TWICE.index("examples:")].replace("  - {exists: lab.anc, within: window}\n", "", 1) + IDLE)])  # fmt: skip
    assert one.packs[0].digest == other.packs[0].digest


# -- asks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expect", "asks", "problem"),
    [
        ("given: {order: [多西他赛]}, expect: unmet", "warn", ""),
        ("given: {order: [多西他赛]}, expect: unmet", "block", "expected it to ask `block`, it asks `warn`"),
        ("given: {order: [多西他赛], labs: null}, expect: unknown", "warn", ""),
        ("given: {order: [昂丹司琼]}, expect: not_applicable", "nothing", ""),
        ("given: {order: [昂丹司琼]}, expect: not_applicable", "inform", "expected it to ask `inform`, it asks `nothing`"),
    ],
)  # fmt: skip
def test_an_example_may_say_what_is_asked(tmp_path: Path, expect: str, asks: str, problem: str):
    rules = pack(tmp_path, RULE + f"  - {{name: asking, {expect}, asks: {asks}}}\n")
    result = CliRunner().invoke(app, ["test", str(rules)])
    assert result.exit_code == bool(problem)
    assert (f"example `asking`: {problem} [example-failed]" in result.stdout) == bool(problem)


# -- laws --------------------------------------------------------------------------------------------


def test_a_rule_or_fact_is_never_told_from_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        mutation, "mutants_of_rule",
        lambda rule, data: (Mutant("itself", (), Rule.model_validate({**data, "examples": []})),),
    )  # fmt: skip
    monkeypatch.setattr(
        mutation,
        "mutants_of_fact",
        lambda fact, data, handed: (Mutant("itself", (), Fact.model_validate(data)),),
    )
    rules = pack(tmp_path, LESS)
    (rules / "mine" / "facts.yaml").write_text(FACTS, "utf-8")
    for folder in (rules, shipped_rules() / "critical-values" / "potassium-critically-low.yaml"):
        tried = mutation.mutation(load_library([folder]), folder)
        assert tried.trials
        assert not any(trial.caught or trial.example for trial in tried.trials)


GUARDED = {
    "core/anc-below-start-limit": ("require", 0, "within"),
    "core/anc-critical": ("when", 2, "within"),
    "start-of-cycle/platelets-below-start-limit": ("require", 0, "within"),
}


@pytest.mark.parametrize("name", GUARDED)
def test_no_request_shows_the_window_of_a_latest_beside_an_exists(name: str, monkeypatch: pytest.MonkeyPatch):
    """So that such a mutant isn't made."""
    where = GUARDED[name]
    monkeypatch.setattr(
        mutation, "mutants_of_rule",
        lambda rule, data: (Mutant("", where, Rule.model_validate(put({**data, "examples": []}, where, DROPPED))),),
    )  # fmt: skip
    file = shipped_rules() / f"{name}.yaml"
    tried = mutation.mutation(load_library([file]), file)
    assert [(trial.caught, trial.example) for trial in tried.trials] == [(False, "")]
