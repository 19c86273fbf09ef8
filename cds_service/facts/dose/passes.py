"""
How often the body was scanned, where the exam's name does not say: from what the series are called.

Series are never counted, since one pass gives many; counted are phases that differ. Pictures to plan the scan, and
those that watch the contrast arrive, are no pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from cds_service.fhir.bundles import UNREADABLE
from cds_service.fhir.resources import ImagingStudy, Series
from cds_service.vocabulary.exams import Exam

_CODE: Final = re.compile(rb'"code"\s*:\s*"CT"')
_NO_PASS: Final = re.compile(
    r"\b(?:scout|topogram|localizer|surview|bolus|monitoring|smart\s?prep|tracker|dose)\b", re.IGNORECASE
)
_PHASES: Final = tuple(
    re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)
    for words in (
        r"without|w/?o|non-?\s?con\w*|unenhanced|native|nativ|pre-?\s?con\w*",
        r"arterial|art",
        r"portal|venous|pv|post-?\s?con\w*|c\+|enhanced|with\s(?:iv\s)?contrast|w/?\s(?:iv\s)?contrast",
        r"delay\w*|excretory|late|urographic|nephrographic",
    )
)
_TEXT: Final = msgspec.json.Decoder(str | None).decode


def with_passes(exam: Exam, studies: Iterable[ImagingStudy]) -> Exam:
    """*exam* with the passes that the series of its CT show, where they show more than its name tells."""
    if exam.modality != "CT":
        return exam
    shown = max((_phases(study.series or ()) for study in studies), default=0)
    return exam._replace(passes=shown) if shown > exam.passes else exam


def _phases(series: Iterable[Series]) -> int:
    found: set[int] = set()
    for one in series:
        text = _said(one)
        if text and not _NO_PASS.search(text):
            phase = next((place for place, words in enumerate(_PHASES) if words.search(text)), None)
            if phase is not None:
                found.add(phase)
    return len(found)


def _said(series: Series) -> str:
    """What the series is called; empty when it is no CT or cannot be read."""
    written, modality = bytes(series.description), bytes(series.modality)
    if not written or (modality and not _CODE.search(modality)):
        return ""
    try:
        return _TEXT(written) or ""
    except UNREADABLE:
        return ""
