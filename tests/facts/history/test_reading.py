"""What counts, what never does, which date is taken, and what stays unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cds_service.facts.exams.recognise import MEMORY
from cds_service.facts.history import alike, pending, prior_exams
from cds_service.facts.history.recognition import Eyes
from cds_service.fhir.records import LazyRecords, Section, given
from cds_service.fhir.resources import CodeableConcept, DiagnosticReport, ImagingStudy, Procedure
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.readings import Priors

from .conftest import (
    CT_HEAD,
    NOW,
    History,
    accession,
    dose,
    loinc,
    order,
    procedure,
    ref,
    report,
    study,
    told,
    uid,
)

DAY = "2026-03-01"
HEAD = ("CT head without contrast", DAY)


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("final", "certain"),
        ("partial", "certain"),
        ("preliminary", "certain"),
        ("amended", "certain"),
        ("corrected", "certain"),
        ("appended", "certain"),
        ("unknown", "possible"),
        (None, "possible"),
        ("frobnicated", "possible"),
        ("registered", None),
        ("cancelled", None),
        ("entered-in-error", None),
    ],
)
def test_statuses_of_reports(history: History, status: str | None, standing: str | None) -> None:
    priors = history(report("r", CT_HEAD, DAY, status=status))
    assert told(priors) == ([(*HEAD, standing)] if standing else [])


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("completed", "certain"),
        ("in-progress", "possible"),
        ("stopped", "possible"),
        ("unknown", "possible"),
        (None, "possible"),
        ("preparation", None),
        ("not-done", None),
        ("on-hold", None),
        ("entered-in-error", None),
    ],
)
def test_statuses_of_procedures(history: History, status: str | None, standing: str | None) -> None:
    priors = history(procedure("x", CT_HEAD, DAY, status=status))
    assert told(priors) == ([(*HEAD, standing)] if standing else [])


@pytest.mark.parametrize(
    ("status", "more", "standing"),
    [
        ("available", {}, "certain"),
        ("available", {"numberOfSeries": 0}, "certain"),
        ("unknown", {}, "possible"),
        (None, {}, "possible"),
        ("registered", {}, None),
        ("registered", {"numberOfInstances": 3}, "possible"),
        ("cancelled", {}, None),
        ("entered-in-error", {}, None),
    ],
)
def test_statuses_of_studies(history: History, status: str | None, more: dict[str, Any], standing: str | None) -> None:
    priors = history(study("s", DAY, "CT", status=status, description="CT HEAD W/O CONTRAST", **more))
    assert told(priors) == ([(*HEAD, standing)] if standing else [])
    assert all(prior.images for prior in priors.items)


@pytest.mark.parametrize(
    ("status", "more", "standing"),
    [
        ("active", {}, "pending"),
        ("on-hold", {}, "pending"),
        ("completed", {}, "possible"),
        ("draft", {}, None),
        ("revoked", {}, None),
        ("unknown", {}, None),
        (None, {}, None),
        ("entered-in-error", {}, None),
        ("active", {"intent": "plan"}, None),
        ("active", {"intent": "proposal"}, None),
        ("active", {"doNotPerform": True}, None),
    ],
)
def test_statuses_of_orders(history: History, status: str | None, more: dict[str, Any], standing: str | None) -> None:
    placed = order("o", CT_HEAD, "active", authoredOn=DAY) | {"status": status} | more
    assert told(history(placed)) == ([(*HEAD, standing)] if standing else [])


@pytest.mark.parametrize(
    ("status", "count"), [("final", 1), ("corrected", 1), ("cancelled", 0), ("registered", 0), ("entered-in-error", 0)]
)
def test_statuses_of_dose_summaries(history: History, status: str, count: int) -> None:
    assert len(history(dose("d", ("113813", 5), status=status, effectiveDateTime=DAY)).items) == count


def test_a_dose_summary_that_does_not_tell_ct_is_no_exam_of_its_own(history: History) -> None:
    assert history(dose("d", ("113722", 5), effectiveDateTime=DAY)).items == ()


def test_a_document_that_was_superseded_is_nothing(history: History) -> None:
    document = {"resourceType": "DocumentReference", "id": "d", "type": {"text": "CT head report"}, "date": DAY}
    assert history(document | {"status": "superseded"}).items == ()
    assert len(history(document | {"status": "current"}).items) == 1


def test_a_filed_document_dates_the_exam_only_to_before_its_filing(history: History) -> None:
    document = {"resourceType": "DocumentReference", "id": "d", "type": {"text": "CT head report"}, "date": DAY}
    prior = history(document).items[0]
    assert prior.evidence[0].text == "CT head, filed 1 March 2026"
    assert prior.evidence[0].on == ""
    assert prior.first.year == 2017
    assert history(document, born=None).items[0].first.year == 1900


def test_a_document_named_by_its_description_alone_is_possible(history: History) -> None:
    document = {
        "resourceType": "DocumentReference",
        "id": "d",
        "type": loinc("18748-4"),
        "description": "CT head",
        "context": {"period": {"start": DAY}},
    }
    assert told(history(document)) == [("CT head", DAY, "possible")]


def test_documents_about_other_things_are_left_out(history: History) -> None:
    note = {"resourceType": "DocumentReference", "id": "d", "type": loinc("11506-3"), "description": "compare CT head"}
    untyped = {"resourceType": "DocumentReference", "id": "e", "description": "discharge letter"}
    assert history(note, untyped).items == ()


def test_a_document_of_some_study_is_an_exam_of_unknown_kind(history: History) -> None:
    priors = history({"resourceType": "DocumentReference", "id": "d", "type": loinc("18748-4"), "description": "scan"})
    assert priors.items[0].evidence[0].text == "imaging exam of unknown kind, date not known"
    assert not alike(priors, exam("US abdomen")).complete


@pytest.mark.parametrize(
    "category", ["LAB", "CH", "MB", "SP", "laboratory"], ids=["laboratory", "chemistry", "micro", "pathology", "word"]
)
def test_laboratory_reports_are_left_out_before_anything_else(history: History, category: str) -> None:
    assert history(report("r", CT_HEAD, DAY, category=[{"coding": [{"code": category}]}])).items == ()


def test_a_radiology_report_with_a_laboratory_category_beside_it_counts(history: History) -> None:
    both = [{"coding": [{"code": "LAB"}, {"code": "RAD"}]}]
    assert len(history(report("r", CT_HEAD, DAY, category=both)).items) == 1


def test_a_radiology_report_nobody_can_read_leaves_every_modality_unknown(history: History) -> None:
    priors = history(report("r", {"text": "ZZ 4711"}, DAY))
    assert told(priors) == [("", DAY, "possible")]
    assert priors.complete
    assert not alike(priors, exam("CT head")).complete
    assert not alike(priors, exam("US abdomen")).complete


def test_a_category_can_tell_the_modality(history: History) -> None:
    priors = history(report("r", {"text": "ZZ 4711"}, DAY, category=[{"coding": [{"code": "RUS"}]}]))
    assert not alike(priors, exam("US abdomen")).complete
    assert alike(priors, exam("CT head")).complete


def test_a_report_that_is_neither_imaging_nor_known_is_left_out(history: History) -> None:
    assert history(report("r", {"text": "Audiogram"}, DAY, category=[])).items == ()
    assert history(report("r", {"text": "Audiogram"}, DAY, category=None)).items == ()


def test_the_words_tell_which_study_a_general_code_means(history: History) -> None:
    priors = history(report("r", loinc("18748-4") | {"text": "CT head without contrast"}, DAY, category=None))
    assert told(priors) == [(*HEAD, "certain")]


def test_the_order_tells_which_study_a_general_code_means(history: History) -> None:
    priors = history(
        report("r", loinc("18748-4"), DAY, basedOn=[ref("ServiceRequest/o")]),
        order("o", CT_HEAD, "completed"),
    )
    assert told(priors) == [(*HEAD, "certain")]


def test_an_order_of_two_exams_tells_nothing(history: History) -> None:
    priors = history(
        report("r", loinc("18748-4"), DAY, basedOn=[ref("ServiceRequest/o")]),
        order("o", CT_HEAD, "completed", identifier=[{"system": "s", "value": "1"}]),
        order("o", loinc("24627-2"), "completed", identifier=[{"system": "s", "value": "1"}]),
    )
    assert [prior.exam.modality for prior in priors.items] == [""]


def test_a_code_and_words_that_name_two_regions_are_possible_in_both(history: History) -> None:
    priors = history(report("r", loinc("30799-1") | {"text": "CT chest"}, DAY))
    assert [prior.certain for prior in priors.items] == [False]
    assert len(alike(priors, exam("CT chest")).items) == len(alike(priors, exam("CT head")).items) == 1


def test_a_code_and_words_of_two_modalities_leave_the_modality_unknown(history: History) -> None:
    priors = history(report("r", loinc("30799-1") | {"text": "MRI brain"}, DAY))
    assert [(prior.exam.modality, prior.certain) for prior in priors.items] == [("", False)]


def test_a_code_whose_words_cannot_be_read_is_possible(history: History) -> None:
    priors = history(procedure("x", loinc("30799-1") | {"text": "image import"}, DAY))
    assert [(prior.exam.modality, prior.certain) for prior in priors.items] == [("CT", False)]


def test_procedures_without_imaging_are_left_out(history: History) -> None:
    appendectomy = {"coding": [{"system": "http://snomed.info/sct", "code": "80146002"}], "text": "Appendectomy"}
    assert history(procedure("x", appendectomy, DAY)).items == ()


def test_an_imaging_procedure_nobody_can_read_is_kept_as_unknown(history: History) -> None:
    imaging = {"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}
    priors = history(procedure("x", {"text": "ZZ 4711"}, DAY, category=imaging))
    assert [(prior.exam.modality, prior.certain) for prior in priors.items] == [("", False)]


def test_an_order_for_something_else_is_no_exam(history: History) -> None:
    assert history(order("o", {"text": "Complete blood count"}, "active")).items == ()


def test_series_tell_modality_and_body_site(history: History) -> None:
    wrist = {"system": "http://snomed.info/sct", "code": "8205005", "display": "Wrist"}
    series = [{"modality": {"code": "DX"}, "bodySite": wrist, "started": f"{DAY}T10:00:00Z", "numberOfInstances": 1}]
    priors = history(study("s", None, series=series))
    assert told(priors) == [("XR wrist", DAY, "certain")]


def test_a_bare_body_part_is_read_as_dicom_writes_it(history: History) -> None:
    series = [{"modality": {"code": "CT"}, "bodySite": {"code": "Chest"}}, {"modality": {"code": "CT"}}, {}]
    assert [str(prior.exam) for prior in history(study("s", DAY, series=series)).items] == ["CT chest"]


@pytest.mark.parametrize(("modality", "kind"), [("XA", "XA"), ("PT", "PT"), ("NM", "NM"), ("RF", "RF")])
def test_every_modality_can_be_given_a_region_by_the_study(history: History, modality: str, kind: str) -> None:
    prior = history(study("s", DAY, modality, description="CHEST")).items[0]
    assert (prior.exam.modality, sorted(prior.exam.regions)) == (kind, ["chest"])


def test_a_study_of_unknown_region_leaves_its_modality_unknown(history: History) -> None:
    priors = history(study("s", DAY, "CT"))
    assert priors.items[0].certain
    assert priors.items[0].evidence[0].text == "CT, region not known, 1 March 2026"
    assert alike(priors, exam("CT head")) == Priors((), False, NOW)
    assert alike(priors, exam("US head")) == Priors((), True, NOW)


def test_images_are_believed_before_words(history: History) -> None:
    prior = history(study("s", DAY, "MR", description="CT HEAD")).items[0]
    assert (prior.exam.modality, prior.exam.regions, prior.certain) == ("MR", frozenset(), False)


def test_a_study_without_modality_is_read_by_its_words(history: History) -> None:
    assert told(history(study("s", DAY, description="CT HEAD W/O CONTRAST"))) == [(*HEAD, "certain")]
    assert told(history(study("s", DAY, procedureCode=[CT_HEAD]))) == [(*HEAD, "certain")]
    assert told(history(study("s", DAY))) == [("", DAY, "possible")]


def test_a_study_of_two_procedures_shows_both(history: History) -> None:
    both = [CT_HEAD, loinc("30592-0")]
    prior = history(study("s", DAY, "CT", procedureCode=both)).items[0]
    assert prior.exam.regions == {"head", "cervical-spine"}
    mixed = [CT_HEAD, {"text": "MRI brain"}]
    assert [p.exam.modality for p in history(study("s", DAY, procedureCode=mixed)).items] == [""]


@pytest.mark.parametrize("modality", ["SR", "KO", "PR", "SEG", "OT"])
def test_studies_without_acquisition_are_no_exposure(history: History, modality: str) -> None:
    assert history(study("s", DAY, modality, description="CT HEAD")).items == ()


@pytest.mark.parametrize(
    ("modalities", "text", "kind"),
    [
        (["PT", "CT"], "PET/CT", "hybrid"),
        (["NM", "CT"], "SPECT/CT chest", "hybrid"),
        (["XA", "CT"], "head", "cone-beam"),
        (["CT", "RTSTRUCT"], "CT head", "planning"),
        (["CT"], "CT guided biopsy of liver", "guidance"),
        (["CT", "SR"], "CT head", "diagnostic"),
    ],
)
def test_what_is_no_diagnostic_ct_is_kept_apart(history: History, modalities: list[str], text: str, kind: str) -> None:
    priors = history(study("s", DAY, *modalities, description=text))
    assert [prior.kind for prior in priors.items] == [kind]
    assert bool(alike(priors, exam("CT whole-body")).items) == (kind == "diagnostic")


def test_nothing_after_now_or_before_birth_is_history(history: History) -> None:
    assert history(report("r", CT_HEAD, "2026-03-10T12:00:01Z")).items == ()
    assert len(history(report("r", CT_HEAD, "2026-03-10T12:00:00Z")).items) == 1
    assert history(report("r", CT_HEAD, "2026-03-12")).items == ()
    assert history(report("r", CT_HEAD, "2017-05-03")).items == ()
    assert len(history(report("r", CT_HEAD, "2017-05-04")).items) == 1
    assert history(order("o", CT_HEAD, "completed", occurrenceDateTime="2027-01-01")).items == ()


def test_an_exam_of_today_ends_now_and_one_of_the_birth_year_begins_at_birth(history: History) -> None:
    assert history(report("r", CT_HEAD, "2026-03-10")).items[0].last == NOW
    prior = history(report("r", CT_HEAD, "2017")).items[0]
    assert prior.first.date().isoformat() == "2017-05-04"


def test_an_undated_exam_lies_between_birth_and_now(history: History) -> None:
    prior = history(report("r", CT_HEAD, "last week")).items[0]
    assert prior.first.date().isoformat() == "2017-05-04"
    assert prior.last == NOW
    assert prior.evidence[0].text == "CT head without contrast, date not known"
    assert history(report("r", CT_HEAD, None), born=None).items[0].first.year == 1900


def test_issued_is_taken_only_without_another_date_and_with_a_lag(history: History) -> None:
    prior = history(report("r", CT_HEAD, None, issued="2026-03-05T10:00:00Z")).items[0]
    assert prior.evidence[0] == ("CT head without contrast, reported 5 March 2026", "DiagnosticReport/r", "")
    assert prior.first == datetime(2026, 3, 3, 10, tzinfo=UTC)
    dated = history(report("r", CT_HEAD, None, effectivePeriod={"start": DAY}, issued="2026-03-05")).items[0]
    assert dated.evidence[0].on == DAY


def test_an_order_is_dated_by_its_occurrence_before_its_writing(history: History) -> None:
    due = order("o", CT_HEAD, "active", authoredOn=DAY, occurrencePeriod={"start": "2026-04-01"})
    prior = history(due).items[0]
    assert prior.pending
    assert prior.evidence[0].text == "CT head without contrast, requested 1 April 2026"
    done = order("o", CT_HEAD, "completed", occurrenceDateTime=DAY)
    assert told(history(done)) == [(*HEAD, "possible")]
    closed = history(order("o", CT_HEAD, "completed", authoredOn=DAY)).items[0]
    assert closed.last == NOW
    assert told(history(order("o", CT_HEAD, "active"))) == [("CT head without contrast", "", "pending")]


def test_newest_comes_first(history: History) -> None:
    priors = history(*(report(day, CT_HEAD, day) for day in ("2025-01-01", "2026-02-01", "2024", "2026-01-01")))
    assert [prior.evidence[0].source[17:] for prior in priors.items] == [
        "2026-02-01",
        "2026-01-01",
        "2025-01-01",
        "2024",
    ]


@pytest.mark.parametrize("missing", [ImagingStudy, DiagnosticReport, Procedure])
def test_the_history_is_complete_only_when_all_three_sources_are(codes: ExamCodes, missing: type) -> None:
    kinds = (ImagingStudy, DiagnosticReport, Procedure)
    whole = {kind: (lambda: Section((), True, "")) for kind in kinds}
    assert prior_exams(LazyRecords("p", dict(whole)), None, codes, NOW).complete  # type: ignore[arg-type]
    for worse in (Section((), False, "refused"), Section((), True, "", unreadable=1)):
        records = LazyRecords("p", {**whole, missing: lambda worse=worse: worse})  # type: ignore[dict-item,misc]
        assert not prior_exams(records, None, codes, NOW).complete


def test_what_is_incomplete_still_tells_what_was_found(codes: ExamCodes) -> None:
    found = DiagnosticReport(id="r", status="final")
    priors = prior_exams(given("p", found, complete=False), None, codes, NOW)
    assert not priors.complete
    assert priors.items == ()
    assert priors.now == NOW


def test_pending_is_complete_only_when_the_orders_were_read(history: History) -> None:
    priors = history(order("o", {"text": "CT"}, "active"), order("p", CT_HEAD, "active"))
    assert len(pending(priors, exam("CT head")).items) == 1
    assert not pending(priors, exam("CT head"), complete=True).complete
    assert pending(priors, exam("US abdomen"), complete=True).complete
    assert not pending(priors, exam("US abdomen")).complete


def test_an_echocardiogram_is_no_chest_ultrasound(history: History) -> None:
    priors = history(report("r", {"text": "Echocardiogram"}, DAY))
    assert len(priors.items) == 1
    assert alike(priors, exam("US chest")).items == ()
    assert len(alike(priors, exam("US echocardiography heart")).items) == 1


def test_images_can_be_opened_only_where_a_study_is(history: History) -> None:
    assert history(report("r", CT_HEAD, DAY)).items[0].images is None
    linked = report("r", CT_HEAD, DAY, imagingStudy=[ref("ImagingStudy/s")])
    assert history(linked, study("s", DAY, "CT", identifier=[uid("1.2")])).items[0].images is True


def test_a_cancelled_study_with_a_final_report_is_possible(history: History) -> None:
    priors = history(
        study("s", DAY, "CT", status="cancelled", identifier=[accession("A1")], description="CT head"),
        report("r", CT_HEAD, DAY, identifier=[accession("A1")]),
    )
    assert [(prior.certain, prior.images) for prior in priors.items] == [(False, None)]


def test_the_place_is_told_only_of_exams_done_elsewhere(history: History) -> None:
    here = study("s", DAY, "CT", description="CT HEAD", location={"display": "CT room 2"})
    assert history(here).items[0].place == ""
    there = here | {"description": "OUTSIDE STUDY CT HEAD", "location": {"display": "St  Elsewhere"}}
    assert history(there).items[0].place == "St Elsewhere"
    unnamed = report("r", {"text": "CT head, outside"}, DAY, performer=[{"display": "Dr. Local Reader"}])
    prior = history(unnamed).items[0]
    assert prior.place == "outside"
    assert "(outside)" in prior.evidence[0].text
    assert "Reader" not in prior.evidence[0].text


def test_a_panoramic_film_shows_the_jaw(history: History) -> None:
    assert told(history(study("s", DAY, "PX"))) == [("XR jaw", DAY, "certain")]


def test_documents_keep_their_links_and_their_time(history: History) -> None:
    document = {
        "resourceType": "DocumentReference",
        "id": "d",
        "type": {"text": "CT head report"},
        "identifier": [{"system": "x", "value": "1"}],
        "context": {"related": [ref("ImagingStudy/s")]},
    }
    assert len(history(document, study("s", DAY, "CT")).items) == 1
    assert history(document | {"context": {"period": {"start": "2030-01-01"}}}).items == ()


@pytest.mark.parametrize(
    ("day", "said"),
    [("2026-03", "March 2026"), ("2026", "2026"), ("2025-12-31", "31 December 2025")],
)
def test_a_date_is_told_as_precisely_as_it_is_known(history: History, day: str, said: str) -> None:
    assert history(report("r", CT_HEAD, day)).items[0].evidence[0].text == f"CT head without contrast, {said}"


def test_what_is_remembered_stays_bounded(codes: ExamCodes) -> None:
    eyes = Eyes(codes)
    for number in range(MEMORY + 10):
        eyes.concept(CodeableConcept(text=f"exam {number}"))
    assert 0 < len(eyes._memory) <= MEMORY
    assert eyes.concept(CodeableConcept(text="CT head")).exam == exam("CT head")


@pytest.mark.parametrize(
    "text",
    ["CT head not done", "compared with the CT head of May", "3D rendering of CT head", "CT 3D post-processing",
     "CT, Image import from others", "Outside CT head second read", "CT phantom quality check"],
)  # fmt: skip
def test_names_that_say_ct_and_mean_none(history: History, text: str) -> None:
    assert [prior.exam.modality for prior in history(report("r1", {"text": text}, "2026-01-05")).items] == [""]
    assert history(procedure("p1", {"text": text}, "2026-01-05")).items == ()
    assert not any(prior.exam.regions for prior in history(study("s1", "2026-01-05", "SR", description=text)).items)


@pytest.mark.parametrize("code", ["76376", "76377"])
def test_pictures_made_of_a_scan_are_no_scan(history: History, code: str) -> None:
    coding = [{"system": "http://www.ama-assn.org/go/cpt", "code": code, "display": "3D rendering of CT head"}]
    scan = report("r1", CT_HEAD, "2026-01-05", identifier=[accession("A1")])
    made = procedure("p1", {"coding": coding, "text": "3D rendering of CT head"}, "2026-01-05")
    assert told(history(scan, made)) == [("CT head without contrast", "2026-01-05", "certain")]


@pytest.mark.parametrize(("text", "sure"), [("CT head 3D reconstruction", "possible"), ("CT face with 3D", "certain")])
def test_a_scan_or_only_pictures_of_one(history: History, text: str, sure: str) -> None:
    assert [one[2] for one in told(history(report("r1", {"text": text}, "2026-01-05")))] == [sure]
