"""What each process that runs tests makes once, and what it puts back after each."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import structlog

from cds_service import content, folders
from cds_service.telemetry import lines
from cds_service.vocabulary.exam_codes import ExamCodes

_WHOLE = 100
"""The shipped content has more files than this, what tests make of their own has fewer."""


@pytest.fixture(autouse=True, scope="session")
def built_once() -> Iterator[None]:
    """
    The shipped content, seconds of work, is built once for each way of asking: nothing changes it afterwards.

    Its code lists are kept where a test changes something else, as a running service does when a file is edited.
    """
    build, exam_lists, known, lists = content.build, content.exam_lists, {}, {}

    def once(files: Mapping[str, bytes], **how: Any) -> content.Content:
        if len(files) < _WHOLE:
            return build(files, **how)
        how["before"] = how.get("before") or next(iter(known.values()), None)
        if how.get("inspect"):
            return build(files, **how)
        asked = folders.digest(files), *sorted((name, str(how[name])) for name in how.keys() - {"before"})
        if asked not in known:
            known[asked] = build(files, **how)
        return known[asked]

    def read_once(files: Mapping[str, bytes], licences: frozenset[str] = frozenset()) -> ExamCodes:
        asked = folders.digest({name: files[name] for name in files if name.startswith(content.EXAM_LISTS)}), licences
        if asked not in lists:
            lists[asked] = exam_lists(files, licences)
        return lists[asked]

    content.build, content.exam_lists = once, read_once
    yield
    content.build, content.exam_lists = build, exam_lists


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
