"""The CDS Hooks service over HTTP: every call has the answer that docs/reference/cds-hooks.md says."""

from __future__ import annotations

import copy
import json

import hooks as h
import httpx
import pytest
from cards import check_cards, nothing_empty
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import served

from oncogate.server.settings import Settings

SIGN = "/cds-services/oncogate-order-sign"
SELECT = "/cds-services/oncogate-order-select"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    with served(Settings(state=state, timezone="Asia/Shanghai", limits={"seconds": 2})) as found:
        found.state = state
        yield found


def codes(answer: httpx.Response) -> list[str]:
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    nothing_empty(body)
    return [issue["details"]["coding"][0]["code"] for issue in body["issue"]]


def where(answer: httpx.Response) -> list[str]:
    return [place for issue in answer.json()["issue"] for place in issue.get("expression", ())]


def select(hook: dict) -> dict:
    changed = {**hook, "hook": "order-select"}
    changed["context"] = {**hook["context"], "selections": ["MedicationRequest/mr1"]}
    return changed


def without(hook: dict, *path: str) -> dict:
    changed = copy.deepcopy(hook)
    part = changed
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return changed


def test_both_services_answer_with_cards(client):
    hook = h.clean()
    h.empty(hook, "consents")
    for address, body in ((SIGN, hook), (SELECT, select(hook))):
        answer = client.post(address, json=body)
        assert answer.status_code == 200
        assert list(answer.json()) == ["cards"]
        check_cards(answer.json()["cards"])
        assert answer.json()["cards"][0]["source"]["topic"]["code"] == "core/consent-missing"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "zh"), ("en", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-US,en;q=0.9,zh;q=0.8", "en"), ("fr", "zh"),
        ("zh;q=0, en;q=0.1", "en"), ("*", "zh"), (";;q=x,,", "zh"), ("EN", "en"),
    ],
)  # fmt: skip
def test_cards_speak_the_language_that_the_caller_accepts(client, accepted, language):
    hook = h.clean()
    h.empty(hook, "consents")
    headers = {"Accept-Language": accepted} if accepted else {"Accept-Language": ""}
    answer = client.post(SIGN, json=hook, headers=headers)
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    summary = {"zh": "缺少有效的治疗知情同意", "en": "No valid informed consent"}[language]
    assert answer.json()["cards"][0]["summary"] == summary


def test_the_moment_is_now_not_that_of_the_draft(client):
    hook = h.clean()  # written in March 2026; its blood count is long out of date
    details = [card["detail"] for card in client.post(SIGN, json=hook).json()["cards"]]
    assert any("core/anc-not-recent" in detail for detail in details)


@pytest.mark.parametrize(
    ("change", "status", "code", "place"),
    [
        (lambda k: without(k, "hook"), 400, "hook-other", "/hook"),
        (lambda k: {**k, "hook": "patient-view"}, 400, "hook-other", "/hook"),
        (lambda k: {**k, "hook": "order-select"}, 400, "hook-other", "/hook"),
        (lambda k: {**k, "hook": 7}, 400, "hook-other", "/hook"),
        (lambda k: without(k, "hookInstance"), 400, "hook-instance", "/hookInstance"),
        (lambda k: {**k, "hookInstance": ["x"]}, 400, "hook-instance", "/hookInstance"),
        (lambda k: without(k, "context"), 400, "hook-context", "/context"),
        (lambda k: without(k, "context", "patientId"), 400, "hook-patient", "/context/patientId"),
        (lambda k: without(k, "context", "draftOrders"), 400, "hook-drafts", "/context/draftOrders"),
        (lambda k: {**k, "prefetch": []}, 400, "hook-prefetch", "/prefetch"),
        (lambda k: [k], 400, "hook-not-an-object", None),
        (lambda k: None, 400, "hook-not-an-object", None),
    ],
)  # fmt: skip
def test_an_ill_formed_call_is_refused_and_told_where(client, change, status, code, place):
    body = json.dumps(change(h.clean())).encode()
    answer = client.post(SIGN, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert code in codes(answer)
    assert place is None or place in where(answer)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "input-empty"), (b"{", "json-syntax"), (b"\xff\xfe{}", "input-encoding"), (b"[NaN]", "json-value"),
        (b'{"hook":1,"hook":2}', "json-value"), (b"[" * 100_000, "json-depth"),
    ],
)  # fmt: skip
def test_what_isnt_json_is_refused(client, body, code):
    answer = client.post(SIGN, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert codes(answer) == [code]


def test_without_any_prefetch_what_needs_data_is_412_and_says_which(client):
    for hook in (
        without(h.clean(), "prefetch"),
        {**h.clean(), "prefetch": {}},
        {**h.clean(), "prefetch": None},
    ):
        answer = client.post(SIGN, json=hook)
        assert answer.status_code == 412
        assert codes(answer) == ["prefetch-absent"]
        assert "`consents`" in answer.json()["issue"][0]["details"]["text"]


def test_without_any_prefetch_an_order_that_needs_none_is_answered(client):
    hook = without(h.clean(), "prefetch")
    h.order_of(hook, "J01DD04")
    answer = client.post(SIGN, json=hook)
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


def test_a_missing_key_is_a_finding_not_an_error(client):
    hook = h.clean()
    h.withhold(hook, "consents")
    answer = client.post(SIGN, json=hook, headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    assert "Can't be judged: No valid informed consent" in [c["summary"] for c in answer.json()["cards"]]


def test_draft_orders_that_the_client_failed_to_get_are_412(client):
    hook = h.clean()
    hook["context"]["draftOrders"] = h.OUTCOME
    answer = client.post(SIGN, json=hook)
    assert answer.status_code == 412
    assert where(answer) == ["/context/draftOrders"]


def test_drafts_that_are_all_of_another_patient_are_422(client):
    hook = h.clean()
    h.order(hook, h.drug("mr1", "L01CD02") | {"subject": {"reference": "Patient/p2"}})
    answer = client.post(SIGN, json=hook)
    assert answer.status_code == 422
    assert codes(answer) == ["wrong-patient"]


def test_an_unknown_service_is_404_and_told_the_nearest(client):
    answer = client.post("/cds-services/oncogate-ordersign", json=h.clean())
    assert answer.status_code == 404
    assert "oncogate-order-sign" in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "application/json; charset=gb18030"])  # fmt: skip
def test_another_media_type_is_415(client, kind):
    answer = client.post(SIGN, content=h.text_of(h.clean()), headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 415
    assert answer.headers["accept"].startswith("application/json")
    assert codes(answer) == ["media-type"]


def test_a_compressed_body_is_415(client):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert client.post(SIGN, content=b"x", headers=headers).status_code == 415


def test_another_method_is_405_and_told_which(client):
    answer = client.get(SIGN)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert codes(answer) == ["method-not-allowed"]


def test_called_again_it_replaces_its_cards(client):
    hook = h.clean()
    h.empty(hook, "consents")
    one, two = (client.post(SIGN, json=hook).json()["cards"] for _ in range(2))
    other = client.post(SIGN, json={**hook, "hookInstance": "00000000-0000-4000-8000-000000000000"}).json()[
        "cards"
    ]
    assert [c["uuid"] for c in one] == [c["uuid"] for c in two]
    assert not {c["uuid"] for c in one} & {c["uuid"] for c in other}


def test_the_shared_examples_are_answered_without_a_500(client, shared):
    seen = set()
    for path in sorted((shared / "data" / "cds-hooks-spec").glob("*.json")):
        for address in (SIGN, SELECT, f"{SIGN}/feedback"):
            for body in variants(path.read_bytes(), address):
                answer = client.post(address, content=body, headers={"Content-Type": "application/json"})
                assert answer.status_code in (200, 400, 412, 422), (path.name, answer.text)
                if answer.status_code == 200 and answer.content:
                    check_cards(answer.json()["cards"])
                elif answer.status_code != 200:
                    assert codes(answer)
                seen.add(answer.status_code)
    assert seen >= {200, 400, 422}


def variants(text: bytes, address: str) -> list[bytes]:
    """The file as it is and, where it is a context or a prefetch, completed to a call of this service."""
    document = json.loads(text)
    hook = "order-select" if address == SELECT else "order-sign"
    whole = {"hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"}
    if isinstance(document, dict) and "context" in document:
        return [text, json.dumps({**document, **whole}).encode()]
    if isinstance(document, dict) and "prefetch" in document:
        return [text, json.dumps({**h.clean(), **document, **whole}).encode()]
    return [text]


# -- feedback --------------------------------------------------------------------------------------------------


def test_feedback_is_kept_with_its_rule_and_without_the_comment(client):
    hook = h.clean()
    h.empty(hook, "consents")
    cards = client.post(SIGN, json=hook).json()["cards"]
    card = next(c for c in cards if c["source"].get("topic", {}).get("code") == "core/consent-missing")
    suggestion = card["suggestions"][0]["uuid"]
    told = [
        {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": suggestion}], "outcomeTimestamp": "2026-03-02T01:30:00Z"},
        {
            "card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-03-02T09:31:00+08:00",
            "overrideReason": {"reason": {"code": "oncologic_emergency", "system": "x"}, "userComment": "患者张三，电话 13800000000"},
        },
    ]  # fmt: skip
    answer = client.post(f"{SIGN}/feedback", json={"feedback": told})
    assert (answer.status_code, answer.content) == (200, b"")
    text = (client.state / "feedback.ndjson").read_text("utf-8")
    assert "张三" not in text
    assert "p1" not in text
    kept = [json.loads(line) for line in text.splitlines()[-2:]]
    assert kept[0] == {
        "service": "oncogate-order-sign", "card": card["uuid"], "rule": "core/consent-missing", "outcome": "accepted",
        "at": "2026-03-02T01:30:00+00:00", "suggestions": [suggestion],
    }  # fmt: skip
    assert kept[1] == {
        "service": "oncogate-order-sign", "card": card["uuid"], "rule": "core/consent-missing", "outcome": "overridden",
        "at": "2026-03-02T09:31:00+08:00", "reason": "oncologic_emergency", "commented": True,
    }  # fmt: skip


GOOD = {
    "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719",
    "outcome": "accepted",
    "outcomeTimestamp": "2026-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("feedback", "place"),
    [
        (None, "/feedback"), ([], "/feedback"), ({}, "/feedback"), ([7], "/feedback/0"),
        ([GOOD, {**GOOD, "card": "x"}], "/feedback/1/card"), ([{**GOOD, "outcome": "ignored"}], "/feedback/0/outcome"),
        ([{**GOOD, "outcomeTimestamp": "2026-01-01"}], "/feedback/0/outcomeTimestamp"),
        ([{**GOOD, "outcomeTimestamp": None}], "/feedback/0/outcomeTimestamp"),
        ([{**GOOD, "acceptedSuggestions": [{"id": "张三"}]}], "/feedback/0/acceptedSuggestions/0/id"),
        ([{**GOOD, "acceptedSuggestions": 7}], "/feedback/0/acceptedSuggestions"),
        ([{**GOOD, "overrideReason": {"reason": {"code": "患者 张三"}}}], "/feedback/0/overrideReason/reason/code"),
        ([{**GOOD, "overrideReason": "no"}], "/feedback/0/overrideReason"),
    ],
)  # fmt: skip
def test_ill_formed_feedback_is_refused_whole(client, feedback, place):
    file = client.state / "feedback.ndjson"
    before = file.read_bytes() if file.exists() else b""
    answer = client.post(f"{SIGN}/feedback", json={"feedback": feedback})
    assert answer.status_code == 400
    assert where(answer) == [place]
    assert (file.read_bytes() if file.exists() else b"") == before


def test_feedback_that_cant_be_kept_is_said_to_be_so(tmp_path):
    (tmp_path / "state").write_text("a file where a folder should be")
    with served(Settings(state=tmp_path / "state")) as client:
        answer = client.post(f"{SIGN}/feedback", json={"feedback": [GOOD]})
        assert answer.status_code == 503
        assert codes(answer) == ["feedback-unwritable"]


# -- anything ----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=12), part, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_call_it_is_answered_as_documented(client, data):
    hook = h.clean()
    for _ in range(data.draw(st.integers(1, 3))):
        part: object = hook
        while isinstance(part, (dict, list)) and part:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            key = data.draw(st.sampled_from(keys))
            if data.draw(st.booleans()) or not isinstance(part[key], (dict, list)) or not part[key]:
                part[key] = data.draw(JSON)
                break
            part = part[key]
    body = json.dumps(hook).encode()
    answer = client.post(SIGN, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 412, 422), answer.text
    if answer.status_code == 200:
        check_cards(answer.json()["cards"])
    else:
        assert codes(answer)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), cut=st.integers(0, 4000))
def test_random_bytes_and_cut_bodies_are_400(client, body, cut):
    for content in (body, h.text_of(h.clean())[:cut]):
        answer = client.post(SIGN, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert codes(answer)
