"""Requests changed by chance, the same ones for the same seed, and what must hold for each answer."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from demo.children import plays
from tests.properties import children
from tests.properties.damage import SECRET, damages, nodes
from tests.requirements.service import FEEDBACK, SELECT, SIGN, Reply, Service

CALLS = [
    *(play.request for play in plays()),
    children.whole(),
    children.whole("order-select"),
    children.imaging_guide(),
]
SAID = (SECRET, "token-7d2c", "dr-1", "kid-1", "draft-1", "5f0c1c0e")
"""What no refusal may say."""
OURS = (b"Traceback", b"site-packages", b"cds_service", b'File "', b"msgspec")
ITEM = {"card": "00000000-0000-4000-8000-000000000000", "outcome": "accepted", "acceptedSuggestions": [{"id": "x"}]}
LONGEST = 2.5


class Run:
    """Sends changed requests to *service* and keeps what was wrong with the answers."""

    def __init__(self, service: Service, seed: int) -> None:
        self.service = service
        self.chance = random.Random(seed)
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.wrong: list[str] = []
        self._paths = [list(nodes(call)) for call in CALLS]

    def send(self, count: int) -> None:
        """Send *count* of them."""
        for number in range(count):
            path, body = self._request()
            said = self.service.send(body, path, timeout=30)
            self.statuses[said.status] += 1
            self.slowest = max(self.slowest, said.seconds)
            trouble = _trouble(said)
            if trouble:
                self.wrong.append(f"{number}: {trouble}: {body[:200]!r}")

    def troubles(self) -> list[str]:
        """What was wrong: with answers, in the log, or with the process."""
        found = list(self.wrong)
        if self.service.process.poll() is not None:
            found.append("the service ended")
        faults = self.service.metric("cds_faults_total")
        if faults:
            found.append(f"{faults:g} faults answered without advice")
        return found + [f"in the log: {one}" for one in ("Traceback", *SAID) if one in self.service.said()]

    def _request(self) -> tuple[str, bytes]:
        kind = self.chance.random()
        if kind < 0.06:
            return FEEDBACK, json.dumps(self._damaged({"feedback": [dict(ITEM)]}, 1)).encode()
        which = self.chance.randrange(len(CALLS))
        call = self._damaged(CALLS[which], self.chance.choice((1, 1, 1, 2, 3, 6)), self._paths[which])
        body = json.dumps(call).encode("utf-8", "surrogatepass")
        if kind < 0.25:
            body = self._bytes(body)
        hook = call.get("hook") if isinstance(call, dict) else ""
        return (SELECT if hook == "order-select" else SIGN), body

    def _damaged(self, call: Any, times: int, paths: list[Any] | None = None) -> Any:
        for _ in range(times):
            path = self.chance.choice(paths or list(nodes(call)))
            _, damage = self.chance.choice(damages(path))
            call, paths = damage(call, path), None
        return call

    def _bytes(self, body: bytes) -> bytes:
        """The body with some bytes changed, cut out, doubled or put in."""
        changed = bytearray(body)
        for _ in range(self.chance.choice((1, 2, 8))):
            at = self.chance.randrange(len(changed) + 1)
            far = min(len(changed), at + self.chance.choice((1, 4, 64, 2000)))
            piece = self.chance.choice(
                (b"", bytes(changed[at:far]) * 2, self.chance.randbytes(3), b'"', b"{", b"]", b"null,")
            )
            changed[at:far] = piece
        return bytes(changed)


def _trouble(said: Reply) -> str:
    """What is wrong with an answer; nothing when it is advice or a refusal as they should be."""
    if said.status >= 500:
        return f"status {said.status}"
    if said.seconds > LONGEST:
        return f"{said.seconds:.1f} seconds"
    if any(word in said.body for word in OURS):
        return "it speaks about itself"
    if said.status != 200:
        leaks = [one for one in SAID if one.encode() in said.body]
        return f"it repeats {leaks}" if leaks else ("" if len(said.body) < 4096 else "it is long")
    json.loads(said.body)
    return ""
