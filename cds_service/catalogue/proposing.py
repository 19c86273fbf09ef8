"""What each row of a hospital's table seems to order, how sure that is, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cds_service.catalogue.table import Listed
from cds_service.facts.exams import recognise_concept
from cds_service.facts.exams.catalogued import CPT, LOINC, disagree, said
from cds_service.fhir.resources import CodeableConcept, Coding
from cds_service.vocabulary.check_digits import loinc_holds
from cds_service.vocabulary.exam_codes import Coded, ExamCodes
from cds_service.vocabulary.exam_words import Words, fold

SURE, DOUBTFUL, UNREAD = "sure", "doubtful", "unread"
_FILLERS: Final = frozenset({
    "a", "an", "and", "as", "by", "for", "from", "in", "of", "on", "per", "the", "iv", "to", "incl", "including",
    "exam", "examination", "exams", "imaging", "img", "scan", "scans", "study", "studies", "series", "single",
    "multiple", "multi", "min", "max", "minimum", "maximum", "only", "each", "both", "ap", "pa", "lat",
    "lateral", "frontal", "oblique", "obliques", "axial", "standing", "upright", "supine", "erect", "weight",
    "bearing", "unilateral", "unilat", "uni", "right", "left", "side", "sided",
})  # fmt: skip
"""Words that change nothing about the exam's modality, region, contrast or passes."""
_NUMBER: Final = re.compile(r"\d{1,2}v?|v\d")


class Proposal(NamedTuple):
    """One row with the exam it seems to order: a phrase, empty when none could be told."""

    row: Listed
    exam: str
    sureness: str
    why: str


def propose(row: Listed, lists: ExamCodes, systems: Sequence[str] = ()) -> Proposal:
    """
    The exam *row* seems to order.

    It is sure when its LOINC or CPT code and its name agree, or when the name alone was read to its last word.
    """
    known, notes = _known(row, lists, systems)
    named = recognise_concept(CodeableConcept(text=row.name), lists)
    codings = [Coding(system=system, code=code) for _, system, code, _ in known]
    joint = recognise_concept(CodeableConcept(coding=codings, text=row.name), lists)
    by = ", ".join(f"{label} {code}" for label, _, code, _ in known)
    if joint.exam is None:
        told = "; ".join(f"{label} {code} is {said(coded)}" for label, _, code, coded in known)
        name = f"the name reads as {named.exam}" if named.exam is not None else f"the name: {named.why}"
        return Proposal(row, "", UNREAD, "; ".join(filter(None, (told, name, *notes))))
    exam = Coded(joint.exam)
    if known and named.exam is None:
        ((_, _, _, coded), *others) = known
        phrase = said(exam if others else coded if coded.exam.modality and coded.exam.regions else exam)
        return Proposal(row, phrase, DOUBTFUL, f"by {by} alone; the name: {named.why}")
    if known:
        assert named.exam is not None
        against = [*_against(known, Coded(named.exam)), *notes]
        agreed = f"by {by} and the name" if not against else "; ".join(against)
        return Proposal(row, said(exam), DOUBTFUL if against else SURE, agreed)
    unread = unread_words(row.name, lists.words)
    doubts = [*([f"not read: {', '.join(unread)}"] if unread else ()), *notes]
    return Proposal(row, said(exam), DOUBTFUL if doubts else SURE, "; ".join(doubts) or "by the name")


_Known = tuple[str, str, str, Coded]


def _known(row: Listed, lists: ExamCodes, systems: Sequence[str]) -> tuple[list[_Known], list[str]]:
    """The codes of the row that we know, as label, system, code and meaning; and what is wrong with the others."""
    known, notes = [], []
    given = [("LOINC", LOINC, row.loinc), ("CPT", CPT, row.cpt)]
    given += [("your list's", system, row.code) for system in systems]
    for label, system, code in given:
        coded = lists.get(system, code)
        if coded is not None:
            known.append((label, system, code, coded))
        elif label == "LOINC" and code and not loinc_holds(code):
            notes.append(f"LOINC {code} fails its check digit")
    return known, notes


def _against(known: Sequence[_Known], named: Coded) -> Iterator[str]:
    """Each code that says another exam than the name, or a wider or narrower one."""
    for label, _, code, coded in known:
        wider = not coded.any_of and coded.exam.regions and coded.exam.mask != named.exam.mask
        if disagree(coded, named) or wider:
            yield f"{label} {code} is {said(coded)}; the name reads as {said(named)}"


def unread_words(name: str, words: Words) -> list[str]:
    """The words of *name* that no list of words knows and that might change the exam."""
    tokens = fold(name)
    place, unread = 0, []
    while place < len(tokens):
        longest = min(words.longest.get(tokens[place], 0), len(tokens) - place)
        sizes = range(longest, 0, -1)
        size = next((one for one in sizes if " ".join(tokens[place : place + one]) in words.meanings), 0)
        if not size and not (tokens[place] in _FILLERS or tokens[place] == "+" or _NUMBER.fullmatch(tokens[place])):
            unread.append(tokens[place])
        place += size or 1
    return unread
