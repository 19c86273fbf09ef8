"""``cds-service clients test``: which step fails and what would be right, and never the token."""

from __future__ import annotations

import io
import json

import pytest

from cds_service import cli
from cds_service.clients.checks import REMEDIES
from tests.clients.callers import ENDPOINT, ISSUER, PUBLIC, entry, jwk, jwks, key, token


@pytest.fixture
def test(tmp_path, monkeypatch, capsys):
    (tmp_path / "clients.yaml").write_text(json.dumps({"main": entry(audiences=["urn:site"])}))
    monkeypatch.setenv("CDS_SITE", str(tmp_path))
    monkeypatch.setenv("CDS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CDS_PUBLIC_URL", PUBLIC)

    def test(sent: str) -> tuple[int, str]:
        status = cli.main(["clients", "test", sent])
        said = capsys.readouterr()
        assert not [part for part in sent.split(".") if len(part) > 20 and part in said.out + said.err]
        return status, said.out + said.err

    return test


def test_a_right_token_passes_every_step(test):
    status, said = test(token(jti="secret-id"))
    assert status == 0 and said.endswith("Accepted.\n") and "NO" not in said
    assert f"iss {ISSUER} → client main" in said and "keys of the client's entry: first, rsa" in said
    assert "secret-id" not in said
    assert test("Authorization: Bearer " + token())[0] == 0


def test_it_is_read_from_standard_input(test, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(token() + "\n"))
    assert test("-")[0] == 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: "x", "form: send header, claims"),
        (lambda: token(iss="https://other"), f"issuer: given iss https://other; {REMEDIES['issuer']}; known are {ISSUER}"),
        (lambda: token(key("ES256"), "ES256", {"kid": "first"}), "algorithm: given alg ES256"),
        (lambda: token(head={"jku": "https://x"}), "jku: given jku https://x"),
        (lambda: token(aud="https://x"), f"right are {PUBLIC}/cds-services, {ENDPOINT}"),
        (lambda: token(aud="https://x"), "urn:site"),
        (lambda: token(exp=1_700_000_000, iat=1_699_999_900), "expired: given iat 2023-11-14T22:11:40+00:00"),
        (lambda: token(jti=None), "jti: give each token an id"),
        (lambda: token(head={"kid": "x"}), "unknown key: publish the key"),
        (lambda: token(key("ES384", "stranger")), "signature: sign with the private key"),
        (lambda: token(iss="a\x1b[31m\n" + "b" * 5000), "iss a?[31m?bbbb"),
        (lambda: "a" * 9_000, "size: send a token of at most 8192"),
    ],
)  # fmt: skip
def test_the_step_that_fails_is_told_with_what_would_be_right(test, make, said):
    status, told = test(make())
    assert status == 1 and told.endswith("Not accepted.\n") and said in told
    assert "\x1b" not in told


def test_a_token_that_was_used_is_told_and_testing_uses_none(test, tmp_path):
    from tests.requirements.house import opened

    sent = token()
    assert [test(sent)[0], test(sent)[0]] == [0, 0]
    with opened(tmp_path) as house:
        house.accepts(sent)
    (tmp_path / "clients.yaml").write_text(json.dumps({"main": entry()}))
    status, said = test(sent)
    assert status == 1 and "first use  NO   send each token once" in said


def test_keys_that_were_left_out_are_told(test, tmp_path):
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self):
            body = jwks(jwk(key("RS384", "short", 1024), "short"), jwk(key("ES384", "other")))
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        jku = f"http://127.0.0.1:{server.server_port}/keys"
        (tmp_path / "clients.yaml").write_text(json.dumps({"main": {"issuer": ISSUER, "jku": jku}}))
        status, said = test(token())
        thread.join(5)
    assert status == 1 and "keys at the client's jku: first; left out: short: RSA of 1024 bits" in said


def test_without_keys_there_is_nothing_to_test(test, tmp_path):
    (tmp_path / "clients.yaml").write_text("main: {profile: epic}")
    status, said = test(token())
    assert status == 1 and "no client of clients.yaml carries keys" in said


def test_everything_wrong_is_told_at_once(test, tmp_path, monkeypatch, capsys):
    (tmp_path / "clients.yaml").write_text("main: {profile: x, issuer: y}")
    monkeypatch.setenv("CDS_PORT", "x")
    monkeypatch.setenv("CDS_HOST", "0.0.0.0")
    assert cli.main(["serve"]) == cli.USAGE
    said = capsys.readouterr().err
    assert "CDS_PORT" in said and "clients.yaml:1: x is not a profile" in said and "main has no keys" in said


def test_serving_others_without_keys_is_refused_at_the_start(test, tmp_path, monkeypatch, capsys):
    (tmp_path / "clients.yaml").write_text("main: {profile: epic}")
    monkeypatch.setenv("CDS_HOST", "0.0.0.0")
    assert cli.main(["serve"]) == cli.USAGE
    assert "CDS_HOST: '0.0.0.0' can be reached from other machines" in capsys.readouterr().err
