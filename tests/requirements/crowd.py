"""Many requests: all at once, or one after the other for a long time with hostile ones between."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from contextlib import suppress
from typing import Any, NamedTuple

from tests.properties import children
from tests.requirements.service import FEEDBACK, SIGN, Service, head


class Answer(NamedTuple):
    """Status, whether it says when to come back, and the seconds it took; status 0 when the line was cut."""

    status: int
    retry: bool
    seconds: float


def burst(port: int, request: bytes, *, count: int, together: int) -> list[Answer]:
    """The answers to *count* requests, *together* of them on their way at any time, each on a line of its own."""

    async def run() -> list[Answer]:
        room = asyncio.Semaphore(together)

        async def one() -> Answer:
            async with room:
                return await _ask(port, request)

        return list(await asyncio.gather(*(one() for _ in range(count))))

    return asyncio.run(run())


async def _ask(port: int, request: bytes) -> Answer:
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        return Answer(int(answer[9:12]), b"retry-after:" in answer.lower(), time.perf_counter() - began)
    except (OSError, asyncio.IncompleteReadError):
        return Answer(0, False, time.perf_counter() - began)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class Crowd:
    """Good requests on one kept line, a share of *hostile* ones between; what was wrong, and how long each took."""

    def __init__(self, service: Service, *, hostile: float, seed: int) -> None:
        self.service = service
        self.wrong: list[str] = []
        self.times: list[float] = []
        self._hostile = hostile
        self._chance = random.Random(seed)
        self._good = [self._request(call) for call in _children()]
        self._bad = _bad()

    def send(self, count: int) -> None:
        """Send *count* more."""
        asyncio.run(self._send(count))

    def drift(self) -> float:
        """The median of the last tenth of the times as a share of the first tenth's."""
        tenth = max(1, len(self.times) // 10)
        return statistics.median(self.times[-tenth:]) / statistics.median(self.times[:tenth])

    def _request(self, call: Any) -> bytes:
        body = json.dumps(call).encode()
        return head(SIGN, f"Content-Length: {len(body)}") + body

    async def _send(self, count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.service.port, limit=1 << 22)
        for number in range(count):
            if self._chance.random() < self._hostile:
                said = await _ask(self.service.port, self._chance.choice(self._bad))
                if said.status >= 500:
                    self.wrong.append(f"{number}: status {said.status} to a hostile one")
                continue
            began = time.perf_counter()
            writer.write(self._good[number % len(self._good)])
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            self.times.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200"):
                self.wrong.append(f"{number}: {answer[:40]!r}")
        writer.close()
        await writer.wait_closed()


def _children() -> list[Any]:
    """Many children, so that nothing that is kept for each is kept for ever."""
    return [
        children.call(children.order("CT head", "headache", patient=f"kid-{number}"), patient=f"kid-{number}", years=2 + number % 15)
        for number in range(97)
    ]  # fmt: skip


def _bad() -> list[bytes]:
    whole = json.dumps(children.whole()).encode()
    bodies = [
        b"",
        b"{",
        b"[" * 5000,
        b"\xff" * 100,
        whole[:-1],
        whole.replace(b"kid-1", b"kid/1"),
        b'{"hook":"x"}',
        b"7",
    ]
    sized = [head(SIGN, f"Content-Length: {len(body)}", "Connection: close") + body for body in bodies]
    return [
        *sized,
        head("/cds-services/unknown-" + "x" * 50, "Content-Length: 2") + b"{}",
        head(FEEDBACK, "Content-Length: 2") + b"{}",
        head("/nothing", method="GET"),
        head(SIGN, "Content-Length: +5") + b"{}{}{",
        b"\x16\x03\x01\0\0\r\n\r\n",
        head(SIGN, "Content-Length: 99000000"),
    ]
