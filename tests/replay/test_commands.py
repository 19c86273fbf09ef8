"""Decisions and feedback exported, and decisions judged again, from the command line."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cds_service import cli, folders, shelf
from cds_service.replay import command
from cds_service.settings import read
from tests.http.rim import SIGN
from tests.http.test_assembled import whole
from tests.scenarios.compose import request
from tests.storage.kept import rows

APPENDIX: dict[str, Any] = {
    "order": {"exam": "CT ABD PELVIS W CONTRAST", "reason": {"icd10cm": "R10.31", "text": "RLQ pain"}},
    "child": {"age": "9 years"},
}
INSTANCE = "3f2b1c4d-0000-4000-8000-0123456789ab"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """A data folder after one call and what the clinician did with its card; with both."""
    folder = tmp_path_factory.mktemp("made")
    body = request({"at": datetime.now(UTC).isoformat(), **APPENDIX})
    body["hookInstance"] = INSTANCE
    visit = {
        "resourceType": "Encounter",
        "id": body["context"].get("encounterId") or "visit-9",
        "status": "in-progress",
    }
    visit["location"] = [{"location": {"reference": "Location/er"}, "status": "active"}]
    visit["subject"] = {"reference": f"Patient/{body['context']['patientId']}"}
    body["context"]["encounterId"] = visit["id"]
    body["prefetch"]["encounter"] = visit

    def told(card: dict[str, Any]) -> dict[str, Any]:
        reason = {"reason": {"code": "x", "display": "=1+1"}, "userComment": "@seen"}
        return {"card": card["uuid"], "outcome": "overridden", "overrideReason": reason}

    rim = whole(folder)

    async def run() -> dict[str, Any]:
        import httpx

        async with rim.app.router.lifespan_context(rim.app):
            transport = httpx.ASGITransport(rim.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://cds.test") as client:
                answer: dict[str, Any] = (await client.post(SIGN, json=body)).json()
                report = {"feedback": [told(card) for card in answer["cards"]]}
                assert (await client.post(SIGN + "/feedback", json=report)).status_code == 200
                return answer

    yield folder / "data", body, asyncio.run(run())


@pytest.fixture
def data(made: tuple[Path, dict[str, Any], dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CDS_DATA", str(made[0]))
    return made[0]


def decision(made: tuple[Path, dict[str, Any], dict[str, Any]]) -> str:
    (ours,) = made[2]["extension"].values()
    return str(ours["decision"])


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert cli.main(arguments) == status
    return capsys.readouterr().out


def test_a_decision_holds_all_it_takes_and_nothing_that_names_a_child(made, data, capsys):
    line = json.loads(printed(capsys, "decisions", "export", "--since", "2026-01-01", "--unmasked"))
    (ours,) = made[2]["extension"].values()
    assert (line["decision"], line["content"], line["hook"]) == (ours["decision"], ours["revision"], "order-sign")
    assert (line["client"], line["hookInstance"]) == ("local", INSTANCE)
    assert line["cards"] == [card["uuid"] for card in made[2]["cards"]]
    assert set(line["steps"]) == {"read", "judge", "cards"} and line["milliseconds"] > 0
    (order,) = line["orders"]
    assert order["exam"] == "CT abdomen+pelvis with contrast"
    rules = {one["rule"]: one for one in order["verdicts"]}
    assert rules["suspected-appendicitis"]["outcome"] == "advice" and rules["suspected-appendicitis"]["version"]
    assert rules["suspected-appendicitis"]["alternatives"] == ["US right-lower-quadrant"]
    assert order["facts"]["facts"]["patient.age"]["days"][2:] == [0, 0]
    body = made[1]
    for name in (
        body["context"]["patientId"],
        body["context"]["encounterId"],
        body["prefetch"]["patient"]["birthDate"],
    ):
        assert name not in json.dumps(line)


def test_a_masked_decision_is_coarser_still(made, data, capsys):
    said = printed(capsys, "decisions", "export")
    line = json.loads(said)
    assert not {"hookInstance", "patient", "encounter"} & set(line) and INSTANCE not in said
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d", line["at"])
    assert line["orders"][0]["facts"]["facts"]["patient.age"] == {"years": 9}


def test_exports_keep_to_their_time(data, capsys):
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert printed(capsys, "decisions", "export", "--since", tomorrow) == ""
    assert printed(capsys, "decisions", "export", "--until", "2020-01-01") == ""
    assert cli.main(["decisions", "export", "--since", "Tuesday"]) == 2
    assert "2026-03-02" in capsys.readouterr().err


def test_feedback_says_what_who_when_and_where_and_runs_in_no_spreadsheet(made, data, capsys):
    (line,) = (json.loads(one) for one in printed(capsys, "feedback", "export", "--format", "json").splitlines())
    assert line["action"] == "overridden" and line["intervention"].startswith("suspected-appendicitis v")
    assert (line["user"], line["location"]) == (made[1]["context"]["userId"], "Location/er")
    assert line["feedback"] == "=1+1; @seen" and line["date"] and line["issued"]
    header, row = csv.reader(printed(capsys, "feedback", "export").splitlines())
    told = dict(zip(header, row, strict=True))
    assert told["feedback"] == "'=1+1; @seen" and set(header) == set(line)


def test_why_was_that_said(made, data, capsys):
    said = printed(capsys, "replay", decision(made))
    assert "suspected-appendicitis" in said and "because" in said and "say the same" in said
    assert "otherwise" not in said and "no longer kept" not in said


def other_rules(folder: Path) -> Path:
    """The shipped rules with the topic of appendicitis switched off."""
    copy = folder / "rules"
    shutil.copytree(read({}).rules, copy)
    file = copy / "abdomen" / "suspected-appendicitis.yaml"
    file.write_text(file.read_text().replace("status: active", "status: silent"))
    return copy


def test_what_other_rules_would_have_said(made, data, capsys, tmp_path):
    rules = str(other_rules(tmp_path))
    said = printed(capsys, "replay", decision(made), "--rules", rules)
    assert "- suspected-appendicitis" in said and "not shown" in said
    many = printed(capsys, "replay", "--since", "2026-01-01", "--rules", rules)
    assert decision(made) in many and "1 orders judged again, 1 otherwise, 0 without" in many
    assert "1 orders judged again, 0 otherwise" in printed(capsys, "replay", "--since", "2026-01-01")


def test_rules_of_another_day_are_used_as_long_as_they_are_kept(made, data, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("CDS_RULES", str(other_rules(tmp_path)))
    said = printed(capsys, "replay", decision(made))
    assert "because" in said and "- suspected-appendicitis" in said and "otherwise:" not in said
    empty = tmp_path / "data"
    empty.mkdir()
    shutil.copy(data / "service.db", empty / "service.db")
    monkeypatch.setenv("CDS_DATA", str(empty))
    said = printed(capsys, "replay", decision(made))
    assert "no longer kept" in said and "suspected-appendicitis" in said and "because" not in said


def test_a_chart_that_was_opened_is_no_judgement():
    row = {"decision": "d1", "decided_at": "2026-03-02T14:00:00", "service": "patient-view", "client": "local"}
    kept = SimpleNamespace(row={**row, "milliseconds": 5.0}, orders=())
    assert list(command.told(kept, None, None))[-1] == "  No order was judged."


def test_a_decision_that_is_not_there(data, capsys):
    assert cli.main(["replay", "nothing"]) == 1
    assert cli.main(["replay"]) == 2
    assert "no decision nothing" in capsys.readouterr().err


def test_the_same_record_again_refers_to_the_same_facts(tmp_path):
    body = request({"at": datetime.now(UTC).isoformat(), **APPENDIX})
    answers = whole(tmp_path).ask_all(*[("POST", SIGN, {"json": body})] * 6)
    assert {answer.status_code for answer in answers} == {200}
    kept = rows(tmp_path / "data", "decisions")
    names = [json.loads(row["verdicts"])[0]["facts"] for row in kept]
    assert len(kept) == 6 and len(set(names)) < 6
    assert {row["facts"] for row in rows(tmp_path / "data", "facts")} == set(names)


def test_contents_are_kept_by_digest_and_not_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "MOST", 2)
    made = [{"rules/a.yaml": str(n).encode()} for n in range(3)]
    for n, files in enumerate(made):
        shelf.put(tmp_path, folders.digest(files), folders.pack(files))
        (tmp_path / "contents" / f"{folders.digest(files)}.zip").touch()
        for place, path in enumerate(sorted((tmp_path / "contents").iterdir(), key=lambda one: one.stat().st_mtime)):
            os.utime(path, (1000 * n + place, 1000 * n + place))
    kept = [files for files in made if shelf.get(tmp_path, folders.digest(files)) is not None]
    assert kept == made[1:]
    assert shelf.get(tmp_path, "../../etc/passwd") is None
    damaged = tmp_path / "contents" / f"{folders.digest(made[2])}.zip"
    damaged.write_bytes(b"no archive")
    assert shelf.get(tmp_path, folders.digest(made[2])) is None
