"""
One appropriateness topic over one order: where the order stands, and what is better.

A variant is met, possible or out. The order is judged by the met variants, else by the
possible ones; the first row of the decision table that fits decides (see ``_decide``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cds_service.findings import Advice, Alternative, Basis, Citation, Finding, Indicator, Outcome, Undecided, Verdict
from cds_service.rules.asking import ask
from cds_service.rules.ratings import Rating, change, placed, radiation, rate, same_exam
from cds_service.rules.rule import Preference, Topic, Variant
from cds_service.rules.safety import may_be_done
from cds_service.vocabulary.exams import Exam, name
from cds_service.vocabulary.readings import Facts
from cds_service.vocabulary.regions import AREA_OF_INTEREST

MOST_ALTERNATIVES = 3
SENSITIVE = "patient.radiation_sensitivity"
"""The defined fact that makes exams without radiation be said earlier and firmer; never louder."""
_MEMORY = 512


def ratings_of(topic: Topic, exam: Exam) -> tuple[Rating | None, ...]:
    """How *exam* rates in each variant of *topic*, in their order."""
    known = topic.memory.get(exam)
    if known is None:
        known = tuple(rate(exam, variant.rows) for variant in topic.variants)
        if len(topic.memory) < _MEMORY:
            topic.memory[exam] = known
    return known


@dataclass(frozen=True, slots=True)
class Stand:
    """Where an order stands in a topic: the places of the met and possible variants, and its ratings."""

    topic: Topic
    applies: bool
    why: str = ""
    met: tuple[int, ...] = ()
    possible: tuple[int, ...] = ()
    ratings: tuple[Rating | None, ...] = ()

    @property
    def judged(self) -> tuple[int, ...]:
        """The variants the order is judged by."""
        return self.met or self.possible

    def verdict(self, outcome: Outcome = Outcome.OUT, why: str = "", **more: object) -> Verdict:
        """A verdict of this topic."""
        return replace(Verdict(self.topic.id, self.topic.version, outcome, why or self.why), **more)  # type: ignore[arg-type]


def stand(topic: Topic, order: Exam, facts: Facts) -> Stand:
    """Where *order* stands in *topic*."""
    if not topic.applies_to.holds(facts):
        return Stand(topic, False, "it does not apply to this order")
    for exception in topic.unless:
        if exception.holds(facts):
            return Stand(topic, False, f"exception: {exception.because}")
    met: list[int] = []
    possible: list[int] = []
    for place, variant in enumerate(topic.variants):
        answer = variant.criterion.holds(facts)
        if answer:
            met.append(place)
        elif answer is None:
            possible.append(place)
    if len(met) + len(possible) > 1 and met:
        ids = {topic.variants[place].id for place in met}
        met, possible = (
            [place for place in places if ids.isdisjoint(topic.variants[place].yields_to)] for places in (met, possible)
        )
    return Stand(topic, True, "", tuple(met), tuple(possible), ratings_of(topic, order))


def advise(one: Stand, order: Exam, facts: Facts, *, others: Sequence[Stand], calm: bool) -> Verdict:
    """What the topic says; *others* are the further topics this order stands in, *calm* keeps it from warning."""
    if not one.judged:
        return one.verdict(Outcome.SILENT, "no situation of this topic fits")
    if any(other.ratings[place] is Rating.USUALLY for other in others for place in other.met):
        return one.verdict(Outcome.SILENT, "the order is usually appropriate for another of its reasons")
    return _Table(one, order, facts, others, calm).decide()


class _Table:
    """The decision table of one topic for one order."""

    def __init__(self, one: Stand, order: Exam, facts: Facts, others: Sequence[Stand], calm: bool) -> None:
        self.one, self.topic, self.order, self.facts, self.others = one, one.topic, order, facts, others
        self.calm = calm or any(
            (other.ratings[place] or Rating.USUALLY) is not Rating.USUALLY_NOT
            for other in others
            for place in other.judged
        )
        self.notes: list[str] = []
        self.sensitive = order.ionizing and facts[SENSITIVE].value is True

    def decide(self) -> Verdict:
        """The first row that fits."""
        one = self.one
        rated = [one.ratings[place] for place in one.judged]
        if Rating.USUALLY in (one.ratings[place] for place in one.met):
            return self._preferred() or self._spared() or self._silent("the order is usually appropriate")
        if None in rated:
            return self._preferred() or self._unneeded() or self._silent("the guideline does not rate this exam here")
        offered = self._alternatives()
        if offered and self._undone(offered):
            return self._ask("whether the alternative was already done is not known")
        if offered:
            return self._instead(offered)
        return self._unneeded() or self._preferred() or self._spared() or self._unsettled()

    def _silent(self, why: str) -> Verdict:
        return self.one.verdict(Outcome.SILENT, why, notes=tuple(self.notes))

    # alternatives

    def _alternatives(self) -> list[Alternative]:
        """The better exams, best first; what was found once for this order and these situations is remembered."""
        memory, key = self.topic.offers, self._position()
        known = memory.get(key)
        if known is None:
            known = (self._find_alternatives(), tuple(self.notes))
            if len(memory) < _MEMORY:
                memory[key] = known
        found, notes = known
        self.notes = list(notes)
        return list(found)

    def _position(self) -> tuple[object, ...]:
        others = tuple((other.topic.id, other.met, other.possible) for other in self.others)
        return self.order, self.one.met, self.one.possible, others, self.sensitive

    def _find_alternatives(self) -> list[Alternative]:
        found = [exam for exam in self._candidates() if self._better(exam)]
        found = [exam for exam in found if not self._adds_radiation(exam)] or found
        found = [exam for exam in found if not _elsewhere(exam, self.order, found)]
        found.sort(key=self._merit)
        return [
            Alternative(exam, words := self._best_words(exam), words, place == 0, self._rated(exam))
            for place, exam in enumerate(_distinct(found, self.order))
        ]

    def _candidates(self) -> list[Exam]:
        """
        The exams the topic rates.

        Where a situation speaks of the area of interest, that is the place ordered, and another place is no answer.
        """
        variants = [self.topic.variants[place] for place in self.one.judged]
        here = {row.exam for variant in variants for row in variant.rows}
        local = any(exam.regions == AREA_OF_INTEREST for exam in here)
        every = [exam for exam in self.topic.candidates if exam.regions != AREA_OF_INTEREST or exam in here]
        found = dict.fromkeys(placed(exam, self.order) for exam in every)
        return [exam for exam in found if not local or exam.mask & self.order.mask]

    def _better(self, exam: Exam) -> bool:
        if same_exam(exam, self.order):
            return False
        trouble = self._trouble(exam)
        if trouble:
            self.notes.append(f"{exam}: not offered, {trouble}")
        return not trouble

    def _trouble(self, exam: Exam) -> str:
        one, theirs = self.one, ratings_of(self.topic, exam)
        mine = one.ratings
        if not any((theirs[p] or 0) > (mine[p] or 0) for p in one.judged):
            return "rated no higher"
        if any((theirs[p] or Rating.USUALLY_NOT) < (mine[p] or Rating.USUALLY_NOT) for p in (*one.met, *one.possible)):
            return "rated lower in a situation that may be this one"
        if any(theirs[p] in (None, Rating.USUALLY_NOT) for p in one.met):
            return "usually not appropriate in this situation"
        if not one.met and not self._modest(exam):
            return "which situation this is is not known"
        if self._adds_radiation(exam) and not self._never_right():
            return "more radiation"
        return self._worse_elsewhere(exam)

    def _modest(self, exam: Exam) -> bool:
        if exam.modality in ("US", "XR"):
            return True
        alike = exam.modality == self.order.modality and exam.techniques == self.order.techniques
        return alike and not self._adds_radiation(exam)

    def _adds_radiation(self, exam: Exam) -> bool:
        free = ("US", "MR") if not self.order.ionizing else ("US", "MR", "XR")
        return exam.modality not in free and radiation(exam) > radiation(self.order)

    def _never_right(self) -> bool:
        return all(rating is Rating.USUALLY_NOT for rating in self.one.ratings)

    def _worse_elsewhere(self, exam: Exam) -> str:
        for other in self.others:
            theirs = ratings_of(other.topic, exam)
            for place in (*other.met, *other.possible):
                mine = other.ratings[place]
                if mine is not None and (theirs[place] or Rating.USUALLY_NOT) < mine:
                    return f"rated lower for another reason ({other.topic.id})"
            if any(theirs[place] is Rating.USUALLY_NOT for place in other.met):
                return f"usually not appropriate for another reason ({other.topic.id})"
        return ""

    def _merit(self, exam: Exam) -> tuple[object, ...]:
        theirs = [ratings_of(self.topic, exam)[place] for place in self.one.judged]
        bad = sum(rating in (None, Rating.USUALLY_NOT) for rating in theirs)
        second = any(
            _like(exam, over)
            for place in self.one.judged
            for preference in self.topic.variants[place].preferences
            for over in preference.over
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
            str(exam),
        )

    def _best_words(self, exam: Exam) -> str:
        theirs = ratings_of(self.topic, exam)
        return max((theirs[place] or Rating.USUALLY_NOT) for place in self.one.judged).words

    def _undone(self, offered: Iterable[Alternative]) -> bool:
        """Whether any offered exam of another modality may already have been done, for all we could read."""
        return any(
            ask(self.facts, may_be_done(one.exam)) for one in offered if one.exam.modality != self.order.modality
        )

    # rows of the table

    def _instead(self, offered: list[Alternative]) -> Verdict:
        one = self.one
        everywhere = all(one.ratings[place] is Rating.USUALLY_NOT for place in one.judged)
        settled = bool(one.met) and all(one.ratings[place] is not Rating.USUALLY for place in one.possible)
        warn = everywhere and (settled or self._never_right()) and not self.calm
        return self._finding(
            Advice.INSTEAD,
            Indicator.WARNING if warn else Indicator.INFO,
            because=offered[0].because,
            alternatives=tuple(offered[:MOST_ALTERNATIVES]),
        )

    def _rated(self, better: Exam) -> str:
        theirs, mine = ratings_of(self.topic, better), self.one.ratings
        place = max(self.one.judged, key=lambda p: (theirs[p] or 0) - (mine[p] or 0))
        best, ordered = (theirs[place] or Rating.USUALLY_NOT).words, (mine[place] or Rating.USUALLY_NOT).words
        if self.one.met:
            return f"{_capital(name(better))} is rated “{best}” here, the exam as ordered “{ordered}”."
        return (
            f"Which situation this is, is not on record. {_capital(name(better))} is rated “{best}” in one of them, "
            f"where the exam as ordered is rated “{ordered}”, and lower in none."
        )

    def _unneeded(self) -> Verdict | None:
        one = self.one
        if not one.met or any(one.ratings[place] is Rating.USUALLY for place in one.possible):
            return None
        variants = [self.topic.variants[place] for place in one.met]
        if not all(variant.no_imaging for variant in variants) or self._needed_elsewhere():
            return None
        if any(row.rating > Rating.USUALLY_NOT for variant in variants for row in variant.rows):
            return None
        rated = [one.ratings[place] for place in one.met]
        if any(rating is None for rating, variant in zip(rated, variants, strict=True) if variant.rows):
            return None
        if not all(variant.rows or any(_like(self.order, over) for over in variant.not_needed) for variant in variants):
            return None
        warn = all(variant.rows for variant in variants) and not self.calm
        return self._finding(
            Advice.NO_IMAGING,
            Indicator.WARNING if warn else Indicator.INFO,
            because=variants[0].no_imaging,
            cancel=True,
        )

    def _needed_elsewhere(self) -> bool:
        """Whether some exam is better than usually not appropriate for another of the order's reasons."""
        met = (other.topic.variants[place] for other in self.others for place in other.met)
        return any(row.rating > Rating.USUALLY_NOT for variant in met for row in variant.rows)

    def _preferred(self) -> Verdict | None:
        for place in self.one.judged:
            variant = self.topic.variants[place]
            for preference in variant.preferences:
                offered = [
                    Alternative(exam, "preferred", recommended=first == 0)
                    for first, exam in enumerate(preference.prefer)
                    if self._preferable(exam, preference, place)
                ]
                if offered and self._undone(offered):
                    return self._ask("whether the alternative was already done is not known")
                if offered:
                    return self._finding(
                        Advice.PREFER,
                        Indicator.INFO,
                        because=preference.because,
                        alternatives=tuple(offered[:MOST_ALTERNATIVES]),
                        citations=(preference.citation, variant.citation),
                    )
        return None

    def _spared(self) -> Verdict | None:
        """For a child sensitive to radiation: an exam without any that is rated the same in every met situation."""
        if not self.one.met or not self.sensitive or self._emergency():
            return None
        found = [exam for exam in self.topic.candidates if not exam.ionizing and self._equal(exam)]
        offered = [
            Alternative(exam, self._best_words(exam), self._best_words(exam), place == 0)
            for place, exam in enumerate(_distinct(sorted(found, key=self._merit), self.order))
        ]
        if not offered or self._undone(offered):
            return None
        because = f"{_capital(name(offered[0].exam))} is rated the same here and uses no radiation."
        shown = tuple(offered[:MOST_ALTERNATIVES])
        return self._finding(Advice.PREFER, Indicator.INFO, because=because, alternatives=shown)

    def _equal(self, exam: Exam) -> bool:
        one, theirs = self.one, ratings_of(self.topic, exam)
        judged = (*one.met, *one.possible)
        return (
            bool(exam.mask & self.order.mask)
            and all(theirs[p] is not None and theirs[p] == one.ratings[p] is not Rating.USUALLY_NOT for p in one.met)
            and all((theirs[p] or Rating.USUALLY_NOT) >= (one.ratings[p] or Rating.USUALLY_NOT) for p in judged)
            and not self._worse_elsewhere(exam)
        )

    def _preferable(self, exam: Exam, preference: Preference, place: int) -> bool:
        if not any(_like(self.order, over) for over in preference.over):
            return False
        if not self.one.met and not self._modest(exam):
            return False
        mine = self.one.ratings[place]
        theirs = ratings_of(self.topic, exam)[place]
        if mine is not None and theirs is not None and theirs < mine:
            return False
        return radiation(exam) < radiation(self.order) and not self._worse_elsewhere(exam)

    def _unsettled(self) -> Verdict:
        one = self.one
        if one.met and not self._held_back():
            return self._silent("no exam is clearly better in this situation")
        if not one.met and not any(one.ratings[place] is Rating.USUALLY_NOT for place in one.possible):
            return self._silent("the order is right or acceptable in every situation this may be")
        return self._ask("unknown facts would decide")

    def _held_back(self) -> bool:
        """Whether only a situation that may or may not be this one keeps a better exam from being offered."""
        known = replace(self.one, possible=())
        return bool(self.one.possible) and bool(
            _Table(known, self.order, self.facts, self.others, self.calm)._alternatives()
        )

    def _ask(self, why: str) -> Verdict:
        unknown = self._deciding()
        if self.topic.if_unknown != "ask" or self._emergency():
            return self.one.verdict(Outcome.UNDECIDED, why, unknown=unknown, notes=tuple(self.notes))
        verdict = self._finding(Advice.ASK, Indicator.INFO, because=self._question(unknown), undecided=self._meanings())
        return replace(verdict, unknown=unknown)

    def _emergency(self) -> bool:
        priority = self.facts["order.priority"].value
        return bool(self.facts["setting.emergency"].value) or priority in (frozenset({"stat"}), frozenset({"asap"}))

    def _deciding(self) -> tuple[str, ...]:
        places = self.one.possible or self.one.met
        names = {fact for place in places for fact in self.topic.variants[place].criterion.unknown_in(self.facts)}
        asked = [fact for fact in self.topic.questions if fact in names]
        return tuple([*asked, *sorted(names.difference(asked))])

    def _question(self, unknown: Sequence[str]) -> str:
        asked = [self.topic.questions[fact] for fact in unknown if fact in self.topic.questions]
        return " ".join(asked[:4]) or "What is not on record here would decide."

    def _meanings(self) -> tuple[Undecided, ...]:
        return tuple(self._meaning(place) for place in sorted({*self.one.met, *self.one.possible}))

    def _meaning(self, place: int) -> Undecided:
        variant = self.topic.variants[place]
        unknown = ", ".join(variant.criterion.unknown_in(self.facts))
        return Undecided(unknown, variant.situation, self._means(variant, self.one.ratings[place]))

    def _means(self, variant: Variant, mine: Rating | None) -> str:
        """What the guideline says in one situation, of the order and of what it rates best."""
        for preference in variant.preferences:
            if any(_like(self.order, over) for over in preference.over):
                return f"{name(preference.prefer[0])} is preferred"
        best = max((row.rating for row in variant.rows), default=Rating.USUALLY_NOT)
        if best is Rating.USUALLY_NOT:
            return variant.no_imaging or ("no imaging is usually needed" if variant.rows else "nothing is rated")
        if mine is best:
            return f"the exam as ordered is rated {best.words}"
        return f"{' or '.join(self._nearest(variant, best))} is rated {best.words}"

    def _nearest(self, variant: Variant, best: Rating) -> list[str]:
        """The best rated exams nearest to the order, at most one a modality and two in all."""
        rows = [placed(row.exam, self.order) for row in variant.rows if row.rating is best]
        rows.sort(key=lambda exam: (change(self.order, exam), exam.modality == "MR", exam.mask.bit_count()))
        by_modality: dict[str, str] = {}
        for exam in rows:
            by_modality.setdefault(exam.modality, name(exam))
        return list(by_modality.values())[:2]

    def _finding(
        self,
        advice: Advice,
        indicator: Indicator,
        *,
        because: str,
        alternatives: tuple[Alternative, ...] = (),
        cancel: bool = False,
        undecided: tuple[Undecided, ...] = (),
        citations: tuple[Citation, ...] = (),
    ) -> Verdict:
        topic, variants = self.topic, [self.topic.variants[place] for place in self.one.judged]
        situations = [variant.situation for variant in variants]
        situation = _sentence(situations[0] if len(situations) == 1 else topic.title)
        firm = advice is not Advice.ASK and self.sensitive and not any(one.exam.ionizing for one in alternatives[:1])
        if firm:
            situation += " Radiation matters more for this child."
        finding = Finding(
            rule=topic.id,
            version=topic.version,
            title=topic.title,
            topic_code=topic.topic_code,
            advice=advice,
            indicator=indicator,
            situation=situation,
            because=because,
            alternatives=alternatives,
            cancel=cancel,
            basis=self._basis(variants, firm=firm),
            undecided=undecided,
            citations=citations or tuple(dict.fromkeys(variant.citation for variant in variants)),
            override_reasons=topic.override_reasons,
            reviewed=topic.review_last,
            reviewer=topic.review_by,
            shown=topic.status == "active",
        )
        return self.one.verdict(Outcome.ADVICE, because, notes=tuple(self.notes), finding=finding)

    def _basis(self, variants: Sequence[Variant], *, firm: bool) -> Basis:
        asked = {fact for variant in variants for fact in variant.criterion.facts}
        first = (SENSITIVE, "order.reason") if firm else ("order.reason",)
        return Basis((*first, *sorted(asked - {"order.reason"})), 6)


def _like(order: Exam, over: Exam) -> bool:
    return (
        order.modality == over.modality
        and order.techniques == over.techniques
        and bool(order.mask & over.mask)
        and over.contrast in (None, order.contrast)
    )


def _distinct(exams: Iterable[Exam], order: Exam) -> list[Exam]:
    """*exams* without those that only widen one already listed: the narrower twin is enough."""
    kept: list[Exam] = []
    for exam in exams:
        if not any(_twin(exam, other) for other in kept):
            kept.append(exam)
    return kept


def _twin(exam: Exam, other: Exam) -> bool:
    return exam._replace(regions=frozenset()) == other._replace(regions=frozenset()) and bool(exam.mask & other.mask)


def _elsewhere(exam: Exam, order: Exam, found: Iterable[Exam]) -> bool:
    """Whether *exam* is of another part of the body than *order*, and the same exam of the ordered part was found."""
    kind = exam._replace(regions=frozenset())
    return not exam.mask & order.mask and any(
        other.mask & order.mask and other._replace(regions=frozenset()) == kind for other in found
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
