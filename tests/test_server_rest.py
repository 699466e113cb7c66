"""The REST pre-audit: a decision, or that nothing was checked; never anything between."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import hooks as h
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loaded import shipped_gate
from served import ROOT, served

from oncogate.model.decision import Decision
from oncogate.model.request import Request
from oncogate.server.settings import Settings

EXAMPLES = sorted(
    p for p in (ROOT / "examples").glob("*.json") if "record" in json.loads(p.read_text("utf-8"))
)
LINES = {"Content-Type": "application/x-ndjson"}
AS_JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with served(
        Settings(state=tmp_path_factory.mktemp("state"), timezone="Asia/Shanghai", limits={"seconds": 2})
    ) as found:
        yield found


def decision_of(path) -> dict:
    return shipped_gate().decide(Request.load(path)).to_dict()


def not_checked(answer) -> list[str]:
    assert "x-oncogate-checked" not in answer.headers
    body = answer.json()
    assert set(body) == {"checked", "errors"}
    assert body["checked"] is False
    assert all(set(e) == {"code", "message", "path", "help"} for e in body["errors"])
    return [e["code"] for e in body["errors"]]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_the_answer_is_the_decision_as_the_library_gives_it(client, path):
    answer = client.post("/v1/decide", content=path.read_bytes(), headers=AS_JSON)
    assert answer.status_code == 200
    assert answer.headers["x-oncogate-checked"] == "true"
    assert answer.json() == decision_of(path)
    assert Decision.load(answer.content).outcome == answer.json()["outcome"]


def test_without_at_it_is_judged_for_now(client):
    document = json.loads((ROOT / "examples" / "allowed.json").read_text("utf-8"))
    del document["at"]
    document["order"]["ordered"] = "2026-03-02T09:30:00+08:00"
    said = client.post("/v1/decide", json=document).json()["at"]
    assert abs((datetime.fromisoformat(said) - datetime.now(timezone.utc)).total_seconds()) < 60
    assert said.endswith("+08:00")


def test_at_may_be_told_in_the_address(client):
    hook = h.clean()
    answer = client.post("/v1/decide", params={"from": "cdshooks", "at": h.AT}, json=hook)
    assert answer.json()["outcome"] == "allow"
    assert answer.json()["at"] == h.AT


def test_fhir_and_hooks_are_read_where_they_are_named(client):
    bundle = (ROOT / "examples" / "fhir-bundle.json").read_bytes()
    hook = (ROOT / "examples" / "cds-hooks-order-sign.json").read_bytes()
    for form, body, kind in (
        ("fhir", bundle, "application/fhir+json"),
        ("cdshooks", hook, "application/json"),
    ):
        answer = client.post(
            "/v1/decide", params={"from": form}, content=body, headers={"Content-Type": kind}
        )
        assert answer.status_code == 200
        assert answer.json()["patient"]
        assert client.post("/v1/decide", content=body, headers=AS_JSON).status_code == 422  # not guessed


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "input-empty"), (b"{", 400, "json-syntax"), (b"\xff", 400, "input-encoding"), (b"[]", 422, "request-not-an-object"),
        (b'{"at": "2026-03-02"}', 422, None), (b'{"at": "2026-03-02T09:30:00"}', 200, None), (b'{"ad": 1}', 422, "request-extra-forbidden"),
        (b'{"record": {"labs": [{}]}}', 422, "request-missing"), (b"{}", 200, None), (b'{"at": null}', 422, None),
    ],
)  # fmt: skip
def test_what_cant_be_judged_is_said_not_to_be_checked(client, body, status, code):
    answer = client.post("/v1/decide", content=body, headers=AS_JSON)
    assert answer.status_code == status
    if status != 200:
        assert code is None or code in not_checked(answer)
        assert not_checked(answer)


def test_a_wrong_query_is_said_not_to_be_checked(client):
    answer = client.post("/v1/decide", params={"from": "hl7"}, json={})
    assert answer.status_code == 400
    assert not_checked(answer) == ["query-invalid"]
    assert answer.json()["errors"][0]["path"] == "?from"


@pytest.mark.parametrize(
    ("method", "address", "code", "help"),
    [
        ("POST", "/v1/decide?recieved=true", "query-unknown", "did you mean `received`?"),
        ("POST", "/v1/decide?At=2026-03-02T09:30:00%2B08:00", "query-unknown", "did you mean `at`?"),
        ("POST", "/v1/decide?at=2026-03-02T09:30:00Z&at=2026-03-03T09:30:00Z", "query-invalid", "keep one of them"),
        ("POST", "/v1/decide?form=fhir", "query-unknown", "did you mean `from`?"),
        ("POST", "/v1/decide/batch?received=true", "query-unknown", "see `GET /openapi.json`"),
        ("GET", "/v1/rules?day=2026-03-02", "query-unknown", "see `GET /openapi.json`"),
    ],
)  # fmt: skip
def test_a_query_that_the_address_doesnt_take_is_refused(client, method, address, code, help):
    answer = client.request(method, address, content=(ROOT / "examples" / "allowed.json").read_bytes())
    assert (answer.status_code, not_checked(answer)) == (400, [code])
    (error,) = answer.json()["errors"]
    assert (error["path"], error["help"]) == ("?" + address.partition("?")[2].partition("=")[0], help)


@pytest.mark.parametrize("address", ["/v1/decide", "/v1/decide/batch"])
@pytest.mark.parametrize(
    ("at", "code"), [("yesterday", "time-parsing"), ("2026-03-02", "time-of-day"), ("", "time-parsing")]
)
def test_a_moment_that_is_none_is_a_wrong_query(client, address, at, code):
    answer = client.post(address, params={"at": at}, json=[])
    assert (answer.status_code, not_checked(answer)) == (400, [code])
    assert answer.json()["errors"][0]["path"] == "?at"


@pytest.mark.parametrize(
    "at",
    ["2026-03-02T09:30:00+08:00", "2026-03-02T09:30+0800", "2026-03-02T01:30:00Z", "2026-03-02%2009:30", "20260302093000+0800"],
)  # fmt: skip
def test_a_moment_is_read_with_a_plus_that_is_written_as_it_is(client, at):
    body = (ROOT / "examples" / "allowed.json").read_bytes()
    for sign in ("+", "%2B"):
        answer = client.post(f"/v1/decide?at={at.replace('+', sign)}", content=body, headers=AS_JSON)
        assert Decision.load(answer.content).at == datetime(2026, 3, 2, 1, 30, tzinfo=timezone.utc)


def test_of_a_body_that_isnt_json_the_message_says_where(client):
    answer = client.post("/v1/decide", content=b'{"at":\n oops}', headers=AS_JSON)
    (error,) = answer.json()["errors"]
    assert (error["path"], error["message"]) == ("", "isn't JSON: expecting value (line 2, column 2)")


def test_other_addresses_methods_and_types_are_refused_in_the_same_form(client):
    for answer, status in (
        (client.get("/v1/decide"), 405), (client.post("/v1/nothing", json={}), 404), (client.get("/nothing"), 404),
        (client.post("/v1/decide", content=b"x", headers={"Content-Type": "text/xml"}), 415),
        (client.post("/v1/decide/batch", content=b"x", headers={"Content-Type": "application/fhir+json"}), 415),
    ):  # fmt: skip
        assert answer.status_code == status
        assert not_checked(answer)


# -- batch --------------------------------------------------------------------------------------------------------

ITEMS = [
    EXAMPLES[0].read_bytes(),
    b"{",
    EXAMPLES[1].read_bytes(),
    b"[]",
    b'"x"',
    EXAMPLES[2].read_bytes(),
    b"\xff",
]


def in_one_line(item: bytes) -> bytes:
    return json.dumps(json.loads(item)).encode() if item.startswith(b"{\n") else item


def test_lines_are_answered_in_their_order_and_a_bad_one_in_its_place(client):
    body = b"\n".join(map(in_one_line, ITEMS)) + b"\n\n"
    answer = client.post("/v1/decide/batch", content=body, headers=LINES)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [r.get("outcome", r.get("checked")) for r in results] == [
        decision_of(EXAMPLES[0])["outcome"], False, decision_of(EXAMPLES[1])["outcome"], False, False, decision_of(EXAMPLES[2])["outcome"], False,
    ]  # fmt: skip
    assert results[0] == decision_of(EXAMPLES[0])


def test_a_list_is_answered_by_a_list(client):
    documents = [json.loads(p.read_text("utf-8")) for p in EXAMPLES]
    answer = client.post("/v1/decide/batch", json=[documents[0], 7, None, *documents[1:]])
    results = answer.json()
    assert [results[0], *results[3:]] == [decision_of(p) for p in EXAMPLES]
    assert results[1]["checked"] is results[2]["checked"] is False
    assert client.post("/v1/decide/batch", json=[]).json() == []


def test_a_batch_that_is_no_list_is_refused_whole(client):
    for body, code in ((b"{}", "batch-not-a-list"), (b"[1,", "json-syntax")):
        answer = client.post("/v1/decide/batch", content=body, headers=AS_JSON)
        assert answer.status_code == 400
        assert not_checked(answer) == [code]


def test_a_long_batch_is_judged_whole(client):
    line = in_one_line(EXAMPLES[0].read_bytes())
    answer = client.post("/v1/decide/batch", content=b"\n".join([line] * 45), headers=LINES)
    lines = answer.text.splitlines()
    assert len(lines) == 45
    assert len(set(lines)) == 1


# -- rules, health, metrics ----------------------------------------------------------------------------------------


def test_rules_say_what_counts_with_which_parameters_and_who_set_them(tmp_path):
    site = ROOT / "examples" / "site-hospital.yaml"
    with served(Settings(state=tmp_path, site=(site,))) as client:
        said = client.get("/v1/rules", params={"on": "2026-03-02"}).json()
    rules = {r["id"]: r for r in said["rules"]}
    assert len(rules) == len(shipped_gate().library.rules)
    assert rules["core/consent-missing"]["state"] == "active"
    assert {r["state"] for r in rules.values()} >= {"active", "trial"}
    assert {u["set_by"] for r in rules.values() for u in r["parameters"].values()} > {"core"}
    assert said["on"] == "2026-03-02"
    assert [layer["kind"] for layer in said["layers"]] == ["hospital"]
    assert rules["core/anc-critical"]["parameters"]["limit"]["value"]


def test_rules_on_no_day_are_refused(client):
    for day in ("soon", "0.0", "2026-13-01", "2026-3-2", "1772409600"):
        answer = client.get("/v1/rules", params={"on": day})
        assert answer.status_code == 400
        assert not_checked(answer) == ["query-invalid"]


def test_health_and_readiness(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz").json()
    assert ready["status"] == "ready"
    assert ready["stale"] is False
    assert ready["rules"].startswith("sha256:")


def counted(text: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_metrics_count_decisions_and_what_wasnt_checked(tmp_path):
    with served(Settings(state=tmp_path)) as client:
        for name in ("no-consent", "no-consent", "allowed"):
            client.post(
                "/v1/decide", content=(ROOT / "examples" / f"{name}.json").read_bytes(), headers=AS_JSON
            )
        client.post("/v1/decide", content=b"{", headers=AS_JSON)
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    assert counted(text, 'oncogate_decisions_total{face="rest",outcome="block"}') == 2
    assert counted(text, 'oncogate_decisions_total{face="rest",outcome="allow"}') == 1
    assert counted(text, 'oncogate_not_checked_total{face="rest",reason="json-syntax"}') == 1
    assert counted(text, 'oncogate_request_seconds_count{face="rest"}') == 4
    assert counted(text, 'oncogate_rules_info{digest="' + shipped_gate().library.packs[0].digest) == 1
    assert counted(text, "oncogate_rules_stale") == 0


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda part: st.lists(part, max_size=3)
        | st.dictionaries(st.sampled_from(["at", "order", "record", "labs", "drugs", "id", "name", "patient", "value"]), part),
        max_leaves=10,
    )
)  # fmt: skip
def test_any_json_is_judged_or_said_not_to_be_checked(client, document):
    answer = client.post("/v1/decide", content=json.dumps(document).encode(), headers=AS_JSON)
    assert answer.status_code in (200, 400, 422), answer.text
    if answer.status_code == 200:
        assert answer.json()["outcome"] in ("allow", "warn", "block")
    else:
        assert not_checked(answer)
