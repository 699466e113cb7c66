"""`/openapi.json`: every address, what it takes and answers, with examples that the gate in use has judged."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from oncogate.adapters.cdshooks.discovery import HOOKS
from oncogate.model.decision import Decision
from oncogate.model.request import Request
from oncogate.server.examples import HOOK, REQUEST
from oncogate.server.service import Service

Said = dict[str, Any]

ABOUT = """Judges oncology orders against pre-treatment rules.

`/v1/decide` is the call whose answer an order-entry system waits for. `/cds-services` speaks CDS Hooks 2.0.1; its cards
are advice. A decision has status 200 and says `outcome`; a call that was not judged never does: its status is 4xx or 5xx
and its body says `"checked": false` (REST) or is an OperationOutcome (CDS Hooks)."""

_ERRORS = {
    "400": "The call is ill-formed; the body says what and where.", "401": "The caller isn't known.",
    "408": "The body didn't come whole in time.", "413": "The body is too large.", "415": "The media type isn't taken.",
    "422": "Well-formed, but it can't be judged.", "503": "Too many calls at once, or the service can't judge for now.",
}  # fmt: skip
_ISSUES: Said = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "object", "required": ["severity", "code"]},
}
_SCHEMAS: Said = {
    "NotChecked": {
        "type": "object", "required": ["checked", "errors"], "additionalProperties": False,
        "properties": {"checked": {"const": False}, "errors": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["code", "message", "path", "help"], "additionalProperties": False,
            "properties": {name: {"type": "string"} for name in ("code", "message", "path", "help")},
        }}},
    },
    "OperationOutcome": {
        "type": "object", "required": ["resourceType", "issue"],
        "properties": {"resourceType": {"const": "OperationOutcome"}, "issue": _ISSUES},
    },
    "HookRequest": {
        "type": "object", "required": ["hook", "hookInstance", "context"],
        "properties": {
            "hook": {"enum": list(HOOKS.values())}, "hookInstance": {"type": "string", "pattern": r"\S", "maxLength": 200, "description": "a UUID"},
            "context": {
                "type": "object", "required": ["userId", "patientId", "draftOrders"],
                "properties": {
                    "userId": {"type": "string"}, "patientId": {"type": "string"}, "draftOrders": {"type": "object"},
                },
            },
            "prefetch": {"type": "object", "description": "One answer for each key of the discovery document."},
        },
    },
    "Cards": {
        "type": "object", "required": ["cards"], "additionalProperties": False,
        "properties": {"cards": {"type": "array", "items": {
            "type": "object", "required": ["uuid", "summary", "detail", "indicator", "source"],
            "properties": {
                "uuid": {"type": "string", "format": "uuid"}, "summary": {"type": "string", "minLength": 1, "maxLength": 139},
                "detail": {"type": "string", "minLength": 1}, "indicator": {"enum": ["info", "warning", "critical"]},
                "source": {"type": "object", "required": ["label"]},
            },
        }}},
    },
    "Feedback": {
        "type": "object", "required": ["feedback"],
        "properties": {"feedback": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["card", "outcome", "outcomeTimestamp"],
            "properties": {
                "card": {"type": "string", "format": "uuid"}, "outcome": {"enum": ["accepted", "overridden"]},
                "outcomeTimestamp": {"type": "string", "format": "date-time"},
            },
        }}},
    },
    "Services": {
        "type": "object", "required": ["services"],
        "properties": {"services": {"type": "array", "items": {"type": "object", "required": ["hook", "description", "id"]}}},
    },
    "Rules": {
        "type": "object", "required": ["digest", "on", "packs", "layers", "rules"],
        "properties": {"rules": {"type": "array", "items": {"type": "object", "required": ["id", "state", "effect"]}}},
    },
    "Health": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}},
}  # fmt: skip


def describe(app: FastAPI, service: Service) -> Said:
    """The OpenAPI document of the service as it is configured."""
    made = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    models = [(Request, "validation"), (Decision, "serialization")]
    _, known = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    made["components"] = {"schemas": {**known["$defs"], **_SCHEMAS}}
    decided = service.rules.gate.decide(Request.load(REQUEST)).to_dict()
    for (path, method), told in _operations(decided).items():
        operation = made["paths"][path][method]
        operation.update(told)
    if service.callers.tokens is not None:
        made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, method in _operations(decided):
            if path.startswith("/v1"):
                made["paths"][path][method]["security"] = [{"token": []}]
    return made


def _operations(decided: Said) -> dict[tuple[str, str], Said]:
    decision = _ref("Decision")
    results = {"anyOf": [decision, _ref("NotChecked")]}
    one = {
        "application/json": {
            "schema": {"anyOf": [_ref("Request"), _ref("HookRequest"), {"type": "object"}]},
            "examples": {"request": {"summary": "consent asked for, and none there", "value": REQUEST}},
        }
    }
    lines = {"schema": {"type": "string"}}
    return {
        ("/v1/decide", "post"): {
            "requestBody": {"required": True, "content": {**one, "application/fhir+json": {"schema": {"type": "object"}}}},
            "responses": {
                "200": _answer("The decision, whatever its outcome.", decision, decided, _CHECKED), **_refusals("NotChecked"),
            },
        },
        ("/v1/decide/batch", "post"): {
            "requestBody": {"required": True, "content": {
                "application/json": {"schema": {"type": "array", "items": {}}, "example": [REQUEST]}, "application/x-ndjson": lines,
            }},
            "responses": {
                "200": {
                    **_answer("A decision, or why there is none, for each request.", {"type": "array", "items": results}, [decided], _CHECKED),
                },
                **_refusals("NotChecked"),
            },
        },
        ("/v1/rules", "get"): {"responses": {"200": _answer("The rules.", _ref("Rules")), **_refusals("NotChecked", "400", "401", "503")}},
        ("/cds-services", "get"): {"responses": {"200": _answer("The services.", _ref("Services")), **_refusals("OperationOutcome", "503")}},
        ("/cds-services/{id}", "post"): {
            "parameters": [_service()],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("HookRequest"), "example": HOOK}}},
            "responses": {
                "200": _answer("Cards; none where there is nothing to say.", _ref("Cards")),
                "404": _answer("There is no such service.", _ref("OperationOutcome")),
                "403": _answer("The client may not call this service.", _ref("OperationOutcome")),
                "412": _answer("Nothing was prefetched, and the order can't be judged without.", _ref("OperationOutcome")),
                **_refusals("OperationOutcome"),
            },
        },
        ("/cds-services/{id}/feedback", "post"): {
            "parameters": [_service()],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Feedback")}}},
            "responses": {
                "200": {"description": "Kept."},
                "404": _answer("There is no such service.", _ref("OperationOutcome")),
                "403": _answer("The client may not call this service.", _ref("OperationOutcome")),
                **_refusals("OperationOutcome"),
            },
        },
        ("/healthz", "get"): {"responses": {"200": _answer("The process answers.", _ref("Health"))}},
        ("/readyz", "get"): {"responses": {"200": _answer("Rules are loaded.", _ref("Health"))}},
        ("/metrics", "get"): {"responses": {"200": {"description": "Counts.", "content": {"text/plain": {"schema": {"type": "string"}}}}}},
    }  # fmt: skip


_CHECKED: Said = {"X-Oncogate-Checked": {"required": True, "schema": {"const": "true"}}}


def _service() -> Said:
    return {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "examples": {
        one: {"value": one} for one in HOOKS
    }}  # fmt: skip


def _ref(name: str) -> Said:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(description: str, schema: Said, example: Any = None, headers: Said | None = None) -> Said:
    content = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {
        "description": description,
        "content": {"application/json": content},
        **({"headers": headers} if headers else {}),
    }


def _refusals(schema: str, *statuses: str) -> Said:
    return {status: _answer(_ERRORS[status], _ref(schema)) for status in statuses or _ERRORS}
