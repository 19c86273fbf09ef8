"""
Judgements remembered, each with the questions that led to it.

Judging is a function of the answers it gets, and which question comes next hangs on the answers so far. So the
questions asked until now form a tree, and walking it asks the very questions judging would ask, in the same order;
where the walk ends at a judgement, judging would have come to the same. Where it ends nowhere, the order is judged
and the tree grows. The tree belongs to one rule set and goes with it.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from cds_service.rules.asking import Question, Watched, said
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Facts

T = TypeVar("T")

ROOM = 500
"""Judgements remembered before all are forgotten; each takes some 20 KB with its questions."""


class _Asked:
    """One question, and what follows each answer: the next question, or a judgement."""

    __slots__ = ("answers", "question")

    def __init__(self, question: str | Question) -> None:
        self.question = question
        self.answers: dict[Any, Any] = {}


class Replay(Generic[T]):
    """What was judged under one rule set; *telling* are the findings of which being on record makes a difference."""

    def __init__(self, telling: frozenset[str] = frozenset(), *, room: int = ROOM) -> None:
        self._telling = telling
        self._room = room
        self._kept = 0
        self._first: dict[Exam, Any] = {}

    def find(self, order: Exam, facts: Facts) -> T | None:
        """What was judged when everything asked was answered as *facts* answer it; None when it never was."""
        step: Any = self._first.get(order)
        while type(step) is _Asked:
            question = step.question
            answer = said(facts[question]) if isinstance(question, str) else question(facts)
            step = step.answers.get(answer)
        found: T | None = step
        return found

    def watched(self, facts: Facts) -> Watched:
        """*facts* to be judged now and remembered by ``keep``."""
        return Watched(facts, self._recorded)

    def keep(self, order: Exam, facts: Watched, judged: T) -> None:
        """Remember what *facts* were asked, and what came of it."""
        if facts.lost or not facts.asked:
            return
        if self._kept >= self._room:
            self._first.clear()
            self._kept = 0
        self._kept += 1
        answers, key = self._first, order
        for question, answer in facts.asked.items():
            step = answers.setdefault(key, _Asked(question))
            answers, key = step.answers, answer
        answers[key] = judged

    def _recorded(self, facts: Facts) -> frozenset[str] | None:
        names = facts.recorded
        return None if names is None else names & self._telling
