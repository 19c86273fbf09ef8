"""The approved lines of a hospital's exam catalogue laid over the code lists, unless the two contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cds_service.errors import ContentError, Problem
from cds_service.facts.exams.said import coded_says, join
from cds_service.vocabulary.exam_codes import Coded, ExamCodes
from cds_service.vocabulary.site_catalogue import NO_EXAM, Row, Sheet

LOINC: Final = "http://loinc.org"
CPT: Final = "http://www.ama-assn.org/go/cpt"


class CataloguedCodes(ExamCodes):
    """Code lists with the hospital's own codes beside them."""

    def __init__(self, lists: ExamCodes, own: Mapping[str, Mapping[str, Coded]]) -> None:
        super().__init__(own, lists.words)
        self._lists = lists

    def get(self, system: str | None, code: str | None) -> Coded | None:
        """What a code says: the hospital's own, or one of the lists."""
        return self._lists.get(system, code) or super().get(system, code)

    def items(self) -> Iterator[tuple[str, str, Coded]]:
        """Every code in force, those of the lists first."""
        yield from self._lists.items()
        yield from super().items()


def lay_over(lists: ExamCodes, sheets: Iterable[Sheet]) -> ExamCodes:
    """
    *lists* with the approved rows of *sheets*; *lists* themselves when nothing is approved.

    Raises ContentError with every row that means something else elsewhere.
    """
    tables: dict[str, dict[str, Coded]] = {}
    problems: list[Problem] = []
    for sheet in sheets:
        table = next((tables[name] for name in sheet.systems if name in tables), {})
        for row in sheet.approved:
            problems.extend(contradictions(sheet, row, lists))
            table[row.code] = row.coded
        tables.update(dict.fromkeys(sheet.systems, table))
    if problems:
        raise ContentError(sorted(problems))
    return CataloguedCodes(lists, tables) if any(tables.values()) else lists


def contradictions(sheet: Sheet, row: Row, lists: ExamCodes) -> Iterator[Problem]:
    """Where *row* says something else than the code lists do of the same code, or of its own LOINC or CPT code."""
    for system in sheet.systems:
        listed = lists.get(system, row.code)
        if listed is not None and listed != row.coded:
            trouble = f"{row.code} is {row.exam} here and {said(listed)} in a code list"
            yield Problem(sheet.file, row.line, trouble, "keep one of them")
    for label, system, code in (("LOINC", LOINC, row.loinc), ("CPT", CPT, row.cpt)):
        coded = lists.get(system, code)
        if coded is not None and disagree(coded, row.coded):
            trouble = f"{row.code} is {row.exam} here, and its own {label} {code} is {said(coded)}"
            yield Problem(sheet.file, row.line, trouble, f"correct the exam, or the {label} code")


def disagree(code: Coded, own: Coded) -> bool:
    """
    Whether a code names another exam than *own*; a code that says less, or leaves its contrast open, does not.

    >>> from cds_service.vocabulary.exam_codes import coded_exam
    >>> disagree(coded_exam("CT head"), coded_exam("CT head with contrast"))
    False
    >>> disagree(coded_exam("CT head without contrast"), coded_exam("CT head with contrast"))
    True
    >>> disagree(coded_exam("CTA head"), coded_exam("CT head"))
    True
    """
    if not (code.imaging and own.imaging):
        return code.imaging != own.imaging
    one, other = code.exam, own.exam
    contrast = one.contrast and other.contrast and one.contrast != other.contrast
    return bool(join(coded_says(code), coded_says(own)).trouble or contrast or one.techniques - other.techniques)


def said(coded: Coded) -> str:
    """
    A code's meaning as its phrase.

    >>> from cds_service.vocabulary.exam_codes import coded_exam
    >>> said(coded_exam("CT orbit|pituitary with contrast"))
    'CT orbit|pituitary with contrast'
    """
    if not coded.imaging:
        return NO_EXAM
    phrase = str(coded.exam)
    regions = "+".join(sorted(coded.exam.regions))
    return phrase.replace(regions, regions.replace("+", "|")) if coded.any_of and regions else phrase
