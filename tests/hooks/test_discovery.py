import json

import msgspec

from cds_service.hooks.discovery import HOOKS, discovery

TEMPLATES = {"patient": "Patient/{{context.patientId}}"}


def answer(templates=TEMPLATES):
    return json.loads(msgspec.json.encode(discovery(templates)))


def test_each_service_is_for_one_hook():
    assert {one["id"]: one["hook"] for one in answer()["services"]} == dict(HOOKS)


def test_each_service_says_what_it_is_and_needs():
    for one in answer()["services"]:
        assert one["title"] and one["description"] and one["usageRequirements"]
        assert one["version"] == "2.0.1"
        assert one["prefetch"] == TEMPLATES


def test_without_templates_there_is_no_prefetch_member():
    assert all("prefetch" not in one for one in answer({})["services"])


def test_titles_tell_the_services_apart():
    assert len({one["title"] for one in answer()["services"]}) == 2
