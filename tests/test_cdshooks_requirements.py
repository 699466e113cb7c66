"""The CDS Hooks 2.0 requirements of a service, by the number of their row in the public list: each is met by a test that
names it, or doesn't apply, with the reason."""

from __future__ import annotations

import csv
import inspect
import json
import re
import sys

import hooks as h
import httpx
import pytest
from cards import ADDRESS, check_cards, nothing_empty
from loaded import shipped_gate
from served import served
from tokens import BASE, clients, signed

from oncogate.adapters.cdshooks.request import read_hook
from oncogate.server.settings import Settings

SIGN = "/cds-services/oncogate-order-sign"
MET: dict[int, str] = {}

NOT_OURS = {
    2: "HTTPS is ended by the proxy before the gate (docs/how-to/serve.md); the gate itself listens on loopback",
    168: "as row 2",
    16: "what a client builds its URL of; that the URL is served is row 10",
    27: "measured, since a timing is no test: tests/benchmarks/latency_of_hooks.py",
    34: "the gate calls no FHIR server: what wasn't prefetched is not supplied, and said to be so",
    60: "as row 34",
    61: "as row 34: no FHIR server is called, so no token is presented to one",
    78: "an obligation of clients; that our cards keep their ids is row 80",
    212: "as row 78",
    89: "what a client may do with the indicator",
    129: "what a client may show of an action",
    125: "how a client applies a suggestion; ours have the actions of one remedy",
    75: "no system actions are sent: the gate changes nothing by itself",
    81: "optional, and sent (row 80)",
    82: "what a client may use the id for",
    84: "optional, and sent (row 85)",
    94: "optional; sent where there is a remedy (row 92)",
    99: "optional; sent where a rule allows an override (row 98)",
    104: "optional; no links are sent",
    103: "no links are sent: a card says all that there is to say",
    138: "as row 103", 139: "as row 103", 140: "as row 103", 141: "as row 103", 142: "as row 103", 144: "as row 103",
    145: "as row 103", 146: "as row 103", 147: "as row 103",
    106: "optional: the label may be the text of the link",
    108: "optional; sent where the rule's source has an address (row 107)",
    111: "no icon is sent",
    112: "as row 111", 113: "as row 111",
    116: "optional, and sent (row 115)",
    118: "optional, and sent (row 119)",
    120: "optional; not sent: the gate recommends one remedy and leaves the choice to the physician",
    121: "as row 120", 122: "as row 120",
    123: "optional; sent where FHIR has a resource for the remedy (row 124)",
    132: "no updates are suggested",
    133: "no deletions are suggested", 134: "as row 133", 135: "as row 133",
    14: "permission", 76: "permission", 35: "permission; tokens are used (row 55)", 28: "permission; it is how all data comes",
    175: "permission; mutual TLS is the proxy's (docs/how-to/serve.md)", 179: "as row 175",
    206: "an obligation of clients",
    210: "permission",
    211: "the two services have ids of their own, by which clients and sites tell them apart; a card's id and `source.topic` "
    "tell which rule it is on, so that a client can replace the one of order-select by that of order-sign",
    213: "an agreement between people; docs/reference/cds-hooks.md says that enforcement belongs to the REST or in-process call",
    214: "no extensions are sent", 215: "as row 214",
    220: "optional; sent",
}  # fmt: skip


def meets(*rows: int):
    def mark(test):
        for row in rows:
            assert row not in MET, f"row {row} has two tests"
            MET[row] = test.__name__
        return test

    return mark


def test_every_row_is_met_by_a_test_or_said_not_to_apply(shared):
    with (shared / "standards" / "CDS_HOOKS_REQUIREMENTS.csv").open(encoding="utf-8", newline="") as file:
        rows = {int(row["ID"]) for row in csv.DictReader(file)}
    assert set(MET) | set(NOT_OURS) == rows
    assert not set(MET) & set(NOT_OURS)
    tests = {name for name, _ in inspect.getmembers(sys.modules[__name__], inspect.isfunction)}
    assert set(MET.values()) <= tests


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with served(Settings(state=tmp_path_factory.mktemp("state"), timezone="Asia/Shanghai")) as found:
        yield found


@pytest.fixture(scope="module")
def trusting(tmp_path_factory):
    """A gate that asks for tokens."""
    folder = tmp_path_factory.mktemp("trust")
    told = Settings(state=folder, timezone="Asia/Shanghai", public_url=BASE, clients=clients(folder))
    with served(told) as found:
        yield found


@pytest.fixture(scope="module")
def services(client) -> list[dict]:
    return client.get("/cds-services").json()["services"]


@pytest.fixture(scope="module")
def cards(client) -> list[dict]:
    """Cards of every kind: blocks that may be overridden, a critical value, the rest; with suggestions."""
    hook = h.clean()
    h.empty(hook, "consents", "assessments", "stages", "pathology")
    h.supply(hook, "labs", h.anc(0.4, effectiveDateTime=now()))
    return client.post(SIGN, json=hook).json()["cards"]


def now() -> str:
    from datetime import datetime, timedelta, timezone

    return (datetime.now(timezone(timedelta(hours=8))) - timedelta(hours=1)).isoformat(timespec="seconds")


def suggestions(cards: list[dict]) -> list[dict]:
    return [s for card in cards for s in card.get("suggestions", ())]


def actions(cards: list[dict]) -> list[dict]:
    return [a for s in suggestions(cards) for a in s.get("actions", ())]


def reasons(cards: list[dict]) -> list[dict]:
    return [r for card in cards for r in card.get("overrideReasons", ())]


def strings(values: list) -> bool:
    return bool(values) and all(isinstance(v, str) and v.strip() for v in values)


# -- JSON and discovery ----------------------------------------------------------------------------------------


@meets(1)
def test_all_answers_are_json_and_other_bodies_are_refused(client):
    for answer in (
        client.get("/cds-services"),
        client.post(SIGN, json=h.clean()),
        client.post(SIGN, json={}),
    ):
        assert answer.headers["content-type"] == "application/json"
        json.loads(answer.content.decode("utf-8"))
    assert client.post(SIGN, content="<x/>", headers={"Content-Type": "application/xml"}).status_code == 415


@meets(3)
def test_nothing_in_an_answer_is_null_or_empty_but_the_list_of_cards(client, cards):
    nothing_empty(client.get("/cds-services").json())
    nothing_empty({"cards": cards})
    nothing_empty(client.post(SIGN, json={}).json())
    nothing_empty({"cards": []})


@meets(4, 5, 6, 13)
def test_discovery_is_answered_with_a_list_of_services(client):
    answer = client.get("/cds-services")
    assert answer.status_code == 200
    assert isinstance(answer.json()["services"], list)


@meets(7)
def test_each_service_has_its_hook(services):
    assert {s["id"]: s["hook"] for s in services} == {
        "oncogate-order-sign": "order-sign", "oncogate-order-select": "order-select",
    }  # fmt: skip


@meets(8, 9, 12)
def test_each_service_has_a_title_a_description_and_what_it_requires(services):
    for name in ("title", "description", "usageRequirements"):
        assert strings([s[name] for s in services])


@meets(10)
def test_each_service_is_called_under_its_id(client, services):
    for service in services:
        body = {**h.clean(), "hook": service["hook"]}
        assert client.post(f"/cds-services/{service['id']}", json=body).status_code == 200


@meets(11, 29, 36)
def test_each_service_says_its_queries_by_key_and_the_keys_are_those_that_are_read(services):
    for service in services:
        assert set(service["prefetch"]) == {"patient", *h.SECTIONS}
        assert strings(list(service["prefetch"].values()))


@meets(52)
def test_a_prefetch_answer_that_is_an_operation_outcome_counts_as_not_supplied():
    hook = h.clean()
    hook["prefetch"]["consents"] = h.OUTCOME
    reading = read_hook(hook, h.AT)
    assert reading.data["record"].get("consents") is None
    assert "prefetch-failed" in [d.code for d in reading.diagnostics]


@meets(54)
def test_without_any_prefetch_an_order_that_cant_be_judged_is_412(client):
    assert client.post(SIGN, json={k: v for k, v in h.clean().items() if k != "prefetch"}).status_code == 412


@meets(55, 56, 57, 59)
def test_prefetch_tokens_are_fields_of_the_context_between_double_braces(services):
    for service in services:
        for query in service["prefetch"].values():
            assert re.findall(r"\{\{(.*?)\}\}", query) == ["context.patientId"]
            assert re.sub(r"\{\{context\.patientId\}\}", "", query).count("{") == 0


@meets(58)
def test_queries_use_the_recommended_subset_of_search(services):
    for query in services[0]["prefetch"].values():
        resource, _, search = query.partition("?")
        if not search:
            assert query == "Patient/{{context.patientId}}"
            continue
        assert re.fullmatch(r"[A-Z][A-Za-z]+", resource)
        assert {part.partition("=")[0] for part in search.split("&")} <= {
            "patient",
            "code",
            "category",
            "status",
            "_sort",
        }


# -- cards -------------------------------------------------------------------------------------------------------


@meets(74)
def test_a_successful_answer_has_status_200_and_cards(client):
    answer = client.post(SIGN, json=h.clean())
    assert answer.status_code == 200
    assert isinstance(answer.json()["cards"], list)


@meets(77)
def test_with_nothing_to_say_the_cards_are_an_empty_list(client):
    hook = h.clean()
    h.order_of(hook, "J01DD04")
    answer = client.post(SIGN, json=hook)
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


@meets(80)
def test_a_card_has_an_id_of_its_own_which_it_keeps_when_called_again(client, cards):
    ids = [card["uuid"] for card in cards]
    assert len(set(ids)) == len(ids) > 3
    check_cards(cards)


@meets(83)
def test_a_summary_has_fewer_than_140_characters(cards):
    # of any rule, with any names: tests/test_cards.py
    assert strings([card["summary"] for card in cards])
    assert all(len(card["summary"]) < 140 for card in cards)


@meets(85)
def test_a_detail_is_markdown(cards):
    assert all("**" in card["detail"] for card in cards)
    assert not any("<" in card["detail"].replace("\\<", "") for card in cards)


@meets(87, 88)
def test_an_indicator_is_one_of_three(cards):
    assert {card["indicator"] for card in cards} <= {"info", "warning", "critical"}
    assert "critical" in {card["indicator"] for card in cards}


@meets(90, 105)
def test_a_card_has_a_source_with_a_label(cards):
    assert strings([card["source"]["label"] for card in cards])


@meets(107, 109, 110)
def test_the_address_of_a_source_is_absolute_and_the_rules_own(cards):
    addresses = {s.url for r in shipped_gate().library.rules for s in r.rule.sources.values() if s.url}
    assert all(re.match(ADDRESS["pattern"], url) for url in addresses)
    assert {card["source"]["url"] for card in cards if "url" in card["source"]} <= addresses
    assert not any("links" in card for card in cards)  # there is no drill-down: neither as source nor as link


@meets(115, 216, 217, 218)
def test_codings_have_code_and_system(cards):
    codings = [c["source"]["topic"] for c in cards if "topic" in c["source"]] + reasons(cards)
    assert strings([c["code"] for c in codings])
    assert strings([c["system"] for c in codings])


@meets(92, 117, 119)
def test_suggestions_have_a_label_and_an_id(cards):
    assert strings([s["label"] for s in suggestions(cards)])
    assert strings([s["uuid"] for s in suggestions(cards)])


@meets(93, 95, 96)
def test_with_suggestions_goes_how_many_may_be_chosen(cards):
    for card in cards:
        assert ("suggestions" in card) == (card.get("selectionBehavior") in ("at-most-one", "any"))


@meets(98, 100, 136, 219)
def test_reasons_for_an_override_are_codings_with_words(cards):
    assert strings([r["display"] for r in reasons(cards)])


@meets(124, 127, 128)
def test_actions_have_a_type_and_a_description(cards):
    assert {a["type"] for a in actions(cards)} == {"create"}
    assert strings([a["description"] for a in actions(cards)])


@meets(130, 131)
def test_an_action_that_creates_has_a_new_fhir_resource(cards):
    kinds = {a["resource"]["resourceType"] for a in actions(cards)}
    assert kinds >= {"Consent", "RiskAssessment"}
    assert not any("id" in a["resource"] or "resourceId" in a for a in actions(cards))


@meets(148)
def test_feedback_is_taken(client, cards):
    told = {
        "card": cards[0]["uuid"],
        "outcome": "overridden",
        "outcomeTimestamp": "2026-03-02T09:30:00+08:00",
    }
    assert client.post(f"{SIGN}/feedback", json={"feedback": [told]}).status_code == 200


# -- trust -------------------------------------------------------------------------------------------------------


def call(client: httpx.Client, **token) -> int:
    headers = {"Authorization": f"Bearer {signed(**token)}"} if token.pop("send", True) else {}
    return client.post(SIGN, json=h.clean(), headers=headers).status_code


@meets(176, 177)
def test_a_client_authenticates_itself_by_a_signed_token(trusting):
    assert trusting.post(SIGN, json=h.clean()).status_code == 401
    assert call(trusting) == 200


@meets(195)
def test_only_issuers_and_key_addresses_of_the_allow_list_are_trusted(trusting):
    assert call(trusting, iss="https://other.example") == 401
    assert call(trusting, header={"jku": "https://other.example/jwks.json"}) == 401


@meets(199)
def test_without_a_key_address_the_key_set_agreed_on_is_used(trusting):
    assert call(trusting, header={"jku": None}) == 200


@meets(201)
def test_unsigned_tokens_are_refused(trusting):
    assert call(trusting, algorithm="none") == 401


@meets(203)
def test_symmetric_algorithms_are_refused(trusting):
    assert call(trusting, algorithm="HS384") == 401


@meets(200, 205, 207)
def test_both_recommended_algorithms_are_taken_and_no_others(trusting):
    assert call(trusting, algorithm="ES384") == 200
    assert call(trusting, algorithm="RS384") == 200
    assert call(trusting, algorithm="RS256") == 401


@meets(208)
def test_browsers_of_listed_origins_may_call(tmp_path):
    asked = {"Origin": "https://ehr.example", "Access-Control-Request-Method": "POST"}
    with served(Settings(state=tmp_path, cors=("https://ehr.example",))) as client:
        answer = client.options(SIGN, headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://ehr.example"
        other = client.options(SIGN, headers={**asked, "Origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers
