"""Rows 81 to 99: whatever is sent is advice or a short refusal, in time, and the next good request is none the wiser."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.fhir.fault_server import reply
from tests.properties import children
from tests.properties.clinic import told
from tests.properties.damage import DAMAGES, damages, nodes, put
from tests.requirements import fuzz
from tests.requirements.service import FEEDBACK, SIGN, Ehr, Json, Reply, Service, refused, target

IN_TIME = 5.0
MARKDOWN = MarkdownIt("commonmark")
"""As an EHR may show it, raw HTML and all."""
WHOLE = children.whole()
BYTES = json.dumps(WHOLE).encode()
FORBIDDEN = ("Traceback", "cds_service", "site-packages", "msgspec", "starlette", "uvicorn", "Error:", ".py")


@pytest.fixture(autouse=True)
def well(service: Service) -> Any:
    """The advice of a good call is the same before and after every test."""
    before = service.call(WHOLE)
    yield
    after = service.call(WHOLE)
    assert told(before.cards) == told(after.cards) and after.seconds < IN_TIME
    assert service.metric("cds_faults_total") == 0, service.said()[-2000:]


def sound(said: Reply, *secrets: str) -> Reply:
    """Advice or a short refusal, without a word about us or, in a refusal, about the request."""
    assert said.seconds < IN_TIME and (said.status == 200 or 400 <= said.status < 500), (said.status, said.body[:200])
    text = said.body.decode()
    assert not [word for word in FORBIDDEN if word in text]
    if said.status != 200:
        assert refused(said) and not [secret for secret in secrets if secret in text]
    return said


def but(change: Callable[[Json], Any]) -> Json:
    """The good call with a change."""
    request = copy.deepcopy(WHOLE)
    change(request)
    return request


def test_row_81_any_node_damaged_is_advice_or_a_refusal(service):
    """Here a draw of every kind of damage; all of all are a long run, and properties of their own."""
    chance = random.Random(81)
    paths = list(nodes(WHOLE))
    for number in range(3 * len(DAMAGES)):
        path = chance.choice(paths[1:])
        name, damage = damages(path)[number % len(DAMAGES)]
        sound(service.call(damage(WHOLE, path))), (name, path)


def test_rows_81_97_fuzzed_requests_never_break_it(service):
    run = fuzz.Run(service, seed=2026)
    run.send(250)
    assert run.troubles() == []


@pytest.mark.parametrize(
    "deep",
    [b"[" * 100_000, b'{"a":' * 100_000, BYTES.replace(b'"prefetch"', b'"x": ' + b"[" * 100_000 + b"]" * 100_000 + b', "prefetch"')],
    ids=["lists", "objects", "inside"],
)  # fmt: skip
def test_row_82_nesting_without_end(service, deep):
    assert sound(service.send(deep)).status == 400


@pytest.mark.parametrize("chunked", [False, True])
def test_row_83_fifty_megabytes(service, chunked):
    service.forget_peak()
    before = service.memory()
    body = b"{" + b" " * 50_000_000 + b"}"
    sent = [head(len(body))] if not chunked else [head(None)]
    pieces = [body[start : start + 1_000_000] for start in range(0, len(body), 1_000_000)]
    if chunked:
        pieces = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
    said = service.talk(*sent, *pieces, patience=10)
    assert not said or b" 413 " in said.split(b"\r\n")[0]
    assert service.memory("VmHWM") - before < 60


def head(length: int | None) -> bytes:
    framing = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
    return f"POST {SIGN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n".encode()


@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "gzip, gzip"])
def test_row_83_packed_bodies(service, packing):
    bomb = gzip.compress(b" " * 50_000_000)
    service.forget_peak()
    before = service.memory()
    assert sound(service.send(bomb, content_encoding=packing)).status == 415
    assert service.memory("VmHWM") - before < 60


@pytest.mark.parametrize("name", ["patientId", "birthDate", "status", "hook", "draftOrders"])
def test_row_84_a_name_twice_has_one_meaning(service, name):
    twice = BYTES.replace(f'"{name}":'.encode(), f'"{name}": null, "{name}":'.encode(), 1)
    one, two = sound(service.send(twice)), sound(service.send(twice))
    assert one.status == two.status and (one.status != 200 or told(one.cards) == told(two.cards))


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000, "9" * 2_000_000, "1" + "0" * 400, "0x7", "1."]
)
@pytest.mark.parametrize("place", [b'"birthDate": ', b'"value": ', b'"hookInstance": ', b'"expires_in": '])
def test_row_85_numbers_that_are_none(service, number, place):
    assert place in BYTES
    before, _, after = BYTES.partition(place)
    rest = after[after.index(b",") :] if b"," in after[:200] else after[after.index(b"}") :]
    sound(service.send(before + place + number.encode() + rest))


NOT_UTF8 = {
    "a broken letter": BYTES.replace(b"headache", b"head\xffache", 1),
    "an overlong slash": BYTES.replace(b"headache", b"head\xc0\xafache", 1),
    "a surrogate in bytes": BYTES.replace(b"headache", b"head\xed\xa0\x80", 1),
    "UTF-16": BYTES.decode().encode("utf-16"),
    "UTF-32": BYTES.decode().encode("utf-32"),
    "a mark before it": b"\xef\xbb\xbf" + BYTES,
    "a NUL": b"\0" + BYTES,
    "a bare control character": BYTES.replace(b"headache", b"head\nache", 1),
    "half a surrogate": BYTES.replace(b"headache", b"head\\ud800ache", 1),
}


@pytest.mark.parametrize("kind", NOT_UTF8)
def test_row_86_bytes_that_are_not_utf8(service, kind):
    said = sound(service.send(NOT_UTF8[kind]))
    assert said.status == 400 or kind in ("half a surrogate", "a bare control character"), said.status
    assert b"\\ud800" not in said.body


MANY: dict[str, Callable[[], Json]] = {
    "members": lambda: {**WHOLE, **{f"x{number}": 1 for number in range(200_000)}},
    "prefetch keys": lambda: but(lambda one: one["prefetch"].update((f"x{n}", None) for n in range(200_000))),
    "keys of an order": lambda: but(lambda one: first(one).update((f"x{n}", 1) for n in range(200_000))),
    "orders": lambda: children.call(*[children.order("CT head", "headache", id_=f"d{n}") for n in range(5_000)]),
    "entries that are nothing": lambda: but(lambda one: one["context"]["draftOrders"].update(entry=[7] * 1_000_000)),
    "rows that are nothing": lambda: but(lambda one: one["prefetch"]["conditions"].update(entry=[7] * 1_000_000)),
    "rows that are empty": lambda: but(lambda one: one["prefetch"]["conditions"].update(entry=[{}] * 1_000_000)),
    "rows of another type": lambda: but(
        lambda one: one["prefetch"]["conditions"].update(entry=[{"resource": {"resourceType": "Basic"}}] * 200_000)
    ),
    "selections": lambda: but(lambda one: one["context"].update(selections=["ServiceRequest/1"] * 200_000)),
    "codings": lambda: but(lambda one: first(one)["code"].update(coding=[{"system": "x", "code": "y"}] * 50_000)),
    "reasons": lambda: but(lambda one: first(one).update(reasonCode=[{"text": "headache"}] * 2_000)),
    "words": lambda: but(lambda one: first(one)["code"].update(text="CT head " * 50_000)),
}  # fmt: skip


def first(request: Json) -> Json:
    """The first order of a call."""
    order: Json = request["context"]["draftOrders"]["entry"][0]["resource"]
    return order


@pytest.mark.parametrize("kind", MANY)
def test_row_87_very_many_of_anything(service, kind):
    sound(service.call(MANY[kind]()))


def test_row_87_two_hundred_orders_are_judged(service):
    two_hundred = [children.order("CT head", "headache", id_=f"d{number}") for number in range(200)]
    assert sound(service.call(children.call(*two_hundred))).status == 200


ELSE = {
    "nothing": b"", "a list": b"[]", "text": b'"hello"', "a number": b"7", "null": b"null", "HTML": b"<html></html>",
    "XML": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>',
    "a form": b"hook=order-sign&x=y", "half": BYTES[:-1], "two": BYTES + BYTES, "a comment": b"/* x */" + BYTES,
    "multipart": b'--x\r\nContent-Disposition: form-data; name="hook"\r\n\r\norder-sign\r\n--x--\r\n',
}  # fmt: skip


@pytest.mark.parametrize("kind", ELSE)
def test_row_88_something_else_than_json(service, kind):
    assert sound(service.send(ELSE[kind])).status == 400


@pytest.mark.parametrize(
    "kind", ["application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/html"]
)
def test_row_88_something_else_by_its_own_word(service, kind):
    assert sound(service.send(BYTES, content_type=kind)).status == 415


HOSTILE = {
    "look-alikes": "СТ hеаd", "full width": "ＣＴ　ｈｅａｄ", "turned round": "CT \u202edaeh\u202c", "zero width": "C\u200bT\u200d head",
    "many marks": "C" + "\u0301" * 3000 + "T head", "controls": "CT\x00\x07\x1b[31m head", "script": "<script>alert(1)</script>",
    "markdown": "[CT](javascript:alert(1)) ![x](http://evil.example/x.png) **b** `c` | d", "html": '<img src=x onerror="x">',
    "lines": "CT head\r\n# Heading\n- [ ] done\n---\n> quote", "emoji": "🧠" * 500, "private": "\ue000\uffff\U0010ffff",
}  # fmt: skip
PLACES = [
    ("context", "draftOrders", "entry", 0, "resource", "code", "text"),
    ("context", "draftOrders", "entry", 0, "resource", "reasonCode", 0, "text"),
    ("context", "draftOrders", "entry", 0, "resource", "id"),
    ("context", "draftOrders", "entry", 0, "resource", "note", 0, "text"),
    ("context", "userId"), ("hookInstance",),
    ("prefetch", "reports", "entry", 0, "resource", "code", "text"),
    ("prefetch", "conditions", "entry", 0, "resource", "code", "text"),
    ("prefetch", "imagingStudies", "entry", 0, "resource", "description"),
]  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_row_89_hostile_letters_never_live_in_a_card(service, kind):
    for place in PLACES:
        said = sound(service.call(put(WHOLE, place, HOSTILE[kind])))
        if said.status != 200:
            continue
        shown = "".join(MARKDOWN.render(one["summary"] + "\n\n" + one.get("detail", "")) for one in said.cards)
        live = ("<script", "<img", 'href="javascript', "<blockquote", "<h1", "\x00", "\x1b", "\u202e")
        assert not [one for one in live if one in shown.lower()], shown


@pytest.mark.parametrize(
    "date",
    [
        "2026-13-45",
        "0000-00-00",
        "2026",
        "2026-05",
        "9999-12-31T23:59:59+14:00",
        "yesterday",
        86400,
        -1,
        True,
        [],
        {},
        "",
        None,
        "2016-02-30",
        "٢٠١٦-٠١-٠١",
    ],
)
def test_row_90_impossible_dates(service, date):
    said = sound(service.call(put(WHOLE, ("prefetch", "patient", "birthDate"), date)))
    if date not in ("2026",):
        assert said.status == 412 or all(card["indicator"] != "warning" for card in said.cards), (
            "age unknown: no warning"
        )
    for place in [
        ("prefetch", "reports", "entry", 0, "resource", "effectiveDateTime"),
        ("context", "draftOrders", "entry", 0, "resource", "authoredOn"),
    ]:
        sound(service.call(put(WHOLE, place, date)))


@pytest.mark.parametrize("value", [None, True, 7, "x", [], {}, [[]], [{}]])
def test_row_90_wrong_types_everywhere(service, value):
    for member in ("hook", "hookInstance", "context", "prefetch", "fhirServer", "fhirAuthorization"):
        sound(service.call({**WHOLE, member: value}))
    for key in WHOLE["prefetch"]:
        sound(service.call(put(WHOLE, ("prefetch", key), value)))
    for member in first(WHOLE):
        sound(service.call(put(WHOLE, ("context", "draftOrders", "entry", 0, "resource", member), value)))


OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


def test_row_91_null_is_none_an_error_is_a_gap_and_a_missing_key_too(service):
    assert sound(service.call(put(WHOLE, ("prefetch", "conditions"), None))).gaps == {}
    assert sound(service.call(put(WHOLE, ("prefetch", "conditions"), OUTCOME))).gaps == {"Condition": "refused"}
    missing = but(lambda one: one["prefetch"].pop("conditions"))
    assert sound(service.call({**missing, "fhirServer": None})).gaps == {"Condition": "no access"}
    for patient in (None, OUTCOME):
        assert sound(service.call(put(WHOLE, ("prefetch", "patient"), patient))).status == 412


def test_row_92_another_patient_s_prefetch_is_refused(service):
    assert sound(service.call(put(WHOLE, ("prefetch", "patient", "id"), "kid-2"))).status == 412
    mixed = put(WHOLE, ("prefetch", "conditions", "entry", 0, "resource", "subject"), {"reference": "Patient/kid-2"})
    assert sound(service.call(mixed)).gaps == {"Condition": "another patient"}


def test_row_92_another_patient_s_order_is_not_judged(service):
    def turn(request: Json) -> None:
        for entry in request["context"]["draftOrders"]["entry"]:
            entry["resource"]["subject"] = {"reference": "Patient/kid-2"}

    assert sound(service.call(but(turn))).cards == []


def test_row_93_members_of_vendors_change_nothing(service):
    vendor = {"com.vendor": {"x": [None, {"y": 1}]}, "": 1, "extension": [{"url": "http://x", "valueString": "y"}]}

    def add(node: Any) -> Any:
        if isinstance(node, list):
            return [add(one) for one in node]
        return {**vendor, **{key: add(value) for key, value in node.items()}} if isinstance(node, dict) else node

    odd = add(WHOLE)
    odd["prefetch"] = {key: value for key, value in odd["prefetch"].items() if key in WHOLE["prefetch"]}
    plain = [card["summary"] for card in service.call(WHOLE).cards]
    assert [card["summary"] for card in sound(service.call(odd)).cards] == plain


@pytest.mark.parametrize(
    "name", ["__proto__", "constructor", "self", "__class__", "toString", "$ref", "hasOwnProperty"]
)
def test_row_94_odd_names(service, name):
    odd = but(lambda one: [node.update({name: {name: name}}) for node in (one, first(one), one["prefetch"]["patient"])])
    assert sound(service.call(odd)).cards != []


def test_row_94_a_modifier_is_noticed(service):
    modified = but(lambda one: [entry["resource"].update(modifierExtension=[{"url": "urn:not"}])
                                for entry in one["context"]["draftOrders"]["entry"]])  # fmt: skip
    assert sound(service.call(modified)).cards == [], "an order whose meaning may be turned round is not judged"


def test_row_94_contained_resources_that_name_each_other(service):
    loop = [{"resourceType": "Condition", "id": one, "evidence": [{"detail": [{"reference": f"#{other}"}]}],
             "code": {"text": "headache"}} for one, other in ("ab", "ba", "aa")]  # fmt: skip
    sound(service.call(but(lambda one: first(one).update(contained=loop, reasonReference=[{"reference": "#a"}]))))


def test_row_95_the_wrong_hook_and_unknown_services(service):
    assert sound(service.call({**WHOLE, "hook": "order-dispatch"})).status == 400
    assert sound(service.call(WHOLE, SIGN.replace("sign", "select"))).status == 400
    for path in (
        "/cds-services/x",
        "/cds-services/",
        SIGN + "/",
        SIGN + "x",
        "/cds-services/../admin",
        "/" + SIGN[1:].upper(),
    ):
        assert service.call(WHOLE, path).status in (404, 405)


def test_row_96_a_refusal_repeats_nothing(service):
    canaries = ("canary-name", "canary-token", "canary-id")

    def mark(request: Json) -> None:
        request["context"]["userId"] = "Practitioner/canary-id"
        request["fhirAuthorization"]["access_token"] = "canary-token"
        request["prefetch"]["patient"]["name"] = [{"text": "canary-name"}]

    marked = but(mark)
    bad = [{**marked, "hook": "canary-name"}, {**marked, "context": "canary-id"}, put(marked, ("context", "patientId"), "canary-id/canary-name"),
           put(marked, ("context", "draftOrders"), "canary-name"), put(marked, ("prefetch",), "canary-name")]  # fmt: skip
    for request in bad:
        assert sound(service.call(request), *canaries).status >= 400
    assert sound(service.send(json.dumps(marked).encode()[:-1]), *canaries).status == 400
    assert sound(service.call(marked, FEEDBACK), *canaries).status == 400
    assert not [one for one in canaries if one in service.said()]


def test_row_97_nothing_about_ourselves(service):
    for said in (
        service.send(b"x"),
        service.ask("GET", "/nothing"),
        service.ask("PUT", SIGN),
        service.ask("GET", "/cds-services"),
    ):
        text = said.body.decode() + json.dumps(said.headers)
        assert not [word for word in FORBIDDEN if word in text] and "server" not in said.headers


def test_row_98_a_bad_request_leaves_nothing_behind(service, hospital: Ehr):
    asked = hospital.holds(WHOLE)
    good = told(service.call(WHOLE).cards)
    hospital.on(target(asked, "conditions"), reply("", status=500))
    for bad in (
        put(WHOLE, ("prefetch", "patient", "birthDate"), "1950-01-01"),
        put(WHOLE, ("prefetch", "conditions"), OUTCOME),
        asked,
    ):
        sound(service.call(bad))
        assert told(service.call(WHOLE).cards) == good


ITEM = {
    "card": "00000000-0000-4000-8000-000000000000",
    "outcome": "overridden",
    "outcomeTimestamp": "2026-03-02T14:00:00Z",
}
ODD_FEEDBACK = [
    [], {}, {"feedback": None}, {"feedback": {}}, {"feedback": [7]}, {"feedback": [{}]}, {"feedback": "x"}, {"feedback": [[]]},
    {"feedback": [{**ITEM, "card": 7}]}, {"feedback": [{**ITEM, "outcome": "ignored"}]}, {"feedback": [{**ITEM, "card": "x" * 100_000}]},
    {"feedback": [{**ITEM, "acceptedSuggestions": "x"}]}, {"feedback": [{**ITEM, "overrideReason": [[[]]]}]},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ODD_FEEDBACK)))
def test_row_99_feedback_of_bad_shape(service, number):
    assert sound(service.call(ODD_FEEDBACK[number], FEEDBACK)).status in (200, 400, 413)


def test_row_99_very_much_feedback(service):
    said = service.call({"feedback": [ITEM] * 100_000}, FEEDBACK, timeout=60)
    assert said.status in (200, 400, 413)
    assert sound(service.send(b'{"feedback":' + b"[" * 100_000, FEEDBACK)).status == 400


@pytest.mark.parametrize("kind", HOSTILE)
def test_row_99_hostile_words_of_clinicians(service, kind):
    reason = {"userComment": HOSTILE[kind], "reason": {"code": "x", "system": "y", "display": HOSTILE[kind]}}
    assert sound(service.call({"feedback": [{**ITEM, "overrideReason": reason}]}, FEEDBACK)).status in (200, 400)
    assert HOSTILE[kind][:12] not in service.said()


def test_what_is_unsound_would_be_noticed():
    for said in (Reply(500, {}, b"", 0.0), Reply(200, {}, b"Traceback", 0.0), Reply(200, {}, b"{}", 6.0)):
        with pytest.raises(AssertionError):
            sound(said)
