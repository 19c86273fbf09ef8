"""
Devices, allergies, medications and flags: what is in force now.

Their names are free text more often than codes, so listed phrases are looked for inside it. A device
without a label from its maker is never taken for safe in the MR scanner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from cds_service.facts.findings.answers import Said, in_words, meant
from cds_service.facts.findings.claims import Claim, Claims, Form, Origin, code_of, label_of, texts_of
from cds_service.fhir.resources import AllergyIntolerance, Device, Flag, MedicationRequest, Resource
from cds_service.vocabulary.finding_codes import plain
from cds_service.vocabulary.finding_facts import Assertion, FindingFact, Role, Sign, Value

_LONGEST_TEXT: Final = 2000
_GONE: Final = frozenset(("inactive", "entered-in-error"))
_NOT_TAKEN: Final = frozenset(("entered-in-error", "cancelled", "stopped", "completed", "draft"))
_DENIALS: Final = frozenset(("no", "not", "denies", "without", "negative", "never"))
_CLAUSE_ENDS: Final = re.compile(r"[,.;:]")
_SEVERE, _MILD, _SAFE = frozenset(("severe",)), frozenset(("mild",)), frozenset(("safe",))


def devices(claims: Claims, items: Iterable[Device]) -> None:
    """Read implants and devices still in place."""
    for device in items:
        if device.status in _GONE:
            continue
        names = [name.name for name in device.deviceName or () if name.name]
        label = label_of(device.type) or next(iter(names), "device")
        found, origin = claims.lookup(device.type), Origin(device, Form.STATE, label)
        claims.state(found, Sign.YES, origin)
        _phrases(claims, device, (*names, *texts_of(device.type)), label)
        claims.suspect((*names, *texts_of(device.type)), found, origin)
        _labelled(claims, device, label)


def _labelled(claims: Claims, device: Device, label: str) -> None:
    """The label for the MR scanner; and unless it says safe, the device is suspected to be an implant."""
    aware = claims.codes.from_device
    stated = _label(aware["label"], device) if "label" in aware else None
    if "label" in aware:
        claims.add(aware["label"], Claim(Said(stated), Form.STATE, device, label))
    if "any" in aware and device.patient is not None and stated != _SAFE:
        claims.add(aware["any"], Claim(in_words(aware["any"], Sign.SUSPECTED), Form.STATE, device, label))


def _label(fact: FindingFact, device: Device) -> Value | None:
    for concept in device.safety or ():
        for coding in concept.coding or ():
            value = fact.coded_answers.get(coding.system or "", {}).get(coding.code or "")
            if isinstance(value, frozenset):
                return value
    return None


def allergies(claims: Claims, items: Iterable[AllergyIntolerance]) -> None:
    """Read allergies; an unconfirmed one counts, since most are only reported."""
    for allergy in items:
        verified = code_of(allergy.verificationStatus)
        if verified == "entered-in-error" or code_of(allergy.clinicalStatus) in ("inactive", "resolved"):
            continue
        sign = Sign.NO if verified == "refuted" else Sign.YES
        label = label_of(allergy.code) or "allergy"
        concepts = [allergy.code, *(reaction.substance for reaction in allergy.reaction or ())]
        for one in (one for concept in concepts for one in claims.lookup(concept)):
            claims.add_said(one, _allergic(one, sign, allergy), Origin(allergy, Form.STATE, label))
        if sign is Sign.YES:
            texts = [text for concept in concepts for text in texts_of(concept)]
            for fact, value in _found(claims, allergy, texts):
                said = _severity(fact, allergy) or in_words(fact, value)
                claims.add(fact, Claim(said, Form.STATE, allergy, label))


def _allergic(one: Assertion, sign: Sign, allergy: AllergyIntolerance) -> Said | None:
    """What one code of an allergy says; a refuted "no known allergy" says nothing."""
    if one.role is Role.ABSENT:
        return meant(one, Sign.YES) if sign is Sign.YES else None
    return (_severity(one.fact, allergy) if sign is Sign.YES else None) or meant(one, sign)


def _severity(fact: FindingFact, allergy: AllergyIntolerance) -> Said | None:
    """How bad the reaction was, as a choice of the fact; None when it isn't told, which is not mild."""
    if not fact.severity:
        return None
    told = {reaction.severity for reaction in allergy.reaction or ()}
    if "severe" in told or allergy.criticality == "high":
        return Said(_SEVERE)
    return Said(_MILD) if told == {"mild"} else None


def medications(claims: Claims, items: Iterable[MedicationRequest], *, complete: bool) -> None:
    """
    Read medications being taken.

    Where a phrase such as "flush" excepts an order, the fact is denied only if the list is *complete*
    and nothing else on it says yes.
    """
    excepted: dict[str, tuple[FindingFact, Claim]] = {}
    for order in items:
        if order.status in _NOT_TAKEN or order.intent == "proposal":
            continue
        concept = order.medicationCodeableConcept
        label = label_of(concept)
        texts = (*texts_of(concept), *(dosage.text for dosage in order.dosageInstruction or () if dosage.text))
        whole = plain(" ".join(texts), _LONGEST_TEXT)
        found: list[tuple[FindingFact, Value | Sign]] = [
            (one.fact, Sign.YES if one.role is not Role.SUSPECTED else Sign.SUSPECTED) for one in claims.lookup(concept)
        ]
        for fact, value in (*found, *_found(claims, order, texts)):
            if any(word in whole for word in fact.except_words):
                excepted[fact.name] = (fact, Claim(in_words(fact, Sign.NO), Form.STATE, order, label))
            else:
                claims.add(fact, Claim(in_words(fact, value), Form.STATE, order, label))
    for name, (fact, claim) in excepted.items():
        if complete and not claims.get(name):
            claims.add(fact, claim)


def flags(claims: Claims, items: Iterable[Flag]) -> None:
    """Read notes that warn staff."""
    for flag in items:
        if flag.status in _GONE:
            continue
        label = label_of(flag.code) or "flag"
        found, origin = claims.lookup(flag.code), Origin(flag, Form.STATE, label)
        claims.state(found, Sign.YES, origin)
        _phrases(claims, flag, texts_of(flag.code), label)
        claims.suspect(texts_of(flag.code), found, origin)


def _phrases(claims: Claims, source: Resource, texts: Iterable[str], label: str) -> None:
    for fact, value in _found(claims, source, texts):
        claims.add(fact, Claim(in_words(fact, value), Form.STATE, source, label))


def _found(claims: Claims, source: Resource, texts: Iterable[str]) -> Iterator[tuple[FindingFact, Value | Sign]]:
    """Each listed phrase that stands in the texts as words of its own and isn't denied there."""
    listed = claims.codes.phrases.get(type(source).__name__, ())
    for text in texts:
        said = plain(text, _LONGEST_TEXT)
        for phrase, fact, value in listed:
            before, here, _ = said.partition(phrase)
            if here and not before[-1:].isalnum() and not _denied(before):
                yield fact, value


def _denied(before: str) -> bool:
    """Whether one of the last words before a phrase, in its own clause, denies it."""
    clause = _CLAUSE_ENDS.split(before)[-1]
    return not _DENIALS.isdisjoint(clause.split()[-3:])
