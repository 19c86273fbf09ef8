"""Every request has an id: in its answer, in each line about it, and never anybody's own words."""

import io
import json
import re

import pytest

from cds_service.telemetry import configure
from cds_service.telemetry import lines as log_lines
from tests.hooks.requests import body
from tests.http.rim import SIGN, Rim

SANE = "5f0c1c0e-6d0b-4c0e-9a56-0d5a8a1d1f02"


@pytest.fixture
def logged():
    stream = io.StringIO()
    configure("debug", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log_lines._CONFIGURED.clear()


def test_an_id_that_is_one_comes_back():
    assert Rim().post(body(), x_request_id=SANE).headers["x-request-id"] == SANE


@pytest.mark.parametrize(
    "sent", ["", "kid-1", "Jane-Doe-2016-05-02", "1234", "a" * 65, "-" * 20, SANE + "\t", "5f0c1c0e 6d0b4c0e9a560d5a"]
)
def test_anything_else_is_replaced(sent):
    answer = Rim().post(body(), x_request_id=sent)
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/health/live", 200), ("POST", SIGN, 400), ("POST", SIGN + "/feedback", 400), ("GET", "/none", 404)],
)
def test_every_answer_has_one(method, path, status):
    answer = Rim().ask(method, path, headers={"x-request-id": SANE})
    assert (answer.status_code, answer.headers["x-request-id"]) == (status, SANE)


def test_lines_about_a_request_hold_its_id(logged):
    rim = Rim(advisor=ValueError("kid-1"))
    rim.ask_all(
        ("POST", SIGN, {"content": b"{", "headers": {"x-request-id": SANE}}),
        ("POST", SIGN, {"content": body(), "headers": {"x-request-id": SANE.replace("5", "6")}}),
    )
    named = {line["event"]: line["request"] for line in logged() if "request" in line}
    assert named == {"refused": SANE, "advice failed": SANE.replace("5", "6")}


def test_requests_at_the_same_time_do_not_mix(logged):
    ids = [f"{number:032x}" for number in range(20)]
    asked = [("POST", SIGN, {"content": b"{", "headers": {"x-request-id": one}}) for one in ids]
    answers = Rim().ask_all(*asked, together=True)
    assert [answer.headers["x-request-id"] for answer in answers] == ids
    assert sorted(line["request"] for line in logged()) == ids


def test_a_browser_may_read_it():
    answer = Rim().ask("GET", "/cds-services", headers={"origin": "https://ehr.example"})
    assert answer.headers["access-control-expose-headers"] == "x-request-id, retry-after"
