"""
How a record carries a finding: the code of the question, and the value that answers it.

Which codes those are stands in the shipped lists of findings, so a scenario names facts and the service must
find them again in FHIR.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tests.scenarios.times import ago

FINDINGS = Path(__file__).parents[2] / "rules" / "codes" / "findings"
SYSTEMS = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
}
_OTHER = frozenset(["id", "verification", "clinical", "onset", "here"])  # of a condition
_MEASURED = ("sign.fever", "safety.premature_birth", "exam.ultrasound_result")
_STATES = {"present": {"valueBoolean": True}, "absent": {"valueBoolean": False}}


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


def exam_code(said: dict[str, Any]) -> dict[str, Any]:
    """The code of an exam that is told in words, in codes, or in both."""
    return concept({"text": said.get("exam"), **{name: said[name] for name in SYSTEMS if name in said}})


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


def value_of(fact: str, said: Any, now: datetime) -> dict[str, Any]:
    """What the Observation says: a boolean, a quantity, a time or a coded word."""
    listed = known()[fact]
    if listed.get("time_since"):
        return {"valueDateTime": ago(f"{said} hours", now)}
    if listed["kind"] == "number":
        return {"valueQuantity": {"value": said, "unit": listed["unit"], "code": listed["unit"]}}
    if listed["kind"] == "flag" and said in _STATES:
        return dict(_STATES[said])
    return {"valueCodeableConcept": {"text": str(said).replace("-", " ")}}


def answer_of(fact: str, said: Any, now: datetime) -> dict[str, Any]:
    """The same as a form says it, where a word is a string."""
    value = value_of(fact, said, now)
    word = value.get("valueCodeableConcept")
    return {"valueString": word["text"]} if word else value
