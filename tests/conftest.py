"""How the tests are shared out between processes."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what is made once a file, a running service mostly, run in one process: it is made once."""
    for item in items:
        known = getattr(item, "_fixtureinfo", None)
        fixtures = known.name2fixturedefs.values() if known is not None else ()
        if any(one.scope == "module" for defined in fixtures for one in defined):
            item.add_marker(pytest.mark.xdist_group(item.location[0]))
