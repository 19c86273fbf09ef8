"""One value from a client or server: whole, partly, or not readable, and never an exception."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.fhir import bundles
from cds_service.fhir.bundles import FAILED, KINDS, NOT_READ, NOTHING, Content, decode
from cds_service.fhir.outcomes import is_failure
from cds_service.fhir.resources import Condition, Issue, Observation, OperationOutcome, Patient
from tests.fhir.written import bundle, observation, outcome


def ids(content: Content) -> list[str | None]:
    return [item.id for item in content.items]


def test_bundle_gives_its_resources_in_order() -> None:
    content = decode(Observation, bundle(observation("a"), observation("b")))
    assert ids(content) == ["a", "b"]
    assert content == Content(content.items)


def test_null_is_nothing_and_complete() -> None:
    assert decode(Observation, b"null") == NOTHING


@pytest.mark.parametrize("raw", [bundle(), b'{"resourceType":"Bundle"}', b'{"resourceType":"Bundle","total":0}'])
def test_empty_bundle_is_nothing_and_complete(raw: bytes) -> None:
    assert decode(Observation, raw) == NOTHING


def test_single_resource_counts_as_one_entry() -> None:
    assert ids(decode(Observation, json.dumps(observation("solo")).encode())) == ["solo"]


def test_outcome_in_place_of_data_is_a_failure() -> None:
    assert decode(Observation, json.dumps(outcome()).encode()) == FAILED


def test_outcome_entry_that_only_says_nothing_was_found() -> None:
    content = decode(Observation, bundle(outcome("warning"), total=0))
    assert content == NOTHING


@pytest.mark.parametrize("severity", ["error", "fatal", None, "banana"])
def test_outcome_entry_that_reports_an_error_is_a_failure(severity: str | None) -> None:
    content = decode(Observation, bundle(observation(), outcome(severity)))
    assert content.failed
    assert ids(content) == ["o1"]


@pytest.mark.parametrize("code", ["forbidden", "throttled", "incomplete", "timeout"])
def test_mild_outcome_that_says_data_was_withheld_is_a_failure(code: str) -> None:
    assert decode(Observation, bundle(outcome("information", code))).failed


def test_standing_notice_about_suppressed_data_is_no_failure() -> None:
    assert not decode(Observation, bundle(observation(), outcome("warning", "suppressed"))).failed


def test_outcome_without_issues_is_a_failure() -> None:
    assert is_failure(OperationOutcome())
    assert is_failure(OperationOutcome(issue=[Issue()]))


def test_next_link_means_more() -> None:
    content = decode(Observation, bundle(observation(), link=[{"relation": "self"}, {"relation": "next", "url": "u"}]))
    assert content.more
    assert content.next_page == "u"
    assert decode(Observation, bundle(observation(), link=[{"relation": "next"}])).more
    assert not decode(Observation, bundle(observation(), link=[{"relation": "self", "url": "u"}])).more


def test_total_above_what_came_means_more() -> None:
    assert decode(Observation, bundle(observation(), total=2)).more
    assert not decode(Observation, bundle(observation(), total=1)).more
    assert not decode(Observation, bundle(observation(), total=0)).more


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b'"text"',
        b"7",
        b"true",
        b"{}",
        b"",
        b"<html>sign in</html>",
        b'{"resourceType":"Condition"}',
        b'{"resourceType":7}',
        b'{"resourceType":"Bundle","entry":{}}',
        b'{"resourceType":"Bundle","entry":"x"}',
        b'{"resourceType":"Bundle","entry":[],"link":7}',
        b'{"resourceType":"Bundle","entry":[',
        b'{"resourceType":"Bundle","id":NaN}',
        b'\xef\xbb\xbf{"resourceType":"Bundle"}',
        '{"resourceType":"Bundle"}'.encode("utf-16"),
        b'{"resourceType":"Observation","id":"\xff"}',
        b'{"resourceType":"Observation","id":"\\ud800"}',
        b'{"resourceType":"Bundle","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
)
def test_what_is_no_bundle_is_not_read(raw: bytes) -> None:
    assert decode(Observation, raw) == NOT_READ


@pytest.mark.parametrize(
    "odd",
    [
        {**observation(), "valueQuantity": {"value": "12"}},
        {**observation(), "code": []},
        {**observation(), "interpretation": [None]},
        {**observation(), "id": 7},
        {"resourceType": "Condition", "id": "c"},
        {"resourceType": "ProcedureRequest"},
        {"resourceType": None},
        {"resourceType": ["Observation"]},
        "text",
        7,
        [],
        {},
        None,
    ],
)
def test_odd_entry_is_counted_and_the_rest_kept(odd: Any) -> None:
    content = decode(Observation, bundle(observation("a"), odd, observation("b")))
    assert ids(content) == ["a", "b"]
    assert content.unreadable == 1
    assert content.whole


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "1E+99999999"])
def test_number_beyond_reason_makes_its_entry_unreadable(number: str) -> None:
    raw = bundle(observation("a"), observation("b", valueQuantity={"value": "N"})).replace(b'"N"', number.encode())
    content = decode(Observation, raw)
    assert ids(content) == ["a"]
    assert content.unreadable == 1


def test_null_and_scalar_entries_are_counted() -> None:
    raw = b'{"resourceType":"Bundle","entry":[null,{"resource":null},7]}'
    assert decode(Observation, raw).unreadable == 3
    assert decode(Observation, b'{"resourceType":"Bundle","entry":[null]}').unreadable == 1


def test_included_resource_of_another_type_is_passed_over() -> None:
    included = {"resource": {"resourceType": "Medication"}, "search": {"mode": "include"}}
    raw = json.dumps({"resourceType": "Bundle", "entry": [{"resource": observation("a")}, included]}).encode()
    content = decode(Observation, raw)
    assert ids(content) == ["a"]
    assert content.unreadable == 0


@pytest.mark.parametrize("search", [{"mode": "match"}, {}, None, 7])
def test_resource_of_another_type_that_was_not_included_on_purpose_is_counted(search: Any) -> None:
    entry = {"resource": {"resourceType": "Medication"}, "search": search}
    raw = json.dumps({"resourceType": "Bundle", "entry": [entry]}).encode()
    assert decode(Observation, raw).unreadable == 1


def test_unreadable_resource_of_the_type_asked_for_counts_even_when_included() -> None:
    included = {"resource": {"resourceType": "Observation", "code": 7}, "search": {"mode": "include"}}
    raw = json.dumps({"resourceType": "Bundle", "entry": [included]}).encode()
    assert decode(Observation, raw).unreadable == 1


def test_odd_total_and_unknown_members_do_not_matter() -> None:
    content = decode(Observation, bundle(observation("a", vendor={"x": [1]}), total="many", vendor=7))
    assert ids(content) == ["a"]
    assert not content.more


def test_failure_and_next_page_are_seen_beside_odd_entries() -> None:
    content = decode(Observation, bundle({"resourceType": "X"}, outcome("error"), link=[{"relation": "next"}]))
    assert content.failed
    assert content.more
    assert content.unreadable == 1


def test_every_kind_reads_its_own_type() -> None:
    for kind in KINDS:
        raw = json.dumps({"resourceType": kind.__name__, "id": "x", "extension": None}).encode()
        assert [type(item) for item in decode(kind, raw).items] == [kind]


NAMES = st.sampled_from(
    ["resourceType", "entry", "resource", "link", "relation", "url", "total", "id", "code", "search"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=5), st.sampled_from(["Bundle", "Condition", "OperationOutcome", None]))
def test_no_json_shape_raises(value: dict[str, Any], kind: str | None) -> None:
    if kind is not None:
        value["resourceType"] = kind
    raw = json.dumps(value).encode("utf-8", "replace")
    assert isinstance(decode(Condition, raw), Content)
    assert isinstance(decode(Patient, raw), Content)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_raise(raw: bytes) -> None:
    assert isinstance(decode(Observation, raw), Content)


def test_a_thousand_entries_are_read_fast() -> None:
    """Reading must stay far below a call's patience; the bound is loose for slow machines."""
    raw = bundle(*(observation(f"o{n}", valueQuantity={"value": n}) for n in range(1000)))
    began = time.perf_counter()
    assert len(decode(Observation, raw).items) == 1000
    assert time.perf_counter() - began < 2


def test_of_a_bundle_with_very_many_odd_entries_none_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MOST_LOOSE", 3)
    assert decode(Observation, bundle(observation("a"), 7, 8)).unreadable == 2
    assert not decode(Observation, bundle(observation("a"), 7, 8, 9)).whole
