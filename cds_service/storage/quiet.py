"""
What a clinician has answered already and need not see again.

Kept in memory because every advice asks, and in the database because a restart must not
bring it back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

LONGEST_ENCOUNTER = timedelta(days=30)
"""An encounter is taken to be over after this, whether or not anybody closed it."""

_ROOM = 50_000


class Shown(NamedTuple):
    """What was shown: a rule, for an exam, to a patient of a client. ``encounter`` is empty when none was named."""

    client: str
    patient: str
    encounter: str
    rule: str
    exam: str


class Quiet:
    """Until when each thing shown stays silent."""

    def __init__(self, hours: float, room: int = _ROOM) -> None:
        self._hours = timedelta(hours=hours)
        self._room = room
        self._until: dict[Shown, float] = {}

    def until(self, shown: Shown, since: datetime) -> float:
        """
        When *shown*, overridden at *since*, may speak again: after its encounter, or after some hours.

        What was overridden later is heard of earlier now and then, and stays.
        """
        end = (since + (LONGEST_ENCOUNTER if shown.encounter else self._hours)).timestamp()
        return max(end, self._until.get(shown, 0.0))

    def add(self, shown: Shown, until: float) -> None:
        """Keep *shown* silent until then."""
        if len(self._until) >= self._room:
            self._until.pop(next(iter(self._until)), None)
        self._until[shown] = until

    def holds(self, shown: Shown, now: datetime) -> bool:
        """Whether *shown* was overridden in this encounter, or outside any encounter within the hours."""
        if not self._until:
            return False
        moment = now.timestamp()
        return self._lasts(shown, moment) or (
            bool(shown.encounter) and self._lasts(shown._replace(encounter=""), moment)
        )

    def _lasts(self, shown: Shown, moment: float) -> bool:
        until = self._until.get(shown)
        return until is not None and moment < until
