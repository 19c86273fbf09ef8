"""
The small words of an order's text that turn what stands beside them: no, history of, rule out, and, with.

They are the grammar of English notes, the same for every list of reasons.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from cds_service.vocabulary.phrases import Phrases, spread, words_of


class Mark(Enum):
    """What a small word does to its clause."""

    STOP = "ends the sentence"
    COMMA = "ends the clause"
    COLON = "ends a heading"
    AND = "joins a clause that may share no or history of"
    OR = "joins the last of a list, all of which share no or history of"
    SLASH = "joins a clause that shares no or history of"
    WITH = "starts a clause of its own"
    NO = "negates what follows"
    DENIES = "negates a whole list"
    NEGATIVE = "negates what follows, or what stands before it when nothing follows"
    RULED_OUT = "negates what stands before it"
    UNLIKELY = "negates what stands before it, or what follows when nothing does"
    HISTORY = "makes what follows a past matter"
    PAST_LIST = "makes a whole list past matters"
    FAMILY = "makes what follows somebody else's"
    AFTER = "what follows has taken place"
    OLD = "makes what follows a matter of long ago"
    RESOLVED = "makes what stands before it a past matter"
    WEEKS_AGO = "puts an event days or weeks back"
    YEARS_AGO = "puts an event months or years back"
    QUERY = "asks for what follows"
    QUESTION = "asks for what it touches"


_SIGNS: Final = {
    ".": Mark.STOP,
    "!": Mark.STOP,
    ";": Mark.STOP,
    "\n": Mark.STOP,
    ",": Mark.COMMA,
    "(": Mark.COMMA,
    ")": Mark.COMMA,
    "-": Mark.COMMA,
    ":": Mark.COLON,
    "&": Mark.AND,
    "+": Mark.AND,
    "/": Mark.SLASH,
    "?": Mark.QUESTION,
}
_PHRASES: Final[dict[Mark, tuple[str, ...]]] = {
    Mark.AND: ("and|plus|also", "as well as", "along with"),
    Mark.OR: ("or|nor", "and or"),
    Mark.SLASH: ("vs|versus",),
    Mark.WITH: (
        "with|w/",
        "but|however|although|though|except|while|because",
        "after|following",
        "due|secondary to",
        "d/t",
        "associated with",
        "a/w",
        "accompanied by",
        "now|currently",
        "now with",
        "here for|with",
        "presents|presented|presenting with|for",
        "p/w",
        "c/o",
        "complaining|complains of",
    ),
    Mark.NO: (
        "no|not|never|without|w/o",
        "absence|lack of",
        "no evidence|sign|suggestion|indication|concern|suspicion|history|hx of",
        "no concern|suspicion for",
        "no known|obvious|clear|apparent|acute|prior|previous|recent|further",
        "not concerned for|about",
        "low suspicion|concern|probability|likelihood|risk for|of",
        "doubt about",
        "doubt",
        "free of",
    ),
    Mark.DENIES: ("denies|denied|denying|deny", "negative|neg for", "pertinent negative"),
    Mark.NEGATIVE: ("negative|neg|absent",),
    Mark.RULED_OUT: ("ruled out", "was|were|been ruled out", "has been ruled out", "excluded", "was|been excluded"),
    Mark.UNLIKELY: (
        "unlikely|improbable",
        "very|most|highly|felt|seems|thought|is|are|considered unlikely",
        "is|are very|felt|thought unlikely",
        "unlikely to be|have",
        "not likely|suspected|considered",
        "is|are|was not likely|suspected|considered",
    ),
    Mark.HISTORY: (
        "h/o",
        "hx|history",
        "hx|history of",
        "past|prior|previous|known|remote|significant history|hx of",
        "past history|hx",
        "medical history|hx",
        "medical history|hx of",
    ),
    Mark.PAST_LIST: (
        "pmh|pmhx|psh|pshx",
        "pmh|pmhx of",
        "past medical|surgical history|hx",
        "past medical|surgical history|hx of",
    ),
    Mark.FAMILY: (
        "fhx|fh|fmh|fmhx",
        "fhx|fh of",
        "family history|hx",
        "family history|hx of",
        "mother|father|sister|brother|sibling|twin|cousin|aunt|uncle|grandmother|grandfather|parent with|has|had|have",
        "maternal|paternal history|hx of",
    ),
    Mark.AFTER: ("s/p|post", "status post", "sp"),
    Mark.OLD: ("prior|previous|previously|remote|old|former",),
    Mark.RESOLVED: ("resolved", "now|has|have|since resolved"),
    Mark.WEEKS_AGO: ("week ago", "last week", "week prior", "week back", "week after"),
    Mark.YEARS_AGO: ("month|year ago", "last month|year", "month|year prior", "month|year back", "long ago"),
    Mark.QUERY: (
        "r/o|query|suspect|suspected|suspecting|suspicious",
        "rule|ruling out",
        "to rule out",
        "evaluate|eval|evaluation|assess|assessment|check|look|looking|workup|investigate|search for|of",
        "work up for|of",
        "concern|concerning|concerned for|about|of",
        "worried|worry about|for",
        "suspicion of|for",
        "suspicious for|of",
        "question|possibility of",
        "possible|possibly|poss|probable|probably|likely|presumed|presumptive|potential|questionable",
        "most likely",
        "c/f|c/w",
        "consistent|compatible with",
        "suggestive of",
        "differential|ddx",
        "cannot|cant|unable|to|not exclude|excluded",
        "unable to exclude",
        "cannot|cant rule out",
        "can not rule out|exclude",
        "unable to rule out",
        "not ruled out",
    ),
}


def _marks() -> Phrases[Mark]:
    marks: Phrases[Mark] = Phrases()
    for sign, mark in _SIGNS.items():
        marks.add([sign], mark)
    for mark, phrases in _PHRASES.items():
        for phrase in phrases:
            for one in spread(phrase):
                marks.add(words_of(one, {}).words, mark)
    return marks


MARKS: Final = _marks()
"""Every small word and what it does."""

SMALL_WORDS: Final = frozenset(
    word
    for phrases in _PHRASES.values()
    for phrase in phrases
    for one in spread(phrase)
    for word in words_of(one, {}).words
)
"""The words these phrases are made of."""
