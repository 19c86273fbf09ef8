"""The shipped figures, and the doses told by a history written as plain FHIR JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cds_service.facts.dose import Dose, Usual, doses, load_usual
from cds_service.facts.history import prior_exams
from cds_service.facts.history.results import NO_WORDS
from cds_service.fhir.records import given
from cds_service.fhir.resources import Patient, as_resource
from cds_service.vocabulary.exam_codes import ExamCodes
from tests.facts.history.conftest import BORN, CODES, NOW, loinc

Doses = Callable[..., tuple[Dose, ...]]


@pytest.fixture(scope="session")
def figures() -> Usual:
    return load_usual((CODES / "dose.yaml").read_bytes())


@pytest.fixture(scope="session")
def codes() -> ExamCodes:
    files = {path.name: path.read_bytes() for path in sorted((CODES / "exams").glob("*.yaml"))}
    return ExamCodes.load(files, frozenset({"snomed"}))


@pytest.fixture(scope="session")
def told(codes: ExamCodes, figures: Usual) -> Doses:
    """The dose of each exam that resources given as FHIR JSON tell of."""

    def read(*resources: dict[str, Any], now: datetime = NOW, born: str | None = BORN) -> tuple[Dose, ...]:
        typed = [as_resource(resource) for resource in resources]
        history = prior_exams(given("p1", *typed), Patient(birthDate=born), codes, now, words=NO_WORDS)
        return doses(history.accounts(), history.birth, figures)

    return read


def part(code: str, value: float | None, unit: str | None = "mGy.cm", **more: Any) -> dict[str, Any]:
    """One component of a dose summary."""
    quantity = {"value": value, **({"unit": unit} if unit else {}), **more}
    return {"code": {"coding": [{"code": code}]}, "valueQuantity": quantity}


def phantom(code: str) -> dict[str, Any]:
    return {"code": {"coding": [{"code": "113835"}]}, "valueCodeableConcept": {"coding": [{"code": code}]}}


def summary(id_: str, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A radiation dose summary."""
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": loinc("73569-6"),
        "component": list(parts),
        **more,
    }
