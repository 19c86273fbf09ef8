"""Callers for tests: keys made here and now, the set they publish, and tokens right or wrong."""

from __future__ import annotations

import json
import time
import uuid
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

PUBLIC = "https://cds.example"
ISSUER = "https://ehr.example/fhir"
SIGN_PATH = "/cds-services/pediatric-imaging-order-sign"
ENDPOINT = PUBLIC + SIGN_PATH
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def key(algorithm: str = "ES384", which: str = "first", bits: int = 2048) -> Any:
    """A private key for *algorithm*; the same one for the same *which*."""
    return _made(algorithm, which, bits)


@cache
def _made(algorithm: str, which: str, bits: int) -> Any:
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, bits)


def jwk(private: Any, kid: str = "first", **changes: Any) -> dict[str, Any]:
    """The public half of *private* as a member of a set; None takes a member away."""
    kind = {"RSAPrivateKey": "RS384", "Ed25519PrivateKey": "EdDSA"}.get(type(private).__name__, "ES384")
    found = jwt.get_algorithm_by_name(kind).to_jwk(private.public_key(), as_dict=True)
    found.pop("key_ops", None)
    return {name: one for name, one in {**found, "kid": kid, **changes}.items() if one is not None}


def jwks(*members: Any) -> bytes:
    """A set of *members*; the first ES384 and RS384 keys when none are given."""
    return json.dumps({"keys": list(members) or [jwk(key()), jwk(key("RS384"), "rsa")]}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of a right token for order-sign; None takes one away."""
    now = int(time.time())
    given = {"iss": ISSUER, "aud": ENDPOINT, "exp": now + 240, "iat": now, "jti": str(uuid.uuid4())}
    return {name: one for name, one in {**given, **changes}.items() if one is not None}


def header(algorithm: str = "ES384", **changes: Any) -> dict[str, Any]:
    """The header of a right token; None takes a member away."""
    given = {"alg": algorithm, "kid": "first" if algorithm == "ES384" else "rsa", "typ": "JWT"}
    return {name: one for name, one in {**given, **changes}.items() if one is not None}


def token(private: Any = None, algorithm: str = "ES384", head: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token signed with *private* by *algorithm*; *head* changes its header, the rest its claims."""
    return signed(
        json.dumps(header(algorithm, **(head or {}))),
        json.dumps(claims(**changes)),
        private or key(algorithm),
        algorithm,
    )


def signed(head: str | bytes, body: str | bytes, private: Any, algorithm: str = "ES384") -> str:
    """A token of these very bytes."""
    start = f"{b64(head)}.{b64(body)}"
    return f"{start}.{b64(jwt.get_algorithm_by_name(algorithm).sign(start.encode(), private))}"


def b64(data: str | bytes) -> str:
    """In base64url without padding."""
    return urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def entry(**members: Any) -> dict[str, Any]:
    """An entry of ``clients.yaml`` with keys of its own."""
    return {"issuer": ISSUER, "keys": json.loads(jwks())["keys"], **members}
