"""All rule files → one RuleSet, or every problem found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from cds_service.courtesy import unhurried
from cds_service.errors import ContentError, Problem
from cds_service.findings import Citation
from cds_service.rules import examples
from cds_service.rules.fields import Fields
from cds_service.rules.hints import of_definitions
from cds_service.rules.metadata import Desk
from cds_service.rules.reader import defined_fact, read_rule
from cds_service.rules.rule import Check, Definition, Rule, RuleSet, Safety, Topic
from cds_service.vocabulary.facts import Fact
from cds_service.yaml_source import Block, Text, read

_OF_A_SOURCE = ("year", "doi", "url", "publisher", "authors", "journal", "confidence", "note")


def read_sources(block: Any, file: str, problems: list[Problem]) -> dict[str, Citation]:
    """The sources of ``rules/sources.yaml``, by id."""
    found: dict[str, Citation] = {}
    if not isinstance(block, Block):
        problems.append(Problem(file, 1, "sources must be a block of ids"))
        return found
    for name, body in block.items():
        one = Fields(body, file, problems, f"source {name}")
        cite = one.text("cite")
        one.text("kind", "")
        found[str(name)] = Citation(str(name), cite, **{key: one.text(key, "") for key in _OF_A_SOURCE})
        one.finish()
    return found


def parse(files: Mapping[str, bytes], problems: list[Problem]) -> dict[str, Any]:
    """Each file's YAML; files that are not YAML are noted and left out."""
    parsed: dict[str, Any] = {}
    for name, source in sorted(files.items()):
        try:
            parsed[name] = read(source, file=name)
        except ContentError as error:
            problems.extend(error.problems)
    return parsed


def build(
    parsed: Mapping[str, Any],
    desk: Desk,
    *,
    broader: Mapping[str, tuple[str, ...]],
    tuned: Mapping[str, Mapping[str, Any]] | None = None,
    run_examples: bool = True,
    inspect: Callable[[RuleSet], Iterable[Problem]] | None = None,
) -> RuleSet:
    """
    The rules of *parsed* files (name → YAML) against *desk*, with the site's choices laid over.

    Raises ContentError with every problem: what can't be read, names used twice, examples that fail, what
    *inspect* finds. Rules that could be read are tried even when others could not, unless these define facts.
    """
    facts: dict[str, Fact] = dict(desk.facts)
    for block in parsed.values():
        fact = defined_fact(block)
        if fact is not None and fact.name not in facts:
            facts[fact.name] = fact
    defined = of_definitions(block for block in parsed.values() if defined_fact(block) is not None)
    desk = desk._replace(facts=facts, defined=defined)
    rules = list(_read(parsed, desk, tuned))
    desk.problems.extend(_repeated(rules))
    regions = {name: frozenset(reason.regions) for name, reason in desk.reasons.items()}
    found = assemble(rules, desk.today, broader, regions)
    whole = found.defined.keys() >= defined.keys()
    if run_examples and whole:
        definitions = {one.fact: one.read for one in found.definitions}
        for rule in unhurried(rules):
            desk.problems.extend(examples.run(rule, definitions, broader))
    if inspect is not None and whole:
        desk.problems.extend(inspect(found))
    if desk.problems:
        raise ContentError(sorted(set(desk.problems)))
    return found


def _read(parsed: Mapping[str, Any], desk: Desk, tuned: Mapping[str, Mapping[str, Any]] | None) -> Iterator[Rule]:
    """The rules that can be read."""
    for name, block in unhurried(parsed.items()):
        rule = read_rule(block, name, desk, _tuned(block, tuned))
        if rule is not None:
            yield rule


def _tuned(block: Any, tuned: Mapping[str, Mapping[str, Any]] | None) -> Mapping[str, Any]:
    name = block.get(Text("id")) if isinstance(block, Block) else None
    return (tuned or {}).get(str(name), {})


def _repeated(rules: list[Rule]) -> list[Problem]:
    seen: dict[str, Rule] = {}
    problems = []
    for rule in rules:
        first = seen.setdefault(rule.id, rule)
        if first is not rule:
            problems.append(
                Problem(rule.file, rule.line, f"{rule.id} stands in {first.file} too", "give it another id")
            )
    return [*problems, *_defined_twice(rules)]


def _defined_twice(rules: list[Rule]) -> Iterator[Problem]:
    first: dict[str, Rule] = {}
    for rule in rules:
        if isinstance(rule, Definition) and first.setdefault(rule.fact, rule) is not rule:
            trouble = f"{rule.fact} is defined in {first[rule.fact].file} too"
            yield Problem(rule.file, rule.line, trouble, "join the two, or name another fact")


def _always(rule: Rule) -> bool:
    return isinstance(rule, Definition) or (isinstance(rule, Safety) and rule.chosen)


def assemble(
    rules: list[Rule], today: date, broader: Mapping[str, tuple[str, ...]], regions: Mapping[str, frozenset[str]]
) -> RuleSet:
    """The rules in force on *today*, indexed; safety rules and definitions always are, but for a choice not made."""
    live = [rule for rule in rules if _always(rule) or (not isinstance(rule, Safety) and rule.in_force(today))]
    topics = tuple(rule for rule in live if isinstance(rule, Topic))
    by_reason: dict[str, tuple[Topic, ...]] = {}
    for topic in topics:
        for reason in topic.reasons:
            by_reason[reason] = (*by_reason.get(reason, ()), topic)
    return RuleSet(
        topics=topics,
        checks=tuple(rule for rule in live if isinstance(rule, Check)),
        safety=tuple(rule for rule in live if isinstance(rule, Safety)),
        definitions=tuple(rule for rule in live if isinstance(rule, Definition)),
        broader=dict(broader),
        regions=regions,
        by_reason=by_reason,
        dormant=tuple(rule for rule in rules if rule not in live),
    )
