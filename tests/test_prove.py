"""`oncogate lint --prove`: each planted fault is found where it stands, with the smallest request that shows it; nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cases import FULLY_SHOWN, pack
from loaded import shipped_library
from typer.testing import CliRunner

from oncogate.authoring.prove import Proof, prove
from oncogate.cli.app import app
from oncogate.packs.load import load_library

PARAMETERS = """\
  week: {value: 7, unit: d, source: house}
  days: {value: 3, unit: d, source: house}
  month: {value: 30, unit: d, source: house}
  low: {value: 1.0, unit: 10*9/L, source: house}
  high: {value: 2.0, unit: 10*9/L, source: house}
  higher: {value: 2.5, unit: 10*9/L, source: house}
"""
MARROW = "{any_of: order.drugs, in: drugs/myelosuppressive}"


def rule(name: str, when: list[str], require: list[str] = []) -> str:  # noqa: B006
    """A rule `mine/<name>` of these conditions; those of `when` begin in line 17."""
    text = FULLY_SHOWN.replace("anc-seen", name).split("examples:")[0]
    text = re.sub(r"  window: .*\n", PARAMETERS, text)
    asked = "".join(f"  - {c}\n" for c in require)
    conditions = "when:\n" + "".join(f"  - {c}\n" for c in when) + (f"require:\n{asked}" if asked else "")
    return re.sub(r"when:\n.*?(?=reason:)", lambda _: conditions, text, flags=re.DOTALL)


def folder_of(tmp_path: Path, rules: list[str], facts: str = "") -> Path:
    for text in rules:
        name = text.split("\n", 1)[0].removeprefix("id: mine/")
        folder = pack(tmp_path, text, f"{name}.yaml")
    if facts:
        (folder / "mine" / "facts.yaml").write_text(f"facts:\n{facts}", "utf-8")
    return folder


def proof(tmp_path: Path, rules: list[str], facts: str = "") -> Proof:
    return prove(load_library([folder_of(tmp_path, rules, facts)]))


def found(tmp_path: Path, rules: list[str], facts: str = "") -> list[str]:
    return [str(d).replace(f"{tmp_path}/rules/mine/", "") for d in proof(tmp_path, rules, facts).found]


BELOW_LOW = "{latest: lab.anc, within: week, below: low}"
SEEN = "{exists: lab.anc, within: week}"


@pytest.mark.parametrize(
    ("when", "require", "said"),
    [
        pytest.param(
            [MARROW, SEEN, BELOW_LOW, "{latest: lab.anc, within: week, above: high}"], [],
            "fault.yaml:20:5: the rule can never be unmet, at most it is unknown: `{latest: lab.anc, below: low, within: week}` and "
            "`{latest: lab.anc, above: high, within: week}` can't both hold [prove-never-asks]\n"
            "  help: `given: {order: [顺铂], labs: null}`: unknown",
            id="two limits that no count is between",
        ),
        pytest.param(
            ["{any_of: order.drugs, in: drugs/docetaxel}", "{none_of: order.drugs, in: drugs/cytotoxic}"], [],
            "can't both hold [prove-never-asks]", id="a class that shuts out the other",
        ),
        pytest.param(
            [MARROW, SEEN], ["{exists: lab.anc, within: month}"],
            "what it requires is met wherever it applies [prove-never-asks]", id="a window that another one is within",
        ),
        pytest.param(
            [MARROW, "not: {exists: lab.anc, within: month}"], [SEEN],
            "fault.yaml:20:5: what the rule requires can never be met where it applies: `{not: {exists: lab.anc, within: month}}` "
            "and `{exists: lab.anc, within: week}` can't both hold [prove-always-asks]\n  help: `given: {order: [顺铂]}`: unmet",
            id="a requirement that can't be met",
        ),
        pytest.param(
            [MARROW, SEEN, "{exists: lab.anc, within: month}"], [],
            "fault.yaml:19:5: `{exists: lab.anc, within: month}` never matters: as if it always held, nothing would be decided "
            "otherwise [prove-leaf-idle]", id="a window implied by a narrower one",
        ),
        pytest.param(
            [MARROW, SEEN], ["{latest: lab.anc, within: week, at_least: low}", "any: [{latest: lab.anc, within: week, at_least: high}, {latest: lab.anc, within: week, at_least: low}]"],
            "[prove-leaf-idle]", id="a branch implied by another",
        ),
    ],
)  # fmt: skip
def test_finds_what_is_wrong_with_a_rule(
    tmp_path: Path, when: list[str], require: list[str], said: str
) -> None:
    lines = found(tmp_path, [rule("fault", when, require)])
    assert any(said in line for line in lines), "\n".join(lines)


LATE = "{latest: lab.anc, within: week, at_least: high}"


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        pytest.param(
            ([MARROW], [SEEN]), ([MARROW], ["not: {exists: lab.anc, within: week}"]),
            "other.yaml:18:1: the rule can't be satisfied together with `mine/one`: what one requires the other forbids "
            "[prove-contradict]\n  help: `given: {order: [顺铂]}`: `mine/one` is unmet, this rule met",
            id="one requires what the other forbids",
        ),
        pytest.param(
            ([MARROW], [LATE]), ([MARROW, BELOW_LOW], []),
            "", id="limits that leave room",
        ),
        pytest.param(
            ([MARROW], [SEEN]), (["not: {none_of: order.drugs, in: drugs/myelosuppressive}"], [SEEN]),
            "other.yaml:18:1: the rule says the same as `mine/one` of every request [prove-twins]\n"
            "  help: keep one of them; `given: {order: [顺铂]}`: both unmet",
            id="two rules that say the same in other words",
        ),
        pytest.param(
            ([MARROW, SEEN, BELOW_LOW], []), ([MARROW, SEEN, "{latest: lab.anc, within: week, above: low}", "{latest: lab.anc, within: week, below: high}"], []),
            "other.yaml:19:5: exactly 1.0 falls between the bands of `mine/one` and `mine/other` [prove-gap]\n"
            "  help: `given: {order: [顺铂], lab.anc: 1.0 10*9/L}`: no rule speaks",
            id="the limit itself in neither band",
        ),
        pytest.param(
            ([MARROW, SEEN, BELOW_LOW], []), ([MARROW, SEEN, LATE, "{latest: lab.anc, within: week, below: higher}"], []),
            "what is from 1.0 and below 2.0 falls between the bands",
            id="a gap between two bands",
        ),
        pytest.param(
            ([MARROW, SEEN, "{latest: lab.anc, within: week, below: high}"], []),
            ([MARROW, SEEN, "{latest: lab.anc, within: week, at_least: low}", "{latest: lab.anc, within: week, below: higher}"], []),
            "what is from 1.0 and below 2.0 falls into the bands of `mine/one` and `mine/other` [prove-gap]\n"
            "  help: `given: {order: [顺铂], lab.anc: 1.0 10*9/L}`: both",
            id="two bands that overlap",
        ),
        pytest.param(
            ([MARROW, SEEN, BELOW_LOW], []), ([MARROW, SEEN, "{latest: lab.anc, within: week, below: high}"], []),
            "", id="a band within another is graded",
        ),
    ],
)  # fmt: skip
def test_finds_what_is_wrong_between_two_rules(
    tmp_path: Path, one: tuple[list[str], list[str]], other: tuple[list[str], list[str]], said: str
) -> None:
    lines = found(tmp_path, [rule("one", *one), rule("other", *other)])
    assert (lines == []) == (said == ""), "\n".join(lines)
    assert said == "" or any(said in line for line in lines), "\n".join(lines)


FACT = """\
  mine.grade:
    label: {zh: 分级, en: grade}
    gives: level
    levels: {bad: {zh: 差, en: bad}, good: {zh: 好, en: good}}
    parameters:
      low: {value: 1.0, unit: 10*9/L, source: s}
      high: {value: 2.0, unit: 10*9/L, source: s}
      young: {value: 18, unit: a, source: s}
      old: {value: 65, unit: a, source: s}
    sources:
      s: {cite: house rule, verification: reviewed}
    cases:
"""


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        pytest.param(
            ["{then: bad, when: [{latest: lab.anc, below: low}]}", "{then: good, when: [{latest: lab.anc, above: low}]}"],
            "facts.yaml:14:7: no case of `mine.grade` holds of `given: {lab.anc: 1.0 10*9/L}` [prove-fact-no-value]",
            id="no case at the limit itself",
        ),
        pytest.param(
            ["{then: bad, when: [{value: patient.age, below: young}]}", "{then: good, when: [{value: patient.age, at_least: old}]}"],
            "no case of `mine.grade` holds where `patient.age` is above 18 and below 65 [prove-fact-no-value]",
            id="no case for some ages",
        ),
        pytest.param(
            ["{then: bad, when: [{latest: lab.anc, below: high}]}", "{then: good, when: [{latest: lab.anc, below: low}]}", "{then: good}"],
            "facts.yaml:15:9: the case `good` can never be reached: a case before it holds wherever it does [prove-case-idle]",
            id="a case that another one hides",
        ),
        pytest.param(
            ["{then: bad, when: [{latest: lab.anc, below: low}]}", "{then: good}"], "", id="cases for everything",
        ),
    ],
)  # fmt: skip
def test_finds_what_is_wrong_with_a_fact(tmp_path: Path, cases: list[str], said: str) -> None:
    facts = FACT + "".join(f"      - {case}\n" for case in cases)
    lines = found(tmp_path, [FULLY_SHOWN], facts)
    assert (lines == []) == (said == ""), "\n".join(lines)
    assert said == "" or any(said in line for line in lines), "\n".join(lines)


def test_a_fact_that_can_never_be_true(tmp_path: Path) -> None:
    facts = FACT.replace("gives: level", "gives: truth").replace(
        "    levels: {bad: {zh: 差, en: bad}, good: {zh: 好, en: good}}\n", ""
    )
    facts = facts.replace(
        "    cases:\n",
        "    when:\n      - {latest: lab.anc, below: low}\n      - {latest: lab.anc, above: high}\n",
    )
    (line,) = found(tmp_path, [FULLY_SHOWN], facts)
    assert line.startswith("facts.yaml:3:5: `mine.grade` can never be true [prove-fact-no-value]")


def test_a_sound_rule_is_clean_and_the_command_says_what_was_walked(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [FULLY_SHOWN])
    result = CliRunner().invoke(app, ["lint", "--prove", str(folder)])
    assert result.exit_code == 0
    assert (
        result.stdout == "1 rule, no problems; walked 1 rule, 0 derived facts, 0 pairs of rules, all whole\n"
    )


def test_a_finding_is_a_problem_of_the_command(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [rule("fault", [MARROW, "not: {exists: lab.anc, within: month}"], [SEEN])])
    result = CliRunner().invoke(app, ["lint", "--prove", str(folder)])
    assert result.exit_code == 1
    assert "[prove-always-asks]" in result.stdout


@pytest.mark.longer
def test_the_shipped_rules_are_clean_and_walked_whole() -> None:
    shipped = prove(shipped_library())
    assert (shipped.found, shipped.too_wide) == ((), ())
    assert shipped.rules > 130
