"""Which facts a rule asks for, and which personal attributes of a child these carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cds_service.rules.about import PERSONAL
from cds_service.rules.criteria import Criterion
from cds_service.rules.rule import Check, Definition, Rule, RuleSet, Safety, Topic


def asked(rule: Rule) -> frozenset[str]:
    """The names of the facts *rule* asks for itself."""
    return frozenset().union(*(one.facts for one in _criteria(rule)))


def _criteria(rule: Rule) -> Iterable[Criterion]:
    if isinstance(rule, Topic):
        yield rule.applies_to
        yield from (one.criterion for one in rule.unless)
        yield from (one.criterion for one in rule.variants)
    elif isinstance(rule, Check):
        yield from (rule.applies_to, rule.criterion)
        yield from (one.criterion for one in rule.unless)
        yield from (one.criterion for one in rule.levels)
    elif isinstance(rule, Safety):
        yield rule.criterion
    elif isinstance(rule, Definition):
        yield from (case.criterion for case in rule.cases)


def behind(names: Iterable[str], rules: RuleSet) -> frozenset[str]:
    """*names* with the facts that those among them are made of, however far down."""
    made = {one.fact: asked(one) for one in rules.definitions}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += made.get(name, ())
    return frozenset(found)


class Use(NamedTuple):
    """How one personal attribute is used: the facts that carry it, by the rule itself or by safety rules over it."""

    own: tuple[str, ...]
    safety: tuple[str, ...]
    known: bool


def personal(rule: Rule, rules: RuleSet, carriers: Mapping[str, tuple[str, ...]]) -> dict[str, Use]:
    """How *rule* uses each personal attribute; *carriers* tell which facts carry it."""
    own = behind(asked(rule), rules)
    above: frozenset[str] = frozenset()
    if isinstance(rule, Topic | Check):
        above = behind((name for one in rules.safety for name in asked(one)), rules) - own
    return {
        name: Use(_among(carriers.get(name, ()), own), _among(carriers.get(name, ()), above), bool(carriers.get(name)))
        for name in PERSONAL
    }


def _among(names: Iterable[str], used: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in used)
