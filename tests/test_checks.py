"""The named checks: each finds the fault that is planted for it. `test_laws_of_the_packs.py` runs them on every shipped rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import FULLY_SHOWN, RULE, pack
from conftest import ROOT

from oncogate.base.errors import PackError
from oncogate.engine.case import Case
from oncogate.engine.derived import Derived, Options, known
from oncogate.engine.formulas import FORMULAS
from oncogate.model.decision import Evidence
from oncogate.testing import CHECKS, ChecksFailed, check_pack
from oncogate.testing.checks import Check
from oncogate.testing.trying import Failure

BY_NAME = {check.__name__: check for check in CHECKS}
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)


def test_every_check_has_its_heading_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "checks.md").read_text("utf-8")
    assert re.findall(r"^## `(\w+)`$", page, re.MULTILINE) == [check.__name__ for check in CHECKS]


# -- planted faults --------------------------------------------------------------------------------


def found(tmp_path: Path, check: str, text: str, facts: str = "") -> tuple[Failure, ...]:
    """What a check finds in a pack with that rule."""
    folder = pack(tmp_path, text)
    if facts:
        (folder / "facts.yaml").write_text(facts, "utf-8")
    try:
        check_pack(folder, checks=[BY_NAME[check]])
    except ChecksFailed as failed:
        return failed.failures
    return ()


def line_of(text: str, words: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if words in line)


ANC = "  - {exists: lab.anc, within: window}\n"
PLANTED: dict[str, tuple[Callable[[str], str], str, str]] = {
    "examples_hold": (
        lambda text: text.replace("lab.anc: 3.2 10*9/L}, expect: met", "lab.anc: 3.2 10*9/L}, expect: unmet"),
        "example `seen`: expected `unmet`, got `met`",
        "{name: seen",
    ),
    "both_sides_of_every_limit": (
        lambda text: "\n".join(line for line in text.splitlines() if "age: " not in line),
        "the examples don't notice a lower or higher `window`",
        "window: {value",
    ),
    "every_leaf_seen_true_false_unknown": (
        lambda text: "\n".join(line for line in text.splitlines() if "XR-17" not in line),
        "no example shows this leaf unknown",
        "any_of: order.drugs",
    ),
    "unknown_speaks": (
        lambda text: text.replace(ANC, "  - any: [{exists: lab.anc, within: window}, {not: {supplied: labs}}]\n"),
        "example `none`: without `labs` the rule says `met`, where it said `unmet` before",
        "{name: none",
    ),
    "texts_render": (
        lambda text: text.replace("There is no recent blood count.", "There is no recent lab.anc."),
        "example `none`: `lab.anc` is a word of code",
        "{name: none",
    ),
    "remedy_remedies": (
        lambda text: text.replace(
            "en: Repeat the blood count.}", 'en: Repeat the blood count., adds: {consents: {kind: chemotherapy}}}'
        ),
        "example `none`: it is still `unmet` when `check-blood-count` is done",
        "{name: none",
    ),
    "stable_has_source": (
        lambda text: text.replace("verification: reviewed", "verification: general_knowledge"),
        "a stable rule rests on general knowledge alone",
        "sources:",
    ),
}  # fmt: skip


@pytest.mark.parametrize("check", PLANTED)
def test_a_fault_of_a_rule_is_found_where_it_stands(check: str, tmp_path: Path) -> None:
    plant, message, words = PLANTED[check]
    faulty = plant(FULLY_SHOWN)
    assert faulty != FULLY_SHOWN
    failures = found(tmp_path, check, faulty)
    assert message in [failure.message for failure in failures]
    failure = next(failure for failure in failures if failure.message == message)
    place = f"{tmp_path}/rules/mine/anc-seen.yaml:{line_of(faulty, words)}:"
    assert str(failure).startswith(place)
    assert f"`{check}`: {message} [check-failed]" in str(failure)


@every_check
def test_a_sound_rule_passes(check: Check, tmp_path: Path) -> None:
    assert found(tmp_path, check.__name__, FULLY_SHOWN) == ()


def test_the_failure_carries_the_case_and_what_the_rule_itself_says(tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as failed:
        check_pack(pack(tmp_path, FULLY_SHOWN.replace("10*9/L}, expect: met", "10*9/L}, expect: unmet")))
    said = str(failed.value)
    assert "help: the case is {order: [多西他赛], lab.anc: 3.2 10*9/L}" in said
    assert "    缺少血常规\n" in said
    assert "    No blood count\n" in said


def test_probes_find_what_the_examples_do_not_show(tmp_path: Path) -> None:
    """Nothing in the examples shows that the words for a count that can't be read are unfit."""
    rule = FULLY_SHOWN.replace(
        "en: There is no recent blood count.}",
        'en: There is no recent blood count.}\n  unknown: {zh: "{value}", en: the count x_y}',
    )
    quiet = re.sub(r"  - \{name: (not supplied|not recognised).*\n", "", rule)
    folder = pack(tmp_path, quiet)
    check_pack(folder, checks=[BY_NAME["texts_render"]])
    with pytest.raises(ChecksFailed, match="`x_y` is a word of code"):
        check_pack(folder, checks=[BY_NAME["texts_render"]], probes=200)


def test_a_remedy_that_only_turns_an_unknown_into_another_is_idle(tmp_path: Path) -> None:
    """The count is known to be there; what isn't known is the drug, which no blood count tells."""
    idle = RULE.replace(
        "en: Repeat the blood count.}",
        'en: Repeat the blood count., adds: {labs: {codes: "$lab.anc:codes", value: "$lab.anc:typical"}}}',
    ).replace("- {exists: lab.anc, within: window}", "- {any_of: order.drugs, in: drugs/endocrine}")
    only_unknown = re.sub(r"examples:\n(.*\n)*", "", idle) + (
        "examples:\n  - {name: no name, given: {order: {drugs: [{name: XR-17}], kind: chemotherapy}}, expect: unknown}\n"
    )
    (failure,) = found(tmp_path, "remedy_remedies", only_unknown)
    assert "it is still `unknown` when `check-blood-count` is done" in failure.message


def test_rules_that_can_not_be_loaded_are_an_error_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(PackError):
        check_pack(pack(tmp_path, FULLY_SHOWN.replace("lab.anc, within", "lab.ancc, within")))


# -- faults of a formula ---------------------------------------------------------------------------

FORMULA_FACT = """\
facts:
  made.truth:
    label: {zh: 近期血常规, en: recent blood count}
    derive: has_first_line_list
    gives: truth
"""
ASKING = FULLY_SHOWN.replace(ANC, "  - {holds: made.truth}\n").replace(
    "examples:\n",
    "examples:\n  - {name: two counts, given: {order: [多西他赛], labs: [{fact: lab.anc, value: 3 10*9/L, age: 3 h},"
    " {fact: lab.anc, value: 1 10*9/L, age: 2 h}]}, expect: met}\n",
)


def any_count(case: Case, options: Options) -> Derived:
    """Takes whatever stands in the section, whoever's it is and whenever it was recorded, and names it as evidence."""
    named = [Evidence(fact="lab.anc", entry=e.id, counted=True) for e in case.record.labs or ()]
    return known(None if case.record.labs is None else bool(named), named)


def without_evidence(case: Case, options: Options) -> Derived:
    """Takes what stands in the section and doesn't name it."""
    return known(None if case.record.labs is None else bool(case.record.labs))


def by_place(case: Case, options: Options) -> Derived:
    """Takes the entry that happens to stand first for the newest."""
    labs = case.record.labs or ()
    named = [Evidence(fact="lab.anc", entry=e.id, counted=True) for e in labs]
    first: Any = labs[0].value if labs else None
    return known(None if case.record.labs is None else bool(first and first.value > 2), named)


def dated_only(case: Case, options: Options) -> Derived:
    """Passes over an entry without a time as if it weren't there."""
    named = [
        Evidence(fact="lab.anc", entry=e.id, counted=True) for e in case.record.labs or () if e.effective
    ]
    return known(None if case.record.labs is None else bool(named), named)


@pytest.mark.parametrize(
    ("check", "formula", "message"),
    [
        ("another_patient_never_counts", any_count, "with `labs` another patient's the rule says"),
        ("recorded_late_never_counts", any_count, "with `labs` recorded a minute after the moment the rule says"),
        ("evidence_suffices", without_evidence, "on the evidence alone the rule says"),
        ("order_of_entries_never_matters", by_place, "`met` becomes `unmet` when the entries are turned round"),
        ("only_settles", dated_only, "`unmet` becomes `met` when the time of `labs-0` is learnt"),
    ],
)  # fmt: skip
def test_a_fault_of_a_formula_is_found(
    check: str,
    formula: Callable[[Case, Options], Derived],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(FORMULAS, "has_first_line_list", formula)  # type: ignore[arg-type]
    messages = [failure.message for failure in found(tmp_path, check, ASKING, FORMULA_FACT)]
    assert any(message in one for one in messages), messages
