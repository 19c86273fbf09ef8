"""What is hurt: places of the body in a text that tells of an accident."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cds_service.facts.reasons.clauses import Part
from cds_service.facts.reasons.grammar import Mark
from cds_service.vocabulary.reason_codes import Reason, Says

_STATING: Final = frozenset((Says.REASON, Says.ALONE))
_OVER: Final = frozenset((Mark.FAMILY, Mark.HISTORY, Mark.PAST_LIST, Mark.OLD))
_BYSTANDERS: Final = frozenset(("from", "off", "by", "with", "against", "over", "of"))


def tells_of_accident(part: Part) -> bool:
    """Whether *part* tells of an accident of the child's."""
    if part.negated or part.past in (Mark.FAMILY, Mark.OLD):
        return False
    return any(meaning.says is Says.ACCIDENT for meaning, _, _ in part.said)


def leaves_places_hurt(reason: Reason) -> bool:
    """Whether more than what *reason* names may be hurt: what was swallowed hurts no limb."""
    return reason.event and (reason.hurt or not reason.regions)


def hurt_places(part: Part, words: Sequence[str]) -> frozenset[str]:
    """
    The injuries of the places that hurt in *part*; none where it names a reason, or a place without one.

    A place is hurt where a finding stands beside it, or where it is what the accident struck; what came to another
    place, as in "knee to flank", struck it.
    """
    says = {meaning.says for meaning, _, _ in part.said}
    if part.negated or part.past in _OVER or part.back is Mark.YEARS_AGO or says & _STATING:
        return frozenset()
    found = Says.FINDING in says
    if not found and Says.ACCIDENT not in says:
        return frozenset()
    places = {
        meaning.name
        for meaning, first, after in part.said
        if meaning.says is Says.PLACE
        and (found or words[first - 1] not in _BYSTANDERS)
        and not _came_to_a_place(part, after, words)
    }
    return frozenset() if "" in places else frozenset(places)


def _came_to_a_place(part: Part, after: int, words: Sequence[str]) -> bool:
    """Whether another place follows behind "to", as in "elbow to left flank"."""
    if words[after : after + 1] != ["to"]:
        return False
    place = after + 2 if words[after + 1 : after + 2] in (["left"], ["right"]) else after + 1
    return any(meaning.says is Says.PLACE and first == place for meaning, first, _ in part.said)


def counts(part: Part, reason: Reason, parts: Iterable[Part], words: Sequence[str]) -> bool:
    """
    Whether a weak word of *part*, such as *fracture*, means *reason*.

    It does unless other places are named than those of the reason, or something unknown stands beside it.
    """
    if not reason.hurt:
        return True
    if part.unknown or any(map(_names_a_vertebra, words[part.first : part.last + 1])):
        return False
    return not any(
        meaning.says is Says.PLACE and meaning.name != reason.name
        for one in parts
        if one is part or (not one.negated and one.past is None)
        for meaning, _, _ in one.said
    )


def _names_a_vertebra(word: str) -> bool:
    """
    Whether *word* is the short name of a vertebra.

    >>> _names_a_vertebra("c2"), _names_a_vertebra("l1"), _names_a_vertebra("5th"), _names_a_vertebra("c")
    (True, True, False, False)
    """
    return word[0] in "ctls" and word[1:].isdigit()
