"""Starts and stops the two servers, and reads what they cost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A running server: its name, port, process id, and the seconds it took to be ready."""

    name: str
    port: int
    pid: int
    ready_after: float

    @property
    def cpu(self) -> float:
        """CPU seconds used so far by all its threads."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue
        return total / 1e9

    @property
    def resident(self) -> float:
        """Resident memory in MB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1000
        return 0.0


@contextmanager
def running(name: str, command: list[str], port: int, ready: str, environment: dict[str, str]) -> Iterator[Server]:
    """The server while it runs; ended by its process id."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}{ready}", timeout=2):
                    break
            except OSError:
                if process.poll() is not None or time.perf_counter() - began > 30:
                    raise RuntimeError(f"{name} did not start") from None
                time.sleep(0.01)
        yield Server(name, port, process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def ours(**more: str) -> Iterator[Server]:
    """The service as a hospital runs it: real rules, decision log and metrics on; *more* goes into its environment."""
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port)]
        environment = {"CDS_DATA": data, "CDS_LOG_LEVEL": "warning", "CDS_CLIENT_RATE": "0", **more}
        with running("service", command, port, "/health/ready", environment) as server:
            yield server


@contextmanager
def bare() -> Iterator[Server]:
    """The bare application under the same server."""
    port = free_port()
    with running("bare", [sys.executable, "-m", "bench.bare", str(port)], port, "/", {}) as server:
        yield server
