import pytest

from cds_service.clients.clients import Client
from cds_service.errors import SettingsError
from cds_service.http.access import Access, check_host


def test_without_tokens_everybody_is_the_one_client():
    client = Client("main-hospital", "epic")
    assert Access({"main-hospital": client}).identify({"type": "http", "headers": [(b"authorization", b"x")]}) is client


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_listening_on_this_machine_is_fine(host):
    check_host(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "cds.example", ""])
def test_listening_to_others_is_refused(host):
    with pytest.raises(SettingsError, match="CDS_HOST"):
        check_host(host)
