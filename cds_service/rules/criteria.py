"""
Criteria: what a rule asks of the facts, compiled once into plain functions.

Each answers yes, no, or None for unknown. A block's lines are all needed; a list of
values is any of them; ``any``, ``all`` and ``none`` take lists of blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from cds_service.errors import Problem, nearest
from cds_service.rules.asking import Question, ask
from cds_service.vocabulary.facts import Fact, Kind
from cds_service.vocabulary.quantities import Amount, Span
from cds_service.vocabulary.readings import Facts, Priors
from cds_service.vocabulary.regions import REGIONS, mask
from cds_service.yaml_source import Block, Text, line_of

Answer = bool | None
Test = Callable[[Facts], Answer]
GROUPS = ("any", "all", "none")


@dataclass(frozen=True, slots=True)
class Criterion:
    """A compiled block: ``holds`` answers it, ``facts`` are the names it asks for."""

    holds: Test
    facts: frozenset[str]

    def unknown_in(self, facts: Facts) -> tuple[str, ...]:
        """The facts it asks for that are not known, sorted."""
        return tuple(name for name in sorted(self.facts) if not ask(facts, _known(name)))


@lru_cache(1024)
def _known(name: str) -> Question:
    def known(facts: Facts) -> bool:
        value = facts[name].value
        if value is None:
            return False
        if isinstance(value, frozenset):
            return len(value) == 1
        return getattr(value, "complete", True) is True

    return known


def _asking(test: Test) -> Test:
    """*test* as one question, whatever it reads for its answer."""

    def holds(facts: Facts) -> Answer:
        answer: Answer = ask(facts, test)
        return answer

    return holds


ALWAYS = Criterion(lambda _: True, frozenset())


class Scope(NamedTuple):
    """
    What a block is compiled against: known facts, this rule's thresholds, and the file for messages.

    ``declared`` names the thresholds the rule has, those among them that can't be read too.
    ``suspected_counts`` makes a suspected flag a yes, as safety rules want it; ``mentions`` collects the
    values each fact is asked about.
    """

    facts: Mapping[str, Fact]
    thresholds: Mapping[str, Span | Amount]
    file: str
    problems: list[Problem]
    declared: frozenset[str] = frozenset()
    suspected_counts: bool = False
    mentions: dict[str, set[Any]] | None = None

    def mention(self, fact: Fact, values: Iterable[Any]) -> None:
        """Remember which values a rule asks a fact about, so that its situations can be tried out."""
        if self.mentions is not None:
            self.mentions.setdefault(fact.name, set()).update(values)

    def wrong(self, node: object, trouble: str, remedy: str = "") -> None:
        """Note one problem at the line of *node*."""
        self.problems.append(Problem(self.file, line_of(node), trouble, remedy))


def all_of(tests: Sequence[Test]) -> Test:
    """
    Combine *tests* into one that holds when every one of them holds.

    A single no settles it, whatever else is missing. Without a no, anything
    missing leaves the answer unknown.

    >>> holds, fails, unknown = (lambda _: True), (lambda _: False), (lambda _: None)
    >>> all_of([holds, unknown, fails])({})
    False
    >>> all_of([holds, unknown])({}) is None
    True
    """
    if len(tests) == 1:
        return tests[0]

    def holds(facts: Facts) -> Answer:
        answer: Answer = True
        for test in tests:
            one = test(facts)
            if one is False:
                return False
            if one is None:
                answer = None
        return answer

    return holds


def any_of(tests: Sequence[Test]) -> Test:
    """
    Combine *tests* into one that holds when at least one of them holds.

    >>> holds, fails, unknown = (lambda _: True), (lambda _: False), (lambda _: None)
    >>> any_of([fails, unknown, holds])({})
    True
    >>> any_of([fails, unknown])({}) is None
    True
    """
    if len(tests) == 1:
        return tests[0]

    def holds(facts: Facts) -> Answer:
        answer: Answer = False
        for test in tests:
            one = test(facts)
            if one:
                return True
            if one is None:
                answer = None
        return answer

    return holds


def inverse(test: Test) -> Test:
    """
    Turn yes into no and no into yes; unknown stays unknown.

    >>> inverse(lambda _: None)({}) is None
    True
    """

    def holds(facts: Facts) -> Answer:
        answer = test(facts)
        return None if answer is None else not answer

    return holds


def compile_block(block: Any, scope: Scope, *, skip: Sequence[str] = ()) -> Criterion:
    """
    Compile one block; lines named in *skip* belong to the caller.

    What is wrong is noted in ``scope.problems``; the criterion is then never used.
    """
    if not isinstance(block, Block):
        scope.wrong(block, "a block of conditions is needed here", "write lines such as: order.modality: CT")
        return ALWAYS
    tests: list[Test] = []
    names: set[str] = set()
    for key, wanted in block.items():
        if key in skip:
            continue
        if key in GROUPS:
            group, asked = _group(key, wanted, scope)
            tests.append(group)
            names |= asked
            continue
        fact = scope.facts.get(key)
        if fact is None:
            scope.wrong(key, f"{key} is not a fact", nearest(key, scope.facts))
            continue
        if fact.told_only:
            scope.wrong(key, f"{key} is told to people only", "no dose so far argues for or against an exam")
            continue
        names.add(fact.name)
        scope.mention(fact, ())
        test = _MAKERS[fact.kind](fact, wanted, scope)
        if test is not None:
            tests.append(test)
    return Criterion(all_of(tests), frozenset(names)) if tests else ALWAYS


def _group(key: str, blocks: Any, scope: Scope) -> tuple[Test, frozenset[str]]:
    if not isinstance(blocks, list) or not blocks:
        scope.wrong(blocks, f"{key} needs a list of blocks", "start each with a dash")
        return ALWAYS.holds, frozenset()
    parts = [compile_block(block, scope) for block in blocks]
    names: frozenset[str] = frozenset().union(*(part.facts for part in parts))
    tests = [part.holds for part in parts]
    if key == "all":
        return all_of(tests), names
    together = any_of(tests)
    return (inverse(together) if key == "none" else together), names


def _flag(fact: Fact, wanted: Any, scope: Scope) -> Test | None:
    name, suspected_counts = fact.name, scope.suspected_counts

    def present(facts: Facts) -> Answer:
        reading = facts[name]
        if suspected_counts and reading.suspected:
            return True
        value: Answer = reading.value
        return value

    if wanted == "present":
        return present
    if wanted == "absent":
        return inverse(present)
    scope.wrong(wanted, f"{name} is either present or absent", "write present or absent")
    return None


def _words(fact: Fact, wanted: Any, scope: Scope) -> frozenset[str] | None:
    listed = wanted if isinstance(wanted, list) else [wanted]
    legal = True
    for word in listed:
        if not isinstance(word, Text):
            scope.wrong(word, f"{fact.name} needs one word or a list of words")
            legal = False
        elif fact.choices and word not in fact.choices:
            scope.wrong(word, f"{word} is not a value of {fact.name}", nearest(word, fact.choices))
            legal = False
    words = frozenset(str(word) for word in listed)
    scope.mention(fact, words)
    return words if legal and listed else None


def _choice(fact: Fact, wanted: Any, scope: Scope) -> Test | None:
    words = _words(fact, wanted, scope)
    if words is None:
        return None
    name = fact.name

    def holds(facts: Facts) -> Answer:
        possible = facts[name].value
        if possible is None:
            return None
        if possible <= words:
            return True
        return False if possible.isdisjoint(words) else None

    return holds


def _names(fact: Fact, wanted: Any, scope: Scope) -> Test | None:
    words = _words(fact, wanted, scope)
    if words is None:
        return None
    name = fact.name
    if fact.choices is REGIONS:
        covered = mask(words)

        def reaches(facts: Facts) -> Answer:
            value = facts[name].value
            if value is None:
                return None
            return True if mask(value.values) & covered else (False if value.complete else None)

        return reaches

    def holds(facts: Facts) -> Answer:
        value = facts[name].value
        if value is None:
            return None
        if not words.isdisjoint(value.values):
            return True
        return False if value.complete else None

    return holds


def _limits(fact: Fact, wanted: Any, scope: Scope, legal: Sequence[str]) -> Iterator[tuple[str, Span | Amount]]:
    if not isinstance(wanted, Block) or not wanted:
        scope.wrong(wanted, f"{fact.name} is compared with a threshold", "write it as {below: name_of_threshold}")
        return
    for comparison, threshold in wanted.items():
        if comparison not in legal:
            scope.wrong(comparison, f"{comparison} is not a comparison of {fact.name}", "use " + ", ".join(legal))
            continue
        limit = scope.thresholds.get(threshold) if isinstance(threshold, Text) else None
        if limit is None:
            if threshold not in scope.declared:
                remedy = nearest(str(threshold), scope.declared, "name it under thresholds")
                scope.wrong(comparison, f"{threshold} is not a threshold of this rule", remedy)
            continue
        scope.mention(fact, [limit])
        yield comparison, limit


def _number(fact: Fact, wanted: Any, scope: Scope) -> Test | None:
    tests: list[Test] = []
    for comparison, limit in _limits(fact, wanted, scope, ("below", "at_most", "above", "at_least")):
        if not isinstance(limit, Amount) or (limit.unit or fact.unit) != fact.unit:
            trouble = f"{fact.name} is counted in {fact.unit}, and not compared with {limit}"
            scope.wrong(wanted, trouble, f"give the threshold in {fact.unit}")
            continue
        tests.append(_compare(fact.name, comparison, limit.value))
    return all_of(tests) if tests else None


@lru_cache(1024)
def _compare(name: str, comparison: str, limit: float) -> Test:
    if comparison in ("above", "at_least"):
        return inverse(_compare(name, "at_most" if comparison == "above" else "below", limit))
    strict = comparison == "below"

    def holds(facts: Facts) -> Answer:
        value = facts[name].value
        if value is None:
            return None
        low, high = value
        if (high < limit) if strict else (high <= limit):
            return True
        return False if ((low >= limit) if strict else (low > limit)) else None

    return _asking(holds)


def _age(fact: Fact, wanted: Any, scope: Scope) -> Test | None:
    tests: list[Test] = []
    for comparison, limit in _limits(fact, wanted, scope, ("below", "at_least")):
        if not isinstance(limit, Span):
            trouble = f"{fact.name} is compared with an age, and not with {limit}"
            scope.wrong(wanted, trouble, "write the threshold as in 18 years")
            continue
        below = _younger(fact.name, limit)
        tests.append(below if comparison == "below" else inverse(below))
    return all_of(tests) if tests else None


@lru_cache(1024)
def _younger(name: str, limit: Span) -> Test:
    def holds(facts: Facts) -> Answer:
        age = facts[name].value
        return None if age is None else age.below(limit)

    return _asking(holds)


def _priors(fact: Fact, wanted: Any, scope: Scope) -> Test | None:
    name = fact.name
    if wanted == "some":
        return _found(name, None, "")
    if wanted == "none":
        return inverse(_found(name, None, ""))
    if not isinstance(wanted, Block) or not wanted:
        scope.wrong(wanted, f"{name} is none, some, or within a time", "write {within: name_of_threshold}")
        return None
    result = wanted.get(Text("result"), "")
    if result not in ("", "positive", "negative", "nondiagnostic"):
        scope.wrong(result, f"{result} is not a result", "use positive, negative or nondiagnostic")
        return None
    limit: Span | None = None
    rest = Block(wanted.line)
    rest.update({key: value for key, value in wanted.items() if key != "result"})
    for _, span in _limits(fact, rest, scope, ("within",)) if rest else ():
        if not isinstance(span, Span):
            trouble = f"{name} is within a length of time, and not within {span}"
            scope.wrong(wanted, trouble, "write the threshold as in 48 hours")
            return None
        limit = span
    return _found(name, limit, str(result))


@lru_cache(1024)
def _found(name: str, within: Span | None, result: str) -> Test:
    def holds(facts: Facts) -> Answer:
        priors: Priors | None = facts[name].value
        if priors is None:
            return None
        unsure = False
        since = within.before(priors.now) if within is not None and priors.now is not None else None
        for prior in priors.since(since):
            if result and prior.result and prior.result != result:
                continue
            sure = prior.certain and (since is None or prior.first >= since) and (not result or prior.result == result)
            if sure:
                return True
            unsure = True
        return False if not unsure and priors.complete else None

    return _asking(holds)


_MAKERS: dict[Kind, Callable[[Fact, Any, Scope], Test | None]] = {
    Kind.FLAG: _flag,
    Kind.CHOICE: _choice,
    Kind.NAMES: _names,
    Kind.NUMBER: _number,
    Kind.AGE: _age,
    Kind.PRIORS: _priors,
}
