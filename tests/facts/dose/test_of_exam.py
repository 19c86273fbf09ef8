"""One set of doses an exam: what is told, what is not, and what never meets."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.facts.dose.of_exam import FROM_DLP, MEASURED, USUAL
from tests.facts.dose.conftest import Doses, part, phantom, summary
from tests.facts.history.conftest import CT_HEAD, accession, order, procedure, ref, report, study, uid

HEAD = study(
    "s1",
    "2026-02-10T21:40:00-05:00",
    "CT",
    identifier=[uid("1.2.3"), accession("A1")],
    description="CT HEAD W/O CONTRAST",
)
OF_HEAD = {"partOf": [{"identifier": uid("1.2.3")}], "effectiveDateTime": "2026-02-10"}
DLP_480 = summary("d1", part("113813", 480), **OF_HEAD)
BELLY = {"text": "CT abdomen and pelvis with contrast"}


def text(told: Doses, *resources: dict[str, Any], **more: Any) -> list[str]:
    return [one.text for one in told(*resources, **more)]


def test_a_one_exam_of_five_resources_has_one_dose(told: Doses) -> None:
    (one,) = told(
        order("o1", CT_HEAD, "completed"),
        procedure("x1", CT_HEAD, "2026-02-10", basedOn=[ref("ServiceRequest/o1")]),
        {**HEAD, "basedOn": [ref("ServiceRequest/o1")]},
        report("r1", CT_HEAD, "2026-02-11", identifier=[accession("A1")]),
        DLP_480,
    )
    assert one.text == "DLP 480 mGy·cm, 1 to 2 mSv" and one.how == FROM_DLP and not one.differ
    assert one.evidence[0].source == "Observation/d1"
    assert one.evidence[0].text == "CT head without contrast, 10 February 2026: DLP 480 mGy·cm, 1 to 2 mSv"


def test_h_alert_levels_forward_estimates_and_subtotals_are_no_dose(told: Doses) -> None:
    parts = [part("113813", 350), part("113903", 1000), part("130745", 200), part("130745", 150)]
    more = [part(code, 900) for code in ("113905", "113911", "113913")]
    assert text(told, HEAD, summary("d1", *parts, *more, **OF_HEAD)) == ["DLP 350 mGy·cm, 0.8 to 2 mSv"]


def test_subtotals_alone_are_no_dose(told: Doses) -> None:
    (one,) = told(HEAD, summary("d1", part("130745", 200), part("113726", 3, "mGy.cm2"), **OF_HEAD))
    assert not one.recorded and one.text == "usually 0.3 to 3 mSv"


def test_a_dose_told_twice_counts_once(told: Doses) -> None:
    again = {**DLP_480, "id": "d2"}
    words = report("r1", CT_HEAD, "2026-02-11", identifier=[accession("A1")], conclusion="DLP 480 mGy*cm")
    assert text(told, HEAD, DLP_480, again, words) == text(told, HEAD, DLP_480)


def test_two_accounts_that_differ_are_a_range_over_both(told: Doses) -> None:
    (one,) = told(HEAD, DLP_480, summary("d2", part("113813", 520), **OF_HEAD))
    assert one.differ and one.text.startswith("DLP 480 to 520 mGy·cm")


def test_effective_dose_on_record_goes_first_and_is_told_as_a_band(told: Doses) -> None:
    (one,) = told(HEAD, summary("d1", part("113813", 480), part("113814", 2.4, "mSv"), **OF_HEAD))
    assert (one.how, one.text) == (MEASURED, "DLP 480 mGy·cm, 0.3 to 3 mSv")
    (alone,) = told(HEAD, summary("d1", part("113839", 2400, "uSv"), **OF_HEAD))
    assert alone.text == "effective dose 0.3 to 3 mSv"
    (unlinked,) = told(HEAD, summary("d1", part("113814", 2.4, "mSv"), effectiveDateTime="2026-02-10"))
    assert unlinked.text == "effective dose 0.3 to 3 mSv", "the total of a CT belongs to the CT of that day"


@pytest.mark.parametrize("code", ["113838", "113839"])
def test_parts_of_one_exam_are_not_its_dose(told: Doses, code: str) -> None:
    unit = {"113838": "mGy.cm", "113839": "mSv"}[code]
    (one,) = told(HEAD, summary("d1", part(code, 2, unit), part(code, 3, unit), **OF_HEAD))
    assert not one.recorded and one.unclear
    assert told(HEAD, summary("d1", part(code, 2, unit), **OF_HEAD))[0].recorded


def test_ctdi_of_several_passes_is_told_from_lowest_to_highest(told: Doses) -> None:
    parts = [part("113813", 480), part("113830", 20, "mGy"), part("113830", 31, "mGy"), phantom("113690")]
    (said,) = text(told, HEAD, summary("d1", *parts, **OF_HEAD))
    assert said == "DLP 480 mGy·cm, CTDIvol 20 to 31 mGy (16 cm phantom), 1 to 2 mSv"


@pytest.mark.parametrize(
    ("phantoms", "said"),
    [([], "3 to 9"), (["113691"], "3 to 9"), (["113690"], "3 to 5"), (["113690", "113691"], "3 to 9")],
)
def test_a_body_scan_counts_twice_as_much_unless_the_small_phantom_is_told(
    told: Doses, phantoms: list[str], said: str
) -> None:
    scan = summary("d1", part("113813", 200), *map(phantom, phantoms), effectiveDateTime="2022-05-04")
    (one,) = told(report("r1", BELLY, "2022-05-04"), scan)
    assert one.text.endswith(f"{said} mSv")


@pytest.mark.parametrize(
    "bad", [part("113813", 480, None), part("113813", -480), part("113813", 0), part("113813", 480, "mSv")]
)
def test_an_odd_quantity_leaves_the_usual_band(told: Doses, bad: dict[str, Any]) -> None:
    (one,) = told(HEAD, summary("d1", bad, **OF_HEAD))
    assert not one.recorded and (one.how, one.text) == (USUAL, "usually 0.3 to 3 mSv")


@pytest.mark.parametrize("dlp", [0.01, 999_999])
def test_a_dose_no_child_ever_got_is_a_slip(told: Doses, dlp: float) -> None:
    assert text(told, HEAD, summary("d1", part("113813", dlp), **OF_HEAD)) == ["usually 0.3 to 3 mSv"]
    assert text(told, HEAD, summary("d1", part("113814", 2400, "mSv"), **OF_HEAD)) == ["usually 0.3 to 3 mSv"]


def test_the_text_of_a_summary_counts_where_its_parts_say_nothing(told: Doses) -> None:
    worded = summary("d1", valueString="CTDIvol 31 mGy; DLP 480 mGy.cm", **OF_HEAD)
    assert text(told, HEAD, worded) == ["DLP 480 mGy·cm, CTDIvol 31 mGy, 1 to 2 mSv"]
    both = summary("d1", part("113813", 480), valueString="DLP 999 mGy.cm", **OF_HEAD)
    assert text(told, HEAD, both) == ["DLP 480 mGy·cm, 1 to 2 mSv"]


def test_several_passes_in_words_are_not_one_dose_nor_the_usual_one(told: Doses) -> None:
    (one,) = told(report("r1", BELLY, "2022-05-04", conclusion="DLP 100 mGy*cm native. DLP 120 mGy*cm venous."))
    assert one.unclear and one.text == ""


# never mixed


def test_a_dose_that_names_another_study_is_not_told_here(told: Doses) -> None:
    other = summary("d1", part("113813", 480), partOf=[{"identifier": uid("9.9.9")}], effectiveDateTime="2026-02-10")
    assert not any(one.recorded and one.prior.exam.regions for one in told(HEAD, other))


def test_a_dose_of_two_studies_is_that_of_neither(told: Doses) -> None:
    both = [{"identifier": uid("1.2.3")}, {"identifier": uid("1.2.4")}]
    (one,) = told(HEAD, summary("d1", part("113813", 480), partOf=both, effectiveDateTime="2026-02-10"))
    assert not one.recorded


def test_a_dose_without_a_key_is_that_of_the_only_exam_of_its_day(told: Doses) -> None:
    loose = summary("d1", part("113813", 480), effectiveDateTime="2026-02-10")
    assert told(report("r1", CT_HEAD, "2026-02-10"), loose)[0].recorded
    spine = report("r2", {"text": "CT cervical spine"}, "2026-02-10", identifier=[accession("A2")])
    head = report("r1", CT_HEAD, "2026-02-10", identifier=[accession("A1")])
    assert not any(one.recorded for one in told(head, spine, loose) if one.prior.exam.regions)


def test_an_order_in_common_ties_a_dose_where_no_other_exam_has_it(told: Doses) -> None:
    first = report("r1", CT_HEAD, "2026-02-10", identifier=[accession("A1")], basedOn=[ref("ServiceRequest/o1")])
    spine = {"text": "CT cervical spine"}
    second = report("r2", spine, "2026-02-10", identifier=[accession("A2")], basedOn=[ref("ServiceRequest/o2")])
    dose = summary("d1", part("113813", 480), basedOn=[ref("ServiceRequest/o1")], effectiveDateTime="2026-02-10")
    recorded = [one for one in told(first, second, dose) if one.recorded]
    assert [str(one.prior.exam) for one in recorded] == ["CT head without contrast"]
    shared = {**second, "basedOn": [ref("ServiceRequest/o1")]}
    assert not any(one.recorded for one in told(first, shared, dose) if one.prior.exam.regions)


def test_a_report_of_two_studies_tells_the_dose_of_neither(told: Doses) -> None:
    links = [ref("ImagingStudy/s1"), ref("ImagingStudy/s2")]
    words = report("r1", CT_HEAD, "2026-02-10", imagingStudy=links, conclusion="DLP 480 mGy*cm")
    assert not any(one.recorded for one in told(HEAD, words))


def test_a_cancelled_dose_is_none(told: Doses) -> None:
    assert not told(HEAD, {**DLP_480, "status": "cancelled"})[0].recorded
    assert not told(HEAD, {**DLP_480, "status": "entered-in-error"})[0].recorded


# what is usual


@pytest.mark.parametrize(
    ("exam", "when", "said"),
    [
        ("CT head without contrast", "2017-06-01", "usually 0.3 to 5 mSv"),
        ("CT head without contrast", "2025-06-01", "usually 0.3 to 3 mSv"),
        ("CT head", "2025-06-01", ""),  # passes not known
        ("CT head without and with contrast", "2025-06-01", "usually 1 to 10 mSv"),
        ("CT abdomen and pelvis with contrast", "2018-06-01", "usually 1 to 20 mSv"),
        ("CT chest with contrast", "2020-06-01", "usually 0.5 to 10 mSv"),
        ("CT knee without contrast", "2025-06-01", ""),
        ("CT head and cervical spine without contrast", "2025-06-01", ""),
        ("CT guided biopsy of the liver", "2025-06-01", ""),
        ("XR chest", "2025-06-01", "usually up to 0.03 mSv"),
        ("MRI brain without contrast", "2025-06-01", ""),
        ("Ultrasound abdomen", "2025-06-01", ""),
    ],
)
def test_bands_by_exam_and_age(told: Doses, exam: str, when: str, said: str) -> None:
    assert text(told, report("r1", {"text": exam}, when)) == [said]


def scanned(*names: str, modality: str = "CT") -> dict[str, Any]:
    series = [{"modality": {"code": modality}, "description": name} for name in names]
    return study("s1", "2025-06-01", "CT", identifier=[uid("1.2.3")], description="CT HEAD", series=series)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (("HEAD W/O", "HEAD W/O BONE", "HEAD WITHOUT SAG"), "usually 0.3 to 3 mSv"),
        (("HEAD WITHOUT CONTRAST", "HEAD POST CONTRAST"), "usually 1 to 10 mSv"),
        (("SCOUT", "BOLUS TRACKING", "HEAD W/O"), "usually 0.3 to 3 mSv"),
        (("NATIV", "ARTERIAL", "PORTAL VENOUS"), ""),  # three passes: nobody has said
        (("AXIAL", "CORONAL", "SAGITTAL"), ""),
        ((), ""),
    ],
)
def test_series_tell_the_passes_that_a_name_leaves_open(told: Doses, series: tuple[str, ...], said: str) -> None:
    assert text(told, scanned(*series)) == [said]


def test_series_that_are_no_ct_tell_no_passes(told: Doses) -> None:
    assert text(told, scanned("HEAD W/O", modality="SR")) == [""]


def test_no_age_no_band(told: Doses) -> None:
    assert text(told, HEAD, born=None) == [""]
    assert text(told, HEAD, DLP_480, born=None) == ["DLP 480 mGy·cm"]


def test_a_wide_date_widens_the_band(told: Doses) -> None:
    year = told(report("r1", BELLY, "2018"))[0].msv
    day = told(report("r1", BELLY, "2018-12-01"))[0].msv
    assert year is not None and day is not None and year[0] <= day[0] and day[1] <= year[1] and year != day


def test_radiation_or_none(told: Doses) -> None:
    assert [one.radiation for one in told(report("r1", {"text": "MRI brain"}, "2025-06-01"))] == [False]
    assert [one.radiation for one in told(HEAD)] == [True]
    some = report("r1", {"coding": [{"system": "http://loinc.org", "code": "18748-4"}]}, "2025-06-01")
    assert [one.radiation for one in told(some)] == [None]


def test_what_was_only_requested_has_no_dose(told: Doses) -> None:
    assert told(order("o1", CT_HEAD, "active", authoredOn="2026-03-01")) == ()
