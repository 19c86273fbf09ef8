"""What an order says besides its reasons: a pregnancy, findings that call for care, exams it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from cds_service.facts.findings.answers import in_words, meant
from cds_service.facts.reasons.reading import Said, keep, read
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.vocabulary.facts import Kind
from cds_service.vocabulary.finding_codes import FindingCodes
from cds_service.vocabulary.finding_facts import FindingFact, Sign, Value
from cds_service.vocabulary.readings import Evidence, Reading
from cds_service.vocabulary.reason_codes import ReasonCodes


class Beside(NamedTuple):
    """
    What the order's own words and codes say; each in its own words, which become evidence when somebody asks.

    ``expecting`` leaves a pregnancy possible, ``signs`` are findings its words or its reason codes speak of, by fact,
    ``values`` what a code says of one of several values; ``exams`` are the modalities of exams it speaks of, ``done``
    those it tells of as done.
    """

    expecting: str = ""
    signs: Mapping[str, str] = {}
    values: Mapping[str, Value] = {}
    exams: Mapping[str, str] = {}
    done: Mapping[str, str] = {}
    facts: Mapping[str, FindingFact] = {}
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
        return frozenset(self.signs) if self.signs else _NONE

    def over(self, name: str, recorded: Reading) -> Reading:
        """
        What is *recorded* of a finding, which is suspected at least where the order speaks of it.

        The order was written after the record: what it says counts more than a finding recorded as absent.
        """
        stated, fact = self.signs.get(name), self.facts.get(name)
        if stated is None or fact is None:
            return recorded
        if recorded.value is not None and not fact.reassuring(recorded.value):
            return recorded
        value = self.values.get(name, in_words(fact, Sign.SUSPECTED).value)
        evidence = recorded.evidence if fact.sensitive else (self.evidence(stated), *recorded.evidence)
        return Reading(value, evidence, value is None, recorded.gap)


_OF_SAFETY: Final = "safety."
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
    values: dict[str, Value] = {}
    for name, (words, value) in _coded(order, reasons, findings).items():
        if name not in signs and value is not None:
            values[name] = value
        signs.setdefault(name, words)
    if not (expecting or signs or exams):
        return NOTHING
    source = f"ServiceRequest/{order.id}" if order.id else "ServiceRequest"
    return Beside(expecting, signs, values, exams, done, findings.findings, source, order.authoredOn or "")


def all_beside(orders: Iterable[ServiceRequest], reasons: ReasonCodes, findings: FindingCodes) -> Beside:
    """What *orders* say of the child's safety: it holds for every order, whichever of them says it."""
    signs: dict[str, str] = {}
    values: dict[str, Value] = {}
    for order in orders:
        said = beside(order, reasons, findings)
        lasting = {name: words for name, words in said.signs.items() if name.startswith(_OF_SAFETY)}
        values.update((name, value) for name, value in said.values.items() if name in lasting and name not in signs)
        signs = {**lasting, **signs}
    return Beside(signs=signs, values=values, facts=findings.findings) if signs else NOTHING


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


def _coded(order: ServiceRequest, reasons: ReasonCodes, codes: FindingCodes) -> dict[str, tuple[str, Value | None]]:
    """The findings that reason codes speak of, as in a problem list, each with the record's word for it."""
    told: dict[str, tuple[str, Value | None]] = {}
    for concept in order.reasonCode or ():
        for coding in (concept.coding if concept is not None else None) or ():
            if coding is None or not coding.code:
                continue
            key = ("spoken of", id(codes), coding.system, coding.code)
            names = reasons.memory.get(key)
            if names is None:
                names = _spoken_of(codes, reasons, coding.system, coding.code)
                keep(reasons, key, names, size=len(coding.code))
            words = coding.display or (concept.text if concept else None) or coding.code
            for name, value in names:
                told.setdefault(name, (words, value))
    return told


def _spoken_of(
    codes: FindingCodes, reasons: ReasonCodes, system: str | None, code: str
) -> tuple[tuple[str, Value | None], ...]:
    """What a code, or a reason it states, says is there or suspects; of one of several values also which."""
    told: dict[str, Value | None] = {}
    for one in codes.says(system or "", code):
        said = meant(one, Sign.YES) if one.fact.fact.kind is not Kind.NUMBER else None
        if said is not None and (said.suspected or (said.value is not None and not one.fact.reassuring(said.value))):
            told.setdefault(one.fact.name, None if isinstance(said.value, bool) else said.value)
    stated = reasons.coded(system, code)
    for name in stated.names if stated is not None else ():
        for reason in reasons.lineage[name]:
            told.update((fact, told.get(fact)) for fact in reasons.wording.states.get(reason, ()))
    return tuple(told.items())
