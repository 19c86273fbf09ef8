"""
A connection that stays silent, sends its headers drop by drop, never ends them, or takes no answer, is cut.

So is one that goes on with a request that has been answered, or fills it with what is no body: trailers,
extensions of chunks. Trailers are dropped, because the server would take them for headers.

The server itself waits for all of it for ever, however much; proxies in front usually
don't, but a service must not depend on that. The body has a time limit of its own, in ``limits``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cds_service.http.limits import WHOLE

HEADER_SECONDS = 5.0
ANSWER_SECONDS = 15.0
REST_SECONDS = 15.0
"""Time for the rest of a request that was answered before it was whole."""
HEADER_BYTES = 1_000_000
"""Bytes of a request that are no body: far more than headers need, and the frames of a body in chunks."""


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a time limit from the first byte of a request to the last of its headers."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._patience: asyncio.TimerHandle | None = None
        self._beside_body = 0
        self._unread: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        self._beside_body += len(data)
        super().data_received(data)
        if self._beside_body > HEADER_BYTES:
            self._done()
            self._cut()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._beside_body = 0
        self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._patience is not None:  # else it is a trailer
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._done()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError  # the server answers 400, as HTTP asks
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        # Twice, so that a body in chunks of a few bytes pays for their frames.
        self._beside_body = max(0, self._beside_body - 2 * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._came()
        scope: MutableMapping[str, Any] = self.scope  # type: ignore[assignment]
        scope[WHOLE] = time.monotonic()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._was_read()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body and self._rest is None:
            self._rest = self.loop.call_later(REST_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._done()
        self._came()
        self._was_read()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEADER_SECONDS, self._cut)

    def _done(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _was_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _came(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _cut(self) -> None:
        self._patience = None
        self.transport.abort()
