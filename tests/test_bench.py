"""The bench measures what it says: bodies of the stated sizes, judged to a card, and other children really others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bench import bodies, judging
from cds_service.hooks.parse import parse

KB = {0: (9, 11), 10: (22, 32), 100: (150, 200), 1000: (1500, 1900)}


@pytest.mark.parametrize("priors", bodies.PRIORS)
def test_bodies_are_of_the_stated_size(priors: int) -> None:
    low, high = KB[priors]
    assert low <= len(bodies.body(priors)) / 1000 <= high


def test_another_child_has_nothing_of_the_first() -> None:
    first = bodies.body(10)
    other = bodies.another(first, 7)
    assert len(other) == len(first) and bodies.PATIENT.encode() not in other
    assert json.loads(other)["context"]["patientId"] == json.loads(other)["prefetch"]["patient"]["id"]


def test_the_order_of_the_bench_is_judged_to_a_card() -> None:
    request = parse(bodies.body(10), service_hook="order-sign")
    seconds, cards = judging.judged_once(request, judging.shipped(), datetime.now(UTC) + timedelta(seconds=1))
    assert seconds > 0 and cards == 1
