"""Days and moments as people write them on the command line."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime

from cds_service.errors import SettingsError
from cds_service.settings import Settings


def moment(text: str, settings: Settings) -> datetime:
    """
    The moment that *text* names in ISO 8601; without a zone in the hospital's. SettingsError when it names none.

    >>> from cds_service.settings import read
    >>> moment("2026-03-02", read({"CDS_TIME_ZONE": "Europe/Berlin"})).isoformat()
    '2026-03-01T23:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no day and no moment; write 2026-03-02 or 2026-03-02T14:00") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=zoneinfo.ZoneInfo(settings.time_zone))
    return found.astimezone(UTC)
