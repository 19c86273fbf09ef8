"""The whole flow of one call: which orders are judged, what is answered, what is noted, and what is not said twice."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from cds_service import content, noting
from cds_service.advise import EXTENSION, Advisor
from cds_service.clients.clients import Client
from cds_service.content import Content
from cds_service.errors import MissingPatient, NotReady
from cds_service.facts.gather import Site
from cds_service.fhir.client import new_cache
from cds_service.hooks.feedback import FeedbackItem
from cds_service.hooks.parse import parse
from cds_service.library import Library, Places
from cds_service.outbound import Deadline, Outbound
from cds_service.settings import read
from cds_service.storage.store import Store
from cds_service.telemetry import Metrics
from tests.scenarios.compose import moment, put
from tests.scenarios.compose import request as composed
from tests.small import APPROVED

AT = "2026-11-23T14:00:00Z"
NOW = moment(AT)
APPENDIX: dict[str, Any] = {
    "order": {"exam": "CT ABD PELVIS W CONTRAST", "reason": {"icd10cm": "R10.31", "text": "RLQ pain"}},
    "child": {"age": "9 years"},
}
TWO_PHASES: dict[str, Any] = {
    "order": {"exam": "CT ABD/PEL W/WO", "reason": "r/o appendicitis"},
    "child": {"age": "11 years"},
    "history": [{"exam": "US abdomen", "ago": "5 hours", "result": "Appendix not visualized."}],
}
SEIZURE_ORDER = {"exam": "CT head WO contrast", "reason": {"icd10cm": "R56.00", "text": "Febrile seizure"}}
SEIZURE: dict[str, Any] = {"order": SEIZURE_ORDER, "child": {"age": "2 years"}}


@lru_cache
def shipped(site: str = "") -> Content:
    """The shipped content under a site's choices."""
    chosen = read({})
    files = Places(chosen.rules, chosen.cards).files()
    mine = {"site/site.yaml": site.encode()} if site else {}
    return content.build({**files, **mine}, today=date(2026, 11, 23), run_examples=False)


class Practice:
    """An advisor with a store of its own, asked in scenarios; ``now`` is what its clock shows."""

    def __init__(self, folder: Path, profile: str = "generic", site: str = "") -> None:
        self.runner = asyncio.Runner()
        self.store = Store(folder, f"sqlite:///{folder / 'service.db'}")
        self.client = Client("local", profile)  # type: ignore[arg-type]
        self.now, self.metrics, self.decisions = NOW, Metrics(), []  # type: ignore[var-annotated]
        self.outbound = Outbound(())
        library: Any = SimpleNamespace(content=shipped(site))
        self.advisor = Advisor(
            library, self._keeper(), self.outbound, new_cache(), self.metrics, Site(), clock=lambda: self.now
        )  # fmt: skip

    def _keeper(self) -> Any:
        """The store, with what is decided also at hand."""
        kept = self.decisions.append
        return SimpleNamespace(
            identity=self.store.identity, issued=self.store.issued, suppressed=self.store.suppressed, decided=kept
        )

    def ask(self, scenario: dict[str, Any], **but: Any) -> dict[str, Any]:
        """The answer to a scenario, with members of the request changed (``__`` for a dot)."""
        body = composed({"at": self.now.isoformat(), **scenario})
        for path, value in but.items():
            put(body, path.replace("__", "."), value)
        return self.ask_body(body)

    def ask_body(self, body: dict[str, Any]) -> dict[str, Any]:
        request = parse(json.dumps(body).encode(), service_hook=body["hook"])
        answer: dict[str, Any] = json.loads(self.runner.run(self.advisor.advise(self.client, request, Deadline(2.0))))
        return answer

    def cards(self, scenario: dict[str, Any], **but: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(scenario, **but)["cards"]
        return found

    def feedback(self, card: dict[str, Any], outcome: str = "overridden") -> None:
        """A clinician's answer to a card, now."""
        item = FeedbackItem(card["uuid"], outcome, self.now)  # type: ignore[arg-type]
        self.runner.run(self.store.record_feedback("local", [item]))

    def verdicts(self) -> dict[str, dict[str, Any]]:
        """What was decided last, by rule."""
        last = json.loads(b"[" + b",".join(bytes(one) for one in self.decisions[-1].verdicts) + b"]")
        return {one["rule"]: one for order in last for one in order["verdicts"]}

    def close(self) -> None:
        self.runner.run(self.outbound.close())
        self.runner.run(self.store.close())
        self.runner.close()


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[Practice]:
    one = Practice(tmp_path)
    yield one
    one.close()


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Any]:
    """Makes practices with a profile or a site of their own."""
    made: list[Practice] = []

    def make(profile: str = "generic", site: str = "") -> Practice:
        made.append(Practice(tmp_path / str(len(made)), profile, site))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ours(answer: dict[str, Any]) -> dict[str, Any]:
    """The one extension of ours."""
    assert list(answer["extension"]) == [EXTENSION]
    said: dict[str, Any] = answer["extension"][EXTENSION]
    return said


def rules_of(cards: list[dict[str, Any]]) -> list[str]:
    return [card["source"]["topic"]["code"] for card in cards]


# orders


def test_one_order_one_card_with_its_change(practice):
    (card,) = practice.cards(APPENDIX)
    assert card["indicator"] == "info" and "ultrasound" in card["summary"] and len(card["summary"]) < 140
    (suggestion,) = card["suggestions"]
    assert [action["type"] for action in suggestion["actions"]] == ["delete", "create"]


def test_the_answer_says_which_decision_and_which_content(practice):
    answer = practice.ask(APPENDIX)
    assert ours(answer) == {"decision": practice.decisions[0].decision, "revision": shipped().digest}


def test_each_order_gets_its_own_card(practice):
    cards = practice.cards({**SEIZURE, "also": [{"exam": "CT ABD/PEL W/WO", "reason": "r/o appendicitis"}]})
    assert len(cards) == 2 and len({card["uuid"] for card in cards}) == 2
    touched = [
        {action.get("resourceId") for one in card["suggestions"] for action in one["actions"]} - {None}
        for card in cards
    ]
    assert touched == [{"ServiceRequest/draft-1"}, {"ServiceRequest/draft-2"}]


def test_a_right_order_beside_a_wrong_one_is_left_alone(practice):
    right = {"exam": "US abdomen", "reason": {"icd10cm": "R10.31", "text": "RLQ pain"}}
    assert len(practice.cards({**SEIZURE, "also": [right]})) == 1


def test_orders_that_are_no_imaging_are_not_judged(practice):
    answer = practice.ask({**APPENDIX, "order": {"exam": "Complete blood count", "reason": "fever"}})
    assert answer["cards"] == [] and practice.decisions[0].verdicts == []


def test_when_selecting_only_what_was_selected_is_judged(practice):
    both = {**SEIZURE, "hook": "order-select", "also": [{"exam": "CT ABD/PEL W/WO", "reason": "r/o appendicitis"}]}
    assert rules_of(practice.cards(both)) == ["Seizures"]
    assert rules_of(practice.cards({**both, "selections": ["ServiceRequest/draft-2"]})) != ["Seizures"]
    assert practice.cards({**both, "selections": ["ServiceRequest/other"]}) == []


# a right request with odd orders


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("priority", 7),
        ("authoredOn", {"year": 2026}),
        ("note", [{"text": ["x"]}]),
        ("bodySite", [7]),
        ("occurrenceDateTime", [1]),
        ("encounter", "Encounter/1"),
    ],
)
def test_an_order_with_an_odd_element_is_judged_by_the_others(practice, member, value):
    practice.ask(SEIZURE, **{f"context__draftOrders__entry__0__resource__{member}": value})
    assert practice.verdicts()["seizures"]["outcome"] == "advice"


def test_a_reference_that_cannot_be_read_is_a_reason_not_understood(practice):
    assert practice.cards(SEIZURE, context__draftOrders__entry__0__resource__reasonReference="Condition/1") == []
    assert practice.verdicts()["seizures"]["outcome"] == "undecided"


def test_a_reason_that_cannot_be_read_is_still_a_reason(practice):
    """An order with an unreadable reason is not one without a reason, and never gets a warning."""
    odd = {"context__draftOrders__entry__0__resource__reasonCode": [{"text": "febrile seizure"}, "odd", {"coding": 7}]}
    assert all(card["indicator"] == "info" for card in practice.cards(SEIZURE, **odd))
    assert practice.cards(SEIZURE, **{"context__draftOrders__entry__0__resource__reasonCode": 7}) == []


# the Patient


def test_without_the_patient_imaging_orders_cannot_be_judged(practice):
    with pytest.raises(MissingPatient):
        practice.ask(APPENDIX, prefetch__patient="removed")
    with pytest.raises(MissingPatient):
        practice.ask(APPENDIX, prefetch__patient__id="another-child")


def test_without_imaging_orders_nobody_is_missed(practice):
    lab = {**APPENDIX, "order": {"exam": "Complete blood count", "reason": "fever"}}
    assert practice.cards(lab, prefetch__patient="removed") == []


def test_without_content_nothing_is_answered(practice):
    practice.advisor.library = Library(Places(Path("none"), Path("none")))
    with pytest.raises(NotReady):
        practice.ask(APPENDIX)


# what could not be read


def test_what_could_not_be_read_is_named_and_counted(practice):
    answer = practice.ask({**APPENDIX, "without": ["conditions", "reports"]})
    assert ours(answer)["incomplete"] == [
        {"resource": "Condition", "reason": "no access"},
        {"resource": "DiagnosticReport", "reason": "no access"},
    ]
    assert 'cds_incomplete_total{reason="no access"} 2.0' in practice.metrics.text().decode()


def test_a_whole_record_is_not_called_incomplete(practice):
    assert "incomplete" not in ours(practice.ask(APPENDIX))


def test_a_whole_record_that_holds_nothing_is_whole(practice):
    empty = dict.fromkeys(composed({"at": AT, **APPENDIX})["prefetch"].keys() - {"patient", "encounter"})
    body = composed({"at": AT, **APPENDIX})
    body["prefetch"].update(empty)
    assert "incomplete" not in ours(practice.ask_body(body)), "null is: searched, nothing found"


def test_nothing_is_missed_when_nothing_was_to_be_judged(practice):
    lab = {**APPENDIX, "order": {"exam": "Complete blood count", "reason": "fever"}, "without": ["conditions"]}
    assert "incomplete" not in ours(practice.ask(lab))


# what a clinician answered already


def test_what_was_overridden_is_not_said_again_in_that_encounter(practice):
    (card,) = practice.cards(APPENDIX)
    practice.feedback(card)
    assert practice.cards(APPENDIX) == []
    practice.now += timedelta(days=2)
    assert practice.cards(APPENDIX) == [], "the encounter still goes on"


def test_another_draft_of_the_same_exam_is_the_same_question(practice):
    (card,) = practice.cards(APPENDIX)
    practice.feedback(card)
    assert practice.cards(APPENDIX, context__draftOrders__entry__0__resource__id="draft-99") == []


def test_what_was_accepted_is_said_again(practice):
    (card,) = practice.cards(APPENDIX)
    practice.feedback(card, "accepted")
    assert len(practice.cards(APPENDIX)) == 1


def test_another_encounter_is_another_question(practice):
    (card,) = practice.cards(APPENDIX)
    practice.feedback(card)
    assert len(practice.cards(APPENDIX, context__encounterId="visit-2")) == 1


def test_without_an_encounter_a_day_passes_before_it_is_said_again(practice):
    outside = {**APPENDIX, "visit": "none"}
    (card,) = practice.cards(outside)
    practice.feedback(card)
    practice.now += timedelta(hours=23, minutes=59)
    assert practice.cards(outside) == []
    practice.now += timedelta(minutes=2)
    assert len(practice.cards(outside)) == 1


def test_another_child_is_never_kept_from_advice(practice):
    (card,) = practice.cards(APPENDIX)
    practice.feedback(card)
    other = json.loads(json.dumps(composed({"at": AT, **APPENDIX})).replace("Patient/child", "Patient/sibling"))
    other["context"]["patientId"] = other["prefetch"]["patient"]["id"] = "sibling"
    assert len(practice.ask_body(other)["cards"]) == 1


def test_another_exam_or_another_rule_is_another_question(practice):
    (card,) = practice.cards(SEIZURE)
    practice.feedback(card)
    assert len(practice.cards({**SEIZURE, "order": {**SEIZURE_ORDER, "exam": "MR head WO contrast"}})) == 1
    assert practice.cards(SEIZURE) == []


def test_one_finding_of_two_may_be_answered(another):
    practice = another("epic")
    first, second = practice.cards(TWO_PHASES)
    practice.feedback(first)
    assert rules_of(practice.cards(TWO_PHASES)) == rules_of([second])


def test_what_is_kept_silent_is_still_judged_and_noted(practice):
    (card,) = practice.cards(APPENDIX)
    practice.feedback(card)
    practice.cards(APPENDIX)
    assert practice.verdicts()["suspected-appendicitis"]["outcome"] == "advice"


# notes


def test_a_decision_holds_verdicts_and_no_names(practice):
    practice.ask(APPENDIX)
    decision = practice.decisions[0]
    assert (decision.client, decision.service) == ("local", "order-sign")
    kept = practice.verdicts()["suspected-appendicitis"]
    assert kept["advice"] == "order-something-else" and kept["indicator"] == "info" and kept["shown"] is True
    whole = repr(decision)
    assert not any(word in whole for word in ("child", "visit", "draft-1", "RLQ", "Practitioner"))


def test_unknown_facts_that_kept_a_rule_silent_are_noted(practice):
    practice.ask(
        {"order": {"exam": "CT kidneys", "reason": "flank pain, r/o kidney stone"}, "child": {"age": "14 years"}}
    )
    noted = [one for one in practice.verdicts().values() if one.get("unknown")]
    assert noted and all(one["outcome"] == "undecided" for one in noted)


def test_cards_are_counted_by_rule_and_indicator(practice):
    practice.ask(APPENDIX)
    assert 'cds_cards_total{indicator="info",rule="suspected-appendicitis"} 1.0' in practice.metrics.text().decode()


def test_a_repeated_call_is_answered_and_noted_alike(practice):
    first, second = practice.ask(APPENDIX), practice.ask(APPENDIX)
    assert [card["detail"] for card in first["cards"]] == [card["detail"] for card in second["cards"]]
    assert first["cards"][0]["uuid"] != second["cards"][0]["uuid"] and len(practice.decisions) == 2
    assert ours(first)["decision"] != ours(second)["decision"]


def test_what_is_remembered_of_verdicts_is_bounded(practice, monkeypatch):
    monkeypatch.setattr(noting, "_REMEMBERED", 2)
    noting._said_before.clear()
    for scenario in (APPENDIX, SEIZURE, TWO_PHASES, APPENDIX):
        practice.ask(scenario)
        assert len(noting._said_before) <= 2
    assert practice.verdicts()["suspected-appendicitis"]["outcome"] == "advice"


def test_new_content_writes_new_cards(practice):
    practice.ask(APPENDIX)
    practice.advisor.library = SimpleNamespace(
        content=shipped(f"suspected-appendicitis: {{status: silent, reason: So., approved: {APPROVED}}}\n")
    )
    assert practice.cards(APPENDIX) == []
    assert len(practice.cards(SEIZURE)) == 1


# the site


def test_a_rule_a_site_keeps_silent_is_judged_and_noted_and_not_shown(another):
    practice = another(site=f"seizures: {{status: silent, reason: So., approved: {APPROVED}}}\n")
    assert practice.cards(SEIZURE) == []
    kept = practice.verdicts()["seizures"]
    assert kept["outcome"] == "advice" and kept["shown"] is False
    assert 'rule="seizures"' not in practice.metrics.text().decode()


def test_what_a_site_does_not_offer_is_not_suggested(another):
    labels = [one["label"] for one in another(site="facilities: {mri: false}\n").cards(TWO_PHASES)[0]["suggestions"]]
    assert labels and not any("MRI" in label for label in labels)
    assert any("MRI" in one["label"] for one in another().cards(TWO_PHASES)[0]["suggestions"])


def test_the_public_address_stands_on_cards_when_there_is_one(practice):
    assert "url" not in practice.cards(APPENDIX)[0]["source"]
    practice.advisor.public_url, practice.advisor._writer = "https://cds.example", None
    assert practice.cards(APPENDIX)[0]["source"]["url"] == "https://cds.example/rules/suspected-appendicitis"


# each kind of client


def test_epic_gets_at_most_two_cards_and_one_action_a_suggestion(another):
    cards = another("epic").cards(TWO_PHASES)
    assert len(cards) == 2 and len(set(rules_of(cards))) == 2
    for card in cards:
        assert card["selectionBehavior"] == "any" and card["source"]["topic"]["code"].isalnum()
        kinds = [[action["type"] for action in one["actions"]] for one in card["suggestions"]]
        assert all(kind in (["create"], ["delete"]) for kind in kinds) and len(kinds) <= 3


def test_update_in_place_gets_the_whole_order_with_only_the_exam_changed(another):
    practice = another("update-in-place")
    (card,) = practice.cards(APPENDIX)
    ((action,),) = (one["actions"] for one in card["suggestions"])
    draft = composed({"at": AT, **APPENDIX})["context"]["draftOrders"]["entry"][0]["resource"]
    assert action["type"] == "update" and action["resource"]["id"] == draft["id"]
    changed = {name for name in draft if draft[name] != action["resource"].get(name)}
    assert "code" in changed and changed <= {"code", "orderDetail", "bodySite", "note"}
    assert any("pama-rating" in one["url"] for one in action["resource"]["extension"])


def test_what_this_client_cannot_take_is_not_offered_and_logged(another):
    unreasoned = {"order": {"exam": "CT abdomen and pelvis with contrast"}, "child": {"age": "9 years"}}
    assert rules_of(another().cards(unreasoned)) == ["CtWithoutAReason"]
    with structlog.testing.capture_logs() as lines:
        assert another("epic").cards(unreasoned) == []
    assert any("this client takes no update" in line.get("reason", "") for line in lines)


def test_time_is_told_by_the_clock_it_was_given(practice):
    practice.ask(APPENDIX)
    assert NOW in practice.decisions[0]
    assert Advisor.__dataclass_fields__["clock"].default().tzinfo is UTC
    assert datetime.now(UTC) - Advisor.__dataclass_fields__["clock"].default() < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ({"coding": [{"system": "http://loinc.org", "code": "30799-2"}]}, "damaged code"),
        ({"coding": [{"system": "urn:site", "code": "X1"}]}, "unknown code"),
        ({"text": "picture of the belly"}, "words only"),
        ({"text": "CT head", "coding": [{"system": "http://loinc.org", "code": "24725-4", "display": "CT Head"},
                                        {"system": "http://loinc.org", "code": "24558-9", "display": "US Abdomen"}]},
         "codes and words disagree"),
        ({}, "nothing"),
    ],
)  # fmt: skip
def test_orders_of_which_no_exam_is_recognised_are_counted_by_kind(practice, code, kind):
    practice.ask(APPENDIX, context__draftOrders__entry__0__resource__code=code)
    assert f'cds_unrecognised_orders_total{{kind="{kind}"}} 1.0' in practice.metrics.text().decode()


@pytest.mark.parametrize(("code", "count"), [("30799-2", 1.0), ("30799-1", 0.0)])
def test_a_damaged_code_is_counted_beside_words_that_are_read_too(practice, code, count):
    said = {"coding": [{"system": "http://loinc.org", "code": code}], "text": "CT head without contrast"}
    practice.ask(SEIZURE, context__draftOrders__entry__0__resource__code=said)
    assert f"cds_damaged_codes_total {count}" in practice.metrics.text().decode()
    assert "cds_unrecognised_orders_total{" not in practice.metrics.text().decode()


def test_a_recognised_order_is_not_counted_as_unrecognised(practice):
    practice.ask(APPENDIX)
    assert "cds_unrecognised_orders_total{" not in practice.metrics.text().decode()


def test_a_call_leaves_nothing_for_the_garbage_collection(practice: Practice) -> None:
    """A long record that waits to be collected is memory nobody gets back for a while."""
    practice.ask(APPENDIX, context__encounterId="another")
    request = parse(json.dumps(composed({"at": AT, **TWO_PHASES})).encode(), service_hook="order-sign")
    gc.collect()
    gc.disable()
    try:
        practice.runner.run(practice.advisor.advise(practice.client, request, Deadline(2.0)))
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [one for one in gc.garbage if type(one).__module__.startswith("cds_service")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left
