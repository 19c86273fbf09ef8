"""
The hospital's table of exams: comma, semicolon, tab or bar between cells, quotes and line breaks in them.

Every row that cannot be taken as it stands is named, all at once; nothing of such a table is used.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cds_service.catalogue import columns
from cds_service.errors import ContentError, Problem

DELIMITERS: Final = (",", ";", "\t", "|")
LONGEST: Final = {"code": 64, "name": 300, "loinc": 40, "cpt": 40}
MOST_ROWS: Final = 200_000

_SPREADSHEET_NUMBER: Final = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_ERRORS: Final = ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!")


class Listed(NamedTuple):
    """One row of the table; ``line`` is where it begins in the file."""

    code: str
    name: str
    loinc: str = ""
    cpt: str = ""
    line: int = 1


class Table(NamedTuple):
    """The rows, and which header each part was read from."""

    rows: tuple[Listed, ...]
    headers: Mapping[str, str]


def read(text: str, file: str, chosen: Mapping[str, str]) -> Table:
    """Read a table; *chosen* names headers picked by hand. Raises ContentError with every problem."""
    delimiter, skipped = _delimiter(text, chosen)
    problems: list[Problem] = []
    cells = list(_cells(text, delimiter, file, problems))[skipped:]
    if not cells:
        raise ContentError(problems or [Problem(file, 1, "the file is empty", "export the list of exams again")])
    line, headers = cells[0]
    wrong = columns.missing(headers, chosen, (file, line))
    if wrong:
        raise ContentError(sorted([*problems, *wrong]))
    places = columns.find(headers, chosen)
    rows = [_listed(places, one, number) for number, one in cells[1:]]
    for row, (number, one) in zip(rows, cells[1:], strict=True):
        problems.extend(Problem(file, number, *trouble) for trouble in _troubles(row, one, len(headers)))
    problems.extend(_repeated(rows, file))
    if not rows:
        problems.append(Problem(file, line, "there are no rows below the header", "export the list of exams again"))
    elif len(rows) > MOST_ROWS:
        problems.append(Problem(file, line, f"there are more than {MOST_ROWS} rows", "keep the imaging exams only"))
    if problems:
        raise ContentError(sorted(problems))
    return Table(tuple(rows), {part: headers[place] for part, place in places.items()})


def _delimiter(text: str, chosen: Mapping[str, str]) -> tuple[str, int]:
    """What stands between cells, told by the header line; and how many lines to skip before it (``sep=;``)."""
    lines = text.split("\n", 1)
    told = re.fullmatch(r'"?sep=(.)"?\r?', lines[0])
    if told:
        return told[1], 1

    def fits(delimiter: str) -> tuple[int, int]:
        headers = next(csv.reader(io.StringIO(text.lstrip("\r\n")), delimiter=delimiter), [])
        return len(columns.find(headers, chosen)), len(headers)

    csv.field_size_limit(max(len(text), 131_072))
    return max(DELIMITERS, key=fits), 0


def _cells(text: str, delimiter: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """The line each row begins on and its cells; empty rows are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            end = "unexpected end" in str(error)
            trouble = "a quote opens here and never closes" if end else f"the quotes do not fit ({error})"
            problems.append(Problem(file, line, trouble, 'write a quote inside a cell twice: ""'))
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _listed(places: Mapping[str, int], cells: Sequence[str], line: int) -> Listed:
    def part(name: str) -> str:
        place = places.get(name, len(cells))
        return " ".join(cells[place].split()) if place < len(cells) else ""

    return Listed(part("code"), part("name"), part("loinc"), part("cpt"), line)


def _troubles(row: Listed, cells: Sequence[str], width: int) -> Iterator[tuple[str, str]]:
    """What is wrong with one row, and the remedy."""
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        yield f"the row has {len(cells)} cells, the header {width}", "put a cell that holds a separator in quotes"
        return
    if not row.code:
        yield "the code is empty", "give the row its code, or take it out"
    elif _SPREADSHEET_NUMBER.fullmatch(row.code):
        yield f"{row.code} is a number a spreadsheet has shortened", "format the column as text and export again"
    if not row.name:
        yield "the name is empty", "give the exam its name, or take the row out"
    for part, longest in LONGEST.items():
        value: str = getattr(row, part)
        if len(value) > longest:
            yield f"the {part} has {len(value)} characters, at most {longest} are read", "shorten it; check the quotes"
        elif not value.isprintable():
            yield f"the {part} {value!r} holds characters that cannot be printed", "take them out"
        elif value in _ERRORS:
            yield f"the {part} is {value}, a spreadsheet's error", "correct it and export again"


def _repeated(rows: Sequence[Listed], file: str) -> Iterator[Problem]:
    first: dict[str, Listed] = {}
    for row in rows:
        before = first.setdefault(row.code, row)
        if row.code and before is not row:
            named = "the same name" if before.name == row.name else f"the name {before.name!r}"
            trouble = f"{row.code} stands already in line {before.line}, with {named}"
            yield Problem(file, row.line, trouble, "keep one row for each code")
