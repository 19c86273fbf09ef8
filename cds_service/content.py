"""
Content: rules, cards, code lists and the site's choices as one immutable value with a digest.

Made whole or not at all: ``build`` raises ContentError with everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Protocol

from cds_service.cards import overrides as override_reasons
from cds_service.cards import template
from cds_service.errors import ContentError, Problem
from cds_service.facts.dose import NO_FIGURES, Usual, load_usual
from cds_service.facts.exams.catalogued import lay_over
from cds_service.facts.history.results import NO_WORDS, ResultWords, load_results
from cds_service.folders import digest
from cds_service.rules import tuning
from cds_service.rules.about import Shared, read_shared, unknown_carriers
from cds_service.rules.metadata import KINDS, Desk
from cds_service.rules.rule import RuleSet
from cds_service.rules.ruleset import build as build_rules
from cds_service.rules.ruleset import parse, read_sources
from cds_service.vocabulary import exam_codes, finding_codes, order_codes, reason_codes, reason_files, site_catalogue
from cds_service.vocabulary.facts import STATIC, Fact
from cds_service.vocabulary.readings import Facts, Reading
from cds_service.yaml_source import Block, Text

SOURCES = "rules/sources.yaml"
OVERRIDES = "rules/override-reasons.yaml"
ABOUT = "rules/about.yaml"
ORDERS = "rules/codes/orders.yaml"
SITE = "site/site.yaml"
RESULTS = "rules/codes/results.yaml"
DOSE = "rules/codes/dose.yaml"
EXAM_LISTS = ("rules/codes/exams/", "site/codes/exams/")
EXAMS = (*EXAM_LISTS, site_catalogue.FOLDER)
REASONS = ("rules/codes/reasons/", "site/codes/reasons/")
FINDINGS = ("rules/codes/findings/", "site/codes/findings/")
REVIEW = "rules/review/"
"""What reviewers hold the rules to; judging never reads it."""
OVERRIDE_SYSTEM = "urn:pediatric-imaging-cds:override-reason"
TOPIC_SYSTEM = "urn:pediatric-imaging-cds:rule"


class Inspect(Protocol):
    """Looks for problems in rules as a whole."""

    def __call__(
        self, rules: RuleSet, *, facts: Mapping[str, Fact], orders: order_codes.OrderCodes
    ) -> Iterable[Problem]:
        """The problems of *rules*; *facts* without those that rules define."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True)
class Content:
    """Everything a judgement needs. ``day`` is the day its thresholds and dates were resolved for."""

    digest: str
    day: date
    rules: RuleSet
    templates: template.Templates
    exams: exam_codes.ExamCodes
    reasons: reason_codes.ReasonCodes
    findings: finding_codes.FindingCodes
    orders: order_codes.OrderCodes
    results: ResultWords
    figures: Usual
    facts: Mapping[str, Fact]
    definitions: Mapping[str, Callable[[Facts], Reading]]
    overrides: override_reasons.Overrides
    site: tuning.Site
    about: Shared
    files: Mapping[str, bytes]
    licences: frozenset[str] = frozenset()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each there are, for people to see at a glance."""
        rules = self.rules
        return {
            "topics": len(rules.topics),
            "checks": len(rules.checks),
            "safety": len(rules.safety),
            "definitions": len(rules.definitions),
            "examples": sum(len(rule.examples) for rule in rules.rules),
            "dormant": len(rules.dormant),
            "cards": len(self.templates),
            "exam_codes": len(self.exams),
            "reasons": len(self.reasons.reasons),
            "facts": len(self.facts),
        }


def build(
    files: Mapping[str, bytes],
    *,
    today: date,
    licences: frozenset[str] = frozenset(),
    run_examples: bool = True,
    inspect: Inspect | None = None,
    before: Content | None = None,
) -> Content:
    """
    Content of *files* (``rules/…``, ``cards/…``, ``site/…`` → bytes), in force on *today*.

    Raises ContentError with every problem found. *run_examples* may be False for files that passed before;
    *inspect* looks for more problems in what could be read. Code lists that are as they were in *before* are kept.
    """
    problems: list[Problem] = []
    kept = before if before is not None and before.licences == licences else None
    exams = kept.exams if kept is not None and _same(kept.files, files, *EXAMS) else _exams(files, licences, problems)
    if kept is not None and _same(kept.files, files, *REASONS):
        reasons = kept.reasons
    else:
        reasons = _tried(problems, reason_files.load, _below(files, *REASONS), licences)
    if kept is not None and _same(kept.files, files, *FINDINGS):
        findings = kept.findings
    else:
        findings = _tried(problems, finding_codes.load, _below(files, *FINDINGS))
    orders = _tried(problems, order_codes.load, _below(files, ORDERS), _below(files, "site/codes/orders"))
    if exams is not None and orders is not None:
        problems += orders.contradicted(exams)
    templates = _tried(problems, template.load, _below(files, "cards/"))
    results = _tried(problems, partial(load_results, file=RESULTS), files[RESULTS]) if RESULTS in files else None
    figures = _tried(problems, partial(load_usual, file=DOSE), files[DOSE]) if DOSE in files else None
    rule_files = _rule_files(files)
    parsed = parse(rule_files, problems)
    if not rule_files.keys() - {SOURCES, OVERRIDES, ABOUT}:
        problems.append(Problem("rules", 1, "there are no rules", "check the folder named by CDS_RULES"))
    if reasons is None or findings is None or _others_hang_on(rule_files.keys() - parsed.keys(), files):
        raise ContentError(sorted(problems))
    sources = read_sources(parsed.pop(SOURCES, Block()), SOURCES, problems)
    parsed.pop(OVERRIDES, None)
    unknown = sorted(figures.sources - sources.keys()) if figures is not None else []
    problems += [Problem(DOSE, 1, f"{name} is not a source", f"name it in {SOURCES}") for name in unknown]
    about = read_shared(parsed.pop(ABOUT, None), ABOUT, KINDS, problems)
    facts = _facts(findings.facts, reasons.names)
    broader = {name: tuple(reason.broader) for name, reason in reasons.reasons.items()}
    blocks = {str(b.get(Text("id"))): b for b in parsed.values() if isinstance(b, Block)}
    site = tuning.read_site(parse(_below(files, SITE), problems).get(SITE), SITE, blocks, today, problems)
    overrides = _tried(problems, _overrides, files.get(OVERRIDES, b""), site.override_reasons)
    known = frozenset(overrides.reasons) if overrides is not None else None
    desk = Desk(facts, sources, today, problems, reasons.reasons, known, about=about)
    desk = desk._replace(contacts=site.contacts, choices=site.choices)
    look = partial(inspect, facts=facts, orders=orders) if inspect is not None and orders is not None else None
    rules = build_rules(parsed, desk, broader=broader, run_examples=run_examples, inspect=look)
    if site.tuned:
        rules = build_rules(parsed, desk, broader=broader, tuned=site.tuned, run_examples=False, inspect=look)
    strange = unknown_carriers(about, {**rules.defined, **facts}, ABOUT)
    if strange:
        raise ContentError(strange)
    assert exams is not None and orders is not None and templates is not None
    return Content(
        digest=digest(files),
        day=today,
        rules=rules,
        templates=templates,
        exams=exams,
        reasons=reasons,
        findings=findings,
        orders=orders,
        results=results or NO_WORDS,
        figures=figures or NO_FIGURES,
        facts={**rules.defined, **facts},
        definitions={one.fact: one.read for one in rules.definitions},
        overrides=overrides,
        site=site,
        about=about,
        files=dict(files),
        licences=licences,
    )


def _same(known: Mapping[str, bytes], files: Mapping[str, bytes], *prefixes: str) -> bool:
    return _below(known, *prefixes) == _below(files, *prefixes)


def _exams(files: Mapping[str, bytes], licences: frozenset[str], problems: list[Problem]) -> Any:
    exams = _tried(problems, exam_lists, files, licences)
    catalogue = _tried(problems, partial(site_catalogue.read, every=False), _below(files, site_catalogue.FOLDER))
    return _tried(problems, lay_over, exams, catalogue) if exams is not None and catalogue else exams


def exam_lists(files: Mapping[str, bytes], licences: frozenset[str] = frozenset()) -> exam_codes.ExamCodes:
    """The exam code lists among *files*, shipped and the site's, without its catalogue. Raises ContentError."""
    return exam_codes.ExamCodes.load(_below(files, *EXAM_LISTS), licences)


def _others_hang_on(unread: Iterable[str], files: Mapping[str, bytes]) -> bool:
    """Whether a file that is no YAML holds names other files use, so that they would seem wrong too."""
    return any(name == SOURCES or b"kind: definition" in files[name] for name in unread)


def _tried(problems: list[Problem], load: Any, *wanted: Any) -> Any:
    try:
        return load(*wanted)
    except ContentError as error:
        problems.extend(error.problems)
        return None


def _below(files: Mapping[str, bytes], *prefixes: str) -> dict[str, bytes]:
    return {name: source for name, source in files.items() if name.startswith(prefixes)}


def _rule_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        name: source
        for name, source in files.items()
        if name.startswith(("rules/", "site/rules/")) and not name.startswith(("rules/codes/", REVIEW))
    }


def _facts(findings: Mapping[str, Fact], reasons: frozenset[str]) -> dict[str, Fact]:
    facts = {**findings, **STATIC}
    facts["order.reason"] = facts["order.reason"]._replace(choices=reasons)
    return facts


def _overrides(source: bytes, site: Mapping[str, str]) -> override_reasons.Overrides:
    return override_reasons.load(source, file=OVERRIDES, system=OVERRIDE_SYSTEM, site=site)
