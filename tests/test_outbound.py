"""Calling out: only where registered, only so long, only so much."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from cds_service import circuit
from cds_service.errors import OutboundError, SettingsError
from cds_service.outbound import Allowance, Deadline, Outbound, inside, server_name
from cds_service.telemetry import Metrics
from tests.fhir.fault_server import (
    Answer,
    FaultServer,
    drip,
    drip_headers,
    endless,
    fault_server,
    hang,
    raw,
    reply,
)

T = TypeVar("T")


def at_server(work: Callable[[FaultServer, Outbound], Awaitable[T]], **settings: int) -> T:
    """What *work* gives beside a running server whose base is registered."""

    async def run() -> T:
        async with fault_server() as server:
            outbound = Outbound([server.base], **settings)
            outbound.warm()
            try:
                return await work(server, outbound)
            finally:
                await outbound.close()

    return asyncio.run(run())


def reason_for(answer: Answer, seconds: float = 2.0) -> str:
    """Why a call answered like that fails."""

    async def work(server: FaultServer, outbound: Outbound) -> str:
        server.on("/Patient/1", answer)
        with pytest.raises(OutboundError) as caught:
            await outbound.get(server.base + "/Patient/1", Allowance(Deadline(seconds)), base=server.base)
        return caught.value.reason

    return at_server(work)


def test_body_comes_back_and_headers_say_what_we_take() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> tuple[bytes, dict[str, str]]:
        server.on("/Patient/1", {"a": 1})
        outbound.warm()
        body = await outbound.get(
            server.base + "/Patient/1", Allowance(Deadline(2)), base=server.base, token="secret-token"
        )
        return body, server.asked[0][1]

    body, headers = at_server(work)
    assert body == b'{"a": 1}'
    assert headers["authorization"] == "bearer secret-token"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "cds-service"


def test_no_token_no_authorization_header() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> dict[str, str]:
        server.on("/metadata", {})
        await outbound.get(server.base + "/metadata", Allowance(Deadline(2)), base=server.base)
        return server.asked[0][1]

    assert "authorization" not in at_server(work)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (204, "not readable"),
        (301, "refused"),
        (308, "refused"),
        (400, "refused"),
        (401, "refused"),
        (403, "refused"),
        (404, "not found"),
        (410, "not found"),
        (429, "refused"),
        (500, "unreachable"),
        (503, "unreachable"),
    ],
)
def test_status_becomes_a_reason(status: int, reason: str) -> None:
    assert reason_for(reply("", status=status)) == reason


def test_redirect_is_not_followed() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> list[str]:
        server.on("/Patient/1", reply("", 302, f"location: {server.base}/Patient/2\r\n"))
        server.on("/Patient/2", {})
        with pytest.raises(OutboundError, match="refused"):
            await outbound.get(server.base + "/Patient/1", Allowance(Deadline(2)), base=server.base, token="t")
        return server.targets

    assert at_server(work) == ["/Patient/1"]


@pytest.mark.parametrize("answer", [hang, drip, drip_headers])
def test_slow_answer_ends_with_the_deadline(answer: Answer) -> None:
    began = time.monotonic()
    assert reason_for(answer, seconds=0.15) == "timeout"
    assert time.monotonic() - began < 1


def test_endless_body_is_cut() -> None:
    assert reason_for(endless) == "too large"


def test_announced_size_is_refused_before_reading() -> None:
    assert reason_for(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 40000000\r\n\r\n")) == "too large"
    assert reason_for(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999999\r\n\r\n")) == "too large"


def test_body_at_the_limit_passes_and_one_more_byte_fails() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> bytes:
        server.on("/a", b"12345")
        server.on("/b", b"123456")
        body = await outbound.get(server.base + "/a", Allowance(Deadline(2)), base=server.base)
        with pytest.raises(OutboundError, match="too large"):
            await outbound.get(server.base + "/b", Allowance(Deadline(2)), base=server.base)
        return body

    assert at_server(work, most_bytes=5) == b"12345"


def test_compressed_answer_is_refused_unread() -> None:
    bomb = gzip.compress(b" " * 1_000_000)
    assert reason_for(reply(bomb, headers="content-encoding: gzip\r\n")) == "not readable"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x%d: %s\r\n" % (n, b"a" * 7000) for n in range(60)) + b"\r\n",
    ],
)
def test_broken_answer_is_unreachable(data: bytes) -> None:
    assert reason_for(raw(data)) == "unreachable"


def test_nobody_listening_is_unreachable() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> None:
        closed = Outbound(["http://127.0.0.1:9/fhir"])
        with pytest.raises(OutboundError, match="unreachable"):
            await closed.get("http://127.0.0.1:9/fhir/x", Allowance(Deadline(2)), base="http://127.0.0.1:9/fhir")
        await closed.close()

    at_server(work)


def test_cookies_are_not_kept() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> dict[str, str]:
        server.on("/Patient/1", reply("{}", headers="set-cookie: session=of-patient-1; path=/\r\n"))
        for _ in range(2):
            await outbound.get(server.base + "/Patient/1", Allowance(Deadline(2)), base=server.base)
        return server.asked[1][1]

    assert "cookie" not in at_server(work)


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    async def work(server: FaultServer, outbound: Outbound) -> bytes:
        server.on("/x", b"{}")
        return await outbound.get(server.base + "/x", Allowance(Deadline(2)), base=server.base)

    assert at_server(work) == b"{}"


def test_unregistered_base_is_never_contacted() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> list[str]:
        for base in (server.base + "/", server.base.replace("127.0.0.1", "localhost"), server.base[:-1], ""):
            with pytest.raises(OutboundError, match="refused"):
                await outbound.get(base + "/Patient/1", Allowance(Deadline(2)), base=base)
        with pytest.raises(OutboundError, match="refused"):
            await outbound.get("http://127.0.0.1:9/fhir/Patient/1", Allowance(Deadline(2)), base=server.base)
        return server.targets

    assert at_server(work) == []


@pytest.mark.parametrize(
    "rest",
    [
        "/../admin",
        "/./x",
        "/%2e%2e/admin",
        "/%2E./admin",
        "/a%2fb",
        "/a%5Cb",
        "/a%00",
        "//evil.example",
        "\\evil",
        "/a#b",
        "/a b",
        "/a\r\nhost: x",
        "/ä",
        "/%zz",
        "evil",
        ".evil.example/x",
        "@evil.example/",
        ":81/x",
    ],
)
def test_addresses_that_would_leave_the_base(rest: str) -> None:
    assert not inside("https://ehr.example/r4", "https://ehr.example/r4" + rest)


@pytest.mark.parametrize("rest", ["", "/", "/Patient/a-1.b", "/Condition?patient=1&_x=../..", "?_getpages=1"])
def test_addresses_inside_the_base(rest: str) -> None:
    assert inside("https://ehr.example/r4", "https://ehr.example/r4" + rest)
    assert inside("https://ehr.example/r4/", "https://ehr.example/r4/" + rest.lstrip("/"))


@pytest.mark.parametrize(
    "base",
    [
        "ftp://ehr.example/r4",
        "file:///etc",
        "https://user@ehr.example/r4",
        "https://ehr.example/r4?x=1",
        "https://ehr.example/r4#x",
        "https://ehr.example/../r4",
        "https:///r4",
        "https://ehr.example\\r4",
        "https://ehr。example/r4",
        "ehr.example/r4",
        "",
    ],
)
def test_base_that_could_mean_two_places_is_a_settings_error(base: str) -> None:
    with pytest.raises(SettingsError, match="cannot be called"):
        Outbound([base])


@pytest.mark.parametrize("base", ["https://ehr.example", "http://[::1]:8080/fhir/", "https://a.b-c.de:443/x/y"])
def test_plain_bases_are_taken_as_they_are(base: str) -> None:
    assert Outbound([base]).bases == {base}


@pytest.mark.parametrize("token", ["", "a b", "a\r\nx: y", "ä", "\x00"])
def test_token_that_cannot_stand_in_a_header_goes_nowhere(token: str) -> None:
    async def work(server: FaultServer, outbound: Outbound) -> list[str]:
        with pytest.raises(OutboundError, match="refused"):
            await outbound.get(server.base + "/x", Allowance(Deadline(2)), base=server.base, token=token)
        return server.targets

    assert at_server(work) == []


def test_no_time_left_means_no_call() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> list[str]:
        with pytest.raises(OutboundError, match="timeout"):
            await outbound.get(server.base + "/x", Allowance(Deadline(0)), base=server.base)
        return server.targets

    assert at_server(work) == []


def test_calls_run_out() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> list[str]:
        server.on("/x", b"{}")
        allowance = Allowance(Deadline(2), calls=2)
        for _ in range(2):
            await outbound.get(server.base + "/x", allowance, base=server.base)
        with pytest.raises(OutboundError, match="too many calls"):
            await outbound.get(server.base + "/x", allowance, base=server.base)
        return server.targets

    assert at_server(work) == ["/x", "/x"]


def test_many_hung_calls_leave_room_for_good_ones_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "SHORTEST_REST", 0.01)

    async def work(server: FaultServer, outbound: Outbound) -> bytes:
        server.on("/slow", hang)
        server.on("/good", b"{}")
        slow = [outbound.get(server.base + "/slow", Allowance(Deadline(0.2)), base=server.base) for _ in range(120)]
        failures = await asyncio.gather(*slow, return_exceptions=True)
        assert {str(failure) for failure in failures} == {"timeout"}
        await asyncio.sleep(0.02)
        return await outbound.get(server.base + "/good", Allowance(Deadline(2)), base=server.base)

    assert at_server(work) == b"{}"


def test_deadline_counts_down_and_stops_at_zero() -> None:
    now = [100.0]
    deadline = Deadline(0.4, lambda: now[0])
    assert deadline.remaining() == pytest.approx(0.4)
    assert not deadline.passed
    now[0] = 100.5
    assert deadline.remaining() == 0
    assert deadline.passed


def test_requests_are_counted_by_server_and_outcome_and_never_by_address() -> None:
    metrics = Metrics()

    async def work(server: FaultServer, outbound: Outbound) -> str:
        server.on("/Patient/1", {})
        server.on("/Patient/2", hang)
        outbound._metrics = metrics
        await outbound.get(server.base + "/Patient/1", Allowance(Deadline(2)), base=server.base)
        for address, seconds in (("/Patient/2", 0.05), ("/Patient/none", 2)):
            with pytest.raises(OutboundError):
                await outbound.get(server.base + address, Allowance(Deadline(seconds)), base=server.base)
        return server_name(server.base)

    name = at_server(work)
    told = metrics.text().decode()
    for outcome in ("ok", "timeout", "not found"):
        assert f'cds_outbound_requests_total{{outcome="{outcome}",server="{name}"}} 1.0' in told
    assert f'cds_outbound_request_seconds_count{{server="{name}"}} 3.0' in told
    assert "Patient" not in told


def test_a_server_that_only_fails_is_left_alone_then_tried_and_found_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "SHORTEST_REST", 0.05)

    async def work(server: FaultServer, _: Outbound) -> list[str]:
        metrics = Metrics()
        outbound = Outbound([server.base], metrics=metrics)

        async def why(allowance: Allowance | None = None) -> str:
            try:
                await outbound.get(server.base + "/x", allowance or Allowance(Deadline(2)), base=server.base)
            except OutboundError as error:
                return error.reason
            return ""

        server.on("/x", reply("", status=503))
        said = [await why() for _ in range(9)]
        assert said == ["unreachable"] * 8 + ["server left alone"] and len(server.asked) == 8
        assert list(outbound.circuits().values()) == ["open"]
        assert f'cds_breaker_open{{server="{server.base[7:-5]}"}} 1.0' in metrics.text().decode()
        server.on("/x", b"{}")
        await asyncio.sleep(0.06)
        errand = Allowance(Deadline(2))
        said = [await why(errand), await why(errand), await why()]
        assert list(outbound.circuits().values()) == ["closed"]
        assert f'cds_breaker_open{{server="{server.base[7:-5]}"}} 0.0' in metrics.text().decode()
        await outbound.close()
        return said

    assert at_server(work) == ["", "", ""]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 204, 302])
def test_a_server_that_refuses_is_not_left_alone(status: int) -> None:
    async def work(server: FaultServer, outbound: Outbound) -> list[str]:
        server.on("/x", reply("", status=status))
        for _ in range(12):
            with pytest.raises(OutboundError):
                await outbound.get(server.base + "/x", Allowance(Deadline(2)), base=server.base)
        return list(outbound.circuits().values())

    assert at_server(work) == ["closed"]


def test_time_too_short_for_anybody_is_no_fault_of_the_server() -> None:
    async def work(server: FaultServer, outbound: Outbound) -> list[str]:
        server.on("/slow", hang)
        for _ in range(12):
            with pytest.raises(OutboundError, match="timeout"):
                await outbound.get(server.base + "/slow", Allowance(Deadline(0.01)), base=server.base)
        return list(outbound.circuits().values())

    assert at_server(work) == ["closed"]
