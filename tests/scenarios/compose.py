"""
Builds a whole CDS Hooks request from a few lines of YAML: a child, an order, and what the record holds.

A scenario says ``sign.vomiting: absent``; the request carries an Observation with the code a hospital would
use and ``valueBoolean: false``. Which code that is stands in the shipped lists of findings, so a scenario
names facts and the service must find them again in FHIR.
"""

from __future__ import annotations

import calendar
import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FINDINGS = Path(__file__).parents[2] / "rules" / "codes" / "findings"
PATIENT, VISIT, ORDER = "child", "visit", "draft"
SUBJECT = {"reference": f"Patient/{PATIENT}"}
SYSTEMS = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
}
CLASSES = {"ambulatory": "AMB", "emergency": "EMER", "inpatient": "IMP", "observation": "OBSENC"}
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
_OTHER = frozenset(["id", "verification", "clinical", "onset", "here"])  # of a condition
_BY_PATIENT = ("Device", "AllergyIntolerance")
_MEASURED = ("sign.fever", "safety.premature_birth", "exam.ultrasound_result")
_STATES = {"present": {"valueBoolean": True}, "absent": {"valueBoolean": False}}
_EXAMINED = timedelta(minutes=20)


def request(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """
    The body of the call that *scenario* describes.

    >>> made = request({"order": {"exam": "CT head"}, "child": {"age": "9 years"}, "at": "2026-03-02T14:00:00Z"})
    >>> made["prefetch"]["patient"]["birthDate"], made["context"]["draftOrders"]["entry"][0]["resource"]["status"]
    ('2017-03-02', 'draft')
    """
    now = moment(scenario["at"])
    visit = scenario.get("visit", "ambulatory")
    told = _Told(scenario, now, visit)
    made = {
        "hook": scenario.get("hook", "order-sign"),
        "hookInstance": "5f0c1c0e-6d0b-4c0e-9a56-0d5a8a1d1f02",
        "context": {
            "userId": "Practitioner/example",
            "patientId": PATIENT,
            **({} if visit == "none" else {"encounterId": VISIT}),
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": told.orders()},
        },
        "prefetch": {**told.prefetch(), **_visit(visit)},
    }
    if made["hook"] == "order-select":
        made["context"]["selections"] = scenario.get("selections", [f"ServiceRequest/{ORDER}-1"])
    for key in scenario.get("without", ()):
        del made["prefetch"][key]
    made = json.loads(json.dumps(made))  # resources share their subject until here
    for path, value in scenario.get("set", {}).items():
        put(made, path, value)
    return made


def moment(text: str) -> datetime:
    """
    A point in time with its offset.

    >>> moment("2026-03-02T14:00:00Z").isoformat()
    '2026-03-02T14:00:00+00:00'
    """
    return datetime.fromisoformat(text)


def born(age: str, today: date) -> date:
    """
    The birth date of a child who is *age* old today, to the day.

    >>> born("17 years 364 days", date(2026, 11, 23)).isoformat()
    '2008-11-24'
    >>> born("1 month", date(2026, 3, 31)).isoformat()
    '2026-02-28'
    """
    months, days = 0, 0
    words = age.split()
    for number, unit in zip(words[::2], words[1::2], strict=True):
        size = {"year": 12, "month": 1, "week": 7, "day": 1}[unit.rstrip("s")]
        if unit.startswith(("year", "month")):
            months += int(number) * size
        else:
            days += int(number) * size
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    day = min(today.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=days)


def ago(text: str, now: datetime) -> str:
    """
    The FHIR time that lies *text* before *now*.

    >>> ago("5 hours", moment("2026-03-02T14:00:00Z"))
    '2026-03-02T09:00:00Z'
    """
    number, unit = text.split()
    span = timedelta(days=int(number) * 365) if unit.startswith("year") else timedelta(**{_plural(unit): float(number)})
    return stamp(now - span)


def _plural(unit: str) -> str:
    return unit if unit.endswith("s") else unit + "s"


def stamp(when: datetime) -> str:
    """*when* as FHIR writes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def put(made: Any, path: str, value: Any) -> None:
    """
    Set the value at a dotted *path*; the value ``removed`` takes the member away.

    >>> whole = {"a": [{"b": 1}]}
    >>> put(whole, "a.0.b", "removed"); put(whole, "a.0.c", 2); whole
    {'a': [{'c': 2}]}
    """
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        made = made[step]
    if value == "removed":
        del made[last]
    else:
        made[last] = value


def merged(base: Any, change: Any) -> Any:
    """
    *base* with *change* laid over it: mappings member by member, null takes a member away, all else replaces.

    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": 4}})
    {'b': {'c': 4, 'd': 3}}
    """
    if not isinstance(base, dict) or not isinstance(change, dict):
        return copy.deepcopy(change)
    laid = {**base, **{name: merged(base.get(name), value) for name, value in change.items()}}
    return {name: value for name, value in laid.items() if value is not None}


def concept(said: Any) -> dict[str, Any]:
    """
    A CodeableConcept from words, or from ``{icd10cm: R56.00, text: …}``.

    >>> concept({"icd10cm": "R56.00", "text": "fit"})["coding"]
    [{'system': 'http://hl7.org/fhir/sid/icd-10-cm', 'code': 'R56.00', 'display': 'fit'}]
    >>> concept("fever")
    {'text': 'fever'}
    """
    if isinstance(said, str):
        return {"text": said}
    if odd := set(said) - {"text", *SYSTEMS} - _OTHER:
        raise ValueError(f"{said}: not understood: {', '.join(map(str, odd))}")
    text = said.get("text")
    named = {"display": text} if text else {}
    codings = [{"system": SYSTEMS[name], "code": str(said[name]), **named} for name in SYSTEMS if name in said]
    return {**({"coding": codings} if codings else {}), **({"text": text} if text else {})}


def _visit(visit: str) -> dict[str, Any]:
    if visit == "none":
        return {}
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": CLASSES[visit]}
    return {
        "encounter": {
            "resourceType": "Encounter",
            "id": VISIT,
            "status": "in-progress",
            "class": kind,
            "subject": SUBJECT,
        }
    }


class _Told:
    """What one scenario tells, as FHIR resources."""

    def __init__(self, scenario: Mapping[str, Any], now: datetime, visit: str) -> None:
        self.scenario, self.now = scenario, now
        self.visit = {} if visit == "none" else {"encounter": {"reference": f"Encounter/{VISIT}"}}

    # the order

    def orders(self) -> list[dict[str, Any]]:
        """The draft orders as entries of a Bundle."""
        told = [self.scenario["order"], *self.scenario.get("also", ())]
        return [{"resource": self._order(place + 1, one)} for place, one in enumerate(told)]

    def _order(self, place: int, said: Mapping[str, Any]) -> dict[str, Any]:
        reasons = said.get("reason", [])
        listed = reasons if isinstance(reasons, list) else [reasons]
        made = {
            "resourceType": "ServiceRequest",
            "id": f"{ORDER}-{place}",
            "status": "draft",
            "intent": "order",
            "category": [concept({"snomed": "363679005", "text": "Imaging"})],
            "priority": said.get("priority", "routine"),
            "code": _exam(said),
            "subject": SUBJECT,
            **self.visit,
            "requester": {"reference": "Practitioner/example"},
            "authoredOn": stamp(self.now - timedelta(minutes=1)),
            "reasonCode": [concept(one) for one in listed],
            "reasonReference": [{"reference": f"Condition/{one}"} for one in said.get("because_of", ())],
            "bodySite": [concept(said["site"])] if "site" in said else [],
            "orderDetail": [concept(said["detail"])] if "detail" in said else [],
            "note": [{"text": said["note"]}] if "note" in said else [],
        }
        return {name: value for name, value in made.items() if value != []}

    # the record

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
            status, value = told.get("status", "final"), _value(fact, told["value"], self.now)
            yield "observations", {"status": status, "code": carrier(fact), **seen, **value}

    def _form(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """A filled form, one question a fact, as a decision rule's form in an EHR."""
        answers = self.scenario.get("form", {})
        if answers:
            items = [
                {"linkId": known()[fact]["link_ids"][0], "answer": [_answer(fact, said, self.now)]}
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
            "code": _exam(said),
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
            "code": _exam(said),
            "performedDateTime": ago(said["ago"], self.now),
        }

    def _request(self, name: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return "orders", {
            "id": name,
            "status": said.get("status", "active"),
            "intent": "order",
            "code": _exam(said),
            "authoredOn": ago(said["ago"], self.now),
        }

    def _more(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, resources in self.scenario.get("records", {}).items():
            for place, one in enumerate(resources):
                yield key, {"id": f"{key}-{place}", **_shorthand(one)}


_PRIORS = {"report": _Told._report, "study": _Told._study, "procedure": _Told._procedure, "request": _Told._request}


def _exam(said: Mapping[str, Any]) -> dict[str, Any]:
    return concept({"text": said.get("exam"), **{name: said[name] for name in SYSTEMS if name in said}})


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


# findings


@lru_cache(maxsize=1)
def known() -> dict[str, dict[str, Any]]:
    """Every finding the shipped lists know, by the name of its fact."""
    facts: dict[str, dict[str, Any]] = {}
    for file in sorted(FINDINGS.glob("*.yaml")):
        facts.update(yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader).get("facts") or {})
    return facts


def carrier(fact: str) -> dict[str, Any]:
    """
    The code of an Observation that asks for *fact*: its question in LOINC where there is one, and words.

    >>> carrier("score.gcs")["coding"][0]["code"]
    '9269-2'
    >>> carrier("sign.papilledema")
    {'text': 'papilledema'}
    """
    listed = known()[fact]
    asked = [] if fact in _MEASURED else listed.get("question", {}).get("loinc", [])
    words = listed["texts"][0]
    return concept({"loinc": asked[0], "text": words}) if asked else concept(words)


def _value(fact: str, said: Any, now: datetime) -> dict[str, Any]:
    """What the Observation says: a boolean, a quantity, a time or a coded word."""
    listed = known()[fact]
    if listed.get("time_since"):
        return {"valueDateTime": ago(f"{said} hours", now)}
    if listed["kind"] == "number":
        return {"valueQuantity": {"value": said, "unit": listed["unit"], "code": listed["unit"]}}
    if listed["kind"] == "flag" and said in _STATES:
        return dict(_STATES[said])
    return {"valueCodeableConcept": {"text": str(said).replace("-", " ")}}


def _answer(fact: str, said: Any, now: datetime) -> dict[str, Any]:
    """The same as a form says it, where a word is a string."""
    value = _value(fact, said, now)
    word = value.get("valueCodeableConcept")
    return {"valueString": word["text"]} if word else value
