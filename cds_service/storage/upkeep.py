"""What is done now and then, on a thread of its own: replaying what was set down, hearing of others, forgetting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cds_service.errors import StorageError
from cds_service.telemetry import log

_TICK = 0.25


class Chore(NamedTuple):
    """Something to do every so many *seconds*; when it gives True there is more of it to do soon."""

    name: str
    do: Callable[[], bool]
    seconds: float
    soon: float = 1.0


class Upkeep:
    """Does its chores until closed; one that fails is done again at its next time."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._stopping = threading.Event()
        self._chores = list(chores)
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def close(self, seconds: float = 1.0) -> None:
        """Stop after the chore that is being done, if that ends within *seconds*."""
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        due = [time.monotonic() + chore.soon for chore in self._chores]
        tick = min([_TICK, *(chore.soon for chore in self._chores)])
        while not self._stopping.wait(tick):
            for place, chore in enumerate(self._chores):
                if time.monotonic() >= due[place] and not self._stopping.is_set():
                    more = _done(chore)
                    due[place] = time.monotonic() + (chore.soon if more else chore.seconds)


def _done(chore: Chore) -> bool:
    try:
        return chore.do()
    except StorageError as error:
        log().info("chore has to wait", kind=chore.name, error=str(error))
    except Exception as error:
        log().error("chore failed", kind=chore.name, error=type(error).__name__)
    return False
