"""
Log lines by allow-list.

A log is read by many and kept for long, so a line holds an event, a time, and the fields
in ``FIELDS``; anything else is dropped, not masked. None of them can hold a name, an id
of a patient, a free text or a token.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from cds_service.telemetry.requests import REQUEST

FIELDS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "service",
        "client",
        "hook",
        "status",
        "reason",
        "member",
        "error",
        "place",
        "milliseconds",
        "decision",
        "revision",
        "digest",
        "cards",
        "orders",
        "rules",
        "rule",
        "indicator",
        "outcome",
        "count",
        "problem",
        "topics",
        "checks",
        "safety",
        "definitions",
        "examples",
        "dormant",
        "exam_codes",
        "reasons",
        "facts",
        "setting",
        "host",
        "port",
        "version",
        "kind",
        "request",
    }
)
"""The only fields a log line may have."""

_OUR_SERVER = ("uvicorn.error", "uvicorn")
_LONGEST = 300


def allowed(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """
    *line* with allowed fields only, each a number, a truth or a short printable text.

    >>> allowed(None, "", {"event": "advised", "cards": 1, "patient": "kid-1"})
    {'event': 'advised', 'cards': 1}
    """
    return {name: _safe(value) for name, value in line.items() if name in FIELDS}


def _of_request(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """*line* with the id of the request it is about, if it is about one."""
    request = REQUEST.get()
    if request:
        line["request"] = request
    return line


def _safe(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)[:_LONGEST]
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)


def place(error: BaseException) -> str:
    """
    Where *error* was raised: module and line, never its message, which may quote the record.

    >>> place(ValueError("Jane Doe"))
    ''
    """
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}"


class LibraryLines(logging.Formatter):
    """
    Lines of libraries as JSON: our server's own words, of all others only who spoke.

    HTTP libraries log URLs, and a URL may hold a patient's id.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"event": "library", "level": record.levelname.lower(), "logger": record.name}
        if record.name in _OUR_SERVER and not record.exc_info:
            line["event"] = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            line |= {"error": type(record.exc_info[1]).__name__, "place": place(record.exc_info[1])}
        return json.dumps(dict(allowed(None, "", line)))


class Sink(io.TextIOBase):
    """
    Where log lines go: *stream*, or whatever is standard error when a line is written.

    A full disk or a closed stream loses lines, never advice.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write *text* if that is possible."""
        with suppress(OSError, ValueError):
            return (self._stream or sys.stderr).write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if that is possible."""
        with suppress(OSError, ValueError):
            (self._stream or sys.stderr).flush()


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line, ours and libraries', as one JSON object to *stream* (standard error)."""
    number = getattr(logging, level.upper())
    sink = Sink(stream)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _of_request,
            allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", sink)),
        cache_logger_on_first_use=False,
    )
    _CONFIGURED["logger"] = structlog.get_logger().bind()
    handler = logging.StreamHandler(sink)
    handler.setFormatter(LibraryLines())
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True


def log() -> Any:
    """The logger of the service; ``log().info("event in words", status=200)``."""
    return _CONFIGURED.get("logger") or structlog.get_logger()


_CONFIGURED: dict[str, Any] = {}
"""The logger once it is configured; finding out how to log anew for every line costs more than a line left out."""
