"""The service as a hospital runs it: a process of its own, asked over real connections, beside an EHR of ours."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from cds_service.advise import EXTENSION
from cds_service.fhir.prefetch import TEMPLATES
from tests.fhir.fault_server import Answer, FaultServer, reply
from tests.properties import children
from tests.requirements.forked import Forked, serve
from tests.storage.server import ROOT, free_port

SIGN = "/cds-services/pediatric-imaging-order-sign"
SELECT = "/cds-services/pediatric-imaging-order-select"
FEEDBACK = SIGN + "/feedback"
TOKEN = "canary-token-3f9a"

Json = dict[str, Any]

_PASSED: dict[str, bytes] = {}
"""What a service wrote down of rules whose examples passed: the next one of this run need not try them again."""


class Reply(NamedTuple):
    """One answer: status, headers in small letters, body, and the seconds it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cards(self) -> list[Json]:
        """The cards of advice."""
        assert self.status == 200, (self.status, self.body[:300])
        cards: list[Json] = self.json["cards"]
        return cards

    @property
    def gaps(self) -> dict[str, str]:
        """By type of resource, why it could not be read whole."""
        assert self.status == 200, (self.status, self.body[:300])
        decided = self.json["extension"][EXTENSION]
        return {one["resource"]: one["reason"] for one in decided.get("incomplete", ())}


class Service:
    """A running service: asked by its port, looked into by its process id and its log."""

    def __init__(self, port: int, process: Forked, log: Path) -> None:
        self.port = port
        self.process = process
        self.log = log

    def ask(self, method: str, path: str, body: bytes | None = None, *, timeout: float = 20, **headers: str) -> Reply:
        """One request on a connection of its own."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        began = time.perf_counter()
        try:
            line.request(method, path, body, named)
            answer = line.getresponse()
            read = answer.read()
            seen = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, seen, read, time.perf_counter() - began)
        finally:
            line.close()

    def send(self, body: bytes, path: str = SIGN, **more: Any) -> Reply:
        """Post *body* as JSON."""
        return self.ask("POST", path, body, **{"content_type": "application/json", **more})

    def call(self, request: Any, path: str = SIGN, **more: Any) -> Reply:
        """Post *request*."""
        return self.send(json.dumps(request).encode(), path, **more)

    def talk(self, *pieces: bytes, every: float = 0.0, patience: float = 20.0) -> bytes:
        """What is said to *pieces*, until the line is cut or *patience* is over."""
        said = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=patience) as line, suppress(OSError):
            for piece in pieces:
                line.sendall(piece)
                time.sleep(every)
            with suppress(TimeoutError):
                while more := line.recv(65536):
                    said += more
        return said

    def is_well(self) -> bool:
        """Whether a good call gets the advice it always gets."""
        return self.call(children.whole()).cards != [] and self.process.poll() is None

    def metric(self, name: str) -> float:
        """The sum of a counter over its labels."""
        text = self.ask("GET", "/metrics").body.decode()
        return sum(
            float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith((name + "{", name + " "))
        )

    def memory(self, kind: str = "VmRSS") -> float:
        """Resident memory in MB; its highest with ``VmHWM``."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{kind}:"):
                return int(line.split()[1]) / 1000
        return 0.0

    def forget_peak(self) -> None:
        """Begin to look for the highest memory anew."""
        with suppress(OSError):
            Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def said(self) -> str:
        """Everything logged so far."""
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """End it as a platform does; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


@contextmanager
def running(data: Path, *, ready: bool = True, port: int = 0, **environment: str) -> Iterator[Service]:
    """The service while it runs, keeping what it keeps in *data*; waited for until it is ready, or only alive."""
    port, log = port or free_port(), data / "service.log"
    data.mkdir(parents=True, exist_ok=True)
    given = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    given |= {"PYTHONPATH": str(ROOT), "CDS_DATA": str(data), **environment}
    passed = data / "examples-passed"
    if _PASSED and not passed.exists():
        passed.write_bytes(_PASSED["shipped"])
    service = Service(port, serve(port, given, log), log)
    try:
        _wait(service, "/health/ready" if ready else "/health/live")
        if ready and not _PASSED and passed.exists():
            _PASSED["shipped"] = passed.read_bytes()
        yield service
    finally:
        service.stop()


def _wait(service: Service, path: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            if service.ask("GET", path, timeout=5).status == 200:
                return
        except OSError:
            pass
        assert service.process.poll() is None and time.monotonic() < until, service.said()[-2000:]
        time.sleep(0.02)


class Ehr:
    """A FHIR server in a thread, right or wrong as told; ``server`` holds its answers and what was asked."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.base = server.base

    def holds(self, request: Json, *keys: str) -> Json:
        """Take over *keys* (all) of what *request* sends along; the request as a client that lacks them sends it."""
        held = keys or tuple(request["prefetch"])
        for key in held:
            self.on(target(request, key), request["prefetch"][key])
        return {
            **request,
            "fhirServer": self.base,
            "fhirAuthorization": {**request["fhirAuthorization"], "access_token": fresh()},
            "prefetch": {key: value for key, value in request["prefetch"].items() if key not in held},
        }

    def on(self, where: str, answer: Answer | Any) -> None:
        """Answer *where* with *answer*."""
        self.server.on(where, answer)

    def on_all(self, request: Json, answer: Answer | Any) -> None:
        """Answer everything that is asked about the patient of *request* with *answer*."""
        for key in TEMPLATES:
            self.on(target(request, key), answer)

    def forget(self) -> None:
        """Hold nothing and forget what was asked."""
        self.server.answers.clear()
        self.server.asked.clear()


def fresh() -> str:
    """A token nobody used before, so that no answer is remembered for it."""
    return f"{TOKEN}-{time.monotonic_ns()}"


def target(request: Json, key: str) -> str:
    """What is asked for to have *key*."""
    context = request["context"]
    asked = TEMPLATES[key].replace("{{context.patientId}}", context["patientId"])
    return "/" + asked.replace("{{context.encounterId}}", context["encounterId"])


@contextmanager
def ehr() -> Iterator[Ehr]:
    """The server while it runs."""
    loop = asyncio.new_event_loop()
    server = FaultServer()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    listening = run(asyncio.start_server(server.serve, "127.0.0.1", 0))
    server.base = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/fhir"
    try:
        yield Ehr(server)
    finally:
        loop.call_soon_threadsafe(listening.close)
        run(server.end())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def head(path: str = SIGN, *more: str, method: str = "POST") -> bytes:
    """The beginning of a request, written by hand."""
    lines = (f"{method} {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *more)
    return "\r\n".join((*lines, "", "")).encode()


def refused(answer: Reply, *statuses: int) -> bool:
    """Whether *answer* is one of our refusals, short and in JSON."""
    assert answer.headers.get("content-type") == "application/fhir+json", (answer.status, answer.headers)
    assert answer.json["resourceType"] == "OperationOutcome" and len(answer.body) < 4096
    return answer.status in (statuses or range(400, 500))


NOTHING = reply("", status=404)
