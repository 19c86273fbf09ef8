"""Requirements 9, 10, 12 to 16 and 37 to 42: where keys come from, and what happens when they don't."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cds_service.clients import key_sets, opening
from tests.clients.callers import ISSUER, entry, header, jwk, jwks, key, token
from tests.fhir.fault_server import Answer, FaultServer, drip, endless, fault_server, hang, raw, reply
from tests.requirements.house import House, opened, refused

OTHER = "https://other.example/fhir"


@contextmanager
def published(folder, answer: Answer | bytes | None = None, **more: object) -> Iterator[tuple[House, FaultServer]]:
    """A house whose client publishes its keys at an address of this machine, which answers *answer*."""
    with asyncio.Runner() as runner:
        life = fault_server()
        server = runner.run(life.__aenter__())
        server.on("/jwks", answer if answer is not None else jwks())
        entries = {"main": {"issuer": ISSUER, "jku": server.base + "/jwks"}, **more}
        try:
            with opened(folder, entries, runner) as house:
                runner.run(asyncio.sleep(0.05))
                yield house, server
        finally:
            runner.run(life.__aexit__(None, None, None))


def passed(monkeypatch, seconds):
    """Let the clock by which keys grow old run ahead."""
    real = time.monotonic
    monkeypatch.setattr(key_sets.FetchedKeys.__init__, "__kwdefaults__", {"clock": lambda: real() + seconds[0]})


@pytest.fixture
def ahead(monkeypatch):
    seconds = [0.0]
    passed(monkeypatch, seconds)
    return seconds


def test_keys_are_fetched_once_and_kept(tmp_path):
    with published(tmp_path) as (house, server):
        for _ in range(5):
            house.accepts(token())
            house.accepts(token(algorithm="RS384", head={"jku": server.base + "/jwks"}))
        assert server.targets == ["/jwks"]
        assert [
            line
            for line in house.metrics()
            if line.startswith('cds_key_fetches_total{client="main",outcome="fetched"} 1')
        ]


# rows 9 and 10


def test_row_09_symmetric_key_in_the_set(tmp_path):
    import hashlib
    import hmac

    from tests.clients.callers import b64, claims

    secret = b"a secret that was published"
    member = {"kty": "oct", "kid": "oct", "k": b64(secret), "alg": "HS256", "use": "sig"}
    with published(tmp_path, jwks(member, jwk(key()))) as (house, _):
        start = f"{b64(json.dumps(header('HS256', kid='oct')))}.{b64(json.dumps(claims()))}"
        house.refuses(f"{start}.{b64(hmac.digest(secret, start.encode(), hashlib.sha256))}", "algorithm")
        house.refuses(token(head={"kid": "oct"}), "unknown key")
        house.accepts(token())


def test_row_10_short_rsa_key(tmp_path):
    short = key("RS384", "short", 1024)
    with published(tmp_path, jwks(jwk(short, "short"), jwk(key()))) as (house, _):
        house.refuses(token(short, "RS384", {"kid": "short"}), "unknown key")
        house.accepts(token())


# rows 12 to 16


@pytest.mark.parametrize(
    "change",
    [
        lambda jku: jku + "x", lambda jku: jku + "/", lambda jku: jku + "?", lambda jku: jku + "#", lambda jku: jku + "#a",
        lambda jku: jku + "?a=b", lambda jku: jku[:-1], lambda jku: jku.replace("http:", "https:"), lambda jku: jku.upper(),
        lambda jku: jku.replace("//", "//user@"), lambda jku: jku.replace("//", "//user:pw@"), lambda jku: jku.replace("127.0.0.1", "127.1"),
        lambda jku: jku.replace("127.0.0.1", "localhost"), lambda jku: jku.replace("//", "//evil.example@"),
        lambda jku: jku.replace("/fhir", "\\@evil.example/fhir"), lambda jku: jku.replace("/fhir", ".evil.example/fhir"),
        lambda jku: "https://evil.example/?" + jku, lambda jku: "https://evil.example/#" + jku, lambda jku: [jku], lambda jku: {"jku": jku},
        lambda jku: jku + "\r\nHost: evil.example", lambda jku: jku + "\0", lambda jku: " " + jku, lambda jku: jku + "/../jwks",
        lambda jku: jku.replace("/jwks", "/./jwks"), lambda jku: jku.replace("/jwks", "/%6awks"), lambda jku: "", lambda jku: 5,
        lambda jku: None, lambda jku: True,
    ],
)  # fmt: skip
def test_rows_12_13_jku_that_is_not_the_registered_one(tmp_path, change):
    with published(tmp_path) as (house, server):
        jku = server.base + "/jwks"
        house.accepts(token(head={"jku": jku}))
        sent = token(key("ES384", "stranger"), head={"jku": change(jku), "x": 1})
        head = json.dumps({**header(), "jku": change(jku)})
        from tests.clients.callers import claims, signed

        house.refuses(signed(head, json.dumps(claims()), key()), "jku")
        refused(house.send(sent))
        assert server.targets == ["/jwks"]


@pytest.mark.parametrize(
    "jku",
    ["file:///etc/passwd", "data:application/json,{}", "//evil.example/jwks", "ftp://x/y", "gopher://x", "unix:/x"],
)
def test_row_16_jku_of_another_scheme(tmp_path, jku):
    with published(tmp_path) as (house, server):
        house.refuses(token(head={"jku": jku}), "jku")
        assert server.targets == ["/jwks"]


def test_row_14_keys_of_another_client(tmp_path):
    other = key("ES384", "other")
    with published(tmp_path, other=entry(issuer=OTHER, keys=[jwk(other, "other")])) as (house, server):
        house.accepts(token(other, head={"kid": "other"}, iss=OTHER))
        house.refuses(token(other, head={"kid": "other"}), "unknown key")
        house.refuses(token(other, head={"kid": "first"}), "signature")
        house.refuses(token(iss=OTHER), "unknown key")
        house.refuses(token(iss=OTHER, head={"jku": server.base + "/jwks"}), "jku")


def test_row_14_keys_at_another_clients_address(tmp_path):
    with asyncio.Runner() as runner:
        life = fault_server()
        server = runner.run(life.__aenter__())
        server.on("/one", jwks())
        server.on("/two", jwks(jwk(key("ES384", "other"), "other")))
        entries = {
            "one": {"issuer": ISSUER, "jku": server.base + "/one"},
            "two": {"issuer": OTHER, "jku": server.base + "/two"},
        }
        with opened(tmp_path, entries, runner) as house:
            house.accepts(token(head={"jku": server.base + "/one"}))
            house.refuses(token(head={"jku": server.base + "/two"}), "jku")
            house.refuses(token(key("ES384", "other"), head={"jku": server.base + "/two", "kid": "other"}), "jku")
            house.refuses(token(key("ES384", "other"), head={"kid": "other"}), "unknown key")
        runner.run(life.__aexit__(None, None, None))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_row_15_redirect(tmp_path, status):
    with published(tmp_path, b"") as (house, server):
        server.on("/jwks", reply("", status, f"location: {server.base}/elsewhere\r\n"))
        server.on("/elsewhere", jwks())
        house.runner.run(asyncio.sleep(0.6))
        house.refuses(token(), "keys unreachable")
        assert "/elsewhere" not in server.targets


def test_row_17_no_request_for_a_key_that_is_brought_along(tmp_path):
    with published(tmp_path) as (house, server):
        house.refuses(token(head={"x5u": server.base + "/x5u"}), "key in the header")
        assert server.targets == ["/jwks"]


# rows 37 to 39


BIG = b'{"keys": [' + b" " * 25_000_000 + b"]}"
NEIGHBOUR = entry(issuer=OTHER)


@pytest.mark.parametrize(
    "answer",
    [
        reply("", 500), reply("", 404), reply("", 204), reply("<html>sign in</html>"), reply(b"\xff"), reply("[]"), reply("{}"),
        reply('{"keys": 5}'), reply(BIG), raw(b""), raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"), endless, drip, hang,
        reply("{}", headers="content-encoding: gzip\r\n"),
    ],
)  # fmt: skip
def test_row_37_no_keys_on_a_cold_start(tmp_path, answer):
    with published(tmp_path, answer, other=NEIGHBOUR) as (house, _):
        began = time.monotonic()
        house.refuses(token(), "keys unreachable")
        assert time.monotonic() - began < 2.5
        began = time.monotonic()
        house.refuses(token(), "keys unreachable")
        house.accepts(token(iss=OTHER))
        assert time.monotonic() - began < 0.5


def test_row_37_down_at_the_start_and_up_again(tmp_path):
    with published(tmp_path, reply("", 503)) as (house, server):
        house.refuses(token(), "keys unreachable")
        server.on("/jwks", jwks())
        began = time.monotonic()
        while house.send(token()).status_code != 200:
            assert time.monotonic() - began < 10
            time.sleep(0.05)


def test_row_38_a_hanging_set_holds_up_nobody_else(tmp_path):
    with published(tmp_path, hang, other=NEIGHBOUR) as (house, server):

        async def both():
            slow = [asyncio.create_task(house.sending(token())) for _ in range(5)]
            await asyncio.sleep(0.05)
            began = time.monotonic()
            quick = [await house.sending(token(iss=OTHER)) for _ in range(5)]
            took = time.monotonic() - began
            assert not any(one.done() for one in slow)
            return quick, took, await asyncio.gather(*slow)

        quick, took, slow = house.runner.run(both())
        assert [one.status_code for one in quick] == [200] * 5 and took < 1
        assert [one.status_code for one in slow] == [401] * 5
        assert len(server.targets) == 1


def test_row_39_down_with_the_key_kept(tmp_path, ahead):
    with published(tmp_path) as (house, server):
        house.accepts(token())
        for answer in (reply("", 500), reply("<html>"), hang):
            server.on("/jwks", answer)
            ahead[0] += key_sets.REFRESH_SECONDS + 1
            began = time.monotonic()
            house.accepts(token())
            assert time.monotonic() - began < 0.5
        server.on("/jwks", reply("", 500))
        ahead[0] += key_sets.MOST_AGE_SECONDS
        house.runner.run(asyncio.sleep(0.05))
        house.refuses(token(), "keys unreachable", "unknown key")


# rows 40 to 42


def test_row_40_rotation(tmp_path):
    new = key("ES384", "new")
    with published(tmp_path) as (house, server):
        house.accepts(token())
        server.on("/jwks", jwks(jwk(new, "new")))
        house.accepts(token())
        house.accepts(token(new, head={"kid": "new"}))
        house.refuses(token(), "unknown key")
        assert len(server.targets) <= 3


def test_row_40_a_withdrawn_key_is_refused_after_the_next_look(tmp_path, ahead):
    with published(tmp_path) as (house, server):
        house.accepts(token())
        server.on("/jwks", jwks(jwk(key("ES384", "new"), "new")))
        ahead[0] += key_sets.REFRESH_SECONDS + 1
        house.accepts(token())
        house.runner.run(asyncio.sleep(0.1))
        house.refuses(token(), "unknown key")


def test_row_40_all_keys_withdrawn(tmp_path, ahead):
    with published(tmp_path) as (house, server):
        house.accepts(token())
        server.on("/jwks", b'{"keys": []}')
        ahead[0] += key_sets.REFRESH_SECONDS + 1
        house.accepts(token())
        house.runner.run(asyncio.sleep(0.1))
        house.refuses(token(), "unknown key")


def test_row_41_forty_unknown_kids(tmp_path):
    with published(tmp_path) as (house, server):
        answers = house.send_all([token(head={"kid": f"unknown-{number}"}) for number in range(20)])
        for answer in answers:
            refused(answer)
        for number in range(20):
            house.refuses(token(head={"kid": f"other-{number}"}), "unknown key")
        assert len(server.targets) <= 6
        house.accepts(token())


def test_row_41_a_token_that_is_wrong_anyway_causes_no_fetch(tmp_path):
    with published(tmp_path) as (house, server):
        for changes in ({"aud": "x"}, {"exp": 1}, {"jti": None}, {"iat": None}):
            refused(house.send(token(head={"kid": "unknown"}, **changes)))
        assert server.targets == ["/jwks"]


def test_row_42_duplicate_kids_and_rotten_members(tmp_path):
    rotten = [
        None, 1, "x", [], {}, {"kty": "EC"}, {"kty": "EC", "kid": "first"}, {**jwk(key()), "x": "!"}, {**jwk(key()), "crv": "P-999"},
        {"kty": "RSA", "kid": "first", "n": "AQAB", "e": "AQAB"}, {"kty": "RSA", "kid": "first", "n": "", "e": ""},
        {"kid": {"a": 1}, "kty": ["RSA"]}, jwk(key("ES384", "twin")), {**jwk(key()), "use": "enc"}, {**jwk(key()), "key_ops": 5},
    ]  # fmt: skip
    with published(tmp_path, jwks(*rotten, jwk(key()), jwk(key("RS384"), "rsa"))) as (house, _):
        house.accepts(token())
        house.accepts(token(algorithm="RS384"))
        house.accepts(token(key("ES384", "twin")))
        house.refuses(token(key("ES384", "stranger")), "signature")
        house.refuses(token(head={"kid": "unlisted"}), "unknown key")


def test_two_clients_at_one_address_fetch_once(tmp_path):
    with asyncio.Runner() as runner:
        life = fault_server()
        server = runner.run(life.__aenter__())
        server.on("/jwks", jwks())
        entries = {
            name: {"issuer": ISSUER, "jku": server.base + "/jwks", "tenant": name} for name in ("north", "south")
        }
        with opened(tmp_path, entries, runner) as house:
            house.accepts(token(tenant="north"))
            house.accepts(token(tenant="south"))
            assert server.targets == ["/jwks"]
        runner.run(life.__aexit__(None, None, None))


def test_keys_are_read_from_nowhere_but_registered_addresses(tmp_path):
    with published(tmp_path) as (_, server):
        (base,) = opening.Outbound([server.base + "/jwks"]).bases
        assert base == server.base + "/jwks"


def test_a_registered_set_with_an_address_is_never_fetched(tmp_path):
    with published(tmp_path) as (_, server):
        pass
    server.asked.clear()
    with opened(tmp_path, {"main": entry(jku=server.base + "/jwks")}) as house:
        house.accepts(token(head={"jku": server.base + "/jwks"}))
        house.refuses(token(head={"jku": server.base}), "jku")
    assert server.asked == []
