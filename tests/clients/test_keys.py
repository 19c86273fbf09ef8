"""What of a JWK set may be used, and what verifies what."""

import json

import pytest

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
