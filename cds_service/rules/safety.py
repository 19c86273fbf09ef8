"""Safety rules over verdicts: they silence, soften, or remove an alternative, and never add anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cds_service.findings import Advice, Alternative, Finding, Indicator, Outcome, Verdict
from cds_service.rules.asking import Question, Watching
from cds_service.rules.ratings import same_exam
from cds_service.rules.rule import Effect, Safety
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Facts, Names, Priors, Reading

NEEDS_ALTERNATIVE = frozenset({Advice.INSTEAD, Advice.PREFER, Advice.FEWER_PASSES, Advice.NARROWER})
"""Advice that is worth nothing once every alternative is gone."""


def apply(rules: Sequence[Safety], order: Exam, facts: Facts, verdicts: Iterable[Verdict]) -> list[Verdict]:
    """
    *verdicts* after every safety rule that acts on these facts.

    A rule that could change none of the findings is not asked.
    """
    verdicts = list(verdicts)
    findings = [verdict.finding for verdict in verdicts if verdict.finding]
    advice = {finding.advice for finding in findings}
    warned = any(finding.indicator is not Indicator.INFO for finding in findings)
    offered = {one.exam for finding in findings for one in finding.alternatives}
    acting: list[Safety] = []
    each: list[Safety] = []
    for rule in rules:
        effect = rule.effect
        if (
            advice.isdisjoint(effect.silence)
            and not (warned and effect.soften)
            and not (effect.limit and offered)
            and not (effect.remove and any(removes(effect, exam) for exam in offered))
        ):
            continue
        if rule.each_alternative:
            each.append(rule)
        elif rule.acts(facts):
            acting.append(rule)
    return [_safe(verdict, acting, each, facts) if verdict.finding else verdict for verdict in verdicts]


def _safe(verdict: Verdict, acting: Sequence[Safety], each: Sequence[Safety], facts: Facts) -> Verdict:
    finding = verdict.finding
    assert finding is not None
    for rule in acting:
        if finding.advice in rule.effect.silence:
            return _silenced(verdict, f"{rule.id}: {rule.because}")
    notes = list(verdict.notes)
    kept: list[Alternative] = []
    for alternative in finding.alternatives:
        by = _removed_by(alternative.exam, acting, each, facts)
        if by is None:
            kept.append(alternative)
        else:
            notes.append(f"{alternative.exam}: not offered, {by.id}: {by.because}")
    if finding.advice in NEEDS_ALTERNATIVE and not kept:
        return replace(_silenced(verdict, "safety or the site took every alternative away"), notes=tuple(notes))
    indicator = finding.indicator
    if any(rule.effect.soften for rule in acting) and indicator is not Indicator.INFO:
        indicator = Indicator.INFO
    return replace(
        verdict, notes=tuple(notes), finding=_with(finding, kept, indicator, _limits(kept, acting, each, facts))
    )


def _limits(
    kept: Sequence[Alternative], acting: Sequence[Safety], each: Sequence[Safety], facts: Facts
) -> tuple[str, ...]:
    """What the alternatives kept ask for in return, each once."""
    found = [rule.effect.limit for rule in acting if kept and rule.effect.limit]
    asked = [rule for rule in each if rule.effect.limit]
    for one in kept if asked else ():
        looking = about_alternative(facts, one.exam)
        found += [rule.effect.limit for rule in asked if rule.acts(looking)]
    return tuple(dict.fromkeys(found))


def _with(finding: Finding, kept: Sequence[Alternative], indicator: Indicator, limits: tuple[str, ...] = ()) -> Finding:
    alternatives = tuple(replace(one, recommended=place == 0) for place, one in enumerate(kept))
    because = alternatives[0].because if alternatives else ""
    because = because or finding.because
    return replace(finding, alternatives=alternatives, indicator=indicator, because=because, limits=limits)


def _silenced(verdict: Verdict, why: str) -> Verdict:
    return replace(verdict, outcome=Outcome.SILENCED, why=why, finding=None)


def _removed_by(exam: Exam, acting: Sequence[Safety], each: Sequence[Safety], facts: Facts) -> Safety | None:
    for rule in acting:
        if removes(rule.effect, exam):
            return rule
    if not each:
        return None
    looking = about_alternative(facts, exam)
    return next((rule for rule in each if removes(rule.effect, exam) and rule.acts(looking)), None)


def removes(effect: Effect, exam: Exam) -> bool:
    """Whether the effect names *exam*: by its modality, or by a phrase that covers it."""
    return any(
        exam.modality == pattern
        if isinstance(pattern, str)
        else exam.modality == pattern.modality
        and not exam.mask & ~pattern.mask
        and pattern.contrast in (None, exam.contrast)
        and pattern.techniques <= exam.techniques
        for pattern in effect.remove
    )


class AboutAlternative:
    """The order's facts, and those of one exam about to be offered."""

    def __init__(self, facts: Facts, exam: Exam) -> None:
        self._facts = facts
        self._exam = exam
        self.recorded = facts.recorded
        self.unread = facts.unread

    def __getitem__(self, name: str) -> Reading:
        exam = self._exam
        if name == "alternative.modality":
            return Reading(frozenset({exam.modality}))
        if name == "alternative.region":
            return Reading(Names(exam.regions))
        if name == "alternative.contrast":
            return Reading(frozenset({exam.contrast})) if exam.contrast else Reading()
        if name == "alternative.done":
            return done(self._facts, exam)
        if name == "alternative.requested":
            return requested(self._facts, exam)
        return self._facts[name]


@dataclass(frozen=True, slots=True)
class _OfAlternative:
    """A question about an exam about to be offered, as one about the order's facts."""

    question: Question
    exam: Exam

    def __call__(self, facts: Facts) -> Any:
        return self.question(AboutAlternative(facts, self.exam))


class _WatchedAlternative(AboutAlternative, Watching):
    """An exam about to be offered, where facts take notes."""

    def __init__(self, facts: Facts, exam: Exam, watching: Watching) -> None:
        super().__init__(facts, exam)
        self._watching = watching

    def ask(self, question: Question) -> Any:
        return self._watching.ask(_OfAlternative(question, self._exam))


def about_alternative(facts: Facts, exam: Exam) -> AboutAlternative:
    """The order's *facts* with those of *exam*, taking notes where they do."""
    if isinstance(facts, Watching):
        return _WatchedAlternative(facts, exam, facts)
    return AboutAlternative(facts, exam)


def done(facts: Facts, exam: Exam) -> Reading:
    """Earlier exams like *exam*."""
    every = facts["history.any"].value
    return Reading(every.like(exam)) if isinstance(every, Priors) else Reading()


def requested(facts: Facts, exam: Exam) -> Reading:
    """Exams like *exam* that are requested or drafted; of CT and MRI those with the same contrast."""
    every = facts["history.requested"].value
    if not isinstance(every, Priors):
        return Reading()
    alike = [
        prior
        for prior in every.items
        if prior.exam.modality == exam.modality
        and prior.exam.mask & exam.mask
        and (exam.contrast is None or prior.exam.contrast == exam.contrast)
    ]
    return Reading(Priors(alike, every.complete, every.now))


@lru_cache(1024)
def may_be_done(exam: Exam) -> Question:
    """Asks whether, for all we could read, an exam like *exam* may have been done without our knowing."""

    def answer(facts: Facts) -> bool:
        priors = done(facts, exam).value
        return priors is None or not (priors.complete or priors.items)

    return answer


__all__ = ["AboutAlternative", "about_alternative", "apply", "done", "may_be_done", "removes", "same_exam"]
