"""What a text says about why an exam is ordered: reasons stated, past ones, and what was not understood."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

from cds_service.facts.reasons.clauses import Part, parts_of
from cds_service.facts.reasons.exams_told import done_exams
from cds_service.facts.reasons.grammar import SMALL_WORDS, Mark
from cds_service.facts.reasons.injuries import counts, hurt_places, leaves_places_hurt, tells_of_accident
from cds_service.facts.reasons.languages import in_english
from cds_service.facts.reasons.measured import tell_sizes, tell_temperatures
from cds_service.facts.reasons.settling import settled_by, telling_words, write_out
from cds_service.facts.reasons.told_beside import tells_more
from cds_service.vocabulary.phrases import Words, words_of
from cds_service.vocabulary.reason_codes import Meaning, Reason, ReasonCodes, Says

_KEPT: Final = 2048
_LONGEST_KEPT: Final = 500
_SHORT: Final = 60
_STATING: Final = frozenset((Says.REASON, Says.ALONE))
_NOT_TODAY: Final = frozenset((Mark.FAMILY, Mark.HISTORY, Mark.PAST_LIST, Mark.OLD, Mark.RESOLVED))
_ELSEWHERE: Final = frozenset((Mark.FAMILY, Mark.RESOLVED))
_HURTING: Final = frozenset((Says.FINDING, Says.ACCIDENT))
_MECHANISM: Final = "sign.severe_mechanism"
_HIDING: Final = frozenset((Says.FINDING, Says.FILLER))


class Said(NamedTuple):
    """
    What one text says.

    ``named`` and ``alone`` map a reason to the clause that states it; those of ``alone`` are reasons only when
    nothing else is named. ``asked`` is the part of ``unread`` that the text asks for, as in "r/o" and "?".
    ``accident`` is the clause that tells of one, with or without saying what is hurt; ``pregnancy`` the clause that
    leaves a pregnancy possible. ``signs`` maps a finding to the clause that speaks of it, ``exams`` a modality to the
    word that names an exam. ``more`` says that it tells of something no name says: a finding that may worry, or
    words that were not understood beside a reason that was. ``open`` says that a question was not understood: one
    asked as such, a word of several meanings, or a reason of no list. ``done`` are those of ``exams`` that were done
    by what the text says; ``denied`` holds the reasons it denies and states nowhere. ``beside`` says that the text is
    understood and tells of findings or an accident, but of no reason.
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
    more: bool = False
    open: bool = False
    done: Mapping[str, str] = {}
    denied: frozenset[str] = frozenset()
    beside: bool = False


def read(text: str, codes: ReasonCodes) -> Said:
    """Read one text; the answers for short texts are kept with the codes."""
    said: Said | None = codes.memory.get(text)
    if said is None:
        translated = in_english(text, codes.wording)
        words = translated or words_of(text, codes.wording.same_word, _spelt(codes))
        tell_temperatures(words.words)
        tell_sizes(words.words)
        write_out(words.words, codes.wording.unsure)
        said = _Reader(words, codes, foreign=translated is not None or _holds_accents(text)).read()
        keep(codes, text, said, size=len(text))
    return said


def told(text: str, codes: ReasonCodes) -> Mapping[str, str]:
    """The findings that the name of a problem or an operation speaks of, each with the clause that does."""
    key = ("told", text)
    said: Mapping[str, str] | None = codes.memory.get(key)
    if said is None:
        wording = codes.wording
        begins = text[:_LONGEST_KEPT]
        words = (in_english(begins, wording) or words_of(begins, wording.same_word)).words
        said = {} if wording.telling.isdisjoint(words) else read(begins, codes).signs
        keep(codes, key, said, size=len(text))
    return said


def _holds_accents(text: str) -> bool:
    """
    Whether *text* holds a letter that English has none of, so that it may be in a language without a list.

    >>> _holds_accents("dolor en el riñón"), _holds_accents("fever 39 °C – r/o flu")
    (True, False)
    """
    return not text.isascii() and any(one.isalpha() and not one.isascii() for one in text)


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
    def __init__(self, words: Words, codes: ReasonCodes, *, foreign: bool) -> None:
        self._words = words
        self._foreign = foreign
        self._codes = codes
        self._reasons = codes.reasons
        self._parts = parts_of(words, codes.wording.phrases)
        self._named: dict[str, str] = {}
        self._alone: dict[str, str] = {}
        self._histories: set[str] = set()
        self._unread: list[str] = []
        self._asked: list[str] = []
        self._open = False

    def read(self) -> Said:
        for part in self._parts:
            if not part.negated:
                self._part(part)
            elif self._foreign and part.unknown:
                self._leave(part, self._quote(part))
        for part in self._parts:
            if not part.negated and part.past is not Mark.FAMILY:
                self._settle(part)
        accidents = [part for part in self._parts if tells_of_accident(part) or self._tells_of_force(part)]
        fresh = any(part.back is not Mark.YEARS_AGO for part in accidents)
        self._leave_unclear(accident=fresh)
        if fresh or any(leaves_places_hurt(self._reasons[name]) for name in self._named):
            self._hurt()
        self._leave_what_belongs_to_nothing()
        if not self._words.whole:
            self._unread.append("the rest of a long text")
        known = self._codes.wording.exams
        return Said(
            self._named,
            self._alone,
            frozenset(self._histories),
            tuple(self._unread),
            tuple(self._asked),
            self._quote(accidents[0]) if accidents else "",
            next((self._quote(part) for part in self._parts if _leaves_pregnancy_possible(part)), ""),
            self._signs(),
            {known[word]: word for word in self._words.words if word in known},
            tells_more(self._parts, self._words.words, self._codes.wording),
            self._open or bool(self._asked),
            {known[word]: word for word in done_exams(self._words.words, known)},
            self._denied(),
            self._tells_beside(),
        )

    def _tells_of_force(self, part: Part) -> bool:
        """Whether a clause tells of an accident by its mechanism alone, as *kicked by horse* does."""
        return not part.negated and part.past not in _ELSEWHERE and _MECHANISM in self._warnings(part)

    def _tells_beside(self) -> bool:
        if self._named or self._alone or self._histories or self._unread:
            return False
        return any(meaning.says in _HURTING for part in self._parts for meaning, _, _ in part.said)

    def _denied(self) -> frozenset[str]:
        """The reasons denied: not those stated as well, nor what one of them implies."""
        stated = {wide for name in (*self._named, *self._alone) for wide in self._codes.lineage[name]}
        denied = {
            meaning.name
            for part in self._parts
            if part.negated
            for meaning, _, _ in part.said
            if meaning.says in _STATING
        }
        return frozenset(denied - stated)

    def _signs(self) -> dict[str, str]:
        """The findings spoken of: not those denied, settled or somebody else's, but past ones too."""
        states = self._codes.wording.states
        signs = {
            fact: quote
            for said in (self._alone, self._named)
            for name, quote in said.items()
            for one in self._codes.lineage[name]
            for fact in states.get(one, ())
        }
        for part in self._parts:
            if not part.negated and part.past not in _ELSEWHERE:
                signs.update((fact, self._quote(part)) for fact in self._warnings(part))
        return signs

    def _warnings(self, part: Part) -> Iterator[str]:
        """The findings that words of the clause speak of, unless they are part of what says something else."""
        longest, words = self._codes.wording.warnings.longest, self._words.words
        hidden = [(first, after) for meaning, first, after in part.said if meaning.says in _HIDING]
        at = part.first
        while at <= part.last:
            found = longest(words, at)
            if found is None:
                at += 1
                continue
            facts, end = found
            if not any(first <= at and end <= after and end - at < after - first for first, after in hidden):
                yield from facts
            at = end

    def _part(self, part: Part) -> None:
        stated = [self._reasons[meaning.name] for meaning, _, _ in part.said if meaning.says in _STATING]
        later = any(reason.follow_up for reason in stated)
        for meaning, first, after in part.said:
            if meaning.says is Says.REASON:
                self._state(part, self._reasons[meaning.name], later)
            elif (
                meaning.says is Says.ALONE
                and part.past is None
                and counts(part, self._reasons[meaning.name], self._parts, self._words.words)
            ):
                reason = self._reasons[meaning.name]
                name = reason.treated if self._treated(part, reason, later) else reason.name
                self._alone.setdefault(name, self._quote(part))
            elif meaning.says is Says.FINDING and part.past is None:
                sign = self._codes.wording.signs.get(tuple(self._words.words[first:after]))
                if sign is not None:
                    self._alone.setdefault(sign, self._quote(part))
        if (part.past is None and self._leaves_open(part)) or (self._foreign and part.unknown):
            self._leave(part, self._quote(part))
            self._open = self._open or any(meaning.says is Says.ELSEWHERE for meaning, _, _ in part.said)
        elif part.past is Mark.FAMILY and part.unclear and part.full:
            self._unread.append(self._quote(part))

    def _leave_unclear(self, *, accident: bool) -> None:
        """Leave open what something else makes unclear, as a fever or an accident does pain in the flank."""
        stated = self._named | self._alone
        for name in stated:
            reason = self._reasons[name]
            if not reason.unclear_with:
                continue
            said = self._alone if reason.weak else self._named
            hurt = accident and reason.weak and not reason.event
            if name in said and (hurt or not stated.keys().isdisjoint(reason.unclear_with)):
                what = said.pop(name)
                if self._joined(reason):
                    self._named.setdefault(reason.joined, what)
                elif said is self._named or not self._named:
                    self._unread.append(what)

    def _joined(self, reason: Reason) -> bool:
        """Whether "with" joins *reason* to one that it is unclear with, and no word speaks against their being one."""
        unless = {word for name in self._codes.lineage[reason.name] for word in self._reasons[name].joined_unless}
        if not reason.joined or not unless.isdisjoint(self._words.words):
            return False
        told = [
            (part, {meaning.name for meaning, _, _ in part.said if meaning.says in _STATING and not part.negated})
            for part in self._parts
        ]
        return any(
            part.joined is Mark.WITH
            and part.past is before.past is None
            and any(
                reason.name in one and not other.isdisjoint(reason.unclear_with)
                for one, other in ((stated, earlier), (earlier, stated))
            )
            for (before, earlier), (part, stated) in pairwise(told)
        )

    def _leave_what_belongs_to_nothing(self) -> None:
        """Leave the findings of reasons that are not named, except in a clause that states a reason or an accident."""
        named = {name for one in (*self._named, *self._alone) for name in self._codes.lineage[one]}
        for part in self._parts:
            if part.negated or part.past is not None or self._states_a_reason(part):
                continue
            if not part.query and any(meaning.says is Says.ACCIDENT for meaning, _, _ in part.said):
                continue
            for meaning, first, after in part.said:
                if meaning.says is Says.BELONGING and named.isdisjoint(meaning.reasons):
                    self._leave(part, self._words.quote(first, after - 1))

    def _leaves_open(self, part: Part) -> bool:
        """Whether the clause may hold a reason that was not understood."""
        says = {meaning.says for meaning, _, _ in part.said}
        if Says.ELSEWHERE in says:
            return True
        if self._states_a_reason(part):
            return False
        if Says.ALONE in says or (Says.PLACE in says and not says.isdisjoint(_HURTING)):
            return True
        return bool(part.unknown) and (part.query or Says.ACCIDENT not in says)

    def _states_a_reason(self, part: Part) -> bool:
        return any(
            meaning.says is Says.REASON
            or (
                meaning.says is Says.ALONE and counts(part, self._reasons[meaning.name], self._parts, self._words.words)
            )
            for meaning, _, _ in part.said
        )

    def _hurt(self) -> None:
        """Name the injuries of places that hurt, unless something else is stated that they may be."""
        stated = self._named.keys() | self._alone.keys()
        for part in self._parts:
            places = [self._reasons[name] for name in sorted(hurt_places(part, self._words.words))]
            if any(not stated.isdisjoint(reason.unclear_with) for reason in places):
                continue
            for reason in places:
                self._state(part, reason, later=False)
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
        if self._treated(part, reason, later):
            name = reason.treated
        elif reason.event and (later or part.back is Mark.WEEKS_AGO):
            name = reason.later_contact or name
        elif reason.event and part.back is Mark.YEARS_AGO:
            name = reason.late_effect or name
        self._named.setdefault(name, self._quote(part))
        if part.unclear:
            self._unread.append(self._quote(part))

    def _treated(self, part: Part, reason: Reason, later: bool) -> bool:
        """Whether the text tells that this event was seen to before, or took place some time ago."""
        named = self._words.words[part.first : part.last + 1]
        later = later or (part.back is not None and not part.query)
        return any(
            word in named and ((later and reason.event) or not by.isdisjoint(self._words.words))
            for word, by in reason.treated_by.items()
        )

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
            settled = settled_by(
                unsure,
                telling_words(self._parts, self._words.words, self._reasons).difference(self._words.words[first:after]),
                self._named,
                self._codes.lineage,
                asked=part.query,
            )
            if not settled and unsure.by_itself and self._says_only(meaning):
                settled = [unsure.by_itself]
            if part.past is not None:
                if len(settled) == 1:
                    self._past(part, self._reasons[settled[0]])
            elif len(settled) == 1:
                self._named.setdefault(settled[0], self._quote(part))
            else:
                self._leave(part, f"{self._words.quote(first, after - 1)} can mean several things")
                self._open = True

    def _says_only(self, meaning: Meaning) -> bool:
        """Whether the text holds nothing but *meaning* and context."""
        said = {one for part in self._parts for one, _, _ in part.said if one.says is not Says.FILLER}
        return said == {meaning} and not any(part.unknown for part in self._parts)

    def _shouted(self, at: int) -> bool:
        text = self._words.text
        return text[self._words.starts[at] : self._words.ends[at]].isupper() and not text.isupper()

    def _quote(self, part: Part) -> str:
        return short(self._words.quote(part.first, part.last))


def _leaves_pregnancy_possible(part: Part) -> bool:
    if part.negated or part.past in _NOT_TODAY:
        return False
    return any(meaning.says is Says.PREGNANCY for meaning, _, _ in part.said)
