"""``cds-service decisions export`` and ``cds-service feedback export``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from cds_service.settings import Settings
from cds_service.storage.moments import moment

_DECISIONS = """\
Writes decisions as lines of JSON: time, hook, client, content, each order's exam with every rule's verdict and the
facts it was judged by, cards shown, what could not be read, and how long each step took. Masked by default: no hashes
of patient and visit, no id of the call, times to the hour, ages in years (months under two), earlier exams to the day.
--unmasked writes everything that is kept; names, record numbers and free text never are.
"""
_FEEDBACK = """\
Writes what clinicians did with cards: date, action (accepted or overridden), intervention (the rules on the card with
their versions), feedback (suggestions taken, reasons, comment), user, location, exam, client, card. A comment is what
somebody wrote, and may name anybody.
"""


def add_to(commands: Any) -> None:
    """Add both commands to the command line."""
    form = argparse.RawDescriptionHelpFormatter
    for name, about, run in (("decisions", _DECISIONS, _decisions), ("feedback", _FEEDBACK, _feedback)):
        command = commands.add_parser(name, help=f"write {name} to standard output")
        actions = command.add_subparsers(required=True, metavar="action")
        export = actions.add_parser(
            "export", help=f"{name}, one a line", description=about, formatter_class=form
        )  # fmt: skip
        export.add_argument("--since", help="from then on: a day or a moment, as in 2026-03-02")
        export.add_argument("--until", help="before then")
        if name == "decisions":
            export.add_argument("--unmasked", action="store_true", help="write everything that is kept")
        else:
            export.add_argument("--format", choices=("csv", "json"), default="csv", help="CSV, or lines of JSON")
        export.set_defaults(run=run)


def _decisions(parsed: argparse.Namespace, settings: Settings) -> int:
    from cds_service.storage import export, reading

    def lines(database: Any, when: Any) -> Iterator[str]:
        for kept in reading.decisions(database, when):
            yield export.decision_line(kept, unmasked=parsed.unmasked)

    return _printed(lines, parsed, settings)


def _feedback(parsed: argparse.Namespace, settings: Settings) -> int:
    from cds_service.storage import export, reading

    def lines(database: Any, when: Any) -> Iterator[str]:
        rows = map(export.feedback_row, reading.feedback(database, when))
        return export.as_csv(rows) if parsed.format == "csv" else export.as_json_lines(rows)

    return _printed(lines, parsed, settings)


def _printed(lines: Any, parsed: argparse.Namespace, settings: Settings) -> int:
    from cds_service.storage.database import Database
    from cds_service.storage.reading import Between

    bounds = (moment(text, settings) if text else None for text in (parsed.since, parsed.until))
    database = Database(settings.database_url)
    try:
        for line in lines(database, Between(*bounds)):
            print(line)
    finally:
        database.close()
    return 0
