"""How a client proves who it is: what its entry in ``clients.yaml`` says of its tokens."""

from __future__ import annotations

from dataclasses import dataclass

from cds_service.clients.algorithms import RECOMMENDED

LEEWAY, MOST_LEEWAY = 30, 60
"""Seconds by which a client's clock may be wrong."""

LIFETIME, MOST_LIFETIME = 300, 3600
"""Seconds between the issue of a token and its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """
    Whose tokens are believed, and how far.

    ``keys`` is a JWK set as JSON; without it the set is fetched from ``jku``. With both, the address is compared
    with what a token says and never called. ``audiences`` are accepted besides the address of the endpoint.
    """

    issuer: str
    jku: str = ""
    keys: bytes = b""
    audiences: frozenset[str] = frozenset()
    algorithms: tuple[str, ...] = RECOMMENDED
    tenant: str = ""
    leeway: int = LEEWAY
    lifetime: int = LIFETIME

    @property
    def remembered(self) -> int:
        """Seconds for which a used token must be known: as long as it could be taken for a new one."""
        return self.lifetime + 2 * self.leeway
