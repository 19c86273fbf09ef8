"""What ``clients.yaml`` may say of a client's tokens, and what is told when it is wrong."""

import json

import pytest

from cds_service.clients import checked, parse
from cds_service.clients.trust import Trust
from cds_service.errors import ContentError
from tests.clients.callers import jwk, jwks, key

JKU = "https://ehr.example/jwks.json"


def problems(text, folder=None):
    with pytest.raises(ContentError) as caught:
        parse(text.encode(), (), folder=folder)
    return [str(problem) for problem in caught.value.problems]


def one(text, folder=None):
    return parse(f"main:\n  issuer: https://ehr.example\n{text}".encode(), folder=folder)["main"].trust


def test_an_address_of_keys_and_everything_else_by_default():
    assert one(f"  jku: {JKU}\n") == Trust(issuer="https://ehr.example", jku=JKU)
    assert one(f"  jku: {JKU}\n").algorithms == ("ES384", "RS384")


def test_every_member_is_read():
    text = f"""  jku: {JKU}
  audiences: [urn:site:cds, "https://other.example/x"]
  algorithms: [ES256, EdDSA]
  tenant: north
  leeway: 1 minute
  lifetime: 15 minutes
"""
    assert one(text) == Trust(
        issuer="https://ehr.example", jku=JKU, audiences=frozenset({"urn:site:cds", "https://other.example/x"}),
        algorithms=("ES256", "EdDSA"), tenant="north", leeway=60, lifetime=900,
    )  # fmt: skip


def test_keys_in_the_entry_and_in_a_file_are_the_same(tmp_path):
    (tmp_path / "main.json").write_bytes(jwks(jwk(key())))
    inside = one(f"  keys: [{json.dumps(jwk(key()))}]\n")
    assert json.loads(inside.keys) == json.loads(one("  keys: main.json\n", tmp_path).keys)


def test_with_keys_the_address_is_only_compared(tmp_path):
    (tmp_path / "main.json").write_bytes(jwks())
    assert one(f"  keys: main.json\n  jku: {JKU}\n", tmp_path).jku == JKU


def test_callers_are_checked_once_a_client_carries_keys():
    assert checked(parse(f"main: {{issuer: x, jku: '{JKU}'}}".encode()))
    assert not checked(parse(b"main: {profile: epic}"))


def test_two_hospitals_of_one_vendor_are_told_apart_by_tenant():
    text = "\n".join(f"{name}: {{issuer: x, jku: '{JKU}', tenant: {name}}}" for name in ("north", "south"))
    assert set(parse(text.encode())) == {"north", "south"}


@pytest.mark.parametrize(
    ("first", "second"), [("", ""), ("tenant: a", "tenant: a"), ("tenant: a", ""), ("", "tenant: a")]
)
def test_one_issuer_twice_without_tenants_is_refused(first, second):
    text = f"north:\n  issuer: x\n  jku: {JKU}\n  {first}\nsouth:\n  issuer: x\n  jku: {JKU}\n  {second}\n"
    (said,) = problems(text)
    assert said.startswith("clients.yaml:5: south has the issuer of another client") and "tenant" in said


def test_of_several_clients_none_gets_the_servers_of_all():
    text = "\n".join(f"{name}: {{issuer: {name}, jku: '{JKU}'}}" for name in ("north", "south"))
    assert all(client.fhir_servers == () for client in parse(text.encode(), ("https://fhir.example",)).values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  jku: http://ehr.example/k", "3: jku: http://ehr.example/k cannot be called"),
        ("  jku: https://ehr.example/k?a=b", "3: jku: https://ehr.example/k?a=b cannot be called"),
        ("  jku: https://u:secret@ehr.example/k", "3: jku: what was given (not shown) cannot be called"),
        ("  jku: file:///etc/passwd", "3: jku: file:///etc/passwd cannot be called"),
        ("  jku: [a]", "3: jku is not a text"),
        (f"  jku: {JKU}\n  algorithms: [HS256]", "4: HS256 is not an algorithm that may be used; use some of ES256"),
        (f"  jku: {JKU}\n  algorithms: [none]", "4: none is not an algorithm that may be used"),
        (f"  jku: {JKU}\n  algorithms: ES384", "4: algorithms is not a list of texts"),
        (f"  jku: {JKU}\n  audiences: [[a]]", "4: audiences is not a list of texts"),
        (f"  jku: {JKU}\n  leeway: 2 minutes", "4: leeway: 2 minutes is not right; give at most 60 seconds"),
        (f"  jku: {JKU}\n  lifetime: 2 hours", "4: lifetime: 2 hours is not right; give at most 3600 seconds"),
        (f"  jku: {JKU}\n  lifetime: soon", "4: lifetime: soon is not right"),
        (f"  jku: {JKU}\n  lifetime: 0 seconds", "4: lifetime: 0 seconds is not right"),
        (f"  jku: {JKU}\n  issuers: x", "4: issuers is not a member of a client; did you mean issuer?"),
        ("  keys: none.json", "3: keys cannot be read; name a file in the site's folder"),
        ("  keys: ../outside.json", "3: keys cannot be read"),
        ("  keys: {a: b}", "3: keys cannot be read"),
        ("  keys: empty.json", "3: keys: keys is not a list; give a JWK set"),
        ("  keys: []", "3: keys: there is none"),
        ("  keys: [{kty: oct, kid: a, k: c2VjcmV0}]", "3: keys: a: a symmetric or private key"),
        ("  keys: [x]", "3: keys: key 1: not an object"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line_and_remedy(text, said, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "outside.json").write_bytes(jwks())
    (tmp_path / "site" / "empty.json").write_text('{"keys": 1}')
    (told,) = problems(f"main:\n  issuer: https://ehr.example\n{text}\n", tmp_path / "site")
    assert told.startswith(f"clients.yaml:{said}") and "; " in told and "secret" not in told


def test_an_issuer_is_needed():
    assert problems(f"main:\n  jku: {JKU}\n") == [
        "clients.yaml:1: main has no issuer; give the iss of its tokens, letter for letter"
    ]


def test_everything_wrong_is_told_at_once():
    told = problems("a:\n  jku: x\n  leeway: x\n  algorithms: [x]\nb:\n  profile: x\nc:\n  issuer: y\n")
    assert len(told) == 7 and told == sorted(told)
