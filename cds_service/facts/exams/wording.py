"""
What an order's text says about the exam.

Known phrases are looked up, longest first; everything else is skipped. Whatever can be
read in two ways is not read: the text then has a ``trouble`` and settles nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from cds_service.facts.exams.places import Places
from cds_service.facts.exams.said import NOTHING, SILENT, Said, own_parts
from cds_service.facts.exams.total import contrast_of, modality_of, regions_of, techniques_of, usual
from cds_service.vocabulary.exam_words import ENGLISH, FOREIGN, Meaning, Words
from cds_service.vocabulary.regions import mask

MAX_WORDS: Final = 400
_OTHER_CONTRAST: Final = frozenset({"arthrography", "myelography"})
_KIDNEYS: Final = frozenset({"kidney", "urinary-tract"})
_PAIR: Final = 2
_TRUNK: Final = frozenset({"abdomen", "pelvis"})
_LEG: Final = "lower-limb"
_CHEST: Final = mask(["lungs", "pulmonary-arteries"])
_AND: Final = frozenset(
    {"and", "+", "und", "u", "et", "e", "ed", "plus", "include", "including", "incl", "inkl", "inklusive"}
)


def text_says(text: str, words: Words, *, alone: bool = True) -> Said:
    """
    What *text* says; SILENT when none of its words is known.

    Words such as "2 views" speak for a modality where none is named, unless not *alone*.
    """
    tokens, foreign = words.read(text, MAX_WORDS)
    reading = _Reading(alone, foreign)
    other = ENGLISH if foreign else FOREIGN
    place, count = 0, len(tokens)
    meanings, longest = words.meanings, words.longest
    while place < count:
        size = min(longest.get(tokens[place], 0), count - place)
        while size:
            phrase = tokens[place] if size == 1 else " ".join(tokens[place : place + size])
            meaning = meanings.get(phrase)
            if meaning is not None and meaning.only != other:
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
        "_anded",
        "_asides",
        "_closing",
        "_contrasts",
        "_doubt",
        "_foreign",
        "_joined",
        "_more",
        "_passes",
        "_places",
        "_purpose",
        "_said",
        "_trouble",
        "_with",
    )

    def __init__(self, alone: bool, foreign: bool) -> None:
        self._alone = alone
        self._foreign = foreign
        self._places = Places()
        self._said: list[Meaning] = []
        self._asides: dict[int, str] = {}
        self._contrasts: set[str] = set()
        self._closing = ""
        self._passes = 0
        self._more = False
        self._purpose = ""
        self._trouble = ""
        self._doubt = ""
        self._and = False
        self._with = False
        self._anded = False
        self._joined = False

    def skip(self, word: str) -> None:
        """A word we do not know, or one that joins."""
        self._and = self._and or word in _AND
        self._closing = ""
        self._places.skipped(word)

    def take(self, phrase: str, meaning: Meaning) -> None:
        if meaning.mark == "ignored":
            if meaning.alone:
                self._said.append(meaning)
            return
        self._closing = ""
        if meaning.mark == "misread":
            return
        if meaning.mark:
            self._marked(phrase, meaning.mark)
            return
        if meaning.at_end:
            self._closing = meaning.contrast
            self._and = self._with = True
        if meaning.contrast:
            contrast = self._places.contrast(phrase, meaning.contrast)
            if not meaning.at_end:
                self._contrasts.add(contrast)
        self._passes = max(self._passes, meaning.passes)
        self._more = self._more or meaning.more
        self._purpose = self._purpose or meaning.purpose
        if meaning.modality or meaning.regions or meaning.techniques or meaning.elsewhere or meaning.alone:
            self._name(phrase, meaning)

    def _marked(self, phrase: str, mark: str) -> None:
        if mark == "not_an_exam":
            self._trouble = self._trouble or f"{phrase!r} is not the order of an exam"
        elif mark == "two_readings":
            self._doubt = self._doubt or f"{phrase!r} leaves it open what is ordered"
        elif mark == "complaint" and self._places.at_region and not self._anded:
            self._complained(phrase)
        self._places.marked(mark)

    def _complained(self, phrase: str) -> None:
        """The part named last is what hurts: the reason for the exam of one named before, if there is one."""
        if len(self._said) > 1:
            self._asides[len(self._said) - 1] = phrase
        if len(self._said[-1].regions) == _PAIR and self._said[-1].regions != _TRUNK:
            self._doubt = self._doubt or f"{phrase!r} may belong to one part only"

    def _name(self, phrase: str, meaning: Meaning) -> None:
        if self._places.negates(meaning) and not meaning.modality and not meaning.regions:
            return
        self._places.named(phrase, meaning)
        if meaning.regions:
            beside = any(told.regions for told in self._said)
            self._anded = beside and self._and and not self._with
            self._joined = self._joined or (beside and self._and) or len(meaning.regions) > 1
            self._and = self._with = False
        if self._places.asked and meaning.regions and not meaning.whole:
            self._asides[len(self._said)] = phrase
        self._said.append(meaning)

    def said(self) -> Said:
        trouble = self._trouble or self._places.trouble
        if trouble:
            return Said(trouble=trouble)
        if self._closing:
            self._contrasts.add(self._closing)
        told, doubt = usual(self._ordered(), self._foreign)
        doubt = self._doubt or self._places.doubt or doubt
        if not (told or self._contrasts or self._passes or self._more or self._purpose or doubt):
            return SILENT
        modality, trouble = modality_of(told, self._alone)
        if trouble:
            return Said(trouble=trouble)
        modality, techniques = techniques_of(told, modality)
        if self._purpose in ("guidance", "planning"):
            techniques |= {self._purpose}
        if modality == "MR" and "obstetric" in techniques:
            doubt = doubt or "an MRI of an unborn child is none of this patient"
        regions = regions_of(told, techniques, narrow=modality == "US" and not self._joined, modality=modality)
        if "pelvis" in regions and regions & _KIDNEYS and not self._joined:
            doubt = doubt or "a pelvis beside a kidney may be its own"
        if modality == "CT" and _LEG in regions and mask(regions) & _CHEST and not self._joined:
            doubt = doubt or "LE beside the chest may be an embolism"
        contrasted = modality in ("", "CT", "MR") and not techniques & _OTHER_CONTRAST
        scanned = modality in ("", "CT")
        return Said(
            modality,
            regions,
            techniques,
            contrast_of(self._contrasts) if contrasted else None,
            self._passes if scanned else 0,
            self._more and scanned,
            self._purpose,
            doubt=doubt,
        )

    def _ordered(self) -> list[Meaning]:
        """
        The phrases without what only a reason names, where it lies across the border of what is ordered.

        What lies inside may narrow the exam; what lies outside leaves it open what is ordered.
        """
        if not self._asides:
            return self._said
        rest = [told for place, told in enumerate(self._said) if place not in self._asides]
        ordered = mask(NOTHING.union(*(told.regions for told in rest)))
        if not ordered:
            return self._said
        kept = []
        for place, told in enumerate(self._said):
            part = mask(told.regions) if place in self._asides else 0
            if own_parts(part) & ordered or not part:
                kept.append(told._replace(regions=NOTHING) if part & ~ordered else told)
            else:
                self._doubt = self._doubt or f"{self._asides[place]!r} is named as a reason"
        return kept
