"""A thread that takes whatever has gathered and handles it in one go."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from cds_service.telemetry import log

T = TypeVar("T")


class Batches(Generic[T]):
    """
    Hands gathered items to *handle*, in order, on a thread of its own.

    Giving an item never waits: there is room or there is not. *linger* seconds are left for
    more items to come before a batch is taken.
    """

    def __init__(self, name: str, handle: Callable[[list[T]], None], *, room: int, linger: float = 0.0) -> None:
        self.stopping = threading.Event()
        self._handle = handle
        self._room = room
        self._linger = linger
        self._waiting: deque[T] = deque()
        self._something = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: T) -> bool:
        """Give an item; False when there is no room for it, or no time any more."""
        if len(self._waiting) >= self._room or self.stopping.is_set():
            return False
        self._waiting.append(item)
        if not self._something.is_set():  # setting takes a lock; whoever clears it looks afterwards
            self._something.set()
        return True

    def close(self, seconds: float = 5.0) -> bool:
        """Take no more, handle what has gathered, and stop; False when that takes longer than *seconds*."""
        self.stopping.set()
        self._something.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._waiting or not self.stopping.is_set():
            self._something.wait()
            self._something.clear()
            if self._linger and not self.stopping.is_set():
                self.stopping.wait(self._linger)
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if batch:
                self._handle_safely(batch)

    def _handle_safely(self, batch: list[T]) -> None:
        """A batch that cannot be handled must not end the thread."""
        try:
            self._handle(batch)
        except Exception as error:
            log().error("batch lost", kind=self._thread.name, error=type(error).__name__, count=len(batch))
