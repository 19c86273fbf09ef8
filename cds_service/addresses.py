"""
Where a registered name leads, looked up and checked before anything is sent there.

Whoever answers for a name can let it lead anywhere: to this machine, to the address where a cloud
gives out its keys. So the address is checked, and the connection goes to that very address: nobody
looks the name up a second time in between. A hospital's own network is fine; the hospital registered it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable

from cds_service.errors import OutboundError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Awaitable[list[str]]]

REFUSED = "refused"
REMEMBERED = 30.0
"""Seconds a name is not looked up again."""

_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""Where clouds tell their secrets, besides the link-local addresses."""
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class Addresses:
    """
    The addresses of one host, the one that answered last first.

    A look-up is shared by all who wait for it. When it fails, the addresses known before go on.
    """

    def __init__(self, host: str, resolve: Resolve | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.host = host
        self.literal = _address(host) is not None
        self._resolve = resolve or looked_up
        self._clock = clock
        self._known: tuple[str, ...] = ()
        self._until = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def find(self) -> tuple[str, ...]:
        """The checked addresses; OutboundError when there are none."""
        if self.literal:
            return checked(self.host, [self.host])
        if self._clock() >= self._until:
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
                self._looking.add_done_callback(_heard)
            await asyncio.shield(self._looking)
        return self._known

    def prefer(self, address: str) -> None:
        """Begin with *address* the next time: it answered."""
        if self._known[:1] != (address,):
            self._known = (address, *(one for one in self._known if one != address))

    async def close(self) -> None:
        """Look no further."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        try:
            found = checked(self.host, await self._resolve(self.host))
            kept = [one for one in self._known if one in found]
            self._known = tuple(dict.fromkeys([*kept, *found]))
        except OSError:
            if not self._known:
                raise
        finally:
            self._until = self._clock() + REMEMBERED if self._known else 0.0
            self._looking = None


def _heard(looking: asyncio.Task[None]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not looking.cancelled():
        looking.exception()


async def looked_up(host: str) -> list[str]:
    """What the system's resolver says of *host*."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def checked(host: str, addresses: list[str]) -> tuple[str, ...]:
    """
    Those of *addresses* that *host* may lead to; OutboundError when none is left.

    >>> checked("ehr.example", ["10.1.2.3", "169.254.169.254", "127.0.0.1"])
    ('10.1.2.3',)
    >>> checked("localhost", ["127.0.0.1", "10.1.2.3"])
    ('127.0.0.1',)
    """
    own = _is_own(host)
    found = tuple(one for one in dict.fromkeys(addresses) if _may_be(one, own_machine=own))
    if not found:
        raise OutboundError(REFUSED)
    return found


def _is_own(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _may_be(text: str, *, own_machine: bool) -> bool:
    address = _address(text)
    if address is None:
        return False
    plain = _plain(address)
    if own_machine:
        return plain.is_loopback
    return not (
        plain.is_loopback
        or plain.is_link_local
        or plain.is_multicast
        or plain.is_unspecified
        or plain.is_reserved
        or plain in _METADATA
    )


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _plain(address: Address) -> Address:
    """The address that *address* stands for, where it wraps another."""
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in _NAT64):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address
