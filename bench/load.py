"""Sends requests over kept connections and notes how long each took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat


def http(path: str, body: bytes, *headers: str) -> bytes:
    """One request as bytes; *headers* are added as they are."""
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode() + body


class Connection(asyncio.Protocol):
    """One kept connection; sends a request and waits for its answer."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Finish when head and body are there."""
        self._got += data
        head, found, rest = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        if len(rest) >= length and self._answer and not self._answer.done():
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    async def ask(self, request: bytes) -> int:
        """The status of the answer."""
        self._got = b""
        self._answer = asyncio.get_running_loop().create_future()
        assert self.transport is not None
        self.transport.write(request)
        return await self._answer


@dataclass(frozen=True)
class Times:
    """Sorted latencies in seconds, and the wall time of all of them."""

    seconds: list[float]
    wall: float

    def at(self, share: float) -> float:
        """The latency that *share* of the requests stayed within, in milliseconds."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))] * 1000

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.seconds) / self.wall


async def _closed(port: int, requests: Iterator[bytes], clients: int) -> Times:
    loop = asyncio.get_running_loop()
    seconds: list[float] = []

    async def client() -> None:
        transport, connection = await loop.create_connection(Connection, "127.0.0.1", port)
        for request in requests:
            began = time.perf_counter()
            status = await connection.ask(request)
            seconds.append(time.perf_counter() - began)
            if status != 200:
                raise RuntimeError(f"status {status}")
        transport.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Times(sorted(seconds), time.perf_counter() - began)


async def _open(port: int, request: bytes, count: int, rate: float) -> Times:
    """*count* requests, one each 1/rate seconds whatever the answers do."""
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    seconds: list[float] = []

    async def one(due: float) -> None:
        connection = idle.pop() if idle else (await loop.create_connection(Connection, "127.0.0.1", port))[1]
        await connection.ask(request)
        seconds.append(time.perf_counter() - due)
        idle.append(connection)

    began = time.perf_counter()
    tasks = []
    for place in range(count):
        due = began + place / rate
        delay = due - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    return Times(sorted(seconds), time.perf_counter() - began)


def closed(port: int, request: bytes, count: int, clients: int = 1) -> Times:
    """*count* requests from *clients* that each wait for their answer before asking again."""
    return asyncio.run(_closed(port, repeat(request, count), clients))


def each(port: int, requests: Iterable[bytes]) -> Times:
    """Every one of *requests* once, from one client."""
    return asyncio.run(_closed(port, iter(requests), 1))


def paced(port: int, request: bytes, count: int, rate: float) -> Times:
    """*count* requests at *rate* a second."""
    return asyncio.run(_open(port, request, count, rate))
