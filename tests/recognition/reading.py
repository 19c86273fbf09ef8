"""Every example read by the service as it ships, with all licensed packs, and scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cds_service.facts.exams import Recognised, recognise
from cds_service.facts.reasons import Reasons, recognise_reasons
from cds_service.fhir.records import given
from cds_service.fhir.resources import CodeableConcept, Coding, ServiceRequest
from cds_service.vocabulary import reason_files
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.reason_codes import ICD10CM, SNOMED, ReasonCodes
from tests.recognition.benchmark import EXAMS, KINDS, Example, examples
from tests.recognition.scoring import RIGHT, SCORES, UNREAD, score_exam, score_reasons

LISTS = Path(__file__).parents[2] / "rules" / "codes"
LICENCES = frozenset({"cpt", "snomed", "mbs"})
SYSTEMS = {"LOINC": "http://loinc.org", "CPT": "http://www.ama-assn.org/go/cpt", "SCT": SNOMED, "ICD": ICD10CM}


class Read(NamedTuple):
    """An example, its score, and what was recognised, in words."""

    example: Example
    score: str
    found: str


@cache
def exam_codes() -> ExamCodes:
    """The exam codes and words as shipped."""
    return ExamCodes.load({path.name: path.read_bytes() for path in (LISTS / "exams").glob("*.yaml")}, LICENCES)


@cache
def reason_codes() -> ReasonCodes:
    """The reasons as shipped."""
    return reason_files.load({path.name: path.read_bytes() for path in (LISTS / "reasons").glob("*.yaml")}, LICENCES)


def concept(kind: str, text: str) -> CodeableConcept:
    """What stands in the order: the text, or the code without its name."""
    if not kind.endswith("-codes"):
        return CodeableConcept(text=text)
    system, code, _ = text.split(" ", 2)
    return CodeableConcept(coding=[Coding(system=SYSTEMS[system], code=code)])


def read(kind: str, example: Example) -> Read:
    """Read one example and score it."""
    said = concept(kind, example.text)
    if kind in EXAMS:
        exam = recognise(ServiceRequest(id="order-1", code=said), exam_codes())
        return Read(example, score_exam(example.label, exam), _exam_words(exam))
    order = ServiceRequest(id="order-1", reasonCode=[said])
    reasons = recognise_reasons(order, given("child"), reason_codes())
    return Read(example, score_reasons(example.label, reasons, reason_codes().lineage), _reason_words(reasons))


def scored(name: str, kind: str) -> list[Read]:
    """Every example of a kind in a later set; behind a question mark stands what may be read, or left unread."""
    found = []
    for example in examples(name, kind):
        one = read(kind, example._replace(label=example.label.removeprefix("?")))
        left = one.score == UNREAD and example.label.startswith("?")
        found.append(one._replace(score=RIGHT) if left else one)
    return found


def _exam_words(found: Recognised) -> str:
    return f"{found.exam or 'nothing'} ({found.why})"


def _reason_words(found: Reasons) -> str:
    left = f", unread: {'; '.join(found.unread)}" if found.unread else ""
    return (" + ".join(sorted(found.names.values)) or "nothing") + left


@cache
def readings(half: str) -> dict[str, tuple[Read, ...]]:
    """All examples of a half, by kind."""
    return {kind: tuple(read(kind, example) for example in examples(half, kind)) for kind in KINDS}


def shares(some: Iterable[Read]) -> dict[str, float]:
    """
    The share of each score, in percent.

    >>> shares([Read(Example("KUB", "XR abdomen"), "right", "")])["right"]
    100.0
    """
    counts = Counter(one.score for one in some)
    return {score: 100 * counts[score] / max(1, counts.total()) for score in SCORES}
