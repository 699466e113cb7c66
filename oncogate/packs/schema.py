"""JSON Schemas (draft 2020-12) of everything that is written by hand or sent over a wire, made from the models.

`rules/rule.schema.json` is `schema_of("rule")`: an editor completes and checks a rule by it while it is
typed. Where the models say more than pydantic's schema does (a leaf has exactly one comparison), the
schema is made to say it here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel

from oncogate._version import __version__
from oncogate.model.condition import COMPARISONS, CONDITION_KINDS
from oncogate.model.decision import Decision
from oncogate.model.facts import FactsFile
from oncogate.model.overlay import OverlayFile
from oncogate.model.request import Request
from oncogate.model.rule import Rule

Schema = dict[str, Any]

_FORMS: dict[str, tuple[type[BaseModel], Literal["validation", "serialization"], str]] = {
    "request": (Request, "validation", "oncogate request"),
    "decision": (Decision, "serialization", "oncogate decision"),
    "rule": (Rule, "validation", "oncogate rule"),
    "facts": (FactsFile, "validation", "oncogate facts"),
    "site": (OverlayFile, "validation", "oncogate site file"),
}
NAMES = tuple(_FORMS)
"""What there is a schema of."""

_BY_HAND = frozenset({"rule", "facts", "site"})

_COMPARED = [*COMPARISONS, "in"]
_QUANTIFIERS = ["any_of", "all_of", "none_of"]

_SAYS = {
    "id": "the path of the file below the rules folder, without `.yaml`; named for the hazard, never reused",
    "version": "counted up when the rule changes what it decides",
    "status": "draft: only its examples run · trial: reported, never counted · stable: counts · deprecated: retired",
    "effect": "what an unmet rule asks for; critical_value raises a result apart from the gate",
    "on_unknown": "what the rule asks when it can't be judged: `effect` if absent, never nothing",
    "title": "what is wrong when the rule speaks, in a few words",
    "rationale": "why the rule is there",
    "sources": "where its numbers and demands come from, by a short name of your own",
    "parameters": "every number or choice that a hospital could want to change, by name",
    "when": "whether the rule applies: all of these conditions; without `require` they are the hazard itself",
    "require": "what must hold where the rule applies: all of these conditions",
    "reason": "what is said when the rule is unmet or can't be judged; `{drugs}`, `{tumour}`, `{at}` and parameters are filled in",
    "remedy": "what to do now; `adds` is what the record then holds, by which the way forward is proved",
    "remedy_if_unknown": "what to do when the rule can't be judged, where that differs",
    "override": "who may go on in spite of the finding, and for which reasons",
    "obligations": "what follows from the finding; the host acts",
    "deprecated": "since when the rule is retired, and what replaces it",
    "examples": "cases with what the rule says of them; `oncogate test` runs them",
    "equivalent": "mutants (`oncogate test --mutate`) that no request can tell from the rule, each with the reason",
}


def schema_of(name: str) -> Schema:
    """The JSON Schema of `request`, `decision`, `rule`, `facts` or `site`."""
    model, mode, title = _FORMS[name]
    made = model.model_json_schema(by_alias=True, mode=mode)
    definitions: Schema = made.get("$defs", {})
    for part in (made, *definitions.values()):
        _tidy(part, null_is_absent=name in _BY_HAND)
    if name == "rule":
        _rule(made, definitions)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:oncogate:schema:{name}:{__version__}",
        "title": title,
        "description": made.pop("description", "").partition("\n\n")[0],
    }
    made.pop("title", None)
    made.pop("$defs", None)
    return {**head, **made, **({"$defs": dict(sorted(definitions.items()))} if definitions else {})}


def schema_text(name: str) -> str:
    """The schema as it is printed and kept in files."""
    return json.dumps(schema_of(name), ensure_ascii=False, indent=2) + "\n"


def _tidy(part: Schema, *, null_is_absent: bool) -> None:
    """Drop the titles that repeat a key, and, in files written by hand, the nulls that stand for an absent key."""
    for said in part.get("properties", {}).values():
        said.pop("title", None)
        if "patternProperties" in said:
            said["additionalProperties"] = False
        if null_is_absent:
            _without_null(said)


def _without_null(said: Schema) -> None:
    choices = said.get("anyOf", [])
    kept = [choice for choice in choices if choice != {"type": "null"}]
    if len(kept) < len(choices):
        said.pop("default", None)
        if len(kept) == 1:
            del said["anyOf"]
            said.update({**kept[0], **{k: v for k, v in said.items() if k == "description"}})
        else:
            said["anyOf"] = kept


def _rule(made: Schema, definitions: Schema) -> None:
    definitions["Condition"] = {
        "description": "A leaf (one flow mapping on one line), or `all`, `any`, `not`, `at_least_n` of conditions.",
        "anyOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in CONDITION_KINDS.values()],
    }
    members = [{"$ref": f"#/$defs/{kind.__name__}"} for kind in CONDITION_KINDS.values()]
    for part in (made, *definitions.values()):
        for said in part.get("properties", {}).values():
            _replace(said, lambda node: node.get("oneOf") == members, {"$ref": "#/$defs/Condition"})
    for leaf in ("Latest", "Value"):
        definitions[leaf]["oneOf"] = [{"required": [key]} for key in _COMPARED]
    definitions["Drugs"]["oneOf"] = [{"required": [key]} for key in _QUANTIFIERS]
    for key, says in _SAYS.items():
        made["properties"][key]["description"] = says
    # a critical value is named by `when` alone
    made["if"] = {"properties": {"effect": {"const": "critical_value"}}, "required": ["effect"]}
    made["then"] = {"not": {"required": ["require"]}}


def _replace(node: Any, is_it: Callable[[Schema], bool], by: Schema) -> None:
    if isinstance(node, dict):
        if is_it(node):
            node.pop("oneOf")
            node.update(by)
        for value in node.values():
            _replace(value, is_it, by)
    elif isinstance(node, list):
        for value in node:
            _replace(value, is_it, by)
