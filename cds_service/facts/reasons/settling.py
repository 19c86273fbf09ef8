"""Words of several meanings, settled by the words around them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final

from cds_service.facts.reasons.clauses import Part
from cds_service.facts.reasons.grammar import Mark
from cds_service.vocabulary.reason_codes import Reason, Says, Unsure

_DOCTOR: Final = "dr"


def write_out(words: list[str], unsure: Mapping[str, Unsure]) -> None:
    """
    Put the word an abbreviation usually stands for in its place, unless the text is about something else.

    The names of doctors are no words: Dr. Stone is no kidney stone.

    >>> words, known = ["ha", "today"], {"ha": Unsure({}, reads="headache", unless=frozenset(["hearing"]))}
    >>> write_out(words, known)
    >>> words
    ['headache', 'today']
    >>> words = ["per", "dr", ".", "stone"]
    >>> write_out(words, known)
    >>> words
    ['per', 'dr', 'dr', 'dr']
    """
    if _DOCTOR in words:
        _leave_out_doctors(words)
    for at, word in enumerate(words):
        short_for = unsure.get(word)
        if short_for is not None and short_for.reads and short_for.unless.isdisjoint(words):
            words[at] = short_for.reads


def _leave_out_doctors(words: list[str]) -> None:
    for at in [at for at, word in enumerate(words) if word == _DOCTOR]:
        name = at + 2 if words[at + 1 : at + 2] == ["."] else at + 1
        if name < len(words) and words[name].isalpha():
            words[at + 1 : name + 1] = [_DOCTOR] * (name - at)


def telling_words(parts: Iterable[Part], words: Sequence[str], reasons: Mapping[str, Reason]) -> frozenset[str]:
    """The words that may settle others: not those of a relative, nor of reasons and accidents that are denied."""
    silent: set[int] = set()
    for part in parts:
        if part.past is Mark.FAMILY:
            silent.update(range(part.first, part.last + 1))
        elif part.negated:
            for meaning, first, after in part.said:
                if meaning.says is Says.ACCIDENT or meaning.name in reasons:
                    silent.update(range(first, after))
    return frozenset(word for at, word in enumerate(words) if at not in silent) if silent else frozenset(words)


def settled_by(
    unsure: Unsure,
    words: frozenset[str],
    named: Iterable[str],
    lineage: Mapping[str, Container[str]],
    *,
    asked: bool,
) -> list[str]:
    """
    The meanings that *words*, or the reasons *named* anyway, point to; *asked* where the word is asked for.

    >>> empyema = Unsure({"effusion": frozenset(["lung"]), "meningitis": frozenset()}, against={"effusion": {"csf"}})
    >>> settled_by(empyema, frozenset(["lung"]), [], {}, asked=False)
    ['effusion']
    >>> settled_by(empyema, frozenset(["lung", "csf"]), [], {}, asked=False)
    []
    """
    found = []
    for name, settling in unsure.means.items():
        if not unsure.against.get(name, frozenset()).isdisjoint(words):
            continue
        related = any(name in lineage[one] or one in lineage[name] for one in named)
        wanted = settling | unsure.asked.get(name, frozenset()) if asked else settling
        if related or not wanted.isdisjoint(words):
            found.append(name)
    return found
