"""
The dose of earlier exams, read only when somebody asks.

    units.py      units as records write them
    wording.py    doses in plain text
    told.py       one account → what it tells
    passes.py     how often the body was scanned, by the names of series
    usual.py      what a dose comes to, and what it usually is
    figures.py    the figures those answers rest on, from ``rules/codes/dose.yaml``
    tied.py       which accounts are surely of the exam
    of_exam.py    all accounts of one exam → its dose

It tells what was done; it is no argument for or against the next exam, and nothing adds it up.
"""

from __future__ import annotations

from cds_service.facts.dose.figures import load_usual
from cds_service.facts.dose.of_exam import Dose, doses
from cds_service.facts.dose.usual import NO_FIGURES, Usual

__all__ = ["NO_FIGURES", "Dose", "Usual", "doses", "load_usual"]
