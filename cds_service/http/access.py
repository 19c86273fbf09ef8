"""
Is this caller who it says it is.

Seam: until callers carry signed tokens there is one client, and everybody who can reach
the socket is it. That is safe only on this machine, so listening anywhere else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

from cds_service.clients.clients import Client
from cds_service.errors import SettingsError
from cds_service.settings import is_loopback


class Access:
    """Tells which client a request comes from."""

    __slots__ = ("_only",)

    def __init__(self, clients: Mapping[str, Client]) -> None:
        (self._only,) = clients.values()

    def identify(self, scope: Scope) -> Client:
        """The client that sent the request with *scope*; nothing in the body can change who it is."""
        del scope
        return self._only


def check_host(host: str) -> None:
    """
    Raise SettingsError when listening on *host* would let in callers nobody has checked.

    >>> check_host("127.0.0.1")
    """
    if not is_loopback(host):
        raise SettingsError(
            f"CDS_HOST: {host!r} can be reached from other machines, and callers' tokens are not checked yet;"
            " give 127.0.0.1 and put a proxy that checks callers in front"
        )
