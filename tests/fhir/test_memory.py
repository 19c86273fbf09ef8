"""A record is read again unless every byte of it came before, from the same client, about the same child."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from cds_service.fhir.memory import RecordMemory
from cds_service.fhir.prefetch import records
from cds_service.hooks.request import HookContext, HookRequest


def request(
    patient: str = "kid", encounter: str | None = "visit", prefetch: dict[str, bytes] | None = None
) -> HookRequest:
    sent = {"patient": b'{"resourceType":"Patient","id":"kid"}'} if prefetch is None else prefetch
    return HookRequest("order-sign", "instance", HookContext("user", patient, encounter, ()), sent)


@dataclass
class Known:
    """A memory that keeps the record of one request of the client ``ehr``."""

    memory: RecordMemory = field(default_factory=RecordMemory)
    asked: HookRequest = field(default_factory=request)

    def __post_init__(self) -> None:
        self.record = records(self.asked)
        for _ in range(2):
            self.memory.keep("ehr", self.asked, self.record)


def test_the_same_bytes_again_are_the_same_record() -> None:
    known = Known()
    assert known.memory.find("ehr", request()) is known.record


def test_a_child_who_came_once_is_not_kept() -> None:
    memory = RecordMemory()
    memory.keep("ehr", request(), records(request()))
    assert memory.find("ehr", request()) is None


@pytest.mark.parametrize(
    ("client", "changed"),
    [
        ("other", {}),
        ("ehr", {"patient": "other"}),
        ("ehr", {"encounter": "next"}),
        ("ehr", {"encounter": None}),
        ("ehr", {"prefetch": {"patient": b'{"resourceType":"Patient","id":"kid" }'}}),
        ("ehr", {"prefetch": {}}),
        ("ehr", {"prefetch": {"patient": b'{"resourceType":"Patient","id":"kid"}', "conditions": b"null"}}),
    ],
    ids=["client", "patient", "encounter", "no encounter", "one byte", "less", "more"],
)
def test_anything_else_is_another_record(client: str, changed: dict[str, Any]) -> None:
    assert Known().memory.find(client, request(**changed)) is None


def test_the_last_record_takes_the_place_of_the_one_before() -> None:
    known = Known()
    changed = request(prefetch={"patient": b"null"})
    known.memory.keep("ehr", changed, records(changed))
    assert known.memory.find("ehr", request()) is None
    assert known.memory.find("ehr", changed) is not None


def test_it_is_forgotten_after_a_while() -> None:
    assert Known(RecordMemory(seconds=0)).memory.find("ehr", request()) is None


def test_a_record_larger_than_the_room_is_not_kept() -> None:
    assert Known(RecordMemory(room=10)).memory.find("ehr", request()) is None


def test_what_is_derived_is_made_once_for_each_maker_and_key() -> None:
    record, made = records(request()), []
    one, other = object(), object()
    for by, key in [(one, None), (one, None), (one, "order"), (other, None), (one, "order")]:
        record.derived(by, lambda: made.append(len(made)) or len(made), key)
    assert len(made) == 3


def test_what_is_derived_never_grows_without_end() -> None:
    record, by = records(request()), object()
    for number in range(200):
        assert record.derived(by, lambda kept=number: kept, number) == number
    assert record.derived(by, lambda: "anew", 0) == "anew"


def test_what_is_read_of_a_record_is_gone_with_its_call_unless_it_is_kept() -> None:
    known = Known()
    known.record.derived(known, lambda: "read")
    known.memory.let_go("ehr", known.asked, known.record)
    assert known.record.derived(known, lambda: "read again") == "read"
    other = records(known.asked)
    other.derived(known, lambda: "read")
    known.memory.let_go("ehr", known.asked, other)
    assert other.derived(known, lambda: "read again") == "read again"


def test_what_was_kept_is_gone_when_another_takes_its_place() -> None:
    known = Known()
    known.record.derived(known, lambda: "read")
    changed = request(prefetch={"patient": b"null"})
    known.memory.keep("ehr", changed, records(changed))
    assert known.record.derived(known, lambda: "read again") == "read again"
