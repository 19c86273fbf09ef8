"""What an import tells the person who ran it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from cds_service.catalogue import review
from cds_service.catalogue.importing import Imported
from cds_service.catalogue.proposing import DOUBTFUL, SURE, UNREAD
from cds_service.catalogue.table import Listed
from cds_service.facts.exams.catalogued import CPT
from cds_service.vocabulary.exam_codes import ExamCodes

MOST_TOLD = 20
_TITLES = {
    "new": "New since the last import",
    "gone": "Proposed before and no longer in the table",
    "otherwise": "Proposed otherwise than before",
}


def tell(made: Imported, lists: ExamCodes) -> Iterator[str]:
    """The shares, where to look, and what changed since the last import."""
    rows = [one.row for one in made.proposals]
    approved = made.before.approved
    counted = Counter("approved" if one.row.code in approved else one.sureness for one in made.proposals)
    yield f"{len(rows)} row{'' if len(rows) == 1 else 's'}; " + ", ".join(
        f"{part} from {header!r}" for part, header in made.headers.items()
    )
    for kind, where in (
        ("approved", "earlier"),
        (SURE, "sure-*.yaml"),
        (DOUBTFUL, "doubtful.yaml"),
        (UNREAD, "unread.yaml"),
    ):
        if counted[kind] or kind != "approved":
            yield f"  {kind:9}{counted[kind]:7}  {_share(counted[kind], rows):>7}   {where}"
    recognised = sum(bool(one.exam) or one.row.code in approved for one in made.proposals)
    yield f"Recognised: {recognised} of {len(rows)} ({_share(recognised, rows)})."
    yield from _unused(rows, lists)
    yield from _listed("Approved lines to look at again; they stay in force", review.to_look_at(rows, made.before))
    for kind, lines in review.changed(made.proposals, made.before).items():
        yield from _listed(_TITLES[kind], lines)


def _share(count: int, rows: Sequence[Listed]) -> str:
    """
    A share in percent, never rounded up to all of them.

    >>> _share(9999, [Listed("a", "b")] * 10_000), _share(1, [Listed("a", "b")])
    ('99.9 %', '100.0 %')
    """
    return f"{int(1000 * count / len(rows)) / 10:.1f} %"


def _unused(rows: Iterable[Listed], lists: ExamCodes) -> Iterator[str]:
    numbers = sum(bool(row.cpt) for row in rows)
    if numbers and lists.get(CPT, "70450") is None:
        yield f"{numbers} CPT numbers were not used: a site that holds a CPT licence states it, CDS_LICENCES=cpt."


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    told = list(lines)
    if told:
        yield f"{title}: {len(told)}"
        yield from (f"  {line}" for line in told[:MOST_TOLD])
        if len(told) > MOST_TOLD:
            yield f"  … and {len(told) - MOST_TOLD} more"
