"""
Builds the app from Settings: the only place where things are wired.

An app without content answers too: discovery as ever, health with what is wrong, calls
with 503. So a broken rule file is seen by whoever looks, and never as silence.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cds_service import __doc__ as about
from cds_service import clients
from cds_service.advise import Advisor
from cds_service.clients.doorkeeper import Doorkeeper, Uses
from cds_service.clients.opening import doorkeeper
from cds_service.facts.gather import Site
from cds_service.fhir.client import new_cache
from cds_service.fhir.prefetch import OF_DOSES, OF_HISTORY, TEMPLATES
from cds_service.hooks.discovery import discovery
from cds_service.http import ports
from cds_service.http.access import check_doors
from cds_service.http.connections import ImpatientProtocol
from cds_service.http.guard import Guard
from cds_service.http.health import Health
from cds_service.http.ports import Parts
from cds_service.http.problems import json_answer, of_framework
from cds_service.http.routes import CALLS, Discovery, Feedback, ServiceCall
from cds_service.http.routes import Pictures as PictureRoute
from cds_service.http.rules import Rules
from cds_service.http.state import State
from cds_service.library import Library, Places
from cds_service.outbound import Outbound
from cds_service.patient_view import PATH, PatientView
from cds_service.settings import Settings
from cds_service.storage.database import Database
from cds_service.storage.retention import Keeping
from cds_service.storage.shared_tokens import SharedTokens
from cds_service.storage.store import Store
from cds_service.storage.used_tokens import used_tokens
from cds_service.telemetry import Metrics, log
from cds_service.telemetry.traces import Traces
from cds_service.timeline.links import Pictures
from cds_service.traced import TracedAdvisor, TracedOutbound
from cds_service.transparency.pages import Pages

Assemble = Callable[..., AbstractAsyncContextManager[Parts]]
"""Opens the parts of a running service and closes them at the end."""

_CALL = CALLS + "/{service_id}"
_FEEDBACK = _CALL + "/feedback"

_TURN_SECONDS = 0.0005
_NO_EXPORT: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""The framework's own telemetry would record paths and error messages and send them where the environment says."""


@asynccontextmanager
async def assembled(settings: Settings, metrics: Metrics, traces: Traces | None = None) -> AsyncIterator[Parts]:
    """
    The parts of the service as *settings* say: content loaded, storage open, connections warm.

    Raises ContentError when ``clients.yaml`` is wrong; broken rules only make it not ready.
    """
    known = clients.load(settings.site, settings.fhir_servers)
    check_doors(settings, known)
    library = Library(
        Places(settings.rules, settings.cards, settings.data, settings.site, settings.licences), announcer(metrics)
    )
    await asyncio.to_thread(library.start)
    bases = [server for client in known.values() for server in client.fhir_servers]
    outbound = TracedOutbound(traces, bases, metrics=metrics) if traces else Outbound(bases, metrics=metrics)
    outbound.warm()
    store = Store(
        settings.data,
        settings.database_url,
        spool_bytes=settings.spool_bytes,
        keeping=Keeping(settings.decision_days, settings.feedback_days),
    )
    _watch(metrics, library, store)
    make = partial(TracedAdvisor, traces) if traces else Advisor
    advisor = make(
        library, store, outbound, new_cache(), metrics, Site(settings.time_zone), public_url=settings.public_url
    )
    try:
        with settled():
            pages = Pages(lambda: library.content, refused=lambda: bool(library.status.problems))
            viewer = _viewer(settings, advisor, store)
            async with guarded(settings, known, metrics) as door:
                yield Parts(advisor, store, library, known, viewer, outbound.circuits, door, pages)
    finally:
        await outbound.close()
        await store.close()


def _viewer(settings: Settings, advisor: Advisor, store: Store) -> PatientView | None:
    if settings.patient_view == "off":
        return None
    return PatientView(advisor, Pictures(store.identity.seal), with_doses=settings.patient_view == "with-doses")


def _watch(metrics: Metrics, library: Library, store: Store) -> None:
    """What is asked for whenever somebody looks at the counters."""
    metrics.total("cds_journal_dropped_records", "Records of advice that could not be kept.", lambda: store.dropped)
    metrics.gauge("cds_spool_bytes", "Bytes on the local disk that wait for the database.", read=lambda: store.spooled)
    metrics.gauge(
        "cds_content_refused", "1 while the last edit is refused.", read=lambda: bool(library.status.problems)
    )
    metrics.gauge(
        "cds_content_last_good", "1 while content kept on disk stands in.", read=lambda: library.status.from_last_good
    )


@asynccontextmanager
async def guarded(
    settings: Settings, known: Mapping[str, clients.Client], metrics: Metrics
) -> AsyncIterator[Doorkeeper | None]:
    """Who checks callers, and a word on it; nobody where clients carry no keys."""
    if not clients.checked(known):
        log().warning("callers are not checked: everybody on this machine is the one client", host=settings.host)
        yield None
        return
    longest = max(client.trust.remembered for client in known.values() if client.trust)

    def counted(client: str, outcome: str) -> None:
        metrics.key_fetches.labels(client, outcome).inc()

    async with remembered(settings, longest) as uses, doorkeeper(known.values(), uses, counted) as door:
        log().info("callers are checked by their tokens", host=settings.host, count=len(known))
        yield door


@asynccontextmanager
async def remembered(settings: Settings, seconds: float) -> AsyncIterator[Uses]:
    """Where used tokens are remembered for *seconds*: on this machine, and in the database for replicas on others."""
    own = used_tokens(settings.data, seconds)
    looking = asyncio.create_task(own.watch())
    place = settings.used_tokens
    if place == "auto":
        place = "machine" if settings.database_url.startswith("sqlite") else "database"
    shared = SharedTokens(own, Database(settings.database_url)) if place == "database" else None
    try:
        yield shared or own
    finally:
        looking.cancel()
        if shared is not None:
            await asyncio.to_thread(shared.close)
        own.close()


def build(
    settings: Settings,
    assemble: Assemble = assembled,
    *,
    templates: Mapping[str, str] = TEMPLATES,
    traces: Traces | None = None,
) -> FastAPI:
    """The app, ready for a server; *assemble* makes its parts when it starts, with *traces* where it is given some."""
    metrics = Metrics()
    state = State(settings, metrics, traces)
    opened = partial(assemble, traces=traces) if traces else assemble

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        busy = state.slots.busy
        async with opened(settings, metrics) as parts, _watched(parts.library, settings.reload_seconds, busy):
            state.open(parts)
            with prompt():
                yield
            state.close()

    return Service(
        state.served(ServiceCall(state), "POST", _CALL),
        metrics,
        title=about or "",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=_NO_EXPORT,
        redirect_slashes=False,
        lifespan=lifespan,
        routes=routes(state, templates),
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type", "x-request-id", "traceparent"],
                expose_headers=["x-request-id", "retry-after"],
            ),
            Middleware(Guard, metrics=metrics),
        ],
        exception_handlers={HTTPException: of_framework},
    )


class Service(FastAPI):
    """
    The framework's app, where a service call of a server goes straight to its endpoint.

    Routing and middleware cost as much as reading the request and have nothing to do for it: a call from a browser,
    which names its origin, takes the way through them.
    """

    def __init__(self, call: ASGIApp, metrics: Metrics, **more: Any) -> None:
        super().__init__(**more)
        self._call = Guard(call, metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service_id = _called(scope)
        if service_id:
            scope["path_params"] = {"service_id": service_id}
            await self._call(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _called(scope: Scope) -> str:
    """The id of the service called when nothing but its endpoint has to do with the request."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope.get("root_path"):
        return ""
    path: str = scope["path"]
    if not path.startswith(CALLS + "/") or any(name == b"origin" for name, _ in scope["headers"]):
        return ""
    service_id = path[len(CALLS) + 1 :]
    return "" if "/" in service_id else service_id


def routes(state: State, templates: Mapping[str, str]) -> list[BaseRoute]:
    """Everything served, the busiest first; ``openapi.yaml`` describes it."""
    health = Health(state)
    shown = {"off": None, "on": OF_HISTORY}.get(state.settings.patient_view, OF_DOSES)
    offered = json_answer(msgspec.json.encode(discovery(templates, shown)))
    return [
        Route(_CALL, state.served(ServiceCall(state), "POST", _CALL), methods=["POST"]),
        Route(CALLS, state.served(Discovery(state, offered), "GET", CALLS), methods=["GET"]),
        Route(_FEEDBACK, state.served(Feedback(state), "POST", _FEEDBACK), methods=["POST"]),
        Route(PATH + "{name}", PictureRoute(state), methods=["GET"]),
        Route("/rules", Rules(state), methods=["GET"]),
        Route("/rules/{rule_id}", Rules(state), methods=["GET"]),
        Route("/health/live", health.live, methods=["GET"]),
        Route("/health/ready", health.ready, methods=["GET"]),
        Route("/metrics", health.metrics, methods=["GET"]),
    ]


def server_options(settings: Settings) -> dict[str, Any]:
    """
    The keyword arguments for ``uvicorn.run``.

    SettingsError when callers nobody checks could reach the host, ContentError when ``clients.yaml`` is wrong.

    No access log, because it prints paths; no server header, no proxy headers, because
    nothing here believes them; a request has a time limit from its first byte.
    """
    check_doors(settings, clients.load(settings.site, settings.fhir_servers))
    return {
        "host": settings.host,
        "port": settings.port,
        "http": ImpatientProtocol,
        "loop": "auto",
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": 15,
        "timeout_graceful_shutdown": 10,
    }


def announcer(metrics: Metrics) -> Callable[[str, dict[str, object]], None]:
    """What the library calls at each change of content: a log line and a count."""

    def announce(event: str, fields: dict[str, object]) -> None:
        metrics.content.labels(event).inc()
        (log().info if event == "content_loaded" else log().warning)(event, **fields)

    return announce


@contextmanager
def settled() -> Iterator[None]:
    """While inside, what exists now is left out of garbage collections, which would walk all rules each time."""
    gc.collect()
    gc.freeze()
    gc.enable()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def prompt() -> Iterator[None]:
    """
    While inside, a thread that is busy lets go after half a millisecond.

    Reading edited rules takes seconds of work beside the calls; with the interpreter's own five
    milliseconds a call that fetches waits for its turn dozens of times and is late.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@asynccontextmanager
async def _watched(library: ports.Library, seconds: float, busy: Callable[[], bool]) -> AsyncIterator[None]:
    """While inside, edits are looked for every *seconds*, never when 0; while calls are *busy* they go first."""
    task = asyncio.create_task(library.watch(seconds, busy)) if seconds else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
