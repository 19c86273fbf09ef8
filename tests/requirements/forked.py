"""
The service started in half the time: forked from a process that has its modules loaded already.

It runs ``cds-service serve`` as a process of its own, with its own environment and log, and dies like any other.
That a start from nothing works too is for ``test_life_cycle`` to show.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

_LOADED = ["uvicorn", "cds_service.cli", "cds_service.app", "cds_service.storage.database"]


class Forked:
    """The process, asked and ended as ``subprocess.Popen`` is."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid: int = process.pid

    def poll(self) -> int | None:
        """The exit code, once it is over."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it is over."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> int:
        """The exit code; raises subprocess.TimeoutExpired when it is not over after *seconds*."""
        self._process.join(seconds)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("serve", seconds or 0)
        return code


def serve(port: int, environment: Mapping[str, str], log: Path) -> Forked:
    """Start the service at *port* with nothing but *environment*; what it prints goes to *log*."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    process = context.Process(target=_serve, args=(port, dict(environment), log), daemon=True)
    process.start()
    return Forked(process)


def _serve(port: int, environment: Mapping[str, str], log: Path) -> None:
    with log.open("ab") as lines:
        os.dup2(lines.fileno(), 1)
        os.dup2(lines.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    from cds_service.cli import main

    raise SystemExit(main(["serve", "--port", str(port)]))
