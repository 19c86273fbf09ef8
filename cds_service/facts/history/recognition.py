"""
Exam recognition for the history: each distinct concept once, and a study's images before its words.

Histories repeat few concepts, so what one means is kept as long as the code lists are in force. Studies,
reports and procedures are told apart by the very text of what names their exam: reading it again would cost
more than everything else that is done with an old exam.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from cds_service.facts.exams import recognise_concept
from cds_service.facts.exams.recognise import MEMORY
from cds_service.facts.history import categories
from cds_service.facts.history.exposure import no_exposure, perhaps_none
from cds_service.facts.history.modalities import acquired, agree, purpose_of, union
from cds_service.facts.history.record import DIAGNOSTIC, SOME_EXAM, Seen
from cds_service.facts.history.words import named
from cds_service.fhir.bundles import UNREADABLE
from cds_service.fhir.resources import (
    CodeableConcept,
    Coding,
    DiagnosticReport,
    ImagingStudy,
    Procedure,
    Written,
)
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.exams import Exam

T = TypeVar("T")

NOTHING: Final = Seen()
"""No exam is told."""
NO_IMAGING: Final = Seen()
"""It is told that this is no imaging."""
UNREAD: Final = Seen()
"""What names the exam cannot be read at all."""

_CODING: Final = msgspec.json.Decoder(Coding | None).decode
_CODINGS: Final = msgspec.json.Decoder(list[Coding] | None).decode
_CONCEPT: Final = msgspec.json.Decoder(CodeableConcept | None).decode
_CONCEPTS: Final = msgspec.json.Decoder(list[CodeableConcept] | None).decode
_OURS: Final = "history"  # our part of the memory that dies with the code lists
_ANYWHERE: Final = "whole body"
_WORDS: Final = {"PT": "PET", "XA": "RF"}  # what a text has to say for the modality to be understood
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"


class Eyes:
    """Recognises exams with *codes*, remembering what it saw."""

    __slots__ = ("_codes", "_memory")

    def __init__(self, codes: ExamCodes) -> None:
        self._codes = codes
        self._memory: dict[Any, Seen] = codes.memory.setdefault(_OURS, {})

    def concept(
        self, concept: CodeableConcept | None, sites: Sequence[CodeableConcept] = (), texts: Sequence[str] = ()
    ) -> Seen:
        """The exam that *concept* names, helped by body sites and further texts."""
        key: object = _key(concept)
        if sites or texts:
            key = (key, tuple(map(_key, sites)), tuple(texts))
        seen = self._memory.get(key)
        return self._remember(key, self._look(concept, sites, texts)) if seen is None else seen

    def study(self, study: ImagingStudy) -> Seen:
        """The exam that an imaging study shows; its DICOM modalities are believed before its words."""
        series = study.series
        if not series:
            written = b",".join((study.modality, study.procedureCode))
        elif len(series) == 1:
            only = series[0]
            written = b",".join((study.modality, study.procedureCode, only.modality, only.bodySite))
        else:
            distinct = dict.fromkeys([b",".join((one.modality, one.bodySite)) for one in series])
            written = b",".join((study.modality, study.procedureCode, *distinct))
        key = (written, study.description)
        seen = self._memory.get(key)
        return self._remember(key, _try(self._study, study)) if seen is None else seen

    def report(self, report: DiagnosticReport) -> Seen:
        """The exam that a report tells of."""
        key = b",".join((report.category, report.code))
        seen = self._memory.get(key)
        return self._remember(key, _try(self._report, report)) if seen is None else seen

    def procedure(self, procedure: Procedure) -> Seen:
        """The exam that a procedure is."""
        code = procedure.code
        coding = code.coding if code is not None else None
        written = b",".join((procedure.category, procedure.bodySite))
        key: object
        if code is not None and coding and len(coding) == 1:
            only = coding[0]
            key = (written, only.code, only.system, only.display, code.text)
        else:
            key = (written, _key(code))
        seen = self._memory.get(key)
        return self._remember(key, _try(self._procedure, procedure)) if seen is None else seen

    def _study(self, study: ImagingStudy) -> Seen:
        told = [coding.code for coding in _read(_CODINGS, study.modality) or ()]
        places: list[Coding] = []
        for series in study.series or ():
            modality, place = _read(_CODING, series.modality), _read(_CODING, series.bodySite)
            told.append(modality.code if modality is not None else None)
            if place is not None and place not in places:
                places.append(place)
        procedures = _read(_CONCEPTS, study.procedureCode) or ()
        modalities = frozenset(filter(None, told))
        shown = acquired(modalities)
        if shown is None and modalities:
            return NOTHING
        sites = [CodeableConcept(coding=[_site(place)]) for place in places]
        return _fuse(shown, self._named(shown, procedures, sites, study.description or ""))

    def _report(self, report: DiagnosticReport) -> Seen:
        imaging, hint = categories.of_report(_read(_CONCEPTS, report.category) or ())
        if imaging is False:
            return NO_IMAGING
        code = _read(_CONCEPT, report.code)
        seen = self.concept(code)
        if seen.exam is None and (imaging or categories.names_imaging(code)):
            seen = Seen(hint or SOME_EXAM, sure=hint is not None)
        return seen.called("", _title(code))

    def _procedure(self, procedure: Procedure) -> Seen:
        category = _read(_CONCEPT, procedure.category)
        seen = self.concept(procedure.code, _read(_CONCEPTS, procedure.bodySite) or ())
        if seen.exam is None:
            if category is None or not categories.is_imaging(category):
                return NO_IMAGING
            seen = Seen(SOME_EXAM, sure=False)
        return seen.called("", _title(procedure.code))

    def _remember(self, key: object, seen: Seen) -> Seen:
        if seen.exam is not None:
            seen = seen.called(named(seen.exam), seen.title)
        if len(self._memory) >= MEMORY:
            self._memory.clear()
        self._memory[key] = seen
        return seen

    def _named(
        self, shown: Exam | None, procedures: Sequence[CodeableConcept], sites: list[CodeableConcept], text: str
    ) -> list[Seen]:
        """What a study's codes and words name; with neither, its body sites in the modality its images show."""
        texts = (text,) if text else ()
        found = [seen for procedure in procedures if (seen := self.concept(procedure, sites, texts)).exam is not None]
        if not found and text:
            found = [seen for seen in (self.concept(None, sites, texts),) if seen.exam is not None]
        if shown is not None and not any(seen.exam is not None and seen.exam.regions for seen in found):
            word = _WORDS.get(shown.modality, shown.modality)
            for texts in ((f"{word} {text}",), (word,)):
                exam = self.concept(None, sites, texts).exam
                if exam is not None and exam.regions:
                    return [*found, Seen(exam._replace(modality=shown.modality))]
        return found

    def _look(self, concept: CodeableConcept | None, sites: Sequence[CodeableConcept], texts: Sequence[str]) -> Seen:
        spoken = " ; ".join([*_spoken(concept), *texts])
        if no_exposure(spoken):
            coded = self._coded(concept)
            return NOTHING if coded is None else Seen(coded, purpose_of(coded), sure=False)
        seen = self._read(concept, sites, texts)
        return seen if seen.exam is None or not perhaps_none(spoken) else Seen(seen.exam, seen.purpose, sure=False)

    def _read(self, concept: CodeableConcept | None, sites: Sequence[CodeableConcept], texts: Sequence[str]) -> Seen:
        concept = categories.without_some_study(concept)
        seen = self._ask(concept, sites, texts)
        if seen.exam is None and concept is not None and concept.coding:
            seen = self._at_odds(concept)
        if seen.exam is None:
            # A region nobody can mean tells whether at least the modality is known.
            exam = self._ask(concept, (), (*texts, _ANYWHERE)).exam
            if exam is not None:
                seen = Seen(exam._replace(regions=frozenset()), purpose_of(exam))
        return seen

    def _at_odds(self, concept: CodeableConcept) -> Seen:
        """What a concept may mean whose code and words name two different exams."""
        coded = self._coded(concept)
        if coded is None:
            return NOTHING
        text = concept.text or next((each.display for each in concept.coding or () if each.display), "")
        worded = self._ask(CodeableConcept(text=text), (), ()).exam
        if worded is None:
            return Seen(coded, purpose_of(coded), sure=False)
        if not agree(coded, worded):
            return Seen(SOME_EXAM, sure=False)
        return Seen(coded._replace(regions=coded.regions | worded.regions), purpose_of(coded), sure=False)

    def _coded(self, concept: CodeableConcept | None) -> Exam | None:
        """The exam that the codes of *concept* name, whatever its words say."""
        coding = (concept.coding if concept is not None else None) or ()
        return self._ask(CodeableConcept(coding=[Coding(each.system, each.code) for each in coding]), (), ()).exam

    def _ask(self, concept: CodeableConcept | None, sites: Sequence[CodeableConcept], texts: Sequence[str]) -> Seen:
        recognised = recognise_concept(concept, self._codes, texts=texts, sites=sites)
        exam = recognised.exam
        return NOTHING if exam is None else Seen(exam, purpose_of(exam, recognised.purpose))


def _read(read: Callable[[bytes], T], written: Written) -> T | None:
    text = bytes(written)
    return read(text) if text else None


def _try(look: Callable[[T], Seen], resource: T) -> Seen:
    try:
        return look(resource)
    except UNREADABLE:
        return UNREAD


def _spoken(concept: CodeableConcept | None) -> list[str]:
    """The words of a concept."""
    if concept is None:
        return []
    return [text for text in (concept.text, *(one.display for one in concept.coding or ())) if text]


def _title(concept: CodeableConcept | None) -> str:
    if concept is None:
        return ""
    return concept.text or (concept.coding[0].display if concept.coding else None) or ""


def _site(place: Coding) -> Coding:
    """A body site; a bare word is DICOM's own (Body Part Examined)."""
    return place if place.system else Coding(_DICOM, (place.code or "").upper(), place.display)


def _key(concept: CodeableConcept | None) -> object:
    if concept is None:
        return None
    coding = concept.coding
    if coding and len(coding) == 1:
        only = coding[0]
        return (only.system, only.code, only.display, concept.text)
    return (concept.text, *[(each.system, each.code, each.display) for each in coding or ()])


def _fuse(shown: Exam | None, named: Sequence[Seen]) -> Seen:
    """Images tell the modality, words the region; words about another modality are not believed."""
    told = [(seen, seen.exam) for seen in named if seen.exam is not None]
    if not told:
        return Seen(SOME_EXAM, sure=False) if shown is None else Seen(shown, purpose_of(shown))
    base = shown or told[0][1]
    fitting = [(seen, exam) for seen, exam in told if agree(exam, base)]
    if shown is None and len(fitting) < len(told):
        return Seen(SOME_EXAM, sure=False)
    exams = [exam for _, exam in fitting]
    exam = union([base, *exams] if shown is not None else exams)
    purposes = [seen.purpose for seen, _ in fitting if seen.purpose != DIAGNOSTIC]
    sure = len(fitting) == len(told) and all(seen.sure for seen, _ in fitting)
    return Seen(exam, purposes[0] if purposes else purpose_of(exam), sure=sure)
