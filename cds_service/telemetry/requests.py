"""
One id for each request, in every log line about it and in the answer.

A caller's own is taken when it is a UUID or a trace id: hexadecimal digits and hyphens only. In anything freer a name
or a record number could hide, and log lines would carry it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Final

from cds_service.randomness import random_bytes

HEADER: Final = b"x-request-id"
REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the request being answered; "" outside of one."""

_SANE: Final = re.compile(rb"[0-9A-Fa-f][0-9A-Fa-f-]{14,62}[0-9A-Fa-f]")


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """
    The id a request brings, or a new one.

    >>> request_id([(b"x-request-id", b"5f0c1c0e-6d0b-4c0e-9a56-0d5a8a1d1f02")])
    '5f0c1c0e-6d0b-4c0e-9a56-0d5a8a1d1f02'
    >>> len(request_id([(b"x-request-id", b"Jane Doe, MRN 12345")]))
    32
    """
    for name, value in headers:
        if name == HEADER and _SANE.fullmatch(value):
            return value.decode()
    return random_bytes(16).hex()
