"""
The states of one topic, or of two topics that meet: combinations of what their facts may read as.

Many states lead every rule to the same answers. One of each such group is enough to judge: a ``Situation``.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

from cds_service.enumeration.values import Part, histories, reason_sets, values
from cds_service.rules.criteria import Criterion
from cds_service.rules.given import order_facts
from cds_service.rules.judge import WithDefinitions
from cds_service.rules.rule import Definition, RuleSet, Topic
from cds_service.rules.safety import about_alternative, may_be_done
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.facts import Fact
from cds_service.vocabulary.readings import Facts, Reading

SEED = 20_260_101
FROM_THE_ORDER = frozenset(
    {
        "order.recognised",
        "order.modality",
        "order.region",
        "order.contrast",
        "order.passes",
        "order.technique",
        "order.extra_region",
        "order.reason_given",
        "order.purpose",
    }
)
"""Facts that follow from the order itself, and are made with it."""
Definitions = Mapping[str, Callable[[Facts], Reading]]


@dataclass(frozen=True)
class World:
    """
    What states are made from: the rules, every fact, what each reason also is and is about, and definitions.

    ``read`` are the facts that are read from records; a fact that is only defined always agrees with its definition.
    """

    rules: RuleSet
    facts: Mapping[str, Fact]
    lineage: Mapping[str, frozenset[str]]
    definitions: Definitions
    regions: Mapping[str, frozenset[str]]
    read: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Space:
    """The dimensions of a set of states; ``total`` is how many there are."""

    dimensions: tuple[Sequence[Part], ...]

    @property
    def total(self) -> int:
        """How many states there are."""
        return math.prod(len(one) for one in self.dimensions)

    def walk(self, most: int) -> Iterator[tuple[int, ...]]:
        """The places in each dimension of every state; of *most* drawn with a fixed seed when there are more."""
        sizes = [range(len(one)) for one in self.dimensions]
        if self.total <= most:
            yield from itertools.product(*sizes)
            return
        draw = random.Random(SEED)
        for _ in range(most):
            yield tuple(int(draw.random() * len(one)) for one in sizes)

    def state(self, places: Sequence[int]) -> dict[str, Reading]:
        """The facts of one state."""
        found: dict[str, Reading] = {}
        for dimension, place in zip(self.dimensions, places, strict=True):
            found.update(dimension[place])
        return found


def space(topics: Sequence[Topic], world: World) -> Space:
    """The states that *topics* can tell apart: reasons first, the history second, then one dimension a fact."""
    mentions: dict[str, frozenset[Any]] = {}
    for topic in topics:
        for name, asked in topic.mentions.items():
            mentions[name] = mentions.get(name, frozenset()) | asked
    own = [fact for name in sorted(mentions) if name not in FROM_THE_ORDER and (fact := world.facts.get(name))]
    past = [fact for fact in own if fact.name.startswith("history.")]
    rest = [fact for fact in own if fact not in past and fact.name != "order.reason"]
    dimensions: list[Sequence[Part]] = [_reasons(topics, mentions, world), histories(past, mentions)]
    dimensions += [[{fact.name: one} for one in values(fact, mentions[fact.name])] for fact in rest]
    return Space(tuple(dimensions))


def _reasons(topics: Sequence[Topic], mentions: Mapping[str, frozenset[Any]], world: World) -> list[Part]:
    first = sorted(topics[0].reasons)
    if len(topics) == 1:
        return reason_sets(first, sorted(map(str, mentions.get("order.reason", ()))), world.lineage)
    second = sorted(topics[1].reasons)
    every = [one for a in first for b in second for one in reason_sets([a], [b], world.lineage)[1:]]
    return list({one["order.reason"].value: one for one in every}.values())


Situation = tuple[int, ...]
"""The places of one state that stands for all that are answered alike."""


class _State(WithDefinitions):
    """What is known in one state, before anything is ordered and for each order."""

    def __init__(self, known: Mapping[str, Reading], world: World) -> None:
        super().__init__(known, world.definitions)
        self._known = known
        self._ordered: list[Facts] = []

    def ordered(self, orders: Sequence[Exam]) -> list[Facts]:
        """The same with the facts of each of *orders*, which are the same each time."""
        if not self._ordered:
            self._ordered = [WithDefinitions({**self._known, **order_facts(one)}, self._definitions) for one in orders]
        return self._ordered


Test = Callable[[_State], Any]


class _Asked:
    """
    Things rules ask whose answers hang on the same dimensions, and which answers were met.

    *leads* when they decide which situations of a topic are met; *tests* None where the places are the answer.
    """

    def __init__(self, places: tuple[int, ...], tests: Sequence[Test] | None, *, leads: bool = False) -> None:
        self.leads = leads
        self.pick = itemgetter(*places)
        self.known: dict[Any, int] = {}
        self._tests = tests
        self._met: dict[Any, int] = {}

    def answer(self, places: Situation, within: Space, world: World) -> int:
        """A number that is the same for states answered alike, never 0; it is kept in ``known`` by what was picked."""
        key = self.pick(places)
        facts = _State(within.state(places), world)
        answers = key if self._tests is None else tuple([test(facts) for test in self._tests])
        return self.known.setdefault(key, self._met.setdefault(answers, len(self._met) + 1))


def situations(within: Space, world: World, orders: Sequence[Exam], most: int) -> list[Situation]:
    """
    One state for each way the rules' questions can be answered, in an order drawn with a fixed seed.

    First one for each way a topic's situations can come out, so that few are enough to meet all of them.
    """
    asked = _questions(within, world, orders)
    found: dict[tuple[int, ...], Situation] = {}
    for places in _possible(within, world, within.walk(most)):
        found.setdefault(
            tuple([one.known.get(one.pick(places)) or one.answer(places, within, world) for one in asked]), places
        )
    every = list(found.items())
    random.Random(SEED).shuffle(every)
    leading = [place for place, one in enumerate(asked) if one.leads]
    first = {tuple([answers[place] for place in leading]): places for answers, places in reversed(every)}
    chosen = set(first.values())
    return [*first.values(), *(places for _, places in every if places not in chosen)]


def _possible(within: Space, world: World, walk: Iterable[Situation]) -> Iterator[Situation]:
    """The states in which each defined fact agrees with its definition, as far as they tell what that hangs on."""
    where = _where(within)
    held: list[tuple[Callable[[Situation], Any], dict[Any, bool], Test]] = []
    for one in world.rules.definitions:
        if one.fact in where and one.fact not in world.read:
            asked = frozenset(name for case in one.cases for name in case.criterion.facts)
            names = hangs_on(asked, where.keys() - {one.fact}, world)
            places = tuple(sorted({where[one.fact], *(where[name] for name in names if name in where)}))
            if len(places) > 1:
                held.append((itemgetter(*places), {}, _agrees(one)))
    for state in walk:
        for pick, known, agrees in held:
            key = pick(state)
            if key not in known:
                known[key] = agrees(_State(within.state(state), world))
            if not known[key]:
                break
        else:
            yield state


def _agrees(one: Definition) -> Callable[[Facts], bool]:
    def agrees(facts: Facts) -> bool:
        made = one.read(facts).value
        return made is None or made == facts[one.fact].value

    return agrees


def _where(within: Space) -> dict[str, int]:
    return {name: place for place, one in enumerate(within.dimensions) for name in one[0]}


def _questions(within: Space, world: World, orders: Sequence[Exam]) -> list[_Asked]:
    where = _where(within)
    told: dict[tuple[int, ...], None] = {(0,): None}
    tests: dict[tuple[tuple[int, ...], bool], list[Test]] = {((1,), False): [partial(_undone, orders)]}
    reasons = {name for part in within.dimensions[0] for name in part["order.reason"].value.values}
    for criterion, leads in _criteria(world.rules, reasons):
        names = hangs_on(criterion.facts, where.keys(), world)
        places = tuple(sorted({where[name] for name in names if name in where}))
        if places and (test := _test(criterion, names, orders)):
            tests.setdefault((places, leads), []).append(test)
        elif places:
            told[places] = None
    return [
        *(_Asked(places, None) for places in told),
        *(_Asked(places, each, leads=leads) for (places, leads), each in tests.items()),
    ]


def _test(criterion: Criterion, names: Set[str], orders: Sequence[Exam]) -> Test | None:
    """The answer, or the answers for each of *orders*, ordered or offered; None where it hangs on both."""
    of_order = not names.isdisjoint(FROM_THE_ORDER)
    of_offer = any(name.startswith("alternative.") for name in names)
    if of_order and of_offer:
        return None
    if of_order:
        return lambda facts: tuple([criterion.holds(one) for one in facts.ordered(orders)])
    if of_offer:
        return lambda facts: tuple([criterion.holds(about_alternative(facts, one)) for one in orders])
    return criterion.holds


def _undone(orders: Sequence[Exam], facts: Facts) -> tuple[bool, ...]:
    return tuple([bool(may_be_done(order)(facts)) for order in orders])


def _criteria(rules: RuleSet, reasons: Iterable[str]) -> Iterator[tuple[Criterion, bool]]:
    """Everything rules ask of an order with such reasons, and whether it decides on a topic's situations."""
    topics = dict.fromkeys(topic for reason in reasons for topic in rules.by_reason.get(reason, ()))
    for topic in topics:
        yield topic.applies_to, True
        yield from ((one.criterion, True) for one in topic.unless)
        yield from ((one.criterion, True) for one in topic.variants)
    yield from ((rule.criterion, False) for rule in rules.safety)
    for check in rules.checks:
        yield check.criterion, False
        yield from ((one.criterion, False) for one in check.unless)


def hangs_on(asked: Iterable[str], given: Set[str], world: World) -> set[str]:
    """The facts that *asked* ones hang on, through definitions, as far as they are not *given* themselves."""
    made = {one.fact: one for one in world.rules.definitions}
    found: set[str] = set()
    waiting = list(asked)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        if name in made and name not in given:
            waiting.extend(fact for case in made[name].cases for fact in case.criterion.facts)
    return found
