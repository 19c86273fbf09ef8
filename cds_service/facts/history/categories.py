"""
What a resource's category and other plain codes tell before its exam is recognised.

Reference: HL7 v2 table 0074 (diagnostic service section), LOINC LP29684-5 (radiology), SNOMED CT 394914008
(radiology) and 363679005 (imaging), LOINC 18748-4 and its like (a study, exam not told), DICOM PS3.16 for the
dose components (113813 CT dose-length product total, 113814 CT effective dose total).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from cds_service.facts.history.record import Seen
from cds_service.fhir.resources import CodeableConcept, Component
from cds_service.vocabulary.exams import Exam

_HINTS: Final = {
    "CT": "CT",
    "NMR": "MR",
    "NMS": "NM",
    "RX": "XR",
    "XRC": "RF",
    **dict.fromkeys(("RUS", "OUS", "VUS", "CUS"), "US"),
}
_MODALITY: Final = {code: Exam(modality, frozenset()) for code, modality in _HINTS.items()}
_IMAGING: Final = frozenset({"RAD", "LP29684-5", "394914008", "363679005", "imaging", *_HINTS})
_LABORATORY: Final = ("LAB", "laboratory", "CH", "HM", "MB", "MCB", "MYC", "SP", "SR", "TX", "VR", "IMM", "BLB", "BG")
_NO_IMAGING: Final = frozenset({*_LABORATORY, "CG", "GE", "CP", "OSL", "RC", "PF", "EC", "EN", "AU", "26436-6"})
_SOME_STUDY: Final = frozenset({"18748-4", "18726-0", "18782-3"})
_CT_DOSE: Final = frozenset({"113813", "113814", "113838", "113830", "77477000"})
_CT_WORDS: Final = re.compile(r"\b(?:DLP|CTDI)", re.IGNORECASE)
_SOME_CT: Final = Seen(_MODALITY["CT"])
_NOT_TOLD: Final = Seen()


def of_report(category: Sequence[CodeableConcept]) -> tuple[bool | None, Exam | None]:
    """
    Whether a report is imaging (True), surely not (False) or may be (None); and a modality it names.

    >>> from cds_service.fhir.resources import Coding
    >>> of_report([CodeableConcept(coding=[Coding(code="LAB")])])
    (False, None)
    """
    told: bool | None = None
    for concept in category:
        for coding in concept.coding or ():
            code = coding.code
            if code in _IMAGING:
                hint = _MODALITY.get(code)
                if hint is not None:
                    return True, hint
                told = True
            elif code in _NO_IMAGING and told is None:
                told = False
    return told, None


def is_imaging(concept: CodeableConcept) -> bool:
    """Whether *concept* is a category of imaging."""
    return any(coding.code in _IMAGING for coding in concept.coding or ())


def names_imaging(concept: CodeableConcept | None) -> bool:
    """Whether *concept* says that some imaging study was done, but not which."""
    return concept is not None and any(coding.code in _SOME_STUDY for coding in concept.coding or ())


def without_some_study(concept: CodeableConcept | None) -> CodeableConcept | None:
    """*concept* without the codes that say only that some study was done, so that its words can tell which."""
    if concept is None or not names_imaging(concept):
        return concept
    return CodeableConcept(coding=[c for c in concept.coding or () if c.code not in _SOME_STUDY], text=concept.text)


def has_code(concept: CodeableConcept, code: str) -> bool:
    """Whether one of the codings is *code*."""
    coding = concept.coding
    if not coding:
        return False
    return coding[0].code == code or (len(coding) > 1 and any(each.code == code for each in coding))


def dosed(components: Sequence[Component], text: str = "") -> Seen:
    """What a dose summary tells of its exam: a CT where it tells CT dose, in codes or words; otherwise nothing."""
    if text and _CT_WORDS.search(text):
        return _SOME_CT
    for component in components:
        for concept in (component.code, component.valueCodeableConcept):
            if concept is not None and any(coding.code in _CT_DOSE for coding in concept.coding or ()):
                return _SOME_CT
    return _NOT_TOLD
