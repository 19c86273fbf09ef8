"""Collects what is wrong with one file of a site."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cds_service.errors import Problem, nearest


@dataclass(frozen=True, slots=True)
class Report:
    """Takes each problem with its line: ``report(3, "what is wrong", "what would be right")``."""

    file: str
    problems: list[Problem]

    def __call__(self, line: int, trouble: str, remedy: str = "") -> None:
        self.problems.append(Problem(self.file, line, trouble, remedy))

    def unknown(self, line: int, name: str, known: Collection[str], what: str) -> None:
        """Report *name*, which is not among the *known* ones of *what*, with the nearest of them."""
        self(line, f"{name} is not a member of {what}", nearest(name, known))
