"""Recognising the exam ordered: from every known code, then from the text, by order of trust."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cds_service.facts.exams.said import NOTHING, SILENT, Said, coded_says, join
from cds_service.facts.exams.wording import speaks_of_earlier, text_says
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.vocabulary.check_digits import damaged_code
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.exams import Exam, name
from cds_service.vocabulary.readings import Evidence

MEMORY: Final = 4096
"""How many different orders are remembered before the memory starts afresh."""
LONGEST_NAME: Final = 120
_SOME_LIMB: Final = frozenset({"limb"})

_Codings = tuple[tuple[str | None, str | None, str | None], ...]


class Recognised(NamedTuple):
    """
    The exam a code or text names; ``exam`` is None when it could not be told.

    ``name`` is short and clinical, or the order's own words; ``why`` says how it was recognised, or why not;
    ``purpose`` is diagnostic, guidance, planning or surveillance.
    """

    exam: Exam | None
    name: str
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    purpose: str = "diagnostic"


class _Told(NamedTuple):
    """Everything an order says about its exam, as plain values that can be remembered."""

    codings: _Codings
    text: str | None
    details: tuple[tuple[_Codings, str | None], ...] = ()
    sites: tuple[tuple[_Codings, str | None], ...] = ()
    texts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def recognise(order: ServiceRequest, codes: ExamCodes) -> Recognised:
    """
    Recognise the exam of an order from its code, details, body sites and notes.

    Anything in doubt gives an exam of None: no code or words of imaging, no region, or sources that disagree.
    """
    if order.doNotPerform:
        return Recognised(None, _own_words(_concept(order.code)), why="the order says not to perform it")
    codings, text = _concept(order.code)
    told = _Told(
        codings,
        text,
        tuple(map(_concept, order.orderDetail or ())),
        tuple(map(_concept, order.bodySite or ())),
        (),
        tuple(note.text for note in order.note or () if note is not None and note.text),
    )
    found = _remembered(told, codes)
    if found.exam is None:
        return found
    source = f"ServiceRequest/{order.id}" if order.id else ""
    return found._replace(evidence=(Evidence(f"Order: {found.name}", source),))


def recognise_concept(
    concept: CodeableConcept | None,
    codes: ExamCodes,
    *,
    texts: Sequence[str] = (),
    sites: Sequence[CodeableConcept] = (),
) -> Recognised:
    """
    Recognise the exam a concept names; *texts* and *sites* are trusted less and fill what it leaves open.
    """
    codings, text = _concept(concept)
    told = _Told(codings, text, (), tuple(map(_concept, sites)), tuple(filter(None, texts)))
    return _remembered(told, codes)


def _concept(concept: CodeableConcept | None) -> tuple[_Codings, str | None]:
    if concept is None:
        return (), None
    codings = concept.coding
    if not codings:
        return (), concept.text
    return tuple((c.system, c.code, c.display) for c in codings if c is not None), concept.text


def _remembered(told: _Told, codes: ExamCodes) -> Recognised:
    memory: dict[_Told, Recognised] = codes.memory
    found = memory.get(told)
    if found is None:
        if len(memory) >= MEMORY:
            memory.clear()
        found = memory[told] = _recognised(told, codes)
    return found


def _recognised(told: _Told, codes: ExamCodes) -> Recognised:
    said, how = _all_says(told, codes)
    purpose = _purpose(said)
    own = _own_words((told.codings, told.text))
    trouble = said.trouble or said.doubt
    if not trouble and not any(told):
        trouble = "the order has neither a code nor words where FHIR R4 has them"
    if not trouble and not (said.modality and said.regions):
        trouble = f"no {'region' if said.modality else 'modality'} could be told {how}"
    if not trouble and said.regions == _SOME_LIMB and how.startswith("by its text"):
        trouble = "its text does not say which limb"
    if trouble:
        return Recognised(None, own, why=trouble, purpose=purpose)
    exam = said.exam()
    called = name(exam)
    return Recognised(exam, called, (Evidence(called),), f"recognised {how}", purpose)


def _all_says(told: _Told, codes: ExamCodes) -> tuple[Said, str]:
    """What the whole order says, and how that is known."""
    coded, unknown, how = _codings_say(told.codings, codes)
    said = _wording(coded, [told.text, *unknown], codes)
    for display in _known_displays(told.codings, unknown):
        said = _unless_contradicted(said, text_says(display, codes.words))
    for codings, text in told.details:
        said = _with_detail(said, codings, text, codes)
    for text in told.texts:
        said = _with_less_trusted(said, text_says(text, codes.words))
    for codings, text in told.sites:
        said = join(said, _site_says(codings, text, codes))
    for text in told.notes:
        said = _with_note(said, text, codes)
    return said, how


def _codings_say(codings: _Codings, codes: ExamCodes) -> tuple[Said, list[str], str]:
    """What the known codings say, the displays of the unknown ones, and where the answer comes from."""
    said, unknown, how = SILENT, [], ""
    damaged = ""
    for system, code, display in codings:
        coded = codes.get(system, code)
        if coded is not None:
            said = join(said, coded_says(coded))
            how = how or f"by code {code}"
            continue
        if display:
            unknown.append(display)
        if code and damaged_code(system, code):
            damaged = f" (code {code} fails its check digit)"
    return said, unknown, how or f"by its text{damaged}"


def _known_displays(codings: _Codings, unknown: list[str]) -> Iterable[str]:
    """Displays of known codes: they add nothing, but one that names another exam is a disagreement."""
    return (display for _, _, display in codings if display and display not in unknown)


def _wording(said: Said, texts: Iterable[str | None], codes: ExamCodes) -> Said:
    """The code's own words, and what stands beside a code we do not know."""
    complete = bool(said.modality and said.regions)
    for text in dict.fromkeys(filter(None, texts)):
        spoken = text_says(text, codes.words)
        if not (complete and spoken.doubt):
            said = join(said, spoken)
    return said


def _unless_contradicted(said: Said, spoken: Said) -> Said:
    joined = join(said, spoken._replace(trouble="", doubt=""))
    return joined if joined.trouble else said


def _with_detail(said: Said, codings: _Codings, text: str | None, codes: ExamCodes) -> Said:
    coded, unknown, _ = _codings_say(codings, codes)
    said = join(said, coded)
    for words in dict.fromkeys(filter(None, [text, *unknown])):
        said = _with_less_trusted(said, text_says(words, codes.words))
    return said


def _with_less_trusted(said: Said, spoken: Said) -> Said:
    """A text beside the code: what cannot be read in it is left aside, a disagreement is not."""
    return said if spoken.trouble or spoken.doubt else join(said, spoken)


def _with_note(said: Said, text: str, codes: ExamCodes) -> Said:
    """A note may speak of anything: it tells the region only with the modality, and never contradicts."""
    if speaks_of_earlier(text, codes.words):
        return said
    spoken = text_says(text, codes.words, alone=False)
    if not spoken.modality:
        spoken = spoken._replace(regions=NOTHING, techniques=NOTHING)
    if spoken.purpose == "guidance":
        spoken = spoken._replace(purpose="", techniques=spoken.techniques - {"guidance"})
    joined = _with_less_trusted(said, spoken)
    return joined if said.trouble or not joined.trouble else said


def _site_says(codings: _Codings, text: str | None, codes: ExamCodes) -> Said:
    """Only regions are read from a body site."""
    said, unknown, _ = _codings_say(codings, codes)
    for words in filter(None, [text, *unknown]) if not said.regions else ():
        spoken = text_says(words, codes.words)
        if spoken.regions and not spoken.trouble:
            return Said(regions=spoken.regions)
    return Said(regions=said.regions) if said.regions else SILENT


def _purpose(said: Said) -> str:
    for purpose in ("planning", "guidance"):
        if purpose in said.techniques:
            return purpose
    return said.purpose or "diagnostic"


def _own_words(concept: tuple[_Codings, str | None]) -> str:
    """The order's own text, or a display, or a code, on one line."""
    codings, text = concept
    for words in (text, *(c[2] for c in codings), *(c[1] for c in codings)):
        plain = " ".join((words or "").split())
        if plain:
            return plain if len(plain) <= LONGEST_NAME else plain[: LONGEST_NAME - 1] + "…"
    return ""
