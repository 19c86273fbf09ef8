"""Requirements 1 to 36 and 41 to 46: which tokens are believed, and that nothing is told by a refusal."""

from __future__ import annotations

import asyncio
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cds_service.http.routes import CALLS
from tests.clients.callers import ENDPOINT, ISSUER, PUBLIC, b64, claims, entry, header, jwk, jwks, key, signed, token
from tests.http.rim import SELECT, SIGN
from tests.requirements.house import opened, refused

NOW = time.time


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("house")) as house:
        yield house


def raw(head, body, signature=b"\0" * 96) -> str:
    """A token of any text, signed with nothing."""
    return (
        ".".join(b64(part if isinstance(part, bytes) else json.dumps(part)) for part in (head, body))
        + "."
        + b64(signature)
    )


def changed(sent: str, **parts: str) -> str:
    """*sent* with its head, body or signature put in place of another."""
    head, body, signature = sent.split(".")
    return ".".join((parts.get("head", head), parts.get("body", body), parts.get("signature", signature)))


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_a_right_token_gets_advice(house, algorithm):
    house.accepts(token(algorithm=algorithm))
    house.accepts(token(algorithm=algorithm, nbf=int(NOW()) - 300, sub="x", aud=[ENDPOINT, "other"]))


# row 1


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no token"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, "scheme"),
        ({"authorization": "Bearer"}, "scheme form"),
        ({"authorization": ""}, "scheme"),
        ({"cookie": "token={token}"}, "no token"),
        ({"x-authorization": "Bearer {token}"}, "no token"),
        ({"authorization": "{token}"}, "scheme"),
        ({"authorization": "Token {token}"}, "scheme"),
        ({"authorization": "Bearer {token} {token}"}, "form"),
        ({"authorization": "Bearer {token},Bearer {token}"}, "form"),
        ([("authorization", "Bearer {token}"), ("Authorization", "Bearer {token}")], "two tokens"),
        ([("authorization", "Basic x"), ("authorization", "Bearer {token}")], "two tokens"),
    ],
)
def test_row_01_no_token_other_scheme_or_two(house, headers, reason):
    sent = token()
    pairs = headers.items() if isinstance(headers, dict) else headers
    given = [(name, value.replace("{token}", sent)) for name, value in pairs]
    house.refuses(None, *([reason] if reason in ("no token", "two tokens") else reason.split()), headers=given)
    house.accepts(sent)


def test_row_01_token_in_the_query(house):
    for name in ("token", "access_token", "jwt", "authorization"):
        house.refuses(None, "no token", path=f"{SIGN}?{name}={token()}")


# rows 2 and 3


@pytest.mark.parametrize(
    "sent",
    [
        "", " ", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "....", "=.=.=", "é.é.é", "\udcff.\udcfe.a",
        "!!!.???.***", "e30.e30.", "e30..e30", ".e30.e30", "e30.e30.e30=", "e30.e3 0.e30", "\t", "null.null.null",
        raw(b"\xff\xfe", {}), raw(b"", b""), raw([], {}), raw({}, []), raw("x", 1), raw(None, True), raw({}, {}),
        raw('{"alg":"ES384"}'.encode("utf-16"), {}), raw(b'\xef\xbb\xbf{"alg":"ES384"}', {}), raw(b'{"alg":"ES384"', {}),
        raw(b'{"alg":"ES384"}}', {}), raw({"alg": "ES384", "kid": "first"}, b'{"exp": NaN}'), raw(b"[" * 3000, {}),
        raw(b'{"a":' * 1000 + b"1" + b"}" * 1000, {}), raw(b"[" * 1500 + b"]" * 1500, {}), raw({}, b'{"iss": "\\ud800"}'),
        raw({"alg": 384, "kid": 1, "typ": 2}, {"iss": 3}), raw({"alg": ["ES384"], "kid": {}, "typ": []}, {"iss": []}),
        raw({"alg": None, "kid": None, "typ": None}, {"iss": None}), raw({"alg": "ES384", "kid": "first"}, b'{"exp": 1e999}'),
        raw({"typ": {"a": 1}, "alg": {}}, {}), raw({"typ": "JWT", "kid": "first", "alg": {}}, claims()),
    ],
)  # fmt: skip
def test_row_02_malformed_token(house, sent):
    refused(house.send(sent))


def test_row_02_a_signed_token_nested_4000_deep(house):
    for deep in ('{"a":' * 4000 + "1" + "}" * 4000, '{"a":' + "[" * 4000 + "]" * 4000 + "}"):
        refused(house.send(signed(json.dumps(header()), deep, key())))
        refused(house.send(signed(deep, json.dumps(claims()), key())))
    deep = json.dumps(claims())[:-1] + ', "a":' + "[" * 900 + "]" * 900 + "}"
    assert house.send(signed(json.dumps(header()), deep, key())).status_code in (200, 401)


@pytest.mark.parametrize(
    "sent",
    [
        "a" * 65_536, "a" * 1_000_000, "." * 20_000, "a." * 20_000, f"{'a' * 400_000}.{'b' * 400_000}.{'c' * 100}",
        lambda: token(jti="x" * 5_000), lambda: token(head={"kid": "k" * 20_000}), lambda: token(sub="é" * 300_000),
    ],
)  # fmt: skip
def test_row_03_giant_token(house, sent):
    sent = sent() if callable(sent) else sent
    began = NOW()
    house.refuses(sent, "size", "jti")
    assert NOW() - began < 1


# rows 4 to 11


@pytest.mark.parametrize(
    "spelling", ["none", "None", "NONE", "nOnE", "none ", " none", "", "null", "n\u00f3ne", None, 0, False]
)
@pytest.mark.parametrize("signature", [b"", b"\0" * 96, b"x"])
def test_row_04_alg_none(house, spelling, signature):
    refused(house.send(raw({**header(), "alg": spelling}, claims(), signature)))


def public_forms(private):
    public = private.public_key()
    form = PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(Encoding.PEM, form)
    return [
        pem, pem.strip(), public.public_bytes(Encoding.DER, form), json.dumps(jwk(private)).encode(),
        json.dumps(jwk(private), separators=(",", ":")).encode(), json.dumps(json.loads(jwks())).encode(), b64(pem).encode(),
    ]  # fmt: skip


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("kid", ["first", "rsa"])
def test_row_05_hmac_with_the_public_key(house, algorithm, kid):
    import hashlib
    import hmac

    for secret in public_forms(key("RS384" if kid == "rsa" else "ES384")):
        start = f"{b64(json.dumps(header(algorithm, kid=kid)))}.{b64(json.dumps(claims()))}"
        made = hmac.digest(secret, start.encode(), getattr(hashlib, f"sha{algorithm[2:]}"))
        house.refuses(f"{start}.{b64(made)}", "algorithm")


@pytest.mark.parametrize("secret", [b"", b"first", b"\0", b"null", b"secret"])
def test_row_06_hmac_with_empty_key_or_kid(house, secret):
    import hmac

    start = f"{b64(json.dumps(header('HS256', kid='first')))}.{b64(json.dumps(claims()))}"
    house.refuses(f"{start}.{b64(hmac.digest(secret, start.encode(), 'sha256'))}", "algorithm")


@pytest.mark.parametrize(("algorithm", "kid"), [("RS384", "first"), ("ES384", "rsa")])
def test_row_07_alg_does_not_fit_the_key(house, algorithm, kid):
    house.refuses(token(key(algorithm), algorithm, {"kid": kid}), "unknown key")
    house.refuses(changed(token(), head=b64(json.dumps(header("RS384", kid="first")))), "unknown key")


@pytest.mark.parametrize("algorithm", ["ES256", "ES512", "RS256", "RS512", "PS256", "PS384", "EdDSA"])
def test_row_08_alg_outside_the_clients_list(house, algorithm):
    house.refuses(token(key(algorithm), algorithm, {"kid": "first"}), "algorithm")


@pytest.mark.parametrize(
    "algorithm", ["ES384 ", "es384", "ES384\0", "Es384", "ES385", "ES256K", "dir", "RSA-OAEP", "HS384", "__class__"]
)
def test_row_08_alg_that_is_none_of_ours(house, algorithm):
    house.refuses(token(key(), "ES384", {"alg": algorithm}), "algorithm")


def test_row_08_alg_of_the_jwk_differs(tmp_path):
    own = entry(keys=[jwk(key("RS384"), "rsa", alg="RS256")], algorithms=["RS256", "RS384"])
    with opened(tmp_path, {"main": own}) as house:
        house.refuses(token(algorithm="RS384"), "unknown key")
        house.accepts(token(key("RS384"), "RS256", {"kid": "rsa"}))


def test_row_08_other_algorithms_by_choice(tmp_path):
    own = entry(keys=[jwk(key("EdDSA"))], algorithms=["EdDSA"])
    with opened(tmp_path, {"main": own}) as house:
        house.accepts(token(key("EdDSA"), "EdDSA", {"kid": "first"}))
        house.refuses(token(), "algorithm")


@pytest.mark.parametrize("cut", [-1, -4, -10, 1, 40])
def test_row_11_truncated_signature(house, cut):
    sent = token()
    house.refuses(changed(sent, signature=sent.split(".")[2][:cut]), "signature", "form")


def test_row_11_flipped_signature(house):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for algorithm in ("ES384", "RS384"):
        sent = token(algorithm=algorithm)
        head, body, signature = sent.split(".")
        for place in (0, 1, len(signature) // 2, len(signature) - 1):
            for other in alphabet[::9]:
                if other != signature[place]:
                    flipped = signature[:place] + other + signature[place + 1 :]
                    house.refuses(f"{head}.{body}.{flipped}", "signature", "form")
        house.accepts(sent)


@pytest.mark.parametrize(
    "signature", [b"\0" * 96, b"\xff" * 96, b"\0" * 256, b"\0", b"\0" * 95 + b"\1", b"\1" * 97, b""]
)
@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_row_11_all_zero_signature(house, signature, algorithm):
    house.refuses(raw(header(algorithm), claims(), signature), "signature", "form")


def test_row_11_der_encoded_signature(house):
    sent = token()
    plain = jwt.utils.base64url_decode(sent.split(".")[2])
    parts = (int.from_bytes(half, "big") for half in (plain[:48], plain[48:]))
    house.refuses(changed(sent, signature=b64(encode_dss_signature(*parts))), "signature")


def test_row_11_swapped_payload(house):
    one, other = token(), token(jti="another")
    house.refuses(changed(one, body=other.split(".")[1]), "signature")
    house.refuses(changed(one, head=token(algorithm="RS384").split(".")[0]), "signature")
    house.refuses(changed(one, signature=other.split(".")[2]), "signature")
    house.refuses(token(key("ES384", "stranger")), "signature")


# rows 17 to 21


@pytest.mark.parametrize("member", ["jwk", "x5c", "x5u"])
def test_row_17_key_brought_along(house, member):
    stranger = key("ES384", "stranger")
    brought = {"jwk": jwk(stranger), "x5c": ["MIIB"], "x5u": "https://evil.example/cert"}[member]
    house.refuses(token(stranger, head={member: brought}), "key in the header")
    house.refuses(token(head={member: brought}), "key in the header")


@pytest.mark.parametrize(
    "kid",
    [
        None, "", 0, 1.5, True, [], ["first"], {}, {"kid": "first"}, "First", "first ", " first", "first\0", "other",
        "../../etc/passwd", "/dev/null", "' OR '1'='1", "first'; DROP TABLE keys;--", "first\r\nX-Evil: 1", "k" * 4096,
        "\u202efirst", "ｆｉｒｓｔ", "__class__", "0",
    ],
)  # fmt: skip
def test_row_18_kid_that_is_none(house, kid):
    for head in ({"kid": kid}, {"kid": kid, "alg": "ES384"}):
        house.refuses(token(head=head), "kid", "unknown key")


def test_row_18_kid_null(house):
    house.refuses(signed(json.dumps({**header(), "kid": None}), json.dumps(claims()), key()), "kid")


@pytest.mark.parametrize("crit", [["b64"], ["exp"], ["unknown"], [], "b64", None, {}, ["alg"]])
def test_row_19_crit(house, crit):
    head = json.dumps({**header(), "crit": crit, "unknown": 1})
    house.refuses(signed(head, json.dumps(claims()), key()), "critical header")
    head = json.dumps({**header(), "crit": crit, "b64": False})
    house.refuses(signed(head, json.dumps(claims()), key()), "critical header")
    house.refuses(signed(json.dumps({**header(), "b64": False}), json.dumps(claims()), key()), "critical header")


@pytest.mark.parametrize(
    "typ", ["at+jwt", "JWE", "JOSE", "dpop+jwt", "secevent+jwt", "", None, 1, ["JWT"], "JWT ", "application/jwt"]
)
def test_row_20_other_typ(house, typ):
    house.refuses(token(head={"typ": typ}), "type")
    house.refuses(signed(json.dumps({**header(), "typ": typ}), json.dumps(claims()), key()), "type")


def test_row_21_duplicate_names(house):
    head, body = json.dumps(header()), json.dumps(claims())
    for twice in (
        body[:-1] + ', "iss": "x"}',
        body[:-1] + f', "iss": "{ISSUER}"}}',
        body[:-1] + ', "\\u0069ss": "x"}',
        body[:-1] + ', "a": {"b": 1, "b": 1}}',
        body[:-1] + ', "a": [{"b": "\\\\", "b": ":\\":"}]}',
        '{"exp": 1, ' + body[1:],
    ):
        house.refuses(signed(head, twice, key()), "duplicate name")
    for twice in (head[:-1] + ', "alg": "none"}', '{"kid": "x", ' + head[1:], head[:-1] + ', "x": {"a": 1, "a": 1}}'):
        house.refuses(signed(twice, body, key()), "duplicate name")
    house.accepts(signed(head, body[:-1] + ', "a": {"iss": ":"}, "b": "\\":\\\\", ":": [{"exp": "::"}]}', key()))


# rows 22 to 24


@pytest.mark.parametrize(
    "audience",
    [
        None, "", PUBLIC, PUBLIC + "/", PUBLIC + CALLS, ENDPOINT + "/", ENDPOINT[:-1], ENDPOINT + "x", ENDPOINT + "/feedback",
        PUBLIC + SELECT, ENDPOINT.upper(), ENDPOINT.replace("https", "http"), ENDPOINT.replace("//", "//x@"), ENDPOINT + "?",
        ENDPOINT + "#", ENDPOINT + " ", "*", "https://evil.example" + SIGN, SIGN, "cds.example" + SIGN, 1, True, {}, [], [1],
        [ENDPOINT, 1], [[ENDPOINT]], {"aud": ENDPOINT}, [ENDPOINT] * 21, ENDPOINT.replace("cds.", "CDS."), "https://cds.example:443" + SIGN,
    ],
)  # fmt: skip
def test_row_22_wrong_audience(house, audience):
    house.refuses(token(aud=audience), "audience")


def test_row_22_each_endpoint_has_its_own_audience(house):
    feedback = {"path": SIGN + "/feedback", "content": b'{"feedback": []}'}
    discovery = {"path": CALLS, "method": "GET"}
    for wanted, more in ((SIGN, {}), (SELECT, {"path": SELECT}), (SIGN + "/feedback", feedback), (CALLS, discovery)):
        for named in (SIGN, SELECT, SIGN + "/feedback", SELECT + "/feedback", CALLS):
            if named != wanted:
                house.refuses(token(aud=PUBLIC + named), "audience", **more)
        if wanted != SELECT:
            house.accepts(token(aud=PUBLIC + wanted), **more)


def test_row_22_an_alias_by_choice(tmp_path):
    with opened(tmp_path, {"main": entry(audiences=["urn:site:cds"])}) as house:
        house.accepts(token(aud="urn:site:cds"))
        house.accepts(token(aud=["x", "urn:site:cds"]))
        house.accepts(token(aud="urn:site:cds"), path=CALLS, method="GET")
        house.refuses(token(aud="urn:site:cds2"), "audience")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"}, {"x-forwarded-host": "evil.example"}, {"forwarded": "host=evil.example;proto=https"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "x-forwarded-prefix": ""},
        {"x-original-url": "https://evil.example"}, {"host": "evil.example", "x-forwarded-proto": "https"},
    ],
)  # fmt: skip
def test_row_23_audience_made_right_by_a_header(house, headers):
    house.refuses(token(aud="https://evil.example" + SIGN), "audience", headers=headers)
    house.accepts(token(), headers=headers)


@pytest.mark.parametrize(
    "issuer",
    [None, "", "https://evil.example", ISSUER[:-1], ISSUER + "x", ISSUER + "/", ISSUER.upper(), ISSUER + " ", [ISSUER], {}, 1,
     ISSUER.replace("https", "http"), "main", True, ISSUER + "\0", [], ISSUER.replace("ehr", "ＥＨＲ")],
)  # fmt: skip
def test_row_24_unknown_issuer(house, issuer):
    house.refuses(token(iss=issuer), "issuer")


def test_row_24_null_issuer(house):
    house.refuses(signed(json.dumps(header()), json.dumps({**claims(), "iss": None}), key()), "issuer")


# rows 25 to 30


@pytest.mark.parametrize("ago", [31, 61, 300, 86_400])
def test_row_25_expired(house, ago):
    now = int(NOW())
    house.refuses(token(iat=now - ago - 60, exp=now - ago), "expired")


ODD = ["1", "", True, False, [], [1], {}, None]
NOT_NUMBERS = ["Infinity", "-Infinity", "NaN", "1e400", "1" + "0" * 40, "-1", "0", "1e40", "1e11"]


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ODD)
def test_rows_26_28_time_that_is_no_number(house, claim, value):
    body = json.dumps({**claims(), claim: value})
    house.refuses(signed(json.dumps(header()), body, key()), "time")


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", NOT_NUMBERS)
def test_rows_26_28_time_no_clock_shows(house, claim, value):
    body = json.dumps({**claims(), claim: 1}).replace(f'"{claim}": 1', f'"{claim}": {value}')
    assert value in body
    house.refuses(signed(json.dumps(header()), body, key()), "time", "form")


@pytest.mark.parametrize("claim", ["exp", "iat"])
def test_rows_26_28_time_missing(house, claim):
    house.refuses(token(**{claim: None}), "time")


def test_row_27_lifetime(house, tmp_path):
    now = int(NOW())
    house.accepts(token(iat=now - 10, exp=now + 290))
    house.refuses(token(iat=now, exp=now + 301), "lifetime")
    house.refuses(token(iat=now, exp=now + 10**9), "lifetime")
    house.refuses(token(iat=now + 20, exp=now + 20), "lifetime")
    house.refuses(token(iat=now + 20, exp=now + 10), "lifetime")
    with opened(tmp_path, {"main": entry(lifetime="15 minutes")}) as patient:
        patient.accepts(token(iat=now, exp=now + 900, nbf=now - 300))
        patient.refuses(token(iat=now, exp=now + 901), "lifetime")


@pytest.mark.parametrize("ahead", [45, 120, 3600])
def test_row_28_not_yet_valid(house, ahead):
    now = int(NOW())
    house.refuses(token(iat=now + ahead, exp=now + ahead + 60), "not yet valid")
    house.refuses(token(nbf=now + ahead), "not yet valid")


@pytest.mark.parametrize("seconds", [-20, -5, 5, 20])
def test_row_29_clock_skew_of_some_seconds(house, seconds):
    now = int(NOW())
    house.accepts(token(iat=now + seconds, exp=now + seconds + 240))
    house.accepts(token(iat=now - 240 + seconds, exp=now + seconds if seconds < 0 else now + 10))
    house.accepts(token(iat=NOW() + seconds, exp=NOW() + seconds + 240.5, nbf=NOW() + seconds))


@pytest.mark.parametrize("jti", [None, "", 0, 1, True, [], ["a"], {}, 1.5, "a\0b", "a\nb", "x" * 257])
def test_row_30_jti_that_is_none(house, jti):
    house.refuses(token(jti=jti), "jti")
    house.refuses(signed(json.dumps(header()), json.dumps({**claims(), "jti": jti}), key()), "jti")


# rows 31 to 36


def test_row_31_replay(house):
    sent = token(jti="row-31")
    house.accepts(sent)
    for _ in range(3):
        house.refuses(sent, "used before")
    house.refuses(token(jti="row-31"), "used before")
    house.refuses(token(algorithm="RS384", jti="row-31", exp=int(NOW()) + 100), "used before")


def test_row_32_sixteen_parallel_uses(house):
    for algorithm in ("ES384", "RS384"):
        answers = house.send_all([token(algorithm=algorithm)] * 16)
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15


def test_row_33_replay_on_another_endpoint(tmp_path):
    with opened(tmp_path, {"main": entry(audiences=["urn:all"])}) as house:
        for first, second in ((SIGN, SELECT), (SIGN, SIGN + "/feedback"), (CALLS, SIGN)):
            sent = token(aud="urn:all")
            house.accepts(sent, path=first, method="GET" if first == CALLS else "POST")
            house.refuses(sent, "used before", path=second)


def test_row_33_the_audience_too_keeps_it_from_another_endpoint(house):
    sent = token()
    house.accepts(sent)
    house.refuses(sent, "audience", path=SELECT)


def test_row_34_a_forged_token_burns_no_jti(house):
    sent = token(jti="row-34")
    for forged in (
        token(key("ES384", "stranger"), jti="row-34"),
        changed(sent, signature=b64(b"\1" * 96)),
        token(jti="row-34", aud="https://evil.example"),
        token(jti="row-34", exp=int(NOW()) - 100, iat=int(NOW()) - 200),
        token(jti="row-34", head={"kid": "unknown"}),
        raw(header("none"), claims(jti="row-34"), b""),
    ):
        refused(house.send(forged))
    house.accepts(sent)


def test_row_34_jti_belongs_to_its_issuer(tmp_path):
    other = key("ES384", "other")
    both = {"main": entry(), "other": entry(issuer="https://other.example", keys=[jwk(other)])}
    with opened(tmp_path, both) as house:
        house.accepts(token(jti="same"))
        house.accepts(token(other, iss="https://other.example", jti="same"))
        house.refuses(token(other, iss="https://other.example", jti="same"), "used before")


def test_row_35_replay_after_a_restart(tmp_path):
    sent = token()
    with opened(tmp_path) as house:
        house.accepts(sent)
    with opened(tmp_path) as house:
        house.refuses(sent, "used before")
        house.accepts(token())


# rows 41 to 46


def test_row_43_ways_around(house):
    paths = [
        CALLS, CALLS + "/", "/" + CALLS, SIGN, SIGN + "/", SIGN + "//", "/./cds-services/x", SIGN.upper(), SIGN + "%00", SIGN + ";a=b",
        SIGN + "/feedback", SIGN + "/feedback/", SIGN + "%2ffeedback", "/%2e%2e" + SIGN, SIGN + "?x", CALLS + "/none",
        SELECT, SELECT + "/feedback", "/cds-services%2fpediatric-imaging-order-sign", "/docs", "/openapi.json", "/redoc", "/.git/config",
    ]  # fmt: skip
    for path in paths:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "PROPFIND"):
            for headers in (
                {},
                {"origin": "https://ehr.example"},
                {"x-http-method-override": "POST"},
                {"x-original-url": SIGN},
            ):
                answer = house.send(None, path=path, method=method, headers=headers)
                assert 400 <= answer.status_code < 500, (method, path, answer.status_code)


def test_row_43_only_the_way_in_is_told_to_browsers(house):
    headers = {
        "origin": "https://ehr.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    asked = house.send(None, method="OPTIONS", headers=headers)
    assert asked.status_code == 200 and asked.text == "OK"
    answer = house.send(None, headers={"origin": "https://ehr.example"})
    refused(answer)
    assert answer.headers["access-control-allow-origin"] == "*"
    house.accepts(token(), headers={"origin": "https://ehr.example"})


def test_row_44_feedback_without_or_with_forged_token(house):
    more = {"path": SIGN + "/feedback", "content": b'{"feedback": [{"card": "c1", "outcome": "accepted"}]}'}
    house.refuses(None, "no token", **more)
    house.refuses(token(key("ES384", "stranger"), aud=ENDPOINT + "/feedback"), "signature", **more)
    house.refuses(token(), "audience", **more)
    house.rim.store.kept.clear()
    house.refuses(None, "no token", **more)
    assert house.rim.store.kept == []
    house.accepts(token(aud=ENDPOINT + "/feedback"), **more)
    assert [client for client, _ in house.rim.store.kept] == ["main"]


def test_row_45_answers_are_the_same(house):
    sent = [
        None, "x", "a.b.c", token(iss="x"), token(aud="x"), token(key("ES384", "stranger")), token(head={"kid": "x"}),
        token(head={"jku": "https://x"}), token(exp=1), token(jti=None), raw(header("none"), claims()),
    ]  # fmt: skip
    answers = [house.send(one) for one in sent] + [
        house.send(None, path=CALLS, method="GET"),
        house.send(None, path=SIGN + "/feedback"),
    ]
    told = {
        (
            answer.status_code,
            answer.content,
            *(one for one in answer.headers.items() if one[0] not in ("vary", "x-request-id")),
        )
        for answer in answers
    }
    assert len(told) == 1


def test_row_45_a_body_is_not_looked_at_before_the_token(house):
    house.refuses(None, "no token", content=b"{" * 100_000)
    house.refuses(None, "no token", path=CALLS + "/no-such-service")
    assert (
        house.send(token(aud=PUBLIC + CALLS + "/no-such-service"), path=CALLS + "/no-such-service").status_code == 404
    )


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_row_45_a_refusal_takes_as_long_for_an_issuer_that_exists(tmp_path, algorithm):
    with opened(tmp_path) as house:
        kinds = {
            "signature": lambda: token(key(algorithm, "stranger"), algorithm),
            "issuer": lambda: token(key(algorithm, "stranger"), algorithm, iss="https://nobody.example"),
            "jku": lambda: token(key(algorithm, "stranger"), algorithm, {"jku": "https://x"}),
        }
        took: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(40):
            for name, make in kinds.items():
                sent = make()
                began = time.process_time()
                house.send(sent)
                took[name].append(time.process_time() - began)
        middle = {name: sorted(all_)[len(all_) // 4] for name, all_ in took.items()}
        assert max(middle.values()) < 1.5 * min(middle.values()), middle


def test_row_46_no_token_and_no_payload_in_logs(house, capsys):
    marked = "planted-4711"
    sent = [
        token(sub=marked, jti=marked), token(key("ES384", "stranger"), sub=marked), token(iss=marked), token(aud=marked),
        token(head={"kid": marked}), token(head={"jku": f"https://{marked}"}), f"{marked}.{marked}.{marked}", token(head={"typ": marked}),
        raw({"alg": marked, "kid": "first", "typ": "JWT"}, claims()),
    ]  # fmt: skip
    for one in sent:
        answer = house.send(one)
        assert marked not in answer.text
    said = "".join(capsys.readouterr()) + "".join(house.metrics())
    assert "refused" in said and "reason" in said and marked not in said
    assert not [part for one in sent for part in one.split(".") if len(part) > 20 and part in said]


def test_a_call_that_arrives_before_the_start_is_told_to_come_back(tmp_path):
    with opened(tmp_path) as house:
        app = house.rim.app
    import httpx

    async def early():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://cds.test", verify=False
        ) as client:
            return await client.post(SIGN, content=b"{}")

    assert asyncio.run(early()).status_code == 503


def test_open_discovery_by_choice(tmp_path):
    with opened(tmp_path, CDS_DISCOVERY="open") as house:
        assert house.send(None, path=CALLS, method="GET").status_code == 200
        house.refuses(None, "no token")


def test_health_is_open(house):
    assert house.send(None, path="/health/live", method="GET").status_code == 200
    assert house.send(None, path="/health/ready", method="GET").status_code == 200


def test_tenants_tell_hospitals_of_one_issuer_apart(tmp_path):
    vendor = {name: entry(tenant=name) for name in ("north", "south")}
    with opened(tmp_path, vendor) as house:
        for name in vendor:
            house.accepts(token(tenant=name))
            assert house.rim.advisor.asked[-1][0].id == name
        for wrong in (None, "", "west", ["north"], "North", 1):
            house.refuses(token(tenant=wrong), "tenant")
