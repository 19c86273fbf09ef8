"""
Is this caller who it says it is.

With clients that carry keys, each call brings a token and the token says which client it is.
Without, there is one client, and everybody who can reach the socket is it. That is safe only
on this machine, so listening anywhere else is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.types import Scope

from cds_service.clients.clients import Client, checked
from cds_service.errors import RequestError, SettingsError, UnknownCaller
from cds_service.http.ports import Door
from cds_service.settings import Settings, is_loopback
from cds_service.telemetry import log, place


class Access:
    """Tells which client a request comes from; *public_url* is where clients believe to be calling."""

    __slots__ = ("_door", "_only", "_public_url")

    def __init__(self, clients: Mapping[str, Client], door: Door | None = None, public_url: str = "") -> None:
        self._only = None if door is not None else next(iter(clients.values()))
        self._door = door
        self._public_url = public_url

    async def identify(self, scope: Scope, path: str = "") -> Client:
        """
        The client that sent the request with *scope* to the endpoint at *path*.

        Nothing in the body can change who it is, and no header but the token. Raises UnknownCaller.
        """
        if self._only is not None:
            return self._only
        assert self._door is not None
        try:
            return await self._door.admit(bearer(scope["headers"]), self._public_url + path)
        except RequestError:
            raise
        except Exception as error:
            # Whatever breaks while a caller is checked, it has not proved who it is.
            log().error("check of a caller failed", error=type(error).__name__, place=place(error))
            raise UnknownCaller("fault") from None


def bearer(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """
    The token a request brings. Raises UnknownCaller.

    >>> bearer([(b"authorization", b"Bearer abc")])
    b'abc'
    """
    found = [value for name, value in headers if name == b"authorization"]
    if not found:
        raise UnknownCaller("no token")
    if len(found) > 1:
        raise UnknownCaller("two tokens")
    scheme, _, token = found[0].partition(b" ")
    if scheme.lower() != b"bearer":
        raise UnknownCaller("scheme")
    return token


def check_doors(settings: Settings, clients: Mapping[str, Client]) -> None:
    """Raise SettingsError, with everything that is wrong, when callers nobody checks could get in, or none at all."""
    troubles = []
    if not checked(clients) and not is_loopback(settings.host):
        troubles.append(
            f"CDS_HOST: {settings.host!r} can be reached from other machines, and callers need not prove who they"
            " are; give clients keys in clients.yaml, or give 127.0.0.1"
        )
    if checked(clients) and not settings.public_url:
        troubles.append(
            "CDS_PUBLIC_URL: nothing was given, and tokens are for an address; give the base URL clients call,"
            " such as https://cds.example.org"
        )
    if troubles:
        raise SettingsError("\n".join(troubles))
