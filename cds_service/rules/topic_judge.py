"""
The decision table of one appropriateness topic: the first row that fits an order says what is told.

``stand`` tells which situations count, ``alternatives`` what is better, ``meanings`` what to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cds_service.findings import Advice, Alternative, Basis, Citation, Finding, Indicator, Outcome, Undecided, Verdict
from cds_service.rules.alternatives import Alternatives, distinct, like
from cds_service.rules.asking import ask
from cds_service.rules.meanings import deciding, meanings, question
from cds_service.rules.ratings import Rating, radiation
from cds_service.rules.rule import Preference, Variant
from cds_service.rules.safety import may_be_done
from cds_service.rules.stand import Stand, ratings_of
from cds_service.rules.wording import capital, sentence
from cds_service.vocabulary.exams import Exam, name
from cds_service.vocabulary.readings import Facts

MOST_ALTERNATIVES = 3
SENSITIVE = "patient.radiation_sensitivity"
"""The defined fact that makes exams without radiation be said earlier and firmer; never louder."""


def advise(one: Stand, order: Exam, facts: Facts, *, others: Sequence[Stand], calm: bool) -> Verdict:
    """What the topic says; *others* are the further topics this order stands in, *calm* keeps it from warning."""
    if not one.judged:
        return one.verdict(Outcome.SILENT, "no situation of this topic fits")
    if any(_right(other) for other in others):
        return one.verdict(Outcome.SILENT, "the order is usually appropriate for another of its reasons")
    return _Table(one, order, facts, others, calm).decide()


def _right(other: Stand) -> bool:
    """Whether the order is usually appropriate there: in a situation that is met, or else in all that may be."""
    if other.met:
        return any(other.ratings[place] is Rating.USUALLY for place in other.met)
    return bool(other.possible) and all(other.ratings[place] is Rating.USUALLY for place in other.possible)


class _Table:
    """The decision table of one topic for one order."""

    def __init__(self, one: Stand, order: Exam, facts: Facts, others: Sequence[Stand], calm: bool) -> None:
        self.one, self.topic, self.order, self.facts, self.others = one, one.topic, order, facts, others
        self.calm = calm or any(
            (other.ratings[place] or Rating.USUALLY) is not Rating.USUALLY_NOT
            for other in others
            for place in other.judged
        )
        self.sensitive = order.ionizing and facts[SENSITIVE].value is True
        self.better = Alternatives(one, order, others, sensitive=self.sensitive)

    def decide(self) -> Verdict:
        """The first row that fits."""
        one = self.one
        rated = [one.ratings[place] for place in one.judged]
        if Rating.USUALLY in (one.ratings[place] for place in one.met):
            return self._preferred() or self._spared() or self._silent("the order is usually appropriate")
        if None in rated:
            return self._preferred() or self._unneeded() or self._silent("the guideline does not rate this exam here")
        offered = self.better.offered()
        if offered and self._undone(offered):
            return self._ask("whether the alternative was already done is not known")
        if offered:
            return self._instead(offered)
        return self._unneeded() or self._preferred() or self._spared() or self._unsettled()

    def _silent(self, why: str) -> Verdict:
        return self.one.verdict(Outcome.SILENT, why, notes=tuple(self.better.notes))

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
        warn = everywhere and (settled or self.better.never_right()) and not self.calm
        return self._finding(
            Advice.INSTEAD,
            Indicator.WARNING if warn else Indicator.INFO,
            because=offered[0].because,
            alternatives=tuple(offered[:MOST_ALTERNATIVES]),
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
        if not all(variant.rows or any(like(self.order, over) for over in variant.not_needed) for variant in variants):
            return None
        warn = all(variant.rows for variant in variants) and not self.calm
        return self._finding(
            Advice.NO_IMAGING,
            Indicator.WARNING if warn else Indicator.INFO,
            because=variants[0].no_imaging,
            cancel=True,
        )

    def _needed_elsewhere(self) -> bool:
        """Whether some exam may be better than usually not appropriate for another of the order's reasons."""
        judged = (other.topic.variants[place] for other in self.others for place in other.judged)
        return any(row.rating > Rating.USUALLY_NOT for variant in judged for row in variant.rows)

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
            Alternative(exam, self.better.best_words(exam), self.better.best_words(exam), place == 0)
            for place, exam in enumerate(distinct(sorted(found, key=self.better.merit), self.order))
        ]
        if not offered or self._undone(offered):
            return None
        because = f"{capital(name(offered[0].exam))} is rated the same here and uses no radiation."
        shown = tuple(offered[:MOST_ALTERNATIVES])
        return self._finding(Advice.PREFER, Indicator.INFO, because=because, alternatives=shown)

    def _equal(self, exam: Exam) -> bool:
        one, theirs = self.one, ratings_of(self.topic, exam)
        judged = (*one.met, *one.possible)
        return (
            bool(exam.mask & self.order.mask)
            and all(theirs[p] is not None and theirs[p] == one.ratings[p] is not Rating.USUALLY_NOT for p in one.met)
            and all((theirs[p] or Rating.USUALLY_NOT) >= (one.ratings[p] or Rating.USUALLY_NOT) for p in judged)
            and not self.better.worse_elsewhere(exam)
        )

    def _preferable(self, exam: Exam, preference: Preference, place: int) -> bool:
        if not any(like(self.order, over) for over in preference.over):
            return False
        if not self.one.met and not self.better.modest(exam):
            return False
        mine = self.one.ratings[place]
        theirs = ratings_of(self.topic, exam)[place]
        if mine is not None and theirs is not None and theirs < mine:
            return False
        return radiation(exam) < radiation(self.order) and not self.better.worse_elsewhere(exam)

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
            Alternatives(known, self.order, self.others, sensitive=self.sensitive).offered()
        )

    def _ask(self, why: str) -> Verdict:
        unknown = deciding(self.one, self.facts)
        if self.topic.if_unknown != "ask" or self._emergency():
            return self.one.verdict(Outcome.UNDECIDED, why, unknown=unknown, notes=tuple(self.better.notes))
        because, meant = question(self.topic, unknown), meanings(self.one, self.order, self.facts)
        verdict = self._finding(Advice.ASK, Indicator.INFO, because=because, undecided=meant)
        return replace(verdict, unknown=unknown)

    def _emergency(self) -> bool:
        priority = self.facts["order.priority"].value
        return bool(self.facts["setting.emergency"].value) or priority in (frozenset({"stat"}), frozenset({"asap"}))

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
        situation = sentence(situations[0] if len(situations) == 1 else topic.title)
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
        return self.one.verdict(Outcome.ADVICE, because, notes=tuple(self.better.notes), finding=finding)

    def _basis(self, variants: Sequence[Variant], *, firm: bool) -> Basis:
        asked = {fact for variant in variants for fact in variant.criterion.facts}
        first = (SENSITIVE, "order.reason") if firm else ("order.reason",)
        return Basis((*first, *sorted(asked - {"order.reason"})), 6)
