"""How much was tried, in numbers and words, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cds_service.errors import Problem


@dataclass(frozen=True)
class Size:
    """How much was tried of one topic, or of two: all states, those looked at, situations, judgements."""

    name: str
    states: int
    looked_at: int
    situations: int
    judged_situations: int
    judgements: int

    @property
    def sampled(self) -> bool:
        """Whether not all of it was tried."""
        return self.looked_at < self.states or self.judged_situations < self.situations


@dataclass
class Report:
    """What was tried, and what is wrong."""

    sizes: list[Size] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def judgements(self) -> int:
        """How many orders were judged."""
        return sum(size.judgements for size in self.sizes)


def summary(report: Report) -> str:
    """
    One line on all that was tried.

    >>> summary(Report([Size("a", 10, 10, 4, 4, 8), Size("a + b", 90, 20, 9, 2, 4)]))
    'Tried 1 topic and 1 pair of topics: 100 states, 6 situations, 12 judgements; drawn, not whole: 1 of 2.'
    """
    pairs = sum(" + " in size.name for size in report.sizes)
    topics = len(report.sizes) - pairs
    drawn = sum(size.sampled for size in report.sizes)
    return (
        f"Tried {topics} topic{'' if topics == 1 else 's'} and {pairs} pair{'' if pairs == 1 else 's'} of topics: "
        f"{sum(size.states for size in report.sizes):,} states, "
        f"{sum(size.judged_situations for size in report.sizes):,} situations, {report.judgements:,} judgements; "
        f"drawn, not whole: {drawn} of {len(report.sizes)}."
    )


def table(report: Report) -> Iterator[str]:
    """One line for each topic and each two that meet."""
    for size in report.sizes:
        yield (
            f"{size.name}: {size.looked_at:,} of {size.states:,} states looked at, "
            f"{size.judged_situations:,} of {size.situations:,} situations, {size.judgements:,} judgements"
            f"{' (drawn with a fixed seed)' if size.sampled else ''}"
        )
