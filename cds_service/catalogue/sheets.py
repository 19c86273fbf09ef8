"""Review sheets as text: proposals written so that someone who does not program can check and approve them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from cds_service.vocabulary.site_catalogue import APPROVED, PROPOSED, Row, Sheet

MOST_ROWS: Final = 2000
"""Rows a sheet holds at most, so that it stays readable and small enough to load."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./+|&() -]*(?<! )")
_SAID_OTHERWISE: Final = frozenset({"true", "false", "null"})

SURE: Final = """\
{count} whose exam was read surely.

1. Read each line: does the name on the right order the exam on the left?
2. A wrong exam: correct it, or take the whole line out. What is no imaging exam gets: exam: not an exam
3. When every line is right, write who you are and the day under `reviewed`, and make the word behind
   `status` below {approved}. That approves every line of this sheet that has no status of its own.
4. Save, and run: cds-service check
"""
DOUBTFUL: Final = """\
{count} with an exam that needs your eye; `why` says what the doubt is.

1. Read each line: is the exam the one that the name orders? If not, correct it.
2. Line by line, when it is right, make its status {approved}. Leave lines you are not sure of as they are.
3. Write who you are and the day under `reviewed`.
4. Save, and run: cds-service check
"""
UNREAD: Final = """\
{count} nobody could read; `why` says what hindered it.

1. Write the exam behind `exam:`, in the words of the other sheets, such as: CT head without contrast
   What is no imaging exam gets: exam: not an exam
2. Make the line's status {approved}. Leave lines you cannot tell as they are: orders with them stay silent.
3. Write who you are and the day under `reviewed`.
4. Save, and run: cds-service check
"""
KEPT: Final = """\
{count} approved in an earlier review, kept as they were.
"""
ONLY_APPROVED: Final = "Only approved lines are in force. The next import keeps them and proposes all others anew."


class Page(NamedTuple):
    """What goes into one sheet: the start of its file name, what its reader does, who approved, and its rows."""

    stem: str
    task: str
    rows: Sequence[Row]
    by: str = ""
    on: str = ""


def pages(stem: str, task: str, rows: Iterable[Row]) -> Iterator[Page]:
    """As many pages as *rows* need."""
    ordered = sorted(rows, key=lambda row: (row.exam, row.name, row.code))
    for start in range(0, len(ordered), MOST_ROWS):
        yield Page(stem, task, ordered[start : start + MOST_ROWS])


def write(page: Page, systems: Sequence[str], source: str) -> str:
    """The text of one sheet."""
    count = f"{len(page.rows)} code{'' if len(page.rows) == 1 else 's'}"
    told = f"{page.task.format(count=count, approved=APPROVED)}\n{ONLY_APPROVED}"
    status = APPROVED if page.task == KEPT else PROPOSED
    lines = [f"# {line}".rstrip() for line in told.splitlines()]
    lines += ["", f"system: {scalar(systems[0])}"]
    lines += [f"also: [{', '.join(map(scalar, systems[1:]))}]"] if systems[1:] else []
    lines += [f"source: {scalar(source)}", f"reviewed: {{by: {scalar(page.by)}, on: {scalar(page.on)}}}"]
    lines += [f"status: {status}", "codes:", *_lines(page)]
    return "\n".join(lines) + "\n"


def _lines(page: Page) -> Iterator[str]:
    """The rows, with an empty line before each new exam."""
    before = None
    for row in page.rows:
        if before is not None and row.exam != before:
            yield ""
        before = row.exam
        yield f"  {scalar(row.code)}: {{{', '.join(_parts(row, page.task))}}}"


def _parts(row: Row, task: str) -> Iterator[str]:
    if task in (DOUBTFUL, UNREAD):
        yield f"status: {PROPOSED}"
    yield f"exam: {scalar(row.exam)}"
    for part in ("name", "loinc", "cpt", "why", "note"):
        value = getattr(row, part)
        if value:
            yield f"{part}: {scalar(value)}"


def scalar(text: str) -> str:
    """
    *text* as YAML that reads back as the same text, bare where that is safe.

    >>> scalar("CT HEAD W/O"), scalar("a: b, c"), scalar("true"), scalar("")
    ('CT HEAD W/O', '"a: b, c"', '"true"', '')
    """
    if not text or (_PLAIN.fullmatch(text) and text not in _SAID_OTHERWISE):
        return text
    return json.dumps(text, ensure_ascii=False)


def kept(sheet: Sheet, stem: str) -> Page:
    """The approved rows of a sheet as a page of their own."""
    return Page(stem, KEPT, sheet.approved, sheet.by, sheet.on)
