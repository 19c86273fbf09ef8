"""What an order says besides its reasons: a pregnancy, findings that call for care, exams it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from cds_service.facts.findings.answers import meant
from cds_service.facts.reasons.reading import read
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.vocabulary.facts import Kind
from cds_service.vocabulary.finding_codes import FindingCodes
from cds_service.vocabulary.finding_facts import Sign
from cds_service.vocabulary.readings import Evidence, Reading
from cds_service.vocabulary.reason_codes import ReasonCodes


class Beside(NamedTuple):
    """
    What the order's own words and codes say.

    ``pregnancy`` leaves one possible, ``signs`` are findings its words speak of, by fact, ``coded`` those that only its
    reason codes imply; ``exams`` are the modalities of exams it speaks of.
    """

    pregnancy: Evidence | None = None
    signs: Mapping[str, Evidence] = {}
    coded: Mapping[str, Evidence] = {}
    exams: Mapping[str, Evidence] = {}

    def heard(self) -> frozenset[str]:
        """The findings of which anything is said."""
        return frozenset((*self.signs, *self.coded))

    def over(self, name: str, recorded: Reading) -> Reading:
        """
        What is *recorded* of a finding, which is suspected at least where the order speaks of it.

        Its words count more than a finding recorded as absent, its codes less.
        """
        stated = self.signs.get(name) or (self.coded.get(name) if recorded.value is None else None)
        if stated is None or recorded.value is True:
            return recorded
        return Reading(None, (stated, *recorded.evidence), True, recorded.gap)


NOTHING: Final = Beside()


def beside(order: ServiceRequest, reasons: ReasonCodes, findings: FindingCodes) -> Beside:
    """Everything *order* says besides its reasons; what it says of the child counts against advice only."""
    where = Evidence("", f"ServiceRequest/{order.id}" if order.id else "ServiceRequest", order.authoredOn or "")
    pregnancy: Evidence | None = None
    signs: dict[str, Evidence] = {}
    exams: dict[str, Evidence] = {}
    for text, about_exam in _texts(order):
        said = read(text, reasons)
        if said.pregnancy and pregnancy is None:
            pregnancy = where._replace(text=said.pregnancy)
        for found, kept in ((said.signs, signs), ({} if about_exam else said.exams, exams)):
            for name, words in found.items():
                kept.setdefault(name, where._replace(text=words))
    coded = {name: where._replace(text=label) for name, label in _coded(order.reasonCode or (), findings)}
    return Beside(pregnancy, signs, coded, exams) if pregnancy or signs or coded or exams else NOTHING


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


def _coded(concepts: Iterable[CodeableConcept | None], codes: FindingCodes) -> Iterator[tuple[str, str]]:
    """The findings that reason codes speak of, as in a problem list."""
    for concept in concepts:
        for coding in (concept.coding if concept is not None else None) or ():
            if coding is None or not coding.code:
                continue
            search = codes.find.get(coding.system)  # type: ignore[arg-type]  # None finds nothing
            for one in (search(coding.code) if search is not None else None) or ():
                said = meant(one, Sign.YES) if one.fact.fact.kind is Kind.FLAG else None
                if said is not None and (said.value is True or said.suspected):
                    yield one.fact.name, f"{coding.display or (concept.text if concept else None) or coding.code}"
