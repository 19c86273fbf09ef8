"""Conditions, procedures, and why the child came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cds_service.facts.findings.answers import Said, meant
from cds_service.facts.findings.claims import Claim, Claims, Form, Origin, code_of, label_of, texts_of
from cds_service.facts.findings.observed import at_sites
from cds_service.fhir.dates import When, when
from cds_service.fhir.resources import CodeableConcept, Condition, Encounter, Procedure, Resource
from cds_service.vocabulary.finding_facts import ALWAYS, Assertion, FindingFact, Role, Sign

_NOT_DONE: Final = frozenset(("not-done", "entered-in-error", "stopped", "preparation"))
_DOUBTED: Final = frozenset(("unconfirmed", "provisional", "differential"))
_DORMANT: Final = frozenset(("inactive", "remission"))


def conditions(claims: Claims, items: Iterable[Condition]) -> None:
    """Read problems and diagnoses: only a refuted one says no, an unsure one or one in words is suspected."""
    for condition in items:
        found = claims.lookup(condition.code)
        texts = texts_of(condition.code)
        sign = _standing(condition) if found or texts else None
        if sign is None:
            continue
        label = label_of(condition.code)
        if sign is not Sign.NO:
            claims.suspect(texts, found, Origin(condition, Form.CONDITION, label))
        for one in found:
            if one.role is Role.ONSET:
                moment = _onset(condition)
                if sign is Sign.YES and moment is not None:
                    claims.add(one.fact, Claim(Said(None), Form.CONDITION, condition, label, moment))
            else:
                for said in _said(one, condition, _past(condition, sign, one.fact)):
                    claims.add(one.fact, Claim(said, Form.CONDITION, condition, label))


def _said(one: Assertion, condition: Condition, sign: Sign) -> Iterator[Said]:
    if one.role is Role.AT_SITE:
        yield from at_sites(one, condition.bodySite or (), sign)
        return
    said = meant(one, sign)
    if said is not None:
        yield said


def _standing(condition: Condition) -> Sign | None:
    """What the condition as a whole says; None when it is to be dropped."""
    verified = code_of(condition.verificationStatus)
    if verified == "entered-in-error":
        return None
    if verified == "refuted":
        return Sign.NO
    if code_of(condition.clinicalStatus) == "resolved" or condition.abatementDateTime:
        return None
    return Sign.SUSPECTED if verified in _DOUBTED else Sign.YES


def _past(condition: Condition, sign: Sign, fact: FindingFact) -> Sign:
    """A dormant condition is no finding of today, and for a lasting fact only a suspicion."""
    if sign is Sign.NO or code_of(condition.clinicalStatus) not in _DORMANT:
        return sign
    return Sign.SUSPECTED if fact.conditions_last == ALWAYS else Sign.UNKNOWN


def _onset(condition: Condition) -> When | None:
    if condition.onsetDateTime:
        return when(condition.onsetDateTime)
    return when(condition.onsetPeriod.start) if condition.onsetPeriod is not None else None


def procedures(claims: Claims, items: Iterable[Procedure]) -> None:
    """Read what was done to the child."""
    for procedure in items:
        if procedure.status not in _NOT_DONE:
            _stated(claims, procedure.code, procedure, Form.CONDITION)


def reasons(claims: Claims, encounter: Encounter | None) -> None:
    """Read why the child came."""
    for concept in (encounter.reasonCode if encounter is not None else None) or ():
        assert encounter is not None
        _stated(claims, concept, encounter, Form.REASON)


def _stated(claims: Claims, concept: CodeableConcept | None, source: Resource, form: Form) -> None:
    """Keep what a concept says outright, and as suspected what only its words speak of."""
    found, texts = claims.lookup(concept), texts_of(concept)
    if found or claims.told(texts):
        origin = Origin(source, form, label_of(concept))
        claims.state(found, Sign.YES, origin)
        claims.suspect(texts, found, origin)
