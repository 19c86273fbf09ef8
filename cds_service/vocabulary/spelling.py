"""
Misspelt words: the one known word a typing error away.

Every known word is kept under each of its shapes with one letter left out. Two words that differ by one letter
added, lost, changed or swapped with its neighbour share such a shape, so that a few look-ups find them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

SHORTEST: Final = 5
"""Shorter words are never corrected: too many of them are one letter apart."""


def _itself(word: str) -> Any:
    return word


class Spelling:
    """
    Known words, found by a word that is one typing error away.

    *real* words are spelt as they should be though they are near a known one; *means* tells whether two known
    words would say the same, so that it does not matter which was meant.
    """

    def __init__(
        self, known: Iterable[str], real: Iterable[str] = (), *, means: Callable[[str], Any] = _itself
    ) -> None:
        self._right = frozenset(known)
        self._real = frozenset(real)
        self._means = means
        self._shapes: dict[str, str | tuple[str, ...]] = {}
        for word in sorted(self._right):
            if len(word) >= SHORTEST and word.isalpha():
                for shape in _shapes(word):
                    self._shapes[shape] = (*self._near(shape), word) if shape in self._shapes else word

    def knows(self, word: str) -> bool:
        """Whether *word* is a known or a real one."""
        return word in self._right or word in self._real

    def right(self, word: str) -> str:
        """
        The known word *word* must have been meant for; *word* itself when there is none, or more than one.

        A first letter is hardly ever mistyped, so it must fit.

        >>> spelling = Spelling(["abdomen", "ankle", "renal", "penal"], real=["angle"])
        >>> spelling.right("abdoemn"), spelling.right("angle"), spelling.right("venal")
        ('abdomen', 'angle', 'venal')
        """
        if len(word) < SHORTEST or word in self._right or word in self._real or not word.isalpha():
            return word
        near = {
            known
            for shape in _shapes(word)
            for known in self._near(shape)
            if known[0] == word[0] and one_apart(word, known)
        }
        if not near:
            return word
        first = min(near, key=lambda known: (len(known), known))
        return first if all(self._alike(first, known) for known in near) else word

    def _near(self, shape: str) -> tuple[str, ...]:
        """The words of a shape; most have one, kept without a tuple around it: there are tens of thousands."""
        held = self._shapes.get(shape, ())
        return (held,) if isinstance(held, str) else held

    def _alike(self, one: str, other: str) -> bool:
        if one == other or one == other.removesuffix("s"):
            return True
        meaning = self._means(one)
        return meaning is not None and bool(meaning == self._means(other))


NO_SPELLING: Final = Spelling(())


def _shapes(word: str) -> Iterator[str]:
    """The word, and the word without each of its letters, none twice in a row."""
    yield word
    for place, letter in enumerate(word):
        if not place or letter != word[place - 1]:
            yield word[:place] + word[place + 1 :]


def one_apart(one: str, other: str) -> bool:
    """
    Whether one letter added, lost, changed or swapped with its neighbour makes *other* of *one*.

    >>> one_apart("brian", "brain"), one_apart("chst", "chest"), one_apart("brnai", "brain")
    (True, True, False)
    """
    shorter = min(len(one), len(other))
    first = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    last = next((place for place in range(shorter - first) if one[-1 - place] != other[-1 - place]), shorter - first)
    left, right = one[first : len(one) - last], other[first : len(other) - last]
    if len(left) <= 1 and len(right) <= 1:
        return True
    return len(left) == len(right) == len("ab") and left == right[::-1]
