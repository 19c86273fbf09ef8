"""
What order codes mean: LOINC, RadLex, SNOMED CT, CPT numbers, DICOM and the site's own codes.

A list is one file for one code system. Under ``exams`` a code names a whole exam, under
``modalities`` only how, under ``regions`` only where; ``not_exams`` are codes of the imaging
department that expose nobody. A list with a ``licence`` is off until the site states it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

from cds_service import yaml_source
from cds_service.courtesy import unhurried
from cds_service.errors import ContentError, PhraseError, Problem, nearest
from cds_service.vocabulary.addresses import address
from cds_service.vocabulary.check_digits import CHECKED
from cds_service.vocabulary.exam_word_files import read_words
from cds_service.vocabulary.exam_words import NO_WORDS, Words
from cds_service.vocabulary.exams import SEE, Exam, exam
from cds_service.vocabulary.regions import REGIONS
from cds_service.yaml_source import Block, Items, Text, line_of

_PIECE = 200
_HEAD: Final = frozenset({"system", "also", "source", "review", "licence", "notice"})
_SECTIONS: Final = ("exams", "modalities", "regions", "not_exams")
_REQUIRED: Final = ("system", "source", "review")
_SOMEWHERE: Final = "whole-body"


class Coded(NamedTuple):
    """
    What one code says.

    ``exam`` may lack a modality or regions. ``any_of`` is True when its regions are alternatives the code
    does not tell apart; ``imaging`` is False for a code that is known and no exam of a child.
    """

    exam: Exam
    any_of: bool = False
    imaging: bool = True


NOT_AN_EXAM: Final = Coded(Exam("", frozenset()), imaging=False)


@lru_cache(maxsize=8192)
def coded_exam(phrase: str) -> Coded:
    """
    Read the phrase of a code; a bar between regions means one of them, the code does not say which.

    >>> coded_exam("CT orbit|pituitary|temporal-bone with contrast").any_of
    True
    """
    return Coded(exam(phrase.replace("|", "+")), "|" in phrase)


@lru_cache(maxsize=256)
def coded_modality(phrase: str) -> Coded:
    """
    Read a modality with its techniques and no region.

    >>> coded_modality("CT guidance").exam
    Exam(modality='CT', regions=frozenset(), contrast=None, passes=0, techniques=frozenset({'guidance'}))
    """
    return Coded(exam(f"{phrase} {_SOMEWHERE}")._replace(regions=frozenset()))


@lru_cache(maxsize=256)
def coded_regions(phrase: str) -> Coded:
    """
    Read regions with no modality.

    >>> sorted(coded_regions("abdomen+pelvis").exam.regions)
    ['abdomen', 'pelvis']
    """
    for region in phrase.split("+"):
        if region not in REGIONS:
            raise PhraseError(f"{region!r} is not a region; {nearest(region, REGIONS, SEE)}")
    return Coded(Exam("", frozenset(phrase.split("+"))))


_READERS: Final[Mapping[str, Callable[[str], Coded]]] = {
    "exams": coded_exam,
    "modalities": coded_modality,
    "regions": coded_regions,
}


class ExamCodes:
    """
    Every code list in force, and the words exams are written in.

    ``memory`` is room for whoever recognises exams with these lists to keep answers in; it dies with them.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, Coded]], words: Words = NO_WORDS) -> None:
        self._tables = tables
        self._by_address = {address(system): table for system, table in tables.items()}
        self.words = words
        self.memory: dict[Any, Any] = {}

    def get(self, system: str | None, code: str | None) -> Coded | None:
        """What a code of a system says, or None when we do not know it."""
        if not system or not code:
            return None
        table = self._tables.get(system) or self._by_address.get(address(system))
        return (table.get(code) or table.get(code.strip())) if table is not None else None

    def __len__(self) -> int:
        """How many codes are in force."""
        return sum(1 for _ in self.items())

    def items(self) -> Iterator[tuple[str, str, Coded]]:
        """Every code in force with its system as given at load, each system under its own address only."""
        seen: set[int] = set()
        for system, table in self._tables.items():
            if id(table) not in seen:
                seen.add(id(table))
                yield from ((system, code, coded) for code, coded in table.items())

    @classmethod
    def load(cls, files: Mapping[str, bytes], licences: frozenset[str] = frozenset()) -> ExamCodes:
        """
        Read code lists and words; *files* maps a file's name to its content.

        Lists whose licence is not among *licences* stay off. Raises ContentError with every problem.
        """
        loading = _Loading()
        for file, content in files.items():
            licence = licence_of(content)
            if not licence or licence in licences:
                loading.file(file, content)
        loading.join()
        if loading.problems:
            raise ContentError(sorted(loading.problems))
        return cls(loading.tables, loading.words)


def licence_of(content: bytes) -> str:
    """
    The licence a list asks for, read from its head without reading the list.

    >>> licence_of(b"system: x\\nlicence: cpt\\nexams:\\n")
    'cpt'
    """
    for line in content[:4000].splitlines():
        if line.startswith(b"licence:"):
            return line[8:].split(b"#")[0].strip().strip(b"\"'").decode(errors="replace")
    return ""


class _Loading:
    """Tables as they fill, and the problems found on the way."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Coded]] = {}
        self.words = NO_WORDS
        self.problems: list[Problem] = []
        self._words: dict[str, Block] = {}
        self._lists: list[tuple[str, Mapping[str, Any]]] = []
        self._origin: dict[tuple[int, str], str] = {}

    def join(self) -> None:
        """Put words and lists together; lists with other addresses first, so that a list under one joins them."""
        try:
            self.words = read_words(self._words)
        except ContentError as error:
            self.problems.extend(error.problems)
        for file, block in sorted(self._lists, key=lambda held: "also" not in held[1]):
            self._codes(file, block)

    def file(self, file: str, content: bytes) -> None:
        try:
            block = yaml_source.read(content, file=file)
            if isinstance(block, Block) and "words" in block:
                self._words[file] = block
                return
        except ContentError as error:
            self.problems.extend(error.problems)
            return
        if not isinstance(block, Block):
            self._problem(file, block, "a code list is a block with system, source, review and codes")
            return
        self._head(file, cast("Mapping[str, Any]", block))

    def _head(self, file: str, block: Mapping[str, Any]) -> None:
        for key in block:
            if key not in _HEAD and key not in _SECTIONS:
                self._problem(file, key, f"{key} is not a part of a code list", nearest(key, [*_HEAD, *_SECTIONS]))
        missing = [key for key in _REQUIRED if not block.get(key)]
        if missing:
            self._problem(file, block, f"{' and '.join(missing)} must be stated")
        if isinstance(block.get("system"), Text):
            self._lists.append((file, block))

    def _codes(self, file: str, block: Mapping[str, Any]) -> None:
        system = str(block["system"])
        table = self._table(file, block, system)
        for section, reader in _READERS.items():
            entries = block.get(section)
            if isinstance(entries, Block):
                for code, phrase in unhurried(entries.items(), _PIECE):
                    self._one(file, (system, table), code, _reading(reader, phrase))
            elif entries is not None:
                self._problem(file, entries, f"{section} is a block with one code a line")
        entries = block.get("not_exams")
        for code in entries if isinstance(entries, Items) else ():
            self._one(file, (system, table), code, NOT_AN_EXAM)
        if entries is not None and not isinstance(entries, Items):
            self._problem(file, entries, "not_exams is a list of codes")

    def _table(self, file: str, block: Mapping[str, Any], system: str) -> dict[str, Coded]:
        table = self.tables.setdefault(system, {})
        also = block.get("also")
        if also is not None and not isinstance(also, Items):
            self._problem(file, also, "also is a list of other addresses of the system")
            also = None
        for name in also or ():
            if self.tables.setdefault(str(name), table) is not table:
                self._problem(file, name, f"{name} already stands for another code system")
        return table

    def _one(self, file: str, where: tuple[str, dict[str, Coded]], code: Any, coded: Coded | str) -> None:
        system, table = where
        if not isinstance(code, Text) or not code:
            self._problem(file, code, "a code must be text", "put it in quotes")
        elif isinstance(coded, str):
            self._problem(file, code, f"{code}: {coded}")
        elif system in CHECKED and not CHECKED[system](code):
            self._problem(file, code, f"{code} fails its check digit", "copy the code again from its source")
        elif table.get(code, coded) != coded:
            first = self._origin.get((id(table), code), "another list")
            self._problem(file, code, f"{code} means something else in {first}", "keep one of them")
        else:
            plain = str(code)
            table[plain] = coded
            self._origin[id(table), plain] = file

    def _problem(self, file: str, at: Any, trouble: str, remedy: str = "") -> None:
        self.problems.append(Problem(file, line_of(at), trouble, remedy))


def _reading(reader: Callable[[str], Coded], phrase: Any) -> Coded | str:
    """What the phrase says, or the trouble with it."""
    if not isinstance(phrase, Text):
        return "an exam phrase must follow, such as CT head without contrast"
    try:
        return reader(phrase)
    except PhraseError as error:
        return str(error)
