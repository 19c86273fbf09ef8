"""
All facts of one order, each read when a rule first asks for it.

What belongs to the child (findings, history, patient, setting) is read once a call and shared by its orders;
what belongs to the order is its own. A definition computes a fact from others, and adds to one that can also
be read directly: what was read goes first.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Final, NamedTuple

from cds_service.facts.dose import NO_FIGURES, Dose, Usual, doses
from cds_service.facts.dose.facts import told
from cds_service.facts.exams import Recognised, recognise
from cds_service.facts.findings import Findings, read_findings
from cds_service.facts.history import (
    NO_WORDS,
    History,
    ResultWords,
    alike,
    is_own,
    pending,
    performed,
    prior_exams,
    requested,
)
from cds_service.facts.history.keys import target
from cds_service.facts.order import order_facts
from cds_service.facts.patient import age, sex, today
from cds_service.facts.reasons import NOTHING_BESIDE, Beside, all_beside, beside, recognise_reasons, with_pregnancy
from cds_service.facts.reasons import told as told_by
from cds_service.facts.setting import offered, setting_facts
from cds_service.fhir.prefetch import PARTLY_READABLE
from cds_service.fhir.records import Records
from cds_service.fhir.resources import (
    DiagnosticReport,
    Encounter,
    ImagingStudy,
    Observation,
    Patient,
    Procedure,
    Resource,
    ServiceRequest,
)
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.exams import Exam, exam
from cds_service.vocabulary.facts import DOSE_RECORDED, DOSE_USUAL, HISTORY_EXAMS, REGION_HISTORY
from cds_service.vocabulary.finding_codes import FindingCodes
from cds_service.vocabulary.readings import UNKNOWN, Facts, HistoryReading, Names, Prior, Priors, Reading
from cds_service.vocabulary.reason_codes import ReasonCodes

Definition = Callable[[Facts], Reading]
Gap = tuple[str, str]
"""A resource type that could not be read whole, and why."""

_HISTORY_SOURCES: Final[tuple[type[Resource], ...]] = (ImagingStudy, DiagnosticReport, Procedure)
_OF_FINDINGS: Final = frozenset({"sign", "safety", "score", "exam"})
_DOSES: Final = (DOSE_RECORDED, DOSE_USUAL)
_PREGNANCY: Final = "patient.pregnancy"
_EXAM_NAMED: Final = "order.exam_named"
_ABUSE: Final = "safety.suspected_physical_abuse"
_OPEN: Final = frozenset(("draft", "active", "on-hold"))
PENDING: Final = "history.pending_same_exam"
REQUESTED: Final = "history.requested"


class Site(NamedTuple):
    """What the site tells about itself: its time zone, and which exams it offers, by fact name."""

    time_zone: str = "UTC"
    offers: Mapping[str, bool] = {}


class Child:
    """One child's facts for one call, read when first asked for and shared by the call's orders."""

    def __init__(  # noqa: PLR0913 - one keyword for each thing facts are read with
        self,
        records: Records,
        *,
        exams: ExamCodes,
        reasons: ReasonCodes,
        findings: FindingCodes,
        definitions: Mapping[str, Definition] | None = None,
        results: ResultWords = NO_WORDS,
        figures: Usual = NO_FIGURES,
        site: Site | None = None,
        now: datetime | None = None,
        encounter_id: str | None = None,
        drafts: Callable[[], Iterable[ServiceRequest]] = tuple,
    ) -> None:
        self.records = records
        self.reasons = reasons
        self.finding_codes = findings
        self.definitions = definitions or {}
        self.site = site or Site()
        self.now = now or datetime.now(UTC)
        self._exams = exams
        self._results = results
        self._figures = figures
        self._encounter_id = encounter_id
        self._findings = read_findings(
            records, findings, now=self.now, encounter_id=encounter_id, telling=partial(told_by, codes=reasons)
        )
        self._priors: History | None = None
        self._nothing: HistoryReading | None = None
        self._history_gaps: list[Gap] | None = None
        self._patient: Patient | None = None
        self._setting: dict[str, Reading] | None = None
        self._gaps: dict[Gap, None] = {}
        self._unheard: Mapping[str, Reading] | None = None
        self._drafts = drafts
        self._aside: Beside | None = None
        self._recorded: frozenset[str] | None = None

    def about(
        self,
        order: ServiceRequest,
        recognised: Recognised,
        own: dict[str, Reading] | None = None,
        drafts: Sequence[Exam] = (),
    ) -> OrderFacts:
        """
        The facts of one of the call's orders; *own* are those the order itself tells, if they were read before.

        *drafts* are the exams of the call's other orders.
        """
        return OrderFacts(self, order, recognised, {} if own is None else own, drafts=drafts)

    @property
    def findings(self) -> Findings:
        """The clinical findings and safety facts."""
        return self._findings

    def recorded(self) -> frozenset[str]:
        """The findings of which anything is on record; more may be in what could not be read, which is noted."""
        if self._recorded is None:
            self.missed(self._findings.all_gaps())
            self._recorded = self._findings.recorded
        return self._recorded

    def unheard(self) -> Mapping[str, Reading]:
        """
        The findings nobody recorded in a record that was read whole: unknown, all at once.

        Nothing when part of it could not be read: then each fact asked for tells what it lacked.
        """
        if self._unheard is None:
            names = () if self._findings.all_gaps() else self._findings.unheard().difference(self.definitions)
            self._unheard = dict.fromkeys(names, UNKNOWN)
        return self._unheard

    @property
    def aside(self) -> Beside:
        """
        What holds for every order of the call, whichever of them says it: what the drafts say of the child's safety.

        Of the orders still open only a suspicion of abuse counts, and a skeletal survey is one.
        """
        if self._aside is None:
            drafts = list(self._drafts())
            opened = [one for one in self.records.read(ServiceRequest).items if one.status in _OPEN]
            said = all_beside(drafts, self.reasons, self.finding_codes) if len(drafts) > 1 else NOTHING_BESIDE
            signs = dict(said.signs)
            if _ABUSE not in signs and any(map(self._tells_of_abuse, (*drafts, *opened))):
                signs[_ABUSE] = "another order"
            self._aside = said._replace(signs=signs, facts=self.finding_codes.findings) if signs else NOTHING_BESIDE
        return self._aside

    def _tells_of_abuse(self, order: ServiceRequest) -> bool:
        exam = recognise(order, self._exams).exam
        if exam is not None and exam.modality == "XR" and "survey" in exam.techniques and "whole-body" in exam.regions:
            return True
        return _ABUSE in beside(order, self.reasons, self.finding_codes).signs

    @property
    def patient(self) -> Patient | None:
        """The child's Patient; None when there is none."""
        if self._patient is None:
            items = self.records.read(Patient).items
            self._patient = items[0] if items else None
        return self._patient

    @property
    def priors(self) -> History:
        """Every distinct earlier exam, pending ones among them."""
        if self._priors is None:
            self._priors = prior_exams(self.records, self.patient, self._exams, self.now, words=self._results)
        return self._priors

    @property
    def history_gaps(self) -> list[Gap]:
        """What of the imaging history could not be read."""
        if self._history_gaps is None:
            self._history_gaps = self.incomplete(_HISTORY_SOURCES)
            self._history_gaps += [(name, PARTLY_READABLE) for name in self.priors.unread]
        return self._history_gaps

    def doses(self, most: int | None = None) -> tuple[Dose, ...]:
        """The dose of each exam that was done, newest first, or of the first few: for people, never for a judgement."""
        priors = self.priors
        return doses(priors.accounts(), priors.birth, self._figures, most=most)

    def setting(self, name: str) -> Reading:
        """A fact of the visit."""
        if self._setting is None:
            self._setting = setting_facts(self.records, self._encounter_id, self.now)
        return self._setting.get(name, UNKNOWN)

    def nothing_earlier(self, none: Priors) -> HistoryReading:
        """That there is no such exam, certainly: the same for every kind of exam."""
        if self._nothing is None:
            self._nothing = HistoryReading(none)
        return self._nothing

    @property
    def history_read(self) -> bool:
        """Whether the imaging history was looked at."""
        return self._priors is not None

    def missed(self, gaps: Iterable[Gap]) -> None:
        """Note what a fact that was asked for could not be read from."""
        self._gaps.update(dict.fromkeys(gaps))

    def incomplete(self, kinds: Iterable[type[Resource]]) -> list[Gap]:
        """Those of the resource types that could not be read whole, and why."""
        sections = ((kind.__name__, self.records.read(kind)) for kind in kinds)
        return [
            (name, section.gap or "partly unreadable")
            for name, section in sections
            if not section.complete or section.unreadable
        ]

    def why_incomplete(self) -> tuple[Gap, ...]:
        """What facts asked for so far could not be read from: resource type and reason."""
        return tuple(sorted(self._gaps))


class OrderFacts(dict[str, Reading]):
    """
    Every fact of one order; unknown for a name that is none.

    A dictionary that fills itself: what nobody recorded is filled in at once, everything else when asked for.
    """

    def __init__(
        self,
        child: Child,
        order: ServiceRequest,
        recognised: Recognised,
        own: dict[str, Reading],
        *,
        drafts: Sequence[Exam] = (),
    ) -> None:
        super().__init__()
        self._drafts = drafts
        self._child = child
        self._order = order
        self._recognised = recognised
        self._own = own
        self._beside: Beside | None = None
        self._recorded: frozenset[str] | None = None
        self._defining: set[str] = set()
        self._circular = False
        self._filled = False

    def __missing__(self, name: str) -> Reading:
        """The fact's reading: as read, else as defined by others."""
        define = self._child.definitions.get(name)
        if define is None and not self._filled and name.partition(".")[0] in _OF_FINDINGS:
            self._fill()
            if name in self:
                return self[name]
        reading = self._direct(name)
        if define is None or not (reading.value is None or reading.value is False):
            self[name] = reading
            return reading
        return self._defined(name, reading, define)

    def _fill(self) -> None:
        """Everything nobody recorded is unknown; what was asked before stays."""
        self._filled = True
        asked = dict(self)
        self.update(self._child.unheard())
        self.pop(_PREGNANCY, None)
        for name in self._said().heard() | self._child.aside.heard():
            self.pop(name, None)
        self.update(asked)

    def _defined(self, name: str, direct: Reading, define: Definition) -> Reading:
        """A fact as others define it; one that leads back to itself gets what was read, and isn't kept."""
        if name in self._defining:
            self._circular = True
            return direct
        self._defining.add(name)
        try:
            reading = merged(direct, define(self))
        finally:
            self._defining.discard(name)
        if not self._defining:
            self._circular = False
        if not self._circular:
            self[name] = reading
        return reading

    @property
    def recorded(self) -> frozenset[str]:
        """The findings of which anything is on record, in the order's own words too."""
        if self._recorded is None:
            told = self.heard
            self._recorded = self._child.recorded() | told if told else self._child.recorded()
        return self._recorded

    @property
    def heard(self) -> frozenset[str]:
        """The findings the order's own words speak of."""
        said, aside = self._said(), self._child.aside.heard()
        heard = said.heard() | aside if aside else said.heard()
        return heard if said.pregnancy is None else heard | {_PREGNANCY}

    @property
    def unread(self) -> frozenset[str]:
        """The resource types findings stand in that could not be read whole."""
        return frozenset(name for name, _ in self._child.findings.all_gaps())

    @property
    def child(self) -> Child:
        """Whose order it is."""
        return self._child

    @property
    def own(self) -> Mapping[str, Reading]:
        """What the order itself tells, as far as it was asked."""
        return self._own

    @property
    def drafts(self) -> Sequence[Exam]:
        """What is ordered beside it."""
        return self._drafts

    @property
    def exam(self) -> Exam | None:
        """What is ordered."""
        return self._recognised.exam

    def direct(self, name: str) -> Reading:
        """The fact as it was read, whatever others make of it."""
        return self._direct(name)

    def known(self) -> tuple[str, ...]:
        """The names of the facts asked for so far that say anything."""
        return tuple(name for name, reading in self.items() if reading.value is not None or reading.suspected)

    def _direct(self, name: str) -> Reading:
        group = name.partition(".")[0]
        if group == "order":
            return self._of_order(name)
        if group == "history":
            return self._history(name)
        if name == "patient.age":
            days = today(self._child.now, [self._order.authoredOn], self._child.site.time_zone)
            return age(self._child.patient, days)
        if name == "patient.sex":
            return sex(self._child.patient)
        if name.endswith("_available"):
            return offered(self._child.site.offers, name)
        if name in ("setting.emergency", "setting.inpatient"):
            return self._setting(name)
        return self._finding(name)

    def _of_order(self, name: str) -> Reading:
        if name == _EXAM_NAMED:
            return self._exam_named()
        if not self._own:
            reasons = recognise_reasons(self._order, self._child.records, self._child.reasons)
            known = self._child.reasons.reasons
            regions = {one: known[one].regions for one in reasons.names.values if one in known}
            self._own.update(order_facts(self._order, self._recognised, reasons, reason_regions=regions))
        return self._own.get(name, UNKNOWN)

    def _setting(self, name: str) -> Reading:
        reading = self._child.setting(name)
        if reading.gap:
            self._child.missed(self._child.incomplete((Encounter,)))
        return reading

    def _finding(self, name: str) -> Reading:
        reading = self._child.findings[name]
        if reading.gap:
            self._child.missed(self._child.findings.gaps(name))
        said = self._said()
        if name == _PREGNANCY:
            return with_pregnancy(reading, said.pregnancy)
        return self._child.aside.over(name, said.over(name, reading))

    def _said(self) -> Beside:
        """What the order says besides its reasons."""
        if self._beside is None:
            self._beside = beside(self._order, self._child.reasons, self._child.finding_codes)
        return self._beside

    def _exam_named(self) -> Reading:
        """The modalities of other exams the order speaks of: its own is one only where it was done before."""
        exam, named, done = self._recognised.exam, self._said().exams, self._said().done
        others = {
            modality: said
            for modality, said in named.items()
            if exam is None or modality != exam.modality or modality in done
        }
        return Reading(Names(frozenset(others)), tuple(map(self._said().evidence, others.values())))

    def _history(self, name: str) -> Reading:
        priors = self._priors(name)
        if priors is None:
            return UNKNOWN
        if name in _DOSES:
            gaps = [*self._child.history_gaps, *self._child.incomplete((Observation,))]
            self._child.missed(gaps)
            return HistoryReading(told(name, self._child.doses(), priors, read=not gaps), gaps[0][0] if gaps else "")
        if name == REQUESTED:
            return HistoryReading(priors)
        waiting = name == PENDING
        gaps = self._child.incomplete((ServiceRequest,)) if waiting else self._child.history_gaps
        self._child.missed(gaps)
        if not gaps and type(priors) is Priors and not priors.items and priors.complete:
            return self._child.nothing_earlier(priors)
        return HistoryReading(priors, gaps[0][0] if gaps else "")

    def _priors(self, name: str) -> Priors | None:
        if name in _DOSES:
            return performed(self._child.priors)
        if name == REQUESTED:
            return requested(self._child.priors, self._drafts)
        whole = self._child.records.read(ServiceRequest).complete if name == PENDING else True
        return priors_named(name, self._child.priors, self._recognised.exam, whole=whole, own=self._own_requests)

    def is_own(self, prior: Prior) -> bool:
        """Whether *prior* is the request of this very order, or of one that it replaces or fulfils."""
        exam = self._recognised.exam
        return exam is not None and is_own(prior, exam, self._own_requests)

    @cached_property
    def _own_requests(self) -> frozenset[str]:
        """The requests that this order is itself, replaces or fulfils, as ``Type/id``: they are no duplicates of it."""
        order = self._order
        names = {f"ServiceRequest/{order.id}"} if order.id else set()
        for reference in (*(order.replaces or ()), *(order.basedOn or ())):
            if reference is not None and reference.reference:
                names.add(target(reference.reference))
        return frozenset(names)


def priors_named(
    name: str, every: Priors, ordered: Exam | None, *, whole: bool, own: Container[str] = ()
) -> Priors | None:
    """
    Those of *every* earlier exam that a fact is about.

    *whole* says whether all requests were read; *own* names those that are the order itself.
    """
    if name == "history.any":
        return performed(every)
    if name == "history.same_exam":
        return alike(every, ordered) if ordered is not None else None
    if name == PENDING:
        return pending(every, ordered, complete=whole, own=own) if ordered is not None else None
    if name in REGION_HISTORY:
        return alike(every, Exam(REGION_HISTORY[name], ordered.regions)) if ordered is not None else None
    kinds = HISTORY_EXAMS.get(name)
    return alike(every, *map(exam, kinds)) if kinds is not None else None


def merged(read: Reading, defined: Reading) -> Reading:
    """
    A reading that said nothing certain, or no, with what its definition says.

    A suspicion is not undone by a definition that says no. A recorded no that its parts contradict is none, and the
    finding suspected.
    """
    if read.value is False:
        contradicted = defined.value is True or defined.suspected
        return Reading(None, (*defined.evidence, *read.evidence), True) if contradicted else read
    if read.suspected and defined.value in (None, False):
        return read
    if defined.value is None and not defined.gap and read.gap:
        return Reading(None, defined.evidence, defined.suspected, read.gap)
    return defined


def gather(order: ServiceRequest, recognised: Recognised, child: Child) -> OrderFacts:
    """The facts of *order*, with what the call's other orders already read of the *child*."""
    return child.about(order, recognised)
