"""The text of a table: its encoding told by its first bytes or by whoever imports it, never guessed."""

from __future__ import annotations

import codecs
from typing import Final

from cds_service.errors import ContentError, Problem

MAX_BYTES: Final = 50_000_000
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx, .ods and .xls files begin."""
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decode(source: bytes, file: str, encoding: str = "") -> str:
    """
    The text of *source*. Raises ContentError that names every line that cannot be read.

    >>> decode("Größe".encode("utf-16"), "a.csv")
    'Größe'
    """
    if len(source) > MAX_BYTES:
        raise ContentError([Problem(file, 1, f"the file is larger than {MAX_BYTES} bytes", "split it")])
    if source.startswith(_WORKBOOKS):
        raise ContentError([Problem(file, 1, "this is a workbook, no table in text", "save the sheet as CSV, UTF-8")])
    marked = next((name for mark, name in _MARKS if source.startswith(mark)), "")
    chosen = marked or encoding or "utf-8"
    try:
        return source.decode(chosen)
    except LookupError:
        raise ContentError([Problem(file, 1, f"{encoding} is not an encoding", "try utf-8 or cp1252")]) from None
    except UnicodeError:
        raise ContentError(_unread(source, file, chosen)) from None


def _unread(source: bytes, file: str, encoding: str) -> list[Problem]:
    remedy = "save the file as UTF-8, or name its encoding: --encoding cp1252"
    if encoding == "utf-16":
        return [Problem(file, 1, "this is not whole UTF-16 text", remedy)]
    problems = []
    for number, line in enumerate(source.split(b"\n"), 1):
        try:
            line.decode(encoding)
        except UnicodeError as error:
            start = getattr(error, "start", 0)
            around = line[max(0, start - 12) : start + 12].decode("ascii", "replace").strip()
            trouble = f"this is not {encoding} text (near {around!r})"
            problems.append(Problem(file, number, trouble, remedy))
    return problems or [Problem(file, 1, f"this is not {encoding} text", remedy)]
