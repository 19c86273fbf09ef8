"""
A token as text: three parts, two of them strict JSON, nothing in them twice.

Nothing is believed here; the signature is still to come.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

LONGEST_TOKEN = 8_192
_FORM = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_LAST = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
"""What the last letter may be where it carries fewer than six bits: the rest are zero."""

_OBJECT = msgspec.json.Decoder(dict[str, Any])


class NotToken(ValueError):
    """What was sent is no token; the message is the reason."""


class Token(NamedTuple):
    """The parts of a token: header and claims as they came, the bytes that were signed, the signature."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def read_token(sent: bytes) -> Token:
    """Take *sent* apart. Raises NotToken with ``size``, ``form`` or ``duplicate name``."""
    if len(sent) > LONGEST_TOKEN:
        raise NotToken("size")
    parts = _FORM.fullmatch(sent)
    if parts is None:
        raise NotToken("form")
    header, claims, signature = parts.groups()
    return Token(_header(header), _object(_plain(claims)), sent[: parts.end(2)], _plain(signature))


@lru_cache(100)
def _header(part: bytes) -> Mapping[str, Any]:
    """The header; a client's is the same in all its tokens."""
    return MappingProxyType(_object(_plain(part)))


def _plain(part: bytes) -> bytes:
    """The bytes *part* stands for; another spelling of the same bytes is refused."""
    over = len(part) % 4
    if over == 1 or (over and part[-1] not in _LAST[over]):
        raise NotToken("form")
    return a2b_base64(part.translate(_STANDARD) + b"=" * (-over % 4))


def _object(source: bytes) -> dict[str, Any]:
    """
    The JSON object in *source*.

    The parser keeps the last of two members of one name; so as many colons outside text as members, or it is refused.

    >>> _object(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    cds_service.clients.tokens.NotToken: duplicate name
    """
    try:
        source.decode("utf-8")
        read = _OBJECT.decode(source)
        members = _members(read)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise NotToken("form") from None
    if _colons(source) != members:
        raise NotToken("duplicate name")
    return read


def _members(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_members(one) for one in value.values() if isinstance(one, dict | list))
    return sum(_members(one) for one in value if isinstance(one, dict | list))


def _colons(source: bytes) -> int:
    if b"\\" in source:
        source = source.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(source.split(b'"')[::2]).count(b":")
