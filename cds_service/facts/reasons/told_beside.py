"""What a text tells beside its reasons: findings that may worry, words not understood, figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cds_service.facts.reasons.clauses import Part
from cds_service.facts.reasons.grammar import Mark
from cds_service.facts.reasons.measured import MEASURED
from cds_service.vocabulary.reason_codes import Says, Wording

_CONTEXT: Final = frozenset({Says.FILLER, Says.ELSEWHERE})
_DENYING: Final = frozenset({"no", "not", "without", "denies", "never"})
_SPANS: Final = frozenset({"year", "month", "week", "day", "hour", "minute"})
_FEW_DAYS: Final = frozenset("123")
_PERSONS: Final = frozenset({"old", "m", "f", "male", "female", "boy", "girl", "child", "infant", "patient"})


def tells_more(parts: Sequence[Part], words: Sequence[str], wording: Wording) -> bool:
    """Whether a text tells of something of today that no name of a reason says and that may worry."""
    return any(_worries(part, words, wording) for part in parts) or _between(parts, words, wording)


def _worries(part: Part, words: Sequence[str], wording: Wording) -> bool:
    """Whether a clause of today holds a word that is not known, or a finding not listed as reassuring."""
    if part.negated or part.past not in (None, Mark.AFTER):
        return False
    return bool(part.unknown) or any(
        tuple(words[first:after]) in wording.worrying
        or (meaning.says is Says.FINDING and tuple(words[first:after]) not in wording.reassuring)
        for meaning, first, after in part.said
    )


def _between(parts: Sequence[Part], words: Sequence[str], wording: Wording) -> bool:
    """Whether outside of what the clauses say a word worries, or a figure is no age and no time ago."""
    told = {
        at
        for part in parts
        for meaning, first, after in part.said
        if not (part.negated and meaning.says in _CONTEXT)
        for at in range(first, after)
    }
    at = 0
    while at < len(words):
        found = wording.phrases.longest(words, at)
        after = at + 1 if found is None else found[1]
        worries = tuple(words[at:after]) in wording.worrying and not (at and words[at - 1] in _DENYING)
        figure = after == at + 1 and any(map(str.isdigit, words[at])) and not _plain_figure(words, at)
        if at not in told and (worries or figure):
            return True
        at = after
    return False


def _plain_figure(words: Sequence[str], at: int) -> bool:
    """Whether a figure tells nothing of how ill a child is: an age or size, a few days, or a full coma score."""
    after, second = (*words[at + 1 : at + 3], "", "")[:2]
    if MEASURED in words[max(at - 2, 0) : at]:
        return True
    if words[at] == "15" and "gcs" in words[max(at - 2, 0) : at]:
        return True
    if after in _PERSONS or after == "year" or (after == "day" and words[at] in _FEW_DAYS):
        return True
    return after in _SPANS and (second in _PERSONS or second == "ago" or at == 0)
