"""
How a guideline rates exams: rows of exam and rating, and which row speaks for an order.

The rating of an order is that of the largest row it contains, else of the smallest
row that covers it, else there is none; an unknown contrast takes the most favourable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from cds_service.vocabulary.exams import BOTH, WITH, Exam
from cds_service.vocabulary.regions import AREA_OF_INTEREST, MASKS, mask


class Rating(IntEnum):
    """ACR's categories; a higher number is more appropriate."""

    USUALLY_NOT = 1
    MAY_BE = 2
    USUALLY = 3

    @property
    def words(self) -> str:
        """The category as the guideline words it."""
        return {1: "usually not appropriate", 2: "may be appropriate", 3: "usually appropriate"}[self.value]


RATING_WORDS = {
    "usually appropriate": Rating.USUALLY,
    "may be appropriate": Rating.MAY_BE,
    "may be appropriate (disagreement)": Rating.MAY_BE,
    "usually not appropriate": Rating.USUALLY_NOT,
}


class Row(NamedTuple):
    """One exam and its rating."""

    exam: Exam
    rating: Rating


_PLAIN = frozenset({"doppler", "high-resolution"})


def _same_kind(order: Exam, row: Exam) -> bool:
    return order.modality == row.modality and order.techniques - _PLAIN == row.techniques - _PLAIN


def _contrast(order: Exam) -> str | None:
    return BOTH if order.contrast == WITH and order.passes > 1 else order.contrast


def placed(row: Exam, order: Exam) -> Exam:
    """*row* where *order* is: a guideline's area of interest is the place that was ordered."""
    return row._replace(regions=order.regions) if row.regions == AREA_OF_INTEREST else row


def _local(order: Exam) -> bool:
    return order.mask != MASKS["whole-body"] or order.regions == AREA_OF_INTEREST


def rate(order: Exam, rows: Iterable[Row]) -> Rating | None:
    """
    The rating *rows* give *order*; None when none of them speaks for it.

    >>> from cds_service.vocabulary.exams import exam
    >>> rows = [Row(exam("CT abdomen+pelvis with contrast"), Rating.MAY_BE), Row(exam("US abdomen"), Rating.USUALLY)]
    >>> rate(exam("CT chest+abdomen+pelvis with contrast"), rows).words
    'may be appropriate'
    >>> rate(exam("US right-lower-quadrant"), rows).words
    'usually appropriate'
    >>> rate(exam("MR abdomen"), rows) is None
    True

    A row for the area of interest speaks for an exam of any place, but not of the whole body:

    >>> anywhere = [Row(exam("MR area-of-interest"), Rating.USUALLY), Row(exam("MR whole-body"), Rating.MAY_BE)]
    >>> rate(exam("MR knee"), anywhere).words, rate(exam("MR whole-body"), anywhere).words
    ('usually appropriate', 'may be appropriate')
    """
    contrast = _contrast(order)
    near = [
        row._replace(exam=placed(row.exam, order))
        for row in rows
        if _same_kind(order, row.exam)
        and (row.exam.regions != AREA_OF_INTEREST or _local(order))
        and (contrast is None or row.exam.contrast is None or row.exam.contrast == contrast)
        and order.mask & row.exam.mask
    ]
    contained = [row for row in near if not row.exam.mask & ~order.mask]
    if contained:
        size = max(row.exam.mask.bit_count() for row in contained)
        return max(row.rating for row in contained if row.exam.mask.bit_count() == size)
    covering = [row for row in near if not order.mask & ~row.exam.mask]
    if covering:
        size = min(row.exam.mask.bit_count() for row in covering)
        return max(row.rating for row in covering if row.exam.mask.bit_count() == size)
    return None


_RANK = {"US": 0, "MR": 0, "XR": 1, "RF": 2, "NM": 2, "CT": 3, "PT": 3, "XA": 3}


def radiation(exam: Exam) -> tuple[int, int, int]:
    """
    Exams in order of radiation: kind, then passes, then how much of the body.

    The order of kinds follows the ACR pediatric relative radiation levels (none; radiograph;
    fluoroscopy and nuclear medicine; CT, PET/CT and arteriography). It only compares, it is no dose.
    """
    rank = _RANK.get(exam.modality, 3)
    return (rank, exam.passes or 1, exam.mask.bit_count()) if rank else (0, 0, 0)


def same_exam(one: Exam, other: Exam) -> bool:
    """Whether two exams differ in nothing a clinician orders."""
    return _same_kind(one, other) and one.mask == other.mask and _contrast(one) == _contrast(other)


def change(order: Exam, other: Exam) -> int:
    """How much an order changes when *other* replaces it: smaller is less."""
    return (
        2 * (order.modality != other.modality)
        + (order.techniques != other.techniques)
        + (order.mask != other.mask)
        + (None not in (order.contrast, other.contrast) and order.contrast != other.contrast)
    )


def narrowed(order: Exam, away: int) -> Exam | None:
    """*order* without the regions that lie wholly in the mask *away*; None when nothing would be left."""
    kept = frozenset(region for region in order.regions if order._replace(regions=frozenset({region})).mask & ~away)
    return order._replace(regions=kept) if kept and kept != order.regions else None


def single_passes(order: Exam) -> Sequence[Exam]:
    """
    The same exam in one pass: with and without contrast, the likelier one first.

    Of the neck and the trunk that is the one with contrast, of head, spine and limbs the one without.

    >>> from cds_service.vocabulary.exams import exam
    >>> [one.contrast for one in single_passes(exam("CT head without and with contrast"))]
    ['without', 'with']
    """
    first = ("without", "with") if not order.mask & _WANTS_CONTRAST else ("with", "without")
    return [order._replace(contrast=contrast, passes=1) for contrast in first]


_WANTS_CONTRAST = mask(("neck", "chest", "abdomen", "pelvis"))
