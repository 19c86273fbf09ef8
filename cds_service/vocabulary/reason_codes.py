"""
Reasons for an exam: their names, the codes and phrases that state them, and how they belong together.

They stand in ``rules/codes/reasons/``; the README there explains the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from cds_service.vocabulary.addresses import address
from cds_service.vocabulary.phrases import Phrases
from cds_service.vocabulary.reason_languages import NO_LANGUAGES, Languages
from cds_service.vocabulary.spelling import NO_SPELLING, Spelling

ICD10CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
SNOMED: Final = "http://snomed.info/sct"

_SYSTEMS: Final = {
    ICD10CM: ICD10CM,
    "urn:oid:2.16.840.1.113883.6.90": ICD10CM,
    ICD10: ICD10,
    "urn:oid:2.16.840.1.113883.6.3": ICD10,
    SNOMED: SNOMED,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
}
NO_WARNINGS: Final[Phrases[tuple[str, ...]]] = Phrases()
_SHORTEST_ICD: Final = 3
_ENCOUNTER_PLACE: Final = 6
_INJURY_CHAPTERS: Final = frozenset("STVWXY")
_FRESH: Final = frozenset("ABC")
_Value = TypeVar("_Value")


class Offer(NamedTuple):
    """An ICD-10-CM code that a clinician could add as the coded reason."""

    code: str
    display: str


class Reason(NamedTuple):
    """
    One reason. ``broader`` are the reasons it also is; ``regions`` are what the question is about, empty when
    that is not clear. ``event`` marks an injury or accident; ``later_contact`` and ``late_effect`` name what an
    event is days and years later, ``past`` what a history of the reason is today, ``in_family`` what one in the family
    is when nothing else is named. ``follow_up`` marks the reason that makes an event beside it a later contact.
    ``treated`` is what an event is where its clause names a word of ``treated_by`` and says that it is followed up or
    took place some time ago, or the text holds one of the words that tell so. ``joined`` is what it is where "with"
    joins it to one of ``unclear_with``, unless a word of ``joined_unless``, its own or of what it also is, stands in
    the text. ``hurt`` says that there are places whose injury is this one; ``beside`` are the reasons that do not make
    its weaker phrases findings of theirs, ``unclear_with`` those that leave them unclear, or all of its phrases if none
    are ``weak``. ``within`` are the reasons that tell it already, so that its code beside one adds none.
    """

    name: str
    label: str
    broader: tuple[str, ...] = ()
    regions: frozenset[str] = frozenset()
    offer: Offer | None = None
    event: bool = False
    follow_up: bool = False
    later_contact: str = ""
    late_effect: str = ""
    past: str = ""
    in_family: str = ""
    treated: str = ""
    treated_by: Mapping[str, frozenset[str]] = MappingProxyType({})
    joined: str = ""
    joined_unless: frozenset[str] = frozenset()
    hurt: bool = False
    beside: tuple[str, ...] = ()
    unclear_with: tuple[str, ...] = ()
    weak: bool = False
    within: tuple[str, ...] = ()

    @property
    def concept(self) -> dict[str, Any] | None:
        """The offered code as a FHIR CodeableConcept, None when no code is offered."""
        if self.offer is None:
            return None
        coding = {"system": ICD10CM, "code": self.offer.code, "display": self.offer.display}
        return {"coding": [coding], "text": self.label}


class Coded(NamedTuple):
    """What one code states: reasons of today, and those it names as dealt with before."""

    names: tuple[str, ...]
    earlier: tuple[str, ...] = ()


class Says(Enum):
    """What a phrase is to a reader of reasons."""

    REASON = "reason"
    ALONE = "a reason when no other is named"
    FILLER = "context"
    FINDING = "a finding beside a reason"
    BELONGING = "a finding beside its own reasons only"
    PLACE = "a place"
    ACCIDENT = "an accident"
    PREGNANCY = "a pregnancy, or a doubt about one"
    ELSEWHERE = "a reason that is not listed"
    UNSURE = "a word of several meanings"


class Meaning(NamedTuple):
    """What a phrase says, and of which reason, word or finding; a finding may belong to ``reasons``."""

    says: Says
    name: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """The names it holds, when it names several."""
        return tuple(self.name.split())


class Unsure(NamedTuple):
    """
    A word of several meanings: which words settle each, which do where it is asked for, and which speak ``against``
    one; ``capitals`` when it counts only in capitals.

    It is read as the word ``reads``, if it has one, unless a word of ``unless`` stands in the text. ``by_itself`` is
    what it means where the text says nothing else.
    """

    means: Mapping[str, frozenset[str]]
    capitals: bool = False
    reads: str = ""
    unless: frozenset[str] = frozenset()
    asked: Mapping[str, frozenset[str]] = MappingProxyType({})
    by_itself: str = ""
    against: Mapping[str, frozenset[str]] = MappingProxyType({})


class Wording(NamedTuple):
    """
    How texts are read: one spelling for several, the phrases known, the words nobody can be sure of, what
    misspelt words were meant for, the words that name an exam, each with its modality, findings that are a reason when
    no other is named, findings that worry nobody, and other phrases that tell of a finding as well. ``warnings`` are
    phrases that speak of findings wherever they stand, ``states`` the findings a reason speaks of; without one of
    ``telling``'s words a text speaks of no finding. ``languages`` holds what words of other languages mean.
    """

    same_word: Mapping[str, str]
    phrases: Phrases[Meaning]
    unsure: Mapping[str, Unsure]
    spelling: Spelling = NO_SPELLING
    exams: Mapping[str, str] = MappingProxyType({})
    signs: Mapping[tuple[str, ...], str] = MappingProxyType({})
    reassuring: frozenset[tuple[str, ...]] = frozenset()
    worrying: frozenset[tuple[str, ...]] = frozenset()
    warnings: Phrases[tuple[str, ...]] = NO_WARNINGS
    states: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    telling: frozenset[str] = frozenset()
    languages: Languages = NO_LANGUAGES


class ReasonCodes:
    """
    Every reason in force, and what states it.

    ``injuries`` names the events and what they are later. ``beside`` holds ICD-10-CM codes, without their dots, that
    ask for no image. ``memory`` is room for whoever reads texts with these
    lists to keep answers in; it dies with them.
    """

    def __init__(
        self,
        reasons: Mapping[str, Reason],
        tables: Mapping[str, Mapping[str, tuple[str, ...]]],
        wording: Wording,
        negative_answers: frozenset[tuple[str, str]] = frozenset(),
        *,
        beside: Mapping[str, Says] = MappingProxyType({}),
    ) -> None:
        self.reasons = reasons
        self.names = frozenset(reasons)
        self.wording = wording
        self.negative_answers = negative_answers
        self._beside = beside
        self.tables = tables
        self.lineage = lineages(reasons)
        events = [reason for reason in reasons.values() if reason.event]
        self.injuries = frozenset(
            name for one in events for name in (one.name, one.later_contact, one.late_effect) if name
        )
        self.memory: dict[Any, Any] = {}

    def coded(self, system: str | None, code: str | None) -> Coded | None:
        """
        The reasons a code states, or None when we do not know it.

        A code of an injury says in its seventh character whether this is the first contact; after that the
        injury is no longer fresh (ICD-10-CM Official Guidelines, section I.C.19.a).
        """
        if not system or not code:
            return None
        known = _SYSTEMS.get(system) or _SYSTEMS.get(address(system))
        if known is None:
            return None
        table = self.tables[known]
        if known == SNOMED:
            names = table.get(code.strip(), ())
            return Coded(names) if names else None
        names = _by_prefix(table, code) or ()
        if not names:
            return None
        return self._in_time(names, _bare(code)) if known == ICD10CM else Coded(names)

    def beside(self, system: str | None, code: str | None) -> Says | None:
        """What an ICD-10-CM code that asks for no image is beside a reason: context, a finding or an accident."""
        if not system or not code or (_SYSTEMS.get(system) or _SYSTEMS.get(address(system))) != ICD10CM:
            return None
        return _by_prefix(self._beside, code)

    def _in_time(self, names: tuple[str, ...], code: str) -> Coded:
        encounter = code[_ENCOUNTER_PLACE : _ENCOUNTER_PLACE + 1]
        if code[0] not in _INJURY_CHAPTERS or not encounter.isalpha() or encounter in _FRESH:
            return Coded(names)
        now: list[str] = []
        earlier: list[str] = []
        for name in names:
            reason = self.reasons[name]
            today = reason.late_effect if encounter == "S" else reason.later_contact
            (now if today else earlier).append(today or name)
        return Coded(tuple(now), tuple(earlier))


def _bare(code: str) -> str:
    return code.replace(".", "").strip().upper()


def _by_prefix(table: Mapping[str, _Value], code: str) -> _Value | None:
    """What stands in *table* under the longest beginning of an ICD-10 *code*."""
    code = _bare(code)
    lengths = range(min(len(code), _ENCOUNTER_PLACE + 1), _SHORTEST_ICD - 1, -1)
    return next((table[code[:length]] for length in lengths if code[:length] in table), None)


def lineages(reasons: Mapping[str, Reason]) -> dict[str, frozenset[str]]:
    """Each reason with everything that naming it names too."""
    return {name: _lineage(name, reasons) for name in reasons}


def _lineage(name: str, reasons: Mapping[str, Reason]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found and one in reasons:
            found.add(one)
            waiting.extend(reasons[one].broader)
    return frozenset(found)
