"""What real clients send, each oddity by itself: the answer is that of the tidy call, or what the oddity means."""

from __future__ import annotations

import copy
import json

import pytest

from tests.http.rim import SELECT, SIGN
from tests.properties import children
from tests.properties.children import bundle, call, concept, order
from tests.properties.clinic import holds, told

TIDY = call(order("CT belly twice", "right lower quadrant pain"))
SUMMARY = "CT abdomen and pelvis without and with contrast: consider ultrasound of the right lower quadrant instead"
NOTHING_FOUND = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 0,
    "link": [{"relation": "self", "url": "https://ehr.example.org/r4/Condition?patient=kid-1"}],
    "entry": [
        {
            "link": [{"relation": "self", "url": "urn:x"}],
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "warning", "code": "processing", "details": {"text": "no results"}}],
            },
            "search": {"mode": "outcome"},
        }
    ],
}


def changed(change, request=TIDY):
    """A copy of the request after *change*."""
    request = copy.deepcopy(request)
    change(request)
    return request


def entries(request):
    return request["context"]["draftOrders"]["entry"]


def draft(request):
    return entries(request)[0]["resource"]


def summaries(cards):
    return [card["summary"] for card in cards]


def same(clinic, request):
    """Check that *request* is answered as the tidy call is."""
    assert told(clinic.cards(request)) == told(clinic.cards(TIDY))


def test_the_tidy_call_warns(clinic):
    (card,) = clinic.cards(TIDY)
    assert (card["indicator"], card["summary"]) == ("warning", SUMMARY)
    assert [action["type"] for action in card["suggestions"][0]["actions"]] == ["delete", "create"]


# Epic


@pytest.mark.parametrize("id_", ["e" + "Ab.-9" * 28, "e" + "Ab_-9" * 28, "x" * 256, "7"])
def test_an_order_id_of_140_characters_is_aimed_at_whole(clinic, id_):
    (card,) = clinic.cards(changed(lambda one: draft(one).update(id=id_)))
    (remove, create) = card["suggestions"][0]["actions"]
    assert remove["resourceId"] == f"ServiceRequest/{id_}"
    assert "id" not in create["resource"]


@pytest.mark.parametrize("id_", [None, "", "a/b", 7, ["x"], "x" * 3000])
def test_an_order_nothing_can_be_aimed_at_is_never_replaced(clinic, id_):
    answer = clinic.ask(changed(lambda one: draft(one).update(id=id_)))
    holds(answer)
    actions = [
        act for card in answer.json()["cards"] for each in card.get("suggestions", ()) for act in each["actions"]
    ]
    assert not [act for act in actions if "resourceId" in act]


def test_an_order_without_an_id_is_named_by_its_entry(clinic):
    def change(one):
        del draft(one)["id"]
        entries(one)[0]["fullUrl"] = "https://ehr.example.org/r4/ServiceRequest/draft-1"

    assert summaries(clinic.cards(changed(change))) == [SUMMARY]


def test_a_call_without_draft_orders_is_answered_with_silence(clinic):
    assert clinic.cards(changed(lambda one: one["context"].pop("draftOrders"))) == []


def test_a_user_with_a_role_is_a_user(clinic):
    same(clinic, changed(lambda one: one["context"].update(userId="PractitionerRole/eA.b-C")))


def test_unknown_members_anywhere_change_nothing(clinic):
    def change(one):
        vendor = {"com.epic.cdshooks.request.bpa-trigger-action": "23", "com.vendor.odd": [{"deep": [None, 1]}]}
        context, prefetch = one["context"], one["prefetch"]
        for place in (
            one,
            context,
            context["draftOrders"],
            entries(one)[0],
            prefetch["patient"],
            prefetch["encounter"],
        ):
            place["extension" if place is one else "com.vendor.member"] = vendor
        prefetch["-user"] = {"resourceType": "Practitioner", "id": "dr-1"}
        prefetch["userPractitionerId"] = None

    same(clinic, changed(change))


def test_a_requester_of_which_only_the_absence_is_told_is_copied(clinic):
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    (card,) = clinic.cards(changed(lambda one: draft(one).update(requester=absent)))
    assert card["suggestions"][0]["actions"][1]["resource"]["requester"] == absent


def test_an_empty_search_with_an_outcome_is_nothing_found(clinic):
    empty = changed(lambda one: one["prefetch"].update({key: NOTHING_FOUND for key in children.KEYS}))
    same(clinic, empty)
    assert not clinic.incomplete(empty)


def test_a_failed_search_leaves_facts_unknown_and_says_so(clinic):
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
    request = changed(lambda one: one["prefetch"].update(reports=failed))
    assert "DiagnosticReport" in clinic.incomplete(request)


def test_absolute_references_mean_the_same_patient(clinic):
    request = call(order("CT belly twice", "right lower quadrant pain"), records=("ultrasound saw nothing",))
    there = json.dumps(request).replace('"Patient/', '"https://ehr.example.org/r4/Patient/')
    there = json.loads(there.replace('"Encounter/', '"https://ehr.example.org/r4/Encounter/'))
    near, far = clinic.cards(request), clinic.cards(there)
    assert summaries(near) == summaries(far) != [SUMMARY]
    (resource,) = [act["resource"] for act in far[0]["suggestions"][0]["actions"] if "resource" in act]
    assert resource["subject"] == {"reference": "https://ehr.example.org/r4/Patient/kid-1"}


def test_medications_of_the_orders_are_no_orders(clinic):
    drug = {"resourceType": "Medication", "id": "m1", "code": {"text": "CT abdomen"}}
    prescribed = {"resourceType": "MedicationRequest", "id": "m2", "status": "draft", "intent": "order",
                  "subject": {"reference": "Patient/kid-1"}, "medicationReference": {"reference": "Medication/m1"}}  # fmt: skip
    same(clinic, changed(lambda one: entries(one).extend({"resource": each} for each in (drug, prescribed))))


def test_local_codes_beside_or_instead_of_known_ones(clinic):
    local = {"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.696580", "code": "IMG1025", "display": "CT ABD/PEL W/WO"}
    same(clinic, changed(lambda one: draft(one)["code"]["coding"].insert(0, local)))
    alone = changed(lambda one: draft(one).update(code={"coding": [local]}))
    assert [card["indicator"] for card in clinic.cards(alone)] == ["warning"]


# the public sandbox


def test_a_bundle_without_a_type_is_one(clinic):
    same(clinic, changed(lambda one: one["context"]["draftOrders"].pop("type")))


@pytest.mark.parametrize("code", [{"coding": [{}]}, {"coding": []}, {}, None, {"text": ""}])
def test_an_order_of_nothing_yet_is_answered_with_silence(clinic, code):
    assert clinic.cards(changed(lambda one: draft(one).update(code=code, reasonCode=[], intent="plan"))) == []


def test_no_encounter_and_no_fhir_server_are_survived(clinic):
    def change(one):
        del one["context"]["encounterId"], one["fhirServer"], one["fhirAuthorization"], one["prefetch"]["encounter"]

    assert summaries(clinic.cards(changed(change))) == [SUMMARY]


def test_a_select_service_called_for_signing_says_which_hook_it_is_for(clinic):
    answer = clinic.send(json.dumps(TIDY).encode(), SELECT)
    holds(answer)
    assert answer.status_code == 400
    assert "order-select" in answer.json()["issue"][0]["diagnostics"]


def test_tokens_that_went_out_unresolved_match_nothing_of_ours(clinic):
    odd = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    same(clinic, changed(lambda one: one["prefetch"].update({"context.draftOrders.entry": odd})))


# everybody


def test_null_prefetch_values_say_that_there_is_nothing(clinic):
    same(clinic, changed(lambda one: one["prefetch"].update(dict.fromkeys(children.KEYS))))


@pytest.mark.parametrize("prefetch", [None, {}, {"patient": None}, {"patient": {}}, {"patient": NOTHING_FOUND}])
def test_without_a_patient_the_call_cannot_be_judged(clinic, prefetch):
    answer = clinic.ask(changed(lambda one: one.update(prefetch=prefetch)))
    holds(answer)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (412, "incomplete")


def test_the_patient_as_a_search_result_is_the_patient(clinic):
    same(clinic, changed(lambda one: one["prefetch"].update(patient=bundle(one["prefetch"]["patient"]))))


def test_another_childs_patient_counts_as_none(clinic):
    assert clinic.ask(changed(lambda one: one["prefetch"]["patient"].update(id="kid-2"))).status_code == 412


@pytest.mark.parametrize(
    "subject", ["Patient/kid-2", "https://ehr.example.org/r4/Patient/kid-2", "Group/1", "Patient/kid-2/_history/1"]
)
def test_an_order_for_another_patient_is_not_judged(clinic, subject):
    assert clinic.cards(changed(lambda one: draft(one).update(subject={"reference": subject}))) == []


@pytest.mark.parametrize(
    "other",
    [
        {"code": concept("http://loinc.org", "24323-8", "Comprehensive metabolic panel")},
        {"code": {"text": "Physical therapy referral"}},
        {"resourceType": "MedicationRequest"},
        {"resourceType": "NutritionOrder"},
        {"doNotPerform": True},
        {"doNotPerform": "true"},
        {"status": "completed"},
        {"status": "revoked"},
        {"modifierExtension": [{"url": "urn:not", "valueBoolean": True}]},
    ],
)
def test_what_is_no_imaging_order_is_answered_with_silence(clinic, other):
    assert clinic.cards(changed(lambda one: draft(one).update(other))) == []
    both = changed(lambda one: entries(one).append({"resource": {**copy.deepcopy(draft(one)), "id": "other", **other}}))
    assert told(clinic.cards(both)) == told(clinic.cards(TIDY))


def test_each_of_several_orders_gets_its_own_card(clinic):
    stone = order("CT stone", "stone", id_="draft-2")
    labs = order("CT belly", id_="draft-3", code={"text": "CBC with differential"})
    first, second = clinic.cards(changed(lambda one: entries(one).extend({"resource": each} for each in (stone, labs))))
    assert first["summary"] == SUMMARY
    assert second["summary"] != SUMMARY
    for card, id_ in ((first, "draft-1"), (second, "draft-2")):
        aimed = [act["resourceId"] for each in card["suggestions"] for act in each["actions"] if "resourceId" in act]
        assert set(aimed) == {f"ServiceRequest/{id_}"}


def test_an_active_order_signed_again_is_judged_again(clinic):
    assert summaries(clinic.cards(changed(lambda one: draft(one).update(status="active")))) == [SUMMARY]


@pytest.mark.parametrize(
    "named", ["ServiceRequest/draft-1", "https://ehr.example.org/r4/ServiceRequest/draft-1", "draft-1",
              "ServiceRequest/draft-1/_history/3"]
)  # fmt: skip
def test_only_selected_orders_are_judged(clinic, named):
    request = call(
        order("CT belly twice", "right lower quadrant pain"),
        order("CT stone", "stone", id_="draft-2"),
        hook="order-select",
    )
    request["context"]["selections"] = [named]
    assert summaries(clinic.cards(request)) == [SUMMARY]
    request["context"]["selections"] = ["ServiceRequest/elsewhere", None]
    assert clinic.cards(request) == []


def test_a_selection_by_the_url_of_an_entry(clinic):
    request = call(order("CT belly twice", "right lower quadrant pain"), hook="order-select")
    del draft(request)["id"]
    entries(request)[0]["fullUrl"] = "urn:uuid:5f0c1c0e-6d0b-11ef-9a56-0d5a8a1d1f02"
    request["context"]["selections"] = ["urn:uuid:5f0c1c0e-6d0b-11ef-9a56-0d5a8a1d1f02"]
    assert summaries(clinic.cards(request)) == [SUMMARY]


@pytest.mark.parametrize("extra", [5, "x", {"text": 5}, {"coding": "x"}, [], {"coding": [{"code": 5}]}])
def test_a_reason_that_cannot_be_read_is_a_reason_all_the_same(clinic, extra):
    beside = changed(lambda one: draft(one)["reasonCode"].append(extra))
    assert "warning" not in [card["indicator"] for card in clinic.cards(beside)]
    alone = changed(lambda one: draft(one).update(code=children.EXAMS["CT belly"], reasonCode=[extra]))
    assert not [text for text in summaries(clinic.cards(alone)) if "no reason" in text]


@pytest.mark.parametrize("nothing", [None, {}, {"coding": [{}]}, {"text": ""}])
def test_an_empty_reason_beside_a_good_one_is_no_reason(clinic, nothing):
    assert summaries(clinic.cards(changed(lambda one: draft(one)["reasonCode"].append(nothing)))) == [SUMMARY]


def test_one_odd_element_does_not_hide_the_others(clinic):
    odd = {
        "note": 5,
        "bodySite": "abdomen",
        "extension": {},
        "identifier": [7],
        "occurrencePeriod": [],
        "authoredOn": {},
    }
    assert summaries(clinic.cards(changed(lambda one: draft(one).update(odd)))) == [SUMMARY]


@pytest.mark.parametrize("number", ["1E+999999999", "-1e400", "9" * 5000, "0." + "0" * 5000 + "1", "1E-999999999"])
def test_numbers_no_program_can_hold_are_survived(clinic, number):
    request = call(order("CT head", "head injury"), records=("coma score 14", "weight", "low filtration"))
    sent = json.dumps(request)
    for place in ('"value": 14', '"value": 31.5', '"total": 3'):
        holds(clinic.send(sent.replace(place, f"{place.partition(':')[0]}: {number}").encode(), SIGN))


def test_a_thousand_records_are_read_in_time(clinic):
    request = call(
        order("CT belly twice", "right lower quadrant pain"), records=("weight", "asthma", "chest radiograph")
    )
    for key in ("observations", "conditions", "reports"):
        found = request["prefetch"][key]
        found["entry"] = found["entry"] * 1000
        found["total"] = 1000
    assert summaries(clinic.cards(request)) == [SUMMARY]


# decimals


@pytest.mark.parametrize("number", ["1.50", "0.010", "-0.0", "1E-999999999"])
def test_decimals_come_back_with_their_digits(clinic, number):
    body = json.dumps(changed(lambda one: draft(one).update(reasonCode=[], extension=["@"])))
    answer = clinic.send(body.replace('"@"', f'{{"url": "urn:dose", "valueDecimal": {number}}}').encode())
    updates = json.loads(answer.content, parse_float=str)["cards"][0]["suggestions"]
    assert {one["actions"][0]["type"] for one in updates} == {"update"}
    for one in updates:
        assert one["actions"][0]["resource"]["extension"] == [{"url": "urn:dose", "valueDecimal": number}]


@pytest.mark.parametrize("number", ["1e999", "-1E+999999999", "1e99999999999999999999", "1e-99999999999999999999"])
def test_an_order_with_a_number_no_program_holds_is_not_judged(clinic, number):
    body = json.dumps(changed(lambda one: draft(one).update(vendor="@"))).replace('"@"', number)
    answer = clinic.send(body.encode())
    assert (answer.status_code, answer.json()["cards"]) == (200, [])
