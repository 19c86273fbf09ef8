"""Opening a chart, on the wire: off by default, children only, one card, a picture behind a link that says nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cds_service.app import build
from cds_service.fhir.records import LazyRecords
from cds_service.settings import read
from tests.scenarios.compose import request

AT = "2026-11-24T14:00:00Z"
VIEW = "/cds-services/pediatric-imaging-patient-view"
CHILD: dict[str, Any] = {
    "at": AT,
    "order": {"exam": "CT head"},
    "child": {"age": "9 years"},
    "history": [{"exam": "CT head", "ago": "40 days"}, {"exam": "US abdomen", "ago": "2 days"}],
}


class Desk:
    """A running service with the view switched on, or not."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.runner = asyncio.Runner()
        chosen = {"CDS_DATA": str(folder), "CDS_RELOAD_SECONDS": "0", "CDS_PUBLIC_URL": "https://cds.example"}
        self.app = build(read({**chosen, "CDS_PATIENT_VIEW": "on", **environment}))
        self.life = self.app.router.lifespan_context(self.app)
        self.runner.run(self.life.__aenter__())
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://cds.test", verify=False
        )

    def get(self, path: str) -> httpx.Response:
        return self.runner.run(self.client.get(path))

    def open(self, scenario: dict[str, Any] = CHILD, **prefetch: Any) -> httpx.Response:
        """The answer when the chart of the scenario's child is opened."""
        made = request(scenario)
        del made["context"]["draftOrders"]
        made |= {"hook": "patient-view", "prefetch": {**made["prefetch"], **prefetch}}
        return self.runner.run(self.client.post(VIEW, content=json.dumps(made).encode()))

    def cards(self, scenario: dict[str, Any] = CHILD, **prefetch: Any) -> list[dict[str, Any]]:
        answer = self.open(scenario, **prefetch)
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()["cards"]
        return found

    def close(self) -> None:
        self.runner.run(self.client.aclose())
        self.runner.run(self.life.__aexit__(None, None, None))
        self.runner.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    one = Desk(tmp_path_factory.mktemp("desk"))
    yield one
    one.close()


@pytest.fixture(scope="module")
def dosed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    one = Desk(tmp_path_factory.mktemp("dosed"), CDS_PATIENT_VIEW="with-doses")
    yield one
    one.close()


@pytest.fixture(scope="module")
def off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    one = Desk(tmp_path_factory.mktemp("off"), CDS_PATIENT_VIEW="off", CDS_PUBLIC_URL="")
    yield one
    one.close()


def test_it_is_off_unless_switched_on(off: Desk) -> None:
    assert off.open().status_code == 404
    assert "patient-view" not in off.get("/cds-services").text
    assert off.get("/imaging-so-far/x").status_code == 404


def test_it_asks_for_the_history_only(desk: Desk) -> None:
    (one,) = [one for one in desk.get("/cds-services").json()["services"] if one["hook"] == "patient-view"]
    assert set(one["prefetch"]) == {"patient", "imagingStudies", "reports", "procedures"}


def test_one_card_tells_the_exams_newest_first(desk: Desk) -> None:
    (card,) = desk.cards()
    assert card["indicator"] == "info" and card["summary"].startswith("Imaging so far: 2 exams")
    table = card["detail"].splitlines()
    assert "22 November 2026" in table[2] and "15 October 2026" in table[3]
    assert "suggestions" not in card


def test_the_link_leads_to_a_picture_and_says_nothing_of_the_child(desk: Desk) -> None:
    (card,) = desk.cards()
    url = card["links"][0]["url"]
    assert url.startswith("https://cds.example/imaging-so-far/")
    assert not any(word in url for word in ("CT", "head", "2026", "kid", "child", "patient"))
    answer = desk.get(url.removeprefix("https://cds.example"))
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert b"CT head" in answer.content and b"http://www.w3.org/2000/svg" in answer.content


def test_a_broken_link_is_not_found(desk: Desk) -> None:
    (card,) = desk.cards()
    path = card["links"][0]["url"].removeprefix("https://cds.example")
    assert desk.get(path[:-1] + ("0" if path[-1] != "0" else "1")).status_code == 404


@pytest.mark.parametrize("child", [{"age": "18 years"}, {"born": None}], ids=["adult", "age unknown"])
def test_nobody_but_children(desk: Desk, child: dict[str, Any]) -> None:
    patient = request(CHILD)["prefetch"]["patient"]
    if "born" in child:
        patient.pop("birthDate")
        assert desk.cards(patient=patient) == []
    else:
        assert desk.cards({**CHILD, "child": child}) == []


def test_nothing_found_is_silence(desk: Desk) -> None:
    assert desk.cards({**CHILD, "history": []}) == []


def summaries(*said: dict[str, Any], patient: str = "child") -> dict[str, Any]:
    """Dose summaries of the child's CT, as a search answers."""
    common = {"resourceType": "Observation", "status": "final", "code": {"coding": [{"code": "73569-6"}]}}
    about = {"subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": "2026-10-15"}
    entries = [{"resource": {"id": f"d{place}", **common, **about, **one}} for place, one in enumerate(said)]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def dlp(value: Any, unit: str = "mGy.cm", code: str = "113813") -> dict[str, Any]:
    quantity = {"value": value, "unit": unit}
    return {"component": [{"code": {"coding": [{"code": code}]}, "valueQuantity": quantity}]}


def test_doses_are_told_where_a_site_switches_them_on_and_nowhere_else(desk: Desk, dosed: Desk) -> None:
    (card,) = dosed.cards(observations=summaries(dlp(480)))
    table = card["detail"].splitlines()
    assert table[0].endswith("| Images | Dose |")
    assert table[2].endswith("| no radiation |") and table[3].endswith("| DLP 480 mGy·cm, 1 to 2 mSv |")
    assert "no reason against an exam that is needed" in card["detail"] and "total" not in card["detail"]
    (plain,) = desk.cards(observations=summaries(dlp(480)))
    assert "Dose" not in plain["detail"] and "480" not in plain["detail"]


def test_it_asks_for_dose_summaries_only_where_they_are_told(dosed: Desk) -> None:
    (one,) = [one for one in dosed.get("/cds-services").json()["services"] if one["hook"] == "patient-view"]
    assert one["prefetch"]["observations"] == "Observation?patient={{context.patientId}}&code=73569-6"


CT_HEAD = {**CHILD, "history": [{"exam": "CT head without contrast", "loinc": "30799-1", "ago": "40 days"}]}


@pytest.mark.parametrize(
    ("said", "dose"),
    [
        ([dlp(480)], "DLP 480 mGy·cm, 1 to 2 mSv"),
        ([dlp(480), dlp(480)], "DLP 480 mGy·cm, 1 to 2 mSv"),
        ([dlp(480), dlp(520)], "DLP 480 to 520 mGy·cm, 1 to 2 mSv (records differ)"),
        ([dlp(1000, code="113903")], "usually 0.3 to 3 mSv"),
        ([dlp(480, unit="mSv")], "usually 0.3 to 3 mSv"),
        ([dlp(-480)], "usually 0.3 to 3 mSv"),
        ([dlp(1e99)], "usually 0.3 to 3 mSv"),
        ([dlp("480")], "usually 0.3 to 3 mSv"),
        ([{"valueString": "DLP 480,5 mGy*cm"}], "DLP 480 mGy·cm, 1 to 2 mSv"),
        ([{"valueString": "DLP 1E+99999999 mGy*cm"}], "usually 0.3 to 3 mSv"),
        ([], "usually 0.3 to 3 mSv"),
    ],
)
def test_each_exam_has_the_dose_told_for_it_or_its_band(dosed: Desk, said: list[dict[str, Any]], dose: str) -> None:
    (card,) = dosed.cards(CT_HEAD, observations=summaries(*said))
    (line,) = [line for line in card["detail"].splitlines() if "2026" in line]
    assert line.endswith(f"| {dose} |"), line


def test_a_number_no_computer_holds_leaves_the_rest_standing(dosed: Desk) -> None:
    made = json.dumps({**request(CT_HEAD), "hook": "patient-view"})
    made = made.replace('"observations": ', '"observations": DOSES, "was": ') if '"observations"' in made else made
    body = json.loads(made.replace("DOSES", json.dumps(summaries(dlp(480)))))
    raw = json.dumps(body).replace("480", "1E+99999999").encode()
    answer = dosed.runner.run(dosed.client.post(VIEW, content=raw))
    assert answer.status_code == 200
    (card,) = answer.json()["cards"]
    assert "| usually 0.3 to 3 mSv |" in card["detail"] and "Not read whole: Observation" in card["detail"]


def test_the_dose_of_another_patient_is_nobody_s(dosed: Desk) -> None:
    (card,) = dosed.cards(CT_HEAD, observations=summaries(dlp(480), patient="somebody-else"))
    assert "480" not in card["detail"] and "Not read whole: Observation" in card["detail"]


def test_doses_that_could_not_be_read_are_named(dosed: Desk) -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    (card,) = dosed.cards(CT_HEAD, observations=failed)
    assert "Not read whole: Observation" in card["detail"] and "| usually 0.3 to 3 mSv |" in card["detail"]


def test_a_source_that_failed_is_named(desk: Desk) -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    (card,) = desk.cards(procedures=failed)
    assert "Not read whole: Procedure" in card["detail"]


def test_without_a_patient_it_is_412(desk: Desk) -> None:
    assert desk.open(patient=None).status_code == 412


def test_an_overridden_card_stays_away_in_this_visit(desk: Desk) -> None:
    child = {**CHILD, "history": [{"exam": "XR chest", "ago": "9 days"}]}
    (card,) = desk.cards(child)
    item = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": AT, "overrideReason": {}}
    sent = desk.runner.run(desk.client.post(f"{VIEW}/feedback", json={"feedback": [item]}))
    assert sent.status_code == 200
    assert desk.cards(child) == []


def test_what_was_read_for_the_view_is_not_taken_for_the_whole_record(desk: Desk) -> None:
    made = request(CHILD)
    few = {key: made["prefetch"][key] for key in ("patient", "imagingStudies", "reports", "procedures")}
    for _ in range(3):
        view = {**made, "hook": "patient-view", "prefetch": few}
        assert desk.runner.run(desk.client.post(VIEW, json=view)).status_code == 200
    sign = desk.runner.run(desk.client.post(VIEW.replace("patient-view", "order-sign"), json={**made, "prefetch": few}))
    (said,) = sign.json()["extension"].values()
    assert {one["resource"] for one in said["incomplete"]} >= {"Condition", "Observation"}


def test_what_was_read_of_a_record_is_gone_with_its_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, let_go = [], LazyRecords.let_go
    monkeypatch.setattr(LazyRecords, "let_go", lambda record: gone.append(record) or let_go(record))
    desk.cards()
    assert len(gone) == 1
