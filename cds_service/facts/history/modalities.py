"""
DICOM modality codes read as exams: what was scanned with, and whether it was a diagnostic exam at all.

Reference: DICOM PS3.3 C.7.3.1.1.1 (Modality), with its retired codes, which archives still hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cds_service.facts.history.record import DIAGNOSTIC
from cds_service.vocabulary.exams import Exam

_OURS: Final = {
    code: ours
    for ours, codes in {
        "CT": "CT",
        "PT": "PT",
        "NM": "NM ST",
        "XA": "XA DS",
        "RF": "RF CF DF VF",
        "MR": "MR MA MS",
        "XR": "CR DX RG IO PX MG BMD",
        "US": "US IVUS EC CD DD",
    }.items()
    for code in codes.split()
}
_FIRST: Final = tuple(dict.fromkeys(_OURS.values()))
_PLANNING: Final = frozenset({"RTPLAN", "RTSTRUCT"})
_EXAMS: Final = {
    "IO": Exam("XR", frozenset({"jaw"})),
    "PX": Exam("XR", frozenset({"jaw"})),
    "MG": Exam("XR", frozenset({"chest-wall"})),
    "BMD": Exam("XR", frozenset(), techniques=frozenset({"densitometry"})),
}
_PROJECTIONS: Final = frozenset({"XR", "RF", "XA"})
_KINDS: Final = frozenset({"hybrid", "guidance", "planning", "cone-beam"})


@lru_cache(maxsize=512)
def acquired(codes: frozenset[str]) -> Exam | None:
    """
    The exam that a study's DICOM modalities show, regions open; None when nothing was acquired.

    A CT beside PET or nuclear images is the CT part of a hybrid exam, beside radiotherapy objects a
    planning scan, beside an arteriogram a cone-beam scan of the angiography suite.

    >>> acquired(frozenset({"CT", "SR"})), acquired(frozenset({"SR"}))
    (Exam(modality='CT', regions=frozenset(), contrast=None, passes=0, techniques=frozenset()), None)
    >>> str(acquired(frozenset({"PT", "CT"})))
    'PT hybrid'
    """
    found = {_OURS[code] for code in codes if code in _OURS}
    if not found:
        return None
    if len(found) == 1 and len(codes) == 1:
        single = _EXAMS.get(next(iter(codes)))
        if single is not None:
            return single
    modality = next(ours for ours in _FIRST if ours in found)
    return Exam(modality, frozenset(), techniques=_beside(found, codes))._replace(
        modality="PT" if "PT" in found else "NM" if {"NM", "CT"} <= found else modality
    )


def _beside(found: set[str], codes: frozenset[str]) -> frozenset[str]:
    if found & {"CT", "MR"} and found & {"PT", "NM"}:
        return frozenset({"hybrid"})
    if codes & _PLANNING:
        return frozenset({"planning"})
    return frozenset({"cone-beam"}) if {"CT", "XA"} <= found else frozenset()


def agree(one: Exam, other: Exam) -> bool:
    """Whether two accounts may be of one exam: the same modality, projections, or parts of a hybrid."""
    if one.modality == other.modality or not one.modality or not other.modality:
        return True
    if one.modality in _PROJECTIONS and other.modality in _PROJECTIONS:
        return True
    return "hybrid" in one.techniques or "hybrid" in other.techniques


def union(exams: Sequence[Exam]) -> Exam:
    """
    One exam from several accounts of it, the first believed most.

    >>> head, neck = Exam("CT", frozenset({"head"}), "without", 1), Exam("CT", frozenset({"neck"}))
    >>> str(union([head, neck]))
    'CT head+neck without contrast'
    """
    first = exams[0]
    if len(exams) == 1:
        return first
    modality = first.modality
    if modality in _PROJECTIONS or not modality:  # a study of plain images may belong to a fluoroscopy
        modality = next((exam.modality for exam in exams if exam.regions), modality)
    return Exam(
        modality,
        frozenset().union(*(exam.regions for exam in exams)),
        next((exam.contrast for exam in exams if exam.contrast is not None), None),
        max(exam.passes for exam in exams),
        frozenset().union(*(exam.techniques for exam in exams)),
    )


def purpose_of(exam: Exam, purpose: str = "") -> str:
    """The kind of exam: diagnostic, hybrid, guidance, planning or cone-beam."""
    special = exam.techniques & _KINDS
    if special:
        return min(special)
    return purpose if purpose in _KINDS else DIAGNOSTIC
