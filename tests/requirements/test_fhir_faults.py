"""Rows 60 to 80: whatever the FHIR server does, advice comes in time, from this patient's data, and says what it lacks."""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fhir.fault_server import Answer, drip, drip_headers, endless, hang, raw, reply
from tests.properties import children
from tests.properties.children import bundle
from tests.requirements.service import Ehr, Json, Reply, Service, fresh, target

IN_TIME = 2.5
WHOLE = children.whole()
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
SIGN_IN = "<html><form action=/login>Sign in</form></html>"


@pytest.fixture
def asked(hospital: Ehr, service: Service) -> Json:
    """A call without prefetch; the EHR holds the whole record."""
    del service
    return hospital.holds(WHOLE)


@pytest.fixture(autouse=True)
def well(service: Service, hospital: Ehr) -> None:
    """Begin with a server that is asked, whatever the test before did to it."""
    until = time.monotonic() + 10
    while service.call(hospital.holds(WHOLE)).status != 200:
        assert time.monotonic() < until
        time.sleep(0.1)
    hospital.forget()


def at_fault(service: Service, hospital: Ehr, answer: Any, *keys: str) -> Reply:
    """What is advised when *keys* of the record (conditions) are answered so; good advice comes before and after."""
    good(service, hospital)
    asked = hospital.holds(WHOLE)
    for key in keys or ("conditions",):
        hospital.on(target(asked, key), answer)
    said = service.call(asked)
    assert said.seconds < IN_TIME
    assert set(said.gaps) >= {"Condition"} - ({"Condition"} if keys else set())
    good(service, hospital)
    return said


def good(service: Service, hospital: Ehr) -> None:
    """The record is read whole and the advice is as it ever was."""
    said = service.call(hospital.holds(WHOLE))
    assert said.gaps == {} and said.cards


def paused(answer: Any, seconds: float) -> Answer:
    """*answer*, late."""

    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await reply(answer)(writer)

    return late


@pytest.mark.parametrize("answer", [hang])
def test_row_60_a_server_that_hangs(service, hospital, answer):
    assert at_fault(service, hospital, answer).gaps == {"Condition": "timeout"}


@pytest.mark.parametrize("answer", [drip, drip_headers, endless])
def test_row_61_a_server_that_drips(service, hospital, answer):
    assert at_fault(service, hospital, answer).gaps["Condition"] in ("timeout", "too large")


CUT = [
    b"",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{}",
    b"\x16\x03\x01",
    b"hello\r\n\r\n",
]


@pytest.mark.parametrize("sent", CUT)
def test_row_62_a_connection_cut_short(service, hospital, sent):
    assert at_fault(service, hospital, raw(sent)).gaps == {"Condition": "unreachable"}


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 502, 503])
def test_row_63_a_refusal_is_not_asked_again(service, hospital, status):
    hospital.server.asked.clear()
    said = at_fault(service, hospital, reply("", status=status, headers="retry-after: 0\r\n"))
    assert said.gaps["Condition"] in ("refused", "not found", "unreachable")
    assert hospital.server.targets.count(target(WHOLE, "conditions")) == 3, "once in each of three calls"


@pytest.mark.parametrize("answer", [reply("", status=204), "", "null", [], '"text"', "7"])
def test_row_64_no_answer_at_all(service, hospital, answer):
    assert at_fault(service, hospital, answer).gaps == {"Condition": "not readable"}


@pytest.mark.parametrize("kind", ["text/html", "application/fhir+json"])
def test_row_65_a_sign_in_page(service, hospital, kind):
    page = reply(SIGN_IN, headers=f"content-type: {kind}\r\n")
    assert at_fault(service, hospital, page).gaps == {"Condition": "not readable"}


def twisted(but: str) -> bytes:
    """The conditions of the record with something between."""
    return json.dumps(WHOLE["prefetch"]["conditions"]).encode().replace(b'"type"', but.encode() + b'"type"', 1)


NOT_JSON = {
    "no UTF-8": twisted("").replace(b"searchset", b"\xff\xfe"),
    "UTF-16": twisted("").decode().encode("utf-16"),
    "a mark before it": b"\xef\xbb\xbf" + twisted("X"),
    "no number": twisted('"x": NaN, '),
    "deep": twisted('"x": ' + "[" * 50_000 + "]" * 50_000 + ", "),
}


@pytest.mark.parametrize("kind", NOT_JSON)
def test_row_66_bytes_that_are_no_json(service, hospital, kind):
    assert at_fault(service, hospital, NOT_JSON[kind]).gaps == {"Condition": "not readable"}


def test_row_66_a_giant_number_harms_nobody(service, hospital, asked):
    hospital.on(target(asked, "conditions"), twisted('"x": ' + "9" * 100_000 + ", "))
    assert service.call(asked).seconds < IN_TIME


@pytest.mark.parametrize(
    ("answer", "why"),
    [(OUTCOME, "refused"), ({"resourceType": "Basic"}, "not readable"), ({"entry": []}, "not readable")],
)
def test_row_67_something_else_with_200(service, hospital, answer, why):
    assert at_fault(service, hospital, answer).gaps == {"Condition": why}


@pytest.mark.parametrize("entry", [None, 7, {"resource": None}, {"resource": {"resourceType": "Basic"}}])
def test_row_68_an_entry_that_is_none_is_a_failure(service, hospital, entry):
    odd = copy.deepcopy(WHOLE["prefetch"]["conditions"])
    odd["entry"].append(entry)
    assert at_fault(service, hospital, odd).gaps == {"Condition": "partly not readable"}


def test_row_69_giants_do_not_fill_the_memory(service, hospital):
    service.forget_peak()
    before = service.memory()
    packed = reply(gzip.compress(b" " * 50_000_000), headers="content-encoding: gzip\r\n")
    heavy = reply(bundle(), headers="".join(f"x-{number}: {'y' * 7000}\r\n" for number in range(60)))
    for answer in (reply(b" " * 40_000_000), packed, heavy, endless):
        at_fault(service, hospital, answer, "observations", "reports", "procedures")
    assert service.memory("VmHWM") - before < 150


def test_row_70_pages_without_end(service, hospital, asked):
    conditions = target(asked, "conditions")
    for number in range(200):
        page = {**bundle(), "link": [{"relation": "next", "url": f"{hospital.base}/page?{number + 1}"}]}
        hospital.on(conditions if not number else f"/page?{number}", page)
    said = service.call(asked)
    assert said.gaps["Condition"] in ("too many calls", "timeout") and said.seconds < IN_TIME
    assert len(hospital.server.asked) <= 25


def test_row_70_pages_in_a_circle(service, hospital, asked):
    conditions = target(asked, "conditions")
    hospital.on(conditions, {**bundle(), "link": [{"relation": "next", "url": hospital.base + conditions}]})
    assert service.call(asked).gaps == {"Condition": "more pages"}
    assert hospital.server.targets.count(conditions) == 1


@pytest.mark.parametrize("other", ["kid-2", "KID-1", "kid-1 ", ""])
def test_row_71_another_patient_is_nobody(service, hospital, asked, other):
    hospital.on(target(asked, "patient"), {**WHOLE["prefetch"]["patient"], "id": other})
    said = service.call(asked)
    assert said.status == 412 and said.json["resourceType"] == "OperationOutcome"
    assert len(hospital.server.asked) == 1, "nothing else is asked for"


def with_row(subject: Json | None) -> Json:
    """The conditions, and the danger of one more that is about *subject*."""
    conditions = copy.deepcopy(WHOLE["prefetch"]["conditions"])
    danger = {**children.condition("C71.9", "Malignant neoplasm of brain"), "id": "not-hers"}
    conditions["entry"].append({"resource": {**danger, "subject": subject} if subject else danger})
    return conditions


def test_row_72_a_row_of_another_patient_is_dropped_and_said(service, hospital):
    said = at_fault(service, hospital, with_row({"reference": "Patient/kid-2"}))
    assert said.gaps == {"Condition": "another patient"} and said.cards, "her cancer would have silenced it"


def test_row_73_a_row_without_a_patient_is_never_silently_used(service, hospital):
    said = at_fault(service, hospital, with_row(None))
    assert said.gaps == {"Condition": "partly not readable"}


@pytest.mark.parametrize("key", ["devices", "medications", "orders"])
def test_row_74_one_kind_fails_and_the_rest_advises(service, hospital, key):
    said = at_fault(service, hospital, reply("", status=500), key)
    assert list(said.gaps.values()) == ["unreachable"] and said.cards


QUANTITIES: list[Any] = [
    {"value": "1E+99999999", "unit": "kg"}, {"value": 1e308, "unit": "kg"}, {"value": -5, "unit": "kg"}, {"value": 20},
    {"value": 20, "unit": "furlong"}, {"value": None}, {"value": True, "unit": "kg"}, {}, "20 kg", 1e400, [],
]  # fmt: skip


@pytest.mark.parametrize("quantity", range(len(QUANTITIES)))
def test_row_75_impossible_quantities_say_nothing(service, hospital, asked, quantity):
    observations = copy.deepcopy(WHOLE["prefetch"]["observations"])
    for entry in observations["entry"]:
        entry["resource"]["valueQuantity"] = QUANTITIES[quantity]
    text = json.dumps(observations).replace("Infinity", "1e999")
    hospital.on(target(asked, "observations"), text)
    service.forget_peak()
    before = service.memory()
    said = service.call(asked)
    assert said.seconds < IN_TIME and said.status == 200
    assert service.memory("VmHWM") - before < 50


def of(number: int) -> Json:
    """A child of its own, with a record that tells it from the others: every second one has been scanned before."""
    scanned = ("CT head images",) if number % 2 else ()
    exam, reason = ("CT head", "headache") if number % 3 else ("CT belly twice", "appendicitis")
    return children.call(
        children.order(exam, reason, patient=f"kid-{number}"), records=scanned, patient=f"kid-{number}"
    )


def told(said: Reply) -> list[Any]:
    """What is advised, without what is new each time."""
    return [(card["summary"], card["detail"]) for card in said.cards]


def test_row_76_many_patients_at_once_are_never_mixed(service, hospital):
    alone = [told(service.call(of(number))) for number in range(64)]
    requests = [hospital.holds(of(number), "patient", "conditions", "reports") for number in range(64)]
    for number, request in enumerate(requests):
        hospital.on(target(request, "patient"), paused(of(number)["prefetch"]["patient"], 0.003 * (number % 5)))
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(service.call, requests))
    whole = [number for number, said in enumerate(together) if said.status == 200 and said.gaps == {}]
    assert len(whole) > 20 and all(told(together[number]) == alone[number] for number in whole)
    assert len({str(one) for one in alone}) > 2
    assert all(said.status in (200, 412, 503) for said in together)


def auth() -> Json:
    return {"access_token": fresh(), "token_type": "Bearer"}


def test_row_77_slow_for_half_the_callers(service, hospital):
    slow, quick = hospital.holds(of(1)), hospital.holds(of(2))
    hospital.on_all(slow, hang)
    with ThreadPoolExecutor(16) as pool:
        hung = [pool.submit(service.call, {**slow, "fhirAuthorization": auth()}) for _ in range(8)]
        others = [service.call({**quick, "fhirAuthorization": auth()}) for _ in range(8)]
        assert all(one.result().seconds < IN_TIME for one in hung)
    assert max(said.seconds for said in others) < 1.5
    assert [said.gaps for said in others] == [{}] * 8, "a slow patient must not cost others their advice"


def test_row_78_every_resource_slow_costs_one_budget(service, hospital, asked):
    good(service, hospital)
    hospital.on_all(asked, hang)
    hospital.on(target(asked, "patient"), paused(WHOLE["prefetch"]["patient"], 0.2))
    said = service.call(asked)
    assert said.status == 200 and said.seconds < 2.0
    assert set(said.gaps.values()) == {"timeout"} and len(said.gaps) > 5


def test_row_79_good_advice_soon_after_the_fault_ends(service, hospital):
    asked = hospital.holds(WHOLE)
    hospital.on_all(asked, reply("", status=503))
    began = time.monotonic()
    while service.metric("cds_breaker_open") == 0 and time.monotonic() - began < 10:
        assert service.call({**asked, "fhirAuthorization": auth()}).status == 412
    assert service.ask("GET", "/health/ready").json["servers"] == [{"server": hospital.base[7:-5], "state": "open"}]
    hospital.holds(WHOLE)
    ended = time.monotonic()
    while (said := service.call({**asked, "fhirAuthorization": auth()})).status != 200 or said.gaps:
        assert time.monotonic() - ended < 10
        time.sleep(0.1)
    assert said.cards
    assert service.metric("cds_breaker_open") == 0
    assert service.ask("GET", "/health/ready").json["servers"][0]["state"] == "closed"


def test_row_80_a_complete_prefetch_asks_nothing(service, hospital):
    said = service.call({**WHOLE, "fhirServer": hospital.base})
    assert said.cards and hospital.server.asked == []
