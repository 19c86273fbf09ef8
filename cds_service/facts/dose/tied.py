"""
Which accounts tell the dose of an exam: doses of two exams never meet.

An account counts only where a number or a reference ties it to the exam, or where it can be that of no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from cds_service.facts.dose.told import Told, of_report, of_summary
from cds_service.facts.history.exams import Account
from cds_service.facts.history.record import DOSE, POSSIBLE, REPORT, STUDY, Record

_NEAR: Final = 1  # days


class Neighbours:
    """One exam, and those of its kind on the same days, looked for when that decides."""

    def __init__(self, one: Account, every: Sequence[Account]) -> None:
        self.records = one.records
        self._one = one
        self._every = every

    @cached_property
    def near(self) -> Sequence[Account]:
        """The other exams that an account of these days may be about."""
        days = _days(self._one)
        others = (other for other in self._every if other is not self._one)
        return [other for other in others if _may_be_near(self._one, days, other, _days(other))]


def told_by(record: Record, exam: Neighbours) -> Told | None:
    """What an account of an exam tells of its dose; None when it tells nothing, or perhaps of another exam."""
    if record.standing < POSSIBLE:
        return None
    if record.kind == REPORT:
        told = of_report(record.teller)
    elif record.kind == DOSE and _is_of(record, exam):
        told = of_summary(record.teller)
    else:
        return None
    return told if told.values or told.unclear else None


def _is_of(dose: Record, exam: Neighbours) -> bool:
    """
    Whether a dose summary is surely of the exam it was joined with.

    A number or reference in common ties it, an order in common where no exam near it has the same order. Without one it
    must be the only exam of its days; and when it names a study, that study must not be another one that stands here.
    """
    others = [record for record in exam.records if record is not dose]
    keys = dose.keys
    if len({link for link in keys.links if link.startswith(("ImagingStudy/", "uid:"))}) > _studies(dose):
        return False
    names = {record.source for record in others} | {"uid:" + uid for record in others for uid in record.keys.uids}
    if not names.isdisjoint(keys.links):
        return True
    for record in others:
        if not set(record.keys.accessions).isdisjoint(keys.accessions):
            return True
        if not set(record.keys.orders).isdisjoint(keys.orders):
            return all(set(one.keys.orders).isdisjoint(keys.orders) for other in exam.near for one in other.records)
    if not others:
        return True
    named = bool(keys.links or keys.accessions)
    return not exam.near and not (named and any(record.kind == STUDY for record in others))


def _studies(dose: Record) -> int:
    """How many names one study may have here: as a resource and as a UID."""
    kinds = {link.partition("/")[0] if "/" in link else "uid" for link in dose.keys.links}
    return len(kinds & {"ImagingStudy", "uid"})


def _may_be_near(one: Account, days: tuple[int, int], other: Account, when: tuple[int, int]) -> bool:
    mine, theirs = one.prior.exam.modality, other.prior.exam.modality
    if mine != theirs and mine and theirs:
        return False
    return when[0] <= days[1] + _NEAR and days[0] - _NEAR <= when[1]


def _days(one: Account) -> tuple[int, int]:
    return one.prior.first.toordinal(), one.prior.last.toordinal()
