"""Why an order is placed: its coded reasons, its reason texts, the records it points to, then its notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cds_service.facts.reasons.pointed import Pointed, pointed
from cds_service.facts.reasons.reading import Said, keep, read, short
from cds_service.facts.reasons.withheld import IN_AN_EXTENSION, WITHHELD, elsewhere, withheld
from cds_service.fhir.records import Records
from cds_service.fhir.resources import CodeableConcept, Coding, Reference, ServiceRequest
from cds_service.vocabulary.readings import Evidence, Names
from cds_service.vocabulary.reason_codes import Coded, ReasonCodes, Says
from cds_service.vocabulary.regions import overlap

_MOST_UNREAD = 5


class Reasons(NamedTuple):
    """
    Why an order is placed.

    ``names`` holds each reason and what it implies, and is incomplete when something stated was not understood
    or nothing is stated. ``given`` says whether any reason is stated, ``evidence`` where each stands, ``unread``
    what was not understood, ``histories`` what is stated as past or as somebody else's only.
    """

    names: Names
    given: bool
    evidence: Mapping[str, Evidence]
    unread: tuple[str, ...] = ()
    histories: frozenset[str] = frozenset()


def recognise_reasons(order: ServiceRequest, records: Records, codes: ReasonCodes) -> Reasons:
    """
    The reasons of *order*. Notes state a reason when nothing else does; beside one they leave the list incomplete when
    they name another.

    An order can carry several reasons; all are kept. When in doubt the list is incomplete, and so never
    grounds for saying that a reason is absent.
    """
    source = f"ServiceRequest/{order.id}" if order.id else "ServiceRequest"
    where = Evidence("", source, order.authoredOn or "")
    if order.reasonCode and not order.reasonReference and not order.note:
        return _of_concepts(order.reasonCode, codes, where)
    gathering = _Gathering(codes)
    for concept in order.reasonCode or ():
        gathering.concept(concept, where)
    for reference in order.reasonReference or ():
        gathering.reference(reference, records, source)
    notes = [note.text for note in order.note or () if note is not None and note.text]
    tell = gathering.aside if gathering.given else gathering.note
    for text in notes:
        tell(text, where)
    if not gathering.given and elsewhere(order.extension):
        gathering.withhold(IN_AN_EXTENSION)
    return gathering.reasons()


def _of_concepts(concepts: Sequence[CodeableConcept | None], codes: ReasonCodes, where: Evidence) -> Reasons:
    """What concepts alone state, remembered by their words and codes; only *where* it stands is of this order."""
    key = tuple(_words(concept) for concept in concepts)
    known: Reasons | None = codes.memory.get(key)
    if known is None:
        gathering = _Gathering(codes)
        for concept in concepts:
            gathering.concept(concept, _NOWHERE)
        known = gathering.reasons()
        keep(codes, key, known, size=sum(len(word) for words in key for word in words))
    evidence = {name: Evidence(said.text, where.source, where.on) for name, said in known.evidence.items()}
    return known._replace(evidence=evidence)


_NOWHERE = Evidence("")


def _words(concept: CodeableConcept | None) -> tuple[str, ...]:
    """Everything of a concept that is read."""
    if concept is None:
        return ()
    words = [concept.text or ""]
    for one in concept.coding or ():
        if one is not None:
            words += (one.system or "", one.code or "", one.display or "")
    if withheld(concept):
        words.append(WITHHELD)
    return tuple(words)


class _Gathering:
    def __init__(self, codes: ReasonCodes) -> None:
        self._codes = codes
        self.given = False
        self._named: dict[str, Evidence] = {}
        self._alone: dict[str, Evidence] = {}
        self._histories: set[str] = set()
        self._unread: list[str] = []
        self._accident = ""
        self._more = self._open = False

    def concept(self, concept: CodeableConcept | None, where: Evidence) -> None:
        """Add what a coded or worded reason states; one that is withheld is a reason we cannot read."""
        if concept is not None and withheld(concept):
            self.withhold(WITHHELD)
        if concept is None or (not (codings := _codings(concept)) and not _text(concept)):
            return
        self.given = True
        if not self._concept(concept, where, past=False):
            said = [_text(concept), *(one.display for one in codings), *(f"code {one.code}" for one in codings)]
            self._unread.append(short(next(filter(None, said))))

    def reference(self, reference: Reference | None, records: Records, source: str) -> None:
        """Add what the record behind a reference states; one that cannot be found stays unread."""
        if reference is not None and withheld(reference):
            self.withhold(WITHHELD)
        if reference is None or not (reference.reference or reference.display or reference.identifier):
            return
        self.given = True
        found = pointed(reference, records, self._codes.negative_answers)
        if found is None:
            self._unread.append(short(reference.display or reference.reference or "a record that was not sent"))
            if reference.display:
                self._text(read(reference.display, self._codes), Evidence("", source))
        else:
            self._record(found)

    def withhold(self, why: str) -> None:
        """Add a reason that is there and cannot be read."""
        self.given = True
        self._unread.append(why)

    def note(self, text: str, where: Evidence) -> None:
        """Add what a note states; a note that names no reason is not about reasons."""
        said = read(text, self._codes)
        if said.named or said.alone:
            self.given = True
            self._text(said, where)
            self._unread.extend(said.unread)

    def aside(self, text: str, where: Evidence) -> None:
        """Add what a note names beside the reasons; of what is not one of them it is unclear whether it asks for it."""
        said = read(text, self._codes)
        stated = [*self._named, *self._alone]
        self._accident = self._accident or said.accident
        told = said.more and bool(said.named or said.alone or said.signs)
        self._more = self._more or told or not all(self._stated(name, stated) for name in said.alone)
        for name, clause in said.named.items():
            if not self._stated(name, stated):
                self._unread.append(clause)
            self._named.setdefault(name, where._replace(text=clause))

    def reasons(self) -> Reasons:
        named = self._all_named()
        lineage = self._codes.lineage
        evidence: dict[str, Evidence] = {}
        for name, where in named.items():
            evidence[name] = where
        for name, where in named.items():
            for broader in lineage[name]:
                evidence.setdefault(broader, where)
        if self._accident and not self._hurt(evidence):
            self._unread.append(f"{self._accident}: not what is hurt")
        unread = list(dict.fromkeys(self._unread))[:_MOST_UNREAD]
        if self.given and not named and not unread:
            unread = ["no reason of today was understood"]
        more = self._more or not self._alone.keys() <= evidence.keys()
        names = Names(frozenset(evidence), self.given and not unread, more, self._open and bool(unread))
        return Reasons(names, self.given, evidence, tuple(unread), frozenset(self._histories) - names.values)

    def _all_named(self) -> Mapping[str, Evidence]:
        """What is named, but not within another, and the weaker phrases that are no findings beside it."""
        reasons, lineage = self._codes.reasons, self._codes.lineage
        whole = {wide for name in self._named for wide in lineage[name]}
        named = {name: said for name, said in self._named.items() if whole.isdisjoint(reasons[name].within)}
        telling = {name for name in named if not reasons[name].follow_up}
        alone = {name: said for name, said in self._alone.items() if telling.issubset(reasons[name].beside)}
        return {**named, **alone}

    def _hurt(self, names: Iterable[str]) -> bool:
        """Whether a named reason is an injury, fresh or old."""
        return any(name in self._codes.injuries for name in names)

    def _record(self, found: Pointed) -> None:
        if found.concepts and not any(self._concept(one, found.where, past=found.past) for one in found.concepts):
            self._unread.append(short(_text(found.concepts[-1]) or found.where.source))

    def _concept(self, concept: CodeableConcept, where: Evidence, *, past: bool) -> bool:
        """Add what a concept states, by its codes, else by its words; whether it was understood."""
        codings, text = _codings(concept), _text(concept)
        known = [(one, coded) for one in codings if (coded := self._codes.coded(one.system, one.code))]
        for coding, coded in known:
            label = (coding.display or text or self._codes.reasons[(coded.names or coded.earlier)[0]].label).strip()
            self._coded(coded, where._replace(text=f"{short(label)} ({coding.code})"), past)
        if known:
            displays = {one.display.strip().casefold() for one in codings if one.display}
            if text and text.casefold() not in displays:
                self._beside(text, [name for _, coded in known for name in (*coded.names, *coded.earlier)], where)
            return True
        if passed := [says for one in codings if (says := self._codes.beside(one.system, one.code))]:
            self._passed(passed, codings, text, where)
            return True
        return self._worded([text, *(one.display or "" for one in codings)], where, past)

    def _passed(self, says: Sequence[Says], codings: Sequence[Coding], text: str, where: Evidence) -> None:
        """Add what codes tell that ask for no image, and what the text beside them states."""
        label = short(text or codings[0].display or codings[0].code or "")
        self._more = self._more or Says.FINDING in says
        if Says.ACCIDENT in says:
            self._accident = self._accident or label
        if text and text.casefold() not in {one.display.strip().casefold() for one in codings if one.display}:
            self._beside(text, [], where)

    def _coded(self, coded: Coded, where: Evidence, past: bool) -> None:
        for name in coded.earlier:
            self._histories.add(name)
            self._unread.append(f"{where.text}: not the first contact")
        for name in coded.names:
            if past:
                self._over(name, where)
            else:
                self._named.setdefault(name, where)

    def _over(self, name: str, where: Evidence) -> None:
        reason = self._codes.reasons[name]
        self._histories.add(name)
        if reason.past:
            self._named.setdefault(reason.past, where)

    def _beside(self, text: str, coded: list[str], where: Evidence) -> None:
        """
        Add what the text beside known codes states.

        It mostly repeats the code in other words, so only what it asks for can be missing. Codes and text
        about different things leave the reason unclear.
        """
        said = read(text, self._codes)
        lineage = self._codes.lineage
        for name in [name for name in coded if not said.denied.isdisjoint(lineage[name])]:
            self._named.pop(name, None)
            self._unread.append(f"{short(text)}: denies what its code says")
        self._text(said, where)
        self._unread.extend(said.asked)
        if said.named and not any(self._related(name, other) for name in said.named for other in coded):
            self._unread.append(f"{short(text)}: not what its code says")

    def _stated(self, name: str, stated: Iterable[str]) -> bool:
        """Whether a reason is one of those stated, or a kind of one or the other way round."""
        return any(self._kin(name, other) for other in stated)

    def _kin(self, one: str, other: str) -> bool:
        lineage = self._codes.lineage
        return one in lineage[other] or other in lineage[one]

    def _related(self, one: str, other: str) -> bool:
        reasons = self._codes.reasons
        if self._kin(one, other):
            return True
        regions = reasons[one].regions, reasons[other].regions
        return not all(regions) or overlap(*regions)

    def _worded(self, texts: Iterable[str], where: Evidence, past: bool) -> bool:
        """Add what the first text states that names a reason or tells of findings beside one; whether there is one."""
        for text in dict.fromkeys(filter(None, texts)):
            said = read(text, self._codes)
            if said.named or said.alone or said.histories or said.beside:
                self._text(said, where, past)
                self._unread.extend(said.unread)
                return True
        return False

    def _text(self, said: Said, where: Evidence, past: bool = False) -> None:
        self._histories.update(said.histories)
        self._accident = self._accident or said.accident
        self._more = self._more or said.more
        self._open = self._open or said.open
        for found, kept in ((said.named, self._named), (said.alone, self._alone)):
            for name, clause in found.items():
                stated = where._replace(text=clause)
                if past:
                    self._over(name, stated)
                else:
                    kept.setdefault(name, stated)


def _codings(concept: CodeableConcept) -> list[Coding]:
    return [one for one in concept.coding or () if one is not None and (one.code or one.display)]


def _text(concept: CodeableConcept) -> str:
    return (concept.text or "").strip()
