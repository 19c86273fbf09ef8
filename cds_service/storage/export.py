"""
Decisions and feedback, one line each, for people and for spreadsheets.

Decisions are masked unless somebody asks otherwise: without the hashes of patient and visit and the call's own id,
times to the hour, ages in whole years (months under two), dates of earlier exams in whole days.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from cds_service.storage.reading import Kept

FEEDBACK_COLUMNS: Final = (
    "date", "action", "intervention", "feedback", "user", "location", "exam", "client", "card", "issued",
)  # fmt: skip
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_YOUNG: Final = 24  # months
_DAY: Final = 86_400
_HOUR: Final = len("2026-03-02T14")
_FIRST, _LAST = 5, 6  # where an earlier exam's times stand


def decision_line(kept: Kept, *, unmasked: bool = False) -> str:
    """One decision as a line of JSON."""
    row = kept.row
    said: dict[str, Any] = {
        "decision": row["decision"],
        "at": row["decided_at"] if unmasked else _hour(row["decided_at"]),
        "hook": row["service"],
        "client": row["client"],
        "content": row["digest"],
        "cards": _json(row["cards"], []),
        "incomplete": _json(row["incomplete"], []),
        "milliseconds": row["milliseconds"],
        "steps": _json(row["steps"], {}),
        "orders": [_order(order, kept.facts, unmasked=unmasked) for order in kept.orders],
    }
    if unmasked:
        said |= {"hookInstance": row["hook_instance"], "patient": row["patient"], "encounter": row["encounter"]}
    return msgspec.json.encode(said).decode()


def _order(order: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]], *, unmasked: bool) -> dict[str, Any]:
    found = facts.get(order.get("facts", ""))
    if found is not None and not unmasked:
        found = masked(found)
    return {**order, "facts": found}


def masked(facts: Mapping[str, Any]) -> dict[str, Any]:
    """
    *facts* with ages and dates no finer than they need be.

    >>> masked({"at": "2026-03-02T14:05:06", "facts": {"patient.age": {"days": [-3287, -3287, 0, 0]}}})
    {'at': '2026-03-02T14', 'facts': {'patient.age': {'years': 9}}}
    """
    said = {**facts, "at": _hour(facts["at"])}
    today = date.fromisoformat(facts["at"][:10])
    said["facts"] = {name: _age(value, today) for name, value in facts["facts"].items()}
    if "history" in facts:
        exams = [_undated(one) for one in facts["history"]["exams"]]
        said["history"] = {**facts["history"], "exams": exams}
    return said


def _hour(moment: str) -> str:
    return moment[:_HOUR]


def _age(value: Any, today: date) -> Any:
    if not isinstance(value, dict) or "days" not in value:
        return value
    born, now = (today + timedelta(days=value["days"][place]) for place in (1, 2))
    months = (now.year - born.year) * 12 + now.month - born.month - (now.day < born.day)
    return {"years": months // 12} if months >= _YOUNG else {"months": months}


def _undated(exam: list[Any]) -> list[Any]:
    return [round(part / _DAY) * _DAY if place in (_FIRST, _LAST) else part for place, part in enumerate(exam)]


Report = tuple[Mapping[str, Any], Mapping[str, Any] | None]


def feedback_row(report: Report) -> dict[str, str]:
    """One report: what was shown, what became of it, who, when, where."""
    row, card = report
    card = card or {}
    labels = _json(card.get("suggestions", ""), {})
    reasons = [display or code for code, _, display in _json(row["reasons"], [])]
    taken = [labels.get(one, one) for one in _json(row["suggestions"], [])]
    rules = [f"{rule} v{version}" for rule, version in _json(card.get("rules", ""), [])]
    return {
        "date": row["outcome_at"] or row["received_at"],
        "action": row["outcome"],
        "intervention": "; ".join(rules) or ("a card of ours" if row["ours"] else "not a card of ours"),
        "feedback": "; ".join(filter(None, [*taken, *reasons, row["comment"]])),
        "user": card.get("user", ""),
        "location": card.get("location", ""),
        "exam": card.get("exam", ""),
        "client": row["client"],
        "card": row["card"],
        "issued": card.get("issued_at", ""),
    }


def as_json_lines(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Each row as a line of JSON."""
    for row in rows:
        yield msgspec.json.encode(row).decode()


def as_csv(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """A header and each row as lines of CSV that no spreadsheet takes for formulas."""
    yield _csv(FEEDBACK_COLUMNS)
    for row in rows:
        yield _csv(row[name] for name in FEEDBACK_COLUMNS)


def _csv(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow([plain_cell(cell) for cell in cells])
    return line.getvalue()


def plain_cell(text: str) -> str:
    """
    *text* so that no spreadsheet runs it.

    >>> plain_cell("=HYPERLINK(1)"), plain_cell("CT head")
    ("'=HYPERLINK(1)", 'CT head')
    """
    return f"'{text}" if text.startswith(_RISKY) else text


def _json(text: str, default: Any) -> Any:
    return msgspec.json.decode(text) if text else default
