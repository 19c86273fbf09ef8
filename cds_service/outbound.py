"""
The one way this service calls out.

Only registered base URLs are ever contacted, compared byte for byte: a request can name
an address but never add one. A call is a GET, follows no redirect, uses no proxy from the
environment, keeps no cookie, takes no compressed answer, reads a bounded number of bytes,
and ends when its deadline ends. Whatever goes wrong is an OutboundError with a short reason.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

from cds_service.errors import OutboundError, SettingsError
from cds_service.telemetry import Metrics

if TYPE_CHECKING:
    import ssl

    import httpx

DONE = "ok"
CANCELLED = "cancelled"
TIMEOUT = "timeout"
REFUSED = "refused"
NOT_FOUND = "not found"
UNREACHABLE = "unreachable"
NOT_READABLE = "not readable"
TOO_LARGE = "too large"
TOO_MANY = "too many calls"

MOST_BYTES = 2_000_000
MOST_CALLS = 25
MOST_CONNECTIONS = 100

_OK = 200
_BASE = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?")
_REST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?|-]|%[0-9A-Fa-f]{2})*")
_DISGUISED = re.compile(r"%(?:2e|2f|5c|00)|//", re.IGNORECASE)
_DOTS = frozenset({".", ".."})
_HEADERS = {
    "Accept": "application/fhir+json, application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "cds-service",
}
_STATUS = {401: REFUSED, 403: REFUSED, 404: NOT_FOUND, 410: NOT_FOUND, 429: REFUSED}


class Deadline:
    """
    How long a call may still take; handed to everything that could wait.

    >>> clock = iter([10.0, 10.1, 10.5]).__next__
    >>> deadline = Deadline(0.4, clock)
    >>> round(deadline.remaining(), 3)
    0.3
    >>> deadline.passed
    True
    """

    __slots__ = ("_clock", "_end")

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._clock())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self._clock() >= self._end


class Allowance:
    """What one hook call may spend outside: the time of its deadline, and a number of calls."""

    __slots__ = ("calls_left", "deadline")

    def __init__(self, deadline: Deadline, calls: int = MOST_CALLS) -> None:
        self.deadline = deadline
        self.calls_left = calls

    def spend(self) -> float:
        """Take one call and give the seconds it may last; refuses when calls or time have run out."""
        seconds = self.deadline.remaining()
        if seconds <= 0:
            raise OutboundError(TIMEOUT)
        if self.calls_left <= 0:
            raise OutboundError(TOO_MANY)
        self.calls_left -= 1
        return seconds


class Outbound:
    """
    GETs from registered bases and from nowhere else.

    Each base has connections of its own, so that a hanging server holds up nobody else's.
    They are made at first use, or by ``warm`` before the first call needs them.
    """

    def __init__(
        self,
        bases: Iterable[str],
        *,
        most_bytes: int = MOST_BYTES,
        ca_file: str | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.bases = frozenset(_checked(base) for base in bases)
        self._metrics = metrics
        self._most_bytes = most_bytes
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self._clients: dict[str, httpx.AsyncClient] = {}

    def warm(self) -> None:
        """Prepare for every base now: loading the library and certificates takes longer than a call may."""
        for base in self.bases:
            self._client(base)

    async def get(self, url: str, allowance: Allowance, *, base: str, token: str | None = None) -> bytes:
        """The body at *url*, which must lie inside the registered *base*; *token* goes out as a bearer token."""
        if base not in self.bases or not inside(base, url):
            raise OutboundError(REFUSED)
        began, outcome = time.perf_counter(), CANCELLED
        try:
            body = await self._got(url, allowance, base, token)
            outcome = DONE
            return body
        except OutboundError as error:
            outcome = error.reason
            raise
        finally:
            self._count(base, outcome, time.perf_counter() - began)

    def _count(self, base: str, outcome: str, seconds: float) -> None:
        """Count by the server's name: an address may hold an id."""
        if self._metrics is not None:
            server = server_name(base)
            self._metrics.outbound.labels(server, outcome).inc()
            self._metrics.outbound_seconds.labels(server).observe(seconds)

    async def _got(self, url: str, allowance: Allowance, base: str, token: str | None) -> bytes:
        headers = _headers(token)
        seconds = allowance.spend()
        try:
            async with asyncio.timeout(seconds):
                return await self._read(self._client(base), url, headers)
        except OutboundError:
            raise
        except TimeoutError:
            raise OutboundError(TIMEOUT) from None
        except Exception:
            # Whatever the library or the far side invents: no detail of it may reach a log.
            raise OutboundError(UNREACHABLE) from None

    async def close(self) -> None:
        """Close every connection."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def _read(self, client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> bytes:
        async with client.stream("GET", url, headers=headers) as response:
            self._check(response)
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._most_bytes:
                    raise OutboundError(TOO_LARGE)
        return bytes(body)

    def _check(self, response: httpx.Response) -> None:
        """Refuse by status and headers what need not be read."""
        status = response.status_code
        if status != _OK:
            raise OutboundError(_STATUS.get(status) or _by_class(status))
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise OutboundError(NOT_READABLE)
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > len(str(self._most_bytes)) or int(announced) > self._most_bytes):
            raise OutboundError(TOO_LARGE)

    def _client(self, base: str) -> httpx.AsyncClient:
        client = self._clients.get(base)
        if client is None:
            client = self._clients[base] = self._new_client()
        return client

    def _new_client(self) -> httpx.AsyncClient:
        import certifi
        import httpx

        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context(cafile=self._ca_file or certifi.where())
        return httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # the deadline bounds the whole call; timeouts here would bound single reads only
            limits=httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=20),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )


def server_name(base: str) -> str:
    """
    The server of a registered base, as counters and traces name it.

    >>> server_name("https://ehr.example:8443/r4")
    'ehr.example:8443'
    """
    return base.partition("://")[2].partition("/")[0]


def inside(base: str, url: str) -> bool:
    """
    Whether *url* is *base* or lies below it, with no way out.

    >>> inside("https://ehr.example/r4", "https://ehr.example/r4/Patient/1")
    True
    >>> inside("https://ehr.example/r4", "https://ehr.example/r4/../admin")
    False
    >>> inside("https://ehr.example/r4", "https://ehr.example/r4.evil.example/Patient/1")
    False
    """
    rest = url[len(base) :]
    if not url.startswith(base) or not _REST.fullmatch(rest):
        return False
    if rest and not base.endswith("/") and rest[0] not in "/?":
        return False
    path = rest.partition("?")[0]
    return not _DISGUISED.search(path) and _DOTS.isdisjoint(path.split("/"))


def _checked(base: str) -> str:
    """The base itself, once it is sure to mean one address only."""
    if not _BASE.fullmatch(base) or not _DOTS.isdisjoint(base.split("/")):
        raise SettingsError(f"{base!r} cannot be called: write only scheme, host, port and path, as the EHR sends it")
    return base


def _headers(token: str | None) -> dict[str, str]:
    headers = dict(_HEADERS)
    if token is not None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise OutboundError(REFUSED)
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _by_class(status: int) -> str:
    """What a status without a word of its own means."""
    server_fault = 500
    redirect = 300
    if status >= server_fault:
        return UNREACHABLE
    return REFUSED if status >= redirect else NOT_READABLE
