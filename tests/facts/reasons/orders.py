"""Orders with reasons, short to write."""

from collections.abc import Iterator
from itertools import product

from cds_service.facts.reasons import Reasons, recognise_reasons
from cds_service.fhir.records import Records, given
from cds_service.fhir.resources import CodeableConcept, Coding, ServiceRequest
from cds_service.vocabulary.reason_codes import ICD10CM, ReasonCodes

NOTHING = given("child")


def icd(code: str, text: str | None = None, display: str | None = None) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=ICD10CM, code=code, display=display)], text=text)


def worded(text: str) -> CodeableConcept:
    return CodeableConcept(text=text)


def reasons_of(codes: ReasonCodes, *concepts: CodeableConcept, records: Records = NOTHING, **more) -> Reasons:
    order = ServiceRequest(id="order-1", reasonCode=list(concepts) or None, **more)
    return recognise_reasons(order, records, codes)


def narrowest(reasons: Reasons, codes: ReasonCodes) -> set[str]:
    """The names that no other name implies."""
    names = reasons.names.values
    return {name for name in names if not any(name in codes.lineage[other] for other in names if other != name)}


def spread(phrase: str) -> Iterator[str]:
    """Every text that a phrase with alternatives stands for."""
    return map(" ".join, product(*(part.split("|") for part in phrase.split())))
