"""How a named part of the body stands in a text: ordered, left out, an end of a range, or part of a reason."""

from __future__ import annotations

from typing import Final

from cds_service.facts.exams.said import GENERIC, mask_of, own_parts
from cds_service.vocabulary.exam_words import ASKED, UNFINISHED, Meaning
from cds_service.vocabulary.exams import BOTH, WITH, WITHOUT

_WITHOUT: Final = frozenset({"wo", "w o", "without", "with out", "wout", "w out"})
_SMALL: Final = 3
"""A word of so few letters is an article or an abbreviation, hardly a part of the body."""
_THEN: Final = frozenset({"and", "+", "then", "followed", "by", "und", "u", "dann", "danach", "puis", "ensuite", "et",
                          "e", "ed", "poi"})  # fmt: skip
_UNTIL: Final = frozenset({"to", "until", "till", "bis", "jusqu", "jusque", "jusqua", "jusquau", "jusquaux", "fino"})
_TO_OR_AT: Final = frozenset({"through", "thru", "a", "al", "alla", "alle", "au", "aux"})
"""These open a range only behind a part of the body: "images through kidneys" has none."""
_JOIN: Final = frozenset({"and", "+", "und", "u", "et", "e", "ed"})
_BETWEEN: Final = frozenset({"the", "mid", "upper", "lower", "proximal", "distal", "mi", "au", "aux", "la", "mitte",
                             "meta", "zum", "zur"})  # fmt: skip
_STILL_LEFT_OUT: Final = frozenset({"including", "include", "includes", "incl", "the", "any", "of"})


class Places:
    """
    What the words up to here say of the part of the body named next.

    >>> places = Places()
    >>> places.named("chest", Meaning(regions=frozenset({"chest"})))
    >>> places.skipped("to")
    >>> places.named("pelvis", Meaning(regions=frozenset({"pelvis"})))
    >>> places.doubt
    "'pelvis' ends a range"
    """

    __slots__ = (
        "_contrast",
        "_doubt",
        "_joined",
        "_last",
        "_left_out",
        "_named",
        "_negated",
        "_then",
        "asked",
        "trouble",
    )

    def __init__(self) -> None:
        self.asked = False
        self.trouble = ""
        self._doubt = ""
        self._left_out = ""
        self._joined = ""
        self._last = ""
        self._named = 0
        self._negated = False
        self._contrast = ""
        self._then = False

    def skipped(self, word: str) -> None:
        """A word that is not known."""
        if word == ASKED:
            self.asked = True
        elif word == UNFINISHED:
            self._doubt = self._doubt or "a word lacks its end"
        self._negated = self._negated and word in _STILL_LEFT_OUT
        self._last = self._after(word)
        if word in _THEN:
            self._then = True
        else:
            self._contrast = ""

    def _after(self, word: str) -> str:
        """What stands before the next word now: a region, the start of a range, a joint."""
        last = self._last
        if last and (word in _UNTIL or (word in _TO_OR_AT and last in ("region", "range"))):
            return "range"
        if last == "region" and word in _JOIN:
            return "joint"
        if last == "joint" and len(word) > _SMALL and word.isalpha():
            self._joined = word
            return "joined"
        if (last == "range" and word in _BETWEEN) or (last == "joint" and len(word) <= _SMALL):
            return last
        return "word"

    @property
    def doubt(self) -> str:
        """The first doubt about the parts named; empty when there is none."""
        if self._doubt:
            return self._doubt
        if self._left_out:
            return f"{self._left_out!r} may be named to leave it out"
        return f"{self._joined!r} is not known" if self._joined else ""

    @property
    def at_region(self) -> bool:
        """Whether the word just before named a part of the body."""
        return self._last == "region"

    def marked(self, mark: str) -> None:
        """A phrase that only says what to make of others."""
        self.asked = self.asked or mark in ("reason", "earlier")
        self._negated = mark == "negation"
        self._last = self._contrast = ""

    def negates(self, meaning: Meaning) -> bool:
        """Whether the word just before leaves out what *meaning* says."""
        return self._negated and not meaning.contrast

    def named(self, phrase: str, meaning: Meaning) -> None:
        """A part of the body, a modality or a technique."""
        if self._negated and (meaning.modality or meaning.regions):
            self.trouble = f"{phrase!r} is named to leave it out"
        if meaning.regions:
            if self._last == "range" and not self.asked and not meaning.whole:
                self._doubt = self._doubt or f"{phrase!r} ends a range"
            elif self._last == "without" and self._named and self._beyond(meaning):
                self._left_out = phrase
            if self._last == "joined":
                self._joined = ""
            self._named |= mask_of(meaning.regions)
        self._negated = False
        self._last = "region" if meaning.regions else ""
        self._contrast = ""

    def _beyond(self, meaning: Meaning) -> bool:
        """Whether a part reaches beyond those named, unless it only tells once more which system they belong to."""
        own = own_parts(mask_of(meaning.regions))
        return bool(own & ~self._named) and not (own & self._named and meaning.regions <= GENERIC)

    def contrast(self, phrase: str, contrast: str) -> str:
        """The contrast that *phrase* says with what stands just before it: "nativ, dann mit KM"."""
        bare = phrase in _WITHOUT
        if bare and self._left_out:
            self._left_out = ""
        self._joined = ""
        both = self._then or phrase.startswith(("+ ", "and "))
        if both and {self._contrast, contrast} == {WITH, WITHOUT}:
            contrast = BOTH
        self._negated, self._then = False, False
        self._last = "without" if bare else ""
        self._contrast = contrast
        return contrast
