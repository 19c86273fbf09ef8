"""Many children at once: each gets the answer for itself, and nothing of another's record."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import cycle, islice

import pytest

from cds_service.fhir.prefetch import TEMPLATES
from tests.fhir.fault_server import fault_server
from tests.http.rim import SIGN
from tests.properties.children import call, order
from tests.properties.clinic import Clinic, holds, living, told

MANY = 40
SITUATIONS = (
    ("CT belly twice", "right lower quadrant pain", ()),
    ("CT belly twice", "appendicitis", ("ultrasound saw nothing",)),
    ("CT belly", "right lower quadrant pain", ("cancer",)),
    ("CT head", "simple febrile seizure", ()),
    ("CT head", "head injury", ("coma score 14",)),
    ("CT chest", "pneumonia", ("chest radiograph",)),
    ("CT stone", "stone", ("contrast allergy", "weight")),
)


def child(number: int, exam: str, reason: str, records: tuple[str, ...]):
    """A call in which every id, and a word of the order's note, tells whose it is."""
    kid = f"kid-{number:02}"
    asked = order(exam, reason, patient=kid, id_=f"draft-{kid}", note=[{"text": f"seen by team {kid}"}])
    return call(asked, patient=kid, records=records, years=2.5 + number % 12)


CHILDREN = [child(number, *situation) for number, situation in enumerate(islice(cycle(SITUATIONS), MANY))]


def named(text: str) -> set[str]:
    """The children *text* names."""
    return set(re.findall(r"kid-\d\d", text))


def body(request) -> bytes:
    return json.dumps(request).encode()


def cards(answer):
    holds(answer)
    return told(answer.json()["cards"])


def test_forty_children_at_once_each_get_their_own_answer(clinic: Clinic):
    alone = [cards(clinic.ask(request)) for request in CHILDREN]
    together = clinic.send_together([body(request) for request in CHILDREN])
    assert [cards(answer) for answer in together] == alone
    assert sum(map(bool, alone)) > MANY / 3
    for number, answer in enumerate(together):
        assert named(answer.text) <= {f"kid-{number:02}"}


def test_ids_of_answers_are_never_used_twice(clinic: Clinic):
    answers = clinic.send_together([body(request) for request in CHILDREN] * 2)
    ids = [card["uuid"] for answer in answers for card in answer.json()["cards"]]
    ids += [one["uuid"] for answer in answers for card in answer.json()["cards"] for one in card.get("suggestions", ())]
    ids += [next(iter(answer.json()["extension"].values()))["decision"] for answer in answers]
    assert len(set(ids)) == len(ids) > 2 * MANY


FETCHED = ("conditions", "reports", "observations")


def test_what_is_fetched_for_one_child_is_never_read_for_another(tmp_path):
    with asyncio.Runner() as runner:
        serving = fault_server()
        server = runner.run(serving.__aenter__())
        try:
            requests = [_to_be_fetched(request, server) for request in CHILDREN]
            with living(runner, tmp_path, CDS_FHIR_SERVERS=server.base, CDS_MAX_CONCURRENT="100") as clinic:
                whole = [cards(clinic.ask(request)) for request in CHILDREN]
                for _ in range(2):  # the second time from the cache
                    answers = clinic.send_together([body(request) for request in requests])
                    assert [cards(answer) for answer in answers] == whole
                assert clinic.faults() == 0
        finally:
            runner.run(serving.__aexit__(None, None, None))
    assert len(server.asked) >= MANY * len(FETCHED)


def _to_be_fetched(request, server):
    """The same call with some keys left to *server*; all calls carry the same token."""
    kid = request["context"]["patientId"]
    prefetch = dict(request["prefetch"])
    for key in FETCHED:
        server.on("/" + TEMPLATES[key].replace("{{context.patientId}}", kid), prefetch.pop(key))
    return {**request, "prefetch": prefetch, "fhirServer": server.base}


@pytest.mark.parametrize("key", ["conditions", "reports", "observations", "procedures", "imagingStudies", "devices"])
def test_another_childs_records_in_a_prefetch_are_nobodys(clinic: Clinic, key):
    mine = child(1, "CT belly twice", "right lower quadrant pain", ())
    other = call(patient="kid-02", records=("cancer", "ultrasound saw nothing", "coma score 8", "CT belly done",
                                            "ultrasound images", "pacemaker"))  # fmt: skip
    mixed = {**mine, "prefetch": {**mine["prefetch"], key: other["prefetch"][key]}}
    unread = {**mine, "prefetch": {name: value for name, value in mine["prefetch"].items() if name != key}}
    assert "kid-02" in json.dumps(mixed)
    assert told(clinic.cards(mixed)) == told(clinic.cards(unread))
    assert clinic.incomplete(mixed) == clinic.incomplete(unread) != set()
    assert named(clinic.ask(mixed).text) == {"kid-01"}


@pytest.mark.parametrize("encounter", [True, False])
def test_what_was_overridden_for_one_child_is_still_shown_for_another(clinic: Clinic, encounter):
    one, other = (child(number, "CT belly twice", "right lower quadrant pain", ()) for number in (71, 72))
    for request in (one, other):
        if not encounter:
            del request["context"]["encounterId"]
        else:
            request["context"]["encounterId"] = "visit-of-both"
    (card,) = clinic.cards(one)
    told_back = {"feedback": [{"card": card["uuid"], "outcome": "overridden", "overrideReason": {"userComment": "no"}}]}
    assert clinic.send(body(told_back), SIGN + "/feedback").status_code == 200
    assert clinic.cards(one) == []
    assert clinic.cards(other)
