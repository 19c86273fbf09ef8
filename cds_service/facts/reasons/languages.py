"""A text in another language put into English, word by word, as the lists of reasons are."""

from __future__ import annotations

from collections.abc import Mapping

from cds_service.facts.reasons.grammar import SMALL_WORDS
from cds_service.vocabulary.phrases import Words, plain, words_of
from cds_service.vocabulary.reason_codes import Wording
from cds_service.vocabulary.reason_languages import Language, Sense, unelided


def in_english(text: str, wording: Wording) -> Words | None:
    """
    The words of *text* in English, each where it stands in the text; None when the text is English.

    It is read in the language that knows most of its words. Misspelt words stay as they are.
    """
    languages = wording.languages.of(text)
    if not languages:
        return None
    read = [_Reading(text, language, wording.same_word) for language in languages]
    return max(read, key=lambda one: one.understood).words


class _Reading:
    def __init__(self, text: str, language: Language, same_word: Mapping[str, str]) -> None:
        self._raw = words_of(unelided(plain(text)), language.forms)
        self.words = Words(plain(text), [], [], [], self._raw.whole)
        self.understood = 0
        self._noun = -1
        words = self._raw.words
        at = 0
        while at < len(words):
            found = language.means.longest(words, at)
            if found is None:
                self._put(Sense((same_word.get(words[at], words[at]),)), at, at + 1)
                at += 1
            else:
                self._put(found[0], at, found[1])
                self.understood += found[1] - at
                at = found[1]

    def _put(self, sense: Sense, at: int, after: int) -> None:
        """Add what words *at* to *after* mean: an adjective goes before the noun it follows."""
        words, starts, ends = self.words.words, self.words.starts, self.words.ends
        if not sense.words:
            return
        first, last = self._raw.starts[at], self._raw.ends[after - 1]
        if sense.follows and self._noun >= 0:
            place = self._noun
            first = starts[place]
            words[place:place] = sense.words
            starts[place:] = [first] * (len(words) - place)
            ends[place:] = [last] * (len(words) - place)
            return
        self._noun = len(words) if sense.words[0].isalpha() and sense.words[0] not in SMALL_WORDS else -1
        words.extend(sense.words)
        starts.extend([first] * len(sense.words))
        ends.extend([last] * len(sense.words))
