"""A pregnancy that an order speaks of: no question of safety may hang on it having been recorded elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cds_service.facts.reasons.reading import read
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.vocabulary.readings import Evidence, Reading
from cds_service.vocabulary.reason_codes import ReasonCodes

_POSSIBLE: Final = frozenset({"possible"})
_PREGNANT: Final = "pregnant"


def stated_pregnancy(order: ServiceRequest, codes: ReasonCodes) -> Evidence | None:
    """
    The words of *order* that leave a pregnancy of the patient possible; None when there are none.

    Denied, past and somebody else's pregnancies are none.
    """
    for text in _texts(order):
        if clause := read(text, codes).pregnancy:
            return Evidence(
                clause, f"ServiceRequest/{order.id}" if order.id else "ServiceRequest", order.authoredOn or ""
            )
    return None


def with_pregnancy(recorded: Reading, stated: Evidence | None) -> Reading:
    """What is *recorded* of a pregnancy, which is possible at least where the order states one."""
    if stated is None or (recorded.value and _PREGNANT in recorded.value):
        return recorded
    return Reading(_POSSIBLE, (stated, *recorded.evidence))


def _texts(order: ServiceRequest) -> Iterator[str]:
    for concept in (order.code, *(order.orderDetail or ()), *(order.reasonCode or ())):
        yield from _words(concept)
    for reference in order.reasonReference or ():
        if reference is not None and reference.display:
            yield reference.display
    for note in order.note or ():
        if note is not None and note.text:
            yield note.text
    if order.patientInstruction:
        yield order.patientInstruction


def _words(concept: CodeableConcept | None) -> Iterator[str]:
    if concept is None:
        return
    if concept.text:
        yield concept.text
    for coding in concept.coding or ():
        if coding is not None and coding.display and coding.display != concept.text:
            yield coding.display
