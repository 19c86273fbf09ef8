import asyncio
import json
import time

import httpx
import pytest

from cds_service.errors import MalformedRequest, MissingPatient, NotReady, TooManyCalls
from cds_service.http import limits, routes
from cds_service.http.limits import WHOLE, Rates
from tests.hooks.requests import body, order
from tests.http.rim import CARD, SELECT, SIGN, Library, Rim, outcome


def test_a_call_is_answered_with_the_advisors_bytes():
    answer = Rim().post(body())
    assert (answer.status_code, answer.content) == (200, CARD)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_the_advisor_is_told_client_call_and_time_left():
    rim = Rim(CDS_DEADLINE_MS="250")
    rim.post(body(order(id="a")))
    ((client, request, deadline),) = rim.advisor.asked
    assert client.id == "local"
    assert request.context.orders[0].reference == "ServiceRequest/a"
    assert 0 < deadline.remaining() <= 0.25


def test_order_select_has_a_service_of_its_own():
    assert Rim().post(body(hook="order-select"), SELECT).status_code == 200
    assert Rim().post(body(hook="order-select"), SIGN).status_code == 400


@pytest.mark.parametrize("error", [ValueError("Jane Doe"), KeyError("kid-1"), RecursionError(), TimeoutError()])
def test_a_fault_in_advice_is_an_answer_without_cards(error, capsys):
    rim = Rim(advisor=error)
    rim.advisor.says = error
    answer = rim.post(body())
    assert (answer.status_code, answer.json()) == (200, {"cards": []})
    assert "Jane" not in capsys.readouterr().out
    kind = "late" if isinstance(error, TimeoutError) else "advice"
    assert rim.metric(f'cds_faults_total{{kind="{kind}"}}') == 1


def test_advice_that_never_comes_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(routes, "GRACE_SECONDS", 0.01)
    rim = Rim(advisor=lambda: asyncio.sleep(60), CDS_DEADLINE_MS="20")
    assert rim.post(body()).json() == {"cards": []}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (MissingPatient("The Patient could not be read."), 412, "incomplete"),
        (NotReady("Loading."), 503, "transient"),
        (MalformedRequest("context.x is odd."), 400, "invalid"),
    ],
)
def test_what_the_caller_must_know_is_told(error, status, code):
    answer = Rim(advisor=error).post(body())
    assert answer.status_code == status
    assert outcome(answer) == {"severity": "error", "code": code, "diagnostics": str(error)}


def test_a_refusal_says_nothing_of_the_request():
    answer = Rim().post(body(patientId="Jane Doe 1.2.2016"))
    assert answer.status_code == 400
    assert "Jane" not in answer.text and "2016" not in answer.text


def test_a_refusal_is_never_long():
    answer = Rim(advisor=MissingPatient("x" * 99_999)).post(body())
    assert len(outcome(answer)["diagnostics"]) == 500


def test_an_unknown_service_is_not_named_back():
    answer = Rim().post(body(), "/cds-services/kid-1-jane")
    assert answer.status_code == 404 and outcome(answer)["code"] == "not-found"
    assert "jane" not in answer.text


def test_unknown_services_are_counted_under_one_name():
    rim = Rim()
    rim.ask_all(*[("POST", f"/cds-services/{number}", {}) for number in range(5)])
    assert rim.metric('cds_requests_total{service="unknown",status="404"}') == 5


@pytest.mark.parametrize(
    "path", ["/cds-services/", "/cds-services", "/", "/docs", "/openapi.json", "/cds-services/a/b/c"]
)
def test_other_paths_hold_no_service(path):
    assert Rim().ask("POST", path).status_code in (404, 405)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_other_methods_are_refused(method):
    answer = Rim().ask(method, SIGN)
    assert answer.status_code == 405 and answer.headers["allow"] == "POST"
    if method != "HEAD":
        outcome(answer)


def test_without_content_calls_are_sent_away_for_a_while():
    answer = Rim(library=Library(ready=False)).post(body())
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert outcome(answer)["code"] == "transient"


def test_a_starting_service_says_so():
    async def run():
        transport = httpx.ASGITransport(Rim().app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cds.test", verify=False) as client:
            told = await client.post(SIGN + "/feedback", content=b'{"feedback": []}')
            ready = await client.get("/health/ready")
            return await client.post(SIGN, content=body()), told, ready, await client.get("/cds-services")

    *others, found = asyncio.run(run())
    assert [answer.status_code for answer in (*others, found)] == [503] * 4


def test_more_calls_than_there_is_room_for_are_sent_away():
    async def slow():
        await asyncio.sleep(0.05)
        return CARD

    rim = Rim(advisor=slow, CDS_MAX_CONCURRENT="2")
    answers = rim.ask_all(*[("POST", SIGN, {"content": body()})] * 5, together=True)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503]
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
    assert rim.post(body()).status_code == 200


def test_a_fault_gives_its_place_back():
    rim = Rim(advisor=ValueError(), CDS_MAX_CONCURRENT="1")
    assert [one.status_code for one in rim.ask_all(*[("POST", SIGN, {"content": body()})] * 3)] == [200] * 3


def test_calls_are_counted_and_timed():
    rim = Rim()
    rim.post(body())
    rim.post(b"x")
    name = SIGN.rpartition("/")[2]
    assert rim.metric(f'cds_requests_total{{service="{name}",status="200"}}') == 1
    assert rim.metric(f'cds_requests_total{{service="{name}",status="400"}}') == 1
    assert rim.metric(f'cds_request_seconds_count{{service="{name}"}}') == 2


def test_a_bad_call_leaves_nothing_behind():
    rim = Rim()
    before = rim.post(body()).content
    rim.ask_all(*[("POST", SIGN, {"content": bad}) for bad in (b"", b"[]", b"{", b"\xff", body(patientId="..")[:-1])])
    assert rim.post(body()).content == before


# the body


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/fhir+xml; a=b",
        "text/xml",
        "TEXT/HTML",
    ],
)
def test_a_body_that_is_something_else_is_refused(kind):
    answer = Rim().post(body(), content_type=kind)
    assert answer.status_code == 415
    assert outcome(answer)["code"] == "not-supported"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/fhir+json", "text/plain", "", "json"])
def test_json_by_any_other_name_is_read(kind):
    assert Rim().post(body(), content_type=kind).status_code == 200


@pytest.mark.parametrize("packing", ["gzip", "br", "deflate", "identity, gzip"])
def test_a_packed_body_is_refused(packing):
    assert Rim().post(body(), content_encoding=packing).status_code == 415


def test_a_body_that_says_it_is_plain_is_read():
    assert Rim().post(body(), content_encoding="Identity").status_code == 200


@pytest.mark.parametrize("length", ["10001", "9" * 4000])
def test_a_body_too_long_by_its_own_word_is_not_read(length):
    answer = Rim(CDS_MAX_BODY_BYTES="10000").post(b"{}", content_length=length)
    assert answer.status_code == 413 and answer.headers["connection"] == "close"
    assert outcome(answer)["code"] == "too-long"


@pytest.mark.parametrize("length", ["-1", "+5", "five", "1e3"])
def test_a_length_that_is_no_number_is_refused(length):
    assert Rim().post(b"{}", content_length=length).status_code == 400


async def _pieces(count: int, size: int):
    for _ in range(count):
        yield b" " * size


def test_a_body_too_long_in_truth_is_not_read_to_its_end():
    rim = Rim(CDS_MAX_BODY_BYTES="10000")
    assert rim.post(b" " * 10_001, content_length="5").status_code == 413
    assert rim.post(_pieces(11, 1000)).status_code == 413
    assert rim.post(_pieces(10, 1000)).status_code == 400


def test_a_body_in_pieces_is_put_together():
    async def pieces():
        whole = body()
        for start in range(0, len(whole), 100):
            yield whole[start : start + 100]

    assert Rim().post(pieces()).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for():
    async def trickle():
        yield b"{"
        await asyncio.sleep(5)

    rim = Rim(CDS_BODY_SECONDS="0.1")

    async def run():
        async with rim.app.router.lifespan_context(rim.app):
            sent = []

            async def receive():
                await asyncio.sleep(5)

            async def send(message):
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": SIGN, "headers": [], "query_string": b""}
            await rim.app(scope, receive, send)
            return sent

    start, said = asyncio.run(run())
    assert start["status"] == 408 and (b"connection", b"close") in start["headers"]
    assert b"0.1 seconds" in said["body"]


def test_a_client_that_leaves_is_not_answered():
    rim = Rim()

    async def run(messages):
        async with rim.app.router.lifespan_context(rim.app):
            sent = []
            left = iter(messages)

            async def receive():
                return next(left)

            async def send(message):
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": SIGN, "headers": [], "query_string": b""}
            await rim.app(scope, receive, send)
            return sent

    piece = {"type": "http.request", "body": b"{", "more_body": True}
    assert asyncio.run(run([{"type": "http.disconnect"}])) == []
    assert asyncio.run(run([piece, {"type": "http.disconnect"}])) == []
    assert rim.advisor.asked == []


def test_large_bodies_share_the_room_there_is(monkeypatch):
    monkeypatch.setattr(limits, "_SHARE", 1)
    intake = limits.Intake(1000, 1.0)

    async def run():
        async def held():
            sent.append(1)
            if len(sent) == 1:
                return {"type": "http.request", "body": b" " * 900, "more_body": True}
            await asyncio.sleep(0.1)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def other():
            return {"type": "http.request", "body": b" " * 200, "more_body": True}

        sent = []
        first = asyncio.create_task(intake.read(held))
        await asyncio.sleep(0.01)
        with pytest.raises(NotReady):
            await intake.read(other)
        assert len(await first) == 900

    asyncio.run(run())
    assert intake._room == 1000


# browsers


def test_a_preflight_is_answered_without_asking_who():
    answer = Rim().ask(
        "OPTIONS",
        SIGN,
        headers={
            "origin": "https://sandbox.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"authorization", "content-type"} <= set(answer.headers["access-control-allow-headers"].lower().split(", "))
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/cds-services", b"", 200),
        ("POST", SIGN, body(), 200),
        ("POST", SIGN, b"x", 400),
        ("POST", "/cds-services/none", b"x", 404),
        ("GET", "/nothing", b"", 404),
        ("GET", SIGN, b"", 405),
        ("OPTIONS", SIGN, b"", 405),
        ("POST", SIGN, b" " * 10_001, 413),
        ("POST", SIGN + "/feedback", b"{}", 400),
    ],
)
def test_a_browser_may_read_every_answer(method, path, sent, status):
    answer = Rim(CDS_MAX_BODY_BYTES="10000").ask(method, path, content=sent, headers={"origin": "https://a.example"})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"


def test_only_named_origins_are_let_in_when_there_are_names():
    rim = Rim(CDS_CORS_ORIGINS="https://good.example")
    good = rim.ask("GET", "/cds-services", headers={"origin": "https://good.example"})
    bad = rim.ask("GET", "/cds-services", headers={"origin": "https://bad.example"})
    assert good.headers["access-control-allow-origin"] == "https://good.example"
    assert "access-control-allow-origin" not in bad.headers


def test_a_refusal_is_valid_json_of_ours():
    assert json.loads(Rim().post(b"").content)["issue"][0]["severity"] == "error"


# too many, too late


def waiting(rim: Rim, seconds: float):
    """The answer to a call that was there whole so long ago."""

    async def app(scope, receive, send):
        scope[WHOLE] = time.monotonic() - seconds
        await rim.app(scope, receive, send)

    async def run() -> httpx.Response:
        async with rim.app.router.lifespan_context(rim.app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://cds.test", verify=False) as client:
                return await client.post(SIGN, content=body())

    return asyncio.run(run())


def test_the_time_a_call_waited_is_taken_off_its_time():
    rim = Rim()
    assert waiting(rim, 0.2).status_code == 200
    (_, _, deadline) = rim.advisor.asked[-1]
    assert deadline.remaining() < 0.2


def test_a_call_that_waited_for_most_of_its_time_is_sent_away():
    rim = Rim()
    answer = waiting(rim, 0.35)
    assert (answer.status_code, outcome(answer)["code"]) == (503, "transient") and answer.headers["retry-after"]
    assert rim.advisor.asked == [] and rim.metric('cds_shed_total{reason="line"}') == 1


def test_more_calls_than_a_client_may_send_are_sent_away_for_a_while():
    rim = Rim(CDS_CLIENT_RATE="1")
    answers = rim.ask_all(*[("POST", SIGN, {"content": body()})] * 4)
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert outcome(answers[-1])["code"] == "throttled" and answers[-1].headers["retry-after"]
    assert rim.metric('cds_shed_total{reason="client"}') == 2


def test_each_client_has_a_rate_of_its_own_that_comes_back():
    now = [0.0]
    rates = Rates(2, clock=lambda: now[0])
    for client in "ab":
        for _ in range(4):
            rates.take(client)
        with pytest.raises(TooManyCalls):
            rates.take(client)
    now[0] = 0.5
    rates.take("a")
    with pytest.raises(TooManyCalls):
        rates.take("a")
    now[0] = 60
    for _ in range(4):
        rates.take("a")
    with pytest.raises(TooManyCalls):
        rates.take("a")


def test_no_rate_is_no_limit():
    rates = Rates(0)
    for _ in range(10_000):
        rates.take("a")
