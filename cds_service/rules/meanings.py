"""What is asked when an unknown fact would decide: the question, and what the guideline says in each situation."""

from __future__ import annotations

from collections.abc import Sequence

from cds_service.findings import Undecided
from cds_service.rules.alternatives import like
from cds_service.rules.ratings import Rating, change, placed
from cds_service.rules.rule import Topic, Variant
from cds_service.rules.stand import Stand
from cds_service.vocabulary.exams import Exam, name
from cds_service.vocabulary.readings import Facts

MOST_QUESTIONS = 4


def deciding(stand: Stand, facts: Facts) -> tuple[str, ...]:
    """The unknown facts that tell the possible situations apart, those the topic has a question for first."""
    places = stand.possible or stand.met
    names = {fact for place in places for fact in stand.topic.variants[place].criterion.unknown_in(facts)}
    asked = [fact for fact in stand.topic.questions if fact in names]
    return tuple([*asked, *sorted(names.difference(asked))])


def question(topic: Topic, unknown: Sequence[str]) -> str:
    """The topic's own questions for *unknown* facts."""
    asked = [topic.questions[fact] for fact in unknown if fact in topic.questions]
    return " ".join(asked[:MOST_QUESTIONS]) or "What is not on record here would decide."


def meanings(stand: Stand, order: Exam, facts: Facts) -> tuple[Undecided, ...]:
    """What each situation that may be this one would mean for *order*."""
    return tuple(_meaning(stand, place, order, facts) for place in sorted({*stand.met, *stand.possible}))


def _meaning(stand: Stand, place: int, order: Exam, facts: Facts) -> Undecided:
    variant = stand.topic.variants[place]
    unknown = ", ".join(variant.criterion.unknown_in(facts))
    return Undecided(unknown, variant.situation, _means(variant, order, stand.ratings[place]))


def _means(variant: Variant, order: Exam, mine: Rating | None) -> str:
    """What the guideline says in one situation, of the order and of what it rates best."""
    for preference in variant.preferences:
        if any(like(order, over) for over in preference.over):
            return f"{name(preference.prefer[0])} is preferred"
    best = max((row.rating for row in variant.rows), default=Rating.USUALLY_NOT)
    if best is Rating.USUALLY_NOT:
        return variant.no_imaging or ("no imaging is usually needed" if variant.rows else "nothing is rated")
    if mine is best:
        return f"the exam as ordered is rated {best.words}"
    return f"{' or '.join(_nearest(variant, best, order))} is rated {best.words}"


def _nearest(variant: Variant, best: Rating, order: Exam) -> list[str]:
    """The best rated exams nearest to the order, at most one a modality and two in all."""
    rows = [placed(row.exam, order) for row in variant.rows if row.rating is best]
    rows.sort(key=lambda exam: (change(order, exam), exam.modality == "MR", exam.mask.bit_count()))
    by_modality: dict[str, str] = {}
    for exam in rows:
        by_modality.setdefault(exam.modality, name(exam))
    return list(by_modality.values())[:2]
