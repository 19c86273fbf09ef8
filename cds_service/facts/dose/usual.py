"""
What a dose comes to, and what it usually is: the figures of ``rules/codes/dose.yaml``.

Bands, never one number: single scans of the same exam differ a hundredfold, coefficients by a third, and the phantom
alone by a factor of two. Effective dose compares exams; it is nothing about one child, so nothing is added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from cds_service.vocabulary.exams import Exam, exam

Range = tuple[float, float]
"""From the lowest to the highest."""

_HALF: Final = 0.5  # of the lowest reference level, for each pass: the low end where no dose is on record
_PLAIN: Final = frozenset({"doppler", "high-resolution"})

Key = tuple[str, int, frozenset[str]]
"""An exam whatever its contrast and passes: modality, parts, techniques."""


class Curve(NamedTuple):
    """Numbers by age in years, with the exam they are of and where they come from."""

    key: Key
    source: str
    ages: tuple[float, ...]
    values: tuple[float, ...]

    def between(self, ages: Range) -> Range:
        """The lowest and highest within *ages*, in straight lines from age to age."""
        first, last = ages
        found = [self._at(first), self._at(last)]
        found += [value for age, value in zip(self.ages, self.values, strict=True) if first < age < last]
        return min(found), max(found)

    def _at(self, age: float) -> float:
        for (left, low), (right, high) in pairwise(zip(self.ages, self.values, strict=True)):
            if age < right:
                return low + (high - low) * max(age - left, 0) / (right - left)
        return self.values[-1]

    def steps(self, ages: Range) -> Iterable[float]:
        """The numbers in force within *ages*: each holds from its age on, until the next."""
        for place, (age, value) in enumerate(zip(self.ages, self.values, strict=True)):
            until = self.ages[place + 1] if place + 1 < len(self.ages) else float("inf")
            if age <= ages[1] and ages[0] < until:
                yield value


class Usual(NamedTuple):
    """The figures, and the sources of what they say."""

    coefficients: tuple[Curve, ...] = ()
    references: tuple[Curve, ...] = ()
    published: tuple[Curve, ...] = ()
    bands: Mapping[Key, tuple[Range, ...]] = {}
    bounds: tuple[float, ...] = ()
    believable: Range = (0.0, 0.0)
    factor: float = 1.0
    sources: frozenset[str] = frozenset()

    def of_dlp(self, one: Exam, dlp: Range, ages: Range, phantoms: frozenset[int]) -> Range | None:
        """
        What a dose-length product comes to, in mSv; None where no coefficient is for this exam, or it can't be.

        In the body the coefficients are for the 16 cm phantom: unless that is the one that was told, the same dose
        may be twice as high.
        """
        found = [curve.between(ages) for curve in self.coefficients if curve.key == key_of(one)]
        if not found:
            return None
        low, high = dlp[0] * min(pair[0] for pair in found), dlp[1] * max(pair[1] for pair in found)
        if phantoms != frozenset({16}) and (phantoms or one.modality != "CT" or one.mask & ~_HEAD):
            high *= self.factor
        return (low, high) if self.can_be((low, high)) else None

    def can_be(self, dose: Range) -> bool:
        """Whether a dose in mSv overlaps what single scans of children were measured at."""
        return dose[0] <= self.believable[1] and self.believable[0] <= dose[1]

    def dlp_can_be(self, dlp: Range) -> bool:
        """Whether a dose-length product can be that of a child's scan, by the widest coefficients there are."""
        every = [value for curve in self.coefficients for value in curve.values]
        return not every or self.can_be((dlp[0] * min(every), dlp[1] * max(every) * self.factor))

    def of_exam(self, one: Exam, ages: Range) -> Range | None:
        """What such an exam usually comes to at such an age, in mSv; None where nobody has said."""
        key = key_of(one)
        bands = self.bands.get(key)
        passes = one.passes if one.modality == "CT" else 1
        if bands is None or not 0 < passes <= len(bands):
            return None
        low, high = bands[passes - 1]
        levels = [value for curve in self.references if curve.key == key for value in curve.steps(ages)]
        factors = [curve.between(ages)[0] for curve in self.coefficients if curve.key == key]
        if levels and factors:
            low = min(low, passes * _HALF * min(levels) * min(factors))
        if passes == 1:
            high = max([high, *(curve.between(ages)[1] for curve in self.published if curve.key == key)])
        return low, high

    def level(self, dose: Range) -> Range:
        """The bands of radiation levels that a dose in mSv lies in."""
        low = max((bound for bound in self.bounds if bound <= dose[0]), default=0.0)
        return low, min((bound for bound in self.bounds if bound >= dose[1]), default=dose[1])


NO_FIGURES: Final = Usual()


def key_of(one: Exam) -> Key:
    """The exam whatever its contrast and passes."""
    return one.modality, one.mask, one.techniques - _PLAIN


_HEAD: Final = exam("CT head").mask
