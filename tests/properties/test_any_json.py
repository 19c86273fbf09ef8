"""Whatever one node of a request turns into: advice or a refusal, never a fault, and never the node said back."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.children import plays
from tests.http.rim import SELECT, SIGN
from tests.properties import children
from tests.properties.clinic import Clinic, holds
from tests.properties.damage import SECRET, damages, nodes, put

CALLS = {
    **{play.name: play.request for play in plays()},
    "imaging guide": children.imaging_guide(),
    "whole": children.whole(),
    "whole, selected": children.whole("order-select"),
}
PATHS = {name: list(nodes(call)) for name, call in CALLS.items()}
SAID = (SECRET, "token-7d2c", "Jane", "dr-1", "kid-1", "draft-1", "5f0c1c0e")
"""What no refusal may say."""

few = settings(
    max_examples=250, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@st.composite
def damaged(draw, times: int = 1):
    """A valid call with one node damaged, or several; the place is drawn before what is done there."""
    name = draw(st.sampled_from(sorted(CALLS)))
    call, paths = CALLS[name], PATHS[name]
    for _ in range(times):
        path = draw(st.sampled_from(paths))
        _, damage = draw(st.sampled_from(damages(path)))
        call = damage(call, path)
        paths = list(nodes(call))
    return SELECT if "selected" in name or "guide" in name else SIGN, call


def judged(clinic: Clinic, path: str, call: object) -> None:
    holds(clinic.send(json.dumps(call).encode(), path), SAID)


@given(damaged())
@few
def test_one_damaged_node_is_advice_or_a_refusal(service, sent):
    judged(service, *sent)


@given(damaged(times=3))
@few
def test_three_damaged_nodes_are_too(service, sent):
    judged(service, *sent)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([(name, path) for name in ("whole", "whole, selected") for path in PATHS[name]]), anything)
@few
def test_anything_at_all_in_place_of_a_node(service, place, value):
    name, path = place
    judged(service, SELECT if "selected" in name else SIGN, put(CALLS[name], path, value))


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
@few
def test_any_body_at_all(service, body):
    for path in (SIGN, SELECT):
        holds(service.send(body, path), SAID)


def test_the_calls_that_are_damaged_are_worth_damaging(clinic):
    shown = {name: clinic.ask(call) for name, call in CALLS.items()}
    assert {answer.status_code for answer in shown.values()} == {200}
    assert {name for name, answer in shown.items() if answer.json()["cards"]} >= {
        "whole",
        "whole, selected",
        "imaging guide",
    }


@pytest.mark.parametrize("name", ["whole"])
def test_a_name_twice_in_one_object_is_one_of_both(clinic, name):
    sent = json.dumps(CALLS[name]).encode()
    for inner in (b'"id": "draft-1"', b'"birthDate"', b'"patientId"', b'"code"'):
        holds(clinic.send(sent.replace(inner, inner.partition(b":")[0] + b": null, " + inner, 1)), SAID)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_damage_to_every_node(clinic, name):
    path = SELECT if "selected" in name or "guide" in name else SIGN
    for place in PATHS[name]:
        for said, damage in damages(place):
            try:
                holds(clinic.send(json.dumps(damage(CALLS[name], place)).encode(), path), SAID)
            except AssertionError as error:
                raise AssertionError(f"{said} at {place}") from error
