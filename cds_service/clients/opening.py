"""
Makes the doorkeeper of a running service: the keys of each client, and one way to fetch them.

Addresses of keys are registered, each an address of its own: nothing below it and nothing
beside it is ever called, and FHIR servers are not among them. Each has its own connections,
so one that hangs keeps no other client waiting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from cds_service.clients.clients import Client
from cds_service.clients.doorkeeper import Doorkeeper, Uses
from cds_service.clients.key_sets import FetchedKeys, KeySource, RegisteredKeys
from cds_service.outbound import Allowance, Deadline, Outbound

FETCH_SECONDS = 2.0
MOST_BYTES = 500_000

Counted = Callable[[str, str], None]
"""Counts what happened at the address of a client's keys: ``counted(client, outcome)``."""


@asynccontextmanager
async def doorkeeper(clients: Iterable[Client], uses: Uses, counted: Counted) -> AsyncIterator[Doorkeeper]:
    """The doorkeeper while inside; keys at addresses are being fetched from the first moment on."""
    known = [client for client in clients if client.trust is not None]
    async with key_sources(known, counted) as sources:
        for source in sources.values():
            if isinstance(source, FetchedKeys):
                source.begin()
        yield Doorkeeper(known, sources, uses)


@asynccontextmanager
async def key_sources(clients: Iterable[Client], counted: Counted) -> AsyncIterator[Mapping[str, KeySource]]:
    """By client, where its keys come from; clients with one address share what is fetched there."""
    known = {client.id: client.trust for client in clients if client.trust is not None}
    addresses = {trust.jku: name for name, trust in known.items() if not trust.keys}
    outbound = Outbound(addresses, most_bytes=MOST_BYTES)
    outbound.warm()
    fetched = {
        jku: FetchedKeys(partial(_fetch, outbound, jku), partial(counted, name)) for jku, name in addresses.items()
    }
    try:
        yield {name: RegisteredKeys(trust.keys) if trust.keys else fetched[trust.jku] for name, trust in known.items()}
    finally:
        for source in fetched.values():
            await source.close()
        await outbound.close()


async def _fetch(outbound: Outbound, jku: str) -> bytes:
    return await outbound.get(jku, Allowance(Deadline(FETCH_SECONDS), 1), base=jku)
