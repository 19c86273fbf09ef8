"""``openapi.yaml`` turned into requests by a tool that does not know the service: every answer is one the contract has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.properties.clinic import Clinic, opened

CONTRACT = schemathesis.openapi.from_path(Path(__file__).parents[1] / "openapi.yaml")
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]

bounded = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with opened(tmp_path_factory.mktemp("contract")) as clinic:
        yield clinic
        assert clinic.faults() == 0


@CONTRACT.parametrize()
@bounded
def test_every_answer_is_one_the_contract_has(case, clinic):
    sent = case.as_transport_kwargs(base_url="http://cds.test")
    assert not sent.pop("cookies", None)
    sent["content"] = sent.pop("data", None)
    case.validate_response(clinic.request(**sent), checks=CHECKS)
