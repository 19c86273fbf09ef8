"""
What is better than an order in one topic, best first.

An alternative is rated higher than the order in some situation it is judged by, lower in none that may be this
one, and adds no radiation unless the order is never right. Why anything is not offered is noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cds_service.findings import Alternative
from cds_service.rules.ratings import Rating, change, placed, radiation, same_exam
from cds_service.rules.stand import MEMORY, Stand, ratings_of
from cds_service.rules.wording import capital
from cds_service.vocabulary.exams import Exam, name
from cds_service.vocabulary.regions import AREA_OF_INTEREST


class Alternatives:
    """The better exams for one *order* that stands in one topic, and in *others* for its other reasons."""

    def __init__(self, stand: Stand, order: Exam, others: Sequence[Stand], *, sensitive: bool) -> None:
        self.stand, self.topic, self.order, self.others = stand, stand.topic, order, others
        self.sensitive = sensitive
        self.notes: list[str] = []

    def offered(self) -> list[Alternative]:
        """The better exams, best first; what was found once for this order and these situations is remembered."""
        memory, key = self.topic.offers, self._position()
        known = memory.get(key)
        if known is None:
            known = (self._find_alternatives(), tuple(self.notes))
            if len(memory) < MEMORY:
                memory[key] = known
        found, notes = known
        self.notes = list(notes)
        return list(found)

    def _position(self) -> tuple[object, ...]:
        others = tuple((other.topic.id, other.met, other.possible) for other in self.others)
        return self.order, self.stand.met, self.stand.possible, others, self.sensitive

    def _find_alternatives(self) -> list[Alternative]:
        found = [exam for exam in self._candidates() if self._better(exam)]
        found = [exam for exam in found if not self._adds_radiation(exam)] or found
        found = [exam for exam in found if not _elsewhere(exam, self.order, found) and not self._guess(exam, found)]
        found.sort(key=self.merit)
        return [
            Alternative(exam, words := self.best_words(exam), words, place == 0, self._rated(exam))
            for place, exam in enumerate(distinct(found, self.order))
        ]

    def _guess(self, exam: Exam, found: Iterable[Exam]) -> bool:
        """Whether *exam* is of one part of the order and is rated as the same exam of another part: nobody can pick."""
        if not self.order.mask & ~exam.mask:
            return False
        kind, theirs = exam._replace(regions=frozenset()), ratings_of(self.topic, exam)
        return any(
            not other.mask & exam.mask
            and other.mask & self.order.mask
            and other._replace(regions=frozenset()) == kind
            and ratings_of(self.topic, other) == theirs
            for other in found
        )

    def _candidates(self) -> list[Exam]:
        """
        The exams the topic rates.

        Where a situation speaks of the area of interest, that is the place ordered, and another place is no answer.
        An exam of one part, rated only within a wider one, is no answer to an order of another part.
        """
        variants = [self.topic.variants[place] for place in self.stand.judged]
        here = {row.exam for variant in variants for row in variant.rows}
        local = any(exam.regions == AREA_OF_INTEREST for exam in here)
        every = [exam for exam in self.topic.candidates if exam.regions != AREA_OF_INTEREST or exam in here]
        found = dict.fromkeys(placed(exam, self.order) for exam in every)
        named = {placed(exam, self.order) for exam in here}
        return [
            exam
            for exam in found
            if (not local or exam.mask & self.order.mask)
            and (not self.order.mask & ~exam.mask or not _part_of(exam, named))
        ]

    def _better(self, exam: Exam) -> bool:
        if same_exam(exam, self.order):
            return False
        trouble = self._trouble(exam)
        if trouble:
            self.notes.append(f"{exam}: not offered, {trouble}")
        return not trouble

    def _trouble(self, exam: Exam) -> str:
        one, theirs = self.stand, ratings_of(self.topic, exam)
        mine = one.ratings
        if not any((theirs[p] or 0) > (mine[p] or 0) for p in one.judged):
            return "rated no higher"
        if any((theirs[p] or Rating.USUALLY_NOT) < (mine[p] or Rating.USUALLY_NOT) for p in (*one.met, *one.possible)):
            return "rated lower in a situation that may be this one"
        if any(theirs[p] in (None, Rating.USUALLY_NOT) for p in one.met):
            return "usually not appropriate in this situation"
        if exam.techniques - self.order.techniques and Rating.USUALLY not in (theirs[p] for p in one.judged):
            return "an addition to the exam of this situation, no replacement"
        if not one.met and not self.modest(exam):
            return "which situation this is is not known"
        if self._adds_radiation(exam) and not self.never_right():
            return "more radiation"
        return self.worse_elsewhere(exam)

    def modest(self, exam: Exam) -> bool:
        """Whether *exam* may be offered when no situation is certain: never an MRI on guesswork."""
        if exam.modality in ("US", "XR"):
            return True
        alike = exam.modality == self.order.modality and exam.techniques == self.order.techniques
        return alike and not self._adds_radiation(exam)

    def _adds_radiation(self, exam: Exam) -> bool:
        free = ("US", "MR") if not self.order.ionizing else ("US", "MR", "XR")
        return exam.modality not in free and radiation(exam) > radiation(self.order)

    def never_right(self) -> bool:
        """Whether the order is usually not appropriate in every situation of the topic."""
        return all(rating is Rating.USUALLY_NOT for rating in self.stand.ratings)

    def worse_elsewhere(self, exam: Exam) -> str:
        """Why *exam* does not suit another reason of the order; empty when it does."""
        for other in self.others:
            theirs = ratings_of(other.topic, exam)
            for place in (*other.met, *other.possible):
                mine = other.ratings[place]
                if mine is not None and (theirs[place] or Rating.USUALLY_NOT) < mine:
                    return f"rated lower for another reason ({other.topic.id})"
            if any(theirs[place] is Rating.USUALLY_NOT for place in other.met):
                return f"usually not appropriate for another reason ({other.topic.id})"
        return ""

    def merit(self, exam: Exam) -> tuple[object, ...]:
        """What alternatives are sorted by, the best first."""
        theirs = [ratings_of(self.topic, exam)[place] for place in self.stand.judged]
        bad = sum(rating in (None, Rating.USUALLY_NOT) for rating in theirs)
        new = exam.modality == self.order.modality and exam.techniques != self.order.techniques
        second = any(
            like(exam, over)
            for place, variant in enumerate(self.topic.variants)
            for preference in variant.preferences
            for over in preference.over
            if new or place in self.stand.judged
        )
        best = max((rating or 0) for rating in theirs)
        return (
            self.sensitive and exam.ionizing,
            bad,
            -best,
            second,
            change(self.order, exam),
            exam.modality == "MR",
            radiation(exam),
            exam.mask.bit_count(),
            exam not in self._named(),
            str(exam),
        )

    def _named(self) -> set[Exam]:
        """The exams the judged situations themselves name: of two of the same parts theirs is offered."""
        variants = (self.topic.variants[place] for place in self.stand.judged)
        return {placed(row.exam, self.order) for variant in variants for row in variant.rows}

    def best_words(self, exam: Exam) -> str:
        """The best rating of *exam* in the situations judged by, in the guideline's words."""
        theirs = ratings_of(self.topic, exam)
        return max((theirs[place] or Rating.USUALLY_NOT) for place in self.stand.judged).words

    def _rated(self, better: Exam) -> str:
        theirs, mine = ratings_of(self.topic, better), self.stand.ratings
        place = max(self.stand.judged, key=lambda p: (theirs[p] or 0) - (mine[p] or 0))
        best, ordered = (theirs[place] or Rating.USUALLY_NOT).words, (mine[place] or Rating.USUALLY_NOT).words
        if self.stand.met:
            return f"{capital(name(better))} is rated “{best}” here, the exam as ordered “{ordered}”."
        return (
            f"The chart does not tell which of its situations this is. {capital(name(better))} is rated “{best}” in "
            f"one of them, where the exam as ordered is rated “{ordered}”, and lower in none."
        )


def like(order: Exam, over: Exam) -> bool:
    """Whether *order* is the kind of exam that a preference speaks *over*."""
    return (
        order.modality == over.modality
        and order.techniques == over.techniques
        and bool(order.mask & over.mask)
        and over.contrast in (None, order.contrast)
    )


def distinct(exams: Iterable[Exam], order: Exam) -> list[Exam]:
    """*exams* without those that only widen one already listed: the narrower twin is enough."""
    kept: list[Exam] = []
    for exam in exams:
        if not any(_twin(exam, other) for other in kept):
            kept.append(exam)
    return kept


def _part_of(exam: Exam, named: Iterable[Exam]) -> bool:
    """Whether *exam* is only a part of one of the exams *named*, and is not named itself."""
    kind = exam._replace(regions=frozenset())
    wider = [one for one in named if one._replace(regions=frozenset()) == kind and not exam.mask & ~one.mask]
    return bool(wider) and all(one.mask != exam.mask for one in wider)


def _twin(exam: Exam, other: Exam) -> bool:
    return exam._replace(regions=frozenset()) == other._replace(regions=frozenset()) and bool(exam.mask & other.mask)


def _elsewhere(exam: Exam, order: Exam, found: Iterable[Exam]) -> bool:
    """Whether *exam* is of another part of the body than *order*, and the same exam of the ordered part was found."""
    kind = exam._replace(regions=frozenset())
    return not exam.mask & order.mask and any(
        other.mask & order.mask and other._replace(regions=frozenset()) == kind for other in found
    )
