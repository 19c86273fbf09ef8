"""A FHIR server on this machine that answers as told, rightly or with any fault."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class FaultServer:
    """Answers by path with query; everything asked is kept in ``asked`` as (target, headers)."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.base = ""
        self.lines: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}

    @property
    def targets(self) -> list[str]:
        """What was asked, without the base path."""
        return [target.removeprefix("/fhir") for target, _ in self.asked]

    def on(self, target: str, answer: Answer | dict[str, Any] | list[Any] | str | bytes) -> None:
        """Answer ``/fhir`` + *target* with *answer*."""
        self.answers["/fhir" + target] = answer if callable(answer) else reply(answer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read requests of one connection and answer each."""
        self.lines[writer] = asyncio.current_task()
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
                target = first.split(" ")[1]
                self.asked.append((target, headers))
                await self.answers.get(target, reply("", status=404))(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            del self.lines[writer]
            writer.transport.abort()

    async def end(self) -> None:
        """Leave no connection behind."""
        waiting = [task for task in self.lines.values() if task is not None]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(0)


@asynccontextmanager
async def fault_server() -> AsyncIterator[FaultServer]:
    """A running server; its base is ``server.base``."""
    server = FaultServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/fhir"
    try:
        yield server
    finally:
        listening.close()
        await server.end()


def reply(body: Any, status: int = 200, headers: str = "") -> Answer:
    """A plain answer; anything but text and bytes goes out as JSON."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(data)}\r\n{headers}\r\n".encode() + data)

    return answer


def raw(data: bytes) -> Answer:
    """Exactly these bytes, then the connection is closed."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return answer


async def hang(writer: asyncio.StreamWriter) -> None:
    """No answer at all."""
    await asyncio.sleep(30)


async def drip(writer: asyncio.StreamWriter) -> None:
    """A body that arrives byte by byte and never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    await _forever(writer, b" ", 0.02)


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    """Headers that never end."""
    writer.write(b"HTTP/1.1 200 OK\r\nx: ")
    await _forever(writer, b"a", 0.02)


async def endless(writer: asyncio.StreamWriter) -> None:
    """A body without length that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    await _forever(writer, b"10000\r\n" + b" " * 65536 + b"\r\n", 0)


async def _forever(writer: asyncio.StreamWriter, piece: bytes, pause: float) -> None:
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)
