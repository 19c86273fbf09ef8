"""
Public keys from a JWK set, and what they are good for.

Whoever publishes a set may put anything into it. A member that is no public signing key of
a kind we know, strong enough, is left out with the reason; the rest is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from cds_service.clients.algorithms import ALGORITHMS, Kind

MOST_KEYS = 100
LONGEST_KID = 256
SHORTEST_RSA, LONGEST_RSA = 2048, 8192
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_CURVES = ("P-256", "P-384")
_SOME_ALGORITHM = {kind: name for name, kind in ALGORITHMS.items()}


class Key(NamedTuple):
    """A public key: its name in the set, its kind, the one algorithm it is meant for (empty: any that fits)."""

    kid: str
    kind: Kind
    algorithm: str
    material: Any

    def fits(self, algorithm: str) -> bool:
        """Whether the key may verify signatures of *algorithm*."""
        return ALGORITHMS[algorithm] == self.kind and self.algorithm in ("", algorithm)


class KeySet(NamedTuple):
    """The usable keys by name, and why the others were left out."""

    keys: Mapping[str, tuple[Key, ...]] = {}
    left_out: tuple[str, ...] = ()


class NotKeys(ValueError):
    """What should be a JWK set is none."""


def read_keys(source: bytes) -> KeySet:
    """
    The keys of a JWK set. Raises NotKeys when it is no set at all.

    >>> read_keys(b'{"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}').left_out
    ('a: a symmetric or private key',)
    """
    try:
        members = msgspec.json.decode(source)["keys"]
    except (msgspec.MsgspecError, UnicodeError, RecursionError, KeyError, TypeError, IndexError):
        raise NotKeys("no JWK set") from None
    if not isinstance(members, list):
        raise NotKeys("keys is not a list")
    found: dict[str, tuple[Key, ...]] = {}
    left_out: list[str] = []
    for place, member in enumerate(members[:MOST_KEYS], 1):
        try:
            key = read_key(member)
        except NotKeys as error:
            left_out.append(f"{_named(member, place)}: {error}")
            continue
        found[key.kid] = (*found.get(key.kid, ()), key)
    return KeySet(found, tuple(left_out))


def read_key(member: Any) -> Key:
    """One key of a set. Raises NotKeys, saying why it cannot be used."""
    if not isinstance(member, Mapping):
        raise NotKeys("not an object")
    kty = member.get("kty")
    if kty == "oct" or any(name in member for name in _PRIVATE):
        raise NotKeys("a symmetric or private key")
    if not isinstance(kty, str) or kty not in _MEMBERS:
        raise NotKeys("not a kind of key that is known here")
    kind = Kind(kty, str(member.get("crv", "")) if kty != "RSA" else "")
    if kind not in _SOME_ALGORITHM:
        raise NotKeys("not a curve that is known here")
    return Key(_kid(member), kind, _algorithm(member, kind), _material(member, kind))


def _kid(member: Mapping[str, Any]) -> str:
    kid = member.get("kid")
    if not isinstance(kid, str) or not kid or len(kid) > LONGEST_KID:
        raise NotKeys("no kid")
    return kid


def _algorithm(member: Mapping[str, Any], kind: Kind) -> str:
    """The algorithm the key says it is for, once it says nothing against signatures."""
    if member.get("use", "sig") != "sig":
        raise NotKeys("not for signatures")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise NotKeys("not for verifying")
    algorithm = member.get("alg", "")
    if algorithm and (not isinstance(algorithm, str) or ALGORITHMS.get(algorithm) != kind):
        raise NotKeys("its algorithm does not fit the key")
    return str(algorithm or "")


def _material(member: Mapping[str, Any], kind: Kind) -> Any:
    from jwt import PyJWK

    plain = {"kty": kind.kty, **{name: member.get(name) for name in _MEMBERS[kind.kty]}}
    try:
        material: Any = PyJWK(plain, _SOME_ALGORITHM[kind]).key
    except Exception:
        # The library raises what it likes for odd numbers and points.
        raise NotKeys("not a key that can be read") from None
    if kind.kty == "RSA" and not SHORTEST_RSA <= material.key_size <= LONGEST_RSA:
        raise NotKeys(f"RSA of {material.key_size} bits; {SHORTEST_RSA} to {LONGEST_RSA} are accepted")
    if kind.crv in _CURVES:
        from cds_service.clients.curves import CurveKey

        return CurveKey(material)
    return material


def _named(member: Any, place: int) -> str:
    kid = member.get("kid") if isinstance(member, Mapping) else None
    short = isinstance(kid, str) and 0 < len(kid) <= LONGEST_KID and kid.isprintable()
    return str(kid) if short else f"key {place}"


def verifies(algorithm: str, keys: Iterable[Key], signed: bytes, signature: bytes) -> bool:
    """Whether one of *keys* made *signature* over *signed* with *algorithm*; whatever goes wrong is a no."""
    method = _method(algorithm)
    for key in keys:
        if key.fits(algorithm):
            try:
                if method(signed, key.material, signature):
                    return True
            except Exception:
                continue
    return False


def _method(algorithm: str) -> Callable[[bytes, Any, bytes], bool]:
    known = _METHODS.get(algorithm)
    if known is None:
        from jwt.algorithms import get_default_algorithms

        known = _METHODS[algorithm] = get_default_algorithms()[algorithm].verify
    return known


_METHODS: dict[str, Callable[[bytes, Any, bytes], bool]] = {}
"""By name, how the library verifies; loaded at first use, because a service without callers' keys needs none."""
