"""
What to write into an order for an exam: the codes of ``rules/codes/orders.yaml``, overlaid by the site's own.

Rules offer exams by phrase; a client needs a code it can place. LOINC ships with the rules. A hospital adds the codes
of its own catalogue, and those of Epic's preference lists, in the same form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cds_service import yaml_source
from cds_service.errors import ContentError, PhraseError, Problem
from cds_service.vocabulary import exams
from cds_service.vocabulary.check_digits import damaged_code
from cds_service.vocabulary.exam_codes import Coded, ExamCodes
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.regions import DIVISIONS, covers, overlap
from cds_service.yaml_source import Block, Text, line_of

PICK_LISTS: Final = "urn:com.epic.cdshooks.action.code.system."
"""Start of the systems whose codes name an item of an Epic preference list or order set."""

_ENTRY: Final = frozenset({"system", "code", "display", "say"})
_FILE: Final = frozenset({"system", "source", "reviewed", "orders"})


class OrderCode(NamedTuple):
    """
    How an exam is written into an order.

    ``concept`` is a FHIR CodeableConcept as plain JSON, not to be changed; ``coded`` is False when it has words only.
    ``picked`` is the concept with the site's preference-list codes alone, or None when it has none.
    """

    concept: dict[str, Any]
    coded: bool = False
    picked: dict[str, Any] | None = None


class Entry(NamedTuple):
    """One line of an order code file, and where it stands."""

    exam: Exam
    say: str
    coding: dict[str, str] | None
    file: str
    line: int


class OrderCodes:
    """Codes to order and names to say, by exam. An exam nobody listed gets its plain name."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Of two *entries* for one exam the later comes first, and its ``say`` counts where it has one."""
        self._coded = [entry for entry in entries if entry.coding]
        say: dict[Exam, str] = {}
        codings: dict[Exam, tuple[dict[str, str], ...]] = {}
        for entry in entries:
            say[entry.exam] = entry.say or say.get(entry.exam, "")
            codings[entry.exam] = ((entry.coding,) if entry.coding else ()) + codings.get(entry.exam, ())
        self._say = {exam: said or exams.name(exam) for exam, said in say.items()}
        self._codes = {exam: _order_code(self._say[exam], coded) for exam, coded in codings.items()}

    def __getitem__(self, exam: Exam) -> OrderCode:
        """The code to order for *exam*; words alone when none is listed."""
        return self._codes.get(exam) or _order_code(self.say(exam), ())

    def __len__(self) -> int:
        return len(self._codes)

    def __iter__(self) -> Iterator[Exam]:
        return iter(self._codes)

    def say(self, exam: Exam) -> str:
        """The exam as a card names it inside a sentence."""
        return self._say.get(exam) or exams.name(exam)

    def contradicted(self, known: ExamCodes) -> Iterator[Problem]:
        """
        Codes that *known* lists or another line give to another exam: one click would order what the card does not say.

        A neighbouring part is allowed, as code systems have no code for every exam. Another modality or contrast,
        another place, or a division of the body more is not.
        """
        lines: dict[tuple[str, str], Exam] = {}
        for entry in self._coded:
            coding = entry.coding or {}
            place = coding["system"], coding["code"]
            for coded in (known.get(*place), Coded(lines.setdefault(place, entry.exam))):
                if coded is not None and not _fits(entry.exam, coded):
                    said = exams.name(coded.exam) if coded.imaging else "no exam"
                    trouble = f"the code {coding['code']} orders {said}, not {exams.name(entry.exam)}"
                    yield Problem(entry.file, entry.line, trouble, "copy the code again from its source")
                    break


def _fits(exam: Exam, coded: Coded) -> bool:
    """Whether a code may stand in an order for *exam*; what the code leaves open fits."""
    modality, regions, contrast = coded.exam.modality, coded.exam.regions, coded.exam.contrast
    more = [one for one in DIVISIONS if not coded.any_of and covers(regions, [one]) and not covers(exam.regions, [one])]
    wider = any(not any(covers([one], [region]) for region in exam.regions) for one in more)
    return (
        coded.imaging
        and not wider
        and (not modality or modality == exam.modality)
        and (contrast is None or exam.contrast is None or contrast == exam.contrast)
        and (not regions or overlap(regions, exam.regions))
    )


def load(files: Mapping[str, bytes], site: Mapping[str, bytes] | None = None) -> OrderCodes:
    """
    Read order code files: *files* as shipped, *site* laid over them.

    A site's code comes before the shipped one, its ``say`` replaces it. Raises ContentError with every problem found.

    >>> codes = load({"a.yaml": b"system: http://loinc.org\\norders: {US head: {code: 24731-2, display: US Head}}"})
    >>> codes[exams.exam("US head")].concept["coding"]
    [{'system': 'http://loinc.org', 'code': '24731-2', 'display': 'US Head'}]
    >>> codes[exams.exam("US neck")].coded
    False
    """
    problems: list[Problem] = []
    found = [entry for group in (files, site or {}) for entry in _entries(group, problems)]
    if problems:
        raise ContentError(sorted(problems))
    return OrderCodes(found)


def _order_code(say: str, codings: tuple[dict[str, str], ...]) -> OrderCode:
    text = say[:1].upper() + say[1:]
    picks = [coding for coding in codings if coding["system"].startswith(PICK_LISTS)]
    usual = [coding for coding in codings if coding not in picks]
    concept: dict[str, Any] = {"text": text}
    if usual:
        concept["coding"] = usual
    return OrderCode(concept, bool(usual), {"text": text, "coding": picks} if picks else None)


def _entries(files: Mapping[str, bytes], problems: list[Problem]) -> Iterator[Entry]:
    seen: dict[Exam, str] = {}
    for file, content in files.items():
        try:
            node = yaml_source.read(content, file=file)
        except ContentError as error:
            problems.extend(error.problems)
            continue
        orders = _member(node, "orders") if isinstance(node, Block) else None
        if not isinstance(orders, Block):
            problems.append(Problem(file, 1, "there is no block of orders", "write orders: and the exam phrases below"))
            continue
        problems.extend(_strangers(file, node, _FILE))
        for phrase, value in orders.items():
            entry = _entry(file, phrase, value, system=str(_member(node, "system") or ""), problems=problems)
            if entry is None:
                continue
            if entry.exam in seen:
                trouble = f"{phrase} names the same exam as {seen[entry.exam]}"
                problems.append(Problem(file, line_of(phrase), trouble, "keep one of them"))
            seen[entry.exam] = phrase
            yield entry


def _entry(file: str, phrase: str, value: Any, *, system: str, problems: list[Problem]) -> Entry | None:
    line = line_of(phrase)
    try:
        exam = exams.exam(phrase)
    except PhraseError as error:
        problems.append(Problem(file, line, str(error)))
        return None
    if not isinstance(value, Block):
        problems.append(Problem(file, line, f"{phrase} has no code and no words", "write {code: …, display: …}"))
        return None
    wrong = _strangers(file, value, _ENTRY)
    wrong += [Problem(file, line, f"{key} is not text") for key, text in value.items() if not isinstance(text, str)]
    coding = _coding(value, system)
    if ("code" in value or "display" in value) and coding is None:
        wrong.append(Problem(file, line, f"the code of {phrase} is not whole", "give system, code and display"))
    if coding is not None and damaged_code(coding["system"], coding["code"]):
        trouble = f"the code {coding['code']} of {phrase} fails its check digit"
        wrong.append(Problem(file, line, trouble, "copy the code again from its source"))
    problems.extend(wrong)
    return None if wrong else Entry(exam, str(_member(value, "say") or ""), coding, file, line)


def _coding(value: Block, system: str) -> dict[str, str] | None:
    coding = {key: str(_member(value, key) or "") for key in ("system", "code", "display")}
    coding["system"] = coding["system"] or system
    return coding if all(coding.values()) else None


def _member(block: Block, key: str) -> Any:
    return block.get(Text(key))


def _strangers(file: str, block: Block, known: frozenset[str]) -> list[Problem]:
    remedy = f"known: {', '.join(sorted(known))}"
    return [Problem(file, line_of(key), f"{key} is not known here", remedy) for key in block if key not in known]
