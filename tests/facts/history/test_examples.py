"""The worked examples: what a real bundle of resources must be read as."""

from __future__ import annotations

from datetime import UTC, datetime

from cds_service.facts.history import alike, pending
from cds_service.vocabulary.exams import exam

from .conftest import CT_HEAD, History, accession, dose, order, placer, procedure, ref, report, study, told, uid

HEAD_STUDY = {"description": "CT HEAD W/O CONTRAST"}


def test_a_one_head_ct_told_by_five_resources(history: History) -> None:
    priors = history(
        order("o1", CT_HEAD, "completed", identifier=[placer("P1")], authoredOn="2026-02-10T19:00:00-05:00"),
        procedure("x1", CT_HEAD, "2026-02-10", basedOn=[ref("ServiceRequest/o1")]),
        study(
            "s1",
            "2026-02-10T21:40:00-05:00",
            "CT",
            identifier=[uid("1.2.3"), accession("A1")],
            basedOn=[ref("ServiceRequest/o1")],
            **HEAD_STUDY,
        ),
        report("r1", CT_HEAD, "2026-02-11T08:00:00-05:00", identifier=[accession("A1")]),
        dose("d1", ("113813", 480), partOf=[{"identifier": uid("1.2.3")}], effectiveDateTime="2026-02-10"),
    )
    assert told(priors) == [("CT head without contrast", "2026-02-10", "certain")]
    prior = priors.items[0]
    assert prior.first == prior.last == datetime(2026, 2, 11, 2, 40, tzinfo=UTC)
    assert prior.images is True
    assert prior.kind == "diagnostic"
    assert prior.evidence[0].text == "CT head without contrast, 10 February 2026"
    assert prior.evidence[0].source == "ImagingStudy/s1"
    assert priors.complete


def test_b_outside_study_imported_and_read_again(history: History) -> None:
    priors = history(
        {
            "resourceType": "DocumentReference",
            "id": "doc",
            "status": "current",
            "type": {"text": "CT head report"},
            "description": "CT head report, St Elsewhere",
            "custodian": {"display": "St Elsewhere"},
            "context": {"period": {"start": "2026-03-03"}},
            "date": "2026-03-04T09:00:00Z",
        },
        study("s9", "2026-03-03", "CT", identifier=[uid("1.2.9"), accession("X9")], description="CT HEAD"),
        report("r9", {"text": "Outside CT second read"}, "2026-03-04", imagingStudy=[ref("ImagingStudy/s9")]),
    )
    assert told(priors) == [("CT head", "2026-03-03", "certain")]
    assert priors.items[0].place == "St Elsewhere"
    assert priors.items[0].evidence[0].text == "CT head, 3 March 2026 (outside: St Elsewhere)"


CSPINE = {"text": "CT cervical spine without contrast"}


def test_c_trauma_night_with_one_study_uid(history: History) -> None:
    priors = history(
        study("s1", "2026-03-01T20:10:00Z", "CT", identifier=[uid("1.2.3")]),
        report(
            "r7", CT_HEAD, "2026-03-01T20:10:00Z", identifier=[accession("A7")], imagingStudy=[ref("ImagingStudy/s1")]
        ),
        report(
            "r8", CSPINE, "2026-03-01T20:14:00Z", identifier=[accession("A8")], imagingStudy=[ref("ImagingStudy/s1")]
        ),
    )
    assert told(priors) == [("CT cervical-spine+head without contrast", "2026-03-01", "certain")]


def test_c_trauma_night_told_by_reports_that_only_name_the_study(history: History) -> None:
    head = report("r7", CT_HEAD, "2026-03-01T20:10:00Z", identifier=[accession("A7")])
    spine = report("r8", CSPINE, "2026-03-01T20:14:00Z", identifier=[accession("A8")])
    named = [{**one, "imagingStudy": [{"identifier": uid("1.2.3")}]} for one in (head, spine)]
    assert told(history(*named)) == [("CT cervical-spine+head without contrast", "2026-03-01", "certain")]
    by_address = {**spine, "imagingStudy": [ref("urn:oid:1.2.3")]}
    assert len(history(named[0], by_address).items) == 1
    assert len(history(named[0], {**by_address, "imagingStudy": [ref("urn:oid:1.2.9")]}).items) == 2


def test_c_two_reports_that_name_two_studies_are_two_exams(history: History) -> None:
    named = [
        report(f"r{at}", CT_HEAD, f"2026-03-01T20:{at}:00Z", imagingStudy=[{"identifier": uid(f"1.2.{at}")}])
        for at in (10, 40)
    ]
    assert len(history(*named).items) == 2
    both = {**named[0], "imagingStudy": [{"identifier": uid("1.2.10")}, {"identifier": uid("1.2.40")}]}
    assert len(history(both, named[1]).items) == 1, "a report of two studies parts nothing"


def test_c_trauma_night_with_two_study_uids_and_a_repeat(history: History) -> None:
    night = [
        study("s1", "2026-03-01T20:10:00Z", "CT", identifier=[uid("1.2.3"), accession("A7")], **HEAD_STUDY),
        study("s2", "2026-03-01T20:14:00Z", "CT", identifier=[uid("1.2.4"), accession("A8")], description="CT C-SPINE"),
    ]
    assert len(history(*night).items) == 2
    repeat = study("s3", "2026-03-02T02:30:00Z", "CT", identifier=[uid("1.2.5"), accession("A9")], **HEAD_STUDY)
    priors = history(*night, repeat)
    assert len(priors.items) == 3
    assert len(alike(priors, exam("CT head")).items) == 2


def test_c_a_repeat_is_told_apart_by_its_accession_number_alone(history: History) -> None:
    priors = history(
        report("r7", CT_HEAD, "2026-03-01T20:10:00Z", identifier=[accession("A7")]),
        report("r9", CT_HEAD, "2026-03-02T02:30:00Z", identifier=[accession("A9")]),
    )
    assert len(priors.items) == 2


def test_d_hybrid_exams_are_kept_apart_from_diagnostic_ct(history: History) -> None:
    hybrid = [
        study("s1", "2026-01-05T09:00:00Z", "PT", "CT", identifier=[uid("1.2.3")]),
        report("r1", {"text": "FDG PET/CT"}, "2026-01-05", imagingStudy=[ref("ImagingStudy/s1")]),
    ]
    priors = history(*hybrid)
    assert [prior.kind for prior in priors.items] == ["hybrid"]
    assert alike(priors, exam("CT chest")).items == ()
    chest = report("r2", {"text": "CT chest with contrast"}, "2026-01-05", identifier=[accession("B2")])
    priors = history(*hybrid, chest)
    assert sorted(prior.kind for prior in priors.items) == ["diagnostic", "hybrid"]
    assert len(alike(priors, exam("CT chest")).items) == 1


def test_e_a_year_is_as_wide_as_a_year(history: History) -> None:
    priors = history(report("r1", CT_HEAD, "2025"))
    prior = priors.items[0]
    assert prior.certain
    assert (prior.first.year, prior.first.month, prior.first.day) == (2025, 1, 1)
    assert (prior.last.year, prior.last.month, prior.last.day) == (2025, 12, 31)
    assert prior.evidence[0] == ("CT head without contrast, 2025", "DiagnosticReport/r1", "")


def test_f_what_was_not_done_is_nothing(history: History) -> None:
    priors = history(
        procedure("x1", CT_HEAD, "2026-03-01", status="not-done"),
        study("s1", "2026-03-01", "CT", status="cancelled", **HEAD_STUDY),
        order("o1", CT_HEAD, "revoked", authoredOn="2026-03-01"),
    )
    assert priors.items == ()
    assert priors.complete


def test_g_an_open_order_is_pending_and_a_draft_is_nothing(history: History) -> None:
    abdomen = {"text": "CT abdomen with contrast"}
    priors = history(
        order("o1", abdomen, "active", authoredOn="2026-03-09T10:00:00Z"),
        order("o2", abdomen, "draft", authoredOn="2026-03-10T11:59:00Z"),
    )
    assert told(priors) == [("CT abdomen with contrast", "2026-03-09", "pending")]
    assert priors.items[0].evidence[0].text == "CT abdomen with contrast, requested 9 March 2026"
    assert alike(priors, exam("CT abdomen")).items == ()
    waiting = pending(priors, exam("CT abdomen"), complete=True)
    assert [prior.evidence[0].source for prior in waiting.items] == ["ServiceRequest/o1"]
    assert waiting.complete
    assert [prior.certain for prior in waiting.items] == [True]
    assert [prior.certain for prior in pending(priors, exam("CT abdomen")).items] == [False], "it may be answered"
    assert pending(priors, exam("CT abdomen"), complete=True, own={"ServiceRequest/o1"}).items == ()


def test_h_a_dose_summary_alone_shows_a_ct_of_unknown_region(history: History) -> None:
    priors = history(
        dose("d1", ("113813", 350), ("113903", 1000), ("130745", 200), effectiveDateTime="2026-03-01T10:00:00Z")
    )
    assert told(priors) == [("CT", "2026-03-01", "certain")]
    assert not alike(priors, exam("CT head")).complete
    assert alike(priors, exam("US abdomen")).complete
