import asyncio

import pytest

from cds_service.http.guard import Guard
from cds_service.telemetry import Metrics
from tests.http.rim import Rim, outcome


def run(app, scope=None):
    metrics, sent = Metrics(), []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    asyncio.run(Guard(app, metrics)(scope or {"type": "http", "headers": []}, receive, send))
    return sent, metrics.text()


async def broken(scope, receive, send):
    raise KeyError("Jane Doe")


async def broken_half_way(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise KeyError("Jane Doe")


def test_whatever_escapes_a_route_is_answered_without_a_word_of_it(capsys):
    (start, said), counters = run(broken)
    assert start["status"] == 500
    assert b"OperationOutcome" in said["body"]
    for trace in (b"Jane", b"KeyError", b"Traceback", b"cds_service"):
        assert trace not in said["body"]
    assert "Jane" not in capsys.readouterr().out
    assert b'cds_faults_total{kind="route"} 1.0' in counters


def test_an_answer_already_begun_is_not_begun_again():
    sent, _ = run(broken_half_way)
    assert [message["type"] for message in sent] == ["http.response.start"]


def test_only_requests_are_guarded():
    with pytest.raises(KeyError):
        run(broken, {"type": "lifespan"})


def test_a_browser_may_read_the_answer_to_a_fault():
    rim = Rim()
    rim.library.status = None
    answer = rim.ask("GET", "/health/ready", headers={"origin": "https://a.example"})
    assert answer.status_code == 500 and answer.headers["access-control-allow-origin"] == "*"
    assert outcome(answer)["code"] == "exception"
