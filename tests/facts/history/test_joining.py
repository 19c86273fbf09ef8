"""Which accounts are one exam, and which look alike and are two."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from cds_service.facts.history import alike, pending
from cds_service.vocabulary.exams import exam

from .conftest import CT_HEAD, History, accession, dose, loinc, order, placer, procedure, ref, report, study, told, uid

DAY, NEXT, THIRD, FOURTH = "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"
CT_CHEST = loinc("24627-2")
HERE, THERE = "https://here.example/acc", "https://there.example/acc"


def head(id_: str, started: str | None = DAY, **more: Any) -> dict[str, Any]:
    return study(id_, started, "CT", description="CT HEAD W/O CONTRAST", **more)


def count(history: History, *resources: dict[str, Any]) -> int:
    """How many exams; the same in whatever order the resources come."""
    counts = {len(history(*order_).items) for order_ in itertools.islice(itertools.permutations(resources), 24)}
    assert len(counts) == 1
    return counts.pop()


@pytest.mark.parametrize("written", ["urn:oid:1.2.3", "1.2.3", " 1.2.3 ", "urn:oid:1.2.3\0"])
def test_one_study_uid_is_one_exam_however_written_and_dated(history: History, written: str) -> None:
    other = {"system": "urn:dicom:uid", "value": written}
    assert count(history, head("a", identifier=[uid("1.2.3")]), head("b", "2025-01-01", identifier=[other])) == 1


def test_a_study_uid_under_the_uri_system_is_one_too(history: History) -> None:
    other = {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}
    assert count(history, head("a", identifier=[uid("1.2.3")]), head("b", THIRD, identifier=[other])) == 1


def test_a_value_that_is_no_uid_joins_nothing(history: History) -> None:
    unknown = {"system": "urn:dicom:uid", "value": "unknown"}
    assert count(history, head("a", DAY, identifier=[unknown]), head("b", FOURTH, identifier=[unknown])) == 2


def test_one_accession_number_joins_within_two_days(history: History) -> None:
    numbered = head("a", identifier=[accession("A1")])
    assert count(history, numbered, report("r", CT_HEAD, THIRD, identifier=[accession("A1")])) == 1
    assert count(history, numbered, report("r", CT_HEAD, FOURTH, identifier=[accession("A1")])) == 2
    assert count(history, numbered, report("r", CT_HEAD, None, identifier=[accession("A1")])) == 1


def test_accession_numbers_of_two_assigners_do_not_join(history: History) -> None:
    one, other = (
        head("a", identifier=[accession("7", HERE)]),
        report("r", CT_CHEST, DAY, identifier=[accession("7", THERE)]),
    )
    assert count(history, one, other) == 2


def test_an_accession_number_without_assigner_needs_date_and_modality(history: History) -> None:
    one = head("a", identifier=[accession("7", HERE)])
    assert count(history, one, report("r", CT_HEAD, THIRD, identifier=[accession("7", "")])) == 1
    assert count(history, one, report("r", CT_HEAD, FOURTH, identifier=[accession("7", "")])) == 2
    assert count(history, one, report("r", CT_HEAD, None, identifier=[accession("7", "")])) == 2
    assert count(history, one, report("r", {"text": "US head"}, DAY, identifier=[accession("7", "")])) == 2
    nameless = report("r", {"text": "?"}, DAY, imagingStudy=[ref("x/y")], category=[], identifier=[accession("7", "")])
    assert count(history, one, nameless) == 1


def test_the_same_number_years_later_is_another_exam(history: History) -> None:
    later = [
        report(day, CT_HEAD, day, identifier=[accession("A1")]) for day in ("2024-01-01", "2025-01-01", "2026-01-01")
    ]
    assert count(history, *later) == 3


@pytest.mark.parametrize(
    "link",
    [
        ref("ImagingStudy/s"),
        ref("https://ehr.example/fhir/ImagingStudy/s"),
        ref("https://ehr.example/fhir/ImagingStudy/s/_history/3"),
        ref("urn:uuid:s"),
        ref("urn:oid:1.2.3"),
        {"identifier": uid("1.2.3")},
        {"identifier": accession("A1")},
    ],
)
def test_a_reference_to_the_study_joins_however_written(history: History, link: dict[str, Any]) -> None:
    images = head("s", identifier=[uid("1.2.3"), accession("A1")])
    assert count(history, images, report("r", CT_CHEST, NEXT, imagingStudy=[link])) == 1


def test_a_reference_to_the_study_joins_over_any_number_of_days(history: History) -> None:
    assert (
        count(
            history, head("s", "2026-03-05"), report("r", CT_HEAD, "2026-02-01", imagingStudy=[ref("ImagingStudy/s")])
        )
        == 1
    )


@pytest.mark.parametrize("link", [ref("#s"), ref("ImagingStudy/other"), ref("urn:uuid:other"), ref("x"), {}])
def test_a_reference_to_nothing_joins_nothing(history: History, link: dict[str, Any]) -> None:
    assert count(history, head("s"), report("r", CT_CHEST, FOURTH, imagingStudy=[link])) == 2


def test_a_report_of_two_studies_does_not_make_them_one(history: History) -> None:
    studies = [
        head("a", identifier=[uid("1.1")]),
        study("b", DAY, "CT", description="CT CHEST", identifier=[uid("1.2")]),
    ]
    both = report("r", CT_HEAD, DAY, imagingStudy=[ref("ImagingStudy/a"), ref("ImagingStudy/b")])
    assert count(history, *studies, both) == 2


def test_a_procedure_and_its_report_are_one(history: History) -> None:
    done = procedure("x", CT_HEAD, DAY, report=[ref("DiagnosticReport/r")])
    assert count(history, done, report("r", CT_CHEST, NEXT)) == 1
    assert count(history, done, report("r", CT_CHEST, FOURTH)) == 2


def test_a_study_of_a_procedure_is_one_with_it(history: History) -> None:
    images = study("s", DAY, "CT", procedureReference=ref("Procedure/x"))
    assert told(history(images, procedure("x", CT_HEAD, NEXT))) == [("CT head without contrast", DAY, "certain")]


def test_a_reference_does_not_join_what_has_two_study_uids(history: History) -> None:
    images = study("s", DAY, "CT", identifier=[uid("1.1")], procedureReference=ref("Procedure/x"))
    more = study("t", DAY, "CT", identifier=[uid("1.2")], procedureReference=ref("Procedure/x"))
    assert count(history, images, more, procedure("x", CT_HEAD, DAY)) == 2


def test_a_procedure_and_a_part_of_it_are_one_when_they_show_the_same(history: History) -> None:
    whole = procedure("x", CT_HEAD, DAY)
    assert count(history, whole, procedure("y", CT_HEAD, DAY, partOf=[ref("Procedure/x")])) == 1
    assert count(history, whole, procedure("y", CT_CHEST, DAY, partOf=[ref("Procedure/x")])) == 2
    assert count(history, whole, procedure("y", CT_HEAD, DAY, partOf=[ref("urn:uuid:x")])) == 1


def test_one_order_joins_accounts_of_the_same_scan_a_day_apart(history: History) -> None:
    for behind in ({"basedOn": [ref("ServiceRequest/o")]}, {"identifier": [placer("P1")]}):
        done = procedure("x", CT_HEAD, DAY, **behind)
        assert count(history, done, report("r", CT_HEAD, f"{NEXT}T10:00:00Z", **behind)) == 1
        assert count(history, done, report("r", CT_HEAD, f"{THIRD}T10:00:00Z", **behind)) == 2
        assert count(history, done, report("r", CT_CHEST, DAY, **behind)) == 2
        assert count(history, done, report("r", {"text": "MRI brain"}, DAY, **behind)) == 2


def test_a_series_of_follow_ups_from_one_order_stays_a_series(history: History) -> None:
    behind = {"basedOn": [ref("ServiceRequest/o")]}
    films = {"text": "XR chest"}
    daily = [procedure(day, films, day, **behind) for day in (DAY, NEXT, THIRD)]
    read = [report("r" + day, films, day, **behind) for day in (DAY, NEXT, THIRD)]
    assert count(history, *daily) == 3
    assert len(history(*daily, *read, order("o", films, "active")).items) == 3


def test_without_a_key_day_and_region_join(history: History) -> None:
    done = procedure("x", CT_HEAD, DAY)
    assert count(history, done, report("r", CT_HEAD, NEXT)) == 1
    assert count(history, done, report("r", CT_HEAD, THIRD)) == 2
    assert count(history, done, report("r", CT_CHEST, DAY)) == 2
    assert count(history, done, report("r", {"text": "MRI brain"}, DAY)) == 2
    assert count(history, done, report("r", CT_HEAD, "2026-03")) == 2


def test_without_a_key_two_acts_on_two_days_are_two(history: History) -> None:
    assert count(history, procedure("x", CT_HEAD, DAY), procedure("y", CT_HEAD, NEXT)) == 2
    assert count(history, report("x", CT_HEAD, DAY), report("y", CT_HEAD, NEXT)) == 1


def test_without_a_key_a_wider_report_joins_and_a_second_procedure_does_not(history: History) -> None:
    done = procedure("x", {"text": "CT abdomen"}, DAY)
    assert count(history, done, report("r", {"text": "CT abdomen and pelvis"}, DAY)) == 1
    assert count(history, done, procedure("y", {"text": "CT abdomen and pelvis"}, DAY)) == 2


def test_starts_over_an_hour_apart_are_two_exams(history: History) -> None:
    done = procedure("x", CT_HEAD, f"{DAY}T10:00:00Z")
    assert count(history, done, report("r", CT_HEAD, f"{DAY}T11:00:00Z")) == 1
    assert count(history, done, report("r", CT_HEAD, f"{DAY}T11:00:01Z")) == 2
    assert count(history, done, report("r", CT_HEAD, DAY)) == 1


def test_two_study_uids_of_one_day_are_two_exams(history: History) -> None:
    assert count(history, head("a", identifier=[uid("1.1")]), head("b", identifier=[uid("1.2")])) == 2
    assert count(history, head("a", identifier=[uid("1.1")]), head("b")) == 1


def test_an_outside_study_under_a_new_number_is_one_exam(history: History) -> None:
    start = f"{DAY}T08:00:00Z"
    there = head("a", start, identifier=[uid("1.1"), accession("X1", THERE)])
    assert count(history, there, head("b", start, identifier=[uid("1.2"), accession("A1", HERE)])) == 1
    assert count(history, there, head("b", start, identifier=[accession("A1", HERE)])) == 1
    later = head("b", f"{DAY}T15:00:00Z", identifier=[uid("1.2"), accession("A1", HERE)])
    assert count(history, there, later) == 2
    assert count(history, there, head("b", DAY, identifier=[uid("1.2"), accession("A1", HERE)])) == 2


def test_a_keyless_account_joins_the_nearest_exam(history: History) -> None:
    early = head("a", f"{DAY}T01:00:00Z", identifier=[uid("1.1")])
    late = head("b", f"{DAY}T03:00:00Z", identifier=[uid("1.2")])
    read = report("r", {"text": "CT head"}, f"{DAY}T02:10:00Z", conclusion="Equivocal.")
    priors = history(early, late, read)
    assert [prior.result for prior in priors.items] == ["nondiagnostic", ""]


def test_a_dose_summary_belongs_to_the_scan_of_its_day(history: History) -> None:
    assert count(history, procedure("x", CT_HEAD, DAY), dose("d", ("113813", 5), effectiveDateTime=DAY)) == 1
    assert count(history, procedure("x", CT_HEAD, DAY), dose("d", ("113813", 5), effectiveDateTime=FOURTH)) == 2


def test_preliminary_final_and_addendum_are_one(history: History) -> None:
    said = ("preliminary", "final", "appended")
    assert count(history, *(report(status, CT_HEAD, DAY, status=status) for status in said)) == 1


def test_the_same_resource_sent_twice_is_one(history: History) -> None:
    assert count(history, report("r", CT_HEAD, DAY), report("r", CT_HEAD, FOURTH)) == 1
    assert count(history, head("s", DAY), head("s", FOURTH)) == 1


def test_resources_without_an_id_are_not_taken_for_each_other(history: History) -> None:
    nameless = [report("", CT_HEAD, DAY) | {"id": None}, report("", CT_HEAD, FOURTH) | {"id": None}]
    assert count(history, *nameless) == 2


def test_a_wide_date_may_repeat_a_known_exam(history: History) -> None:
    both = history(report("a", CT_HEAD, "2025"), report("b", CT_HEAD, "2025-06-01"))
    assert [standing for *_, standing in told(both)] == ["certain", "possible"]
    apart = history(report("a", CT_HEAD, "2024"), report("b", CT_HEAD, "2025-06-01"), report("c", CT_CHEST, "2025"))
    assert {standing for *_, standing in told(apart)} == {"certain"}


def test_of_two_wide_dates_one_is_certain(history: History) -> None:
    priors = history(report("a", CT_HEAD, "2025"), report("b", CT_HEAD, None), report("c", CT_HEAD, "2025"))
    assert sorted(prior.certain for prior in priors.items) == [False, False, True]


def test_an_undated_study_with_its_own_uid_is_certain(history: History) -> None:
    priors = history(head("a", None, identifier=[uid("1.1")]), head("b", DAY, identifier=[uid("1.2")]))
    assert [prior.certain for prior in priors.items] == [True, True]


def test_dates_agree_on_the_narrowest(history: History) -> None:
    wide = report("r", CT_HEAD, "2026", imagingStudy=[ref("ImagingStudy/s")])
    assert history(head("s", "2026-03"), wide).items[0].evidence[0].text.endswith("March 2026")
    narrow = report("r", CT_HEAD, "2026-03-04", imagingStudy=[ref("ImagingStudy/s")])
    assert history(head("s", "2026-03"), narrow).items[0].evidence[0].on == "2026-03-04"
    assert history(head("s", None), narrow).items[0].evidence[0].on == "2026-03-04"


def test_on_conflict_the_study_is_believed_unless_it_was_an_import(history: History) -> None:
    link = {"imagingStudy": [ref("ImagingStudy/s")]}
    assert history(head("s", THIRD), report("r", CT_HEAD, FOURTH, **link)).items[0].evidence[0].on == THIRD
    assert history(head("s", THIRD), report("r", CT_HEAD, DAY, **link)).items[0].evidence[0].on == DAY
    issued = report("r", CT_HEAD, None, issued=DAY, **link)
    assert history(head("s", "2026-03-08"), issued).items[0].evidence[0].on == "2026-03-08"
    done = procedure("x", CT_HEAD, THIRD, report=[ref("DiagnosticReport/r")])
    assert history(done, report("r", CT_HEAD, DAY)).items[0].evidence[0].on == THIRD


def test_accounts_that_disagree_make_the_exam_possible(history: History) -> None:
    link = {"imagingStudy": [ref("ImagingStudy/s")]}
    other_region = history(head("s"), report("r", CT_CHEST, DAY, **link)).items
    assert [(prior.certain, prior.exam.regions) for prior in other_region] == [(False, {"head", "chest"})]
    other_modality = history(head("s"), report("r", {"text": "MRI brain"}, DAY, **link)).items
    assert [(prior.certain, prior.exam.modality) for prior in other_modality] == [(False, "CT")]


def test_plain_images_may_belong_to_a_fluoroscopy(history: History) -> None:
    swallow = report("r", {"text": "Upper GI series fluoroscopy"}, DAY, imagingStudy=[ref("ImagingStudy/s")])
    priors = history(study("s", DAY, "CR", "RF"), swallow)
    assert [(prior.exam.modality, prior.certain) for prior in priors.items] == [("RF", True)]


def test_an_order_adds_nothing_once_an_exam_points_to_it(history: History) -> None:
    chain = [
        order("placed", CT_HEAD, "active", authoredOn=DAY),
        order("filled", CT_HEAD, "completed", authoredOn=DAY, basedOn=[ref("ServiceRequest/placed")]),
    ]
    done = procedure("x", CT_HEAD, DAY, basedOn=[ref("ServiceRequest/filled")])
    assert count(history, *chain, done) == 1
    by_number = report("r", CT_HEAD, DAY, identifier=[accession("A1")])
    numbered = order("o", CT_HEAD, "active", identifier=[accession("A1")])
    assert count(history, numbered, by_number) == 1


def test_an_order_whose_exam_was_cancelled_still_waits(history: History) -> None:
    cancelled = study("s", DAY, "CT", status="cancelled", basedOn=[ref("ServiceRequest/o")])
    assert [standing for *_, standing in told(history(order("o", CT_HEAD, "active"), cancelled))] == ["pending"]


def test_placer_and_filler_of_one_exam_wait_as_one(history: History) -> None:
    chain = [
        order("a", CT_HEAD, "active", identifier=[placer("P1")]),
        order("b", CT_HEAD, "active", identifier=[placer("P1")]),
        order("c", CT_HEAD, "active", replaces=[ref("ServiceRequest/b")]),
    ]
    assert count(history, *chain) == 1
    assert len(pending(history(*chain), exam("CT head")).items[0].evidence) == 3


def test_one_number_for_two_exams_waits_as_two(history: History) -> None:
    numbered = {"identifier": [placer("P1")]}
    panel = [
        order("a", CT_HEAD, "active", **numbered),
        order("b", CT_CHEST, "active", **numbered),
        order("c", CT_CHEST, "active", **numbered),
        order("d", {"text": "MRI brain"}, "active", **numbered),
    ]
    assert count(history, *panel) == 3


def test_an_order_is_taken_as_done_when_such_an_exam_without_an_order_followed(history: History) -> None:
    asked = order("o", CT_HEAD, "active", authoredOn=DAY)
    assert [standing for *_, standing in told(history(asked, report("r", CT_HEAD, NEXT)))] == ["certain"]
    assert len(history(asked, report("r", CT_HEAD, "2026-02-27")).items) == 2
    assert len(history(asked, report("r", CT_CHEST, NEXT)).items) == 2
    assert len(history(order("o", CT_HEAD, "active"), report("r", CT_HEAD, NEXT)).items) == 2
    elsewhere = report("r", CT_HEAD, NEXT, basedOn=[ref("ServiceRequest/another")])
    assert len(history(asked, elsewhere).items) == 2


def test_a_synthetic_visit_linked_by_encounter_alone(history: History) -> None:
    visit = {"encounter": ref("urn:uuid:visit"), "subject": ref("urn:uuid:child")}
    series = [
        {
            "modality": {"code": "DX"},
            "bodySite": {"system": "http://snomed.info/sct", "code": "8205005", "display": "Wrist"},
        }
    ]
    images = study("s", "2025-12-18T12:43:26+00:00", series=series, **visit)
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "1225002"}], "text": "Radiography of wrist"}
    performed = {"start": "2025-12-18T12:43:26+00:00", "end": "2025-12-18T13:13:26+00:00"}
    done = procedure("x", code, None, performedPeriod=performed, **visit)
    blood = report("b", loinc("58410-2"), "2025-12-18", category=[{"coding": [{"code": "LAB"}]}], **visit)
    assert told(history(images, done, blood)) == [("XR wrist", "2025-12-18", "certain")]


def test_thousands_of_accounts_of_one_day_are_joined_in_time(history: History) -> None:
    keyless = [procedure(f"x{n}", CT_HEAD, f"{DAY}T{n % 24:02}:00:00Z") for n in range(1500)]
    numbered = [report(f"r{n}", CT_HEAD, DAY, identifier=[accession("A1", "")]) for n in range(1500)]
    images = [head(f"s{n}", DAY, identifier=[uid(f"1.{n}")], basedOn=[ref("ServiceRequest/o")]) for n in range(2000)]
    started = time.perf_counter()
    priors = history(*keyless, *numbered, *images)
    assert len(alike(priors, exam("CT head")).items) >= 2000
    assert time.perf_counter() - started < 5


def test_an_identifier_of_another_kind_joins_nothing(history: History) -> None:
    visit = {"type": {"coding": [{}, {"code": "VN"}]}, "system": "https://here.example/visits", "value": "V1"}
    behind = {"identifier": [visit, {"system": "https://here.example/x"}, {"value": "7"}]}
    done = procedure("x", CT_HEAD, f"{DAY}T10:00:00Z", **behind)
    assert count(history, done, report("r", CT_HEAD, f"{DAY}T20:00:00Z", **behind)) == 2


def test_a_chain_of_joins_ends_in_one_exam(history: History) -> None:
    shared = [{"system": "https://here.example/orders", "value": value} for value in "1234"]
    links = [report(f"r{n}", CT_HEAD, DAY, identifier=[shared[n], shared[n + 1]]) for n in range(3)]
    assert count(history, *links, procedure("x", CT_HEAD, DAY, report=[ref("DiagnosticReport/r2")])) == 1


def test_a_bare_id_means_the_study_before_other_resources(history: History) -> None:
    images = study("7", "2026-01-01", "CT", description="CT HEAD")
    other = procedure("7", CT_CHEST, DAY)
    read = report("r", CT_HEAD, DAY, imagingStudy=[ref("urn:uuid:7")])
    assert count(history, images, other, read) == 2
