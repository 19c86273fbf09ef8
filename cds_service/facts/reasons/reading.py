"""What a text says about why an exam is ordered: reasons stated, past ones, and what was not understood."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cds_service.facts.reasons.clauses import Part, parts_of
from cds_service.facts.reasons.grammar import SMALL_WORDS, Mark
from cds_service.vocabulary.phrases import Words, words_of
from cds_service.vocabulary.reason_codes import Reason, ReasonCodes, Says, Unsure

_KEPT: Final = 2048
_LONGEST_KEPT: Final = 500
_SHORT: Final = 60
_STATING: Final = frozenset((Says.REASON, Says.ALONE))
_NOT_TODAY: Final = frozenset((Mark.FAMILY, Mark.HISTORY, Mark.PAST_LIST, Mark.OLD, Mark.RESOLVED))
_ELSEWHERE: Final = frozenset((Mark.FAMILY, Mark.RESOLVED))
_HURTING: Final = frozenset((Says.FINDING, Says.ACCIDENT))


class Said(NamedTuple):
    """
    What one text says.

    ``named`` and ``alone`` map a reason to the clause that states it; those of ``alone`` are reasons only when
    nothing else is named. ``asked`` is the part of ``unread`` that the text asks for, as in "r/o" and "?".
    ``accident`` is the clause that tells of one, with or without saying what is hurt; ``pregnancy`` the clause that
    leaves a pregnancy possible. ``signs`` maps a finding to the clause that speaks of it, ``exams`` a modality to the
    word that names an exam.
    """

    named: Mapping[str, str] = {}
    alone: Mapping[str, str] = {}
    histories: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    accident: str = ""
    pregnancy: str = ""
    signs: Mapping[str, str] = {}
    exams: Mapping[str, str] = {}


def read(text: str, codes: ReasonCodes) -> Said:
    """Read one text; the answers for short texts are kept with the codes."""
    said: Said | None = codes.memory.get(text)
    if said is None:
        words = words_of(text, codes.wording.same_word, _spelt(codes))
        _write_out(words.words, codes.wording.unsure)
        said = _Reader(words, codes).read()
        keep(codes, text, said, size=len(text))
    return said


def _write_out(words: list[str], unsure: Mapping[str, Unsure]) -> None:
    """Put the word an abbreviation usually stands for in its place, unless the text is about something else."""
    for at, word in enumerate(words):
        short_for = unsure.get(word)
        if short_for is not None and short_for.reads and short_for.unless.isdisjoint(words):
            words[at] = short_for.reads


def _spelt(codes: ReasonCodes) -> Callable[[str], str]:
    """How a word must have been meant; the small words of the grammar are never misspelt ones."""
    right = codes.wording.spelling.right
    return lambda word: word if word in SMALL_WORDS else right(word)


def keep(codes: ReasonCodes, key: Hashable, read: Any, *, size: int) -> None:
    """Remember with the codes what was *read* of something of that *size*, if it is short."""
    if size <= _LONGEST_KEPT:
        if len(codes.memory) >= _KEPT:
            codes.memory.clear()
        codes.memory[key] = read


def short(text: str) -> str:
    """
    The beginning of *text*, on one line.

    >>> short("flank pain, " * 20)
    'flank pain, flank pain, flank pain, flank pain, flank pain,…'
    """
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else line[: _SHORT - 1].rstrip() + "…"


class _Reader:
    def __init__(self, words: Words, codes: ReasonCodes) -> None:
        self._words = words
        self._codes = codes
        self._reasons = codes.reasons
        self._parts = parts_of(words, codes.wording.phrases)
        self._all = self._telling_words()
        self._named: dict[str, str] = {}
        self._alone: dict[str, str] = {}
        self._histories: set[str] = set()
        self._unread: list[str] = []
        self._asked: list[str] = []

    def read(self) -> Said:
        for part in self._parts:
            if not part.negated:
                self._part(part)
        for part in self._parts:
            if not part.negated and part.past is not Mark.FAMILY:
                self._settle(part)
        accident = next((self._quote(part) for part in self._parts if _tells_of_accident(part)), "")
        if accident or any(_leaves_places_hurt(self._reasons[name]) for name in self._named):
            self._hurt()
        if not self._words.whole:
            self._unread.append("the rest of a long text")
        known = self._codes.wording.exams
        return Said(
            self._named,
            self._alone,
            frozenset(self._histories),
            tuple(self._unread),
            tuple(self._asked),
            accident,
            next((self._quote(part) for part in self._parts if _leaves_pregnancy_possible(part)), ""),
            self._signs(),
            {known[word]: word for word in self._words.words if word in known},
        )

    def _signs(self) -> dict[str, str]:
        """The findings spoken of: not those denied, settled or somebody else's, but past ones too."""
        return {
            meaning.name: self._quote(part)
            for part in self._parts
            if not part.negated and part.past not in _ELSEWHERE
            for meaning, _, _ in part.said
            if meaning.says is Says.FINDING and meaning.name
        }

    def _part(self, part: Part) -> None:
        stated = [self._reasons[meaning.name] for meaning, _, _ in part.said if meaning.says in _STATING]
        later = any(reason.follow_up for reason in stated)
        for meaning, _, _ in part.said:
            if meaning.says is Says.REASON:
                self._state(part, self._reasons[meaning.name], later)
            elif meaning.says is Says.ALONE and part.past is None and self._is_of(part, self._reasons[meaning.name]):
                self._alone.setdefault(meaning.name, self._quote(part))
            elif meaning.name in self._codes.signs and meaning.says is Says.FINDING and part.past is None:
                self._alone.setdefault(self._codes.signs[meaning.name], self._quote(part))
        if part.past is None and self._leaves_open(part):
            self._leave(part, self._quote(part))
        elif part.past is Mark.FAMILY and part.unclear and part.full:
            self._unread.append(self._quote(part))

    def _leaves_open(self, part: Part) -> bool:
        """Whether the clause may hold a reason that was not understood."""
        says = {meaning.says for meaning, _, _ in part.said}
        if Says.ELSEWHERE in says:
            return True
        if Says.REASON in says or any(
            meaning.says is Says.ALONE and self._is_of(part, self._reasons[meaning.name]) for meaning, _, _ in part.said
        ):
            return False
        if Says.ALONE in says or (Says.PLACE in says and not says.isdisjoint(_HURTING)):
            return True
        return bool(part.unknown) and (part.query or Says.ACCIDENT not in says)

    def _is_of(self, part: Part, reason: Reason) -> bool:
        """Whether a word such as *fracture* means *reason*: no other place may hurt, nothing beside it be unknown."""
        if not reason.hurt:
            return True
        return not part.unknown and not any(
            meaning.says is Says.PLACE and meaning.name != reason.name
            for one in self._parts
            if one is part or (not one.negated and one.past is None)
            for meaning, _, _ in one.said
        )

    def _hurt(self) -> None:
        """Name the injuries of places that hurt, in a text that tells of an accident."""
        for part in self._parts:
            if part.negated or part.past in _NOT_TODAY or part.back is Mark.YEARS_AGO:
                continue
            says = {meaning.says for meaning, _, _ in part.said}
            places = {meaning.name for meaning, _, _ in part.said if meaning.says is Says.PLACE}
            if says.isdisjoint(_STATING) and not says.isdisjoint(_HURTING) and "" not in places:
                for name in places:
                    self._state(part, self._reasons[name], later=False)
                if places and (quote := self._quote(part)) in self._unread:
                    self._unread.remove(quote)

    def _leave(self, part: Part, what: str) -> None:
        self._unread.append(what)
        if part.query:
            self._asked.append(what)

    def _state(self, part: Part, reason: Reason, later: bool) -> None:
        """State *reason* as the clause has it: of today, of the past, or unclear which."""
        if part.past not in (None, Mark.AFTER) or (part.past is Mark.AFTER and not reason.event):
            self._past(part, reason)
            return
        name = reason.name
        if reason.event and (later or part.back is Mark.WEEKS_AGO):
            name = reason.later_contact or name
        elif reason.event and part.back is Mark.YEARS_AGO:
            name = reason.late_effect or name
        self._named.setdefault(name, self._quote(part))
        if part.unclear:
            self._unread.append(self._quote(part))

    def _past(self, part: Part, reason: Reason) -> None:
        self._histories.add(reason.name)
        if part.past is Mark.FAMILY:
            if reason.in_family and not part.unclear:
                self._alone.setdefault(reason.in_family, self._quote(part))
            return
        if part.past is Mark.OLD and reason.late_effect:
            self._named.setdefault(reason.late_effect, self._quote(part))
        elif reason.past:
            self._named.setdefault(reason.past, self._quote(part))
        elif reason.event:
            self._unread.append(self._quote(part))

    def _settle(self, part: Part) -> None:
        """Decide the words of several meanings, now that everything else is known."""
        for meaning, first, after in part.said:
            if meaning.says is not Says.UNSURE:
                continue
            unsure = self._codes.wording.unsure[meaning.name]
            if unsure.capitals and not self._shouted(first):
                continue
            settled = list(self._settled(unsure, self._words.words[first:after]))
            if part.past is not None:
                if len(settled) == 1:
                    self._past(part, self._reasons[settled[0]])
            elif len(settled) == 1:
                self._named.setdefault(settled[0], self._quote(part))
            else:
                self._leave(part, f"{self._words.quote(first, after - 1)} can mean several things")

    def _settled(self, unsure: Unsure, own: list[str]) -> Iterator[str]:
        lineage = self._codes.lineage
        for name, settling in unsure.means.items():
            related = any(name in lineage[named] or named in lineage[name] for named in self._named)
            if related or not settling.isdisjoint(self._all.difference(own)):
                yield name

    def _telling_words(self) -> frozenset[str]:
        """The words that may settle others: not those of a relative, nor of reasons and accidents that are denied."""
        words = self._words.words
        silent: set[int] = set()
        for part in self._parts:
            if part.past is Mark.FAMILY:
                silent.update(range(part.first, part.last + 1))
            elif part.negated:
                for meaning, first, after in part.said:
                    if meaning.says is Says.ACCIDENT or meaning.says in _STATING:
                        silent.update(range(first, after))
        return frozenset(word for at, word in enumerate(words) if at not in silent) if silent else frozenset(words)

    def _shouted(self, at: int) -> bool:
        text = self._words.text
        return text[self._words.starts[at] : self._words.ends[at]].isupper() and not text.isupper()

    def _quote(self, part: Part) -> str:
        return short(self._words.quote(part.first, part.last))


def _leaves_places_hurt(reason: Reason) -> bool:
    """Whether more than what *reason* names may be hurt: what was swallowed hurts no limb."""
    return reason.event and (reason.hurt or not reason.regions)


def _tells_of_accident(part: Part) -> bool:
    if part.negated or part.past in (Mark.FAMILY, Mark.OLD):
        return False
    return any(meaning.says is Says.ACCIDENT for meaning, _, _ in part.said)


def _leaves_pregnancy_possible(part: Part) -> bool:
    if part.negated or part.past in _NOT_TODAY:
        return False
    return any(meaning.says is Says.PREGNANCY for meaning, _, _ in part.said)
