"""All facts of an order: what is shared, what is computed, what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cds_service.facts.exams import Recognised, recognise
from cds_service.facts.gather import Child, OrderFacts, Site, gather, merged
from cds_service.facts.history import alike
from cds_service.fhir.records import LazyRecords, Section, given
from cds_service.fhir.resources import ImagingStudy, Observation, Patient, ServiceRequest, as_resource
from cds_service.vocabulary import exam_codes, finding_codes, reason_files
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.facts import HISTORY_EXAMS, STATIC
from cds_service.vocabulary.readings import Evidence, Facts, Interval, Prior, Priors, Reading

CODES = Path(__file__).parents[2] / "rules" / "codes"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
CT_HEAD = {"coding": [{"system": LOINC, "code": "30799-1"}], "text": "CT head without contrast"}
PATIENT = {"resourceType": "Patient", "id": "child", "birthDate": "2017-05-04", "gender": "female"}
VOMITING = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"coding": [{"system": SNOMED, "code": "422400008"}]},
    "effectiveDateTime": "2026-03-10T11:00:00Z",
    "valueBoolean": True,
}
EARLIER_CT = {
    "resourceType": "ImagingStudy",
    "id": "s1",
    "status": "available",
    "started": "2026-03-09T10:00:00Z",
    "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}],
    "description": "CT HEAD W/O CONTRAST",
}

Define = Callable[[Facts], Reading]


def files(folder: str) -> dict[str, bytes]:
    return {f"rules/codes/{folder}/{path.name}": path.read_bytes() for path in sorted((CODES / folder).glob("*.yaml"))}


@pytest.fixture(scope="module")
def lists() -> dict[str, Any]:
    return {
        "exams": exam_codes.ExamCodes.load(files("exams")),
        "reasons": reason_files.load(files("reasons")),
        "findings": finding_codes.load(files("findings")),
    }


@pytest.fixture
def child(lists: dict[str, Any]) -> Callable[..., Child]:
    def make(*resources: dict[str, Any], complete: bool = True, **more: Any) -> Child:
        record = given("child", *(as_resource(one) for one in (PATIENT, *resources)), complete=complete)
        return Child(record, now=NOW, **{**lists, **more})

    return make


def order(**more: Any) -> ServiceRequest:
    plain = {
        "resourceType": "ServiceRequest",
        "id": "draft",
        "status": "draft",
        "code": CT_HEAD,
        "priority": "stat",
        **more,
    }
    return msgspec.convert(plain, ServiceRequest)


def about(one: Child, asked: ServiceRequest | None = None) -> OrderFacts:
    asked = asked or order()
    return gather(asked, recognise(asked, one._exams), one)


def test_every_group_of_facts(child: Callable[..., Child]) -> None:
    facts = about(child(VOMITING, EARLIER_CT, site=Site("Europe/Berlin", {"setting.mri_available": False})))
    assert facts["order.modality"].value == {"CT"}
    assert facts["order.priority"].value == {"stat"}
    assert facts["order.no_such"].value is None
    assert facts["patient.age"].value.born_first.year == 2017
    assert facts["patient.sex"].value == {"female"}
    assert facts["sign.vomiting"].value is True
    assert facts["setting.mri_available"].value is False
    assert facts["setting.ultrasound_available"].value is None
    assert facts["setting.emergency"].value is None
    assert facts["no.such_fact"].value is None
    assert len(facts["history.same_exam"].value.items) == 1
    assert set(facts.known()) >= {"order.modality", "sign.vomiting", "history.same_exam"}


def test_every_static_fact_can_be_asked_for(child: Callable[..., Child]) -> None:
    facts = about(child())
    for name in STATIC:
        assert isinstance(facts[name], Reading)


def test_the_reason_of_the_order(child: Callable[..., Child]) -> None:
    stated = order(reasonCode=[{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "S09.90XA"}]}])
    facts = about(child(), stated)
    assert "minor-head-injury" in facts["order.reason"].value.values
    assert facts["order.reason_given"].value == {"yes"}
    assert about(child())["order.reason_given"].value == {"no"}


def test_the_order_may_tell_the_childs_zone(child: Callable[..., Child]) -> None:
    late = order(authoredOn="2026-03-11T00:30:00+12:30")
    assert about(child(), late)["patient.age"].value.today_first.day == 11
    assert about(child())["patient.age"].value.today_first.day == 10


def test_history_by_kind(child: Callable[..., Child]) -> None:
    facts = about(child(EARLIER_CT))
    assert len(facts["history.any"].value.items) == 1
    assert len(facts["history.head_ct"].value.items) == 1
    assert facts["history.head_ct"].evidence
    assert facts["history.head_mri"].value == Priors((), True, NOW)
    assert facts["history.no_such"].value is None


def test_history_of_the_ordered_region_by_modality(child: Callable[..., Child]) -> None:
    def study(modality: str, text: str) -> dict[str, object]:
        coding = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": modality}
        return {**EARLIER_CT, "id": text.replace(" ", "-"), "modality": [coding], "description": text}

    done = [study("DX", "XR SKULL"), study("DX", "XR KNEE"), study("US", "US HEAD")]
    facts = about(child(*done))
    assert [len(facts[f"history.region_{kind}"].value.items) for kind in ("radiograph", "ultrasound")] == [1, 1]


def test_a_booked_exam_is_pending_and_not_history(child: Callable[..., Child]) -> None:
    booked = {
        "resourceType": "ServiceRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "code": CT_HEAD,
        "authoredOn": "2026-03-10T08:00:00Z",
    }
    facts = about(child(booked))
    assert facts["history.any"].value.items == ()
    assert facts["history.same_exam"].value.items == ()
    assert len(facts["history.pending_same_exam"].value.items) == 1
    assert facts["history.pending_same_exam"].value.complete


def test_an_exam_that_is_not_recognised_has_no_same_exam(child: Callable[..., Child]) -> None:
    facts = about(child(EARLIER_CT), order(code={"text": "something"}))
    assert facts["order.recognised"].value is False
    assert facts["history.same_exam"].value is None
    assert facts["history.pending_same_exam"].value is None


def test_what_belongs_to_the_child_is_read_once_for_all_orders(lists: dict[str, Any]) -> None:
    asked: list[type] = []

    class Counted(LazyRecords):
        def read(self, kind: Any) -> Any:
            asked.append(kind)
            return super().read(kind)

    one = Child(Counted("child", {Patient: lambda: Section((Patient(birthDate="2017"),), True, "")}), now=NOW, **lists)
    first, second = about(one), about(one)
    assert asked == []
    first["sign.vomiting"], first["sign.amnesia"], first["patient.age"], first["history.any"]
    counted = asked.count(Observation)
    assert asked.count(Patient) == 1
    second["sign.vomiting"], second["sign.amnesia"], second["patient.age"], second["history.any"]
    second["history.head_ct"], first["patient.sex"]
    assert (asked.count(Observation), asked.count(Patient)) == (counted, 1)
    assert one.priors is one.priors


def test_a_reading_is_kept(child: Callable[..., Child]) -> None:
    facts = about(child(VOMITING))
    assert facts["sign.vomiting"] is facts["sign.vomiting"]


# definitions


def always(value: Any) -> Define:
    return lambda facts: Reading(value)


def test_a_definition_computes_a_fact_from_others(child: Callable[..., Child]) -> None:
    definitions: dict[str, Define] = {"sign.sick": lambda facts: Reading(facts["sign.vomiting"].value)}
    assert about(child(VOMITING, definitions=definitions))["sign.sick"].value is True


def test_what_was_read_goes_before_a_definition(child: Callable[..., Child]) -> None:
    assert about(child(VOMITING, definitions={"sign.vomiting": always(False)}))["sign.vomiting"].value is True
    assert about(child(definitions={"sign.vomiting": always(False)}))["sign.vomiting"].value is False


def test_a_definition_is_worked_out_once(child: Callable[..., Child]) -> None:
    calls: list[int] = []

    def define(facts: Facts) -> Reading:
        calls.append(1)
        return Reading(True)

    facts = about(child(definitions={"sign.x": define, "sign.y": lambda facts: facts["sign.x"]}))
    assert facts["sign.y"].value is facts["sign.x"].value is facts["sign.x"].value is True
    assert len(calls) == 1


def test_definitions_that_lead_to_each_other_end(child: Callable[..., Child]) -> None:
    definitions: dict[str, Define] = {
        "sign.a": lambda facts: Reading(facts["sign.b"].value or facts["sign.vomiting"].value),
        "sign.b": lambda facts: facts["sign.a"],
        "sign.self": lambda facts: facts["sign.self"],
    }
    facts = about(child(VOMITING, definitions=definitions))
    assert facts["sign.a"].value is True
    assert facts["sign.b"].value is True
    assert facts["sign.self"].value is None


def test_a_definition_that_fails_leaves_the_next_one_whole(child: Callable[..., Child]) -> None:
    def broken(facts: Facts) -> Reading:
        raise ZeroDivisionError

    facts = about(child(definitions={"sign.a": broken, "sign.b": always(True)}))
    with pytest.raises(ZeroDivisionError):
        facts["sign.a"]
    assert facts["sign.b"].value is True
    assert "sign.b" in facts.known()


@pytest.mark.parametrize(
    ("read", "defined", "expected"),
    [
        (Reading(), Reading(True), Reading(True)),
        (Reading(suspected=True), Reading(), Reading(suspected=True)),
        (Reading(suspected=True), Reading(False), Reading(suspected=True)),
        (Reading(suspected=True), Reading(True), Reading(True)),
        (Reading(suspected=True), Reading(Interval(1, 2)), Reading(Interval(1, 2))),
        (Reading(gap="Observation"), Reading(), Reading(gap="Observation")),
        (Reading(gap="Observation"), Reading(suspected=True), Reading(suspected=True, gap="Observation")),
        (Reading(gap="Observation"), Reading(gap="Condition"), Reading(gap="Condition")),
        (Reading(gap="Observation"), Reading(False), Reading(False)),
    ],
)
def test_a_suspicion_is_not_undone_and_a_gap_is_kept(read: Reading, defined: Reading, expected: Reading) -> None:
    assert merged(read, defined) == expected


# what could not be read


def test_gaps_are_told_only_for_facts_that_were_asked_for(child: Callable[..., Child]) -> None:
    one = child(complete=False)
    facts = about(one)
    assert facts["order.modality"].value
    assert one.why_incomplete() == ()
    facts["sign.vomiting"]
    assert set(one.why_incomplete()) >= {("Condition", "not sent"), ("Observation", "not sent")}
    assert ("Encounter", "not sent") not in one.why_incomplete()
    facts["setting.emergency"]
    assert ("Encounter", "not sent") in one.why_incomplete()
    assert facts["history.head_ct"].gap == "ImagingStudy"
    assert {name for name, _ in one.why_incomplete()} >= {"ImagingStudy", "DiagnosticReport", "Procedure"}
    assert facts["history.pending_same_exam"].gap == "ServiceRequest"
    assert ("ServiceRequest", "not sent") in one.why_incomplete()


def test_what_was_read_is_known_whatever_else_is_missing(child: Callable[..., Child]) -> None:
    reading = about(child(VOMITING, complete=False))["sign.vomiting"]
    assert (reading.value, reading.gap) == (True, "")


def test_nothing_is_missing_where_all_was_answered(child: Callable[..., Child]) -> None:
    one = child()
    facts = about(one)
    for name in (*STATIC, "sign.vomiting", "safety.implant_any"):
        facts[name]
    assert one.why_incomplete() == ()


def test_studies_that_could_not_be_read_are_a_gap(lists: dict[str, Any]) -> None:
    one = Child(LazyRecords("child", {ImagingStudy: lambda: Section((), True, "", 2)}), now=NOW, **lists)
    assert one.incomplete([ImagingStudy]) == [("ImagingStudy", "partly unreadable")]
    assert one.patient is None
    assert about(one)["patient.age"].gap == "Patient"


def test_defaults_are_now_and_no_site(lists: dict[str, Any]) -> None:
    one = Child(given("child"), **lists)
    assert (datetime.now(UTC) - one.now).total_seconds() < 60
    assert one.site == Site()


def test_several_kinds_are_told_together_in_their_order() -> None:
    def prior(phrase: str, day: int) -> Prior:
        moment = datetime(2026, 3, day, tzinfo=UTC)
        return Prior(exam(phrase), moment, moment, evidence=(Evidence(phrase),))

    every = Priors((prior("US abdomen", 3), prior("CT head", 2), prior("US pelvis", 1)), True, NOW)
    found = alike(every, exam("US pelvis"), exam("US abdomen"))
    assert [item.first.day for item in found.items] == [3, 1]
    assert all(len(kinds) == 1 for kinds in HISTORY_EXAMS.values())


class TestPregnancyInTheOrder:
    """The order's own words make a pregnancy possible, whichever fact is asked for first."""

    def facts(self, child: Callable[..., Child], text: str) -> OrderFacts:
        asked = order(reasonCode=[{"text": text}])
        return gather(asked, Recognised(None, "CT head"), child())

    def test_it_is_possible_and_on_record(self, child: Callable[..., Child]):
        facts = self.facts(child, "headache, pregnant")
        assert facts["safety.unstable"].value is None
        assert facts["patient.pregnancy"].value == {"possible"}
        assert "patient.pregnancy" in facts.recorded

    def test_silence_about_it_changes_nothing(self, child: Callable[..., Child]):
        facts = self.facts(child, "headache")
        assert facts["patient.pregnancy"].value is None
        assert "patient.pregnancy" not in facts.recorded
