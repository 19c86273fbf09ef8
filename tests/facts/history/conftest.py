"""The shipped code lists, and a child's history written as plain FHIR JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.facts.history import ResultWords, load_results, prior_exams
from cds_service.fhir.records import given
from cds_service.fhir.resources import Patient, as_resource
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.readings import Priors

CODES = Path(__file__).parents[3] / "rules" / "codes"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BORN = "2017-05-04"

History = Callable[..., Priors]


@pytest.fixture(scope="session")
def codes() -> ExamCodes:
    files = {path.name: path.read_bytes() for path in sorted((CODES / "exams").glob("*.yaml"))}
    return ExamCodes.load(files, frozenset({"snomed"}))


@pytest.fixture(scope="session")
def words() -> ResultWords:
    return load_results((CODES / "results.yaml").read_bytes())


@pytest.fixture
def history(codes: ExamCodes, words: ResultWords) -> History:
    """What is made of resources given as FHIR JSON."""

    def read(*resources: dict[str, Any], now: datetime = NOW, born: str | None = BORN) -> Priors:
        typed = [as_resource(resource) for resource in resources]
        return prior_exams(given("p1", *typed), Patient(birthDate=born), codes, now, words=words)

    return read


def told(priors: Priors) -> list[tuple[str, str, str]]:
    """Each exam as its phrase, its evidence's day and how sure it is."""
    return [
        (
            str(prior.exam),
            prior.evidence[0].on,
            "pending" if prior.pending else "certain" if prior.certain else "possible",
        )
        for prior in priors.items
    ]


def loinc(code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code, "display": display}]}


def accession(number: str, system: str = "https://ehr.example/accession") -> dict[str, Any]:
    return {"type": {"coding": [{"code": "ACSN"}]}, "system": system, "value": number}


def uid(value: str) -> dict[str, Any]:
    return {"system": "urn:dicom:uid", "value": f"urn:oid:{value}"}


def placer(value: str) -> dict[str, Any]:
    return {"type": {"coding": [{"code": "PLAC"}]}, "system": "https://ehr.example/orders", "value": value}


def ref(target: str) -> dict[str, Any]:
    return {"reference": target}


CT_HEAD = loinc("30799-1")
RADIOLOGY = [{"coding": [{"code": "RAD"}]}]


def study(id_: str, started: str | None, *modalities: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ImagingStudy",
        "id": id_,
        "status": "available",
        "started": started,
        "modality": [{"code": modality} for modality in modalities],
        **more,
    }


def report(id_: str, code: dict[str, Any], effective: str | None, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": id_,
        "status": "final",
        "category": RADIOLOGY,
        "code": code,
        "effectiveDateTime": effective,
        **more,
    }


def procedure(id_: str, code: dict[str, Any], performed: str | None, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": id_,
        "status": "completed",
        "code": code,
        "performedDateTime": performed,
        **more,
    }


def order(id_: str, code: dict[str, Any], status: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": id_, "status": status, "intent": "order", "code": code, **more}


def dose(id_: str, *components: tuple[str, float], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": loinc("73569-6"),
        "component": [
            {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value}} for code, value in components
        ],
        **more,
    }
