"""The OpenAPI document is true: its examples are judged as it says, and generated calls are answered as it says."""

from __future__ import annotations

import contextlib

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from served import served

from oncogate.server.examples import HOOK, REQUEST
from oncogate.server.settings import Settings

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, unsupported_method, negative_data_rejection,
]  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with served(Settings(state=tmp_path_factory.mktemp("state"), limits={"seconds": 5})) as found:
        yield found


@pytest.fixture(scope="module")
def document(client) -> dict:
    return client.get("/openapi.json").json()


OPERATIONS = [
    "POST /v1/decide", "POST /v1/decide/batch", "GET /v1/rules", "GET /cds-services", "POST /cds-services/{id}",
    "POST /cds-services/{id}/feedback", "GET /healthz", "GET /readyz", "GET /metrics",
]  # fmt: skip


def generated(client, document, operation: str, mode: GenerationMode, count: int) -> None:
    """Call an operation with values that fit its schemas, or with values that don't, and check the answers."""
    schema = schemathesis.openapi.from_dict(document)
    found = next(o for r in schema.get_all_operations() if (o := r.ok()).label == operation)

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(found.as_strategy(generation_mode=mode))
    def call(case):
        case.call_and_validate(base_url=str(client.base_url), checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # what takes nothing can't be given anything wrong
        call()


MODES = pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda m: m.value)


@MODES
@pytest.mark.parametrize("operation", OPERATIONS)
def test_generated_calls_are_answered_as_documented(client, document, operation, mode):
    generated(client, document, operation, mode, 10)


@pytest.mark.longer
@MODES
@pytest.mark.parametrize("operation", OPERATIONS)
def test_many_generated_calls_are_answered_as_documented(client, document, operation, mode):
    generated(client, document, operation, mode, 500)


def test_every_address_is_documented(document):
    assert set(document["paths"]) == {
        "/v1/decide", "/v1/decide/batch", "/v1/rules", "/cds-services", "/cds-services/{id}",
        "/cds-services/{id}/feedback", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip


def test_its_schemas_are_schemas(document):
    for name, one in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(one)
        assert "$defs" not in one, name


def test_its_examples_are_what_they_say(client, document):
    decide = document["paths"]["/v1/decide"]["post"]
    example = decide["responses"]["200"]["content"]["application/json"]["example"]
    assert example["outcome"] == "block"
    assert client.post("/v1/decide", json=REQUEST).json() == example
    hook = document["paths"]["/cds-services/{id}"]["post"]["requestBody"]["content"]["application/json"][
        "example"
    ]
    assert hook == HOOK
    answer = client.post("/cds-services/oncogate-order-sign", json=hook)
    assert "core/consent-missing" in [
        c["source"].get("topic", {}).get("code") for c in answer.json()["cards"]
    ]


def test_tokens_are_documented_where_they_are_asked_for(tmp_path):
    (tmp_path / "tokens").write_text("his 0123456789abcdef0123456789abcdef\n")
    with served(Settings(state=tmp_path, tokens=tmp_path / "tokens")) as client:
        document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    assert document["paths"]["/v1/decide"]["post"]["security"] == [{"token": []}]
    assert "security" not in document["paths"]["/healthz"]["get"]
