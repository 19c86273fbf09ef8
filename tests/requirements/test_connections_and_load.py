"""Rows 100 to 106: slow, rude and many clients keep nobody else from advice."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from tests.properties import children
from tests.requirements import crowd
from tests.requirements.service import SIGN, Service, head, running

WHOLE = children.whole()
BYTES = json.dumps(WHOLE).encode()
WHOLE_REQUEST = head(SIGN, f"Content-Length: {len(BYTES)}") + BYTES


@pytest.fixture(autouse=True)
def well(service: Service) -> Iterator[None]:
    """A good call gets its advice after every test, and nothing was told as a fault of ours."""
    yield
    assert service.is_well()
    assert "Traceback" not in service.said() and service.metric("cds_faults_total") == 0


def line(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=20)


def cut_after(service: Service, first: bytes, drip: bytes) -> float:
    """Seconds until the service hangs up on somebody who sends *first*, then *drip* each half second."""
    began = time.monotonic()
    with line(service) as slow, suppress(OSError):
        slow.settimeout(0.5)
        slow.sendall(first)
        while time.monotonic() - began < 20:
            try:
                if slow.recv(65536) == b"":
                    break
            except TimeoutError:
                slow.sendall(drip)
    return time.monotonic() - began


SLOW = {
    "silent": (b"", b""),
    "headers": (b"POST / HTTP/1.1\r\n", b"A: b\r\n"),
    "body": (head(SIGN, "Content-Length: 1000"), b" "),
    "chunks": (head(SIGN, "Transfer-Encoding: chunked"), b"1\r\n \r\n"),
}


def test_row_100_silent_and_trickling_connections_are_cut(service):
    """All at once, since each takes its time."""
    with ThreadPoolExecutor(len(SLOW)) as pool:
        took = dict(zip(SLOW, pool.map(lambda kind: cut_after(service, *SLOW[kind]), SLOW), strict=True))
    assert max(took.values()) < 15.5, took


def test_row_101_half_open_requests_hold_nobody_up(service):
    with ExitStack() as held:
        for number in range(200):
            one = held.enter_context(line(service))
            one.sendall((b"", b"POST ", head(SIGN, "Content-Length: 1000"), WHOLE_REQUEST[:-1])[number % 4])
        answers = [service.call(WHOLE) for _ in range(10)]
    assert all(said.cards for said in answers) and max(said.seconds for said in answers) < 1.5


def test_row_102_clients_that_never_read(service):
    with ExitStack() as held:
        for _ in range(10):
            one = held.enter_context(line(service))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.settimeout(0.2)
            with suppress(OSError):
                for _ in range(200):
                    one.sendall(WHOLE_REQUEST)
        answers = [service.call(WHOLE) for _ in range(5)]
    assert all(said.cards for said in answers) and max(said.seconds for said in answers) < 2.5


def test_row_102_clients_that_leave_half_way(service):
    for number in range(40):
        with line(service) as one:
            one.sendall(WHOLE_REQUEST[: len(WHOLE_REQUEST) * number // 40])
            if number % 2:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert "error" not in [json.loads(one)["level"] for one in service.said().splitlines() if one.startswith("{")]


SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
TWO_MEANINGS = {
    "length and chunks": head(SIGN, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
    "two lengths": head(SIGN, "Content-Length: 2", "Content-Length: 40") + b"{}" + SMUGGLED,
    "a signed length": head(SIGN, "Content-Length: +5") + b"{}{}{" + SMUGGLED,
    "a length in hex": head(SIGN, "Content-Length: 0x5") + b"{}{}{" + SMUGGLED,
    "a length below zero": head(SIGN, "Content-Length: -1") + SMUGGLED,
    "a list of lengths": head(SIGN, "Content-Length: 2, 40") + b"{}" + SMUGGLED,
    "a length with a space": head(SIGN, "Content-Length : 2") + b"{}" + SMUGGLED,
    "a bad chunk": head(SIGN, "Transfer-Encoding: chunked") + b"zz\r\n" + SMUGGLED,
    "a chunk without end": head(SIGN, "Transfer-Encoding: chunked") + b"2\r\n{}" + SMUGGLED,
    "chunked twice": head(SIGN, "Transfer-Encoding: chunked, identity") + b"0\r\n\r\n" + SMUGGLED,
    "a folded header": head(SIGN, "X: y", " Transfer-Encoding: chunked", "Content-Length: 2") + b"{}" + SMUGGLED,
    "a bare line feed": head(SIGN, "Content-Length: 2\nTransfer-Encoding: chunked") + b"{}" + SMUGGLED,
    "a NUL": head(SIGN, "Content-Length: 2\0") + b"{}" + SMUGGLED,
}


@pytest.mark.parametrize("kind", TWO_MEANINGS)
def test_row_103_a_request_with_two_meanings_has_none(service, kind):
    said = service.talk(TWO_MEANINGS[kind], patience=2)
    assert b" 200 " not in said.split(b"\r\n")[0] and b"cds_ready" not in said
    assert said.count(b"HTTP/1.1") <= 1


ODD = {
    "5,000 headers": head(SIGN, *[f"X-{n}: y" for n in range(5000)], f"Content-Length: {len(BYTES)}", "Connection: close") + BYTES,
    "a giant header": head(SIGN, "X: " + "y" * 1_500_000),
    "headers without end": b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 300_000,
    "a giant path": b"GET /" + b"x" * 1_500_000 + b" HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    "garbage": bytes(range(256)) * 40,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "h2c": head(SIGN, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "Content-Length: 0"),
    "a web socket": head("/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13", method="GET"),
    "no method": b"\r\n\r\n\r\n", "an odd method": head(SIGN, "Content-Length: 0", method="BREW"),
    "HTTP/0.9": b"GET /\r\n", "another version": b"GET / HTTP/9.9\r\n\r\n", "connect": b"CONNECT evil.example:80 HTTP/1.1\r\n\r\n",
    "an absolute path": b"GET http://evil.example/metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_row_104_odd_beginnings(service, kind):
    said = service.talk(ODD[kind], patience=1.5)
    assert b" 50" not in said.split(b"\r\n")[0] and b" 101 " not in said.split(b"\r\n")[0]
    assert service.ask("GET", "/health/live").status == 200


def test_row_105_a_burst_is_served_in_time_or_sent_away(service):
    alive: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            said = service.ask("GET", "/health/live")
            assert said.status == 200
            alive.append(said.seconds)
            time.sleep(0.05)

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        burst = crowd.burst(service.port, WHOLE_REQUEST, count=600, together=300)
        over.set()
        looking.result()
    statuses = Counter(one.status for one in burst)
    assert set(statuses) <= {200, 503} and statuses[200] > 0, statuses
    assert all(one.retry for one in burst if one.status == 503)
    served = sorted(one.seconds for one in burst if one.status == 200)
    assert served[int(0.99 * (len(served) - 1))] < 5 and max(alive) < 5
    after = service.call(WHOLE)
    assert after.cards and after.seconds < 1.5


def test_row_105_those_who_waited_too_long_are_sent_away_before_their_turn(tmp_path):
    """With a short deadline a burst waits too long for all of it to be in time."""
    with running(tmp_path, CDS_DEADLINE_MS="100") as service:
        service.call(WHOLE)
        burst = crowd.burst(service.port, WHOLE_REQUEST, count=500, together=500)
        assert {one.status for one in burst} == {200, 503}
        assert service.metric("cds_shed_total") > 0 and 'reason="line"' in service.ask("GET", "/metrics").body.decode()
        assert service.is_well()


def test_row_105_one_client_does_not_take_everybody_s_room(tmp_path):
    with running(tmp_path, CDS_CLIENT_RATE="10") as service:
        burst = crowd.burst(service.port, WHOLE_REQUEST, count=60, together=4)
        statuses = Counter(one.status for one in burst)
        assert set(statuses) == {200, 429} and 20 <= statuses[200] <= 40, statuses
        assert all(one.retry for one in burst if one.status == 429)
        time.sleep(1)
        assert service.is_well()


def test_row_106_memory_and_speed_stay(service):
    """The short version; ten thousand times ten of them are a long run."""
    run = crowd.Crowd(service, hostile=0.2, seed=106)
    run.send(500)
    before = service.memory()
    run.send(1500)
    assert run.wrong == [] and service.memory() - before < 4
    assert run.drift() < 1.6
