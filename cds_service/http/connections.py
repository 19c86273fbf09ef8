"""
A connection that stays silent, sends its headers drop by drop, never ends them, or takes no answer, is cut.

The server itself waits for headers for ever, however many; proxies in front usually
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
HEADER_BYTES = 1_000_000
"""Far more than headers need, since the first bytes of a body may come along with them."""


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a time limit from the first byte of a request to the last of its headers."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._patience: asyncio.TimerHandle | None = None
        self._before_headers = 0
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._patience is not None:
            self._before_headers += len(data)
            if self._before_headers > HEADER_BYTES:
                self._done()
                self._cut()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        self._done()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        scope: MutableMapping[str, Any] = self.scope  # type: ignore[assignment]
        scope[WHOLE] = time.monotonic()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._was_read()

    def connection_lost(self, exc: Exception | None) -> None:
        self._done()
        self._was_read()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None:
            self._before_headers = 0
            self._patience = self.loop.call_later(HEADER_SECONDS, self._cut)

    def _done(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _was_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _cut(self) -> None:
        self._patience = None
        self.transport.abort()
