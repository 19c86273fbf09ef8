"""
What an order's text says about the exam.

Known phrases are looked up, longest first; everything else is skipped. Whatever can be
read in two ways is not read: the text then has a ``trouble`` and settles nothing.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

from cds_service.facts.exams.said import NOTHING, SILENT, Said
from cds_service.vocabulary.exam_words import OPEN, Meaning, Words
from cds_service.vocabulary.exams import BOTH, WITH, WITHOUT
from cds_service.vocabulary.regions import DIVISIONS, mask

MAX_WORDS: Final = 400
_ALSO_CALLED: Final = {("XR", "RF")}
_VESSEL_IMAGING: Final = frozenset({"angiography", "venography"})
_OF_MR_ONLY: Final = frozenset({"fast"})
_OTHER_CONTRAST: Final = frozenset({"arthrography", "myelography"})
_ONE_OF_TWO: Final = {frozenset({"RF", "XA"}): "XA", frozenset({"NM", "PT"}): "PT"}
"""What two modalities named together are: vessels under fluoroscopy, PET in the nuclear medicine department."""
_GENERIC: Final = frozenset({"spine", "limb", "upper-limb", "lower-limb", "whole-body", "bowel"})
_GENERIC_OF_ULTRASOUND: Final = _GENERIC | {"abdomen", "pelvis", "neck"}
_TRUNK: Final = mask(["abdomen", "pelvis"])
_DIVISIONS: Final = frozenset(DIVISIONS)
_WHOLE_BODY: Final = frozenset({"whole-body"})
_AND: Final = frozenset({"and", "+", "und", "et", "e", "ed"})


def text_says(text: str, words: Words, *, alone: bool = True) -> Said:
    """
    What *text* says; SILENT when none of its words is known.

    Words such as "2 views" speak for a modality where none is named, unless not *alone*.
    """
    reading = _Reading(alone)
    tokens = words.of(text, MAX_WORDS)
    place, count = 0, len(tokens)
    meanings, longest = words.meanings, words.longest
    while place < count:
        size = min(longest.get(tokens[place], 0), count - place)
        while size:
            phrase = tokens[place] if size == 1 else " ".join(tokens[place : place + size])
            meaning = meanings.get(phrase)
            if meaning is not None:
                reading.take(phrase, meaning)
                break
            size -= 1
        else:
            reading.skip(tokens[place])
            size = 1
        place += size
    return reading.said()


def speaks_of_earlier(text: str, words: Words) -> bool:
    """Whether *text* speaks of another, earlier exam."""
    tokens = words.of(text, MAX_WORDS)
    phrases = (*tokens, *map(" ".join, pairwise(tokens)))
    known = (words.meanings.get(phrase) for phrase in phrases)
    return any(meaning is not None and meaning.mark == "earlier" for meaning in known)


class _Reading:
    """What the phrases have said so far."""

    __slots__ = (
        "_alone",
        "_and",
        "_closing",
        "_contrasts",
        "_doubt",
        "_joined",
        "_more",
        "_negated",
        "_open",
        "_passes",
        "_purpose",
        "_said",
        "_trouble",
    )

    def __init__(self, alone: bool) -> None:
        self._alone = alone
        self._said: list[Meaning] = []
        self._contrasts: set[str] = set()
        self._open = False
        self._closing = ""
        self._negated = False
        self._passes = 0
        self._more = False
        self._purpose = ""
        self._trouble = ""
        self._doubt = ""
        self._and = False
        self._joined = False

    def skip(self, word: str) -> None:
        """A word we do not know, or one that joins."""
        self._and = self._and or word in _AND
        self._closing = ""
        self._negated = False

    def take(self, phrase: str, meaning: Meaning) -> None:
        mark = meaning.mark
        if mark == "ignored":
            return
        self._closing = ""
        negated, self._negated = self._negated, mark == "negation"
        if mark:
            if mark == "not_an_exam":
                self._trouble = self._trouble or f"{phrase!r} is not the order of an exam"
            elif mark == "two_readings":
                self._doubt = self._doubt or f"{phrase!r} leaves it open what is ordered"
            return
        if negated and (meaning.modality or meaning.regions):
            self._trouble = f"{phrase!r} is named to leave it out"
        if meaning.at_end:
            self._closing = meaning.contrast
            self._and = True
        elif meaning.contrast:
            self._contrasts.add(meaning.contrast)
        self._passes = max(self._passes, meaning.passes)
        self._more = self._more or meaning.more
        self._purpose = self._purpose or meaning.purpose
        if meaning.regions:
            self._joined = self._joined or (self._and and any(told.regions for told in self._said))
            self._and = False
        if meaning.modality or meaning.regions or meaning.techniques or meaning.elsewhere or meaning.alone:
            self._said.append(meaning)

    def said(self) -> Said:
        if self._trouble:
            return Said(trouble=self._trouble)
        if self._closing:
            self._contrasts.add(self._closing)
        told = self._said
        if not (told or self._contrasts or self._passes or self._more or self._purpose or self._doubt):
            return SILENT
        modality, trouble = _modality(told, self._alone)
        if trouble:
            return Said(trouble=trouble)
        modality, techniques = _techniques(told, modality)
        if self._purpose in ("guidance", "planning"):
            techniques |= {self._purpose}
        contrasted = modality in ("", "CT", "MR") and not techniques & _OTHER_CONTRAST
        scanned = modality in ("", "CT")
        return Said(
            modality,
            _regions(told, narrow=modality == "US" and not self._joined, modality=modality),
            techniques,
            _contrast(self._contrasts) if contrasted else None,
            self._passes if scanned else 0,
            self._more and scanned,
            self._purpose,
            doubt=self._doubt,
        )


def _modality(told: list[Meaning], alone: bool) -> tuple[str, str]:
    """The one modality of the phrases, or the trouble with them."""
    plain = {meaning.modality for meaning in told if meaning.modality and not meaning.whole}
    named = next(iter(plain)) if len(plain) == 1 else _ONE_OF_TWO.get(frozenset(plain), "")
    if len(plain) > 1 and not named:
        return "", f"it names {' and '.join(sorted(plain))}"
    whole = {meaning.modality for meaning in told if meaning.whole and named not in meaning.elsewhere} - {named}
    if len(whole) > 1:
        return "", f"it names {' and '.join(sorted(whole))}"
    implied = next(iter(whole), "")
    if named and implied and (named, implied) not in _ALSO_CALLED:
        return "", f"it names {named} and {implied}"
    return implied or named or (_spoken_for(told) if alone else ""), ""


def _spoken_for(told: list[Meaning]) -> str:
    """The modality of words that stand for one where none is named; empty when they point to several."""
    meant = {meaning.alone for meaning in told if meaning.alone}
    return meant.pop() if len(meant) == 1 else ""


def _techniques(told: list[Meaning], modality: str) -> tuple[str, frozenset[str]]:
    """The techniques of the phrases; vessels under fluoroscopy are arteriography, those in ultrasound are Doppler's."""
    techniques = NOTHING.union(*(meaning.techniques for meaning in told))
    if modality != "MR":
        techniques -= _OF_MR_ONLY
    if not techniques & _VESSEL_IMAGING:
        return modality, techniques
    if modality == "XA" or (modality == "RF" and "angiography" in techniques):
        return "XA", techniques - _VESSEL_IMAGING
    if modality == "US":
        return modality, techniques - _VESSEL_IMAGING
    return modality, techniques - {"angiography"} if "venography" in techniques else techniques


def _regions(told: list[Meaning], *, narrow: bool, modality: str) -> frozenset[str]:
    regions = NOTHING
    for meaning in told:
        where = meaning.elsewhere.get(modality) or meaning.regions
        if meaning.everywhere and where == _WHOLE_BODY:
            return _WHOLE_BODY
        regions |= where
    return _tidy(regions, narrow) if len(regions) > 1 else regions


@lru_cache(maxsize=4096)
def _tidy(regions: frozenset[str], narrow: bool) -> frozenset[str]:
    """
    The regions without generic ones that a narrower one explains, and without parts that the others hold.

    In ultrasound (*narrow*) a part named beside abdomen, pelvis or neck is what is looked at, unless "and" joins them.

    >>> sorted(_tidy(frozenset({"spine", "lumbar-spine"}), False))
    ['lumbar-spine']
    >>> sorted(_tidy(frozenset({"abdomen", "appendix", "pelvis"}), False))
    ['abdomen', 'pelvis']
    """
    generic = _GENERIC_OF_ULTRASOUND if narrow else _GENERIC
    masks = {region: mask([region]) for region in sorted(regions)}
    for region in sorted(regions & generic):
        within = masks[region] | (_TRUNK if region in DIVISIONS else 0)
        parts = (name for name in masks if name != region and not {name, region} <= _DIVISIONS)
        if any(masks[part] & masks[region] and not masks[part] & ~within for part in parts):
            del masks[region]
    for region in sorted(masks, key=lambda name: (masks[name].bit_count(), name)):
        others = 0
        for name, other in masks.items():
            others |= other if name != region else 0
        if not masks[region] & ~others:
            del masks[region]
    return frozenset(masks)


def _contrast(contrasts: set[str]) -> str | None:
    """One contrast from all words about it; None when they leave it open or contradict each other."""
    if not contrasts or OPEN in contrasts:
        return None
    if BOTH in contrasts:
        return BOTH
    return None if contrasts == {WITH, WITHOUT} else next(iter(contrasts))
