"""How the tests are shared out between processes, and what each process makes once."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import structlog

from cds_service import content, folders
from cds_service.telemetry import lines

_WHOLE = 100
"""The shipped content has more files than this, what tests make of their own has fewer."""


@pytest.fixture(autouse=True, scope="session")
def built_once() -> Iterator[None]:
    """The shipped content, seconds of work, is built once for each way of asking: nothing changes it afterwards."""
    build, known = content.build, {}

    def once(files: Mapping[str, bytes], **how: Any) -> content.Content:
        if len(files) < _WHOLE or how.get("inspect"):
            return build(files, **how)
        asked = folders.digest(files), *sorted((name, str(value)) for name, value in how.items())
        if asked not in known:
            known[asked] = build(files, **how)
        return known[asked]

    content.build = once
    yield
    content.build = build


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """What one test set up to be logged, and where, is gone before the next."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    if lines._CONFIGURED:
        structlog.reset_defaults()
        lines._CONFIGURED.clear()
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.getLogger("uvicorn.access").disabled = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what is made once a file, a running service mostly, run in one process: it is made once."""
    for item in items:
        known = getattr(item, "_fixtureinfo", None)
        fixtures = known.name2fixturedefs.values() if known is not None else ()
        if any(one.scope == "module" for defined in fixtures for one in defined):
            item.add_marker(pytest.mark.xdist_group(item.location[0]))
