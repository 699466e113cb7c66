"""The linter: the shipped rules are clean; each matter of good keeping is found where it stands, and only it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import FULLY_SHOWN, RULE, pack
from conftest import ROOT
from loaded import shipped_library
from typer.testing import CliRunner

from oncogate.authoring.lint import lint, used_parameters
from oncogate.cli.app import app
from oncogate.packs.load import load_library

SHOWN_BY_EXAMPLES = {"lint-leaf-unseen", "lint-parameter-side"}


def found(rules: Path, *, coverage: bool = False) -> list[str]:
    return [
        str(d).replace(str(rules), "RULES").replace("RULES/mine/anc-seen.yaml", "RULE")
        for d in lint(load_library([rules]))
        if coverage or d.code not in SHOWN_BY_EXAMPLES
    ]


def test_the_shipped_rules_are_clean() -> None:
    assert lint(shipped_library()) == ()


def test_a_good_rule_is_clean(tmp_path: Path) -> None:
    assert found(pack(tmp_path, FULLY_SHOWN), coverage=True) == []


def without(name: str) -> str:
    return "".join(line for line in FULLY_SHOWN.splitlines(keepends=True) if f"name: {name}," not in line)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("the last day", "RULE:10:3: the examples don't notice a lower `window` [lint-parameter-side]"),
        ("too old", "RULE:10:3: the examples don't notice a higher `window` [lint-parameter-side]"),
        ("another drug", "RULE:12:5: no example shows this leaf false [lint-leaf-unseen]"),
        ("not recognised", "RULE:12:5: no example shows this leaf unknown [lint-leaf-unseen]"),
        ("not supplied", "RULE:14:5: no example shows this leaf unknown [lint-leaf-unseen]"),
    ],
)
def test_finds_what_no_example_shows(tmp_path: Path, name: str, said: str) -> None:
    lines = found(pack(tmp_path, without(name)), coverage=True)
    assert [line.partition("\n")[0] for line in lines if "example-unknown" not in line] == [said]


PARAMETER = "parameters:\n"
EXAMPLES = RULE[RULE.index("examples:") :]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            PARAMETER, PARAMETER + "  spare: {value: 1, source: house}\n",
            "RULE:10:3: no condition or text uses the parameter `spare` [lint-parameter-unused]\n  help: use it or drop it",
        ),
        (
            "range: [1, 14], ", "",
            "RULE:10:3: `window` is tunable but has no range [lint-range-missing]\n  help: say how far a site may go: `range: [low, high]`",
        ),
        (
            "sources:\n", "sources:\n  spare: {cite: x, verification: sourced}\n",
            "RULE:8:3: no parameter names the source `spare`, and it doesn't say what it stands for [lint-source-unused]\n"
            "  help: name it, write what it `says`, or drop it",
        ),
        (
            "verification: reviewed", "verification: general_knowledge",
            "RULE:7:1: a stable rule rests on general knowledge alone [lint-source-general]\n"
            "  help: have it reviewed, find a source, or set `status: trial`",
        ),
        (EXAMPLES, "", "RULE:1:1: the rule has no examples [lint-example-missing]\n  help: show a case on each side and one that can't be judged"),
        (
            "  - {name: not supplied, given: {order: [多西他赛], labs: null}, expect: unknown}\n", "",
            "RULE:18:1: no example expects `unknown` [lint-example-unknown]\n  help: show a case that can't be judged, such as a section not supplied",
        ),
        (
            "  - {name: none, given: {order: [多西他赛]}, expect: unmet}\n", "",
            "RULE:18:1: no example expects `unmet` or `raised` [lint-example-side]\n  help: show a case in which the rule speaks",
        ),
        (
            "  - {name: seen, given: {order: [多西他赛], lab.anc: 3.2 10*9/L}, expect: met}\n", "",
            "RULE:18:1: no example expects `met`, `not_raised` or `not_applicable` [lint-example-side]\n"
            "  help: show a case in which the rule is silent",
        ),
        (
            "remedy: {action: check-blood-count, zh: 请复查血常规。, en: Repeat the blood count.}\n", "",
            "RULE:1:1: the rule doesn't say what to do [lint-remedy-missing]\n  help: add a `remedy` with its action, zh and en",
        ),
        (
            "status: stable", "status: deprecated",
            "RULE:3:1: the rule is deprecated, but since when isn't said [lint-deprecated-since]\n"
            "  help: add `deprecated: {since: 2026-01-31}`",
        ),
        ("zh: 缺少血常规,", "zh: no count,", "RULE:5:9: the Chinese text has no Chinese characters [lint-text-zh]"),
        ("en: No blood count", "en: 缺少血常规", "RULE:5:20: the English text has Chinese characters [lint-text-en]"),
        ("zh: 化疗前须有血常规。", 'zh: "化疗前,须有血常规。"', "RULE:6:13: halfwidth `,` in the Chinese text [lint-text-punctuation]\n  help: write `，`"),
        ("zh: 请复查血常规。", "zh: 请复查; 血常规。", "RULE:17:37: halfwidth `;` in the Chinese text [lint-text-punctuation]\n  help: write `；`"),
        ("zh: 没有近期的血常规。", "zh: 没有近期的血常规.", "RULE:16:11: halfwidth `.` in the Chinese text [lint-text-punctuation]\n  help: write `。`"),
        ("en: Repeat the blood count.", "en: Repeat the blood count。", "RULE:17:50: fullwidth `。` in the English text [lint-text-punctuation]"),
    ],
)  # fmt: skip
def test_finds(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert RULE.count(old) == 1
    assert found(pack(tmp_path, RULE.replace(old, new))) == [said]


def test_leaves_latin_words_in_chinese_alone(tmp_path: Path) -> None:
    text = RULE.replace(
        "zh: 化疗前须有血常规。", 'zh: "化疗前须有血常规（ANC 2.0, Hb 90）；见 ver. 1.5: {window}。"'
    )
    assert found(pack(tmp_path, text)) == []


def test_finds_a_stable_rule_without_a_source(tmp_path: Path) -> None:
    text = (
        RULE[: RULE.index("sources:")]
        + "sources: {}\n"
        + RULE[RULE.index("when:") :].replace(", within: window", "")
    )
    assert found(pack(tmp_path, text)) == ["RULE:7:1: a stable rule needs a source [lint-source-missing]"]


def test_finds_a_pack_without_its_file(tmp_path: Path) -> None:
    rules = pack(tmp_path, header=False)
    said = (
        "the pack `mine` has no pack.yaml [lint-pack-file]\n  help: add one with `id`, `version` and `title`"
    )
    assert found(rules) == [f"RULES/mine/pack.yaml: {said}"]
    alone = lint(load_library([rules / "mine" / "anc-seen.yaml"]))
    assert [d.code for d in alone if d.code not in SHOWN_BY_EXAMPLES] == ["lint-pack-file"]


def test_a_parameter_is_used_wherever_a_condition_names_it() -> None:
    library = shipped_library()
    for loaded in library.rules:
        named = {ref for ref in used_parameters(loaded.rule) if not ref.startswith("drugs/")}
        assert named <= {*loaded.rule.parameters, *library.facts}, loaded.rule.id


def test_the_command_says_what_and_how_much(tmp_path: Path) -> None:
    clean = CliRunner().invoke(app, ["lint", str(pack(tmp_path / "a", FULLY_SHOWN))])
    assert (clean.exit_code, clean.stdout, clean.stderr) == (0, "1 rule, no problems\n", "")
    rules = pack(tmp_path / "b", FULLY_SHOWN.replace("range: [1, 14], ", ""))
    result = CliRunner().invoke(app, ["lint", str(rules)])
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith(
        f"{rules}/mine/anc-seen.yaml:10:3: `window` is tunable but has no range [lint-range-missing]\n"
    )
    assert result.stdout.endswith("\n1 rule, 1 problem\n")


def test_a_first_line_regimen_that_no_table_knows_is_noted_at_its_place(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    regimens = "[培美曲塞+顺铂, dd-MVAC, dMVAC, 本院一号方案]"  # spelled out, of the table, misspelt, the hospital's own
    site.write_text(f"id: h\nfirst_line: {{bladder: {regimens}}}\n", "utf-8")
    found = CliRunner().invoke(app, ["lint", str(ROOT / "rules" / "staging"), "--site", str(site)])
    assert (found.exit_code, found.stderr) == (1, "")
    assert found.stdout.splitlines()[:-1] == [
        f"{site}:2:42: the table of regimens doesn't know `dMVAC` [lint-site-regimen]",
        "  help: did you mean `ddMVAC`?",
        f"{site}:2:49: the table of regimens doesn't know `本院一号方案` [lint-site-regimen]",
        "  help: fine, if the hospital's orders name it so",
    ]


def test_a_list_of_a_layer_says_nothing_of_the_examples_of_the_rules(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("id: h\nfirst_line: {lung: [培美曲塞+顺铂]}\n", "utf-8")
    rule = str(ROOT / "rules" / "core" / "not-first-line.yaml")
    found = CliRunner().invoke(app, ["lint", rule, "--site", str(site)])
    assert (found.exit_code, found.stdout) == (0, "1 rule, no problems\n")
