"""The PostgreSQL server, one for all tests of a process that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.storage.server import Server, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with running() as server:
        yield server
