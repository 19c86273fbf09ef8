"""
What a client may cost us: bytes, time to send them, calls at once, calls a second.

The checks go from cheap to dear: what the headers say, then the bytes as they come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from types import TracebackType

from starlette.types import Message, Receive, Scope

from cds_service.errors import Busy, MalformedRequest, NotJson, RequestTooLarge, RequestTooSlow, TooManyCalls

_NOT_JSON = (b"application/x-www-form-urlencoded", b"multipart/", b"text/html", b"image/", b"video/", b"audio/")
WHOLE = "cds.whole"
"""In the scope of a request: when it was there whole, by the monotonic clock."""
HOPELESS = 0.75
"""The share of its time after which a call that still waits is sent away."""
BURST = 2.0
_SHARE = 8
"""How many of the largest bodies may be in memory at once."""


class ClientGone(Exception):
    """The client left before it had sent everything; there is nobody to answer."""


class Slots:
    """
    Room for so many calls at once; entering a full one raises Busy.

    Calls are counted while they are judged, not while they trickle in: slow senders
    must not keep others out.
    """

    __slots__ = ("_free", "_most")

    def __init__(self, most: int) -> None:
        self._free = self._most = most

    def busy(self) -> bool:
        """Whether any call is being judged."""
        return self._free < self._most

    def __enter__(self) -> None:
        if self._free <= 0:
            raise Busy("calls", "Too many calls at once; try again.")
        self._free -= 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._free += 1


class Line:
    """
    How long a request has waited for its turn, counted from when it was there whole.

    A call that has waited for most of its time is sent away: advice that comes after the clinician
    has gone on helps nobody, and those behind it would come too late as well.
    """

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def left(self, scope: Scope) -> float:
        """Seconds left for the request; Busy when too few are."""
        waited: float = time.monotonic() - scope.get(WHOLE, float("inf"))
        if waited <= 0:
            return self._seconds
        if waited > HOPELESS * self._seconds:
            raise Busy("line", "Too many calls are waiting; try again.")
        return self._seconds - waited


class Rates:
    """
    So many calls a second from each client, twice as many in a burst; 0 is no limit.

    >>> rates = Rates(1, clock=lambda: 5.0)
    >>> [rates.take("main") for _ in range(2)]
    [None, None]
    """

    __slots__ = ("_clock", "_left", "_rate")

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, client: str) -> None:
        """Take one call of *client*; TooManyCalls when there is none left."""
        if not self._rate:
            return
        most, now = BURST * self._rate, self._clock()
        left, then = self._left.get(client, (most, now))
        left = min(most, left + (now - then) * self._rate)
        if left < 1:
            raise TooManyCalls("More calls than this client may send; try again.")
        self._left[client] = left - 1, now


class Intake:
    """Reads bodies of at most *most* bytes that arrive within *seconds*, and not too many bytes in all."""

    __slots__ = ("_most", "_room", "_seconds")

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._room = most * _SHARE
        self._seconds = seconds

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Refuse by the headers alone what would be refused later: too long, packed, not JSON."""
        for name, value in headers:
            if name == b"content-length":
                self._check_length(value)
            elif name == b"content-type":
                _check_type(value)
            elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                raise NotJson("The body must not be compressed.")

    def _check_length(self, value: bytes) -> None:
        if not value.isdigit():
            raise MalformedRequest("Content-Length is not a number.")
        self._check_size(int(value[:18]))

    async def read(self, receive: Receive) -> bytes:
        """The whole body, counted as it comes, whatever Content-Length said."""
        try:
            async with asyncio.timeout(self._seconds):
                message = await receive()
                if message["type"] == "http.request" and not message.get("more_body"):
                    body: bytes = message.get("body", b"")
                    self._check_size(len(body))
                    return body
                return await self._parts(message, receive)
        except TimeoutError:
            raise RequestTooSlow(f"The body did not arrive within {self._seconds:g} seconds.") from None

    def _check_size(self, size: int) -> None:
        if size > self._most:
            raise RequestTooLarge(f"The body is larger than {self._most} bytes.")

    async def _parts(self, message: Message, receive: Receive) -> bytes:
        """The body in several messages; what is held meanwhile counts against the room for all."""
        body = bytearray()
        try:
            while True:
                piece = _piece(message)
                body += piece
                self._room -= len(piece)
                self._check_size(len(body))
                if self._room < 0:
                    raise Busy("bodies", "Too many large bodies at once; try again.")
                if not message.get("more_body"):
                    return bytes(body)
                message = await receive()
        finally:
            self._room += len(body)


def _piece(message: Message) -> bytes:
    if message["type"] != "http.request":
        raise ClientGone
    piece: bytes = message.get("body", b"")
    return piece


def _check_type(value: bytes) -> None:
    kind = value.partition(b";")[0].strip().lower()
    if kind.startswith(_NOT_JSON) or kind.endswith((b"/xml", b"+xml")):
        raise NotJson("The body must be JSON.")
