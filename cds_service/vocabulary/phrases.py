"""
Words as clinicians type them: plain text, its words one by one, and known phrases among them.

Case, accents, a plural s, hyphens and articles make no difference, so that "Kidney-Stones" and
"the kidney stone" are the same two words.
"""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

LONGEST_READ: Final = 2000
"""Characters of one text that are read; orders say what they want in far fewer."""

_TAG: Final = re.compile(r"<(?:[a-zA-Z/!][^<>]{0,300})>")
_BREAKING: Final = re.compile(r"</?(?:br|p|div|li|tr|h[1-6])\b", re.IGNORECASE)
_MARKS: Final = str.maketrans(
    {"‐": "-", "‑": "-", "–": " - ", "—": " - ", "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "•": ";", "…": "."}
    | {"→": ";", "×": " x ", "·": ";", "\r": "\n", "\u2028": "\n", "\u2029": "\n"}
)
_WORD: Final = re.compile(
    r"(?<![^\W_])(?:[rRuU]/[oOsS]|[hHcC]/[oOaAfF]|[sS]/[pP]|[fF]/[uU]|[wW]/[oOuU]|[dDrR]/[tT]|[pP]/[wW]|[yY]/[oO]|[nN]/[vV]"
    r"|[bB]/[lL]|[cC]/[wW]|[aA]/[wW])(?![^\W_])"
    r"|(?<![^\W_])[wW]/"
    r"|(?<![^\W_])-[vV][eE](?![^\W_])|\(-\)"
    r"|\d+(?:\.\d+)?(?:st|nd|rd|th)?"
    r"|[^\W\d_]+(?:'[^\W\d_]+)*[^\W_]*"
    r"|(?<=\s)-(?=\s)"
    r"|#(?!\d)"  # a fracture, in many hospitals
    r"|[\n,;.:?!()/+&]"
)
_ARTICLES: Final = frozenset(("a", "an", "the", "his", "her", "their", "my"))
_SHORTEST_PLURAL: Final = 4
_LOST_A_LETTER: Final = ("its", "oss")
_NO_PLURAL: Final = ("ss", "us", "is")

MEANING: Final = ""
"""The key under which a tree of phrases keeps what the phrase so far means."""


class Words(NamedTuple):
    """A text and its words, with where each starts and ends in the text; ``whole`` is False when it was cut short."""

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]
    whole: bool = True

    def quote(self, first: int, last: int) -> str:
        """The text from word *first* up to and with word *last*."""
        return " ".join(self.text[self.starts[first] : self.ends[last]].split())


def plain(text: str) -> str:
    """
    *text* without markup, accents and typographic marks.

    >>> plain("<p>Séizure&nbsp;–&#32;r/o <b>tumor</b></p>").split()
    ['Seizure', '-', 'r/o', 'tumor']
    """
    if "<" in text:
        text = _untagged(text)
    if "&" in text:
        text = html.unescape(text)
        if "<" in text:
            text = _untagged(text)
    if text.isascii():
        return text.replace("\r", "\n")
    parts = unicodedata.normalize("NFKD", text.translate(_MARKS))
    return "".join(one for one in parts if not unicodedata.combining(one))


def _untagged(text: str) -> str:
    return _TAG.sub(lambda tag: "\n" if _BREAKING.match(tag.group()) else " ", text)


def words_of(text: str, same_word: Mapping[str, str], right: Callable[[str], str] | None = None) -> Words:
    """
    Cut *text* into words; *same_word* gives the one spelling that stands for several, *right* that of a misspelt one.

    >>> words_of("R/o Kidney-Stones, the abd pain", {"abd": "abdominal"}).words
    ['r/o', 'kidney', 'stone', ',', 'abdominal', 'pain']
    """
    whole = len(text) <= LONGEST_READ
    text = plain(text if whole else text[:LONGEST_READ])
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for found in _WORD.finditer(text):
        word = found.group().lower()
        if word in _ARTICLES:
            continue
        words.append(_one_spelling(word, same_word) if right is None else _righted(word, same_word, right))
        starts.append(found.start())
        ends.append(found.end())
    return Words(text, words, starts, ends, whole)


def _righted(word: str, same_word: Mapping[str, str], right: Callable[[str], str]) -> str:
    """The one spelling of a word that may be misspelt; what looks like a plural may be a word that lost a letter."""
    one = _one_spelling(word, same_word)
    meant = right(word) if word.endswith(_LOST_A_LETTER) else word
    if meant == word:
        meant = right(one)
    return one if meant == one else _one_spelling(meant, same_word)


def _one_spelling(word: str, same_word: Mapping[str, str]) -> str:
    known = same_word.get(word)
    if known is not None:
        return known
    if "'" in word:
        word = word.removesuffix("'s").replace("'", "")
        return same_word.get(word, word)
    if word[-1] == "s" and len(word) >= _SHORTEST_PLURAL and not word.endswith(_NO_PLURAL):
        word = word[:-3] + "y" if word.endswith("ies") else word[:-1]
        return same_word.get(word, word)
    return word


def spellings(phrase: str, same_word: Mapping[str, str]) -> Iterator[list[str]]:
    """
    The words of every phrase that one with alternatives stands for, as ``words_of`` cuts them.

    >>> list(spellings("left|right hips pain", {}))
    [['left', 'hip', 'pain'], ['right', 'hip', 'pain']]
    """
    if "|" not in phrase:
        yield _cut(phrase, same_word)
        return
    cut = [[_cut(f" {one} ", same_word) for one in part.split("|")] for part in phrase.split()]
    for chosen in itertools.product(*cut):
        yield list(itertools.chain.from_iterable(chosen))


def _cut(phrase: str, same_word: Mapping[str, str]) -> list[str]:
    """The words of *phrase*; of plain letters, as nearly all are, without a search."""
    words = phrase.lower().split()
    if phrase.isascii() and all(map(str.isalpha, words)):
        return [_one_spelling(word, same_word) for word in words if word not in _ARTICLES]
    return words_of(phrase, same_word).words


class Phrases(Generic[T]):
    """
    Known phrases as a tree of words, each with what it means.

    Most words end a phrase and start none: they hold what it means in a tuple, a fifth of the memory of a branch.
    """

    def __init__(self) -> None:
        self._tree: dict[str, Any] = {}

    def add(self, words: Sequence[str], meaning: T) -> T | None:
        """Add a phrase; gives what the same words meant before, which then stays."""
        node = self._tree
        for word in words[:-1]:
            branch = node.setdefault(word, {})
            if type(branch) is tuple:
                branch = node[word] = {MEANING: branch[0]}
            node = branch
        last = node.setdefault(words[-1], (meaning,))
        earlier: T = last[0] if type(last) is tuple else last.setdefault(MEANING, meaning)
        return None if earlier is meaning else earlier

    def longest(self, words: Sequence[str], at: int) -> tuple[T, int] | None:
        """
        What the longest phrase starting at word *at* means, and the word after it.

        A slash between two words of a phrase is passed over.

        >>> known: Phrases[str] = Phrases()
        >>> known.add(["hip"], "part"), known.add(["hip", "pain"], "reason")
        (None, None)
        >>> known.longest(["left", "hip", "pain"], 1)
        ('reason', 3)
        """
        node = self._tree.get(words[at])
        found: tuple[T, int] | None = None
        after, count = at + 1, len(words)
        while node is not None:
            if type(node) is tuple:
                return node[0], after
            if MEANING in node:
                found = (node[MEANING], after)
            if after >= count:
                break
            if words[after] == "/" and after + 1 < count:
                after += 1
            node = node.get(words[after])
            after += 1
        return found
