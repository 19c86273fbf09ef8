"""
Rows 46, 96, 97 and 134: marked words are sent through every path, and every output is searched for them.

The only places they may stand in: the answer with advice itself, and in the database (or its spool, while it is away) the
user, and what feedback says: its comment and the suggestions it names.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cds_service.app import build
from cds_service.facts.gather import Site
from cds_service.telemetry import configure
from cds_service.telemetry.traces import Traces
from tests.http.rim import SIGN, Rim
from tests.scenarios.compose import request as composed
from tests.test_advise import APPENDIX, Practice

VIEW = "/cds-services/pediatric-imaging-patient-view"
SELECT = "/cds-services/pediatric-imaging-order-select"
PATIENT = "cnrpid-7f3a"
MARKS = {
    "patient id": PATIENT,
    "record number": "CNRMRN88123",
    "family name": "Canaryfamily",
    "given name": "Canarygiven",
    "birth date": "2016-07-19",
    "address": "Canarystreet",
    "phone": "5550199771",
    "encounter": "cnrenc-55",
    "order": "cnrorder-9",
    "note": "canarynote",
    "finding": "canaryfinding",
    "fhir token": "CNRFHIRTOKEN",
    "bearer token": "CNRBEARER",
    "odd member": "canarymember",
    "query": "canaryquery",
    "path": "canarypath",
    "header": "canaryheader",
    "error of a server": "canaryservererror",
}
USER, COMMENT, SUGGESTION = "cnruser-3", "canarycomment", "cnrsuggestion"
STORED = (USER, COMMENT, SUGGESTION)
ACCESS = {"access_token": MARKS["fhir token"], "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}
HEADERS = {
    "authorization": f"Bearer {MARKS['bearer token']}.{MARKS['bearer token']}.{MARKS['bearer token']}",
    "x-request-id": MARKS["header"],
    "x-forwarded-for": MARKS["header"],
    "tracestate": f"a={MARKS['header']}",
    "baggage": f"patient={MARKS['header']}",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "content-type": "application/json",
}
CHILD = {
    "resourceType": "Patient",
    "id": PATIENT,
    "birthDate": MARKS["birth date"],
    "name": [{"family": MARKS["family name"], "given": [MARKS["given name"]]}],
    "identifier": [{"value": MARKS["record number"]}],
    "address": [{"line": [MARKS["address"]]}],
    "telecom": [{"value": MARKS["phone"]}],
}


def call(hook: str = "order-sign") -> dict[str, Any]:
    """A call that brings a card, with a marked word wherever one can stand."""
    made = composed(
        {
            "at": datetime.now(UTC).isoformat(),
            "hook": hook,
            "order": {"exam": "CT ABD/PEL W/WO", "reason": "r/o appendicitis"},
            "child": {"age": "10 years"},
        }
    )
    text = json.dumps(made)
    old = made["context"]["patientId"]
    made = json.loads(text.replace(f"Patient/{old}", f"Patient/{PATIENT}"))
    made["context"] |= {"patientId": PATIENT, "encounterId": MARKS["encounter"], "userId": f"Practitioner/{USER}"}
    made["prefetch"]["patient"] = CHILD
    order = made["context"]["draftOrders"]["entry"][0]["resource"]
    order |= {
        "id": MARKS["order"],
        "note": [{"text": MARKS["note"]}],
        "encounter": {"reference": f"Encounter/{MARKS['encounter']}"},
    }
    if "selections" in made["context"]:
        made["context"]["selections"] = [f"ServiceRequest/{MARKS['order']}"]
    made[MARKS["odd member"]] = MARKS["odd member"]
    made["prefetch"]["observations"] = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {
        "resourceType": "Observation", "id": MARKS["finding"], "status": "final", "subject": {"reference": f"Patient/{PATIENT}"},
        "code": {"text": MARKS["finding"]}, "valueString": MARKS["finding"]}}]}  # fmt: skip
    return made


class Ehr(BaseHTTPRequestHandler):
    """A FHIR server that answers well, or badly, always with marked words."""

    bad: ClassVar[bool] = False

    def do_GET(self) -> None:
        outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": MARKS["error of a server"]}]}
        found = CHILD if "/Patient/" in self.path else {"resourceType": "Bundle", "type": "searchset", "entry": []}
        body = json.dumps(outcome if self.bad else found).encode()
        self.send_response(500 if self.bad else 200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-error", MARKS["error of a server"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def fhir():
    with ThreadingHTTPServer(("127.0.0.1", 0), Ehr) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/fhir"
        server.shutdown()
        thread.join()


class House:
    """A whole service whose every output is kept."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.log = io.StringIO()
        configure("debug", self.log)
        self.exporter = InMemorySpanExporter()
        self.traces = Traces(self.exporter)
        self.rim = Rim(
            CDS_DATA=str(data),
            CDS_LOG_LEVEL="debug",
            CDS_DISCOVERY="open",
            CDS_PUBLIC_URL="https://cds.example",
            **environment,
        )
        self.rim.app = build(self.rim.settings, traces=self.traces)
        self.answers: list[Any] = []
        self.runner = asyncio.Runner()
        self.life = self.rim.app.router.lifespan_context(self.rim.app)
        self.runner.run(self.life.__aenter__())

    def send(self, *requests: tuple[str, str, Any]) -> list[Any]:
        sent = [
            (method, path, {"headers": HEADERS, "content": body if isinstance(body, bytes) else json.dumps(body)})
            for method, path, body in requests
        ]
        made = self.runner.run(self.sending(sent))
        self.answers += made
        return made

    async def sending(self, sent: list[tuple[str, str, Any]]) -> list[Any]:
        transport = httpx.ASGITransport(self.rim.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cds.test", verify=False) as client:
            return [await client.request(method, path, **more) for method, path, more in sent]

    def outputs(self) -> dict[str, str]:
        """Everything that came out until its end, by what it is, but for answers with advice."""
        self.runner.run(self.life.__aexit__(None, None, None))
        self.runner.close()
        self.traces._provider.force_flush()
        files = {
            f"file {path.name}": path.read_bytes().decode("latin-1") for path in self.data.rglob("*") if path.is_file()
        }
        refused = [one for one in self.answers if one.status_code >= 400]
        return {
            **files,
            "log": self.log.getvalue(),
            "spans": "".join(span.to_json() for span in self.exporter.get_finished_spans()),
            "refusals": "".join(one.text for one in refused),
            "headers": "".join(str(one.headers.raw) for one in self.answers),
            "silent answers": "".join(
                one.text for one in self.answers if one.status_code == 200 and "cards" not in one.text
            ),
        }


@pytest.fixture(scope="module")
def visited(tmp_path_factory, fhir):
    """A house after every path, and all that came out of it."""
    house = House(tmp_path_factory.mktemp("visited") / "data", CDS_FHIR_SERVERS=fhir, CDS_PATIENT_VIEW="on")
    every_path(house, fhir)
    outputs = house.outputs()
    house.traces.close()
    return house.answers, outputs | exports(house.data)


def exports(data: Path) -> dict[str, str]:
    """What the commands write of what was kept."""
    asked = (["decisions"], ["decisions", "--unmasked"], ["feedback"], ["feedback", "--format", "json"])
    made = {}
    for name, *options in asked:
        command = [sys.executable, "-m", "cds_service.cli", name, "export", *options]
        own = {**os.environ, "CDS_DATA": str(data), "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, env=own, capture_output=True, text=True, check=True)
        made[" ".join(["export", name, *options])] = done.stdout + done.stderr
    return made


def spoiled(**change: Any) -> dict[str, Any]:
    return {**call(), **change}


def broken_prefetch() -> dict[str, Any]:
    made = call()
    outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": MARKS["error of a server"]}]}
    made["prefetch"] |= {"conditions": outcome, "observations": [MARKS["finding"]], "imagingHistory": MARKS["finding"]}
    return made


def without_record(fhir: str) -> dict[str, Any]:
    return spoiled(prefetch={}, fhirServer=fhir, fhirAuthorization=ACCESS)


def another_child() -> dict[str, Any]:
    made = call()
    made["prefetch"]["patient"] = {**CHILD, "id": "someone-else"}
    return made


def feedback(card: str, **more: Any) -> dict[str, Any]:
    reason = {"reason": {"code": "clinical-judgement", "system": "urn:x"}, "userComment": COMMENT}
    one = {"card": card, "outcome": "overridden", "overrideReason": reason, MARKS["odd member"]: MARKS["odd member"]}
    return {"feedback": [{**one, **more}]}


def every_path(house: House, fhir: str) -> None:
    """Marked words through every path there is."""
    first, *_ = house.send(
        ("POST", SIGN, call()),
        ("POST", SELECT, call("order-select")),
        ("POST", VIEW, spoiled(hook="patient-view")),
        ("POST", SIGN, broken_prefetch()),
        ("POST", SIGN, another_child()),
    )
    card = first.json()["cards"][0]["uuid"]
    Ehr.bad = False
    house.send(("POST", SIGN, without_record(fhir)))
    Ehr.bad = True
    house.send(("POST", SIGN, without_record(fhir)), ("POST", SIGN, without_record("https://canarypath.example/fhir")))
    house.send(
        ("POST", SIGN + "/feedback", feedback(card)),
        ("POST", SIGN + "/feedback", feedback(card, outcome="accepted", acceptedSuggestions=[{"id": SUGGESTION}])),
        ("POST", SIGN + "/feedback", feedback(MARKS["note"], outcome=MARKS["note"])),
        ("POST", SIGN + "/feedback", {"feedback": MARKS["note"]}),
        ("POST", SIGN, json.dumps(call()).encode()[:-3]),
        ("POST", SIGN, spoiled(hook=MARKS["note"])),
        ("POST", SIGN, spoiled(context={**call()["context"], "patientId": f"{PATIENT}/../x"})),
        ("POST", SIGN, spoiled(context={MARKS["note"]: 1})),
        ("POST", SIGN, spoiled(context=[MARKS["note"]])),
        ("POST", SIGN, spoiled(prefetch=MARKS["note"])),
        ("POST", f"/cds-services/{MARKS['path']}", call()),
        ("POST", f"{SIGN}?patient={MARKS['query']}", call()),
        ("GET", f"/rules/{MARKS['path']}", b""),
        ("GET", f"/imaging-so-far/{MARKS['path']}", b""),
        ("GET", f"/{MARKS['path']}?patient={MARKS['query']}", b""),
        ("PUT", f"/rules?patient={MARKS['query']}", b""),
        *(("GET", path, b"") for path in ("/metrics", "/health/ready", "/health/live", "/rules", "/cds-services")),
    )


def found(outputs: dict[str, str], marks: Any) -> set[tuple[str, str]]:
    return {(name, mark) for name, text in outputs.items() for mark in marks if mark in text}


def test_row_134_marked_words_stand_nowhere_but_where_they_are_documented(visited):
    answers, outputs = visited
    statuses = {one.status_code for one in answers}
    assert {200, 400, 404, 412} <= statuses and not any(one >= 500 for one in statuses)
    assert len(outputs["log"].splitlines()) > 15 and "POST /cds-services/{service_id}" in outputs["spans"]
    assert found(outputs, MARKS.values()) == set()
    kept = {name for name, _ in found(outputs, STORED)}
    assert kept and all(name.startswith(("file service.db", "file feedback", "export feedback")) for name in kept)


def test_row_134_exports_name_no_child_and_tell_everything_else(visited):
    _, outputs = visited
    written = {name: text for name, text in outputs.items() if name.startswith("export ")}
    assert len(written) == 4 and all(len(text.splitlines()) >= 2 for text in written.values())
    assert found(written, MARKS.values()) == set()
    assert {name for name, _ in found(written, STORED)} == {"export feedback", "export feedback --format json"}


def test_row_134_a_database_that_is_away_leaves_them_in_the_spool_only(tmp_path, fhir):
    (tmp_path / "no").touch()  # a file where a folder would be: the database cannot be opened
    away = f"sqlite:///{tmp_path / 'no' / 'service.db'}"
    house = House(tmp_path / "data", CDS_FHIR_SERVERS=fhir, CDS_PATIENT_VIEW="on", CDS_DATABASE_URL=away)
    every_path(house, fhir)
    outputs = house.outputs()
    assert found(outputs, MARKS.values()) == set()
    assert {name for name, _ in found(outputs, STORED)} <= {name for name in outputs if name.endswith(".spool")}
    house.traces.close()


def test_row_46_tokens_and_payloads_are_in_no_log(tmp_path, fhir):
    house = House(tmp_path / "data", CDS_FHIR_SERVERS=fhir)
    house.send(
        ("POST", SIGN, without_record(fhir)), ("POST", SIGN, call()), ("POST", SIGN, b"{" + MARKS["note"].encode())
    )
    outputs = house.outputs()
    assert "advised" in outputs["log"] and "refused" in outputs["log"]
    assert not found({"log": outputs["log"]}, (*MARKS.values(), *STORED))
    house.traces.close()


def test_row_96_no_refusal_repeats_the_request(visited):
    answers, _ = visited
    refused = [one for one in answers if one.status_code >= 400]
    assert len(refused) >= 10
    for one in refused:
        assert len(one.content) < 4096 and not found({"body": one.text}, (*MARKS.values(), *STORED))


def test_row_97_no_answer_tells_how_it_was_made(visited):
    answers, _ = visited
    for one in answers:
        for word in ("Traceback", "cds_service", "site-packages", "uvicorn", "starlette", "FastAPI", "Python/", ".py"):
            assert word not in one.text or one.request.url.path == "/metrics", word
            assert word.lower() not in str(one.headers.raw).lower()
        assert "server" not in one.headers


def test_row_97_a_fault_inside_tells_nothing_of_itself():
    rim = Rim(advisor=ValueError(f"{PATIENT} at /srv/place.py"))
    answer = rim.post(json.dumps(call()).encode())
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


ZONES = ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/St_Johns"]


def test_row_134_the_servers_own_zone_changes_nothing(tmp_path):
    code = (
        "from tests.test_advise import *\n"
        "import json, os, pathlib, time\n"
        f"for place, zone in enumerate({ZONES!r}):\n"
        "    os.environ['TZ'] = zone\n"
        "    time.tzset()\n"
        f"    one = Practice(pathlib.Path({str(tmp_path)!r}) / str(place))\n"
        "    cards = one.cards(APPENDIX)\n"
        "    print(json.dumps([time.timezone, [[card['summary'], card['indicator'], card['detail']] for card in cards]]))\n"
        "    one.close()\n"
    )
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len({offset for offset, _ in told}) == len(ZONES)
    cards = [json.dumps(said) for _, said in told]
    assert len(set(cards)) == 1 and "appendi" in cards[0].lower()


@pytest.mark.parametrize(("day", "child"), [("2026-02-28", True), ("2026-03-01", False)])
def test_row_134_a_birthday_on_a_leap_day_falls_on_the_first_of_march(day, child, tmp_path):
    practice = Practice(tmp_path)
    practice.now = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    cards = practice.cards(APPENDIX, prefetch__patient__birthDate="2008-02-29")
    practice.close()
    assert bool(cards) is child


@pytest.mark.parametrize(("zone", "child"), [("Pacific/Kiritimati", False), ("Etc/GMT+12", True)])
def test_row_134_a_birthday_begins_at_the_hospitals_midnight_however_far_away(zone, child, tmp_path):
    practice = Practice(tmp_path)
    practice.now, practice.advisor.site = datetime.fromisoformat("2026-03-28T23:00:00+00:00"), Site(zone)
    made = {**APPENDIX, "child": {"age": "18 years"}}
    cards = practice.cards(
        made, prefetch__patient__birthDate="2008-03-29", context__draftOrders__entry__0__resource__authoredOn="removed"
    )
    practice.close()
    assert bool(cards) is child
