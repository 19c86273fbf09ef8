"""Earlier exams as rows to be shown: when, what, where, and whether the images can be opened."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from cds_service.facts.dose import Dose
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Prior

_IMAGES: Final = {True: "can be opened", False: "not here", None: "not known"}
_KINDS: Final = {
    "guidance": "to guide a procedure",
    "planning": "to plan treatment",
    "hybrid": "part of nuclear imaging",
    "cone-beam": "cone beam",
}


class Row(NamedTuple):
    """
    One earlier exam.

    ``first`` and ``last`` are the days it took place between, ``note`` is what limits it, ``dose`` what is known of it,
    ``kind`` what sets it apart from a diagnostic exam.
    """

    exam: str
    modality: str
    first: date
    last: date
    place: str
    images: str
    note: str
    certain: bool = True
    dose: str = ""
    kind: str = ""

    @property
    def day(self) -> str:
        """
        As much of the date as is known.

        >>> Row("", "CT", date(2026, 3, 1), date(2026, 3, 31), "", "", "").day
        'March 2026'
        """
        if self.first == self.last:
            return f"{self.first.day} {month_name[self.first.month]} {self.first.year}"
        if self.first.year != self.last.year:
            return f"{self.first.year} to {self.last.year}"
        if self.first.month == self.last.month:
            return f"{month_name[self.first.month]} {self.first.year}"
        return str(self.first.year)


def rows(priors: Iterable[Prior], say: Callable[[Exam], str]) -> tuple[Row, ...]:
    """Exams that took place or may have, in the order given; what was only requested is no exam."""
    return tuple(_row(prior, say) for prior in priors if not prior.pending)


def with_dose(found: Sequence[Row], doses: Sequence[Dose]) -> tuple[Row, ...]:
    """The rows, each with its dose as told or as is usual; *doses* may be those of the first few only."""
    first = tuple(row._replace(dose=_dose(dose)) for row, dose in zip(found, doses, strict=False))
    return first + tuple(found[len(first) :])


def _dose(dose: Dose) -> str:
    if dose.radiation is False:
        return "no radiation"
    return (dose.text or "not known") + (" (records differ)" if dose.differ else "")


def _row(prior: Prior, say: Callable[[Exam], str]) -> Row:
    notes = (_KINDS.get(prior.kind, ""), "" if prior.certain else "perhaps")
    return Row(
        _spoken(prior.exam, say),
        prior.exam.modality,
        _day(prior.first),
        _day(prior.last),
        prior.place,
        _IMAGES[prior.images],
        ", ".join(filter(None, notes)),
        prior.certain,
        kind=_KINDS.get(prior.kind, ""),
    )


def _spoken(exam: Exam, say: Callable[[Exam], str]) -> str:
    if not exam.modality:
        return "Imaging of unknown kind"
    said = say(exam) if exam.regions else f"{exam.modality} of an unknown region"
    return said[:1].upper() + said[1:]


def _day(moment: datetime) -> date:
    """The calendar day in the offset the moment came with: bare dates were widened to every offset there is."""
    return moment.date()
