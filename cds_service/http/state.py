"""What the routes of one app share, from before the content is loaded until the end."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp

from cds_service.errors import NotReady
from cds_service.hooks.discovery import HOOKS, WITH_PATIENT_VIEW
from cds_service.http.access import Access
from cds_service.http.limits import Intake, Line, Rates, Slots
from cds_service.http.ports import Library, Parts
from cds_service.settings import Settings
from cds_service.telemetry import Metrics
from cds_service.telemetry.traces import Traces


class State:
    """One app's parts, limits and counters. The parts arrive when the app starts and go when it ends."""

    def __init__(self, settings: Settings, metrics: Metrics, traces: Traces | None = None) -> None:
        self.settings = settings
        self.metrics = metrics
        self.traces = traces
        self.intake = Intake(settings.max_body_bytes, settings.body_seconds)
        self.hooks = WITH_PATIENT_VIEW if settings.patient_view != "off" else HOOKS
        self.slots = Slots(settings.max_concurrent)
        self.line = Line(settings.deadline_ms / 1000)
        self.rates = Rates(settings.client_rate)
        self._open: tuple[Parts, Access] | None = None

    def served(self, app: ASGIApp, method: str, route: str) -> ASGIApp:
        """*app* in a span of its own where traces are on, else *app* itself."""
        return self.traces.serving(app, method, route) if self.traces else app

    def open(self, parts: Parts) -> None:
        """Put *parts* to work."""
        self._open = (parts, Access(parts.clients, parts.door, self.settings.public_url))

    def close(self) -> None:
        """No more calls."""
        self._open = None

    def _opened(self) -> tuple[Parts, Access]:
        if self._open is None:
            raise NotReady("The service is starting.")
        return self._open

    @property
    def access(self) -> Access:
        """Who callers are; NotReady before the app has started."""
        return self._opened()[1]

    @property
    def parts(self) -> Parts:
        """The parts; NotReady before the app has started."""
        return self._opened()[0]

    def ready(self) -> Parts:
        """The parts, with content in force; NotReady otherwise."""
        parts = self.parts
        if not parts.library.ready:
            raise NotReady("There are no rules in force.")
        return parts

    @property
    def library(self) -> Library | None:
        """The content's library, None before the app has started."""
        return self._open[0].library if self._open else None

    @property
    def circuits(self) -> Mapping[str, str]:
        """By name of each FHIR server, whether it is asked; empty before the app has started."""
        return self._open[0].circuits() if self._open else {}

    @property
    def is_guarded(self) -> bool:
        """Whether callers have to prove who they are."""
        return self._open is not None and self._open[0].door is not None

    @property
    def is_ready(self) -> bool:
        """Whether calls are judged."""
        return self.library is not None and self.library.ready
