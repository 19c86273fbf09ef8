import json

import pytest

from cds_service.errors import NotReady, StorageError
from tests.http.rim import SIGN, Library, Rim, Store, outcome

PATH = SIGN + "/feedback"
BATCH = json.dumps(
    {
        "feedback": [
            {"card": "c1", "outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}]},
            {"card": "c2", "outcome": "overridden"},
        ]
    }
)


def test_feedback_is_kept_before_it_is_answered():
    rim = Rim()
    answer = rim.post(BATCH, PATH)
    assert (answer.status_code, answer.json()) == (200, {})
    ((client, items),) = rim.store.kept
    assert client == "local"
    assert [item.card for item in items] == ["c1", "c2"]
    assert rim.metric('cds_feedback_total{outcome="accepted"}') == 1


@pytest.mark.parametrize("error", [StorageError("disk full at /data"), OSError("No space"), ValueError("Jane")])
def test_feedback_that_is_not_kept_is_asked_for_again(error):
    rim = Rim(store=Store(error))
    answer = rim.post(BATCH, PATH)
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert "send it again" in outcome(answer)["diagnostics"]
    assert "data" not in answer.text and "Jane" not in answer.text
    assert rim.metric('cds_faults_total{kind="feedback"}') == 1
    assert rim.metric('cds_feedback_total{outcome="accepted"}') == 0


def test_a_store_that_is_busy_says_so_itself():
    answer = Rim(store=Store(NotReady("Busy."))).post(BATCH, PATH)
    assert answer.status_code == 503 and outcome(answer)["diagnostics"] == "Busy."


def test_feedback_is_taken_in_without_rules_in_force():
    assert Rim(library=Library(ready=False)).post(BATCH, PATH).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"feedback": [{"card": "c1"}]}', b'{"feedback": ["Jane"]}'])
def test_garbage_is_refused(body):
    rim = Rim()
    answer = rim.post(body, PATH)
    assert answer.status_code == 400 and "Jane" not in answer.text
    assert rim.store.kept == []


def test_there_is_no_feedback_on_a_service_that_is_not():
    assert Rim().post(BATCH, "/cds-services/other/feedback").status_code == 404


def test_feedback_is_posted():
    answer = Rim().ask("GET", PATH)
    assert answer.status_code == 405 and answer.headers["allow"] == "POST"


def test_feedback_is_counted_apart_from_calls():
    rim = Rim()
    rim.post(BATCH, PATH)
    assert rim.metric(f'cds_requests_total{{service="{SIGN.rpartition("/")[2]}/feedback",status="200"}}') == 1
