"""Worked examples of how findings stand in real records, and what each must be read as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.vocabulary.finding_codes import FindingCodes

from .conftest import Read, told

EXAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "examples.json").read_text())


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["name"] for example in EXAMPLES])
def test_reads_as_expected(example: dict[str, Any], read: Read, codes: FindingCodes) -> None:
    findings = read(*example["resources"])
    assert {name: told(findings, name, codes) for name in example["reads"]} == example["reads"]


def test_evidence_says_what_stands_where_and_when(read: Read) -> None:
    by_name = {example["name"]: example for example in EXAMPLES}
    findings = read(*by_name["The code says vomiting, the value says absent"]["resources"])
    assert findings["sign.vomiting"].evidence == (("Vomiting: absent", "Observation/vom1", "2026-03-14"),)


def test_a_sensitive_fact_leaves_no_evidence(read: Read) -> None:
    by_name = {example["name"]: example for example in EXAMPLES}
    findings = read(*by_name["Suspected abuse, when it can be seen"]["resources"])
    assert findings["safety.suspected_physical_abuse"].value == {"suspected"}
    assert findings["safety.suspected_physical_abuse"].evidence == ()
