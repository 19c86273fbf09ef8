"""Cutting a text into clauses: what each is about, and whether it is denied, past, or asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cds_service.facts.reasons.grammar import MARKS, Mark
from cds_service.vocabulary.phrases import Phrases, Words, words_of
from cds_service.vocabulary.reason_codes import Meaning, Says

_PAST: Final = frozenset((Mark.HISTORY, Mark.PAST_LIST, Mark.FAMILY, Mark.AFTER, Mark.OLD))
_BEHIND: Final = frozenset(("no", "denied", "denies", "deny", "never"))
_ANSWERED: Final = frozenset((":", "?"))
_ENDS: Final = frozenset((",", ";", ".", "!", "(", ")", "-", "\n", "by"))
_NOTHING: Final[Phrases[Meaning]] = Phrases()


class Clause(NamedTuple):
    """One clause of a text. ``history`` covers what is past and what is somebody else's."""

    text: str
    negated: bool = False
    history: bool = False
    query: bool = False


@dataclass(slots=True)
class Part:
    """
    One clause while it is read.

    ``first`` and ``last`` are the places of its words; ``past`` is the mark that makes it past; ``marked`` says
    that a small word of its own, not one before a comma, turned it; ``unclear`` that it may or may not be as it is
    marked: it follows "and" after a denied or past clause, or tells something of a relative; ``back`` puts an event
    back in time.
    """

    joined: Mark = Mark.STOP
    negated: bool = False
    past: Mark | None = None
    query: bool = False
    marked: bool = False
    unclear: bool = False
    back: Mark | None = None
    first: int = -1
    last: int = -1
    said: list[tuple[Meaning, int, int]] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether it says more than context."""
        return bool(self.unknown) or any(meaning.says is not Says.FILLER for meaning, _, _ in self.said)


def clauses(text: str) -> tuple[Clause, ...]:
    """
    The clauses of *text*, as written.

    >>> for clause in clauses("Fell from bed, no LOC, h/o asthma; ?fracture"):
    ...     print(clause)
    Clause(text='Fell from bed', negated=False, history=False, query=False)
    Clause(text='LOC', negated=True, history=False, query=False)
    Clause(text='asthma', negated=False, history=True, query=False)
    Clause(text='fracture', negated=False, history=False, query=True)
    """
    words = words_of(text, {})
    return tuple(
        Clause(words.quote(part.first, part.last), part.negated, part.past is not None, part.query)
        for part in parts_of(words, _NOTHING)
    )


def parts_of(words: Words, phrases: Phrases[Meaning]) -> list[Part]:
    """The clauses of a text, with the known *phrases* found in each, the longest first."""
    return _Cutter(words, phrases).parts()


class _Cutter:
    def __init__(self, words: Words, phrases: Phrases[Meaning]) -> None:
        self._text = words
        self._words = words.words
        self._phrases = phrases
        self._done: list[Part] = []
        self._sentence = 0
        self._list = False
        self._part = Part()

    def parts(self) -> list[Part]:
        at, count, words = 0, len(self._words), self._words
        while at < count:
            said = self._phrases.longest(words, at)
            mark = MARKS.longest(words, at)
            if mark is not None and (said is None or mark[1] >= said[1]):
                _MARKED[mark[0]](self, mark[0], at, mark[1])
                at = mark[1]
                continue
            part = self._part
            after = at + 1 if said is None else said[1]
            if said is not None:
                part.said.append((said[0], at, after))
            elif words[at].isalpha() and len(words[at]) > 1:
                part.unknown.append(at)
            if part.first < 0:
                part.first = at
            part.last = after - 1
            at = after
        self._close()
        return self._done

    def _close(self) -> None:
        """End the clause being read; what only marks time or doubt goes to the clause before it."""
        part = self._part
        if part.full:
            self._done.append(part)
            return
        before = self._before()
        if before is not None:
            before.back = before.back or part.back
            before.query = before.query or (part.query and part.joined is Mark.QUERY)

    def _before(self) -> Part | None:
        return self._done[-1] if len(self._done) > self._sentence else None

    def _begin(self, mark: Mark, at: int = 0, after: int = 0) -> None:
        """Start a clause at a small word of its own; one that says nothing yet goes on, with the word added."""
        part = self._part
        if part.full or not part.marked:
            self._close()
            back = None if part.full else part.back
            self._part = Part(joined=mark, back=back, marked=True)
            self._list = False

    def _stop(self, mark: Mark, at: int, after: int) -> None:
        self._close()
        self._sentence = len(self._done)
        self._list = False
        self._part = Part()

    def _comma(self, mark: Mark, at: int, after: int) -> None:
        part = self._part
        self._close()
        kept = part if self._list else Part()
        back = None if part.full or self._before() else part.back
        self._part = Part(joined=mark, negated=kept.negated, past=kept.past, back=back)
        if not self._list and self._goes_on_with_a_relative(part, self._words[at]):
            self._part.past, self._part.unclear = Mark.FAMILY, True

    def _colon(self, mark: Mark, at: int, after: int) -> None:
        part = self._part
        if part.full or not part.marked:
            self._stop(mark, at, after)
            self._sentence -= part.full
        else:
            self._list = part.negated or part.past is not None

    def _and(self, mark: Mark, at: int, after: int) -> None:
        part = self._part
        if not part.full:
            return
        self._close()
        if self._list or part.past is Mark.AFTER:
            self._part = Part(joined=mark, negated=part.negated, past=part.past)
        elif part.past is Mark.FAMILY:
            self._part = Part(joined=mark, past=part.past, unclear=True)
        else:
            self._part = Part(joined=mark, unclear=part.unclear or part.negated or part.past is not None)

    def _slash(self, mark: Mark, at: int, after: int) -> None:
        part = self._part
        if part.full:
            self._close()
            self._part = Part(joined=mark, negated=part.negated, past=part.past, query=part.query, unclear=part.unclear)

    def _or(self, mark: Mark, at: int, after: int) -> None:
        """The word before the last of a list: all of it shares what stands before its first."""
        self._slash(mark, at, after)
        chain: list[Part] = []
        for part in reversed(self._done[self._sentence :]):
            if part.marked:
                for member in (*chain, self._part):
                    member.negated, member.past = part.negated, part.past
                break
            chain.append(part)
            if part.joined not in (Mark.COMMA, Mark.OR, Mark.SLASH):
                break

    def _with(self, mark: Mark, at: int, after: int) -> None:
        part = self._part
        if part.full or not part.marked:
            self._close()
            self._list = False
            family = part.past is Mark.FAMILY and mark is Mark.WITH
            self._part = Part(joined=mark, past=Mark.FAMILY if family else None, unclear=family)

    def _no(self, mark: Mark, at: int, after: int) -> None:
        if self._words[at] in _BEHIND and self._ends(after) and (self._part.full or self._words[at - 1] in _ANSWERED):
            self._ruled_out(mark, at, after)
            return
        self._begin(mark)
        self._part.negated = True
        self._list = mark is Mark.DENIES

    def _negative(self, mark: Mark, at: int, after: int) -> None:
        if self._part.full or (self._ends(after) and self._before()):
            self._ruled_out(mark, at, after)
        else:
            self._no(mark, at, after)

    def _ends(self, after: int) -> bool:
        """Whether the clause ends before word *after*."""
        return after >= len(self._words) or self._words[after] in _ENDS

    def _ruled_out(self, mark: Mark, at: int, after: int) -> None:
        part = self._part if self._part.full else self._before()
        if part is not None:
            part.negated = True

    def _unlikely(self, mark: Mark, at: int, after: int) -> None:
        """Something named in this clause is unlikely; else what follows at once; else what the clause before names."""
        if self._part.full:
            self._part.negated = True
        elif after < len(self._words) and MARKS.longest(self._words, after) is None:
            self._no(mark, at, after)
        else:
            self._ruled_out(mark, at, after)

    def _past(self, mark: Mark, at: int, after: int) -> None:
        if after < len(self._words) and self._words[after] == ":" and mark is Mark.HISTORY:
            return
        self._begin(mark)
        if self._part.past is not Mark.FAMILY or mark is Mark.FAMILY:
            self._part.past, self._part.unclear = mark, False
        self._list = mark is Mark.PAST_LIST

    def _family_before(self, mark: Mark, at: int, after: int) -> None:
        part = self._part if self._part.full else self._before()
        if part is not None:
            part.past, part.unclear = Mark.FAMILY, False

    def _relative(self, mark: Mark, at: int, after: int) -> None:
        """Somebody at the beginning of a clause: what it tells may be about them; inside one they are bystanders."""
        if not self._part.full:
            self._begin(mark)
            self._part.past, self._part.unclear = Mark.FAMILY, True

    def _goes_on_with_a_relative(self, part: Part, sign: str) -> bool:
        """Whether what follows *sign* may be a relative's: "dad - stones", or a list behind what is the patient's."""
        if part.past is not Mark.FAMILY:
            return False
        return any(one.past is not Mark.FAMILY for one in self._done) if part.full else sign == "-"

    def _resolved(self, mark: Mark, at: int, after: int) -> None:
        part = self._part if self._part.full else self._before()
        if not self._part.full and not self._ends(after):
            self._past(Mark.HISTORY, at, after)
        elif part is not None:
            part.past = Mark.HISTORY

    def _ago(self, mark: Mark, at: int, after: int) -> None:
        self._part.back = mark

    def _query(self, mark: Mark, at: int, after: int) -> None:
        self._begin(mark)
        self._part.query = True

    def _question(self, mark: Mark, at: int, after: int) -> None:
        """A question mark belongs to the word it touches; one that touches none, to what follows."""
        starts = self._text.starts
        touches_next = after < len(starts) and starts[after] == starts[at] + 1
        if self._part.full and not touches_next:
            self._part.query = True
            self._with(mark, at, after)
        else:
            self._query(Mark.QUERY, at, after)


_MARKED: Final[Mapping[Mark, Callable[[_Cutter, Mark, int, int], None]]] = {
    Mark.STOP: _Cutter._stop,
    Mark.COMMA: _Cutter._comma,
    Mark.COLON: _Cutter._colon,
    Mark.AND: _Cutter._and,
    Mark.OR: _Cutter._or,
    Mark.SLASH: _Cutter._slash,
    Mark.WITH: _Cutter._with,
    Mark.NOW: _Cutter._with,
    Mark.NO: _Cutter._no,
    Mark.DENIES: _Cutter._no,
    Mark.NEGATIVE: _Cutter._negative,
    Mark.RULED_OUT: _Cutter._ruled_out,
    Mark.UNLIKELY: _Cutter._unlikely,
    Mark.HISTORY: _Cutter._past,
    Mark.PAST_LIST: _Cutter._past,
    Mark.FAMILY: _Cutter._past,
    Mark.FAMILY_BEFORE: _Cutter._family_before,
    Mark.RELATIVE: _Cutter._relative,
    Mark.AFTER: _Cutter._past,
    Mark.OLD: _Cutter._past,
    Mark.RESOLVED: _Cutter._resolved,
    Mark.WEEKS_AGO: _Cutter._ago,
    Mark.YEARS_AGO: _Cutter._ago,
    Mark.QUERY: _Cutter._query,
    Mark.QUESTION: _Cutter._question,
}
