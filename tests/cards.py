"""What CDS Hooks 2.0 asks of cards, written from the specification: nothing here looks at how ours are made."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import jsonschema

TEXT = {"type": "string", "minLength": 1, "pattern": r"\S"}
ADDRESS = {"type": "string", "pattern": "^https?://"}
CODING = {
    "type": "object", "required": ["code", "system"], "additionalProperties": False,
    "properties": {"code": TEXT, "system": TEXT, "display": TEXT},
}  # fmt: skip
ACTION = {
    "type": "object", "required": ["type", "description"], "additionalProperties": False,
    "properties": {
        "type": {"enum": ["create", "update", "delete"]}, "description": TEXT,
        "resource": {"type": "object", "required": ["resourceType"]}, "resourceId": TEXT,
    },
    "if": {"properties": {"type": {"const": "create"}}},
    "then": {"required": ["resource"], "not": {"required": ["resourceId"]}},
}  # fmt: skip
SUGGESTION = {
    "type": "object", "required": ["label"], "additionalProperties": False,
    "properties": {
        "label": TEXT, "uuid": TEXT, "isRecommended": {"type": "boolean"},
        "actions": {"type": "array", "minItems": 1, "items": ACTION},
    },
}  # fmt: skip
LINK = {
    "type": "object", "required": ["label", "url", "type"], "additionalProperties": False,
    "properties": {"label": TEXT, "url": ADDRESS, "type": {"enum": ["absolute", "smart"]}, "appContext": TEXT},
    "if": {"properties": {"type": {"const": "absolute"}}}, "then": {"not": {"required": ["appContext"]}},
}  # fmt: skip
CARD = {
    "type": "object", "required": ["summary", "indicator", "source"], "additionalProperties": False,
    "properties": {
        "uuid": TEXT, "summary": {**TEXT, "maxLength": 139}, "detail": TEXT,
        "indicator": {"enum": ["info", "warning", "critical"]},
        "source": {
            "type": "object", "required": ["label"], "additionalProperties": False,
            "properties": {"label": TEXT, "url": ADDRESS, "icon": ADDRESS, "topic": CODING},
        },
        "suggestions": {"type": "array", "minItems": 1, "items": SUGGESTION},
        "selectionBehavior": {"enum": ["at-most-one", "any"]},
        "overrideReasons": {
            "type": "array", "minItems": 1,
            "items": {**CODING, "required": ["code", "system", "display"]},
        },
        "links": {"type": "array", "minItems": 1, "items": LINK},
    },
    "dependentRequired": {"suggestions": ["selectionBehavior"]},
}  # fmt: skip
_CHECK = jsonschema.Draft202012Validator({"type": "array", "items": CARD})


def check_cards(cards: Sequence[Any]) -> None:
    """Fail where cards aren't as the specification asks."""
    problems = [f"{e.json_path}: {e.message}" for e in _CHECK.iter_errors(cards)]
    assert not problems, problems[:5]
    nothing_empty(cards, "cards")
    ids = [c["uuid"] for c in cards]
    assert len(set(ids)) == len(ids)
    assert [str(uuid.UUID(id)) for id in ids] == ids
    assert sum("topic" not in c["source"] for c in cards) <= 1
    for card in cards:
        assert len(card["summary"].encode("utf-16-le", "surrogatepass")) < 280
        assert "\n" not in card["summary"]
        if "url" in card["source"]:
            assert urlsplit(card["source"]["url"]).netloc
    json.dumps(cards)


def nothing_empty(value: Any, where: str = "") -> None:
    """Fail on null, "", {} and [] inside `value`; the list of cards itself may be empty."""
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, (list, tuple))
        else ()
    )
    for key, child in children:
        assert child is not None, f"{where}/{key} is null"
        assert child not in ("", {}, []) or (key == "cards" and child == []), f"{where}/{key} is empty"
        nothing_empty(child, f"{where}/{key}")
