"""``make recognition``: the shares recognised, and what failed in the half that may be looked at."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from tests.recognition.benchmark import EXAMS, HALVES
from tests.recognition.reading import Read, readings, shares
from tests.recognition.scoring import RIGHT, SCORES, WRONG


def row(name: str, some: Iterable[Read]) -> str:
    """One line of the table."""
    read = tuple(some)
    counted = " | ".join(f"{share:.1f}" for share in shares(read).values())
    return f"| {name} | {len(read)} | {counted} | {sum(one.score == WRONG for one in read)} |"


def table(half: str) -> None:
    """All kinds of a half, the exam names together, and everything together."""
    by_kind = readings(half)
    names = chain.from_iterable(by_kind[kind] for kind in EXAMS if kind not in {"exam-codes", "languages"})
    print(f"\n{half} (shares in %)\n\n| | examples | {' | '.join(SCORES)} | count wrong |")
    print("|---|---|---|---|---|---|---|")
    for kind, some in by_kind.items():
        print(row(kind, some))
    print(row("exam names, English", names))
    print(row("all", chain.from_iterable(by_kind.values())))


def failures() -> None:
    """What is not right in the tuning half, the wrong ones first."""
    for kind, some in readings("tuning").items():
        failed = sorted((one for one in some if one.score != RIGHT), key=lambda one: -SCORES.index(one.score))
        for (text, label), score, found in failed:
            print(f"{kind}: {score}: {text!r} is {label}; read as {found}")


failures()
for each in HALVES:
    table(each)
