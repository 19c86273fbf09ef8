"""What of a JWK set may be used, and what verifies what."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cds_service.clients.algorithms import ALGORITHMS
from cds_service.clients.decoys import spend
from cds_service.clients.keys import MOST_KEYS, NotKeys, read_keys, verifies
from cds_service.clients.tokens import read_token
from tests.clients.callers import jwk, jwks, key, token


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_of_the_list_verifies_and_tells_a_forgery(algorithm):
    private = key(algorithm)
    keys = read_keys(jwks(jwk(private, alg=algorithm))).keys["first"]
    sent = read_token(token(private, algorithm).encode())
    assert verifies(algorithm, keys, sent.signed, sent.signature)
    assert not verifies(algorithm, keys, sent.signed + b"x", sent.signature)
    assert not verifies(algorithm, keys, sent.signed, sent.signature[:-1])
    for other in set(ALGORITHMS) - {algorithm}:
        assert not verifies(other, keys, sent.signed, sent.signature)
        assert not verifies(other, [one._replace(algorithm="", kind=ALGORITHMS[other]) for one in keys], b"x", b"y")


ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "ES512": (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}
"""How many points each curve has, from the standard that defines it."""


@pytest.mark.parametrize("algorithm", ORDERS)
def test_numbers_no_signer_writes_are_no_signature(algorithm):
    private, order = key(algorithm), ORDERS[algorithm]
    keys = read_keys(jwks(jwk(private))).keys["first"]
    sent = read_token(token(private, algorithm).encode())
    size = len(sent.signature) // 2
    r, s = (int.from_bytes(one) for one in (sent.signature[:size], sent.signature[size:]))
    assert verifies(algorithm, keys, sent.signed, joined(r, order - s, size))  # the same point, mirrored
    for odd in ((0, 0), (0, s), (r, 0), (order, s), (r, order), (s, r), (r + 1, s), (r, s + 1), (1, 1)):
        assert not verifies(algorithm, keys, sent.signed, joined(*odd, size)), odd
    largest = (1 << 8 * size) - 1
    for odd in ((r + order, s), (r, s + order), (largest, s), (largest, largest)):
        if max(odd) <= largest:
            assert not verifies(algorithm, keys, sent.signed, joined(*odd, size)), odd
    for cut in (b"", sent.signature + b"\0", b"\0" + sent.signature, sent.signature[:size], encode_dss_signature(r, s)):
        assert not verifies(algorithm, keys, sent.signed, cut)


def joined(r: int, s: int, size: int) -> bytes:
    """A signature as a token carries it."""
    return r.to_bytes(size) + s.to_bytes(size)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_decoy_is_a_key_that_verifies_nothing(algorithm):
    spend(algorithm, b"signed", b"\x00" * 96)
    spend("none", b"", b"")
    spend(["list"], b"", b"")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kty": "oct"}, "symmetric"),
        ({"d": "AQAB"}, "private"),
        ({"kty": "XX"}, "kind"),
        ({"kty": None}, "kind"),
        ({"kty": ["EC"]}, "kind"),
        ({"crv": "secp256k1"}, "curve"),
        ({"crv": None}, "curve"),
        ({"crv": "P-256"}, "read"),
        ({"kid": None}, "kid"),
        ({"kid": 7}, "kid"),
        ({"kid": ""}, "kid"),
        ({"kid": "x" * 257}, "kid"),
        ({"use": "enc"}, "signatures"),
        ({"key_ops": ["sign"]}, "verifying"),
        ({"key_ops": "verify"}, "verifying"),
        ({"alg": "RS384"}, "fit"),
        ({"alg": "ES256"}, "fit"),
        ({"alg": ["ES384"]}, "fit"),
        ({"x": "AAAA"}, "read"),
        ({"x": 5}, "read"),
    ],
)
def test_keys_of_no_use_are_left_out_and_the_rest_is_used(changes, why):
    found = read_keys(jwks(jwk(key(), **changes), jwk(key(), "good"), None, 5, [], "x"))
    assert list(found.keys) == ["good"]
    assert why in found.left_out[0] and len(found.left_out) == 5


@pytest.mark.parametrize(("bits", "used"), [(1024, False), (2048, True), (3072, True)])
def test_rsa_keys_are_long_enough(bits, used):
    assert bool(read_keys(jwks(jwk(key("RS384", "long", bits)))).keys) is used


def test_two_keys_of_one_name_are_both_tried():
    keys = read_keys(jwks(jwk(key("ES384", "other")), jwk(key()), jwk(key("RS384")))).keys["first"]
    sent = read_token(token().encode())
    assert len(keys) == 3 and verifies("ES384", keys, sent.signed, sent.signature)


@pytest.mark.parametrize(
    "source",
    [b"", b"x", b"[]", b"{}", b'{"keys": 1}', b'{"keys": {}}', b"<html>", b"\xff", b"null", b"[" * 100_000, b'"keys"'],
)
def test_what_is_no_set_is_told(source):
    with pytest.raises(NotKeys):
        read_keys(source)


def test_a_huge_set_is_read_in_part():
    members = [jwk(key(), str(number)) for number in range(MOST_KEYS + 5)]
    assert len(read_keys(json.dumps({"keys": members}).encode()).keys) == MOST_KEYS
