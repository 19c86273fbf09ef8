"""Facts about the order: its exam, reason, priority and purpose, and the regions nobody asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from cds_service.facts.exams import Recognised
from cds_service.facts.order import exam_facts, extra_region, order_facts, passes, priority
from cds_service.fhir.resources import ServiceRequest
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.facts import ORDER, Kind
from cds_service.vocabulary.readings import Evidence, Interval, Names, Reading

EVIDENCE = (Evidence("Order: x", "ServiceRequest/1"),)
REGIONS = {
    "suspected-appendicitis": frozenset({"appendix"}),
    "suspected-pneumonia": frozenset({"lungs"}),
    "headache": frozenset({"head"}),
    "fever": frozenset[str](),
}


class Stated(NamedTuple):
    """Reasons as an order states them."""

    names: Names = Names(frozenset())
    given: bool = False
    evidence: Mapping[str, Evidence] = {}


def recognised(phrase: str, purpose: str = "diagnostic") -> Recognised:
    return Recognised(exam(phrase), phrase, EVIDENCE, purpose=purpose)


def reasons(*names: str, complete: bool = True) -> Names:
    return Names(frozenset(names), complete)


def facts(phrase: str, stated: Stated, priority: str | None = None) -> dict[str, Reading]:
    return order_facts(ServiceRequest(priority=priority), recognised(phrase), stated, reason_regions=REGIONS)


def test_every_order_fact_is_given_in_its_own_kind() -> None:
    stated = Stated(reasons("headache"), True, {"headache": Evidence("Reason: headache")})
    read = facts("CT head without contrast", stated, priority="stat")
    kinds = {Kind.FLAG: bool, Kind.CHOICE: frozenset, Kind.NAMES: Names, Kind.NUMBER: Interval}
    assert set(read) == {fact.name for fact in ORDER} - {"order.exam_named"}  # read from the words
    for fact in (one for one in ORDER if one.name in read):
        value = read[fact.name].value
        assert isinstance(value, kinds[fact.kind]), fact.name
        legal = value.values if isinstance(value, Names) else value if isinstance(value, frozenset) else frozenset()
        assert not fact.choices or legal <= fact.choices, fact.name


def test_the_exam_as_facts() -> None:
    read = exam_facts(recognised("CTA chest with contrast", "surveillance"))
    assert read["order.recognised"] == Reading(True, EVIDENCE)
    assert read["order.modality"] == Reading(frozenset({"CT"}), EVIDENCE)
    assert read["order.region"] == Reading(Names(frozenset({"chest"})), EVIDENCE)
    assert read["order.technique"] == Reading(Names(frozenset({"angiography"})), EVIDENCE)
    assert read["order.contrast"] == Reading(frozenset({"with"}), EVIDENCE)
    assert read["order.passes"] == Reading(Interval(1, 1), EVIDENCE)
    assert read["order.purpose"] == Reading(frozenset({"surveillance"}), EVIDENCE)


def test_an_exam_not_recognised_leaves_its_facts_unknown() -> None:
    read = exam_facts(Recognised(None, "CBC", why="no modality could be told", purpose="guidance"))
    assert read["order.recognised"].value is False
    assert read["order.purpose"].value == {"guidance"}
    for name in ("modality", "region", "technique", "contrast", "passes"):
        assert read[f"order.{name}"] == Reading(gap="no modality could be told")


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("CT head", None),
        ("CT head without contrast", Interval(1, 1)),
        ("CT head without and with contrast", Interval(2, 2)),
        ("CT liver multiphase", Interval(3, 3)),
        ("CTA head without and with contrast", Interval(1, 2)),
        ("US appendix", None),
    ],
)
def test_passes(phrase: str, expected: Interval | None) -> None:
    assert passes(exam(phrase)).value == expected


def test_contrast_left_open_is_unknown() -> None:
    assert exam_facts(recognised("CT head"))["order.contrast"].value is None


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("stat", {"stat"}), ("routine", {"routine"}), ("now!", None), (None, None), ("", None)],
)
def test_priority(stated: str | None, expected: set[str] | None) -> None:
    read = priority(ServiceRequest(priority=stated))
    assert read.value == expected
    assert bool(read.evidence) == bool(expected)


def test_reasons() -> None:
    where = {"headache": Evidence("Reason: headache", on="2026-03-02")}
    read = facts("CT head", Stated(reasons("headache"), True, where))
    assert read["order.reason"] == Reading(reasons("headache"), (where["headache"],))
    assert read["order.reason_given"].value == {"yes"}
    none = facts("CT head", Stated())
    assert none["order.reason_given"].value == {"no"}
    assert none["order.reason"] == Reading(reasons(), ())


@pytest.mark.parametrize(
    ("phrase", "stated", "expected"),
    [
        ("CT chest+abdomen+pelvis with contrast", reasons("suspected-appendicitis"), {"chest"}),
        ("CT chest+abdomen+pelvis with contrast", reasons("suspected-pneumonia"), {"abdomen", "pelvis"}),
        ("CT abdomen+pelvis with contrast", reasons("suspected-appendicitis"), set()),
        ("CT chest+abdomen with contrast", reasons("suspected-appendicitis", "suspected-pneumonia"), set()),
        ("CT liver with contrast", reasons("suspected-pneumonia"), set()),
        ("CT head+cervical-spine", reasons("headache"), set()),
        ("CT head+neck", reasons("headache"), {"neck"}),
        ("CT chest", reasons("headache"), {"chest"}),
        ("CT chest", reasons("headache", complete=False), None),
        ("CT chest", reasons("headache", "fever"), None),
        ("CT chest", reasons("headache", "never-heard-of"), None),
        ("CT chest", reasons(), None),
    ],
)
def test_extra_region(phrase: str, stated: Names, expected: set[str] | None) -> None:
    read = extra_region(recognised(phrase), stated, REGIONS)
    assert read.value == (None if expected is None else Names(frozenset(expected)))


def test_extra_region_of_an_exam_not_recognised_is_unknown() -> None:
    assert extra_region(Recognised(None, "x"), reasons("headache"), REGIONS).value is None
