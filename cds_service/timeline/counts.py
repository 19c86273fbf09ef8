"""How many exams of each kind, on how many days: the least and the most. Numbers to find results by, no argument."""

from __future__ import annotations

from collections.abc import Sequence

from cds_service.timeline.rows import Row
from cds_service.vocabulary.exams import MODALITIES


def counts(rows: Sequence[Row]) -> list[str]:
    """
    One phrase a kind of exam, the most frequent first; exams that guide, plan or belong to another stand apart.

    A day counts when an exam is known to the day.
    """
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        kinds.setdefault((row.modality, row.kind), []).append(row)
    ordered = sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_said(modality, kind, found) for (modality, kind), found in ordered]


def _said(modality: str, kind: str, found: Sequence[Row]) -> str:
    named = f"{MODALITIES.get(modality, modality)}{f' {kind}' if kind else ''}" if modality else "exams of unknown kind"
    days = {row.first for row in found if row.first == row.last}
    text = f"{named}: {span(found)}"
    dated = len(days) > 0 and all(row.first == row.last and row.certain for row in found)
    return f"{text} on {len(days)} day{'' if len(days) == 1 else 's'}" if dated and len(found) > 1 else text


def span(found: Sequence[Row]) -> str:
    """The least and the most exams that *found* may be."""
    most, least = len(found), sum(row.certain for row in found)
    return str(most) if least == most else f"{least} to {most}"
