"""Reason files: YAML into reasons, code tables and wording, with every problem found on the way."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cds_service import yaml_source
from cds_service.errors import ContentError, Problem
from cds_service.vocabulary.check_digits import snomed_holds
from cds_service.vocabulary.phrases import Phrases, spread, words_of
from cds_service.vocabulary.reason_codes import (
    ICD10,
    ICD10CM,
    SNOMED,
    Meaning,
    Offer,
    Reason,
    ReasonCodes,
    Says,
    Unsure,
    Wording,
)
from cds_service.vocabulary.regions import REGIONS
from cds_service.yaml_source import Block, Items, Text, line_of

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ICD_CODE: Final = re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")
_LINKS: Final = ("later_contact", "late_effect", "past")
_FLAGS: Final = ("event", "follow_up")
_LISTS: Final = ("broader", "regions", "icd10cm", "icd10", "snomed", "snomed_licensed", "texts", "texts_alone")
_FIELDS: Final = frozenset((*_LINKS, *_FLAGS, *_LISTS, "label", "offer"))
_PLAIN: Final = {
    "fillers": Says.FILLER,
    "findings": Says.FINDING,
    "places": Says.PLACE,
    "circumstances": Says.STORY,
    "elsewhere": Says.ELSEWHERE,
}
_WORDS: Final = frozenset((*_PLAIN, "same_word", "unsure", "negative_answers"))
_PHRASES: Final = {"texts": Says.REASON, "texts_alone": Says.ALONE}
_CODES: Final = {"icd10cm": ICD10CM, "icd10": ICD10, "snomed": SNOMED, "snomed_licensed": SNOMED}

Tables = dict[str, dict[str, tuple[str, ...]]]


class _Code(NamedTuple):
    system: str
    code: Text
    reason: str
    file: str


class Loading:
    """Reasons and wording as they gather from files; ``problems`` is everything that is wrong with them."""

    def __init__(self, *, snomed: bool) -> None:
        self.problems: list[Problem] = []
        self._snomed = snomed
        self._reasons: dict[str, Reason] = {}
        self._named: dict[str, tuple[str, Text]] = {}
        self._codes: list[_Code] = []
        self._phrases: list[tuple[str, Text, Meaning]] = []
        self._links: list[tuple[str, Text]] = []
        self._offers: list[tuple[str, Text, str]] = []
        self._same_word: dict[str, str] = {}
        self._unsure: dict[str, Unsure] = {}
        self._negative: set[tuple[str, str]] = set()
        self._file = ""

    def file(self, file: str, content: bytes) -> None:
        """Add one file: the reasons it holds, or the words when it is called ``words.yaml``."""
        self._file = file
        try:
            block = yaml_source.read(content, file=file)
        except ContentError as error:
            self.problems.extend(error.problems)
            return
        if not isinstance(block, Block):
            self._wrong(block, "a reason file is a block of names", "write name: {label: …, texts: […]}")
        elif file.rpartition("/")[2] == "words.yaml":
            self._read_words(block)
        else:
            for name, fields in block.items():
                self._read_reason(name, fields)

    def joined(self) -> tuple[dict[str, Reason], Tables, Wording, frozenset[tuple[str, str]]]:
        """Everything read, put together; notes what does not fit."""
        for file, name in self._links:
            if str(name) not in self._reasons:
                self._wrong_in(file, name, f"{name} is not a reason", _nearest(name, self._reasons))
        for reason in self._reasons:
            self._check_circle(reason)
        codes = ReasonCodes(self._reasons, {}, Wording({}, Phrases(), {}))
        return self._reasons, self._tables(codes.lineage), self._wording(), frozenset(self._negative)

    def offers(self, codes: ReasonCodes) -> list[Problem]:
        """What is wrong with the offered codes: each must be read back as its own reason."""
        wrong = []
        for file, code, name in self._offers:
            found = codes.coded(ICD10CM, code)
            if found is None or not any(name in codes.lineage[one] for one in found.names):
                stated = f"is read as {', '.join(found.names)}" if found else "is read as no reason"
                wrong.append(
                    Problem(file, code.line, f"{name} offers {code}, which {stated}", "offer a code of its own")
                )
        return wrong

    def _wrong(self, node: Any, trouble: str, remedy: str = "") -> None:
        self._wrong_in(self._file, node, trouble, remedy)

    def _wrong_in(self, file: str, node: Any, trouble: str, remedy: str = "") -> None:
        self.problems.append(Problem(file, line_of(node), trouble, remedy))

    # reasons

    def _read_reason(self, name: Text, fields: Any) -> None:
        if not isinstance(fields, Block):
            self._wrong(name, f"{name} must be a block", "give it a label")
            return
        if not _NAME.fullmatch(name):
            self._wrong(name, f"{name} is not a name", "use lower-case words joined by hyphens")
        if str(name) in self._named:
            file, first = self._named[str(name)]
            self._wrong(name, f"{name} is named twice", f"it stands in {file}:{first.line} too")
            return
        self._named[str(name)] = (self._file, name)
        for key in fields:
            if key not in _FIELDS:
                self._wrong(key, f"{key} is not a field of a reason", _nearest(key, _FIELDS))
        self._reasons[str(name)] = Reason(
            name=str(name),
            label=self._text(fields, "label", name),
            broader=tuple(map(str, self._links_of(fields, "broader"))),
            regions=frozenset(self._regions(fields)),
            offer=self._offer(fields, str(name)),
            event=self._flag(fields, "event"),
            follow_up=self._flag(fields, "follow_up"),
            **{link: "".join(self._links_of(fields, link)) for link in _LINKS},
        )
        self._read_codes(fields, str(name))
        for texts, says in _PHRASES.items():
            self._add_phrases(self._items(fields, texts), Meaning(says, str(name)))

    def _text(self, fields: Block, key: str, name: Text) -> str:
        value = fields.get(Text(key))
        if not isinstance(value, Text) or not value.strip():
            self._wrong(name, f"{name} has no {key}", f"write {key}: and what a clinician would say")
            return str(name)
        return str(value)

    def _flag(self, fields: Block, key: str) -> bool:
        value = fields.get(Text(key), False)
        if not isinstance(value, bool):
            self._wrong(value, f"{key} is true or false")
        return value is True

    def _items(self, fields: Block, key: str) -> Iterator[Text]:
        value = fields.get(Text(key))
        if value is None:
            return
        if not isinstance(value, Items):
            self._wrong(value, f"{key} is a list", f"write {key}: […]")
            return
        for item in value:
            if isinstance(item, Text) and item.strip():
                yield item
            else:
                self._wrong(item if isinstance(item, Text) else value, f"{key} holds something that is no text")

    def _links_of(self, fields: Block, key: str) -> list[Text]:
        value = fields.get(Text(key))
        names = list(self._items(fields, key)) if key == "broader" else [value] if isinstance(value, Text) else []
        self._links.extend((self._file, name) for name in names)
        return names

    def _regions(self, fields: Block) -> Iterator[str]:
        for region in self._items(fields, "regions"):
            if region in REGIONS:
                yield str(region)
            else:
                self._wrong(region, f"{region} is not a region", _nearest(region, REGIONS))

    def _offer(self, fields: Block, name: str) -> Offer | None:
        block = fields.get(Text("offer"))
        if block is None:
            return None
        code, display = (block.get(Text(key)) for key in ("code", "display")) if isinstance(block, Block) else (0, 0)
        if not isinstance(code, Text) or not isinstance(display, Text):
            self._wrong(block, "an offer is {code: …, display: …}")
            return None
        self._offers.append((self._file, code, name))
        return Offer(str(code), str(display))

    def _read_codes(self, fields: Block, name: str) -> None:
        for key, system in _CODES.items():
            for code in self._items(fields, key):
                if system == SNOMED and not snomed_holds(code):
                    self._wrong(
                        code, f"{code} is no SNOMED CT code: its check digit is wrong", "copy it again, as text"
                    )
                elif system != SNOMED and not _ICD_CODE.fullmatch(code):
                    self._wrong(code, f"{code} is no ICD-10 code", "write it with its dot, such as R10.31")
                elif key != "snomed_licensed" or self._snomed:
                    self._codes.append(_Code(system, code, name, self._file))

    # words

    def _read_words(self, block: Block) -> None:
        for key in block:
            if key not in _WORDS:
                self._wrong(key, f"{key} is not a list of words", _nearest(key, _WORDS))
        for one, spellings in self._blocks(block, "same_word"):
            for spelling in self._items(_as(one, spellings), one):
                if self._same_word.setdefault(str(spelling).lower(), str(one)) != one:
                    self._wrong(
                        spelling, f"{spelling} stands for two words", f"it stands for {self._same_word[spelling]}"
                    )
        for words, says in _PLAIN.items():
            self._add_phrases(self._items(block, words), Meaning(says))
        for word, fields in self._blocks(block, "unsure"):
            self._read_unsure(word, fields)
        for system, codes in self._blocks(block, "negative_answers"):
            self._negative.update((str(system), str(code)) for code in self._items(_as(system, codes), system))

    def _blocks(self, block: Block, key: str) -> Iterator[tuple[Text, Any]]:
        value = block.get(Text(key))
        if isinstance(value, Block):
            yield from value.items()
        elif value is not None:
            self._wrong(value, f"{key} is a block", f"write {key}: and one line for each")

    def _read_unsure(self, word: Text, fields: Any) -> None:
        if not isinstance(fields, Block) or set(fields) - {"means", "capitals"}:
            self._wrong(word, f"{word} needs means: {{reason: [settling words]}}, and capitals if wanted")
            return
        means = {}
        for reason, settling in self._blocks(fields, "means"):
            self._links.append((self._file, reason))
            means[str(reason)] = frozenset(str(one) for one in self._items(_as(reason, settling), reason))
        self._unsure[str(word)] = Unsure(means, self._flag(fields, "capitals"))
        self._add_phrases([word], Meaning(Says.UNSURE, str(word)))

    def _add_phrases(self, phrases: Iterable[Text], meaning: Meaning) -> None:
        self._phrases.extend((self._file, phrase, meaning) for phrase in phrases)

    # joining

    def _check_circle(self, name: str) -> None:
        above, seen = list(self._reasons[name].broader), set[str]()
        while above:
            one = above.pop()
            if one == name:
                file, where = self._named[name]
                self._wrong_in(file, where, f"{name} is broader than itself", "break the circle of broader")
                return
            if one in self._reasons and one not in seen:
                seen.add(one)
                above.extend(self._reasons[one].broader)

    def _tables(self, lineage: Mapping[str, frozenset[str]]) -> Tables:
        tables: Tables = {ICD10CM: {}, SNOMED: {}, ICD10: {}}
        for one in self._codes:
            table = tables[one.system]
            code = one.code.replace(".", "")
            held = table.get(code, ())
            for other in held:
                if not (lineage[one.reason] & lineage[other]):
                    remedy = "keep it in one, or link them by broader"
                    self._wrong_in(one.file, one.code, f"{one.code} stands in {other} and {one.reason}", remedy)
            table[code] = _narrowest((*held, one.reason), lineage)
        tables[ICD10] = tables[ICD10CM] | tables[ICD10]
        return tables

    def _wording(self) -> Wording:
        known: Phrases[Meaning] = Phrases()
        same_word = {spelling: self._same_word.get(word, word) for spelling, word in self._same_word.items()}
        for file, phrase, meaning in self._phrases:
            for one in spread(phrase):
                words = words_of(one, same_word).words
                if not words:
                    self._wrong_in(file, phrase, f"{phrase!r} holds no word")
                elif (other := known.add(words, meaning)) is not None and other != meaning:
                    said = f"{_speak(other)} and {_speak(meaning)}"
                    self._wrong_in(file, phrase, f"{one!r} stands for {said}", "keep it in one place")
        folded = {
            word: sure._replace(means={name: _folded(words, same_word) for name, words in sure.means.items()})
            for word, sure in self._unsure.items()
        }
        return Wording(same_word, known, folded)


def _as(key: Text, value: Any) -> Block:
    block = Block(key.line)
    block[key] = value
    return block


def _folded(words: Iterable[str], same_word: Mapping[str, str]) -> frozenset[str]:
    return frozenset(one for word in words for one in words_of(word, same_word).words)


def _narrowest(names: Iterable[str], lineage: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The names that no other of them implies."""
    distinct = tuple(dict.fromkeys(names))
    return tuple(one for one in distinct if not any(one in lineage[other] for other in distinct if other != one))


def _speak(meaning: Meaning) -> str:
    return meaning.name or meaning.says.value


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else ""
