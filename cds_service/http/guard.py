"""The outermost ring: each request gets its id, and whatever escapes a route is answered in JSON, without a word."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds_service.http.problems import fault
from cds_service.telemetry import Metrics, log, place
from cds_service.telemetry.requests import HEADER, REQUEST, request_id


class Guard:
    """ASGI middleware. It stands inside CORS, so that a browser may read the answer to a fault too."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False
        request = request_id(scope["headers"])
        REQUEST.set(request)

        async def watched(message: Message) -> None:
            nonlocal begun
            if not begun:
                begun = True
                message = {**message, "headers": [*message["headers"], (HEADER, request.encode())]}
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            self._metrics.faults.labels("route").inc()
            log().error("route failed", error=type(error).__name__, place=place(error))
            if not begun:
                await fault().send(watched)
