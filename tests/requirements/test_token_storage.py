"""Requirements 35, 36, 128 and 133 on the real service: kills, memory, and other clients' cards and servers."""

from __future__ import annotations

import json
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from cds_service.errors import Problem
from tests.clients.callers import ENDPOINT, PUBLIC, entry, jwk, key, token
from tests.hooks.requests import body
from tests.http.rim import SIGN
from tests.properties.clinic import opened as clinic_opened
from tests.requirements.house import opened
from tests.requirements.service import Service, running

OTHER = "https://other.example/fhir"
CALL = body()


def clients(folder: Path, entries: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clients.yaml").write_text(json.dumps(entries))


def two() -> dict[str, object]:
    """Two clients, each with a key and a FHIR server of its own."""
    return {
        "main": entry(fhir_servers=["https://fhir.main.example"]),
        "other": entry(issuer=OTHER, keys=[jwk(key("ES384", "other"))], fhir_servers=["https://fhir.other.example"]),
    }


def served(folder: Path) -> AbstractContextManager[Service]:
    """The service as a process of its own, while it runs."""
    return running(folder / "data", CDS_SITE=str(folder / "site"), CDS_PUBLIC_URL=PUBLIC)


def send(port: int, sent: str) -> int:
    headers = {"authorization": f"Bearer {sent}", "content-type": "application/json"}
    return httpx.post(
        f"http://127.0.0.1:{port}{SIGN}", content=CALL, headers=headers, trust_env=False, verify=False
    ).status_code


@pytest.mark.timeout(240)
def test_row_35_replay_after_a_kill(tmp_path):
    clients(tmp_path / "site", {"main": entry()})
    used: list[str] = []
    for _ in range(2):
        with served(tmp_path) as service:
            assert [send(service.port, sent) for sent in used] == [401] * len(used)
            for _ in range(5):
                used.append(token())
                assert send(service.port, used[-1]) == 200
            service.process.kill()
    with served(tmp_path) as service:
        assert [send(service.port, sent) for sent in used] == [401] * len(used)
        assert send(service.port, token()) == 200


def test_row_36_memory_is_bounded_by_rate_and_lifetime(tmp_path):
    """Nothing live is pushed out by a flood; what is over is gone (tests/storage/test_used_tokens.py has the clock)."""
    with opened(tmp_path) as house:
        first = token()
        house.accepts(first)
        for _ in range(300):
            assert house.send(token(algorithm="RS384")).status_code == 200
        house.refuses(first, "used before")


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer {token}"}, {"authorization": "Bearer x"}, {"x-forwarded-for": "127.0.0.1"}],
)
def test_row_128_counters_are_not_for_callers(tmp_path, headers):
    """There are no admin pages yet; what operators read is not given to an EHR, whatever it sends."""
    with opened(tmp_path) as house:
        sent = {name: value.replace("{token}", token()) for name, value in headers.items()}
        transport = httpx.ASGITransport(house.rim.app, client=("10.0.0.7", 5))

        async def ask(path: str) -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://cds.test", verify=False) as other:
                return await other.get(path, headers=sent)

        for path in ("/metrics", "/metrics?token=x", "/metrics/", "//metrics", "/METRICS"):
            answer = house.runner.run(ask(path))
            assert answer.status_code in (403, 404) and b"cds_" not in answer.content
        proxied = house.send(None, method="GET", path="/metrics", headers={"forwarded": "for=10.0.0.7"})
        assert proxied.status_code == 403 and house.metrics()
    with opened(tmp_path, CDS_METRICS="open") as house:
        transport = httpx.ASGITransport(house.rim.app, client=("10.0.0.7", 5))
        assert house.runner.run(ask("/metrics")).status_code == 200


def test_row_128_readiness_tells_outsiders_neither_edits_nor_servers(tmp_path):
    with opened(tmp_path) as house:
        house.rim.library.status.problems = (Problem("rules/a.yaml", 1, "secret"),)
        inside = house.send(None, method="GET", path="/health/ready").json()
        proxied = house.send(None, method="GET", path="/health/ready", headers={"x-forwarded-for": "10.0.0.7"}).json()
        assert inside["refused"] == ["rules/a.yaml:1: secret"]
        assert proxied["ready"] and "digest" in proxied and not {"refused", "servers"} & proxied.keys()


def test_row_133_feedback_for_another_clients_card(tmp_path):
    clients(tmp_path / "site", two())
    other = key("ES384", "other")
    told = json.dumps({"feedback": [{"card": "{}", "outcome": "overridden"}]})
    where = {"CDS_SITE": str(tmp_path / "site"), "CDS_PUBLIC_URL": PUBLIC}
    with clinic_opened(tmp_path / "data", **where) as clinic:
        card = clinic_card(tmp_path, "main")
        for sent in (token(aud=ENDPOINT + "/feedback"), token(other, iss=OTHER, aud=ENDPOINT + "/feedback")):
            answer = clinic.request(
                "POST",
                SIGN + "/feedback",
                content=told.replace("{}", card),
                headers={"authorization": f"Bearer {sent}"},
            )
            assert answer.status_code == 200
    with sqlite3.connect(tmp_path / "data" / "service.db") as database:
        rows = dict(database.execute("select client, ours from feedback"))
    assert rows == {"main": 1, "other": 0}


def clinic_card(folder: Path, client: str) -> str:
    """The id of a card that the installation in *folder* issues to *client*."""
    from cds_service.storage.identity import identity_in

    return identity_in(folder / "data").card_id(client)


def test_a_client_may_name_its_own_fhir_servers_only(tmp_path):
    with opened(tmp_path, two()) as house:
        house.accepts(token())
        house.accepts(token(key("ES384", "other"), iss=OTHER))
        asked = {client.id: client.fhir_servers for client, *_ in house.rim.advisor.asked}
    assert asked == {"main": ("https://fhir.main.example",), "other": ("https://fhir.other.example",)}
