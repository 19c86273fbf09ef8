"""
The words orders are written in, and what each says about the exam.

They stand in ``rules/codes/exams/words*.yaml``; the first of them says what the sections mean. Matching is on
folded words: case and punctuation gone, so "A/P" and "a-p" are the same two words.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from cds_service.vocabulary.compounds import NO_COMPOUNDS, Compounds
from cds_service.vocabulary.spelling import NO_SPELLING, Spelling

NOTHING: Final[frozenset[str]] = frozenset()
OPEN: Final = "unknown"
"""The contrast of words that leave it open, such as "contrast per radiologist"."""

MARKS: Final = ("not_an_exam", "two_readings", "negation", "earlier", "reason", "complaint", "misread", "ignored")
ENGLISH, FOREIGN = "english", "foreign"
_PURPOSES: Final = ("guidance", "planning", "surveillance")

_FOLDING: Final = str.maketrans(
    {mark: " " for mark in (*string.punctuation, "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u00a0")}
    | {"+": " + ", "&": " and ", "'": None, "\u2019": None}
)
_WITHOUT: Final = re.compile(r"(?<![^\W_])c-(?![^\W_])")
_ELIDED: Final = re.compile(r"(?<![^\W_])(?:l|d|un|all|dall|dell|nell|sull)['\u2019](?=[^\W\d_])")
_RADIOGRAPH: Final = re.compile(r"(?<![^\W_])r(?:ö|o\u0308)(?![^\W_])")
_LIGATURES: Final = str.maketrans({"œ": "oe", "æ": "ae"})
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
ASKED: Final = "¿"
"""Stands among the words where a question begins: "US abdomen ?cyst"."""
UNFINISHED: Final = "¬"
"""Stands among the words for one that lacks its end: "Brust- und Lendenwirbelsäule"."""
_QUESTION: Final = re.compile(r"\?(?=\s*\w)")
_MAYBE: Final = re.compile(r"\+\s*/?\s*[-\u2013]|\u00b1")
MAYBE: Final = "plusminus"
"""Stands among the words for "+/-": what follows is left open."""
_HYPHENED: Final = re.compile(r"([^\W\d_]{3,})-(?=\s|[/,])((?:\s|[/,]|u\.|und\b|oder\b|&|\+)+)([^\W\d_]{6,})")
_SHORTEST_END: Final = 3
_MOST_STARTS: Final = 4


def fold(text: str) -> list[str]:
    """
    The words of *text*, without case, accents and punctuation; "C-" is a word of its own.

    >>> fold("CT ABD/PEL W&WO, 3-phase"), fold("CT Schädel C-")
    (['ct', 'abd', 'pel', 'w', 'and', 'wo', '3', 'phase'], ['ct', 'schadel', 'cminus'])
    >>> fold("IRM de l'épaule"), fold("Rö Hand")
    (['irm', 'de', 'epaule'], ['rontgen', 'hand'])
    """
    text = text.casefold()
    if "'" in text or "\u2019" in text:
        text = _ELIDED.sub(" ", text)
    if not text.isascii():
        text = _RADIOGRAPH.sub("rontgen", text)
        text = text.translate(_LIGATURES)
        text = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    if "c-" in text:
        text = _WITHOUT.sub("cminus", text)
    return text.translate(_FOLDING).split()


def spelt(phrase: str) -> list[str]:
    """
    A phrase as texts may spell it, folded and joined by one blank: umlauts in both ways.

    >>> spelt("Schädel"), spelt("W/O contrast"), spelt("--")
    (['schadel', 'schaedel'], ['w o contrast'], [])
    """
    spellings = (phrase, phrase.casefold().translate(_UMLAUTS))
    return [folded for folded in dict.fromkeys(" ".join(fold(one)) for one in spellings) if folded]


class Meaning(NamedTuple):
    """
    What one phrase says.

    ``whole`` marks a phrase that names an exam by itself, such as CXR; ``alone`` is the modality it speaks for
    where no other is named; ``elsewhere`` gives its regions beside another modality; ``at_end`` marks a contrast
    word that counts only where nothing follows; ``everywhere`` says that the whole body is meant, not just usual;
    ``usual`` marks an exam meant where no other part of the body is named; ``only`` is ENGLISH or FOREIGN for a word
    that says nothing in texts of another language; ``mark`` is one of MARKS, or empty.
    """

    modality: str = ""
    regions: frozenset[str] = NOTHING
    techniques: frozenset[str] = NOTHING
    contrast: str = ""
    passes: int = 0
    more: bool = False
    purpose: str = ""
    whole: bool = False
    alone: str = ""
    elsewhere: Mapping[str, frozenset[str]] = MappingProxyType({})
    at_end: bool = False
    everywhere: bool = False
    usual: bool = False
    only: str = ""
    mark: str = ""


class Words(NamedTuple):
    """
    Phrases, folded and joined by one blank, with their meaning; ``longest`` counts words by first word.

    ``first`` gives what a short word stands for where a text begins with it; ``foreign`` holds words that only
    other languages than English know.
    """

    meanings: Mapping[str, Meaning]
    longest: Mapping[str, int]
    spelling: Spelling = NO_SPELLING
    first: Mapping[str, str] = MappingProxyType({})
    compounds: Compounds = NO_COMPOUNDS
    foreign: frozenset[str] = NOTHING

    def of(self, text: str, most: int) -> list[str]:
        """The first words of *text*, folded, typing errors put right, words written in one taken apart."""
        return self.read(text, most)[0]

    def read(self, text: str, most: int) -> tuple[list[str], bool]:
        """
        The first words of *text* as ``of`` gives them, and whether it is in another language than English.

        Such a text is read as it is written: its words lie too near to English ones.
        """
        if "+" in text or "\u00b1" in text:
            text = _MAYBE.sub(f" {MAYBE} ", text)
        if "?" in text:
            text = _QUESTION.sub(f" {ASKED} ", text)
        if "-" in text:
            text = self._with_ends(text)
        folded = fold(text)[:most]
        foreign = not self.foreign.isdisjoint(folded) or not (text.isascii() or _plain(text))
        words: list[str] = []
        for word in folded:
            if foreign:
                words.extend(self._foreign_parts(word))
                continue
            right = self.spelling.right(word)
            if self.spelling.knows(right) or not (parts := self.compounds.parts(right)):
                words.append(right)
            else:
                words.extend(parts)
        if words and words[0] in self.first:
            words[0] = self.first[words[0]]
        return words, foreign

    def _foreign_parts(self, word: str) -> tuple[str, ...]:
        if self.spelling.knows(word):
            return (word,)
        return self.compounds.parts(word) or (self.compounds.stem(word) or word,)

    def _with_ends(self, text: str) -> str:
        """Words that share the end of the last one, each with that end: "Hals-, Brust- und Lendenwirbelsäule"."""
        for _ in range(_MOST_STARTS):
            before, text = text, _HYPHENED.sub(self._completed, text)
            if text == before:
                break
        return text

    def _completed(self, found: re.Match[str]) -> str:
        """The first of two words that share an end, with that end; marked where no known word comes of it."""
        (start,), between, whole = fold(found[1]), found[2], found[3]
        last = "".join(fold(whole))
        for place in range(1, len(last) - _SHORTEST_END + 1):
            meaning = self.meanings.get(start + last[place:])
            if meaning is not None and meaning.regions:
                return f"{start}{last[place:]}{between}{whole}"
        known = start in self.meanings or self.compounds.parts(start) or self.compounds.stem(start)
        return found[0] if known or between.isspace() else f"{found[1]} {UNFINISHED} {between}{whole}"


def _plain(text: str) -> bool:
    """Whether every letter of *text* is an English one."""
    return not any(letter > "\x7f" and letter.isalpha() for letter in text)


NO_WORDS: Final = Words({}, {})
