"""
What one source says about the exam ordered, and how two sources join.

Sources join in order of trust. A source that says less than one before it changes nothing, one that
says more fills what was open, one that disagrees on modality or region makes the exam unreadable.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from cds_service.vocabulary.exam_codes import Coded
from cds_service.vocabulary.exams import BOTH, WITH, WITHOUT, Exam
from cds_service.vocabulary.regions import DIVISIONS, MASKS, mask

NOTHING: Final[frozenset[str]] = frozenset()
GENERIC: Final = frozenset({"spine", "limb", "upper-limb", "lower-limb", "whole-body", "bowel"})
"""Regions that say less than a narrower one beside them."""
_VAGUE: Final = frozenset({"limb", "upper-limb", "lower-limb"})
_SHARED: Final = MASKS["appendix"] | MASKS["ureter"]
_DIVISION_MASKS: Final = tuple(MASKS[division] for division in DIVISIONS)
_VESSEL_IMAGING: Final = frozenset({"angiography", "venography"})


class Said(NamedTuple):
    """
    What one source says.

    ``any_of`` means its regions are alternatives it does not tell apart. ``passes`` is a stated number, 0 when
    none is; ``more`` asks for one more than the contrast implies. ``trouble`` says why it cannot be read,
    ``doubt`` why its words alone settle nothing.
    """

    modality: str = ""
    regions: frozenset[str] = NOTHING
    techniques: frozenset[str] = NOTHING
    contrast: str | None = None
    passes: int = 0
    more: bool = False
    purpose: str = ""
    any_of: bool = False
    trouble: str = ""
    doubt: str = ""

    def exam(self) -> Exam:
        """The exam it adds up to, with the fewest passes its words imply."""
        passes = self.passes
        if self.modality in ("CT", "MR"):
            implied = _implied_passes(self.contrast, self.techniques)
            if self.more:
                passes = max(passes, max(implied, 1) + 1)
            passes = max(passes, implied)
        return Exam(self.modality, self.regions, self.contrast, passes, self.techniques)


SILENT: Final = Said()


def coded_says(coded: Coded) -> Said:
    """What a known code says."""
    if not coded.imaging:
        return Said(trouble="the code is not an exam")
    exam = coded.exam
    passes = exam.passes if exam.passes > _implied_passes(exam.contrast, exam.techniques) else 0
    return Said(exam.modality, exam.regions, exam.techniques, exam.contrast, passes, any_of=coded.any_of)


def join(first: Said, second: Said) -> Said:
    """
    What two sources say together, *first* being trusted more.

    >>> join(Said("CT", frozenset({"head"})), Said("MR")).trouble
    'one source says CT, another MR'
    >>> join(Said("CT", frozenset({"abdomen", "pelvis"}), contrast="with"), Said("CT", more=True)).exam().passes
    2
    """
    if first.trouble or second is SILENT:
        return first
    if second.trouble or first is SILENT:
        return second
    if first.modality and second.modality and first.modality != second.modality:
        return Said(trouble=f"one source says {first.modality}, another {second.modality}")
    regions = agreed(first, second)
    if regions is None:
        return Said(trouble=f"one source says {_listed(first.regions)}, another {_listed(second.regions)}")
    return Said(
        first.modality or second.modality,
        regions,
        first.techniques | second.techniques,
        _contrast(first.contrast, second.contrast),
        max(first.passes, second.passes),
        first.more or second.more,
        first.purpose or second.purpose,
        first.any_of and regions == first.regions,
        doubt=first.doubt or second.doubt,
    )


def agreed(first: Said, second: Said) -> frozenset[str] | None:
    """
    The regions two sources agree on; None when they name different exams.

    A source may name a part of the other's region, or the division around it. In the head every
    part is an exam of its own, so there the parts must be the same.

    >>> wide, narrow = Said(regions=frozenset({"abdomen"})), Said(regions=frozenset({"appendix"}))
    >>> agreed(narrow, wide) == agreed(wide, narrow)
    False
    >>> agreed(Said(regions=frozenset({"head"})), Said(regions=frozenset({"sinuses"}))) is None
    True
    """
    if not first.regions or not second.regions:
        return first.regions or second.regions
    one, other = mask_of(first.regions), mask_of(second.regions)
    if one == other:
        return first.regions
    inside = not other & ~one
    if inside and (first.any_of or first.regions <= _VAGUE):
        return second.regions
    if (one ^ other) & MASKS["head"] and one & MASKS["head"] and other & MASKS["head"] and not second.any_of:
        return None
    if inside or (not one & ~other and (second.any_of or not other & ~around(one))):
        return first.regions
    return None


@lru_cache(maxsize=4096)
def mask_of(regions: frozenset[str]) -> int:
    """The parts of *regions* as a bit mask, remembered."""
    return mask(regions)


@lru_cache(maxsize=4096)
def around(parts: int) -> int:
    """All parts of the divisions *parts* lie in; a part that two divisions share counts only when alone."""
    own = own_parts(parts)
    around = 0
    for division in _DIVISION_MASKS:
        if division & own:
            around |= division
    return around


def own_parts(parts: int) -> int:
    """*parts* without those that two divisions share, unless there are no others."""
    return parts & ~_SHARED or parts


def _contrast(first: str | None, second: str | None) -> str | None:
    if first is None or second is None or first == second:
        return first or second
    if {first, second} == {WITHOUT, WITH}:
        return None
    return BOTH


def _implied_passes(contrast: str | None, techniques: frozenset[str]) -> int:
    if contrast is None:
        return 0
    return 2 if contrast == BOTH and not techniques & _VESSEL_IMAGING else 1


def _listed(regions: frozenset[str]) -> str:
    return "+".join(sorted(regions))
