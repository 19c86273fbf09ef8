"""Fifty calls a second while one thing after the other breaks: FHIR server, key server, database, disk, rules, clocks."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cds_service.settings import shipped
from tests.clients import callers
from tests.fhir.fault_server import hang, raw, reply
from tests.properties import children
from tests.requirements.service import FEEDBACK, SIGN, Ehr, Json, Service, head, running, target
from tests.storage.server import free_port

DEADLINE = 0.4
WHOLE = children.whole()
ITEM = {
    "card": "00000000-0000-4000-8000-000000000000",
    "outcome": "overridden",
    "outcomeTimestamp": "2026-03-02T14:00:00Z",
}
OTHERS = {
    "resourceType": "Bundle",
    "entry": [{"resource": {"resourceType": "Condition", "subject": {"reference": "Patient/kid-2"}}}],
}


@dataclass
class Phase:
    """What happened while one thing was broken."""

    name: str
    statuses: Counter[int] = field(default_factory=Counter)
    feedback: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    empty: int = 0
    """Answers that are no advice although they are 200."""

    @property
    def availability(self) -> float:
        """The share of calls answered with advice or an honest refusal."""
        good = sum(count for status, count in self.statuses.items() if status == 200 or 400 <= status < 500)
        return (good - self.empty) / max(1, sum(self.statuses.values()))

    def at(self, share: float) -> float:
        """The time that *share* of the calls stayed within, in milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    def __str__(self) -> str:
        statuses = " ".join(f"{status}:{count}" for status, count in sorted(self.statuses.items()))
        kept = " ".join(f"{status}:{count}" for status, count in sorted(self.feedback.items()))
        return (
            f"fault run  {self.name:<22} advice {self.availability:7.2%}  {statuses:<22} p50 {self.at(0.5):6.1f} ms  "
            f"p99 {self.at(0.99):6.1f} ms  feedback {kept}"
        )


class Run:
    """The service with callers checked by their tokens, an EHR and its key server, and what breaks."""

    rate = 50

    def __init__(self, service: Service, hospital: Ehr, rules: Path, data: Path) -> None:
        self.service, self.hospital, self.rules, self.data = service, hospital, rules, data
        self.audience = f"http://127.0.0.1:{service.port}"
        self.skew = 0
        self._lacking = hospital.holds(WHOLE, "conditions", "observations")
        self._number = 0
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def phases(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Each fault by name, with what brings it about; everything else is well meanwhile."""
        yield "nothing wrong", self._nothing
        yield "FHIR server down", lambda: self._answering(reply("", status=503))
        yield "FHIR server cut off", lambda: self._answering(raw(b""))
        yield "FHIR server hangs", lambda: self._answering(hang)
        yield "FHIR server lies", lambda: self._answering(reply(OTHERS))
        yield "key server down", self._no_keys
        yield "database locked", self._locked
        yield "disk full", self._full
        yield "rules broken", self._broken
        yield "callers' clocks ahead", lambda: self._skewed(300)
        yield "callers' clocks behind", lambda: self._skewed(-600)
        yield "nothing wrong again", self._nothing

    def run(self, seconds: float) -> list[Phase]:
        """All phases, *seconds* of each."""
        done = []
        for name, breaking in self.phases():
            with contextmanager(breaking)():
                done.append(asyncio.run(self._phase(name, seconds)))
        return done

    def warm(self) -> None:
        """Half a second that does not count."""
        asyncio.run(self._phase("warm", 0.5))

    async def _phase(self, name: str, seconds: float) -> Phase:
        phase, tasks = Phase(name), []
        calls = [self._bytes(WHOLE if place % 2 else self._fresh(), SIGN) for place in range(int(seconds * self.rate))]
        began = time.perf_counter()
        for place, call in enumerate(calls):
            due = began + place / self.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self._call(phase, call)))
            if place % self.rate == 0:
                tasks.append(asyncio.create_task(self._tell(phase, place)))
        await asyncio.gather(*tasks)
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()
        return phase

    async def _call(self, phase: Phase, call: bytes) -> None:
        began = time.perf_counter()
        status, said = await self._ask(call)
        phase.seconds.append(time.perf_counter() - began)
        phase.statuses[status] += 1
        phase.empty += status == 200 and b'"decision"' not in said

    async def _tell(self, phase: Phase, place: int) -> None:
        stamp = f"2026-03-02T14:{place % 3600 // 60:02}:{place % 60:02}Z"
        status, _ = await self._ask(self._bytes({"feedback": [{**ITEM, "outcomeTimestamp": stamp}]}, FEEDBACK))
        phase.feedback[status] += 1

    def _fresh(self) -> Json:
        """A call that lacks part of the record, with an EHR token of its own, so that nothing is remembered."""
        self._number += 1
        return {**self._lacking, "fhirAuthorization": {"access_token": f"t{self._number}", "token_type": "Bearer"}}

    def _bytes(self, request: Any, path: str) -> bytes:
        body, now = json.dumps(request).encode(), int(time.time()) + self.skew
        token = callers.token(aud=self.audience + path, iat=now, exp=now + 240)
        return head(path, f"Authorization: Bearer {token}", f"Content-Length: {len(body)}") + body

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(10):
                if self._idle:
                    reader, writer = self._idle.pop()
                else:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.service.port, limit=1 << 20)
                writer.write(request)
                answer = await reader.readuntil(b"\r\n\r\n")
                said = await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return 0, b""
        self._idle.append((reader, writer))
        return int(answer[9:12]), said

    # what breaks

    def _nothing(self) -> Iterator[None]:
        yield

    def _answering(self, answer: Any) -> Iterator[None]:
        for key in ("conditions", "observations"):
            self.hospital.on(target(WHOLE, key), answer)
        yield
        self.hospital.holds(WHOLE, "conditions", "observations")
        time.sleep(1)

    def _no_keys(self) -> Iterator[None]:
        self.hospital.on("/jwks", reply("", status=503))
        yield
        self.hospital.on("/jwks", callers.jwks())

    def _locked(self) -> Iterator[None]:
        lock = sqlite3.connect(self.data / "service.db", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        yield
        lock.execute("ROLLBACK")
        lock.close()

    def _full(self) -> Iterator[None]:
        """No file of the service can grow, nor be begun: to it the disk is full."""
        before = resource.prlimit(self.service.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.service.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        yield
        resource.prlimit(self.service.process.pid, resource.RLIMIT_FSIZE, before)

    def _broken(self) -> Iterator[None]:
        path = self.rules / "sources.yaml"
        good = path.read_bytes()
        path.write_bytes(b"a: [1")
        yield
        path.write_bytes(good)

    def _skewed(self, seconds: int) -> Iterator[None]:
        self.skew = seconds
        yield
        self.skew = 0


@contextmanager
def prepared(folder: Path, hospital: Ehr, **environment: str) -> Iterator[Run]:
    """A run beside a service that checks callers against the hospital's key server."""
    rules, site, data = folder / "rules", folder / "site", folder / "data"
    shutil.copytree(shipped("rules"), rules)
    site.mkdir()
    hospital.on("/jwks", callers.jwks())
    entry = {"issuer": callers.ISSUER, "jku": f"{hospital.base}/jwks", "fhir_servers": [hospital.base]}
    (site / "clients.yaml").write_text(json.dumps({"main": entry}))
    port = free_port()
    named = {"CDS_RULES": rules, "CDS_SITE": site, "CDS_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    given = {name: str(value) for name, value in named.items()} | environment
    with running(data, port=port, **given) as service:
        yield Run(service, hospital, rules, data)
