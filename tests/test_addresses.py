"""A name leads where it was checked to lead, and nowhere inside this machine or the cloud it runs in."""

from __future__ import annotations

import asyncio
import socket

import pytest

from cds_service import addresses
from cds_service.addresses import Addresses, checked, looked_up
from cds_service.errors import OutboundError

BAD = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "169.254.169.254",
       "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "fe80::1", "fe80::1%lo", "224.0.0.1",
       "ff02::1", "0.0.0.0", "::", "255.255.255.255", "240.0.0.1", "fd00:ec2::254", "100.100.100.200",
       "168.63.129.16", "no address", ""]  # fmt: skip
GOOD = ["93.184.216.34", "10.1.2.3", "172.16.0.9", "192.168.1.1", "100.64.0.1", "2606:4700::1111", "fd12:3456::1"]


class Resolver:
    """Says what it is told, and counts."""

    def __init__(self, *says: list[str] | Exception) -> None:
        self.says = list(says)
        self.asked = 0

    async def __call__(self, host: str) -> list[str]:
        self.asked += 1
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        await asyncio.sleep(0)
        if isinstance(said, Exception):
            raise said
        return said


@pytest.mark.parametrize("address", BAD)
def test_an_address_inside_is_none(address):
    with pytest.raises(OutboundError, match="refused"):
        checked("ehr.example", [address])
    assert checked("ehr.example", [address, "10.1.2.3"]) == ("10.1.2.3",)


@pytest.mark.parametrize("address", GOOD)
def test_others_and_the_hospital_s_own_network_are_fine(address):
    assert checked("ehr.example", [address]) == (address,)
    with pytest.raises(OutboundError):
        checked("localhost", [address])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "::1"])
def test_this_machine_by_its_address_is_this_machine(host):
    found = Addresses(host)
    assert found.literal and asyncio.run(found.find()) == (host,)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "224.0.0.1"])
def test_an_address_is_checked_like_a_name(host):
    with pytest.raises(OutboundError):
        asyncio.run(Addresses(host).find())


def test_a_name_is_looked_up_once_for_everybody():
    resolver = Resolver(["10.1.2.3"])
    found = Addresses("ehr.example", resolver)

    async def run() -> list[tuple[str, ...]]:
        return [*await asyncio.gather(*(found.find() for _ in range(20))), await found.find()]

    assert asyncio.run(run()) == [("10.1.2.3",)] * 21 and resolver.asked == 1


def test_after_a_while_it_is_looked_up_again_and_the_one_that_answered_comes_first():
    now = [0.0]
    found = Addresses("ehr.example", Resolver(["10.0.0.1", "10.0.0.2"], ["10.0.0.3", "10.0.0.2"]), lambda: now[0])

    async def run() -> None:
        assert await found.find() == ("10.0.0.1", "10.0.0.2")
        found.prefer("10.0.0.2")
        assert await found.find() == ("10.0.0.2", "10.0.0.1")
        now[0] = addresses.REMEMBERED
        assert await found.find() == ("10.0.0.2", "10.0.0.3")

    asyncio.run(run())


def test_without_a_resolver_what_was_known_goes_on():
    now = [0.0]
    found = Addresses("ehr.example", Resolver(["10.0.0.1"], socket.gaierror("down")), lambda: now[0])

    async def run() -> None:
        await found.find()
        now[0] = 100.0
        assert await found.find() == ("10.0.0.1",)

    asyncio.run(run())


def test_a_name_nobody_knows_is_asked_for_again():
    found = Addresses("ehr.example", Resolver(socket.gaierror("unknown"), ["10.0.0.1"]))

    async def run() -> None:
        with pytest.raises(OSError, match="unknown"):
            await found.find()
        assert await found.find() == ("10.0.0.1",)

    asyncio.run(run())


def test_a_look_up_that_nobody_waits_for_any_more_ends_quietly():
    async def never(host: str) -> list[str]:
        await asyncio.sleep(0.02)
        raise socket.gaierror("late")

    async def run() -> None:
        found = Addresses("ehr.example", never)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await found.find()
        await asyncio.sleep(0.04)
        await found.close()

    asyncio.run(run())


def test_the_system_s_resolver_knows_this_machine():
    assert set(asyncio.run(looked_up("localhost"))) <= {"127.0.0.1", "::1"}
