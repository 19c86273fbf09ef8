"""One typing error is put right where only one known word can have been meant."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.vocabulary.spelling import NO_SPELLING, SHORTEST, Spelling, one_apart

KNOWN = ["abdomen", "pelvis", "pelvic", "ankle", "ankles", "head", "ultrasound", "dysphagia", "mri123"]
SPELLING = Spelling(KNOWN, real=["angle", "dysphasia"])


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("abdoemn", "abdomen"),  # two letters swapped
        ("abdmen", "abdomen"),  # one lost
        ("abdommen", "abdomen"),  # one too many
        ("abdomin", "abdomen"),  # one changed
        ("ultrasoudn", "ultrasound"),
        ("abdomens", "abdomen"),
        ("abdome", "abdomen"),
    ],
)
def test_one_error_is_put_right(word: str, meant: str) -> None:
    assert SPELLING.right(word) == meant


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("abdomen", "known"),
        ("abdoenm", "two errors"),
        ("bdomen", "another first letter"),
        ("haed", "too short"),
        ("angle", "a word of its own"),
        ("dysphasia", "a word of its own, of medicine"),
        ("pelvix", "pelvis or pelvic"),
        ("mri124", "no word"),
        ("", "nothing"),
    ],
)
def test_all_else_stays(word: str, why: str) -> None:
    assert SPELLING.right(word) == word, why


def test_a_plural_is_no_second_reading() -> None:
    assert SPELLING.right("ankel") == "ankle"
    assert SPELLING.right("anklse") == "ankle"
    assert SPELLING.right("anklee") == "ankle"


def test_words_that_say_the_same_are_no_second_reading() -> None:
    same = Spelling(["pelvis", "pelvic"], means={"pelvis": "pelvis", "pelvic": "pelvis"}.get)
    assert same.right("pelvix") == "pelvic"
    assert Spelling(["pelvis", "pelvic"], means={}.get).right("pelvix") == "pelvix"


def test_with_no_words_nothing_changes() -> None:
    assert NO_SPELLING.right("abdoemn") == "abdoemn"


def _near(word: str) -> set[str]:
    """Every word one typing error away, the slow way."""
    letters = string.ascii_lowercase
    cut = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    return {
        *(left + right[1:] for left, right in cut if right),
        *(left + letter + right for left, right in cut for letter in letters),
        *(left + letter + right[1:] for left, right in cut if right for letter in letters),
        *(left + right[1] + right[0] + right[2:] for left, right in cut if len(right) > 1),
    }


@pytest.mark.parametrize("word", ["abdomen", "ultrasound", "aabbcc"])
def test_every_word_one_error_away_is_found(word: str) -> None:
    spelling = Spelling([word])
    near = {one for one in _near(word) if len(one) >= SHORTEST and one[0] == word[0]}
    assert len(near) > 250
    assert {one for one in near if spelling.right(one) != word} == set()
    assert all(one_apart(one, word) for one in near)


@given(st.text(alphabet="abc", max_size=7), st.text(alphabet="abc", max_size=7))
def test_one_apart_is_what_the_slow_way_says(one: str, other: str) -> None:
    assert one_apart(one, other) == (other in _near(one) or one == other)
