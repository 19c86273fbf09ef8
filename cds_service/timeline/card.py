"""
One card: the exams of the record, newest first, and what could not be read.

It tells what exists and where, so that it is looked at first. It adds nothing up: a sum of doses or a number of
exams is no argument for or against the next one (AAPM, ACR and HPS joint statement on patient dose history, AAPM
position 1-A, 2021), and absence is only "none found here".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from cds_service.cards.markdown import escape, plain
from cds_service.hooks.response import Card, Coding, Link, Source
from cds_service.timeline.counts import counts, span
from cds_service.timeline.rows import Row

RULE: Final = "imaging-so-far"
VERSION: Final = "1"
SHOWN: Final = 8
_NAME: Final = 60
_DOSE: Final = 100
_OF_DOSES: Final = (
    "Dose: as recorded for that exam, else the usual band of such an exam at that age, which is not this child's."
    " mSv compare exams; they are bands, from coefficients that differ by a third, and in the body the same DLP means"
    " about twice as much on a 32 cm phantom as on a 16 cm one. What was given before is no reason against an exam that"
    " is needed (AAPM, ACR, HPS 2021): look whether one of these answers the question."
)


def card(
    rows: Sequence[Row],
    unread: Sequence[str],
    *,
    source: Source,
    url: str,
    new_id: Callable[[], str],
    with_doses: bool = False,
) -> Card | None:
    """
    The card for *rows*; None when there is nothing to show. *unread* names what could not be read.

    The dose of each exam is a column of its own, where a site wants it told.
    """
    if not rows:
        return None
    return Card(
        uuid=new_id(),
        summary=f"Imaging so far: {_count(rows)} found in this record",
        indicator="info",
        source=source,
        detail="\n".join(_detail(rows, unread, with_doses=with_doses)),
        links=[Link(label="Imaging so far, as a picture", url=url, type="absolute")] if url else None,
    )


def topic(system: str) -> Coding:
    """What the card is about, as feedback names it."""
    return Coding(code="ImagingSoFar", system=system, display="Imaging so far")


def _detail(rows: Sequence[Row], unread: Sequence[str], *, with_doses: bool) -> list[str]:
    dose = " Dose |" if with_doses else ""
    table = [f"| Date | Exam | Where | Images |{dose}", f"|---|---|---|---|{'---|' if dose else ''}"]
    for row in rows[:SHOWN]:
        exam = f"{row.exam} ({row.note})" if row.note else row.exam
        cells = [row.day, exam, row.place or "here or not known", row.images]
        said = [escape(plain(cell, _NAME)) for cell in cells]
        said += [escape(plain(row.dose, _DOSE))] if dose else []
        table.append(f"| {' | '.join(said)} |")
    if len(rows) > SHOWN:
        table += ["", f"And {len(rows) - SHOWN} older."]
    if len(rows) > 1:
        table += ["", f"{'; '.join(map(escape, counts(rows)))}."]
    if with_doses:
        table += ["", _OF_DOSES]
    if unread:
        table += ["", f"Not read whole: {', '.join(unread)}. There may be more."]
    else:
        table += ["", "Exams done elsewhere may be missing: this is what was found here."]
    return table


def _count(rows: Sequence[Row]) -> str:
    """How many exams: the least and the most where some only may have been."""
    return f"{span(rows)} exam{'' if len(rows) == 1 else 's'}"
