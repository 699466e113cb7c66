"""Keys and signed tokens of a CDS client that is trusted, and of others."""

from __future__ import annotations

import base64
import json
import time
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from oncogate.server.settings import Client

BASE = "https://gate.hospital.example"
SIGN = "/cds-services/oncogate-order-sign"
ISSUER = "https://ehr.example"
JKU = "https://ehr.example/jwks.json"


@cache
def key(name: str) -> Any:
    """A private key by name: `ec`, `rsa` are the client's, others anybody's."""
    if name.endswith("rsa"):
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP384R1())


def key_set() -> dict[str, Any]:
    pairs = (("ec", ECAlgorithm, "ES384"), ("rsa", RSAAlgorithm, "RS384"))
    return {
        "keys": [
            {**json.loads(kind.to_jwk(key(name).public_key())), "kid": name, "use": "sig", "alg": alg}
            for name, kind, alg in pairs
        ]
    }


def clients(folder: Path, **more: Any) -> tuple[Client, ...]:
    file = folder / "jwks.json"
    file.write_text(json.dumps(key_set()))
    return (Client(issuer=ISSUER, jku=JKU, keys=file, **more),)


def signed(
    algorithm: str = "ES384", by: str | None = None, header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """A token; a claim or header field that is None is left out."""
    now = time.time()
    said = {
        "iss": ISSUER,
        "aud": BASE + SIGN,
        "iat": now,
        "exp": now + 300,
        "jti": str(uuid.uuid4()),
        **claims,
    }
    kid = {"E": "ec", "R": "rsa", "P": "rsa"}.get(algorithm[0], "ec")
    head = {"kid": kid, "jku": JKU, **(header or {})}
    said, head = ({k: v for k, v in part.items() if v is not None} for part in (said, head))
    if algorithm == "none":
        return jwt.encode(said, None, "none", head)
    if algorithm.startswith("HS"):  # with what everybody knows, the public key, for a secret
        secret = base64.b64encode(json.dumps(key_set()).encode())
        return jwt.encode(said, secret, algorithm, head)
    # not by `jwt.encode`, which refuses claims that others may well send
    return jwt.PyJWS().encode(json.dumps(said).encode(), key(by or kid), algorithm, head)
