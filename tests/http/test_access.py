import asyncio

import pytest

from cds_service.clients.clients import Client
from cds_service.clients.trust import Trust
from cds_service.errors import SettingsError, UnknownCaller
from cds_service.http.access import Access, bearer, check_doors
from cds_service.settings import read

OPEN = {"local": Client("local")}
CLOSED = {"main": Client("main", trust=Trust(issuer="https://ehr.example", keys=b"{}"))}
PUBLIC = {"CDS_PUBLIC_URL": "https://cds.example"}


class Door:
    def __init__(self, says):
        self.says, self.asked = says, []

    async def admit(self, sent, audience):
        self.asked.append((sent, audience))
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def identified(access, path="/cds-services", **headers):
    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    return asyncio.run(access.identify(scope, path))


def test_without_keys_everybody_is_the_one_client():
    client = Client("main-hospital", "epic")
    assert identified(Access({"main-hospital": client}), authorization="x") is client


def test_with_keys_the_token_says_who_it_is():
    door = Door(CLOSED["main"])
    access = Access(CLOSED, door, "https://cds.example")
    assert identified(access, authorization="Bearer abc") is CLOSED["main"]
    assert door.asked == [(b"abc", "https://cds.example/cds-services")]


def test_a_fault_in_the_check_lets_nobody_in(capsys):
    with pytest.raises(UnknownCaller) as caught:
        identified(Access(CLOSED, Door(ValueError("secret"))), authorization="Bearer abc")
    assert caught.value.reason == "fault"
    said = "".join(capsys.readouterr())
    assert "check of a caller failed" in said and "secret" not in said


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "no token"),
        ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")], "two tokens"),
        ([(b"authorization", b"Basic a")], "scheme"),
        ([(b"authorization", b"")], "scheme"),
        ([(b"authorization", b"a.b.c")], "scheme"),
    ],
)
def test_what_is_no_bearer_token_is_refused(headers, reason):
    with pytest.raises(UnknownCaller) as caught:
        bearer(headers)
    assert caught.value.reason == reason


@pytest.mark.parametrize("word", [b"bearer", b"BEARER", b"Bearer"])
def test_the_scheme_has_any_case(word):
    assert bearer([(b"authorization", word + b" abc")]) == b"abc"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_listening_on_this_machine_is_fine(host):
    check_doors(read({"CDS_HOST": host}), OPEN)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "cds.example"])
def test_listening_to_others_needs_clients_with_keys(host):
    with pytest.raises(SettingsError, match="CDS_HOST"):
        check_doors(read({"CDS_HOST": host}), OPEN)
    check_doors(read({"CDS_HOST": host, **PUBLIC}), CLOSED)


def test_tokens_need_an_address_they_are_for():
    with pytest.raises(SettingsError, match="CDS_PUBLIC_URL: nothing was given"):
        check_doors(read({}), CLOSED)
    check_doors(read(PUBLIC), CLOSED)
