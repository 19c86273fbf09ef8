"""
The rows as a picture: one lane a modality, one mark an exam, a bar where only the month or year is known.

The picture carries no name and no identifier, loads nothing, and runs nothing.
"""

from __future__ import annotations

from calendar import month_name
from collections.abc import Sequence
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from cds_service.timeline.rows import Row

_WIDTH: Final = 720
_LEFT: Final = 150
_RIGHT: Final = 24
_TOP: Final = 48
_LANE: Final = 34
_RADIUS: Final = 6
_MOST_LABELS: Final = 10
_LANES: Final = {
    "CT": "CT",
    "MR": "MRI",
    "US": "Ultrasound",
    "XR": "Radiograph",
    "RF": "Fluoroscopy",
    "NM": "Nuclear medicine",
    "PT": "PET",
    "": "Unknown kind",
}
_STYLE: Final = (
    "text{font:13px sans-serif;fill:#222}.faint{fill:#666}line{stroke:#ccc}"
    ".mark{fill:#1f5f8b}.perhaps{fill:#fff;stroke:#1f5f8b;stroke-width:2}"
)


def picture(rows: Sequence[Row], today: date) -> bytes:
    """*rows* as SVG, from the year of the first exam until *today*."""
    lanes = _order(rows)
    height = _TOP + _LANE * len(lanes) + 30
    svg = Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_WIDTH} {height}", width=str(_WIDTH), role="img"
    )
    SubElement(svg, "title").text = "Imaging so far"
    SubElement(svg, "style").text = _STYLE
    hollow = " Hollow: not certain." if any(not row.certain for row in rows) else ""
    _text(
        svg, f"Imaging so far, as found on {today.day} {month_name[today.month]} {today.year}.{hollow}", x="12", y="22"
    )
    axis = _Axis(min((row.first for row in rows), default=today), today)
    _years(svg, axis, height)
    for place, modality in enumerate(lanes):
        middle = _TOP + _LANE * place + _LANE // 2
        _text(svg, _LANES.get(modality, modality), x="12", y=str(middle + 5))
        SubElement(svg, "line", x1=str(_LEFT), x2=str(_WIDTH - _RIGHT), y1=str(middle), y2=str(middle))
        for row in rows:
            if row.modality == modality:
                _mark(svg, axis, row, middle)
    drawn: bytes = tostring(svg, encoding="utf-8", xml_declaration=True)
    return drawn


class _Axis:
    """Days to places; it starts with the year of the first exam."""

    def __init__(self, first: date, today: date) -> None:
        self.years = range(first.year, today.year + 1)
        self._start = date(first.year, 1, 1).toordinal()
        self._days = max(1, today.toordinal() - self._start)

    def at(self, day: date) -> float:
        """The place of *day*, within the picture."""
        share = min(1.0, max(0.0, (day.toordinal() - self._start) / self._days))
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _order(rows: Sequence[Row]) -> list[str]:
    """The modalities there are: those of the lanes' own order first."""
    found = dict.fromkeys(row.modality for row in rows)
    return [*(one for one in _LANES if one in found), *(one for one in found if one not in _LANES)]


def _years(svg: Element, axis: _Axis, height: int) -> None:
    step = max(1, -(-len(axis.years) // _MOST_LABELS))
    for year in axis.years[::step]:
        at = axis.at(date(year, 1, 1))
        SubElement(svg, "line", x1=str(at), x2=str(at), y1=str(_TOP - 8), y2=str(height - 24))
        _text(svg, str(year), x=str(at), y=str(height - 8), **{"class": "faint"})


def _mark(svg: Element, axis: _Axis, row: Row, middle: int) -> None:
    start, end = axis.at(row.first), axis.at(row.last)
    box = {
        "x": str(round(start - _RADIUS, 1)),
        "y": str(middle - _RADIUS),
        "width": str(round(end - start + 2 * _RADIUS, 1)),
        "height": str(2 * _RADIUS),
        "rx": str(_RADIUS),
        "class": "mark" if row.certain else "perhaps",
    }
    shape = SubElement(svg, "rect", box)
    SubElement(shape, "title").text = f"{row.day}: {row.exam}{f' ({row.note})' if row.note else ''}"


def _text(svg: Element, said: str, **place: str) -> None:
    SubElement(svg, "text", place).text = said
