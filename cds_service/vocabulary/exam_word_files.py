"""Files of exam words: YAML into phrases and their meanings, with every problem found on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from cds_service.courtesy import unhurried
from cds_service.errors import ContentError, PhraseError, Problem
from cds_service.vocabulary.compounds import Compounds
from cds_service.vocabulary.exam_words import ENGLISH, FOREIGN, MARKS, NOTHING, OPEN, Meaning, Words, fold, spelt
from cds_service.vocabulary.exams import CONTRASTS, TECHNIQUES, Exam, exam
from cds_service.vocabulary.regions import REGIONS
from cds_service.vocabulary.spelling import Spelling
from cds_service.yaml_source import Block, Items, Text, line_of

_PURPOSES: Final = ("guidance", "planning", "surveillance")
_SHORTEST_FOREIGN: Final = 4
"""A shorter word tells no language, unless it names a modality: too many abbreviations look like it."""


def read_words(files: Mapping[str, Block]) -> Words:
    """Read tables of words as one; *files* maps a file's name to its block. Raises ContentError with every problem."""
    reading = _Reading()
    for file, block in files.items():
        reading.table(file, cast("Mapping[str, Any]", block)["words"])
    if reading.problems:
        raise ContentError(reading.problems)
    longest: dict[str, int] = {}
    for phrase in reading.meanings:
        first, *rest = phrase.split()
        longest[first] = max(longest.get(first, 0), len(rest) + 1)
    spelling = Spelling(reading.loose, {*reading.real, *reading.exact} - reading.loose, means=reading.meanings.get)
    regions = (phrase for phrase, meaning in reading.meanings.items() if meaning.regions and " " not in phrase)
    foreign = reading.exact - reading.loose - set(reading.real)
    return Words(
        reading.meanings,
        longest,
        spelling,
        reading.first,
        Compounds(regions, **reading.compound),
        frozenset(reading.telling)
        | {word for word in foreign if _tells_language(word, reading.meanings.get(word, Meaning()))},
    )


class _Reading:
    """The meanings as they gather, and the problems found on the way."""

    def __init__(self) -> None:
        self.meanings: dict[str, Meaning] = {}
        self.problems: list[Problem] = []
        self.real: list[str] = []
        self.first: dict[str, str] = {}
        self.loose: set[str] = set()
        self.exact: set[str] = set()
        self.telling: set[str] = set()
        self.compound: dict[str, list[str]] = {"endings": [], "beginnings": [], "links": []}
        self._file = ""
        self._as_written = False
        self._seen: dict[tuple[str, str], tuple[str, str]] = {}

    def table(self, file: str, words: Any) -> None:
        self._file = file
        if not isinstance(words, Block):
            self._problem(words, "words is a block of sections")
            return
        self._as_written = words.get(Text("as_written")) is True
        for section, entries in unhurried(words.items()):
            if section != "as_written":
                self.section(section, entries)

    def section(self, section: Text, entries: Any) -> None:
        if section in _FLAGS:
            self._phrases(section, section, entries)
        elif section == "real_words":
            self._real_words(entries)
        elif section == "tells_language":
            self.telling.update(self._folded(section, "", entries))
        elif section == "compound":
            for part, phrases in self._block(entries):
                if part in self.compound:
                    self.compound[part].extend(self._folded(f"compound {part}", "", phrases))
                else:
                    self._problem(part, f"{part} is not one of {', '.join(self.compound)}")
        elif section == "first_word":
            self.first.update((str(word), str(meant)) for word, meant in self._block(entries))
        elif section == "region_of" and isinstance(entries, Block):
            for modality, regions in entries.items():
                for key, phrases in self._block(regions):
                    self._elsewhere(modality, key, phrases)
        elif section in _SECTIONS:
            for key, phrases in self._block(entries):
                self._phrases(section, key, phrases)
        else:
            self._problem(section, f"{section} is not a section of words")

    def _real_words(self, entries: Any) -> None:
        if isinstance(entries, Items):
            self.real.extend(" ".join(fold(word)) for word in entries if isinstance(word, Text))
        else:
            self._problem(entries, "real_words: a list of words is needed here")

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
        for phrase in self._folded(f"region_of {modality}", key, phrases):
            held = self.meanings.get(phrase, Meaning())
            self.meanings[phrase] = held._replace(elsewhere={**held.elsewhere, str(modality): regions})

    def _phrases(self, section: Text, key: Text, phrases: Any) -> None:
        try:
            said = _FLAGS.get(section) or _SECTIONS[section](str(key))
        except (PhraseError, ValueError) as error:
            self._problem(key, f"{section}: {error}")
            return
        for phrase in self._folded(section, key, phrases):
            held = self.meanings.get(phrase, Meaning())
            techniques = held.techniques | said.get("techniques", NOTHING)
            self.meanings[phrase] = held._replace(**{**said, "techniques": techniques})

    def _folded(self, section: str, key: str, phrases: Any) -> Iterator[str]:
        """The phrases, folded, each once; umlauts in both spellings. The same may stand in two files."""
        if not isinstance(phrases, Items):
            self._problem(phrases, f"{section}: a list of phrases is needed here")
            return
        for phrase in phrases:
            spellings = spelt(phrase) if isinstance(phrase, Text) else ()
            if not spellings:
                self._problem(phrase, f"{section}: a phrase must have words", "put it in quotes")
            for folded in spellings:
                (self.exact if self._as_written else self.loose).update(folded.split())
                held = self._seen.get((section, folded))
                if held is None:
                    self._seen[section, folded] = (str(key), self._file)
                    yield folded
                elif held[1] == self._file:
                    self._problem(phrase, f"{section}: {folded!r} stands here twice", "keep one of them")
                elif held[0] != key:
                    self._problem(phrase, f"{section}: {folded!r} means {held[0]} in {held[1]}", "keep one of them")

    def _problem(self, at: Any, trouble: str, remedy: str = "") -> None:
        self.problems.append(Problem(self._file, line_of(at), trouble, remedy))


def _tells_language(word: str, meaning: Meaning) -> bool:
    if meaning.only:
        return False
    return len(word) >= _SHORTEST_FOREIGN or bool(meaning.modality and not meaning.whole)


def _modality(key: str) -> dict[str, Any]:
    told = exam(f"{key} whole-body")
    return {"modality": told.modality, "techniques": told.techniques}


def _alone(key: str) -> dict[str, Any]:
    return {"alone": _modality(key)["modality"]}


def _exam(key: str) -> dict[str, Any]:
    told: Exam = exam(key)
    return {"modality": told.modality, "regions": told.regions, "techniques": told.techniques, "whole": True}


def _usual(key: str) -> dict[str, Any]:
    return {**_exam(key), "whole": False, "usual": True}


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


_FLAGS: Final[Mapping[str, dict[str, Any]]] = {
    **{mark: {"mark": mark} for mark in MARKS},
    "everywhere": {"everywhere": True},
    **{language: {"only": language} for language in (ENGLISH, FOREIGN)},
}
_SECTIONS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "modality": _modality,
    "modality_alone": _alone,
    "exam": _exam,
    "usual_exam": _usual,
    "region": _regions,
    "technique": _technique,
    "contrast": _contrast,
    "contrast_at_end": _closing,
    "passes": _passes,
    "purpose": _purpose,
}
