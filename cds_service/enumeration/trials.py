"""Every topic, and every two that meet, tried out: states, orders, judgements, and which promises they break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cds_service.content import Content
from cds_service.enumeration.bars import FILE, Bar, read_bars
from cds_service.enumeration.coverage import gaps
from cds_service.enumeration.promises import Broken, Scene, broken
from cds_service.enumeration.report import Report, Size
from cds_service.enumeration.scenes import CALM, facts_of, world_of
from cds_service.enumeration.states import Space, World, hangs_on, situations, space
from cds_service.enumeration.values import told
from cds_service.errors import Problem
from cds_service.rules.judge import judge_anew
from cds_service.rules.ratings import same_exam, single_passes
from cds_service.rules.rule import Topic, Variant
from cds_service.rules.stand import stand
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Facts, Reading
from cds_service.yaml_source import read as read_yaml


class Limits(NamedTuple):
    """How many states of one topic (or pair) are looked at and judged; of more, so many are drawn with a fixed seed."""

    states: int
    judgements: int


TOPIC = Limits(20_000, 4_000)
PAIR = Limits(2_000, 400)
QUICK = Limits(2_000, 400)
MOST_TOPICS, MOST_PAIRS = 15, 60
"""Of more topics, or pairs, each is tried less, so that all take as long as so many would."""
MOST_TOLD = 3


def look(content: Content, *, quick: bool = False) -> Report:
    """Try the whole rule set of *content*; with *quick* no pairs, and a tenth of the judgements."""
    report = Report()
    parsed = read_yaml(content.files[FILE], file=FILE) if FILE in content.files else {}
    bars = read_bars(parsed, content.facts, content.day, report.problems) if parsed else ()
    gaps(content, report.problems)
    trial = _Trial(world_of(content), bars)
    topics = sorted(content.rules.topics, key=lambda topic: topic.file)
    pairs = [] if quick else list(_meeting(topics))
    for topic in topics:
        report.sizes.append(trial.run((topic,), QUICK if quick else _part(TOPIC, len(topics), MOST_TOPICS)))
    for pair in pairs:
        report.sizes.append(trial.run(pair, _part(PAIR, len(pairs), MOST_PAIRS)))
    report.problems.extend(trial.problems())
    return report


def _part(limits: Limits, number: int, whole: int) -> Limits:
    """
    *limits*, or when there are more than *whole* to try, each one's part.

    >>> _part(Limits(100, 10), 20, 10)
    Limits(states=50, judgements=5)
    """
    share = max(1.0, number / whole)
    return Limits(int(limits.states / share), int(limits.judgements / share))


def orders_of(topics: Sequence[Topic]) -> tuple[Exam, ...]:
    """The exams these topics speak of, and those that could be offered for them."""
    named = [exam for topic in topics for exam in _exams(topic)]
    single = [one for exam in named if exam.modality == "CT" and exam.passes > 1 for one in single_passes(exam)]
    found: list[Exam] = []
    for exam in (*named, *single):
        if not any(same_exam(exam, other) and exam.contrast == other.contrast for other in found):
            found.append(exam)
    return tuple(found)


def _exams(topic: Topic) -> Iterator[Exam]:
    yield from topic.candidates
    for variant in topic.variants:
        yield from variant.not_needed
        for one in variant.preferences:
            yield from (*one.prefer, *one.over)


def _meeting(topics: Sequence[Topic]) -> Iterator[tuple[Topic, Topic]]:
    """The pairs of topics that speak of exams of the same kind and region, for different reasons."""
    exams = {topic: orders_of((topic,)) for topic in topics}
    for place, one in enumerate(topics):
        for other in topics[place + 1 :]:
            if one.reasons != other.reasons and any(_alike(a, b) for a in exams[one] for b in exams[other]):
                yield one, other


def _alike(one: Exam, other: Exam) -> bool:
    return one.modality == other.modality and bool(one.mask & other.mask)


class _Trial:
    """The judge put to the test, and what it did wrong so far."""

    def __init__(self, world: World, bars: Sequence[Bar]) -> None:
        self.world, self.bars = world, bars
        self._rules = {rule.id: rule for rule in world.rules.rules}
        self._found: dict[tuple[str, str, int], list[Problem]] = {}
        self._barred: set[tuple[object, ...]] = set()
        self._judgements = 0

    def run(self, topics: Sequence[Topic], limits: Limits) -> Size:
        """Try *topics* together."""
        within, orders, before = space(topics, self.world), orders_of(topics), self._judgements
        every = situations(within, self.world, orders, limits.states)
        picked = every[: max(1, limits.judgements // max(1, len(orders)))]
        for places in picked:
            self._try(within, places, orders)
        name = " + ".join(topic.id for topic in topics)
        looked_at = min(within.total, limits.states)
        return Size(name, within.total, looked_at, len(every), len(picked), self._judgements - before)

    def _try(self, within: Space, places: Sequence[int], orders: Sequence[Exam]) -> None:
        state = within.state(places)
        scene = self._scene({**CALM, **state}, orders)
        self._hold(scene, state)
        for order, judged in scene.judged.items():
            for bar in self.bars:
                said = tuple((one.rule, one.advice, one.alternatives) for one in judged.findings)
                touched = said and (bar.silences or any(bar.covers(a.exam) for _, _, offers in said for a in offers))
                if not touched or (bar.id, order, said) in self._barred:
                    continue
                self._barred.add((bar.id, order, said))
                for way in bar.ways:
                    given = {**self._apart_from(way, state), **way}
                    self._hold(self._scene({**CALM, **given}, (order,)), given)

    def _apart_from(self, way: Mapping[str, Reading], state: Mapping[str, Reading]) -> dict[str, Reading]:
        """*state* without the defined facts that hang on what *way* changes."""
        return {
            name: reading
            for name, reading in state.items()
            if name not in self.world.definitions or way.keys().isdisjoint(hangs_on([name], frozenset(), self.world))
        }

    def _scene(self, given: Mapping[str, Reading], orders: Sequence[Exam]) -> Scene:
        facts = {order: facts_of(order, given, self.world) for order in orders}
        judged = {order: judge_anew(order, facts[order], self.world.rules) for order in orders}
        self._judgements += len(orders)
        met = {order: self._met(order, facts[order]) for order in orders if judged[order].findings}
        return Scene(facts, met, judged)

    def _met(self, order: Exam, facts: Facts) -> dict[Topic, tuple[Variant, ...]]:
        rules, reasons = self.world.rules, facts["order.reason"].value.values
        stands = [
            stand(topic, order, facts)
            for topic in dict.fromkeys(topic for name in sorted(reasons) for topic in rules.by_reason.get(name, ()))
        ]
        return {one.topic: tuple(one.topic.variants[place] for place in one.met) for one in stands if one.applies}

    def _hold(self, scene: Scene, state: Mapping[str, Reading]) -> None:
        for order in scene.judged:
            for one in broken(order, scene, self.bars):
                self._note(one, state)

    def _note(self, one: Broken, state: Mapping[str, Reading]) -> None:
        rule = self._rules[one.rule]
        known = "; ".join(f"{name}: {told(state[name])}" for name in sorted(state) if state[name].value is not None)
        problem = Problem(rule.file, one.line or rule.line, f"{one.trouble}; with {known}", one.remedy)
        self._found.setdefault((one.promise, one.rule, one.line), []).append(problem)

    def problems(self) -> Iterator[Problem]:
        """A few for each promise and place."""
        for found in self._found.values():
            seen: dict[str, Problem] = {}
            for problem in found:
                seen.setdefault(problem.trouble.split("; with ")[0], problem)
            yield from list(seen.values())[:MOST_TOLD]
