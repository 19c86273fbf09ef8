"""
Who is calling, by the token it sends.

Whatever is wrong, the answer is the same refusal; which it was stands in the log. A token
is used up only once everything else about it is right, so a forged one can't spend a real
one's id. Each refusal of a token that could be read costs one verification, a decoy's if
need be, so that the time it takes tells nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Protocol

from cds_service.clients import decoys
from cds_service.clients.checks import CHECKS, Attempt
from cds_service.clients.clients import Client
from cds_service.clients.key_sets import KeySource
from cds_service.clients.keys import verifies
from cds_service.errors import OutboundError, UnknownCaller

NAME_BYTES = 16


class Uses(Protocol):
    """Remembers which tokens were used; of those issued before ``since`` it may have forgotten some."""

    since: float

    async def first(self, name: bytes, seconds: float) -> bool:
        """Whether this is the first use of the token called *name*; it is known from now on for *seconds*."""
        ...  # pragma: no cover


class Doorkeeper:
    """Tells which client sent a token; *sources* are their keys, *uses* remembers what was used."""

    def __init__(
        self,
        clients: Iterable[Client],
        sources: Mapping[str, KeySource],
        uses: Uses,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._callers = by_issuer(clients)
        self._sources = sources
        self._uses = uses
        self._clock = clock

    async def admit(self, sent: bytes, audience: str) -> Client:
        """
        The client whose token *sent* is, for the endpoint at *audience*.

        Raises UnknownCaller for every token that is not believed.
        """
        attempt = Attempt(sent, (audience,), self._clock(), self._callers)
        try:
            for _, check in CHECKS:
                check(attempt)
            await verify(attempt, self._sources)
        except UnknownCaller as refusal:
            if refusal.reason != "signature":
                decoys.spend(attempt.token.header.get("alg"), attempt.token.signed, attempt.token.signature)
            raise
        client = attempt.client
        assert client is not None
        if attempt.token.claims["iat"] < self._uses.since:
            raise attempt.refuse("issued before the start")
        if not await self._uses.first(name_of(attempt), attempt.trust.remembered):
            raise attempt.refuse("used before")
        return client


async def verify(attempt: Attempt, sources: Mapping[str, KeySource]) -> None:
    """See that the token, which passed the checks, was signed with a key of its client."""
    client, token = attempt.client, attempt.token
    assert client is not None
    try:
        keys = await sources[client.id].find(token.header["kid"])
    except OutboundError:
        raise attempt.refuse("keys unreachable") from None
    algorithm = token.header["alg"]
    if not any(key.fits(algorithm) for key in keys):
        raise attempt.refuse("unknown key")
    if not verifies(algorithm, keys, token.signed, token.signature):
        raise attempt.refuse("signature")


def name_of(attempt: Attempt) -> bytes:
    """What stands for the token wherever its use is remembered: issuer and id, and nothing that can be read back."""
    claims = attempt.token.claims
    return blake2b(f"{claims['iss']}\0{claims['jti']}".encode(), digest_size=NAME_BYTES).digest()


def by_issuer(clients: Iterable[Client]) -> Mapping[str, Sequence[Client]]:
    """The clients of each issuer; several share one when their tenants tell them apart."""
    found: dict[str, list[Client]] = {}
    for client in clients:
        if client.trust is not None:
            found.setdefault(client.trust.issuer, []).append(client)
    return found
