"""The real service with the shipped rules, started once, at a time each scenario sets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cds_service.app import assembled, build
from cds_service.content import Content
from cds_service.facts.gather import Site
from cds_service.fhir.memory import RecordMemory
from cds_service.fhir.prefetch import records
from cds_service.hooks.parse import parse
from cds_service.http.ports import Parts
from cds_service.judging import Judged, imaging_orders, judge_orders, make_child
from cds_service.settings import Settings, read
from cds_service.telemetry import Metrics
from tests.scenarios.compose import moment, request

SERVICES = "/cds-services/pediatric-imaging-"


class Service:
    """One running app, asked over ASGI; ``now`` is what its clock shows."""

    def __init__(self, client: httpx.AsyncClient, parts: Parts) -> None:
        self.client, self.parts = client, parts
        self.now = datetime.min
        self.parts.advisor.clock = lambda: self.now

    @property
    def content(self) -> Content:
        return self.parts.library.content

    async def call(self, scenario: dict[str, Any]) -> httpx.Response:
        """The answer to the call *scenario* describes."""
        return await self.ask(request(scenario), moment(scenario["at"]))

    async def ask(self, body: dict[str, Any], now: datetime) -> httpx.Response:
        """The answer to a request that comes at *now*."""
        self.now = now
        return await self.client.post(SERVICES + body["hook"], json=body)

    def forget(self) -> None:
        """Make every record one that never came before."""
        self.parts.advisor.known = RecordMemory()

    def judged(self, scenario: dict[str, Any]) -> list[Judged]:
        """What the rules say of each order of the same call, for what a card doesn't show."""
        body = request(scenario)
        read_call = parse(json.dumps(body).encode(), service_hook=body["hook"])
        child = make_child(records(read_call), self.content, read_call, moment(scenario["at"]), Site())
        orders = list(imaging_orders(read_call, self.content))
        return judge_orders(orders, child, self.content, want_all=True)


class Services:
    """Services by the site they stand in, each started when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runner = folder, asyncio.Runner()
        self.started: dict[str, Service] = {}
        self.open = AsyncExitStack()

    def at(self, site: dict[str, Any] | None) -> Service:
        """The service as the site configures it."""
        key = json.dumps(site, sort_keys=True)
        if key not in self.started:
            self.started[key] = self.runner.run(self._start(site, self.folder / str(len(self.started))))
        return self.started[key]

    def call(self, scenario: dict[str, Any]) -> httpx.Response:
        """The answer to one scenario."""
        return self.runner.run(self.at(scenario.get("site")).call(scenario))

    async def _start(self, site: dict[str, Any] | None, folder: Path) -> Service:
        environment = {"CDS_DATA": str(folder / "data"), "CDS_RELOAD_SECONDS": "0", "CDS_DEADLINE_MS": "2000"}
        if site is not None:
            (folder / "site").mkdir(parents=True)
            (folder / "site" / "site.yaml").write_text(yaml.safe_dump(site))
            environment["CDS_SITE"] = str(folder / "site")
        kept: list[Parts] = []

        @asynccontextmanager
        async def assemble(settings: Settings, metrics: Metrics) -> AsyncIterator[Parts]:
            async with assembled(settings, metrics) as parts:
                kept.append(parts)
                yield parts

        app = build(read(environment), assemble)
        await self.open.enter_async_context(app.router.lifespan_context(app))
        assert kept[0].library.ready, kept[0].library.status.problems
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url="http://cds.test", verify=False)
        return Service(await self.open.enter_async_context(client), kept[0])

    def close(self) -> None:
        """Stop everything that was started."""
        self.runner.run(self.open.aclose())
        self.runner.close()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    running = Services(tmp_path_factory.mktemp("scenarios"))
    try:
        running.at(None)  # broken rules stop every scenario at once
        yield running
    finally:
        running.close()
