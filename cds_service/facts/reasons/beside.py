"""What an order says besides its reasons: a pregnancy, findings that call for care, exams it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from cds_service.facts.findings.answers import meant
from cds_service.facts.reasons.reading import Said, keep, read
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.vocabulary.facts import Kind
from cds_service.vocabulary.finding_codes import FindingCodes
from cds_service.vocabulary.finding_facts import Assertion, Sign
from cds_service.vocabulary.readings import Evidence, Reading
from cds_service.vocabulary.reason_codes import ReasonCodes


class Beside(NamedTuple):
    """
    What the order's own words and codes say; each in its own words, which become evidence when somebody asks.

    ``expecting`` leaves a pregnancy possible, ``signs`` are findings its words speak of, by fact, ``coded`` those that
    only its reason codes imply; ``exams`` are the modalities of exams it speaks of, ``done`` those it tells of as done.
    """

    expecting: str = ""
    signs: Mapping[str, str] = {}
    coded: Mapping[str, str] = {}
    exams: Mapping[str, str] = {}
    done: Mapping[str, str] = {}
    source: str = "ServiceRequest"
    on: str = ""

    @property
    def pregnancy(self) -> Evidence | None:
        """What leaves a pregnancy possible."""
        return self.evidence(self.expecting) if self.expecting else None

    def evidence(self, words: str) -> Evidence:
        """Words of the order as a piece of the record."""
        return Evidence(words, self.source, self.on)

    def heard(self) -> frozenset[str]:
        """The findings of which anything is said."""
        return frozenset((*self.signs, *self.coded)) if self.signs or self.coded else _NONE

    def over(self, name: str, recorded: Reading) -> Reading:
        """
        What is *recorded* of a finding, which is suspected at least where the order speaks of it.

        Its words count more than a finding recorded as absent, its codes less.
        """
        stated = self.signs.get(name) or (self.coded.get(name) if recorded.value is None else None)
        if stated is None or recorded.value is True:
            return recorded
        return Reading(None, (self.evidence(stated), *recorded.evidence), True, recorded.gap)


_NONE: Final[frozenset[str]] = frozenset()
NOTHING: Final = Beside()


def beside(order: ServiceRequest, reasons: ReasonCodes, findings: FindingCodes) -> Beside:
    """Everything *order* says besides its reasons; what it says of the child counts against advice only."""
    expecting = ""
    signs: dict[str, str] = {}
    exams: dict[str, str] = {}
    done: dict[str, str] = {}
    for text, about_exam in _texts(order):
        said = _telling(text, reasons)
        if said is not None:
            expecting = expecting or said.pregnancy
            signs = {**said.signs, **signs}
            exams = exams if about_exam else {**said.exams, **exams}
            done = done if about_exam else {**said.done, **done}
    coded = _coded(order, reasons, findings)
    if not (expecting or signs or exams or coded):
        return NOTHING
    source = f"ServiceRequest/{order.id}" if order.id else "ServiceRequest"
    return Beside(expecting, signs, coded, exams, done, source, order.authoredOn or "")


def _telling(text: str, codes: ReasonCodes) -> Said | None:
    """What *text* says, when it says anything besides reasons."""
    said = read(text, codes)
    return said if said.pregnancy or said.signs or said.exams else None


def _texts(order: ServiceRequest) -> Iterator[tuple[str, bool]]:
    """Every text of *order* that may speak of the child, and whether it is about the exam itself."""
    for concept in (order.code, *(order.orderDetail or ())):
        yield from ((text, True) for text in _words(concept))
    for concept in order.reasonCode or ():
        yield from ((text, False) for text in _words(concept))
    for reference in order.reasonReference or ():
        if reference is not None and reference.display:
            yield reference.display, False
    for note in order.note or ():
        if note is not None and note.text:
            yield note.text, False
    if order.patientInstruction:
        yield order.patientInstruction, False


def _words(concept: CodeableConcept | None) -> Iterator[str]:
    if concept is None:
        return
    if concept.text:
        yield concept.text
    for coding in concept.coding or ():
        if coding is not None and coding.display and coding.display != concept.text:
            yield coding.display


def _coded(order: ServiceRequest, reasons: ReasonCodes, codes: FindingCodes) -> dict[str, str]:
    """The findings that reason codes speak of, as in a problem list, each with the record's word for it."""
    told: dict[str, str] = {}
    for concept in order.reasonCode or ():
        for coding in (concept.coding if concept is not None else None) or ():
            if coding is None or not coding.code:
                continue
            key = ("spoken of", id(codes), coding.system, coding.code)
            names = reasons.memory.get(key)
            if names is None:
                names = _spoken_of(codes, coding.system, coding.code)
                keep(reasons, key, names, size=len(coding.code))
            for name in names:
                told.setdefault(name, coding.display or (concept.text if concept else None) or coding.code)
    return told


def _spoken_of(codes: FindingCodes, system: str | None, code: str) -> tuple[str, ...]:
    """The flags that a code says are there, or suspects."""
    flags = [(one.fact.name, meant(one, Sign.YES)) for one in codes.says(system or "", code) if _is_flag(one)]
    return tuple(name for name, said in flags if said is not None and (said.value is True or said.suspected))


def _is_flag(one: Assertion) -> bool:
    return one.fact.fact.kind is Kind.FLAG
