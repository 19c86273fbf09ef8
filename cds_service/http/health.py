"""
Alive; ready, and with which content; the counters.

Liveness asks nothing of anything, so that a slow disk never restarts a service that
answers. Readiness shows a refused edit at once: the last good content stays in force,
and whoever edited must see why. A FHIR server that is left alone for a while is shown too; the
service is ready without it. Both, like the counters, are for the house: outsiders of a guarded
service learn whether it is ready, and with which content.
"""

from __future__ import annotations

from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from cds_service.errors import Problem
from cds_service.http.ports import Library
from cds_service.http.problems import RETRY_AFTER
from cds_service.http.state import State
from cds_service.settings import is_loopback

_CAREFUL = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_OF_PROXIES = (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")
_MOST_PROBLEMS = 20
_KEPT_FOLDERS = 3


class Health:
    """Readiness and counters of one app."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def live(self, request: Request) -> Response:
        """200 as long as the process answers."""
        del request
        return Response(b'{"alive":true}', headers=_CAREFUL, media_type="application/json")

    async def ready(self, request: Request) -> Response:
        """200 with the content in force; 503 when there is none."""
        ready = self._state.is_ready
        headers = _CAREFUL if ready else {**_CAREFUL, "retry-after": RETRY_AFTER.decode()}
        said = {"ready": ready, **_content(self._state.library)}
        if self._inside(request):
            servers = [{"server": name, "state": state} for name, state in self._state.circuits.items()]
            said |= {**_refused(self._state.library), **({"servers": servers} if servers else {})}
        body = msgspec.json.encode(said)
        return Response(body, 200 if ready else 503, headers=headers, media_type="application/json")

    async def metrics(self, request: Request) -> Response:
        """The counters in Prometheus's text format."""
        if not self._inside(request):
            return Response(b"", 403, headers=_CAREFUL)
        self._state.metrics.ready.set(self._state.is_ready)
        return Response(self._state.metrics.text(), headers=_CAREFUL, media_type=CONTENT_TYPE_LATEST)

    def _inside(self, request: Request) -> bool:
        """Whether who asks may see what is of the house."""
        return not self._state.is_guarded or self._state.settings.metrics == "open" or direct(request.scope)


def direct(scope: Scope) -> bool:
    """
    Whether a request comes from this machine itself, and not through a proxy on it.

    >>> direct({"type": "http", "client": ("10.0.0.7", 1), "headers": []})
    False
    """
    host = (scope.get("client") or ("",))[0]
    return is_loopback(host) and not any(name in _OF_PROXIES for name, _ in scope["headers"])


def _content(library: Library | None) -> dict[str, Any]:
    """The content in force, as far as there is any."""
    if library is None or not library.ready:
        return {}
    status = library.status
    said: dict[str, Any] = {"digest": status.digest, "revision": status.revision, "lastGood": status.from_last_good}
    said["counts"] = dict(library.content.counts)
    if status.loaded_at is not None:
        said["loadedAt"] = status.loaded_at.isoformat()
    return said


def _refused(library: Library | None) -> dict[str, Any]:
    """Why the last edit was refused, if it was."""
    problems = library.status.problems if library is not None else ()
    return {"refused": [_named(problem) for problem in problems[:_MOST_PROBLEMS]]} if problems else {}


def _named(problem: Problem) -> str:
    """The problem, with no more of its path than tells files apart."""
    file = "/".join(problem.file.split("/")[-_KEPT_FOLDERS:])
    return str(Problem(file, problem.line, problem.trouble, problem.remedy))
