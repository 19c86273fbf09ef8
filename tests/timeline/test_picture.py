"""The picture: one lane a modality, one mark an exam, inside its frame, and nothing that loads or runs."""

from __future__ import annotations

from datetime import date, timedelta
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from cds_service.timeline.picture import picture
from cds_service.timeline.rows import Row

TODAY = date(2026, 11, 24)
SVG = "{http://www.w3.org/2000/svg}"


def row(exam: str = "CT head", modality: str = "CT", first: date = TODAY, last: date | None = None, **but: bool) -> Row:
    return Row(exam, modality, first, last or first, "", "", "", **but)


def drawn(*rows: Row) -> ElementTree.Element:
    return ElementTree.fromstring(picture(rows, TODAY))


def marks(*rows: Row) -> list[ElementTree.Element]:
    return drawn(*rows).findall(f"{SVG}rect")


def test_each_exam_is_a_mark_with_words_of_its_own() -> None:
    one, other = marks(row(first=date(2024, 1, 5)), row("Chest radiograph", "XR"))
    assert one.findtext(f"{SVG}title") == "5 January 2024: CT head"
    assert other.findtext(f"{SVG}title") == "24 November 2026: Chest radiograph"
    assert float(one.attrib["x"]) < float(other.attrib["x"]) and one.attrib["y"] != other.attrib["y"]


def test_lanes_are_named_and_stand_in_a_fixed_order() -> None:
    words = [one.text for one in drawn(row(modality="XR"), row(modality="OT"), row()).findall(f"{SVG}text")]
    assert [word for word in words if word in ("CT", "Radiograph", "OT")] == ["CT", "Radiograph", "OT"]


def test_a_month_is_wider_than_a_day() -> None:
    day, month = marks(row(first=date(2026, 3, 1)), row(first=date(2026, 3, 1), last=date(2026, 3, 31)))
    assert float(month.attrib["width"]) > float(day.attrib["width"])


def test_what_only_may_have_been_is_hollow() -> None:
    sure, perhaps = marks(row(), row(certain=False))
    assert (sure.attrib["class"], perhaps.attrib["class"]) == ("mark", "perhaps")


def test_words_of_the_record_are_words_only() -> None:
    evil = picture([row('<script href="http://x">&')], TODAY)
    assert b"<script" not in evil and ElementTree.fromstring(evil) is not None


def test_nothing_to_draw_is_an_empty_picture() -> None:
    assert not marks()


@given(st.lists(st.tuples(st.integers(0, 6500), st.integers(0, 400)), min_size=1, max_size=30))
def test_every_mark_is_inside_the_frame_and_years_do_not_crowd(days: list[tuple[int, int]]) -> None:
    rows = [row(first=TODAY - timedelta(early), last=TODAY - timedelta(max(0, early - long))) for early, long in days]
    image = drawn(*rows)
    width, height = map(float, image.attrib["viewBox"].split()[2:])
    for one in image.findall(f"{SVG}rect"):
        x, y, wide, high = (float(one.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0 and x + wide <= width and y >= 0 and y + high <= height
    assert len([one for one in image.findall(f"{SVG}text") if one.attrib.get("class") == "faint"]) <= 10


def test_the_picture_says_what_it_is_and_what_a_hollow_mark_means() -> None:
    said = "Imaging so far, as found on 24 November 2026."
    assert drawn(row()).findtext(f"{SVG}text") == said
    assert drawn(row(), row(certain=False)).findtext(f"{SVG}text") == f"{said} Hollow: not certain."
