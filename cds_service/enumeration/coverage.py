"""
The page ``rules/COVERAGE.md``: what is covered, exam by exam, with what the service says; and what is not, and why.

What is said comes from the judge itself, on facts that meet the situation: those of the rule's own examples where one
meets it, else the first combination that does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cds_service.content import Content
from cds_service.enumeration.scenes import CALM, facts_of, world_of
from cds_service.enumeration.states import World, space
from cds_service.errors import Problem
from cds_service.findings import Advice, Finding
from cds_service.rules.fields import Fields
from cds_service.rules.judge import judge_anew
from cds_service.rules.rule import Topic, Variant
from cds_service.rules.stand import ratings_of, stand
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Reading
from cds_service.yaml_source import read

FILE = "rules/review/not-covered.yaml"
UNMET = "no facts were found that meet this situation alone"
Given = Mapping[str, Reading]
_MOST, _MOST_AGAIN = 4_000, 400
_HEAD = """# What is covered

This page is made by `cds-service docs`; edit the rules, or [review/not-covered.yaml](review/not-covered.yaml).

Each situation of each topic, how its source rates each exam, and what the service says when that exam is ordered for a
child in that situation of whom nothing else is known that would silence it. The guideline's own tables hold more: only
what a rule uses is cited here. Rules that are silent are judged and logged, not shown.
"""
_SAID = {
    Advice.NO_IMAGING: "no imaging now",
    Advice.ASK: "asks what would decide",
    Advice.LOOK_FIRST: "points to earlier images",
    Advice.ADD_REASON: "asks for a reason",
}


def coverage(content: Content) -> str:
    """The whole page."""
    world = world_of(content)
    lines = [_HEAD]
    for topic in sorted(content.rules.topics, key=lambda one: one.file):
        lines += _topic(topic, world)
    lines += _not_covered(content)
    return "\n".join(lines) + "\n"


def _topic(topic: Topic, world: World) -> Iterator[str]:
    yield f"## {topic.title}\n"
    yield f"[{topic.id}]({topic.file.removeprefix('rules/')}), {topic.status}.\n"
    yield "| situation | source | rating | exam ordered | what the service says |"
    yield "|---|---|---|---|---|"
    for variant in topic.variants:
        for rating, said, exams in _grouped(topic, variant, world):
            yield f"| {variant.situation} | {variant.citation.id} | {rating} | {', '.join(map(str, exams))} | {said} |"
    yield ""


def _grouped(topic: Topic, variant: Variant, world: World) -> Iterator[tuple[str, str, list[Exam]]]:
    place = topic.variants.index(variant)
    groups: dict[tuple[str, str], list[Exam]] = {}
    for exam, given in _facts_by_exam(topic, variant, world).items():
        rating = ratings_of(topic, exam)[place]
        said = says(exam, given, world) if given is not None else UNMET
        groups.setdefault((rating.words if rating else "not rated", said), []).append(exam)
    for (words, said), exams in groups.items():
        yield words, said, exams


def _facts_by_exam(topic: Topic, variant: Variant, world: World) -> dict[Exam, Given | None]:
    """For each exam facts that meet the situation when it is ordered, else those that do when another is."""
    known: list[Given] = []
    found: dict[Exam, Given | None] = {}
    for exam in dict.fromkeys((*(row.exam for row in variant.rows), *_preferred(variant))):
        given = facts_meeting(topic, variant, exam, world=world, known=known)
        known += [given] if given is not None and given not in known else []
        found[exam] = given
    return {exam: given or next(iter(known), None) for exam, given in found.items()}


def facts_meeting(
    topic: Topic, variant: Variant, order: Exam, *, world: World, known: Sequence[Given] = ()
) -> Given | None:
    """Facts of a child for whom *order* falls into this situation of the topic; *known* ones are tried first."""
    place = topic.variants.index(variant)
    most = _MOST_AGAIN if known else _MOST
    for given in itertools.chain(known, itertools.islice(_tried(topic, world), most)):
        one = stand(topic, order, facts_of(order, {**CALM, **given}, world))
        if one.applies and place in one.met and all(_may_overlap(topic, place, other) for other in one.met):
            return given
    return None


def _may_overlap(topic: Topic, place: int, other: int) -> bool:
    here, there = topic.variants[place], topic.variants[other]
    return place == other or here.id in there.may_overlap or there.id in here.may_overlap


def _preferred(variant: Variant) -> Iterator[Exam]:
    for one in variant.preferences:
        yield from (*one.prefer, *one.over)
    yield from variant.not_needed


def _tried(topic: Topic, world: World) -> Iterator[Given]:
    for example in topic.examples:
        if (named := example.facts.get("order.reason")) is not None and named.value is not None:
            yield {name: reading for name, reading in example.facts.items() if not name.startswith("setting.")}
    within = space((topic,), world)
    for places in within.walk(_MOST):
        yield within.state(places)


def says(order: Exam, given: Given, world: World) -> str:
    """What the service says of *order*, in a few words."""
    judged = judge_anew(order, facts_of(order, {**CALM, **given}, world), world.rules)
    return "; ".join(map(_said, judged.shown)) or "silence"


def _said(finding: Finding) -> str:
    offered = ", ".join(str(one.exam) for one in finding.alternatives)
    words = _SAID.get(finding.advice) or (f"offers {offered}" if offered else finding.advice.value.replace("-", " "))
    if finding.advice is Advice.PREFER:
        words = f"prefers {offered}"
    return f"{words} ({finding.indicator.value})"


@dataclass(frozen=True)
class Gap:
    """Situations of one guideline that no rule covers, and why."""

    guideline: str
    title: str
    situations: tuple[str, ...]
    why: str


def gaps(content: Content, problems: list[Problem]) -> tuple[Gap, ...]:
    """The reviewed list of what is not covered; what is wrong with it is noted in *problems*."""
    if FILE not in content.files:
        return ()
    page = Fields(read(content.files[FILE], file=FILE), FILE, problems, "the list of what is not covered")
    found = []
    for body in page.items("not_covered"):
        one = Fields(body, FILE, problems, "an entry")
        found.append(Gap(one.text("guideline"), one.text("title"), one.words("situations"), one.text("why")))
        one.finish()
    page.finish()
    return tuple(found)


def _not_covered(content: Content) -> Iterator[str]:
    problems: list[Problem] = []
    found = gaps(content, problems)
    if not found:
        return
    citing: dict[str, str] = {}
    for topic in content.rules.topics:
        for variant in topic.variants:
            citing.setdefault(variant.citation.id, f"[{topic.id}]({topic.file.removeprefix('rules/')})")
    yield "## What is not covered, and why\n"
    yield "Situations are named in our own words; how the guideline rates exams in them is not repeated here.\n"
    yield "| guideline | situation | why no rule | the guideline is used by |"
    yield "|---|---|---|---|"
    for gap in found:
        for situation in gap.situations:
            yield f"| {gap.title} | {situation} | {gap.why} | {citing.get(gap.guideline, '')} |"
