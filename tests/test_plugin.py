"""The pytest plugin: what it collects, what it says, and that it does nothing unless asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest
from cases import FULLY_SHOWN, pack

from oncogate.packs import load
from oncogate.testing import CHECKS
from oncogate.testing.plugin import RuleFiles  # noqa: F401 (imported once, not by every run)

pytest_plugins = ["pytester"]

FAULTY = FULLY_SHOWN.replace("lab.anc: 3.2 10*9/L}, expect: met", "lab.anc: 3.2 10*9/L}, expect: unmet")
EXAMPLES = 7


SHIPPED = load._tables([load.shipped_rules()], [])


class Run(Protocol):
    """Runs pytest in this process."""

    def __call__(self, *args: str | Path) -> pytest.RunResult: ...


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """pytest without the plugins and the reading of the shipped tables that would take most of the time."""
    monkeypatch.setattr(load, "_tables", lambda roots, problems: SHIPPED)
    return lambda *args: pytester.runpytest("-p", "no:hypothesispytest", "-p", "no:cov", *args)


@pytest.fixture
def rules(pytester: pytest.Pytester) -> Path:
    return pack(pytester.path, FULLY_SHOWN)


def line_of(text: str, words: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


class TestUnasked:
    def test_it_collects_nothing(self, run: Run, pytester: pytest.Pytester, rules: Path) -> None:
        pytester.makepyfile("def test_something(): pass")
        run("-q").assert_outcomes(passed=1)

    def test_it_does_not_even_import_the_engine(self) -> None:
        code = "import sys, oncogate._pytest; print(sorted({'oncogate.gate', 'oncogate.testing', 'pydantic', 'hypothesis', 'yaml'} & set(sys.modules)))"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert found.stdout.strip() == "[]"


class TestAsked:
    @pytest.mark.parametrize("way", ["--oncogate", "ini", "rules", "rules/mine", "rules/mine/anc-seen.yaml"])
    def test_every_example_is_an_item(
        self, way: str, run: Run, pytester: pytest.Pytester, rules: Path
    ) -> None:
        if way == "ini":
            pytester.makeini("[pytest]\noncogate = true\n")
        result = run("-v", *([] if way == "ini" else [way]))
        result.assert_outcomes(passed=EXAMPLES)
        result.stdout.fnmatch_lines(["rules/mine/anc-seen.yaml::not supplied PASSED*"])

    def test_one_example_can_be_named(self, run: Run, rules: Path) -> None:
        result = run("--oncogate", "rules/mine/anc-seen.yaml::not supplied")
        result.assert_outcomes(passed=1)

    @pytest.mark.parametrize("way", ["option", "ini"])
    def test_the_checks_are_items_too(
        self, way: str, run: Run, pytester: pytest.Pytester, rules: Path
    ) -> None:
        if way == "ini":
            pytester.makeini("[pytest]\noncogate_checks = true\n")
        result = run("-v", *(["--oncogate-checks"] if way == "option" else []))
        result.assert_outcomes(passed=EXAMPLES + len(CHECKS) - 1)
        result.stdout.fnmatch_lines(["rules/mine/anc-seen.yaml::check: unknown_speaks PASSED*"])

    def test_other_files_are_never_collected(self, run: Run, pytester: pytest.Pytester, rules: Path) -> None:
        for name in (".github/workflows/ci.yml", "compose.yaml", "site.yaml", "rules/notes.yaml"):
            path = pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("services: [", "utf-8")
        run("--oncogate").assert_outcomes(passed=EXAMPLES)

    def test_it_works_on_several_processors(self, run: Run, pytester: pytest.Pytester, rules: Path) -> None:
        run("--oncogate", "-n", "2").assert_outcomes(passed=EXAMPLES)


class TestAFailure:
    def test_names_the_line_and_what_the_rule_says_without_a_traceback(
        self, run: Run, pytester: pytest.Pytester
    ) -> None:
        pack(pytester.path, FAULTY)
        result = run("--oncogate", "-q")
        result.assert_outcomes(failed=1, passed=EXAMPLES - 1)
        line = line_of(FAULTY, "{name: seen")
        said = result.stdout.str()
        assert (
            f"rules/mine/anc-seen.yaml:{line}:5: `examples_hold`: example `seen`: expected `unmet`, got `met` [check-failed]\n"
            "  help: the case is {order: [多西他赛], lab.anc: 3.2 10*9/L}\n"
            "    缺少血常规\n"
            "    已满足要求。\n"
            "    No blood count\n"
            "    The requirement is met.\n"
        ) in said
        assert "Traceback" not in said
        assert ".py:" not in said

    def test_of_a_check_names_the_check(self, run: Run, pytester: pytest.Pytester) -> None:
        pack(pytester.path, FULLY_SHOWN.replace("verification: reviewed", "verification: general_knowledge"))
        result = run("--oncogate-checks", "-q")
        result.assert_outcomes(failed=1, passed=EXAMPLES + len(CHECKS) - 2)
        line = line_of(FULLY_SHOWN, "sources:")
        result.stdout.fnmatch_lines(
            [f"rules/mine/anc-seen.yaml:{line}:1: `stable_has_source`: a stable rule rests on general*"]
        )

    def test_of_the_engine_has_its_traceback(
        self, run: Run, pytester: pytest.Pytester, rules: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError("the engine is broken")

        monkeypatch.setattr("oncogate.testing.plugin.example_failure", broken)
        result = run("--oncogate", "-q")
        result.stdout.fnmatch_lines(["*ZeroDivisionError: the engine is broken"])


class TestRulesThatCanNotBeLoaded:
    def test_are_one_error_with_every_place(self, run: Run, pytester: pytest.Pytester) -> None:
        broken = FULLY_SHOWN.replace("lab.anc, within", "lab.ancc, within")
        pack(pytester.path, FULLY_SHOWN.replace("mine/anc-seen", "mine/another"), "another.yaml")
        pack(pytester.path, broken)
        result = run("--oncogate")
        result.assert_outcomes(errors=1)
        line = line_of(broken, "lab.ancc")
        result.stdout.fnmatch_lines(
            [
                "the rules can't be used",
                f"rules/mine/anc-seen.yaml:{line}:*: unknown fact `lab.ancc` [[]fact-unknown[]]",
                "*did you mean `lab.anc`*",
            ]
        )

    def test_a_sound_file_named_alone_is_not_passed_over(self, run: Run, pytester: pytest.Pytester) -> None:
        """It can't be judged without its folder: silence would look like success."""
        pack(pytester.path, FULLY_SHOWN.replace("mine/anc-seen", "mine/another"), "another.yaml")
        pack(pytester.path, "id: [", "broken.yaml")
        result = run("--oncogate", "rules/mine/another.yaml")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["rules/mine/broken.yaml:*yaml-syntax*"])


class TestTheVocabulary:
    def test_is_that_of_the_folder_with_the_shipped_one(
        self, run: Run, pytester: pytest.Pytester, rules: Path
    ) -> None:
        fact = FULLY_SHOWN.replace("exists: lab.anc,", "exists: lab.our_count,").replace(
            " lab.anc:", " lab.our_count:"
        )
        pack(pytester.path, fact)
        (rules / "facts.yaml").write_text(
            "facts:\n  lab.our_count:\n    label: {zh: 本院计数, en: our count}\n    sections: [labs]\n"
            "    codes: [{system: urn:ours, code: N}]\n"
            "    measured: {measure: cell-count, unit: 10*9/L, plausible: [0, 200], typical: 4}\n"
            "    counted: [final]\n    focus: ignored\n",
            "utf-8",
        )
        run("--oncogate").assert_outcomes(passed=EXAMPLES)

    def test_without_the_extra_it_says_what_to_install(
        self, run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "oncogate.testing.plugin", None)
        result = run("--oncogate")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
