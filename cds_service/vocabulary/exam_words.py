"""
The words orders are written in, and what each says about the exam.

They stand in ``rules/codes/exams/words.yaml``, which says what its sections mean. Matching is on
folded words: case and punctuation gone, so "A/P" and "a-p" are the same two words.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

from cds_service.errors import ContentError, PhraseError, Problem
from cds_service.vocabulary.exams import CONTRASTS, TECHNIQUES, Exam, exam
from cds_service.vocabulary.regions import REGIONS
from cds_service.vocabulary.spelling import NO_SPELLING, Spelling
from cds_service.yaml_source import Block, Items, Text, line_of

NOTHING: Final[frozenset[str]] = frozenset()
OPEN: Final = "unknown"
"""The contrast of words that leave it open, such as "contrast per radiologist"."""

MARKS: Final = ("not_an_exam", "two_readings", "negation", "earlier", "ignored")
_PURPOSES: Final = ("guidance", "planning", "surveillance")

_FOLDING: Final = str.maketrans(
    {mark: " " for mark in (*string.punctuation, "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u00a0")}
    | {"+": " + ", "&": " and ", "'": None, "\u2019": None}
)
_WITHOUT: Final = re.compile(r"(?<![^\W_])c-(?![^\W_])")


def fold(text: str) -> list[str]:
    """
    The words of *text*, without case, accents and punctuation; "C-" is a word of its own.

    >>> fold("CT ABD/PEL W&WO, 3-phase"), fold("CT Schädel C-")
    (['ct', 'abd', 'pel', 'w', 'and', 'wo', '3', 'phase'], ['ct', 'schadel', 'cminus'])
    """
    text = text.casefold()
    if not text.isascii():
        text = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    if "c-" in text:
        text = _WITHOUT.sub("cminus", text)
    return text.translate(_FOLDING).split()


class Meaning(NamedTuple):
    """
    What one phrase says.

    ``whole`` marks a phrase that names an exam by itself, such as CXR; ``alone`` is the modality it speaks for
    where no other is named; ``elsewhere`` gives its regions beside another modality; ``at_end`` marks a contrast
    word that counts only where nothing follows; ``mark`` is one of MARKS, or empty.
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
    mark: str = ""


class Words(NamedTuple):
    """
    Phrases, folded and joined by one blank, with their meaning; ``longest`` counts words by first word.

    ``first`` gives what a short word stands for where a text begins with it.
    """

    meanings: Mapping[str, Meaning]
    longest: Mapping[str, int]
    spelling: Spelling = NO_SPELLING
    first: Mapping[str, str] = MappingProxyType({})

    def of(self, text: str, most: int) -> list[str]:
        """The first words of *text*, folded, with typing errors put right."""
        right = self.spelling.right
        words = [right(word) for word in fold(text)[:most]]
        if words and words[0] in self.first:
            words[0] = self.first[words[0]]
        return words


NO_WORDS: Final = Words({}, {})


def read_words(block: Block, *, file: str) -> Words:
    """Read the table of words. Raises ContentError with every problem."""
    reading = _Reading(file)
    words = cast("Mapping[str, Any]", block)["words"]
    if not isinstance(words, Block):
        raise ContentError([Problem(file, line_of(words), "words is a block of sections")])
    for section, entries in words.items():
        reading.section(section, entries)
    if reading.problems:
        raise ContentError(reading.problems)
    longest: dict[str, int] = {}
    for phrase in reading.meanings:
        first, *rest = phrase.split()
        longest[first] = max(longest.get(first, 0), len(rest) + 1)
    known = {word for phrase in reading.meanings for word in phrase.split()}
    return Words(reading.meanings, longest, Spelling(known, reading.real, means=reading.meanings.get), reading.first)


class _Reading:
    """The meanings as they gather, and the problems found on the way."""

    def __init__(self, file: str) -> None:
        self.meanings: dict[str, Meaning] = {}
        self.problems: list[Problem] = []
        self.real: list[str] = []
        self.first: dict[str, str] = {}
        self._file = file
        self._seen: set[tuple[str, str]] = set()

    def section(self, section: Text, entries: Any) -> None:
        if section in MARKS:
            self._phrases(section, entries, {"mark": str(section)})
        elif section == "real_words":
            self.real.extend(self._folded(section, entries))
        elif section == "first_word":
            self.first.update((str(word), str(meant)) for word, meant in self._block(entries))
        elif section == "region_of" and isinstance(entries, Block):
            for modality, regions in entries.items():
                for key, phrases in self._block(regions):
                    self._elsewhere(modality, key, phrases)
        elif section in _SECTIONS:
            for key, phrases in self._block(entries):
                try:
                    said = _SECTIONS[section](str(key))
                except (PhraseError, ValueError) as error:
                    self._problem(key, f"{section}: {error}")
                else:
                    self._phrases(section, phrases, said)
        else:
            self._problem(section, f"{section} is not a section of words")

    def _block(self, entries: Any) -> Iterator[tuple[Text, Any]]:
        if isinstance(entries, Block):
            yield from entries.items()
        else:
            self._problem(entries, "a block of meanings with their phrases is needed here")

    def _elsewhere(self, modality: Text, key: Text, phrases: Any) -> None:
        try:
            regions = _regions(str(key))["regions"]
        except ValueError as error:
            self._problem(key, str(error))
            return
        for phrase in self._folded(f"region_of {modality}", phrases):
            held = self.meanings.get(phrase, Meaning())
            self.meanings[phrase] = held._replace(elsewhere={**held.elsewhere, str(modality): regions})

    def _phrases(self, section: Text, phrases: Any, said: dict[str, Any]) -> None:
        for phrase in self._folded(section, phrases):
            held = self.meanings.get(phrase, Meaning())
            techniques = held.techniques | said.get("techniques", NOTHING)
            self.meanings[phrase] = held._replace(**{**said, "techniques": techniques})

    def _folded(self, section: str, phrases: Any) -> Iterator[str]:
        if not isinstance(phrases, Items):
            self._problem(phrases, f"{section}: a list of phrases is needed here")
            return
        for phrase in phrases:
            folded = " ".join(fold(phrase)) if isinstance(phrase, Text) else ""
            if not folded:
                self._problem(phrase, f"{section}: a phrase must have words", "put it in quotes")
            elif (section, folded) in self._seen:
                self._problem(phrase, f"{section}: {folded!r} stands here twice", "keep one of them")
            else:
                self._seen.add((section, folded))
                yield folded

    def _problem(self, at: Any, trouble: str, remedy: str = "") -> None:
        self.problems.append(Problem(self._file, line_of(at), trouble, remedy))


def _modality(key: str) -> dict[str, Any]:
    told = exam(f"{key} whole-body")
    return {"modality": told.modality, "techniques": told.techniques}


def _alone(key: str) -> dict[str, Any]:
    return {"alone": _modality(key)["modality"]}


def _exam(key: str) -> dict[str, Any]:
    told: Exam = exam(key)
    return {"modality": told.modality, "regions": told.regions, "techniques": told.techniques, "whole": True}


def _regions(key: str) -> dict[str, Any]:
    regions = frozenset(key.split("+"))
    if not regions <= REGIONS:
        raise ValueError(f"{', '.join(sorted(regions - REGIONS))} is not a region")
    return {"regions": regions}


def _technique(key: str) -> dict[str, Any]:
    return {"techniques": frozenset({_one_of(key, TECHNIQUES)})}


def _contrast(key: str) -> dict[str, Any]:
    return {"contrast": _one_of(key, {*CONTRASTS, OPEN})}


def _closing(key: str) -> dict[str, Any]:
    return {"contrast": _one_of(key, CONTRASTS), "at_end": True}


def _passes(key: str) -> dict[str, Any]:
    return {"more": True} if key == "more" else {"passes": int(key)}


def _purpose(key: str) -> dict[str, Any]:
    return {"purpose": _one_of(key, _PURPOSES)}


def _one_of(word: str, known: Any) -> str:
    if word not in known:
        raise ValueError(f"{word} is not one of {', '.join(sorted(known))}")
    return word


_SECTIONS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "modality": _modality,
    "modality_alone": _alone,
    "exam": _exam,
    "region": _regions,
    "technique": _technique,
    "contrast": _contrast,
    "contrast_at_end": _closing,
    "passes": _passes,
    "purpose": _purpose,
}
