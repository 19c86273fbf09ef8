"""
What a report concludes, as one word: positive, negative or nondiagnostic; empty when not plain.

The words and codes are content (``rules/codes/results.yaml``). A phrase counts only where nothing before it
in its sentence denies it, and a report that says two of the three says nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cds_service.errors import ContentError, Problem
from cds_service.fhir.resources import CodeableConcept, DiagnosticReport
from cds_service.yaml_source import Block, line_of, read

RESULTS: Final = ("positive", "negative", "nondiagnostic")
_MEMBERS: Final = ("says", "whole", "codes")
_DENIALS: Final = frozenset({"no", "not", "without", "never", "isn't", "wasn't"})
_TELLING: Final = 4000
_BEFORE: Final = 3


class ResultWords(NamedTuple):
    """
    How results are worded.

    ``says``: phrases that tell wherever they stand, with their result, under a cue that all of them hold, so
    that few searches pass over most conclusions. ``whole``: statements that tell only when the conclusion says
    nothing else. ``codes``: (system, code) pairs. ``outside``: words for elsewhere.
    """

    says: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    whole: Mapping[str, str] = {}
    codes: Mapping[tuple[str, str], str] = {}
    outside: frozenset[str] = frozenset()


NO_WORDS: Final = ResultWords()


def load_results(source: str | bytes, *, file: str = "results.yaml") -> ResultWords:
    """
    Read the result words. Raises ContentError with every problem found.

    >>> load_results("nondiagnostic: {says: [equivocal]}").says
    (('equivocal', (('equivocal', 'nondiagnostic'),)),)
    """
    document = read(source, file=file)
    if not isinstance(document, Block):
        raise ContentError([Problem(file, 1, "this is not a list of result words", "start with a result")])
    problems: list[Problem] = []
    said: dict[str, dict[Any, str]] = {member: {} for member in _MEMBERS}
    outside: list[str] = []
    for result, block in document.items():
        if result == "outside":
            outside = _texts(block, result, problems, file)
        if result in ("source", "review", "outside"):
            continue
        if result not in RESULTS or not isinstance(block, Block):
            trouble = f"{result} is not a result with its words"
            problems.append(Problem(file, result.line, trouble, f"use {', '.join(RESULTS)}"))
            continue
        _take(result, block, said, problems, file)
    if problems:
        raise ContentError(problems)
    return ResultWords(_under_cues(said["says"]), said["whole"], said["codes"], frozenset(outside))


def _under_cues(phrases: Mapping[str, str]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The phrases by the fewest words that stand for all of them, found greedily."""
    left, cues = dict(sorted(phrases.items())), []
    while left:
        candidates = sorted({word for phrase in left for word in phrase.split()})
        cue = max(candidates, key=lambda word: sum(word in phrase for phrase in left))
        held = tuple((phrase, left[phrase]) for phrase in left if cue in phrase)
        cues.append((cue, held))
        left = {phrase: result for phrase, result in left.items() if cue not in phrase}
    return tuple(cues)


def _take(result: str, block: Block, said: dict[str, dict[Any, str]], problems: list[Problem], file: str) -> None:
    for member, given in block.items():
        if member not in _MEMBERS:
            problems.append(Problem(file, member.line, f"{member} is not known here", f"use {', '.join(_MEMBERS)}"))
            continue
        for text in _texts(given, member, problems, file):
            system, _, code = text.partition("|")
            if member == "codes" and not code:
                problems.append(Problem(file, line_of(text), f"{text!r} is no code", "write system|code"))
                continue
            key = (system, code) if member == "codes" else text.lower()
            if said[member].setdefault(key, result) != result:
                problems.append(Problem(file, line_of(text), f"{text!r} stands under two results", "keep one"))


def _texts(given: Any, member: str, problems: list[Problem], file: str) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(text, str) and text.strip() for text in given):
        problems.append(Problem(file, line_of(given), f"{member} must be a list of words", "write [one, two]"))
        return []
    return given


def result_of(report: DiagnosticReport, words: ResultWords) -> str:
    """The result that *report* plainly states, or an empty word."""
    coded = _coded(report.conclusionCode, words) if report.conclusionCode else set()
    told = _told(report.conclusion, words) if report.conclusion else set()
    results = coded | told
    return results.pop() if len(results) == 1 else ""


def _coded(concepts: list[CodeableConcept], words: ResultWords) -> set[str]:
    codes = words.codes
    found = {codes.get((coding.system or "", coding.code or ""), "") for c in concepts for coding in c.coding or ()}
    return found - {""}


def _told(conclusion: str, words: ResultWords) -> set[str]:
    text = conclusion[:_TELLING].lower()
    whole = words.whole.get(text.strip(" .!\n\r\t"))
    if whole is not None:
        return {whole}
    found = set()
    for cue, phrases in words.says:
        if cue in text:
            found |= {result for phrase, result in phrases if phrase in text and _asserted(phrase, text)}
    return found


def _asserted(phrase: str, text: str) -> bool:
    """
    Whether *phrase* stands somewhere in *text* as a word of its own and not denied.

    >>> _asserted("equivocal", "no equivocal findings."), _asserted("equivocal", "unequivocal appendicitis")
    (False, False)
    >>> _asserted("equivocal", "no fever. equivocal study.")
    True
    """
    place = text.find(phrase)
    while place >= 0:
        before, after = text[:place], text[place + len(phrase) : place + len(phrase) + 1]
        if not before[-1:].isalnum() and not after.isalnum():
            sentence = before.replace(";", ".").replace("\n", ".").replace(":", ".").rpartition(".")[2]
            if not _DENIALS & set(sentence.replace(",", " ").split()[-_BEFORE:]):
                return True
        place = text.find(phrase, place + 1)
    return False
