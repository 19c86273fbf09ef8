from datetime import UTC, datetime

import pytest

from cds_service.errors import Problem
from cds_service.http.state import State
from cds_service.telemetry import Metrics
from tests.http.rim import Library, Rim


def test_alive_is_alive_whatever_else():
    answer = Rim(library=Library(ready=False)).ask("GET", "/health/live")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})


def test_ready_says_with_which_content():
    library = Library(digest="d1", revision=7, loaded_at=datetime(2026, 3, 2, tzinfo=UTC))
    answer = Rim(library=library).ask("GET", "/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "digest": "d1",
        "revision": 7,
        "lastGood": False,
        "counts": {"topics": 3, "cards": 5},
        "loadedAt": "2026-03-02T00:00:00+00:00",
    }


def test_a_refused_edit_shows_while_the_last_good_content_serves():
    problem = Problem("/home/ops/site/rules/head/x.yaml", 28, "patient.aeg is not a fact", "did you mean patient.age?")
    answer = Rim(library=Library(problems=(problem,) * 50, from_last_good=True)).ask("GET", "/health/ready")
    assert answer.status_code == 200 and answer.json()["lastGood"] is True
    refused = answer.json()["refused"]
    assert len(refused) == 20
    assert refused[0] == "rules/head/x.yaml:28: patient.aeg is not a fact; did you mean patient.age?"
    assert "/home/ops" not in answer.text


def test_without_content_it_is_not_ready_and_says_why():
    library = Library(ready=False, problems=(Problem("rules/a.yaml", 1, "this is not YAML"),))
    answer = Rim(library=library).ask("GET", "/health/ready")
    assert answer.status_code == 503 and "retry-after" in answer.headers
    assert answer.json() == {"ready": False, "refused": ["rules/a.yaml:1: this is not YAML"]}


@pytest.mark.parametrize(("ready", "value"), [(True, 1.0), (False, 0.0)])
def test_the_counters_say_whether_it_is_ready(ready, value):
    rim = Rim(library=Library(ready=ready))
    answer = rim.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert f"cds_ready {value}" in answer.text


def test_health_is_not_kept_by_caches():
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert Rim().ask("GET", path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_health_is_only_read(path):
    assert Rim().ask("POST", path).status_code == 405


def test_health_before_the_start_is_not_ready():
    assert not State(Rim().settings, Metrics()).is_ready


def test_servers_that_are_left_alone_are_shown_and_readiness_does_not_hang_on_them():
    state = State(Rim().settings, Metrics())
    assert state.circuits == {}
    rim = Rim()
    rim.circuits = lambda: {"ehr.example": "open"}
    answer = rim.ask("GET", "/health/ready")
    assert answer.status_code == 200 and answer.json()["servers"] == [{"server": "ehr.example", "state": "open"}]
