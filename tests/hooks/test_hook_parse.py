import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.errors import MalformedRequest
from cds_service.hooks.parse import MAX_ORDERS, parse
from cds_service.hooks.request import DraftOrder, HookRequest, plain
from tests.hooks.requests import ORDER, body, call, order


def sign(*orders, **changes) -> HookRequest:
    return parse(body(*orders, **changes), service_hook="order-sign")


def select(*orders, **changes) -> HookRequest:
    return parse(body(*orders, hook="order-select", **changes), service_hook="order-select")


def judged(request: HookRequest) -> list[str]:
    return [one.reference for one in request.context.orders]


def refused(raw: bytes, hook: str = "order-sign") -> str:
    with pytest.raises(MalformedRequest) as caught:
        parse(raw, service_hook=hook)
    return str(caught.value)


def without(*path: str):
    def change(request):
        for name in path[:-1]:
            request = request[name]
        del request[path[-1]]

    return change


def put(value, *path: str):
    def change(request):
        for name in path[:-1]:
            request = request[name]
        request[path[-1]] = value

    return change


def test_a_whole_call_is_read():
    request = sign()
    assert request.hook == "order-sign"
    assert request.hook_instance.startswith("5f0c1c0e")
    assert (request.context.user_id, request.context.patient_id) == ("Practitioner/dr-1", "kid-1")
    assert request.context.encounter_id == "visit-1"
    assert judged(request) == ["ServiceRequest/draft-1"]
    assert request.fhir_server is None and request.authorization is None


def test_an_order_stays_as_it_came():
    raw = b'{ "resourceType":"ServiceRequest",  "id":"a", "x": 1.50 }'
    text = json.dumps(call()).replace(json.dumps(ORDER), raw.decode()).encode()
    request = parse(text, service_hook="order-sign")
    assert request.context.orders == (
        DraftOrder("ServiceRequest/a", raw, {"resourceType": "ServiceRequest", "id": "a", "x": 1.5}),
    )


def test_prefetch_values_stay_raw_and_a_null_is_kept():
    prefetch = sign().prefetch
    assert plain(prefetch["patient"])["id"] == "kid-1"
    assert prefetch["priors"] == b"null"


@pytest.mark.parametrize("change", [without("prefetch"), put(None, "prefetch"), put({}, "prefetch")])
def test_prefetch_may_be_missing(change):
    assert sign(but=change).prefetch == {}


@pytest.mark.parametrize(
    "path", [("hook",), ("hookInstance",), ("context",), ("context", "userId"), ("context", "patientId")]
)
def test_a_missing_member_is_named(path):
    said = refused(body(but=without(*path)))
    assert said == f"{'.'.join(path)} is missing."
    assert refused(body(but=put(None, *path))) == said


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("hook",), 5),
        (("hookInstance",), {}),
        (("context",), "kid-1"),
        (("context", "patientId"), 17),
        (("context", "encounterId"), ["visit-1"]),
        (("context", "draftOrders"), [ORDER]),
        (("context", "draftOrders", "entry"), {}),
        (("fhirServer",), 5),
        (("fhirServer",), {"url": "https://ehr.example"}),
        (("fhirAuthorization",), "secret-token"),
        (("prefetch",), []),
    ],
)
def test_a_member_of_the_wrong_type_is_named(path, value):
    assert refused(body(but=put(value, *path))) == f"{'.'.join(path)} is not of the right type."


@pytest.mark.parametrize("value", ["Jane-Doe?secret", 123456789, ["Jane"], {"Jane": 1}])
def test_no_value_is_repeated(value):
    for path in (("context", "patientId"), ("hook",), ("context", "userId"), ("fhirServer",)):
        try:
            sign(but=put(value, *path))
        except MalformedRequest as error:
            assert "Jane" not in str(error) and "123456789" not in str(error)


@pytest.mark.parametrize(
    "value", ["../kid-2", "kid-1?x", "kid/1", "kid 1", "kid#1", "..", "ki\u202ed", "kíd", "k" * 257]
)
def test_an_id_that_would_bend_a_path_is_refused(value):
    assert refused(body(but=put(value, "context", "patientId"))) == "context.patientId is not the id of a resource."
    assert "encounterId" in refused(body(but=put(value, "context", "encounterId")))


def test_ids_longer_than_fhir_allows_are_read():
    long = "e" + "A.b-9_" * 23
    assert sign(order(id=long, subject={"reference": f"Patient/{long}"}), patientId=long).context.patient_id == long


@pytest.mark.parametrize("value", [None, ""])
def test_the_encounter_may_be_missing(value):
    assert sign(but=put(value, "context", "encounterId")).context.encounter_id is None


def test_an_odd_user_is_read():
    assert sign(userId="PractitionerRole/x y?z").context.user_id == "PractitionerRole/x y?z"


def test_another_hook_is_refused():
    assert "order-sign" in refused(body(hook="order-select"))


def test_order_sign_without_draft_orders_has_nothing_to_judge():
    assert sign(draftOrders=None).context.orders == ()
    assert select(draftOrders=None, selections=None).context.orders == ()


@pytest.mark.parametrize("change", [without("entry"), put(None, "entry"), put([], "entry"), without("type")])
def test_a_bundle_may_lack_its_type_and_entries(change):
    sign(but=lambda request: change(request["context"]["draftOrders"]))


@pytest.mark.parametrize("entry", [None, {}, {"resource": None}, {"resource": 5}, {"resource": []}, {"resource": "CT"}])
def test_an_empty_entry_is_skipped(entry):
    request = sign(but=lambda request: request["context"]["draftOrders"]["entry"].insert(0, entry))
    assert judged(request) == ["ServiceRequest/draft-1"]
    assert request.context.others == ()


def test_several_orders_are_judged_each():
    assert judged(sign(order(id="a"), order(id="b"))) == ["ServiceRequest/a", "ServiceRequest/b"]


@pytest.mark.parametrize("kind", ["MedicationRequest", "ProcedureRequest", "Medication", 5, None])
def test_what_is_no_service_request_is_set_aside(kind):
    request = sign(order(resourceType=kind))
    assert judged(request) == [] and len(request.context.others) == 1


@pytest.mark.parametrize("status", ["entered-in-error", "revoked", "cancelled", "completed"])
def test_an_order_that_asks_for_nothing_is_not_judged(status):
    request = sign(order(status=status))
    assert judged(request) == [] and len(request.context.others) == 1


@pytest.mark.parametrize("status", ["draft", "active", "on-hold", "unknown", "banana", None, 7, []])
def test_other_orders_are_judged_a_signed_one_too(status):
    assert judged(sign(order(status=status))) == ["ServiceRequest/draft-1"]


def test_an_order_not_to_do_something_is_not_judged():
    assert judged(sign(order(doNotPerform=True))) == []
    assert judged(sign(order(doNotPerform="true"))) == judged(sign(order(doNotPerform=[True]))) == []
    assert judged(sign(order(doNotPerform=False))) == ["ServiceRequest/draft-1"]


def test_an_order_whose_meaning_is_modified_is_not_judged():
    assert judged(sign(order(modifierExtension=[{"url": "https://ehr.example/not"}]))) == []
    assert judged(sign(order(modifierExtension=[]))) == ["ServiceRequest/draft-1"]
    assert judged(sign(order(implicitRules="https://ehr.example/our-own-meaning"))) == []
    assert judged(sign(order(_doNotPerform={"extension": [{"url": "urn:unsure", "valueBoolean": True}]}))) == []


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/kid-2",
        "https://ehr.example/r4/Patient/kid-2",
        "Patient/kid-2/_history/1",
        "Group/kid-1",
        "Device/kid-1",
        "https://ehr.example/r4/Location/kid-1",
    ],
)
def test_another_patients_order_does_not_exist(reference):
    request = sign(order(subject={"reference": reference}))
    assert judged(request) == [] and request.context.others == ()


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "https://ehr.example/r4/Patient/kid-1"},
        {"reference": "Patient/kid-1/_history/3"},
        {"reference": "#patient"},
        {"reference": "urn:uuid:6e1f"},
        {"identifier": {"value": "kid-2"}},
        {"reference": 5},
        "kid-2",
        None,
    ],
)
def test_an_order_is_this_patients_unless_it_says_otherwise(subject):
    assert judged(sign(order(subject=subject))) == ["ServiceRequest/draft-1"]


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("https://ehr.example/r4/ServiceRequest/7", "ServiceRequest/7"),
        ("https://ehr.example/r4/Patient/7", ""),
        ("https://ehr.example/r4/ServiceRequest/7?x", ""),
        ("urn:uuid:6e1f", ""),
        (None, ""),
    ],
)
def test_an_order_without_id_is_named_by_its_entry(url, reference):
    request = sign(order(id=None), but=lambda one: one["context"]["draftOrders"]["entry"][0].update(fullUrl=url))
    assert judged(request) == [reference]


@pytest.mark.parametrize("odd", [5, "", "a b", "../x"])
def test_an_odd_id_names_nothing(odd):
    assert judged(sign(order(id=odd))) == [""]


def test_more_orders_than_anyone_signs_are_refused():
    most = [order(id=f"o{number}") for number in range(MAX_ORDERS)]
    assert len(sign(*most).context.orders) == MAX_ORDERS
    assert "more than 200 orders" in refused(body(*most, order()))


def test_order_select_judges_only_what_is_selected():
    request = select(order(id="a"), order(id="b"), selections=["ServiceRequest/b"])
    assert judged(request) == ["ServiceRequest/b"] and len(request.context.others) == 1


@pytest.mark.parametrize(
    "selection", ["b", "https://ehr.example/r4/ServiceRequest/b", "ServiceRequest/b/_history/1", "urn:uuid:b"]
)
def test_a_selection_may_be_written_in_several_ways(selection):
    def change(request):
        request["context"]["draftOrders"]["entry"][1]["fullUrl"] = "urn:uuid:b"

    chosen = select(order(id="a"), order(id="b"), but=change, selections=[selection])
    assert judged(chosen) == ["ServiceRequest/b"]


@pytest.mark.parametrize("selections", [[], [None], [""], ["MedicationRequest/draft-1"], ["ServiceRequest/other"]])
def test_nothing_selected_nothing_judged(selections):
    assert judged(select(selections=selections)) == []


def test_an_order_without_any_name_is_never_selected():
    assert judged(select(order(id=None), selections=["", "ServiceRequest/"])) == []


def test_selections_are_needed_to_select():
    assert refused(body(hook="order-select", selections=None), "order-select") == "context.selections is missing."
    assert "selections" in refused(body(hook="order-select", selections=[5]), "order-select")


def test_selections_mean_nothing_to_order_sign():
    assert judged(sign(selections=[])) == ["ServiceRequest/draft-1"]


def test_the_token_is_read():
    given = {
        "access_token": "abc.def",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "patient": "kid-1",
    }
    request = sign(but=lambda one: one.update(fhirServer="https://ehr.example/r4", fhirAuthorization=given))
    assert request.fhir_server == "https://ehr.example/r4"
    assert request.authorization == ("abc.def", "Bearer", "patient/*.rs", "kid-1")


@pytest.mark.parametrize(
    "given", [None, {}, {"access_token": 5}, {"access_token": "a\r\nHost: x"}, {"access_token": ""}, {"scope": "x"}]
)
def test_an_unusable_token_is_none(given):
    assert sign(but=put(given, "fhirAuthorization")).authorization is None


def test_odd_members_of_the_token_are_left_out():
    given = {"access_token": "abc", "token_type": 5, "scope": None, "patient": ["x"]}
    assert sign(but=put(given, "fhirAuthorization")).authorization == ("abc", "Bearer", "", None)


def test_unknown_members_change_nothing():
    def vendor(request):
        request["extension"] = {"com.vendor": {"a": [1]}}
        request["context"]["extension"] = {"x": None}
        request["__proto__"] = {"self": []}

    assert sign(but=vendor) == sign()


def test_an_order_that_no_program_can_hold_is_set_aside():
    text = body().replace(b'"draft-1"', b'"draft-1", "n": ' + b"9" * 5000)
    assert judged(parse(text, service_hook="order-sign")) == []


def test_reading_is_quick_enough_for_a_busy_morning():
    padded = body(but=lambda one: one["prefetch"].update(notes=[{"text": "x" * 40, "n": n} for n in range(120)]))
    assert 8_000 < len(padded) < 11_000
    took = []
    for _ in range(50):
        began = time.thread_time()
        parse(padded, service_hook="order-sign")
        took.append(time.thread_time() - began)
    assert min(took) < 150e-6


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PATHS = [
    ("hook",),
    ("hookInstance",),
    ("context",),
    ("context", "userId"),
    ("context", "patientId"),
    ("context", "encounterId"),
    ("context", "draftOrders"),
    ("context", "draftOrders", "entry"),
    ("context", "selections"),
    ("prefetch",),
    ("prefetch", "patient"),
    ("fhirServer",),
    ("fhirAuthorization",),
    *[("context", "draftOrders", "entry", 0, "resource", name) for name in (*ORDER, "modifierExtension")],
]


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(PATHS), value=JSON)
def test_whatever_comes_is_read_or_refused(path, value):
    try:
        select(but=put(value, *path))
    except MalformedRequest as error:
        assert len(str(error)) < 200


def test_more_entries_or_keys_than_anyone_sends_are_refused():
    for change, said in (
        (lambda one: one["context"]["draftOrders"].update(entry=[{}] * 2001), "2000 entries"),
        (lambda one: one["prefetch"].update((f"k{number}", None) for number in range(1000)), "1000 keys"),
    ):
        with pytest.raises(MalformedRequest, match=said):
            parse(body(but=change), service_hook="order-sign")
