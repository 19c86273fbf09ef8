"""Within one minute the same orders of the same record are told the same; nothing else is ever told again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cds_service import judging
from tests.scenarios.compose import request
from tests.test_advise import APPENDIX, NOW, TWO_PHASES, Practice, practice

__all__ = ["practice"]

EARLY = NOW.replace(second=2)
SAME = {"authored": "2026-11-23T13:55:00Z"}


class Counted:
    """Counts how often orders are judged."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._judge = judging.judge
        monkeypatch.setattr(judging, "judge", self)

    def __call__(self, *given: Any, **more: Any) -> Any:
        self.count += 1
        return self._judge(*given, **more)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def again(practice: Practice, body: dict[str, Any], seconds: float = 0) -> dict[str, Any]:
    """The answer to the very same request so many seconds later."""
    practice.now = EARLY + timedelta(seconds=seconds)
    return practice.ask_body(body)


@pytest.fixture
def asked(practice: Practice) -> dict[str, Any]:
    """A request the practice has answered until it knows the child's record."""
    body = request({"at": EARLY.isoformat(), **TWO_PHASES})
    for _ in range(3):
        again(practice, body)
    return body


def told(answer: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [
        (card["summary"], card["detail"], [one["label"] for one in card["suggestions"]]) for card in answer["cards"]
    ]


def ids(answer: dict[str, Any]) -> set[str]:
    return {one["uuid"] for card in answer["cards"] for one in (card, *card["suggestions"])}


def test_within_a_minute_the_same_is_told_without_judging(practice, asked, judged):
    first, second = again(practice, asked), again(practice, asked, 57)
    assert judged.count == 0
    assert told(first) == told(second) != []


def test_each_telling_has_ids_of_its_own(practice, asked):
    answers = [again(practice, asked, seconds) for seconds in (0, 1, 2)]
    every = [ids(answer) for answer in answers]
    assert len(set.union(*every)) == sum(map(len, every))
    assert len({answer["extension"]["org.pediatric-imaging-cds.decision"]["decision"] for answer in answers}) == 3


def test_the_next_minute_is_judged_anew(practice, asked, judged):
    again(practice, asked, 58)
    assert judged.count == 1


def test_a_birthday_at_midnight_is_never_missed(practice):
    practice.now = NOW.replace(hour=23, minute=59, second=59)
    body = request({"at": NOW.isoformat(), **APPENDIX, "child": {"born": "2008-11-24"}})
    body["context"]["draftOrders"]["entry"][0]["resource"].pop("authoredOn", None)
    for _ in range(3):
        assert practice.ask_body(body)["cards"]
    practice.now += timedelta(seconds=1)
    assert not practice.ask_body(body)["cards"]


def test_an_order_that_differs_in_one_byte_is_judged_anew(practice, asked, judged):
    asked["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "."}]
    again(practice, asked)
    assert judged.count == 1


def test_what_was_overridden_a_moment_ago_is_not_told_again(practice, asked):
    card = again(practice, asked)["cards"][0]
    practice.feedback(card)
    assert again(practice, asked, 3)["cards"] == []


def test_a_decision_is_noted_for_each_telling(practice, asked):
    before = len(practice.decisions)
    again(practice, asked)
    assert len(practice.decisions) == before + 1
    assert practice.verdicts()
