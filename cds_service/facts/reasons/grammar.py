"""
The small words of an order's text that turn what stands beside them: no, history of, rule out, and, with.

They are the grammar of English notes, the same for every list of reasons.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from cds_service.vocabulary.phrases import Phrases, spellings


class Mark(Enum):
    """What a small word does to its clause."""

    STOP = "ends the sentence"
    COMMA = "ends the clause"
    COLON = "ends a heading"
    AND = "joins a clause that may share no or history of"
    OR = "joins the last of a list, all of which share no or history of"
    SLASH = "joins a clause that shares no or history of"
    WITH = "starts a clause of its own"
    NOW = "starts a clause of its own, about the patient of today"
    NO = "negates what follows"
    DENIES = "negates a whole list"
    NEGATIVE = "negates what follows, or what stands before it when nothing follows"
    RULED_OUT = "negates what stands before it"
    UNLIKELY = "negates what stands before it, or what follows when nothing does"
    HISTORY = "makes what follows a past matter"
    PAST_LIST = "makes a whole list past matters"
    FAMILY = "makes what follows somebody else's"
    FAMILY_BEFORE = "makes what stands before it somebody else's"
    RELATIVE = "may make what follows somebody else's"
    AFTER = "what follows has taken place"
    OLD = "makes what follows a matter of long ago"
    RESOLVED = "makes what stands before it a past matter, or what follows when nothing does"
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
_FAMILY_HISTORY: Final = "fhx|fh|fmh|fmhx|famhx|pfhx|pfh"
_RELATIVE: Final = (
    "mother|father|parent|sister|brother|sibling|sib|twin|cousin|aunt|uncle|niece|nephew|relative|grandmother|grandfather"
    "|grandparent|grandma|grandpa|mgm|mgf|pgm|pgf|roommate|classmate|friend|neighbor|neighbour|boyfriend|girlfriend"
)
_HAS: Final = (
    "with|w/|has|had|have|having|h/o|hx|s/p|dx|dxd|diagnosed|hospitalized|hospitalised|admitted|treated|died|positive|carrier"
    "|survivor|underwent|needed|required|developed|suffers"
)
_PHRASES: Final[dict[Mark, tuple[str, ...]]] = {
    Mark.AND: ("and|plus|also", "as well as", "along with"),
    Mark.OR: ("or|nor", "and or"),
    Mark.SLASH: ("vs|versus",),
    Mark.WITH: (
        "with|w/",
        "after|following",
        "due|secondary to",
        "d/t",
        "associated with",
        "a/w",
        "accompanied by",
    ),
    Mark.NOW: (
        "but|however|although|though|except|while|because",
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
        "ruled out for",
        "r/o d",
        "r/o d for",
        "didnt|doesnt|isnt|wasnt|hasnt|havent|hadnt|dont|arent|werent",
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
    Mark.NEGATIVE: (
        "negative|neg|absent|none|nil|-ve|(-)",
        "is|are|was|were negative|neg|absent",
        "none seen|noted|found|present|reported|identified|known",
        "not seen|found|identified|present|noted|detected|demonstrated|felt|palpated|visualized|visualised|appreciated",
        "is|are|was|were not seen|found|identified|present|noted|detected|demonstrated|felt|palpated|visualized",
    ),
    Mark.RULED_OUT: ("ruled out", "was|were|been ruled out", "has been ruled out", "excluded", "was|been excluded"),
    Mark.UNLIKELY: (
        "unlikely|improbable",
        "less likely",
        "much less likely",
        "very|most|highly|felt|seems|thought|is|are|considered unlikely",
        "is|are very|felt|thought unlikely",
        "unlikely to be|have",
        "not likely|suspected|considered",
        "is|are|was not likely|suspected|considered",
    ),
    Mark.HISTORY: (
        "h/o",
        "used to have",
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
        f"{_FAMILY_HISTORY}",
        f"{_FAMILY_HISTORY} of|for|positive|significant|notable",
        f"{_FAMILY_HISTORY} positive|significant|notable for|of",
        "family|fam|familial history|hx|h/o",
        "family|fam|familial history|hx of|for|positive|significant|notable",
        "family|fam history|hx positive|significant|notable for|of",
        "strong|positive|significant|known family|fam history|hx",
        "strong|positive|significant|known family|fam history|hx of|for",
        f"{_RELATIVE} {_HAS}",
        f"{_RELATIVE} also|who|recently|is|was {_HAS}",
        "maternal|paternal history|hx of",
        f"contact|everyone|family|household {_HAS}",
        f"everyone|family|contact at home|school|daycare {_HAS}",
    ),
    Mark.FAMILY_BEFORE: (
        f"in {_RELATIVE}",
        f"in maternal|paternal|older|younger|half|step|both {_RELATIVE}",
        "in family",
        "runs|run|running in family",
        "on maternal|paternal|mother|father side",
        "in first|1st|second|2nd degree relative",
    ),
    Mark.RELATIVE: (_RELATIVE.replace("twin|", ""),),
    Mark.AFTER: ("s/p|post", "status post", "sp"),
    Mark.OLD: ("prior|previous|previously|remote|old|former",),
    Mark.RESOLVED: (
        "resolved|cleared|healed|subsided",
        "now|has|have|since|completely|fully resolved|cleared|healed|subsided",
    ),
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


_WORDS: Final = [
    (words, mark) for mark, phrases in _PHRASES.items() for phrase in phrases for words in spellings(phrase, {})
]


def _marks() -> Phrases[Mark]:
    marks: Phrases[Mark] = Phrases()
    for sign, mark in _SIGNS.items():
        marks.add([sign], mark)
    for words, mark in _WORDS:
        marks.add(words, mark)
    return marks


MARKS: Final = _marks()
"""Every small word and what it does."""

SMALL_WORDS: Final = frozenset(word for words, _ in _WORDS for word in words)
"""The words these phrases are made of."""
