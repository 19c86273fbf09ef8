"""What one scenario tells of a child, as prefetch values; what it does not mention was searched and not found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.scenarios.carriers import answer_of, carrier, concept, exam_code, known, value_of
from tests.scenarios.times import ago, born, stamp

PATIENT, VISIT = "child", "visit"
SUBJECT = {"reference": f"Patient/{PATIENT}"}
SEARCHES = {
    "conditions": "Condition",
    "observations": "Observation",
    "imagingStudies": "ImagingStudy",
    "reports": "DiagnosticReport",
    "procedures": "Procedure",
    "devices": "Device",
    "allergies": "AllergyIntolerance",
    "medications": "MedicationRequest",
    "forms": "QuestionnaireResponse",
    "orders": "ServiceRequest",
}
_BY_PATIENT = ("Device", "AllergyIntolerance")
_EXAMINED = timedelta(minutes=20)


class Record:
    """The resources of one scenario, each with the prefetch key it belongs to."""

    def __init__(self, scenario: Mapping[str, Any], now: datetime, visit: Mapping[str, Any]) -> None:
        self.scenario, self.now, self.visit = scenario, now, visit

    def prefetch(self) -> dict[str, Any]:
        """Every prefetch value but the visit; what the scenario does not mention was searched and not found."""
        found: dict[str, list[dict[str, Any]]] = {key: [] for key in SEARCHES}
        for key, resource in (*self._findings(), *self._form(), *self._conditions(), *self._history(), *self._more()):
            found[key].append(resource)
        return {"patient": self._patient(), **{key: _bundle(SEARCHES[key], told) for key, told in found.items()}}

    def _patient(self) -> dict[str, Any]:
        child = self.scenario.get("child", {})
        dated = {"birthDate": born(child["age"], self.now.date()).isoformat()} if "age" in child else {}
        dated = {"birthDate": child["born"]} if "born" in child else dated
        gender = {"gender": child["sex"]} if "sex" in child else {}
        return {"resourceType": "Patient", "id": PATIENT, **dated, **gender}

    def _findings(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for fact, said in self.scenario.get("findings", {}).items():
            told = said if isinstance(said, dict) else {"value": said}
            seen = {**self.visit, "effectiveDateTime": stamp(self.now - _EXAMINED)}
            if "ago" in told:
                seen = {"effectiveDateTime": ago(told["ago"], self.now)}
            status, value = told.get("status", "final"), value_of(fact, told["value"], self.now)
            yield "observations", {"status": status, "code": carrier(fact), **seen, **value}

    def _form(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """A filled form, one question a fact, as a decision rule's form in an EHR."""
        answers = self.scenario.get("form", {})
        if answers:
            items = [
                {"linkId": known()[fact]["link_ids"][0], "answer": [answer_of(fact, said, self.now)]}
                for fact, said in answers.items()
            ]
            seen = stamp(self.now - _EXAMINED)
            yield "forms", {"status": "completed", **self.visit, "authored": seen, "item": items}

    def _conditions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for place, said in enumerate(self.scenario.get("conditions", ())):
            status = {
                "verificationStatus": _status("ver-status", said.get("verification", "confirmed")),
                "clinicalStatus": _status("clinical", said.get("clinical", "active")),
            }
            when = {"onsetDateTime": ago(said["onset"], self.now)} if "onset" in said else {}
            here = self.visit if said.get("here") else {}
            yield (
                "conditions",
                {"id": said.get("id", f"condition-{place}"), **status, **when, **here, "code": concept(said)},
            )

    def _history(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for place, said in enumerate(self.scenario.get("history", ())):
            yield _PRIORS[said.get("as", "report")](self, f"prior-{place}", said)

    def _report(self, name: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        conclusion = {"conclusion": said["result"]} if "result" in said else {}
        return "reports", {
            "id": name,
            "status": said.get("status", "final"),
            "category": [concept({"loinc": "LP29684-5", "text": "Radiology"})],
            "code": exam_code(said),
            "effectiveDateTime": ago(said["ago"], self.now),
            **conclusion,
            **({"performer": [{"display": said["where"]}]} if "where" in said else {}),
        }

    def _study(self, name: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "imagingStudies", {
            "id": name,
            "status": "available",
            "started": ago(said["ago"], self.now),
            "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": said["modality"]}],
            "description": said["exam"],
            "numberOfSeries": 1,
        }

    def _procedure(self, name: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "procedures", {
            "id": name,
            "status": said.get("status", "completed"),
            "code": exam_code(said),
            "performedDateTime": ago(said["ago"], self.now),
        }

    def _request(self, name: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "orders", {
            "id": name,
            "status": said.get("status", "active"),
            "intent": "order",
            "code": exam_code(said),
            "authoredOn": ago(said["ago"], self.now),
        }

    def _more(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, resources in self.scenario.get("records", {}).items():
            for place, one in enumerate(resources):
                yield key, {"id": f"{key}-{place}", **_shorthand(one)}


_PRIORS = {"report": Record._report, "study": Record._study, "procedure": Record._procedure, "request": Record._request}


def _status(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/condition-{system}", "code": code}]}


def _shorthand(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource in which ``code`` and ``type`` may be written as in a reason."""
    short = {
        name: concept(resource[name]) for name in ("code", "type", "medicationCodeableConcept") if name in resource
    }
    return {**resource, **short}


def _bundle(kind: str, resources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    holder = "patient" if kind in _BY_PATIENT else "subject"
    made = [
        {"resourceType": kind, "id": f"{kind.lower()}-{place}", holder: SUBJECT, **one}
        for place, one in enumerate(resources)
    ]
    entries = [{"resource": one, "search": {"mode": "match"}} for one in made]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
