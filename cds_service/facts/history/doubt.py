"""
Exams with a wide date and no image that may be another account of an exam already known.

"CT head, 2025" beside "CT head, 3 June 2025" is one exam or two: the second is certain, the first possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cds_service.facts.history.group import Group
from cds_service.facts.history.record import POSSIBLE, PRECISE, STUDY

_ALWAYS: Final = (0, 10**7)


def doubtful(groups: Sequence[Group]) -> frozenset[int]:
    """The ``id`` of each group that may repeat another one."""
    wide = [group for group in groups if _is_wide(group) and _performed(group)]
    if not wide:
        return frozenset()
    known: dict[str, dict[int, tuple[int, int]]] = {}
    for group in groups:
        if not _is_wide(group) and _performed(group):
            _learn(group, known)
    found = set()
    for group in sorted(wide, key=Group.rank):
        if _may_repeat(group, known):
            found.add(id(group))
        else:
            _learn(group, known)
    return frozenset(found)


def _performed(group: Group) -> bool:
    if group.exam is None or not group.exam.modality:
        return False
    return any(record.standing >= POSSIBLE for record in group.records)


def _is_wide(group: Group) -> bool:
    return not (group.uids and group.kinds & 1 << STUDY) and (group.day is None or group.until - group.day >= PRECISE)


def _days(group: Group) -> tuple[int, int]:
    return _ALWAYS if group.day is None else (group.day, group.until)


def _learn(group: Group, known: dict[str, dict[int, tuple[int, int]]]) -> None:
    first, last = _days(group)
    spans = known.setdefault(group.exam.modality if group.exam is not None else "", {})
    before = spans.get(group.mask, (first, last))
    spans[group.mask] = (min(first, before[0]), max(last, before[1]))


def _may_repeat(group: Group, known: dict[str, dict[int, tuple[int, int]]]) -> bool:
    first, last = _days(group)
    spans = known.get(group.exam.modality if group.exam is not None else "", {})
    return any(mask & group.mask and start <= last and first <= end for mask, (start, end) in spans.items())
