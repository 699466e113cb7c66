"""Two versions of rules compared: what loosened, what tightened, and the request that shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cases import FULLY_SHOWN, pack
from typer.testing import CliRunner

from oncogate.authoring.diff import Diff, RuleDiff, diff
from oncogate.cli.app import app
from oncogate.packs.load import load_library, shipped_rules

HEADER = "id: mine\nversion: {}\ntitle: {{zh: 本院规则, en: our rules}}\n"


def versions(
    tmp_path: Path, new: str, *, old: str = FULLY_SHOWN, version: str = "1.0.0"
) -> tuple[Path, Path]:
    """Two folders of rules, with the pack as it was and as it is now."""
    folders = []
    for name, text, number in (("old", old, "1.0.0"), ("new", new, version)):
        folder = pack(tmp_path / name, text)
        (folder / "mine" / "pack.yaml").write_text(HEADER.format(number), "utf-8")
        folders.append(folder)
    return folders[0], folders[1]


def compared(old: Path, new: Path) -> Diff:
    return diff(load_library([old]), load_library([new]))


def the_rule(found: Diff, kind: str) -> RuleDiff:
    (one,) = [rule for rule in found.packs[0].rules if rule.kind == kind]
    return one


def changed(*pairs: tuple[str, str], text: str = FULLY_SHOWN) -> str:
    for before, after in pairs:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


WINDOW = ("window: {value: 7,", "window: {value: 10,")
NARROWER = ("window: {value: 7,", "window: {value: 5,")


def test_the_same_rules_differ_in_nothing(tmp_path):
    assert compared(*versions(tmp_path, FULLY_SHOWN)) == Diff((), ())


def test_a_longer_window_loosens_and_the_smallest_request_is_just_outside_the_old_one(tmp_path):
    found = compared(*versions(tmp_path, changed(WINDOW)))

    loosened = the_rule(found, "loosened")
    assert loosened.what == ("parameters.window: {value: 7, unit: d} → {value: 10, unit: d}",)
    assert loosened.shown is not None
    assert (loosened.shown.before, loosened.shown.after) == ("warn", "nothing")
    age = int(re.search(r"'age': '(\d+) d'", str(loosened.shown.given))[1])  # type: ignore[index]
    assert 7 < age <= 10
    assert (found.packs[0].level, found.packs[0].suggested) == ("major", "2.0.0")
    assert [rule.kind for rule in found.packs[0].rules] == ["loosened"]


def test_a_shorter_window_tightens(tmp_path):
    found = compared(*versions(tmp_path, changed(NARROWER)))

    tightened = the_rule(found, "tightened")
    assert tightened.shown is not None
    assert (tightened.shown.before, tightened.shown.after) == ("nothing", "warn")
    assert (found.packs[0].level, found.packs[0].suggested) == ("minor", "1.1.0")


@pytest.mark.parametrize(
    ("pairs", "kinds", "level"),
    [
        ((("effect: warn", "effect: block"),), ["tightened"], "minor"),
        ((("effect: warn", "effect: inform"),), ["loosened"], "major"),
        ((("effect: warn", "effect: warn\non_unknown: block"),), ["tightened"], "minor"),
        ((("effect: warn", "effect: inform\non_unknown: block"),), ["loosened", "tightened"], "major"),
        ((("drugs/myelosuppressive", "drugs/cytotoxic"),), ["loosened", "tightened"], "major"),
        ((("require:\n  - {exists: lab.anc, within: window}\n", "require:\n  - {exists: lab.platelets, within: window}\n"),), ["loosened", "tightened"], "major"),
        ((("status: stable", "status: trial"),), ["loosened"], "major"),
        ((("status: stable", "status: draft"),), ["loosened"], "major"),
        ((("No blood count", "There is no blood count"),), ["neutral"], "patch"),
        ((("range: [1, 14]", "range: [1, 21]"),), ["neutral"], "patch"),
    ],
)  # fmt: skip
def test_each_change_is_what_it_does(tmp_path, pairs, kinds, level):
    found = compared(*versions(tmp_path, changed(*pairs)))

    assert [rule.kind for rule in found.packs[0].rules] == kinds
    assert found.packs[0].level == level


def test_a_rule_on_trial_is_compared_as_if_it_counted(tmp_path):
    on_trial = changed(("status: stable", "status: trial"))

    found = compared(*versions(tmp_path, changed(WINDOW, text=on_trial), old=on_trial))

    assert the_rule(found, "loosened").shown is not None


def test_a_rule_that_comes_tightens_and_one_that_goes_loosens(tmp_path):
    old, new = versions(tmp_path, FULLY_SHOWN)
    other = FULLY_SHOWN.replace("mine/anc-seen", "mine/other")
    (new / "mine" / "other.yaml").write_text(other, "utf-8")

    came = compared(old, new)
    gone = compared(new, old)

    assert [(r.rule, r.kind, r.what) for r in came.packs[0].rules] == [("mine/other", "tightened", ("+",))]
    assert [(r.rule, r.kind, r.what) for r in gone.packs[0].rules] == [("mine/other", "loosened", ("-",))]
    assert gone.packs[0].rules[0].shown is not None


def test_a_condition_written_otherwise_is_told_by_its_place(tmp_path):
    text = changed(
        (
            "require:\n  - {exists: lab.anc, within: window}\n",
            "require:\n  - any:\n      - {exists: lab.anc, within: window}\n",
        )
    )

    found = compared(*versions(tmp_path, text))

    untold = the_rule(found, "untold")
    assert untold.shown is None
    assert untold.what[0].startswith("require[0]: {exists: lab.anc, within: window} → {any:")
    assert found.packs[0].level == "major"


def test_an_easier_override_of_a_block_loosens(tmp_path):
    blocks = changed(("effect: warn", "effect: block"))
    easier = changed(("effect: block", "effect: block\noverride: {allowed: with_reason, by: [attending], reasons: [other]}"), text=blocks)  # fmt: skip

    found = compared(*versions(tmp_path, easier, old=blocks))

    shown = the_rule(found, "loosened").shown
    assert shown is not None
    assert (shown.before, shown.after) == ("block (override: never)", "block (override: with_reason)")


def test_a_fact_that_changed_is_shown_with_the_rules_that_ask_for_it(tmp_path):
    facts = "facts:\n  count.low:\n    label: {zh: 白细胞低, en: low count}\n    when:\n      - {latest: lab.anc, below: low}\n    gives: truth\n    parameters: {low: {value: LIMIT, unit: 10*9/L, source: house}}\n    sources: {house: {cite: house rule, verification: reviewed}}\n"  # fmt: skip
    rule = changed(("require:\n  - {exists: lab.anc, within: window}\n", "  - {holds: count.low}\n"), ("  window: {value: 7, unit: d, range: [1, 14], tunable: true, source: house}\n", "  {}\n"))  # fmt: skip
    rule = rule.replace("parameters:\n  {}\n", "").split("examples:")[0]
    old, new = versions(tmp_path, rule, old=rule)
    for folder, limit in ((old, "1.0"), (new, "1.5")):
        (folder / "facts.yaml").write_text(facts.replace("LIMIT", limit), "utf-8")

    found = compared(old, new)

    tightened = the_rule(found, "tightened")
    assert tightened.what == ("count.low: parameters.low: {value: 1, unit: \"10*9/L\"} → {value: 1.5, unit: \"10*9/L\"}",)  # fmt: skip
    assert tightened.shown is not None


def test_a_drug_that_left_a_group_shows_in_the_rule_that_asks_for_the_group(tmp_path):
    rule = changed(("in: drugs/myelosuppressive", "in: drugs/anti_cd20"))
    old, new = versions(tmp_path, rule, old=rule)
    groups = (shipped_rules() / "tables" / "drug-groups.yaml").read_text("utf-8")
    fewer = changed(("drugs: [ripertamab, ", "drugs: ["), text=groups)
    for folder, text in ((old, groups), (new, fewer)):
        (folder / "tables").mkdir()
        (folder / "tables" / "drug-groups.yaml").write_text(text, "utf-8")

    found = compared(old, new)

    assert found.tables == ("drug-groups.yaml: anti_cd20",)
    shown = the_rule(found, "loosened").shown
    assert shown is not None
    assert shown.given["order"] == ["ripertamab"]


# -- the command ----------------------------------------------------------------------------------------


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["diff", *map(str, arguments)])
    return done.exit_code, done.output


def test_a_loosening_that_the_version_does_not_say_exits_with_1(tmp_path):
    code, output = run(*versions(tmp_path, changed(WINDOW)), "--lang", "en")

    assert code == 1
    assert (
        "mine 1.0.0 → 1.0.0  takes major: 2.0.0  something loosened and the version doesn't say so" in output
    )
    assert "loosened  mine/anc-seen" in output


@pytest.mark.parametrize(("version", "code"), [("1.9.0", 1), ("2.0.0", 0), ("10.0.0", 0)])
def test_only_a_new_major_version_says_that_something_loosened(tmp_path, version, code):
    assert run(*versions(tmp_path, changed(WINDOW), version=version))[0] == code


def test_what_tightens_and_what_is_the_same_exits_with_0(tmp_path):
    assert run(*versions(tmp_path / "1", changed(NARROWER)))[0] == 0
    assert run(*versions(tmp_path / "2", FULLY_SHOWN), "--lang", "zh") == (0, "没有差别\n")


def test_rules_that_can_not_be_used_exit_with_2(tmp_path):
    old, new = versions(tmp_path, changed(("effect: warn", "effect: shout")))

    code, output = run(old, new)

    assert code == 2
    assert "anc-seen.yaml:4" in output
    assert run(old, tmp_path / "nowhere")[0] == 2


def test_json_holds_the_same(tmp_path):
    code, output = run(*versions(tmp_path, changed(WINDOW)), "--json")

    (one,) = json.loads(output)["packs"]
    assert code == 1
    assert (one["id"], one["level"], one["suggested"], one["hidden"]) == ("mine", "major", "2.0.0", True)
    assert one["rules"][0]["shown"]["before"] == "warn"
