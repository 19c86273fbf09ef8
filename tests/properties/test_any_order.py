"""The order of things in a request never changes the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties import children
from tests.properties.children import EXAMS, REASONS, RECORDS, call, order
from tests.properties.clinic import told

few = settings(max_examples=70, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
LOCAL = {"system": "urn:oid:1.2.3", "code": "X1", "display": "Local name"}
Shuffle = Callable[[list[Any]], list[Any]]


@st.composite
def calls(draw):
    """A call of one or two orders with several reasons, several codings, several records."""
    orders = []
    for number in range(draw(st.integers(1, 2))):
        reasons = draw(st.lists(st.sampled_from(sorted(REASONS)), min_size=1, max_size=3, unique=True))
        orders.append(order(draw(st.sampled_from(sorted(EXAMS))), *reasons, id_=f"draft-{number}"))
    for one in orders:
        for concept in (one["code"], *one["reasonCode"]):
            concept.setdefault("coding", []).append(LOCAL)
    records = draw(st.lists(st.sampled_from(sorted(RECORDS)), max_size=8, unique=True))
    years = draw(st.sampled_from([0.2, 1.9, 4.5, 9.4, 14.6]))
    return call(*orders, records=tuple(records), years=years, visit=draw(st.sampled_from(["AMB", "EMER"])))


def shuffled(node: Any, names: set[str], shuffle: Shuffle, name: str = "") -> Any:
    """The same JSON with each list that stands under one of *names* shuffled."""
    if isinstance(node, dict):
        return {key: shuffled(value, names, shuffle, key) for key, value in node.items()}
    if isinstance(node, list):
        inner = [shuffled(one, names, shuffle) for one in node]
        return shuffle(inner) if name in names else inner
    return node


def alike(cards: list[Any]) -> list[str]:
    """The cards in an order of our own, and the lists of the orders they bring too."""
    return sorted(json.dumps(_sorted(card), sort_keys=True) for card in told(cards))


def _sorted(node: Any, name: str = "") -> Any:
    if isinstance(node, dict):
        return {key: _sorted(value, key) for key, value in node.items()}
    if isinstance(node, list):
        inner = [_sorted(one) for one in node]
        return sorted(inner, key=lambda one: json.dumps(one, sort_keys=True)) if name in COPIED else inner
    return node


COPIED = {"reasonCode", "coding", "category"}
ORDERED = {"entry", "coding", "reasonCode", "category", "series", "item", "component", "modality"}


@given(calls(), st.randoms(use_true_random=False))
@few
def test_entries_codings_reasons_and_parts_in_any_order(service, request_, random):
    mixed = shuffled(request_, ORDERED, lambda items: random.sample(items, len(items)))
    assert alike(service.cards(mixed)) == alike(service.cards(request_))


@given(calls(), st.randoms(use_true_random=False))
@few
def test_members_in_any_order(service, request_, random):
    def mixed(node):
        if isinstance(node, dict):
            return {key: mixed(node[key]) for key in random.sample(sorted(node), len(node))}
        return [mixed(one) for one in node] if isinstance(node, list) else node

    assert told(service.cards(mixed(request_))) == told(service.cards(request_))


@given(calls())
@few
def test_a_record_sent_twice_is_one_record(service, request_):
    for key in children.KEYS:
        found = request_["prefetch"][key]
        found["entry"] = [one for one in found["entry"] for _ in range(2)]
        found["total"] = len(found["entry"])
    once = {**request_, "prefetch": {key: shuffled(value, {"entry"}, lambda items: items[::2]) for key, value in
                                     request_["prefetch"].items()}}  # fmt: skip
    for key in children.KEYS:
        once["prefetch"][key]["total"] = len(once["prefetch"][key]["entry"])
    assert alike(service.cards(request_)) == alike(service.cards(once))


@given(calls())
@few
def test_asking_again_says_the_same(service, request_):
    assert told(service.cards(request_)) == told(service.cards(request_))


def test_cards_come_in_the_order_of_the_orders(clinic):
    first, second = order("CT belly twice", "appendicitis"), order("CT head", "simple febrile seizure", id_="draft-2")
    there, back = clinic.cards(call(first, second, years=2)), clinic.cards(call(second, first, years=2))
    assert len(there) == len(back) == 2
    assert told(there) == told(back)[::-1]
