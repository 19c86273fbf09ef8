"""What is no longer known never turns silence into a warning."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.fhir.prefetch import NEEDS
from demo.children import plays
from tests.properties.children import EXAMS, KEYS, REASONS, RECORDS, Json, call, order
from tests.properties.clinic import indicators

few = settings(
    max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
many = settings(few, max_examples=4000)

FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
MORE = [{"relation": "next", "url": "https://ehr.example.org/r4/next"}]
UNREADABLE = {"code": 5, "modality": 5, "item": 5, "type": 5, "medicationCodeableConcept": 5}
RECORDED_OR_NOT = ("observations", "forms")
"""Keys whose every finding may simply not have been recorded: without it the fact is unknown, whatever else is sent."""

DANGERS = {
    "cancer": "Condition",
    "abused": "Condition",
    "immune deficient": "Condition",
    "neutropenic": "Condition",
    "septic": "Condition",
    "in shock": "Condition",
    "coma score 8": "Observation",
    "pregnant": "Observation",
    "anticoagulated": "MedicationRequest",
}
"""
What ends or softens advice for every topic once it is known, and the resource that tells.

Advice cannot wait for somebody to record that a child is not in danger, so a danger that was never recorded
in a record read whole is not looked for; one in a part that could not be read is.
"""

Loss = tuple[str, Json]


def losses(known: Json) -> Iterator[Loss]:
    """The call with one thing less known, each in turn."""
    for key in (*KEYS, "encounter"):
        yield from _of_key(known, key)
    for member in ("birthDate", "gender"):
        yield f"no {member}", _without(known, "prefetch", "patient", member)
        yield f"odd {member}", _with(known, "2026-13-45", "prefetch", "patient", member)
    yield "no encounter named", _without(known, "context", "encounterId")
    for number, entry in enumerate(known["context"]["draftOrders"]["entry"]):
        yield from _of_order(known, entry["resource"], "context", "draftOrders", "entry", number, "resource")


def _of_key(known: Json, key: str) -> Iterator[Loss]:
    found = known["prefetch"][key]
    yield f"{key} not sent", _without(known, "prefetch", key)
    yield f"{key} refused", _with(known, FAILED, "prefetch", key)
    yield f"{key} odd", _with(known, {"resourceType": "Bundle", "entry": 5}, "prefetch", key)
    for number, entry in enumerate(found.get("entry", ())):
        resource = {"resourceType": entry["resource"]["resourceType"], **UNREADABLE}
        yield f"{key} partly odd", _with(known, resource, "prefetch", key, "entry", number, "resource")
        less = _without(known, "prefetch", key, "entry", number)
        yield f"{key} cut", _with(less, MORE, "prefetch", key, "link")
        yield f"{key} short", _with(less, len(found["entry"]), "prefetch", key, "total")
        if key in RECORDED_OR_NOT:
            yield f"{key} less one", _with(less, len(found["entry"]) - 1, "prefetch", key, "total")


def _of_order(known: Json, resource: Json, *path: Any) -> Iterator[Loss]:
    for member in ("reasonCode", "priority", "encounter", "category", "authoredOn"):
        yield f"no {member}", _without(known, *path, member)
    for code in ({"text": "qqq"}, {"coding": [{"system": "urn:x", "code": "1"}]}, {}, 5):
        yield "exam not told", _with(known, code, *path, "code")
    for number in range(len(resource["reasonCode"])):
        for odd in ({"text": "qqq zzz"}, {"text": "?"}, {"coding": [{"system": "urn:x", "code": "1"}]}, 5):
            yield "reason not understood", _with(known, odd, *path, "reasonCode", number)
        less = _without(known, *path, "reasonCode", number)
        yield "reason elsewhere", _with(less, [{"reference": "Condition/nowhere"}], *path, "reasonReference")


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _with(known: Json, new: Any, *path: Any) -> Json:
    changed = copy.deepcopy(known)
    _at(changed, path[:-1])[path[-1]] = new
    return changed


def _without(known: Json, *path: Any) -> Json:
    changed = copy.deepcopy(known)
    holder = _at(changed, path[:-1])
    if path[-1] in holder or isinstance(holder, list):
        del holder[path[-1]]
    return changed


@st.composite
def situations(draw):
    """A child with an order, its reasons and a few records, and one thing less known of it."""
    reasons = draw(st.lists(st.sampled_from(sorted(REASONS)), min_size=1, max_size=2, unique=True))
    records = draw(st.lists(st.sampled_from(sorted(RECORDS)), max_size=3, unique=True))
    known = call(
        order(draw(st.sampled_from(sorted(EXAMS))), *reasons),
        records=tuple(records),
        years=draw(st.sampled_from([0.05, 0.2, 1.0, 1.9, 2.1, 4.5, 5.9, 9.4, 14.6, 17.9, 18.1])),
        sex=draw(st.sampled_from(["male", "female"])),
        visit=draw(st.sampled_from(["AMB", "EMER", "IMP"])),
    )
    lost = [loss for loss in losses(known) if not (loss[0].endswith("less one") and DANGERS.keys() & records)]
    return known, draw(st.sampled_from(lost))


def never_warns(service, loss):
    name, less = loss
    assert "warning" not in indicators(service.ask(less).json().get("cards", ())), name


def silence_stays_without_a_warning(service, known, loss):
    if not service.cards(known):
        never_warns(service, loss)


@given(situations())
@few
def test_less_known_never_warns(service, situation):
    silence_stays_without_a_warning(service, *situation)


@pytest.mark.soak
@given(situations())
@many
def test_less_known_never_warns_at_length(service, situation):
    silence_stays_without_a_warning(service, *situation)


QUIET = {play.name: play.request for play in plays() if play.expected == "silence"}


@pytest.mark.parametrize("name", sorted(QUIET))
def test_orders_that_are_right_stay_without_a_warning_whatever_is_lost(clinic, name):
    assert clinic.cards(QUIET[name]) == []
    for loss in losses(QUIET[name]):
        never_warns(clinic, loss)


@pytest.mark.parametrize(
    ("exam", "reason", "records", "years"),
    [
        ("CT belly", "appendicitis", ("ultrasound saw nothing",), 9.4),
        ("CT belly", "perforated", (), 9.4),
        ("CT head", "head injury", ("coma score 14",), 4.5),
        ("CT head", "head injury", ("head form",), 4.5),
        ("CT head", "head injury", ("vomited", "lost consciousness"), 1.5),
        ("CT head", "thunderclap", (), 12.0),
        ("CT chest", "effusion", ("chest radiograph",), 6.0),
        ("CT sinus", "orbital", (), 7.0),
        ("MR head", "focal seizure", (), 7.0),
        ("CT belly", "belly injury", (), 7.0),
        ("CT belly", "right lower quadrant pain", (), 18.2),
        ("CT everything", "lymphoma", (), 14.0),
        ("CT head", "abuse", (), 0.5),
        ("US belly", "appendicitis", (), 9.4),
        ("XR chest", "pneumonia", (), 3.0),
        ("upper GI", "bilious", (), 0.1),
    ],
)
def test_a_right_order_stays_without_a_warning_whatever_is_lost(clinic, exam, reason, records, years):
    known = call(order(exam, reason), records=records, years=years)
    assert "warning" not in indicators(clinic.cards(known))
    for loss in losses(known):
        never_warns(clinic, loss)


@pytest.mark.parametrize("danger", sorted(DANGERS))
@pytest.mark.parametrize(("exam", "reason", "years"), [("CT chest", "pneumonia", 5.0),
                                                       ("CT head twice", "simple febrile seizure", 2.0),
                                                       ("CT belly twice", "right lower quadrant pain", 9.4)])  # fmt: skip
def test_a_danger_in_what_could_not_be_read_is_not_talked_over(clinic, exam, reason, years, danger):
    key = RECORDS[danger][0]
    for name, less in losses(call(order(exam, reason), records=(danger,), years=years)):
        if name.startswith(key) and not name.endswith("less one"):
            never_warns(clinic, (name, less))


@pytest.mark.parametrize("danger", sorted(DANGERS))
def test_a_danger_that_cannot_be_read_is_told_to_be_unread(clinic, danger):
    known = call(order("CT head twice", "simple febrile seizure"), records=(danger,), years=2.0)
    for how in ("not sent", "refused", "odd"):
        for name, less in losses(known):
            if name == f"{RECORDS[danger][0]} {how}" and clinic.cards(less):
                assert DANGERS[danger] in clinic.incomplete(less)


@pytest.mark.parametrize("key", sorted(set(KEYS) - {"forms"}))
def test_what_advice_was_given_without_is_told(clinic, key):
    known = call(order("CT head twice", "simple febrile seizure"), years=2.0)
    assert clinic.cards(known) and not clinic.incomplete(known)
    kind = {need.key: need.kind.__name__ for need in NEEDS}[key]
    for how in (f"{key} not sent", f"{key} refused", f"{key} odd"):
        assert clinic.incomplete(dict(losses(known))[how]) == {kind}


@pytest.mark.parametrize(("record", "kind"), [("asthma", "Condition"), ("weight", "Observation"),
                                              ("chest radiograph", "DiagnosticReport")])  # fmt: skip
def test_a_page_of_several_is_told_to_be_one(clinic, record, kind):
    known = call(order("CT head twice", "simple febrile seizure"), records=(record,), years=2.0)
    assert clinic.cards(known) and not clinic.incomplete(known)
    cut = dict(losses(known))
    for how in ("cut", "short", "partly odd"):
        assert clinic.incomplete(cut[f"{RECORDS[record][0]} {how}"]) == {kind}
