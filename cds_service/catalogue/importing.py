"""The whole import on one screen: bytes of a table → rows → proposals → review sheets → what to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cds_service.catalogue import encoding, review, sheets, table
from cds_service.catalogue.proposing import Proposal, propose
from cds_service.errors import ContentError, Problem
from cds_service.vocabulary import site_catalogue
from cds_service.vocabulary.exam_codes import ExamCodes

Progress = Callable[[Sequence[table.Listed]], Iterable[table.Listed]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to import: the table's *source* and *name*, whose codes they are, and how it is to be read."""

    source: bytes
    name: str
    day: date
    systems: tuple[str, ...] = ()
    encoding: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it: every sheet by its file name, the proposals, and what there was before."""

    files: Mapping[str, bytes]
    proposals: tuple[Proposal, ...]
    before: review.Before
    headers: Mapping[str, str]
    systems: tuple[str, ...]


def read(wanted: Wanted, held: Mapping[str, bytes], lists: ExamCodes, progress: Progress = iter) -> Imported:
    """
    Import a table beside the sheets that are there, *held* by their content names.

    Raises ContentError with everything that is wrong in the table or the sheets; then nothing is to be written.
    """
    there = site_catalogue.read(held)
    systems = wanted.systems or _known_systems(there, wanted.name)
    text = encoding.decode(wanted.source, wanted.name, wanted.encoding)
    found = table.read(text, wanted.name, wanted.columns)
    before = review.Before(tuple(sheet for sheet in there if set(sheet.systems) & set(systems)))
    proposals = tuple(propose(row, lists, systems) for row in progress(found.rows))
    kept = [sheet for sheet in there if sheet in before.whole or sheet not in before.sheets]
    files = {review.file_name(sheet): held[sheet.file] for sheet in kept}
    source = f"{wanted.name}, imported {wanted.day}"
    for name, page in review.named(review.pages(proposals, before), files):
        files[name] = sheets.write(page, systems, source).encode()
    _proved(files)
    return Imported(files, proposals, before, found.headers, systems)


def _known_systems(there: Sequence[site_catalogue.Sheet], name: str) -> tuple[str, ...]:
    """The systems of the sheets that are there, when they agree."""
    (first, *others) = sorted({sheet.systems for sheet in there}) or [()]
    if not first or others:
        remedy = "say it: --system urn:oid:… (the system your orders carry beside these codes)"
        raise ContentError([Problem(name, 1, "whose codes these are is not known", remedy)])
    return first


def _proved(files: Mapping[str, bytes]) -> None:
    """Read what is about to be written; raises ContentError when it would not read back."""
    site_catalogue.read({site_catalogue.FOLDER + name: source for name, source in files.items()})
