"""What every rule file holds besides its logic: identity, dates, review, sources, thresholds, examples, changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from cds_service.errors import PhraseError, Problem, nearest
from cds_service.findings import Citation, Contact
from cds_service.rules.about import Shared, read_about
from cds_service.rules.criteria import Scope
from cds_service.rules.fields import Fields
from cds_service.rules.given import read_facts
from cds_service.rules.hints import Hint
from cds_service.rules.rule import Example, Threshold
from cds_service.vocabulary.exams import Exam, exam
from cds_service.vocabulary.facts import Fact
from cds_service.vocabulary.quantities import Amount, Span, quantity
from cds_service.vocabulary.readings import Reading
from cds_service.yaml_source import Block, Text, line_of

STATUSES = ("draft", "silent", "active", "retired")
ROLES = ("radiologist", "physicist")
"""Whom a rule may propose to ask, where the site names one."""
CHOICES = {"head_injury_rule": ("pecarn", "catch2", "chalice")}
"""What a site may choose between, the shipped choice first; a choice can only bring a safety rule into force."""
KINDS = ("appropriateness", "check", "definition", "safety")


class Desk(NamedTuple):
    """What a rule is read against: the vocabulary, the sources, today, and where problems go."""

    facts: Mapping[str, Fact]
    sources: Mapping[str, Citation]
    today: date
    problems: list[Problem]
    reasons: Mapping[str, Any] = {}
    override_reasons: frozenset[str] | None = None
    defined: Mapping[str, Hint] = {}
    contacts: Mapping[str, Contact] = {}
    about: Shared | None = None
    choices: Mapping[str, str] = {}


def read_metadata(fields: Fields, desk: Desk) -> dict[str, Any]:
    """The fields of ``Rule``, by name, but for the examples."""
    rule_id = fields.text("id")
    stem = fields.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if rule_id and rule_id != stem:
        fields.wrong(
            fields.get("id"), f"the id {rule_id} is not the file's name", f"call it {stem}, or rename the file"
        )
    review = fields.inside("review", "{last: 2026-01-31, due: 2027-01-31, by: Who reviewed it}")
    effective = fields.inside("effective", "{from: 2026-01-31, to: null}")
    last, due = review.day("last"), review.day("due")
    if last and due and due < last:
        review.wrong(review.get("due"), f"the next review is due before the last one, on {due}", "correct one of them")
    found: dict[str, Any] = {
        "id": rule_id,
        "kind": fields.text("kind", choices=KINDS),
        "title": fields.text("title"),
        "status": fields.text("status", choices=STATUSES),
        "version": fields.text("version"),
        "rationale": _rationale(fields),
        "citations": _citations(fields, desk),
        "thresholds": read_thresholds(fields, desk.today),
        "effective_from": effective.day("from") or desk.today,
        "effective_to": effective.day("to", required=False),
        "review_last": str(last or ""),
        "review_due": due or desk.today,
        "review_by": review.text("by"),
        "changes": tuple(_changes(fields)),
        "file": fields.file,
        "line": fields.line,
    }
    found["about"] = read_about(fields, found["kind"], desk.about)
    if not found["changes"]:
        fields.wrong(fields.block, "a rule needs changes", "list version, on, by and change")
    elif found["version"] not in {change["version"] for change in found["changes"]}:
        trouble = f"no change tells of version {found['version']}"
        fields.wrong(fields.get("version"), trouble, "add a line with version, on, by and change under changes")
    review.finish()
    effective.finish()
    return found


def _rationale(fields: Fields) -> str:
    said = fields.prose("rationale")
    if not said:
        fields.wrong(fields.block, "a rule needs rationale", "say in plain words why it is right")
    return said


def _changes(fields: Fields) -> Iterator[Mapping[str, str]]:
    for body in fields.items("changes"):
        one = Fields(body, fields.file, fields.problems, "a change")
        day = one.day("on")
        yield {
            "version": one.text("version"),
            "on": str(day or ""),
            "by": one.text("by"),
            "change": one.text("change"),
        }
        one.finish()


def _citations(fields: Fields, desk: Desk) -> tuple[Citation, ...]:
    found = []
    for item in fields.items("sources"):
        one = Fields(item, fields.file, desk.problems, "a source") if isinstance(item, Block) else None
        name = one.text("id") if one else str(item)
        citation = cite(name, item, fields, desk)
        supports = one.text("supports", "") if one else ""
        if citation is not None:
            found.append(replace(citation, supports=supports))
        if one:
            one.finish()
    if not fields.items("sources"):
        fields.wrong(fields.block, "a rule needs sources", "name at least one id of rules/sources.yaml")
    return tuple(found)


def cite(name: str, node: object, fields: Fields, desk: Desk) -> Citation | None:
    """The source called *name*; a problem at *node* when a name is given and there is none."""
    citation = desk.sources.get(name)
    if citation is None and name:
        fields.wrong(node, f"{name} is not a source", nearest(name, desk.sources, "add it to rules/sources.yaml"))
    return citation


def read_thresholds(fields: Fields, today: date) -> dict[str, Threshold]:
    """The thresholds of a rule, each with the value in force on *today*."""
    found: dict[str, Threshold] = {}
    for name, body in fields.block_at("thresholds").items():
        one = Fields(body, fields.file, fields.problems, f"threshold {name}")
        value = _amount(_in_force(one.get("value"), today, one), one)
        allowed = one.items("allowed")
        bounds = [_amount(bound, one) for bound in allowed]
        meaning = one.text("meaning")
        one.finish()
        if value is None:
            continue
        low, high = (bounds[0], bounds[1]) if len(bounds) == 2 else (None, None)
        if allowed and len(bounds) != 2:
            one.wrong(allowed[0], "allowed needs two values", "write [smallest, largest]")
        if low is not None and high is not None and not within(value, low, high):
            one.wrong(one.block, f"{name} is {value}, outside its allowed range {low} to {high}")
        found[str(name)] = Threshold(str(name), value, low, high, meaning, one.line)
    return found


def _in_force(value: Any, today: date, fields: Fields) -> Any:
    if not isinstance(value, Block):
        return value
    dated: list[tuple[date, Any]] = []
    for day, dated_value in value.items():
        try:
            dated.append((date.fromisoformat(day), dated_value))
        except ValueError:
            fields.wrong(day, f"{day} is not a date", "write it as 2026-01-31")
    past = [one for one in sorted(dated, key=lambda pair: pair[0]) if one[0] <= today]
    if not past:
        fields.wrong(value, "no value is in force today", "add one with an earlier date")
        return None
    return past[-1][1]


def _amount(value: Any, fields: Fields) -> Span | Amount | None:
    if value is None:
        fields.wrong(fields.block, f"{fields.what} needs a value")
        return None
    try:
        return quantity(str(value))
    except PhraseError as error:
        fields.wrong(value, str(error))
        return None


def within(value: Span | Amount, low: Span | Amount, high: Span | Amount) -> bool:
    """
    Whether *value* lies between two bounds, both included.

    >>> within(quantity("48 hours"), quantity("6 hours"), quantity("7 days"))
    True
    """
    return _size(low) <= _size(value) <= _size(high)


def _size(value: Span | Amount) -> float:
    return value.rough_seconds if isinstance(value, Span) else value.value


def scope_of(thresholds: Mapping[str, Threshold], fields: Fields, desk: Desk, *, suspected: bool = False) -> Scope:
    """What this rule's blocks are compiled against."""
    values = {name: threshold.value for name, threshold in thresholds.items()}
    declared = frozenset(map(str, fields.block_at("thresholds")))
    return Scope(desk.facts, values, fields.file, desk.problems, declared, suspected)


def read_examples(fields: Fields, desk: Desk, expects: tuple[str, ...]) -> tuple[Example, ...]:
    """The examples; each ``but`` starts from the first one's facts and order."""
    found: list[Example] = []
    for body in fields.items("examples"):
        one = Fields(body, fields.file, desk.problems, "an example")
        name = one.text("name")
        first = found[0] if found else None
        order = _order(one, first)
        given = one.get("facts")
        changed = one.get("but")
        facts: dict[str, Reading] = dict(first.facts) if first and given is None else {}
        facts.update(read_facts(given, changed, desk.facts, one))
        one.get("advice")
        expect = one.text("expect", choices=expects)
        offers, never = one.exams("offers"), one.exams("never_offers")
        one.finish()
        found.append(Example(name, order, facts, expect, offers, never, line_of(body)))
    if not found:
        fields.wrong(
            fields.block, "a rule needs examples", "show the card, each exception, both sides of each threshold"
        )
    return tuple(found)


def _order(one: Fields, first: Example | None) -> Exam | None:
    phrase = one.get("order")
    if phrase is None:
        return first.order if first else None
    if not isinstance(phrase, Text):
        one.wrong(phrase, "order is one exam phrase", "write it as in CT head without contrast")
        return None
    try:
        return exam(phrase)
    except PhraseError as error:
        one.wrong(phrase, str(error))
        return None
