"""Who may call: tokens that don't hold are refused, whatever is wrong with them, and none is taken twice."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import hooks as h
import httpx
import jwt
import pytest
from loaded import shipped_gate
from served import ROOT, served
from tokens import BASE, ISSUER, JKU, SIGN, clients, key, key_set, signed

from oncogate.base.errors import OncogateError
from oncogate.server.app import create_app
from oncogate.server.auth.bearer import Tokens
from oncogate.server.auth.replays import Replays
from oncogate.server.rules_in_use import RulesInUse
from oncogate.server.settings import Client, Settings, SettingsError

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trust")
    (folder / "tokens").write_text(f"# callers\nhis {TOKEN}\n\nlis {TOKEN[::-1]}\n")
    told = Settings(state=folder, public_url=BASE, clients=clients(folder), tokens=folder / "tokens")
    with served(told) as found:
        yield found


def call(client: httpx.Client, token: str | None, path: str = SIGN) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.post(path, json=h.clean(), headers=headers)


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    return body["issue"][0]["details"]["text"]


def test_a_sound_token_is_taken(client):
    assert call(client, signed()).status_code == 200
    assert call(client, signed("RS384")).status_code == 200
    assert call(client, signed(header={"kid": None})).status_code == 200
    assert call(client, signed(aud=[BASE + SIGN, "https://other.example"])).status_code == 200


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ({"exp": timedelta(seconds=-120), "iat": timedelta(seconds=-400)}, "expired"),
        ({"exp": None}, "`exp`"), ({"iat": None}, "`iat`"), ({"jti": None}, "`jti`"), ({"aud": None}, "`aud`"),
        ({"iat": timedelta(hours=1), "exp": timedelta(hours=2)}, "valid yet"), ({"nbf": timedelta(hours=1)}, "valid yet"),
        ({"exp": timedelta(days=10)}, "more than a day"),
        ({"aud": BASE}, "another address"), ({"aud": BASE + SIGN + "/"}, "another address"),
        ({"aud": BASE + "/cds-services/oncogate-order-select"}, "another address"),
        ({"aud": "https://other.example" + SIGN}, "another address"), ({"aud": 7}, "another address"),
        ({"iss": None}, "issuer"), ({"iss": ISSUER + "/"}, "issuer"), ({"iss": [ISSUER]}, "issuer"),
        ({"jti": ""}, "`jti`"), ({"jti": 7}, "can't be read"), ({"jti": "x" * 501}, "`jti`"), ({"exp": "soon"}, "can't be read"),
        ({"exp": 10**400}, ""), ({"iat": "now"}, "can't be read"),
        ({"by": "other"}, "signature"), ({"algorithm": "RS384", "by": "other-rsa"}, "signature"),
        ({"header": {"kid": "rsa"}}, "names no key"), ({"header": {"kid": "unknown"}}, "names no key"),
 ({"header": {"jku": "https://evil.example/jwks.json"}}, "jku"),
        ({"header": {"jku": 7}}, "jku"),
        ({"algorithm": "none"}, "algorithm"), ({"algorithm": "HS256"}, "algorithm"), ({"algorithm": "HS384"}, "algorithm"),
        ({"algorithm": "HS512"}, "algorithm"), ({"algorithm": "RS256"}, "algorithm"), ({"algorithm": "PS384"}, "algorithm"),
    ],
    ids=lambda x: x if isinstance(x, str) else "token",
)  # fmt: skip
def test_a_token_that_doesnt_hold_is_refused_and_told_why(client, token, said):
    at = {name: time.time() + v.total_seconds() for name, v in token.items() if isinstance(v, timedelta)}
    assert said in refused(call(client, signed(**{**token, **at})))


@pytest.mark.parametrize(
    "token", [None, "", "x", "a.b.c", "....", "e30.e30.", "é" * 5, "x" * 10_000, "eyJhbGciOiJFUzM4NCJ9.W10.AA", "[" * 5000]
)  # fmt: skip
def test_what_is_no_token_is_refused(client, token):
    headers = [] if token is None else [(b"Authorization", f"Bearer {token}".strip().encode())]
    answer = client.post(SIGN, json=h.clean(), headers=headers)
    refused(answer)


def test_another_scheme_is_refused(client):
    assert (
        client.post(SIGN, json=h.clean(), headers={"Authorization": f"Basic {signed()}"}).status_code == 401
    )


def parts(token: str) -> tuple[dict, dict, str]:
    head, claims, signature = token.split(".")
    return *(json.loads(base64.urlsafe_b64decode(p + "==")) for p in (head, claims)), signature


def joined(head: dict, claims: dict, signature: str) -> str:
    made = (base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in (head, claims))
    return ".".join([*made, signature])


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "RS384", "HS384", "es384"])
def test_the_algorithm_of_a_header_cant_be_exchanged(client, algorithm):
    head, claims, signature = parts(signed())
    refused(call(client, joined({**head, "alg": algorithm}, claims, signature)))


def test_a_key_id_that_is_no_text_is_refused(client):
    head, claims, signature = parts(signed())
    refused(call(client, joined({**head, "kid": 7}, claims, signature)))


def test_a_changed_claim_breaks_the_signature(client):
    head, claims, signature = parts(signed(aud="https://other.example"))
    refused(call(client, joined(head, {**claims, "aud": BASE + SIGN}, signature)))


def test_a_key_that_the_token_brings_along_is_not_used(client):
    own = jwt.algorithms.ECAlgorithm.to_jwk(key("other").public_key(), as_dict=True)
    refused(call(client, signed(by="other", header={"jwk": own})))


def test_the_public_key_as_a_secret_is_refused(client):
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = key("rsa").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, claims, _ = parts(signed("RS384"))
    import hashlib
    import hmac

    text = joined({**head, "alg": "HS384"}, claims, "").rstrip(".")
    mac = (
        base64.urlsafe_b64encode(hmac.new(pem, text.encode(), hashlib.sha384).digest()).rstrip(b"=").decode()
    )
    refused(call(client, f"{text}.{mac}"))


def test_a_token_is_taken_once(client):
    token = signed()
    assert call(client, token).status_code == 200
    assert "before" in refused(call(client, token))
    same_id = signed(jti=parts(token)[1]["jti"])
    assert "before" in refused(call(client, same_id))


def test_of_many_calls_at_once_with_one_token_one_is_taken(client):
    token = signed()
    address = str(client.base_url)
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: httpx.post(address + SIGN, json={}, headers={"Authorization": f"Bearer {token}"}).status_code, range(32))
        )  # fmt: skip
    assert sorted(set(answers)) == [400, 401]  # the body is empty: what is let in is refused by its form
    assert answers.count(400) == 1


def test_tokens_seen_are_remembered_by_all_workers_until_they_expire(tmp_path):
    one, two = (Replays(tmp_path / "seen.sqlite") for _ in range(2))
    with contextlib.closing(one), contextlib.closing(two):
        remembered(one, two)


def remembered(one: Replays, two: Replays) -> None:
    assert one.first("a", "1", expires=100, now=50)
    assert not two.first("a", "1", expires=100, now=60)
    assert two.first("b", "1", expires=100, now=60)  # another issuer's
    assert one.first("a", "1", expires=300, now=101)
    assert not two.first("a", "1", expires=300, now=200)


def test_a_client_may_be_limited_to_a_service(tmp_path):
    told = Settings(
        state=tmp_path, public_url=BASE, clients=clients(tmp_path, services=("oncogate-order-select",))
    )
    with served(told) as client:
        answer = call(client, signed())
        assert answer.status_code == 403
        assert answer.json()["issue"][0]["code"] == "forbidden"


def test_feedback_needs_a_token_for_its_own_address(client):
    path = f"{SIGN}/feedback"
    assert call(client, signed(), path).status_code == 401
    assert call(client, signed(aud=BASE + path), path).status_code == 400  # no feedback in it


def test_discovery_health_and_metrics_are_open(client):
    for path in ("/cds-services", "/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert client.get(path).status_code == 200


# -- REST ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/decide", "/v1/decide/batch"])
def test_rest_calls_need_a_token_of_the_file(client, path):
    body = (ROOT / "examples" / "no-consent.json").read_bytes()
    content = body if path.endswith("decide") else b"[" + body + b"]"
    for authorization, status in (
        (None, 401), ("Bearer", 401), (f"Bearer {TOKEN}x", 401), (f"Bearer {TOKEN[:-1]}", 401), (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}", 200), (f"bearer  {TOKEN[::-1]}", 200),
    ):  # fmt: skip
        headers = {
            "Content-Type": "application/json",
            **({"Authorization": authorization} if authorization else {}),
        }
        answer = client.post(path, content=content, headers=headers)
        assert answer.status_code == status, authorization
        assert (answer.headers.get("x-oncogate-checked") == "true") == (status == 200)
        if status == 401:
            assert answer.json()["checked"] is False
    assert client.get("/v1/rules").status_code == 401


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "tokens-empty", 0), ("# none\n", "tokens-empty", 0), ("his\n", "tokens-line", 1), ("\nhis short\n", "tokens-line", 2),
        (f"his {TOKEN}\nhis {TOKEN[::-1]}\n", "tokens-line", 2), (f"his {TOKEN} more\n", "tokens-line", 1),
    ],
)  # fmt: skip
def test_a_file_of_tokens_that_cant_be_used_is_refused_at_its_line(tmp_path, text, code, line):
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(SettingsError) as error:
        Tokens.load(tmp_path / "tokens")
    (found,) = error.value.diagnostics
    assert (found.code, found.line) == (code, line)
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", '{"keys": []}', '{"keys": 7}', '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', '{"keys": [{"kty": "EC"}]}',
        json.dumps({"keys": [{**key_set()["keys"][0], "d": "x"}]}),
        json.dumps({"keys": [{**key_set()["keys"][0], "crv": "P-256"}]}),
    ],
)  # fmt: skip
def test_keys_that_cant_be_used_are_refused_at_start(tmp_path, content):
    (tmp_path / "jwks.json").write_text(content)
    told = Settings(
        state=tmp_path,
        public_url=BASE,
        clients=(Client(issuer=ISSUER, jku=JKU, keys=tmp_path / "jwks.json"),),
    )
    with pytest.raises(OncogateError) as error:
        create_app(told, RulesInUse(told, shipped_gate()))
    assert [d.code for d in error.value.diagnostics] == ["keys-unusable"]


@pytest.mark.parametrize(("file", "code"), [("keys", "keys-unusable"), ("tokens", "tokens-unreadable")])
def test_files_that_arent_there_are_refused_at_start(tmp_path, file, code):
    told = {
        "keys": Settings(
            state=tmp_path, public_url=BASE, clients=(Client(issuer=ISSUER, keys=tmp_path / "no.json"),)
        ),
        "tokens": Settings(state=tmp_path, tokens=tmp_path / "no"),
    }[file]
    with pytest.raises(OncogateError) as error:
        create_app(told, RulesInUse(told, shipped_gate()))
    assert [d.code for d in error.value.diagnostics] == [code]
