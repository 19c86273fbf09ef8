"""The card of the imaging so far: a small table, honest about what was not read, harmless whatever the record says."""

from __future__ import annotations

from datetime import date
from typing import Any

from cds_service.hooks.response import Card, Source
from cds_service.timeline.card import card
from cds_service.timeline.rows import Row

DAY = date(2026, 3, 2)


def row(exam: str = "CT head", place: str = "", **but: bool) -> Row:
    return Row(exam, "CT", DAY, DAY, place, "not known", "", **but)


def made(*rows: Row, unread: tuple[str, ...] = (), url: str = "") -> Card:
    one: Any = card(rows, unread, source=Source(label="x"), url=url, new_id=lambda: "id")
    return one


def test_nothing_found_is_silence() -> None:
    assert made() is None


def test_one_line_an_exam() -> None:
    lines = (made(row(), row("Chest radiograph", "St Elsewhere")).detail or "").splitlines()
    assert lines[2:4] == [
        "| 2 March 2026 | CT head | here or not known | not known |",
        "| 2 March 2026 | Chest radiograph | St Elsewhere | not known |",
    ]


def test_the_summary_counts_the_least_and_the_most() -> None:
    assert made(row()).summary == "Imaging so far: 1 exam found in this record"
    assert made(row(), row(certain=False)).summary == "Imaging so far: 1 to 2 exams found in this record"


def test_a_long_history_shows_the_newest_and_counts_the_rest() -> None:
    detail = made(*[row() for _ in range(11)]).detail or ""
    assert detail.count("CT head") == 8 and "And 3 older." in detail


def test_what_was_not_read_is_said() -> None:
    assert "Not read whole: ImagingStudy, Procedure. There may be more." in (
        made(row(), unread=("ImagingStudy", "Procedure")).detail or ""
    )
    assert "may be missing" in (made(row()).detail or "")


def test_words_of_the_record_stay_words() -> None:
    detail = made(row(place="<b>|x|</b> [a](http://b)")).detail or ""
    assert "<b>" not in detail and "](http:" not in detail
    assert len(detail.splitlines()[2].replace("\\|", "").split("|")) == 6


def test_the_link_is_there_when_there_is_a_picture() -> None:
    assert made(row()).links is None
    (link,) = made(row(), url="https://cds.example/imaging-so-far/x").links or []
    assert link.type == "absolute" and link.url.endswith("/x")
