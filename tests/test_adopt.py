"""`oncogate adopt` and `oncogate rules`: a rule on trial is made to count, and the list says who did it and why."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cases import FULLY_SHOWN, RULE, pack, request
from typer.testing import CliRunner, Result

from oncogate import Gate, Request
from oncogate.cli.app import app

TRIAL = FULLY_SHOWN.replace("status: stable", "status: trial")
REVIEW = ("--reviewed-by", "药学部 王药师", "--source", "药事会 2026-11 纪要", "--date", "2026-11-20")
SITE = """\
# the hospital's own settings
id: my-hospital   # as printed in every decision
layer: hospital
parameters:
  mine/anc-seen: {window: 3}  # asked for by the haematologists
"""


def run(*args: Any) -> Result:
    return CliRunner().invoke(app, [str(a) for a in args])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return pack(tmp_path / "rules", TRIAL)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE, "utf-8")
    return path


def adopt(rules: Path, site: Path, *ids: str) -> Result:
    return run("adopt", *(ids or ("mine/anc-seen",)), "--site", site, "--rules", rules, *REVIEW)


def test_an_adopted_rule_counts_and_the_finding_names_the_layer(rules: Path, site: Path) -> None:
    without_count = Request.load(request(labs=[]))
    before = Gate.load([rules]).decide(without_count)
    assert (before.outcome, [f.rule for f in before.shadow]) == ("allow", ["mine/anc-seen"])
    assert adopt(rules, site).exit_code == 0
    after = Gate.load([rules], site).decide(without_count)
    assert (after.outcome, after.determining_rules, after.shadow) == ("warn", ("mine/anc-seen",), ())
    finding = after.finding("mine/anc-seen")
    assert finding is not None
    assert (finding.layer, finding.parameters["window"].set_by) == ("my-hospital", "my-hospital")


def test_the_file_keeps_its_comments_and_its_order(rules: Path, site: Path) -> None:
    adopt(rules, site)
    text = site.read_text("utf-8")
    assert text.startswith(SITE)
    assert "reviewed_by: 药学部 王药师" in text
    assert "date: 2026-11-20" in text


def test_adopting_twice_changes_nothing_more(rules: Path, site: Path) -> None:
    adopt(rules, site)
    once = site.read_text("utf-8")
    assert adopt(rules, site).exit_code == 0
    assert site.read_text("utf-8") == once


def test_another_review_is_not_overwritten_unless_it_is_meant(rules: Path, site: Path) -> None:
    adopt(rules, site)
    once = site.read_text("utf-8")
    again = (
        "adopt",
        "mine/anc-seen",
        "--site",
        site,
        "--rules",
        rules,
        "--reviewed-by",
        "张医师",
        *REVIEW[2:],
    )
    refused = run(*again)
    assert (refused.exit_code, refused.stdout, site.read_text("utf-8")) == (2, "", once)
    line = next(n for n, text in enumerate(once.splitlines(), 1) if text == "  mine/anc-seen:")
    assert refused.stderr == (
        f"{site}:{line}:3: `mine/anc-seen` was adopted on 2026-11-20, reviewed by `药学部 王药师` [site-adopted]\n"
        "  help: `--replace` puts the new review in its place\n"
    )
    assert run(*again, "--replace").exit_code == 0
    assert site.read_text("utf-8") == once.replace("药学部 王药师", "张医师")


def test_a_review_of_a_day_to_come_is_refused(rules: Path, site: Path) -> None:
    refused = run("adopt", "mine/anc-seen", "--site", site, "--rules", rules, *REVIEW[:-1], "2999-01-01")
    assert (refused.exit_code, site.read_text("utf-8")) == (2, SITE)
    assert "can't lie in the future" in refused.stderr


def test_a_file_that_is_not_there_is_made(rules: Path, tmp_path: Path) -> None:
    site = tmp_path / "new-hospital.yaml"
    assert adopt(rules, site).exit_code == 0
    assert Gate.load([rules], site).decide(Request.load(request(labs=[]))).outcome == "warn"


@pytest.mark.skipif(os.name == "nt", reason="files have no such rights there")
def test_a_file_that_is_made_has_the_rights_of_any_new_file(rules: Path, tmp_path: Path) -> None:
    plain, site = tmp_path / "plain", tmp_path / "new-hospital.yaml"
    plain.touch()
    adopt(rules, site)
    assert site.stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="links take rights there")
def test_a_link_still_points_to_the_file(rules: Path, site: Path) -> None:
    link = site.with_name("in-force.yaml")
    link.symlink_to(site.name)
    assert adopt(rules, link).exit_code == 0
    assert link.is_symlink()
    assert "reviewed_by: 药学部 王药师" in site.read_text("utf-8")


def test_the_file_keeps_its_line_ends_and_its_byte_order_mark(rules: Path, site: Path) -> None:
    site.write_bytes(b"\xef\xbb\xbf" + SITE.replace("\n", "\r\n").encode())
    assert adopt(rules, site).exit_code == 0
    content = site.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf# the hospital's own settings\r\nid: my-hospital   #")
    assert content.count(b"\xef\xbb\xbf") == 1
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r") > SITE.count("\n")
    assert Gate.load([rules], site).decide(Request.load(request(labs=[]))).outcome == "warn"


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (("mine/anc-sen",), "there is no rule `mine/anc-sen` [site-unknown-rule]\n  help: did you mean `mine/anc-seen`?"),
        (("mine/anc-seen", "mine/other"), "there is no rule `mine/other` [site-unknown-rule]"),
    ],
)  # fmt: skip
def test_what_can_not_be_adopted_is_refused_and_nothing_is_written(
    rules: Path, site: Path, ids: tuple[str, ...], said: str
) -> None:
    result = adopt(rules, site, *ids)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert site.read_text("utf-8") == SITE


def test_a_rule_that_counts_already_is_refused(tmp_path: Path, site: Path) -> None:
    result = adopt(pack(tmp_path / "stable", RULE), site)
    assert result.exit_code == 2
    assert "`mine/anc-seen` is stable [site-not-ready]" in result.stderr


def test_a_broken_file_is_told_with_its_place_and_left_alone(rules: Path, site: Path) -> None:
    broken = SITE.replace("window: 3", "windw: 3")
    site.write_text(broken, "utf-8")
    result = adopt(rules, site)
    assert result.exit_code == 2
    assert f"{site}:5:19: `mine/anc-seen` has no parameter `windw` [site-unknown-parameter]" in result.stderr
    assert site.read_text("utf-8") == broken
    assert [path.name for path in site.parent.iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_is_not_there_is_told(rules: Path, tmp_path: Path) -> None:
    result = adopt(rules, tmp_path / "absent" / "site.yaml")
    assert result.exit_code == 2
    assert "can't be written: No such file or directory [file-unwritable]" in result.stderr


def test_an_empty_reviewer_is_refused(rules: Path, site: Path) -> None:
    result = run(
        "adopt", "mine/anc-seen", "--site", site, "--rules", rules, "--reviewed-by", " ", "--source", "x"
    )
    assert result.exit_code == 2
    assert site.read_text("utf-8") == SITE


def test_the_list_says_what_is_on_trial_and_what_a_layer_adopted(rules: Path, site: Path) -> None:
    rows = json.loads(run("rules", rules, "--json").stdout)
    assert [(r["id"], r["state"], r["layer"]) for r in rows] == [("mine/anc-seen", "trial", None)]
    adopt(rules, site)
    adopted = json.loads(run("rules", rules, "--site", site, "--json").stdout)[0]
    assert (adopted["state"], adopted["layer"], adopted["verification"]) == (
        "active",
        "my-hospital",
        "reviewed",
    )
    assert (
        adopted["why"]["zh"] == "my-hospital 采用：药学部 王药师 于 2026-11-20 审核，依据 药事会 2026-11 纪要"
    )
    shown = run("rules", rules, "--site", site, "--lang", "zh").stdout
    assert "启用 (1)" in shown
    assert "药事会 2026-11 纪要" in shown


def test_what_was_switched_off_is_listed_until_it_ends(tmp_path: Path, site: Path) -> None:
    stable = pack(tmp_path / "stable", RULE)
    off = "rules:\n  mine/anc-seen: {status: off, reason: analyser broken, approved_by: 医务处, until: 2026-12-31}\n"
    site.write_text(SITE + off, "utf-8")

    def state(day: str) -> str:
        return str(json.loads(run("rules", stable, "--site", site, "--on", day, "--json").stdout)[0]["state"])

    assert (state("2026-12-31"), state("2027-01-01")) == ("off", "active")


def test_the_shipped_core_rules_are_active() -> None:
    rows = json.loads(run("rules", "--json").stdout)
    core = [r for r in rows if r["id"].startswith("core/")]
    assert len(core) == 13
    assert {r["state"] for r in core} == {"active"}
