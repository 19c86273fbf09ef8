"""The frozen examples as values: which names, texts and codes, and what each means."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
HALVES = ("tuning", "held")
EXAMS = ("ct", "mr", "us", "xr", "rf", "nm", "languages", "exam-codes")
REASONS = ("reasons", "reason-codes")
KINDS = EXAMS + REASONS


class Example(NamedTuple):
    """A name, text or code as somebody wrote it, and the label it stands under."""

    text: str
    label: str


def examples(half: str, kind: str) -> Iterator[Example]:
    """All examples of one kind in one half."""
    label = ""
    for line in (HERE / half / f"{kind}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            label = line.removeprefix("= ")
        else:
            yield Example(line, label)


LATER_SETS = ("fresh", "third")
"""Names written after the reading was tuned, before its answers to them were seen; may be looked at."""


def half_of(text: str) -> str:
    """
    The half a text belongs to, whoever asks.

    >>> half_of("CT HEAD"), half_of("CXR")
    ('held', 'held')
    """
    return HALVES[hashlib.sha256(text.encode()).digest()[0] % 2]


def digest() -> str:
    """The SHA-256 of all examples: another one means they were changed."""
    seen = hashlib.sha256()
    for half, kind in product(HALVES, KINDS):
        seen.update((HERE / half / f"{kind}.txt").read_bytes())
    return seen.hexdigest()


class ExamLabel(NamedTuple):
    """What an exam label accepts: any of the phrases, and a contrast that may be stated or left open."""

    phrases: tuple[str, ...]
    open_contrast: str = ""


def exam_label(label: str) -> ExamLabel:
    """
    Read an exam label.

    >>> exam_label("CTA head|brain ~with contrast")
    ExamLabel(phrases=('CTA head', 'CTA brain'), open_contrast='with')
    """
    base, _, contrast = label.partition(" ~")
    words = (word.split("|") for word in base.split())
    return ExamLabel(tuple(" ".join(some) for some in product(*words)), contrast.removesuffix(" contrast"))


class ReasonLabel(NamedTuple):
    """What a reason label asks for, what it lets pass, and whether something else stands there too."""

    needed: tuple[frozenset[str], ...]
    optional: frozenset[str] = frozenset()
    other: bool = False


def reason_label(label: str) -> ReasonLabel:
    """
    Read a reason label.

    >>> reason_label("gerd + ~vomiting + other")
    ReasonLabel(needed=(frozenset({'gerd'}),), optional=frozenset({'vomiting'}), other=True)
    """
    parts = [part for part in label.split(" + ") if part != "unread"]
    needed = [frozenset(part.split("|")) for part in parts if part != "other" and not part.startswith("~")]
    optional = frozenset(part[1:] for part in parts if part.startswith("~"))
    return ReasonLabel(tuple(needed), optional, "other" in parts)
