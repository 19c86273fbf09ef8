"""What an import makes of the sheets that are there: approvals stand, everything else is proposed anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cds_service.catalogue import sheets
from cds_service.catalogue.proposing import DOUBTFUL, SURE, UNREAD, Proposal
from cds_service.catalogue.sheets import Page
from cds_service.catalogue.table import Listed
from cds_service.vocabulary.site_catalogue import FOLDER, Row, Sheet


@dataclass(frozen=True, slots=True)
class Before:
    """The sheets of one hospital's codes as they were before an import."""

    sheets: tuple[Sheet, ...] = ()

    @property
    def approved(self) -> dict[str, Row]:
        """Approved rows by code."""
        return {row.code: row for sheet in self.sheets for row in sheet.approved}

    @property
    def proposed(self) -> dict[str, Row]:
        """The other rows by code."""
        return {row.code: row for sheet in self.sheets for row in sheet.rows if not row.approved}

    @property
    def whole(self) -> tuple[Sheet, ...]:
        """Sheets with nothing but approved rows: they stay as they are, to the byte."""
        return tuple(sheet for sheet in self.sheets if sheet.rows and len(sheet.approved) == len(sheet.rows))

    @property
    def mixed(self) -> tuple[Sheet, ...]:
        """Sheets with approved rows beside others."""
        return tuple(sheet for sheet in self.sheets if 0 < len(sheet.approved) < len(sheet.rows))


def pages(proposals: Sequence[Proposal], before: Before) -> Iterator[Page]:
    """The sheets to write: approved rows of mixed sheets apart, and every proposal that is not approved."""
    for sheet in before.mixed:
        yield sheets.kept(sheet, "approved")
    fresh = [(_row(one), one.sureness) for one in proposals if one.row.code not in before.approved]
    by_modality: dict[str, list[Row]] = {}
    for row, sureness in fresh:
        if sureness == SURE:
            by_modality.setdefault(row.coded.exam.modality.casefold(), []).append(row)
    for modality, rows in sorted(by_modality.items()):
        yield from sheets.pages(f"sure-{modality}", sheets.SURE, rows)
    yield from sheets.pages("doubtful", sheets.DOUBTFUL, (row for row, how in fresh if how == DOUBTFUL))
    yield from sheets.pages("unread", sheets.UNREAD, (row for row, how in fresh if how == UNREAD))


def _row(proposal: Proposal) -> Row:
    row = proposal.row
    return Row(row.code, proposal.exam, row.name, row.loinc, row.cpt, proposal.why)


def named(found: Iterable[Page], taken: Iterable[str]) -> Iterator[tuple[str, Page]]:
    """Each page with a file name nobody has: ``sure-ct.yaml``, ``sure-ct-2.yaml``, …"""
    used = set(taken)
    for page in found:
        number, name = 1, f"{page.stem}.yaml"
        while name in used:
            number += 1
            name = f"{page.stem}-{number}.yaml"
        used.add(name)
        yield name, page


def file_name(sheet: Sheet) -> str:
    """The name of a sheet's file inside its folder."""
    return sheet.file.removeprefix(FOLDER)


def to_look_at(rows: Sequence[Listed], before: Before) -> Iterator[str]:
    """Approved lines whose row in the table is gone, or says something else than when it was approved."""
    now = {row.code: row for row in rows}
    for code, was in before.approved.items():
        row = now.get(code)
        if row is None:
            yield f"{code} ({was.exam}) is approved and no longer in the table"
            continue
        for part in ("name", "loinc", "cpt"):
            old, new = getattr(was, part), getattr(row, part)
            if old != new:
                yield f"{code} is approved as {was.exam}; its {part} was {old!r} and is {new!r} now"


def changed(proposals: Sequence[Proposal], before: Before) -> Mapping[str, list[str]]:
    """What is new, gone or proposed otherwise since the last import, among what is not approved."""
    if not before.sheets:
        return {}
    approved, was = before.approved, before.proposed
    now = {one.row.code: one for one in proposals if one.row.code not in approved}
    return {
        "new": [f"{code}: {one.exam or 'unread'}, {one.row.name}" for code, one in now.items() if code not in was],
        "gone": [f"{code}: {row.exam or 'unread'}, {row.name}" for code, row in was.items() if code not in now],
        "otherwise": [
            f"{code}: was {was[code].exam or 'unread'}, is {one.exam or 'unread'} ({one.row.name})"
            for code, one in now.items()
            if code in was and was[code].exam != one.exam
        ],
    }
