"""The signature algorithms callers may use: a closed list, none of them symmetric."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Kind(NamedTuple):
    """What a key must be for an algorithm: its type, and the curve where it has one."""

    kty: str
    crv: str = ""


ALGORITHMS: Mapping[str, Kind] = MappingProxyType(
    {
        "ES256": Kind("EC", "P-256"),
        "ES384": Kind("EC", "P-384"),
        "ES512": Kind("EC", "P-521"),
        "RS256": Kind("RSA"),
        "RS384": Kind("RSA"),
        "RS512": Kind("RSA"),
        "PS256": Kind("RSA"),
        "PS384": Kind("RSA"),
        "PS512": Kind("RSA"),
        "EdDSA": Kind("OKP", "Ed25519"),
    }
)
"""Every algorithm a client's entry may name, and the kind of key it needs."""

RECOMMENDED = ("ES384", "RS384")
"""The two the specification recommends; what a client may use unless its entry says otherwise."""
