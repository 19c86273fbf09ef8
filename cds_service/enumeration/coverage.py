"""
The page ``rules/COVERAGE.md``: what is covered, exam by exam, with what the service says; and what is not, and why.

What is said comes from the judge itself, on facts that meet the situation: those of the rule's own examples where one
meets it, else the first combination that does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cds_service.content import Content
from cds_service.enumeration.scenes import CALM, facts_of, world_of
from cds_service.enumeration.states import World, space
from cds_service.errors import Problem
from cds_service.findings import Advice, Finding
from cds_service.rules.fields import Fields
from cds_service.rules.judge import judge_anew
from cds_service.rules.rule import Topic, Variant
from cds_service.rules.topic_judge import ratings_of, stand
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Reading
from cds_service.yaml_source import read

FILE = "rules/review/not-covered.yaml"
_MOST_TRIED = 4_000
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
        given = facts_meeting(topic, variant, world)
        for rating, said, exams in _grouped(topic, variant, given, world):
            yield f"| {variant.situation} | {variant.citation.id} | {rating} | {', '.join(map(str, exams))} | {said} |"
    yield ""


def _grouped(
    topic: Topic, variant: Variant, given: Mapping[str, Reading] | None, world: World
) -> Iterator[tuple[str, str, list[Exam]]]:
    place = topic.variants.index(variant)
    groups: dict[tuple[str, str], list[Exam]] = {}
    named = [row.exam for row in variant.rows]
    named += _preferred(variant)
    for exam in dict.fromkeys(named):
        rating = ratings_of(topic, exam)[place]
        said = says(exam, given, world) if given is not None else "no facts meet this situation alone"
        groups.setdefault((rating.words if rating else "not rated", said), []).append(exam)
    for (words, said), exams in groups.items():
        yield words, said, exams


def facts_meeting(topic: Topic, variant: Variant, world: World) -> Mapping[str, Reading] | None:
    """Facts of a child who is in this situation of the topic and, where that can be, in no other."""
    place = topic.variants.index(variant)
    orders = list({exam.modality: exam for exam in reversed((*topic.candidates, *_preferred(variant)))}.values())
    second: Mapping[str, Reading] | None = None
    for given in _tried(topic, world):
        stands = [stand(topic, order, facts_of(order, {**CALM, **given}, world)) for order in orders]
        met = {one.met for one in stands if one.applies}
        if (place,) in met:
            return given
        if second is None and any(place in places for places in met):
            second = given
    return second


def _preferred(variant: Variant) -> Iterator[Exam]:
    for one in variant.preferences:
        yield from (*one.prefer, *one.over)
    yield from variant.not_needed


def _tried(topic: Topic, world: World) -> Iterator[Mapping[str, Reading]]:
    for example in topic.examples:
        if (named := example.facts.get("order.reason")) is not None and named.value is not None:
            yield {name: reading for name, reading in example.facts.items() if not name.startswith("setting.")}
    within = space((topic,), world)
    for places in within.walk(_MOST_TRIED):
        yield within.state(places)


def says(order: Exam, given: Mapping[str, Reading], world: World) -> str:
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
