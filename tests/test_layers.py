"""Layers over the packs: nation, province, hospital, department. The narrower has the last word; to loosen is never quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from cases import request as written_request
from cases import written
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import requests
from test_differential import QUIET
from typer.testing import CliRunner

from oncogate import Gate, PackError
from oncogate.authoring.examples import request_of
from oncogate.base.errors import Diagnostic
from oncogate.cli.app import app
from oncogate.model.decision import Decision, Finding
from oncogate.model.overlay import LAYERS
from oncogate.model.request import Request
from oncogate.packs.load import load_library
from oncogate.packs.overlay import read_layers
from oncogate.packs.pack import Library

EXAMPLES = [ROOT / "examples" / f"site-{kind}.yaml" for kind in LAYERS]
PACKS = [ROOT / "rules" / "core", ROOT / "rules" / "critical-values"]
STRICT = {None: 0, "allow": 0, "inform": 0, "warn": 1, "block": 2}
WHY = "reason: 系统切换, approved_by: 医务科, until: 2026-03-31"
UNTIL = date(2026, 3, 31)
CRITICAL = "critical-values/platelets-critically-low"
ADOPTED = "{status: stable, reviewed_by: 检验科主任, source: 本院清单, date: 2026-01-05}"
NO_CONSENT = {"tumour": "breast", "order": ["多西他赛"]}


def loaded(**site: Any) -> Gate:
    """`Gate.load` with the packs that these tests speak of, which takes a fraction of the time."""
    return Gate.load(PACKS, **site)


def files(folder: Path, **layers: str) -> list[Path]:
    """A file for each layer, its id `our-<layer>`."""
    made = []
    for kind, text in layers.items():
        path = folder / f"{kind}.yaml"
        path.write_text(f"id: our-{kind}\nlayer: {kind}\n{text}\n", "utf-8")
        made.append(path)
    return made


def refused(folder: Path, **layers: str) -> list[Diagnostic]:
    with pytest.raises(PackError) as caught:
        loaded(site=files(folder, **layers))
    return list(caught.value.diagnostics)


@lru_cache
def library() -> Library:
    return load_library(PACKS)


def decide(gate: Gate, at: str | None = None, **given_: Any) -> Decision:
    return gate.decide(request_of(given_ | ({"at": at} if at else {}), library()))


def finding(gate: Gate, rule: str, at: str | None = None, **given_: Any) -> Finding:
    found = decide(gate, at, **given_).finding(rule)
    assert found is not None
    return found


# -- who has the last word -------------------------------------------------------------------------


class TestTheNarrowerLayer:
    LIMITS: ClassVar[dict[str, str]] = {
        "national": "parameters: {core/anc-critical: {limit: 0.9, window: 5}}",
        "province": "parameters: {core/anc-critical: {limit: 0.8}}",
        "hospital": "parameters: {core/anc-critical: {limit: 0.7}}",
        "department": "parameters: {core/anc-critical: {limit: 0.6}}",
    }

    def test_wins_whatever_the_order_of_the_files(self, tmp_path: Path) -> None:
        given_ = {"lab.anc": "0.65 10*9/L"}
        made = files(tmp_path, **self.LIMITS)
        first = decide(loaded(site=made), **given_)
        for order in (made[::-1], [made[i] for i in (2, 0, 3, 1)]):
            assert decide(loaded(site=list(order)), **given_).to_json(everything=True) == first.to_json(
                everything=True
            )
        assert first.finding("core/anc-critical").parameters["limit"].value == "0.6"  # type: ignore[union-attr]
        assert first.critical_values == ()

    def test_leaves_what_it_does_not_speak_of_to_the_wider(self, tmp_path: Path) -> None:
        gate = loaded(site=files(tmp_path, **self.LIMITS))
        used = finding(gate, "core/anc-critical").parameters
        assert (used["limit"].value, used["limit"].set_by) == ("0.6", "our-department")
        assert (used["window"].value, used["window"].set_by) == ("5", "our-national")

    def test_is_named_beside_what_it_set_and_the_pack_beside_the_rest(self, tmp_path: Path) -> None:
        gate = loaded(
            site=files(
                tmp_path,
                national="parameters: {core/neutropenia-risk-not-assessed: {window: 14}}",
                province="rules: {core/staging-workup-incomplete: {effect: block}}",
            )
        )
        decision = decide(gate, tumour="lung", order=["顺铂"])
        found = {f.rule: f for f in decision.all_findings}
        assert found["core/neutropenia-risk-not-assessed"].parameters["window"].set_by == "our-national"
        assert found["core/anc-not-recent"].parameters["window"].set_by == "core"
        assert found["core/staging-workup-incomplete"].layer == "our-province"
        assert found["core/consent-missing"].layer is None
        assert {f.layer for f in decision.all_findings} == {None, "our-province"}

    def test_stands_among_the_packs_with_its_digest(self, tmp_path: Path) -> None:
        before = decide(loaded(site=files(tmp_path, hospital=self.LIMITS["hospital"])))
        after = decide(loaded(site=files(tmp_path, hospital=self.LIMITS["province"])))
        layers = [next(p for p in d.packs if p.id == "our-hospital") for d in (before, after)]
        assert {one.version for one in layers} == {"hospital"}
        assert layers[0].digest != layers[1].digest

    def test_tunes_a_derived_fact_under_the_facts_name(self, tmp_path: Path) -> None:
        gate = loaded(
            site=files(
                tmp_path,
                province="parameters: {critical.platelets_low: {general: 25}}",
                hospital=f"rules: {{{CRITICAL}: {ADOPTED}}}",
            )
        )
        patient = {"id": "p", "ward": "胸外科", "birth_date": "1960-05-01"}
        found = finding(gate, CRITICAL, patient=patient, **{"lab.platelets": "26 10*9/L"})
        assert found.verdict == "not_applicable"
        assert found.parameters["critical.platelets_low/general"].set_by == "our-province"
        assert (found.parameters["critical.platelets_low/child"].set_by, found.layer) == (
            "critical-values",
            "our-hospital",
        )
        assert finding(gate, CRITICAL, patient=patient, **{"lab.platelets": "24 10*9/L"}).verdict == "unmet"


# -- what needs no reason, and what does -----------------------------------------------------------


class TestWithoutAReason:
    @pytest.mark.parametrize(
        "text",
        [
            "parameters: {core/anc-critical: {limit: 0.2}}",
            "parameters: {core/anc-critical: {limit: 1.5}}",
            "rules: {core/anc-not-recent: {effect: block}}",
            "rules: {core/anc-not-recent: {on_unknown: block}}",
            "rules: {core/anc-critical: {on_unknown: block}}",
            f"rules: {{{CRITICAL}: {ADOPTED}}}",
        ],
    )
    def test_a_layer_tunes_inside_the_range_raises_and_adopts(self, tmp_path: Path, text: str) -> None:
        assert decide(loaded(site=files(tmp_path, hospital=text))).loosened == ()

    def test_raising_takes_effect_and_a_narrower_layer_can_not_take_it_back(self, tmp_path: Path) -> None:
        text = "rules: {core/anc-not-recent: {effect: block}}"
        gate = loaded(site=files(tmp_path, province=text))
        assert finding(gate, "core/anc-not-recent", **NO_CONSENT).asks == "block"
        back = "rules: {core/anc-not-recent: {effect: warn}}"
        (problem,) = refused(tmp_path, province=text, hospital=back)
        assert (problem.code, Path(problem.path).name) == ("site-loosening", "hospital.yaml")


LOOSENING = {
    "lower effect": "effect: warn",
    "off": "status: off",
    "back on trial": "status: trial",
    "softened when unknown": "on_unknown: warn",
}
JUSTIFIED = {"reason": "系统切换", "approved_by": "医务科", "until": "2026-03-31"}


class TestLoosening:
    @pytest.mark.parametrize("missing", [*JUSTIFIED, "all"])
    @pytest.mark.parametrize("what", LOOSENING)
    def test_of_a_rule_takes_a_reason_an_approval_and_an_end(
        self, tmp_path: Path, what: str, missing: str
    ) -> None:
        said = [f"{k}: {v}" for k, v in JUSTIFIED.items() if missing not in (k, "all")]
        text = f"rules:\n  core/consent-missing: {{{', '.join([LOOSENING[what], *said])}}}"
        (problem,) = refused(tmp_path, hospital=text)
        assert problem.code == "site-loosening"
        assert (problem.path, problem.line, problem.column) == (str(tmp_path / "hospital.yaml"), 4, 3)
        assert "until" in problem.help

    @pytest.mark.parametrize("missing", [*JUSTIFIED, "all"])
    def test_of_a_range_does_too(self, tmp_path: Path, missing: str) -> None:
        said = [f"{k}: {v}" for k, v in JUSTIFIED.items() if missing not in (k, "all")]
        text = f"parameters:\n  core/anc-critical:\n    limit: {{{', '.join(['value: 0.1', *said])}}}"
        (problem,) = refused(tmp_path, hospital=text)
        assert (problem.code, problem.line, problem.column) == ("site-loosening", 5, 5)

    def test_of_a_range_says_how_it_is_done(self, tmp_path: Path) -> None:
        (problem,) = refused(tmp_path, hospital="parameters:\n  core/anc-critical: {limit: 1.6}")
        assert (problem.code, problem.line, problem.column) == ("site-out-of-range", 4, 30)
        assert "{value, reason, approved_by, until}" in problem.help

    def test_that_is_not_justified_ends_the_command_with_2_and_the_place(self, tmp_path: Path) -> None:
        (site,) = files(tmp_path, hospital="rules:\n  core/consent-missing: {effect: warn}")
        result = CliRunner().invoke(app, ["check", written(tmp_path, written_request()), "--site", str(site)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{site}:4:3:" in result.stderr

    @pytest.mark.parametrize("what", LOOSENING)
    def test_shows_in_every_decision_even_where_it_does_not_matter(self, tmp_path: Path, what: str) -> None:
        text = f"rules:\n  core/consent-missing: {{{LOOSENING[what]}, {WHY}}}"
        gate = loaded(site=files(tmp_path, department=text))
        for given_ in ({}, NO_CONSENT, {"tumour": "lung", "order": ["昂丹司琼"]}):
            (shown,) = decide(gate, **given_).loosened
            assert (shown.rule, shown.layer, shown.until) == ("core/consent-missing", "our-department", UNTIL)
            assert (shown.reason, shown.approved_by) == ("系统切换", "医务科")
            assert shown.what.zh
            assert shown.what.en

    @pytest.mark.parametrize(
        ("what", "meanwhile"),
        [("lower effect", "warn"), ("off", None), ("back on trial", None), ("softened when unknown", "warn")],
    )
    def test_ends_by_itself_the_day_after(self, tmp_path: Path, what: str, meanwhile: str | None) -> None:
        text = f"rules:\n  core/consent-missing: {{{LOOSENING[what]}, {WHY}}}"
        gate = loaded(site=files(tmp_path, department=text))
        given_ = NO_CONSENT | ({"consents": None} if what == "softened when unknown" else {})
        during = decide(gate, "2026-03-31T23:59:00+08:00", **given_)
        after = decide(gate, "2026-04-01T00:00:00+08:00", **given_)
        found = during.finding("core/consent-missing")
        assert (found.asks if found else None) == meanwhile
        again = after.finding("core/consent-missing")
        assert again is not None
        assert (again.asks, again.layer) == ("block", None)
        assert (len(during.loosened), len(after.loosened)) == (1, 0)

    def test_of_a_range_ends_by_itself_too(self, tmp_path: Path) -> None:
        text = f"parameters:\n  core/anc-critical:\n    limit: {{value: 0.1, {WHY}}}"
        gate = loaded(site=files(tmp_path, hospital=text))
        labs = [{"fact": "lab.anc", "value": "0.5 10*9/L", "effective": "2026-03-31T07:00:00+08:00"}]
        during = decide(gate, "2026-03-31T09:00:00+08:00", labs=labs)
        after = decide(gate, "2026-04-01T09:00:00+08:00", labs=labs)
        assert (len(during.critical_values), len(after.critical_values)) == (0, 1)
        assert after.finding("core/anc-critical").parameters["limit"].set_by == "core"  # type: ignore[union-attr]
        assert "0.1" in during.loosened[0].what.zh
        assert after.loosened == ()

    def test_that_has_ended_is_silent_from_the_start(self, tmp_path: Path) -> None:
        text = "rules:\n  core/consent-missing: {status: off, reason: r, approved_by: a, until: 2020-01-01}"
        decision = decide(loaded(site=files(tmp_path, hospital=text)), **NO_CONSENT)
        assert decision.loosened == ()
        assert "core/consent-missing" in decision.determining_rules

    def test_can_be_taken_back_by_a_narrower_layer(self, tmp_path: Path) -> None:
        gate = loaded(
            site=files(
                tmp_path,
                hospital=f"rules:\n  core/consent-missing: {{effect: warn, {WHY}}}",
                department="rules: {core/consent-missing: {effect: block}}",
            )
        )
        assert finding(gate, "core/consent-missing", **NO_CONSENT).asks == "block"

    @pytest.mark.parametrize(
        "hospital", ["effect: inform", "effect: warn", "status: trial", "on_unknown: warn"]
    )
    def test_can_not_outlive_its_end_under_a_narrower_layers_name(
        self, tmp_path: Path, hospital: str
    ) -> None:
        """The department repeats (or half takes back) what the hospital loosened for a while; that is loosening too."""
        department = "effect: warn" if hospital.startswith("effect") else hospital
        layers = {
            "hospital": f"rules:\n  core/consent-missing: {{{hospital}, {WHY}}}",
            "department": f"rules:\n  core/consent-missing: {{{department}}}",
        }
        (problem,) = refused(tmp_path, **layers)
        assert (problem.code, Path(problem.path).name) == ("site-loosening", "department.yaml")

    def test_of_the_effect_ends_without_ending_the_adoption_written_with_it(self, tmp_path: Path) -> None:
        trial = "made/consent-on-paper"
        rules = _own_pack(tmp_path, trial)
        text = f"rules:\n  {trial}: {{{ADOPTED[1:-1]}, effect: warn, {WHY}}}"
        gate = Gate.load([rules], site=files(tmp_path, hospital=text))
        during = gate.decide(request_of(NO_CONSENT | {"at": "2026-03-31T09:00:00+08:00"}, library()))
        after = gate.decide(request_of(NO_CONSENT | {"at": "2026-04-01T09:00:00+08:00"}, library()))
        assert [f.asks for f in during.findings] == ["warn"]
        assert [f.asks for f in after.findings] == ["block"]
        assert [f.layer for f in after.findings] == ["our-hospital"]

    def test_that_a_narrower_layer_took_back_is_not_shown_as_in_force(self, tmp_path: Path) -> None:
        text = f"parameters:\n  core/anc-critical:\n    limit: {{value: 0.1, {WHY}}}"
        gate = loaded(
            site=files(tmp_path, hospital=text, department="parameters: {core/anc-critical: {limit: 1.0}}")
        )
        assert decide(gate).loosened == ()


def _own_pack(folder: Path, id: str) -> Path:
    """A pack of one rule on trial that blocks."""
    text = (ROOT / "rules" / "core" / "consent-missing.yaml").read_text("utf-8")
    pack, name = id.split("/")
    (folder / "rules" / pack).mkdir(parents=True)
    text = text.replace("id: core/consent-missing", f"id: {id}").replace("status: stable", "status: trial")
    (folder / "rules" / pack / f"{name}.yaml").write_text(text, "utf-8")
    (folder / "rules" / pack / "pack.yaml").write_text(
        f"id: {pack}\nversion: 1.0.0\ntitle: {{zh: 自建, en: own}}\n", "utf-8"
    )
    return folder / "rules"


# -- adopting --------------------------------------------------------------------------------------


class TestAdopting:
    LOW: ClassVar[dict[str, Any]] = {"patient": {"id": "p", "ward": "肿瘤内科"}, "lab.platelets": "8 10*9/L"}

    def test_moves_a_finding_from_the_shadow_to_the_findings(self, tmp_path: Path) -> None:
        before = decide(loaded(), **self.LOW)
        after = decide(loaded(site=files(tmp_path, hospital=f"rules: {{{CRITICAL}: {ADOPTED}}}")), **self.LOW)
        assert CRITICAL in {f.rule for f in before.shadow} - {f.rule for f in before.findings}
        assert CRITICAL in {f.rule for f in after.findings} - {f.rule for f in after.shadow}
        assert ([v.rule for v in before.critical_values], [v.rule for v in after.critical_values]) == (
            [],
            [CRITICAL],
        )
        assert next(f.layer for f in after.findings if f.rule == CRITICAL) == "our-hospital"

    @pytest.mark.parametrize("missing", ["reviewed_by", "source", "date"])
    def test_takes_a_reviewer_a_source_and_a_date(self, tmp_path: Path, missing: str) -> None:
        said = {"reviewed_by": "甲", "source": "清单", "date": "2026-01-05"}
        fields = ", ".join(f"{k}: {v}" for k, v in said.items() if k != missing)
        text = f"rules:\n  {CRITICAL}: {{status: stable, {fields}}}"
        (problem,) = refused(tmp_path, hospital=text)
        assert (problem.code, problem.line, problem.column) == ("site-adoption", 4, 3)

    def test_can_be_undone_by_a_narrower_layer_only_with_a_reason(self, tmp_path: Path) -> None:
        layers = {"hospital": f"rules: {{{CRITICAL}: {ADOPTED}}}"}
        (problem,) = refused(tmp_path, **layers, department=f"rules: {{{CRITICAL}: {{status: trial}}}}")
        assert problem.code == "site-loosening"
        gate = loaded(
            site=files(tmp_path, **layers, department=f"rules:\n  {CRITICAL}: {{status: trial, {WHY}}}")
        )
        assert decide(gate, **self.LOW).critical_values == ()
        assert len(decide(gate, **self.LOW).loosened) == 1

    def test_is_not_needed_to_bring_back_a_rule_that_was_stable(self, tmp_path: Path) -> None:
        gate = loaded(
            site=files(
                tmp_path,
                hospital=f"rules:\n  core/consent-missing: {{status: trial, {WHY}}}",
                department="rules: {core/consent-missing: {status: stable}}",
            )
        )
        assert finding(gate, "core/consent-missing", **NO_CONSENT).asks == "block"


# -- what is refused -------------------------------------------------------------------------------


class TestRefused:
    def test_two_files_of_one_layer(self, tmp_path: Path) -> None:
        one, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
        one.write_text("id: a\nlayer: hospital\n", "utf-8")
        other.write_text("id: b\nlayer: hospital\n", "utf-8")
        for paths in ((one, other), (other, one)):
            with pytest.raises(PackError) as caught:
                loaded(site=paths)
            (problem,) = caught.value.diagnostics
            assert (problem.code, problem.line, problem.column) == ("site-layer-twice", 2, 8)

    def test_two_layers_of_one_id(self, tmp_path: Path) -> None:
        one, other = files(tmp_path, province="", hospital="")
        other.write_text("id: our-province\nlayer: hospital\n", "utf-8")
        with pytest.raises(PackError, match="our-province"):
            loaded(site=[one, other])

    @pytest.mark.parametrize(
        ("text", "code", "help"),
        [
            ("rules: {core/consent-mising: {effect: warn}}", "site-unknown-rule", "`core/consent-missing`"),
            ("parameters: {core/anc-critcal: {limit: 1}}", "site-unknown-rule", "`core/anc-critical`"),
            ("parameters: {core/anc-critical: {limt: 1}}", "site-unknown-parameter", "`limit`"),
            (
                "parameters: {critical.platelet_low: {general: 20}}",
                "site-unknown-fact",
                "`critical.platelets_low`",
            ),
            ("parameters: {critical.platelets_low: {genral: 20}}", "site-unknown-parameter", "`general`"),
            ("first_line: {lnug: [x]}", "site-unknown-tumour", "`lung`"),
            ("rules: {core/anc-critical: {efect: warn}}", "rule-extra-forbidden", "`effect`"),
        ],
    )
    def test_a_name_that_does_not_exist_with_the_one_that_was_meant(
        self, tmp_path: Path, text: str, code: str, help: str
    ) -> None:
        (problem,) = refused(tmp_path, hospital=text)
        assert (problem.code, problem.line) == (code, 3)
        assert f"did you mean {help}" in problem.help

    @pytest.mark.parametrize("value", ["true", '"0.9"', "null", "[1]", "{value: true, " + WHY + "}"])
    def test_a_value_of_another_type(self, tmp_path: Path, value: str) -> None:
        (problem,) = refused(tmp_path, hospital=f"parameters: {{core/anc-critical: {{limit: {value}}}}}")
        assert problem.code in ("site-out-of-range", "site-type")

    @pytest.mark.parametrize("layer", ["county", "Hospital", "1"])
    def test_a_layer_that_is_none(self, tmp_path: Path, layer: str) -> None:
        path = tmp_path / "site.yaml"
        path.write_text(f"id: a\nlayer: {layer}\n", "utf-8")
        with pytest.raises(PackError, match="national"):
            loaded(site=path)

    def test_a_setting_that_says_nothing(self, tmp_path: Path) -> None:
        (problem,) = refused(tmp_path, hospital="rules: {core/anc-critical: {}}")
        assert "sets nothing" in problem.message

    @pytest.mark.parametrize(
        ("rule", "effect"), [("core/consent-missing", "critical_value"), ("core/anc-critical", "block")]
    )
    def test_a_gate_rule_made_a_critical_value_or_the_reverse(
        self, tmp_path: Path, rule: str, effect: str
    ) -> None:
        (problem,) = refused(tmp_path, hospital=f"rules: {{{rule}: {{effect: {effect}}}}}")
        assert problem.code == "site-effect"

    def test_every_problem_of_every_file_at_once(self, tmp_path: Path) -> None:
        found = refused(
            tmp_path,
            province="parameters: {core/anc-critical: {limt: 1, limit: 9}}",
            hospital="rules: {core/consent-missing: {status: off}}",
        )
        assert [(Path(p.path).name, p.code) for p in found] == [
            ("hospital.yaml", "site-loosening"),
            ("province.yaml", "site-unknown-parameter"),
            ("province.yaml", "site-out-of-range"),
        ]

    def test_a_window_that_is_not_a_whole_number(self, tmp_path: Path) -> None:
        """7.5 days would be judged as 7."""
        (problem,) = refused(tmp_path, hospital="parameters: {core/anc-critical: {window: 7.5}}")
        assert problem.line == 3

    @pytest.mark.parametrize(
        "text", ["core/consent-missing: {classes: []}", "core/prophylaxis-missing: {high_levels: []}"]
    )
    def test_an_empty_list_which_would_switch_a_rule_off_without_a_reason(
        self, tmp_path: Path, text: str
    ) -> None:
        (problem,) = refused(tmp_path, hospital=f"parameters: {{{text}}}")
        assert problem.line == 3

    def test_a_justification_that_nothing_needs(self, tmp_path: Path) -> None:
        """Inside the range its `until` would mean nothing, and nobody would notice."""
        text = f"parameters:\n  core/anc-critical:\n    limit: {{value: 0.9, {WHY}}}"
        (problem,) = refused(tmp_path, hospital=text)
        assert (problem.code, problem.line, problem.help) == ("site-in-range", 5, "write `limit: 0.9`")

    def test_a_date_of_the_file_is_read(self, tmp_path: Path) -> None:
        loaded(site=files(tmp_path, hospital="date: 2026-01-05\napproved_by: 医务科"))


# -- the law ---------------------------------------------------------------------------------------

RAISED = {"inform": ["warn", "block"], "warn": ["block"], "block": [], "critical_value": []}


@st.composite
def tightenings(draw: Any) -> dict[str, list[str]]:
    """By layer, settings that only raise or adopt."""
    rules = [r.rule for r in library().rules]
    made: dict[str, list[str]] = {}
    for rule in draw(st.lists(st.sampled_from(rules), max_size=5, unique_by=lambda r: r.id)):
        fields = []
        if rule.status == "trial":
            fields.append(ADOPTED[1:-1])
        if RAISED[rule.effect] and draw(st.booleans()):
            fields.append("effect: " + draw(st.sampled_from(RAISED[rule.effect])))
        if not fields or draw(st.booleans()):
            fields.append("on_unknown: block")
        kind = draw(st.sampled_from(LAYERS))
        made.setdefault(kind, []).append(f"  {rule.id}: {{{', '.join(fields)}}}")
    return made


def with_layers(layers: dict[str, list[str]]) -> Gate:
    with TemporaryDirectory() as folder:
        paths = files(Path(folder), **{k: "\n".join(["rules:", *rows]) for k, rows in layers.items()})
        problems: list[Diagnostic] = []
        shipped = library()
        read = read_layers(paths, [r.rule for r in shipped.rules], shipped.facts, shipped.tables, problems)
    assert problems == []
    return Gate(replace(shipped, layers=read))


@lru_cache
def shown_requests() -> tuple[Request, ...]:
    core = (r for r in library().rules if r.rule.id.startswith("core/"))
    return tuple(request_of(e.given, library()) for one in core for e in one.rule.examples)


@settings(QUIET, max_examples=80, derandomize=True)
@given(tightenings(), st.one_of(requests(), st.deferred(lambda: st.sampled_from(shown_requests()))))
def test_layers_that_only_tighten_never_loosen_an_outcome(
    layers: dict[str, list[str]], request: Request
) -> None:
    """What was blocked stays blocked, what was warned of is warned of or blocked, and no finding asks for less."""
    before, after = Gate(library()).decide(request), with_layers(layers).decide(request)
    assert STRICT[after.outcome] >= STRICT[before.outcome]
    asks = {f.rule: f.asks for f in after.all_findings}
    assert all(STRICT[asks[f.rule]] >= STRICT[f.asks] for f in before.all_findings)
    assert len(after.critical_values) >= len(before.critical_values)
    assert after.loosened == ()


@settings(QUIET, max_examples=30, derandomize=True)
@given(st.integers(-40, 40))
def test_a_loosening_holds_up_to_its_last_day_and_not_a_day_longer(days: int) -> None:
    gate = with_layers({"hospital": [f"  core/consent-missing: {{effect: warn, {WHY}}}"]})
    day = UNTIL + timedelta(days=days)
    found = finding(gate, "core/consent-missing", f"{day}T12:00:00+08:00", **NO_CONSENT)
    assert found.asks == ("warn" if day <= UNTIL else "block")


# -- the examples ----------------------------------------------------------------------------------


class TestTheExamples:
    def test_load_one_by_one_and_all_together(self) -> None:
        for path in EXAMPLES:
            assert [one.kind for one in Gate.load(site=path).library.layers] == [path.stem.split("-")[1]]
        assert [one.kind for one in Gate.load(site=EXAMPLES[::-1]).library.layers] == list(LAYERS)

    def test_show_each_layer_in_one_decision(self) -> None:
        gate = Gate.load(site=EXAMPLES)
        decision = decide(
            gate,
            tumour="lung",
            order={"drugs": [{"name": "多西他赛"}], "regimen": "自拟方案"},
            patient={"id": "p", "ward": "血液内科一病区"},
            **{"lab.platelets": "8 10*9/L"},
        )
        found = {f.rule: f for f in decision.all_findings}
        assert found["core/neutropenia-risk-not-assessed"].parameters["window"].set_by == "example-national"
        staging = found["core/staging-workup-incomplete"]
        assert (staging.asks, staging.layer) == ("block", "example-province")
        assert found["core/not-first-line"].verdict == "unmet"
        assert [v.rule for v in decision.critical_values] == [CRITICAL]
        assert found["core/consent-missing"].asks == "warn"
        assert [(one.rule, one.layer) for one in decision.loosened] == [
            ("core/consent-missing", "example-department")
        ]

    def test_loosen_no_longer_than_they_say(self) -> None:
        gate = Gate.load(site=EXAMPLES)
        found = finding(gate, "core/consent-missing", "2026-04-01T00:00:00+08:00", **NO_CONSENT)
        assert found.asks == "block"
