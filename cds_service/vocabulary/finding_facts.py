"""
What a finding is made of: how long it lasts, how its answers read, which of two answers is the more worrying.

These are plain values; ``finding_codes`` reads them from YAML, ``facts.findings`` uses them on a record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from cds_service.vocabulary.facts import Fact
from cds_service.vocabulary.readings import Interval

Value = bool | frozenset[str] | Interval
"""What a known finding reads as: a flag, the choices still possible, or a number between two bounds."""

UNBOUNDED: Final = Interval(-math.inf, math.inf)

ENCOUNTER: Final = 0.0
ALWAYS: Final = math.inf
"""How long a statement holds: this visit only, for good, or else a number of seconds."""


class Sign(Enum):
    """An answer in general terms, before a fact gives it its own words."""

    YES = "yes"
    NO = "no"
    SUSPECTED = "suspected"
    UNKNOWN = "unknown"
    NORMAL = "normal"
    SILENT = "silent"  # nothing was answered at all


class Role(Enum):
    """What a code says about a fact when it stands in a record."""

    QUESTION = "question"  # the answer is in the value
    PRESENT = "present"  # the fact itself: confirmed is a yes, refuted a no
    IMPLIED_BY = "implied_by"  # a narrower or stronger statement: confirmed is a yes, refuted says nothing
    ABSENT = "absent"  # the negative is in the code
    SUSPECTED = "suspected"
    PROXY = "proxy"  # a hint: reads as suspected
    HISTORY = "history"  # it was so once and may be still: reads as suspected
    UNKNOWN = "unknown"  # the code states that the fact is not known
    VALUE = "value"  # the code stands for one value
    AT_SITE = "at_site"  # a general code that means this fact at certain sites of the body
    ONSET = "onset_of"  # the fact is the time since this began
    SUPPORTING = "supporting"  # background for people; never read
    LOOKALIKE = "lookalike"  # must not match, though a shorter code of its family does


class Measured(NamedTuple):
    """How a measured number answers a flag: bounds of a yes and of a no, as half-open intervals."""

    unit: str
    range: Interval
    present: Interval | None
    absent: Interval | None


class Computed(NamedTuple):
    """A number made of other numbers: a sum, or factor times product over quotient."""

    sum: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    factor: float = 1.0
    first: bool = False  # it goes before a stated value


@dataclass(frozen=True, slots=True, eq=False)
class FindingFact:
    """One finding and how to read it; see ``rules/codes/findings/README.md`` for the meaning of each field."""

    name: str
    fact: Fact
    choices: tuple[str, ...] = ()
    range: Interval = UNBOUNDED
    lasts: float = ENCOUNTER
    conditions_last: float = ENCOUNTER
    absent_lasts: float | None = None
    after_injury: bool = False
    sensitive: bool = False
    worse: str = ""
    take: str = "newest"
    read: frozenset[str] = frozenset()
    from_device: str = ""
    severity: bool = False
    time_since: bool = False
    units: Mapping[str, float] = field(default_factory=dict)
    measured: Measured | None = None
    computed: Computed | None = None
    answers: Mapping[Sign, Value] = field(default_factory=dict)
    coded_answers: Mapping[str, Mapping[str, Value | Sign]] = field(default_factory=dict)
    said_answers: Mapping[str, Value | Sign] = field(default_factory=dict)
    except_words: tuple[str, ...] = ()

    def worry(self, value: Value | None) -> float:
        """
        How worrying a value is, for choosing between two; None stands for a suspicion.

        A suspicion lies between the reassuring answer and every other. A number is as worrying as its worse end.
        """
        if value is None:
            return 0.5
        if isinstance(value, bool):
            return float(value != (self.worse == "absent"))
        if isinstance(value, Interval):
            return -value.low if self.worse == "low" else value.high if self.worse == "high" else 0.0
        return float(max(map(self.choices.index, value), default=0))

    @property
    def most_worry(self) -> float:
        """How worrying the worst answer is; a number has none."""
        return float(len(self.choices) - 1) if self.choices else 1.0

    def reassuring(self, value: Value) -> bool:
        """Whether a value is one that a rule could take comfort in; every number is."""
        return isinstance(value, Interval) or not self.worry(value)

    def other_than(self, words: Value) -> Value | None:
        """The choices left when *words* are denied; None for numbers."""
        if isinstance(words, frozenset):
            return frozenset(self.choices) - words or None
        return not words if isinstance(words, bool) else None


class Assertion(NamedTuple):
    """What one code says: about which fact, in which role, with which value or at which sites of the body."""

    fact: FindingFact
    role: Role
    value: Value | None = None
    sites: Mapping[str, Mapping[str, Value | Sign]] = {}


FLAG_ANSWERS: Final[Mapping[Sign, Value]] = {Sign.YES: True, Sign.NO: False, Sign.NORMAL: False}
