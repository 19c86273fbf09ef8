"""Every distinct earlier exam of one child."""

from __future__ import annotations

from datetime import datetime

from cds_service.facts.history.classify import Context, prior_of, request_of
from cds_service.facts.history.doubt import doubtful
from cds_service.facts.history.join import join
from cds_service.facts.history.keys import identify
from cds_service.facts.history.read import Accounts, Bounds
from cds_service.facts.history.recognition import Eyes
from cds_service.facts.history.record import PENDING
from cds_service.facts.history.requests import Ordered, unanswered
from cds_service.facts.history.results import NO_WORDS, ResultWords
from cds_service.fhir.dates import when
from cds_service.fhir.records import Records
from cds_service.fhir.resources import DiagnosticReport, ImagingStudy, Patient, Procedure
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.readings import Prior, Priors


def prior_exams(
    records: Records, patient: Patient | None, codes: ExamCodes, now: datetime, *, words: ResultWords = NO_WORDS
) -> Priors:
    """
    The distinct imaging exams that the record tells of, newest first, requested ones among them.

    Nothing after *now* or before birth is history. The answer is complete only when imaging studies, reports
    and procedures were all read whole: one missing source may hold the exam that the others lack.
    """
    bounds = Bounds(when(patient.birthDate) if patient is not None else None, now)
    found = Accounts(records, Eyes(codes), bounds)
    told = [record for record in found.told if bounds.hold(record.when)]
    asked = [record for record in found.asked if record.standing == PENDING or record.said or bounds.hold(record.when)]
    for record in (*told, *asked):
        identify(record)
    groups = join(told)
    context = Context(bounds, Ordered(asked), words, doubtful(groups))
    priors = [prior for group in groups if (prior := prior_of(group, context)) is not None]
    priors += [request_of(chain, bounds) for chain in unanswered(asked, groups)]
    priors.sort(key=_newest, reverse=True)
    return Priors(tuple(priors), _complete(records) and not found.unread, now)


def _complete(records: Records) -> bool:
    sections = (records.read(ImagingStudy), records.read(DiagnosticReport), records.read(Procedure))
    return all(section.complete and not section.unreadable for section in sections)


def _newest(prior: Prior) -> tuple[float, str, str]:
    told = prior.evidence[0]
    return prior.first.timestamp(), told.source, told.text
