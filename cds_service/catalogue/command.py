"""``cds-service catalogue import``: its options, and what it prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cds_service.settings import Settings

if TYPE_CHECKING:
    from cds_service.catalogue.table import Listed

USAGE = 2
_ABOUT = """\
Reads a hospital's list of exams (CSV, with a header line) and proposes for each code the exam it orders, with how
sure that is and why. The proposals are written as review sheets to codes/catalogue/ in the site's folder. A person
reads them and marks the right ones approved; only approved lines are ever used. A later import keeps all approved
lines and says what changed. A table with a wrong row is refused whole, with every wrong row named.
"""
_EXAMPLE = "example: cds-service catalogue import exams.csv --system urn:oid:2.16.840.1.113883.3.9999.1"


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    about = "read a hospital's own list of exam codes"
    catalogue = commands.add_parser("catalogue", help=about, description=about)
    actions = catalogue.add_subparsers(required=True, metavar="action")
    form = argparse.RawDescriptionHelpFormatter
    make = actions.add_parser(
        "import", help="propose an exam for each code, for review", description=_ABOUT, epilog=_EXAMPLE,
        formatter_class=form,
    )  # fmt: skip
    make.add_argument("table", type=Path, help="a CSV file: code, name, and if you have them LOINC and CPT")
    make.add_argument(
        "--system", action="append", default=[], metavar="URI",
        help="the system your orders carry beside these codes; repeat for other addresses of the same codes; "
        "known from the second import on",
    )  # fmt: skip
    make.add_argument("--site", type=Path, help="the site's folder (CDS_SITE)")
    make.add_argument("--encoding", default="", help="the file's encoding, when it is not UTF-8, such as cp1252")
    make.add_argument(
        "--column", action="append", default=[], metavar="PART=HEADER", type=_column,
        help="which column holds the code, name, loinc or cpt, when its header is unusual",
    )  # fmt: skip
    make.add_argument("--dry-run", action="store_true", help="only tell; write nothing")
    make.set_defaults(run=run)


def _column(said: str) -> tuple[str, str]:
    from cds_service.catalogue.columns import SPELLINGS

    part, _, header = said.partition("=")
    if part not in SPELLINGS or not header:
        raise argparse.ArgumentTypeError(f"write one of {', '.join(SPELLINGS)}, then = and the header")
    return part, header


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Import one table. Raises ContentError."""
    from cds_service.catalogue import folder, importing, report
    from cds_service.content import exam_lists
    from cds_service.library import Places
    from cds_service.vocabulary.site_catalogue import FOLDER

    site = parsed.site or settings.site
    if site is None or not site.is_dir():
        return _refused("name the folder of your site, which must be there: --site DIR or CDS_SITE")
    try:
        source = parsed.table.read_bytes()
    except OSError as error:
        return _refused(f"{parsed.table}: {error.strerror}")
    if not parsed.dry_run:
        folder.recover(site)
    files = Places(settings.rules, settings.cards, None, site, settings.licences).files()
    lists = exam_lists(files, settings.licences)
    held = {name: content for name, content in files.items() if name.startswith(FOLDER)}
    wanted = importing.Wanted(
        source, parsed.table.name, datetime.now(UTC).date(), tuple(parsed.system), parsed.encoding, dict(parsed.column)
    )
    made = importing.read(wanted, held, lists, _progress)
    for line in report.tell(made, lists):
        print(line)
    if parsed.dry_run:
        print("Nothing was written.")
        return 0
    print(f"Review the sheets in {folder.swap(site, made.files)}, then run: cds-service check")
    return 0


def _refused(why: str) -> int:
    print(why, file=sys.stderr)
    return USAGE


def _progress(rows: Sequence[Listed]) -> Iterable[Listed]:
    """*rows* with a bar on the terminal; none where nobody would see it."""
    import click

    with click.progressbar(
        rows, label="Reading the names", file=sys.stderr, hidden=not sys.stderr.isatty(), show_pos=True
    ) as shown:
        yield from shown
