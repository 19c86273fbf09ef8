"""The words that texts of reasons are read with: ``words.yaml``, joined with the phrases of all reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cds_service.courtesy import unhurried
from cds_service.errors import Problem
from cds_service.vocabulary.exams import MODALITIES
from cds_service.vocabulary.phrases import Phrases, spellings, words_of
from cds_service.vocabulary.reason_codes import Meaning, Says, Unsure, Wording
from cds_service.vocabulary.reason_languages import LanguageLoading
from cds_service.vocabulary.reason_sheet import Sheet
from cds_service.vocabulary.spelling import Spelling
from cds_service.yaml_source import Block, Text

_PLAIN: Final = {
    "fillers": Says.FILLER,
    "findings": Says.FINDING,
    "places": Says.PLACE,
    "accidents": Says.ACCIDENT,
    "elsewhere": Says.ELSEWHERE,
    "pregnancy": Says.PREGNANCY,
}
_FACTS: Final = ("warnings", "mentions", "states")
_BESIDE: Final = {"context": Says.FILLER, "findings": Says.FINDING, "accidents": Says.ACCIDENT}
_SECTIONS: Final = frozenset(
    (
        *_PLAIN,
        *_FACTS,
        *(
            "same_word",
            "unsure",
            "negative_answers",
            "real_words",
            "exams",
            "belonging",
            "reassuring",
            "worrying",
            "codes_beside",
        ),
    )
)
_UNSURE: Final = ("means", "asked", "against", "capitals", "reads", "unless", "by_itself")
_WARNINGS: Final = ("safety.", "sign.")


class WordLoading:
    """
    Words and phrases as they gather.

    ``named`` are the reasons they speak of, with where; ``signs`` findings that may be one.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.named: list[tuple[Sheet, Text]] = []
        self.negative: set[tuple[str, str]] = set()
        self.beside: dict[str, tuple[Sheet, Text, Says]] = {}
        self._problems = problems
        self._phrases: list[tuple[Sheet, Text, Meaning]] = []
        self._same_word: dict[str, str] = {}
        self._unsure: dict[str, Unsure] = {}
        self._real: set[str] = set()
        self._exams: dict[str, str] = {}
        self._belonging: list[tuple[Sheet, Text, str]] = []
        self.signs: list[tuple[Text, str]] = []
        self._reassuring: list[tuple[Sheet, Text]] = []
        self._worrying: list[tuple[Sheet, Text]] = []
        self._warnings: list[tuple[Text, str]] = []
        self._states: dict[str, tuple[str, ...]] = {}
        self.languages = LanguageLoading()

    def read(self, sheet: Sheet, block: Block) -> None:
        """Add a words file."""
        sheet.fields(block, _SECTIONS, "a list of words")
        for word, others in sheet.lists(block, "same_word"):
            for spelling in others:
                if self._same_word.setdefault(spelling.lower(), str(word)) != word:
                    sheet.wrong(
                        spelling, f"{spelling} stands for two words", f"one is {self._same_word[spelling.lower()]}"
                    )
        self._real.update(map(str, sheet.items(block, "real_words")))
        for section, says in _PLAIN.items():
            self.add(sheet, sheet.items(block, section), Meaning(says))
        self._reassuring += [(sheet, phrase) for phrase in sheet.items(block, "reassuring")]
        self._worrying += [(sheet, phrase) for phrase in sheet.items(block, "worrying")]
        for modality, words in sheet.lists(block, "exams"):
            if str(modality) not in MODALITIES:
                sheet.wrong(modality, f"{modality} is not a modality", "use " + ", ".join(MODALITIES))
            self._exams.update(dict.fromkeys(map(str, words), str(modality)))
        for section in ("warnings", "mentions"):
            for fact, phrases in sheet.lists(block, section):
                self._finding(sheet, fact)
                self._warnings.extend((phrase, str(fact)) for phrase in phrases)
                if section == "warnings":
                    self.add(sheet, phrases, Meaning(Says.FINDING, str(fact)))
        for fact, reasons in sheet.lists(block, "states"):
            self._finding(sheet, fact)
            for reason in reasons:
                self.named.append((sheet, reason))
                self._states[str(reason)] = (*self._states.get(str(reason), ()), str(fact))
        for reason, phrases in sheet.lists(block, "belonging"):
            self.named.append((sheet, reason))
            self._belonging.extend((sheet, phrase, str(reason)) for phrase in phrases)
        for word, fields in sheet.blocks(block, "unsure"):
            self._read_unsure(sheet, word, fields)
        for system, codes in sheet.lists(block, "negative_answers"):
            self.negative.update((str(system), str(code)) for code in codes)
        self._read_codes(sheet, block)

    def _read_codes(self, sheet: Sheet, block: Block) -> None:
        for kind, codes in sheet.lists(block, "codes_beside"):
            if str(kind) in _BESIDE:
                self.beside.update((code.replace(".", ""), (sheet, code, _BESIDE[str(kind)])) for code in codes)
            else:
                sheet.wrong(kind, f"{kind} is no kind of code", "use " + ", ".join(_BESIDE))

    def _finding(self, sheet: Sheet, fact: Text) -> None:
        if not str(fact).startswith(_WARNINGS):
            sheet.wrong(fact, f"{fact} is not a finding", "name a finding of rules/FACTS.md")

    def add(self, sheet: Sheet, phrases: Iterable[Text], meaning: Meaning) -> None:
        """Add phrases of one meaning."""
        self._phrases.extend((sheet, phrase, meaning) for phrase in phrases)

    def _read_unsure(self, sheet: Sheet, word: Text, fields: Any) -> None:
        if not isinstance(fields, Block):
            sheet.wrong(word, f"{word} must be a block", "write means: {reason: [settling words]}")
            return
        sheet.fields(fields, _UNSURE, "a field of an unsure word")
        means, asked, against = (self._settling(sheet, fields, key) for key in ("means", "asked", "against"))
        unless = frozenset(map(str, sheet.items(fields, "unless")))
        reads = str(fields.get(Text("reads"), ""))
        by_itself = fields.get(Text("by_itself"), Text("", 0))
        if by_itself:
            self.named.append((sheet, by_itself))
        capitals = sheet.flag(fields, "capitals")
        self._unsure[str(word)] = Unsure(means, capitals, reads, unless, asked, str(by_itself), against)
        self.add(sheet, [word], Meaning(Says.UNSURE, str(word)))

    def _settling(self, sheet: Sheet, fields: Block, key: str) -> dict[str, frozenset[str]]:
        means = {}
        for reason, settling in sheet.lists(fields, key):
            self.named.append((sheet, reason))
            means[str(reason)] = frozenset(map(str, settling))
        return means

    def joined(self) -> Wording:
        """Everything put together; notes phrases that stand for two things."""
        known: Phrases[Meaning] = Phrases()
        spelt = {*self._same_word, *self._same_word.values()}
        telling: list[Sequence[str]] = []
        for sheet, phrase, meaning in unhurried([*self._phrases, *self._belongings()], 100):
            for words in spellings(phrase, self._same_word):
                spelt.update(words)
                if meaning.name in self._states and words:
                    telling.append(words)
                if not words:
                    sheet.wrong(phrase, f"{phrase!r} holds no word")
                elif (other := known.add(words, meaning)) is not None and other != meaning:
                    said = f"{other.name or other.says.value} and {meaning.name or meaning.says.value}"
                    one = f"{' '.join(words)!r} of {phrase!r}" if "|" in phrase else repr(phrase)
                    sheet.wrong(phrase, f"{one} stands for {said}", "keep it in one place")
        warnings = self._warned()
        telling += warnings
        unsure = {
            word: one._replace(
                means=self._folded(one.means),
                asked=self._folded(one.asked),
                against=self._folded(one.against),
                unless=self._folded({word: one.unless})[word],
            )
            for word, one in self._unsure.items()
        }
        for word, settling in unsure.items():
            if not self._states.keys().isdisjoint(settling.means):
                telling.append(words_of(word, self._same_word).words)
            spelt.update(*settling.means.values(), *settling.asked.values(), *settling.against.values())
        exams = {self._meant(word): modality for word, modality in self._exams.items()}
        spelt.update(exams)
        signs = {tuple(words): reason for sign, reason in self.signs for words in spellings(sign, self._same_word)}
        real = self._real.union(*warnings).difference(spelt)
        spelling = Spelling(spelt, real, means=self._meant)
        return Wording(
            self._same_word,
            known,
            unsure,
            spelling,
            exams,
            signs,
            self._calming(known),
            self._alarming(known),
            _tree(warnings),
            self._states,
            frozenset(_least_common(words, known) for words in telling),
            self.languages.joined(self._same_word, spelling.knows),
        )

    def _calming(self, known: Phrases[Meaning]) -> frozenset[tuple[str, ...]]:
        """The findings that worry nobody; notes phrases that are no findings."""
        calming = set()
        for sheet, phrase in self._reassuring:
            for words in spellings(phrase, self._same_word):
                calming.add(tuple(words))
                if known.longest(words, 0) != (Meaning(Says.FINDING), len(words)):
                    sheet.wrong(phrase, f"{' '.join(words)!r} is not among the findings", "list it there too")
        return frozenset(calming)

    def _alarming(self, known: Phrases[Meaning]) -> frozenset[tuple[str, ...]]:
        """The phrases of other lists that tell of a finding as well; notes those of none, which tell it anyway."""
        alarming = set()
        for sheet, phrase in self._worrying:
            for words in spellings(phrase, self._same_word):
                alarming.add(tuple(words))
                longest = known.longest(words, 0)
                if longest is None or longest[1] != len(words):
                    sheet.wrong(phrase, f"{' '.join(words)!r} is no phrase of another list", "list it there too")
        return frozenset(alarming)

    def _belongings(self) -> list[tuple[Sheet, Text, Meaning]]:
        """The findings that belong to reasons, each once with all of them."""
        of: dict[tuple[str, ...], set[str]] = {}
        first: dict[tuple[str, ...], tuple[Sheet, Text]] = {}
        for sheet, phrase, reason in self._belonging:
            for words in map(tuple, spellings(phrase, self._same_word)):
                of.setdefault(words, set()).add(reason)
                first.setdefault(words, (sheet, phrase))
        return [
            (sheet, Text(" ".join(words), phrase.line), Meaning(Says.BELONGING, " ".join(sorted(of[words]))))
            for words, (sheet, phrase) in first.items()
        ]

    def _warned(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """The findings each warning or mention speaks of."""
        warnings: dict[tuple[str, ...], tuple[str, ...]] = {}
        for phrase, fact in unhurried(self._warnings, 100):
            for words in spellings(phrase, self._same_word):
                warnings[tuple(words)] = (*warnings.get(tuple(words), ()), fact)
        return warnings

    def _meant(self, word: str) -> str:
        return self._same_word.get(word, word)

    def _folded(self, means: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(one for word in words for one in words_of(word, self._same_word).words)
            for name, words in means.items()
        }


def _least_common(words: Sequence[str], known: Phrases[Meaning]) -> str:
    """The longest of a phrase's words that is no mere context, or the longest."""
    context = Meaning(Says.FILLER), 1
    return max([word for word in words if known.longest([word], 0) != context] or words, key=len)


def _tree(warnings: Mapping[tuple[str, ...], tuple[str, ...]]) -> Phrases[tuple[str, ...]]:
    tree: Phrases[tuple[str, ...]] = Phrases()
    for words, facts in warnings.items():
        tree.add(words, facts)
    return tree
