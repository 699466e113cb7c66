"""Signed tokens of CDS clients: ES384 or RS384, of a client that is trusted, for this address, in time, and once."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from oncogate.base.errors import Diagnostic
from oncogate.server.answers import Refused, refused
from oncogate.server.auth.replays import Replays
from oncogate.server.settings import Client, SettingsError

ALGORITHMS = ("ES384", "RS384")
LEEWAY = 60.0
"""Seconds by which two clocks may differ."""
LONGEST = 24 * 3600.0
"""Seconds for which a token may hold: it has to be remembered for as long."""
SHORTEST_RSA = 2048

Key = tuple[str | None, str, Any]
"""The id of a key, its algorithm, and the public key."""


@dataclass(frozen=True)
class Trusted:
    """A client with its keys."""

    client: Client
    keys: tuple[Key, ...]

    @classmethod
    def load(cls, client: Client) -> Trusted:
        """Read the client's JWK Set; raises `SettingsError`."""
        path = client.keys

        def wrong(message: str, help: str = "") -> SettingsError:
            return SettingsError([Diagnostic(str(path), 0, 0, "keys-unusable", message, help)])

        try:
            entries = json.loads(path.read_bytes())["keys"]
            assert isinstance(entries, list)
        except OSError as error:
            raise wrong(f"the keys of `{client.issuer}` can't be read: {error.strerror or error}") from None
        except (ValueError, KeyError, TypeError, AssertionError):
            raise wrong("isn't a JWK Set", 'a JSON object `{"keys": […]}`') from None
        keys = []
        for entry in entries:
            if isinstance(entry, dict) and entry.get("use", "sig") == "sig":
                try:
                    keys.append(_key(entry))
                except (jwt.PyJWKError, jwt.InvalidKeyError, ValueError, TypeError) as error:
                    raise wrong(f"a key can't be used: {error}", "a public key, EC P-384 or RSA of 2048 bits or more") from None  # fmt: skip
        if not keys:
            raise wrong(
                "holds no key to check signatures with", "a public key, EC P-384 or RSA of 2048 bits or more"
            )
        return cls(client, tuple(keys))


def _key(entry: Mapping[str, Any]) -> Key:
    if {"d", "k"} & set(entry):
        raise ValueError("it is private or secret; only the public key belongs here")
    algorithm = "ES384" if entry.get("kty") == "EC" else "RS384"
    key = jwt.PyJWK(dict(entry), algorithm).key
    if isinstance(key, EllipticCurvePublicKey):
        if not isinstance(key.curve, SECP384R1):
            raise ValueError(f"its curve is {key.curve.name}, not P-384")
    elif not isinstance(key, RSAPublicKey) or key.key_size < SHORTEST_RSA:
        raise ValueError(f"an RSA key has {SHORTEST_RSA} bits or more")
    kid = entry.get("kid")
    return (kid if isinstance(kid, str) else None), algorithm, key


class Clients:
    """The CDS clients that are trusted, and the tokens of theirs that were seen."""

    def __init__(self, clients: Sequence[Client], replays: Replays) -> None:
        self._trusted = {one.issuer: Trusted.load(one) for one in clients}
        self._replays = replays

    def close(self) -> None:
        """Let go of the file of tokens that were seen."""
        self._replays.close()

    def client(self, authorization: str | None, audience: str, service: str) -> str:
        """The issuer of the token in this `Authorization` header, which is for `audience` and may call `service`.

        Raises `Refused`: 401 for any token that doesn't hold, 403 for a client that may not call the service, 503 if
        it can't be told whether the token was used before.
        """
        token = _token(authorization)
        try:
            header = jwt.get_unverified_header(token)
            claimed = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise _no("isn't a JSON web token") from None
        algorithm, issuer, key_address = header.get("alg"), claimed.get("iss"), header.get("jku")
        if algorithm not in ALGORITHMS:
            raise _no("isn't signed by an algorithm that is taken", f"sign it with {' or '.join(ALGORITHMS)}")
        trusted = self._trusted.get(issuer) if isinstance(issuer, str) else None
        if trusted is None:
            raise _no("is of an issuer that isn't trusted", "its `iss` has to be among the gate's `clients`")
        if key_address is not None and key_address != trusted.client.jku:
            raise _no(
                "names a `jku` that isn't the issuer's",
                "its `jku` has to be the one among the gate's `clients`",
            )
        claims = _verified(token, str(algorithm), header.get("kid"), trusted, audience)
        self._once(str(issuer), claims)
        if service not in trusted.client.services:
            raise refused(
                403, "client-forbidden", f"`{issuer}` may not call `{service}`", "ask for it in `clients`"
            )
        return str(issuer)

    def _once(self, issuer: str, claims: Mapping[str, Any]) -> None:
        jti, expires, now = claims["jti"], min(claims["exp"], 10**12), time.time()
        if not isinstance(jti, str) or not jti or len(jti) > 500:
            raise _no("has no usable `jti`", "give each token an id of its own")
        if expires > now + LONGEST:
            raise _no("holds for more than a day", "let it expire within minutes")
        try:
            first = self._replays.first(issuer, jti, expires + LEEWAY, now)
        except sqlite3.Error:
            raise refused(
                503, "replays-unwritable", "it can't be told whether the token was used before"
            ) from None
        if not first:
            raise _no("was used before", "make a new one, with a `jti` of its own, for each call")


def _token(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise refused(
            401, "jwt-missing", "the call says no token", "send `Authorization: Bearer` and a signed JSON web token",
            WWW_Authenticate="Bearer",
        )  # fmt: skip
    return token.strip()


def _verified(token: str, algorithm: str, kid: Any, trusted: Trusted, audience: str) -> Mapping[str, Any]:
    # the key says by which algorithm it may be used; what the token says is only compared with that
    usable = [key for id, of, key in trusted.keys if of == algorithm and (kid is None or id == kid)]
    if not usable:
        raise _no(
            "names no key of its issuer",
            "its `kid` and `alg` have to be those of a key in the issuer's JWK Set",
        )
    for key in usable:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token, key, algorithms=[algorithm], audience=audience, issuer=trusted.client.issuer, leeway=LEEWAY,
                options={"require": ["iss", "aud", "exp", "iat", "jti"]},
            )  # fmt: skip
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            raise _no("has expired", "make a new one for each call") from None
        except jwt.InvalidAudienceError:
            raise _no("is for another address", f"its `aud` has to be `{audience}`") from None
        except jwt.ImmatureSignatureError:
            raise _no("isn't valid yet", "set the clocks right") from None
        except jwt.MissingRequiredClaimError as error:
            raise _no(f"lacks `{error.claim}`") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise _no("doesn't hold: one of its claims can't be read") from None
        return claims
    raise _no("has a signature that isn't the issuer's")


def _no(what: str, help: str = "") -> Refused:
    return refused(
        401, "jwt-refused", f"the token {what}", help, WWW_Authenticate='Bearer error="invalid_token"'
    )
