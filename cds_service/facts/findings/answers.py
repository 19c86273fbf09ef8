"""
What a value answers, and what that means for a fact whose question or finding carries the value.

Read in this order: a reason for missing data, the value, the interpretation. Only then the code counts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cds_service.facts.findings import numbers
from cds_service.fhir.resources import CodeableConcept, Component, Observation, Quantity
from cds_service.vocabulary.facts import Kind
from cds_service.vocabulary.finding_codes import FindingCodes, plain
from cds_service.vocabulary.finding_facts import Assertion, FindingFact, Role, Sign, Value
from cds_service.vocabulary.readings import Interval

Valued = Observation | Component


class Said(NamedTuple):
    """What one statement says of one fact; a value of None with no suspicion means: stated as not known."""

    value: Value | None
    suspected: bool = False


_UNKNOWN: Final = Said(None)
_SUSPECTED: Final = Said(None, True)
_LARGEST: Final = 10**9
_AGREE: Final = frozenset((Sign.YES, Sign.SILENT))


def heard(valued: Valued, fact: FindingFact, codes: FindingCodes) -> Value | Sign:
    """The answer in *valued* to a question about *fact*: in the fact's own words, else in general ones."""
    if valued.dataAbsentReason is not None:
        return _missing(valued.dataAbsentReason, codes)
    answer = _value(valued, fact, codes)
    if answer is Sign.SILENT or (answer is Sign.UNKNOWN and valued.valueQuantity is not None):
        for concept in valued.interpretation or ():
            meant = of_concept(concept, fact, codes)
            if meant is not Sign.SILENT:
                return meant
    return answer


def _missing(reason: CodeableConcept, codes: FindingCodes) -> Sign:
    found = codes.general.not_found
    return Sign.NO if any(coding.code in found for coding in reason.coding or ()) else Sign.UNKNOWN


def _value(valued: Valued, fact: FindingFact, codes: FindingCodes) -> Value | Sign:
    if valued.valueBoolean is not None:
        return Sign.YES if valued.valueBoolean else Sign.NO
    if valued.valueCodeableConcept is not None:
        return of_concept(valued.valueCodeableConcept, fact, codes)
    if valued.valueString is not None:
        return of_text(valued.valueString, fact, codes)
    number = _number(valued, fact)
    if number is not None:
        return _of_number(number, fact) if isinstance(number, Interval) else number
    return Sign.SILENT


def of_concept(concept: CodeableConcept, fact: FindingFact, codes: FindingCodes) -> Value | Sign:
    """What a coded answer means: the fact's own codes first, then those that mean the same everywhere, then words."""
    unknown: Value | Sign = Sign.SILENT
    for coding in concept.coding or ():
        system, code = coding.system or "", coding.code or ""
        answer = fact.coded_answers.get(system, {}).get(code)
        if answer is None:
            answer = codes.general.coded.get(system, {}).get(code)
        if answer is None:
            answer = _finding(system, code, fact, codes)
        if answer is not None:
            return answer
        unknown = Sign.UNKNOWN
        if coding.display and not concept.text:
            said = of_text(coding.display, fact, codes)
            if said is not Sign.UNKNOWN:
                return said
    if concept.text:
        return of_text(concept.text, fact, codes)
    return unknown


def _finding(system: str, code: str, fact: FindingFact, codes: FindingCodes) -> Value | Sign | None:
    """The answer when it is a finding code of this very fact."""
    for one in codes.says(system, code):
        if one.fact is fact:
            if one.role in (Role.PRESENT, Role.IMPLIED_BY):
                return Sign.YES
            if one.role is Role.ABSENT:
                return Sign.NO
    return None


def of_text(text: str, fact: FindingFact, codes: FindingCodes) -> Value | Sign:
    """What a text answer means; a text that isn't known word for word is unknown."""
    if fact.fact.kind is Kind.NUMBER:
        return numbers.of_text(text, fact.fact.unit, fact.range, fact.units) or Sign.UNKNOWN
    said = plain(text)
    answer = fact.said_answers.get(said)
    if answer is None:
        answer = codes.general.said.get(said)
    if answer is None and fact.fact.kind is Kind.CHOICE:  # "2 - emergent"
        answer = fact.said_answers.get(said.split(" ", 1)[0])
    return Sign.UNKNOWN if answer is None else answer


def _number(valued: Valued, fact: FindingFact) -> Interval | Sign | None:
    """The number in the fact's unit; UNKNOWN when it can't be used; None when there is no number."""
    unit, legal = fact.fact.unit, fact.range
    if fact.measured is not None:
        unit, legal = fact.measured.unit, fact.measured.range
    if valued.valueQuantity is not None:
        return numbers.of_quantity(valued.valueQuantity, unit, legal, fact.units) or Sign.UNKNOWN
    if valued.valueInteger is not None:
        if abs(valued.valueInteger) > _LARGEST:
            return Sign.UNKNOWN
        if fact.fact.kind is Kind.CHOICE:
            return numbers.exactly(float(valued.valueInteger))
        return numbers.of_quantity(Quantity(value=float(valued.valueInteger)), unit, legal, fact.units) or Sign.UNKNOWN
    if valued.valueRange is not None:
        return numbers.of_range(valued.valueRange, unit, legal, fact.units) or Sign.UNKNOWN
    return None


def _of_number(number: Interval, fact: FindingFact) -> Value | Sign:
    if fact.fact.kind is Kind.NUMBER:
        return number
    if fact.fact.kind is Kind.CHOICE:
        return fact.said_answers.get(f"{number.low:g}", Sign.UNKNOWN)
    if fact.measured is not None:
        return measured(number, fact)
    return Sign.UNKNOWN


def measured(number: Interval, fact: FindingFact) -> Sign:
    """The flag a measured number answers; SILENT when it speaks neither for a yes nor for a no."""
    assert fact.measured is not None
    _, _, present, absent = fact.measured
    if present is not None and present.low <= number.low and number.high <= present.high:
        return Sign.YES
    if absent is not None and absent.low <= number.low and number.high <= absent.high:
        return Sign.NO
    return Sign.SILENT


def meant(assertion: Assertion, answer: Value | Sign) -> Said | None:
    """
    What a code with this answer says of its fact; None when it says nothing.

    A no to a narrower code (no hemiplegia) is not a no to the fact (no deficit), and a code with the
    negative in it turns the answer round.
    """
    fact, role = assertion.fact, assertion.role
    if role is Role.QUESTION:
        return None if answer is Sign.SILENT else in_words(fact, answer)
    if role is Role.PRESENT:
        return in_words(fact, Sign.YES if answer is Sign.SILENT else answer)
    if role is Role.IMPLIED_BY:
        said = in_words(fact, Sign.YES if answer is Sign.SILENT else answer)
        return said if said.suspected or (said.value is not None and not fact.reassuring(said.value)) else None
    if role is Role.ABSENT:
        if answer in _AGREE:
            return in_words(fact, Sign.NO)
        return in_words(fact, Sign.YES if answer is Sign.NO else Sign.UNKNOWN)
    if role is Role.VALUE:
        return _one_value(assertion, answer)
    if role is Role.SUSPECTED:
        return in_words(fact, Sign.SUSPECTED) if answer in _AGREE or answer is Sign.SUSPECTED else None
    return _UNKNOWN if role is Role.UNKNOWN else None


def _one_value(assertion: Assertion, answer: Value | Sign) -> Said | None:
    fact, words = assertion.fact, assertion.value
    if answer in _AGREE:
        return Said(words)
    if answer is Sign.NO and words is not None:
        rest = fact.other_than(words)
        return None if rest is None else Said(rest)
    if answer is Sign.SUSPECTED:
        return in_words(fact, Sign.SUSPECTED)
    return _UNKNOWN if answer is Sign.UNKNOWN else None


def in_words(fact: FindingFact, answer: Value | Sign) -> Said:
    """A general answer in the fact's own words."""
    if not isinstance(answer, Sign):
        return Said(answer)
    value = fact.answers.get(answer)
    suspected = value is None and answer is Sign.SUSPECTED and fact.fact.kind is not Kind.NUMBER
    return _SUSPECTED if suspected else Said(value)
