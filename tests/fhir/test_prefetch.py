"""What was sent, key by key: none, unknown, or data, and always this patient's only."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cds_service.errors import MissingPatient
from cds_service.fhir.prefetch import (
    KIND_OF,
    NEEDS,
    PURPOSES,
    TEMPLATES,
    absent,
    patient_of,
    records,
)
from cds_service.fhir.records import LazyRecords, Section
from cds_service.fhir.resources import (
    AllergyIntolerance,
    Condition,
    Encounter,
    Flag,
    Observation,
    ServiceRequest,
)
from cds_service.vocabulary.facts import STATIC
from tests.fhir.written import CHILD, SERVER, bundle, observation, outcome, request


def sent(**prefetch: Any) -> LazyRecords:
    """The records of such a call."""
    return records(request(**prefetch))


def about(subject: Any, **prefetch: Any) -> Section[Observation]:
    """The section of Observations when one about *subject* was sent."""
    return sent(observations=bundle(observation(subject=subject)), **prefetch).read(Observation)


OWN = "complete with 1"


def said(section: Section[Any]) -> str:
    """A section in short: complete or why not, and how many came."""
    return f"{section.gap or 'complete'} with {len(section.items)}"


# The templates


def test_templates_are_plain_reads_and_searches() -> None:
    for key, template in TEMPLATES.items():
        kind = KIND_OF[key].__name__
        assert re.fullmatch(
            rf"{kind}/{{{{context\.(patientId|encounterId)}}}}|{kind}\?patient={{{{context\.patientId}}}}[&=\w-]*",
            template,
        ), key


def test_each_search_parameter_stands_once() -> None:
    for key, template in TEMPLATES.items():
        names = [pair.split("=")[0] for pair in template.partition("?")[2].split("&")]
        assert len(names) == len(set(names)), key


def test_each_type_is_asked_for_once() -> None:
    assert len({need.kind for need in NEEDS}) == len(NEEDS) == len(TEMPLATES)


def test_every_key_serves_facts_and_every_group_of_facts_has_a_key() -> None:
    assert all(PURPOSES.values())
    served = {fact for facts in PURPOSES.values() for fact in facts}
    groups = {name.partition(".")[0] + "." for name in STATIC} | {"sign.", "exam.", "score.", "safety."}
    assert served <= groups | set(STATIC)
    assert served >= {"patient.", "setting.", "history.", "sign.", "exam.", "score.", "safety."}


# The six states of a key


def test_null_means_none() -> None:
    assert said(sent(conditions=None).read(Condition)) == "complete with 0"


def test_empty_search_means_none() -> None:
    assert said(sent(conditions=bundle(total=0)).read(Condition)) == "complete with 0"


def test_search_that_holds_only_a_notice_means_none() -> None:
    assert said(sent(conditions=bundle(outcome("warning"), total=0)).read(Condition)) == "complete with 0"


def test_missing_key_is_unknown() -> None:
    assert said(sent().read(Condition)) == "not sent with 0"


def test_error_in_place_of_data_is_unknown() -> None:
    assert said(sent(conditions=outcome()).read(Condition)) == "refused with 0"


def test_error_among_the_results_is_unknown() -> None:
    assert said(sent(observations=bundle(observation(), outcome("error"))).read(Observation)) == "refused with 1"


def test_first_page_of_many_is_incomplete() -> None:
    page = bundle(observation(), link=[{"relation": "next", "url": "u"}])
    assert said(sent(observations=page).read(Observation)) == "more pages with 1"


@pytest.mark.parametrize("value", [[], "text", 7, True, {}, {"resourceType": "Condition"}, b"<html>"])
def test_wrong_kind_of_value_is_unknown(value: Any) -> None:
    assert said(sent(observations=value).read(Observation)) == "not readable with 0"


def test_single_resource_counts_as_one_entry() -> None:
    assert said(sent(observations=observation()).read(Observation)) == OWN


def test_odd_entry_is_counted_and_the_rest_kept() -> None:
    section = sent(observations=bundle(observation(), {"resourceType": "Observation", "code": 7})).read(Observation)
    assert said(section) == "partly not readable with 1"
    assert section.unreadable == 1


def test_type_nobody_sends_is_unknown() -> None:
    assert said(sent().read(Flag)) == "not sent with 0"


def test_one_failing_key_leaves_the_others() -> None:
    record = sent(conditions=outcome(), observations=bundle(observation()))
    assert said(record.read(Observation)) == OWN


def test_keys_we_did_not_ask_for_are_passed_over() -> None:
    assert said(sent(**{"-user": b"<html>", "observations": bundle()}).read(Observation)) == "complete with 0"


# Whose it is


@pytest.mark.parametrize(
    "subject",
    [
        "Patient/p",
        "Patient/p/_history/3",
        "https://ehr.example/r4/Patient/p",
        "https://proxy.example/any/Patient/p/_history/1",
        "urn:uuid:p",
    ],
)
def test_references_to_this_patient(subject: str) -> None:
    assert said(about(subject)) == OWN


@pytest.mark.parametrize(
    "subject", ["Patient/q", "Patient/pp", "Patient/P", "https://ehr.example/r4/Patient/q", "Patient/q/_history/1"]
)
def test_another_patients_row_is_dropped_and_said(subject: str) -> None:
    assert said(about(subject)) == "another patient with 0"


@pytest.mark.parametrize(
    "subject",
    [
        None,
        {},
        {"display": "P"},
        "",
        "p",
        "Group/p",
        "#p",
        "Patient/",
        "Patient/p/x",
        "xPatient/p",
        "evil/Patient/p",
        "urn:uuid:other",
        "https://ehr.example/r4/Group/p",
        "https://ehr.example/r4?x=Patient/p/Observation",
    ],
)
def test_row_that_names_nobody_we_know_is_dropped_and_said(subject: Any) -> None:
    section = about(subject)
    assert said(section) == "partly not readable with 0"
    assert section.unreadable == 1


def test_own_rows_stay_when_others_are_dropped() -> None:
    rows = bundle(observation("a"), observation("b", "Patient/q"), observation("c", None))
    section = sent(observations=rows).read(Observation)
    assert [one.id for one in section.items] == ["a"]
    assert section.gap == "another patient"
    assert section.unreadable == 1


def test_identifier_of_the_patient_names_the_patient() -> None:
    known = {**CHILD, "identifier": [{"system": "urn:mrn", "value": "7"}]}
    assert said(about({"identifier": {"system": "urn:mrn", "value": "7"}}, patient=known)) == OWN
    for other in ({"system": "urn:mrn", "value": "8"}, {"value": "7"}, {"system": "urn:mrn"}, {}):
        assert said(about({"identifier": other}, patient=known)) == "partly not readable with 0"
    bare = {**CHILD, "identifier": [{"value": "7"}]}
    assert said(about({"identifier": {"value": "7"}}, patient=bare)) == "partly not readable with 0"
    assert said(about({"identifier": {"system": "urn:mrn", "value": "7"}})) == "partly not readable with 0"
    assert said(about({"identifier": {"system": "urn:mrn", "value": "7"}}, patient=CHILD)).startswith("partly")


def test_record_merged_with_this_one_is_this_patients() -> None:
    links = [{"other": {"reference": "Patient/old"}, "type": "replaces"}, {"type": "replaces"}, {"other": {}}]
    assert said(about("Patient/old", patient={**CHILD, "link": links})) == OWN
    assert said(about("urn:uuid:old", patient={**CHILD, "link": links})) == OWN
    seealso = [{"other": {"reference": "Patient/old"}, "type": "seealso"}]
    assert said(about("Patient/old", patient={**CHILD, "link": seealso})) == "another patient with 0"


def test_kinds_that_name_their_patient_otherwise() -> None:
    allergy = {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p"}}
    assert said(sent(allergies=bundle(allergy)).read(AllergyIntolerance)) == OWN
    allergy = {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/q"}}
    assert said(sent(allergies=bundle(allergy)).read(AllergyIntolerance)) == "another patient with 0"


# The Patient and the Encounter


def test_patient_comes_back() -> None:
    assert patient_of(sent(patient=CHILD)).birthDate == "2017-05-04"
    assert patient_of(sent(patient=bundle(CHILD))).id == "p"


@pytest.mark.parametrize(
    ("patient", "why"),
    [
        (None, "not sent"),
        ({**CHILD, "id": "q"}, "another patient"),
        ({"resourceType": "Patient"}, "another patient"),
        (outcome(), "refused"),
        ("text", "not readable"),
        (bundle({**CHILD, "id": "q"}), "another patient"),
        ({**CHILD, "birthDate": 86400}, "not readable"),
    ],
)
def test_without_the_right_patient_the_call_is_refused(patient: Any, why: str) -> None:
    with pytest.raises(MissingPatient, match=why) as caught:
        patient_of(sent(patient=patient))
    assert caught.value.status == 412


def test_patient_that_was_not_sent_at_all() -> None:
    with pytest.raises(MissingPatient, match="not sent"):
        patient_of(sent())
    with pytest.raises(MissingPatient, match="timeout"):
        patient_of(records(request(), gaps={"patient": "timeout"}))


def test_fetched_patient_stands_for_a_wrong_one() -> None:
    wrong = request(patient={**CHILD, "id": "q"})
    assert patient_of(records(wrong, fetched={"patient": json.dumps(CHILD).encode()})).id == "p"


def test_encounter_is_the_one_named() -> None:
    visit = {"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/p"}}
    assert said(sent(encounter=visit).read(Encounter)) == OWN
    assert said(sent(encounter={**visit, "id": "f"}).read(Encounter)) == "partly not readable with 0"
    assert said(sent(encounter={**visit, "subject": None}).read(Encounter)) == "partly not readable with 0"
    other = {**visit, "subject": {"reference": "Patient/q"}}
    assert said(sent(encounter=other).read(Encounter)) == "another patient with 0"


def test_call_that_names_no_encounter() -> None:
    assert records(request(encounter_id=None)).read(Encounter).gap == "no encounter named"
    assert records(request()).read(Encounter).gap == "not sent"


# What was fetched


def fetched(value: Any, gap: str = "", **prefetch: Any) -> Section[Observation]:
    """The Observations when *value* was fetched for them."""
    values = {"observations": value} if value is not None else {}
    gaps = {"observations": gap} if gap else {}
    return records(request(**prefetch), fetched=values, gaps=gaps).read(Observation)


def test_fetched_value_fills_a_missing_key() -> None:
    assert said(fetched(bundle(observation()))) == OWN


def test_why_it_was_not_fetched() -> None:
    assert said(fetched(None, "timeout")) == "timeout with 0"


def test_part_that_was_fetched_is_kept() -> None:
    assert said(fetched(bundle(observation()), "timeout")) == "timeout with 1"


def test_fetched_rows_must_be_of_the_server_asked() -> None:
    assert said(fetched(bundle(observation(subject=SERVER + "/Patient/p")))) == OWN
    elsewhere = bundle(observation(subject="https://other.example/r4/Patient/p"))
    assert said(fetched(elsewhere)) == "partly not readable with 0"


def test_fetched_pages_complete_a_first_page() -> None:
    first = bundle(observation("a"), total=2, link=[{"relation": "next", "url": "u"}])
    assert said(fetched(bundle(observation("b")), observations=first)) == "complete with 2"
    assert said(fetched(bundle(observation("b")), "timeout", observations=first)) == "timeout with 2"
    assert said(fetched(None, "timeout", observations=first)) == "more pages with 1"


def test_nothing_is_decoded_before_it_is_asked_for_and_only_once() -> None:
    record = sent(orders=bundle({"resourceType": "ServiceRequest", "subject": {"reference": "Patient/p"}}))
    assert record.read(ServiceRequest) is record.read(ServiceRequest)


# Which keys are missing


def test_absent_keys() -> None:
    assert absent(request()) == list(TEMPLATES)
    assert absent(request(**dict.fromkeys(TEMPLATES))) == []
    assert absent(request(encounter_id=None, conditions=None), {"encounter", "conditions", "reports"}) == ["reports"]
