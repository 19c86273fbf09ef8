"""
The hospital's own exam catalogue, as people review it: which of its codes orders which exam.

Review sheets lie in ``codes/catalogue/`` of the site's folder; one line is one code. Only approved lines are in
force. A sheet without any is not even read when the service starts, so proposals cost nothing and break nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from cds_service import yaml_source
from cds_service.errors import ContentError, PhraseError, Problem, nearest
from cds_service.vocabulary.exam_codes import NOT_AN_EXAM, Coded, coded_exam
from cds_service.yaml_source import Block, Items, Text, line_of

FOLDER: Final = "site/codes/catalogue/"
NO_EXAM: Final = "not an exam"
PROPOSED, APPROVED = "proposed", "approved"

_HEAD: Final = ("system", "also", "source", "status", "reviewed", "codes")
_ROW: Final = ("status", "exam", "name", "loinc", "cpt", "why", "note")
_HAS_APPROVED: Final = re.compile(rb"status['\"]?\s*:\s*['\"]?approved")


class Row(NamedTuple):
    """One code of the hospital. ``exam`` is a phrase, ``not an exam``, or empty while nobody could tell."""

    code: str
    exam: str
    name: str = ""
    loinc: str = ""
    cpt: str = ""
    why: str = ""
    note: str = ""
    approved: bool = False
    line: int = 1

    @property
    def coded(self) -> Coded:
        """What the code says. Raises PhraseError."""
        return NOT_AN_EXAM if self.exam == NO_EXAM else coded_exam(self.exam)


class Sheet(NamedTuple):
    """One review sheet; ``systems`` are the addresses its codes stand under, ``by`` and ``on`` who approved when."""

    file: str
    systems: tuple[str, ...]
    source: str
    by: str
    on: str
    rows: tuple[Row, ...]

    @property
    def approved(self) -> tuple[Row, ...]:
        """The rows that are in force."""
        return tuple(row for row in self.rows if row.approved)


def read(files: Mapping[str, bytes], *, every: bool = True) -> list[Sheet]:
    """
    Read review sheets; with *every* False only those that hold an approved line.

    Raises ContentError with everything that is wrong, a code that stands twice among it.
    """
    problems: list[Problem] = []
    sheets = []
    for file, content in files.items():
        if every or _HAS_APPROVED.search(content):
            try:
                sheets.append(_Reading(file, problems).sheet(yaml_source.read(content, file=file)))
            except ContentError as error:
                problems.extend(error.problems)
    problems.extend(_twice(sheets))
    if problems:
        raise ContentError(sorted(problems))
    return sheets


def _twice(sheets: Iterable[Sheet]) -> Iterable[Problem]:
    """Codes that stand in two sheets; inside one sheet YAML itself refuses them."""
    seen: dict[tuple[str, str], tuple[str, Row]] = {}
    for sheet in sheets:
        for row in sheet.rows:
            for system in sheet.systems:
                file, first = seen.setdefault((system, row.code), (sheet.file, row))
                if first is not row:
                    said = f"as {first.exam or 'unread'} and as {row.exam or 'unread'}"
                    trouble = f"{row.code} stands also in {file}:{first.line}, {said}"
                    yield Problem(sheet.file, row.line, trouble, "keep one of the two lines")
                    break


class _Reading:
    """One sheet as it is read, and where its problems go."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file, self._problems = file, problems

    def sheet(self, block: Any) -> Sheet:
        if not isinstance(block, Block):
            self._problem(block, "a review sheet has system, status, reviewed and codes")
            return Sheet(self._file, (), "", "", "", ())
        self._known(block, _HEAD, "a part of a review sheet")
        head = {str(key): value for key, value in block.items()}
        system = self._text(head, "system", block)
        if not system:
            self._problem(block, "system is missing", "write whose codes these are: system: urn:oid:…")
        also = head.get("also") or Items()
        if not isinstance(also, Items):
            self._problem(also, "also is a list of other addresses of the system")
            also = Items()
        status = self._status(head, block)
        codes = head.get("codes")
        if codes is not None and not isinstance(codes, Block):
            self._problem(codes, "codes has one code a line", "write the code, a colon, and {exam: …, name: …}")
        found = self._rows(codes, approved=status == APPROVED) if isinstance(codes, Block) else []
        by, on = self._reviewed(head.get("reviewed"), needed=any(row.approved for row in found), at=block)
        systems = tuple(filter(None, (system, *map(str, also))))
        return Sheet(self._file, systems, self._text(head, "source", block), by, on, tuple(found))

    def _rows(self, codes: Block, *, approved: bool) -> list[Row]:
        found = []
        for code, value in codes.items():
            if not isinstance(value, Block):
                self._problem(code, f"{code} needs an exam and a name", "write {exam: …, name: …} after the colon")
                continue
            self._known(value, _ROW, "a part of a line")
            held = {str(key): part for key, part in value.items()}
            said = self._status(held, code)
            texts = {part: self._text(held, part, code) for part in _ROW[1:]}
            row = Row(str(code), **texts, approved=said == APPROVED if said else approved, line=line_of(code))
            self._exam(row)
            found.append(row)
        return found

    def _exam(self, row: Row) -> None:
        if not row.exam:
            if row.approved:
                self._problem(row, f"{row.code} is approved without an exam", f"write its exam, or {NO_EXAM}")
            return
        try:
            _ = row.coded
        except PhraseError as error:
            self._problem(row, f"{row.code}: {error}")

    def _status(self, held: Mapping[str, Any], at: Any) -> str:
        said = self._text(held, "status", at)
        if said not in ("", PROPOSED, APPROVED):
            remedy = nearest(said, [PROPOSED, APPROVED], f"write {PROPOSED} or {APPROVED}")
            self._problem(held["status"], f"{said} is not a status", remedy)
        return said

    def _reviewed(self, value: Any, *, needed: bool, at: Any) -> tuple[str, str]:
        held = {str(key): part for key, part in value.items()} if isinstance(value, Block) else {}
        by, on = self._text(held, "by", at), self._text(held, "on", at)
        if needed and not (by and on):
            remedy = f"write reviewed: {{by: Your Name, on: {date.today()}}}"
            self._problem(value if isinstance(value, Block) else at, "nobody says who approved, and when", remedy)
        elif on and not _is_day(on):
            self._problem(value, f"{on} is not a day", f"write it as {date.today()}")
        return by, on

    def _text(self, held: Mapping[str, Any], part: str, at: Any) -> str:
        value = held.get(part)
        if value is None or isinstance(value, Text):
            return str(value or "")
        self._problem(at, f"{part} must be text", "put it in quotes")
        return ""

    def _known(self, block: Block, known: tuple[str, ...], what: str) -> None:
        for key in block:
            if key not in known:
                remedy = nearest(key, known, f"known: {', '.join(known)}")
                self._problem(key, f"{key} is not {what}", remedy)

    def _problem(self, at: Any, trouble: str, remedy: str = "") -> None:
        self._problems.append(Problem(self._file, line_of(at), trouble, remedy))


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False
