"""
All rules over one order's facts: which advice is given, and why or why not.

The flow: scope, topics, checks, safety. Nothing here reads a network or writes a word
of Markdown; it is plain functions on plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from cds_service.findings import Activity, Advice, Basis, Finding, Indicator, Outcome, Verdict, importance
from cds_service.rules import other_reasons, safety
from cds_service.rules.check_judge import judge_check
from cds_service.rules.rule import RuleSet, Topic
from cds_service.rules.stand import Stand, stand
from cds_service.rules.topic_judge import advise
from cds_service.vocabulary.exams import WITHOUT, Exam, exam
from cds_service.vocabulary.facts import HISTORY_EXAMS, REGION_HISTORY
from cds_service.vocabulary.readings import Evidence, Facts, Names, Priors, Reading


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    The verdicts on one order; ``findings`` are those to show or log, best first.

    Only ``findings`` carry evidence: a verdict is the same for everybody of whom the same is known.
    """

    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The findings a clinician sees."""
        return tuple(finding for finding in self.findings if finding.shown)


NOTHING = Judgement((), ())


def out_of_scope(rules: RuleSet, facts: Facts) -> str:
    """The id of the scope rule that keeps every order of this child silent; empty when none does."""
    return next((rule.id for rule in rules.safety if rule.scope and rule.acts(facts)), "")


def judge(order: Exam | None, facts: Facts, rules: RuleSet, *, want_all: bool = False) -> Judgement:
    """
    Judge one recognised order, or say again what was judged when all questions were answered the same.

    With *want_all* every rule's verdict is told, also of those that don't apply; the advice is the same.
    """
    if order is None:
        return NOTHING
    if want_all:
        return with_evidence(cautious(judge_anew(order, facts, rules, want_all=True), facts), facts)
    known: Judgement | None = rules.replay.find(order, facts)
    if known is None:
        watched = rules.replay.watched(facts)
        known = judge_anew(order, watched, rules)
        rules.replay.keep(order, watched, known)
    return with_evidence(cautious(known, facts), facts)


def cautious(judged: Judgement, facts: Facts) -> Judgement:
    """
    The judgement without warnings where a part of the record is unread that may hold a danger.

    Nothing recorded is not nothing there: what a safety rule never saw must not make advice louder.
    """
    unread = facts.unread
    if not unread or all(finding.indicator is Indicator.INFO for finding in judged.findings):
        return judged
    findings = tuple(_quieter(finding) if _blind(finding, unread) else finding for finding in judged.findings)
    verdicts = tuple(
        _soften(verdict) if verdict.finding and _blind(verdict.finding, unread) else verdict
        for verdict in judged.verdicts
    )
    return Judgement(tuple(sorted(findings, key=importance)), verdicts)


_DANGERS = frozenset({"Condition", "Observation", "MedicationRequest"})


def _blind(finding: Finding, unread: frozenset[str]) -> bool:
    """Whether something unread could keep this advice, or an exam it offers, from being given."""
    if not unread.isdisjoint(_DANGERS):
        return True
    exams = [one.exam for one in finding.alternatives]
    return ("Device" in unread and any(exam.modality == "MR" for exam in exams)) or (
        "AllergyIntolerance" in unread and any(exam.contrast not in (None, WITHOUT) for exam in exams)
    )


def _quieter(finding: Finding) -> Finding:
    return finding if finding.indicator is Indicator.INFO else replace(finding, indicator=Indicator.INFO)


def with_evidence(judged: Judgement, facts: Facts) -> Judgement:
    """The judgement, each finding with the evidence of the facts it rests on."""
    if not judged.findings:
        return judged
    told = tuple(
        replace(finding, evidence=evidence(finding.basis, facts), plain=finding) for finding in judged.findings
    )
    return Judgement(told, judged.verdicts)


def evidence(basis: Basis, facts: Facts) -> tuple[Evidence, ...]:
    """The pieces of the record behind facts, each once."""
    pieces: list[Evidence] = []
    for name in basis.facts:
        reading = facts[name]
        if basis.each_prior and isinstance(reading.value, Priors):
            pieces += [piece for prior in reading.value.considered(basis.most) for piece in prior.evidence[:1]]
        pieces += reading.evidence
    if basis.activity is not None:
        pieces += _by_weight(basis.activity, facts["patient.weight"])
    return tuple(dict.fromkeys(pieces))[: basis.most]


def _by_weight(activity: Activity, weight: Reading) -> Iterator[Evidence]:
    """What *activity* comes to for this child; the weight itself is evidence of its own."""
    if weight.value is not None:
        low, high = activity.of(*weight.value)
        least, most = f"{low:.0f}", f"{high:.0f}"
        yield Evidence(f"by this weight {least} MBq" if least == most else f"by this weight {least} to {most} MBq")


def judge_anew(order: Exam, facts: Facts, rules: RuleSet, *, want_all: bool = False) -> Judgement:
    """What the rules say, by values alone: nothing but the answers to what it asks of *facts* makes a difference."""
    kept_out = out_of_scope(rules, facts)
    if kept_out:
        return Judgement((), (Verdict(kept_out, "", Outcome.SILENCED, "this child is out of scope"),))
    named: Names = facts["order.reason"].value or Names(frozenset(), False)
    stands = [stand(topic, order, facts) for topic in _topics(rules, named, want_all=want_all)]
    applying = [one for one in stands if one.applies]
    calm = not other_reasons.spoken_for(named, [one.topic.reasons for one in applying], rules.broader)
    advised = zip(applying, _advise(applying, order, facts, calm), strict=True)
    verdicts = list(other_reasons.minded(list(advised), order, named, rules))
    verdicts += [one.verdict() for one in stands if not one.applies]
    concerned = [one for one in stands if not one.topic.reasons.isdisjoint(named.values)]
    verdicts += _shape(rules, order, facts, concerned, want_all=want_all)
    if any(verdict.finding for verdict in verdicts):
        verdicts = safety.apply(rules.safety, order, facts, verdicts)
        verdicts = _settle(verdicts)
        if not named.complete:
            verdicts = [_soften(verdict) for verdict in verdicts]
    findings = sorted((v.finding for v in verdicts if v.finding), key=importance)
    return Judgement(tuple(findings), tuple(verdicts))


def _topics(rules: RuleSet, named: Names, *, want_all: bool) -> Iterable[Topic]:
    if want_all:
        return rules.topics
    return dict.fromkeys(topic for reason in sorted(named.values) for topic in rules.by_reason.get(reason, ()))


def _advise(applying: list[Stand], order: Exam, facts: Facts, calm: bool) -> Iterable[Verdict]:
    for one in applying:
        others = [other for other in applying if other is not one]
        yield advise(one, order, facts, others=others, calm=calm)


def _shape(rules: RuleSet, order: Exam, facts: Facts, stands: list[Stand], *, want_all: bool) -> Iterable[Verdict]:
    for check in rules.checks:
        if want_all or not check.modalities or order.modality in check.modalities:
            verdict = judge_check(check, order, facts, stands, broader=rules.broader)
            if want_all or verdict.outcome is not Outcome.OUT:
                yield verdict


_FOR_THE_RIGHT = frozenset({Advice.ADD_NOTE, Advice.CHILD_SIZE})
"""Advice on how an order is carried out: worth saying only of one that nothing else is said of."""


def _settle(verdicts: list[Verdict]) -> list[Verdict]:
    """Take away advice that other advice makes pointless: nobody narrows an exam that is not needed."""
    advice = {verdict.finding.advice for verdict in verdicts if verdict.finding and verdict.finding.shown}
    needless: set[Advice] = set()
    if advice & {Advice.INSTEAD, Advice.PREFER}:
        needless = {Advice.ASK, Advice.NO_IMAGING}  # another of the reasons needs an image, if not this one
    elif Advice.NO_IMAGING in advice:
        needless = {Advice.FEWER_PASSES, Advice.NARROWER, Advice.ADD_REASON, Advice.ASK, Advice.LOOK_FIRST}
    if advice - _FOR_THE_RIGHT:
        needless = needless | _FOR_THE_RIGHT
    return [_drop(verdict, needless) for verdict in verdicts]


def _drop(verdict: Verdict, needless: set[Advice]) -> Verdict:
    if verdict.finding is None or verdict.finding.advice not in needless:
        return verdict
    return replace(verdict, outcome=Outcome.SILENT, finding=None, why="other advice on this order makes it pointless")


def _soften(verdict: Verdict) -> Verdict:
    return replace(verdict, finding=_quieter(verdict.finding)) if verdict.finding else verdict


class WithDefinitions:
    """Facts given directly, with definitions on top; for rule examples."""

    recorded: frozenset[str] | None = None
    unread: frozenset[str] = frozenset()

    def __init__(self, given: Mapping[str, Reading], definitions: Mapping[str, Callable[[Facts], Reading]]) -> None:
        self._given = dict(given)
        self._definitions = definitions

    def __getitem__(self, name: str) -> Reading:
        reading = self._given.get(name)
        if reading is None:
            self._given[name] = Reading()
            define = self._definitions.get(name)
            reading = self._given[name] = define(self) if define is not None else self._derived(name)
        return reading

    def _derived(self, name: str) -> Reading:
        every, like = self._given.get("history.any"), self._like(name)
        if like is None or every is None or not isinstance(every.value, Priors):
            return Reading()
        return Reading(every.value.like(like))

    def _like(self, name: str) -> Exam | None:
        if name in REGION_HISTORY:
            ordered = self["order.region"].value
            return Exam(REGION_HISTORY[name], ordered.values) if isinstance(ordered, Names) else None
        kinds = HISTORY_EXAMS.get(name)
        return exam(kinds[0]) if kinds is not None else None
