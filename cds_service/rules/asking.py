"""
Questions to facts, and facts that keep a list of what they were asked.

A rule reads a flag, a choice or a set of names as it is. Ages, numbers and earlier exams are only ever asked about
(is the age below a limit, is there an exam within a time), so that two children who differ in nothing a rule asks
are told apart by nothing either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cds_service.vocabulary.readings import Age, Facts, Interval, Priors, Reading

Question = Callable[[Facts], Any]
"""What can be asked of facts and has a hashable answer; equal questions have equal answers."""


class Watching:
    """Facts that want to be asked questions, not to be read."""

    def ask(self, question: Question) -> Any:
        """The answer to *question*."""
        raise NotImplementedError  # pragma: no cover


def ask(facts: Facts, question: Question) -> Any:
    """The answer to *question*, noted by facts that take notes."""
    return facts.ask(question) if isinstance(facts, Watching) else question(facts)


def said(reading: Reading) -> Any:
    """All that judging may take from a reading: its value, and whether it is only suspected."""
    return (reading.value, True) if reading.suspected else reading.value


class Watched(Watching):
    """
    The facts of one order, and in ``asked`` each question they were asked with its answer.

    A name stands for the reading itself. ``lost`` says that something was read whole that is to be asked about only:
    then the list does not tell all.
    """

    def __init__(self, facts: Facts, recorded: Question) -> None:
        self._facts = facts
        self._recorded = recorded
        self.asked: dict[str | Question, Any] = {}
        self.lost = False

    def __getitem__(self, name: str) -> Reading:
        reading = self._facts[name]
        self.lost = self.lost or isinstance(reading.value, Age | Interval | Priors)
        self.asked.setdefault(name, said(reading))
        return reading

    @property
    def unread(self) -> frozenset[str]:
        """What could not be read; judging itself never asks."""
        return self._facts.unread

    @property
    def recorded(self) -> frozenset[str] | None:
        """What is on record, as far as any rule makes something of it."""
        names: frozenset[str] | None = self.ask(self._recorded)
        return names

    def ask(self, question: Question) -> Any:
        """The answer of the facts themselves."""
        answer = question(self._facts)
        self.asked.setdefault(question, answer)
        return answer
