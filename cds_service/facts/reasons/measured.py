"""What a text measures in numbers: a temperature is a fever or none, a weight or height tells of no illness."""

from __future__ import annotations

from typing import Final

FEVER: Final = "fever"
NO_FEVER: Final = "afebrile"

_NAMES: Final = frozenset(("t", "tm", "tmax", "temp", "temperature"))
_BETWEEN: Final = frozenset(("to", "of", "up", "max", "as", "high", "was", "is", "at", ":"))
_MOST_BETWEEN: Final = 3
_MEANT: Final = ((36.0, 38.0, NO_FEVER), (38.0, 43.0, FEVER), (96.8, 100.4, NO_FEVER), (100.4, 109.4, FEVER))
MEASURED: Final = "measured"
_SIZES: Final = frozenset(("weight", "height", "ht"))
_SCALES: Final = {"c": (38.0, 43.0), "f": (100.4, 109.4)}


def tell_temperatures(words: list[str]) -> None:
    """
    Put what a measured temperature means in place of the word before it: from 38 °C or 100.4 °F on it is a fever.

    38 °C is where the pediatric appendicitis score and the finding ``sign.fever`` begin too; a lower one is context.
    What can be no temperature stays as it is.

    >>> words = ["t", "39.5", ",", "temp", "up", "to", "99.1", ",", "t", "4", ",", "t38", ".", "6", ",", "39.1", "c"]
    >>> tell_temperatures(words)
    >>> words
    ['fever', '39.5', ',', 'afebrile', 'up', 'to', '99.1', ',', 't', '4', ',', 'fever', '38', '6', ',', '39.1', 'fever']
    """
    for at, word in enumerate(words):
        if word in _NAMES:
            words[at] = _meant(_number_behind(words, at)) or word
        elif word in _SCALES and at and _between(words[at - 1], *_SCALES[word]):
            words[at] = FEVER
        elif (name := word.rstrip("0123456789")) in _NAMES and (said := _meant(word[len(name) :])):
            words[at] = said
            if words[at + 1 : at + 2] == ["."] and words[at + 2 : at + 3] and words[at + 2].isdigit():
                words[at + 1] = word[len(name) :]


def _number_behind(words: list[str], at: int) -> str:
    for word in words[at + 1 : at + 2 + _MOST_BETWEEN]:
        if word not in _BETWEEN:
            return word
    return ""


def _meant(number: str) -> str:
    return next((meaning for low, high, meaning in _MEANT if _between(number, low, high)), "")


def _between(number: str, low: float, high: float) -> bool:
    return number.replace(".", "", 1).isdigit() and low <= float(number) < high


def tell_sizes(words: list[str]) -> None:
    """
    Put a word of context in place of the name of a weight or height that a number follows.

    >>> words = ["weight", ":", "12.4", "kg", ",", "weight", "loss", "of", "2", "kg", ",", "height", "98", "cm"]
    >>> tell_sizes(words)
    >>> words
    ['measured', ':', '12.4', 'kg', ',', 'weight', 'loss', 'of', '2', 'kg', ',', 'measured', '98', 'cm']
    """
    for at, word in enumerate(words):
        behind = words[at + 1 : at + 3]
        number = behind[-1:] if behind[:1] == [":"] else behind[:1]
        if word in _SIZES and number and number[0].replace(".", "", 1).isdigit():
            words[at] = MEASURED
