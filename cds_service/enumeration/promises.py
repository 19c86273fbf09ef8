"""
What every judgement must keep to, said apart from the judge: contradictions, radiation, bars, warnings.

Each promise looks at one order in one state, with what the judge said of it and of every other order there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cds_service.enumeration.bars import Bar
from cds_service.findings import Advice, Finding, Indicator
from cds_service.rules.judge import Judgement
from cds_service.rules.ratings import Rating, rate, same_exam
from cds_service.rules.rule import Topic, Variant
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Facts


@dataclass(frozen=True)
class Broken:
    """A promise not kept: by which rule, at which of its lines, in what way, and what to do."""

    promise: str
    rule: str
    line: int
    trouble: str
    remedy: str


@dataclass(frozen=True)
class Scene:
    """One state: the topics that apply with their met variants, the bars that are up, and every order judged in it."""

    facts: Mapping[Exam, Facts]
    met: Mapping[Exam, Mapping[Topic, Sequence[Variant]]]
    judged: Mapping[Exam, Judgement]


def broken(order: Exam, scene: Scene, bars: Sequence[Bar]) -> Iterator[Broken]:
    """Every promise that the judgement of *order* does not keep."""
    findings = scene.judged[order].findings
    for finding in findings:
        yield from _warning(finding, order)
        yield from _barred(finding, scene.facts[order], bars, order)
        for one in finding.alternatives:
            yield from _radiation(finding, one.exam, order, scene)
            yield from _not_wanted(finding, one.exam, order, scene)
        yield from _against_itself(finding, order, scene)
    yield from _at_odds(findings, order)


def _line(finding: Finding, met: Mapping[Topic, Sequence[Variant]]) -> int:
    """Where to look: the first met variant of the topic that speaks, else its first line."""
    for topic, variants in met.items():
        if topic.id == finding.rule and variants:
            return variants[0].line
    return 0


# (d) a warning names a way out


def _warning(finding: Finding, order: Exam) -> Iterator[Broken]:
    way_out = finding.alternatives or (finding.advice is Advice.NO_IMAGING and finding.cancel)
    if finding.indicator is not Indicator.INFO and not way_out:
        yield Broken(
            "warning",
            finding.rule,
            0,
            f"it warns about {order} and names no alternative, nor that no imaging is needed",
            "offer an exam, say no_imaging, or make it an info",
        )


# (c) what a safety fact bars


def _barred(finding: Finding, facts: Facts, bars: Sequence[Bar], order: Exam) -> Iterator[Broken]:
    for bar in bars:
        offered = [one.exam for one in finding.alternatives if bar.covers(one.exam)]
        if (offered or bar.silences) and bar.holds(facts):
            said = f"{offered[0]} is offered for {order}" if offered else f"{finding.advice.value} is said of {order}"
            yield Broken(
                "barred",
                finding.rule,
                0,
                f"{said}, which rules/review/never.yaml rules out ({bar.id})",
                "correct the safety rule that should prevent it, or leave the exam out of the topic",
            )


# (b) radiation

_KINDS = ({"US", "MR"}, {"XR"}, {"RF", "NM"}, {"CT", "PT", "XA"})


def _kind(exam: Exam) -> int:
    return next(place for place, kinds in enumerate(_KINDS) if exam.modality in kinds)


def more_radiation(exam: Exam, order: Exam) -> bool:
    """
    Whether *exam* means more radiation than *order*: by kind, then by passes, then by how much is covered.

    A radiograph never counts as more than another exam with X-rays.

    >>> from cds_service.vocabulary.exams import exam
    >>> more_radiation(exam("CT head without and with contrast"), exam("CT head with contrast"))
    True
    >>> more_radiation(exam("US abdomen"), exam("MR abdomen"))
    False
    """
    if _kind(exam) == 0 or (_kind(exam) == 1 and _kind(order) > 0):
        return False
    if _kind(exam) != _kind(order):
        return _kind(exam) > _kind(order)
    if (exam.passes or 1) != (order.passes or 1):
        return (exam.passes or 1) > (order.passes or 1)
    return exam.mask.bit_count() > order.mask.bit_count()


def _radiation(finding: Finding, offered: Exam, order: Exam, scene: Scene) -> Iterator[Broken]:
    if not more_radiation(offered, order):
        return
    topic = next((one for one in scene.met[order] if one.id == finding.rule), None)
    if topic is not None and all(rate(order, one.rows) is Rating.USUALLY_NOT for one in topic.variants):
        return
    yield Broken(
        "radiation",
        finding.rule,
        _line(finding, scene.met[order]),
        f"{offered} is offered for {order} and means more radiation",
        "only an order that is usually not appropriate in every situation of the topic may be met so",
    )


# (a) contradictions


def _not_wanted(finding: Finding, offered: Exam, order: Exam, scene: Scene) -> Iterator[Broken]:
    """An exam is offered that a situation this child is in rates usually not appropriate."""
    for topic, variants in scene.met[order].items():
        for variant in variants:
            if rate(offered, variant.rows) is Rating.USUALLY_NOT:
                yield Broken(
                    "contradiction",
                    finding.rule,
                    _line(finding, scene.met[order]),
                    f"{offered} is offered for {order}, and {topic.id} ({variant.id}) rates it usually not appropriate",
                    "make the situations exclude each other, or let one topic give way (unless)",
                )
                return


def _against_itself(finding: Finding, order: Exam, scene: Scene) -> Iterator[Broken]:
    """What is offered first is itself advised against once it is ordered; or the order was right all along."""
    if finding.advice in (Advice.INSTEAD, Advice.NO_IMAGING):
        for topic, variants in scene.met[order].items():
            for variant in variants:
                if rate(order, variant.rows) is Rating.USUALLY:
                    yield Broken(
                        "contradiction",
                        finding.rule,
                        _line(finding, scene.met[order]),
                        f"it advises against {order}, which {topic.id} ({variant.id}) rates usually appropriate",
                        "make the situations exclude each other, or let one topic give way (unless)",
                    )
                    return
    for one in finding.alternatives:
        for other, judged in scene.judged.items():
            if not same_exam(other, one.exam):
                continue
            for answer in judged.findings:
                back = any(same_exam(again.exam, order) for again in answer.alternatives)
                if answer.advice is Advice.NO_IMAGING or back:
                    said = "no imaging" if answer.advice is Advice.NO_IMAGING else f"{order} again"
                    yield Broken(
                        "contradiction",
                        finding.rule,
                        _line(finding, scene.met[order]),
                        f"{one.exam} is offered for {order}, and for {one.exam} {answer.rule} says: {said}",
                        "rate the two exams so that one is better, or state the preference once",
                    )
                    return


def _at_odds(findings: Sequence[Finding], order: Exam) -> Iterator[Broken]:
    """Two pieces of shown advice on one order that cannot both be followed."""
    shown = [finding for finding in findings if finding.shown]
    needless = next((one for one in shown if one.advice is Advice.NO_IMAGING), None)
    for other in shown:
        if needless is not None and other is not needless and (other.alternatives or other.offers):
            yield Broken(
                "contradiction",
                needless.rule,
                0,
                f"of {order} it says no imaging is needed while {other.rule} says {other.advice.value}",
                "make the situations exclude each other, or let one topic give way (unless)",
            )
