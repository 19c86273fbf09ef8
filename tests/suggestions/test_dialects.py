"""Each change in each client's dialect: which actions, aimed at what, with which codes."""

from itertools import count

import pytest

from cds_service.findings import Alternative, Change, ChangeKind, Contact, ReasonOffer
from cds_service.hooks.response import Suggestion
from cds_service.suggestions.dialects import DIALECTS, Generic, dialect
from cds_service.suggestions.orders import Draft
from cds_service.suggestions.validate import faults
from cds_service.vocabulary import order_codes
from cds_service.vocabulary.exams import exam

LOINC, EPIC = "http://loinc.org", "urn:com.epic.cdshooks.action.code.system.preference-list-item"
CODES = order_codes.load(
    {
        "orders.yaml": b"""
system: http://loinc.org
orders:
  US appendix: {code: 24548-0, display: US Appendix, say: ultrasound of the appendix}
  US pelvis: {code: 24869-0, display: US Pelvis}
  US upper-gi: {say: ultrasound of the upper GI tract}
"""
    },
    {"orders.yaml": b"system: %s\norders: {US appendix: {code: '4711', display: US APPENDIX}}" % EPIC.encode()},
)
ORDER = {
    "resourceType": "ServiceRequest",
    "id": "draft-1",
    "identifier": [{"system": "urn:ehr", "value": "7"}],
    "extension": [{"url": "urn:ehr:color", "valueString": "red"}],
    "status": "draft",
    "intent": "plan",
    "code": {"text": "CT abdomen and pelvis"},
    "bodySite": [{"text": "abdomen"}],
    "subject": {"reference": "Patient/kid"},
    "reasonCode": [{"text": "RLQ pain"}],
}
INSTEAD = Change(
    ChangeKind.REPLACE,
    "Order ultrasound of the appendix instead",
    create="Order ultrasound of the appendix",
    update="Change the order to ultrasound of the appendix",
    delete="Remove the CT",
    alternative=Alternative(exam("US appendix"), rating="usually appropriate"),
    recommended=True,
)
IN_WORDS = Change(ChangeKind.REPLACE, "x", "x", "x", "x", alternative=Alternative(exam("US upper-gi")))
REMOVE = Change(ChangeKind.REMOVE, "Remove the order", delete="Remove the CT")
REASON = Change(
    ChangeKind.ADD_REASON,
    "Add headache",
    update="Add headache to the order",
    offer=ReasonOffer("headache", "Headache", {"text": "Headache"}),
)

NOTE = Change(ChangeKind.ADD_NOTE, "Add this note", update="Add a note", note="Lowest pulse rate.")
ASK = Change(
    ChangeKind.ASK,
    "Ask the radiologist",
    create="Ask the radiologist",
    message="Which phases?",
    contact=Contact("the radiologist", "Dr. Example", "PractitionerRole/on-call"),
)


def test_a_note_is_an_update_where_orders_can_be_updated() -> None:
    for profile in ("generic", "update-in-place"):
        made = speaker(profile).suggestion(NOTE)
        assert made is not None
        (action,) = made.actions
        assert (action.type, action.resource["note"]) == ("update", [{"text": "Lowest pulse rate."}])  # type: ignore[index]
        assert not faults(action.resource or {})
    epic = speaker("epic")
    assert epic.suggestion(NOTE) is None
    assert epic.notes == ["this client takes no update, so no note can be added"]


def test_a_message_is_created_only_where_the_client_takes_one() -> None:
    made = speaker("generic").suggestion(ASK)
    assert made is not None
    (action,) = made.actions
    assert action.type == "create"
    assert action.resource == {
        "resourceType": "CommunicationRequest",
        "status": "draft",
        "subject": {"reference": "Patient/kid"},
        "recipient": [{"reference": "PractitionerRole/on-call", "display": "Dr. Example"}],
        "payload": [{"contentString": "Which phases?"}],
    }
    for profile in ("epic", "update-in-place"):
        one = speaker(profile)
        assert one.suggestion(ASK) is None
        assert one.notes == ["this client creates no messages"]


def test_no_message_about_nobody_or_to_nobody() -> None:
    bare = {member: value for member, value in ORDER.items() if member != "subject"}
    one = speaker("generic", bare)
    assert one.suggestion(ASK) is None
    assert one.notes == ["no message about this order can be written"]
    assert speaker("generic").suggestion(Change(ChangeKind.ASK, "x", create="x", message="x")) is None


def speaker(profile: str, order: dict[str, object] = ORDER, reference: str = "ServiceRequest/draft-1") -> Generic:
    numbers = count(1)
    draft = Draft(order, reference, exam=exam("CT abdomen+pelvis with contrast"))
    return dialect(profile)(draft, CODES, new_id=lambda: f"id-{next(numbers)}")


def offered(profile: str, change: Change) -> Suggestion:
    suggestion = speaker(profile).suggestion(change)
    assert suggestion is not None
    return suggestion


def test_generic_replaces_in_one_suggestion() -> None:
    suggestion = offered("generic", INSTEAD)
    remove, create = suggestion.actions
    assert (suggestion.label, suggestion.uuid, suggestion.isRecommended) == (INSTEAD.label, "id-1", True)
    assert (remove.type, remove.resourceId, remove.resource) == ("delete", "ServiceRequest/draft-1", None)
    assert (create.type, create.description) == ("create", "Order ultrasound of the appendix")
    assert create.resource is not None
    assert "id" not in create.resource
    assert (create.resource["status"], create.resource["intent"]) == ("draft", "plan")
    assert [coding["system"] for coding in create.resource["code"]["coding"]] == [LOINC]


def test_generic_takes_an_order_in_words() -> None:
    *_, create = offered("generic", IN_WORDS).actions
    assert create.resource is not None
    assert create.resource["code"] == {"text": "Ultrasound of the upper GI tract"}


def test_generic_adds_a_reason_by_updating_the_whole_order() -> None:
    (update,) = offered("generic", REASON).actions
    assert update.resource == ORDER | {"reasonCode": [{"text": "RLQ pain"}, {"text": "Headache"}]}
    assert (update.type, update.description, update.resourceId) == ("update", "Add headache to the order", None)


@pytest.mark.parametrize("profile", DIALECTS)
def test_removing_is_one_delete_everywhere(profile: str) -> None:
    suggestion = offered(profile, REMOVE)
    assert [(action.type, action.resourceId) for action in suggestion.actions] == [("delete", "ServiceRequest/draft-1")]
    assert suggestion.isRecommended is None


def test_epic_gets_one_action_with_the_sites_own_code() -> None:
    (create,) = offered("epic", INSTEAD).actions
    assert create.type == "create"
    assert create.resource is not None
    assert (create.resource["status"], create.resource["intent"]) == ("draft", "proposal")
    assert create.resource["code"]["coding"] == [{"system": EPIC, "code": "4711", "display": "US APPENDIX"}]


def test_epic_falls_back_on_shipped_codes_but_never_on_words() -> None:
    pelvis = Change(ChangeKind.REPLACE, "x", "x", "x", "x", alternative=Alternative(exam("US pelvis")))
    (create,) = offered("epic", pelvis).actions
    assert create.resource is not None
    assert create.resource["code"]["coding"][0]["system"] == LOINC
    epic = speaker("epic")
    assert epic.suggestion(IN_WORDS) is None
    assert epic.notes == ["no order code for US upper-gi"]


def test_epic_offers_the_removal_beside_the_new_order_and_leaves_it_unselected() -> None:
    epic = speaker("epic")
    (beside,) = epic.beside([INSTEAD, INSTEAD])
    assert (beside.label, beside.isRecommended) == ("Remove the CT", None)
    assert [action.type for action in beside.actions] == ["delete"]
    assert epic.beside([INSTEAD, REMOVE]) == []
    assert epic.beside([REASON]) == []
    assert speaker("generic").beside([INSTEAD]) == []


def test_epic_cannot_add_a_reason() -> None:
    epic = speaker("epic")
    assert epic.suggestion(REASON) is None
    assert "no update" in epic.notes[0]


def test_epic_and_generic_differ_in_selection() -> None:
    assert (speaker("epic").behavior, speaker("epic").room) == ("any", 2)
    assert (speaker("generic").behavior, speaker("generic").room) == (None, 3)


def test_update_in_place_keeps_the_order_and_carries_the_rating() -> None:
    (update,) = offered("update-in-place", INSTEAD).actions
    order = update.resource
    assert update.type == "update"
    assert order is not None
    assert (order["id"], order["identifier"], order["reasonCode"]) == (
        "draft-1",
        ORDER["identifier"],
        ORDER["reasonCode"],
    )
    assert order["code"]["coding"][0]["code"] == "24548-0"
    assert "bodySite" not in order
    own, rating, mechanism, consult = order["extension"]
    assert own == {"url": "urn:ehr:color", "valueString": "red"}
    assert rating["valueCodeableConcept"] == {
        "coding": [{"system": "http://fhir.org/argonaut/CodeSystem/pama-rating", "code": "appropriate"}],
        "text": "Usually appropriate",
    }
    assert mechanism["valueString"] == "not-registered"
    assert consult["valueUri"].startswith("urn:uuid:")
    assert faults(order) == ()


def test_update_in_place_needs_a_code() -> None:
    sandbox = speaker("update-in-place")
    assert sandbox.suggestion(IN_WORDS) is None
    assert sandbox.notes == ["no order code for US upper-gi"]


def test_update_in_place_rates_an_added_reason_as_having_no_criteria() -> None:
    (update,) = offered("update-in-place", REASON).actions
    assert update.resource is not None
    rating = update.resource["extension"][1]["valueCodeableConcept"]
    assert rating == {
        "coding": [{"system": "http://fhir.org/argonaut/CodeSystem/pama-rating", "code": "no-criteria-apply"}]
    }


WITHOUT_ID = {member: value for member, value in ORDER.items() if member != "id"}


@pytest.mark.parametrize(
    ("profile", "change", "types"),
    [
        ("generic", INSTEAD, ["create"]),
        ("epic", INSTEAD, ["create"]),
        ("update-in-place", INSTEAD, None),
        ("generic", REMOVE, None),
        ("generic", REASON, None),
    ],
)
def test_an_order_without_an_id_can_only_get_company(profile: str, change: Change, types: list[str] | None) -> None:
    made = speaker(profile, WITHOUT_ID, "").suggestion(change)
    assert (made and [action.type for action in made.actions]) == types


def test_epic_has_no_removal_beside_when_there_is_nothing_to_aim_at() -> None:
    assert speaker("epic", WITHOUT_ID, "").beside([INSTEAD]) == []


def test_a_reference_to_another_resource_is_not_aimed_at() -> None:
    assert speaker("generic", ORDER, "ServiceRequest/other").suggestion(REMOVE) is None


@pytest.mark.parametrize("odd", [{"resourceType": "MedicationRequest"}, {"doNotPerform": True}])
@pytest.mark.parametrize("profile", DIALECTS)
def test_what_is_no_order_to_do_something_is_left_alone(profile: str, odd: dict[str, object]) -> None:
    for change in (INSTEAD, REMOVE, REASON):
        assert speaker(profile, ORDER | odd).suggestion(change) is None


def test_without_a_patient_nothing_is_created() -> None:
    lone = {member: value for member, value in ORDER.items() if member != "subject"}
    generic = speaker("generic", lone)
    assert generic.suggestion(INSTEAD) is None
    assert generic.notes == ["what a new order would share with this one is not valid"]


def test_changes_without_their_matter_come_to_nothing() -> None:
    for profile in DIALECTS:
        assert speaker(profile).suggestion(Change(ChangeKind.REPLACE, "x")) is None
        assert speaker(profile).suggestion(Change(ChangeKind.ADD_REASON, "x")) is None


def test_an_unknown_profile_speaks_the_standard() -> None:
    assert dialect("somebody-new") is Generic
