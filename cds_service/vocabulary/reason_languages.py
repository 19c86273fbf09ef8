"""Reasons written in other languages: what their words mean in the English that the lists of reasons are written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from cds_service.courtesy import unhurried
from cds_service.vocabulary.phrases import Phrases, plain, spellings, words_of
from cds_service.vocabulary.reason_sheet import Sheet
from cds_service.yaml_source import Block, Text

_SECTIONS: Final = ("endings", "also_english", "articles", "means", "adjectives")
_INFLECTED: Final = re.compile(r"([^\s|~]+)~")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_POINTS: Final = re.compile(r"(?<![^\W_])(?=([^\W\d_]{1,3}\. ?[^\W\d_]{1,3})(?![^\W_]))")
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_SHORTEST_TELLING: Final = 3
_ELIDED: Final = re.compile(r"(?<![^\W_])([^\W\d_]{1,6})'(?=[^\W\d_]{3})")


class Sense(NamedTuple):
    """The English words of a phrase, and whether it follows the noun that they stand before in English."""

    words: tuple[str, ...]
    follows: bool = False


class Language(NamedTuple):
    """
    A language: what its phrases mean, and the word each inflected one is a form of.

    ``telling`` are the words and abbreviations that tell that a text is written in it.
    """

    name: str
    means: Phrases[Sense]
    forms: Mapping[str, str]
    telling: frozenset[str]


class Languages(NamedTuple):
    """Every language; ``telling`` are the telling words of all."""

    each: tuple[Language, ...] = ()
    telling: frozenset[str] = frozenset()

    def of(self, text: str) -> list[Language]:
        """
        The languages *text* may be written in; none of these when it is English.

        >>> german = Language("german", Phrases(), {}, frozenset(["verdacht", "v.a."]))
        >>> known = Languages((german,), german.telling)
        >>> [[one.name for one in known.of(text)] for text in ("Verdacht auf Pneumonie", "V. a. pneumonia", "r/o flu")]
        [['german'], ['german'], []]
        """
        said = _tokens(text)
        return [] if self.telling.isdisjoint(said) else [one for one in self.each if not one.telling.isdisjoint(said)]


NO_LANGUAGES: Final = Languages()


def unelided(text: str) -> str:
    """
    *text* with short words that hang on the next one set apart.

    >>> unelided("suspicion d'appendicite, mother's, don't, aujourd'hui")
    "suspicion d appendicite, mother's, don't, aujourd'hui"
    """
    return _ELIDED.sub(r"\1 ", text) if "'" in text else text


def _tokens(text: str) -> list[str]:
    """The words and pointed abbreviations of *text* as written."""
    text = plain(text).lower()
    said = _LETTERS.findall(text)
    if "." in text:
        said += [_pointed(one) for one in _POINTS.findall(text)]
    return said


def _pointed(abbreviation: str) -> str:
    return abbreviation.replace(" ", "") + "."


class LanguageLoading:
    """Languages as they gather from files; several files of one name add to one language."""

    def __init__(self) -> None:
        self._files: dict[str, list[tuple[Sheet, Block]]] = {}

    def read(self, sheet: Sheet, name: str, block: Block) -> None:
        """Add the file of a language."""
        sheet.fields(block, _SECTIONS, "a section of a language")
        self._files.setdefault(name, []).append((sheet, block))

    def joined(self, same_word: Mapping[str, str], known: Callable[[str], bool]) -> Languages:
        """Everything put together; a word that English texts may hold too, as one *known* there, tells nothing."""
        each = tuple(_Joining(name, same_word).language(files, known) for name, files in sorted(self._files.items()))
        return Languages(each, frozenset().union(*(one.telling for one in each)))


class _Joining:
    def __init__(self, name: str, same_word: Mapping[str, str]) -> None:
        self._name = name
        self._same_word = same_word
        self._phrases: list[tuple[Sheet, Text, Sense]] = []
        self._forms: dict[str, str] = {}
        self._told: set[str] = set()

    def language(self, files: list[tuple[Sheet, Block]], known: Callable[[str], bool]) -> Language:
        silent = {plain(one).lower() for sheet, block in files for one in sheet.items(block, "also_english")}
        for sheet, block in files:
            self._gather(sheet, block)
        self._inflect([str(one) for sheet, block in files for one in sheet.items(block, "endings")])
        means = self._means()
        telling = frozenset(one for one in self._told if one not in silent and not self._is_english(one, known))
        return Language(self._name, means, self._forms, telling)

    def _is_english(self, word: str, known: Callable[[str], bool]) -> bool:
        return "." not in word and (known(word) or any(map(known, words_of(word, self._same_word).words)))

    def _gather(self, sheet: Sheet, block: Block) -> None:
        self._phrases.extend((sheet, phrase, Sense(())) for phrase in sheet.items(block, "articles"))
        for section in ("means", "adjectives"):
            for english, phrases in sheet.lists(block, section):
                sense = Sense(tuple(words_of(english, self._same_word).words), section == "adjectives")
                self._phrases.extend((sheet, phrase, sense) for phrase in phrases)

    def _inflect(self, endings: list[str]) -> None:
        for _, phrase, _ in self._phrases:
            for spelt in _written(phrase):
                for word in _INFLECTED.findall(spelt):
                    stem = plain(word).lower()
                    self._forms.update((stem + ending, stem) for ending in endings)
                    self._told.update(stem + ending for ending in endings)

    def _means(self) -> Phrases[Sense]:
        means: Phrases[Sense] = Phrases()
        for sheet, phrase, sense in unhurried(self._phrases, 100):
            for spelt in _written(phrase):
                bare = unelided(plain(spelt.replace("~", "")).lower())
                self._told.update(one for one in _tokens(bare) if len(one) >= _SHORTEST_TELLING)
                for words in spellings(bare, self._forms):
                    other = means.add(words, sense) if words else None
                    if other is not None and other != sense:
                        said = " ".join(other.words)
                        sheet.wrong(phrase, f"{phrase!r} means {said!r} too", "keep it in one place")
        return means


def _written(phrase: str) -> Iterator[str]:
    """The phrase, and with its umlauts written out."""
    yield phrase
    out = phrase.translate(_UMLAUTS)
    if out != phrase:
        yield out
