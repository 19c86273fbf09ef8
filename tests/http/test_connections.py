import socket
import time

import httpx
import pytest

from cds_service.http import connections
from tests.hooks.requests import body
from tests.http.rim import CARD, SIGN, Rim


@pytest.fixture
def port(monkeypatch):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    with Rim(CDS_BODY_SECONDS="0.3").served() as port:
        yield port


def talk(port: int, *pieces: bytes, every: float = 0.0, patience: float = 3.0) -> bytes:
    """What the server says to *pieces*, until it hangs up."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as line:
        for piece in pieces:
            try:
                line.sendall(piece)
            except OSError:
                break
            time.sleep(every)
        try:
            while more := line.recv(65536):
                said += more
        except ConnectionError:
            pass
    return said


def head(length: int, *more: str) -> bytes:
    lines = [f"POST {SIGN} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {length}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_call_over_a_real_connection(port):
    answer = httpx.post(f"http://127.0.0.1:{port}{SIGN}", content=body(), trust_env=False, verify=False)
    assert (answer.status_code, answer.content) == (200, CARD)
    assert "server" not in answer.headers


def test_a_silent_connection_is_cut(port):
    began = time.monotonic()
    assert talk(port) == b""
    assert time.monotonic() - began < 2


def test_headers_that_trickle_are_cut(port):
    assert talk(port, *[b"P", b"O", b"S", b"T", b" ", b"/", b"x"], every=0.1) == b""
    assert talk(port, f"POST {SIGN} HTTP/1.1\r\n".encode(), *[b"A: b\r\n"] * 8, every=0.1) == b""


def test_a_body_that_trickles_is_refused_and_cut(port):
    assert b" 408 " in talk(port, head(1000), *[b" "] * 6, every=0.1)


def test_a_second_request_on_the_same_line_has_its_own_time(port):
    whole = head(len(body())) + body()
    last = head(len(body()), "Connection: close") + body()
    assert talk(port, whole, last, every=0.2).count(b" 200 ") == 2


def test_a_second_request_that_trickles_is_cut(port):
    said = talk(port, head(len(body())) + body(), b"POST / HTTP/1.1\r\n", *[b"A: b\r\n"] * 8, every=0.1)
    assert said.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "request_",
    [
        head(5, "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head(5, "Content-Length: 6") + b"{}{}{}",
        head(0).replace(b"Content-Length: 0", b"Content-Length: +5") + b"{}{}{",
        head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"zz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        (head(len(body()), "Host: y") + body()),
        (head(len(body())).replace(b"Host: x\r\n", b"") + body()),
    ],
)
def test_a_request_with_two_meanings_has_none(port, request_):
    said = talk(port, request_)
    assert b" 200 " not in said and said.count(b"HTTP/1.1") <= 1


def test_a_client_that_leaves_half_way_harms_nobody(port):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(head(1000) + b"{")
    assert (
        httpx.post(f"http://127.0.0.1:{port}{SIGN}", content=body(), trust_env=False, verify=False).status_code == 200
    )


def test_a_body_too_long_by_its_own_word_is_refused_unread(port):
    assert b" 413 " in talk(port, head(99_000_000))


def test_silent_lines_keep_nobody_out(port):
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    try:
        for line in lines[:50]:
            line.sendall(head(1000) + b"{")
        began = time.monotonic()
        assert (
            httpx.post(f"http://127.0.0.1:{port}{SIGN}", content=body(), trust_env=False, verify=False).status_code
            == 200
        )
        assert time.monotonic() - began < 1.5
    finally:
        for line in lines:
            line.close()


@pytest.mark.parametrize("more", [b"X-Long: " + b"x" * 2_000_000, b"A: b\r\n" * 400_000, b"X" * 2_000_000])
def test_headers_without_end_are_cut(port, more):
    assert b" 200 " not in talk(port, f"POST {SIGN} HTTP/1.1\r\n".encode() + more)
    assert httpx.get(f"http://127.0.0.1:{port}/health/live", trust_env=False, verify=False).status_code == 200


def test_many_headers_are_only_many(port):
    many = [f"X-{number}: y" for number in range(5000)]
    assert b" 200 " in talk(port, head(len(body()), "Connection: close", *many) + body())


def test_a_large_body_after_its_headers_is_not_cut(port):
    large = body(but=lambda one: one["prefetch"].update(notes="x" * 3_000_000))
    assert b" 200 " in talk(port, head(len(large), "Connection: close") + large)


def test_a_client_that_takes_no_answer_is_cut(monkeypatch):
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.2)
    large = b'{"cards":[],"extension":{"x":"' + b"y" * 8_000_000 + b'"}}'
    with Rim(advisor=large).served() as port, socket.create_connection(("127.0.0.1", port), timeout=3) as line:
        line.sendall(head(len(body())) + body())
        time.sleep(0.6)
        read = 0
        try:
            while more := line.recv(1 << 20):
                read += len(more)
        except ConnectionError:
            pass
    assert read < len(large)
    with Rim(advisor=large).served() as port:
        assert len(talk(port, head(len(body()), "Connection: close") + body())) > len(large)


def in_chunks(of: bytes, size: int) -> bytes:
    chunks = (of[start : start + size] for start in range(0, len(of), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


def begun(*more: str) -> bytes:
    """The beginning of a request in chunks."""
    return head(0, *more).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")


def test_a_trailer_is_no_header(port):
    ended = in_chunks(body(), 1000) + b"0\r\nContent-Encoding: gzip\r\nX-Request-Id: abcdef0123456789\r\n\r\n"
    said = talk(port, begun("Connection: close") + ended)
    assert b" 200 " in said and b"abcdef0123456789" not in said


@pytest.mark.parametrize(
    "piece",
    [b"0\r\n" + b"A: b\r\n" * 10_000, b"0\r\nA: " + b"x" * 60_000, b"2;" + b"x" * 60_000],
    ids=["trailers", "a trailer", "an extension"],
)
@pytest.mark.parametrize("path", [SIGN, "/nothing-here"])
def test_what_is_no_body_has_an_end(port, piece, path):
    first, rest = piece[:60_000], piece[3:60_000]
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=3) as line, pytest.raises(OSError):
        line.sendall(begun().replace(SIGN.encode(), path.encode()) + in_chunks(body(), 1000) + first)
        while sent < 30_000_000:
            line.sendall(rest)
            sent += len(rest)
    assert sent < 30_000_000


def test_a_large_body_in_small_chunks_is_not_cut():
    large = body(but=lambda one: one["prefetch"].update(notes="x" * 2_000_000))
    with Rim().served() as port:
        assert b" 200 " in talk(port, begun("Connection: close") + in_chunks(large, 8) + b"0\r\n\r\n")


@pytest.mark.parametrize("path", [SIGN + "/nothing-here", "/health/live"])
def test_the_rest_of_an_answered_request_has_its_time(port, monkeypatch, path):
    monkeypatch.setattr(connections, "REST_SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=3) as line:
        line.sendall(head(1000).replace(SIGN.encode(), path.encode()))
        for _ in range(30):
            line.sendall(b" ")
            time.sleep(0.1)
    assert time.monotonic() - began < 2


def test_a_request_answered_early_and_then_whole_keeps_its_line(port, monkeypatch):
    monkeypatch.setattr(connections, "REST_SECONDS", 0.3)
    last = head(len(body()), "Connection: close") + body()
    early = head(3).replace(SIGN.encode(), b"/nothing-here")
    said = talk(port, early, b"{}}", b"", b"", last, every=0.15)
    assert b" 404 " in said and b" 200 " in said
