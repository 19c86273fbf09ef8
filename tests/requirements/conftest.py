"""One service and one EHR for the tests of a file: to start them takes longer than to ask them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements import figures
from tests.requirements.service import Ehr, Service, ehr, running


@pytest.fixture(scope="module")
def hospital() -> Iterator[Ehr]:
    """The EHR's FHIR server."""
    with ehr() as one:
        yield one


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, hospital: Ehr) -> Iterator[Service]:
    """The service, which may ask that EHR."""
    data: Path = tmp_path_factory.mktemp("service")
    with running(
        data,
        CDS_FHIR_SERVERS=hospital.base,
        CDS_DEADLINE_MS="1500",
        HTTP_PROXY="http://127.0.0.1:9",
        ALL_PROXY="http://127.0.0.1:9",
    ) as one:
        yield one


@pytest.fixture
def service(started: Service, hospital: Ehr) -> Iterator[Service]:
    """The service beside an EHR that holds nothing; alive when a test is over."""
    hospital.forget()
    yield started
    assert started.process.poll() is None, started.said()[-2000:]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of the long runs, last of all."""
    if figures.SAID:
        terminalreporter.section("figures")
        for line in figures.SAID:
            terminalreporter.write_line(line)
