"""
OpenTelemetry traces: where the time of a call goes, step by step; on only when the site says so.

``CDS_TRACES=on`` switches them on, the standard ``OTEL_*`` variables say where they go and how many are kept. Nothing
of OpenTelemetry is loaded, wrapped or asked while they are off.

A span holds a route, a server's name, a status, a reason of ours. No address, no query, no id of a record, no message
of an error ever is in one; of what a caller sends only ``traceparent`` is taken, since ``tracestate`` and ``baggage``
are free text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds_service import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

_Asked = ParamSpec("_Asked")
_Given = TypeVar("_Given")
_SERVICE = "pediatric-imaging-cds"


class Traces:
    """Makes spans and sends them by *exporter*, or as the standard variables say."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = OTLPSpanExporter()
        self._provider = TracerProvider(resource=Resource.create(_ourselves()))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("cds_service", __version__)
        self._extract = TraceContextTextMapPropagator().extract

    def serving(self, app: ASGIApp, method: str, route: str) -> ASGIApp:
        """*app* in a server span of its own, named by *route* and never by the path that was asked."""
        return _Served(self, app, method, route)

    def answering(self, method: str, route: str, sent: list[str]) -> Any:
        """The span of one request, below the caller's when *sent* is its one ``traceparent``."""
        from opentelemetry.trace import SpanKind

        parent = self._extract({"traceparent": sent[0]} if len(sent) == 1 else {})
        about = {"http.request.method": method, "http.route": route}
        return self._span(f"{method} {route}", kind=SpanKind.SERVER, context=parent, attributes=about)

    def step(self, name: str, function: Callable[_Asked, _Given]) -> Callable[_Asked, _Given]:
        """*function* in a span of its own."""

        @wraps(function)
        def run(*given: _Asked.args, **more: _Asked.kwargs) -> _Given:
            with self.within(name):
                return function(*given, **more)

        return run

    @contextmanager
    def within(self, name: str) -> Iterator[Span]:
        """A step of the call."""
        with self._span(name) as span:
            yield span

    @contextmanager
    def asking(self, server: str) -> Iterator[Span]:
        """A request to another server, by its name alone."""
        from opentelemetry.trace import SpanKind

        host, _, port = server.rpartition(":") if server.rpartition(":")[2].isdecimal() else (server, "", "")
        about: dict[str, Any] = {"http.request.method": "GET", "server.address": host}
        if port:
            about["server.port"] = int(port)
        with self._span("GET", kind=SpanKind.CLIENT, attributes=about) as span:
            yield span

    def _span(self, name: str, **more: Any) -> Any:
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False, **more)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


class _Served:
    """An ASGI application in server spans; an object, because a router takes a function for something else."""

    def __init__(self, traces: Traces, app: ASGIApp, method: str, route: str) -> None:
        self._traces = traces
        self._app = app
        self._named = method, route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"]
        with self._traces.answering(*self._named, sent) as span:
            await self._app(scope, receive, _watched(send, span))


def failed(span: Span, reason: str) -> None:
    """Mark a span as failed, with a word of ours."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", reason)
    span.set_status(StatusCode.ERROR)


def _watched(send: Send, span: Span) -> Send:
    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                failed(span, str(status))
        await send(message)

    return watched


def _ourselves() -> dict[str, str]:
    """Name and version; a name that the environment gives comes first."""
    import os

    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return {"service.version": __version__, **({} if named else {"service.name": _SERVICE})}
