"""What ``cds-service check`` says beyond what loading refuses: the content looked at as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from cds_service.content import DOSE, EXAM_LISTS, EXAMS, FINDINGS, ORDERS, REASONS, RESULTS, SITE, Content
from cds_service.errors import Problem, nearest
from cds_service.rules import examples
from cds_service.rules.consistency import inconsistencies
from cds_service.rules.metadata import CHOICES
from cds_service.rules.rule import Rule, RuleSet, Topic
from cds_service.rules.topic_judge import MOST_ALTERNATIVES
from cds_service.vocabulary.exam_codes import licence_of
from cds_service.vocabulary.facts import Fact
from cds_service.vocabulary.order_codes import OrderCodes

_FILES = (SITE, ORDERS, RESULTS, DOSE, "site/codes/orders.yaml")
_FOLDERS = (*EXAMS, *REASONS, *FINDINGS, "site/rules/")
_PREFIXES = (*_FOLDERS, "site/codes/orders", "site/keys/")


def whole(rules: RuleSet, *, facts: Mapping[str, Fact], orders: OrderCodes, day: date) -> Iterator[Problem]:
    """Overdue reviews, situations that can't be chosen or disagree, and advice nobody could act on."""
    yield from inconsistencies(rules, {**rules.defined, **facts}, day)
    for topic in rules.topics:
        yield from _unorderable(topic, orders)


def _unorderable(topic: Topic, orders: OrderCodes) -> Iterator[Problem]:
    """A topic none of whose better exams has an order code could never offer anything."""
    better = {row.exam for variant in topic.variants for row in variant.rows if row.rating > 1}
    better |= {exam for variant in topic.variants for one in variant.preferences for exam in one.prefer}
    if better and not any(orders[exam].coded for exam in better):
        listed = ", ".join(sorted(map(str, better))[:MOST_ALTERNATIVES])
        trouble = f"no alternative of {topic.id} has a code to order: {listed}"
        yield Problem(topic.file, topic.line, trouble, "add one to rules/codes/orders.yaml")


def unheeded(files: Mapping[str, bytes], licences: frozenset[str]) -> Iterator[Problem]:
    """Files of code lists and of the site that stand where nobody reads them, and licences no code list asks for."""
    for name in files:
        if name.startswith(("site/", "rules/codes/")) and name not in _FILES and not name.startswith(_PREFIXES):
            places = [*_FILES, *(folder + name.rpartition("/")[2] for folder in _FOLDERS)]
            same = [place for place in places if place.split("/")[0] == name.split("/")[0]]
            yield Problem(name, 1, "no file of this name is read", nearest(name, same, "take it out of the folder"))
    asked = {licence_of(source) for name, source in files.items() if name.startswith(EXAM_LISTS)} - {""} | {"snomed"}
    for licence in sorted(licences - asked):
        trouble = f"{licence} is no licence that a code list asks for"
        yield Problem("CDS_LICENCES", 1, trouble, nearest(licence, asked, f"known: {', '.join(sorted(asked))}"))


def changed_examples(content: Content) -> Iterator[str]:
    """One line for each shipped example that comes out differently under the site's choices."""
    for choice, word in content.site.choices.items():
        if word != CHOICES[choice][0]:
            yield f"{choice}: {word}. It can only keep advice back, never add any or make it louder."
    definitions = {one.fact: one.read for one in content.rules.definitions}
    for rule_id in sorted(content.site.tuned):
        for rule in (one for one in content.rules.rules if one.id == rule_id):
            yield from _changed(rule, content.rules, definitions)
    for rule_id in content.site.lapsed:
        yield f"{rule_id}: the approval of this choice has run out; the shipped values count again"


def _changed(rule: Rule, rules: RuleSet, definitions: examples.Definitions) -> Iterator[str]:
    for example in rule.examples:
        got, _ = examples.outcome(rule, example, definitions, rules.broader)
        if got != example.expect:
            yield f"{rule.id}: example {example.name!r} is now {got}, shipped: {example.expect}"
