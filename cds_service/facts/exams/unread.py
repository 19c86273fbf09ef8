"""What kind of order no exam was recognised of, in a word that can be counted: it tells where code lists have gaps."""

from __future__ import annotations

from typing import Final

from cds_service.facts.exams.recognise import Recognised
from cds_service.fhir.resources import ServiceRequest

DAMAGED: Final = "damaged code"
DISAGREEING: Final = "codes and words disagree"
NO_EXAM: Final = "no imaging exam"
CODE: Final = "unknown code"
TEXT: Final = "words only"
NOTHING: Final = "nothing"


def is_damaged(recognised: Recognised) -> bool:
    """
    Whether the order's code fails its check digit, read by its words or not.

    >>> is_damaged(Recognised(None, "CT head", why="by its text (code 30799-2 fails its check digit)"))
    True
    """
    return "check digit" in recognised.why


def unread_kind(order: ServiceRequest, recognised: Recognised) -> str:
    """
    Why no exam was recognised, in one of a few words.

    >>> from cds_service.fhir.resources import CodeableConcept, Coding
    >>> unread_kind(ServiceRequest(code=CodeableConcept(text="belly picture")), Recognised(None, "belly picture"))
    'words only'
    >>> unread_kind(ServiceRequest(code=CodeableConcept(coding=[Coding(code="X1")])), Recognised(None, "X1"))
    'unknown code'
    """
    why, concept = recognised.why, order.code
    if is_damaged(recognised):
        return DAMAGED
    if why.startswith("one source says"):
        return DISAGREEING
    if order.doNotPerform or why == "the code is not an exam":
        return NO_EXAM
    if concept is not None and any(one is not None and one.code for one in concept.coding or ()):
        return CODE
    return TEXT if concept is not None and concept.text else NOTHING
