"""A service killed again and again while clinicians answer its cards, and what of it was kept."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from cds_service.advise import EXTENSION
from tests.properties import children
from tests.requirements.service import FEEDBACK, Reply, Service, running

Rows = Callable[[str], Sequence[dict[str, Any]]]
"""The rows of a table, read past the service."""

CLIENTS = 4
LONGEST_SECONDS = 0.6


@dataclass
class Kills:
    """What the service acknowledged over all its lives in *data*, and what no answer came to."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    seed: int = 120
    advised: set[str] = field(default_factory=set)
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    unanswered: list[dict[str, Any]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cycles: int = 0

    def cycle(self, during: Callable[[], None] = lambda: None) -> None:
        """One life, ended by SIGKILL at any moment; *during* happens in the middle of it."""
        chance = random.Random(f"{self.seed} {self.cycles}")
        self.cycles += 1
        with running(self.data, **self.environment) as service:
            ended = threading.Event()
            threads = [threading.Thread(target=self._client, args=(service, ended, place)) for place in range(CLIENTS)]
            for one in threads:
                one.start()
            time.sleep(chance.random() * LONGEST_SECONDS)
            during()
            time.sleep(chance.random() * LONGEST_SECONDS)
            service.process.kill()
            service.process.wait()
            ended.set()
            for one in threads:
                one.join()

    def settle(self, done: Callable[[], bool], seconds: float = 60.0) -> None:
        """A last life, in which everything is sent again that no answer came to, until *done*."""
        with running(self.data, **self.environment) as service:
            for item in self.unanswered:
                self._tell(service, item)
            until = time.monotonic() + seconds
            while not done() and time.monotonic() < until:
                time.sleep(0.1)

    def lost(self, rows: Rows) -> dict[str, int]:
        """How much of what was acknowledged is not there, or there more than once, by what it is."""
        decisions = Counter(row["decision"] for row in rows("decisions"))
        told = Counter((row["card"], row["outcome_at"][:19]) for row in rows("feedback"))
        return {
            "decisions lost": len(self.advised - decisions.keys()),
            "feedback lost": len(self.acknowledged - told.keys()),
            "doubles": sum(count - 1 for counts in (decisions, told) for count in counts.values()),
        }

    def _client(self, service: Service, ended: threading.Event, place: int) -> None:
        """Ask for advice and take what its card offers, again and again, each time at a moment of its own."""
        for number in range(10_000):
            if ended.is_set():
                return
            with suppress(OSError, HTTPException, ValueError):
                advice = service.call(children.whole())
                self._note(advice)
                (card, *_) = advice.cards
                accepted = [{"id": card["suggestions"][0]["uuid"]}]
                stamp = f"2026-03-{1 + place:02}T{self.cycles % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
                told = {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": stamp}
                self._tell(service, {**told, "acceptedSuggestions": accepted})

    def _note(self, advice: Reply) -> None:
        self.statuses[advice.status] += 1
        if advice.status == 200:
            self.advised.add(json.loads(advice.body)["extension"][EXTENSION]["decision"])

    def _tell(self, service: Service, item: dict[str, Any]) -> None:
        try:
            status = service.call({"feedback": [item]}, FEEDBACK).status
        except (OSError, HTTPException):
            self.unanswered.append(item)
            raise
        self.statuses[status] += 1
        if status == 200:
            self.acknowledged.add((item["card"], item["outcomeTimestamp"][:19]))
