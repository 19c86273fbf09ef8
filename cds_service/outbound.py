"""
The one way this service calls out.

Only registered base URLs are ever contacted, compared byte for byte: a request can name
an address but never add one. A call goes to an address that was looked up and checked, is a GET,
follows no redirect, uses no proxy from the environment, keeps no cookie, takes no compressed answer,
reads a bounded number of bytes, and ends when its deadline ends. A server that only ever fails is left
alone for a moment. Whatever goes wrong is an OutboundError with a short reason.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

from cds_service.addresses import REFUSED, Addresses, Resolve
from cds_service.circuit import CLOSED, OPEN, Circuit
from cds_service.errors import OutboundError, SettingsError
from cds_service.telemetry import Metrics, log

if TYPE_CHECKING:
    import ssl

    import httpx

DONE = "ok"
CANCELLED = "cancelled"
TIMEOUT = "timeout"
NOT_FOUND = "not found"
UNREACHABLE = "unreachable"
NOT_READABLE = "not readable"
TOO_LARGE = "too large"
TOO_MANY = "too many calls"
LEFT_ALONE = "server left alone"

MOST_BYTES = 2_000_000
MOST_CALLS = 25
MOST_CONNECTIONS = 100
CONNECT_SECONDS = 0.15
"""Time for one address to take the connection, while there is another to try."""
FAIR_SECONDS = 0.1
"""A server that got less time than that has not failed."""

_OK = 200
_BASE = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?")
_REST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?|-]|%[0-9A-Fa-f]{2})*")
_DISGUISED = re.compile(r"%(?:2e|2f|5c|00)|//", re.IGNORECASE)
_PORT = re.compile(r":[0-9]+$")
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
        resolve: Resolve | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics
        self._servers = {base: _Server(_checked(base), self._note, resolve) for base in bases}
        self.bases = frozenset(self._servers)
        self._most_bytes = most_bytes
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None

    def warm(self) -> None:
        """Prepare for every base now: loading the library and certificates takes longer than a call may."""
        for server in self._servers.values():
            self._client(server)

    def circuits(self) -> Mapping[str, str]:
        """By name of the server, whether it is asked, left alone or tried."""
        return {server.name: server.circuit.state for server in self._servers.values()}

    async def get(self, url: str, allowance: Allowance, *, base: str, token: str | None = None) -> bytes:
        """The body at *url*, which must lie inside the registered *base*; *token* goes out as a bearer token."""
        server = self._servers.get(base)
        if server is None or not inside(base, url):
            raise OutboundError(REFUSED)
        began, outcome = time.perf_counter(), CANCELLED
        try:
            body = await self._got(server, url, allowance, token)
            outcome = DONE
            return body
        except OutboundError as error:
            outcome = error.reason
            raise
        finally:
            self._count(server.name, outcome, time.perf_counter() - began)

    def _count(self, server: str, outcome: str, seconds: float) -> None:
        """Count by the server's name: an address may hold an id."""
        if self._metrics is not None:
            self._metrics.outbound.labels(server, outcome).inc()
            self._metrics.outbound_seconds.labels(server).observe(seconds)

    def _note(self, server: str, state: str) -> None:
        """Log and show that a server is asked no longer, or again."""
        (log().warning if state == OPEN else log().info)("circuit of a server", host=server, kind=state)
        if self._metrics is not None:
            self._metrics.breaker_open.labels(server).set(state != CLOSED)

    async def _got(self, server: _Server, url: str, allowance: Allowance, token: str | None) -> bytes:
        headers = _headers(token)
        if not server.circuit.allows(allowance):
            raise OutboundError(LEFT_ALONE)
        seconds = allowance.spend()
        try:
            async with asyncio.timeout(seconds):
                body = await self._from(server, url, headers)
        except OutboundError as error:
            server.learn(error.reason, allowance, seconds)
            raise
        except TimeoutError:
            server.learn(TIMEOUT, allowance, seconds)
            raise OutboundError(TIMEOUT) from None
        except Exception:
            # Whatever the library or the far side invents: no detail of it may reach a log.
            server.learn(UNREACHABLE, allowance, seconds)
            raise OutboundError(UNREACHABLE) from None
        server.circuit.answered()
        return body

    async def close(self) -> None:
        """Close every connection."""
        for server in self._servers.values():
            await server.close()

    async def _from(self, server: _Server, url: str, headers: dict[str, str]) -> bytes:
        """The body from the first address of the server that takes the connection."""
        import httpx

        client, (*others, last) = self._client(server), await server.addresses.find()
        for address in others:
            try:
                return await self._read(
                    client, server.request(client, url, headers, address=address, connect=CONNECT_SECONDS)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        body = await self._read(client, server.request(client, url, headers, address=last))
        server.addresses.prefer(last)
        return body

    async def _read(self, client: httpx.AsyncClient, request: httpx.Request) -> bytes:
        response = await client.send(request, stream=True)
        try:
            self._check(response)
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._most_bytes:
                    raise OutboundError(TOO_LARGE)
        finally:
            await response.aclose()
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

    def _client(self, server: _Server) -> httpx.AsyncClient:
        if server.client is None:
            server.client = self._new_client()
        return server.client

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


class _Server:
    """One registered base: its addresses, its circuit, its connections."""

    def __init__(self, base: str, note: Callable[[str, str], None], resolve: Resolve | None) -> None:
        self.name = server_name(base)
        self.addresses = Addresses(_PORT.sub("", self.name), resolve)
        self.circuit = Circuit(partial(note, self.name))
        self.client: httpx.AsyncClient | None = None

    def request(
        self,
        client: httpx.AsyncClient,
        url: str,
        headers: dict[str, str],
        *,
        address: str,
        connect: float | None = None,
    ) -> httpx.Request:
        """The request as it goes to *address*; the certificate must still be that of the name."""
        import httpx

        timeout = httpx.Timeout(None, connect=connect)
        if self.addresses.literal:
            return client.build_request("GET", url, headers=headers, timeout=timeout)
        return client.build_request(
            "GET",
            httpx.URL(url).copy_with(host=address),
            headers={**headers, "Host": self.name},
            timeout=timeout,
            extensions={"sni_hostname": self.addresses.host},
        )

    def learn(self, reason: str, allowance: Allowance, seconds: float) -> None:
        """Whether a call that failed for *reason* says something about the server."""
        if reason not in (TIMEOUT, UNREACHABLE):
            self.circuit.answered()
        elif reason == UNREACHABLE or seconds >= FAIR_SECONDS:
            self.circuit.failed(allowance)

    async def close(self) -> None:
        """Close its connections."""
        client, self.client = self.client, None
        await self.addresses.close()
        if client is not None:
            await client.aclose()


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
