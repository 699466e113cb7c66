"""`oncogate new`, and the pages on writing and testing rules: what they tell is done in an empty folder, and comes out as they say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from typer.testing import CliRunner, Result

from oncogate.authoring.lint import lint
from oncogate.authoring.mutation import mutation
from oncogate.cli.app import app
from oncogate.packs import load
from oncogate.packs.schema import schema_text
from oncogate.testing import check_pack

SHIPPED = load._tables([load.shipped_rules()], [])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RULE = "rules/my-hospital/potassium-low-before-cisplatin.yaml"


pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        load, "_tables", lambda roots, problems: SHIPPED
    )  # reading them takes most of the time


def oncogate(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


# -- oncogate new ----------------------------------------------------------------------------------


class TestNew:
    def test_writes_a_rule_that_is_sound_from_the_start(self) -> None:
        result = oncogate("new", "my-hospital/liver/bilirubin-high")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith("wrote rules/my-hospital/liver/bilirubin-high.yaml\n")
        library = load.load_library(["rules"])
        (loaded,) = library.rules
        assert (loaded.rule.id, loaded.rule.status) == ("my-hospital/liver/bilirubin-high", "draft")
        assert lint(library) == ()
        assert mutation(library, Path("rules")).diagnostics == ()
        check_pack(library)

    def test_says_what_is_to_be_filled_in(self) -> None:
        oncogate("new", "my-hospital/anc-missing")
        text = Path("rules/my-hospital/anc-missing.yaml").read_text("utf-8")
        assert text.count("# TODO") >= 7
        assert text.startswith("# yaml-language-server: $schema=../rule.schema.json\n")
        assert Path("rules/rule.schema.json").read_text("utf-8") == schema_text("rule")
        (loaded,) = load.load_library(["rules"]).rules
        for said in (loaded.rule.title, loaded.rule.rationale, loaded.rule.reason.unmet, loaded.rule.remedy):
            assert said is not None
            assert said.zh.startswith("待填写")
            assert said.en.lower().startswith("to fill in")

    def test_leaves_what_is_there(self) -> None:
        oncogate("new", "mine/one", "--rules", "ours")
        pack = Path("ours/mine/pack.yaml")
        pack.write_text(pack.read_text("utf-8").replace("0.1.0", "2.0.0"), "utf-8")
        assert oncogate("new", "mine/two", "--rules", "ours").stdout.count("wrote") == 1
        assert "2.0.0" in pack.read_text("utf-8")

    @pytest.mark.parametrize(
        "id", ["Mine/One", "one", "mine/", "../mine/one", "mine/one.yaml", "mine//one", "/mine/one", "mine/pack", "mine/facts", "mine/liver/pack", "tables/one", "mine/tables/one"],
    )  # fmt: skip
    def test_refuses_what_can_not_be_an_id(self, id: str) -> None:
        result = oncogate("new", id)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "[new-id]" in result.stderr
        assert not list(Path().iterdir())

    def test_never_writes_over_a_rule(self) -> None:
        oncogate("new", "mine/one")
        path = Path("rules/mine/one.yaml")
        path.write_text("mine", "utf-8")
        result = oncogate("new", "mine/one")
        assert (result.exit_code, path.read_text("utf-8")) == (2, "mine")
        assert result.stderr.startswith("rules/mine/one.yaml: there is a rule `mine/one` already [new-taken]")

    def test_refuses_the_id_of_a_shipped_rule(self) -> None:
        assert "[new-taken]" in oncogate("new", "core/consent-missing").stderr

    def test_says_where_it_can_not_write(self) -> None:
        Path("rules").write_text("a file", "utf-8")
        result = oncogate("new", "mine/one")
        assert result.exit_code == 2
        assert "[file-unwritable]" in result.stderr


# -- the pages -------------------------------------------------------------------------------------


def blocks(page: str) -> Iterator[tuple[str, str]]:
    return iter(BLOCK.findall((ROOT / "docs" / page).read_text("utf-8")))


def done(line: str, pytester: pytest.Pytester) -> str:
    """What a command of a page prints."""
    program, *words = shlex.split(line)
    if program == "oncogate":
        return oncogate(*words).stdout
    assert program == "pytest"
    found = pytester.runpytest("-p", "no:hypothesispytest", "-p", "no:cov", *words)
    assert found.ret == 0
    return str(found.stdout)


def test_the_tutorial_comes_out_as_it_says(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    printed = ""
    for kind, text in blocks("tutorial/first-rule.md"):
        if kind == "sh" and "pip install" not in text:  # installing is left to the reader
            printed = "".join(done(line, pytester) for line in text.splitlines())
        elif kind == "json":
            Path("order.json").write_text(text, "utf-8")
        elif kind == "yaml" and text == "status: trial\n":
            Path(RULE).write_text(Path(RULE).read_text("utf-8").replace("status: draft\n", text), "utf-8")
        elif kind == "yaml" and text.startswith("#"):
            Path(RULE).write_text(text, "utf-8")
        elif kind == "yaml":
            Path(RULE).write_text(Path(RULE).read_text("utf-8") + text, "utf-8")
        elif kind == "text":
            assert not [line for line in text.splitlines() if line not in printed.splitlines()], printed
    assert "Rule            my-hospital/potassium-low-before-cisplatin" in printed


def test_the_ci_file_passes_on_a_sound_rule(pytester: pytest.Pytester) -> None:
    oncogate("new", "my-hospital/anc-missing")
    (ci,) = (text for kind, text in blocks("how-to/pytest-in-ci.md") if kind == "yaml")
    script = yaml.safe_load(ci)["rules"]["script"]
    assert script[0] == 'pip install "/path/to/oncogate[test]"'
    for line in script[1:]:
        assert re.search("no problems|passed", done(line, pytester))
    assert Path("rules.xml").is_file()
