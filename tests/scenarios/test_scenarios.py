"""
A request in, cards out: every scenario on the wire, through the real service with the shipped rules.

Rule files prove their logic on facts; here the facts must be found in FHIR first, and the answer must be one a
client can take. Each expectation comes from the guideline that the topic cites, not from what the service says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from cds_service.content import Content
from cds_service.facts.exams import recognise
from cds_service.facts.gather import OrderFacts
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.judging import Judged
from cds_service.rules.stand import stand
from cds_service.vocabulary.exams import MODALITIES, Exam, exam
from cds_service.vocabulary.readings import Interval
from tests.scenarios.compose import request
from tests.scenarios.conftest import Services
from tests.scenarios.reading import scenarios
from tests.scenarios.times import moment
from tests.scenarios.wire import actions_of, check_card, check_suggestion, empty_members

EVERY = dict(scenarios())
NAMES = list(EVERY)


def marked(name: str) -> Any:
    """The scenario as a test case; a known fault must fail until it is mended."""
    fault = EVERY[name].get("known_fault")
    marks = [pytest.mark.xfail(reason=fault, strict=True)] if fault else []
    return pytest.param(name, id=name, marks=marks)


def some(names: list[str], one_in: int) -> list[Any]:
    """One in so many of *names* each time, the others in the long runs."""
    soak = pytest.mark.soak
    return [pytest.param(name, marks=[soak] if place % one_in else []) for place, name in enumerate(names)]


@pytest.mark.parametrize("name", [marked(name) for name in NAMES])
def test_the_answer_is_what_the_guideline_asks_and_a_client_can_take_it(name: str, services: Services) -> None:
    scenario = EVERY[name]
    answer = services.call(scenario)
    assert answer.status_code == scenario.get("status", 200), answer.text
    if answer.status_code != 200:
        return
    service = services.at(scenario.get("site"))
    judged = service.judged(scenario)
    check_answer(scenario, answer.json(), service.content)
    check_judgement(scenario, judged, service.content)
    check_takeable(scenario, answer.json()["cards"])
    check_read(scenario, judged)


@pytest.mark.parametrize("name", some(NAMES, 20))
def test_a_record_that_came_before_is_judged_as_if_it_had_not(name: str, services: Services) -> None:
    scenario = EVERY[name]
    service, body, at = services.at(scenario.get("site")), request(scenario), moment(scenario["at"])
    hours = [at + timedelta(days=days) for days in (0, 0, 0, 3, 45, 400)]

    def said(now: datetime, *, forget: bool) -> Any:
        if forget:
            service.forget()
        return nameless(services.runner.run(service.ask(body, now)).json())

    service.forget()
    again = [said(now, forget=False) for now in hours]
    assert again == [said(now, forget=True) for now in hours]


def nameless(value: Any) -> Any:
    """An answer without the ids made for it alone."""
    if isinstance(value, dict):
        return {name: nameless(one) for name, one in value.items() if name not in ("uuid", "decision")}
    if isinstance(value, list):
        return [nameless(one) for one in value]
    return "urn:uuid" if isinstance(value, str) and value.startswith("urn:uuid:") else value


def test_every_situation_of_every_topic_has_a_scenario(services: Services) -> None:
    named = {one for scenario in EVERY.values() for one in listed(scenario.get("variant"))}
    topics = services.at(None).content.rules.topics
    every = {f"{topic.id}/{variant.id}" for topic in topics for variant in topic.variants}
    assert sorted(every - named) == []
    assert sorted(named - every) == []


def test_every_exam_that_can_be_offered_is_read_back(services: Services) -> None:
    content = services.at(None).content
    strange = [str(one) for one in content.orders if not reads_back(one, content)]
    assert strange == []


# what the scenario tells


def told(scenario: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The findings it gives as things are now, by name of the fact."""
    given = {**scenario.get("findings", {}), **scenario.get("form", {})}
    return ((fact, said) for fact, said in given.items() if not isinstance(said, dict))


def carries(value: Any, said: Any) -> bool:
    """Whether a fact's value is what the scenario said of it."""
    if isinstance(value, Interval):
        return value.low == value.high == said
    return value == ({"present": True, "absent": False}.get(said) if isinstance(value, bool) else frozenset({said}))


# what the scenario expects


def check_answer(scenario: dict[str, Any], answer: dict[str, Any], content: Content) -> None:
    """The cards are those expected, no other exam is offered, and what could not be read is told."""
    cards = answer["cards"]
    said = [(card["indicator"], card["summary"]) for card in cards]
    assert len(cards) == len(scenario["cards"]), said
    for card, expected in zip(cards, scenario["cards"], strict=True):
        check_expected(card, expected)
    check_never(cards, scenario.get("never", ()), content)
    check_complete(answer, scenario.get("incomplete", ()))


def check_takeable(scenario: dict[str, Any], cards: list[dict[str, Any]]) -> None:
    """A client can take each card and each suggestion as it is."""
    orders = {one["resource"]["id"]: one["resource"] for one in request(scenario)["context"]["draftOrders"]["entry"]}
    for card in cards:
        assert not list(empty_members(card))
        check_card(card)
        for suggestion in card.get("suggestions", ()):
            check_suggestion(suggestion["actions"], orders)


def check_read(scenario: dict[str, Any], judged: list[Judged]) -> None:
    """The order was recognised and the findings were read: silence is not for want of reading."""
    assert bool(judged) != scenario.get("unrecognised", False)
    if "observations" not in scenario.get("without", ()):
        for one in judged[:1]:
            assert not {fact for fact, said in told(scenario) if not is_read(one.facts, fact, said)}


def is_read(facts: OrderFacts, fact: str, said: Any) -> bool:
    """Whether what was said of a fact is read, though other facts or the order may contradict it."""
    return carries(facts[fact].value, said) or carries(facts.child.findings[fact].value, said)


def check_expected(card: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """The card is the one that *expected* describes."""
    suggestions = card.get("suggestions", [])
    labels = [one["label"] for one in suggestions]
    kinds = [[action["type"] for action in one["actions"]] for one in suggestions]
    assert card["indicator"] == expected["indicator"], (card["summary"], card["detail"])
    for part in listed(expected.get("summary")):
        assert part in card["summary"]
    for part in listed(expected.get("says")):
        assert part in card["detail"].replace("\\", "")
    if "rule" in expected:
        assert card["source"]["topic"]["code"] == topic_code(expected["rule"]), card["summary"]
    if "offers" in expected:
        check_offers(labels, expected["offers"])
    assert labels == expected.get("suggestions", labels)
    changes = expected.get("changes", [])
    assert kinds[: len(changes)] == changes


def topic_code(rule: str) -> str:
    """
    A rule's code as every client can keep it: letters and digits only.

    >>> topic_code("ct-without-a-reason")
    'CtWithoutAReason'
    """
    return "".join(word.capitalize() for word in rule.split("-"))


def check_offers(labels: list[str], offers: list[str]) -> None:
    """The first of *offers* comes first, the others stand somewhere below; none means none."""
    found = [label.removeprefix("Order ").removesuffix(" instead") for label in labels if label.startswith("Order ")]
    assert found[: 1 if offers else None] == offers[:1], found
    assert set(offers) <= set(found), found


def check_never(cards: list[dict[str, Any]], never: list[str], content: Content) -> None:
    """None of the exams in *never*, each a modality or a phrase, is offered."""
    for card in cards if never else ():
        for action in actions_of(card):
            if action["type"] == "create":
                made = exam_of(action["resource"], content)
                assert not any(is_like(made, one) for one in never), str(made)


def is_like(made: Exam, phrase: str) -> bool:
    """Whether *made* is the modality, or an exam of that modality in a region of the phrase."""
    if phrase in MODALITIES:
        return made.modality == phrase
    wanted = exam(phrase)
    same = made.modality == wanted.modality and bool(made.mask & wanted.mask)
    return same and wanted.contrast in (None, made.contrast)


def check_complete(answer: dict[str, Any], incomplete: list[str]) -> None:
    """The answer says which records it could not read whole, and no others."""
    (ours,) = answer["extension"].values()
    assert sorted(one["resource"] for one in ours.get("incomplete", ())) == sorted(incomplete)


def check_judgement(scenario: dict[str, Any], judged: list[Judged], content: Content) -> None:
    """The situations it names are the ones found, and the facts it names are the ones that would decide."""
    wanted = scenario.keys() & {"variant", "maybe", "undecided"}
    if not wanted:
        return
    one = judged[0]
    assert one.order.recognised.exam is not None
    stands = [stand(topic, one.order.recognised.exam, one.facts) for topic in content.rules.topics]
    met = {f"{a.topic.id}/{a.topic.variants[place].id}" for a in stands for place in a.met}
    possible = {f"{a.topic.id}/{a.topic.variants[place].id}" for a in stands for place in a.possible}
    assert set(listed(scenario.get("variant"))) <= met, (sorted(met), sorted(possible))
    assert set(listed(scenario.get("maybe"))) <= possible, (sorted(met), sorted(possible))
    unknown = {verdict.rule: set(verdict.unknown) for verdict in one.judgement.verdicts}
    for rule, facts in scenario.get("undecided", {}).items():
        assert set(facts) <= unknown.get(rule, set()), unknown


def reads_back(one: Exam, content: Content) -> bool:
    """Whether an order written for *one* is recognised as an exam of that modality and place."""
    read = recognise(ServiceRequest(code=msgspec.convert(content.orders[one].concept, CodeableConcept)), content.exams)
    return read.exam is not None and (read.exam.modality, bool(read.exam.mask & one.mask)) == (one.modality, True)


def exam_of(order: dict[str, Any], content: Content) -> Exam:
    """The exam an order we offer asks for: as its code or words are read, else as its name was made."""
    found = recognise(msgspec.convert(order, ServiceRequest), content.exams).exam
    text = order["code"]["text"].casefold()
    return found or next(one for one in content.orders if content.orders.say(one).casefold() == text)


def listed(value: Any) -> list[str]:
    """One text or several as a list."""
    return [] if value is None else value if isinstance(value, list) else [value]
