"""
Keys nobody signs with, so that a refusal takes as long whether or not the caller came near.

A token of an unknown issuer is verified against one of them: how long a 401 takes must not
tell an issuer, a key name or an address that exists from one that doesn't.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache

from cds_service.clients.algorithms import ALGORITHMS, Kind
from cds_service.clients.keys import Key, read_key, verifies

_GENERATORS = {
    "P-256": (
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    ),
    "P-384": (
        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
    ),
    "P-521": (
        "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ff"
        "a8de3348b3c1856a429bf97e7e31c2e5bd66",
        "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad"
        "0761353c7086a272c24088be94769fd16650",
    ),
}
"""The base point of each curve, from the standard that defines it."""

_ED25519 = "58" + "66" * 31
_MODULUS = "ff" * 256
_EXPONENT = "010001"


def spend(algorithm: object, signed: bytes, signature: bytes) -> None:
    """Take the time a real verification would take."""
    if isinstance(algorithm, str) and algorithm in ALGORITHMS:
        verifies(algorithm, (_decoy(ALGORITHMS[algorithm]),), signed, signature)


@lru_cache
def _decoy(kind: Kind) -> Key:
    if kind.kty == "RSA":
        numbers = {"n": _MODULUS, "e": _EXPONENT}
    elif kind.kty == "EC":
        numbers = dict(zip(("x", "y"), _GENERATORS[kind.crv], strict=True))
    else:
        numbers = {"x": _ED25519}
    members = {name: urlsafe_b64encode(bytes.fromhex(one)).rstrip(b"=").decode() for name, one in numbers.items()}
    return read_key({"kid": "decoy", **kind._asdict(), **members})
