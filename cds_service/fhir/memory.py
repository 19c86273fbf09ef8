"""
The record of a child who is being ordered for right now, kept as it was read.

While an order is written the same record comes again and again: at each selection, then at the signature. What
came byte for byte as before need not be read again. Nothing is kept that had to be fetched, nothing longer than
minutes, and nothing is found by anybody who did not send all of it: the bytes themselves are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache, TTLCache

from cds_service.fhir.records import LazyRecords
from cds_service.hooks.request import HookRequest

SECONDS = 120
ROOM = 4_000_000
"""Bytes of JSON, over all records; what is read of them takes about twice that."""

CHILDREN = 500
"""Of how many it is known that they came."""

_Whose = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was sent and how it was read; however it leaves the memory, its record is forgotten with it."""

    sent: Mapping[str, bytes]
    record: LazyRecords

    def __del__(self) -> None:
        self.record.let_go()


class RecordMemory:
    """One record for each client, patient and encounter: the last one sent whole."""

    def __init__(self, room: int = ROOM, seconds: float = SECONDS) -> None:
        self._known: TTLCache[_Whose, _Known] = TTLCache(room, seconds, getsizeof=lambda known: _size(known.sent))
        self._came: LRUCache[_Whose, None] = LRUCache(CHILDREN)

    def find(self, client: str, request: HookRequest) -> LazyRecords | None:
        """The record as it was read the last time, when what was sent with *request* is the same to the byte."""
        known = self._known.get(_whose(client, request))
        return known.record if known is not None and known.sent == request.prefetch else None

    def let_go(self, client: str, request: HookRequest, record: LazyRecords) -> None:
        """The call that *request* began is over: its *record* is forgotten at once unless it is kept."""
        if self.find(client, request) is not record:
            record.let_go()

    def keep(self, client: str, request: HookRequest, record: LazyRecords) -> None:
        """
        Keep the *record* that was sent with *request*, if there is room for it and the child comes a second time.

        Most children come once, and what is kept for nothing costs more than reading.
        """
        whose = _whose(client, request)
        if whose not in self._came:
            self._came[whose] = None
            return
        if _size(request.prefetch) <= self._known.maxsize:
            self._known[whose] = _Known(request.prefetch, record)


def _whose(client: str, request: HookRequest) -> _Whose:
    return client, request.context.patient_id, request.context.encounter_id


def _size(sent: Mapping[str, bytes]) -> int:
    return sum(map(len, sent.values()))
