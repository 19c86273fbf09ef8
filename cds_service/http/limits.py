"""
What a client may cost us: bytes, time to send them, calls at once.

The checks go from cheap to dear: what the headers say, then the bytes as they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType

from starlette.types import Message, Receive

from cds_service.errors import MalformedRequest, NotJson, NotReady, RequestTooLarge, RequestTooSlow

_NOT_JSON = (b"application/x-www-form-urlencoded", b"multipart/", b"text/html", b"image/", b"video/", b"audio/")
_SHARE = 8
"""How many of the largest bodies may be in memory at once."""


class ClientGone(Exception):
    """The client left before it had sent everything; there is nobody to answer."""


class Slots:
    """
    Room for so many calls at once; entering a full one raises NotReady.

    Calls are counted while they are judged, not while they trickle in: slow senders
    must not keep others out.
    """

    __slots__ = ("_free",)

    def __init__(self, most: int) -> None:
        self._free = most

    def __enter__(self) -> None:
        if self._free <= 0:
            raise NotReady("Too many calls at once; try again.")
        self._free -= 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._free += 1


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
                    raise NotReady("Too many large bodies at once; try again.")
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
