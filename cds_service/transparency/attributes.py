"""
The 13 source attributes that 45 CFR 170.315(b)(11)(iv)(A) asks of an evidence-based intervention.

The rule was made by HTI-1 (89 FR 1192, 9 January 2024). The order and numbers are the regulation's, the words are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cds_service.content import Content
from cds_service.findings import Citation
from cds_service.rules.rule import Rule
from cds_service.transparency.asked import Use, personal

PARAGRAPH: Final = "45 CFR 170.315(b)(11)(iv)(A)"

ATTRIBUTES: Final = {
    "bibliographic_citation": "Sources: research or guideline",
    "developer": "Developer: who made a rule of it",
    "funding": "Funding of the technical implementation",
    "release_and_revision": "Released and revised",
    "race": "Use of race",
    "ethnicity": "Use of ethnicity",
    "language": "Use of language",
    "sexual_orientation": "Use of sexual orientation",
    "gender_identity": "Use of gender identity",
    "sex": "Use of sex",
    "birth_date": "Use of date of birth",
    "social_determinants": "Use of social determinants of health",
    "health_status": "Use of health status assessments",
}
"""Name → what it is called, in the order of the regulation: the first is (A)(1)."""


def attributes(rule: Rule, content: Content) -> list[dict[str, Any]]:
    """The 13 attributes of *rule*, each with its paragraph, name, label and value."""
    said = {
        "bibliographic_citation": "; ".join(dict.fromkeys(cited(one) for one in every_source(rule))),
        "developer": rule.about.developer,
        "funding": rule.about.funding,
        "release_and_revision": released(rule),
        **{name: _use(use, content) for name, use in personal(rule, content.rules, content.about.personal).items()},
    }
    return [
        {"paragraph": f"{PARAGRAPH}({number})", "name": name, "label": label, "value": said[name]}
        for number, (name, label) in enumerate(ATTRIBUTES.items(), 1)
    ]


def every_source(rule: Rule) -> Iterator[Citation]:
    """What *rule* cites, each source once; those that only a situation names come last."""
    variants = getattr(rule, "variants", ())
    named = [*rule.citations, *(one.citation for one in variants)]
    named += [preference.citation for one in variants for preference in one.preferences]
    seen: set[str] = set()
    for one in named:
        if one.id not in seen:
            seen.add(one.id)
            yield one


def cited(one: Citation) -> str:
    """
    A source as a bibliography names it.

    >>> cited(Citation("a", "Imaging of children", "2020", "10.1/x", publisher="A college"))
    'Imaging of children. A college, 2020. doi:10.1/x'
    """
    year = one.year if one.year not in one.cite else ""
    where = ", ".join(filter(None, (one.journal or one.publisher, year)))
    found = f"doi:{one.doi}" if one.doi else one.url
    head = f"{one.authors}: {one.cite}" if one.authors else one.cite
    return ". ".join(filter(None, (head, where, found)))


def released(rule: Rule) -> str:
    """When the rule was released and revised, as its changes tell."""
    days = sorted((change["on"], change["version"]) for change in rule.changes)
    first, *later = days or [(str(rule.effective_from), rule.version)]
    revised = ", ".join(f"version {version} on {day}" for day, version in later)
    return f"Version {first[1]} released on {first[0]}; {f'revised: {revised}' if revised else 'not revised since'}."


def _use(use: Use, content: Content) -> str:
    if use.own:
        return f"Used, as {_meanings(use.own, content.facts)}."
    if use.safety:
        return (
            "Not used by this rule itself. The safety rules that stand over every advice use it, as "
            f"{_meanings(use.safety, content.facts)}."
        )
    if use.known:
        return "Not used."
    return "Not used. The service knows no such fact and reads no such element of the record."


def _meanings(names: tuple[str, ...], facts: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} ({facts[name].meaning.rstrip('.')})" for name in names)
