"""The JSON Schemas: what the models take they take, and what an editor should mark they refuse."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from cases import RULE, pack, request
from conftest import ROOT
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from oncogate import Gate, Request
from oncogate.cli.app import app
from oncogate.cli.schema import Form
from oncogate.packs.document import read_document
from oncogate.packs.schema import NAMES, schema_of, schema_text

RULES = sorted((ROOT / "rules" / "core").glob("*.yaml"))


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_schema(name: str) -> None:
    made = schema_of(name)
    Draft202012Validator.check_schema(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert made["$id"].startswith(f"urn:oncogate:schema:{name}:")
    assert made["description"]
    for part in (made, *made.get("$defs", {}).values()):
        assert part.get("additionalProperties", False) is False
    result = CliRunner().invoke(app, ["schema", name])
    assert (result.exit_code, result.stdout) == (0, schema_text(name))


def test_the_command_knows_them_all() -> None:
    assert tuple(form.value for form in Form) == NAMES
    assert CliRunner().invoke(app, ["schema", "rules"]).exit_code == 2


def test_the_file_for_editors_is_the_one_that_is_made() -> None:
    """Made by `oncogate schema rule > rules/rule.schema.json`."""
    assert (ROOT / "rules" / "rule.schema.json").read_text("utf-8") == schema_text("rule")


@pytest.mark.parametrize("path", [p for p in RULES if p.name != "pack.yaml"], ids=lambda p: p.stem)
def test_shipped_rules_fit(path: Path) -> None:
    assert [e.message for e in validator("rule").iter_errors(read_document(path).data)] == []


def test_the_shipped_facts_fit() -> None:
    assert [
        e.message for e in validator("facts").iter_errors(read_document(ROOT / "rules" / "facts.yaml").data)
    ] == []


@pytest.fixture
def rule(tmp_path: Path) -> dict[str, Any]:
    data: dict[str, Any] = read_document(pack(tmp_path, RULE) / "mine" / "anc-seen.yaml").data
    assert validator("rule").is_valid(data)
    return data


@pytest.mark.parametrize(
    "leaf",
    [
        {"latest": "lab.anc", "below": "limit"},
        {
            "latest": "lab.anc",
            "within": "window",
            "at_least": "order.start_limit_anc",
            "with": {"default": "limit"},
        },
        {"value": "patient.fn_risk", "in": "levels"},
        {"exists": "lab.anc", "older_than": "window", "since": "procedure.resection"},
        {"holds": "order.anti_tumour"},
        {"any_of": "order.drugs", "in": "drugs/gcsf"},
        {"supplied": "labs"},
        {"not": {"all": [{"any": [{"holds": "order.anti_tumour"}]}]}},
        {"at_least_n": "n", "of": [{"holds": "order.anti_tumour"}]},
    ],
)
def test_each_kind_of_leaf_fits(rule: dict[str, Any], leaf: dict[str, Any]) -> None:
    assert validator("rule").is_valid({**rule, "when": [leaf]})


@pytest.mark.parametrize(
    "leaf",
    [
        {"latest": "lab.anc"},
        {"latest": "lab.anc", "below": "a", "at_most": "b"},
        {"latest": "lab.anc", "below": "limit", "in": "levels"},
        {"latest": "lab.anc", "below": 1.0},
        {"latest": "lab.anc", "below": None},
        {"value": "patient.fn_risk"},
        {"value": "patient.fn_risk", "within": "window", "below": "limit"},
        {"exists": "lab.anc", "below": "limit"},
        {"exists": "ANC"},
        {"exists": "lab.anc", "withn": "window"},
        {"holds": "order.anti_tumour", "exists": "lab.anc"},
        {"any_of": "order.drugs"},
        {"in": "drugs/gcsf"},
        {"any_of": "order.drugs", "none_of": "order.drugs", "in": "drugs/gcsf"},
        {"all": []},
        {"not": [{"holds": "order.anti_tumour"}]},
        {"at_least_n": 2, "of": [{"holds": "order.anti_tumour"}]},
        {},
        "order.anti_tumour",
    ],
)
def test_a_leaf_that_is_none_is_marked(rule: dict[str, Any], leaf: Any) -> None:
    assert not validator("rule").is_valid({**rule, "when": [leaf]})
    assert not validator("rule").is_valid({**rule, "require": [{"not": leaf}]})


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ((), "efect"), (("title",), "de"), (("parameters", "window"), "tunabel"), (("sources", "house"), "chekced"),
        (("remedy",), "add"), (("reason",), "met"), (("examples", 0), "expects"), (("parameters",), "Not A Name"),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_marked(rule: dict[str, Any], place: tuple[Any, ...], key: str) -> None:
    made = copy.deepcopy(rule)
    target: Any = made
    for part in place:
        target = target[part]
    target[key] = "x"
    assert not validator("rule").is_valid(made)


@pytest.mark.parametrize(
    "key", ["id", "version", "status", "effect", "title", "rationale", "sources", "when", "reason"]
)
def test_a_missing_key_is_marked(rule: dict[str, Any], key: str) -> None:
    assert not validator("rule").is_valid({k: v for k, v in rule.items() if k != key})


def test_a_critical_value_has_no_require(rule: dict[str, Any]) -> None:
    assert not validator("rule").is_valid({**rule, "effect": "critical_value"})
    assert validator("rule").is_valid(
        {**{k: v for k, v in rule.items() if k != "require"}, "effect": "critical_value"}
    )


def test_every_key_of_a_rule_says_what_it_is_for() -> None:
    assert [k for k, v in schema_of("rule")["properties"].items() if not v.get("description")] == []


def test_a_request_fits_and_keeps_null_apart_from_none_there() -> None:
    form = validator("request")
    assert [e.message for e in form.iter_errors(request())] == []
    assert form.is_valid(request(labs=None))
    assert form.is_valid(json.loads(Request.load(request()).to_json()))
    assert not form.is_valid(request(lab=[]))
    assert not form.is_valid(request(labs=[{"id": "x"}]))


def test_a_decision_fits() -> None:
    decision = Gate.load().decide(Request.load(request(consents=[], labs=None, stages=[])))
    assert [e.message for e in validator("decision").iter_errors(decision.to_dict(everything=True))] == []
    assert not validator("decision").is_valid({**decision.to_dict(), "outcome": "maybe"})


def test_a_site_file_fits() -> None:
    form = validator("site")
    assert form.is_valid(
        {"id": "h-1", "parameters": {"core/anc-critical": {"limit": 0.5}}, "first_line": {"lung": ["x"]}}
    )
    assert not form.is_valid({"id": "h-1", "paramters": {}})
    assert not form.is_valid({"id": "h-1", "parameters": {"anc critical": {}}})
