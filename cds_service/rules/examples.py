"""Runs a rule's own examples: a rule that does not do what it says of itself is not loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cds_service.errors import Problem
from cds_service.findings import Advice, Finding, Outcome, Verdict
from cds_service.rules.check_judge import judge_check
from cds_service.rules.given import order_facts
from cds_service.rules.judge import WithDefinitions, judge
from cds_service.rules.ratings import same_exam
from cds_service.rules.rule import Check, Definition, Example, Rule, RuleSet, Safety, Topic
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.facts import Kind
from cds_service.vocabulary.readings import Facts, Reading

Definitions = Mapping[str, Callable[[Facts], Reading]]
_SAID = {
    Advice.NO_IMAGING: "no imaging",
    Advice.PREFER: "preference",
    Advice.ASK: "ask",
}


def run(rule: Rule, definitions: Definitions, broader: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    """One problem for each example of *rule* that comes out otherwise than it expects."""
    for example in rule.examples:
        got, finding = outcome(rule, example, definitions, broader)
        if got != example.expect:
            yield _problem(rule, example, f"expected {example.expect}, got {got}")
        yield from _offers(rule, example, finding)


def outcome(
    rule: Rule, example: Example, definitions: Definitions, broader: Mapping[str, tuple[str, ...]]
) -> tuple[str, Finding | None]:
    """What *rule* says on one example, in the words that ``expect`` uses, and its finding."""
    own = {name: read for name, read in definitions.items() if not (isinstance(rule, Definition) and name == rule.fact)}
    facts = WithDefinitions({**(order_facts(example.order) if example.order else {}), **example.facts}, own)
    if isinstance(rule, Topic):
        return _of_topic(rule, example, facts, broader)
    if isinstance(rule, Check):
        return _of_check(rule, example, facts)
    if isinstance(rule, Safety):
        return _of_safety(rule, facts), None
    assert isinstance(rule, Definition)
    return _of_definition(rule, facts), None


def _of_topic(
    rule: Topic, example: Example, facts: Facts, broader: Mapping[str, tuple[str, ...]]
) -> tuple[str, Finding | None]:
    rules = RuleSet(topics=(rule,), broader=broader, by_reason={reason: (rule,) for reason in rule.reasons})
    judged = judge(example.order, facts, rules)
    finding = judged.findings[0] if judged.findings else None
    if finding is None:
        return "silence", None
    return _SAID.get(finding.advice, finding.indicator.value), finding


def _of_check(rule: Check, example: Example, facts: Facts) -> tuple[str, Finding | None]:
    order = example.order or exam("CT head")
    verdict: Verdict = judge_check(rule, order, facts, (), broader={})
    if verdict.finding is not None:
        return verdict.finding.indicator.value, verdict.finding
    return ("unknown" if verdict.outcome is Outcome.UNDECIDED else "silence"), None


def _of_safety(rule: Safety, facts: Facts) -> str:
    if not rule.acts(facts):
        return "nothing"
    if rule.effect.silence:
        return "silences"
    if rule.effect.limit:
        return "limits"
    return "removes" if rule.effect.remove else "softens"


def _of_definition(rule: Definition, facts: Facts) -> str:
    value = rule.read(facts).value
    if rule.fact_kind is Kind.FLAG:
        return {True: "present", False: "absent", None: "unknown"}[value]
    return next(iter(value)) if value is not None and len(value) == 1 else "unknown"


def _offers(rule: Rule, example: Example, finding: Finding | None) -> Iterator[Problem]:
    offered = [one.exam for one in finding.alternatives] if finding else []
    shown = ", ".join(map(str, offered)) or "nothing"
    for wanted in example.offers:
        if not any(same_exam(wanted, exam) for exam in offered):
            yield _problem(rule, example, f"expected the offer {wanted}, got {shown}")
    for barred in example.never_offers:
        if any(same_exam(barred, exam) for exam in offered):
            yield _problem(rule, example, f"{barred} must never be offered here")


def _problem(rule: Rule, example: Example, trouble: str) -> Problem:
    return Problem(rule.file, example.line, f"example {example.name!r}: {trouble}", "correct the rule or the example")
