"""The app with everything behind its rim replaced by stand-ins, and ways to call it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from cds_service.app import build, server_options
from cds_service.clients.clients import Client
from cds_service.http.ports import Parts
from cds_service.settings import Settings, read

SIGN = "/cds-services/pediatric-imaging-order-sign"
SELECT = "/cds-services/pediatric-imaging-order-select"
CARD = b'{"cards":[{"uuid":"c1","summary":"CT head: consider none","indicator":"info","source":{"label":"x"}}]}'


class Advisor:
    """Says *says*, raises it, or calls it; remembers how it was asked."""

    def __init__(self, says: Any = CARD) -> None:
        self.says = says
        self.asked: list[Any] = []

    async def advise(self, client, request, deadline):
        self.asked.append((client, request, deadline))
        if isinstance(self.says, Exception):
            raise self.says
        return await self.says() if callable(self.says) else self.says


class Store:
    """Keeps feedback in a list, or raises *fails*."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.kept: list[Any] = []

    async def record_feedback(self, client, items):
        if self.fails:
            raise self.fails
        self.kept.append((client, list(items)))


class Library:
    """Content in force with *status*, or none."""

    def __init__(self, *, ready: bool = True, **status: Any) -> None:
        self.ready = ready
        known = {"digest": "abc", "revision": 1, "from_last_good": False, "problems": (), "loaded_at": None}
        self.status = SimpleNamespace(**{**known, **status})
        self.content = SimpleNamespace(counts={"topics": 3, "cards": 5})
        self.watched: list[float] = []

    async def watch(self, seconds: float, busy: Any) -> None:
        self.watched.append(seconds)
        await asyncio.Event().wait()


class Rim:
    """One app and its stand-ins."""

    def __init__(self, *, advisor: Any = None, store: Any = None, library: Any = None, **environment: str) -> None:
        self.advisor = advisor if isinstance(advisor, Advisor) else Advisor(CARD if advisor is None else advisor)
        self.store = store or Store()
        self.library = library or Library()
        self.circuits: Any = dict
        self.settings: Settings = read({"CDS_RELOAD_SECONDS": "0", **environment})
        self.app: FastAPI = build(self.settings, self.assemble)

    @asynccontextmanager
    async def assemble(self, settings, metrics) -> AsyncIterator[Parts]:
        yield Parts(self.advisor, self.store, self.library, {"local": Client("local")}, circuits=self.circuits)

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request in a life of its own."""
        (answer,) = self.ask_all((method, path, request))
        return answer

    def ask_all(self, *requests: tuple[str, str, dict[str, Any]], together: bool = False) -> list[httpx.Response]:
        """Requests one after the other, or together, in one life of the app."""

        async def run() -> list[httpx.Response]:
            async with self.app.router.lifespan_context(self.app):
                transport = httpx.ASGITransport(self.app)
                async with httpx.AsyncClient(transport=transport, base_url="http://cds.test", verify=False) as client:
                    waiting = [client.request(method, path, **more) for method, path, more in requests]
                    if together:
                        return list(await asyncio.gather(*waiting))
                    return [await one for one in waiting]

        return asyncio.run(run())

    def post(self, body: Any, path: str = SIGN, **headers: str) -> httpx.Response:
        """Post *body* as a client would; header names with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, content=body, headers={"content-type": "application/json", **named})

    def metric(self, line: str) -> float:
        """The value of one line of the counters."""
        for one in self.ask("GET", "/metrics").text.splitlines():
            if one.startswith(line + " "):
                return float(one.split(" ")[-1])
        return 0.0

    @contextmanager
    def served(self) -> Iterator[int]:
        """The app on a real server on a free port of this machine."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(self.app, **{**server_options(self.settings), "port": port}))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until = time.monotonic() + 5
        while not server.started and time.monotonic() < until:
            time.sleep(0.005)
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join(5)


def outcome(answer: httpx.Response) -> dict[str, Any]:
    """The one issue of an OperationOutcome answer, which must be one."""
    assert answer.headers["content-type"] == "application/fhir+json"
    assert len(answer.content) < 4096
    said = answer.json()
    assert said["resourceType"] == "OperationOutcome"
    (issue,) = said["issue"]
    return issue
