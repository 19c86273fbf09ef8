"""
What each resource of the record claims about the findings.

Every resource is looked up once by its codings; one that matches nothing costs two dictionary lookups.
When and in which visit a claim was made is only read if somebody asks for that fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from cds_service.facts.findings.answers import Said, Valued, in_words, meant
from cds_service.fhir.dates import When
from cds_service.fhir.resources import CodeableConcept, Observation, Resource
from cds_service.vocabulary.finding_codes import LONGEST_TEXT, Assertions, FindingCodes, plain
from cds_service.vocabulary.finding_facts import Assertion, FindingFact, Sign

Telling = Callable[[str], Iterable[str]]


class Form(Enum):
    """How a claim was made; it decides how the claim ages and which of two counts."""

    ANSWER = "answer"  # an observation or an answer in a form: the newest counts
    STATE = "state"  # a device, allergy, medication or flag in force now
    CONDITION = "condition"
    REASON = "reason"  # why the child came


class Origin(NamedTuple):
    """Where a claim comes from; ``label`` is the record's own word for it."""

    source: Resource
    form: Form
    label: str = ""


class Claim(NamedTuple):
    """One statement about one fact; ``moment`` is set where the statement itself is a point in time."""

    said: Said
    form: Form
    source: Resource
    label: str
    moment: When | None = None


class Heard(NamedTuple):
    """An observation's code that speaks about a fact; what its value says is only read when the fact is asked for."""

    one: Assertion
    valued: Valued
    source: Observation


class Claims(dict[str, list[Claim]]):
    """
    All claims of one record, by fact name; ``heard`` are those still to be read.

    ``telling`` gives the facts that free text speaks of.
    """

    def __init__(self, codes: FindingCodes, telling: Telling | None = None) -> None:
        super().__init__()
        self.codes = codes
        self.telling = telling
        self.heard: dict[str, list[Heard]] = {}

    def copy(self) -> Claims:
        """The same claims, to be added to and read on without touching these."""
        other = Claims(self.codes, self.telling)
        other.update((name, list(claims)) for name, claims in self.items())
        other.heard = dict(self.heard)
        return other

    def add(self, fact: FindingFact, claim: Claim) -> None:
        """Keep a claim, if this fact is read from such a resource."""
        if type(claim.source).__name__ in fact.read:
            self.setdefault(fact.name, []).append(claim)

    def add_said(self, one: Assertion, said: Said | None, origin: Origin) -> None:
        """Keep what one code says; nothing when it says nothing."""
        if said is not None:
            self.add(one.fact, Claim(said, origin.form, origin.source, origin.label))

    def state(self, found: Assertions, sign: Sign, origin: Origin) -> None:
        """Keep what codes say of a resource that as a whole says *sign*."""
        for one in found:
            self.add_said(one, meant(one, sign), origin)

    def suspect(self, texts: Iterable[str], found: Assertions, origin: Origin) -> None:
        """Keep as suspected what the words of a resource speak of, of facts that its codes say nothing of."""
        told = self.told(texts)
        if told:
            coded = {one.fact.name for one in found}
            for fact in told:
                if fact.name not in coded:
                    self.add(fact, Claim(in_words(fact, Sign.SUSPECTED), origin.form, origin.source, origin.label))

    def told(self, texts: Iterable[str]) -> list[FindingFact]:
        """The facts that words speak of, each once."""
        if self.telling is None:
            return []
        names = [name for text in texts for name in self.telling(text)]
        findings = self.codes.findings
        return [findings[name] for name in dict.fromkeys(names) if name in findings] if names else []

    def lookup(self, concept: CodeableConcept | None) -> Assertions:
        """What a concept says: by all of its codings, and only if none is known by its text."""
        found: Assertions = ()
        if concept is None:
            return found
        find = self.codes.find
        for coding in concept.coding or ():
            search = find.get(coding.system)  # type: ignore[arg-type]  # None finds nothing
            if search is not None and coding.code:
                hits = search(coding.code)
                if hits:
                    found = found + hits if found else hits
        return found or self._by_text(concept)

    def _by_text(self, concept: CodeableConcept) -> Assertions:
        texts = self.codes.texts
        if concept.text:
            return texts.get(_plain(concept.text[:LONGEST_TEXT]), ())
        for coding in concept.coding or ():
            if coding.display:
                found = texts.get(_plain(coding.display[:LONGEST_TEXT]))
                if found is not None:
                    return found
        return ()


def texts_of(concept: CodeableConcept | None) -> tuple[str, ...]:
    """Everything a concept says in words."""
    if concept is None:
        return ()
    text = concept.text
    texts = [coding.display for coding in concept.coding or () if coding.display and coding.display != text]
    return (text, *texts) if text else tuple(texts)


_plain = lru_cache(2048)(plain)
"""A code's own words are the same in every record."""


def label_of(concept: CodeableConcept | None) -> str:
    """The words a record has for a concept."""
    if concept is None:
        return ""
    return concept.text or next((coding.display for coding in concept.coding or () if coding.display), "")


def code_of(concept: CodeableConcept | None) -> str:
    """The first code of a status concept."""
    return next((coding.code for coding in (concept.coding if concept else None) or () if coding.code), "")
