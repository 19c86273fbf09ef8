"""One running service for all tests here; every test must leave it without a fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.properties.clinic import Clinic, opened


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with opened(tmp_path_factory.mktemp("clinic")) as clinic:
        yield clinic


@pytest.fixture
def clinic(service: Clinic) -> Iterator[Clinic]:
    """The service; fails the test when one of its answers hid a fault."""
    before = service.faults()
    yield service
    assert service.faults() == before
