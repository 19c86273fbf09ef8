"""Fetching what was not sent: only where allowed, whole or with the reason why not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar

import pytest

from cds_service.errors import MissingPatient
from cds_service.fhir.client import Access, Fetched, complete, new_cache
from cds_service.fhir.prefetch import TEMPLATES, patient_of, records
from cds_service.fhir.records import LazyRecords
from cds_service.fhir.resources import Condition, Observation
from cds_service.hooks.request import Authorization, HookRequest
from cds_service.outbound import Deadline, Outbound
from tests.fhir.fault_server import (
    Answer,
    FaultServer,
    drip,
    endless,
    fault_server,
    hang,
    raw,
    reply,
)
from tests.fhir.written import CHILD, bundle, observation, outcome, request

T = TypeVar("T")
TOKEN = Authorization("secret-token")
OBSERVATIONS = "/Observation?patient=p&_sort=-date&_count=200"
CONDITIONS = "/Condition?patient=p"


class Call:
    """One running server and everything a call needs beside it."""

    def __init__(self, server: FaultServer, outbound: Outbound) -> None:
        self.server = server
        self.access = Access("client", frozenset({server.base}), outbound, new_cache())

    def request(self, **more: Any) -> HookRequest:
        """A call that names this server and brings a token."""
        return request(**{"server": self.server.base, "authorization": TOKEN, "patient": CHILD, **more})

    async def complete(
        self, asked: HookRequest | None = None, *, needs: Collection[str] = ("observations",), seconds: float = 2
    ) -> Fetched:
        """Fetch what *asked* lacks."""
        templates = {key: TEMPLATES[key] for key in needs}
        return await complete(asked or self.request(), self.access, Deadline(seconds), needs=templates)

    async def records(self, asked: HookRequest | None = None, **more: Any) -> LazyRecords:
        """The records of *asked* after fetching."""
        asked = asked or self.request()
        fetched = await self.complete(asked, **more)
        return records(asked, fetched=fetched.values, gaps=fetched.gaps)

    async def observations(self, asked: HookRequest | None = None, **more: Any) -> str:
        """The ids of the Observations, and why there are no more."""
        section = (await self.records(asked, **more)).read(Observation)
        return f"{section.gap or 'complete'}: {' '.join(str(one.id) for one in section.items)}".strip()


def at_server(work: Callable[[Call], Awaitable[T]]) -> T:
    """What *work* gives beside a running server."""

    async def run() -> T:
        async with fault_server() as server:
            outbound = Outbound([server.base])
            try:
                return await work(Call(server, outbound))
            finally:
                await outbound.close()

    return asyncio.run(run())


def observations_when(answer: Answer | bytes | dict[str, Any] | list[Any] | str, seconds: float = 2) -> str:
    """What is read of the Observations when the server answers like that."""

    async def work(call: Call) -> str:
        call.server.on(OBSERVATIONS, answer)
        return await call.observations(seconds=seconds)

    return at_server(work)


# Whether to call at all


def test_complete_prefetch_causes_no_call() -> None:
    async def work(call: Call) -> tuple[Fetched, list[str]]:
        everything = {**dict.fromkeys(TEMPLATES), "patient": CHILD}
        return await call.complete(call.request(**everything), needs=TEMPLATES), call.server.targets

    assert at_server(work) == (Fetched(), [])


@pytest.mark.parametrize(
    "change",
    [
        {"server": None},
        {"server": "http://127.0.0.1:9/fhir"},
        {"authorization": None},
        {"authorization": Authorization("t", token_type="MAC")},
        {"authorization": Authorization("t", patient="q")},
    ],
)
def test_without_access_nothing_is_called(change: dict[str, Any]) -> None:
    async def work(call: Call) -> tuple[str, list[str]]:
        return await call.observations(call.request(**change)), call.server.targets

    assert at_server(work) == ("no access:", [])


@pytest.mark.parametrize("spelling", ["{}//", "{}/../fhir", "{}?", "{} ", "{}#", "{}/?/"])
def test_server_spelled_otherwise_is_not_called(spelling: str) -> None:
    async def work(call: Call) -> tuple[str, list[str]]:
        asked = call.request(server=spelling.format(call.server.base))
        return await call.observations(asked), call.server.targets

    assert at_server(work) == ("no access:", [])


def test_closing_slash_is_forgiven() -> None:
    async def work(call: Call) -> tuple[str, list[str]]:
        call.server.on(OBSERVATIONS, bundle(observation("a", f"{call.server.base}/Patient/p")))
        return await call.observations(call.request(server=call.server.base + "/")), call.server.targets

    assert at_server(work) == ("complete: a", [OBSERVATIONS])


@pytest.mark.parametrize("patient_id", ["../x", "a/b", "p?x=1", "p&x=1", "p#x", "p,q", "p|q", "$everything", "..", "ä"])
def test_ids_that_would_mean_more_in_an_address_go_nowhere(patient_id: str) -> None:
    async def work(call: Call) -> tuple[Fetched, list[str]]:
        asked = call.request(patient_id=patient_id)
        return await call.complete(asked, needs=("conditions",)), call.server.targets

    assert at_server(work) == (Fetched({}, {"conditions": "refused"}), [])


def test_long_ids_of_real_records_are_fine() -> None:
    long = "eR.x-" * 28

    async def work(call: Call) -> Fetched:
        call.server.on(f"/Patient/{long}", {"resourceType": "Patient", "id": long})
        return await call.complete(call.request(patient_id=long, patient=None), needs=("patient",))

    assert at_server(work).gaps == {}


# What is fetched


def test_missing_keys_are_fetched_side_by_side_with_the_token() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await reply({"resourceType": "Bundle"})(writer)

    async def work(call: Call) -> tuple[Fetched, float]:
        for need in ("conditions", "reports", "procedures", "devices"):
            call.server.on("/" + TEMPLATES[need].replace("{{context.patientId}}", "p"), slow)
        began = time.monotonic()
        fetched = await call.complete(needs=("conditions", "reports", "procedures", "devices"))
        assert all(headers["authorization"] == "bearer secret-token" for _, headers in call.server.asked)
        return fetched, time.monotonic() - began

    fetched, took = at_server(work)
    assert set(fetched.values) == {"conditions", "reports", "procedures", "devices"}
    assert fetched.gaps == {}
    assert took < 0.6


def test_only_what_is_needed_and_missing_is_fetched() -> None:
    async def work(call: Call) -> list[str]:
        call.server.on(OBSERVATIONS, bundle())
        await call.complete(
            call.request(conditions=None, reports=outcome()), needs=("conditions", "reports", "observations")
        )
        return call.server.targets

    assert at_server(work) == [OBSERVATIONS]


def test_encounter_is_fetched_by_its_id() -> None:
    async def work(call: Call) -> list[str]:
        await call.complete(needs=("encounter",))
        await call.complete(call.request(encounter_id=None), needs=("encounter",))
        return call.server.targets

    assert at_server(work) == ["/Encounter/e"]


def test_fetched_rows_are_read() -> None:
    assert observations_when(bundle(observation("a"), observation("b"))) == "complete: a b"
    assert observations_when(bundle()) == "complete:"


# The Patient


def test_missing_patient_is_fetched_before_anything_else() -> None:
    async def work(call: Call) -> tuple[str, list[str]]:
        call.server.on("/Patient/p", CHILD)
        call.server.on(CONDITIONS, bundle())
        asked = request(server=call.server.base, authorization=TOKEN)
        record = await call.records(asked, needs=("conditions", "patient"))
        assert record.read(Condition).complete
        return str(patient_of(record).birthDate), call.server.targets

    assert at_server(work) == ("2017-05-04", ["/Patient/p", CONDITIONS])


@pytest.mark.parametrize("patient", [None, {**CHILD, "id": "q"}, "text", bundle()])
def test_patient_sent_wrong_is_fetched(patient: Any) -> None:
    async def work(call: Call) -> str | None:
        call.server.on("/Patient/p", CHILD)
        return patient_of(await call.records(call.request(patient=patient), needs=("patient",))).id

    assert at_server(work) == "p"


def test_error_sent_in_place_of_the_patient_is_not_asked_again() -> None:
    async def work(call: Call) -> list[str]:
        with pytest.raises(MissingPatient, match="refused"):
            patient_of(await call.records(call.request(patient=outcome()), needs=("patient",)))
        return call.server.targets

    assert at_server(work) == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({**CHILD, "id": "q"}, "another patient"),
        ({"resourceType": "Patient"}, "another patient"),
        (observation(), "not readable"),
        (outcome(), "refused"),
        (bundle(), "not sent"),
        (reply("", 404), "not found"),
    ],
)
def test_wrong_patient_from_the_server_is_none(answer: Any, why: str) -> None:
    async def work(call: Call) -> list[str]:
        call.server.on("/Patient/p", answer)
        asked = request(server=call.server.base, authorization=TOKEN)
        record = await call.records(asked, needs=("patient", "conditions"))
        with pytest.raises(MissingPatient, match=why):
            patient_of(record)
        assert record.read(Condition).gap == "no patient"
        assert not call.access.cache
        return call.server.targets

    assert at_server(work) == ["/Patient/p"]


# Faults of the server


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (reply("", 401), "refused:"),
        (reply("", 404), "not found:"),
        (reply("", 500), "unreachable:"),
        (reply("", 204), "not readable:"),
        (reply("", 302, "location: http://127.0.0.1:9/\r\n"), "refused:"),
        (reply("<html>Sign in</html>", headers="content-type: text/html\r\n"), "not readable:"),
        (reply("{}", headers="content-encoding: gzip\r\n"), "not readable:"),
        (reply(" " * 2_000_001), "too large:"),
        (endless, "too large:"),
        (raw(b""), "unreachable:"),
        (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{}"), "unreachable:"),
        ("", "not readable:"),
        ("null", "not readable:"),
        ([], "not readable:"),
        ("7", "not readable:"),
        ({}, "not readable:"),
        ('{"resourceType":"Bundle","x":NaN}', "not readable:"),
        (b'{"resourceType":"\xff"}', "not readable:"),
        ('{"x":' + "[" * 50_000 + "]" * 50_000 + "}", "not readable:"),
        (outcome(), "refused:"),
        (CHILD, "not readable:"),
        (bundle(observation("a"), outcome("error")), "refused: a"),
        (bundle(observation("a"), None, {"resourceType": "Condition"}), "partly not readable: a"),
        (bundle(observation("a"), observation("b", "Patient/q")), "another patient: a"),
        (bundle(observation("a"), observation("b", None)), "partly not readable: a"),
    ],
)
def test_fault_becomes_a_named_gap_and_is_not_remembered(answer: Any, read: str) -> None:
    async def work(call: Call) -> tuple[str, int]:
        call.server.on(OBSERVATIONS, answer)
        first = await call.observations()
        call.server.on(OBSERVATIONS, bundle(observation("good")))
        assert await call.observations() == "complete: good"
        return first, len(call.server.asked)

    assert at_server(work) == (read, 2)


@pytest.mark.parametrize("answer", [hang, drip])
def test_slow_server_costs_no_more_than_the_deadline(answer: Answer) -> None:
    began = time.monotonic()
    assert observations_when(answer, seconds=0.2) == "timeout:"
    assert time.monotonic() - began < 1


def test_one_failing_kind_leaves_the_others() -> None:
    async def work(call: Call) -> LazyRecords:
        call.server.on(OBSERVATIONS, hang)
        call.server.on(CONDITIONS, bundle())
        return await call.records(needs=("observations", "conditions"), seconds=0.3)

    record = at_server(work)
    assert record.read(Condition).complete
    assert record.read(Observation).gap == "timeout"


# Pages


def page(name: str, following: str | None) -> bytes:
    """A page with one Observation and perhaps a link to another."""
    return bundle(observation(name), link=[{"relation": "next", "url": following}] if following else [])


def test_pages_are_followed_to_the_end() -> None:
    async def work(call: Call) -> str:
        call.server.on(OBSERVATIONS, page("a", call.server.base + "?_getpages=2"))
        call.server.on("?_getpages=2", page("b", "Observation?page=3"))
        call.server.on("/Observation?page=3", page("c", None))
        return await call.observations()

    assert at_server(work) == "complete: a b c"


def test_next_page_of_what_was_sent_is_fetched() -> None:
    async def work(call: Call) -> tuple[str, list[str]]:
        call.server.on("/Observation?page=2", page("b", None))
        sent = page("a", call.server.base + "/Observation?page=2")
        return await call.observations(call.request(observations=sent)), call.server.targets

    assert at_server(work) == ("complete: a b", ["/Observation?page=2"])


@pytest.mark.parametrize(
    "following", ["http://127.0.0.1:9/fhir?page=2", "//evil.example/x", "/admin", "http://[", "../x"]
)
def test_pages_elsewhere_are_not_fetched(following: str) -> None:
    async def work(call: Call) -> tuple[str, str, list[str]]:
        call.server.on(OBSERVATIONS, page("a", following))
        fetched = await call.observations()
        sent = await call.observations(call.request(observations=page("a", following)))
        return fetched, sent, call.server.targets

    assert at_server(work) == ("more pages: a", "more pages: a", [OBSERVATIONS])


def test_next_link_without_an_address_is_a_gap() -> None:
    assert observations_when(bundle(observation("a"), link=[{"relation": "next"}])) == "more pages: a"


def test_pages_in_a_circle_end() -> None:
    async def work(call: Call) -> tuple[str, int]:
        call.server.on(OBSERVATIONS, page("a", call.server.base + "/Observation?page=2"))
        call.server.on("/Observation?page=2", page("b", call.server.base + OBSERVATIONS))
        return await call.observations(), len(call.server.asked)

    assert at_server(work) == ("more pages: a b", 2)


def test_endless_pages_end_at_the_number_of_calls() -> None:
    async def work(call: Call) -> tuple[str, int]:
        call.server.on(OBSERVATIONS, page("0", "Observation?page=1"))
        for n in range(1, 40):
            call.server.on(f"/Observation?page={n}", page(str(n), f"Observation?page={n + 1}"))
        return (await call.observations()).partition(":")[0], len(call.server.asked)

    assert at_server(work) == ("too many calls", 25)


def test_page_that_fails_leaves_those_before_it() -> None:
    async def work(call: Call) -> str:
        call.server.on(OBSERVATIONS, page("a", "Observation?page=2"))
        call.server.on("/Observation?page=2", reply("", 500))
        return await call.observations()

    assert at_server(work) == "unreachable: a"


# The cache


def test_second_call_for_the_same_patient_and_token_is_spared() -> None:
    async def work(call: Call) -> tuple[str, str, int]:
        call.server.on(OBSERVATIONS, page("a", "Observation?page=2"))
        call.server.on("/Observation?page=2", page("b", None))
        return await call.observations(), await call.observations(), len(call.server.asked)

    assert at_server(work) == ("complete: a b", "complete: a b", 2)


def test_cache_is_never_shared() -> None:
    """Another token, patient or client asks for itself."""

    async def work(call: Call) -> list[str]:
        call.server.on(CONDITIONS, bundle())
        await call.complete(needs=("conditions",))
        await call.complete(call.request(authorization=Authorization("other")), needs=("conditions",))
        await call.complete(call.request(patient_id="q"), needs=("conditions",))
        call.access = call.access._replace(client_id="other")
        await call.complete(needs=("conditions",))
        return call.server.targets

    assert at_server(work) == [CONDITIONS, CONDITIONS, "/Condition?patient=q", CONDITIONS]


def test_cache_forgets_and_stays_small() -> None:
    async def work(call: Call) -> int:
        call.server.on(OBSERVATIONS, bundle(observation("a")))
        for cache in (new_cache(seconds=0), new_cache(most_bytes=10)):
            call.access = call.access._replace(cache=cache)
            await call.observations()
            await call.observations()
            assert cache.currsize <= 10
        return len(call.server.asked)

    assert at_server(work) == 4


def test_token_is_not_kept() -> None:
    async def work(call: Call) -> str:
        call.server.on(OBSERVATIONS, bundle(observation("a")))
        await call.observations()
        return repr(list(call.access.cache))

    kept = at_server(work)
    assert "client" in kept
    assert "secret-token" not in kept


# Many at once


def test_patients_are_not_mixed() -> None:
    async def work(call: Call) -> list[str]:
        names = [f"p{n}" for n in range(32)]
        for name in names:
            found = bundle(observation(f"of-{name}", f"Patient/{name}"))
            call.server.on(OBSERVATIONS.replace("patient=p", f"patient={name}"), found)
        asked = [call.request(patient_id=name) for name in names]
        return await asyncio.gather(*(call.observations(one, seconds=5) for one in asked))

    assert at_server(work) == [f"complete: of-p{n}" for n in range(32)]


def test_answer_is_json_of_one_bundle() -> None:
    async def work(call: Call) -> Fetched:
        call.server.on(OBSERVATIONS, page("a", "Observation?page=2"))
        call.server.on("/Observation?page=2", page("b", None))
        return await call.complete()

    value = json.loads(at_server(work).values["observations"])
    assert [entry["resource"]["id"] for entry in value["entry"]] == ["a", "b"]
