"""The orders we make: what is copied, what is kept, what is dropped, and that nothing invalid ever leaves."""

import copy
from itertools import count
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.findings import Alternative, Change, ChangeKind, Contact, ReasonOffer
from cds_service.suggestions.clean import DEEPEST, clean, sound
from cds_service.suggestions.dialects import DIALECTS, dialect
from cds_service.suggestions.orders import Draft
from cds_service.suggestions.pama import in_both_places, rate_as_ordered, rated
from cds_service.suggestions.validate import concept_faults, faults, own_id
from cds_service.vocabulary import order_codes
from cds_service.vocabulary.exams import Exam, exam

CODES = order_codes.load(
    {"o.yaml": b"system: http://loinc.org\norders: {US appendix: {code: 24548-0, display: US Appendix}}"}
)
CT, US = exam("CT abdomen+pelvis with contrast"), exam("US appendix")
CONCEPT = {"text": "Ultrasound appendix"}
FULL: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "id": "draft-1",
    "meta": {"versionId": "1"},
    "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>CT</div>"},
    "contained": [
        {"resourceType": "Condition", "id": "why", "subject": {"reference": "Patient/kid"}},
        {"resourceType": "Condition", "id": "other", "subject": {"reference": "Patient/kid"}},
    ],
    "extension": [{"url": "urn:ehr:color", "valueString": "red"}],
    "identifier": [{"system": "urn:ehr", "value": "7"}],
    "basedOn": [{"reference": "CarePlan/1"}],
    "requisition": {"value": "group"},
    "status": "draft",
    "intent": "original-order",
    "category": [{"text": "Imaging"}],
    "priority": "urgent",
    "code": {"coding": [{"system": "urn:ehr", "code": "CTAP"}]},
    "orderDetail": [{"text": "oral contrast"}],
    "subject": {"reference": "https://ehr.example.org/fhir/Patient/kid", "display": "Kid"},
    "encounter": {"reference": "Encounter/e"},
    "occurrenceDateTime": "2026-03-02T14:00:00Z",
    "authoredOn": "2026-03-02",
    "requester": {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    },
    "performer": [{"reference": "Organization/ct-department"}],
    "reasonCode": [{"text": "RLQ pain"}],
    "reasonReference": [{"reference": "#why"}],
    "insurance": [{"reference": "Coverage/1"}],
    "supportingInfo": [{"reference": "Observation/wbc"}],
    "bodySite": [{"text": "abdomen"}],
    "note": [{"text": "Allergic to iodine"}],
    "patientInstruction": "Drink the contrast",
}
REFERENCE = "ServiceRequest/draft-1"


def draft(order: dict[str, Any], reference: str = REFERENCE, ordered: Exam | None = CT) -> Draft:
    return Draft(order, reference, exam=ordered)


def test_a_created_order_says_again_what_still_holds_and_nothing_of_the_old_exam() -> None:
    made = draft(FULL).created(CONCEPT, US)
    assert made is not None
    copied = "basedOn category priority subject encounter occurrenceDateTime requester reasonCode reasonReference"
    assert {member: made[member] for member in made if member in FULL and made[member] == FULL[member]} == {
        member: FULL[member] for member in f"resourceType status intent {copied} insurance supportingInfo note".split()
    }
    assert made["contained"] == FULL["contained"][:1]
    assert set(made) == {
        *copied.split(),
        "resourceType",
        "status",
        "intent",
        "contained",
        "insurance",
        "supportingInfo",
        "note",
        "code",
    }
    assert faults(made) == ()


def test_the_side_is_kept_where_the_place_stays_the_same() -> None:
    ankle = FULL | {"bodySite": [{"text": "left ankle"}]}
    same = draft(ankle, ordered=exam("CT ankle without contrast"))
    for made in (same.created(CONCEPT, exam("MR ankle without contrast")), same.changed(CONCEPT, exam("XR ankle"))):
        assert made is not None
        assert made["bodySite"] == [{"text": "left ankle"}]
    for other in (draft(ankle, ordered=None), draft(ankle)):
        made = other.created(CONCEPT, exam("XR ankle"))
        assert made is not None
        assert "bodySite" not in made


@pytest.mark.parametrize(
    ("code", "side"),
    [
        ({"text": "CT ANKLE LEFT WO CONTRAST"}, "Left"),
        ({"coding": [{"display": "CT Ankle - right WO contrast"}], "text": "CT ANKLE RT"}, "Right"),
        ({"text": "CT ANKLES BILATERAL"}, "Left and right"),
        ({"text": "CT ANKLE LEFT", "coding": [{"display": "CT right ankle"}]}, ""),
        ({"text": "CT ANKLE", "coding": "broken"}, ""),
        ("broken", ""),
    ],
)
def test_the_side_told_by_the_name_of_the_exam_only_goes_along(code: Any, side: str) -> None:
    order = {member: value for member, value in FULL.items() if member != "bodySite"} | {"code": code}
    kept = [{"text": side}] if side else None
    ankle = draft(order, ordered=exam("CT ankle without contrast"))
    made = ankle.created(CONCEPT, exam("XR ankle"))
    assert made is not None and made.get("bodySite") == kept and faults(made) == ()
    assert (ankle.created(CONCEPT, exam("XR foot")) or {}).get("bodySite") is None
    assert isinstance(code, str) or (ankle.changed(CONCEPT, exam("XR ankle")) or {}).get("bodySite") == kept
    head = draft(order, ordered=exam("CT head without contrast")).created(CONCEPT, exam("MR head without contrast"))
    assert (head or {}).get("bodySite") is None


def test_a_changed_order_is_the_clients_own_but_for_the_exam() -> None:
    made = draft(FULL | {"_patientInstruction": {"id": "x"}}).changed(CONCEPT, US)
    gone = {"text", "orderDetail", "bodySite", "patientInstruction"}
    assert made == {member: value for member, value in FULL.items() if member not in gone} | {"code": CONCEPT}


def test_making_orders_leaves_the_order_of_the_request_as_it_was() -> None:
    before = copy.deepcopy(FULL)
    one = draft(FULL)
    for made in (one.created(CONCEPT, US), one.changed(CONCEPT, US), one.with_reason(CONCEPT), one.as_ordered()):
        assert made is not None
        rated(made, "", mechanism="none")
    assert before == FULL


SANDBOX = {
    "resourceType": "ServiceRequest",
    "id": "example-request-id",
    "status": "draft",
    "intent": "plan",
    "code": {"coding": [{}]},
    "reasonCode": [],
    "subject": {"reference": "Patient/1"},
}


def test_empty_members_are_left_out_and_the_rest_survives() -> None:
    made = draft(SANDBOX, "ServiceRequest/example-request-id").changed(CONCEPT, US)
    assert made == {member: value for member, value in SANDBOX.items() if member != "reasonCode"} | {"code": CONCEPT}
    reasoned = draft(SANDBOX, "ServiceRequest/example-request-id").with_reason({"text": "Headache"})
    assert reasoned is not None
    assert reasoned["reasonCode"] == [{"text": "Headache"}]
    assert "code" not in reasoned


VENDOR_ID = "eb.G-" + "x_y" * 45


def test_a_vendors_long_id_and_own_members_survive_an_update() -> None:
    order = FULL | {"id": VENDOR_ID, "com.vendor.flag": {"a": 1}, "identifier": [{"value": "7", "vendorRank": 1}]}
    made = draft(order, f"ServiceRequest/{VENDOR_ID}").changed(CONCEPT, US)
    assert made is not None
    assert (made["id"], made["com.vendor.flag"]) == (VENDOR_ID, {"a": 1})
    assert made["identifier"] == [{"value": "7", "vendorRank": 1}]


@pytest.mark.parametrize("subject", [{"value": {"reference": "Patient/1"}}, {"vendorPatient": "1"}, {}, None])
def test_an_order_whose_subject_names_nobody_makes_no_new_order(subject: Any) -> None:
    assert draft(FULL | {"subject": subject}).created(CONCEPT, US) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "banana"},
        {"status": None},
        {"intent": ["order"]},
        {"subject": None},
        {"subject": {"reference": "kid one"}},
        {"category": {"text": "Imaging"}},
        {"occurrenceDateTime": "2026-13-01"},
        {"contained": [{"resourceType": "Banana"}]},
        {"contained": [{"resourceType": 3}]},
        {"basedOn": [{"reference": 7}]},
        {"extension": [{}, {"valueString": "no url"}]},
    ],
)
def test_an_order_that_is_not_valid_fhir_is_never_sent_back(odd: dict[str, Any]) -> None:
    one = draft(FULL | odd)
    assert one.changed(CONCEPT, US) is None
    assert one.with_reason(CONCEPT) is None
    assert one.as_ordered() is None


def test_a_fault_in_what_is_replaced_does_not_matter() -> None:
    one = draft(FULL | {"code": {"coding": "CT"}, "orderDetail": "oral"})
    assert one.changed(CONCEPT, US) is not None
    assert one.with_reason(CONCEPT) is None


def test_a_note_is_added_once() -> None:
    noted = draft(FULL).with_note("Lowest pulse rate.")
    assert noted is not None
    assert noted["note"][-1] == {"text": "Lowest pulse rate."}
    assert {**FULL, "note": noted["note"]} == noted | {member: FULL[member] for member in FULL if member == "text"}
    assert draft(noted).with_note("Lowest pulse rate.") is None
    assert (
        draft(FULL | {"note": [{"text": "as said: lowest  PULSE rate. Thanks"}]}).with_note("Lowest pulse rate.")
        is None
    )
    assert draft(FULL).with_note("") is None
    assert draft(FULL | {"note": "none"}).with_note("Lowest pulse rate.") is None


def test_a_message_that_would_not_be_valid_is_not_made() -> None:
    made = draft(FULL).message(Contact("the physicist", "", "PractitionerRole/a"), "Help?")
    assert made is not None
    assert made["recipient"] == [{"reference": "PractitionerRole/a", "display": "the physicist"}]
    assert draft(FULL).message(Contact("the physicist", "", "no reference"), "Help?") is None
    assert draft(FULL).message(Contact("the physicist", ""), "") is None


def test_a_reason_that_is_no_concept_is_not_added() -> None:
    assert draft(FULL).with_reason({"coding": "R51"}) is None
    assert concept_faults({"coding": "R51"})
    assert not concept_faults({"coding": [{"system": "s", "code": "R51"}]})


@pytest.mark.parametrize(
    ("odd", "lost"),
    [
        ({"category": {"text": "Imaging"}}, "category"),
        ({"priority": "Routine"}, "priority"),
        ({"encounter": {"reference": "no good"}}, "encounter"),
        ({"occurrencePeriod": {"start": "2026-03-02"}}, "occurrenceDateTime"),
        ({"note": [{"time": "2026-03-02"}]}, "note"),
        ({"supportingInfo": [None, {}]}, "supportingInfo"),
    ],
)
def test_a_created_order_leaves_out_what_cannot_be_said_again(odd: dict[str, Any], lost: str) -> None:
    made = draft(FULL | odd).created(CONCEPT, US)
    assert made is not None
    assert lost not in made
    assert made["subject"] == FULL["subject"]


def test_an_odd_intent_becomes_an_order() -> None:
    made = draft(FULL | {"intent": "banana", "status": "active"}).created(CONCEPT, US)
    assert made is not None
    assert (made["intent"], made["status"]) == ("order", "draft")


def test_bottomless_orders_are_left_alone() -> None:
    deep: dict[str, Any] = {}
    for _ in range(DEEPEST + 2):
        deep = {"extension": [deep, {"url": "x"}]}
    one = draft(FULL | {"note": [deep], "extension": [deep]})
    assert one.created(CONCEPT, US) is None
    assert one.changed(CONCEPT, US) is None


def test_cleaning_leaves_numbers_and_booleans() -> None:
    assert clean({"a": 0, "b": False, "c": float("inf"), "d": "", "": 1, "e": [[], ""]}) == {"a": 0, "b": False}
    assert clean(None) is None
    assert sound("a\udc00b") == "a\ufffdb"
    assert clean({"x\ud800": ["y\ud800"]}) == {"x\ufffd": ["y\ufffd"]}


@pytest.mark.parametrize("value", ["", "a b", "a/b", "a?b", "a#b", "a\nb", "x" * 513, None, 3, ["a"]])
def test_ids_that_cannot_be_aimed_at(value: Any) -> None:
    assert own_id(value) == ""


def test_a_rating_on_the_order_as_it_stands_changes_nothing_else() -> None:
    earlier = [{"url": "http://fhir.org/argonaut/Extension/pama-rating", "valueCodeableConcept": {"text": "old"}}]
    action = rate_as_ordered(draft(FULL | {"extension": earlier}), "usually not appropriate", mechanism="none")
    assert action is not None
    assert action.resource is not None
    assert {member: value for member, value in action.resource.items() if member != "extension"} == {
        member: value for member, value in FULL.items() if member != "extension"
    }
    rating, *others = action.resource["extension"]
    assert rating["valueCodeableConcept"]["coding"][0]["code"] == "not-appropriate"
    assert len(others) == 2
    assert action.description


@pytest.mark.parametrize("rating", ["", "unrated"])
def test_without_a_rating_the_order_is_not_among_the_system_actions(rating: str) -> None:
    assert rate_as_ordered(draft(FULL), rating, mechanism="none") is None


def test_an_invalid_order_is_not_rated() -> None:
    assert rate_as_ordered(draft(FULL | {"status": "banana"}), "may be appropriate", mechanism="none") is None


def test_every_consultation_has_an_id_of_its_own() -> None:
    ids = {rated({}, "", mechanism="none")["extension"][2]["valueUri"] for _ in range(20)}
    assert len(ids) == 20


def test_system_actions_stand_in_both_places() -> None:
    action = rate_as_ordered(draft(FULL), "may be appropriate", mechanism="none")
    assert action is not None
    assert in_both_places([action]) == {"systemActions": [action], "extension": {"systemActions": [action]}}
    assert in_both_places([]) == {}


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("a\ud800")
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["reference", "coding", "text", "url", "code", "resourceType", "id"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
PLACES = st.sampled_from([*FULL, "vendor", "_priority", "occurrencePeriod", "asNeededBoolean", "doNotPerform"])
CHANGES = [
    Change(ChangeKind.REPLACE, "x", "x", "x", "x", alternative=Alternative(US, rating="may be appropriate")),
    Change(ChangeKind.REMOVE, "x", delete="x"),
    Change(ChangeKind.ADD_REASON, "x", update="x", offer=ReasonOffer("r", "R", {"text": "R"})),
]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(PLACES, JSON, max_size=4), st.booleans(), st.sampled_from(sorted(DIALECTS)))
def test_no_order_however_odd_is_answered_with_an_invalid_one(odd: dict[str, Any], merged: bool, profile: str) -> None:
    order = FULL | odd if merged else odd
    reference = f"ServiceRequest/{order.get('id')}"
    ids = count()
    speaker = dialect(profile)(Draft(order, reference, exam=CT), CODES, new_id=lambda: str(next(ids)))
    for change in CHANGES:
        suggestion = speaker.suggestion(change)
        for action in suggestion.actions if suggestion else ():
            if action.type == "delete":
                assert action.resourceId == reference
                continue
            assert action.resource is not None
            assert faults(action.resource) == ()
            sent = msgspec.json.decode(msgspec.json.encode(action.resource))
            known = {member: value for member, value in sent.items() if member != "vendor"}
            if action.type == "create":
                ServiceRequest.model_validate(known)
            assert clean(sent) == sent
