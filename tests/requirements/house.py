"""The service with callers checked for real and advice replaced by a stand-in: what a token gets, and why not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from cds_service import clients
from cds_service.app import guarded
from cds_service.http.ports import Parts
from tests.clients.callers import ENDPOINT, PUBLIC, entry
from tests.hooks.requests import body
from tests.http.rim import SIGN, Rim

CALL = body()
REFUSAL = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"login","diagnostics":"The caller is not known."}]}'


class Guarded(Rim):
    """An app whose clients are those of the site's folder."""

    @asynccontextmanager
    async def assemble(self, settings, metrics) -> AsyncIterator[Parts]:
        known = clients.load(settings.site, settings.fhir_servers)
        async with guarded(settings, known, metrics) as door:
            yield Parts(self.advisor, self.store, self.library, known, door=door)


class House:
    """One life of a guarded app."""

    def __init__(self, runner: asyncio.Runner, rim: Guarded, client: httpx.AsyncClient) -> None:
        self.runner, self.rim, self.client = runner, rim, client

    def send(self, token: str | None, **more: Any) -> httpx.Response:
        """A call with *token*, which may be any text."""
        return self.runner.run(self.sending(token, **more))

    def send_all(self, tokens: list[str]) -> list[httpx.Response]:
        """A call with each of *tokens*, all at once."""

        async def together() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self.sending(one) for one in tokens)))

        return self.runner.run(together())

    async def sending(
        self, token: str | None, method: str = "POST", path: str = SIGN, headers: Any = (), content: bytes = CALL
    ) -> httpx.Response:
        given = [("content-type", "application/json"), *(headers.items() if isinstance(headers, dict) else headers)]
        if token is not None:
            given.append(("authorization", f"Bearer {token}"))
        raw = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in given]
        return await self.client.request(method, path, content=content if method == "POST" else None, headers=raw)

    def accepts(self, token: str, **more: Any) -> None:
        """Check that *token* gets advice."""
        answer = self.send(token, **more)
        assert answer.status_code == 200, (answer.status_code, self.reasons())

    def refuses(self, token: str | None, *reasons: str, **more: Any) -> None:
        """Check that *token* gets the one refusal, no advice, and that the reason noted is one of *reasons*."""
        before, asked = self.reasons(), len(self.rim.advisor.asked)
        refused(self.send(token, **more))
        (reason,) = [name for name, count in self.reasons().items() if count > before.get(name, 0)]
        assert reason in reasons, reason
        assert len(self.rim.advisor.asked) == asked

    def reasons(self) -> dict[str, float]:
        """How often each reason was noted."""
        found: dict[str, float] = {}
        for line in self.metrics():
            if line.startswith("cds_tokens_refused_total{"):
                reason = line.partition('reason="')[2].partition('"')[0]
                found[reason] = found.get(reason, 0) + float(line.rpartition(" ")[2])
        return found

    def metrics(self) -> list[str]:
        """The counters, line by line."""
        return self.runner.run(self.client.get("/metrics")).text.splitlines()


def refused(answer: httpx.Response) -> None:
    """Check that *answer* is the one refusal, byte for byte."""
    assert (answer.status_code, answer.content) == (401, REFUSAL), (answer.status_code, answer.content)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/fhir+json"


@contextmanager
def opened(
    folder: Path, entries: dict[str, Any] | None = None, runner: asyncio.Runner | None = None, **environment: str
) -> Iterator[House]:
    """The house with *entries* as its ``clients.yaml``; one client with keys of its own by default."""
    site = folder / "site"
    site.mkdir(parents=True, exist_ok=True)
    (site / "clients.yaml").write_text(json.dumps(entries if entries is not None else {"main": entry()}))
    own = runner or asyncio.Runner()
    rim = Guarded(CDS_SITE=str(site), CDS_DATA=str(folder / "data"), CDS_PUBLIC_URL=PUBLIC, **environment)
    life = rim.app.router.lifespan_context(rim.app)
    own.run(life.__aenter__())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(rim.app), base_url="http://cds.test", verify=False)
    try:
        yield House(own, rim, client)
    finally:
        own.run(client.aclose())
        own.run(life.__aexit__(None, None, None))
        if runner is None:
            own.close()


__all__ = ["CALL", "ENDPOINT", "REFUSAL", "Guarded", "House", "opened", "refused"]
