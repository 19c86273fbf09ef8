"""The examples are whole, labelled with words we know, and as they were frozen."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest

from cds_service.vocabulary.exams import exam
from tests.recognition.benchmark import (
    EXAMS,
    HALVES,
    HERE,
    KINDS,
    REASONS,
    digest,
    exam_label,
    examples,
    half_of,
    reason_label,
)
from tests.recognition.reading import reason_codes


def test_the_examples_are_those_of_the_readme() -> None:
    """Whoever corrects an example says so among the corrections, and writes the new digest there."""
    assert digest() in (HERE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_text_stands_once_and_in_its_half(half: str, kind: str) -> None:
    texts = [example.text for example in examples(half, kind)]
    assert {half_of(text) for text in texts} == {half}
    assert max(Counter(text.casefold() for text in texts).values()) == 1


@pytest.mark.parametrize("kind", EXAMS)
def test_every_exam_label_is_an_exam(kind: str) -> None:
    labels = {example.label for half in HALVES for example in examples(half, kind)} - {"unread", "guidance"}
    assert labels
    for phrase in chain.from_iterable(exam_label(label).phrases for label in labels):
        assert exam(phrase).regions, phrase


@pytest.mark.parametrize("kind", REASONS)
def test_every_reason_label_names_reasons(kind: str) -> None:
    for label in {example.label for half in HALVES for example in examples(half, kind)}:
        needed, optional, _ = reason_label(label)
        assert optional.union(*needed) <= set(reason_codes().reasons), label
        assert bool(needed) != (label == "unread"), label
