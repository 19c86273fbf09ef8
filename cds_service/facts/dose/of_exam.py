"""
The dose of each earlier exam: one set an exam, however many resources tell it.

Measured goes first: an effective dose in the record, then the dose-length product; where nobody says, what such an exam
usually comes to at that age. Two accounts of one exam that differ make a range over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cds_service.facts.dose.passes import with_passes
from cds_service.facts.dose.tied import Neighbours, told_by
from cds_service.facts.dose.told import Told
from cds_service.facts.dose.units import CTDI, DLP, EFFECTIVE, UNIT, plainly
from cds_service.facts.dose.usual import Range, Usual
from cds_service.facts.history.exams import Account
from cds_service.facts.history.record import DIAGNOSTIC, STUDY
from cds_service.fhir.dates import When
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Evidence, Prior

MEASURED: Final = "measured"
FROM_DLP: Final = "from its DLP"
USUAL: Final = "usual"

_YEAR: Final = 365.25
_IONIZING: Final = frozenset({"CT", "XR", "RF", "NM", "PT", "XA"})
_ORDER: Final = (DLP, CTDI)


class Dose(NamedTuple):
    """
    One exam's dose.

    ``measures`` are those on record, in the unit they are told in; ``differ`` says that two accounts of the exam tell
    different ones, so that the range holds both. ``msv`` bounds the effective dose and ``how`` says what from; None
    when it cannot be told. ``unclear`` says that the record speaks of a dose and not plainly. ``radiation`` is False
    for ultrasound and MRI, None where the kind of exam is not known.
    """

    prior: Prior
    measures: Mapping[str, Range] = {}
    differ: bool = False
    phantoms: frozenset[int] = frozenset()
    msv: Range | None = None
    how: str = ""
    evidence: tuple[Evidence, ...] = ()
    radiation: bool | None = True
    unclear: bool = False

    @property
    def recorded(self) -> bool:
        """Whether the record tells it."""
        return bool(self.measures)

    @property
    def text(self) -> str:
        """
        The dose in a few words; empty when nothing is known.

        >>> from datetime import UTC, datetime
        >>> from cds_service.vocabulary.exams import exam
        >>> day = datetime(2026, 3, 2, tzinfo=UTC)
        >>> Dose(Prior(exam("CT head"), day, day), {"DLP": (480.0, 480.0)}, msv=(1.13, 2.4), how=FROM_DLP).text
        'DLP 480 mGy·cm, 1 to 3 mSv'
        """
        said = [f"{what} {_span(self.measures[what])} {UNIT[what]}" for what in _sorted(self.measures)]
        if said and self.phantoms and (DLP in self.measures or CTDI in self.measures):
            said[-1] += f" ({' and '.join(map(str, sorted(self.phantoms)))} cm phantom)"
        if self.msv is not None:
            said.append(f"{'usually ' if self.how == USUAL else ''}{_outward(self.msv)} mSv")
        return ", ".join(said)


class _Found(NamedTuple):
    """What all accounts of one exam tell together."""

    measures: Mapping[str, Range]
    differ: bool
    unclear: frozenset[str]
    phantoms: frozenset[int]
    exam: Exam


def doses(
    accounts: Iterable[Account], birth: When | None, figures: Usual, *, most: int | None = None
) -> tuple[Dose, ...]:
    """The dose of each exam in the order given, or of the first few; what was only requested has none."""
    done = [one for one in accounts if not one.prior.pending]
    return tuple(_dose(one, figures, _ages(one.prior, birth), Neighbours(one, done)) for one in done[:most])


def _dose(one: Account, figures: Usual, ages: Range | None, near: Neighbours) -> Dose:
    prior = one.prior
    if prior.exam.modality not in _IONIZING:
        return Dose(prior, radiation=False if prior.exam.modality else None)
    told = [(record, what) for record in one.records if (what := told_by(record, near)) is not None]
    exam = with_passes(prior.exam, [record.teller for record in one.records if record.kind == STUDY])
    found = _together([what for _, what in told], figures, exam)
    evidence = tuple(Evidence("", record.source) for record, what in told if found.measures.keys() & what.values.keys())
    msv, how = _effective(prior, found, figures, ages)
    shown = {what: bounds for what, bounds in found.measures.items() if what != EFFECTIVE}
    if EFFECTIVE in found.measures and not shown:
        shown, msv = {EFFECTIVE: figures.level(found.measures[EFFECTIVE])}, None
    return _said(Dose(prior, shown, found.differ, found.phantoms, msv, how, evidence, unclear=bool(found.unclear)))


def _said(dose: Dose) -> Dose:
    """The dose with its evidence in words."""
    first = dose.prior.evidence[0] if dose.prior.evidence else Evidence("")
    sources = [piece.source for piece in dose.evidence] or [first.source]
    text = f"{first.text}: {dose.text}" if dose.text else first.text
    return dose._replace(evidence=tuple(Evidence(text, source, first.on) for source in dict.fromkeys(sources)))


def _effective(prior: Prior, found: _Found, figures: Usual, ages: Range | None) -> tuple[Range | None, str]:
    """The effective dose and what from: as a band where it was measured."""
    if EFFECTIVE in found.measures:
        return figures.level(found.measures[EFFECTIVE]), MEASURED
    if ages is None:
        return None, ""
    if DLP in found.measures and prior.kind == DIAGNOSTIC:
        msv = figures.of_dlp(prior.exam, found.measures[DLP], ages, found.phantoms)
        if msv is not None:
            return msv, FROM_DLP
    if DLP in found.unclear or not (prior.kind == DIAGNOSTIC or prior.exam.modality == "PT"):
        return None, ""  # several passes, perhaps, or not the exam whose usual dose is known
    return figures.of_exam(found.exam, ages), USUAL


def _together(told: Sequence[Told], figures: Usual, exam: Exam) -> _Found:
    """One set from all accounts of an exam: each measure by those that tell it, and whether they differ."""
    measures: dict[str, Range] = {}
    differ = False
    for one in told:
        for what, bounds in one.values.items():
            if not _can_be(what, bounds, figures):
                continue
            known = measures.get(what, bounds)
            differ = differ or _span(known) != _span(bounds)
            measures[what] = min(known[0], bounds[0]), max(known[1], bounds[1])
    unclear = frozenset().union(*(one.unclear for one in told)) - measures.keys()
    return _Found(measures, differ, unclear, frozenset().union(*(one.phantoms for one in told)), exam)


def _can_be(what: str, bounds: Range, figures: Usual) -> bool:
    if what == DLP:
        return figures.dlp_can_be(bounds)
    return what != EFFECTIVE or figures.can_be(bounds)


def _ages(prior: Prior, birth: When | None) -> Range | None:
    """The child's age at the exam in years, at least and at most."""
    if birth is None:
        return None
    youngest = (prior.first - birth.last).total_seconds() / 86_400 / _YEAR
    oldest = (prior.last - birth.first).total_seconds() / 86_400 / _YEAR
    return max(youngest, 0.0), max(oldest, 0.0)


def _sorted(measures: Iterable[str]) -> list[str]:
    return sorted(measures, key=lambda what: (_ORDER.index(what) if what in _ORDER else len(_ORDER), what))


def _span(bounds: Range) -> str:
    low, high = map(plainly, bounds)
    return low if low == high else f"{low} to {high}"


def _outward(bounds: Range) -> str:
    """
    Bounds with one digit that counts, the lower rounded down and the upper up.

    >>> _outward((1.13, 2.04)), _outward((0.3, 3.0)), _outward((0.0, 0.03)), _outward((2.9999, 3))
    ('1 to 3', '0.3 to 3', 'up to 0.03', '2 to 3')
    """
    low, high = _digit(bounds[0], up=False), _digit(bounds[1], up=True)
    if low <= 0:
        return f"up to {high:g}"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _digit(value: float, *, up: bool) -> float:
    if value <= 0:
        return 0.0
    step = 10.0 ** (len(f"{int(value)}") - 1 if value >= 1 else -_zeros(value) - 1)
    whole = int(value / step + 1e-9)
    if up and whole * step < value * (1 - 1e-9):
        whole += 1
    return float(f"{whole * step:.12g}")


def _zeros(value: float) -> int:
    """How many zeros follow the point before the first digit that counts."""
    return len(f"{value:.12f}".split(".")[1]) - len(f"{value:.12f}".split(".")[1].lstrip("0"))
