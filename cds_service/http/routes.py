"""
Discovery, the service call and feedback: a few lines each.

The call is a plain ASGI application, because it is what clinicians wait for: headers,
caller, body, parse, advise, send. Advice fails open. Whatever breaks inside is counted,
logged without a word of the record, and answered with no cards: a fault of ours must
not be the reason a scan is late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from cds_service.clients.clients import Client
from cds_service.errors import Busy, NotReady, RequestError, RequestTooSlow, TooManyCalls, UnknownCaller, UnknownService
from cds_service.hooks.feedback import FeedbackItem, parse_feedback
from cds_service.hooks.parse import parse
from cds_service.hooks.request import HookRequest
from cds_service.http.limits import ClientGone, Intake, Slots
from cds_service.http.problems import Answer, json_answer, not_stored, outcome, picture_answer, problem
from cds_service.http.state import State
from cds_service.outbound import Deadline
from cds_service.telemetry import log, place

NO_CARDS = json_answer(b'{"cards":[]}')
THANKS = json_answer(b"{}")
NO_PICTURE = outcome(404, "not-found", "There is no such picture, or its link is over.")
GRACE_SECONDS = 1.0
"""How long past its deadline advice is waited for, should it not keep it itself."""

CALLS = "/cds-services"
UNKNOWN = "unknown"


class Discovery:
    """``GET /cds-services``: always the same answer, to callers who may have it."""

    def __init__(self, state: State, answer: Answer) -> None:
        self._state = state
        self._offered = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        answer = self._offered
        try:
            if self._state.settings.discovery != "open":
                await self._state.access.identify(scope, CALLS)
        except RequestError as error:
            answer = refusal(self._state, error, "discovery")
        await answer.send(send)


def refusal(state: State, error: RequestError, service: str) -> Answer:
    """The answer to a request that cannot be served, noted with its reason."""
    if isinstance(error, UnknownCaller):
        state.metrics.tokens_refused.labels(error.client, error.reason).inc()
        log().info("refused", service=service, status=error.status, client=error.client, reason=error.reason)
    else:
        log().info("refused", service=service, status=error.status, reason=str(error))
    if isinstance(error, RequestTooSlow):
        state.metrics.timeouts.labels("body").inc()
    if isinstance(error, Busy | TooManyCalls):
        state.metrics.shed.labels(error.full if isinstance(error, Busy) else "client").inc()
    return problem(error)


class Endpoint:
    """What service call and feedback share: who calls which service with what body, counted and timed."""

    def __init__(self, state: State, name: str) -> None:
        self._state = state
        self._name = name
        self._intake: Intake = state.intake
        self._count = state.metrics.requests
        self._time = {id_: state.metrics.seconds.labels(self._label(id_)) for id_ in (*state.hooks, UNKNOWN)}
        self._counts: dict[tuple[str, int], Any] = {}

    def _label(self, service_id: str) -> str:
        return f"{service_id}{self._name}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        service_id = scope["path_params"]["service_id"]
        known = service_id if service_id in self._state.hooks else UNKNOWN
        try:
            answer = await self._answer(scope, receive, known)
        except ClientGone:
            return
        except RequestError as error:
            answer = refusal(self._state, error, self._label(known))
        await answer.send(send)
        self._counted(known, answer.status).inc()
        self._time[known].observe(time.perf_counter() - began)

    def _counted(self, service_id: str, status: int) -> Any:
        child = self._counts.get((service_id, status))
        if child is None:
            child = self._counts[service_id, status] = self._count.labels(self._label(service_id), str(status))
        return child

    async def _answer(self, scope: Scope, receive: Receive, service_id: str) -> Answer:
        seconds = self._state.line.left(scope)  # first of all: a token that was looked at is used up
        self._intake.check(scope["headers"])
        client = await self._state.access.identify(scope, f"{CALLS}/{scope['path_params']['service_id']}{self._name}")
        if service_id == UNKNOWN:
            raise UnknownService("There is no service of that id.")
        self._state.rates.take(client.id)
        body = await self._intake.read(receive)
        return await self._served(client, service_id, body, seconds)

    async def _served(self, client: Client, service_id: str, body: bytes, seconds: float) -> Answer:
        raise NotImplementedError  # pragma: no cover


class ServiceCall(Endpoint):
    """``POST /cds-services/{id}``."""

    def __init__(self, state: State) -> None:
        super().__init__(state, "")
        self._slots: Slots = state.slots
        self._parse = state.traces.step("parse", parse) if state.traces else parse

    async def _served(self, client: Client, service_id: str, body: bytes, seconds: float) -> Answer:
        request = self._parse(body, service_hook=self._state.hooks[service_id])
        with self._slots:
            return await self._advised(client, request, seconds)

    async def _advised(self, client: Client, request: HookRequest, seconds: float) -> Answer:
        try:
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                parts = self._state.ready()
                viewed = parts.viewer if request.hook == "patient-view" else None
                return json_answer(await (viewed or parts.advisor).advise(client, request, Deadline(seconds)))
        except RequestError:
            raise
        except Exception as error:
            return self._nothing(error)

    def _nothing(self, error: Exception) -> Answer:
        kind = "late" if isinstance(error, TimeoutError) else "advice"
        self._state.metrics.faults.labels(kind).inc()
        if kind == "late":
            self._state.metrics.timeouts.labels("advice").inc()
        log().error("advice failed", kind=kind, error=type(error).__name__, place=place(error))
        return NO_CARDS


class Feedback(Endpoint):
    """``POST /cds-services/{id}/feedback``: answered only once every item is kept."""

    def __init__(self, state: State) -> None:
        super().__init__(state, "/feedback")

    async def _served(self, client: Client, service_id: str, body: bytes, seconds: float) -> Answer:
        del service_id, seconds  # a card's own id says which service it came from
        items = parse_feedback(body)
        return await self._kept(lambda: self._state.parts.feedback.record_feedback(client.id, items), items)

    async def _kept(self, record: Callable[[], Awaitable[None]], items: list[FeedbackItem]) -> Answer:
        try:
            await record()
        except NotReady:
            raise
        except Exception as error:
            self._state.metrics.faults.labels("feedback").inc()
            log().error("feedback not stored", error=type(error).__name__, place=place(error), count=len(items))
            return not_stored()
        for item in items:
            self._state.metrics.feedback.labels(item.outcome).inc()
        return THANKS


class Pictures:
    """``GET /imaging-so-far/{name}``: the picture a card links to, for as long as the link lasts."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        viewer = self._state.parts.viewer if self._state.is_ready else None
        found = viewer.picture(scope["path_params"]["name"]) if viewer is not None else None
        await (picture_answer(found) if found is not None else NO_PICTURE).send(send)
