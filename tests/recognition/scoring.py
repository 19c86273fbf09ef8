"""Right, partly, unread or wrong: what was recognised against what the label says."""

from __future__ import annotations

from collections.abc import Mapping

from cds_service.facts.exams import Recognised
from cds_service.facts.reasons import Reasons
from cds_service.vocabulary.exams import Exam, exam
from tests.recognition.benchmark import exam_label, reason_label

RIGHT, PARTLY, UNREAD, WRONG = SCORES = ("right", "partly", "unread", "wrong")
LATER = frozenset(
    [
        "acute-post-traumatic-headache",
        "antenatal-hydronephrosis",
        "appendix-not-seen",
        "arterial-dissection",
        "back-pain-with-red-flag",
        "bronchiolitis-asthma-croup",
        "cervical-fracture-known",
        "cns-vasculitis",
        "congenital-eye-trouble",
        "crohn-disease",
        "crohn-flare",
        "crohn-monitoring",
        "crohn-suspected",
        "ddh-in-harness",
        "ddh-positive-exam",
        "ddh-risk",
        "deep-neck-infection",
        "fever-of-unknown-origin",
        "gross-hematuria",
        "high-flow-malformation",
        "infantile-hemangioma",
        "intracerebral-hemorrhage",
        "leukocoria",
        "limb-fracture-known",
        "low-flow-malformation",
        "microscopic-hematuria",
        "mild-hydronephrosis",
        "nystagmus",
        "ovarian-cause",
        "overuse-back-pain",
        "parotid-mass",
        "pelvic-pain",
        "perianal-fistula",
        "precocious-puberty",
        "progressive-ataxia",
        "recurrent-ataxia",
        "secondary-headache",
        "septic-arthritis",
        "severe-hydronephrosis",
        "spinal-infection",
        "spine-fracture-known",
        "stable-ataxia",
        "stroke-arteriopathy",
        "subarachnoid-hemorrhage",
        "sudden-ataxia",
        "sudden-vision-loss",
        "vascular-anomaly",
    ]
)
"""Reasons split off wider ones after the labels were written: true where the wider one is."""
CONTRASTED = ("CT", "MR")


def score_exam(label: str, found: Recognised) -> str:
    """How well an exam was recognised; one without modality or region is none."""
    named = found.exam if found.exam and found.exam.modality and found.exam.regions else None
    if label == "guidance":
        return RIGHT if named is None or found.purpose == "guidance" else WRONG
    if named is None:
        return RIGHT if label == "unread" else UNREAD
    return WRONG if label == "unread" else _against(label, named)


def _against(label: str, named: Exam) -> str:
    phrases, open_contrast = exam_label(label)
    truths = [exam(phrase) for phrase in phrases]
    if not any(truth.modality == named.modality and truth.mask == named.mask for truth in truths):
        return WRONG
    return _contrast({open_contrast, None} if open_contrast else {truths[0].contrast}, named)


def _contrast(accepted: set[str | None], named: Exam) -> str:
    if named.modality not in CONTRASTED or named.contrast in accepted:
        return RIGHT
    return PARTLY if named.contrast is None else WRONG


def score_reasons(label: str, found: Reasons, lineage: Mapping[str, frozenset[str]]) -> str:
    """How well reasons were recognised; what a reason of the label implies is never wrong."""
    needed, optional, other = reason_label(label)
    names = found.names.values
    true = optional.union(*needed)
    later = {name for name in names & LATER if lineage[name] & true}
    if names - later - true.union(*(lineage[name] for name in true)):
        return WRONG
    if not names:
        return UNREAD if needed else RIGHT
    whole = all(some & names for some in needed) and (found.names.complete or other)
    return RIGHT if whole else PARTLY
