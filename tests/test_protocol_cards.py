"""
The protocol's requirements on cards and suggestions, with the rules in force, for each kind of client.

The orders are those of the demo; ``test_protocol.py`` holds everything that needs no rule.
"""

import asyncio
import json
import re
import uuid

import httpx
import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cds_service.app import build
from cds_service.settings import read
from demo.children import plays

SIGN = "/cds-services/pediatric-imaging-order-sign"
PUBLIC = "https://cds.example.org"
PROFILES = ("generic", "epic", "update-in-place")


def requests():
    for play in plays():
        yield play.request
    without = json.loads(json.dumps(plays()[0].request))
    del without["context"]["draftOrders"]["entry"][0]["resource"]["reasonCode"]
    yield without


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """By profile, each request with its answer."""
    return {profile: asyncio.run(answers(profile, tmp_path_factory.mktemp(profile))) for profile in PROFILES}


async def answers(profile, folder):
    (folder / "site").mkdir()
    (folder / "site" / "clients.yaml").write_text(f"hospital: {{profile: {profile}}}\n")
    environment = {"CDS_DATA": str(folder / "data"), "CDS_SITE": str(folder / "site"), "CDS_RELOAD_SECONDS": "0",
                   "CDS_DEADLINE_MS": "5000", "CDS_PUBLIC_URL": PUBLIC}  # fmt: skip
    app = build(read(environment))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cds.test") as client:
            return [(request, (await client.post(SIGN, json=request)).json()) for request in requests()]


@pytest.fixture(params=PROFILES)
def profile(request):
    return request.param


@pytest.fixture
def cards(answered, profile):
    found = [card for _, answer in answered[profile] for card in answer["cards"]]
    assert len(found) >= 5
    return found


@pytest.fixture
def suggestions(cards):
    found = [one for card in cards for one in card.get("suggestions", ())]
    assert found
    return found


@pytest.fixture
def actions(suggestions):
    return [action for one in suggestions for action in one["actions"]]


def nodes(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def test_r003_r006_nothing_is_empty_and_extensions_are_objects_with_unique_names(answered, profile):
    for _, answer in answered[profile]:
        for node in nodes({**answer, "cards": answer["cards"] or [1]}):
            assert node not in (None, "", [], {})
        assert isinstance(answer["extension"], dict)
        assert all(name.count(".") >= 1 for name in answer["extension"])


def test_r045_a_summary_has_fewer_than_140_characters_and_is_one_line(cards):
    assert all(0 < len(card["summary"]) < 140 and "\n" not in card["summary"] for card in cards)


def test_r046_the_indicator_is_one_of_the_standards(cards):
    assert {card["indicator"] for card in cards} == {"info", "warning"}


def test_r047_the_source_has_a_label(cards):
    assert all(card["source"]["label"] for card in cards)


def test_r048_the_source_url_is_absolute_and_of_no_patient(cards):
    assert all(card["source"]["url"].startswith(f"{PUBLIC}/rules/") for card in cards)


def test_r050_the_topic_is_a_coding_of_letters_and_digits_stable_for_a_rule(cards):
    for card in cards:
        topic = card["source"]["topic"]
        assert re.fullmatch(r"[A-Za-z0-9]{1,100}", topic["code"])
        assert topic["system"] and topic["display"]


def test_r051_the_detail_is_markdown_without_markup_of_the_web(cards):
    assert all(card["detail"] and "<" not in card["detail"] and "](" not in card["detail"] for card in cards)


def test_r052_r060_every_card_and_suggestion_has_a_uuid_of_its_own(cards, suggestions):
    ids = [one["uuid"] for one in (*cards, *suggestions)]
    assert len(set(ids)) == len(ids)
    assert all(str(uuid.UUID(one)) == one for one in ids)


def test_r053_suggestions_come_with_a_selection_behavior(cards, profile):
    for card in cards:
        assert ("suggestions" in card) == ("selectionBehavior" in card)
    wanted = {"any"} if profile == "epic" else {"at-most-one", "any"}
    assert {card["selectionBehavior"] for card in cards if "suggestions" in card} <= wanted


def test_r054_r058_override_reasons_and_every_coding_have_code_and_system(cards):
    for card in cards:
        assert card["overrideReasons"]
        for reason in card["overrideReasons"]:
            assert reason["code"] and reason["system"] and reason["display"]


def test_r055_a_link_would_have_label_url_and_type(cards):
    assert all({"label", "url", "type"} <= link.keys() for card in cards for link in card.get("links", ()))


def test_r059_every_suggestion_has_a_label(suggestions):
    assert all(one["label"] for one in suggestions)


def test_r061_one_recommendation_unless_any_may_be_chosen(cards):
    for card in cards:
        recommended = [one for one in card.get("suggestions", ()) if one.get("isRecommended")]
        assert len(recommended) <= 1 or card["selectionBehavior"] == "any"


def test_r062_the_actions_of_a_suggestion_belong_together(answered, profile):
    shapes = {
        tuple(action["type"] for action in one["actions"])
        for _, answer in answered[profile]
        for card in answer["cards"]
        for one in card.get("suggestions", ())
    }
    wanted = {
        "generic": {("delete", "create"), ("delete",), ("update",)},
        "epic": {("create",), ("delete",)},
        "update-in-place": {("update",), ("delete",)},
    }
    assert shapes <= wanted[profile]


def test_r064_r065_every_action_has_a_type_and_a_description_that_stands_alone(actions):
    assert {action["type"] for action in actions} <= {"create", "update", "delete"}
    assert all(len(action["description"]) > 10 for action in actions)


def test_r066_a_created_order_is_complete_and_valid(answered, profile):
    for request, answer in answered[profile]:
        draft = request["context"]["draftOrders"]["entry"][0]["resource"]
        for action in made(answer, "create"):
            order = ServiceRequest.model_validate(action["resource"])
            assert order.status == "draft"
            assert "id" not in action["resource"]
            for member in ("subject", "encounter", "requester", "reasonCode", "priority"):
                assert action["resource"].get(member) == draft.get(member)


def test_r067_an_update_is_the_whole_order_with_only_the_change(answered, profile):
    for request, answer in answered[profile]:
        draft = request["context"]["draftOrders"]["entry"][0]["resource"]
        for action in made(answer, "update"):
            ServiceRequest.model_validate(action["resource"])
            changed = {
                name for name in {*draft, *action["resource"]} if draft.get(name) != action["resource"].get(name)
            }
            assert changed <= {"code", "reasonCode", "extension"}
            assert action["resource"]["id"] == draft["id"]


def test_r068_a_delete_names_the_draft_by_resource_id(answered, profile):
    for request, answer in answered[profile]:
        draft = request["context"]["draftOrders"]["entry"][0]["resource"]
        for action in made(answer, "delete"):
            assert action["resourceId"] == f"ServiceRequest/{draft['id']}"
            assert "resource" not in action


def test_r070_r071_system_actions_are_left_out_where_no_site_asked_for_them(answered, profile):
    assert all("systemActions" not in answer for _, answer in answered[profile])


def made(answer, kind):
    return [
        action
        for card in answer["cards"]
        for one in card.get("suggestions", ())
        for action in one["actions"]
        if action["type"] == kind
    ]


def test_expected_each_kind_of_action_was_tried(answered):
    kinds = {(profile, action["type"]) for profile in PROFILES for _, answer in answered[profile]
             for kind in ("create", "update", "delete") for action in made(answer, kind)}  # fmt: skip
    assert {("generic", "create"), ("generic", "delete"), ("generic", "update"), ("epic", "create"),
            ("epic", "delete"), ("update-in-place", "update")} <= kinds  # fmt: skip
