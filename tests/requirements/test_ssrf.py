"""Rows 47 to 59: a request can name an address, but never add one; a token goes where it belongs and nowhere else."""

from __future__ import annotations

import asyncio
import datetime
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.errors import OutboundError
from cds_service.outbound import Allowance, Deadline, Outbound
from tests.fhir.fault_server import FaultServer, reply
from tests.properties import children
from tests.properties.children import bundle
from tests.requirements.service import TOKEN, Ehr, Json, Service, fresh, refused, target

WHOLE = children.whole()
LACKING = {**WHOLE, "prefetch": {"patient": WHOLE["prefetch"]["patient"]}}


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    """A place of this machine that nobody registered."""
    with trapped() as one:
        yield one


class Trap:
    """Listens and notes whoever comes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.came = 0


@contextmanager
def trapped() -> Iterator[Trap]:
    with socket.create_server(("", 0)) as listening:
        trap = Trap(listening.getsockname()[1])

        def wait() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                trap.came += 1
                line.close()

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        yield trap
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def naming(server: Any) -> Json:
    """A call that lacks nearly everything and names *server*."""
    return {**LACKING, "fhirServer": server, "fhirAuthorization": {"access_token": fresh(), "token_type": "Bearer"}}


def stays_home(service: Service, hospital: Ehr, trap: Trap, server: Any) -> None:
    """Nothing is asked of *server*, nor of anybody: the answer names the gap, or is a refusal."""
    before = trap.came
    looked_up = service.metric("cds_outbound_requests_total")
    said = service.call(naming(server))
    if said.status == 200:
        assert said.gaps["Condition"] == "no access"
    else:
        assert refused(said, 400, 412)
    assert (trap.came, hospital.server.asked) == (before, [])
    assert service.metric("cds_outbound_requests_total") == looked_up


def spelled(text: str, hospital: Ehr, trap: Trap) -> str:
    port = hospital.base.rpartition(":")[2].removesuffix("/fhir")
    return text.replace("EHR", hospital.base).replace("PORT", port).replace("TRAP", str(trap.port))


@pytest.mark.parametrize(
    "server",
    ["http://127.0.0.1:TRAP/fhir", "https://127.0.0.1:PORT/fhir", "HTTP://127.0.0.1:PORT/fhir", "http://127.0.0.1/fhir",
     "http://127.0.0.1:PORT", "http://127.0.0.1:PORT/FHIR", "http://127.0.0.1:0PORT/fhir", "EHR2", "https://ehr.example",
     "http://no-such-name.invalid/fhir", "EHR//", "EHR/.", " EHR", "EHR "],
)  # fmt: skip
def test_row_47_only_a_registered_base_byte_for_byte(service, hospital, trap, server):
    stays_home(service, hospital, trap, spelled(server, hospital, trap))


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f.1", "0x7f000001", "0", "017700000001", "127。0。0。1", "localhost", "LOCALHOST",
     "localhost.", "[::1]", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25lo]",
     "127.0.0.1.nip.io", "ⓛocalhost", "127.0.0.1%00.ehr.example"],
)  # fmt: skip
@pytest.mark.parametrize("port", ["TRAP", "PORT"])
def test_row_48_spellings_of_this_machine(service, hospital, trap, host, port):
    stays_home(service, hospital, trap, spelled(f"http://{host}:{port}/fhir", hospital, trap))


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "metadata.google.internal", "100.100.100.200", "10.0.0.1", "172.16.0.1", "192.168.0.1",
     "100.64.0.1", "224.0.0.1", "255.255.255.255", "[fd00:ec2::254]", "[ff02::1]"],
)  # fmt: skip
def test_row_49_metadata_and_inner_networks(service, hospital, trap, host):
    stays_home(service, hospital, trap, f"http://{host}/latest/meta-data/")


@pytest.mark.parametrize(
    "server",
    ["http://127.0.0.1:PORT@127.0.0.1:TRAP/fhir", "http://user:word@127.0.0.1:PORT/fhir", "http://127.0.0.1:TRAP\\@EHR",
     "EHR#x", "EHR?x=1", "EHR\r\nX: y", "EHR\t", "EHR\0", "http:\\\\127.0.0.1:PORT\\fhir", "http:127.0.0.1:PORT/fhir",
     "//127.0.0.1:PORT/fhir", "\nEHR", "EHR%00", "EHR%2f..%2f"],
)  # fmt: skip
def test_row_50_tricks_with_the_parsing_of_a_url(service, hospital, trap, server):
    stays_home(service, hospital, trap, spelled(server, hospital, trap))


@pytest.mark.parametrize("more", ["/../admin", "/Patient", "x", ".evil.example", "/..", "/%2e%2e/admin", "/;x", "/."])
def test_row_51_longer_and_shorter_than_the_registered_base(service, hospital, trap, more):
    stays_home(service, hospital, trap, hospital.base + more)
    stays_home(service, hospital, trap, hospital.base[: -len(more)])


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp", "data", "unix", "ws", "ldap", "dict", "javascript"])
def test_row_52_other_schemes(service, hospital, trap, scheme):
    stays_home(service, hospital, trap, hospital.base.replace("http", scheme))
    stays_home(service, hospital, trap, f"{scheme}:///etc/passwd")


@pytest.mark.parametrize("server", [[], ["EHR"], {}, {"url": "EHR"}, 7, True, False, None, "", 1e308])
def test_row_53_no_url_at_all(service, hospital, trap, server):
    stays_home(service, hospital, trap, json.loads(json.dumps(server).replace("EHR", hospital.base)))


# Names: the connection goes where the check looked, and the certificate must be the name's


def certificate(*names: str) -> tuple[bytes, bytes]:
    """A certificate for *names* that vouches for itself, and its key; made for this test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), secret


@asynccontextmanager
async def named_server(folder: Any, *names: str) -> Any:
    """A server with a certificate for *names*, and the file that vouches for it."""
    public, secret = certificate(*names)
    (folder / "server.pem").write_bytes(public + secret)
    (folder / "ca.pem").write_bytes(public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    server = FaultServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server, listening.sockets[0].getsockname()[1], str(folder / "ca.pem")
    finally:
        listening.close()
        await server.end()


def fetched(folder: Any, *, of: str, resolver: Any = None, name: str = "localhost") -> tuple[bytes | str, FaultServer]:
    """What comes from https://*name* when the server's certificate is *of* some name, or why nothing comes."""

    async def run() -> tuple[bytes | str, FaultServer]:
        async with named_server(folder, of) as (server, port, vouched):
            server.on("/Patient/1", b"{}")
            outbound = Outbound([f"https://{name}:{port}/fhir"], ca_file=vouched, resolve=resolver)
            outbound.warm()
            (base,) = outbound.bases
            try:
                return await outbound.get(f"{base}/Patient/1", Allowance(Deadline(5)), base=base), server
            except OutboundError as error:
                return error.reason, server
            finally:
                await outbound.close()

    return asyncio.run(run())


def test_row_54_the_certificate_must_be_that_of_the_name(tmp_path):
    body, server = fetched(tmp_path, of="localhost")
    assert body == b"{}" and server.asked[0][1]["host"].startswith("localhost:")
    body, server = fetched(tmp_path, of="other.example")
    assert body == "unreachable" and server.asked == []


def test_row_54_a_name_that_changes_between_look_and_connection(tmp_path):
    looked: list[str] = []

    async def turning(host: str) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["169.254.169.254"]

    assert fetched(tmp_path, of="localhost", resolver=turning)[0] == b"{}"
    assert looked == ["localhost"], "nobody looks it up a second time, the library neither"


@pytest.mark.parametrize("leads", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254"])
def test_row_54_a_registered_name_that_leads_inward_is_not_called(tmp_path, leads):
    async def inward(host: str) -> list[str]:
        return [leads]

    body, server = fetched(tmp_path, of="ehr.example", resolver=inward, name="ehr.example")
    assert body == "refused" and server.lines == {} and server.asked == []


def test_row_54_the_next_address_when_the_first_takes_no_connection(tmp_path):
    async def two(host: str) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    assert fetched(tmp_path, of="localhost", resolver=two)[0] == b"{}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("leads", ["http://127.0.0.1:TRAP/x", "file:///etc/passwd", "EHR/loop", "//127.0.0.1:TRAP/"])
def test_row_55_redirects_are_not_followed(service, hospital, trap, status, leads):
    before = trap.came
    asked = hospital.holds(WHOLE)
    elsewhere = spelled(leads, hospital, trap)
    hospital.on(target(asked, "conditions"), reply("", status=status, headers=f"location: {elsewhere}\r\n"))
    said = service.call(asked)
    assert said.gaps["Condition"] in ("refused", "timeout") and trap.came == before
    assert "/loop" not in hospital.server.targets


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.1:TRAP/fhir/page", "https://127.0.0.1:PORT/fhir/page", "//127.0.0.1:TRAP/page", "file:///etc/passwd",
     "EHR/../page", "EHR2/page", "http://u@127.0.0.1:PORT/fhir/page", "EHR/%2e%2e/page", "javascript:x", "http://[::1"],
)  # fmt: skip
def test_row_56_pages_elsewhere_are_not_followed(service, hospital, trap, link):
    before = trap.came
    asked = hospital.holds(WHOLE)
    page = {**bundle(), "link": [{"relation": "next", "url": spelled(link, hospital, trap)}]}
    hospital.on(target(asked, "conditions"), page)
    assert service.call(asked).gaps["Condition"] in ("more pages", "timeout")
    assert trap.came == before and not any("page" in one for one in hospital.server.targets)


@pytest.mark.parametrize("member", ["patientId", "encounterId"])
@pytest.mark.parametrize(
    "id_", ["../Patient/2", "..", "1?x=y", "1&x=y", "1#x", "$everything", "http://127.0.0.1/", "1/2", "1,2", "a b", "%2e",
            "1\r\n", "\0", "1\\2", "|", "{{context.userId}}", "*"],
)  # fmt: skip
def test_row_57_ids_that_would_change_an_address(service, hospital, member, id_):
    asked = {**hospital.holds(WHOLE), "prefetch": {}}
    said = service.call({**asked, "context": {**asked["context"], member: id_}})
    assert refused(said, 400) and hospital.server.asked == []


def test_row_57_ids_that_are_odd_and_mean_nothing_stand_as_they_are(service, hospital):
    odd = children.call(children.order("CT head", "headache", patient="eq-1.2_3"), patient="eq-1.2_3")
    assert service.call(hospital.holds(odd)).gaps == {}
    assert {"/Patient/eq-1.2_3", "/Encounter/visit-eq-1.2_3"} <= set(hospital.server.targets)


def test_row_58_proxies_of_the_environment_are_ignored(service, hospital):
    """The service was started with proxies in its environment that lead nowhere."""
    assert service.call(hospital.holds(WHOLE)).gaps == {}


def test_row_59_the_token_goes_to_the_registered_base_and_nowhere_else(service, hospital):
    asked = hospital.holds(WHOLE)
    token = asked["fhirAuthorization"]["access_token"]
    said = service.call(asked)
    assert said.gaps == {}
    for where, headers in hospital.server.asked:
        assert token not in where and headers["authorization"] == f"bearer {token}"
        assert token not in str({**headers, "authorization": ""})
    assert TOKEN.encode() not in said.body and TOKEN not in service.said()
    assert TOKEN.encode() not in service.ask("GET", "/metrics").body
    assert not [
        path for path in service.log.parent.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()
    ]


def test_row_59_only_in_a_get(hospital, service):
    methods: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def answer() -> None:
            line, _ = listening.accept()
            methods.append(line.recv(65536).split(b" ")[0])
            line.close()

        thread = threading.Thread(target=answer)
        thread.start()

        async def ask() -> None:
            outbound = Outbound([f"http://127.0.0.1:{port}"])
            outbound.warm()
            (base,) = outbound.bases
            with pytest.raises(OutboundError):
                await outbound.get(f"{base}/Patient/1", Allowance(Deadline(5)), base=base, token="t")
            await outbound.close()

        asyncio.run(ask())
        thread.join(5)
    assert methods == [b"GET"]


@pytest.mark.parametrize("kind", ["Basic", "MAC", "DPoP", ""])
def test_row_59_a_token_of_another_kind_is_not_used(service, hospital, kind):
    asked = hospital.holds(WHOLE)
    auth = {"access_token": fresh(), "token_type": kind or "bearerX"}
    assert service.call({**asked, "fhirAuthorization": auth}).status == 412 and hospital.server.asked == []


def test_row_59_a_token_of_another_patient_is_not_used(service, hospital):
    asked = hospital.holds(WHOLE)
    auth = {"access_token": fresh(), "token_type": "Bearer", "patient": "kid-2"}
    assert service.call({**asked, "fhirAuthorization": auth}).status == 412 and hospital.server.asked == []
