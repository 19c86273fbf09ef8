"""
CDS Hooks on the wire, requirement by requirement; ``PROTOCOL.md`` is the table of them.

The advisor is a stand-in here: what cards say is tested where cards are made.
"""

import asyncio
import copy
import json
import re
import time

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.errors import MissingPatient
from cds_service.fhir.prefetch import PURPOSES, TEMPLATES
from cds_service.hooks.response import Action, Card, HookResponse, Source
from tests import protocol_table
from tests.hooks.requests import body, call, order
from tests.http.rim import SELECT, SIGN, Library, Rim, Store, outcome

FEEDBACK = SIGN + "/feedback"
ACCEPTED = {"card": "c1", "outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}]}
OVERRIDDEN = {"card": "c2", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T14:00:00Z"}
SECRET = "eyJhbGciOi.secret.token"


def services():
    return Rim().ask("GET", "/cds-services").json()["services"]


def empty_members(node, path=""):
    """Where *node* holds a null or empty member."""
    if isinstance(node, dict | list):
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for name, value in pairs:
            if value in (None, "", [], {}):
                yield f"{path}/{name}"
            yield from empty_members(value, f"{path}/{name}")


def feedback(*entries, rim=None):
    rim = rim or Rim()
    return rim.post(json.dumps({"feedback": entries}), FEEDBACK)


# the table itself


def test_the_table_is_current():
    assert protocol_table.TABLE.read_text() == protocol_table.table(), "run python -m tests.protocol_table"


def test_each_requirement_has_a_test_or_a_reason():
    held = set(protocol_table.tests()) | set(protocol_table.ELSEWHERE)
    assert set(protocol_table.REQUIREMENTS) == held | set(protocol_table.NOT_TESTED)
    assert not held & set(protocol_table.NOT_TESTED)


def test_tests_named_elsewhere_exist():
    for place in protocol_table.ELSEWHERE.values():
        file, name = place.split("::")
        assert name in set(protocol_table.functions(protocol_table.HERE / file)), place


# transport and JSON


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/cds-services", b""),
        ("POST", SIGN, body()),
        ("POST", SIGN, b"x"),
        ("POST", FEEDBACK, b'{"feedback":[]}'),
    ],
)
def test_r001_answers_are_json(method, path, sent):
    answer = Rim().ask(method, path, content=sent)
    assert re.fullmatch(r"application/(fhir\+)?json", answer.headers["content-type"])
    json.loads(answer.content.decode("utf-8"))


def test_r003_no_member_of_an_answer_is_null_or_empty():
    assert list(empty_members(services())) == []
    assert list(empty_members(Rim().post(b"x").json())) == []
    assert list(empty_members(Rim(advisor=ValueError()).post(body()).json())) == ["/cards"]


def test_r004_a_member_without_a_value_is_left_out():
    card = Card(uuid="u", summary="s", indicator="info", source=Source(label="l"))
    said = json.loads(msgspec.json.encode(HookResponse(cards=[card])))
    assert said == {"cards": [{"uuid": "u", "summary": "s", "indicator": "info", "source": {"label": "l"}}]}


@pytest.mark.parametrize(
    "text", [b'{"hook": "order-sign",}', b'{"hook": "order-sign"} // why', b'{/* why */ "hook": 1}']
)
def test_r005_comments_and_trailing_commas_are_not_json(text):
    assert Rim().post(text).status_code == 400


def test_r007_extensions_and_unknown_members_are_survived():
    request = call()
    for place in (request, request["context"], request["context"]["draftOrders"], request["prefetch"]["patient"]):
        place |= {"extension": {"com.vendor.odd": [{"x": None}]}, "vendorMember": [[]], "": 1}
    assert Rim().post(json.dumps(request)).status_code == 200
    entry = {**OVERRIDDEN, "extension": {"com.vendor": 1}, "vendorMember": {}}
    assert feedback(entry).status_code == 200


def test_r008_the_rim_adds_next_to_nothing_to_the_time_of_an_answer():
    with Rim().served() as port, httpx.Client(trust_env=False, verify=False) as client:
        took = []
        for _ in range(20):
            began = time.monotonic()
            assert client.post(f"http://127.0.0.1:{port}{SIGN}", content=body()).status_code == 200
            took.append(time.monotonic() - began)
    assert sorted(took)[10] < 0.05


# discovery


@pytest.mark.parametrize("rim", [Rim(), Rim(library=Library(ready=False))])
def test_r009_discovery_is_always_there(rim):
    assert rim.ask("GET", "/cds-services").status_code == 200


def test_r010_discovery_is_an_object_with_services():
    answer = Rim().ask("GET", "/cds-services").json()
    assert list(answer) == ["services"] and isinstance(answer["services"], list)


@pytest.mark.parametrize("member", ["hook", "description", "id"])
def test_r011_each_service_has_what_it_must_have(member):
    assert all(isinstance(one[member], str) and one[member] for one in services())


def test_r012_each_service_has_a_title():
    assert all(one["title"] for one in services())


def test_r013_prefetch_maps_keys_to_templates():
    for one in services():
        assert one["prefetch"] == dict(TEMPLATES)
        assert all(isinstance(template, str) for template in one["prefetch"].values())


def test_r014_usage_requirements_are_sentences():
    assert all(one["usageRequirements"].endswith(".") for one in services())


def test_r015_the_version_is_the_one_spoken():
    assert {one["version"] for one in services()} == {"2.0.1"}


def test_r017_id_and_hook_are_unique_together():
    pairs = [(one["id"], one["hook"]) for one in services()]
    assert len(set(pairs)) == len(pairs)
    assert len({one["id"] for one in services()}) == len(pairs), "the public sandbox keeps one service for each id"


# prefetch templates


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_r020_a_template_is_a_read_or_a_search(template):
    assert re.fullmatch(r"[A-Z][A-Za-z]+(/\{\{[\w.]+\}\}|\?.+)", template)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_r021_r022_r025_tokens_are_fields_the_hooks_mark_as_tokens(template):
    tokens = re.findall(r"\{\{(.*?)\}\}", template)
    assert tokens and set(tokens) <= {"context.patientId", "context.encounterId", "context.userId"}
    assert "%" not in template and "|" not in template


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_r023_the_user_is_never_given_a_second_type(template):
    assert "/{{context.userId}}" not in template


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_r024_parameters_are_those_every_client_knows_each_once(template):
    names = [part.partition("=")[0] for part in template.partition("?")[2].split("&") if part]
    assert len(set(names)) == len(names), "the public sandbox joins a repeated parameter into an or"
    assert all(":" not in name.removesuffix(":in") and "." not in name for name in names)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_r026_no_template_needs_another(template):
    assert "{{%" not in template


def test_r027_each_key_serves_facts():
    assert set(PURPOSES) == set(TEMPLATES) and all(PURPOSES.values())


# being called


@pytest.mark.parametrize(("path", "hook"), [(SIGN, "order-sign"), (SELECT, "order-select")])
def test_r028_success_is_200_with_cards(path, hook):
    answer = Rim().post(body(hook=hook), path)
    assert answer.status_code == 200 and isinstance(answer.json()["cards"], list)


def test_r029_nothing_to_say_is_200_without_cards():
    answer = Rim(advisor=b'{"cards":[]}').post(body())
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


def test_r030_a_patient_that_cannot_be_had_is_412():
    assert Rim(advisor=MissingPatient("The Patient of this call could not be had.")).post(body()).status_code == 412


@pytest.mark.parametrize(
    ("rim", "method", "path", "sent", "status"),
    [
        (Rim(), "POST", SIGN, b"x", 400),
        (Rim(), "POST", "/cds-services/none", b"{}", 404),
        (Rim(), "GET", SIGN, b"", 405),
        (Rim(advisor=MissingPatient("No Patient.")), "POST", SIGN, body(), 412),
        (Rim(CDS_MAX_BODY_BYTES="10000"), "POST", SIGN, b" " * 10_001, 413),
        (Rim(library=Library(ready=False)), "POST", SIGN, body(), 503),
        (Rim(store=Store(OSError())), "POST", FEEDBACK, b'{"feedback":[]}', 503),
    ],
)
def test_r032_refusals_carry_an_operation_outcome(rim, method, path, sent, status):
    answer = rim.ask(method, path, content=sent)
    assert answer.status_code == status
    assert outcome(answer)["severity"] == "error"


@pytest.mark.parametrize("instance", ["5f0c1c0e-6d0b-11ef-9a56-0d5a8a1d1f02", "5F0C1C0E", "not a uuid", "1"])
def test_r033_a_call_is_told_apart_by_its_hook_instance_whatever_it_looks_like(instance):
    rim = Rim()
    retried = rim.ask_all(*[("POST", SIGN, {"content": body(but=lambda one: one.update(hookInstance=instance))})] * 2)
    assert [answer.status_code for answer in retried] == [200, 200]
    assert [request.hook_instance for _, request, _ in rim.advisor.asked] == [instance] * 2


def test_r036_a_missing_key_and_a_null_are_two_things():
    rim = Rim()
    rim.post(body(but=lambda one: one["prefetch"].update(priors=None)))
    rim.post(body(but=lambda one: one["prefetch"].pop("priors")))
    sent, missing = (request.prefetch for _, request, _ in rim.advisor.asked)
    assert sent["priors"] == b"null" and "priors" not in missing


@pytest.mark.parametrize("wrong", [{}, {"hook": "patient-view"}, {"context": None}, {"fhirServer": 5}])
def test_r042_the_token_is_neither_logged_nor_shown(wrong, capsys):
    def change(request):
        request |= {"fhirServer": "https://ehr.example", "fhirAuthorization": {"access_token": SECRET}, **wrong}

    for rim in (Rim(), Rim(advisor=ValueError(SECRET))):
        answer = rim.post(body(but=change), authorization=f"Bearer {SECRET}")
        assert SECRET not in answer.text + str(answer.headers)
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err


def test_r043_the_token_is_read_as_defined():
    given = {
        "access_token": "t",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "s",
        "subject": "x",
        "patient": "p",
    }
    rim = Rim()
    rim.post(body(but=lambda one: one.update(fhirServer="https://ehr.example/r4", fhirAuthorization=given)))
    ((_, request, _),) = rim.advisor.asked
    assert request.fhir_server == "https://ehr.example/r4"
    assert request.authorization == ("t", "Bearer", "s", "p")


# what cards are made of, as far as types can promise it


def test_r046_only_three_indicators_exist():
    said = {"uuid": "u", "summary": "s", "source": {"label": "l"}}
    for indicator in ("info", "warning", "critical"):
        msgspec.convert({**said, "indicator": indicator}, Card)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**said, "indicator": "hard-stop"}, Card)


def test_r063_actions_of_a_suggestion_cannot_be_picked_apart():
    assert "actionSelectionBehavior" not in Card.__struct_fields__ + Action.__struct_fields__


def test_r064_an_action_creates_updates_or_deletes():
    for kind in ("create", "update", "delete"):
        msgspec.convert({"type": kind, "description": "d"}, Action)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "replace", "description": "d"}, Action)


def test_r070_no_system_actions_no_member():
    assert "systemActions" not in json.loads(msgspec.json.encode(HookResponse(cards=[])))


# feedback


def test_r073_each_service_takes_feedback():
    for one in services():
        assert Rim().post(b'{"feedback": []}', f"/cds-services/{one['id']}/feedback").status_code == 200


def test_r074_a_batch_may_be_about_several_cards():
    rim = Rim()
    assert feedback(ACCEPTED, OVERRIDDEN, rim=rim).status_code == 200
    ((_, items),) = rim.store.kept
    assert [item.card for item in items] == ["c1", "c2"]


def test_r075_an_entry_is_read_as_defined():
    rim = Rim()
    why = {"reason": {"code": "r", "system": "s", "display": "d"}, "userComment": "w"}
    feedback({**OVERRIDDEN, "overrideReason": why}, ACCEPTED, rim=rim)
    ((_, (overridden, accepted)),) = rim.store.kept
    assert overridden.at.isoformat() == "2026-03-02T14:00:00+00:00"
    assert (overridden.reasons, overridden.comment) == ((("r", "s", "d"),), "w")
    assert accepted.accepted_suggestions == ("s1",)


def test_r076_a_comment_without_a_reason_is_fine():
    assert feedback({**OVERRIDDEN, "overrideReason": {"userComment": "Seen by surgery."}}).status_code == 200


def test_r077_a_card_may_be_reported_again_and_late():
    rim = Rim()
    late = {**OVERRIDDEN, "outcomeTimestamp": "2019-03-02T14:00:00Z"}
    assert feedback(late, late, rim=rim).status_code == feedback(late, rim=rim).status_code == 200


def test_r078_feedback_is_answered_200():
    answer = feedback(ACCEPTED)
    assert (answer.status_code, answer.json()) == (200, {})


# browsers


@pytest.mark.parametrize("path", ["/cds-services", SIGN, FEEDBACK])
def test_r091_a_preflight_needs_no_authentication(path):
    asked = {
        "origin": "https://sandbox.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    answer = Rim().ask("OPTIONS", path, headers=asked)
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("path", "sent"), [(SIGN, b"x"), ("/cds-services/none", b""), ("/none", b""), (FEEDBACK, b"x")]
)
def test_r091_errors_carry_the_origin_header_too(path, sent):
    answer = Rim().ask("POST", path, content=sent, headers={"origin": "https://sandbox.example"})
    assert answer.status_code >= 400 and answer.headers["access-control-allow-origin"] == "*"


# not in the specification, expected of a good service


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b"null",
        b'"CT"',
        b"<order/>",
        b"{" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        body().replace(b'"kid-1"', b"NaN", 1),
        body().replace(b'"order-sign"', b"-Infinity"),
        body().replace(b'"kid-1"', b"9" * 5000, 1),
        body().replace(b"kid-1", b"\\ud800", 1),
        body().replace(b"kid-1", b"\xff\xfe", 1),
        body().replace(b"kid-1", b"\xc0\xae", 1),
        body().replace(b"kid-1", b"\\u0000", 1),
        body().decode().encode("utf-16"),
        b"\xef\xbb\xbf" + body(),
    ],
)
def test_expected_malformed_input_is_400(sent):
    assert Rim().post(sent).status_code == 400


@pytest.mark.parametrize(
    "more",
    [b"9" * 5000, b"1e999", b"[" * 60 + b"]" * 60, b'"\\u0000\\u202e"', b'{"resourceType": ["Patient"]}', b"-0", b'""'],
)
def test_expected_odd_values_of_prefetch_are_no_reason_to_refuse(more):
    assert Rim().post(body().replace(b'"prefetch": {', b'"prefetch": {"odd": ' + more + b", ")).status_code == 200


def test_expected_many_keys_and_many_orders_are_answered_in_time():
    keys = {f"key{number}": None for number in range(200_000)}
    many = [order(id=str(number)) for number in range(5000)]
    began = time.monotonic()
    assert Rim().post(body(but=lambda one: one.update(prefetch=keys))).status_code == 400
    assert Rim().post(body(*many)).status_code == 400
    assert time.monotonic() - began < 5


def test_expected_the_wrong_hook_is_refused():
    for hook in ("order-select", "patient-view", "order-dispatch", "ORDER-SIGN", "order-sign "):
        assert Rim().post(body(hook=hook)).status_code == 400


def test_expected_same_call_same_answer():
    rim = Rim()
    first, second = rim.ask_all(*[("POST", SIGN, {"content": body()})] * 2)
    assert first.content == second.content


@pytest.mark.parametrize("entries", ["Jane", 5, {}, [["Jane"]], [None], [{"card": "c1"}], [{"outcome": "accepted"}]])
def test_expected_feedback_garbage_is_refused(entries):
    rim = Rim()
    answer = rim.post(json.dumps({"feedback": entries}), FEEDBACK)
    assert answer.status_code == 400 and "Jane" not in answer.text and rim.store.kept == []


def paths(node, path=()):
    """Every place in *node*."""
    yield path
    if isinstance(node, dict | list):
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from paths(value, (*path, name))


WHOLE = call(order(reasonCode=[{"text": "fall"}]), hook="order-select") | {
    "fhirServer": "https://ehr.example/r4",
    "fhirAuthorization": {"access_token": "t", "scope": "s"},
}
CHANGES = {
    "null": lambda value: None,
    "list": lambda value: [value],
    "object": lambda value: {"value": value},
    "number": lambda value: 17,
    "truth": lambda value: True,
    "text": lambda value: "\u202eodd\u0000",
    "empty": lambda value: "",
    "huge": lambda value: 10**30,
    "long": lambda value: "x" * 70_000,
}


def changed(path, how):
    if not path:
        return CHANGES[how](WHOLE)
    request = copy.deepcopy(WHOLE)
    place = request
    for name in path[:-1]:
        place = place[name]
    if how == "gone":
        del place[path[-1]]
    else:
        place[path[-1]] = CHANGES[how](place[path[-1]])
    return request


@pytest.mark.parametrize("how", [*CHANGES, "gone"])
def test_expected_any_member_changed_is_200_or_400(how):
    places = [path for path in paths(WHOLE) if path or how != "gone"]
    sent = [("POST", SELECT, {"content": json.dumps(changed(path, how))}) for path in places]
    assert {answer.status_code for answer in Rim().ask_all(*sent)} <= {200, 400}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_expected_any_bytes_are_400(sent):
    assert Rim().post(sent).status_code == 400


def test_expected_two_callers_at_once_are_not_mixed():
    class Echo:
        async def advise(self, client, request, deadline):
            await asyncio.sleep(0)
            return json.dumps({"cards": [], "extension": {"org.example": request.context.patient_id}}).encode()

    rim = Rim()
    rim.advisor = Echo()
    ids = [f"kid-{number}" for number in range(40)]
    sent = [("POST", SIGN, {"content": body(order(subject=None), patientId=one)}) for one in ids]
    answers = rim.ask_all(*sent, together=True)
    assert [answer.json()["extension"]["org.example"] for answer in answers] == ids
